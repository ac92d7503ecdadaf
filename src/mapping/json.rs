//! A strict pull tokenizer for JSON (RFC 8259) over a text in memory.
//!
//! Always refused: duplicate keys, trailing garbage, lone surrogates, raw control characters, a byte order mark, more than 64
//! levels, a text over 64 KiB (contents are handed out in pieces instead). Numbers stay their literal token.

use super::fault::{FaultKind, Found, short};
use super::slip::{Lexed, MAX_DEPTH, MAX_TEXT, Slip};
use std::borrow::Cow;
use std::collections::HashSet;

/// The tokenizer.
pub(crate) struct Json<'a> {
    src: &'a str,
    at: usize,
    depth: usize,
}

/// What value stands next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    True,
    False,
    Null,
}

/// Notices duplicate keys: linear while few, hashed beyond.
#[derive(Default)]
pub(crate) struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

const FEW: usize = 24;

// === impl Json ===

impl<'a> Json<'a> {
    pub(crate) fn new(src: &'a str) -> Self {
        Self { src, at: 0, depth: 0 }
    }

    /// Goes to a byte offset inside the same text, as deep as `depth`.
    pub(crate) fn resume(src: &'a str, at: usize, depth: usize) -> Self {
        Self { src, at, depth }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    fn byte(&self) -> Option<u8> {
        self.src.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn wrong<T>(&self, vi: &str, en: &str) -> Lexed<T> {
        let found = match self.src.get(self.at..).and_then(|r| r.chars().next()) {
            None => Found::Nothing,
            Some(c) if "{}[]:,\"".contains(c) => Found::Name(c.to_string().into()),
            Some(_) => Found::Unsaid,
        };
        Err(Slip::found(self.at, FaultKind::Syntax, vi, en, found))
    }

    /// The kind of the next value; nothing is consumed but blanks.
    pub(crate) fn kind(&mut self) -> Lexed<Kind> {
        self.blanks();
        Ok(match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::Text,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'n') => Kind::Null,
            _ => return self.wrong("một giá trị JSON", "a JSON value"),
        })
    }

    /// Consumes `{` or `[`.
    pub(crate) fn open(&mut self) -> Lexed<()> {
        if self.depth >= MAX_DEPTH {
            return Err(Slip::too_deep(self.at));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
    }

    /// The next key of an object with its offset, or its end.
    pub(crate) fn key(&mut self, first: bool) -> Lexed<Option<(Cow<'a, str>, usize)>> {
        self.blanks();
        match self.byte() {
            Some(b'}') => {
                self.close();
                return Ok(None);
            }
            Some(b',') if !first => {
                self.at += 1;
                self.blanks();
            }
            _ if first => {}
            _ => return self.wrong("dấu phẩy hoặc }", "a comma or }"),
        }
        if self.byte() != Some(b'"') {
            return self.wrong("tên trường trong ngoặc kép", "a key in double quotes");
        }
        let at = self.at;
        let key = self.text()?;
        self.blanks();
        if self.byte() != Some(b':') {
            return self.wrong("dấu hai chấm", "a colon");
        }
        self.at += 1;
        Ok(Some((key, at)))
    }

    /// Whether an array goes on.
    pub(crate) fn item(&mut self, first: bool) -> Lexed<bool> {
        self.blanks();
        match self.byte() {
            Some(b']') => {
                self.close();
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            _ if first => Ok(true),
            _ => self.wrong("dấu phẩy hoặc ]", "a comma or ]"),
        }
    }

    /// A text of bounded length.
    pub(crate) fn text(&mut self) -> Lexed<Cow<'a, str>> {
        let start = self.at;
        let plain = self.plain_run()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return if plain.len() > MAX_TEXT { Err(Slip::too_long(start)) } else { Ok(Cow::Borrowed(plain)) };
        }
        let mut text = plain.to_owned();
        self.pieces_until_quote(&mut |_, piece| {
            text.push_str(piece);
            if text.len() > MAX_TEXT { Err(Slip::too_long(start)) } else { Ok(()) }
        })?;
        Ok(Cow::Owned(text))
    }

    /// A text of any length, handed out in pieces, each with its place.
    pub(crate) fn text_pieces(&mut self, take: &mut dyn FnMut(usize, &str) -> Lexed<()>) -> Lexed<()> {
        let run = self.plain_run()?;
        take(self.at - run.len(), run)?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(());
        }
        self.pieces_until_quote(take)
    }

    /// From after the opening quote (consumed here) up to a quote, backslash or control character.
    fn plain_run(&mut self) -> Lexed<&'a str> {
        self.at += 1;
        self.run()
    }

    fn run(&mut self) -> Lexed<&'a str> {
        let rest = self.src.as_bytes().get(self.at..).unwrap_or(&[]);
        let Some(len) = run_len(rest) else {
            self.at = self.src.len();
            return self.wrong("dấu ngoặc kép đóng", "a closing double quote");
        };
        let run = self.src.get(self.at..self.at + len).unwrap_or("");
        self.at += len;
        match self.byte() {
            Some(b'"' | b'\\') => Ok(run),
            _ => self.wrong("ký tự điều khiển viết dạng \\u", "control characters written as \\u"),
        }
    }

    fn pieces_until_quote(&mut self, take: &mut dyn FnMut(usize, &str) -> Lexed<()>) -> Lexed<()> {
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    take(self.at, c.encode_utf8(&mut [0; 4]))?;
                }
                _ => {
                    let run = self.run()?;
                    take(self.at - run.len(), run)?;
                }
            }
        }
    }

    fn escape(&mut self) -> Lexed<char> {
        let start = self.at;
        self.at += 1;
        let c = self.byte();
        self.at += 1;
        Ok(match c {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => {
                self.at = start;
                return self.wrong("chuỗi thoát hợp lệ", "a valid escape");
            }
        })
    }

    fn unicode(&mut self, start: usize) -> Lexed<char> {
        let slip =
            || Slip::syntax(start, "\\u và bốn chữ số thập lục phân, không lẻ cặp", "\\u and four hex digits, no lone surrogate");
        let high = self.hex4().ok_or_else(slip)?;
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or_else(slip);
        }
        let next = self.src.as_bytes().get(self.at..self.at + 2);
        if high >= 0xdc00 || next != Some(b"\\u") {
            return Err(slip());
        }
        self.at += 2;
        let low = self.hex4().filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(slip)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(slip)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.src.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// A number's literal token.
    pub(crate) fn number(&mut self) -> Lexed<&'a str> {
        let rest = self.src.get(self.at..).unwrap_or("");
        let len = number_len(rest.as_bytes()).filter(|len| *len <= 400);
        match len {
            Some(len) => {
                self.at += len;
                Ok(rest.get(..len).unwrap_or(""))
            }
            None => self.wrong("một số JSON", "a JSON number"),
        }
    }

    /// `true`, `false` or `null`.
    pub(crate) fn word(&mut self) -> Lexed<()> {
        let rest = self.src.get(self.at..).unwrap_or("");
        for word in ["true", "false", "null"] {
            if let Some(after) = rest.strip_prefix(word)
                && !after.starts_with(|c: char| c.is_ascii_alphanumeric())
            {
                self.at += word.len();
                return Ok(());
            }
        }
        self.wrong("true, false hoặc null", "true, false or null")
    }

    /// Passes over a value, checking it whole.
    pub(crate) fn skip(&mut self) -> Lexed<()> {
        self.over(true)
    }

    /// Passes over a value that is refused for itself, up to its end: duplicate keys do not hide where that is.
    pub(crate) fn pass(&mut self) -> Lexed<()> {
        self.over(false)
    }

    fn over(&mut self, unique: bool) -> Lexed<()> {
        match self.kind()? {
            Kind::Text => self.text_pieces(&mut |_, _| Ok(())),
            Kind::Number => self.number().map(|_| ()),
            Kind::True | Kind::False | Kind::Null => self.word(),
            Kind::Array => {
                self.open()?;
                let mut first = true;
                while self.item(first)? {
                    first = false;
                    self.over(unique)?;
                }
                Ok(())
            }
            Kind::Object => {
                self.open()?;
                let mut keys = Keys::default();
                let mut first = true;
                while let Some((key, at)) = self.key(first)? {
                    first = false;
                    if unique {
                        keys.add(key, at)?;
                    }
                    self.over(unique)?;
                }
                Ok(())
            }
        }
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Lexed<()> {
        self.blanks();
        if self.at == self.src.len() { Ok(()) } else { self.wrong("hết văn bản", "the end of the text") }
    }
}

/// How far a text runs without a quote, a backslash or a control character; `None` to the end.
fn run_len(bytes: &[u8]) -> Option<usize> {
    const CHUNK: usize = 16;
    let ends = |b: &u8| matches!(b, b'"' | b'\\' | 0..=0x1f);
    let clear = |chunk: &&[u8]| !chunk.iter().fold(false, |end, b| end | (*b == b'"') | (*b == b'\\') | (*b < 0x20));
    let from = bytes.chunks_exact(CHUNK).take_while(clear).count() * CHUNK;
    bytes.get(from..)?.iter().position(ends).map(|len| from + len)
}

/// The length of a JSON number at the start of `bytes`.
pub(crate) fn number_len(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes.get(from..).unwrap_or(&[]).iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes.get(at) == Some(&b'0')) {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

// === impl Keys ===

impl<'a> Keys<'a> {
    /// Notes a key; a second one alike is a slip.
    pub(crate) fn add(&mut self, key: Cow<'a, str>, at: usize) -> Lexed<()> {
        let twice =
            |key: &str| Slip::found(at, FaultKind::Duplicate, "mỗi tên một lần", "each name once", Found::Name(short(key)));
        if self.many.is_empty() && self.few.len() < FEW {
            if self.few.contains(&key) {
                return Err(twice(&key));
            }
            self.few.push(key);
            return Ok(());
        }
        self.many.extend(self.few.drain(..));
        if self.many.contains(&key) {
            return Err(twice(&key));
        }
        self.many.insert(key);
        Ok(())
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;

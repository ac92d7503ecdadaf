//! A strict namespace-aware pull reader over quick-xml's events.
//!
//! Accepts namespace-well-formed XML 1.0 (5th edition) without a document type declaration, in UTF-8 or in UTF-16 by its mark.
//! Always refused: any DOCTYPE; two roots or none; an unclosed root; text outside the root; bad names and characters; duplicate
//! attributes by expanded name; unbound prefixes; `]]>` in text; `<` in attributes; a target `xml`; entities beyond the five and
//! character references; more than 64 levels, 256 attributes, 64 KiB of text (contents excepted: `long_text`).

use super::fault::{FaultKind, Found, short};
use super::slip::{Lexed, MAX_ATTRIBUTES, MAX_DEPTH, MAX_TEXT, Slip};
use super::xml_chars::{bad_char, entity, is_blank, is_ncname, split_qname};
use quick_xml::events::Event as Quick;
use std::borrow::Cow;

/// The namespace of `xml:`.
pub(crate) const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";

/// The reader.
pub(crate) struct Xml<'a> {
    src: &'a str,
    /// Where the reader's slice starts in `src`.
    base: usize,
    quick: quick_xml::Reader<&'a [u8]>,
    open: Vec<usize>,
    bindings: Vec<Binding<'a>>,
    attributes: Vec<Attribute<'a>>,
    seen_root: bool,
    end_pending: bool,
    run: usize,
    outer_depth: usize,
    last: usize,
    /// Lifts the limit of text length, while a content is read.
    pub(crate) long_text: bool,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A start tag; its attributes are in [`Xml::attributes`].
    Start(Name<'a>),
    /// An end tag.
    End,
    /// A piece of text; neighbouring pieces belong together.
    Text(Cow<'a, str>),
    /// The end of the document.
    Eof,
}

/// An expanded name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    /// Empty for none.
    pub(crate) ns: Cow<'a, str>,
    pub(crate) local: &'a str,
}

/// An attribute that is not a namespace declaration.
#[derive(Clone, Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: Cow<'a, str>,
    pub(crate) at: usize,
}

/// A prefix and its namespace.
#[derive(Clone, Debug)]
pub(crate) struct Binding<'a> {
    prefix: &'a str,
    uri: Cow<'a, str>,
}

/// The document as UTF-8 text: from UTF-16 by its mark; a UTF-8 mark is cut off.
pub(crate) fn decode(bytes: &[u8]) -> Lexed<Cow<'_, str>> {
    let pairs = |rest: &[u8], little: bool| {
        let units: Vec<u16> = rest
            .chunks(2)
            .map(|pair| match pair {
                [a, b] if little => u16::from_le_bytes([*a, *b]),
                [a, b] => u16::from_be_bytes([*a, *b]),
                _ => 0xdfff,
            })
            .collect();
        String::from_utf16(&units).map_err(|_| Slip::new(0, FaultKind::Encoding, "UTF-16 hợp lệ", "valid UTF-16"))
    };
    let (text, wide) = match bytes {
        [0xff, 0xfe, rest @ ..] => (Cow::Owned(pairs(rest, true)?), true),
        [0xfe, 0xff, rest @ ..] => (Cow::Owned(pairs(rest, false)?), true),
        [0xef, 0xbb, 0xbf, rest @ ..] => (Cow::Borrowed(super::slip::utf8(rest)?), false),
        _ => (Cow::Borrowed(super::slip::utf8(bytes)?), false),
    };
    // First: a document that names another encoding is told that, not that its bytes look odd.
    declaration(&text, wide)?;
    if let Some(at) = bad_char(&text) {
        return Err(Slip::syntax(at, "ký tự mà XML mang được", "characters that XML can carry"));
    }
    Ok(text)
}

/// Checks `<?xml …?>` where it stands at the start.
fn declaration(text: &str, wide: bool) -> Lexed<()> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|r| r.starts_with(|c| is_blank(c) || c == '?')) else { return Ok(()) };
    let slip = || Slip::syntax(0, "khai báo <?xml version=\"1.0\"?> hợp lệ", "a valid declaration <?xml version=\"1.0\"?>");
    let (inside, _) = rest.split_once("?>").ok_or_else(slip)?;
    let mut rest = inside;
    let mut order = ["version", "encoding", "standalone"].into_iter();
    let mut seen_version = false;
    while !rest.trim_matches(is_blank).is_empty() {
        let trimmed = rest.trim_start_matches(is_blank);
        if trimmed.len() == rest.len() {
            return Err(slip());
        }
        let (name, after) = trimmed.split_once('=').ok_or_else(slip)?;
        let name = name.trim_end_matches(is_blank);
        order.find(|word| *word == name).ok_or_else(slip)?;
        let after = after.trim_start_matches(is_blank);
        let quote = after.chars().next().filter(|c| "'\"".contains(*c)).ok_or_else(slip)?;
        let (value, next) = after.get(1..).and_then(|a| a.split_once(quote)).ok_or_else(slip)?;
        let fits = match name {
            "version" => {
                seen_version = true;
                value.strip_prefix("1.").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            }
            "standalone" => matches!(value, "yes" | "no"),
            _ => {
                let known = if wide { "utf-16" } else { "utf-8" };
                if !value.eq_ignore_ascii_case(known) {
                    let found = Found::Name(short(value));
                    return Err(Slip::found(
                        0,
                        FaultKind::Encoding,
                        "UTF-8, hoặc UTF-16 có dấu BOM",
                        "UTF-8, or UTF-16 by its mark",
                        found,
                    ));
                }
                true
            }
        };
        if !fits {
            return Err(slip());
        }
        rest = next;
    }
    if seen_version { Ok(()) } else { Err(slip()) }
}

// === impl Xml ===

impl<'a> Xml<'a> {
    /// Reads a decoded document.
    pub(crate) fn new(src: &'a str) -> Self {
        Self::over(src, 0, src, Vec::new(), 0)
    }

    /// Reads one whole element out of a document, with the bindings that hold there.
    pub(crate) fn fragment(src: &'a str, span: std::ops::Range<usize>, bindings: Vec<Binding<'a>>, depth: usize) -> Self {
        let start = span.start;
        Self::over(src, start, src.get(span).unwrap_or(""), bindings, depth)
    }

    fn over(src: &'a str, base: usize, slice: &'a str, bindings: Vec<Binding<'a>>, outer_depth: usize) -> Self {
        let mut quick = quick_xml::Reader::from_reader(slice.as_bytes());
        quick.config_mut().check_end_names = true;
        Self {
            src,
            base,
            quick,
            open: Vec::new(),
            bindings,
            attributes: Vec::new(),
            seen_root: false,
            end_pending: false,
            run: 0,
            outer_depth,
            last: base,
            long_text: false,
        }
    }

    /// The attributes of the last start tag.
    pub(crate) fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    /// Takes the attributes of the last start tag away.
    pub(crate) fn take_attributes(&mut self) -> Vec<Attribute<'a>> {
        std::mem::take(&mut self.attributes)
    }

    /// Gives an attribute buffer back for reuse.
    pub(crate) fn reuse(&mut self, mut buffer: Vec<Attribute<'a>>) {
        buffer.clear();
        self.attributes = buffer;
    }

    /// The bindings that hold now.
    pub(crate) fn bindings(&self) -> Vec<Binding<'a>> {
        self.bindings.clone()
    }

    /// Where the last event started.
    pub(crate) fn last(&self) -> usize {
        self.last
    }

    /// Where reading stands.
    pub(crate) fn offset(&self) -> usize {
        self.base + usize::try_from(self.quick.buffer_position()).unwrap_or(0)
    }

    pub(crate) fn depth(&self) -> usize {
        self.open.len() + self.outer_depth
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Lexed<Event<'a>> {
        if self.end_pending {
            self.end_pending = false;
            self.pop();
            return Ok(Event::End);
        }
        loop {
            let start = self.offset();
            self.last = start;
            let kind = match self.quick.read_event() {
                Ok(event) => Shape::of(&event),
                Err(error) => return Err(self.quick_slip(&error)),
            };
            let raw = self.src.get(start..self.offset()).unwrap_or("");
            match kind {
                Shape::Start(empty) => return self.start(raw, start, empty).map(Event::Start),
                Shape::End => {
                    self.end(raw, start)?;
                    return Ok(Event::End);
                }
                Shape::Text => {
                    if let Some(text) = self.text(raw, start)? {
                        return Ok(Event::Text(text));
                    }
                }
                Shape::CData => return self.cdata(raw, start).map(Event::Text),
                Shape::Reference => return self.reference(raw, start).map(Event::Text),
                Shape::Comment => comment(raw, start)?,
                Shape::Instruction => self.instruction(raw, start)?,
                Shape::Declaration if start == 0 && self.base == 0 => {}
                Shape::Declaration => {
                    return Err(Slip::syntax(start, "khai báo XML chỉ ở đầu văn bản", "an XML declaration only at the start"));
                }
                Shape::DocType => {
                    return Err(Slip::new(start, FaultKind::Dtd, "văn bản không có DOCTYPE", "a document without DOCTYPE"));
                }
                Shape::Eof => return self.eof(start),
            }
        }
    }

    /// Passes over the element whose start tag was just read.
    pub(crate) fn skip(&mut self) -> Lexed<()> {
        let depth = self.open.len();
        loop {
            match self.next()? {
                Event::End if self.open.len() < depth => return Ok(()),
                Event::Eof => return self.eof(self.offset()).map(|_| ()),
                _ => {}
            }
        }
    }

    fn eof(&self, at: usize) -> Lexed<Event<'a>> {
        if !self.open.is_empty() {
            return Err(Slip::found(at, FaultKind::Syntax, "thẻ đóng của mọi phần tử", "every element closed", Found::Nothing));
        }
        if !self.seen_root {
            return Err(Slip::found(at, FaultKind::Syntax, "một phần tử gốc", "a root element", Found::Nothing));
        }
        Ok(Event::Eof)
    }

    fn quick_slip(&self, error: &quick_xml::Error) -> Slip {
        let at = self.base + usize::try_from(self.quick.error_position()).unwrap_or(0);
        let text = match error {
            quick_xml::Error::IllFormed(e) => e.to_string(),
            quick_xml::Error::Syntax(e) => e.to_string(),
            _ => "well-formed XML".to_owned(),
        };
        // quick-xml's sentence may quote names of tags, never text or values.
        Slip::found(at, FaultKind::Syntax, "XML đúng cú pháp", "well-formed XML", Found::Name(short(&text)))
    }

    fn start(&mut self, raw: &'a str, at: usize, empty: bool) -> Lexed<Name<'a>> {
        if self.open.is_empty() && self.seen_root {
            return Err(Slip::syntax(at, "chỉ một phần tử gốc", "a single root element"));
        }
        if self.depth() >= MAX_DEPTH {
            return Err(Slip::too_deep(at));
        }
        self.seen_root = true;
        self.run = 0;
        let inside = raw.get(1..raw.len().saturating_sub(if empty { 2 } else { 1 })).unwrap_or("");
        let name_len = inside.find(is_blank).unwrap_or(inside.len());
        let (name, rest) = inside.split_at_checked(name_len).unwrap_or((inside, ""));
        self.open.push(self.bindings.len());
        self.end_pending = empty;
        let (prefix, local) = split_qname(name)
            .ok_or_else(|| Slip::found(at + 1, FaultKind::Syntax, "tên hợp lệ", "a valid name", Found::Name(short(name))))?;
        let mut found = Vec::new();
        self.scan(rest, at + 1 + name_len, &mut found)?;
        self.attributes.clear();
        for (prefix, local, value, at) in found {
            let ns = if prefix.is_empty() { Cow::Borrowed("") } else { self.resolve(prefix, at)? };
            self.attributes.push(Attribute { name: Name { ns, local }, value, at });
        }
        self.check_unique()?;
        Ok(Name { ns: self.resolve(prefix, at + 1)?, local })
    }

    /// The attributes of a start tag; namespace declarations go to the bindings.
    fn scan(&mut self, text: &'a str, base: usize, found: &mut Vec<(&'a str, &'a str, Cow<'a, str>, usize)>) -> Lexed<()> {
        let mut rest = text;
        let mut declared: Vec<&str> = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches(is_blank);
            let at = base + text.len() - trimmed.len();
            if trimmed.is_empty() {
                return Ok(());
            }
            if trimmed.len() == rest.len() {
                return Err(Slip::syntax(at, "khoảng trắng giữa các thuộc tính", "a blank between attributes"));
            }
            let slip = || Slip::syntax(at, "thuộc tính dạng tên=\"giá trị\"", "an attribute name=\"value\"");
            let (name, after) = trimmed.split_once('=').ok_or_else(slip)?;
            let (prefix, local) = split_qname(name.trim_end_matches(is_blank)).ok_or_else(slip)?;
            let after = after.trim_start_matches(is_blank);
            let quote = after.chars().next().filter(|c| "'\"".contains(*c)).ok_or_else(slip)?;
            let (value, next) = after.get(1..).and_then(|a| a.split_once(quote)).ok_or_else(slip)?;
            let value_at = base + text.len() - after.len() + 1;
            let value = attribute_value(value, value_at)?;
            if prefix == "xmlns" || (prefix.is_empty() && local == "xmlns") {
                let bound = if prefix.is_empty() { "" } else { local };
                if declared.contains(&bound) {
                    return Err(Slip::found(
                        at,
                        FaultKind::Duplicate,
                        "mỗi thuộc tính một lần",
                        "each attribute once",
                        Found::Name(short(name)),
                    ));
                }
                declared.push(bound);
                self.bind(bound, value, at)?;
            } else {
                found.push((prefix, local, value, at));
            }
            if found.len() + declared.len() > MAX_ATTRIBUTES {
                let (vi, en) = (format!("tối đa {MAX_ATTRIBUTES} thuộc tính"), format!("at most {MAX_ATTRIBUTES} attributes"));
                return Err(Slip::new(at, FaultKind::Limit, vi, en));
            }
            rest = next;
        }
    }

    fn bind(&mut self, prefix: &'a str, uri: Cow<'a, str>, at: usize) -> Lexed<()> {
        let wrong = (prefix == "xml") != (uri == XML_NS)
            || prefix == "xmlns"
            || uri == XMLNS_NS
            || (uri.is_empty() && !prefix.is_empty());
        if wrong {
            let found = Found::Name(short(prefix));
            return Err(Slip::found(
                at,
                FaultKind::Namespace,
                "khai báo không gian tên hợp lệ",
                "a valid namespace declaration",
                found,
            ));
        }
        self.bindings.push(Binding { prefix, uri });
        Ok(())
    }

    fn resolve(&self, prefix: &str, at: usize) -> Lexed<Cow<'a, str>> {
        if let Some(binding) = self.bindings.iter().rev().find(|b| b.prefix == prefix) {
            return Ok(binding.uri.clone());
        }
        match prefix {
            "" => Ok(Cow::Borrowed("")),
            "xml" => Ok(Cow::Borrowed(XML_NS)),
            _ => {
                Err(Slip::found(at, FaultKind::Namespace, "tiền tố đã khai báo", "a declared prefix", Found::Name(short(prefix))))
            }
        }
    }

    fn check_unique(&self) -> Lexed<()> {
        let twice = |a: &Attribute<'a>| {
            Slip::found(
                a.at,
                FaultKind::Duplicate,
                "mỗi thuộc tính một lần",
                "each attribute once",
                Found::Name(short(a.name.local)),
            )
        };
        if self.attributes.len() <= 16 {
            for (n, a) in self.attributes.iter().enumerate() {
                if self.attributes.iter().take(n).any(|b| b.name == a.name) {
                    return Err(twice(a));
                }
            }
            return Ok(());
        }
        let mut seen = std::collections::HashSet::new();
        self.attributes.iter().find(|a| !seen.insert((a.name.ns.as_ref(), a.name.local))).map_or(Ok(()), |a| Err(twice(a)))
    }

    fn end(&mut self, raw: &str, at: usize) -> Lexed<()> {
        // quick-xml compared the name; what follows it may only be blanks.
        let inside = raw.get(2..raw.len().saturating_sub(1)).unwrap_or("").trim_end_matches(is_blank);
        if split_qname(inside).is_none() {
            return Err(Slip::syntax(at, "thẻ đóng hợp lệ", "a valid end tag"));
        }
        self.pop();
        Ok(())
    }

    fn pop(&mut self) {
        self.run = 0;
        if let Some(mark) = self.open.pop() {
            self.bindings.truncate(mark);
        }
    }

    /// A run of text; `None` for blanks outside the root.
    fn text(&mut self, raw: &'a str, at: usize) -> Lexed<Option<Cow<'a, str>>> {
        if self.open.is_empty() {
            return match raw.find(|c| !is_blank(c)) {
                None => Ok(None),
                Some(odd) => {
                    Err(Slip::syntax(at + odd, "không có văn bản ngoài phần tử gốc", "no text outside the root element"))
                }
            };
        }
        if let Some(odd) = raw.find("]]>") {
            return Err(Slip::syntax(at + odd, "]]&gt; thay cho ]]>", "]]&gt; instead of ]]>"));
        }
        self.count(raw.len(), at)?;
        Ok(Some(line_ends(raw)))
    }

    fn cdata(&mut self, raw: &'a str, at: usize) -> Lexed<Cow<'a, str>> {
        let inside = raw.strip_prefix("<![CDATA[").and_then(|r| r.strip_suffix("]]>"));
        match inside {
            Some(text) if !self.open.is_empty() => {
                self.count(text.len(), at)?;
                Ok(line_ends(text))
            }
            _ => Err(Slip::syntax(at, "CDATA chỉ trong phần tử gốc", "CDATA only inside the root element")),
        }
    }

    fn reference(&mut self, raw: &'a str, at: usize) -> Lexed<Cow<'a, str>> {
        let name = raw.strip_prefix('&').and_then(|r| r.strip_suffix(';'));
        match name.and_then(entity) {
            Some(c) if !self.open.is_empty() => {
                self.count(c.len_utf8(), at)?;
                Ok(Cow::Owned(c.to_string()))
            }
            _ => Err(Slip::found(
                at,
                FaultKind::Syntax,
                "amp, lt, gt, apos, quot hoặc tham chiếu ký tự",
                "amp, lt, gt, apos, quot or a character reference",
                Found::Name(short(raw)),
            )),
        }
    }

    fn count(&mut self, len: usize, at: usize) -> Lexed<()> {
        self.run += len;
        if self.run > MAX_TEXT && !self.long_text { Err(Slip::too_long(at)) } else { Ok(()) }
    }

    fn instruction(&self, raw: &str, at: usize) -> Lexed<()> {
        let inside = raw.strip_prefix("<?").and_then(|r| r.strip_suffix("?>")).unwrap_or("");
        let target = inside.split(is_blank).next().unwrap_or("");
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(Slip::syntax(at, "chỉ thị xử lý có tên hợp lệ", "a processing instruction with a valid target"));
        }
        Ok(())
    }
}

/// quick-xml's event without its content: the raw slice is looked at instead.
enum Shape {
    Start(bool),
    End,
    Text,
    CData,
    Reference,
    Comment,
    Instruction,
    Declaration,
    DocType,
    Eof,
}

// === impl Shape ===

impl Shape {
    fn of(event: &Quick<'_>) -> Self {
        match event {
            Quick::Start(_) => Self::Start(false),
            Quick::Empty(_) => Self::Start(true),
            Quick::End(_) => Self::End,
            Quick::Text(_) => Self::Text,
            Quick::CData(_) => Self::CData,
            Quick::GeneralRef(_) => Self::Reference,
            Quick::Comment(_) => Self::Comment,
            Quick::PI(_) => Self::Instruction,
            Quick::Decl(_) => Self::Declaration,
            Quick::DocType(_) => Self::DocType,
            Quick::Eof => Self::Eof,
        }
    }
}

fn comment(raw: &str, at: usize) -> Lexed<()> {
    let inside = raw.strip_prefix("<!--").and_then(|r| r.strip_suffix("-->"));
    match inside {
        Some(text) if !text.contains("--") && !text.ends_with('-') => Ok(()),
        _ => Err(Slip::syntax(at, "chú thích không chứa --", "a comment without --")),
    }
}

/// CR LF and CR become LF.
fn line_ends(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') { Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(raw) }
}

/// Normalises an attribute's value: references resolved, blanks to spaces.
fn attribute_value(raw: &str, at: usize) -> Lexed<Cow<'_, str>> {
    if raw.len() > MAX_TEXT {
        return Err(Slip::too_long(at));
    }
    if !raw.contains(['&', '<', '\t', '\n', '\r']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let here = at + raw.len() - rest.len();
        let mut used = c.len_utf8();
        match c {
            '<' => return Err(Slip::syntax(here, "&lt; thay cho < trong thuộc tính", "&lt; instead of < in an attribute")),
            '&' => {
                let name = rest.get(1..).and_then(|r| r.split_once(';')).map(|(name, _)| name);
                let resolved = name.and_then(|n| entity(n).map(|c| (n, c)));
                let Some((name, c)) = resolved else {
                    return Err(Slip::syntax(
                        here,
                        "amp, lt, gt, apos, quot hoặc tham chiếu ký tự",
                        "amp, lt, gt, apos, quot or a character reference",
                    ));
                };
                value.push(c);
                used = name.len() + 2;
            }
            '\r' if rest.starts_with("\r\n") => {
                value.push(' ');
                used = 2;
            }
            '\t' | '\n' | '\r' => value.push(' '),
            c => value.push(c),
        }
        rest = rest.get(used..).unwrap_or("");
    }
    Ok(Cow::Owned(value))
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;

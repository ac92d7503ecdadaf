//! The cells of a line: wire on the left, canonical on the right. Pure parsing; every complaint has an exact place.

use super::grammar::{Chain, Last, Link, Lit, Opt, Path, Piece, Right, Step, Wire};
use super::source::Span;
use std::sync::Arc;

/// Reads the characters of one line.
pub(crate) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    base: usize,
    file: Arc<str>,
}

/// A complaint about a cell.
pub(crate) struct Bad {
    pub(crate) at: Span,
    pub(crate) text: String,
    pub(crate) hint: Option<&'static str>,
}

type Parsed<T> = Result<T, Bad>;

// === impl Cursor ===

impl<'t> Cursor<'t> {
    /// A cursor over `text`, which stands at byte `base` of the file.
    pub(crate) fn new(text: &'t str, base: usize, file: &Arc<str>) -> Self {
        Self { text, at: 0, base, file: Arc::clone(file) }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let fits = self.rest().starts_with(text);
        if fits {
            self.at += text.len();
        }
        fits
    }

    pub(crate) fn blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn span(&self, from: usize) -> Span {
        Span { file: Arc::clone(&self.file), start: self.base + from, len: self.at.saturating_sub(from).max(1) }
    }

    pub(crate) fn bad<T>(&self, text: impl Into<String>) -> Parsed<T> {
        Err(Bad { at: self.here(), text: text.into(), hint: None })
    }

    pub(crate) fn hinted<T>(&self, text: impl Into<String>, hint: &'static str) -> Parsed<T> {
        Err(Bad { at: self.here(), text: text.into(), hint: Some(hint) })
    }

    fn here(&self) -> Span {
        let len = self.peek().map_or(0, char::len_utf8);
        Span { file: Arc::clone(&self.file), start: self.base + self.at, len }
    }

    fn word_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let from = self.at;
        while self.peek().is_some_and(&fits) {
            self.bump();
        }
        self.text.get(from..self.at).unwrap_or("")
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        self.blanks();
        match self.peek() {
            None => Ok(()),
            Some(c) => {
                let text = format!("unexpected `{c}`: the line should end here");
                let before = self.text.get(..self.at).unwrap_or("").trim_end();
                match c {
                    '[' | '{' => self.hinted(text, "what a conversion is given stands in parentheses: code(list)"),
                    '\'' => self.hinted(text, "a literal stands alone, after `=` or `?`"),
                    _ if before.ends_with('\'') => self.hinted(text, "a quote inside a text is written \\'"),
                    _ => self.bad(text),
                }
            }
        }
    }

    // --- the left cell

    pub(crate) fn wire(&mut self) -> Parsed<Wire> {
        let mut through = Vec::new();
        loop {
            if through.is_empty() && self.rest().starts_with('.') && !self.rest().starts_with("./") {
                self.bump();
                return Ok(Wire { through, last: Last::Here });
            }
            if self.eat("@") {
                let name = self.name()?;
                return Ok(Wire { through, last: Last::Attribute(name) });
            }
            if self.eat("[]") {
                return Ok(Wire { through, last: Last::Items });
            }
            let name = self.name()?;
            if self.eat("/") {
                through.push(name);
            } else if self.eat("[]") {
                return Ok(Wire { through, last: Last::List(name) });
            } else if self.eat("[") {
                return Ok(Wire { through, last: self.keyed(name)? });
            } else {
                return Ok(Wire { through, last: Last::Name(name) });
            }
        }
    }

    fn keyed(&mut self, name: String) -> Parsed<Last> {
        let attribute = self.eat("@");
        let key = self.name()?;
        let key = if attribute { format!("@{key}") } else { key };
        if !self.eat("=") {
            return self
                .hinted("expected `=` after the key", "an element chosen by its key: `name[@key=10]` or `name[key='text']`");
        }
        let literal = if self.peek() == Some('\'') { self.quoted()? } else { bare_literal(self.word_while(|c| c != ']')) };
        if !self.eat("]") {
            return self.bad("expected `]`");
        }
        Ok(Last::Keyed { name, key, literal })
    }

    fn name(&mut self) -> Parsed<String> {
        if self.eat("`") {
            let name = self.word_while(|c| c != '`').to_owned();
            return if self.eat("`") && !name.is_empty() { Ok(name) } else { self.bad("expected a name and a closing backtick") };
        }
        let name = self.word_while(|c| !c.is_whitespace() && !"/[]=`'@".contains(c));
        if name.is_empty() {
            return self.hinted("expected a wire name", "a name with odd characters stands in backticks");
        }
        Ok(name.to_owned())
    }

    // --- the right cell

    pub(crate) fn right(&mut self) -> Parsed<(Right, Option<Opt>)> {
        let right = match self.peek() {
            Some('*') => {
                self.bump();
                Right::Dropped
            }
            Some('$' | '^' | '.') => self.value()?,
            Some(c) if c.is_ascii_lowercase() && !self.is_keyword() => self.value()?,
            Some(_) => self.literals()?,
            None => return self.bad("expected a canonical path, a literal or `*`"),
        };
        self.blanks();
        let opt = if self.eat("?") {
            self.blanks();
            let literal = if self.peek().is_some() { Some(self.literal()?) } else { None };
            Some(Opt { literal })
        } else {
            None
        };
        self.end()?;
        Ok((right, opt))
    }

    fn is_keyword(&self) -> bool {
        ["true", "false", "null"].iter().any(|word| {
            let rest = self.rest();
            rest.strip_prefix(word).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || "_.[".contains(c)))
        })
    }

    fn value(&mut self) -> Parsed<Right> {
        let path = self.path()?;
        let mut chains = Vec::new();
        self.blanks();
        if self.eat(":") {
            loop {
                chains.push(self.chain()?);
                self.blanks();
                if !self.eat("|") {
                    break;
                }
            }
        }
        Ok(Right::Value { path, chains })
    }

    pub(crate) fn path(&mut self) -> Parsed<Path> {
        let from = self.at;
        let mut up = 0;
        while self.eat("^") {
            up += 1;
        }
        if self.eat("$") {
            let name = self.word_while(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)).to_owned();
            if name.is_empty() || up > 0 {
                return self.bad("expected a context name after `$`");
            }
            return Ok(Path { up, steps: Vec::new(), context: Some(name), at: self.span(from) });
        }
        let mut steps = Vec::new();
        if !self.eat(".") {
            loop {
                let word = self.word_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_').to_owned();
                if word.is_empty() {
                    return self.hinted("expected a canonical name", "canonical names are lower case words joined by dots");
                }
                let list = self.eat("[]");
                steps.push(Step { word, list });
                if !self.eat(".") {
                    break;
                }
            }
        }
        Ok(Path { up, steps, context: None, at: self.span(from) })
    }

    fn chain(&mut self) -> Parsed<Chain> {
        let mut links = Vec::new();
        loop {
            self.blanks();
            let from = self.at;
            let lossy = self.eat("~");
            let name = self.word_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit()).to_owned();
            if name.is_empty() {
                let hint = match self.peek() {
                    Some(c) if c.is_uppercase() => {
                        "conversions are written in lower case: text, number, time(…), date(…), code(…), base64"
                    }
                    _ => {
                        "text, number, time(…), date(…), code(…), flag(yes,no), join(…), base64, zip(name), doc(mapping), ~upper, ~cut(n)"
                    }
                };
                return self.hinted("expected a conversion", hint);
            }
            let arguments = if self.eat("(") { Some(self.arguments()?) } else { None };
            links.push(Link { name, arguments, lossy, at: self.span(from) });
            self.blanks();
            if !self.eat(":") {
                return Ok(Chain { links });
            }
        }
    }

    fn arguments(&mut self) -> Parsed<String> {
        let from = self.at;
        let mut quoted = false;
        loop {
            match self.peek() {
                Some('\'') => quoted = !quoted,
                Some(')') if !quoted => break,
                Some(_) => {}
                None => return self.bad("expected `)`"),
            }
            self.bump();
        }
        let text = self.text.get(from..self.at).unwrap_or("").to_owned();
        self.bump();
        Ok(text)
    }

    // --- literals

    fn literals(&mut self) -> Parsed<Right> {
        if self.peek() == Some('\'') {
            let from = self.at;
            let pieces = self.template()?;
            if pieces.iter().any(|p| matches!(p, Piece::Hole { .. })) {
                return Ok(Right::Template(pieces));
            }
            self.at = from;
        }
        let (mut list, mut any) = (Vec::new(), false);
        loop {
            self.blanks();
            if self.eat("*") {
                any = true;
            } else {
                list.push(self.literal()?);
            }
            self.blanks();
            if !self.eat("|") {
                return Ok(Right::Literals { list, any });
            }
            if any {
                return self.bad("`*` must be the last alternative");
            }
        }
    }

    pub(crate) fn literal(&mut self) -> Parsed<Lit> {
        if self.peek() == Some('\'') {
            return self.quoted();
        }
        for (text, lit) in [("[]", Lit::EmptyList), ("{}", Lit::EmptyObject)] {
            if self.eat(text) {
                return Ok(lit);
            }
        }
        match self.peek() {
            Some('"') => return self.hinted("expected a literal", "texts stand in single quotes: 'text'"),
            Some('=') => return self.hinted("expected a canonical place or a literal", "one `=` is enough"),
            _ => {}
        }
        let from = self.at;
        let word = self.word_while(|c| c.is_alphanumeric() || "-_.".contains(c));
        match bare_literal(word) {
            Lit::Text(_) => {
                self.at = from;
                self.hinted(
                    "expected a literal",
                    "texts stand in quotes: 'text'; else a whole number, true, false, null, [] or {}",
                )
            }
            lit => Ok(lit),
        }
    }

    fn quoted(&mut self) -> Parsed<Lit> {
        let pieces = self.template()?;
        match pieces.as_slice() {
            [] => Ok(Lit::Text(String::new())),
            [Piece::Text(text)] => Ok(Lit::Text(text.clone())),
            _ => self.bad("a template cannot stand here"),
        }
    }

    fn template(&mut self) -> Parsed<Vec<Piece>> {
        if !self.eat("'") {
            return self.bad("expected a quote");
        }
        let (mut pieces, mut text) = (Vec::new(), String::new());
        loop {
            match self.bump() {
                None => return self.hinted("the text is not closed", "a quote inside a text is written \\'"),
                Some('\'') => break,
                Some('\\') => match self.bump() {
                    Some(c @ ('\'' | '\\' | '{' | '}')) => text.push(c),
                    _ => return self.bad("after a backslash only ' \\ { or } may stand"),
                },
                Some('{') => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(self.hole()?);
                }
                Some(c) => text.push(c),
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(pieces)
    }

    fn hole(&mut self) -> Parsed<Piece> {
        let from = self.at;
        self.blanks();
        let path = self.path()?;
        self.blanks();
        let chain = if self.eat(":") { self.chain()? } else { Chain::default() };
        self.blanks();
        let at = self.span(from);
        if self.eat("}") { Ok(Piece::Hole { path, chain, at }) } else { self.bad("expected `}`") }
    }
}

/// A literal without quotes: a whole number, true, false, null; any other word is text.
pub(crate) fn bare_literal(word: &str) -> Lit {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    match word {
        "true" => Lit::True,
        "false" => Lit::False,
        "null" => Lit::Null,
        _ if whole => Lit::Integer(word.to_owned()),
        _ => Lit::Text(word.to_owned()),
    }
}

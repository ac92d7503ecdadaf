//! A strict namespace-aware pull reader, one pass over the document.
//!
//! Accepts namespace-well-formed XML 1.0 (5th edition) without a document type declaration, in UTF-8 or in UTF-16 by its mark.
//! Always refused: any DOCTYPE; two roots or none; an unclosed root; text outside the root; bad names and characters; duplicate
//! attributes by expanded name; unbound prefixes; `]]>` in text; `<` in attributes; a target `xml`; entities beyond the five and
//! character references; more than 64 levels, 256 attributes, 64 KiB of text (contents excepted: `long_text`).

use super::fault::{FaultKind, Found, short};
use super::slip::{Lexed, MAX_ATTRIBUTES, MAX_DEPTH, MAX_TEXT, Slip};
use super::xml_chars::{entity, is_blank, is_ncname, split_qname};
use super::xml_texts::{attribute_value, comment, line_ends};
use super::xml_tokens::{Token, blanks, name_run, token, until};
use std::borrow::Cow;

pub(crate) use super::xml_decode::decode;

/// The namespace of `xml:`.
pub(crate) const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";
/// The namespaces that every reader knows from its start, in the order of the constants of [`Ns`].
const KNOWN: [&str; 5] = ["", XML_NS, "http://www.w3.org/2001/XMLSchema-instance", super::soap::SOAP11, super::soap::SOAP12];

/// The reader. A clone goes on from where it was made.
#[derive(Clone)]
pub(crate) struct Xml<'a> {
    /// The document up to where reading is to end.
    src: &'a str,
    /// Where reading stands.
    at: usize,
    open: Vec<Open<'a>>,
    bindings: Vec<Binding<'a>>,
    /// All namespaces met so far; a [`Ns`] is a place in it.
    uris: Vec<Cow<'a, str>>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name<'a> {
    pub(crate) ns: Ns,
    pub(crate) local: &'a str,
}

/// A namespace, by its place in the reader's table: names are compared without comparing URIs. [`Xml::uri`] tells the URI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ns(usize);

/// An attribute that is not a namespace declaration.
#[derive(Clone, Debug)]
pub(crate) struct Attribute<'a> {
    prefix: &'a str,
    pub(crate) name: Name<'a>,
    pub(crate) value: Cow<'a, str>,
    pub(crate) at: usize,
}

/// An open element.
#[derive(Clone, Copy, Debug)]
struct Open<'a> {
    /// As it is written.
    name: &'a str,
    /// How many bytes of it are the prefix with its colon.
    prefix: usize,
    /// How many bindings held around it.
    bindings: usize,
}

/// A prefix and its namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    prefix: &'a str,
    ns: Ns,
}

/// Where a fragment stands in its document: what is bound, what was met, how deep it lies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around<'a> {
    bindings: Vec<Binding<'a>>,
    uris: Vec<Cow<'a, str>>,
    depth: usize,
}

// === impl Ns ===

impl Ns {
    /// No namespace.
    pub(crate) const NONE: Self = Self(0);
    const XML: Self = Self(1);
    /// That of `xsi:nil`.
    pub(crate) const XSI: Self = Self(2);
    /// SOAP 1.1.
    pub(crate) const SOAP11: Self = Self(3);
    /// SOAP 1.2.
    pub(crate) const SOAP12: Self = Self(4);

    /// The number of a URI, given the list that a reader is to know; one that is not known yet is added to the list.
    pub(crate) fn own(uri: &str, own: &mut Vec<Box<str>>) -> Self {
        let known = KNOWN.iter().copied().chain(own.iter().map(|known| &**known)).position(|known| known == uri);
        Self(known.unwrap_or_else(|| {
            own.push(uri.into());
            KNOWN.len() + own.len() - 1
        }))
    }
}

// === impl Xml ===

impl<'a> Xml<'a> {
    /// Reads a decoded document.
    pub(crate) fn new(src: &'a str) -> Self {
        Self::knowing(src, &[])
    }

    /// Reads a decoded document; `own` are namespaces that get the next places, as [`Ns::own`] counts them.
    pub(crate) fn knowing(src: &'a str, own: &'a [Box<str>]) -> Self {
        let uris = KNOWN.iter().copied().chain(own.iter().map(|uri| &**uri)).map(Cow::Borrowed).collect();
        Self::over(src, 0, Around { uris, ..Around::default() })
    }

    /// Reads one whole element out of a document.
    pub(crate) fn fragment(src: &'a str, span: std::ops::Range<usize>, around: Around<'a>) -> Self {
        Self::over(src.get(..span.end).unwrap_or(""), span.start, around)
    }

    fn over(src: &'a str, at: usize, around: Around<'a>) -> Self {
        Self {
            src,
            at,
            open: Vec::new(),
            bindings: around.bindings,
            uris: around.uris,
            attributes: Vec::new(),
            seen_root: false,
            end_pending: false,
            run: 0,
            outer_depth: around.depth,
            last: at,
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

    /// What holds around the element whose start tag was just read.
    pub(crate) fn around(&self) -> Around<'a> {
        Around { bindings: self.bindings.clone(), uris: self.uris.clone(), depth: self.depth().saturating_sub(1) }
    }

    /// The prefixes that hold (empty: none) with their namespaces, the innermost last.
    pub(crate) fn bound(&self) -> impl DoubleEndedIterator<Item = (&'a str, &str)> {
        self.bindings.iter().map(|b| (b.prefix, self.uri(b.ns)))
    }

    /// A namespace's URI; empty for none.
    pub(crate) fn uri(&self, ns: Ns) -> &str {
        self.uris.get(ns.0).map_or("", |uri| uri.as_ref())
    }

    /// A name as it is told: `{uri}local`.
    pub(crate) fn clark(&self, name: &Name<'_>) -> String {
        format!("{{{}}}{}", self.uri(name.ns), name.local)
    }

    /// Where the last event started.
    pub(crate) fn last(&self) -> usize {
        self.last
    }

    /// Where reading stands.
    pub(crate) fn offset(&self) -> usize {
        self.at
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
            let start = self.at;
            self.last = start;
            let (kind, len) = token(self.bytes(start));
            self.at = start + len;
            let raw = self.src.get(start..self.at).unwrap_or("");
            match kind {
                Token::Start => return self.start(start).map(Event::Start),
                Token::End => return self.end(start).map(|()| Event::End),
                Token::Text => {
                    if let Some(text) = self.text(raw, start)? {
                        return Ok(Event::Text(text));
                    }
                }
                Token::CData => return self.cdata(raw, start).map(Event::Text),
                Token::Reference => return self.reference(raw, start).map(Event::Text),
                Token::Comment => comment(raw, start)?,
                Token::Instruction => self.instruction(raw, start)?,
                Token::Declaration if start == 0 => {}
                Token::Declaration => {
                    return Err(Slip::syntax(start, "khai báo XML chỉ ở đầu văn bản", "an XML declaration only at the start"));
                }
                Token::DocType => {
                    return Err(Slip::new(start, FaultKind::Dtd, "văn bản không có DOCTYPE", "a document without DOCTYPE"));
                }
                Token::Broken => {
                    let (vi, en) = ("chú thích, CDATA hoặc chỉ thị được đóng", "a comment, CDATA or instruction that is closed");
                    return Err(Slip::syntax(start, vi, en));
                }
                Token::Eof => return self.eof(start),
            }
        }
    }

    fn rest(&self, at: usize) -> &'a str {
        self.src.get(at..).unwrap_or("")
    }

    /// The same, not looked at whether a character begins there.
    fn bytes(&self, at: usize) -> &'a [u8] {
        self.src.as_bytes().get(at..).unwrap_or_default()
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

    /// The start tag at `at`; reading goes on after it.
    fn start(&mut self, at: usize) -> Lexed<Name<'a>> {
        if self.open.is_empty() && self.seen_root {
            return Err(Slip::syntax(at, "chỉ một phần tử gốc", "a single root element"));
        }
        if self.depth() >= MAX_DEPTH {
            return Err(Slip::too_deep(at));
        }
        self.seen_root = true;
        self.run = 0;
        let (name, (prefix, local)) = self.name(at + 1)?;
        self.open.push(Open { name, prefix: name.len() - local.len(), bindings: self.bindings.len() });
        self.attributes.clear();
        self.end_pending = self.scan(at, at + 1 + name.len())?;
        for n in 0..self.attributes.len() {
            let Some((prefix, at)) = self.attributes.get(n).map(|a| (a.prefix, a.at)).filter(|(prefix, _)| !prefix.is_empty())
            else {
                continue;
            };
            let ns = self.resolve(prefix, at)?;
            if let Some(attribute) = self.attributes.get_mut(n) {
                attribute.name.ns = ns;
            }
        }
        self.check_unique()?;
        Ok(Name { ns: self.resolve(prefix, at + 1)?, local })
    }

    /// The name at `at`: whole, and cut into prefix and local part.
    fn name(&self, at: usize) -> Lexed<(&'a str, (&'a str, &'a str))> {
        let rest = self.bytes(at);
        let (len, plain) = name_run(rest);
        let name = self.src.get(at..at + len).unwrap_or("");
        let ends = matches!(rest.get(len), None | Some(b' ' | b'\t' | b'\n' | b'\r' | b'=' | b'/' | b'>'));
        if plain && ends {
            return Ok((name, ("", name)));
        }
        split_qname(name).filter(|_| ends).map(|cut| (name, cut)).ok_or_else(|| {
            let found = self.rest(at).split(|c| is_blank(c) || "<>/='\"".contains(c)).next().unwrap_or("");
            Slip::found(at, FaultKind::Syntax, "tên hợp lệ", "a valid name", Found::Name(short(found)))
        })
    }

    /// The end tag at `at`; reading goes on after it.
    fn end(&mut self, at: usize) -> Lexed<()> {
        let name = self.open.last().map_or("", |open| open.name);
        let after = self.bytes(at + 2).strip_prefix(name.as_bytes()).unwrap_or_default();
        let blanks = blanks(after);
        if name.is_empty() || after.get(blanks) != Some(&b'>') {
            let rest = self.rest(at + 2);
            let want = |none: &str| if name.is_empty() { none.to_owned() } else { format!("</{name}>") };
            let told = rest.split(|c| is_blank(c) || "<>/='\"".contains(c)).next().unwrap_or("");
            let found = if split_qname(told).is_some() { Found::Name(short(told)) } else { Found::Unsaid };
            return Err(Slip::found(at, FaultKind::Syntax, want("không có thẻ đóng ở đây"), want("no end tag here"), found));
        }
        self.at = at + 2 + name.len() + blanks + 1;
        self.pop();
        Ok(())
    }

    /// The attributes of the start tag at `tag`, from `from` on; namespace declarations go to the bindings. Whether it is an empty element.
    fn scan(&mut self, tag: usize, from: usize) -> Lexed<bool> {
        let declared = self.bindings.len();
        let mut end = from;
        loop {
            let rest = self.bytes(end);
            let apart = blanks(rest);
            let at = end + apart;
            match rest.get(apart..).unwrap_or_default() {
                [b'>', ..] => {
                    self.at = at + 1;
                    return Ok(false);
                }
                [b'/', b'>', ..] => {
                    self.at = at + 2;
                    return Ok(true);
                }
                [] => {
                    return Err(Slip::found(
                        tag,
                        FaultKind::Syntax,
                        "thẻ kết thúc bằng >",
                        "a tag that ends with >",
                        Found::Nothing,
                    ));
                }
                _ if apart == 0 => {
                    return Err(Slip::syntax(at, "khoảng trắng giữa các thuộc tính", "a blank between attributes"));
                }
                _ => {}
            }
            let slip = || Slip::syntax(at, "thuộc tính dạng tên=\"giá trị\"", "an attribute name=\"value\"");
            let (name, (prefix, local)) = self.name(at).map_err(|_| slip())?;
            let after = self.bytes(at + name.len());
            let equals = blanks(after);
            let after = after.get(equals..).and_then(|a| a.strip_prefix(b"=")).ok_or_else(slip)?;
            let more = blanks(after);
            let quote = after.get(more).copied().filter(|b| matches!(b, b'\'' | b'"')).ok_or_else(slip)?;
            let value_at = at + name.len() + equals + 1 + more + 1;
            let value = until(self.rest(value_at), quote).ok_or_else(slip)?;
            end = value_at + value.len() + 1;
            let value = attribute_value(value, value_at)?;
            if prefix == "xmlns" || (prefix.is_empty() && local == "xmlns") {
                let bound = if prefix.is_empty() { "" } else { local };
                if self.bindings.iter().skip(declared).any(|b| b.prefix == bound) {
                    return Err(Slip::found(
                        at,
                        FaultKind::Duplicate,
                        "mỗi thuộc tính một lần",
                        "each attribute once",
                        Found::Name(short(name)),
                    ));
                }
                self.bind(bound, value, at)?;
            } else {
                // The namespace of a prefix is known when all declarations of the tag are.
                self.attributes.push(Attribute { prefix, name: Name { ns: Ns::NONE, local }, value, at });
            }
            if self.attributes.len() + self.bindings.len() - declared > MAX_ATTRIBUTES {
                let (vi, en) = (format!("tối đa {MAX_ATTRIBUTES} thuộc tính"), format!("at most {MAX_ATTRIBUTES} attributes"));
                return Err(Slip::new(at, FaultKind::Limit, vi, en));
            }
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
        let known = self.uris.iter().position(|known| *known == uri);
        let ns = Ns(known.unwrap_or(self.uris.len()));
        if known.is_none() {
            self.uris.push(uri);
        }
        self.bindings.push(Binding { prefix, ns });
        Ok(())
    }

    fn resolve(&self, prefix: &str, at: usize) -> Lexed<Ns> {
        // Empty texts are not compared as bytes: a look at the address of an empty one may cost a hundred others.
        let is = |b: &&Binding<'_>| if prefix.is_empty() { b.prefix.is_empty() } else { b.prefix == prefix };
        if let Some(binding) = self.bindings.iter().rev().find(is) {
            return Ok(binding.ns);
        }
        match prefix {
            "" => Ok(Ns::NONE),
            "xml" => Ok(Ns::XML),
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
        self.attributes.iter().find(|a| !seen.insert(a.name)).map_or(Ok(()), |a| Err(twice(a)))
    }

    fn pop(&mut self) {
        self.run = 0;
        if let Some(open) = self.open.pop() {
            self.bindings.truncate(open.bindings);
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
        self.count(raw.len(), at)?;
        // Neither of the two is in most texts: one look for both, without a branch a byte.
        if !raw.bytes().fold(false, |odd, b| odd | (b == b'>') | (b == b'\r')) {
            return Ok(Some(Cow::Borrowed(raw)));
        }
        if let Some(odd) = raw.find("]]>") {
            return Err(Slip::syntax(at + odd, "]]&gt; thay cho ]]>", "]]&gt; instead of ]]>"));
        }
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

#[path = "xml_plain.rs"]
mod plain;

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;

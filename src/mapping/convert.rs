//! Conversions: a canonical scalar ⇄ a wire scalar, each chain a partial bijection unless it says `~`.
//!
//! The currency inside a chain is lexical text with its JSON type. Writing goes from the canonical side, reading backwards.

use super::codes::CodeList;
use super::fault::{Both, FaultKind, Found, short};
use super::grammar::Lit;
use super::json::number_len;
use super::normal::{Known, finish, nfc};
use super::pattern::{Finest, Pattern};
use super::plan::{CPath, Compiled};
use super::shapes::{Leaf, LeafKind};
use crate::body::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// The JSON type of a scalar on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Text,
    Number,
    Bool,
}

/// A scalar: its text and its JSON type (text wires: always `Text`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lex<'a> {
    pub(crate) tag: Tag,
    pub(crate) text: Cow<'a, str>,
}

/// How a wire types its scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// JSON types are told and kept.
    Json,
    /// JSON where every scalar is a string (`scalars: text`).
    JsonText,
    /// XML: text only, blanks around numbers and dates do not count.
    Xml,
    /// A form: text only.
    Form,
}

/// One conversion.
#[derive(Clone, Debug)]
pub(crate) enum Conv {
    Text,
    Number,
    Time(Pattern, bool),
    Date(Pattern),
    Code(Arc<CodeList>),
    Flag(Lit, Lit),
    Upper,
    Cut(usize),
    Join(String),
    Base64,
    /// An archive of one entry.
    Zip(Entry),
    /// A document of its own, by another mapping of the partner.
    Doc(Arc<Compiled>),
}

/// What the entry of an archive is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Always so.
    Named(String),
    /// As the canonical field says, in the frame of the content.
    Field(CPath),
}

/// A compiled chain between a canonical leaf and a wire scalar.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Conv>,
    pub(crate) leaf: Leaf,
    pub(crate) lossy: bool,
    pub(crate) typing: Typing,
}

/// Why a wire scalar does not read.
#[derive(Debug)]
pub(crate) struct Miss {
    pub(crate) kind: FaultKind,
    pub(crate) expected: Both,
}

// === impl Lex ===

impl<'a> Lex<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { tag: Tag::Text, text: text.into() }
    }

    /// A canonical scalar.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::String(text) => Self::text(text.as_str()),
            Value::Number(n) => Self { tag: Tag::Number, text: Cow::Owned(n.to_string()) },
            Value::Bool(b) => Self { tag: Tag::Bool, text: Cow::Borrowed(if *b { "true" } else { "false" }) },
            _ => return None,
        })
    }

    /// A literal's own scalar.
    pub(crate) fn of_lit(lit: &'a Lit) -> Option<Self> {
        let tag = match lit {
            Lit::Text(_) => Tag::Text,
            Lit::Integer(_) => Tag::Number,
            Lit::True | Lit::False => Tag::Bool,
            Lit::Null | Lit::EmptyList | Lit::EmptyObject => return None,
        };
        Some(Self { tag, text: Cow::Borrowed(lit.text()) })
    }

    /// What may be told of it.
    pub(crate) fn found(&self, public: bool) -> Found {
        match self.tag {
            _ if public => Found::Value(short(&self.text)),
            Tag::Text => Found::Text(self.text.chars().count()),
            Tag::Number => Found::Number(self.text.bytes().filter(u8::is_ascii_digit).count()),
            Tag::Bool => Found::Boolean,
        }
    }
}

// === impl Typing ===

impl Typing {
    /// Whether a wire scalar is this literal.
    pub(crate) fn same(self, lex: &Lex<'_>, lit: &Lit) -> bool {
        let Some(own) = Lex::of_lit(lit) else { return false };
        let equal = own.text == lex.text || (!lex.text.is_ascii() && nfc(&own.text) == nfc(&lex.text));
        equal && (self != Self::Json || own.tag == lex.tag)
    }

    fn trims(self) -> bool {
        self == Self::Xml
    }
}

// === impl Chain ===

impl Chain {
    /// Whether bytes stand on the wire, in base64: a content, or a document.
    pub(crate) fn is_content(&self) -> bool {
        matches!(self.links.last(), Some(Conv::Base64))
    }

    /// Whether the bytes have to be unpacked or read before anything can be said of them.
    pub(crate) fn is_packed(&self) -> bool {
        self.is_content() && self.links.len() > 1
    }

    /// The archive around a content or document.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        self.links.iter().find_map(|link| if let Conv::Zip(entry) = link { Some(entry) } else { None })
    }

    /// The mapping of a document.
    pub(crate) fn document(&self) -> Option<&Arc<Compiled>> {
        if let Some(Conv::Doc(map)) = self.links.first() { Some(map) } else { None }
    }

    /// Whether reading can give a value (`~upper`, `~cut`, a day of a time cannot).
    pub(crate) fn gives(&self) -> bool {
        let has = |fits: fn(&Conv) -> bool| self.links.iter().any(fits);
        let day_of_time = self.leaf.kind == LeafKind::Time || (self.lossy && self.leaf.kind == LeafKind::Any);
        !(has(|l| matches!(l, Conv::Upper | Conv::Cut(_))) || day_of_time && has(|l| matches!(l, Conv::Date(_))))
    }

    /// How finely its pattern tells a time; none: it has none, or tells less than an hour.
    pub(crate) fn finest(&self) -> Option<Finest> {
        self.links.iter().find_map(|link| if let Conv::Time(pattern, _) = link { pattern.finest() } else { None })
    }

    /// The wire's width in bytes, when it is always the same.
    pub(crate) fn width(&self) -> Option<usize> {
        match self.links.last() {
            Some(Conv::Time(p, _) | Conv::Date(p)) => p.width(),
            None if self.leaf.kind == LeafKind::Date => Some(10),
            None if self.leaf.kind == LeafKind::Time => Some(25),
            _ => None,
        }
    }

    /// Canonical → wire; `None` when the wire has no form for this value.
    pub(crate) fn out<'v>(&'v self, value: &'v Value) -> Option<Lex<'v>> {
        if let (Value::Array(items), Some(Conv::Join(separator))) = (value, self.links.last()) {
            return self.join(items, separator);
        }
        self.links.iter().try_fold(Lex::of(value)?, |lex, link| link.out(lex))
    }

    fn join<'v>(&'v self, items: &'v [Value], separator: &str) -> Option<Lex<'v>> {
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            let mut links = self.links.iter().take(self.links.len() - 1);
            let lex = links.try_fold(Lex::of(item)?, |lex, link| link.out(lex))?;
            if lex.text.is_empty() || lex.text.contains(separator) {
                return None;
            }
            parts.push(lex.text.into_owned());
        }
        Some(Lex::text(parts.join(separator)))
    }

    /// Wire → canonical.
    pub(crate) fn back(&self, lex: &Lex<'_>) -> Result<Value, Box<Miss>> {
        self.back_as(lex, false)
    }

    /// The same of a text that may be known to be NFC (`composed`).
    pub(crate) fn back_as(&self, lex: &Lex<'_>, composed: bool) -> Result<Value, Box<Miss>> {
        if let Some(Conv::Join(separator)) = self.links.last() {
            let inner = Self { links: self.links.iter().take(self.links.len() - 1).cloned().collect(), ..self.clone() };
            let items = lex.text.split(separator.as_str()).map(|part| inner.back(&Lex::text(part)));
            return items.collect::<Result<Vec<_>, _>>().map(Value::Array);
        }
        let miss = |kind| Box::new(Miss { kind, expected: self.expected() });
        if !self.tag_fits(lex.tag) {
            return Err(miss(FaultKind::Type));
        }
        let mut text = lex.text.as_ref();
        if self.typing.trims() && self.trims() {
            text = text.trim_matches(super::xml_chars::is_blank);
        }
        self.linked((lex.tag, text), composed).ok_or_else(|| miss(self.miss_kind()))
    }

    /// What the links make of a wire's text, in its canonical form. Most chains have none.
    fn linked(&self, (tag, text): (Tag, &str), composed: bool) -> Option<Value> {
        let carried = self.typing == Typing::Xml;
        if self.links.is_empty() {
            return finish(&self.leaf, tag, text, Known { carried, composed });
        }
        let mut now = Lex { tag, text: Cow::Borrowed(text) };
        for (n, link) in self.links.iter().enumerate().rev() {
            let typing = if n + 1 == self.links.len() { self.typing } else { Typing::Form };
            now = link.back(now, typing, self.leaf.kind)?;
        }
        finish(&self.leaf, now.tag, &now.text, Known { carried, composed: false })
    }

    fn trims(&self) -> bool {
        match self.links.first() {
            None => !matches!(self.leaf.kind, LeafKind::Text | LeafKind::Any),
            Some(Conv::Time(..) | Conv::Date(_) | Conv::Number | Conv::Text) => self.leaf.kind != LeafKind::Text,
            _ => false,
        }
    }

    fn tag_fits(&self, tag: Tag) -> bool {
        let want = match (self.typing, self.links.last()) {
            (Typing::Xml | Typing::Form, _) | (Typing::Json, Some(Conv::Code(_) | Conv::Flag(..))) => return true,
            (Typing::JsonText, _) => Tag::Text,
            (_, Some(Conv::Number)) => Tag::Number,
            (_, Some(_)) => Tag::Text,
            (_, None) => match self.leaf.kind {
                LeafKind::Integer => Tag::Number,
                LeafKind::Boolean => Tag::Bool,
                LeafKind::Any => return true,
                _ => Tag::Text,
            },
        };
        want == tag
    }

    fn miss_kind(&self) -> FaultKind {
        match self.links.first() {
            Some(Conv::Time(..) | Conv::Date(_)) => FaultKind::Time,
            Some(Conv::Code(_) | Conv::Flag(..)) => FaultKind::Code,
            None if matches!(self.leaf.kind, LeafKind::Time | LeafKind::Date) => FaultKind::Time,
            None if self.leaf.words.is_some() => FaultKind::Code,
            _ => FaultKind::Type,
        }
    }

    /// What this chain expects on the wire.
    pub(crate) fn expected(&self) -> Both {
        match self.links.last() {
            Some(Conv::Time(p, _)) => Both::new(format!("ngày giờ dạng {}", p.source()), format!("a time like {}", p.source())),
            Some(Conv::Date(p)) => Both::new(format!("ngày dạng {}", p.source()), format!("a date like {}", p.source())),
            Some(Conv::Code(list)) => Both::new(format!("một trong: {}", list.told()), format!("one of: {}", list.told())),
            Some(Conv::Flag(yes, no)) => Both::new(format!("{yes} hoặc {no}"), format!("{yes} or {no}")),
            Some(Conv::Base64 | Conv::Zip(_)) => Both::new("văn bản base64", "base64 text"),
            Some(Conv::Doc(_)) => Both::new("một văn bản bên trong", "a document inside"),
            Some(Conv::Number) => Both::new("số", "a number"),
            Some(Conv::Text) => {
                let own = expected_leaf(&self.leaf);
                Both::new(format!("{} dạng văn bản", own.vi), format!("{} as text", own.en))
            }
            Some(Conv::Join(_) | Conv::Upper | Conv::Cut(_)) => Both::new("văn bản", "text"),
            None => expected_leaf(&self.leaf),
        }
    }
}

fn expected_leaf(leaf: &Leaf) -> Both {
    if let Some(words) = &leaf.words {
        let list = words.join(", ");
        return Both::new(format!("một trong: {list}"), format!("one of: {list}"));
    }
    match leaf.kind {
        LeafKind::Text => Both::new("văn bản không có ký tự điều khiển", "text without control characters"),
        LeafKind::Integer => Both::new("số nguyên", "a whole number"),
        LeafKind::Boolean => Both::new("true hoặc false", "true or false"),
        LeafKind::Decimal => Both::new("số thập phân, chỉ chữ số và dấu chấm", "a decimal, digits and a point only"),
        LeafKind::Time => Both::new("ngày giờ RFC 3339", "an RFC 3339 time"),
        LeafKind::Date => Both::new("ngày dạng yyyy-MM-dd", "a date like yyyy-MM-dd"),
        LeafKind::Content => Both::new("nội dung tệp", "a content"),
        LeafKind::Any => Both::new("một giá trị đơn", "a scalar"),
    }
}

// === impl Conv ===

impl Conv {
    fn out<'v>(&'v self, lex: Lex<'v>) -> Option<Lex<'v>> {
        Some(match self {
            Self::Text => Lex { tag: Tag::Text, ..lex },
            Self::Number => {
                let whole = number_len(lex.text.as_bytes()) == Some(lex.text.len());
                whole.then_some(Lex { tag: Tag::Number, ..lex })?
            }
            Self::Time(pattern, _) | Self::Date(pattern) => Lex::text(pattern.write(&lex.text)?),
            Self::Code(list) => Lex::of_lit(list.write(&lex.text)?)?,
            Self::Flag(yes, no) => Lex::of_lit(if lex.text == "true" { yes } else { no })?,
            Self::Upper => Lex::text(lex.text.to_uppercase()),
            Self::Cut(n) => Lex::text(lex.text.chars().take(*n).collect::<String>()),
            Self::Join(_) | Self::Base64 | Self::Zip(_) | Self::Doc(_) => return None,
        })
    }

    fn back<'v>(&'v self, lex: Lex<'v>, typing: Typing, leaf: LeafKind) -> Option<Lex<'v>> {
        Some(match self {
            Self::Text | Self::Number => lex,
            Self::Time(pattern, drop_millis) => Lex::text(pattern.read_time(&lex.text, *drop_millis)?),
            Self::Date(pattern) if leaf == LeafKind::Time => {
                pattern.read_date(&lex.text)?;
                return None;
            }
            Self::Date(pattern) => Lex::text(pattern.read_date(&lex.text)?),
            Self::Code(list) => Lex::text(list.read(|lit| typing.same(&lex, lit))?),
            Self::Flag(yes, no) => {
                let said = if typing.same(&lex, yes) { "true" } else { "false" };
                (said == "true" || typing.same(&lex, no)).then_some(Lex { tag: Tag::Bool, text: Cow::Borrowed(said) })?
            }
            Self::Upper | Self::Cut(_) | Self::Join(_) | Self::Base64 | Self::Zip(_) | Self::Doc(_) => return None,
        })
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;

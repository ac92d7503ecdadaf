//! Conversions: a canonical scalar ⇄ a wire scalar, each chain a partial bijection unless it says `~`.
//!
//! The currency inside a chain is lexical text with its JSON type. Writing goes from the canonical side, reading backwards.

use super::codes::CodeList;
use super::fault::{Both, FaultKind, Found, short};
use super::grammar::Lit;
use super::json::number_len;
use super::pattern::{Pattern, canonical_date, canonical_time};
use super::plan::{CPath, Compiled};
use super::shapes::{Leaf, LeafKind};
use super::xml_chars::bad_char;
use crate::body::Value;
use std::borrow::Cow;
use std::sync::Arc;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

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
    pub(crate) fn back(&self, lex: &Lex<'_>) -> Result<Value, Miss> {
        if let Some(Conv::Join(separator)) = self.links.last() {
            let inner = Self { links: self.links.iter().take(self.links.len() - 1).cloned().collect(), ..self.clone() };
            let items = lex.text.split(separator.as_str()).map(|part| inner.back(&Lex::text(part)));
            return items.collect::<Result<Vec<_>, _>>().map(Value::Array);
        }
        let miss = || Miss { kind: self.miss_kind(), expected: self.expected() };
        if !self.tag_fits(lex.tag) {
            return Err(Miss { kind: FaultKind::Type, expected: self.expected() });
        }
        let mut text = Cow::Borrowed(lex.text.as_ref());
        if self.typing.trims() && self.trims() {
            text = Cow::Borrowed(lex.text.trim_matches(super::xml_chars::is_blank));
        }
        let mut now = Lex { tag: lex.tag, text };
        for (n, link) in self.links.iter().enumerate().rev() {
            let typing = if n + 1 == self.links.len() { self.typing } else { Typing::Form };
            now = link.back(now, typing, self.leaf.kind).ok_or_else(miss)?;
        }
        finish(&self.leaf, &now, self.typing == Typing::Xml).ok_or_else(miss)
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

/// A lexical text as the canonical value of a leaf; `checked`: it has only characters that XML can carry.
fn finish(leaf: &Leaf, lex: &Lex<'_>, checked: bool) -> Option<Value> {
    let text = lex.text.as_ref();
    Some(match leaf.kind {
        LeafKind::Integer => Value::from(whole(text)?),
        LeafKind::Boolean => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return None,
        },
        LeafKind::Decimal => decimal(text)?.into(),
        LeafKind::Time => canonical_time(text)?.into(),
        LeafKind::Date => canonical_date(text).map(|_| text.into())?,
        LeafKind::Content => return None,
        LeafKind::Text => {
            if leaf.words.as_ref().is_some_and(|words| !words.iter().any(|w| w == text)) {
                return None;
            }
            plain(text, checked)?.into()
        }
        LeafKind::Any => match lex.tag {
            Tag::Bool => Value::Bool(text == "true"),
            Tag::Number => whole(text).map_or_else(|| text.into(), Value::from),
            Tag::Text => plain(text, checked)?.into(),
        },
    })
}

/// A whole number in its one spelling.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let one_spelling = digits.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !digits.starts_with('0'));
    if one_spelling { text.parse().ok() } else { None }
}

/// A decimal without trailing zeros; no exponent, no leading zeros.
fn decimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && number_len(digits.as_bytes()) == Some(digits.len());
    if !plain {
        return None;
    }
    let short = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let sign = if text.starts_with('-') && short != "0" { "-" } else { "" };
    Some(format!("{sign}{short}"))
}

/// NFC text that every wire can carry; `checked`: its characters were looked at with the whole document.
fn plain(text: &str, checked: bool) -> Option<Cow<'_, str>> {
    if text.is_empty() || !checked && bad_char(text).is_some() {
        return None;
    }
    Some(nfc(text))
}

/// Canonical text is NFC.
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_vietnamese(text) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Whether a text has only characters below U+0300 and of U+1E00–U+1EFF, as Vietnamese in its composed form has: all of them are NFC.
fn is_vietnamese(text: &str) -> bool {
    let bytes = text.as_bytes();
    // UTF-8: C2…CB is U+0080–U+02FF; E1 B8…BB is U+1E00–U+1EFF; 80…BF are what follows.
    let highest = bytes.iter().fold(0, |most, b| if *b == 0xe1 { most } else { most.max(*b) });
    highest < 0xcc && memchr::memchr_iter(0xe1, bytes).all(|at| matches!(bytes.get(at + 1), Some(0xb8..=0xbb)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::json;

    fn chain(kind: LeafKind, links: Vec<Conv>, typing: Typing) -> Chain {
        Chain { links, leaf: Leaf { kind, words: None, public: false }, lossy: false, typing }
    }

    fn lex(tag: Tag, text: &str) -> Lex<'_> {
        Lex { tag, text: Cow::Borrowed(text) }
    }

    #[test]
    fn hard_values_keep_their_spelling_or_are_refused() {
        use LeafKind::{Boolean, Date, Decimal, Integer, Text};
        use Tag::{Bool, Number};
        let json = Typing::Json;
        for (kind, links, tag, wire, want) in [
            (Text, vec![], Tag::Text, "0004521", Some(json!("0004521"))),
            (Text, vec![], Number, "4521", None),
            (Text, vec![], Bool, "true", None),
            (Text, vec![], Tag::Text, "true", Some(json!("true"))),
            (Text, vec![], Tag::Text, "5237E8", Some(json!("5237E8"))),
            (Text, vec![], Tag::Text, "a\u{0}b", None),
            (Text, vec![], Tag::Text, " a ", Some(json!(" a "))),
            (Text, vec![], Tag::Text, "Pha\u{323}m Thi\u{323}", Some(json!("Phạm Thị"))),
            (Integer, vec![], Number, "9007199254740993", Some(json!(9_007_199_254_740_993_i64))),
            (Integer, vec![], Number, "9223372036854775808", None),
            (Integer, vec![], Number, "1.0", None),
            (Integer, vec![], Number, "1.5e5", None),
            (Integer, vec![], Tag::Text, "150000", None),
            (Integer, vec![Conv::Text], Tag::Text, "150000", Some(json!(150_000))),
            (Integer, vec![Conv::Text], Tag::Text, "0150000", None),
            (Integer, vec![Conv::Text], Number, "150000", None),
            (Integer, vec![Conv::Number], Number, "150000", Some(json!(150_000))),
            (Decimal, vec![], Tag::Text, "1.10", Some(json!("1.1"))),
            (Decimal, vec![], Tag::Text, "25.0000", Some(json!("25"))),
            (Decimal, vec![], Tag::Text, "-0.0", Some(json!("0"))),
            (Decimal, vec![], Tag::Text, "5237E8", None),
            (Decimal, vec![], Tag::Text, "01.5", None),
            (Decimal, vec![Conv::Number], Number, "8.250", Some(json!("8.25"))),
            (Decimal, vec![Conv::Number], Number, "12345678901234567890.5", Some(json!("12345678901234567890.5"))),
            (Boolean, vec![], Bool, "true", Some(json!(true))),
            (Boolean, vec![], Tag::Text, "true", None),
            (Date, vec![], Tag::Text, "2001-02-29", None),
            (Boolean, vec![Conv::Flag(Lit::Integer("1".into()), Lit::Integer("0".into()))], Number, "0", Some(json!(false))),
            (Boolean, vec![Conv::Flag(Lit::Integer("1".into()), Lit::Integer("0".into()))], Tag::Text, "0", None),
        ] {
            let got = chain(kind, links, json).back(&lex(tag, wire)).ok();
            assert_eq!(got, want, "{kind:?} {wire}");
        }
    }

    #[test]
    fn in_xml_blanks_around_numbers_do_not_count_but_in_text_they_do() {
        let read = |kind, text| chain(kind, vec![], Typing::Xml).back(&lex(Tag::Text, text)).ok();
        assert_eq!(read(LeafKind::Integer, " 5\n"), Some(json!(5)));
        assert_eq!(read(LeafKind::Text, " 5 "), Some(json!(" 5 ")));
        assert_eq!(read(LeafKind::Boolean, "1"), None);
    }

    #[test]
    fn the_quick_look_at_vietnamese_takes_only_characters_that_are_nfc() {
        let mut taken = 0;
        for c in '\u{1}'..=char::MAX {
            let text = c.to_string();
            if is_vietnamese(&text) {
                taken += 1;
                assert_eq!(is_nfc_quick(text.chars()), IsNormalized::Yes, "{c:?}");
            }
        }
        assert_eq!(taken, 0x2ff + 0x100);
        assert!(is_vietnamese("Nguyễn Thị Bích Ngọc, phường Láng Thượng, 12 Đường Đê"));
        assert!(!is_vietnamese("e\u{301}") && !is_vietnamese("\u{1100}") && !is_vietnamese("🙂"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let join = chain(LeafKind::Text, vec![Conv::Join(",".into())], Typing::Json);
        let value = json!(["a", "b"]);
        assert_eq!(join.out(&value), Some(Lex::text("a,b")));
        assert_eq!(join.back(&Lex::text("a,b")).unwrap(), value);
        assert_eq!(join.out(&json!(["a,b"])), None);
        let number = chain(LeafKind::Decimal, vec![Conv::Number], Typing::Json);
        assert_eq!(number.out(&json!("8.25")), Some(lex(Tag::Number, "8.25")));
    }
}

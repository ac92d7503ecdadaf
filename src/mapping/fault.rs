//! What can go wrong with a wire or a canonical body, said in Vietnamese and English.
//!
//! Always: a refusal names the place (pointer, line, column, byte offset), what was expected and what was found; of a value it
//! tells kind and length only, unless the canonical schema marks the field `x-public` (promise 8). This file does not decide
//! how a partner is answered: `receipt` and `refusal` mappings do.

use std::fmt;

/// Where in the wire: pointer (JSON pointer, names of elements, form field), line, column and byte offset, all from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `/a/0/b` for JSON, `Root/Child/@attr` for XML (local names), the field's name for a form; empty for the whole document.
    pub pointer: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset, from 0 (of the text in UTF-8).
    pub offset: usize,
}

/// How far lines and columns of a text are counted (both from 0), so that many places of one text cost one pass.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    offset: usize,
    line: usize,
    column: usize,
}

/// The kind of a refusal: a code word for logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not well-formed.
    Syntax,
    /// A document type declaration: refused by policy.
    Dtd,
    /// Bytes that are not the encoding they claim.
    Encoding,
    /// A name's prefix is not bound, or bound wrongly.
    Namespace,
    /// Deeper, longer or more than the limits.
    Limit,
    /// A second value at a single place.
    Duplicate,
    /// A field that must be there is not.
    Missing,
    /// A field the mapping does not know.
    Unknown,
    /// Another type of value than expected.
    Type,
    /// A word that is not in the code list.
    Code,
    /// Not the date or time expected.
    Time,
    /// Not the constant expected.
    Constant,
    /// Two places must say the same and do not.
    Disagrees,
    /// A field of another branch than the one that holds.
    Branch,
    /// A content that is not base64, or could not be stored.
    Content,
    /// A SOAP header that must be understood is not known.
    MustUnderstand,
    /// A field that decides how to read must come first.
    Order,
    /// The procedure or its edition has no form here.
    Form,
}

/// The same sentence in two languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Both {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// What was found: never a value, unless it is public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// Not told.
    #[default]
    Unsaid,
    /// Nothing there: no word is wasted on it.
    Nothing,
    /// Text of so many characters.
    Text(usize),
    /// A number of so many digits.
    Number(usize),
    /// true or false.
    Boolean,
    /// null.
    Null,
    /// An object, or an element with children.
    Object,
    /// An array.
    Array,
    /// A name (of a field, element, prefix), shortened.
    Name(Box<str>),
    /// A value that the canonical schema calls public, shortened.
    Value(Box<str>),
}

/// One refusal of a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireFault {
    /// Where.
    pub place: Place,
    /// The kind.
    pub kind: FaultKind,
    /// What was expected.
    pub expected: Both,
    /// What was found.
    pub found: Found,
}

/// Why a canonical body cannot be written to this wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFault {
    /// JSON pointer into the canonical body, or `$name` of the context.
    pub pointer: String,
    /// The wire's place that wanted it.
    pub wire: String,
    /// The kind.
    pub kind: WriteFaultKind,
    /// What is wrong.
    pub text: Both,
}

/// The kind of a write fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteFaultKind {
    /// A value this wire needs is not there.
    Missing,
    /// A value this wire has no form for (a code without a word, a character XML cannot carry, a wrong type).
    Value,
    /// A value that this wire carries only in another case (`when`).
    Branch,
    /// No form for this procedure and edition.
    Form,
    /// The content could not be read from the store.
    Content,
    /// The seal could not be made.
    Seal,
}

// === impl Both ===

impl Both {
    /// A sentence in both languages.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }

    /// A name or literal that reads alike in both languages.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { vi: text.clone(), en: text }
    }
}

// === impl Place ===

impl Place {
    /// The place of a byte offset in a text.
    #[must_use]
    pub fn at(source: &str, offset: usize, pointer: String) -> Self {
        Counted::default().place(source, offset, pointer)
    }
}

/// The longest pointer told, in characters: with the mark of what is cut, what the canonical refusal holds.
const LONGEST: usize = 499;

// === impl Counted ===

impl Counted {
    /// Counted on up to an offset; one that lies before is counted from the start.
    pub(crate) fn on(self, source: &str, offset: usize) -> Self {
        let offset = floor(source, offset);
        let from = if offset < self.offset { Self::default() } else { self };
        let piece = source.get(from.offset..offset).unwrap_or("");
        let lines = piece.bytes().filter(|b| *b == b'\n').count();
        let last = piece.rfind('\n').map_or(piece, |at| piece.get(at + 1..).unwrap_or(""));
        let column = last.chars().count() + if lines == 0 { from.column } else { 0 };
        Self { offset, line: from.line + lines, column }
    }

    /// The place of an offset.
    pub(crate) fn place(self, source: &str, offset: usize, pointer: String) -> Place {
        let Self { line, column, .. } = self.on(source, offset);
        let pointer = if pointer.len() > LONGEST || pointer.chars().any(is_odd) { plain(&pointer, LONGEST) } else { pointer };
        Place { pointer, line: clip(line + 1), column: clip(column + 1), offset }
    }
}

fn floor(source: &str, offset: usize) -> usize {
    (0..=offset.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

fn clip(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A name or public value, shortened so that an error stays a line, of characters that every wire carries.
#[must_use]
pub(crate) fn short(text: &str) -> Box<str> {
    plain(text, 60).into()
}

/// A text of which no more than `most` characters are told. Senders choose the names of unknown fields: what no wire can carry back is U+FFFD.
fn plain(text: &str, most: usize) -> String {
    let cut = text.chars().nth(most).map(|_| '…');
    text.chars().take(most).map(|c| if is_odd(c) { char::REPLACEMENT_CHARACTER } else { c }).chain(cut).collect()
}

fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

// === impl FaultKind ===

impl FaultKind {
    /// The code word, stable for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Dtd => "dtd",
            Self::Encoding => "encoding",
            Self::Namespace => "namespace",
            Self::Limit => "limit",
            Self::Duplicate => "duplicate",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Type => "type",
            Self::Code => "code",
            Self::Time => "time",
            Self::Constant => "constant",
            Self::Disagrees => "disagrees",
            Self::Branch => "branch",
            Self::Content => "content",
            Self::MustUnderstand => "must-understand",
            Self::Order => "order",
            Self::Form => "form",
        }
    }

    fn head(self) -> Both {
        let (vi, en) = match self {
            Self::Syntax => ("sai cú pháp", "not well-formed"),
            Self::Dtd => ("không nhận khai báo DOCTYPE", "a document type declaration is refused"),
            Self::Encoding => ("sai bảng mã", "wrong encoding"),
            Self::Namespace => ("sai không gian tên", "namespace error"),
            Self::Limit => ("vượt giới hạn", "over the limit"),
            Self::Duplicate => ("lặp lại", "repeated"),
            Self::Missing => ("thiếu trường bắt buộc", "a required field is missing"),
            Self::Unknown => ("trường không có trong đặc tả", "an unknown field"),
            Self::Type => ("sai kiểu giá trị", "wrong type of value"),
            Self::Code => ("mã không có trong danh mục", "a code that is not in the list"),
            Self::Time => ("sai ngày giờ", "not a valid date or time"),
            Self::Constant => ("sai giá trị quy định", "not the prescribed value"),
            Self::Disagrees => ("mâu thuẫn với trường khác", "contradicts another field"),
            Self::Branch => ("không hợp với trường hợp này", "does not belong to this case"),
            Self::Content => ("nội dung tệp không đọc được", "the content cannot be taken"),
            Self::MustUnderstand => ("không hiểu tiêu đề bắt buộc", "a mandatory header is not understood"),
            Self::Order => ("sai thứ tự", "wrong order"),
            Self::Form => ("không có mẫu tờ khai", "no form for this procedure"),
        };
        Both::new(vi, en)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

// === impl Found ===

impl Found {
    /// In Vietnamese; empty when nothing is told.
    #[must_use]
    pub fn vi(&self) -> String {
        match self {
            Self::Unsaid => String::new(),
            Self::Nothing => String::new(),
            Self::Text(n) => format!("văn bản, {n} ký tự"),
            Self::Number(n) => format!("số, {n} chữ số"),
            Self::Boolean => "giá trị đúng/sai".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Object => "đối tượng".to_owned(),
            Self::Array => "mảng".to_owned(),
            Self::Name(name) => format!("“{name}”"),
            Self::Value(value) => format!("“{value}”"),
        }
    }

    /// In English; empty when nothing is told.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::Unsaid => String::new(),
            Self::Nothing => String::new(),
            Self::Text(1) => "text, 1 character".to_owned(),
            Self::Text(n) => format!("text, {n} characters"),
            Self::Number(1) => "number, 1 digit".to_owned(),
            Self::Number(n) => format!("number, {n} digits"),
            Self::Boolean => "a boolean".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::Array => "an array".to_owned(),
            Self::Name(name) => format!("\"{name}\""),
            Self::Value(value) => format!("\"{value}\""),
        }
    }
}

// === impl WireFault ===

impl WireFault {
    /// The place's pointer in the wire.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.place.pointer
    }

    /// The refusal in Vietnamese, with line and column.
    #[must_use]
    pub fn text_vi(&self) -> String {
        let at = format!("dòng {}, cột {}", self.place.line, self.place.column);
        let head = self.kind.head().vi;
        sentence(&at, &self.place.pointer, &head, ("cần", &self.expected.vi), ("nhận được", &self.found.vi()))
    }

    /// The refusal in English, with line and column.
    #[must_use]
    pub fn text_en(&self) -> String {
        let at = format!("line {}, column {}", self.place.line, self.place.column);
        let head = self.kind.head().en;
        sentence(&at, &self.place.pointer, &head, ("expected", &self.expected.en), ("found", &self.found.en()))
    }
}

fn sentence(at: &str, pointer: &str, head: &str, expected: (&str, &str), found: (&str, &str)) -> String {
    let mut text = at.to_owned();
    if !pointer.is_empty() {
        text.push_str(", ");
        text.push_str(pointer);
    }
    text.push_str(": ");
    text.push_str(head);
    if !expected.1.is_empty() {
        text.push_str(&format!("; {} {}", expected.0, expected.1));
    }
    if !found.1.is_empty() {
        text.push_str(&format!("; {} {}", found.0, found.1));
    }
    text
}

impl fmt::Display for WireFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_en())
    }
}

impl std::error::Error for WireFault {}

// === impl WriteFault ===

impl WriteFault {
    /// The fault in Vietnamese.
    #[must_use]
    pub fn text_vi(&self) -> String {
        format!("{} → {}: {}", self.pointer, self.wire, self.text.vi)
    }

    /// The fault in English.
    #[must_use]
    pub fn text_en(&self) -> String {
        format!("{} → {}: {}", self.pointer, self.wire, self.text.en)
    }
}

impl fmt::Display for WriteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_en())
    }
}

impl std::error::Error for WriteFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_not_bytes() {
        let source = "một\nhai ba\nđến đây";
        let offset = source.find("đây").unwrap();
        let place = Place::at(source, offset, "/a".to_owned());
        assert_eq!((place.line, place.column, place.offset), (3, 5, offset));
    }

    #[test]
    fn a_refusal_tells_kind_and_length_but_no_value() {
        let fault = WireFault {
            place: Place { pointer: "/a/0/b".into(), line: 3, column: 9, offset: 40 },
            kind: FaultKind::Type,
            expected: Both::new("số nguyên", "a whole number"),
            found: Found::Text(14),
        };
        assert_eq!(
            fault.text_en(),
            "line 3, column 9, /a/0/b: wrong type of value; expected a whole number; found text, 14 characters"
        );
        assert_eq!(fault.text_vi(), "dòng 3, cột 9, /a/0/b: sai kiểu giá trị; cần số nguyên; nhận được văn bản, 14 ký tự");
    }
}

//! What must hold for any bytes, whatever they are: the fuzz targets, and the ordinary test that replays their corpus, run these.
//!
//! No reader panics. What we call well-formed others do too. What is read can be written, and is then read as the same. A mapping text that
//! can be laid out is laid out once and for all; one with faults has them shown.

use lienthong::mapping::{Book, Context, Editions, Format, MemoryContents, Shapes, Source, lint, render, tidy};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The longest text that is no content, bytes.
const MOST: usize = 64 << 10;

const XML: &str = "message: note
format: xml
ENVELOPE
namespace: urn:a
root: Note

@r = on_root ?
Code = code
Procedure = procedure
Day = submitted_at
T = t ?
T/@a = on_text ?
E = .
    @a = on_element ?
N = n ?
D = d ?
B = b ?
R[] = rows[]
    @a = a ?
    X = x ?
F = form ?
    use form/{procedure}
";

const JSON: &str = "message: note
format: json
without: on_element, on_root, on_text

Code = code
Procedure = procedure
Day = submitted_at
T = t ?
N = n ?
D = d : number ?
B = b ?
R[] = rows[]
    A = a ?
    X = x ?
F = form ?
    use form/{procedure}
";

const FORM: &str = "message: note
format: form
without: form, on_element, on_root, on_text, rows

Code = code
Procedure = procedure
Day = submitted_at
T = t ?
N = n ?
D = d ?
B = b ?
";

/// A document inside among archives; a join.
const LETTER: &str = "message: letter
format: xml
namespace: urn:l
root: Letter

Subject = title
File[Id='x.xml'] = .
    Id = 'x.xml'
    Body = . : doc(inner) : zip('x.xml') : base64 | doc(inner) : base64
File[] = papers[].files[]
    Body = content : zip(name) : base64 | base64
    Id = id
    Name = name
";

const INNER: &str = "message: letter
format: xml
root: N
without: papers.files.content

T = title
P[] = papers[]
    @code = code
    F[] = files[]
        @id = id
        Name = name
";

/// A message with files.
fn letters() -> Book {
    let text = || json!({ "type": "string" });
    let content = json!({ "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } });
    let file = json!({ "type": "object", "properties": { "id": text(), "name": text(), "content": content } });
    let paper =
        json!({ "type": "object", "properties": { "code": text(), "files": { "type": "array", "x-key": "id", "items": file } } });
    let papers = json!({ "type": "array", "x-key": "code", "items": paper });
    let letter = json!({ "type": "object", "required": ["title"], "properties": { "title": text(), "papers": papers } });
    let shapes = Shapes::new(BTreeMap::from([("letter".to_owned(), letter)]), Editions::default()).unwrap();
    let source = Source::new("p").with("letter.map", LETTER).with("inner.map", INNER);
    Book::compile(&source, &Arc::new(shapes)).unwrap_or_else(|f| panic!("{f:?}"))
}

/// One message with a field of each type.
pub fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let note = json!({ "type": "object", "required": ["code", "procedure", "submitted_at"], "properties": {
        "code": text(), "procedure": text(), "submitted_at": { "type": "string", "format": "date-time" },
        "t": text(), "on_text": text(), "on_element": text(), "on_root": text(),
        "n": { "type": "integer" }, "d": { "type": "string", "format": "decimal" }, "b": { "type": "boolean" },
        "rows": { "type": "array", "items": { "type": "object", "properties": { "a": text(), "x": text() } } },
        "form": { "type": "object" } } });
    let form = json!({ "type": "object", "properties": { "y": text() } });
    let schemas = BTreeMap::from([("note".to_owned(), note), ("forms/1.1@new".to_owned(), form)]);
    let editions = Editions::parse("[[edition]]\nprocedure='1.1'\nname='new'\nfrom='2025-01-01'\n").unwrap();
    Arc::new(Shapes::new(schemas, editions).unwrap())
}

/// Mappings of it, one a format, bare and in an envelope; `absent` is the head's word for what stands for none.
pub fn book(absent: &str) -> Book {
    let absent = |map: &str| map.replacen("format:", &format!("absent: {absent}\nformat:"), 1);
    let source = Source::new("p")
        .with("xml.map", absent(&XML.replace("ENVELOPE\n", "")))
        .with("soap.map", absent(&XML.replace("ENVELOPE", "envelope: soap12")))
        .with("json.map", absent(JSON))
        .with("form.map", absent(FORM))
        .with("form/1.1@new.map", "Y = y ?\n");
    Book::compile(&source, &shapes()).unwrap_or_else(|f| panic!("{f:?}"))
}

/// What is read can be written, and is then read as the same. Whether it is read.
fn through(name: &str, data: &[u8]) -> bool {
    static BOOK: OnceLock<Book> = OnceLock::new();
    static LETTERS: OnceLock<Book> = OnceLock::new();
    let map = match name {
        "letter" => LETTERS.get_or_init(letters).map(name).unwrap(),
        name => BOOK.get_or_init(|| book("omit | null | ''")).map(name).unwrap(),
    };
    let (context, mut contents) = (Context::new(), MemoryContents::default());
    let Ok(readings) = map.read(data, &context, &mut contents) else { return false };
    for reading in readings {
        let bytes = map.write(&reading.body, &context, &contents, None);
        let bytes = bytes.unwrap_or_else(|f| panic!("read, and not written: {f}\n{}", reading.body));
        let again = map.read(&bytes, &context, &mut contents).unwrap_or_else(|f| panic!("written, and not read: {f:?}"));
        assert_eq!(again[0].body, reading.body, "{}", String::from_utf8_lossy(&bytes));
    }
    true
}

/// Any bytes as XML.
pub fn xml(data: &[u8]) {
    if let (Ok(()), Ok(text)) = (lint(data, Format::Xml), std::str::from_utf8(data)) {
        assert!(roxmltree::Document::parse(text).is_ok(), "we take it, roxmltree does not: {text:?}");
    }
    // A mapping takes short ways through plain elements: what it reads is well-formed all the same (a content may be longer than a text).
    let read = ["xml", "soap", "letter"].map(|name| through(name, data)).contains(&true);
    assert!(!read || data.len() > MOST || lint(data, Format::Xml).is_ok(), "read, and not well-formed");
}

/// Any bytes as JSON.
pub fn json(data: &[u8]) {
    if lint(data, Format::Json).is_ok() {
        let other = serde_json::from_slice::<Value>(data);
        // serde_json makes doubles of numbers; we keep their digits.
        let fine = other.as_ref().err().is_none_or(|e| e.to_string().contains("number out of range"));
        assert!(fine, "we take it, serde_json does not: {other:?}");
    }
    through("json", data);
}

/// Any bytes as a form.
pub fn form(data: &[u8]) {
    let _ = lint(data, Format::Form);
    through("form", data);
}

/// Any text as a mapping.
pub fn map(data: &[u8]) {
    static SHAPES: OnceLock<Arc<Shapes>> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(laid) = tidy("a.map", text) {
        assert_eq!(tidy("a.map", &laid).as_deref(), Ok(laid.as_str()), "laid out twice, two texts");
    }
    let source = Source::new("p").with("a.map", text).with("form/1.1@new.map", "Y = y ?\n");
    if let Err(faults) = Book::compile(&source, SHAPES.get_or_init(shapes)) {
        assert!(!render(&faults, &source, false).is_empty());
    }
}

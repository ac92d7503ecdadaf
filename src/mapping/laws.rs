//! The laws over small mappings that use every construct, in all three formats: nothing lost, one spelling, same bytes.

use super::*;
use crate::body::{Value, json};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct Fixed;

impl Sealer for Fixed {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        Ok(raw.fields.iter().map(|(name, text)| format!("{name}={text};")).collect())
    }
}

pub(super) fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let content = || json!({ "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } });
    let note = json!({ "type": "object", "required": ["code", "procedure", "submitted_at"], "properties": {
        "code": { "type": "string", "x-public": true },
        "procedure": text(),
        "submitted_at": { "type": "string", "format": "date-time" },
        "kind": { "type": "string", "enum": ["one", "two", "three"] },
        "count": { "type": "integer" },
        "done": { "type": "boolean" },
        "mark": { "type": "string", "format": "decimal" },
        "day": { "type": "string", "format": "date" },
        "title": { "type": "string", "pattern": "^[^§]*$" },
        "person": { "type": "object", "properties": { "name": text(), "city": text(), "nick": text() } },
        "home": { "type": "object", "properties": { "street": text(), "zone": text() } },
        "paper": { "type": "object", "required": ["kind"], "properties": { "kind": { "type": "string", "enum": ["red", "blue"] }, "number": text() } },
        "rows": { "type": "array", "items": { "type": "object", "properties": {
            "id": text(), "file": content(), "tags": { "type": "array", "items": text() } } } },
        "tags": { "type": "array", "items": text() },
        "grade_a": text(), "grade_b": text(),
        "form": { "type": "object" }
    } });
    let form =
        |field: &str| json!({ "type": "object", "properties": { field: text(), "list": { "type": "array", "items": text() } } });
    let editions = Editions::parse(
        "[[edition]]\nprocedure='1.1'\nname='old'\nfrom='2019-01-01'\n[[edition]]\nprocedure='1.1'\nname='new'\nfrom='2025-01-01'\n",
    );
    let schemas = BTreeMap::from([
        ("note".to_owned(), note.into()),
        ("forms/1.1@old".to_owned(), form("left").into()),
        ("forms/1.1@new".to_owned(), form("right").into()),
    ]);
    Arc::new(Shapes::new(schemas, editions.unwrap()).unwrap())
}

const JSON: &str = "message: note
format: json
absent: omit | null | ''

code = code
proc = procedure
sent = submitted_at : time(yyyyMMddHHmmss)
k = kind : code(kind) ?
n = count : number | text ?
done = done : flag(1,0) ?
mark = mark : number ?
day = day : date(yyyyMMdd'000000') ?
title = title ? '§'
fixed = 'c' | 'd'
extra = *
who = person ?
    name = name
    city = city ?
    deep/nick = nick ?
. = home ?
    has_home = true ? false
    street = street
    zone = zone ?
paper = paper ?
    when kind = red
        red = number
    when kind = blue
        blue = number
rows[] = rows[]
    id = id
    of = ^code
    tags[] = tags[] ?
    body = file : base64 ?
tags = tags[] : join('|') ?
ga = grade_a ?
gb = grade_b ?
id = '{code}/{submitted_at : time(yyyyMMddHHmmss)}'
client = $partner.client
form = form ?
    use form/{procedure}
seal = $seal
";

const XML: &str = "message: note
format: xml
envelope: ENVELOPE
namespace: urn:a
ns p: urn:b
root: Note

@p:version = '1'
Code = code
Code/@up = code : ~upper
Code/@v = '1'
Flag = 'f'
Flag/@of = '{code}'
Proc = procedure
Sent = submitted_at : time(yyyy-MM-dd'T'HH:mm:ssXXX)
K = kind : code(kind) ?
N = count ?
Done = done : flag(1,0) ?
Mark = mark ?
Day = day ?
Title = title ? '§'
Fixed = 'c'
Who = person ?
    @name = name
    p:City = city ?
    p:City/@nick = nick ?
. = home ?
    HasHome = '1' ? '0'
    Street = street
    Zone = zone ?
Paper = paper ?
    when kind = red
        Red = number
    when kind = blue
        Blue = number
Grade[@k=1] = grade_a ?
Grade[@k='2'] = grade_b ?
Rows = .
    Row[] = rows[]
        @id = id
        Of = ^code
        Tag[] = tags[]
        Body = file : base64 ?
Tags = . ?
    Tag[] = tags[]
Form = form ?
    use form/{procedure}
";

const CODES: &str = "[kind]\none = 1\ntwo = [2, \"2\"]\nthree = 3\n";

pub(super) fn book_source(envelope: &str) -> Source {
    let head = if envelope.is_empty() { XML.replace("envelope: ENVELOPE\n", "") } else { XML.replace("ENVELOPE", envelope) };
    Source::new("p")
        .with("json.map", JSON)
        .with("xml.map", head)
        .with("form/1.1@old.map", "l = left ?\nlist[] = list[]\n")
        .with("form/1.1@new.map", "r = right ?\nlist[] = list[]\n")
        .with("codes.toml", CODES)
}

fn book(envelope: &str) -> Book {
    let source = book_source(envelope);
    Book::compile(&source, &shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source, false)))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "0004521",
            "1234567890123456789",
            "1.10",
            "25.0000",
            "5237E8",
            "true",
            "null",
            "0",
            "-1",
            " hai  dấu cách ",
            "Phạm Thị Sao Mai",
            "a\nb\tc",
            "a\r\nb",
            "]]>",
            "<a>&amp;</a>",
            "\"'`{}|",
            "🙂🇻🇳",
            "&#10;",
            "=&%+;",
            "\u{a0}",
            "e\u{301}",
            "d\u{323}\u{302}",
        ])
        .prop_map(str::to_owned),
        "[ -~à-ỹ\n\t]{1,20}",
    ]
    .prop_map(|t| unicode_normalization::UnicodeNormalization::nfc(t.as_str()).collect::<String>())
    .prop_filter("not an absent form of these maps", |t| !t.is_empty())
}

fn tag() -> impl Strategy<Value = String> {
    text().prop_filter("the separator of the join", |t| !t.contains('|'))
}

/// A note in the canonical normal form, every optional there or not, and the contents it names.
pub(super) fn note() -> impl Strategy<Value = (Value, Vec<Vec<u8>>)> {
    let row = (text(), prop::collection::vec(tag(), 0..3), prop::option::of(prop::collection::vec(any::<u8>(), 1..50)));
    let scalars = (
        prop::option::of(prop::sample::select(vec!["one", "two", "three"])),
        prop::option::of(any::<i64>()),
        prop::option::of(any::<bool>()),
        prop::option::of(prop::sample::select(vec!["0", "8.25", "-0.5", "10", "12345678901234567890.123"])),
        prop::option::of(prop::sample::select(vec!["2001-11-20", "2020-02-29"])),
        prop::option::of(text()),
    );
    let person = prop::option::of((text(), prop::option::of(text()), prop::option::of(text())));
    let home = prop::option::of((text(), prop::option::of(text())));
    let paper = prop::option::of((any::<bool>(), text()));
    let form = prop::option::of((prop::option::of(text()), prop::collection::vec(text(), 1..3)));
    let year = prop::sample::select(vec!["2019", "2024", "2025", "2030"]);
    let parts = (scalars, person, home, paper, prop::collection::vec(row, 0..3), prop::collection::vec(tag(), 0..3), form, year);
    (parts, prop::option::of(text()), prop::option::of(text())).prop_map(|((s, person, home, paper, rows, tags, form, year), a, b)| {
        let mut body = json!({ "code": "C-0117", "procedure": "1.1", "submitted_at": format!("{year}-04-03T09:30:00+07:00"), "tags": tags });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        put("kind", s.0.map(Value::from));
        put("count", s.1.map(Value::from));
        put("done", s.2.map(Value::from));
        put("mark", s.3.map(Value::from));
        put("day", s.4.map(Value::from));
        put("title", s.5.map(Value::from));
        put("grade_a", a.map(Value::from));
        put("grade_b", b.map(Value::from));
        put("person", person.map(|(name, city, nick)| thin(json!({ "name": name, "city": city, "nick": nick }))));
        put("home", home.map(|(street, zone)| thin(json!({ "street": street, "zone": zone }))));
        put("paper", paper.map(|(red, number)| json!({ "kind": if red { "red" } else { "blue" }, "number": number })));
        let field = if year < "2025" { "left" } else { "right" };
        put("form", form.map(|(value, list)| thin(json!({ field: value, "list": list }))));
        let mut blobs = Vec::new();
        let rows = rows.into_iter().map(|(id, tags, file)| {
            let file = file.map(|bytes| {
                let value = json!({ "blob": format!("sha256:{}", crate::seal::sha256_hex(&bytes)), "size": bytes.len() });
                blobs.push(bytes);
                value
            });
            thin(json!({ "id": id, "tags": tags, "file": file }))
        });
        let rows: Vec<Value> = rows.collect();
        body["rows"] = Value::Array(rows);
        (body, blobs)
    })
}

/// Without nulls.
fn thin(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    value
}

fn contents(blobs: &[Vec<u8>]) -> MemoryContents {
    let mut store = MemoryContents::default();
    for bytes in blobs {
        store.begin().unwrap();
        store.piece(bytes).unwrap();
        store.end().unwrap();
    }
    store
}

fn context() -> Context {
    Context::new().with("partner.client", "HN")
}

fn told(faults: &[WireFault]) -> String {
    faults.iter().map(WireFault::text_en).collect::<Vec<_>>().join("\n")
}

/// L1, L2 and L3 for one note through one mapping.
fn laws_hold(map: &Mapping, body: &Value, blobs: &[Vec<u8>]) {
    let store = contents(blobs);
    let ctx = context();
    let bytes = map.write(body, &ctx, &store, Some(&Fixed)).unwrap_or_else(|f| panic!("{f}\n{body}"));
    let mut sink = MemoryContents::default();
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    let readings = map.read(&bytes, &ctx, &mut sink).unwrap_or_else(|f| panic!("{}\n{shown}", told(&f)));
    assert_eq!(readings.len(), 1);
    assert_eq!(&readings[0].body, body, "{shown}");
    assert_eq!(sink.kept.len(), store.kept.len());
    assert_eq!(map.write(&readings[0].body, &ctx, &sink, Some(&Fixed)).unwrap(), bytes, "the same bytes again");
    if map.is_sealed() {
        assert_eq!(readings[0].raw.seal.as_deref(), Some(Fixed.seal(&readings[0].raw).unwrap().as_str()), "{shown}");
    }
    if map.format() == Format::Json {
        assert!(serde_json::from_slice::<Value>(&bytes).is_ok(), "{shown}");
    } else {
        assert!(roxmltree::Document::parse(&shown).is_ok(), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_loses_nothing_and_has_one_spelling((body, blobs) in note()) {
        laws_hold(book("").map("json").unwrap(), &body, &blobs);
    }

    #[test]
    fn xml_loses_nothing_and_has_one_spelling((body, blobs) in note()) {
        for envelope in ["", "soap11", "soap12"] {
            laws_hold(book(envelope).map("xml").unwrap(), &body, &blobs);
        }
    }
}

#[test]
fn a_form_is_written_and_read() {
    let text = "message: note\nformat: form\nwithout: day, done, form, grade_a, grade_b, home, kind, mark, paper, person, procedure, rows, submitted_at, tags\n\na = code\nb = count\nc = title ?\nd = 'x'\nsum = $seal\n";
    let book = Book::compile(&Source::new("p").with("m.map", text), &shapes()).unwrap();
    let map = book.map("m").unwrap();
    let body = json!({ "code": "a b&c=é", "count": 7, "title": "+" });
    let bytes = map.write(&body, &Context::new(), &NoContents, Some(&Fixed)).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        "a=a+b%26c%3D%C3%A9&b=7&c=%2B&d=x&sum=a%3Da+b%26c%3D%C3%A9%3Bb%3D7%3Bc%3D%2B%3Bd%3Dx%3B"
    );
    let reading = &map.read(&bytes, &Context::new(), &mut NoContents).unwrap()[0];
    assert_eq!(reading.body, json!({ "code": "a b&c=é", "count": 7, "title": "+", "rows": [], "tags": [] }));
    assert_eq!(reading.raw.seal, Some(Fixed.seal(&reading.raw).unwrap()));
}

#[test]
fn a_batch_is_one_message_a_row_and_shares_what_stands_outside() {
    let without =
        "without: day, done, form, grade_a, grade_b, home, kind, mark, paper, person, procedure, rows, submitted_at, tags";
    let text = format!(
        "message: note\nformat: json\n{without}\n\nwho = $partner.client\ntitle = title\ndata[] = .\n    code = code\n    n = count ?\n"
    );
    let book = Book::compile(&Source::new("p").with("m.map", text), &shapes()).unwrap();
    let map = book.map("m").unwrap();
    let readings = map
        .read(br#"{"who":"HN","data":[{"code":"a","n":1},{"code":"b"}],"title":"t"}"#, &Context::new(), &mut NoContents)
        .unwrap();
    let bodies: Vec<&Value> = readings.iter().map(|r| &r.body).collect();
    assert_eq!(
        bodies,
        [
            &json!({ "code": "a", "count": 1, "title": "t", "rows": [], "tags": [] }),
            &json!({ "code": "b", "title": "t", "rows": [], "tags": [] })
        ]
    );
    assert_eq!(readings[1].context["partner.client"], "HN");
    let bytes = map.write_batch(&bodies, &context(), &NoContents, None).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), r#"{"who":"HN","title":"t","data":[{"code":"a","n":1},{"code":"b"}]}"#);
    assert!(map.read(br#"{"who":"HN","title":"t","data":[]}"#, &Context::new(), &mut NoContents).unwrap().is_empty());
}

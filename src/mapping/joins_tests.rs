//! Joins: several wire lists of one canonical list, in all formats; what does not meet is refused, at compile or with its row.

use super::*;
use crate::body::{Value, json};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let id = || json!({ "type": "string", "x-public": true });
    let file = json!({ "type": "object", "required": ["id"], "properties": { "id": id(), "name": text(), "note": text(), "kind": text() } });
    let files = json!({ "type": "array", "x-key": "id", "items": file });
    let paper =
        json!({ "type": "object", "required": ["code"], "properties": { "code": text(), "title": text(), "files": files } });
    let loose = json!({ "type": "array", "items": { "type": "object", "properties": { "a": text(), "b": text() } } });
    let note = json!({ "type": "object", "properties": {
        "papers": { "type": "array", "x-key": "code", "items": paper }, "loose": loose,
        "kind": { "enum": ["one", "two"] } } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
}

/// Papers placed by one list, their files by a second, and two more lists that add to each.
const RELATIONS: &str = "Name[] = papers[].files[]
    Id = id
    Of = ^code
    Name = name ?
Paper[] = papers[]
    Code = code
Title[] = papers[]
    Of = code
    Title = title ?
Kind[] = papers[].files[]
    Of = 'f-{id}'
    Kind = kind ?
Extra[] = papers[].files[] ?
    Id = id
    Note = note
";

/// As letters with attachments have it: files stand in their papers, and flat lists add to them.
const NESTED: &str = "Reference[] = papers[].files[]
    Href = 'cid:{id}'
    Name = name ?
Paper[] = papers[]
    Code = code
    Title = title ?
    File[] = files[]
        Id = id
        Kind = kind ?
Attachment[] = papers[].files[]
    Id = id
    Of = ^code
    Note = note ?
";

fn source(head: &str, lines: &str) -> Source {
    Source::new("p").with("m.map", format!("message: note\n{head}\nwithout: kind, loose\n\n{lines}"))
}

fn book(head: &str, lines: &str) -> Book {
    let source = source(head, lines);
    Book::compile(&source, &shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source, false)))
}

fn read(map: &Mapping, wire: &str) -> Result<Value, String> {
    let told = |faults: Vec<WireFault>| faults.iter().map(WireFault::text_en).collect::<Vec<_>>().join("\n");
    map.read(wire.as_bytes(), &Context::new(), &mut NoContents).map(|mut r| r.remove(0).body).map_err(told)
}

fn write(map: &Mapping, body: &Value) -> Result<String, (WriteFaultKind, String)> {
    let written = map.write(body, &Context::new(), &NoContents, None);
    written.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|f| (f.kind, f.pointer))
}

fn faults(lines: &str) -> Vec<String> {
    let source = Source::new("p").with("m.map", format!("message: note\nformat: json\n\n{lines}"));
    let faults = Book::compile(&source, &shapes()).err().unwrap_or_default();
    faults.iter().filter(|f| !f.text.contains("`without`")).map(|f| format!("{}: {}", f.line, f.text)).collect()
}

fn thin(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    value
}

/// Papers and files with keys of their own.
fn note() -> impl Strategy<Value = Value> {
    let some = || prop::option::of("[a-zàảấệữđ ]{1,9}[a-z]");
    let files = prop::collection::vec((some(), some(), some()), 0..4);
    prop::collection::vec((some(), files), 0..5).prop_map(|papers| {
        let mut count = 0;
        let papers = papers.into_iter().enumerate().map(|(n, (title, files))| {
            let files = files.into_iter().map(|(name, note, kind)| {
                count += 1;
                thin(json!({ "id": format!("t{count}"), "name": name, "note": note, "kind": kind }))
            });
            let files: Vec<Value> = files.collect();
            thin(json!({ "code": format!("TP{n}"), "title": title, "files": files }))
        });
        json!({ "papers": papers.collect::<Vec<_>>(), "loose": [] })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_several_lists_carry_comes_back_whole_in_whatever_order_their_rows_come(body in note(), seed in any::<u64>()) {
        for head in ["format: json", "format: json\nabsent: '' | omit", "format: xml\nroot: Note\nabsent: omit", "format: xml\nroot: Note\nenvelope: soap12"] {
            for lines in [RELATIONS, NESTED] {
                let book = book(head, lines);
                let map = book.map("m").unwrap();
                let text = write(map, &body).unwrap();
                let again = read(map, &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
                prop_assert_eq!(&again, &body, "{}", text);
                prop_assert_eq!(&write(map, &again).unwrap(), &text);
                prop_assert!(map.unmet(&body, None).is_empty());
                if map.format() == Format::Json {
                    // Rows of the lists that only add come in any order; rows of one paper keep theirs.
                    let mut wire: Value = serde_json::from_str(&text).unwrap();
                    let turn = |rows: &mut Value| if let Some(rows) = rows.as_array_mut() { let n = rows.len().max(1); rows.rotate_left(usize::try_from(seed).unwrap_or(7) % n) };
                    ["Title", "Kind", "Extra", "Reference", "Attachment"].iter().for_each(|name| wire.get_mut(name).into_iter().for_each(turn));
                    prop_assert_eq!(&read(map, &wire.to_string()).unwrap(), &body, "{}", wire);
                }
            }
        }
    }
}

#[test]
fn a_row_without_its_element_and_an_element_without_its_row_are_refused_with_the_place() {
    let book = book("format: json", RELATIONS);
    let map = book.map("m").unwrap();
    let wire = |paper: &str, title: &str, name: &str, kind: &str, extra: &str| {
        read(map, &format!(r#"{{"Name":[{name}],"Paper":[{paper}],"Title":[{title}],"Kind":[{kind}],"Extra":[{extra}]}}"#))
    };
    let (p, t, n, k) = (r#"{"Code":"a"}"#, r#"{"Of":"a"}"#, r#"{"Id":"1","Of":"a"}"#, r#"{"Of":"f-1"}"#);
    let whole = wire(p, t, n, k, r#"{"Id":"1","Note":"x"}"#).unwrap();
    assert_eq!(whole["papers"], json!([{ "code": "a", "files": [{ "id": "1", "note": "x" }] }]));
    assert_eq!(
        wire(p, t, n, k, "").unwrap()["papers"][0]["files"][0],
        json!({ "id": "1" }),
        "a list with `?` may leave rows out"
    );
    for (got, place, want) in [
        (wire(p, "", n, k, ""), "/Title", "a row here for each element"),
        (wire(p, t, n, "", ""), "/Kind", "a row here for each element"),
        (wire(p, r#"{"Of":"a"},{"Of":"b"}"#, n, k, ""), "/Title/1", "the key of an element of the other list"),
        (wire(p, r#"{"Of":"a"},{"Of":"a"}"#, n, k, ""), "/Title/1", "one row for each element"),
        (wire(p, t, r#"{"Id":"1","Of":"b"}"#, k, ""), "/Name/0", "the key of an element of the other list"),
        (wire(p, t, r#"{"Id":"1","Of":"a"},{"Id":"1","Of":"a"}"#, k, ""), "/Kind", "elements with different keys"),
        (wire(p, t, n, k, r#"{"Id":"2","Note":"x"}"#), "/Extra/0", "found \"2\""),
        (wire("", "", n, k, ""), "/Name/0", "the key of an element"),
    ] {
        let got = got.unwrap_err();
        assert!(got.contains(place) && got.contains(want), "want {place} {want}, got {got}");
    }
    let told = wire(p, r#"{"Of":"a"},{"Of":"Bí mật"}"#, n, k, "").unwrap_err();
    assert!(!told.contains("Bí mật"), "a key that is not public is not told: {told}");
    let nested = self::book("format: xml\nroot: N", NESTED);
    let map = nested.map("m").unwrap();
    let text = "<N><Reference><Href>cid:1</Href></Reference><Paper><Code>a</Code><File><Id>1</Id></File></Paper><Attachment><Id>1</Id><Of>b</Of></Attachment></N>";
    let told = read(map, text).unwrap_err();
    assert!(told.contains("N/Attachment[1]") && told.contains("the same values"), "{told}");
    let told = read(map, &text.replace("<Attachment><Id>1</Id><Of>b</Of></Attachment>", "")).unwrap_err();
    assert!(told.contains("N/Attachment") && told.contains("a row here for each element"), "{told}");
}

#[test]
fn elements_that_could_not_be_told_apart_are_not_written_and_are_refused_at_the_door() {
    let book = book("format: json", RELATIONS);
    let map = book.map("m").unwrap();
    let twice = json!({ "papers": [{ "code": "a", "files": [{ "id": "1" }] }, { "code": "b", "files": [{ "id": "1" }] }] });
    assert_eq!(write(map, &twice), Err((WriteFaultKind::Value, "/papers/1/files/0/id".to_owned())));
    let unmet: Vec<_> = map.unmet(&twice, None).into_iter().map(|u| (u.pointer, u.wants)).collect();
    assert!(unmet.contains(&("/papers/1/files/0/id".to_owned(), Wants::OwnKey)), "{unmet:?}");
    let papers = json!({ "papers": [{ "code": "a", "files": [] }, { "code": "a", "files": [] }] });
    assert_eq!(write(map, &papers), Err((WriteFaultKind::Value, "/papers/1/code".to_owned())));
}

#[test]
fn lists_that_could_not_meet_are_refused_at_compile() {
    let two = |a: &str, b: &str| faults(&format!("A[] = papers[]\n    C = code\n{a}B[] = papers[]{b}"));
    let flat = |lines: &str| {
        faults(&format!("A[] = papers[]\n    C = code\n    F[] = files[]\n        I = id\nB[] = papers[].files[]{lines}"))
    };
    let when =
        "when kind = one\n    A[] = papers[]\n        C = code\nwhen kind = two\n    X = 'x'\nB[] = papers[]\n    C = code\n";
    for (got, want) in [
        (two("", "\n    T = title ?\n"), "6: several lists meet in `papers`, and these rows do not tell its key `code`"),
        (two("", "\n    C = code ?\n"), "6: several lists meet in `papers`, and these rows do not tell its key `code`"),
        (
            two("    F[] = files[]\n        I = id\n", "\n    C = code\n    F[] = files[]\n        I = id\n"),
            "8: `files` stands in the rows of both lists of `papers`",
        ),
        (
            two("    T = title\n", "\n    C = code\n    T = title : ~upper\n"),
            "7: a line with `~` in the rows of a join would not be checked",
        ),
        (two("    T = title ?\n", " ?\n    C = code\n    T = title ?\n"), "7: which elements have their row here cannot be seen"),
        (flat("\n    N = name ?\n"), "8: several lists meet in `papers.files`, and these rows do not tell its key `id`"),
        (faults("A[] = loose[]\n    A = a\nB[] = loose[]\n    B = b\n"), "6: nothing tells the elements of `loose` apart"),
        (
            faults("A[] = papers[]\n    C = code\nB[] = papers[].files[]\n    I = id\n"),
            "6: the rows do not tell which element of `papers` they belong to",
        ),
        (faults(when), "9: the list that places the elements of `papers` stands in a branch, and this one outside of it"),
    ] {
        assert!(got.iter().any(|f| f == want), "want {want}, got {got:?}");
    }
    let apart = "K = kind\nwhen kind = one\n    A[] = papers[]\n        C = code\nwhen kind = two\n    B[] = papers[]\n        D = code\n";
    assert_eq!(faults(apart), Vec::<String>::new(), "two branches are no join");
}

#[test]
fn explain_counts_the_rows_that_are_written() {
    let book = book("format: json", RELATIONS);
    let map = book.map("m").unwrap();
    let body = json!({ "papers": [{ "code": "a", "files": [{ "id": "1" }, { "id": "2", "note": "x" }] }] });
    let wire: Value = serde_json::from_str(&write(map, &body).unwrap()).unwrap();
    for field in map.explain(&[&body], &Context::new()) {
        let found = wire.pointer(&field.wire).unwrap_or_else(|| panic!("{} is not there: {wire}", field.wire));
        assert_eq!(found.as_str(), field.wire_value.as_deref(), "{}", field.wire);
    }
    assert_eq!(wire["Extra"], json!([{ "Id": "2", "Note": "x" }]));
}

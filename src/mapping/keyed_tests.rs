//! Elements chosen by a key: by an attribute or a child, in JSON by a member, beside the rest of their name.

use super::*;
use crate::body::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let content = json!({ "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } });
    let row = json!({ "type": "object", "properties": { "id": text(), "file": content } });
    let note = json!({ "type": "object", "properties": {
        "title": text(), "mark": text(), "rows": { "type": "array", "items": row } } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
}

const LINES: &str = "Part[p:Id='head'] = .
    p:Id = 'head'
    Title = title
Part[p:Id='mark'] = . ?
    Mark = mark ?
Part[] = rows[]
    File = file : base64 ?
    p:Id = id
";

fn source(lines: &str) -> Source {
    let head = "message: note\nformat: xml\nnamespace: urn:a\nns p: urn:p\nroot: Note";
    Source::new("p").with("m.map", format!("{head}\n\n{lines}"))
}

fn book(lines: &str) -> Book {
    let source = source(lines);
    Book::compile(&source, &shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source, false)))
}

fn faults(lines: &str) -> Vec<String> {
    let faults = Book::compile(&source(lines), &shapes()).err().unwrap_or_default();
    faults.iter().filter(|f| !f.text.contains("`without`")).map(|f| format!("{}: {}", f.line, f.text)).collect()
}

fn read(map: &Mapping, wire: &str) -> Result<Value, String> {
    let told = |faults: Vec<WireFault>| faults.iter().map(WireFault::text_en).collect::<Vec<_>>().join("\n");
    map.read(wire.as_bytes(), &Context::new(), &mut MemoryContents::default()).map(|mut r| r.remove(0).body).map_err(told)
}

#[test]
fn an_element_is_chosen_by_its_child_wherever_that_stands_and_the_rest_are_rows() {
    let book = book(LINES);
    let map = book.map("m").unwrap();
    let mut contents = MemoryContents::default();
    contents.begin().unwrap();
    contents.piece(&[7; 200_000]).unwrap();
    let file = contents.end().unwrap().value();
    for (mark, rows) in [(Some("m"), json!([{ "id": "1", "file": file }, { "id": "2" }])), (None, json!([]))] {
        let mut body = json!({ "title": "t", "rows": rows });
        mark.into_iter().for_each(|mark| body["mark"] = json!(mark));
        let bytes = map.write(&body, &Context::new(), &contents, None).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(read(map, &text).unwrap(), body, "{text}");
        assert_eq!(map.write(&read(map, &text).unwrap(), &Context::new(), &contents, None).unwrap(), bytes);
    }
    // Another order of elements and children, other prefixes, the key in pieces: the same.
    let text = "<x:Note xmlns:x='urn:a' xmlns='urn:p'><x:Part><Id>2</Id></x:Part><x:Part><x:Mark>m</x:Mark><Id>ma<![CDATA[rk]]></Id></x:Part>\
        <x:Part><x:Title>t</x:Title><!-- c --><Id>h&#101;ad</Id></x:Part></x:Note>";
    assert_eq!(read(map, text).unwrap(), json!({ "title": "t", "mark": "m", "rows": [{ "id": "2" }] }));
}

#[test]
fn a_key_that_comes_twice_or_of_no_line_is_refused() {
    let book = book(LINES);
    let map = book.map("m").unwrap();
    let part = |id: &str, more: &str| format!("<Part><i:Id xmlns:i='urn:p'>{id}</i:Id>{more}</Part>");
    let note = |parts: &[String]| format!("<Note xmlns='urn:a'>{}</Note>", parts.concat());
    let head = part("head", "<Title>t</Title>");
    assert!(read(map, &note(&[head.clone(), head.clone()])).unwrap_err().contains("each element once"));
    let other = read(map, &note(&[head.clone(), part("mark", "<Title>t</Title>")])).unwrap_err();
    assert!(other.contains("Part/Title"), "{other}");
    let unchosen = read(map, &note(&[head, "<Part><Mark>m</Mark></Part>".to_owned()])).unwrap_err();
    assert!(unchosen.contains("Part[1]"), "an element without the key is of the rest: {unchosen}");
}

#[test]
fn a_row_that_would_be_read_as_the_chosen_element_is_not_written() {
    for (lines, key) in [
        (LINES, "head"),
        (
            "Part[@k='head'] = .\n    Title = title\n    Mark = mark ?\nPart[] = rows[]\n    @k = 'he{id}'\n    File = file : base64 ?\n",
            "ad",
        ),
    ] {
        let book = book(lines);
        let map = book.map("m").unwrap();
        let write = |id: &str| map.write(&json!({ "title": "t", "rows": [{ "id": id }] }), &Context::new(), &NoContents, None);
        assert!(write("other").is_ok());
        let fault = write(key).unwrap_err();
        assert_eq!((fault.kind, fault.pointer.as_str()), (WriteFaultKind::Value, "/rows/0/id"));
    }
}

#[test]
fn keys_that_could_not_choose_are_refused_at_compile() {
    for (lines, want) in [
        (
            "Part[Id='a'] = title\n",
            "7: an element chosen by a child (an item by a member) holds that, so it has no text of its own",
        ),
        (
            "Part[Id='a'] = .\n    Id = 'b'\n    T = title\n",
            "7: the line of the key inside the element says something else than the key",
        ),
        (
            "Part[Id='a'] = .\n    Id = mark\n    T = title\n",
            "7: the line of the key inside the element says something else than the key",
        ),
        ("Part[q:Id='a'] = .\n    T = title\n", "7: the prefix `q` is not declared"),
    ] {
        let got = faults(lines);
        assert!(got.iter().any(|f| f == want), "want {want}, got {got:?}");
    }
}

const ITEMS: &str = "before = 'x'
part[id='head'] = .
    id = 'head'
    title = title
part[no=7] = . ?
    mark = mark ?
part[] = rows[]
    id = id
    file = file : base64 ?
after = 'y'
";

fn json_book(lines: &str) -> Result<Book, Vec<String>> {
    let source = Source::new("p").with("m.map", format!("message: note\nformat: json\n\n{lines}"));
    Book::compile(&source, &shapes()).map_err(|faults| faults.iter().map(|f| format!("{}: {}", f.line, f.text)).collect())
}

#[test]
fn an_item_of_an_array_is_chosen_by_a_member_wherever_it_stands_and_the_rest_are_rows() {
    let book = json_book(ITEMS).unwrap();
    let map = book.map("m").unwrap();
    for (body, wire) in [
        (
            json!({ "title": "t", "mark": "m", "rows": [{ "id": "1" }, { "id": "2" }] }),
            r#"{"before":"x","part":[{"id":"head","title":"t"},{"no":7,"mark":"m"},{"id":"1"},{"id":"2"}],"after":"y"}"#,
        ),
        (json!({ "title": "t", "rows": [] }), r#"{"before":"x","part":[{"id":"head","title":"t"},{"no":7}],"after":"y"}"#),
    ] {
        let bytes = map.write(&body, &Context::new(), &NoContents, None).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), wire);
        assert_eq!(read(map, wire).unwrap(), body);
    }
    let other = r#"{"after":"y","part":[{"id":"2"},{"mark":"m","no":7},{"title":"t","id":"he\u0061d"},{"id":"7"}],"before":"x"}"#;
    assert_eq!(read(map, other).unwrap(), json!({ "title": "t", "mark": "m", "rows": [{ "id": "2" }, { "id": "7" }] }));
    for (wire, wants) in [
        (r#"{"part":[{"id":"head","title":"t"},{"id":"head","title":"t"}]}"#, ["/part[id='head']", "each item once"]),
        (r#"{"before":"x","after":"y","part":[{"id":"1"}]}"#, ["/part[id='head']", "required"]),
        (r#"{"before":"x","after":"y","part":{"id":"head","title":"t"}}"#, ["/part", "an array"]),
        (r#"{"before":"x","after":"y","part":[],"part":[]}"#, ["", "each name once"]),
        (r#"{"before":"x","after":"y","part":[{"id":"head","title":"t"},{"no":8}]}"#, ["/part/1/no", "the agreed fields"]),
        (r#"{"before":"x","after":"y","part":[{"id":"head","title":"t"},5]}"#, ["/part/1", "an object"]),
    ] {
        let told = read(map, wire).unwrap_err();
        assert!(wants.iter().all(|w| told.contains(w)), "want {wants:?}: {told}");
    }
    let fault = map.write(&json!({ "title": "t", "rows": [{ "id": "head" }] }), &Context::new(), &NoContents, None).unwrap_err();
    assert_eq!((fault.kind, fault.pointer.as_str()), (WriteFaultKind::Value, "/rows/0/id"));
}

#[test]
fn lines_of_one_array_stand_together_and_have_no_form_for_none() {
    let told = |lines: &str| json_book(lines).err().unwrap_or_default();
    for (lines, want) in [
        (
            "part[id='a'] = .\n    t = title\nx = mark\npart[] = rows[]\n    id = id\n",
            "4: the lines of one array do not stand together",
        ),
        (
            "part[id='a'] = . ? ''\n    t = title\npart[] = rows[]\n    id = id\n",
            "4: an item of an array that is not there has no form of its own",
        ),
        ("part[@id='a'] = .\n    t = title\n", "4: attributes belong to xml only"),
    ] {
        let got = told(lines);
        assert!(got.iter().any(|f| f == want), "want {want}, got {got:?}");
    }
}

//! Rows of a flattened list (`W[] = p[].q[]`) become elements of the outer list again: neighbours with the same `^` values are one.

use super::agree::{get_mut, put_at, take_in};
use super::{Outward, Run};
use crate::body::{Map, Value};
use crate::mapping::fault::Found;
use crate::mapping::plan::CPath;

/// Takes a row into the elements read so far; what it said about frames further out than its element comes back.
pub(super) fn take(
    run: &mut Run<'_, '_>,
    elements: &mut Vec<Value>,
    inner: &CPath,
    row: Value,
    said: Vec<Outward>,
) -> Vec<Outward> {
    let mut element = Value::Object(Map::new());
    let (own, further): (Vec<Outward>, Vec<Outward>) = said.into_iter().partition(|said| said.out <= 1);
    let further: Vec<Outward> = further.into_iter().map(|said| Outward { out: said.out - 1, ..said }).collect();
    for (said, miss) in take_in(&mut element, own) {
        run.fault("", said.at, miss.kind, miss.expected, Found::Unsaid);
    }
    put_at(&mut element, inner, Value::Array(Vec::new()));
    if let Some(last) = elements.last_mut() {
        // Compared without its rows.
        let rows = get_mut(last, inner).map(|rows| std::mem::replace(rows, Value::Array(Vec::new()))).unwrap_or_default();
        let same = *last == element;
        if let Some(place) = get_mut(last, inner) {
            *place = rows;
        }
        if same {
            if let Some(Value::Array(rows)) = get_mut(last, inner) {
                rows.push(row);
            }
            return further;
        }
    }
    if let Some(Value::Array(rows)) = get_mut(&mut element, inner) {
        rows.push(row);
    }
    elements.push(element);
    further
}

#[cfg(test)]
mod tests {
    use crate::body::{Value, json};
    use crate::mapping::{Book, Context, Editions, Mapping, NoContents, Shapes, Source, render};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn shapes() -> Arc<Shapes> {
        let text = || json!({ "type": "string" });
        let file = json!({ "type": "object", "properties": { "id": text(), "name": text() } });
        let files = json!({ "type": "array", "x-key": "id", "items": file });
        let paper = json!({ "type": "object", "properties": { "code": text(), "title": text(), "files": files } });
        let loose = json!({ "type": "array", "items": { "type": "object", "properties": { "code": text(), "tags": {
            "type": "array", "items": { "type": "object", "properties": { "id": text() } } } } } });
        let note = json!({ "type": "object", "properties": {
            "code": text(), "papers": { "type": "array", "x-key": "code", "items": paper }, "loose": loose } });
        Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
    }

    const LINES: &str = "Code = code ?\nFile[] = papers[].files[]\n    Id = id\n    Of = ^code\n    Title = ^title ?\n    In = ^^code ?\n    Name = name ?\n";

    fn book(head: &str) -> Book {
        let source = Source::new("p").with("m.map", format!("message: note\n{head}\nwithout: loose\n\n{LINES}"));
        Book::compile(&source, &shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source, false)))
    }

    fn faults(lines: &str) -> Vec<String> {
        let source = Source::new("p").with("m.map", format!("message: note\nformat: json\n\n{lines}"));
        let faults = Book::compile(&source, &shapes()).unwrap_err();
        faults.iter().map(|f| f.text.clone()).filter(|f| !f.contains("`without`")).collect()
    }

    fn read(map: &Mapping, wire: &str) -> Result<Value, String> {
        let told = |faults: Vec<crate::mapping::WireFault>| faults[0].text_en();
        map.read(wire.as_bytes(), &Context::new(), &mut NoContents).map(|mut r| r.remove(0).body).map_err(told)
    }

    /// Papers with keys of their own; some without files.
    fn note() -> impl Strategy<Value = Value> {
        let files = prop::collection::vec(("[a-z]{1,6}", prop::option::of("[a-zàảấệữđ ]{1,9}[a-z]")), 0..4);
        let papers = prop::collection::vec((prop::option::of("[a-z]{1,5}"), files), 0..5);
        (papers, prop::option::of("[A-Z]{1,5}")).prop_map(|(papers, code)| {
            let thin = |mut value: Value| {
                value.as_object_mut().unwrap().retain(|_, v| !v.is_null());
                value
            };
            let file = |(id, name)| thin(json!({ "id": id, "name": name }));
            let paper = |(n, (title, files)): (usize, (Option<String>, Vec<_>))| {
                let files: Vec<Value> = files.into_iter().map(file).collect();
                thin(json!({ "code": format!("TP{n}"), "title": title, "files": files }))
            };
            let papers: Vec<Value> = papers.into_iter().enumerate().map(paper).collect();
            thin(json!({ "code": code, "papers": papers, "loose": [] }))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn all_rows_come_back_under_their_own_element(body in note()) {
            // What the wire carries: papers that have files; the note's code only beside some row, or of its own.
            let mut carried = body.clone();
            carried["papers"].as_array_mut().unwrap().retain(|p| !p["files"].as_array().unwrap().is_empty());
            for head in ["format: json", "format: json\nabsent: '' | omit", "format: xml\nroot: Note", "format: xml\nroot: Note\nenvelope: soap12"] {
                let book = book(head);
                let map = book.map("m").unwrap();
                let bytes = map.write(&body, &Context::new(), &NoContents, None).unwrap();
                let text = String::from_utf8(bytes.clone()).unwrap();
                let again = read(map, &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
                prop_assert_eq!(&again, &carried, "{}", text);
                prop_assert_eq!(map.write(&again, &Context::new(), &NoContents, None).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn rows_of_one_element_that_contradict_each_other_are_two_elements_or_refused() {
        let book = book("format: json");
        let map = book.map("m").unwrap();
        let apart = read(map, r#"{"File":[{"Id":"1","Of":"a"},{"Id":"2","Of":"b"},{"Id":"3","Of":"a"}]}"#).unwrap();
        let codes: Vec<&str> = apart["papers"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
        assert_eq!(
            codes,
            ["a", "b", "a"],
            "rows that are not neighbours keep their order; the key's uniqueness is the schema's matter"
        );
        let outer = read(map, r#"{"Code":"X","File":[{"Id":"1","Of":"a","In":"Y"}]}"#).unwrap_err();
        assert!(outer.contains("contradicts"), "{outer}");
        assert!(read(map, r#"{"File":[{"Id":"1"}]}"#).unwrap_err().contains("/File/0/Of"), "the key is required in each row");
    }

    #[test]
    fn what_could_not_be_read_back_is_refused_at_compile() {
        let rows = |list: &str, lines: &str| faults(&format!("F[] = {list}\n{lines}"));
        for (got, want) in [
            (rows("papers[].files[]", "    I = id\n"), "the rows do not tell which element of `papers` they belong to"),
            (rows("loose[].tags[]", "    I = id\n    O = ^code\n"), "nothing tells the elements of `loose` apart"),
            (rows("papers[].files[]", ""), "a flattened list needs deeper lines"),
            (rows("papers[].files[].id", "    I = id\n"), "a flattened list is one list in another"),
        ] {
            assert!(got.iter().any(|f| f == want), "want {want}, got {got:?}");
        }
    }
}

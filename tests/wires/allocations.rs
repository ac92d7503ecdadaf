//! Allocations are counted: reading costs less than one a field (long texts, objects, lists), writing next to nothing.
//!
//! In a canonical body short texts and names lie in place. The bounds are above what was counted when they were set, so that a copy made
//! for each field is seen.

use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Files, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{Context, MemoryContents, NoContents};
use std::path::Path;

/// The fields of a body: scalars and contents.
fn fields(body: &Value) -> u64 {
    match body {
        Value::Object(map) => map.values().map(fields).sum(),
        Value::Array(items) => items.iter().map(fields).sum(),
        _ => 1,
    }
}

/// A submission with so many papers of three files each.
fn dossier(sample: &str, papers: usize) -> Value {
    let mut body: Value = serde_json::from_str(sample).unwrap();
    let file =
        |n: usize, f: usize| json!({ "id": format!("tep-{n}-{f}"), "name": "học bạ.pdf", "digest": format!("{n:063x}{f}") });
    let paper = |n: usize| json!({ "code": format!("TP{n}"), "name": "Học bạ", "copies": 1, "kind": "copy", "files": (0..3).map(|f| file(n, f)).collect::<Vec<_>>() });
    body["papers"] = (0..papers).map(paper).collect();
    body
}

#[test]
fn reading_allocates_little_more_than_the_body_and_writing_nearly_nothing() {
    let files = Files::folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
    for (partner, read_most, write_most) in [("moet", READ_XML, WRITE_XML), ("hanoi", READ_JSON, WRITE_JSON)] {
        let map = catalogue.partners[partner].map("submit").unwrap();
        let sample = files.text(&format!("adapters/{partner}/samples/submit/pupil-2025.canonical.json")).unwrap();
        // What more papers cost, so that what is made once a document does not count.
        let cost = |papers: usize| {
            let body = dossier(sample, papers);
            let context = Context::new().with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000004");
            let mut wire = Vec::new();
            let written =
                allocation_counter::measure(|| wire = map.write(&body, &context, &NoContents, None).unwrap()).count_total;
            let mut again = Vec::new();
            let read = allocation_counter::measure(|| {
                again = map.read(&wire, &Context::new(), &mut MemoryContents::default()).unwrap();
            });
            assert_eq!(again[0].body, body);
            (fields(&body), read.count_total, written)
        };
        let (few, many) = (cost(10), cost(210));
        let fields = (many.0 - few.0) as f64;
        let per_field = |n: fn(&(u64, u64, u64)) -> u64| (n(&many) - n(&few)) as f64 / fields;
        let (read, written) = (per_field(|c| c.1), per_field(|c| c.2));
        println!("{partner}: allocations a field: reading {read:.2}, writing {written:.2}");
        assert!(read <= read_most, "{partner}: reading allocates {read:.2} a field");
        assert!(written <= write_most, "{partner}: writing allocates {written:.2} a field");
    }
}

/// Allocations a field.
const READ_XML: f64 = 0.9;
const WRITE_XML: f64 = 0.2;
const READ_JSON: f64 = 0.9;
const WRITE_JSON: f64 = 0.2;

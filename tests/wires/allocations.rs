//! Allocations are counted: reading costs less than one a field (long texts, objects, lists), writing next to nothing. Of a large content no
//! second copy is held: it goes to the store in pieces while it is read, and comes from there while it is written, or sent.
//!
//! In a canonical body short texts and names lie in place. The bounds are above what was counted when they were set, so that a copy made
//! for each field is seen.

use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Files, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{
    Book, Content, ContentSink, ContentSource, Context, Editions, MemoryContents, NoContents, OpenContent, Shapes, Source,
};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

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

/// A content of this many bytes.
const LARGE: u64 = 20 << 20;
/// What reading or writing one may hold besides the wire's own bytes.
const SMALL: u64 = 1 << 20;

/// Takes contents and keeps none; gives one that is made while it is read.
#[derive(Default)]
struct Pipe {
    size: u64,
}

impl ContentSink for Pipe {
    fn begin(&mut self) -> io::Result<()> {
        self.size = 0;
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn end(&mut self) -> io::Result<Content> {
        Ok(Content { blob: format!("sha256:{}", "0".repeat(64)), size: self.size })
    }
}

impl ContentSource for Pipe {
    fn open(&self, _: &str) -> io::Result<(u64, OpenContent)> {
        Ok((LARGE, Box::new(io::repeat(0x5a).take(LARGE))))
    }
}

#[test]
fn of_a_large_content_there_is_no_copy_beside_the_bytes_on_the_wire() {
    let files = Files::folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let shapes = Arc::new(Shapes::new(super::rig::schemas(&files), Editions::default()).unwrap());
    let lines = "code = code\nid = id\nstatus = status\nat = at\ndocuments[] = documents[]\n    id = id\n    name = name\n    type = type ?\n    \
                 content = content : base64\n";
    let source = |without: &str| {
        ["json", "xml"].iter().fold(Source::new("p"), |source, format| {
            let root = if *format == "xml" { "root: r\n" } else { "" };
            source.with(format!("{format}.map"), format!("message: result.issue\nformat: {format}\n{root}{without}\n\n{lines}"))
        })
    };
    let without = Book::compile(&source(""), &shapes).unwrap_err().remove(0).hint.unwrap();
    let book = Book::compile(&source(&without), &shapes).unwrap_or_else(|faults| panic!("{faults:?}"));
    let content = json!({ "blob": format!("sha256:{}", "0".repeat(64)), "size": LARGE });
    let document = json!({ "id": "kq-1", "name": "ket-qua.pdf", "content": content });
    let body = json!({ "id": "m-1", "code": "H26.15-20260609-0000731", "status": "finished", "at": "2026-06-09T08:00:00+07:00",
        "missing": [], "documents": [document] });
    for format in ["json", "xml"] {
        let map = book.map(format).unwrap();
        let mut wire = Vec::new();
        let written = allocation_counter::measure(|| wire = map.write(&body, &Context::new(), &Pipe::default(), None).unwrap());
        let long = wire.len() as u64;
        assert!(long > LARGE * 4 / 3, "{format}: {long}");
        let mut again = Vec::new();
        let read = allocation_counter::measure(|| again = map.read(&wire, &Context::new(), &mut Pipe::default()).unwrap());
        assert_eq!(again[0].body, body);
        let mut sparse = None;
        let apart = allocation_counter::measure(|| {
            sparse = map.write_sparse((&[&body], &[]), &Context::new(), &Pipe::default(), (None, 0)).ok();
        });
        let sparse = sparse.unwrap();
        assert_eq!(sparse.text.len() as u64 + sparse.holes[0].len, long);
        assert!(apart.bytes_max < SMALL, "{format}: writing without the content holds {}", apart.bytes_max);
        println!("{format}: {long} bytes on the wire; at most held: writing {}, reading {}", written.bytes_max, read.bytes_max);
        assert!(written.bytes_max < long + SMALL, "{format}: writing holds {} for {long}", written.bytes_max);
        assert!(read.bytes_max < SMALL, "{format}: reading holds {}", read.bytes_max);
    }
}

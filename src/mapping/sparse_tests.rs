//! A document without its large contents, with them in their places, is the document written whole.

use super::api::{Hole, Sparse};
use super::*;
use crate::body::{Value, json};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

/// What is left out: as many bytes and more.
const LARGE: usize = 64 << 10;

const LINES: &str = "message: note
format: json
absent: omit
without: more.cover.name

title = title
cover = more.cover.content : base64 ?
papers[] = papers[]
    code = code
    content = content : base64 ?
    name = name ?
";

/// An attribute that comes behind a content goes back into its start tag, an object around a content may be missing.
const ELEMENTS: &str = "message: note
format: xml
root: Note
absent: omit
without: more.cover.name

Title = title
Inside.Cover = more.cover.content : base64 ?
Paper[] = papers[]
    Content = content : base64 ?
    @code = code
    Name = name ?
@title = title
";

fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let content = json!({ "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } });
    let file = |key: &str| json!({ "type": "object", "required": [key], "properties": { (key): text(), "name": text(), "content": content } });
    let cover = json!({ "type": "object", "properties": { "name": text(), "content": content } });
    let note = json!({ "type": "object", "required": ["title"], "properties": { "title": text(),
        "more": { "type": "object", "properties": { "cover": cover } },
        "papers": { "type": "array", "x-key": "code", "items": file("code") } } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
}

fn book(lines: &str) -> Book {
    let source = Source::new("p").with("m.map", lines);
    Book::compile(&source, &shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source, false)))
}

fn books() -> [Book; 2] {
    [LINES, ELEMENTS].map(book)
}

/// A message of a cover and papers of these sizes; none: without a content.
fn note(cover: Option<usize>, papers: &[Option<usize>]) -> (Value, MemoryContents) {
    let mut contents = MemoryContents::default();
    let mut content = |size: usize| {
        let bytes: Vec<u8> = (0..size).map(|n| u8::try_from((n * 31 + size) % 251).unwrap()).collect();
        let blob = format!("sha256:{}", crate::seal::sha256_hex(&bytes));
        contents.kept.insert(blob.clone(), bytes);
        json!({ "blob": blob, "size": size })
    };
    let mut body = json!({ "title": "Sổ & <vở>", "papers": [] });
    if let Some(size) = cover {
        body["more"] = json!({ "cover": { "content": content(size) } });
    }
    let rows = papers.iter().enumerate().map(|(n, size)| {
        let mut row = json!({ "code": format!("p\"{n}"), "name": "học bạ" });
        if let Some(size) = size {
            row["content"] = content(*size);
        }
        row
    });
    body["papers"] = rows.collect();
    (body, contents)
}

/// The document with what is missing in its places.
fn filled(sparse: Sparse) -> Vec<u8> {
    let (mut out, mut done) = (Vec::new(), 0);
    for Hole { at, len, mut from } in sparse.holes {
        out.extend_from_slice(&sparse.text[done..at]);
        let before = out.len();
        from.read_to_end(&mut out).unwrap();
        assert_eq!((out.len() - before) as u64, len, "its length is known before");
        done = at;
    }
    out.extend_from_slice(&sparse.text[done..]);
    out
}

fn size() -> impl Strategy<Value = Option<usize>> {
    let near = |at: usize| (at.saturating_sub(3)..at + 4).prop_map(Some);
    prop_oneof![Just(None), near(LARGE), near(24 << 10), near(3 * LARGE), (1_usize..200_000).prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn with_its_contents_in_their_places_it_is_the_whole(cover in size(), papers in proptest::collection::vec(size(), 0..4)) {
        let (body, contents) = note(cover, &papers);
        let large = papers.iter().chain([&cover]).flatten().filter(|size| **size >= LARGE).count();
        for book in books() {
            let map = book.map("m").unwrap();
            let whole = map.write(&body, &Context::new(), &contents, None).unwrap();
            let sparse = map.write_sparse((&[&body], &[]), &Context::new(), &contents, (None, 0)).unwrap();
            prop_assert_eq!(sparse.holes.len(), large);
            prop_assert!(filled(sparse) == whole);
        }
    }
}

#[test]
fn a_content_that_is_not_there_or_of_another_size_is_told_before_anything_leaves() {
    for book in books() {
        let map = book.map("m").unwrap();
        let (body, mut contents) = note(None, &[None, Some(LARGE)]);
        let told = |contents: &MemoryContents, why: &str| {
            let fault = map.write_sparse((&[&body], &[]), &Context::new(), contents, (None, 0)).unwrap_err();
            assert_eq!(fault, map.write(&body, &Context::new(), contents, None).unwrap_err());
            assert_eq!(fault.pointer, "/papers/1/content");
            assert!(fault.text_en().ends_with(why), "{}", fault.text_en());
        };
        contents.kept.values_mut().for_each(|bytes| bytes.push(0));
        told(&contents, ": the content cannot be read: 65537 bytes, not 65536");
        contents.kept.clear();
        told(&contents, ": the content cannot be read: entity not found");
    }
}

#[test]
fn a_sealed_document_is_whole() {
    struct Same;
    impl Sealer for Same {
        fn seal(&self, _: &RawFields) -> Result<String, String> {
            Ok("seal".to_owned())
        }
    }
    let (body, contents) = note(Some(LARGE), &[]);
    let book = book(&LINES.replace("title = title\n", "title = title\nsum = $seal\n"));
    let map = book.map("m").unwrap();
    let sparse = map.write_sparse((&[&body], &[]), &Context::new(), &contents, (Some(&Same), 0)).unwrap();
    assert!(sparse.holes.is_empty());
    assert!(sparse.text == map.write(&body, &Context::new(), &contents, Some(&Same)).unwrap());
}

#[test]
fn a_document_of_few_bytes_of_contents_is_whole() {
    let (body, contents) = note(Some(LARGE), &[Some(2 * LARGE)]);
    // In base64, four bytes for each three begun.
    let all = (LARGE.div_ceil(3) * 4 + (2 * LARGE).div_ceil(3) * 4) as u64;
    for book in books() {
        let map = book.map("m").unwrap();
        let holes = |whole| {
            let sparse = map.write_sparse((&[&body], &[]), &Context::new(), &contents, (None, whole)).unwrap();
            let holes = sparse.holes.len();
            assert!(filled(sparse) == map.write(&body, &Context::new(), &contents, None).unwrap());
            holes
        };
        assert_eq!((holes(0), holes(all), holes(all + 1)), (2, 2, 0));
    }
}

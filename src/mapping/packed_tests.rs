//! Archives and documents inside, both ways: contents in zips, the message itself as a file among its attachments.

use super::archive::pack;
use super::*;
use crate::body::{Value, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let content = json!({ "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } });
    let file = json!({ "type": "object", "required": ["id", "name"], "properties": { "id": text(), "name": text(), "content": content } });
    let files = json!({ "type": "array", "x-key": "id", "items": file });
    let paper =
        json!({ "type": "object", "required": ["code"], "properties": { "code": text(), "title": text(), "files": files } });
    let note = json!({ "type": "object", "required": ["title"], "properties": {
        "title": text(), "time": { "type": "string", "format": "date-time" }, "tags": { "type": "array", "items": text() },
        "papers": { "type": "array", "x-key": "code", "items": paper } } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
}

/// A letter whose first attachment is the message itself; the others are its files.
const LETTER: &str = "message: note
format: xml
namespace: urn:l
ns p: urn:p
root: Letter
without: tags, time

p:Id = $message.id
Subject = title
Attachment[Id='x.xml'] = .
    Id = 'x.xml'
    Body = . : doc(inner) : zip('x.xml') : base64 | doc(inner) : base64
Attachment[] = papers[].files[]
    Body = content : zip(name) : base64 | base64
    Id = id
    Name = name
";

const INNER: &str = "message: note
format: xml
namespace: urn:i
root: Note
absent: omit
unknown: report
without: papers.files.content, tags, time

Title = title
Of = $message.id
Paper[] = papers[]
    @code = code
    Title = title ?
    File[] = files[]
        @id = id
        Name = name
";

/// The same in JSON, the document as a text.
const PLAIN: &str = "message: note
format: json
without: papers.files.content, tags, time

id = $message.id
inner = . : doc(inner)
";

fn source() -> Source {
    Source::new("p").with("letter.map", LETTER).with("inner.map", INNER).with("plain.map", PLAIN)
}

fn book() -> Book {
    Book::compile(&source(), &shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source(), false)))
}

fn context() -> Context {
    Context::new().with("message.id", "m-1")
}

fn told(faults: &[WireFault]) -> String {
    faults.iter().map(WireFault::text_en).collect::<Vec<_>>().join("\n")
}

fn store(blobs: &[Vec<u8>]) -> (MemoryContents, Vec<Value>) {
    let mut store = MemoryContents::default();
    let named = blobs.iter().map(|bytes| {
        store.begin().unwrap();
        store.piece(bytes).unwrap();
        store.end().unwrap().value()
    });
    let named = named.collect();
    (store, named)
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack(name, &mut &*bytes, &mut out).unwrap();
    out
}

/// A letter with one file, its bytes as they stand.
fn letter(inner: &[u8], name: &str, body: &[u8]) -> String {
    format!(
        "<Letter xmlns='urn:l' xmlns:q='urn:p'><Attachment><Id>1</Id><Name>{name}</Name><Body>{}</Body></Attachment>\
         <q:Id>m-1</q:Id><Subject>t</Subject><Attachment><Body>{}</Body><Id>x.xml</Id></Attachment></Letter>",
        STANDARD.encode(body),
        STANDARD.encode(inner)
    )
}

fn inner(name: &str) -> Vec<u8> {
    let text =
        "<Note xmlns='urn:i'><Of>m-1</Of><Title>t</Title><Paper code='a'><File id='1'><Name>NAME</Name></File></Paper></Note>";
    text.replace("NAME", name).into_bytes()
}

/// The content of the one file of a letter.
fn read_one(text: &str) -> Result<Vec<u8>, String> {
    let book = book();
    let mut kept = MemoryContents::default();
    let readings = book.map("letter").unwrap().read(text.as_bytes(), &context(), &mut kept).map_err(|f| told(&f))?;
    let blob = readings[0].body["papers"][0]["files"][0]["content"]["blob"].as_str().unwrap().to_owned();
    assert_eq!(kept.kept.len(), 1, "the archive itself is not kept");
    Ok(kept.kept.remove(&blob).unwrap())
}

fn note() -> impl Strategy<Value = (Value, Vec<Vec<u8>>)> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        Just("tờ khai ".repeat(20_000).into_bytes()),
        // A content that is itself an archive comes back as that archive.
        "[a-z]{1,5}".prop_map(|name| zip(&name, b"inside")),
    ];
    let file = ("[a-zàảấệữđ .]{0,9}[a-z]", bytes);
    let papers = prop::collection::vec((prop::option::of("[a-z]{1,6}"), prop::collection::vec(file, 0..3)), 0..3);
    papers.prop_map(|papers| {
        let mut blobs = Vec::new();
        let papers = papers.into_iter().enumerate().map(|(n, (title, files))| {
            let files = files.into_iter().map(|(name, bytes)| {
                let content = json!({ "blob": format!("sha256:{}", crate::seal::sha256_hex(&bytes)), "size": bytes.len() });
                blobs.push(bytes);
                json!({ "id": format!("t{}", blobs.len()), "name": name, "content": content })
            });
            let mut paper = json!({ "code": format!("TP{n}"), "files": files.collect::<Vec<_>>() });
            title.into_iter().for_each(|title| paper["title"] = json!(title));
            paper
        });
        let papers: Vec<Value> = papers.collect();
        (json!({ "title": "Hồ sơ <1>", "papers": papers, "tags": [] }), blobs)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_travels_in_archives_and_documents_comes_back_the_same((body, blobs) in note()) {
        let (contents, _) = store(&blobs);
        let book = book();
        for (name, whole) in [("letter", true), ("plain", false)] {
            let map = book.map(name).unwrap();
            let bytes = map.write(&body, &context(), &contents, None).unwrap_or_else(|f| panic!("{f}"));
            prop_assert_eq!(&map.write(&body, &context(), &contents, None).unwrap(), &bytes, "the same bytes again");
            let mut carried = body.clone();
            if !whole {
                for paper in carried["papers"].as_array_mut().unwrap() {
                    paper["files"].as_array_mut().unwrap().iter_mut().for_each(|f| { f.as_object_mut().unwrap().remove("content"); });
                }
            }
            let mut kept = MemoryContents::default();
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            let readings = map.read(&bytes, &context(), &mut kept).unwrap_or_else(|f| panic!("{}\n{shown}", told(&f)));
            prop_assert_eq!(&readings[0].body, &carried, "{}", shown);
            if whole {
                prop_assert_eq!(&kept.kept, &contents.kept);
                prop_assert_eq!(&map.write(&readings[0].body, &context(), &kept, None).unwrap(), &bytes);
            }
        }
    }
}

#[test]
fn a_content_counts_as_packed_only_in_an_archive_of_one_file_of_its_name() {
    let file = |body: &[u8]| read_one(&letter(&zip("x.xml", &inner("học bạ.docx")), "học bạ.docx", body)).unwrap();
    let other = zip("khác.docx", b"x");
    assert_eq!(file(&zip("học bạ.docx", b"noi dung")), b"noi dung");
    assert_eq!(file(&zip("ho\u{323}c ba\u{323}.docx", b"noi dung")), b"noi dung", "the name in its other normal form");
    assert_eq!(file(&other), other, "an archive that is not called so is the file itself, as a .docx is");
    assert_eq!(file(b"%PDF"), b"%PDF");
    assert_eq!(file(b""), b"");
    let plain = read_one(&letter(&inner("a"), "a", b"x")).unwrap();
    assert_eq!(plain, b"x", "the document may come without its archive");
}

#[test]
fn what_is_wrong_with_an_archive_or_a_document_is_told_at_its_place_and_keeps_nothing() {
    let good = zip("x.xml", &inner("a"));
    let mut broken = good.clone();
    let end = broken.len() - 60;
    broken[end - 40] ^= 1;
    let bomb = zip("a", &vec![b'0'; 3_000_000]);
    assert!(bomb.len() * 200 < 3_000_000, "{}", bomb.len());
    for (text, wants) in [
        (letter(&zip("y.xml", &inner("a")), "a", b"x"), vec!["Letter/Attachment/Body", "a zip of exactly one file `x.xml`"]),
        (letter(&good, "a", &bomb), vec!["Letter/Attachment[1]/Body", "unpacks to no more than is allowed"]),
        (
            letter(&zip("x.xml", b"<Note xmlns='urn:i'><Of>m-1</Of><Title/></Note>"), "a", b"x"),
            vec!["Letter/Attachment/Body » Note/Title (1:33)"],
        ),
        (letter(&zip("x.xml", b"<!DOCTYPE Note><Note xmlns='urn:i'/>"), "a", b"x"), vec!["» ", "DOCTYPE"]),
        (letter(&zip("x.xml", &inner("b")), "a", b"x"), vec!["Letter/Attachment[1]", "the same values"]),
        (letter(&zip("x.xml", &inner("a")), "a", b"x").replace(">t<", ">u<"), vec!["Letter/Attachment/Body", "the same value"]),
        (
            letter(&zip("x.xml", b"<Note xmlns='urn:i'><Of>m-1</Of><Title>t</Title></Note>"), "a", b"x"),
            vec!["Letter/Attachment[1]", "the key of an element"],
        ),
        (
            letter(&zip("x.xml", b"<Note xmlns='urn:i'><Of>m-2</Of><Title>t</Title></Note>"), "a", b"x"),
            vec!["Note/Of", "the same value"],
        ),
    ] {
        let fault = read_one(&text).unwrap_err();
        assert!(wants.iter().all(|w| fault.contains(w)), "want {wants:?}, got {fault}");
    }
    let fault = read_one(&letter(&broken, "a", b"x")).unwrap_err();
    assert!(fault.contains("Attachment/Body"), "{fault}");
}

#[test]
fn what_nobody_agreed_on_inside_a_document_is_reported_with_both_places() {
    let inner = String::from_utf8(inner("a")).unwrap().replace("</Note>", "<New>1</New></Note>");
    let book = book();
    let readings = book.map("letter").unwrap().read(
        letter(inner.as_bytes(), "a", b"x").as_bytes(),
        &context(),
        &mut MemoryContents::default(),
    );
    let reported: Vec<String> = readings.unwrap()[0].reported.iter().map(|r| r.pointer.clone()).collect();
    assert_eq!(reported, ["Letter/Attachment/Body » Note/New"]);
}

#[test]
fn a_file_name_that_is_a_path_is_not_written() {
    let (contents, named) = store(&[b"x".to_vec()]);
    let book = book();
    for (name, fits) in [("a b.pdf", true), ("../a.pdf", false), ("a/b", false), ("C:\\a", false)] {
        let body =
            json!({ "title": "t", "papers": [{ "code": "a", "files": [{ "id": "1", "name": name, "content": named[0] }] }] });
        let written = book.map("letter").unwrap().write(&body, &context(), &contents, None).map(|_| ());
        let want = if fits { Ok(()) } else { Err((WriteFaultKind::Value, "/papers/0/files/0/name".to_owned())) };
        assert_eq!(written.map_err(|f| (f.kind, f.pointer)), want, "{name}");
        let unmet = book.map("letter").unwrap().unmet(&body, None);
        assert_eq!(unmet.iter().any(|u| u.wants == Wants::FileName), !fits, "refused at the door: {name}");
        let read = read_one(&letter(&inner(name), name, b"x"));
        assert_eq!(read.is_ok(), fits, "what is not written is not read: {name} {read:?}");
    }
}

#[test]
fn lines_of_a_document_are_explained_needed_and_placed() {
    let book = book();
    let map = book.map("letter").unwrap();
    let body = json!({ "title": "t", "papers": [{ "code": "a", "files": [] }] });
    let told: Vec<String> =
        map.explain(&[&body], &context()).into_iter().map(|e| format!("{} {}", e.wire, e.canonical)).collect();
    assert!(told.contains(&"Letter/Attachment/Body » Note/Paper[1]/@code /papers/0/code".to_owned()), "{told:?}");
    let kept: Vec<String> = map.fidelity(&source()).lines.into_iter().map(|k| k.wire).collect();
    assert!(kept.contains(&"Letter/Attachment/Body » Note/Paper[]/@code".to_owned()), "{kept:?}");
    assert_eq!(map.wire_place("/papers/0/title", None, 0).as_deref(), Some("Letter/Attachment/Body » Note/Paper[1]/Title"));
    let named: Vec<String> = map.needs().map(|n| n.field).collect();
    assert!(named.contains(&"papers.files.content".to_owned()) && named.contains(&"papers.files.id".to_owned()), "{named:?}");
}

#[test]
fn chains_that_could_not_be_read_back_are_refused_at_compile() {
    let faults = |lines: &str, more: &[(&str, &str)]| {
        let mut source = Source::new("p").with("m.map", format!("message: note\nformat: xml\nroot: N\n\n{lines}"));
        source = source.with("inner.map", INNER);
        for (name, text) in more {
            source = source.with(*name, *text);
        }
        let all = Book::compile(&source, &shapes()).err().unwrap_or_default();
        all.into_iter().filter(|f| f.file == "m.map" && !f.text.contains("`without`")).map(|f| f.text).collect::<Vec<_>>()
    };
    let row = |line: &str| format!("A[] = papers[]\n    C = code\n    F[] = files[]\n        I = id\n{line}");
    let own =
        [("own.map", "message: note\nformat: xml\nroot: O\nwithout: papers, tags, time\n\nA = . : doc(m) : base64\nB = title\n")];
    let bad = [("bad.map", "message: note\nformat: xml\nroot: O\nwithout: papers, tags, time\n\nA = titel\n")];
    assert_eq!(faults("A = . : doc(bad) : base64\n", &bad), [""; 0], "a fault of a document is told at its own line alone");
    let batch = [("bad.map", "message: note\nformat: json\nwithout: papers, tags, time\n\na[] = .\n    t = title\n")];
    for (got, want) in [
        (
            faults(&row("        N = name\n        B = content : base64 | zip(name) : base64\n"), &[]),
            "these alternatives of a content could not be told apart",
        ),
        (
            faults(&row("        N = name\n        B = content : zip(name)\n"), &[]),
            "the bytes of a content need a form on the wire",
        ),
        (
            faults(&row("        B = content : zip(name) : base64\n"), &[]),
            "no line tells `name`, by which the entry is called, exactly",
        ),
        (
            faults(&row("        N = name : ~upper\n        B = content : zip(name) : base64\n"), &[]),
            "no line tells `name`, by which the entry is called, exactly",
        ),
        (
            faults(&row("        N = name\n        B = content : zip(^code) : base64\n"), &[]),
            "the entry's name stands beside the content",
        ),
        (faults(&row("        B = content : zip('a/b') : base64\n"), &[]), "not a plain file name"),
        (faults(&row("        B = content : zip : base64\n"), &[]), "`zip` needs the name of its entry"),
        (faults(&row("        B = content : zip(nam) : base64\n"), &[]), "`nam` is not in the canonical schema of `note`"),
        (faults("A = title : zip('a') : base64\n", &[]), "`zip` does not fit: the canonical place is of kind text"),
        (faults("A = . : doc(nothing) : base64\n", &[]), "there is no mapping `nothing`"),
        (faults("A = . : doc(inner) : zip('x')\n", &[]), "the bytes of an archive need a form on the wire"),
        (faults("A = . : doc(inner) : text\n", &[]), "`text` does not fit into the chain of a document"),
        (faults("A = . : doc(inner) : base64 ?\n", &[]), "a document is always there"),
        (faults("A = title : doc(inner) : base64\n", &[]), "a document stands for the whole message"),
        (faults("A = . : doc(m) : base64\n", &[]), "the document `m` stands inside itself"),
        (faults("A = . : doc(own) : base64\n", &own), "the document `own` stands inside itself"),
        (
            faults("A = . : doc(bad) : base64\n", &batch),
            "the mapping `bad` cannot stand inside this one: it is a batch, is sealed or has an envelope",
        ),
    ] {
        assert!(got.iter().any(|f| f == want), "want {want}, got {got:?}");
    }
}

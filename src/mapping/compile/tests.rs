//! Faults of mapping texts: several at once, each with file, line and column.

use crate::body::json;
use crate::mapping::{Book, Editions, Shapes, Source, render};
use std::collections::BTreeMap;
use std::sync::Arc;

fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let note = json!({ "type": "object", "required": ["code"], "properties": {
        "code": { "type": "string", "x-public": true },
        "kind": { "type": "string", "enum": ["one", "two"] },
        "count": { "type": "integer" },
        "done": { "type": "boolean" },
        "at": { "type": "string", "format": "date-time" },
        "day": { "type": "string", "format": "date" },
        "person": { "type": "object", "properties": { "name": text(), "city": text() } },
        "rows": { "type": "array", "items": { "type": "object", "properties": { "id": text(), "file": {
            "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } } } } },
        "tags": { "type": "array", "items": text() }
    } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
}

fn faults(source: &Source) -> Vec<String> {
    match Book::compile(source, &shapes()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|f| format!("{}:{}:{}: {}", f.file, f.line, f.column, f.text)).collect(),
    }
}

/// The faults of one json mapping of `note`, `without` left aside.
fn of_lines(lines: &str) -> Vec<String> {
    let source = Source::new("p")
        .with("m.map", format!("message: note\nformat: json\n\n{lines}"))
        .with("codes.toml", "[l]\none = 1\ntwo = 2\n[f]\none = 1\ntwo = { as = \"one\" }\n");
    let unused = |f: &String| f.contains("nothing uses the code list");
    faults(&source).into_iter().filter(|f| !f.contains("`without`") && !unused(f)).map(|f| f.replace("m.map:", "")).collect()
}

#[test]
fn all_faults_of_all_files_are_told_at_once() {
    let source = Source::new("p")
        .with("a.map", "message: note\nformat: json\nwithout: at, count, day, done, kind, person.city, rows, tags\n\nA = code\nB = person.nam\nC = code : shout\n")
        .with("b.map", "message: nope\nformat: json\n\nA = code\n")
        .with("c.map", "message: note\nformat: jsn\n\nA = code\n")
        .with("part.map", "X = code\n")
        .with("codes.toml", "[l]\na = 1\nb = 1\n");
    assert_eq!(
        faults(&source),
        [
            "a.map:6:5: `nam` of `person.nam` is not in the canonical schema of `note`",
            "a.map:7:12: `shout` is not a conversion",
            "b.map:1:10: `nope` is not a canonical message",
            "c.map:2:9: `jsn` is not a value of `format`",
            "codes.toml:1:2: nothing uses the code list `l`",
            "codes.toml:3:5: 1 already stands for `a`",
            "part.map:1:1: nothing uses the part `part`",
        ]
    );
}

#[test]
fn each_fault_of_a_line_stands_at_its_cell() {
    for (lines, want) in [
        ("A = person", "4:5: `person` is an object"),
        ("A = rows", "4:5: `rows` is a list"),
        ("A = code[]", "4:5: `code` is not a list"),
        ("A = ^code", "4:5: `^` goes out of the message"),
        ("A = code\nA = kind", "5:1: this wire place is mapped twice"),
        ("A = kind : code(x)", "4:12: codes.toml has no list `x`"),
        ("A = kind : code(f)", "4:12: `code` loses something here"),
        ("A = kind : ~code(l)", "4:12: `~`, but `code` loses nothing here"),
        ("A = code : number", "4:12: `number` does not fit: the canonical place is of kind text"),
        ("A = count : time(yyyyMMddHHmmss)", "4:13: `time` does not fit: the canonical place is of kind integer"),
        ("A = at : time(yyyyMMdd)", "4:10: a time needs yyyy, MM, dd, HH, mm and ss"),
        ("A = at : date(yyyyMMdd)", "4:10: `date` loses something here"),
        ("A = at : time(dd-MM-yyyy HH:mm)", "4:10: `time` loses something here"),
        ("A = at : ~time(HH:mm)", "4:10: a time needs yyyy, MM, dd, HH, mm and ss"),
        ("A = at : ~time(yyyyMMdd HH:ss)", "4:10: a time needs yyyy, MM, dd, HH, mm and ss"),
        ("A = day : date(ddMM)", "4:11: a date needs yyyy, MM and dd"),
        ("A = day : date(yyyyQ)", "4:11: `Q` is not known in a pattern; letters stand in quotes"),
        ("A = done : flag(1)", "4:12: a flag needs two different words"),
        ("A = code : base64", "4:12: `base64` does not fit: the canonical place is of kind text"),
        ("A[] = rows[]\n    F = file", "5:9: a content has no form of its own on a wire"),
        ("A = $nope", "4:5: `$nope` is not known"),
        ("A = '{code}{kind}'", "4:5: this template cannot be cut apart again"),
        ("A[] = rows[].file[]", "4:7: `file` is not a list"),
        ("A = code : zip", "4:12: `zip` needs the name of its entry"),
        ("A[k='x'] = code", "4:1: an element chosen by a child (an item by a member) holds that, so it has no text of its own"),
        ("A[@k='x'] = .\n    B = code", "4:1: attributes belong to xml only"),
        ("@a = code", "4:1: attributes belong to xml only"),
        ("use nope", "4:5: there is no part `nope`"),
        ("when code = x\n    A = count", "4:6: `code` is not a word of a fixed list"),
        ("when kind = one, three\n    A = count", "4:18: `three` is not a word of `kind`"),
        ("K = kind\nwhen kind = one\n    A = count\nwhen kind = one\n    B = done", "7:13: `one` stands in two branches"),
        ("when kind = one, two\n    A = count", "4:1: no line gives this word, so a branch must tell exactly one"),
        (". = person ?\n    A = *", "4:5: whether this scope is there cannot be seen"),
        ("A = 'x'\n    B = code", "4:5: deeper lines need a canonical object here"),
        ("A = code\n    B = code", "4:5: `code` is not an object"),
        ("A = $seal\nB = $seal", "5:5: a second seal"),
    ] {
        let got = of_lines(lines);
        assert!(got.iter().any(|f| f.starts_with(want)), "{lines}\n  want {want}\n  got  {got:?}");
    }
}

#[test]
fn a_place_may_be_mapped_once_in_each_branch() {
    assert_eq!(of_lines("K = kind\nwhen kind = one\n    A = count\nwhen kind = two\n    A = 'none'\n"), Vec::<String>::new());
}

#[test]
fn what_is_not_carried_can_be_pasted_from_the_hint() {
    let text = "message: note\nformat: json\n\nA = code\nP = person\n    N = name\n";
    let source = Source::new("p").with("m.map", text);
    let faults = Book::compile(&source, &shapes()).unwrap_err();
    let hint = faults[0].hint.clone().unwrap();
    assert_eq!(hint, "without: at, count, day, done, kind, person.city, rows, tags");
    let fixed = text.replace("format: json\n", &format!("format: json\n{hint}\n"));
    assert!(Book::compile(&Source::new("p").with("m.map", fixed), &shapes()).is_ok());
}

#[test]
fn faults_are_shown_with_the_line_a_caret_and_a_hint() {
    let source = Source::new("p")
        .with("m.map", "message: note\nformat: json\nwithout: at, count, day, done, kind, person, rows, tags\n\nA = cod\n");
    let faults = Book::compile(&source, &shapes()).unwrap_err();
    let shown = render(&faults[..], &source, false);
    for part in ["p/m.map:5:5", "A = cod", "^^^", "did you mean `code`?"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn a_word_without_a_wire_value_is_a_note_and_not_a_fault() {
    let text = "message: note\nformat: json\nwithout: at, code, count, day, done, person, rows, tags\n\nA = kind : code(l)\n";
    let source = Source::new("p").with("m.map", text).with("codes.toml", "[l]\none = 1\n");
    let book = Book::compile(&source, &shapes()).unwrap();
    assert_eq!(book.notes()[0].text, "the list `l` has no wire value for: two");
}

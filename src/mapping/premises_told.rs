//! Premises of the laws, one by one: what could not be read back is told at its line when it is compiled, or refused when it is written.

use super::laws::{Fixed, shapes};
use super::*;
use crate::body::{Value, json};

const CODES: &str = "[k]\none = 1\ntwo = 2\nthree = 3\n[t]\none = 1\ntwo = \"1\"\nthree = 3\n[f]\none = \"1\"\ntwo = { as = \"one\" }\nthree = \"3\"\n";

fn source(format: &str, head: &str, lines: &str) -> Source {
    let root = if format == "xml" { "root: R\n" } else { "" };
    Source::new("p").with("m.map", format!("message: note\nformat: {format}\n{root}{head}\n{lines}")).with("codes.toml", CODES)
}

/// The faults of these lines by their check, what is not carried left aside.
fn faults(format: &str, head: &str, lines: &str) -> Vec<String> {
    let (_, faults) = Book::draft(&source(format, head, lines), &shapes());
    let first = 4 + usize::from(format == "xml") + head.lines().count();
    let own = faults.iter().filter(|f| !f.text.contains("nothing uses") && !f.text.starts_with("`without`"));
    own.map(|f| format!("{} {}:{} {}", f.check.code(), (f.line + 1).saturating_sub(first), f.column, f.text)).collect()
}

/// The mapping; what it does not carry is said as the compiler asks for it.
fn book(format: &str, head: &str, lines: &str) -> Book {
    let (_, faults) = Book::draft(&source(format, head, lines), &shapes());
    let said = faults.iter().find(|f| f.text.starts_with("`without`")).and_then(|f| f.hint.clone());
    let source = source(format, &format!("{head}{}\n", said.unwrap_or_default()), lines);
    let (book, faults) = Book::draft(&source, &shapes());
    let faults: Vec<_> = faults.into_iter().filter(|f| !f.text.contains("nothing uses")).collect();
    assert!(faults.is_empty(), "{}", render(&faults, &source, false));
    book
}

fn context() -> Context {
    Context::new().with("partner.client", "HN")
}

fn write(book: &Book, body: &Value) -> Result<String, (WriteFaultKind, String)> {
    let bytes = book.map("m").unwrap().write(body, &context(), &NoContents, Some(&Fixed));
    bytes.map(|b| String::from_utf8(b).unwrap()).map_err(|f| (f.kind, f.pointer))
}

fn read(book: &Book, wire: &str) -> Result<Value, (FaultKind, String)> {
    let readings = book.map("m").unwrap().read(wire.as_bytes(), &context(), &mut MemoryContents::default());
    readings.map(|r| r[0].body.clone()).map_err(|f| (f[0].kind, f[0].pointer().to_owned()))
}

#[test]
fn what_could_not_be_read_back_is_told_at_its_line() {
    let branch = |lines: &str| format!("when kind = one\n{lines}when kind = two\n    B = title\n");
    let mut wrong = Vec::new();
    for (format, head, lines, want) in [
        // What stands for none is no value, and the wire has a form for it.
        ("json", "", "T = title ? 'none'".to_owned(), "V3 1:5 'none' stands for none here, and is a value as well"),
        ("json", "", "N = count : text ? '0'".to_owned(), "V3 1:5 '0' stands for none here, and is a value as well"),
        ("json", "", "D = done : flag(1,0) ? 0".to_owned(), "V3 1:5 0 stands for none here, and is a value as well"),
        ("xml", "", "K = kind : code(k) ? '2'".to_owned(), "V3 1:5 '2' stands for none here, and is a value as well"),
        ("xml", "", "D = day : date(dd/MM/yyyy) ? '01/01/0001'".to_owned(), "V3 1:5 '01/01/0001' stands for none here"),
        ("json", "", "F = 'c' ? 'c'".to_owned(), "V7 1:5 'c' stands for none here, and is the constant as well"),
        ("xml", "", "F = '1' | '2' ? 2".to_owned(), "V7 1:5 2 stands for none here, and is the constant as well"),
        (
            "json",
            "",
            "P = person ? {}\n    N = name".to_owned(),
            "V3 1:5 {} stands for none here, and is an object with nothing in it as well",
        ),
        ("xml", "", "T[] = tags[] ? 'no'".to_owned(), "V3 1:7 'no' for a list of no rows would be read as a row"),
        ("xml", "absent: null\n", "@a = title ?".to_owned(), "V3 1:6 an attribute has no null, which this file writes for none"),
        ("xml", "", "@a = title ? null".to_owned(), "V3 1:6 an attribute is text and cannot be null"),
        (
            "xml",
            "absent: null\n",
            "R = person ?\n    . = name ?\n    @c = city".to_owned(),
            "V3 2:9 an element's own text has no null",
        ),
        (
            "xml",
            "absent: ''\n",
            "G[@k=1] = person ?\n    N = name".to_owned(),
            "V2 1:11 an element chosen by a key that is not there has no form",
        ),
        (
            "xml",
            "absent: null\n",
            "G[@k=1] = grade_a ?".to_owned(),
            "V2 1:11 an element chosen by a key that is not there has no form",
        ),
        ("form", "", "T = title ? null".to_owned(), "V3 1:5 a field of a form is text and cannot be null"),
        ("form", "absent: null | omit\n", "T = title ?".to_owned(), "grammar 0:9 a form has no null to write for none"),
        ("form", "", "T = []".to_owned(), "V3 1:5 a field of a form is text and cannot be []"),
        ("json", "", "T = tags[] : join(',')".to_owned(), "V3 1:5 `tags[]` may be empty, and an empty list has no text"),
        // Wires of texts.
        ("xml", "", "D = done : flag(1,'1') ?".to_owned(), "V3 1:12 a flag needs two words that differ on the wire"),
        (
            "json",
            "scalars: text\n",
            "D = done : flag(1,'1') ?".to_owned(),
            "V3 1:12 a flag needs two words that differ on the wire",
        ),
        ("form", "", "K = kind : code(t)".to_owned(), "V4 1:12 `one` and `two` of the list `t` are both 1 on a wire of texts"),
        ("json", "", "D = day : date(dd/MM/yyyy HH:mm)".to_owned(), "V3 1:11 a day has no time of day"),
        // Places.
        ("form", "", "P = person\n    N = name".to_owned(), "grammar 1:1 a form has plain fields only"),
        (
            "json",
            "",
            "[] = rows[]\n    I = id\nC = code".to_owned(),
            "V2 3:1 `[]` is the whole document: nothing stands beside it",
        ),
        // Not in the language.
        (
            "json",
            "",
            "R[] = rows[]\n    I = id\n    when ^kind = one\n        A = ^code".to_owned(),
            "V6 3:10 a `when` asks for a word of the object that it stands in, not of one further out (`^`) or of the context",
        ),
        (
            "json",
            "",
            "R[] = rows[]\n    I = id\n    P = ^person\n        N = name".to_owned(),
            "grammar 3:9 a scope cannot be an object further out (`^`)",
        ),
        (
            "json",
            "",
            "R[] = rows[]\n    I = id\n    T[] = ^tags[]".to_owned(),
            "grammar 3:11 a list cannot be one of an object further out (`^`)",
        ),
        ("json", "", "X/[] = tags[]".to_owned(), "V2 1:1 `[]` without a name is the whole document"),
        ("json", "", "X/A = code\n. = home ?\n    X/B = street".to_owned(), "V2 3:5 lines of one element do not stand together"),
        ("xml", "", "X = title\n. = home ?\n    X/@b = street".to_owned(), "V2 3:5 lines of one element do not stand together"),
        ("xml", "", "X[] = tags[]\nX/@a = code".to_owned(), "V2 2:1 a value and deeper places in one wire place"),
        ("xml", "", "X/@a = code\nX[] = tags[]".to_owned(), "V2 2:1 a value and deeper places in one wire place"),
        ("xml", "", "X = *\nX/@a = 5".to_owned(), "V2 1:1 an element passed over whole (`*`) has other lines in it"),
        // Templates.
        ("json", "", "T = '{title}/{grade_a}'".to_owned(), "V5 1:7 a value here may hold `/`, by which it is cut off"),
        ("json", "", "T = '{mark}-{grade_a}'".to_owned(), "V5 1:7 a value here may hold `-`, by which it is cut off"),
        // Branches whose word no line gives.
        ("json", "", branch("    A = count ?\n"), "V6 1:1 whether this branch holds could not be seen"),
        ("json", "", branch("    B = count\n"), "V6 1:1 whether this branch holds could not be seen"),
        (
            "json",
            "",
            format!("K = kind : ~code(f)\n{}", branch("    A = count ?\n")),
            "V6 2:1 whether this branch holds could not be seen",
        ),
    ] {
        let got = faults(format, head, &lines);
        if !got.iter().any(|f| f.starts_with(want)) {
            wrong.push(format!("{format} {head}{lines}\n  want {want}\n  got  {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_lines_said_soundly_are_no_fault() {
    for (format, head, lines) in [
        ("json", "", "T = title ? '§'"),
        ("json", "", "D = done : flag(1,'1') ?"),
        ("json", "", "K = kind : code(t) ?"),
        ("xml", "absent: omit | null\n", "@a = title ?"),
        ("json", "", "T = '{count}/{grade_a}'"),
        ("json", "", "T = '{day}-{grade_a}'"),
        ("json", "", "X/A = code\nX/B = title ?"),
        ("json", "", "when kind = one, two\n    A = count ?\nwhen kind = three\n    B = title ?\nK = kind ?"),
        ("json", "", "when kind = one\n    X/A = count\nwhen kind = two\n    X/B = title"),
    ] {
        assert_eq!(faults(format, head, lines), Vec::<String>::new(), "{format} {head}{lines}");
    }
}

#[test]
fn what_gives_nothing_back_is_not_carried() {
    for lines in [
        "T = title : ~upper ?",
        "T = title : ~cut(3) ?",
        "R[] = rows[]\n    T = ^title ?\n    I = id",
        "P = person ?\n    N = name\n    T = ^title ?",
    ] {
        let (_, faults) = Book::draft(&source("json", "", lines), &shapes());
        let without = faults.iter().find(|f| f.text.starts_with("`without`")).unwrap();
        assert!(without.text.contains(", title") && without.text.contains("gives nothing back"), "{lines}: {}", without.text);
    }
    let (_, faults) = Book::draft(&source("json", "", "R[] = rows[]\n    I = id : ~upper ?"), &shapes());
    assert!(faults.iter().any(|f| f.text.contains("rows.id")), "rows are carried, their field is not: {faults:?}");
}

#[test]
fn what_would_be_lost_is_not_written() {
    let branches = book("json", "", "C = code\nwhen kind = one\n    A = count\nwhen kind = two\n    B = title\n");
    assert_eq!(write(&branches, &json!({ "code": "c", "kind": "three" })), Err((WriteFaultKind::Branch, "/kind".to_owned())));
    assert_eq!(write(&branches, &json!({ "code": "c" })).unwrap(), r#"{"C":"c"}"#);
    let told = book("json", "", "C = code\nwhen kind = one\n    A = count\nK = kind ?\n");
    assert_eq!(write(&told, &json!({ "code": "c", "kind": "three" })).unwrap(), r#"{"C":"c","K":"three"}"#);
    let template = book("json", "", "C = code\nT = '{count}/{title}' ?\n");
    assert_eq!(write(&template, &json!({ "code": "c", "count": 1 })), Err((WriteFaultKind::Missing, "/title".to_owned())));
    assert_eq!(write(&template, &json!({ "code": "c" })).unwrap(), r#"{"C":"c"}"#);
    let beside = book("json", "", "C = code\nN = count ?\nT = '{count}/{title}' ?\n");
    assert_eq!(write(&beside, &json!({ "code": "c", "count": 1 })).unwrap(), r#"{"C":"c","N":1}"#);
    assert_eq!(read(&beside, r#"{"C":"c","N":1,"T":"1/t"}"#).unwrap()["title"], "t");
    // What stands around a message is bounded by no schema.
    let around = book("json", "", "C = code\nT = '{$partner.client}/{title}'\n");
    let bytes = |client: &str| {
        let ctx = Context::new().with("partner.client", client);
        around.map("m").unwrap().write(&json!({ "code": "c", "title": "t" }), &ctx, &NoContents, None).map_err(|f| f.kind)
    };
    assert_eq!(bytes("HN").unwrap(), br#"{"C":"c","T":"HN/t"}"#);
    assert_eq!(bytes("H/N"), Err(WriteFaultKind::Value));
}

#[test]
fn messages_of_a_batch_have_alike_what_stands_once() {
    let batch = book("json", "", "T = title ?\nd[] = .\n    C = code\n    U = title ?\n");
    let map = batch.map("m").unwrap();
    let one = json!({ "code": "a", "title": "t" });
    let other = json!({ "code": "b", "title": "u" });
    let written = map.write_batch(&[&one, &other], &context(), &NoContents, None).map_err(|f| (f.kind, f.pointer));
    assert_eq!(written, Err((WriteFaultKind::Value, "/title".to_owned())));
    assert!(map.write_batch(&[&one, &one], &context(), &NoContents, None).is_ok());
    let wire = br#"{"T":"t","d":[{"C":"a","U":"t"},{"C":"b","U":"u"}]}"#;
    let each = map.read_each(wire, &context(), &mut NoContents).unwrap();
    assert!(each[0].is_ok());
    assert_eq!(each[1].as_ref().unwrap_err().faults[0].kind, FaultKind::Disagrees);
}

#[test]
fn a_fold_of_what_stands_further_out_is_weighed_there() {
    let folded =
        book("json", "", "C = code\nK = kind ?\nR[] = rows[]\n    I = id\n    F = ^kind : ~code(f) ?\n    U = ^code : ~upper\n");
    let body = json!({ "code": "c", "kind": "two", "rows": [{ "id": "1" }] });
    let wire = write(&folded, &body).unwrap();
    assert_eq!(wire, r#"{"C":"c","K":"two","R":[{"I":"1","F":"1","U":"C"}]}"#);
    assert_eq!(read(&folded, &wire).unwrap()["kind"], "two");
    let disagrees = |pointer: &str| Err((FaultKind::Disagrees, pointer.to_owned()));
    assert_eq!(read(&folded, &wire.replace(r#""F":"1""#, r#""F":"3""#)), disagrees("/R/0/F"));
    assert_eq!(read(&folded, &wire.replace(r#""U":"C""#, r#""U":"D""#)), disagrees("/R/0/U"));
}

#[test]
fn an_element_with_attributes_and_no_text_is_there() {
    let person = book("xml", "", "C = code\nW = person ?\n    @name = name ?\n    . = city ?\n    @nick = nick ?\n");
    for person_of in [json!({ "name": "a" }), json!({ "city": "b" }), json!({ "name": "a", "city": "b", "nick": "c" })] {
        let wire = write(&person, &json!({ "code": "c", "person": person_of })).unwrap();
        assert_eq!(read(&person, &wire).unwrap()["person"], person_of, "{wire}");
    }
    let rows = book("xml", "", "C = code\nX[] = rows[]\n    . = id ?\n");
    let wire = write(&rows, &json!({ "code": "c", "rows": [{}, { "id": "1" }] })).unwrap();
    assert_eq!(read(&rows, &wire).unwrap()["rows"], json!([{ "tags": [] }, { "id": "1", "tags": [] }]), "{wire}");
    let keyed = book("xml", "", "C = code\nG[@k=1] = grade_a ? ''\nG[@k=2] = grade_b ? ''\n");
    let bare = book("xml", "", "C = code\nG[@k=1] = grade_a ? {}\nG[@k=2] = grade_b ? []\n");
    for map in [&keyed, &bare] {
        let wire = write(map, &json!({ "code": "c", "grade_b": "x" })).unwrap();
        assert_eq!(read(map, &wire).unwrap()["grade_b"], "x", "{wire}");
    }
}

#[test]
fn any_literal_of_the_wire_may_stand_for_none() {
    for (lines, none) in [
        ("T = title ? []", json!([])),
        ("T = title ? {}", json!({})),
        ("T = title ? null", json!(null)),
        ("T = title ? ''", json!("")),
        ("T = title ? false", json!(false)),
        ("T = person ? []\n    N = name", json!([])),
        ("T = person ? 'no'\n    N = name", json!("no")),
        ("T = person ? false\n    N = name", json!(false)),
        ("T[] = tags[] ? 'none'", json!("none")),
        ("T[] = tags[] ? null", json!(null)),
        ("T[] = tags[] ? {}", json!({})),
        ("T = '{count}/{title}' ? []", json!([])),
    ] {
        let map = book("json", "", &format!("C = code\n{lines}\n"));
        let wire: Value = serde_json::from_str(&write(&map, &json!({ "code": "c" })).unwrap()).unwrap();
        assert_eq!(wire["T"], none, "{lines}");
        assert_eq!(read(&map, &wire.to_string()).unwrap(), json!({ "code": "c", "rows": [], "tags": [] }), "{lines}");
    }
}

//! Reading hard wires: what is taken, what is refused, where, and that no value is told.

use super::*;
use crate::body::{Value, json};

const WITHOUT: &str = "without: day, form, grade_a, grade_b, home, mark, procedure, submitted_at\n";
const LINES: &str = "\ncode = code\nkind = kind : code(kind)\ncount = count ?\ndone = done ?\ntitle = title ?\nfix = 'c' | 3\nwho = person ?\n    name = name\n    city = city ?\n    nick = nick ?\npaper = paper ?\n    when kind = red\n        red = number\n    when kind = blue\n        blue = number\nrows[] = rows[] ?\n    id = id\n    again = ^code ?\n    body = file : base64 ?\n    tags[] = tags[] ?\ntags[] = tags[]\nme = $partner.client ?\nagain = code : ~upper ?\n";

fn json_map(head: &str) -> Book {
    let text = format!("message: note\nformat: json\n{head}{WITHOUT}{LINES}");
    compiled(Source::new("p").with("m.map", text).with("codes.toml", "[kind]\none = 1\ntwo = [2, \"2\"]\nthree = \"x\"\n"))
}

pub(super) fn compiled(source: Source) -> Book {
    Book::compile(&source, &super::laws::shapes()).unwrap_or_else(|faults| panic!("{}", render(&faults, &source, false)))
}

/// The good document with one member changed (a null takes it away).
fn changed(name: &str, value: Value) -> Vec<u8> {
    let mut good = json!({ "code": "C-1", "kind": 1, "fix": "c", "tags": [] });
    good[name] = value;
    good.to_string().into_bytes()
}

fn read(book: &Book, bytes: &[u8]) -> Result<Value, Vec<(FaultKind, String)>> {
    let ctx = Context::new().with("partner.client", "HN");
    let read = book.map("m").unwrap().read(bytes, &ctx, &mut MemoryContents::default());
    read.map(|mut r| r.remove(0).body).map_err(|faults| faults.iter().map(|f| (f.kind, f.pointer().to_owned())).collect())
}

#[test]
fn what_is_wrong_in_json_is_refused_with_kind_and_pointer() {
    use FaultKind::{Branch, Code, Constant, Content, Disagrees, Missing, Type, Unknown};
    let book = json_map("");
    for (name, value, kind, pointer) in [
        ("code", json!(null), Missing, "/code"),
        ("code", json!(""), Missing, "/code"),
        ("code", json!(5), Type, "/code"),
        ("code", json!(["C-1"]), Type, "/code"),
        ("code", json!({ "a": 1 }), Type, "/code"),
        ("kind", json!("1"), Code, "/kind"),
        ("kind", json!(9), Code, "/kind"),
        ("kind", json!(true), Code, "/kind"),
        ("count", json!("5"), Type, "/count"),
        ("count", json!(5.0), Type, "/count"),
        ("count", json!(null), Missing, "/count"),
        ("count", json!(""), Missing, "/count"),
        ("done", json!("true"), Type, "/done"),
        ("done", json!(1), Type, "/done"),
        ("fix", json!("e"), Constant, "/fix"),
        ("fix", json!("3"), Constant, "/fix"),
        ("who", json!({}), Missing, "/who/name"),
        ("who", json!([]), Type, "/who"),
        ("who", json!("x"), Type, "/who"),
        ("who", json!({ "name": "a", "age": 1 }), Unknown, "/who/age"),
        ("paper", json!({ "red": "1", "blue": "2" }), Branch, "/paper/blue"),
        ("paper", json!({}), Missing, "/paper"),
        ("rows", json!({}), Type, "/rows"),
        ("rows", json!([{ "id": "a" }, {}]), Missing, "/rows/1/id"),
        ("rows", json!([{ "id": "a" }, 7]), Type, "/rows/1"),
        ("rows", json!([{ "id": "a" }, null]), Type, "/rows/1"),
        ("rows", json!([{ "id": "a", "again": "C-2" }]), Disagrees, "/rows/0/again"),
        ("rows", json!([{ "id": "a", "body": "QUI" }]), Content, "/rows/0/body"),
        ("rows", json!([{ "id": "a", "body": 5 }]), Type, "/rows/0/body"),
        ("rows", json!([{ "id": "a", "tags": ["x", ""] }]), Missing, "/rows/0/tags/1"),
        ("rows", json!([{ "id": "a", "tags": ["x", ["y"]] }]), Type, "/rows/0/tags/1"),
        ("tags", json!("a"), Type, "/tags"),
        ("tags", json!(null), Missing, "/tags"),
        ("tags", json!({ "0": "a" }), Type, "/tags"),
        ("me", json!("other"), Disagrees, "/me"),
        ("again", json!("c-1"), Disagrees, "/again"),
        ("more", json!(1), Unknown, "/more"),
        ("title", json!("a\u{0}b"), Type, "/title"),
    ] {
        let refused = read(&book, &changed(name, value.clone())).expect_err(&format!("{name} {value}"));
        assert!(refused.contains(&(kind, pointer.to_owned())), "{name} {value}: {refused:?}");
    }
}

#[test]
fn null_empty_and_absent_are_one_only_where_the_file_says_so() {
    let strict = json_map("");
    let loose = json_map("absent: omit | null | ''\n");
    for (value, taken) in [(json!(null), true), (json!(""), true), (json!("x"), true)] {
        assert_eq!(read(&loose, &changed("title", value.clone())).is_ok(), taken, "{value}");
    }
    for (value, taken) in [(json!(null), false), (json!(""), false), (json!("x"), true)] {
        assert_eq!(read(&strict, &changed("title", value.clone())).is_ok(), taken, "{value}");
    }
    for value in [json!(null), json!(""), json!([])] {
        assert_eq!(read(&loose, &changed("rows", value.clone())).unwrap()["rows"], json!([]), "{value}");
    }
}

#[test]
fn a_flag_that_says_none_beside_what_it_flags_is_refused() {
    let source = super::laws::book_source("");
    let book = compiled(source);
    for (flag, street, taken) in [
        (json!(true), json!("Phố Huế"), true),
        (json!(false), json!("Phố Huế"), false),
        (json!(false), json!(null), true),
        (json!(true), json!(null), false),
    ] {
        let wire = json!({ "code": "C-1", "proc": "1.1", "sent": "20260403093000", "fixed": "c", "rows": [], "has_home": flag,
            "street": street, "client": "HN", "id": "C-1/20260403093000", "title": "none", "seal": "x" });
        let ctx = Context::new().with("partner.client", "HN");
        let read = book.map("json").unwrap().read(wire.to_string().as_bytes(), &ctx, &mut MemoryContents::default());
        assert_eq!(read.is_ok(), taken, "{flag} {street}: {read:?}");
        let kinds: Vec<_> = read.err().into_iter().flatten().map(|f| (f.kind, f.pointer().to_owned())).collect();
        assert!(taken || flag == json!(true) || kinds == [(FaultKind::Disagrees, "/has_home".to_owned())], "{kinds:?}");
    }
}

#[test]
fn a_time_of_minutes_is_checked_by_a_line_that_gives_it_exactly_and_else_gives_what_it_can() {
    let times = |lines: &str| {
        let without =
            "code, count, day, done, form, grade_a, grade_b, home, kind, mark, paper, person, procedure, rows, tags, title";
        compiled(Source::new("p").with("m.map", format!("message: note\nformat: json\nwithout: {without}\n\n{lines}")))
    };
    let read_at = |book: &Book, wire: Value| {
        let read = book.map("m").unwrap().read(wire.to_string().as_bytes(), &Context::new(), &mut NoContents);
        read.map(|mut r| r.remove(0).body["submitted_at"].clone()).map_err(|f| (f[0].kind, f[0].pointer().to_owned()))
    };
    let body = json!({ "submitted_at": "2026-04-03T09:30:05+07:00" });
    let write = |book: &Book| {
        let bytes = book.map("m").unwrap().write(&body, &Context::new(), &NoContents, None).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    // Beside the exact one, on either side of it.
    let beside = times(
        "H = submitted_at : ~time(yyyyMMddHH)\nat = submitted_at : time(yyyyMMddHHmmss)\nshown = submitted_at : ~time(dd-MM-yyyy HH:mm)\n",
    );
    let wire = json!({ "H": "2026040309", "at": "20260403093005", "shown": "03-04-2026 09:30" });
    assert_eq!(write(&beside), wire);
    assert_eq!(read_at(&beside, wire.clone()), Ok(body["submitted_at"].clone()), "the exact line gives it");
    for (name, value) in [("shown", "03-04-2026 09:31"), ("H", "2026040310"), ("shown", "03-04-2026 09:30:05")] {
        let mut other = wire.clone();
        other[name] = value.into();
        assert_eq!(read_at(&beside, other), Err((FaultKind::Disagrees, format!("/{name}"))), "{value}");
    }
    // Alone: what it does not tell is zero, so that what is read is written as it was; of two the finer one counts.
    let alone = times("shown = submitted_at : ~time(dd-MM-yyyy HH:mm)\n");
    let wire = json!({ "shown": "03-04-2026 09:30" });
    assert_eq!((write(&alone), read_at(&alone, wire.clone())), (wire, Ok("2026-04-03T09:30:00+07:00".into())));
    assert_eq!(read_at(&alone, json!({ "shown": "31-04-2026 09:30" })), Err((FaultKind::Time, "/shown".to_owned())));
    let both = times("H = submitted_at : ~time(yyyyMMddHH)\nshown = submitted_at : ~time(dd-MM-yyyy HH:mm)\n");
    let wire = json!({ "H": "2026040309", "shown": "03-04-2026 09:30" });
    assert_eq!(
        (write(&both), read_at(&both, wire)),
        (json!({ "H": "2026040309", "shown": "03-04-2026 09:30" }), Ok("2026-04-03T09:30:00+07:00".into()))
    );
}

#[test]
fn an_array_stays_an_array_of_none_one_or_many() {
    let book = json_map("");
    for tags in [json!([]), json!(["a"]), json!(["a", "b", "a"])] {
        assert_eq!(read(&book, &changed("tags", tags.clone())).unwrap()["tags"], tags);
    }
}

#[test]
fn all_faults_are_told_at_once_and_no_value_is_shown_unless_public() {
    let book = json_map("");
    let bytes = br#"{"code":5,"kind":"bi mat",
 "title":7,"who":{"name":""},"tags":[],"fix":"c","more":"rieng tu"}"#;
    let faults = book.map("m").unwrap().read(bytes, &Context::new(), &mut NoContents).unwrap_err();
    let texts: Vec<String> = faults.iter().map(WireFault::text_en).collect();
    assert_eq!(
        texts,
        [
            "line 2, column 50, /more: an unknown field; expected the agreed fields; found \"more\"",
            "line 1, column 9, /code: wrong type of value; expected text without control characters; found \"5\"",
            "line 1, column 18, /kind: a code that is not in the list; expected one of: 1, 2, x; found text, 6 characters",
            "line 2, column 10, /title: wrong type of value; expected text without control characters; found number, 1 digit",
            "line 2, column 26, /who/name: a required field is missing; expected name; found text, 0 characters",
        ]
    );
    let all = faults.iter().map(|f| f.text_vi() + &f.text_en()).collect::<String>();
    assert!(!all.contains("bi mat") && !all.contains("rieng tu"), "{all}");
}

#[test]
fn an_unknown_name_is_told_in_characters_and_a_length_that_every_wire_carries() {
    let long = "n".repeat(9000);
    for (name, pointer) in
        [("a\u{1}b\u{fffe}\nc", "/a\u{fffd}b\u{fffd}\u{fffd}c".to_owned()), (&long, format!("/{}…", &long[..498]))]
    {
        let bytes = changed(name, json!(1));
        let faults = json_map("").map("m").unwrap().read(&bytes, &Context::new(), &mut NoContents).unwrap_err();
        let fault = faults.iter().find(|f| f.kind == FaultKind::Unknown).unwrap();
        assert_eq!(fault.pointer(), pointer);
        assert!(!(fault.text_vi() + &fault.text_en()).contains(|c: char| c.is_control() || c == '\u{fffe}'));
    }
}

#[test]
fn an_unknown_field_may_be_reported_instead() {
    let book = json_map("unknown: report\n");
    let reading =
        &book.map("m").unwrap().read(&changed("more", json!({ "x": [1] })), &Context::new(), &mut NoContents).unwrap()[0];
    assert_eq!(reading.reported, [Reported { pointer: "/more".to_owned() }]);
    assert_eq!(read(&book, b"{\"code\":\"C\",\"z\":1,\"z\":2}").unwrap_err()[0].0, FaultKind::Duplicate);
}

#[test]
fn a_form_may_come_before_the_code_that_chooses_it_but_not_without_bounds() {
    let text = "message: note\nformat: json\nwithout: count, day, done, grade_a, grade_b, home, kind, mark, paper, person, rows, tags, title\n\ncode = code\nproc = procedure\nsent = submitted_at : time(yyyyMMdd'T'HHmmss)\nform = form ?\n    use form/{procedure}\n";
    let book = compiled(
        Source::new("p")
            .with("m.map", text)
            .with("form/1.1@old.map", "l = left ?\nlist[] = list[]\n")
            .with("form/1.1@new.map", "r = right ?\nlist[] = list[]\n"),
    );
    let of = |form: &str, rest: &str| format!("{{\"form\":{form},{rest}}}");
    let old = "\"sent\":\"20191231T235959\",\"proc\":\"1.1\",\"code\":\"C\"";
    let new = "\"sent\":\"20250101T000000\",\"proc\":\"1.1.000.00.00.X22\",\"code\":\"C\"";
    let left = r#"{"l":"a","list":[]}"#;
    assert_eq!(read(&book, of(left, old).as_bytes()).unwrap()["form"], json!({ "left": "a", "list": [] }));
    assert_eq!(
        read(&book, of(r#"{"r":"a","list":["b"]}"#, new).as_bytes()).unwrap()["form"],
        json!({ "right": "a", "list": ["b"] })
    );
    assert_eq!(read(&book, of(left, new).as_bytes()).unwrap_err(), [(FaultKind::Unknown, "/form/l".to_owned())]);
    let long = format!("{{\"l\":\"a\",\"list\":[{}\"\"]}}", "\"b\",".repeat(70_000));
    assert_eq!(read(&book, of(&long, old).as_bytes()).unwrap_err(), [(FaultKind::Order, "/form".to_owned())]);
    let first = format!("{{{old},\"form\":{}}}", long.replace(",\"\"]", "]"));
    assert_eq!(read(&book, first.as_bytes()).unwrap()["form"]["list"].as_array().unwrap().len(), 70_000);
    for (rest, kind) in [
        (old.replace("1.1", "9.9"), FaultKind::Form),
        (old.replace("2019", "2018"), FaultKind::Form),
        (old.replace("\"proc\":\"1.1\",", ""), FaultKind::Missing),
    ] {
        assert_eq!(read(&book, of(left, &rest).as_bytes()).unwrap_err()[0].0, kind, "{rest}");
    }
}

fn xml_map() -> Book {
    let text = "message: note\nformat: xml\nenvelope: soap11\nnamespace: urn:a\nns p: urn:b\nroot: Note\nwithout: day, done, form, home, kind, mark, paper, procedure, submitted_at, tags\n\nCode = code\nCode/@p:x = title ?\nN = count ?\nWho = person ?\n    p:Name = name\n    City = city ?\n    Nick = nick ?\nG[@k=1] = grade_a ?\nG[@k=2] = grade_b ?\nRow[] = rows[]\n    @id = id\n    Body = file : base64 ?\n    Tag[] = tags[]\n";
    compiled(Source::new("p").with("m.map", text))
}

fn soap(inside: &str) -> String {
    format!("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header/><s:Body>{inside}</s:Body></s:Envelope>")
}

#[test]
fn xml_is_read_by_namespace_and_local_name_whatever_its_prefixes_order_and_escapes() {
    let book = xml_map();
    let want = json!({ "code": "<C & 1>", "title": "a b\nc", "count": 7, "person": { "name": "Phạm", "city": " Hà Nội " }, "grade_a": "x", "grade_b": "y",
        "rows": [ { "id": "1", "tags": [] }, { "id": "2", "tags": ["t", "t"] } ], "tags": [] });
    for inside in [
        "<Note xmlns='urn:a'><Code xmlns:b='urn:b' b:x='a&#32;b&#10;c'>&lt;C &amp; 1&gt;</Code><N> 7 </N><Who><Name xmlns='urn:b'>Phạm</Name><City> Hà Nội </City></Who><G k='1'>x</G><G k='2'>y</G><Row id='1'/><Row id='2'><Tag>t</Tag><Tag>t</Tag></Row></Note>",
        "<q:Note xmlns:q='urn:a' xmlns:p='urn:b'>\n <q:G k='2'>y</q:G> <!-- c --> <q:Row id='1'></q:Row> <q:Who>\n<q:City><![CDATA[ Hà ]]>Nội </q:City><p:Name>Pha\u{323}m</p:Name> </q:Who><q:G k='1'>x</q:G><q:Code p:x='a\tb&#xA;c'><![CDATA[<C & 1>]]></q:Code>\n<q:N>7</q:N><q:Row id='2'><q:Tag>t</q:Tag><q:Tag>t</q:Tag></q:Row></q:Note>",
    ] {
        assert_eq!(read(&book, soap(inside).as_bytes()).unwrap(), want, "{inside}");
    }
}

#[test]
fn what_is_wrong_in_xml_is_refused_with_kind_and_place() {
    use FaultKind::{Content, Dtd, Duplicate, Limit, Missing, MustUnderstand, Namespace, Syntax, Type, Unknown};
    let book = xml_map();
    let note = |inside: &str| soap(&format!("<Note xmlns='urn:a' xmlns:p='urn:b'><Code>C</Code>{inside}</Note>"));
    let ns = "http://schemas.xmlsoap.org/soap/envelope/";
    for (text, kind, pointer) in [
        (soap("<Note xmlns='urn:a'/>"), Missing, "Note/Code"),
        (soap("<Note xmlns='urn:a'><Code/></Note>"), Missing, "Note/Code"),
        (soap("<Note xmlns='urn:z'><Code>C</Code></Note>"), Namespace, ""),
        (soap("<Other xmlns='urn:a'/>"), Unknown, ""),
        (soap(""), Missing, ""),
        (soap("<Note xmlns='urn:a'><Code>C</Code></Note><Note xmlns='urn:a'/>"), Unknown, ""),
        ("<Note xmlns='urn:a'><Code>C</Code></Note>".to_owned(), Unknown, ""),
        (
            format!("<s:Envelope xmlns:s='{ns}'><s:Header><h s:mustUnderstand='1'/></s:Header><s:Body/></s:Envelope>"),
            MustUnderstand,
            "",
        ),
        ("<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body/></s:Envelope>".to_owned(), Namespace, ""),
        (format!("<!DOCTYPE x>{}", note("")), Dtd, ""),
        (note("<Code>D</Code>"), Duplicate, "Note/Code"),
        (note("<N>x</N>"), Type, "Note/N"),
        (note("<N xmlns='urn:b'>1</N>"), Namespace, "Note/N"),
        (note("<N z='1'>1</N>"), Unknown, "Note/N/@z"),
        (note("<N p:z='1'>1</N>"), Unknown, "Note/N/@z"),
        (note("<N><M/></N>"), Unknown, "Note/N/M"),
        (note("<Z/>"), Unknown, "Note/Z"),
        (note("text"), Type, "Note"),
        (note("<Who/>"), Missing, "Note/Who/p:Name"),
        (note("<Who>text<p:Name>a</p:Name></Who>"), Type, "Note/Who"),
        (note("<Who><p:Name>a</p:Name></Who><Who><p:Name>a</p:Name></Who>"), Duplicate, "Note/Who"),
        (note("<G k='3'>x</G>"), Unknown, "Note/G"),
        (note("<G>x</G>"), Unknown, "Note/G"),
        (note("<G k='1'>x</G><G k='1'>x</G>"), Duplicate, "Note/G"),
        (note("<Row id='1'/><Row/>"), Missing, "Note/Row[2]/@id"),
        (note("<Row id='1'><Body>Q*==</Body></Row>"), Content, "Note/Row[1]/Body"),
        (note("<Row id='1'><Body><x/></Body></Row>"), Type, "Note/Row[1]/Body"),
        (note("<Row id='1'><Tag>a</Tag><Tag/></Row>"), Missing, "Note/Row[1]/Tag[2]"),
        (note(&format!("<N>{}</N>", "1".repeat(70_000))), Limit, "Note/N"),
        (note("<N>1</M>"), Syntax, "Note/N"),
    ] {
        let refused = read(&book, text.as_bytes()).expect_err(&text);
        let fits = refused.iter().any(|(k, p)| *k == kind && p.replace("p:", "") == pointer.replace("p:", ""));
        assert!(fits, "{text}: {refused:?}");
    }
}

#[test]
fn what_a_row_says_to_the_context_is_heard_once() {
    let text = "message: note\nformat: json\nwithout: count, day, done, form, grade_a, grade_b, home, kind, mark, paper, person, procedure, submitted_at, tags, title\n\ncode = code\nrows[] = rows[]\n    id = id\n    by = $from.code\n    up = id : ~upper\n    body = file : base64 ?\n    tags[] = tags[]\n";
    let book = compiled(Source::new("p").with("m.map", text));
    let document = |by: &str, up: &str| {
        format!(
            "{{\"code\":\"C\",\"rows\":[{{\"id\":\"đ\",\"by\":\"a\",\"up\":\"{up}\",\"tags\":[]}},{{\"id\":\"e\",\"by\":\"{by}\",\"up\":\"E\",\"tags\":[]}}]}}"
        )
    };
    let reading = |text: &str| book.map("m").unwrap().read(text.as_bytes(), &Context::new(), &mut NoContents);
    assert_eq!(reading(&document("a", "Đ")).unwrap()[0].context["from.code"], "a");
    assert_eq!(reading(&document("b", "Đ")).unwrap_err()[0].kind, FaultKind::Disagrees);
    assert_eq!(reading(&document("a", "đ")).unwrap_err()[0].kind, FaultKind::Disagrees);
}

#[test]
fn a_long_content_goes_in_pieces_and_a_long_text_does_not() {
    let book = xml_map();
    let bytes = vec![7_u8; 300_000];
    let mut text = Vec::new();
    super::base64_stream::encode(&mut &bytes[..], &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let document = soap(&format!(
        "<Note xmlns='urn:a'><Code>C</Code><Row id='1'><Body>{}&#10;\n{}</Body></Row></Note>",
        &text[..1001],
        &text[1001..]
    ));
    let mut sink = MemoryContents::default();
    let reading = &book.map("m").unwrap().read(document.as_bytes(), &Context::new(), &mut sink).unwrap()[0];
    assert_eq!(reading.body["rows"][0]["file"]["size"], 300_000);
    assert_eq!(sink.kept.values().next(), Some(&bytes));
}

#[test]
fn what_a_wire_cannot_say_is_a_write_fault() {
    let book = xml_map();
    let json = json_map("");
    let write = |book: &Book, body: Value| book.map("m").unwrap().write(&body, &Context::new(), &NoContents, None).unwrap_err();
    for (fault, kind, pointer) in [
        (write(&book, json!({})), WriteFaultKind::Missing, "/code"),
        (write(&book, json!({ "code": "a\u{fffe}" })), WriteFaultKind::Value, "/code"),
        (write(&book, json!({ "code": "" })), WriteFaultKind::Value, "/code"),
        (
            write(&book, json!({ "code": "a", "rows": [{ "id": "1" }, { "id": "2", "file": { "blob": "x", "size": 1 } }] })),
            WriteFaultKind::Content,
            "/rows/1/file",
        ),
        (write(&book, json!({ "code": "a", "rows": [{}] })), WriteFaultKind::Missing, "/rows/0/id"),
        (write(&json, json!({ "code": "a", "kind": "four" })), WriteFaultKind::Value, "/kind"),
    ] {
        assert_eq!((fault.kind, fault.pointer.as_str()), (kind, pointer), "{fault}");
    }
}

//! Batches: a message that cannot be read stands in its place with its own faults, and takes nothing from the others.

use super::refusals::compiled;
use super::{Book, Context, FaultKind, MemoryContents, Reading, Source, Unread, WireFault};
use crate::body::{Value, json};

const WITHOUT: &str =
    "without: count, day, done, form, grade_a, grade_b, home, kind, mark, paper, person, procedure, submitted_at, tags";

fn json_map() -> Book {
    let text = format!(
        "message: note\nformat: json\n{WITHOUT}, title\n\nby = $from.code\nitems[] = .\n    code = code\n    rows[] = rows[]\n        id = id\n        body = file : base64 ?\n        tags[] = tags[]\n"
    );
    compiled(Source::new("p").with("m.map", &text))
}

fn xml_map() -> Book {
    let text = format!(
        "message: note\nformat: xml\nenvelope: soap11\nnamespace: urn:a\nroot: Notes\n{WITHOUT}, title\n\nBy = $from.code\nItem[] = .\n    Code = code\n    Row[] = rows[]\n        @id = id\n        Body = file : base64 ?\n        Tag[] = tags[]\n"
    );
    compiled(Source::new("p").with("m.map", &text))
}

fn each(book: &Book, text: &str) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
    book.map("m").unwrap().read_each(text.as_bytes(), &Context::new(), &mut MemoryContents::default())
}

fn in_json(items: &[String]) -> String {
    format!("{{\"by\":\"me\",\"items\":[{}]}}", items.join(", "))
}

fn in_xml(items: &[String]) -> String {
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><Notes xmlns='urn:a'><By>me</By>\n{}</Notes></s:Body></s:Envelope>",
        items.join("\n")
    )
}

fn good_json(code: &str) -> String {
    json!({ "code": code, "rows": [{ "id": "1", "body": "QUI=", "tags": ["t"] }, { "id": "2", "tags": [] }] }).to_string()
}

fn good_xml(code: &str) -> String {
    format!("<Item><Code>{code}</Code><Row id='1'><Body>QUI=</Body><Tag>t</Tag></Row><Row id='2'/></Item>")
}

/// A bad item, the first fault's kind, and its place within the item.
type Bad = (String, FaultKind, &'static str);

fn bad_json() -> Vec<Bad> {
    use FaultKind::{Content, Duplicate, Limit, Missing, Type, Unknown};
    let long = "x".repeat(70_000);
    let code = |rest: &str| format!("{{\"code\":\"B\",{rest}}}");
    vec![
        ("null".to_owned(), Type, ""),
        ("[]".to_owned(), Type, ""),
        ("{}".to_owned(), Missing, "/code"),
        (code("\"rows\":[{\"id\":\"1\",\"tags\":[]},{\"tags\":[]}]"), Missing, "/rows/1/id"),
        (code("\"rows\":[],\"more\":{\"a\":[{}]}"), Unknown, "/more"),
        (code("\"rows\":[],\"code\":\"C\""), Duplicate, "/code"),
        (code("\"rows\":[{\"id\":\"1\",\"id\":\"2\"}]"), Duplicate, "/rows/0/id"),
        (code("\"rows\":[],\"more\":{\"a\":1,\"a\":2}"), Duplicate, ""),
        (code("\"rows\":[{\"id\":\"1\",\"body\":\"Q*==\",\"tags\":[]}]"), Content, "/rows/0/body"),
        (format!("{{\"code\":\"{long}\",\"rows\":[]}}"), Limit, "/code"),
    ]
}

fn bad_xml() -> Vec<Bad> {
    use FaultKind::{Content, Duplicate, Limit, Missing, Type, Unknown};
    let long = "x".repeat(70_000);
    let item = |rest: &str| format!("<Item><Code>B</Code>{rest}</Item>");
    vec![
        ("<Item/>".to_owned(), Missing, "/Code"),
        ("<Item>text</Item>".to_owned(), Type, ""),
        (item("<Row id='1'/><Row/>"), Missing, "/Row[2]/@id"),
        (item("<More><A/></More>"), Unknown, "/More"),
        (item("<Code>C</Code>"), Duplicate, "/Code"),
        (item("<Row id='1'><Body>Q*==</Body></Row>"), Content, "/Row[1]/Body"),
        (item("<Row id='1'><Body>QUI=</Body><Body>QUI=</Body></Row>"), Duplicate, "/Row[1]/Body"),
        (format!("<Item><Code>{long}</Code></Item>"), Limit, "/Code"),
    ]
}

/// Wherever a bad item stands, the others are read as if it had not come, and its fault is told at its own place.
fn spoils_no_other(book: &Book, wrap: fn(&[String]) -> String, good: fn(&str) -> String, bad: Vec<Bad>, at: fn(usize) -> String) {
    let others: Vec<String> = ["A", "C", "D"].map(good).to_vec();
    let alone: Vec<Value> = each(book, &wrap(&others)).unwrap().into_iter().map(|r| r.unwrap().body).collect();
    assert_eq!(alone.len(), 3);
    for (text, kind, place) in bad {
        for position in 0..=others.len() {
            let mut items = others.clone();
            items.insert(position, format!("\t{text}"));
            let shown: String = text.chars().take(120).collect();
            let mut read = each(book, &wrap(&items)).unwrap_or_else(|f| panic!("{shown} at {position}: {f:?}"));
            let unread = read.remove(position).expect_err(&shown);
            let rest: Vec<Value> = read.into_iter().map(|r| r.unwrap().body).collect();
            assert_eq!(rest, alone, "{shown} at {position}");
            let (fault, whole) = (&unread.faults[0], wrap(&items));
            let want = format!("{}{place}", at(position));
            assert_eq!((fault.kind, fault.pointer()), (kind, want.as_str()), "{shown} at {position}: {:?}", unread.faults);
            let begins = whole.find(&format!("\t{text}")).unwrap();
            assert!((begins..=begins + text.len()).contains(&fault.place.offset), "{shown} at {position}: {:?}", fault.place);
            // Read whole or not at all: the same fault.
            let strict = book.map("m").unwrap().read(whole.as_bytes(), &Context::new(), &mut MemoryContents::default());
            assert_eq!(strict.unwrap_err(), unread.faults, "{shown} at {position}");
        }
    }
}

#[test]
fn an_item_that_cannot_be_read_spoils_no_other() {
    spoils_no_other(&json_map(), in_json, good_json, bad_json(), |n| format!("/items/{n}"));
    spoils_no_other(&xml_map(), in_xml, good_xml, bad_xml(), |n| format!("Notes/Item[{}]", n + 1));
}

#[test]
fn what_is_not_well_formed_or_wrong_outside_the_items_is_refused_whole() {
    let (json, xml) = (json_map(), xml_map());
    for text in [
        in_json(&[good_json("A"), "{\"code\":\"B\",}".to_owned()]),
        in_json(&[good_json("A"), "{\"code\":\"B\"".to_owned()]),
        in_json(&[good_json("A"), "{\"code\":\"\\ud800\"}".to_owned()]),
        in_json(&[good_json("A"), format!("{{\"x\":{}{}}}", "[".repeat(70), "]".repeat(70))]),
        in_json(&[good_json("A")]).replace("\"by\"", "\"other\""),
    ] {
        let faults = each(&json, &text).expect_err(&text);
        assert!(!faults.is_empty(), "{text}");
    }
    for text in [
        in_xml(&[good_xml("A"), "<Item><Code>B</Item>".to_owned()]),
        in_xml(&[good_xml("A"), "<Item><Code>&x;</Code></Item>".to_owned()]),
        in_xml(&[good_xml("A"), "<Item><p:Code/></Item>".to_owned()]),
        in_xml(&[good_xml("A")]).replace("<By>me</By>", ""),
    ] {
        let faults = each(&xml, &text).expect_err(&text);
        assert!(!faults.is_empty(), "{text}");
    }
}

#[test]
fn the_faults_of_many_items_stay_bounded() {
    let items = |n: usize| vec!["\n {\"a\":1,\"b\":2,\"c\":3}".to_owned(); n];
    // Three unknown members and two missing ones each, every one at its own line.
    let read = each(&json_map(), &in_json(&items(800))).unwrap();
    for (n, item) in read.iter().enumerate() {
        let faults = &item.as_ref().unwrap_err().faults;
        let lines: Vec<usize> = faults.iter().map(|f| usize::try_from(f.place.line).unwrap()).collect();
        assert_eq!(lines, [n + 2; 5], "{faults:?}");
        assert!(faults.iter().all(|f| f.place.column <= 20), "{faults:?}");
    }
    let faults = each(&json_map(), &in_json(&items(801))).unwrap_err();
    assert_eq!((faults.len(), faults[0].kind), (1, FaultKind::Limit), "{faults:?}");
}

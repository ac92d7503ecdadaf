//! Hard values in every position a wire can hold text, each with its stated outcome: carried exactly, normalised so, or refused.
//!
//! One invented message with a field of each type, over one mapping a format (XML bare and in SOAP 1.2, JSON, form). What is written is
//! looked at by strangers too (serde_json, roxmltree): they must see the very same text.

use super::checks::book;
use lienthong::body::{Value, json};
use lienthong::mapping::{Context, FaultKind, Format, Mapping, NoContents, WriteFaultKind};

/// What must come of a spelling.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// It is read as this value.
    Is(Value),
    /// It is read as nothing there.
    None,
    /// It is refused, for this reason.
    Refused(FaultKind),
}

use FaultKind::{Duplicate, Missing, Namespace, Syntax, Type, Unknown};
use Outcome::{Is, None as Nothing, Refused};

/// A body with this text wherever the mapping has a place for it.
fn filled(map: &Mapping, text: &str) -> Value {
    let base = json!({ "code": "C", "procedure": "1.1", "submitted_at": "2025-02-03T04:05:06+07:00", "rows": [], "t": text });
    let mut body = base;
    if map.format() != Format::Form {
        body["rows"] = json!([{ "x": "first" }, { "a": text, "x": text }]);
        body["form"] = json!({ "y": text });
    }
    if map.format() == Format::Xml {
        ["on_text", "on_element", "on_root"].into_iter().for_each(|place| body[place] = json!(text));
    }
    body
}

fn read(map: &Mapping, wire: &str) -> Result<Value, Vec<FaultKind>> {
    let readings = map.read(wire.as_bytes(), &Context::new(), &mut NoContents);
    readings.map(|mut r| r.remove(0).body).map_err(|faults| faults.iter().map(|f| f.kind).collect())
}

/// The texts a stranger finds in a document.
fn seen(map: &Mapping, wire: &str) -> Vec<String> {
    fn texts(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.values().for_each(|v| texts(v, found)),
            Value::Array(rows) => rows.iter().for_each(|v| texts(v, found)),
            Value::String(text) => found.push(text.to_string()),
            _ => {}
        }
    }
    let mut found = Vec::new();
    match map.format() {
        Format::Json => texts(&serde_json::from_str(wire).unwrap(), &mut found),
        Format::Xml => {
            let document = roxmltree::Document::parse(wire).unwrap();
            for node in document.descendants().filter(roxmltree::Node::is_element) {
                found.extend(node.attributes().map(|a| a.value().to_owned()));
                found.push(node.children().filter(roxmltree::Node::is_text).filter_map(|t| t.text()).collect());
            }
        }
        Format::Form => {}
    }
    found
}

#[test]
fn a_hard_text_is_carried_exactly_in_every_position_of_every_wire_or_refused_by_the_writer() {
    let hard = [
        "0004521",
        "1234567890123456789",
        "1.10",
        "25.0000",
        "5237E8",
        "true",
        "null",
        "0",
        "-0",
        "+1",
        " ",
        "  hai  dấu cách  ",
        "\t",
        "\n",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "a\tb",
        "Phạm Thị Sao Mai",
        "Đ ữ ợ ẵ",
        "🙂 👩‍👩‍👧",
        "𠮷",
        "]]>",
        "]]",
        "<a>&amp;</a>",
        "&",
        "\"'\\/",
        "<![CDATA[x]]>",
        "<!-- x -->",
        "a=b&c=d+e%20",
        "{\"a\":1}",
        "\u{85}",
        "\u{a0}x\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{200b}",
        "\u{fffd}",
        "\u{e000}",
        "\u{10fffd}",
        "\u{7f}",
        "\u{9f}",
    ];
    let book = book("omit");
    for name in ["xml", "soap", "json", "form"] {
        let map = book.map(name).unwrap();
        for text in hard {
            let body = filled(map, text);
            let bytes = map.write(&body, &Context::new(), &NoContents, None).unwrap_or_else(|f| panic!("{name} {text:?}: {f}"));
            let wire = String::from_utf8(bytes).unwrap();
            assert_eq!(read(map, &wire), Ok(body.clone()), "{name} {text:?}: {wire}");
            let places = match map.format() {
                Format::Xml => 7,
                Format::Json => 4,
                Format::Form => 0,
            };
            let same = seen(map, &wire).iter().filter(|t| *t == text).count();
            assert!(same >= places, "{name} {text:?}: strangers see it {same} times, not {places}: {wire}");
        }
        // What XML cannot carry no wire carries, so that every dossier can be passed on; neither does the empty text.
        for text in ["", "a\u{0}b", "\u{1}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
            let fault = map.write(&filled(map, text), &Context::new(), &NoContents, None).unwrap_err();
            assert_eq!((fault.kind, fault.pointer.as_str() != ""), (WriteFaultKind::Value, true), "{name} {text:?}: {fault}");
        }
    }
}

/// An XML document with this inside `<Note>`.
fn xml(inside: &str) -> String {
    let empty = if inside.contains("<E") { "" } else { "<E/>" };
    format!(
        "<Note xmlns='urn:a' xmlns:p='urn:a' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><Code>C</Code><Procedure>1.1</Procedure>\
         <Day>2025-02-03T04:05:06+07:00</Day>{inside}{empty}</Note>"
    )
}

fn json_wire(members: &str) -> String {
    format!("{{\"Code\":\"C\",\"Procedure\":\"1.1\",\"Day\":\"2025-02-03T04:05:06+07:00\",\"R\":[]{members}}}")
}

/// Reads and compares the value at a canonical pointer.
fn check(map: &Mapping, wire: &str, pointer: &str, want: &Outcome, complaints: &mut Vec<String>) {
    let got = match read(map, wire) {
        Ok(body) => body.pointer(pointer).map_or(Nothing, |value| Is(value.clone())),
        Err(kinds) => Refused(kinds[0]),
    };
    if got != *want {
        complaints.push(format!("{wire}\n  {pointer}: {got:?}, not {want:?}"));
    }
}

#[test]
fn each_spelling_of_a_text_in_xml_has_its_outcome_in_elements_attributes_rows_and_forms() {
    let text = |t: &str| Is(json!(t));
    // As it stands in the document, in an element, in an attribute.
    let rows: Vec<(&str, Outcome, Outcome)> = vec![
        ("0004521", text("0004521"), text("0004521")),
        ("1.10", text("1.10"), text("1.10")),
        ("5237E8", text("5237E8"), text("5237E8")),
        ("&lt;&amp;&gt;&quot;&apos;", text("<&>\"'"), text("<&>\"'")),
        ("&#x1ea1;&#7841;&#128578;", text("ạạ🙂"), text("ạạ🙂")),
        ("  a  b  ", text("  a  b  "), text("  a  b  ")),
        ("a\nb\tc", text("a\nb\tc"), text("a b c")),
        ("a\r\nb\rc", text("a\nb\nc"), text("a b c")),
        ("a&#10;b&#13;c&#9;d", text("a\nb\rc\td"), text("a\nb\rc\td")),
        ("Pha\u{323}m", text("Phạm"), text("Phạm")),
        ("\u{1F642}", text("🙂"), text("🙂")),
        ("a]]&gt;b", text("a]]>b"), text("a]]>b")),
        ("a]]>b", Refused(Syntax), text("a]]>b")),
        ("<![CDATA[<b>&amp;]]>", text("<b>&amp;"), Refused(Syntax)),
        ("a<![CDATA[b]]>c<!-- d --><?e f?>g", text("abcg"), Refused(Syntax)),
        ("\u{fffe}", Refused(Syntax), Refused(Syntax)),
        ("&#xFFFE;", Refused(Syntax), Refused(Syntax)),
        ("&#0;", Refused(Syntax), Refused(Syntax)),
        ("&nbsp;", Refused(Syntax), Refused(Syntax)),
        ("a<b/>c", Refused(Unknown), Refused(Syntax)),
    ];
    let (book, mut complaints) = (book("omit"), Vec::new());
    for name in ["xml", "soap"] {
        let map = book.map(name).unwrap();
        let wrap = |inside: &str| match name {
            "xml" => xml(inside),
            _ => format!(
                "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body>{}</s:Body></s:Envelope>",
                xml(inside)
            ),
        };
        for (raw, element, attribute) in &rows {
            let mut look =
                |inside: String, pointer: &str, want: &Outcome| check(map, &wrap(&inside), pointer, want, &mut complaints);
            look(format!("<T>{raw}</T>"), "/t", element);
            look(format!("<p:T>{raw}</p:T>"), "/t", element);
            look(format!("<R><X>{raw}</X></R>"), "/rows/0/x", element);
            look(format!("<F><Y>{raw}</Y></F>"), "/form/y", element);
            if !raw.contains('"') {
                look(format!("<T a=\"{raw}\">t</T>"), "/on_text", attribute);
                look(format!("<E a=\"{raw}\"/>"), "/on_element", attribute);
                look(format!("<R a=\"{raw}\"><X>x</X></R>"), "/rows/0/a", attribute);
            }
        }
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn numbers_booleans_and_texts_stay_apart_in_json_and_digits_are_kept() {
    let (n, s) = (|n: i64| Is(json!(n)), |t: &str| Is(json!(t)));
    // As it stands in the document: as a text, a whole number, a decimal, a boolean.
    let rows: Vec<(&str, [Outcome; 4])> = vec![
        ("\"0004521\"", [s("0004521"), Refused(Type), Refused(Type), Refused(Type)]),
        ("0004521", [Refused(Syntax), Refused(Syntax), Refused(Syntax), Refused(Syntax)]),
        ("4521", [Refused(Type), n(4521), s("4521"), Refused(Type)]),
        ("1234567890123456789", [Refused(Type), n(1_234_567_890_123_456_789), s("1234567890123456789"), Refused(Type)]),
        ("9223372036854775808", [Refused(Type), Refused(Type), s("9223372036854775808"), Refused(Type)]),
        ("\"1234567890123456789\"", [s("1234567890123456789"), Refused(Type), Refused(Type), Refused(Type)]),
        ("1.10", [Refused(Type), Refused(Type), s("1.1"), Refused(Type)]),
        ("25.0000", [Refused(Type), Refused(Type), s("25"), Refused(Type)]),
        ("5237E8", [Refused(Type), Refused(Type), Refused(Type), Refused(Type)]),
        ("\"5237E8\"", [s("5237E8"), Refused(Type), Refused(Type), Refused(Type)]),
        ("-0", [Refused(Type), Refused(Type), s("0"), Refused(Type)]),
        ("true", [Refused(Type), Refused(Type), Refused(Type), Is(json!(true))]),
        ("\"true\"", [s("true"), Refused(Type), Refused(Type), Refused(Type)]),
        ("[\"a\"]", [Refused(Type), Refused(Type), Refused(Type), Refused(Type)]),
        ("{\"a\":1}", [Refused(Type), Refused(Type), Refused(Type), Refused(Type)]),
        ("\" a \\n\"", [s(" a \n"), Refused(Type), Refused(Type), Refused(Type)]),
        ("\"Pha\\u0323m \\ud83d\\ude42\"", [s("Phạm 🙂"), Refused(Type), Refused(Type), Refused(Type)]),
        ("\"\\ud800\"", [Refused(Syntax), Refused(Syntax), Refused(Syntax), Refused(Syntax)]),
        ("\"\\ufffe\"", [Refused(Type), Refused(Type), Refused(Type), Refused(Type)]),
        ("\"\\u0000\"", [Refused(Type), Refused(Type), Refused(Type), Refused(Type)]),
        ("\"]]>\"", [s("]]>"), Refused(Type), Refused(Type), Refused(Type)]),
    ];
    let (book, mut complaints) = (book("omit"), Vec::new());
    let map = book.map("json").unwrap();
    for (raw, wants) in &rows {
        for (field, want) in [("T", &wants[0]), ("N", &wants[1]), ("D", &wants[2]), ("B", &wants[3])] {
            check(map, &json_wire(&format!(",\"{field}\":{raw}")), &format!("/{}", field.to_lowercase()), want, &mut complaints);
        }
        check(map, &json_wire("").replace("[]", &format!("[{{\"X\":{raw}}}]")), "/rows/0/x", &wants[0], &mut complaints);
        check(map, &json_wire(&format!(",\"F\":{{\"Y\":{raw}}}")), "/form/y", &wants[0], &mut complaints);
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn numbers_in_xml_and_forms_are_text_with_one_spelling() {
    let (n, s) = (|n: i64| Is(json!(n)), |t: &str| Is(json!(t)));
    // As it stands: as a whole number, a decimal, a boolean.
    let rows: Vec<(&str, [Outcome; 3])> = vec![
        ("7", [n(7), s("7"), Refused(Type)]),
        ("007", [Refused(Type), Refused(Type), Refused(Type)]),
        ("1234567890123456789", [n(1_234_567_890_123_456_789), s("1234567890123456789"), Refused(Type)]),
        ("1.10", [Refused(Type), s("1.1"), Refused(Type)]),
        ("25.0000", [Refused(Type), s("25"), Refused(Type)]),
        ("5237E8", [Refused(Type), Refused(Type), Refused(Type)]),
        ("150,000", [Refused(Type), Refused(Type), Refused(Type)]),
        ("true", [Refused(Type), Refused(Type), Is(json!(true))]),
        ("TRUE", [Refused(Type), Refused(Type), Refused(Type)]),
    ];
    let (book, mut complaints) = (book("omit"), Vec::new());
    for (raw, wants) in &rows {
        for (field, want) in [("N", &wants[0]), ("D", &wants[1]), ("B", &wants[2])] {
            let pointer = format!("/{}", field.to_lowercase());
            check(book.map("xml").unwrap(), &xml(&format!("<{field}>{raw}</{field}>")), &pointer, want, &mut complaints);
            let form = format!("Code=C&Procedure=1.1&Day=2025-02-03T04%3A05%3A06%2B07%3A00&{field}={}", raw.replace(',', "%2C"));
            check(book.map("form").unwrap(), &form, &pointer, want, &mut complaints);
        }
    }
    // Blanks around a number do not count in XML, in a form they do.
    check(book.map("xml").unwrap(), &xml("<N> 7\n</N>"), "/n", &n(7), &mut complaints);
    check(
        book.map("form").unwrap(),
        "Code=C&Procedure=1.1&Day=2025-02-03T04%3A05%3A06%2B07%3A00&N=+7",
        "/n",
        &Refused(Type),
        &mut complaints,
    );
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn null_empty_nil_and_absent_stay_apart_by_declaration() {
    let mut complaints = Vec::new();
    // What the head declares as standing for none; then null, '' and absent in JSON; an empty element, a nil one and absent in XML.
    let no = || Refused(Missing);
    for (absent, json_null, json_empty, xml_empty) in [
        ("omit", no(), no(), no()),
        ("omit | null", Nothing, no(), no()),
        ("omit | ''", no(), Nothing, Nothing),
        ("omit | null | ''", Nothing, Nothing, Nothing),
    ] {
        let book = book(absent);
        let (json, xml_map) = (book.map("json").unwrap(), book.map("xml").unwrap());
        for field in ["T", "N", "D", "B"] {
            let pointer = format!("/{}", field.to_lowercase());
            check(json, &json_wire(&format!(",\"{field}\":null")), &pointer, &json_null, &mut complaints);
            check(json, &json_wire(&format!(",\"{field}\":\"\"")), &pointer, &json_empty, &mut complaints);
            check(json, &json_wire(""), &pointer, &Nothing, &mut complaints);
            check(xml_map, &xml(&format!("<{field}></{field}>")), &pointer, &xml_empty, &mut complaints);
            check(xml_map, &xml(&format!("<{field}/>")), &pointer, &xml_empty, &mut complaints);
            check(xml_map, &xml(""), &pointer, &Nothing, &mut complaints);
        }
        // xsi:nil is XML's null.
        let nil = if absent.contains("null") { Nothing } else { no() };
        check(xml_map, &xml("<T xsi:nil='true'/>"), "/t", &nil, &mut complaints);
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn none_one_and_many_are_lists_and_repeats_need_not_stand_together() {
    let (book, mut complaints) = (book("omit"), Vec::new());
    let (json, xml_map) = (book.map("json").unwrap(), book.map("xml").unwrap());
    let list = |texts: &[&str]| Is(Value::Array(texts.iter().map(|t| json!({ "x": t })).collect()));
    for texts in [&[][..], &["a"], &["a", "b", "c"]] {
        let elements: String = texts.iter().map(|t| format!("<R><X>{t}</X></R>")).collect();
        check(xml_map, &xml(&elements), "/rows", &list(texts), &mut complaints);
        let rows: Vec<String> = texts.iter().map(|t| format!("{{\"X\":\"{t}\"}}")).collect();
        check(json, &json_wire("").replace("[]", &format!("[{}]", rows.join(","))), "/rows", &list(texts), &mut complaints);
    }
    check(
        xml_map,
        &xml("<R><X>a</X></R><T>t</T><p:R><X>b</X></p:R><N>1</N><R><X>c</X></R>"),
        "/rows",
        &list(&["a", "b", "c"]),
        &mut complaints,
    );
    // One object is no list, and a second single element is no value.
    check(json, &json_wire("").replace("[]", "{\"X\":\"a\"}"), "/rows", &Refused(Type), &mut complaints);
    check(json, &json_wire("").replace(",\"R\":[]", ""), "/rows", &Refused(Missing), &mut complaints);
    check(xml_map, &xml("<T>a</T><N>1</N><T>b</T>"), "/t", &Refused(Duplicate), &mut complaints);
    check(xml_map, &xml("<T>a</T><T>a</T>"), "/t", &Refused(Duplicate), &mut complaints);
    // A name of no namespace or another one is not the agreed one, whatever its prefix.
    check(xml_map, &xml("<T xmlns=''>a</T>"), "/t", &Refused(Namespace), &mut complaints);
    check(xml_map, &xml("<q:T xmlns:q='urn:b'>a</q:T>"), "/t", &Refused(Namespace), &mut complaints);
    check(xml_map, &xml("<q:T xmlns:q='urn:a'>a</q:T>"), "/t", &Is(json!("a")), &mut complaints);
    check(xml_map, &xml("<E p:a='x'/>"), "/on_element", &Refused(Unknown), &mut complaints);
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

//! Planted faults: each turns the check red at its exact place.

use super::super::api::Envelope;
use super::super::{Book, Editions, Shapes, Source, WireSchema};
use super::*;
use crate::body::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc as Shared;

const XSD: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:a" targetNamespace="urn:a" elementFormDefault="qualified">
  <xs:simpleType name="Kind"><xs:restriction base="xs:string"><xs:enumeration value="1"/><xs:enumeration value="2"/></xs:restriction></xs:simpleType>
  <xs:complexType name="Row"><xs:sequence><xs:element name="Id" type="xs:string"/></xs:sequence><xs:attribute name="no" type="xs:int" use="required"/></xs:complexType>
  <xs:element name="Note"><xs:complexType><xs:sequence>
    <xs:element name="Code" type="xs:string"/>
    <xs:element name="Kind" type="Kind" minOccurs="0"/>
    <xs:element name="Count" type="xs:int"/>
    <xs:element name="At" type="xs:dateTime" minOccurs="0"/>
    <xs:element name="Rows" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="Row" type="Row" maxOccurs="3"/></xs:sequence></xs:complexType></xs:element>
    <xs:choice><xs:element name="Red" type="xs:string"/><xs:element name="Blue" type="xs:string"/></xs:choice>
    <xs:element name="Title" minOccurs="0"><xs:complexType><xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="lang" type="xs:string" fixed="vi"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
  </xs:sequence><xs:attribute name="version" type="xs:string" use="required" fixed="1"/></xs:complexType></xs:element>
</xs:schema>"#;

const MAP: &str = "@version = '1'
Code = code
Kind = kind : code(kind) ?
Count = count
At = at ?
Rows = .
    Row[] = rows[]
        @no = no
        Id = id
when colour = red
    Red = name
when colour = blue
    Blue = name
Title = title ?
";

fn shapes() -> Shared<Shapes> {
    let text = json!({ "type": "string" });
    let row = json!({ "type": "object", "properties": { "id": text, "no": { "type": "integer", "minimum": 0, "maximum": 99 } } });
    let note = json!({ "type": "object", "required": ["colour"], "properties": {
        "code": text, "kind": { "enum": ["one", "two"] }, "count": { "type": "integer", "minimum": 0, "maximum": 99 },
        "at": { "type": "string", "format": "date-time" }, "rows": { "type": "array", "items": row, "minItems": 1, "maxItems": 3 },
        "colour": { "enum": ["red", "blue"] }, "name": text, "title": { "type": "string", "maxLength": 2 },
        "mark": { "type": "string", "format": "decimal", "pattern": "^(10|[0-9](\\.[0-9]?[1-9])?)$", "maxLength": 4 },
        "day": { "type": "string", "format": "date", "pattern": "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$" } } });
    Shared::new(Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap())
}

fn xsd(text: &str) -> Result<Xsd, Vec<String>> {
    let only = |path: &str| (path == "a.xsd").then_some(text);
    Xsd::load("a.xsd", &only).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The faults of a mapping with these lines, `line:column: V: text`; the lines start at line 1.
fn faults(lines: &str, schema: &str, reads: bool) -> Vec<String> {
    held(lines, schema, reads).into_iter().map(|(text, _)| text).collect()
}

/// The same with their hints.
fn told(lines: &str, schema: &str) -> Vec<String> {
    held(lines, schema, false).into_iter().map(|(text, hint)| format!("{text} ({})", hint.unwrap_or_default())).collect()
}

fn held(lines: &str, schema: &str, reads: bool) -> Vec<(String, Option<String>)> {
    let head = "message: note\nformat: xml\nnamespace: urn:a\nroot: Note\nschema: a.xsd\n";
    let codes = "[shade]\nred = 1\nblue = 2\n[kind]\none = 1\ntwo = 2\n[wide]\none = 1\ntwo = 3\n";
    let draft = |without: &str| {
        let source = Source::new("p").with("m.map", format!("{head}{without}\n{lines}")).with("codes.toml", codes);
        (Book::draft(&source, &shapes()), source)
    };
    // What is not carried is said as the compiler asks for it: it is not what is tested here.
    let ((_, first), _) = draft("");
    let said = first.iter().find_map(|f| f.hint.clone().filter(|h| h.starts_with("without: "))).map(|h| format!("{h}\n"));
    let ((book, others), source) = draft(&said.clone().unwrap_or_default());
    let others: Vec<_> = others.iter().filter(|f| !f.text.contains("nothing uses")).collect();
    assert!(others.is_empty(), "{others:?}");
    let schemas = BTreeMap::from([("a.xsd".to_owned(), WireSchema::Xsd(Box::new(xsd(schema).unwrap())))]);
    let reads = if reads { BTreeSet::from(["m".to_owned()]) } else { BTreeSet::new() };
    let shift = 6 + usize::from(said.is_some());
    let told = book.against(&schemas, &reads, &source);
    told.into_iter()
        .map(|f| (format!("{}:{}: {}: {}", f.line.saturating_sub(shift), f.column, f.check.code(), f.text), f.hint))
        .collect()
}

#[test]
fn a_mapping_that_keeps_its_schema_has_no_fault() {
    assert_eq!(faults(MAP, XSD, true), [""; 0]);
}

#[test]
fn each_planted_difference_is_told_at_its_line() {
    for (from, to, want) in [
        ("Code = code", "Cod = code", vec!["2:1: V1: `Note` has no `{urn:a}Cod` in the schema"]),
        ("Code = code", "Ma = code", vec!["2:1: V1: `Note` has no `{urn:a}Ma` in the schema"]),
        (
            "Code = code\nKind = kind : code(kind) ?\nCount",
            "Ma = code\nKind = kind : code(kind) ?\nSo",
            vec![
                "2:1: V1: `Note` has no `{urn:a}Ma` in the schema",
                "4:1: V1: `Note` has no `{urn:a}So` in the schema",
                "0:7: V2: `Note` is written without `Code`, which the schema demands",
                "0:7: V2: `Note` is written without `Count`, which the schema demands",
            ],
        ),
        ("Code = code\n", "", vec!["0:7: V2: `Note` is written without `Code`, which the schema demands"]),
        (
            "Count = count",
            "Count = count ?",
            vec!["4:1: V2: `Count` must stand in `Note` by the schema, and it may be left out here"],
        ),
        (
            "Code = code\nKind = kind : code(kind) ?\n",
            "Kind = kind : code(kind) ?\nCode = code\n",
            vec!["3:1: V2: `Code` stands too late: the schema wants it before `Kind`"],
        ),
        ("Title = title ?\n", "Title = title ?\nMore = name\n", vec!["15:1: V1: `Note` has no `{urn:a}More` in the schema"]),
        (
            "Kind = kind : code(kind) ?\nCount = count\nAt = at ?\nRows = .\n    Row[] = rows[]\n        @no = no\n        Id = id\nwhen colour = red\n    Red = name",
            "Kind = colour : code(shade)\nCount = count\nAt = at ?\nRows = .\n    Row[] = rows[]\n        @no = no\n        Id = id\nwhen colour = red\n    Blue = name\n    Red = title ?",
            vec!["12:5: V2: `Red` cannot stand here: the schema wants Title at this place"],
        ),
        (
            "when colour = red\n    Red = name\nwhen colour = blue\n    Blue = name\nTitle = title ?\n",
            "Title = title ?\nwhen colour = red\n    Red = name\nwhen colour = blue\n    Blue = name\n",
            vec![
                "12:5: V2: `Red` stands too late: the schema wants it before `Title`",
                "14:5: V2: `Blue` stands too late: the schema wants it before `Title`",
            ],
        ),
        (
            "Kind = kind : code(kind) ?\nCount = count\nAt = at ?\nRows = .\n    Row[] = rows[]\n        @no = no\n        Id = id\nwhen colour = red\n    Red = name\nwhen colour = blue\n    Blue = name\n",
            "Kind = colour : code(shade)\nCount = count\nAt = at ?\nRows = .\n    Row[] = rows[]\n        @no = no\n        Id = id\nwhen colour = red\n    Red = name\nwhen colour = blue\n    Blue = name ?\n",
            vec!["13:5: V2: `Note` may be written without any of Blue, Red, of which the schema demands one"],
        ),
        ("@version = '1'\n", "", vec!["0:7: V2: `Note` is written without its attribute `version`, which the schema demands"]),
        ("@version = '1'", "@version = '2'", vec!["1:12: V3: '2' is no value of the schema"]),
        ("@version = '1'", "@version = '1'\n@extra = '1'", vec!["2:1: V1: `Note` has no attribute `extra` in the schema"]),
        (
            "        @no = no\n",
            "        @no = no ?\n",
            vec!["8:9: V2: the attribute `no` may be left out here, but the schema demands it"],
        ),
        (
            "        @no = no\n",
            "        @no = id\n        No = no\n",
            vec![
                "8:15: V3: the schema wants xs:int here; the canonical place is of kind text",
                "9:9: V1: `Row` has no `{urn:a}No` in the schema",
            ],
        ),
        (
            "Kind = kind : code(kind) ?",
            "Kind = kind : code(wide) ?",
            vec!["3:8: V4: `two` of the list `wide`, written 3, is no value of the schema"],
        ),
        (
            "Kind = kind : code(kind) ?",
            "Kind = kind ?",
            vec!["3:8: V3: `one` is no value of the schema", "3:8: V3: `two` is no value of the schema"],
        ),
        ("Count = count", "Count = name", vec!["4:9: V3: the schema wants xs:int here; the canonical place is of kind text"]),
        ("Code = code", "Code = .\n    Inner = code", vec!["3:5: V1: `Code` holds only text in the schema, no `Inner`"]),
        (
            "Rows = .\n    Row[] = rows[]\n        @no = no\n        Id = id\n",
            "Rows = title ?\n",
            vec!["6:1: V1: `Rows` holds no text in the schema"],
        ),
    ] {
        assert!(MAP.contains(from), "{from}");
        let got = faults(&MAP.replace(from, to), XSD, false);
        assert_eq!(BTreeSet::from_iter(got.iter().map(String::as_str)), BTreeSet::from_iter(want), "{from} → {to}");
    }
}

#[test]
fn the_schemas_own_changes_are_told_too() {
    for (from, to, reads, want) in [
        (
            "maxOccurs=\"3\"",
            "maxOccurs=\"2\"",
            false,
            vec!["7:5: V2: `Row` stands at most 2 times in the schema; the canonical list holds up to 3"],
        ),
        (
            "maxOccurs=\"3\"",
            "minOccurs=\"2\" maxOccurs=\"3\"",
            false,
            vec!["7:5: V2: `Row` stands at least 2 times in the schema; the canonical list may hold 1"],
        ),
        (
            "<xs:element name=\"Code\" type=\"xs:string\"/>",
            "<xs:element name=\"Code\" type=\"xs:string\"/><xs:element name=\"New\" type=\"xs:string\" minOccurs=\"0\"/>",
            false,
            vec![],
        ),
        (
            "<xs:element name=\"Code\" type=\"xs:string\"/>",
            "<xs:element name=\"Code\" type=\"xs:string\"/><xs:element name=\"New\" type=\"xs:string\" minOccurs=\"0\"/>",
            true,
            vec!["0:7: V1: the schema lets `Note` hold New, which would be refused as unknown"],
        ),
        (
            "name=\"Count\" type=\"xs:int\"",
            "name=\"Count\" type=\"xs:int\" maxOccurs=\"5\"",
            true,
            vec!["4:1: V2: `Count` may stand several times in the schema, and this line reads one"],
        ),
        ("name=\"Note\"", "name=\"Letter\"", false, vec!["0:7: V1: the schema declares no element `{urn:a}Note`"]),
    ] {
        assert!(XSD.contains(from), "{from}");
        let got = faults(MAP, &XSD.replacen(from, to, 1), reads);
        assert_eq!(
            got.iter().map(|f| f.split_once(": ").map_or(f.as_str(), |(_, t)| t)).collect::<Vec<_>>(),
            want.iter().map(|f| f.split_once(": ").map_or(*f, |(_, t)| t)).collect::<Vec<_>>(),
            "{from} → {to}"
        );
    }
}

#[test]
fn a_schema_that_cannot_be_read_is_told_with_its_line() {
    for (from, to, want) in [
        ("type=\"Kind\"", "type=\"Kund\"", "a.xsd:6:5: there is no type `Kund`"),
        ("type=\"Kind\"", "type=\"k:Kind\"", "a.xsd:6:5: the prefix `k` of `k:Kind` is not declared"),
        ("maxOccurs=\"3\"", "maxOccurs=\"many\"", "a.xsd:9:"),
        (
            "<xs:simpleType name=\"Kind\">",
            "<xs:include schemaLocation=\"b.xsd\"/><xs:simpleType name=\"Kind\">",
            "a.xsd:2:3: there is no file `b.xsd` under schemas/",
        ),
        (
            "<xs:simpleType name=\"Kind\">",
            "<xs:include schemaLocation=\"http://x.example/b.xsd\"/><xs:simpleType name=\"Kind\">",
            "a.xsd:2:3: a schema elsewhere is not fetched",
        ),
        ("</xs:schema>", "", "not well-formed"),
        ("<xs:complexType name=\"Row\">", "<xs:complexType name=\"Row\"/><xs:complexType name=\"Row\">", "declared twice"),
    ] {
        let faults = xsd(&XSD.replacen(from, to, 1)).unwrap_err();
        assert!(faults.iter().any(|f| f.contains(want)), "{to}: {faults:?}");
    }
    assert!(xsd("<a/>").unwrap_err()[0].contains("this is not an XSD"));
}

#[test]
fn an_ambiguous_schema_is_told_and_no_fault() {
    let text = XSD.replace(
        "<xs:element name=\"Code\" type=\"xs:string\"/>",
        "<xs:element name=\"Code\" type=\"xs:string\" minOccurs=\"0\"/>\n<xs:element name=\"Code\" type=\"xs:string\"/>",
    );
    let notes = xsd(&text).unwrap().notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].text.starts_with("ambiguous: a `Code`"), "{notes:?}");
    assert!(xsd(XSD).unwrap().notes.is_empty());
}

#[test]
fn what_a_schema_can_say_is_read() {
    let text = r###"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="urn:a" targetNamespace="urn:a">
      <xs:group name="G"><xs:sequence><xs:element name="one" type="xs:string"/><xs:any namespace="##other" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:group>
      <xs:attributeGroup name="AG"><xs:attribute name="x" type="xs:string" use="required"/></xs:attributeGroup>
      <xs:complexType name="Base"><xs:group ref="a:G"/><xs:attributeGroup ref="a:AG"/></xs:complexType>
      <xs:complexType name="Big"><xs:complexContent><xs:extension base="a:Base"><xs:all><xs:element name="p" type="xs:string"/><xs:element name="q" type="a:Big" minOccurs="0"/></xs:all></xs:extension></xs:complexContent></xs:complexType>
      <xs:element name="head" type="xs:string" abstract="true"/><xs:element name="member" type="xs:string" substitutionGroup="a:head"/>
      <xs:element name="top"><xs:complexType><xs:sequence><xs:element ref="a:head"/><xs:element name="big" type="a:Big"/></xs:sequence></xs:complexType></xs:element>
    </xs:schema>"###;
    let schema = xsd(text).unwrap().schema;
    let top = schema.kind(schema.element("urn:a", "top").unwrap().kind).unwrap();
    let model::Content::Elements { model, .. } = &top.content else { panic!("elements") };
    assert_eq!(model.firsts(), BTreeSet::from(["member"]));
    let big = model.leaves().into_iter().find(|d| d.name.local == "big").unwrap().clone();
    let big = schema.kind(big.kind).unwrap();
    assert_eq!(big.attributes.iter().map(|a| a.name.local.as_str()).collect::<Vec<_>>(), ["x"]);
    let model::Content::Elements { model, .. } = &big.content else { panic!("elements") };
    let name = |ns: &str, local: &str| tree::QName { ns: ns.to_owned(), local: local.to_owned() };
    let walk = |names: &[(&str, &str)]| {
        let mut models = vec![model.clone()];
        for (ns, local) in names {
            models = models.iter().flat_map(|m| m.after(&name(ns, local))).map(|(_, m)| m).collect();
        }
        models.iter().any(model::Model::ends)
    };
    for (names, good) in [
        (&[("", "one"), ("urn:z", "any"), ("", "q"), ("", "p")][..], true),
        (&[("", "one"), ("", "p")], true),
        (&[("", "one"), ("", "q")], false),
        (&[("", "p")], false),
        (&[("", "one"), ("urn:a", "any"), ("", "p")], false),
        (&[("", "one"), ("", "p"), ("", "p")], false),
    ] {
        assert_eq!(walk(names), good, "{names:?}");
    }
}

#[test]
fn a_document_is_refused_with_place_and_rule_and_no_value() {
    let validator = xsd(XSD).unwrap().validator().unwrap();
    let soap = |inside: &str| {
        format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:n='urn:a'><s:Header><x/></s:Header><s:Body>\n{inside}</s:Body></s:Envelope>"
        )
    };
    let note = |inside: &str| format!("<n:Note version='1'><n:Code>bi mat</n:Code>{inside}</n:Note>");
    let faults = |inside: &str| validator.faults(soap(&note(inside)).as_bytes(), Envelope::Soap11);
    assert_eq!(faults("<n:Count>5</n:Count><n:Red>x</n:Red>"), []);
    for (inside, place, rule) in [
        ("<n:Count>rieng tu</n:Count><n:Red>x</n:Red>", "Note/Count", "a value that its type"),
        ("<n:Kind>rieng tu</n:Kind><n:Count>5</n:Count><n:Red>x</n:Red>", "Note/Kind", "a value that its type"),
        ("<n:Count>5</n:Count>", "Note", "choice"),
        ("<n:Rows><n:Row><n:Id>rieng tu</n:Id></n:Row></n:Rows>", "Note", ""),
        ("<n:Count>5</n:Count><n:Red>x</n:Red><n:Extra>rieng tu</n:Extra>", "Note", "Extra"),
    ] {
        let found = faults(inside);
        assert!(found.iter().any(|f| f.place.starts_with(place) && f.rule.en.contains(rule)), "{inside}: {found:?}");
        assert!(!format!("{found:?}").contains("rieng tu") && !format!("{found:?}").contains("bi mat"), "{found:?}");
    }
    assert_eq!(validator.faults(b"<a", Envelope::None).len(), 1);
}

#[test]
fn lengths_are_counted_in_characters_and_a_tone_mark_is_no_letter_more() {
    let text = XSD.replace("<xs:element name=\"Code\" type=\"xs:string\"/>", "<xs:element name=\"Code\"><xs:simpleType><xs:restriction base=\"xs:string\"><xs:maxLength value=\"5\"/></xs:restriction></xs:simpleType></xs:element>");
    let validator = xsd(&text).unwrap().validator().unwrap();
    for (code, good) in [("Huế ơi", false), ("Huế ơ", true), ("ếếếếế", true), ("ếếếếếế", false), ("abcdef", false)]
    {
        let document =
            format!("<n:Note xmlns:n='urn:a' version='1'><n:Code>{code}</n:Code><n:Count>5</n:Count><n:Red>x</n:Red></n:Note>");
        assert_eq!(validator.faults(document.as_bytes(), Envelope::None).is_empty(), good, "{code}");
    }
}

#[test]
fn a_schema_of_several_files_is_held_against_and_validated_by() {
    let head = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" elementFormDefault=\"qualified\"";
    let files = BTreeMap::from([
        (
            "p/note.xsd",
            format!(
                "{head} xmlns=\"urn:a\" xmlns:b=\"urn:b\" targetNamespace=\"urn:a\"><xs:include schemaLocation=\"row.xsd\"/><xs:include schemaLocation=\"./inner/kind.xsd\"/><xs:import namespace=\"urn:b\" schemaLocation=\"inner/b.xsd\"/><xs:element name=\"Note\"><xs:complexType><xs:sequence><xs:element name=\"Kind\" type=\"Kind\"/><xs:element name=\"Row\" type=\"Row\"/><xs:element ref=\"b:Mark\"/></xs:sequence></xs:complexType></xs:element></xs:schema>"
            ),
        ),
        (
            "p/row.xsd",
            format!(
                "{head} xmlns=\"urn:a\" targetNamespace=\"urn:a\"><xs:include schemaLocation=\"inner/kind.xsd\"/><xs:complexType name=\"Row\"><xs:sequence><xs:element name=\"Kind\" type=\"Kind\"/></xs:sequence></xs:complexType></xs:schema>"
            ),
        ),
        (
            "p/inner/kind.xsd",
            format!(
                "{head} xmlns=\"urn:a\" targetNamespace=\"urn:a\"><xs:simpleType name=\"Kind\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"[a-z]{{2}}\"/></xs:restriction></xs:simpleType></xs:schema>"
            ),
        ),
        ("p/inner/b.xsd", format!("{head} targetNamespace=\"urn:b\"><xs:element name=\"Mark\" type=\"xs:int\"/></xs:schema>")),
    ]);
    let load = |change: Option<(&str, &str, &str)>| {
        let mut files = files.clone();
        if let Some((file, from, to)) = change {
            let text = files.get_mut(file).unwrap();
            assert!(text.contains(from));
            *text = text.replace(from, to);
        }
        Xsd::load("p/note.xsd", &|path| files.get(path).map(String::as_str).map(|t| &*Box::leak(t.to_owned().into_boxed_str())))
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let xsd = load(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in xsd.several().unwrap() {
        let place = folder.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }
    xsd.laid_out(folder.path());
    let validator = xsd.validator().unwrap();
    let document = |kind: &str, inner: &str, mark: &str| {
        format!("<Note xmlns='urn:a'><Kind>{kind}</Kind><Row><Kind>{inner}</Kind></Row><Mark xmlns='urn:b'>{mark}</Mark></Note>")
    };
    for (kind, inner, mark, good) in
        [("ab", "cd", "1", true), ("abc", "cd", "1", false), ("ab", "c", "1", false), ("ab", "cd", "x", false)]
    {
        let found = validator.faults(document(kind, inner, mark).as_bytes(), Envelope::None);
        assert_eq!(found.is_empty(), good, "{kind} {inner} {mark}: {found:?}");
    }
    for (file, from, to, want) in [
        ("p/note.xsd", "inner/b.xsd", "../q/b.xsd", "p/note.xsd:1:"),
        ("p/note.xsd", "inner/b.xsd", "../q/b.xsd", "a schema is named by its path inside this one's folder"),
        ("p/note.xsd", "inner/b.xsd", "inner/c.xsd", "there is no file `p/inner/c.xsd` under schemas/"),
        ("p/inner/b.xsd", "urn:b", "urn:c", "the import says namespace `urn:b`, and `p/inner/b.xsd` is of `urn:c`"),
        ("p/row.xsd", "targetNamespace=\"urn:a\"", "targetNamespace=\"urn:z\"", "`p/row.xsd` is of the namespace `urn:z`"),
        ("p/inner/kind.xsd", "[a-z]{2}", "[a-z{2}", "p/inner/kind.xsd:1:"),
        ("p/inner/kind.xsd", "[a-z]{2}", "[a-z{2}", "this pattern cannot be read"),
    ] {
        let faults = load(Some((file, from, to))).unwrap_err();
        assert!(faults.iter().any(|f| f.contains(want)), "{to}: {faults:?}");
    }
}

#[test]
fn what_is_written_as_a_constant_or_by_a_list_keeps_the_facets() {
    let of = |facets: &str| XSD.replacen("<xs:enumeration value=\"1\"/><xs:enumeration value=\"2\"/>", facets, 1);
    for (facets, lines, want) in [
        ("<xs:maxLength value=\"1\"/>", MAP.to_owned(), vec![]),
        ("<xs:pattern value=\"[12]\"/>", MAP.to_owned(), vec![]),
        ("<xs:pattern value=\"1\"/><xs:pattern value=\"2\"/>", MAP.to_owned(), vec![]),
        (
            "<xs:pattern value=\"[1]\"/>",
            MAP.to_owned(),
            vec!["3:8: V4: `two` of the list `kind`, written 2, is no value of the schema (it wants the pattern [1])"],
        ),
        (
            "<xs:minLength value=\"2\"/>",
            MAP.replace("Kind = kind : code(kind) ?", "Kind = 'a' | 'bc'"),
            vec!["3:8: V3: 'a' is no value of the schema (it wants at least 2 characters, this has 1)"],
        ),
        ("<xs:length value=\"3\"/>", MAP.replace("Kind = kind : code(kind) ?", "Kind = 'Huế'"), vec![]),
        (
            "<xs:maxLength value=\"2\"/>",
            MAP.replace("Kind = kind : code(kind) ?", "Kind = title ? 'TDO'"),
            vec!["3:8: V3: 'TDO' for none is no value of the schema (it allows at most 2 characters, this has 3)"],
        ),
    ] {
        assert_eq!(told(&lines, &of(facets)), want, "{facets}\n{lines}");
    }
    let number = |facets: &str, literal: &str| {
        let own = of(facets).replacen("base=\"xs:string\"", "base=\"xs:decimal\"", 1);
        told(&MAP.replace("Kind = kind : code(kind) ?", &format!("Kind = {literal}")), &own)
    };
    assert_eq!(number("<xs:totalDigits value=\"3\"/><xs:fractionDigits value=\"1\"/>", "'0012.50'"), [""; 0]);
    assert_eq!(
        number("<xs:totalDigits value=\"3\"/>", "1234"),
        ["3:8: V3: 1234 is no value of the schema (it allows at most 3 digits)"]
    );
    assert_eq!(number("<xs:fractionDigits value=\"1\"/>", "'1.25'").len(), 1);
    assert_eq!(number("", "'x'"), ["3:8: V3: 'x' is no value of the schema (it wants xs:decimal)"]);
}

/// Each witness is put into a document that another engine refuses; where none is found, the edges of what the canonical schema takes pass.
#[test]
fn a_canonical_decimal_day_or_time_that_the_wire_would_refuse_is_found() {
    let kind = "<xs:enumeration value=\"1\"/><xs:enumeration value=\"2\"/>";
    let facet = |(name, value): &(&str, &str)| format!("<xs:{name} value=\"{value}\"/>");
    for (line, base, facets, want) in [
        (
            "mark ?",
            "decimal",
            &[("minInclusive", "0"), ("maxInclusive", "10"), ("fractionDigits", "2"), ("totalDigits", "4")][..],
            "",
        ),
        ("mark ?", "decimal", &[("totalDigits", "3")], ""),
        (
            "mark ?",
            "decimal",
            &[("fractionDigits", "1")],
            "1.11, which is no value of the schema (it allows at most 1 digits after",
        ),
        ("mark ?", "decimal", &[("totalDigits", "2")], "1.11, which is no value of the schema (it allows at most 2 digits"),
        ("mark ?", "decimal", &[("maxInclusive", "9")], "9.5, which is no value of the schema (it allows at most 9"),
        ("mark ?", "decimal", &[("maxExclusive", "10")], "10, which is no value of the schema (it allows less than 10"),
        ("mark ?", "decimal", &[("minInclusive", "1")], "0, which is no value of the schema (it wants at least 1"),
        ("mark ?", "decimal", &[("minExclusive", "0")], "0, which is no value of the schema (it wants more than 0"),
        ("mark ?", "string", &[("maxLength", "3")], "1.11, which is no value of the schema (it allows at most 3 characters"),
        ("day ?", "date", &[], ""),
        ("day ?", "date", &[("minInclusive", "1000-01-01"), ("maxInclusive", "2999-12-31")], ""),
        (
            "day ?",
            "date",
            &[("minInclusive", "1900-01-01")],
            "1899-12-30, which is no value of the schema (it wants at least 1900-01-01",
        ),
        ("day ?", "date", &[("maxExclusive", "2999-12-31")], "2999-12-31, which is no value of the schema (it allows less than"),
        ("at ?", "dateTime", &[("minInclusive", "2000-01-01T00:00:00Z")], "1999-12-30T00:00:00+07:00, which is no value"),
        (
            "at : time(yyyy-MM-dd'T'HH:mm:ssXXX) ?",
            "dateTime",
            &[("maxInclusive", "2100-01-01T00:00:00+07:00")],
            "2100-01-01T23:59:59+07:00",
        ),
        ("at : time(dd/MM/yyyy HH:mm:ss) ?", "string", &[("length", "19")], ""),
    ] {
        let facets: String = facets.iter().map(facet).collect();
        let schema = XSD.replacen(kind, &facets, 1).replacen("base=\"xs:string\"", &format!("base=\"xs:{base}\""), 1);
        let lines = MAP.replace("Kind = kind : code(kind) ?", &format!("Kind = {line}")).replace("At = at ?\n", "");
        let told = told(&lines, &schema);
        let place = "3:8: V3: the canonical place may hold ";
        assert!(
            if want.is_empty() { told.is_empty() } else { told.len() == 1 && told[0].starts_with(&format!("{place}{want}")) },
            "{line} {facets}: {told:?}"
        );
        let tried = told.first().and_then(|t| t.strip_prefix(place)?.split(", which").next());
        let edges = match line.split(' ').next() {
            Some("mark") => &["0", "0.01", "9.99", "10"][..],
            Some("day") => &["1000-01-01", "2999-12-31"],
            _ => &[],
        };
        let validator = xsd(&schema).unwrap().validator().unwrap();
        let valid = |value: &str| {
            let document = format!(
                "<n:Note xmlns:n='urn:a' version='1'><n:Code>c</n:Code><n:Kind>{value}</n:Kind><n:Count>5</n:Count><n:Red>x</n:Red></n:Note>"
            );
            validator.faults(document.as_bytes(), Envelope::None).is_empty()
        };
        match tried {
            Some(value) => assert!(!valid(value), "{facets}: {value} is refused by uppsala too"),
            None => edges.iter().for_each(|value| assert!(valid(value), "{facets}: {value}")),
        }
    }
}

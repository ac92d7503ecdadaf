//! Planted differences: each turns the check red at its exact place.

use super::super::{Book, Editions, Shapes, Source, WireSchema};
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SCHEMA: &str = r##"{ "$defs": {
  "none": { "enum": ["", null] },
  "row": { "type": "object", "additionalProperties": false, "required": ["id"], "properties": {
    "id": { "type": "string", "maxLength": 8 }, "size": { "type": "integer", "minimum": 0, "maximum": 99 } } },
  "Note": { "type": "object", "additionalProperties": false, "required": ["code", "rows", "colour"], "properties": {
    "code": { "type": "string", "pattern": "^[A-Z]-[0-9]+$", "maxLength": 10 },
    "kind": { "enum": [1, 2] },
    "count": { "anyOf": [{ "type": "integer", "minimum": 1 }, { "$ref": "#/$defs/none" }] },
    "done": { "type": "boolean" },
    "rows": { "type": "array", "maxItems": 3, "items": { "$ref": "#/$defs/row" } },
    "more": { "type": "array", "items": { "type": "string", "maxLength": 20 } },
    "colour": { "anyOf": [
      { "type": "object", "additionalProperties": false, "required": ["red"], "properties": { "red": { "type": "string" } } },
      { "type": "object", "additionalProperties": false, "required": ["blue"], "properties": { "blue": { "type": "string" } } }] } } } } }"##;

const MAP: &str = "code = code
kind = kind : code(kind) ?
count = count ?
done = done ?
rows[] = rows[]
    id = id
    size = size ?
more[] = tags[] ?
colour = paper
    when colour = red
        red = name
    when colour = blue
        blue = name
";

fn shapes() -> Arc<Shapes> {
    let text = json!({ "type": "string", "maxLength": 8 });
    let row = json!({ "type": "object", "required": ["id"], "properties": {
        "id": text, "size": { "type": "integer", "minimum": 0, "maximum": 99 } } });
    let paper = json!({ "type": "object", "required": ["colour", "name"], "properties": { "colour": { "enum": ["red", "blue"] }, "name": text } });
    let note = json!({ "type": "object", "required": ["code", "paper"], "properties": {
        "code": { "type": "string", "pattern": "^[A-Z]-[0-9]+$", "maxLength": 10 }, "kind": { "enum": ["one", "two"] },
        "count": { "type": "integer", "minimum": 1 }, "done": { "type": "boolean" }, "tags": { "type": "array", "items": text },
        "rows": { "type": "array", "maxItems": 3, "items": row }, "paper": paper } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note)]), Editions::default()).unwrap())
}

/// The faults of a mapping with these lines, `line:column: V: text`; the lines start at line 1.
fn faults(lines: &str, schema: &str, head: &str) -> Vec<String> {
    faults_in("json", lines, schema, head)
}

fn faults_in(format: &str, lines: &str, schema: &str, head: &str) -> Vec<String> {
    let absent = if head.contains("absent:") { "" } else { "absent: omit | null | ''\n" };
    let text = format!("message: note\nformat: {format}\nschema: a.json\nroot: Note\n{absent}{head}\n{lines}");
    let source = Source::new("p").with("m.map", &text).with(
        "codes.toml",
        "[kind]\none = 1\ntwo = 2\n[wide]\none = 1\ntwo = 3\n[shade]\nred = 1\nblue = 2\n[dusk]\nred = 1\nblue = 3\n",
    );
    let (book, others) = Book::draft(&source, &shapes());
    let others: Vec<_> = others.iter().filter(|f| !f.text.contains("nothing uses") && !f.text.contains("not carried")).collect();
    assert!(others.is_empty(), "{others:?}");
    let load = WireSchema::load("a.json", &|_| Some(schema)).unwrap_or_else(|f| panic!("{f:?}"));
    let told = book.against(&BTreeMap::from([("a.json".to_owned(), load)]), &BTreeSet::from(["m".to_owned()]), &source);
    let shift = 5 + absent.lines().count() + head.lines().count();
    told.iter().map(|f| format!("{}:{}: {}: {}", f.line.saturating_sub(shift), f.column, f.check.code(), f.text)).collect()
}

#[test]
fn a_mapping_that_keeps_its_schema_has_no_fault() {
    assert_eq!(faults(MAP, SCHEMA, ""), [""; 0]);
}

#[test]
fn each_planted_difference_is_told_at_its_line() {
    for (from, to, want) in [
        ("code = code\n", "cod = code\n", vec!["1:1: V1: `Note` has no `cod` in the schema"]),
        ("code = code\n", "ma = code\n", vec!["1:1: V1: `Note` has no `ma` in the schema"]),
        ("    id = id\n", "    id = id\n    extra = ^code\n", vec!["7:5: V1: `rows` has no `extra` in the schema"]),
        (
            "code = code\n",
            "code = code ?\n",
            vec!["1:1: V2: `code` must stand in `Note` by the schema, and it may be left out here"],
        ),
        (
            "kind = kind : code(kind) ?",
            "kind = kind : code(wide) ?",
            vec!["2:8: V4: `two` of the list `wide`, written 3, is no value of the schema"],
        ),
        (
            "count = count ?",
            "count = count : text ?",
            vec!["3:9: V3: a JSON string is written; `count` is another in the schema"],
        ),
        (
            "done = done ?",
            "done = done : flag(1,0) ?",
            vec!["4:8: V3: 0 is no value of the schema", "4:8: V3: 1 is no value of the schema"],
        ),
        ("done = done ?", "done = done ? 'x'", vec!["4:8: V3: 'x' for none is no value of the schema"]),
        (
            "more[] = tags[] ?",
            "more = tags[] : join('|') ?",
            vec!["8:8: V3: a JSON string is written; `more` is another in the schema"],
        ),
        ("        blue = name\n", "        green = name\n", vec!["13:9: V1: no case of `colour` in the schema has green"]),
    ] {
        let lines = MAP.replacen(from, to, 1);
        assert_ne!(lines, MAP, "{from}");
        let found = faults(&lines, SCHEMA, "");
        let found: Vec<&String> = found.iter().filter(|f| !f.contains("would be refused as unknown")).collect();
        assert_eq!(found, want.iter().collect::<Vec<_>>(), "{to}");
    }
    // A branch whose word has a line of its own may be without the member that the schema demands.
    let lines = MAP.replacen("kind = kind : code(kind) ?", "kind = paper.colour : code(shade)", 1);
    let lines = lines.replacen("        red = name\n", "        red = name ?\n", 1);
    let found = faults(&lines, SCHEMA, "without: kind\n");
    assert_eq!(found, ["11:9: V2: `red` must stand in `colour` by the schema, and it may be left out here"]);
}

#[test]
fn the_schemas_own_changes_are_told_too() {
    for (from, to, want) in [
        (
            r#""maxLength": 8 }, "size""#,
            r#""maxLength": 7 }, "size""#,
            "6:10: V3: the schema wants at most 7 characters here; the canonical place has at most 8",
        ),
        (
            r#""maximum": 99"#,
            r#""maximum": 98"#,
            "7:12: V3: the schema wants at most 98 here; the canonical place has at most 99",
        ),
        (
            r#""minimum": 1 }"#,
            r#""minimum": 2 }"#,
            "3:9: V3: the schema wants at least 2 here; the canonical place has at least 1",
        ),
        (
            r#""maxItems": 3"#,
            r#""maxItems": 2"#,
            "5:1: V2: `rows` has at most 2 items in the schema; the canonical list holds up to 3",
        ),
        (
            r#""required": ["code", "rows", "colour"]"#,
            r#""required": ["code", "rows", "colour", "day"]"#,
            "-:6: V2: `Note` is written without `day`, which the schema demands",
        ),
        (
            r#""done": { "type": "boolean" }"#,
            r#""done": { "type": ["boolean", "null"] }, "new": { "type": "string" }"#,
            "the schema lets `Note` hold new, which would be refused as unknown",
        ),
        (r#""Note":"#, r#""Noted":"#, "the schema has no definition `Note`"),
    ] {
        let schema = SCHEMA.replacen(from, to, 1);
        assert_ne!(schema, SCHEMA, "{from}");
        let found = faults(MAP, &schema, "");
        let place = |f: &String| f == want || f.ends_with(want.trim_start_matches("-:6: "));
        assert!(found.len() == 1 && found.iter().all(place), "{to}: {found:?}");
    }
}

#[test]
fn a_null_that_the_schema_lets_stand_and_the_file_does_not_read_is_told() {
    let text = MAP.replace("count = count ?\n", "count = count ? ''\n");
    let found = faults(&text, SCHEMA, "");
    assert_eq!(found, [""; 0], "the head's forms are read beside a literal: {found:?}");
}

#[test]
fn what_is_not_looked_at_is_a_fault_of_the_schema_at_its_place() {
    let told = |schema: &str| JsonSchema::load("a.json", schema).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    let not = told("{\n \"not\": { \"type\": \"string\" } }");
    assert!(not[0].starts_with("a.json:2:2: `not` is not read here"), "{not:?}");
    assert!(told("{ \"$ref\": \"#/$defs/x\" }")[0].contains("is not there"));
    assert!(told("{ \"pattern\": \"(\" }")[0].contains("cannot be read"));
    assert!(told("{\n  \"a\": }")[0].starts_with("a.json:2:"));
}

/// What is around a message is held by its words where it has some.
#[test]
fn words_of_the_context_are_held_against_the_schema() {
    let with = |lines: &str| {
        faults(
            &format!("{MAP}{lines}"),
            &SCHEMA.replacen("\"done\":", "\"known\": { \"enum\": [\"True\", \"False\"] }, \"done\":", 1),
            "",
        )
    };
    assert_eq!(with("known = $asked.exists : flag(True,False)\n"), [""; 0]);
    assert_eq!(with("known = $asked.exists : flag(1,False)\n"), ["14:9: V3: 1 is no value of the schema"]);
    assert_eq!(with("known = $message.id\n"), ["14:9: V3: a JSON string is written; `known` is another in the schema"]);
}

const FORM: &str = r##"{ "$defs": { "Note": { "type": "object", "additionalProperties": false, "required": ["code", "sum"], "properties": {
    "code": { "type": "string", "pattern": "^[A-Z]-[0-9]+$", "maxLength": 10 }, "kind": { "enum": ["1", "2", ""] },
    "sum": { "type": "string", "maxLength": 16 }, "fixed": { "const": "7" } } } } }"##;

/// On a form all is text: a number is written as the schema's text, a word as a text of its list.
#[test]
fn a_form_is_held_against_an_object_of_texts() {
    const OURS: &str = "code = code\nkind = kind : code(kind) ?\nsum = count ? '0'\nfixed = 7\n";
    let with = |lines: &str| {
        let found = faults_in("form", lines, FORM, "absent: omit | ''\nwithout: done, paper, rows, tags\n");
        found.into_iter().map(|f| f.split_once(": ").map_or_else(String::new, |(_, f)| f.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(with(OURS), [""; 0]);
    for (from, to, want) in [
        ("code = code\n", "cod = code\n", "V1: `Note` has no `cod` in the schema"),
        ("count ? '0'", "count ?", "V2: `sum` must stand in `Note` by the schema, and it may be left out here"),
        ("code(kind)", "code(wide)", "V4: `two` of the list `wide`, written 3, is no value of the schema"),
        ("fixed = 7", "fixed = 8", "V3: 8 is no value of the schema"),
    ] {
        let lines = OURS.replacen(from, to, 1);
        assert_ne!(lines, OURS, "{from}");
        let found = with(&lines);
        assert!(found.iter().any(|f| f == want), "{to}: {found:?}");
    }
}

/// Which word stands in which case is not decided by the list, but each must be one of some case.
#[test]
fn a_list_of_words_is_held_against_all_cases_of_a_message() {
    const CASES: &str = r##"{ "$defs": { "Note": { "anyOf": [
        { "type": "object", "additionalProperties": false, "required": ["kind", "red"], "properties": { "kind": { "const": 1 }, "red": { "type": "string" } } },
        { "type": "object", "additionalProperties": false, "required": ["kind", "blue"], "properties": { "kind": { "const": 2 }, "blue": { "type": "string" } } }] } } }"##;
    let with = |list: &str| {
        let lines = format!(
            "kind = paper.colour : code({list})\nwhen paper.colour = red\n    red = code\nwhen paper.colour = blue\n    blue = code\n"
        );
        faults(&lines, CASES, "without: count, done, kind, paper.name, rows, tags\n")
    };
    assert_eq!(with("shade"), [""; 0]);
    assert_eq!(with("dusk"), ["1:8: V4: `blue` of the list `dusk`, written 3, is no value of the schema"]);
}

/// A schema of definitions alone, and no `root`: that nothing is proven is said.
#[test]
fn a_schema_that_says_nothing_of_the_message_is_told() {
    let open = SCHEMA.replacen("\"Note\": { \"type\"", "\"Note\": { \"title\": \"x\" }, \"Other\": { \"type\"", 1);
    assert_eq!(faults(MAP, &open, ""), ["0:7: V1: the schema says nothing of `Note`: nothing would be proven"]);
}

/// A case of which the schema knows nothing is one mistake.
#[test]
fn a_case_that_the_schema_has_not_is_told_once() {
    let lines = MAP.replacen("        blue = name\n", "        green = name\n        dark = ^code\n", 1);
    let found = faults(&lines, SCHEMA, "");
    let found: Vec<&String> = found.iter().filter(|f| !f.contains("would be refused as unknown")).collect();
    assert_eq!(found, [r#"13:9: V1: no case of `colour` in the schema has green, dark"#]);
}

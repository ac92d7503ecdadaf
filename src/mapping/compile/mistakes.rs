//! What authors of adapters get wrong, and what they are told: one mistake is one fault, at its place, with what to do.

use crate::mapping::grammar::{CONVERSIONS, HEAD_KEYS};
use crate::mapping::{Book, Editions, Shapes, Source};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const MAP: &str = "message: note
format: xml
root: Note
absent: omit
without: done, person.city

@ma = code
Loai = kind : code(loai)
So = count
Nguoi = person
    Ten = name
To[] = rows[]
    @id = id
    Nhan = label ?
Luc = at : time(yyyy-MM-dd HH:mm:ss)
Ngay = day : date(yyyyMMdd) ?
Tep = file : base64 ?
";
const CODES: &str = "[loai]\none = \"M\"\ntwo = \"H\"\n";

fn shapes() -> Arc<Shapes> {
    let text = || json!({ "type": "string" });
    let blob = json!({ "type": "object", "properties": { "blob": text(), "size": { "type": "integer" } } });
    let note = json!({ "type": "object", "required": ["code"], "properties": {
        "code": text(), "count": { "type": "integer" }, "done": { "type": "boolean" }, "file": blob,
        "kind": { "type": "string", "enum": ["one", "two"] },
        "at": { "type": "string", "format": "date-time" }, "day": { "type": "string", "format": "date" },
        "person": { "type": "object", "properties": { "name": text(), "city": text() } },
        "rows": { "type": "array", "items": { "type": "object", "properties": { "id": text(), "label": text() } } },
    } });
    Arc::new(Shapes::new(BTreeMap::from([("note".to_owned(), note)]), Editions::default()).unwrap())
}

/// The faults of the good text with one piece replaced: place, text, hint.
fn faults(file: &str, from: &str, to: &str) -> Vec<String> {
    let changed = |name: &str, text: &str| {
        assert!(name != file || text.contains(from), "{from}");
        if name == file { text.replacen(from, to, 1) } else { text.to_owned() }
    };
    let source = Source::new("p").with("m.map", changed("m.map", MAP)).with("codes.toml", changed("codes.toml", CODES));
    let found = Book::compile(&source, &shapes()).err().unwrap_or_default();
    found
        .iter()
        .map(|f| format!("{}:{}:{}: {} = {}", f.file, f.line, f.column, f.text, f.hint.as_deref().unwrap_or("-")))
        .collect()
}

#[test]
fn a_mistake_is_told_once_with_what_to_do() {
    assert_eq!(faults("m.map", "@ma", "@ma"), Vec::<String>::new(), "the text they are made in is good");
    let mut wrong = Vec::new();
    for (from, to, want) in [
        ("@ma = code", "@ma: code", "7:6: expected ` = ` after the wire name = a line is `wire name"),
        ("@ma = code", "@ma == code", "7:6: expected a canonical place or a literal = one `=` is enough"),
        ("@ma = code", "@ma = \"x\"", "7:7: expected a literal = texts stand in single quotes"),
        ("@ma = code", "@ma = 'it's'", "7:11: unexpected `s`: the line should end here = a quote inside a text is written \\'"),
        ("@ma = code", "@ma = $id", "7:7: `$id` is not known = did you mean `$message.id`?"),
        ("@ma = code", "@ma = code : Text", "7:14: expected a conversion = conversions are written in lower case"),
        ("@ma = code", "@ma = code : txt", "7:14: `txt` is not a conversion = did you mean `text`?"),
        ("\n\n@ma", "\n@ma", "6:1: an empty line ends the head = put one before this line"),
        ("message: note", "message: notes", "1:10: `notes` is not a canonical message = did you mean `note`?"),
        ("format: xml", "format: XML", "2:9: `XML` is not a value of `format` = json or xml or form"),
        ("root: Note\n", "", "1:1: the head has no `root` = the name of the XML element"),
        ("absent: omit", "absnet: omit", "4:1: `absnet` is not a key of a head = did you mean `absent`?"),
        (
            "without: done, person.city",
            "without:",
            "5:1: `without`: not carried and not said: done, person.city = without: done, person.city",
        ),
        ("code(loai)", "code(loia)", "8:15: codes.toml has no list `loia` = did you mean `loai`?"),
        ("code(loai)", "code('loai')", "8:15: codes.toml has no list `'loai'` = without quotes: code(loai)"),
        ("code(loai)", "codes(loai)", "8:15: `codes` is not a conversion = did you mean `code`?"),
        (
            "code(loai)",
            "code[loai]",
            "8:19: unexpected `[`: the line should end here = what a conversion is given stands in parentheses",
        ),
        ("code(loai)", "code", "8:15: `code` needs its argument = code(name of a list in codes.toml)"),
        ("= count", "= counts", "9:6: `counts` is not in the canonical schema of `note` = did you mean `count`?"),
        ("= count", "= number", "9:6: `number` is not in the canonical schema of `note` = there are: at, code"),
        (
            "    Ten = name",
            "    Ten = person.name",
            "11:11: `person` of `person.name` is not in the canonical schema of `note` = did you mean `name`? A path begins",
        ),
        ("To[] = rows[]", "To = rows[]", "12:6: `rows[]` is not an object = a list stands beside a list"),
        ("To[] = rows[]", "To[] = rows", "12:8: `rows` is a list = write `rows[]`"),
        ("Nhan = label ?", "Nhan = label ? \"\"", "14:20: expected a literal = texts stand in single quotes"),
        ("without: done, ", "without: ", "5:10: `without`: not carried and not said: done = without: done, person.city"),
        (
            "time(yyyy-MM-dd HH:mm:ss)",
            "time(dd/MM/yyyy HH:mm)",
            "15:12: `time` loses something here = say that you know: `~time`; read back, what the pattern lacks is zero",
        ),
        ("date(yyyyMMdd)", "date(YYYYMMDD)", "16:14: `Y` is not known in a pattern; letters stand in quotes = yyyy MM dd"),
        ("file : base64", "file", "17:7: a content has no form of its own on a wire = `: base64`"),
    ] {
        let got = faults("m.map", from, to);
        if !matches!(&got[..], [one] if one.starts_with(&format!("m.map:{want}"))) {
            wrong.push(format!("{to}\n  want {want}\n  got  {got:#?}"));
        }
    }
    for (from, to, want) in [
        ("one = \"M\"", "ones = \"M\"", "2:1: `ones` is no canonical word where the list `loai` is used = did you mean `one`?"),
        (
            "one = \"M\"",
            "\"M\" = \"one\"",
            "2:1: `M` is no canonical word where the list `loai` is used = the canonical word stands on the left: one = \"M\"",
        ),
        (
            "two = \"H\"",
            "\"*\" = \"H\"",
            "3:1: `*` is no canonical word where the list `loai` is used = any other value stands in the list of a word",
        ),
        ("one = \"M\"", "one = M", "2:7: string values must be quoted"),
        ("[loai]", "[[loai]]", "1:3: `loai` is not a list = a list is a table"),
        ("two = \"H\"", "two = \"M\"", "3:7: 'M' already stands for `one` = each wire value is read as one word"),
    ] {
        let got = faults("codes.toml", from, to);
        if !matches!(&got[..], [one] if one.starts_with(&format!("codes.toml:{want}"))) {
            wrong.push(format!("{to}\n  want {want}\n  got  {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_list_that_some_line_uses_for_any_word_may_have_any_word() {
    let map = MAP.replacen("So = count", "So = count : code(loai)", 1);
    let source = Source::new("p").with("m.map", map).with("codes.toml", CODES.replacen("two", "three", 1));
    assert!(Book::compile(&source, &shapes()).is_ok());
}

/// The editors' grammar knows the words of the language, and no others.
#[test]
fn the_grammar_for_editors_has_every_word_of_the_language() {
    let text = include_str!("../../../docs/editors/vscode/lienthong-map.tmLanguage.json");
    let grammar: serde_json::Value = serde_json::from_str(text).unwrap();
    // The words between the first bracket after `before` and the one that closes it.
    let words = |place: &str, before: &str| -> Vec<String> {
        let (_, rest) = grammar.pointer(place).and_then(|v| v.as_str()).unwrap().split_once(before).unwrap();
        rest.split(')').next().unwrap().split('|').map(str::to_owned).collect()
    };
    let mut heads = words("/repository/head/match", "^(");
    let ns = heads.iter().position(|w| w.starts_with("ns ")).unwrap();
    heads[ns] = "ns".to_owned();
    heads.sort();
    let mut known = HEAD_KEYS.map(str::to_owned);
    known.sort();
    assert_eq!(heads, known);
    let rules = grammar.pointer("/repository/rule/patterns").unwrap().as_array().unwrap();
    let at = rules.iter().position(|r| r["name"] == "support.function.conversion").unwrap();
    let mut conversions = words(&format!("/repository/rule/patterns/{at}/match"), "\\b(");
    conversions.sort();
    let mut known: Vec<String> = CONVERSIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(conversions, known);
    let values = words("/repository/head/captures/3/patterns/1/match", "\\b(");
    for word in ["xml", "json", "form", "soap11", "soap12", "omit", "null", "text", "refuse", "report"] {
        assert!(values.iter().any(|v| v == word), "{word}");
    }
}

/// Every conversion of the list is one, as it is shown; a word that is not on it is none.
#[test]
fn the_list_of_conversions_is_the_compilers() {
    for (name, shown) in CONVERSIONS {
        let got = faults("m.map", "So = count", &format!("So = count : {shown}"));
        assert!(!got.iter().any(|f| f.contains("is not a conversion") || f.contains("needs its argument")), "{name}: {got:?}");
    }
    assert!(faults("m.map", "So = count", "So = count : lower")[0].contains("`lower` is not a conversion"));
}

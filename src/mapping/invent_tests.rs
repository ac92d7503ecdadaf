//! What is invented is valid, varied and repeatable.

use super::*;

fn inventor(schema: Value) -> Inventor {
    Inventor::new(&BTreeMap::from([("note".to_owned(), schema)]), &Editions::default()).unwrap()
}

fn note() -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": ["kind", "number"], "properties": {
        "kind": { "enum": ["card", "passport"] },
        "number": { "type": "string", "pattern": "^[A-Z0-9]{6,12}$" },
        "sum": { "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_i64 },
        "line": { "$ref": "#/$defs/line" },
        "day": { "type": "string", "format": "date" },
        "file": { "type": "object", "required": ["blob", "size"], "properties": { "blob": { "type": "string" }, "size": { "type": "integer" } } },
        "rows": { "type": "array", "maxItems": 3, "x-key": "id", "items": { "type": "object", "required": ["id"],
            "properties": { "id": { "enum": ["a", "b"] }, "more": { "type": "boolean" } } } } },
      "allOf": [{ "if": { "properties": { "kind": { "const": "card" } } }, "then": { "properties": { "number": { "pattern": "^[0-9]{12}$" } }, "required": ["sum"] } }],
      "$defs": { "line": { "type": "string", "pattern": "^[^\\u0000-\\u001f\\u007f]+$", "minLength": 1, "maxLength": 500 } } })
}

#[test]
fn every_document_is_valid_and_every_optional_comes_and_goes() {
    let (schema, mut chance) = (note(), Chance::new(7));
    let (inventor, validator) =
        (inventor(schema.clone()), jsonschema::options().should_validate_formats(true).build(&schema).unwrap());
    let (mut with, mut without) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..400 {
        let made = inventor.document("note", None, &mut chance).unwrap();
        let faults: Vec<String> = validator.iter_errors(&serde_json::Value::from(&made.body)).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{n}: {faults:?}\n{}", made.body);
        for name in schema["properties"].as_object().unwrap().keys() {
            if made.body.get(name).is_some() {
                with.insert(name.clone())
            } else {
                without.insert(name.clone())
            };
        }
        if let Some(blob) = made.body.pointer("/file/blob") {
            assert!(made.contents.kept.contains_key(blob.as_str().unwrap()));
        }
    }
    assert_eq!(with.len(), 7);
    assert_eq!(without, ["sum", "line", "day", "file"].map(str::to_owned).into(), "lists are never absent");
}

#[test]
fn the_same_seed_gives_the_same_document() {
    let inventor = inventor(note());
    let twice: Vec<crate::body::Value> =
        (0..2).map(|_| inventor.document("note", None, &mut Chance::new(3)).unwrap().body).collect();
    assert_eq!(twice[0], twice[1]);
    assert_ne!(twice[0], inventor.document("note", None, &mut Chance::new(4)).unwrap().body);
}

#[test]
fn what_is_not_followed_is_listed_and_a_pattern_that_cannot_be_read_is_named() {
    let odd = inventor(json!({ "type": "object", "properties": { "a": { "type": "string", "not": { "const": "x" } } } }));
    assert_eq!(odd.unread().iter().collect::<Vec<_>>(), ["note: not"]);
    let bad = BTreeMap::from([("note".to_owned(), json!({ "pattern": "(?=a)b" }))]);
    assert!(Inventor::new(&bad, &Editions::default()).unwrap_err().contains("note: `(?=a)b`"));
}

//! The type beside `serde_json::Value`: the same text, the same answers.

use super::{Entry, Map, Value, json};
use proptest::prelude::*;

/// Any JSON, with texts and names around the length that is kept in place, and names that come again.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let text = "[a-zA-Zếđ\"\\\\\n\u{0}\u{1f}\u{7f}/~ \u{1f600}]{0,26}";
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        text.prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 48, 16, move |inner| {
        let name = prop_oneof!["[a-c]{0,2}", "[a-zA-Z_ế/~]{20,26}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec((name, inner), 0..18).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// All pointers of a value.
fn pointers(value: &serde_json::Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(n, v)| pointers(v, &format!("{at}/{}", n.replace('~', "~0").replace('/', "~1")), out));
        }
        serde_json::Value::Array(items) => items.iter().enumerate().for_each(|(n, v)| pointers(v, &format!("{at}/{n}"), out)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_written_and_read_as_serde_json_does(theirs in any_json()) {
        let ours = Value::from(theirs.clone());
        let text = serde_json::to_string(&theirs).unwrap();
        prop_assert_eq!(&ours.to_string(), &text);
        prop_assert_eq!(&serde_json::to_string(&ours).unwrap(), &text);
        prop_assert_eq!(format!("{ours:#}"), format!("{theirs:#}"));
        prop_assert_eq!(&Value::from(&theirs), &ours);
        // A double is read from its text as serde_json reads it, which may be the neighbour of what was written.
        let again: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &again);
        prop_assert_eq!(serde_json::Value::from(&ours), theirs.clone());
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(serde_json::to_value(&ours).unwrap(), theirs);
    }

    #[test]
    fn fields_stand_in_the_order_of_their_names_bytes(names in prop::collection::vec("[ab\u{0}\u{7f}ế]{0,10}", 0..40)) {
        let map: Map = names.iter().map(|name| (name.as_str(), Value::Null)).collect();
        let want: std::collections::BTreeSet<&str> = names.iter().map(String::as_str).collect();
        prop_assert_eq!(map.keys().map(|name| &**name).collect::<Vec<_>>(), want.into_iter().collect::<Vec<_>>());
        prop_assert!(names.iter().all(|name| map.contains_key(name)));
    }

    #[test]
    fn a_pointer_leads_to_the_same_place(theirs in any_json(), odd in "(/[a-c0-2~+]{0,2}){0,3}|[a-c]") {
        let mut ours = Value::from(theirs.clone());
        let mut places = vec![odd, "/00".to_owned(), "/+0".to_owned(), "/-".to_owned()];
        pointers(&theirs, "", &mut places);
        for place in places {
            prop_assert_eq!(ours.pointer(&place).map(serde_json::Value::from), theirs.pointer(&place).cloned(), "{}", place);
            prop_assert_eq!(ours.pointer_mut(&place).is_some(), theirs.pointer(&place).is_some(), "{}", place);
        }
    }

    #[test]
    fn fields_are_put_found_and_taken_away_as_in_a_sorted_map(steps in prop::collection::vec(("[a-f]{1,3}", 0..4_u8, any::<u8>()), 0..80)) {
        let (mut ours, mut theirs) = (Map::new(), std::collections::BTreeMap::<String, u8>::new());
        for (name, step, value) in steps {
            match step {
                0 | 1 => prop_assert_eq!(ours.insert(name.as_str(), value.into()), theirs.insert(name, value).map(Value::from)),
                2 => prop_assert_eq!(ours.remove(&name), theirs.remove(&name).map(Value::from)),
                _ => {
                    let own = match ours.entry(name.as_str()) {
                        Entry::Vacant(slot) => slot.insert(value.into()).clone(),
                        Entry::Occupied(slot) => slot.into_mut().clone(),
                    };
                    prop_assert_eq!(own, Value::from(*theirs.entry(name).or_insert(value)));
                }
            }
            prop_assert_eq!(ours.len(), theirs.len());
            prop_assert!(ours.iter().map(|(n, v)| (n.as_str(), v.clone())).eq(theirs.iter().map(|(n, v)| (n.as_str(), Value::from(*v)))));
            prop_assert!(theirs.iter().all(|(name, value)| ours.get(name).is_some_and(|own| own == value)));
        }
    }
}

#[test]
fn of_equal_names_the_last_one_stays_and_too_deep_a_text_is_refused() {
    let text = r#"{"b":1,"a":{"x":1},"b":2,"a":null}"#;
    assert_eq!(serde_json::from_str::<Value>(text).unwrap().to_string(), r#"{"a":null,"b":2}"#);
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(serde_json::from_str::<Value>(&deep(100)).is_ok());
    assert!(serde_json::from_str::<Value>(&deep(10_000)).is_err(), "as serde_json: more than 128 levels are refused");
}

#[test]
fn what_is_not_there_is_null_and_a_name_can_be_put_by_index() {
    let mut body = json!({ "a": [1, { "b": "c" }] });
    assert_eq!(body["a"][1]["b"], "c");
    assert!(body["x"]["y"][3].is_null());
    body["x"]["y"] = json!(true);
    body["a"][0] = "first".into();
    assert_eq!(body, json!({ "a": ["first", { "b": "c" }], "x": { "y": true } }));
    assert_eq!(body.get_mut("a").map(Value::take).unwrap(), json!(["first", { "b": "c" }]));
    assert!(body["a"].is_null());
}

#[test]
fn a_body_stays_small() {
    // A field of a vector: growing either costs every body.
    assert!(size_of::<Value>() <= 32 && size_of::<(super::Text, Value)>() <= 56);
}

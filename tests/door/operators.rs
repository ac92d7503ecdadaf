//! What an operator learns of a delivery's fields: places and lines; values only where the schema says they are public.

use crate::rig::{CODE, Gate};
use lienthong::catalogue::Files;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What no operator is shown: values of the dossier that are not public.
const HIDDEN: [&str; 3] = ["Trần Quỳnh Ngân", "001307000117", "ngan@vidu.example"];

fn assert_hidden(text: &str) {
    HIDDEN.iter().for_each(|value| assert!(!text.contains(value), "{value} is shown: {text}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_explained_line_by_line_without_values_that_are_not_public() {
    let gate = Gate::open().await;
    let body = gate.submit().await.to_string();
    HIDDEN.iter().for_each(|value| assert!(body.contains(value), "the dossier holds {value}"));
    let answer = gate.operator("/v1/deliveries/1/explain", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_hidden(&answer.text);
    let shown = answer.json();
    let fields = shown["fields"].as_array().unwrap();
    let find = |canonical: &str| fields.iter().find(|f| f["canonical"] == canonical).unwrap_or_else(|| panic!("no {canonical}"));
    let code = find("/code");
    assert_eq!((code["canonical_value"].as_str(), code["wire_value"].as_str()), (Some(CODE), Some(CODE)));
    let name = find("/applicant/name");
    assert_eq!((name["public"].clone(), name.get("canonical_value"), name.get("wire_value")), (json!(false), None, None));
    assert!(name["file"].as_str().unwrap().starts_with("adapters/moet/") && name["line"].as_u64().unwrap() > 0);
    assert!(find("/form/sex")["wire"].as_str().unwrap().contains("ToKhai"));
    assert_eq!(gate.operator("/v1/deliveries/99/explain", None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_in_time_that_the_calendar_ends() {
    let gate = Gate::open().await;
    let calendar = async || gate.operator("/v1/partners", None).await.json()["calendar"].clone();
    assert_eq!(calendar().await, json!({ "until": "2027-12-31", "ends_soon": false }));
    // From 21 July 2026 on to 1 and 2 November 2027.
    gate.clock.turn(std::time::Duration::from_secs(468 * 86_400));
    assert_eq!(calendar().await["ends_soon"], false);
    gate.clock.turn(std::time::Duration::from_secs(86_400));
    assert_eq!(calendar().await["ends_soon"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_set_is_compared_with_what_was_taken_in_and_tells_places_only() {
    let gate = Gate::open().await;
    gate.submit().await;
    let rows = gate.rows();
    let files = Files::embedded();
    let texts = |files: &Files| -> BTreeMap<String, String> {
        files.iter().filter(|(p, _)| !p.contains("/samples/")).map(|(p, t)| (p.to_owned(), t.to_owned())).collect()
    };
    let same = gate.operator("/v1/adapters/compare", Some(json!({ "files": texts(&files) }))).await;
    assert_eq!((same.status, same.json()["compared"].clone(), same.json()["differ"].clone()), (200, json!(1), json!(0)));
    let head = files.text("adapters/moet/head.map").unwrap();
    assert!(head.contains("DienThoai"));
    let changed = files.clone().with("adapters/moet/head.map", head.replacen("DienThoai", "SoDienThoai", 1));
    let other = gate.operator("/v1/adapters/compare", Some(json!({ "files": texts(&changed) }))).await;
    assert_eq!((other.status, other.json()["differ"].clone()), (200, json!(1)), "{}", other.text);
    assert_hidden(&other.text);
    let found: Vec<Value> = other.json()["deliveries"][0]["differences"].as_array().unwrap().clone();
    let hows: Vec<&str> = found.iter().map(|d| d["how"].as_str().unwrap()).collect();
    assert_eq!(hows, ["gone", "new"], "{found:?}");
    let late = json!({ "files": texts(&changed), "from": "2030-01-01T00:00:00+07:00" });
    assert_eq!(gate.operator("/v1/adapters/compare", Some(late)).await.json()["compared"], 0);
    let broken = files.with("adapters/moet/head.map", "X = nothing\n");
    let broken = gate.operator("/v1/adapters/compare", Some(json!({ "files": texts(&broken) }))).await;
    assert_eq!(broken.status, 422, "{}", broken.text);
    assert_eq!(gate.rows(), rows, "nothing is written and nothing put in force");
}

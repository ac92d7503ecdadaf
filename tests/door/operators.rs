//! What an operator learns of a delivery's fields: places and lines; values only where the schema says they are public.

use crate::rig::{CODE, Gate, NOW};
use lienthong::body;
use lienthong::catalogue::Files;
use lienthong::clock::Time;
use lienthong::journal::{Effects, Journal as _, NewDelivery};
use lienthong::model::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What no operator is shown: values of the dossier that are not public.
const HIDDEN: [&str; 3] = ["Trần Quỳnh Ngân", "001307000117", "ngan@vidu.example"];

fn assert_hidden(text: &str) {
    HIDDEN.iter().for_each(|value| assert!(!text.contains(value), "{value} is shown: {text}"));
}

/// A set as it is sent to be compared.
fn texts(files: &Files) -> BTreeMap<String, String> {
    files.iter().filter(|(p, _)| !p.contains("/samples/")).map(|(p, t)| (p.to_owned(), t.to_owned())).collect()
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

/// So many that the two-thousand of one answer are passed twice.
const MANY: u64 = 4_400;

/// Withdrawals, each on a lane of its own.
fn withdrawals() -> Vec<NewDelivery> {
    let at = Time::parse(NOW).unwrap();
    let one = |n: u64| {
        let code = format!("H26.15-20260720-{n:07}");
        let body = body::json!({ "code": code.as_str(), "reason": "Tôi nộp nhầm thủ tục" });
        let (lane, dossier) = (code.clone(), Some(code));
        let class = "citizen".to_owned();
        NewDelivery {
            partner: "moet".into(),
            route: "withdraw".into(),
            lane,
            dossier,
            class,
            caller: "portal".into(),
            deadline: None,
            not_before: None,
            id: format!("m-{n}"),
            at,
            kind: Kind::DossierWithdraw,
            body: Some(body),
            trace: None,
        }
    };
    (1..=MANY).map(one).collect()
}

/// Every number that a paged answer holds, page by page.
async fn paged(gate: &Gate, mut ask: impl AsyncFnMut(&Gate, u64) -> (Vec<u64>, Option<u64>)) -> Vec<Vec<u64>> {
    let (mut pages, mut after) = (Vec::new(), 0);
    loop {
        let (page, next) = ask(gate, after).await;
        pages.push(page);
        match next {
            Some(next) => assert!(next > after, "{next} after {after}"),
            None => return pages,
        }
        after = next.unwrap();
    }
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|d| d["delivery"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_deliveries_than_an_answer_holds_are_listed_and_compared_each_once() {
    let gate = Gate::open().await;
    assert!(gate.journal.apply(Effects { deliveries: withdrawals(), ..Effects::default() }).await.unwrap());
    // Some are in other states, and all over the numbers.
    let lanes: Vec<String> = (0..20).map(|n| format!("H26.15-20260720-{:07}", 1 + n * 219)).collect();
    gate.deliver("moet", &lanes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let every: Vec<u64> = (1..=MANY).collect();
    for limit in [1_000, 100_000] {
        let listed = paged(&gate, async |gate, after| {
            let answer = gate.operator(&format!("/v1/deliveries?limit={limit}&after={after}"), None).await.json();
            let page = numbers(&answer["deliveries"]);
            let next = answer["last"].as_u64().filter(|_| !page.is_empty());
            (page, next)
        });
        let listed = listed.await;
        assert!(listed.len() > 3, "no answer holds all");
        assert_eq!(listed.concat(), every[1..], "what is open: the first has ended");
    }
    // In the changed set a withdrawal is written otherwise: each is told once, whatever its state.
    let files = Files::embedded();
    let map = files.text("adapters/moet/withdraw.map").unwrap();
    assert!(map.contains("LyDo"));
    let changed = texts(&files.clone().with("adapters/moet/withdraw.map", map.replacen("LyDo", "CanCu", 1)));
    for queued in [false, true] {
        let mut compared = 0;
        let told = paged(&gate, async |gate, after| {
            let asked = json!({ "files": changed, "after": after, "queued": queued });
            let answer = gate.operator("/v1/adapters/compare", Some(asked)).await.json();
            compared += answer["compared"].as_u64().unwrap();
            assert_eq!(answer["complete"], answer["next"].is_null(), "{}", answer["next"]);
            (numbers(&answer["deliveries"]), answer["next"].as_u64())
        });
        let told = told.await;
        let all = told.concat();
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "none is told twice");
        if queued {
            assert_eq!(compared, MANY - 1, "all that waits");
        } else {
            assert_eq!((all, compared, told.len()), (every.clone(), MANY, 3));
        }
    }
}

/// The set of a first try that is not to be had any more: the one in force stands for it, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_stands_for_another_is_said_to() {
    let gate = Gate::open().await;
    gate.submit().await;
    let explained = async || gate.operator("/v1/deliveries/1/explain", None).await.json();
    let before = explained().await;
    assert_eq!(before["instead"], false, "what was never sent is explained by the set in force");
    // Sent by a set that nobody kept.
    gate.deliver("moet", &[CODE]).await;
    let after = explained().await;
    assert_eq!((&after["instead"], &after["adapters"]), (&json!(true), &before["adapters"]));
    assert_eq!(after["fields"], before["fields"]);
    let files = texts(&Files::embedded());
    let compared = gate.operator("/v1/adapters/compare", Some(json!({ "files": files }))).await.json();
    assert_eq!((&compared["compared"], &compared["instead"], &compared["differ"]), (&json!(1), &json!(1), &json!(0)));
}

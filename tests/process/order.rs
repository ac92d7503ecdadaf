//! Statuses 2, 4, 6, 9, 10 in any order, each twice: the dossier ends in 10, and the portal never goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::dossiers::{code, exam};
use super::world::{Setup, World, until};

/// The orders of arrival; the Ministry's time of a status is always its place in 2, 4, 6, 9, 10.
const ORDERS: &[[u8; 5]] = &[
    [2, 4, 6, 9, 10],
    [10, 9, 6, 4, 2],
    [10, 2, 4, 6, 9],
    [9, 10, 2, 6, 4],
    [6, 2, 10, 4, 9],
    [4, 2, 9, 6, 10],
    [2, 10, 6, 9, 4],
    [9, 4, 10, 6, 2],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_in_any_order_each_twice_end_in_10_and_the_portal_never_goes_back() {
    let world = World::start(Setup { ministry: vec!["--script", "silent"], moet: "rate = \"50/s\"", ..Setup::default() }).await;
    let token = world.token().await;
    for (n, _) in ORDERS.iter().enumerate() {
        let url = format!("{}/hanoi/ho-so", world.public);
        let answer = world.post(&url, Some(&token), &exam(n as u32 + 1)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for (n, order) in ORDERS.iter().enumerate() {
        let code = code(n as u32 + 1);
        let path = format!("/_dossier/{code}");
        until(Duration::from_secs(30), "the dossier at the Ministry", async || {
            (world.shown(&world.ministry, &path).await["code"] == code.as_str()).then_some(())
        })
        .await;
        let base = world.shown(&world.ministry, &path).await["status_at_ms"].as_i64().unwrap();
        // Twice in a row for one half, the whole row twice for the other.
        let row: Vec<u8> = if n % 2 == 0 { order.iter().flat_map(|s| [*s, *s]).collect() } else { [*order, *order].concat() };
        for status in row {
            let place = [2, 4, 6, 9, 10].iter().position(|s| *s == status).unwrap() as i64;
            let mut push = json!({ "dossier": code, "status": status, "id": format!("bgd-{code}-{status}"), "at_ms": base + 1_000 * (place + 1) });
            if n % 3 == 1 && status != 9 {
                push["note"] = format!("Bước {status}").into();
            }
            if status == 6 {
                push["fee"] = json!({ "amount": 150_000, "code": "LP01", "name": "Lệ phí" });
            }
            if status == 10 {
                push["result"] = true.into();
                push["documents"] = json!([{ "id": format!("kq-{code}"), "name": "ket-qua.pdf", "content": "JVBERi0xLjQK" }]);
            }
            let pushed = world.hand(&world.ministry, "/_push", &push).await;
            assert!(["0", "2"].contains(&pushed["code"].as_str().unwrap()), "{order:?}: {status} was answered {pushed}");
        }
    }
    for (n, order) in ORDERS.iter().enumerate() {
        let code = code(n as u32 + 1);
        until(Duration::from_secs(30), &format!("status 10 at the portal ({order:?})"), async || {
            let filed = world.shown(&world.portal, &format!("/_dossier/{code}")).await;
            told(&filed).last().is_some_and(|(status, _)| *status == 10).then_some(())
        })
        .await;
        assert_eq!(world.operator(&format!("/v1/dossiers/{code}")).await["status_code"], 10, "{order:?}");
        let filed = world.shown(&world.portal, &format!("/_dossier/{code}")).await;
        let told = told(&filed);
        // Each status stands at its own place in the Ministry's time: what the portal gets may skip, never go back, never come under two ids.
        let row: Vec<u64> = told.iter().map(|(status, _)| *status).collect();
        assert!(row.is_sorted(), "{order:?}: the portal went back: {row:?}");
        let mut ids: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
        for (status, id) in told {
            ids.entry(status).or_default().insert(id);
        }
        assert!(ids.values().all(|of| of.len() == 1), "{order:?}: one status under two message ids: {ids:?}");
        assert!(filed["documents"].as_array().is_some_and(|d| d.len() == 1), "{order:?}: the result's document: {filed}");
    }
    let book = world.shown(&world.portal, "/_book").await;
    let broken: Vec<&Value> = book["calls"].as_array().unwrap().iter().filter(|c| c["violations"] != json!([])).collect();
    assert_eq!(broken, Vec::<&Value>::new(), "the portal's contract was kept");
}

/// What the portal was told of a dossier's moves, by sequence: the status and the message id it came under. A move with words comes as
/// progress, a bare one as a status.
fn told(filed: &Value) -> Vec<(u64, String)> {
    let list = |name: &str| filed[name].as_array().cloned().unwrap_or_default();
    let mut all: Vec<Value> = [list("statuses"), list("progress")].concat();
    all.sort_by_key(|t| t["sequence"].as_u64());
    all.iter().map(|t| (t["status"].as_u64().unwrap(), t["message"].as_str().unwrap().to_owned())).collect()
}

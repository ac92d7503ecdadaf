//! The Ministry is down for longer than the whole retry schedule, then back: nothing is parked for it, everything arrives in order.

use std::time::Duration;

use serde_json::{Value, json};

use super::dossiers::{code, exam};
use super::world::{Setup, World, until};

/// Dossiers handed in during the outage.
const MANY: u32 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ministry_down_longer_than_the_schedule_parks_nothing_and_then_gets_everything_in_order() {
    for down in ["refused", "busy", "cut"] {
        outage(down).await;
    }
}

async fn outage(down: &str) {
    // The whole schedule of one message: 100 + 200 + 400 ms, and it is over.
    let schedule = "rate = \"50/s\"\nquiet = \"500ms\"\nask_schedule = [\"100ms\", \"300ms\"]\n\
                    retry = { first = \"100ms\", factor = 2, max = \"400ms\", attempts = 4 }";
    let world = World::start(Setup { ministry: vec!["--script", "silent"], moet: schedule, ..Setup::default() }).await;
    world.hand(&world.ministry, "/_weather", &json!({ "down": down })).await;
    let token = world.token().await;
    for number in 1..=MANY {
        let url = format!("{}/hanoi/ho-so", world.public);
        let answer = world.post(&url, Some(&token), &exam(number)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // Two of them are withdrawn meanwhile: a second message behind the first on its lane.
    for number in [3, 7] {
        let body = json!({ "MaHoSo": code(number), "LyDo": "Tôi nộp nhầm thủ tục" });
        let answer = world.post(&format!("{}/hanoi/rut-ho-so", world.public), Some(&token), &body).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    let queue = ministry_queue(&world).await;
    assert_eq!(queue["parked"], 0, "{down}: an outage is the partner's state, not the message's: {queue}");
    let book = world.shown(&world.ministry, "/_book").await;
    assert_eq!(book["summary"]["processed"], 0, "{down}: the Ministry was down: {}", book["summary"]);

    world.hand(&world.ministry, "/_weather", &json!({ "down": null })).await;
    until(Duration::from_secs(40), "everything at the Ministry", async || {
        let queue = ministry_queue(&world).await;
        assert_eq!(queue["parked"], 0, "{down}: {queue}");
        ["waiting", "claimed", "unknown"].iter().all(|k| queue[k] == 0).then_some(())
    })
    .await;
    let book = world.shown(&world.ministry, "/_book").await;
    assert_eq!(book["summary"]["violations"], 0, "{down}: order and contract were kept");
    assert_eq!(book["summary"]["repeats"], 0, "{down}");
    for number in 1..=MANY {
        let took: Vec<&str> = book["calls"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["dossier"] == code(number).as_str() && c["processed"] == true && c["counted"] == true)
            .filter_map(|c| c["operation"].as_str())
            .collect();
        // A withdrawal closes an undelivered submission without a call, unless its outcome is unknown: then both arrive, in order.
        let expected: &[&[&str]] = if [3, 7].contains(&number) { &[&[], &["submit", "withdraw"]] } else { &[&["submit"]] };
        assert!(expected.contains(&took.as_slice()), "{down}: dossier {number}: {took:?}");
    }
}

async fn ministry_queue(world: &World) -> Value {
    let all = world.operator("/v1/partners").await;
    all["partners"].as_array().unwrap().iter().find(|p| p["partner"] == "moet").unwrap().clone()
}

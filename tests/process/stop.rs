//! SIGTERM while a partner hangs: the gateway ends within its bound, and what was cut is asked after at the next start, never repeated blind.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::dossiers::{code, exam};
use super::world::{Setup, World, until};

/// `stop_within` of this gateway.
const BOUND: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_within_its_bound_though_the_ministry_hangs_and_repeats_nothing_blind() {
    // One call may last two minutes: only the bound of the stop can end it.
    let moet = "rate = \"50/s\"\nat_once = 4\ntimeout = \"2m\"\nquiet = \"1s\"\nask_schedule = [\"100ms\", \"300ms\"]";
    let mut world = World::without_gateway(Setup { ministry: vec!["--script", "silent"], moet, ..Setup::default() }).await;
    let config = world.path().join("gateway.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[limits]\n", &format!("[limits]\nstop_within = \"{}s\"\n", BOUND.as_secs()))).unwrap();
    world = world.with_gateway().await;
    // The first hangs before it is processed, the second after.
    for (number, wait) in [(1, "delay"), (2, "delay_after")] {
        let plan = json!({ "effect": "calm", "operation": "submit", "dossier": code(number), wait: 60_000 });
        world.hand(&world.ministry, "/_weather", &json!({ "plan": [plan] })).await;
    }
    let token = world.token().await;
    for number in [1, 2] {
        let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(&token), &exam(number)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    until(Duration::from_secs(20), "both calls under way", async || (moet_queue(&world).await["claimed"] == 2).then_some(()))
        .await;
    until(Duration::from_secs(20), "the second processed", async || {
        let book = world.shown(&world.ministry, "/_book").await;
        (book["summary"]["processed"] == 1).then_some(())
    })
    .await;

    let mut gateway = world.gateway.take().unwrap();
    let began = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &gateway.id().to_string()]).status().unwrap().success());
    let ended = gateway.ended(Duration::from_secs(60)).await;
    let took = began.elapsed();
    assert_eq!(ended, Some(0), "it ends in order: {}", gateway.said());
    assert!(took >= BOUND, "the calls were given their time: {took:?}");
    // A loaded machine is given as long again and more; without a bound it would be a minute.
    assert!(took < BOUND * 5, "{took:?}");
    assert!(gateway.said().contains("calls under way were cut"), "{}", gateway.said());
    drop(gateway);

    world.start_gateway(&[], &[]).await;
    until(Duration::from_secs(30), "both settled", async || {
        let queue = moet_queue(&world).await;
        assert_eq!(queue["parked"], 0, "{queue}");
        ["waiting", "claimed", "unknown"].iter().all(|k| queue[k] == 0).then_some(())
    })
    .await;
    let book = world.shown(&world.ministry, "/_book").await;
    assert_eq!((&book["summary"]["violations"], &book["summary"]["repeats"]), (&json!(0), &json!(0)), "{}", book["summary"]);
    // What the Ministry saw of each, in order: it was asked before anything was sent again, and only what it had not was.
    let seen = |number: u32| -> Vec<String> {
        let about = |c: &&Value| c["dossier"] == code(number).as_str() && c["outgoing"] != true;
        let calls = book["calls"].as_array().unwrap().iter().filter(about);
        let mut all: Vec<String> = calls.map(|c| c["operation"].as_str().unwrap().to_owned()).collect();
        all.dedup();
        all
    };
    assert_eq!(seen(1).last().map(String::as_str), Some("submit"), "{:?}", seen(1));
    assert!(seen(1).contains(&"inquiry".to_owned()), "asked first: {:?}", seen(1));
    assert_eq!(seen(2).iter().filter(|o| *o == "submit").count(), 1, "never sent again: {:?}", seen(2));
    assert_eq!(seen(2).last().map(String::as_str), Some("inquiry"), "{:?}", seen(2));
}

async fn moet_queue(world: &World) -> Value {
    let all = world.operator("/v1/partners").await;
    all["partners"].as_array().unwrap().iter().find(|p| p["partner"] == "moet").unwrap().clone()
}

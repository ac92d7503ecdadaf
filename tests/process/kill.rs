//! `kill -9` while 200 submissions a second arrive: nothing acknowledged is lost, nothing is done twice at the Ministry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::dossiers::{code, exam};
use super::world::{Setup, World, sent, until};

/// Submissions a second.
const RATE: u32 = 200;
/// Submissions at a time, as a portal's queue hands them over: several are under way at once, however quick the machine.
const BURST: u32 = 10;
/// Kills.
const KILLS: usize = 5;

/// What the generator knows of its submissions.
#[derive(Debug, Default)]
struct Ledger {
    acknowledged: Mutex<BTreeSet<u32>>,
    refused: Mutex<Vec<(u32, u16, String)>>,
    open: Mutex<BTreeSet<u32>>,
    unanswered: Mutex<BTreeSet<u32>>,
    /// Shed (503): where the machine is too busy for the rate, that is the right answer.
    shed: Mutex<BTreeSet<u32>>,
    next: AtomicU32,
    stop: AtomicBool,
}

impl Ledger {
    /// One submission, and what became of it.
    async fn submit(&self, http: &reqwest::Client, url: &str, token: &str, number: u32) {
        self.open.lock().unwrap().insert(number);
        let request = http.post(url).bearer_auth(token).header("content-type", "application/json");
        let answer = sent(request.body(exam(number).to_string())).await;
        self.open.lock().unwrap().remove(&number);
        match answer {
            Some(a) if a.status == 200 => {
                self.acknowledged.lock().unwrap().insert(number);
            }
            Some(a) if a.status == 503 => {
                self.shed.lock().unwrap().insert(number);
            }
            Some(a) => self.refused.lock().unwrap().push((number, a.status, a.text)),
            None => {
                self.unanswered.lock().unwrap().insert(number);
            }
        }
    }
}

/// Submissions at a steady rate, whether answered or not, until told to stop.
async fn load(ledger: Arc<Ledger>, http: reqwest::Client, url: String, token: String) {
    let mut tick = tokio::time::interval(Duration::from_secs(1) * BURST / RATE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut all = tokio::task::JoinSet::new();
    while !ledger.stop.load(Ordering::Relaxed) {
        tick.tick().await;
        for _ in 0..BURST {
            let number = ledger.next.fetch_add(1, Ordering::Relaxed);
            let (ledger, http, url, token) = (Arc::clone(&ledger), http.clone(), url.clone(), token.clone());
            all.spawn(async move { ledger.submit(&http, &url, &token, number).await });
        }
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let mut world = World::start(Setup {
        ministry: vec!["--script", "silent", "--weather", "latency=80-240,latency_after=80-240"],
        moet: "rate = \"150/s\"\nat_once = 40\nquiet = \"2s\"\nask_schedule = [\"200ms\", \"1s\", \"2s\"]",
        ..Setup::default()
    })
    .await;
    // Handed out once: tokens outlive the gateway that gave them.
    let token = world.token().await;
    let url = format!("{}/hanoi/ho-so", world.public);
    let mut ledger = Arc::new(Ledger::default());
    let (mut before, mut after, mut cut) = (0, 0, 0);
    let (mut acknowledged, mut again) = (BTreeSet::new(), BTreeSet::new());
    for kill in 0..KILLS {
        let first = ledger.next.load(Ordering::Relaxed);
        ledger = Arc::new(Ledger { next: AtomicU32::new(first), ..Ledger::default() });
        let loading = tokio::spawn(load(Arc::clone(&ledger), world.http.clone(), url.clone(), token.clone()));
        // Each kill at another moment, but only once calls are in flight at the Ministry.
        tokio::time::sleep(Duration::from_millis(700 + 130 * kill as u64)).await;
        until(Duration::from_secs(20), "a submission unanswered and calls in flight", async || {
            let busy = world.shown(&world.ministry, "/_book/open").await.as_array()?.len() >= 4;
            (busy && !ledger.open.lock().unwrap().is_empty()).then_some(())
        })
        .await;
        let open = ledger.open.lock().unwrap().clone();
        let killed = world.kill_gateway();
        let flight = world.shown(&world.ministry, "/_book/open").await.as_array().unwrap().clone();
        drop(killed);
        ledger.stop.store(true, Ordering::Relaxed);
        loading.await.unwrap();
        let unanswered = ledger.unanswered.lock().unwrap().clone();
        // Of one kill all may have been answered between the look and the signal; of five not.
        cut += open.intersection(&unanswered).count();
        assert!(!flight.is_empty(), "kill {kill}: no call in flight at the Ministry");
        after += flight.iter().filter(|c| c["processed"] == true).count();
        before += flight.iter().filter(|c| c["processed"] == false).count();
        assert_eq!(*ledger.refused.lock().unwrap(), [], "kill {kill}: nothing is refused");
        acknowledged.extend(ledger.acknowledged.lock().unwrap().iter().copied());
        again.extend(unanswered);
        again.extend(ledger.shed.lock().unwrap().iter().copied());
        world.start_gateway(&[], &[]).await;
    }
    assert!(before > 0 && after > 0, "killed before processing: {before}, after: {after}");
    assert!(cut > 0, "every submission under way at a kill was answered: no kill came between request and answer");
    let sure = acknowledged.clone();
    // The portal does what a portal does: what was not answered, or shed, is handed in again.
    let ledger = Ledger::default();
    for number in again {
        ledger.submit(&world.http, &url, &token, number).await;
    }
    assert_eq!(*ledger.shed.lock().unwrap(), BTreeSet::new(), "one after the other is no load");
    assert_eq!(*ledger.refused.lock().unwrap(), [], "a submission handed in again is the first one's receipt or a new one");
    acknowledged.extend(ledger.acknowledged.lock().unwrap().iter().copied());
    assert!(sure.len() > 300, "only {} were acknowledged before a kill: the load was not there", sure.len());

    let book = until(Duration::from_secs(60), "every acknowledged dossier at the Ministry", async || {
        let book = world.shown(&world.ministry, "/_book").await;
        let there = effects(&book);
        acknowledged.iter().all(|n| there.contains_key(&code(*n))).then_some(book)
    })
    .await;
    until(Duration::from_secs(30), "the queue's end", async || {
        let partners = world.operator("/v1/partners").await;
        let queue = partners["partners"].as_array()?.iter().find(|p| p["partner"] == "moet")?.clone();
        let open = ["waiting", "claimed", "unknown"].iter().all(|k| queue[k] == 0);
        assert_eq!(queue["parked"], 0, "nothing is parked: {queue}");
        open.then_some(())
    })
    .await;
    let book_at_end = world.shown(&world.ministry, "/_book").await;
    let there = effects(&book_at_end);
    for number in &acknowledged {
        assert_eq!(there.get(&code(*number)), Some(&1), "dossier {number} took effect exactly once");
    }
    let summary = &book_at_end["summary"];
    assert_eq!(summary["repeats"], 0, "no id came again after it was processed");
    assert_eq!(summary["violations"], 0, "the contract was kept: {}", violations(&book_at_end));
    assert!(summary["by_operation"]["inquiry"].as_u64() > Some(0), "what was in flight was asked after: {}", book["summary"]);
    println!(
        "{} acknowledged, {} of them before a kill; {cut} cut from their answer; in flight at a kill: {before} unprocessed, {after} processed; {}",
        acknowledged.len(),
        sure.len(),
        summary
    );
}

/// How often each dossier was processed by a submit.
fn effects(book: &Value) -> BTreeMap<String, u32> {
    let mut all = BTreeMap::new();
    for call in book["calls"].as_array().unwrap() {
        if call["operation"] == "submit" && call["processed"] == true {
            *all.entry(call["dossier"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    all
}

fn violations(book: &Value) -> String {
    let calls = book["calls"].as_array().unwrap();
    calls.iter().filter(|c| c["violations"] != serde_json::json!([])).map(|c| format!("{c}\n")).collect()
}

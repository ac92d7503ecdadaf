//! `/v1/events?after=` while others write: each receiver that pages on by the last number it was told gets every event it may see, once, in
//! order. A receiver that asks too often waits as long as it is told.

use crate::rig::{Gate, basic, status_push, submission};
use lienthong::catalogue::Files;
use lienthong::seal::sha256_hex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Dossiers that each portal hands in.
const MANY: usize = 40;

/// What the codes of each portal begin with.
const OURS: &str = "H26.15-20260720-0001";
const THEIRS: &str = "H26.15-20260720-0002";

fn code(portal: &str, n: usize) -> String {
    format!("{portal}{n:03}")
}

/// A portal hands dossiers in, one after the other.
async fn hand_in(gate: Arc<Gate>, token: String, portal: &'static str) {
    let (file, digest) = gate.upload(&token, "nội dung đơn").await;
    for n in 1..=MANY {
        let mut body = submission(&file, &digest);
        body["MaHoSo"] = code(portal, n).into();
        let answer = gate.portal_as(&token, "/hanoi/ho-so", body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        tokio::task::yield_now().await;
    }
}

/// The Ministry receives and processes every dossier, as soon as it is there.
async fn work_on(gate: Arc<Gate>, portal: &'static str) {
    for n in 1..=MANY {
        for (id, status, at) in [("a", 2, "2026-07-20T10:05:00+07:00"), ("b", 4, "2026-07-20T10:06:00+07:00")] {
            let push = status_push(&format!("{}-{id}", code(portal, n)), &code(portal, n), status, at, "");
            loop {
                let auth = basic("bo", "chu-bo");
                let headers = [("authorization", auth.as_str()), ("content-type", "text/xml; charset=utf-8")];
                let answer = gate.send("/moet/trang-thai", &headers, push.clone()).await;
                if answer.status == 200 && answer.xml("MaPhanHoi").as_deref() == Some("0") {
                    break;
                }
                // Not handed in yet, or more than a second takes: time goes on.
                gate.clock.turn(Duration::from_millis(20));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// Pages on until nothing new has come since the writers were done; every event, as it was told.
async fn follow(gate: Arc<Gate>, token: String, limit: usize, done: Arc<AtomicBool>) -> (Vec<Value>, usize) {
    let auth = format!("Bearer {token}");
    let (mut after, mut all, mut pages) = (0, Vec::new(), 0);
    loop {
        let last = done.load(Ordering::SeqCst);
        let page = asked(&gate, &auth, &format!("/v1/events?after={after}&limit={limit}")).await;
        let events = page["events"].as_array().unwrap();
        assert!(events.len() <= limit, "{page}");
        assert_eq!(page["last"].as_u64(), events.last().map_or(Some(after), |e| e["event"].as_u64()), "{page}");
        after = page["last"].as_u64().unwrap();
        pages += usize::from(!events.is_empty());
        if events.is_empty() {
            if last {
                return (all, pages);
            }
            tokio::task::yield_now().await;
        }
        all.extend(events.iter().cloned());
    }
}

/// A look at our own API; who asks too often waits as long as the answer says.
async fn asked(gate: &Gate, auth: &str, path: &str) -> Value {
    loop {
        let answer = gate.get(path, &[("authorization", auth)]).await;
        match answer.status {
            200 => return answer.json(),
            429 => {
                let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
                gate.clock.turn(Duration::from_secs(wait));
            }
            _ => panic!("{path}: {} {}", answer.status, answer.text),
        }
    }
}

fn number(event: &Value) -> u64 {
    event["event"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_pages_on_while_others_write_misses_nothing_and_gets_nothing_twice() {
    let second = format!(
        "[[caller]]\nname='second'\npartner='hanoi'\nroles=['portal']\nclient={{id='cong-hai',secret_sha256='{}'}}\n",
        sha256_hex(b"chu-hai")
    );
    let gate = Arc::new(Gate::with(&Files::embedded(), &second).await);
    let (mine, theirs) = (gate.token().to_owned(), gate.sign_in("cong-hai", "chu-hai").await);
    let done = Arc::new(AtomicBool::new(false));
    let writers = [
        tokio::spawn(hand_in(gate.clone(), mine.clone(), OURS)),
        tokio::spawn(hand_in(gate.clone(), theirs.clone(), THEIRS)),
        tokio::spawn(work_on(gate.clone(), OURS)),
        tokio::spawn(work_on(gate.clone(), THEIRS)),
    ];
    let follow = |token: &str, limit| tokio::spawn(follow(gate.clone(), token.to_owned(), limit, done.clone()));
    let receivers = [follow("kiem-toan", 7), follow("van-hanh", 1), follow(&mine, 3), follow(&theirs, 1000)];
    for writer in writers {
        tokio::time::timeout(Duration::from_secs(60), writer).await.expect("the writers end").unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let mut got = Vec::new();
    for receiver in receivers {
        got.push(tokio::time::timeout(Duration::from_secs(60), receiver).await.expect("the receivers end").unwrap());
    }
    let [(all, pages), (operator, _), (mine, _), (theirs, _)] = <[_; 4]>::try_from(got).unwrap();

    assert!(pages > 20, "{pages} pages: they paged while it was written");
    assert!(all.windows(2).all(|pair| number(&pair[0]) < number(&pair[1])), "in order, none twice");
    assert_eq!(operator, all, "however large the pages are");
    // What each dossier's own timeline tells is the whole of it: an independent way to the same events.
    let mut told: Vec<Value> = Vec::new();
    for portal in [OURS, THEIRS] {
        for n in 1..=MANY {
            let path = format!("/v1/dossiers/{}/timeline", code(portal, n));
            let timeline = asked(&gate, "Bearer van-hanh", &path).await;
            let events = timeline["events"].as_array().unwrap();
            let kinds: BTreeSet<&str> = events.iter().map(|e| e["kind"].as_str().unwrap()).collect();
            assert!(events.len() >= 3 && kinds.contains("status"), "taken, received, processed: {timeline}");
            told.extend(events.iter().cloned());
        }
    }
    told.sort_by_key(number);
    assert_eq!(all, told);
    for (own, portal) in [(mine, OURS), (theirs, THEIRS)] {
        let want: Vec<Value> = all.iter().filter(|e| e["dossier"].as_str().unwrap().starts_with(portal)).cloned().collect();
        assert_eq!(own, want, "a caller sees its own, in the same order");
    }
}

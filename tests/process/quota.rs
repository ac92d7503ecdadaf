//! The disk takes no more, as an operating system says it: no file may grow beyond a quota (RLIMIT_FSIZE, set from outside, as `ulimit -f`
//! and `LimitFSIZE=` do it). What finds no room is refused and not acknowledged, reads go on, and with room everything goes on by itself.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::dossiers::{code, exam};
use super::world::{OPERATOR, Setup, World, until};

/// No file of the gateway may be larger: what a new journal's log begins with, and some dozens of dossiers.
const QUOTA: u32 = 4 << 20;

/// Dossiers handed in at most until it is full.
const MOST: u32 = 600;

fn quota(world: &World, bytes: &str) {
    let id = world.gateway.as_ref().unwrap().id().to_string();
    let done = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:unlimited")]).status().unwrap();
    assert!(done.success(), "prlimit (util-linux) is needed");
}

async fn hand_in(world: &World, token: &str, number: u32) -> u16 {
    let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(token), &exam(number)).await;
    answer.expect("an answer, whatever it says").status
}

async fn known(world: &World, number: u32) -> u16 {
    let url = format!("{}/v1/dossiers/{}", world.admin, code(number));
    world.get(&url, Some(OPERATOR)).await.expect("reads go on").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_more_refuses_cleanly_and_goes_on_when_it_does() {
    let moet = "paused = true\nrate = \"200/s\"\nat_once = 20";
    let quiet = "paused = true";
    let setup = Setup { ministry: vec!["--script", "silent"], moet, hanoi: quiet, keypay: quiet, ..Setup::default() };
    let mut world = World::without_gateway(setup).await;
    // The log is on the same disk: it is full for it, too.
    fs::write(world.path().join("gateway.err"), "\n".repeat(QUOTA as usize)).unwrap();
    world = world.with_gateway().await;
    quota(&world, &QUOTA.to_string());
    let token = world.token().await;

    let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=MOST {
        match hand_in(&world, &token, number).await {
            200 => taken.insert(number),
            503 => refused.insert(number),
            other => panic!("{other} for dossier {number}"),
        };
        if refused.len() >= 10 {
            break;
        }
    }
    assert!(taken.len() > 10 && refused.len() >= 10, "{} taken, {} refused: the quota was never met", taken.len(), refused.len());
    // An upload finds no room either.
    let part = "--ranh-gioi\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.pdf\"\r\n\r\n";
    let body = format!("{part}{}\r\n--ranh-gioi--\r\n", "x".repeat(QUOTA as usize + 1_000));
    let request = world.http.post(format!("{}/hanoi/tep-tin", world.public)).bearer_auth(&token);
    let upload = request.header("content-type", "multipart/form-data; boundary=ranh-gioi").body(body).send().await.unwrap();
    assert_eq!(upload.status().as_u16(), 503, "{:?}", upload.text().await);
    // What was acknowledged is there, what was refused left nothing, and the gateway says how it stands.
    for number in [taken.first(), taken.last()].into_iter().flatten() {
        assert_eq!(known(&world, *number).await, 200);
    }
    for number in &refused {
        assert_eq!(known(&world, *number).await, 404, "dossier {number} was refused");
    }
    let queues = world.operator("/v1/partners").await;
    let moet = queues["partners"].as_array().unwrap().iter().find(|p| p["partner"] == "moet").unwrap().clone();
    assert_eq!(moet["waiting"], taken.len(), "{moet}");

    // Room again, without a restart.
    quota(&world, "unlimited");
    for number in refused {
        until(Duration::from_secs(20), "what was refused is taken", async || {
            (hand_in(&world, &token, number).await == 200).then_some(())
        })
        .await;
        taken.insert(number);
    }
    // And after a kill: nothing that was acknowledged is lost; it all goes out.
    world.kill_gateway();
    world.start_gateway(&[], &[]).await;
    for number in &taken {
        assert_eq!(known(&world, *number).await, 200, "dossier {number} was acknowledged");
    }
    let resume = world.post(&format!("{}/v1/partners/moet/resume", world.admin), Some(OPERATOR), &json!({})).await.unwrap();
    assert_eq!(resume.status, 200, "{}", resume.text);
    until(Duration::from_secs(60), "everything at the Ministry", async || {
        let book = world.shown(&world.ministry, "/_book/summary").await;
        (book["summary"]["processed"] == taken.len() || book["processed"] == taken.len()).then_some(())
    })
    .await;
}

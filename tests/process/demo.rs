//! `lienthong demo`: the main job, end to end, in one command, and an exit code that tells the truth.

use std::time::Duration;

use serde_json::Value;

use super::world::{PROGRAM, Process};

/// Runs it in a folder of its own; its exit code and the last line of what it printed.
async fn demo(more: &[&str]) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments: Vec<String> = ["demo", "--exit", "--json"].iter().chain(more).map(|a| (*a).to_owned()).collect();
    let mut process = Process::start(folder.path(), "demo", PROGRAM, &arguments);
    let code = process.ended(Duration::from_secs(240)).await;
    let out = std::fs::read_to_string(&process.out).unwrap();
    let last = serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap_or(Value::Null);
    (code, last, process.said())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_carries_at_least_thirty_dossiers_to_where_they_should_be() {
    let (code, last, said) = demo(&[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(last["dossiers"].as_u64() >= Some(30), "{last}\n{said}");
    assert_eq!(last["final"], last["dossiers"], "{said}");
    assert!(last["paid"].as_u64() > Some(0), "{last}");
    assert_eq!((&last["parked"], &last["lost"]), (&0.into(), &0.into()), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_fails_when_a_dossier_or_a_payment_is_missing_from_a_book() {
    let few = ["--dossiers", "8"];
    let (code, last, said) = demo(&[&few[..], &["--hide-dossier"]].concat()).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(last["lost"], 1, "{last}");
    let (code, last, said) = demo(&[&few[..], &["--hide-payment"]].concat()).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(last["lost"], 0, "{last}");
}

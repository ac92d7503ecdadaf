//! `lienthong torture`: a short one is green; with each fault that can be planted in the gateway it is red, for that fault's own reason.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;

use super::world::{PROGRAM, Process};

/// How many storms the machine carries at once; the one that must be green has it to itself, so that what is found is the gateway's doing.
static MACHINE: Semaphore = Semaphore::const_new(STORMS);
const STORMS: usize = 3;

/// Runs it in a folder of its own; its exit code, the last line of what it printed, and all it said.
async fn torture(more: &[&str]) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments: Vec<String> = ["torture", "--json"].iter().chain(more).map(|a| (*a).to_owned()).collect();
    let mut process = Process::start(folder.path(), "torture", PROGRAM, &arguments);
    let code = process.ended(Duration::from_secs(240)).await;
    let out = std::fs::read_to_string(&process.out).unwrap();
    let last = serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap_or(Value::Null);
    (code, last, process.said())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_torture_finds_nothing_wrong() {
    let _alone = MACHINE.acquire_many(u32::try_from(STORMS).unwrap()).await.unwrap();
    let (code, last, said) = torture(&["--seconds", "15", "--seed", "5"]).await;
    let count = |name: &str| last[name].as_u64().unwrap_or_else(|| panic!("{name} in {last}: {said}"));
    assert!(count("kills") >= 4 && count("acknowledged") >= 60 && count("paid") > 0, "there was a storm: {last}");
    assert!(last["calls"]["unanswered"].as_u64() > Some(0), "the load felt it: {last}");
    assert_eq!((code, &last["green"]), (Some(0), &Value::Bool(true)), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_each_planted_fault_it_is_red_for_that_reason() {
    if !cfg!(feature = "test-faults") {
        panic!("run with --features test-faults, as ./scripts/test does");
    }
    let planted = [
        ("drop-accept", "lost"),
        ("blind-repeat", "repeated_with_effect"),
        ("newest-first", "out_of_order"),
        ("no-pace", "over_limit"),
        ("drop-payment", "payments_lost"),
        ("second-transaction", "payments_double"),
        ("deaf", "not_recovered"),
    ];
    let mut runs = tokio::task::JoinSet::new();
    for (fault, kind) in planted {
        runs.spawn(async move {
            let _place = MACHINE.acquire().await.unwrap();
            // A fault that needs a kill at a bad moment may slip through a short storm on a busy machine, not through six.
            let mut last = (None, Value::Null, String::new());
            for seed in ["2", "3", "4", "5", "6", "7"] {
                last = torture(&["--seconds", "6", "--seed", seed, "--plant", fault]).await;
                if last.1[kind].as_u64() > Some(0) {
                    break;
                }
            }
            (fault, kind, last)
        });
    }
    for (fault, kind, (code, last, said)) in runs.join_all().await {
        assert_eq!(code, Some(1), "{fault}: {said}");
        assert!(last[kind].as_u64() > Some(0), "{fault} is seen as {kind}: {said}");
    }
}

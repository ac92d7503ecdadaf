//! Retention, killed again and again while it runs: what ended is gone with its files, what is open is delivered whole.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::{OPERATOR, PROGRAM, Process, Setup, World, until};

/// Dossiers that end before, and dossiers that are open all the while.
const ENDED: u64 = 20;
const OPEN: u64 = 3;
/// Forty days, as the gateway's clock is set on at its later starts.
const LATER: &str = "clock=0:3456000000";

/// Contents in the store.
fn contents(world: &World) -> usize {
    let folder = world.path().join("data/files");
    let files = |p: &Path| std::fs::read_dir(p).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    files(&folder).iter().filter(|p| !p.ends_with("tmp")).map(|p| files(p).len()).sum()
}

async fn statuses(world: &World, codes: &[String], want: &str) {
    until(Duration::from_secs(60), &format!("every dossier {want}"), async || {
        for code in codes {
            let shown = world.operator(&format!("/v1/dossiers/{code}")).await;
            if shown["status"] != want || shown["open"] != json!([]) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_runs_retention_takes_what_ended_and_nothing_of_what_is_open() {
    let mut world =
        World::without_gateway(Setup { ministry: vec!["--script", "refuse"], moet: "rate = \"100/s\"", ..Setup::default() })
            .await;
    let config = world.path().join("gateway.toml");
    let terms = "[retention]\nbodies = 30\nreceived = 30\nattempts = 30\nfiles = 30\nevents = 30\n[limits]";
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap().replace("[limits]", terms)).unwrap();
    world.start_gateway(&[], &[]).await;
    let mut ended = Vec::new();
    for n in 0..ENDED {
        ended.push(world.apply(n, "exam").await);
    }
    statuses(&world, &ended, "refused").await;
    let pause = json!({ "reason": "the test's own" });
    let admin = |path: &str| format!("{}{path}", world.admin);
    let paused = world.post(&admin("/v1/partners/moet/pause"), Some(OPERATOR), &pause).await.unwrap();
    assert_eq!(paused.status, 200, "{}", paused.text);
    let before = contents(&world);
    let mut open = Vec::new();
    for n in ENDED..ENDED + OPEN {
        open.push(world.apply(n, "exam").await);
    }
    let kept = contents(&world) - before;
    assert!(before > 0 && kept > 0, "the dossiers carry files: {before}, {kept}");

    drop(world.kill_gateway());
    let (run, mut cut) = ("/v1/retention/run", 0);
    for kill in 0..6 {
        world.start_gateway(&[], &["--rehearse", LATER]).await;
        if world.operator("/v1/retention").await["last"].is_null() {
            let url = format!("{}{run}", world.admin);
            assert_eq!(world.post(&url, Some(OPERATOR), &pause).await.unwrap().status, 202);
        }
        tokio::time::sleep(Duration::from_millis(60 + 35 * kill)).await;
        cut += u32::from(world.operator("/v1/retention").await["last"]["ended"].is_null());
        drop(world.kill_gateway());
    }
    assert!(cut > 0, "no kill met the run");
    world.start_gateway(&[], &["--rehearse", LATER]).await;
    let last = until(Duration::from_secs(30), "the end of the run", async || {
        let last = world.operator("/v1/retention").await["last"].clone();
        (!last["ended"].is_null()).then_some(last)
    })
    .await;
    assert_eq!((last["run"].as_u64(), last["who"].as_str()), (Some(1), Some("van-hanh")), "one run, however often it was cut");
    assert_eq!(contents(&world), kept, "the files of what ended are gone, those of what is open are here");
    for code in &ended {
        let shown = world.operator(&format!("/v1/dossiers/{code}")).await;
        assert!(shown["removed"]["bodies"].as_u64() >= Some(2) && !shown["removed"]["files_at"].is_null(), "{shown}");
    }
    let told = world.operator("/v1/deliveries?state=done&limit=1000").await;
    let done = told["deliveries"].as_array().unwrap();
    assert!(done.len() as u64 >= 2 * ENDED, "submitted, and told: {}", done.len());
    for delivery in done.iter().filter(|d| d["dossier"].as_str().is_some_and(|code| ended.iter().any(|e| e == code))) {
        let shown = world.operator(&format!("/v1/deliveries/{}", delivery["delivery"])).await;
        assert!(shown["body_gone"]["digest"].as_str().is_some_and(|d| d.starts_with("sha256:")), "{shown}");
    }
    let again = json!({ "reason": "again" });
    assert_eq!(world.post(&format!("{}{run}", world.admin), Some(OPERATOR), &again).await.unwrap().status, 202);
    let second = until(Duration::from_secs(30), "the end of the second run", async || {
        let last = world.operator("/v1/retention").await["last"].clone();
        (last["run"] == 2 && !last["ended"].is_null()).then_some(last)
    })
    .await;
    assert_eq!(second["removed"], json!([]), "the same again removes nothing");
    shown_by_the_commands(&world, &ended[0]).await;

    // What was open all the while goes out whole, its files with it; by the machine's own time, which is the partners' too.
    drop(world.kill_gateway());
    world.start_gateway(&[], &[]).await;
    let resumed = world.post(&format!("{}/v1/partners/moet/resume", world.admin), Some(OPERATOR), &Value::Null).await.unwrap();
    assert_eq!(resumed.status, 200, "{}", resumed.text);
    statuses(&world, &open, "refused").await;
    let summary = world.shown(&world.ministry, "/_book").await["summary"].clone();
    assert_eq!(summary["violations"], 0, "{summary}");
}

/// The commands tell the same, in words.
async fn shown_by_the_commands(world: &World, code: &str) {
    for (n, (words, told)) in [
        (vec!["retention"], "retention: run 2"),
        (vec!["retention", "--dry-run"], "would go"),
        (vec!["dossier", code], "(by retention / theo thời hạn lưu giữ)"),
        (vec!["deliveries", "show", "1"], "removed"),
        (vec!["status"], "retention: run 2"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut all: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        // `deliveries` takes where the gateway is before its own subcommand.
        let reach = ["--admin", &world.admin, "--token", OPERATOR].map(str::to_owned);
        let at = if words[0] == "deliveries" { 1 } else { all.len() };
        all.splice(at..at, reach);
        let mut process = Process::start(world.path(), &format!("command-{n}"), PROGRAM, &all);
        assert_eq!(process.ended(Duration::from_secs(20)).await, Some(0), "{words:?}: {}", process.said());
        assert!(process.said().contains(told), "{words:?}: {}", process.said());
    }
}

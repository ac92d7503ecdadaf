//! Many deliveries are kept for a person because of one cause: the operator asks how many it would be, mends the cause, and lets them go
//! together, by commands alone. What was done stands in the audit.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::dossiers::exam;
use super::reload::{command, said};
use super::world::{Setup, World, until};

const MANY: u32 = 12;

/// What a command says; it takes where and who after its own subcommand, and must succeed.
fn told(world: &World, arguments: &[&str]) -> String {
    let output = command(world, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

async fn count(world: &World, states: &[&str]) -> u64 {
    let all = world.operator("/v1/partners").await;
    let moet = all["partners"].as_array().unwrap().iter().find(|p| p["partner"] == "moet").unwrap().clone();
    states.iter().map(|state| moet[state].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_cause_kept_is_counted_released_together_and_stands_in_the_audit() {
    let moet = "rate = \"100/s\"\nat_once = 20";
    let mut world = World::without_gateway(Setup { ministry: vec!["--script", "silent"], moet, ..Setup::default() }).await;
    // Somebody wrote the Ministry's address down wrongly.
    let config = world.path().join("gateway.toml");
    let right = fs::read_to_string(&config).unwrap();
    fs::write(&config, right.replace(&format!("\"{}\"", world.ministry.url), &format!("\"{}/khong-dung\"", world.ministry.url)))
        .unwrap();
    world = world.with_gateway().await;
    let token = world.token().await;
    for number in 1..=MANY {
        let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(&token), &exam(number)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    until(Duration::from_secs(30), "all of them kept", async || {
        (count(&world, &["parked"]).await == u64::from(MANY)).then_some(())
    })
    .await;
    let kept: Value = serde_json::from_str(&told(&world, &["deliveries", "list", "--parked", "--json"])).unwrap();
    let reason = kept["deliveries"][0]["reason"].as_str().unwrap().to_owned();
    let word = reason.split(':').next().unwrap();
    assert!(told(&world, &["deliveries", "list", "--parked", "--partner", "moet"]).contains(word));

    // How many would it be? Nothing happens for asking.
    let release = ["deliveries", "release", "--partner", "moet", "--reason-is", word];
    let dry = told(&world, &[&release[..], &["--dry-run"]].concat());
    assert!(dry.contains("12 would be released, 0 more fit; nothing was done"), "{dry}");
    let other = told(&world, &[&release[..], &["--kind", "dossier.withdraw", "--dry-run"]].concat());
    assert!(other.contains("0 would be released"), "{other}");
    let none = told(&world, &["deliveries", "release", "--partner", "moet", "--reason-is", "another", "--dry-run"]);
    assert!(none.contains("0 would be released"), "{none}");
    assert_eq!(count(&world, &["parked"]).await, u64::from(MANY));
    // Without a reason nothing is done; what to give is said.
    let bare = command(&world, &release);
    assert!(!bare.status.success() && said(&bare).contains("--reason"), "{bare:?}");

    fs::write(&config, right).unwrap();
    told(&world, &["reload"]);
    let first = told(&world, &[&release[..], &["--limit", "5", "--reason", "đã sửa địa chỉ"]].concat());
    assert!(first.contains("5 released, at the partner's pace; 7 more fit"), "{first}");
    let rest: Value =
        serde_json::from_str(&told(&world, &[&release[..], &["--reason", "đã sửa địa chỉ", "--json"]].concat())).unwrap();
    assert_eq!(rest, json!({ "released": 7, "left": 0, "doubtful": 0, "dry_run": false }));
    until(Duration::from_secs(40), "everything at the Ministry", async || {
        (count(&world, &["waiting", "claimed", "unknown", "parked"]).await == 0).then_some(())
    })
    .await;
    let book = world.shown(&world.ministry, "/_book").await;
    let summary = &book["summary"];
    assert_eq!((&summary["violations"], &summary["repeats"]), (&json!(0), &json!(0)), "{summary}");
    assert_eq!(summary["processed"], MANY, "{summary}");

    world.kill_gateway();
    let books = rusqlite::Connection::open(world.path().join("data/journal.db")).unwrap();
    let mut read = books.prepare("SELECT who, about, data FROM audit WHERE what = 'release-all' ORDER BY seq").unwrap();
    let rows = read.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?))).unwrap();
    let rows: Vec<(String, String, Value)> =
        rows.map(|row| row.unwrap()).map(|(who, about, data)| (who, about, serde_json::from_str(&data).unwrap())).collect();
    let released: Vec<usize> = rows.iter().map(|(.., data)| data["deliveries"].as_array().unwrap().len()).collect();
    assert_eq!(released, [5, 7], "two acts, and none for what was only asked: {rows:?}");
    for (who, about, data) in &rows {
        assert_eq!((about.as_str(), data["reason"].as_str()), ("moet", Some("đã sửa địa chỉ")), "{data}");
        assert!(!who.is_empty() && who != "gateway", "{who}");
        assert_eq!(data["reason_is"], word, "{data}");
    }
}

//! `lienthong forecast` over a queue that is really filled, and what if it were fed faster: the figures an operator reads.

use serde_json::{Value, json};

use super::dossiers::exam;
use super::reload::{command, said};
use super::world::{Setup, World};
use lienthong::clock::{Clock as _, Time, Wall};

const EXAMS: u32 = 140;
const REVIEWS: u32 = 60;

/// An application for review of the summer of 2025: its fifteen days are long over.
fn review(number: u32) -> Value {
    let sample = include_str!("../../adapters/hanoi/samples/submit/review-2025.json");
    let mut body: Value = serde_json::from_str(sample).unwrap();
    body["MaHoSo"] = format!("H26.15-20250718-{number:07}").into();
    body["ThanhPhanHoSo"][0]["GiayToDinhKem"] = json!([]);
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_is_told_when_the_queue_is_drained_and_how_many_are_late() {
    let moet = "paused = true\nrate = \"5/s\"\nat_once = 4";
    let world = World::start(Setup { moet, ..Setup::default() }).await;
    let token = world.token().await;
    let all = (1..=EXAMS).map(exam).chain((1..=REVIEWS).map(review));
    for body in all {
        let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(&token), &body).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // 200 messages at 5 and at 40 a second; two parts in a hundred are headroom, a call is taken to last 50 ms as long as none was made.
    for (rate, seconds) in [(None, 40.0), (Some("40/s"), 5.0), (Some("300/min"), 40.0)] {
        let arguments =
            [&["forecast", "--partner", "moet", "--json"][..], &rate.map_or(vec![], |rate| vec!["--rate", rate])].concat();
        let asked = Wall::new().now();
        let done = command(&world, &arguments);
        let answered = Wall::new().now();
        assert!(done.status.success(), "{}", said(&done));
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        let told = &told["forecasts"][0];
        assert_eq!((&told["waiting"], &told["late"], &told["held"]), (&json!(200), &json!(REVIEWS), &json!(0)), "{told}");
        assert_eq!(told["classes"][0]["no_date"], EXAMS, "{told}");
        let drained = Time::parse(told["drained_at"].as_str().unwrap()).unwrap();
        // Times are told in whole seconds.
        let (least, most) = (drained.ms_since(answered) as f64 / 1000.0, drained.ms_since(asked) as f64 / 1000.0);
        assert!(most >= seconds - 1.0 && least <= seconds * 1.02 + 1.5, "{rate:?}: {least} to {most} s, a hand says {seconds}");
    }
    let told = said(&command(&world, &["forecast", "--partner", "moet", "--rate", "40/s"]));
    for part in [
        "200 lượt chuyển đang chờ",
        "60 hồ sơ trễ hạn",
        "200 messages wait, drained at",
        "60 dossiers miss their date",
        "It is paused",
    ] {
        assert!(told.contains(part), "no `{part}`: {told}");
    }
    let wrong = command(&world, &["forecast", "--rate", "schnell"]);
    assert!(!wrong.status.success() && said(&wrong).contains("5/s, 300/min"), "{}", said(&wrong));
}

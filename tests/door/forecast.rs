//! `/v1/forecast` over a queue that was really filled through the door, its figures set beside a calculation of the test's own: the nearest
//! deadline first, one message every so many seconds.

use crate::rig::{CALL, Gate, submission};
use lienthong::catalogue::Files;
use lienthong::clock::{Clock as _, Time};
use lienthong::seal::sha256_hex;
use serde_json::{Value, json};
use std::path::Path;

/// A pace is kept to this much less than agreed, and never more (docs/feeding.md).
const HEADROOM: f64 = 1.02;

/// An application for review, answered within fifteen calendar days of the day it is handed in.
fn review(n: usize, day: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/hanoi/samples/submit/review-2025.json");
    let mut body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    body["MaHoSo"] = format!("H26.15-20260701-{n:07}").into();
    body["NgayNop"] = format!("{day} 10:00:00").into();
    body["ThanhPhanHoSo"][0]["GiayToDinhKem"] = json!([]);
    body
}

/// An exam registration: its term is not known.
fn exam(n: usize) -> Value {
    let mut body = submission("x", "x");
    body["MaHoSo"] = format!("H26.15-20260702-{n:07}").into();
    body["ThanhPhanHoSo"][0]["GiayToDinhKem"] = json!([]);
    body
}

async fn hand_in(gate: &Gate, token: &str, body: &Value) {
    let answer = gate.portal_as(token, "/hanoi/ho-so", body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    gate.clock.turn(std::time::Duration::from_millis(5));
}

/// The deadline's day as the dossier itself shows it; none: it has none.
async fn due(gate: &Gate, code: &str) -> Option<i64> {
    gate.clock.turn(std::time::Duration::from_millis(20));
    let answer = gate.operator(&format!("/v1/dossiers/{code}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["due_at"].as_str().map(|at| Time::parse(at).unwrap().day())
}

async fn forecast(gate: &Gate, query: &str) -> Value {
    let answer = gate.operator(&format!("/v1/forecast?{query}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["forecasts"][0].clone()
}

fn drained(told: &Value) -> Time {
    Time::parse(told["drained_at"].as_str().unwrap_or_else(|| panic!("not drained: {told}"))).unwrap()
}

/// How many are late when one goes every `ms`, the nearest deadline first, those without one as if due in fourteen days.
fn late(deadlines: &[Option<i64>], from: Time, ms: f64) -> u64 {
    let mut order: Vec<(i64, bool)> = deadlines.iter().map(|d| (d.unwrap_or(from.day() + 14), d.is_some())).collect();
    order.sort_unstable();
    #[expect(clippy::cast_possible_truncation, reason = "some days in milliseconds")]
    let done = |k: usize| from.plus_ms(((k + 1) as f64 * ms) as i64);
    order.iter().enumerate().filter(|(k, (day, dated))| *dated && done(*k).day() > *day).count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_queue_is_foretold_as_a_hand_calculates_it() {
    let bulk = format!(
        "[[caller]]\nname='import'\npartner='hanoi'\nroles=['portal']\nclass='bulk'\nclient={{id='nhap',secret_sha256='{}'}}\n",
        sha256_hex(b"chu-nhap")
    );
    let gate = Gate::with(&Files::embedded(), &bulk).await;
    let pause = gate.operator("/v1/partners/moet/pause", Some(json!({ "reason": "họ bảo trì" }))).await;
    assert_eq!(pause.status, 200, "{}", pause.text);
    let token = gate.token().to_owned();
    let mut deadlines = Vec::new();
    // Over already; due today; due in some days.
    for (count, day) in [(40, "2026-07-01"), (120, "2026-07-06"), (60, "2026-07-09")] {
        for _ in 0..count {
            let body = review(deadlines.len() + 1, day);
            hand_in(&gate, &token, &body).await;
            deadlines.push(due(&gate, body["MaHoSo"].as_str().unwrap()).await);
        }
    }
    for n in 1..=80 {
        hand_in(&gate, &token, &exam(n)).await;
        deadlines.push(None);
    }
    let days: Vec<i64> = deadlines.iter().flatten().copied().collect();
    let today = gate.clock.now().day();
    assert_eq!(days.len(), 220, "reviews have a term, exams have none");
    assert!(days.contains(&(today - 5)) && days.contains(&today) && days.contains(&(today + 3)), "{days:?}");

    // Ten an hour: thirty hours, over midnight.
    for (rate, ms) in [("10/h", 360_000.0), ("20/h", 180_000.0), ("240/day", 360_000.0), ("2/min", 30_000.0)] {
        let told = forecast(&gate, &format!("partner=moet&rate={rate}")).await;
        let now = gate.clock.now();
        assert_eq!((told["waiting"].as_u64(), told["classes"][0]["no_date"].as_u64()), (Some(300), Some(80)), "{told}");
        assert!(told["text"].as_str().unwrap().contains("Đang tạm dừng"), "{told}");
        let took = drained(&told).ms_since(now) as f64;
        let (least, most) = (300.0 * ms, 300.0 * ms * HEADROOM + ms + CALL.as_millis() as f64);
        assert!((least..=most).contains(&took), "{rate}: {took} ms, a hand says {least} to {most}");
        // The headroom makes them a little later, never earlier.
        let (least, most) = (late(&deadlines, now, ms), late(&deadlines, now, ms * HEADROOM));
        let said = told["late"].as_u64().unwrap();
        assert!((least..=most + 1).contains(&said), "{rate}: {said} late, a hand says {least} to {most}");
        assert!(least >= 40, "{rate}: those that were over already are late however fast it goes");
    }
    let slow = forecast(&gate, "partner=moet&rate=10/h").await;
    let fast = forecast(&gate, "partner=moet&rate=2/min").await;
    assert!(slow["late"].as_u64() > fast["late"].as_u64() && fast["late"] == 40, "{slow} {fast}");

    // A mass import beside it, of another class: what is due is hardly touched, the whole takes as long as all of it.
    let import = gate.sign_in("nhap", "chu-nhap").await;
    for n in 81..=180 {
        hand_in(&gate, &import, &exam(n)).await;
    }
    let both = forecast(&gate, "partner=moet&rate=20/h").await;
    let now = gate.clock.now();
    let classes: Vec<(&str, u64)> = both["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["class"].as_str().unwrap(), c["waiting"].as_u64().unwrap()))
        .collect();
    assert_eq!(classes, [("bulk", 100), ("citizen", 300)], "{both}");
    let took = drained(&both).ms_since(now) as f64;
    let (least, most) = (400.0 * 180_000.0, 400.0 * 180_000.0 * HEADROOM + 180_050.0);
    assert!((least..=most).contains(&took), "{took} ms, a hand says {least} to {most}");
    // Citizens have 40 of 45 calls while both wait: at the worst each of their messages takes 45/40 of its time.
    let (least, most) = (late(&deadlines, now, 180_000.0), late(&deadlines, now, 180_000.0 * HEADROOM * 45.0 / 40.0) + 1);
    let said = both["late"].as_u64().unwrap();
    assert!((least..=most).contains(&said), "{said} late, a hand says {least} to {most}");
}

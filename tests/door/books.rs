//! The operator reconciles: a statement against the books, cases for what differs, the sheet, what was paid and not told.

use crate::rig::{Answer, Gate};
use lienthong::clock::Time;
use lienthong::journal::{Effects, Journal as _, NewDelivery};
use lienthong::model::{Account, Kind, Movement, Payment, Vnd};
use serde_json::{Value, json};

const HEAD: &str = "transaction_id,transaction_code,trans_amount,payment_fee,paid_at,settled_at,status\n";
const DAY: &str = "2026-07-20";

fn time(text: &str) -> Time {
    Time::parse(&format!("{text}+07:00")).unwrap()
}

fn payment(transaction: &str, state: &str) -> Payment {
    serde_json::from_value(json!({
        "transaction": transaction, "dossier": format!("D-{transaction}"), "partner": "keypay", "amount": 150_000, "state": state,
        "link": null, "return_url": "", "requested_at": time("2026-07-20T08:00:00"), "expires_at": time("2026-07-20T08:15:00"),
        "asked_at": null, "platform_transaction": format!("VND{transaction}"), "version": 1,
    }))
    .unwrap()
}

fn paid(transaction: &str, at: &str) -> Effects {
    let movement = Movement {
        transaction: transaction.to_owned(),
        dossier: format!("D-{transaction}"),
        refund: None,
        debit: Account::Citizen,
        credit: Account::Platform,
        amount: Vnd::new(150_000).unwrap(),
        kind: "payment".to_owned(),
        at: time(at),
    };
    Effects { payments: vec![payment(transaction, "paid")], movements: vec![movement], ..Effects::default() }
}

pub(crate) fn row(transaction: &str, amount: u64) -> String {
    format!("{transaction},VND{transaction},{amount},0,2026-07-20T08:10:00+07:00,2026-07-21T09:00:00+07:00,0\n")
}

pub(crate) async fn hand_in(gate: &Gate, day: &str, dry: bool, rows: &str) -> Answer {
    gate.operator_by("POST", &format!("/v1/statements?partner=keypay&day={day}&dry={dry}"), format!("{HEAD}{rows}")).await
}

/// Four payments of the day, one after the cut-off, one that the books know as expired.
pub(crate) async fn booked() -> Gate {
    let gate = Gate::open().await;
    for (transaction, at) in [
        ("AAAA", "2026-07-20T08:10:05"),
        ("BBBB", "2026-07-20T08:10:05"),
        ("CCCC", "2026-07-20T22:10:05"),
        ("LATE", "2026-07-20T23:30:00"),
    ] {
        assert!(gate.journal.apply(paid(transaction, at)).await.unwrap());
    }
    let expired = Effects { payments: vec![payment("GONE", "expired")], ..Effects::default() };
    assert!(gate.journal.apply(expired).await.unwrap());
    gate.clock.turn(std::time::Duration::from_secs(86_400));
    gate
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_compared_kept_and_its_differences_are_cases_once() {
    let gate = booked().await;
    let rows = row("AAAA", 150_000) + &row("BBBB", 149_000) + &row("GONE", 150_000);
    let dry = hand_in(&gate, DAY, true, &rows).await;
    assert_eq!((dry.status, &dry.json()["statement"]), (200, &Value::Null), "{}", dry.text);
    assert_eq!(gate.operator_by("GET", "/v1/cases", "").await.json()["cases"], json!([]), "only looked at");
    let first = hand_in(&gate, DAY, false, &rows).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let told = first.json();
    let sums = &told["told"]["sums"]["payment"];
    let of = |class: &str| {
        [&sums[class]["rows"], &sums[class]["theirs"], &sums[class]["booked"], &sums[class]["ours"]].map(|v| v.as_u64().unwrap())
    };
    assert_eq!(of("matched"), [1, 150_000, 1, 150_000]);
    assert_eq!(of("mismatched"), [1, 149_000, 1, 150_000]);
    assert_eq!(of("missing-ours"), [1, 150_000, 0, 0]);
    assert_eq!(of("missing-theirs"), [0, 0, 1, 150_000]);
    assert_eq!(of("expected"), [0, 0, 1, 150_000]);
    assert_eq!(of("all"), [3, 449_000, 4, 600_000]);
    let cases = gate.operator_by("GET", "/v1/cases", "").await.json()["cases"].clone();
    let kinds: Vec<&str> = cases.as_array().unwrap().iter().map(|c| c["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["statement-mismatch", "statement-missing-ours", "statement-missing-theirs"]);
    let shown = gate.operator_by("GET", "/v1/cases/2", "").await.json();
    assert!(shown["help"].as_str().unwrap().contains("đã hết hạn"), "how it stands with us is said: {shown}");
    // A person decides one; the same day again doubles nothing and loses nothing.
    let closed = gate.operator_by("POST", "/v1/cases/2/close", json!({ "reason": "đã hoàn cho người nộp" }).to_string()).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    let again = hand_in(&gate, DAY, false, &rows).await.json();
    assert_eq!((again["statement"].as_u64(), again["resolved"].as_u64()), (Some(2), Some(0)));
    assert_eq!(gate.operator_by("GET", "/v1/cases?state=all", "").await.json()["cases"].as_array().unwrap().len(), 3);
    // The next day's statement has what was missing: its case says so; yesterday's late payment is there too.
    let next = row("CCCC", 150_000) + &row("LATE", 150_000).replace("08:10:00", "23:30:00");
    let next = hand_in(&gate, "2026-07-21", false, &next.replace("2026-07-20T08:10", "2026-07-20T23:05")).await.json();
    assert_eq!((&next["differences"], next["resolved"].as_u64()), (&json!([]), Some(1)), "{next}");
    let resolved = gate.operator_by("GET", "/v1/cases/3", "").await.json();
    assert_eq!((resolved["state"].as_str(), resolved["decision"].as_str()), (Some("closed"), Some("resolved")));
    assert!(resolved["history"][1]["reason"].as_str().unwrap().contains("2026-07-21"), "{resolved}");
    let past = gate.operator_by("GET", "/v1/statements?partner=keypay", "").await.json();
    let replaced: Vec<_> = past["statements"].as_array().unwrap().iter().map(|s| s["replaced"].as_bool().unwrap()).collect();
    assert_eq!(replaced, [false, false, true], "newest first");
    let listed = gate.operator_by("GET", "/v1/statements/2/lines?class=mismatched", "").await.json();
    assert_eq!(listed["lines"][0]["differences"], json!([{ "field": "amount", "theirs": 149_000, "ours": 150_000 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_cannot_be_is_refused_with_its_lines_and_leaves_nothing() {
    let gate = booked().await;
    for (path, body, status, code) in [
        ("partner=keypay&day=2026-07-20", format!("{HEAD}A,B,1.5e5,0,,,0\n"), 422, "statement-broken"),
        ("partner=moet&day=2026-07-20", String::new(), 422, "statement-partner"),
        ("partner=keypay&day=2030-01-01", HEAD.to_owned(), 422, "statement-day"),
        ("partner=keypay&day=20-07-2026", HEAD.to_owned(), 400, "request-invalid"),
    ] {
        let answer = gate.operator_by("POST", &format!("/v1/statements?{path}"), body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str().unwrap()), (status, code), "{path}: {}", answer.text);
    }
    let broken =
        gate.operator_by("POST", "/v1/statements?partner=keypay&day=2026-07-20", format!("{HEAD}A,B,1.5e5,0,,,0\n")).await;
    assert_eq!(broken.json()["errors"][0]["pointer"], "2:trans_amount");
    assert!(broken.json()["errors"][0]["detail"].as_str().unwrap().contains("dòng 2, cột trans_amount"), "{}", broken.text);
    let strangers: String = (0..10_001).map(|n| row(&format!("X{n}"), 1)).collect();
    let other = hand_in(&gate, DAY, false, &strangers).await;
    assert_eq!((other.status, other.json()["code"].as_str().unwrap()), (422, "statement-differs"));
    assert_eq!(gate.operator_by("GET", "/v1/statements", "").await.json()["statements"], json!([]));
    assert_eq!(gate.operator_by("GET", "/v1/cases", "").await.json()["cases"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_is_whole_and_no_cell_of_it_is_a_formula() {
    let gate = booked().await;
    let many: String = (0..2_100).map(|n| row(&format!("X{n:04}"), 1_000)).collect();
    let rows = row("AAAA", 150_000) + &row("=cmd|' /C calc'!A0", 1) + &many;
    assert_eq!(hand_in(&gate, DAY, false, &rows).await.status, 201);
    let sheet = gate.operator_by("GET", "/v1/statements/1/csv?bom=true", "").await;
    assert!(sheet.text.starts_with('\u{feff}') && sheet.headers["content-type"] == "text/csv; charset=utf-8");
    let mut reader = csv::Reader::from_reader(sheet.text.trim_start_matches('\u{feff}').as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    // Two thousand a page: rows and our own lines are all there, once.
    assert_eq!(records.len(), 2 + 2_100 + 3);
    let wrong = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(!records.iter().flatten().any(wrong), "a cell that a spreadsheet would run");
    assert!(records.iter().any(|r| &r[3] == "'=cmd|' /C calc'!A0"));
    let plain = gate.operator_by("GET", "/v1/statements/1/csv", "").await;
    assert!(plain.text.starts_with("Kết quả,"));
}

/// A message that tells somebody of a paid fee.
fn told(lane: &str, transaction: &str, kind: Kind) -> NewDelivery {
    let body = json!({ "code": lane, "sequence": 1, "paid": true, "amount": 150_000, "transaction": transaction });
    NewDelivery {
        partner: "hanoi".into(),
        route: "fee".into(),
        lane: lane.into(),
        dossier: Some(lane.into()),
        class: "citizen".into(),
        caller: "keypay".into(),
        deadline: None,
        not_before: None,
        id: format!("m-{lane}"),
        at: time("2026-07-20T08:11:00"),
        kind,
        body: Some(body.into()),
        trace: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_and_not_told_and_what_is_told_and_not_paid_is_listed() {
    let gate = booked().await;
    let deliveries = vec![
        told("D-BBBB", "BBBB", Kind::FeeChange),
        told("D-GONE", "GONE", Kind::FeePaid),
        told("D-AAAA", "AAAA", Kind::FeeChange),
    ];
    assert!(gate.journal.apply(Effects { deliveries, ..Effects::default() }).await.unwrap());
    gate.deliver("hanoi", &["D-AAAA", "D-GONE"]).await;
    let list = |name: &str| format!("/v1/told?list={name}&day={DAY}");
    let answer = gate.operator_by("GET", &list("paid-not-told"), "").await.json();
    let shown: Vec<_> = answer["payments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["transaction"].as_str().unwrap(), p["state"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("BBBB", "waiting"), ("CCCC", "none"), ("LATE", "none")], "{answer}");
    let answer = gate.operator_by("GET", &list("told-not-paid"), "").await.json();
    let shown: Vec<_> = answer["payments"].as_array().unwrap().iter().map(|p| p["transaction"].as_str().unwrap()).collect();
    assert_eq!(shown, ["GONE"], "{answer}");
    assert_eq!(gate.operator_by("GET", "/v1/told?list=nonsense&day=2026-07-20", "").await.status, 400);
}

//! The fee: the citizen's click, the platform's notices and questions.

use crate::rig::{CODE, Gate, notice};
use lienthong::clock::Clock as _;
use lienthong::journal::{CaseFilter, Effects, Journal as _, NewDelivery};
use lienthong::model::{FeeState, Kind, Payment, PaymentState};
use serde_json::{Value, json};
use std::time::Duration;

const LINK: &str = "https://thanh-toan.vidu.example/tra?ma=1";
const KEY_2: &str = "khoa-hai-thu-nghiem";

/// A dossier that owes 150 000 VND.
async fn owing() -> Gate {
    let gate = Gate::open().await;
    gate.submit().await;
    gate.push("bgd-1", 2, "2026-07-21T08:00:00+07:00", "").await;
    let fee = "<PhiPhaiNop><SoTien>150000</SoTien><MaPhi>LP01</MaPhi><TenPhi>Lệ phí dự thi</TenPhi></PhiPhaiNop>";
    let answer = gate.push("bgd-2", 6, "2026-07-21T08:05:00+07:00", fee).await;
    assert_eq!(answer.xml("MaPhanHoi").as_deref(), Some("0"), "{}", answer.text);
    gate
}

fn click() -> Value {
    json!({ "MaHoSo": CODE, "return_url": "https://cong.vidu.example/thanh-toan/xong" })
}

/// A click that does not wait.
async fn click_now(gate: &Gate) -> (u16, Value) {
    let auth = format!("Bearer {}", gate.token());
    let answer = gate.send("/hanoi/thanh-toan", &[("authorization", &auth), ("prefer", "wait=0")], click().to_string()).await;
    (answer.status, answer.json())
}

async fn payment(gate: &Gate) -> Payment {
    gate.journal.snapshot(CODE).await.unwrap().payments.into_iter().next_back().unwrap()
}

/// What the dispatcher does when the platform answers.
async fn link_arrives(gate: &Gate) {
    let payment = payment(gate).await;
    let payment = Payment { link: Some(LINK.into()), version: payment.version + 1, ..payment };
    assert!(gate.journal.apply(Effects { payments: vec![payment], ..Effects::default() }).await.unwrap());
}

fn queries(open: &[lienthong::journal::DeliveryView]) -> usize {
    open.iter().filter(|d| d.kind == "payment.query").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_without_a_link_yet_is_202_and_the_same_click_gives_the_link() {
    let gate = owing().await;
    let (status, told) = click_now(&gate).await;
    let transaction = told["transaction_id"].as_str().unwrap().to_owned();
    assert_eq!((status, told["MaHoSo"].as_str(), transaction.len()), (202, Some(CODE), 20));
    assert_eq!(click_now(&gate).await, (202, told), "one open transaction");
    link_arrives(&gate).await;
    let answer = gate.portal("/hanoi/thanh-toan", &click()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "payment_url": LINK, "transaction_id": transaction })));
    assert_eq!(gate.journal.snapshot(CODE).await.unwrap().payments.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_right_after_the_time_is_over_gets_no_second_link_before_the_platforms_last_word() {
    let gate = owing().await;
    click_now(&gate).await;
    link_arrives(&gate).await;
    // What the clock does when its time is over: it counts as expired, the fee is owed again, the platform is asked.
    let snapshot = gate.journal.snapshot(CODE).await.unwrap();
    let (mut dossier, mut payment) = (snapshot.dossier.unwrap(), snapshot.payments[0].clone());
    gate.clock.turn(Duration::from_secs(901));
    payment = Payment { state: PaymentState::Expired, version: payment.version + 1, ..payment };
    let fee = dossier.fee.as_mut().unwrap();
    (fee.state, fee.transaction) = (FeeState::Owed, None);
    dossier.version += 1;
    let open = snapshot.open.iter().find(|d| d.kind == "payment.request").unwrap();
    let asked = NewDelivery {
        partner: "keypay".into(),
        route: "query".into(),
        lane: format!("{}/query", payment.transaction),
        dossier: Some(CODE.into()),
        class: "payment".into(),
        caller: "gateway".into(),
        deadline: None,
        not_before: None,
        id: open.id.replace('0', "1"),
        at: gate.clock.now(),
        kind: Kind::PaymentQuery,
        body: Some(json!({ "transaction": payment.transaction }).into()),
        trace: None,
    };
    let effects =
        Effects { dossier: Some(dossier), payments: vec![payment.clone()], deliveries: vec![asked], ..Effects::default() };
    assert!(gate.journal.apply(effects).await.unwrap());
    let told = json!({ "MaHoSo": CODE, "transaction_id": payment.transaction });
    let answer = gate.portal("/hanoi/thanh-toan", &click()).await;
    assert_eq!((answer.status, answer.json()), (202, told), "at once, although the route waits for a link");
    assert_eq!(gate.journal.snapshot(CODE).await.unwrap().payments.len(), 1);
    gate.clock.turn(Duration::from_secs(61));
    assert_ne!(click_now(&gate).await.1["transaction_id"], payment.transaction.as_str(), "not for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_waits_gets_the_link_in_one_call() {
    let gate = owing().await;
    let body = click();
    let clicked = gate.portal("/hanoi/thanh-toan", &body);
    let arrives = async {
        let mut notices = gate.journal.notices();
        while gate.journal.snapshot(CODE).await.unwrap().payments.is_empty() {
            let _ = tokio::time::timeout(Duration::from_millis(20), notices.recv()).await;
        }
        link_arrives(&gate).await;
    };
    let (answer, ()) = tokio::join!(clicked, arrives);
    assert_eq!((answer.status, answer.json()["payment_url"].as_str()), (200, Some(LINK)), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_to_come_back_to_must_be_on_the_list() {
    let gate = owing().await;
    let rows = gate.rows();
    for target in [
        "https://ke-gian.example/",
        "https://cong.vidu.example.ke-gian.example/thanh-toan",
        "http://cong.vidu.example/thanh-toan",
    ] {
        let answer = gate.portal("/hanoi/thanh-toan", &json!({ "MaHoSo": CODE, "return_url": target })).await;
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (422, Some("return-address")), "{}", answer.text);
    }
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_a_hint_the_same_one_counts_once_and_the_platform_is_asked() {
    let gate = owing().await;
    click_now(&gate).await;
    let transaction = payment(&gate).await.transaction;
    let body = notice(&transaction, 150_000, 0, KEY_2).to_string();
    let first = gate.send("/keypay/thong-bao", &[], body.clone()).await;
    assert_eq!((first.status, first.json()), (200, json!({ "return_code": 0, "return_msg": "success" })));
    assert_eq!(payment(&gate).await.state, PaymentState::Requested, "only the query decides");
    assert_eq!(queries(&gate.journal.snapshot(CODE).await.unwrap().open), 1);
    let rows = gate.rows();
    for _ in 0..50 {
        assert_eq!(gate.send("/keypay/thong-bao", &[], body.clone()).await.json()["return_code"], 0);
    }
    assert_eq!(gate.rows(), rows, "the same notice writes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_check_sum_is_refused_in_the_platforms_words_and_asks_once_in_ten_minutes() {
    let gate = owing().await;
    click_now(&gate).await;
    let transaction = payment(&gate).await.transaction;
    let forged = notice(&transaction, 150_000, 0, "khoa-sai");
    let asked = gate.journal.payment(&transaction).await.unwrap().unwrap().asked_at;
    for n in 0..20 {
        let answer = gate.send("/keypay/thong-bao", &[], forged.to_string()).await;
        assert_eq!((answer.status, answer.json()["return_code"].as_i64()), (200, Some(-1)), "{n}: {}", answer.text);
        assert!(answer.json()["return_msg"].as_str().is_some_and(|t| t.contains("mã kiểm tra")));
    }
    let snapshot = gate.journal.snapshot(CODE).await.unwrap();
    assert!(queries(&snapshot.open) <= 1, "{:?}", snapshot.open);
    assert_eq!(snapshot.payments[0].state, PaymentState::Requested);
    let rows = gate.rows();
    let calls = gate.journal.snapshot(CODE).await.unwrap().open.len();
    for n in 0..200 {
        gate.send("/keypay/thong-bao", &[], forged.to_string()).await;
        gate.send("/keypay/thong-bao", &[], notice(&format!("KHONGCO{n}"), 150_000, 0, "khoa-sai").to_string()).await;
    }
    assert_eq!(gate.rows(), rows, "four hundred of them are written nowhere");
    assert_eq!(gate.journal.snapshot(CODE).await.unwrap().open.len(), calls, "and ask nothing of the platform");
    gate.clock.turn(Duration::from_secs(601));
    gate.send("/keypay/thong-bao", &[], forged.to_string()).await;
    assert_ne!(gate.journal.payment(&transaction).await.unwrap().unwrap().asked_at, asked, "after ten minutes once more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_differs_or_cannot_be_read_is_refused_in_the_platforms_words() {
    let gate = owing().await;
    click_now(&gate).await;
    let transaction = payment(&gate).await.transaction;
    let mut merchant = notice(&transaction, 150_000, 0, KEY_2);
    merchant["client_id"] = "KHAC".into();
    let other = notice(&transaction, 1000, 0, KEY_2).to_string();
    let first = gate.send("/keypay/thong-bao", &[], other.clone()).await;
    assert_eq!((first.status, first.json()["return_code"].as_i64()), (200, Some(-1)), "{}", first.text);
    let before = gate.journal.snapshot(CODE).await.unwrap();
    assert_eq!(queries(&before.open), 1, "what it contradicts is asked after, once");
    let cases = gate.journal.cases(CaseFilter { limit: 10, ..CaseFilter::default() }).await.unwrap();
    assert_eq!(cases.iter().map(|c| c.word.as_str()).collect::<Vec<_>>(), ["notice-differs"], "a person sees it");
    let rows = gate.rows();
    for (what, body) in [
        ("another amount, told again", other),
        ("another merchant", merchant.to_string()),
        ("malformed", "{".to_owned()),
        ("no check sum", notice(&transaction, 150_000, 0, KEY_2).to_string().replace("check_sum", "check_sun")),
    ] {
        let answer = gate.send("/keypay/thong-bao", &[], body).await;
        assert_eq!((answer.status, answer.json()["return_code"].as_i64()), (200, Some(-1)), "{what}: {}", answer.text);
        assert_eq!(gate.rows(), rows, "{what}");
    }
    let after = gate.journal.snapshot(CODE).await.unwrap();
    assert_eq!((after.payments, after.open.len()), (before.payments, before.open.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_over_another_sum_is_shown_whatever_changes_the_payment_at_the_same_time() {
    for n in 0..5 {
        let gate = owing().await;
        click_now(&gate).await;
        let transaction = payment(&gate).await.transaction;
        let other = notice(&transaction, 1000, 0, KEY_2).to_string();
        let forged = notice(&transaction, 150_000, 0, "khoa-sai").to_string();
        let tell = |body: &str| gate.send("/keypay/thong-bao", &[], body.to_owned());
        let (a, b, c) = tokio::join!(tell(&other), tell(&forged), tell(&other));
        assert!([a, b, c].iter().all(|r| r.json()["return_code"] == -1), "{n}");
        let cases = gate.journal.cases(CaseFilter { limit: 10, ..CaseFilter::default() }).await.unwrap();
        assert_eq!(cases.iter().map(|c| c.word.as_str()).collect::<Vec<_>>(), ["notice-differs"], "{n}");
        assert_eq!(queries(&gate.journal.snapshot(CODE).await.unwrap().open), 1, "{n}: asked once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_told_to_the_platforms_network_only_and_its_transaction_is_one_we_know() {
    let gate = owing().await;
    let ask = |peer: &'static str, code: &str| {
        let body = json!({ "MaHoSo": code }).to_string();
        let gate = &gate;
        async move { gate.send_from(peer, "/keypay/tra-cuu-ho-so", &[], body).await }
    };
    let owed = ask("10.20.0.7:9", CODE).await;
    assert_eq!((owed.status, owed.json()["error_code"].as_i64()), (200, Some(1)), "{}", owed.text);
    assert_eq!(owed.json()["message"]["DSKhoanNop"][0]["SoTien"], "150000");
    assert_eq!(owed.json()["message"]["transaction_id"], payment(&gate).await.transaction.as_str(), "stored before it is told");
    let (rows, calls) = (gate.rows(), gate.journal.snapshot(CODE).await.unwrap().open.len());
    for _ in 0..200 {
        ask("10.20.0.7:9", CODE).await;
    }
    assert_eq!(
        gate.journal.snapshot(CODE).await.unwrap().open.len(),
        calls,
        "asked again it calls nobody, and (below) writes nothing"
    );
    let again = ask("10.20.0.7:9", CODE).await;
    assert_eq!(again.json()["message"]["transaction_id"], owed.json()["message"]["transaction_id"]);
    let unknown = ask("10.20.0.7:9", "H26.15-20260720-0000999").await;
    assert_eq!((unknown.status, unknown.json()), (200, json!({ "error_code": -1, "message": [] })));
    let elsewhere = ask("10.21.0.7:9", CODE).await;
    assert_eq!((elsewhere.status, elsewhere.json()), (403, json!({ "error_code": -1, "message": [] })));
    assert_eq!(gate.rows(), rows);
}

//! Money at the door: what is owed and who decides it, receipts, refunds, the books; amounts that are none.

use crate::rig::{CODE, Gate, status_push};
use crate::second;
use lienthong::journal::{CaseFilter, Journal as _};
use lienthong::model::{FeeState, PaymentState};
use lienthong::seal::{Digest, Encoding, Secret, hmac_text};
use serde_json::{Value, json};

const OPERATOR: &str = "van-hanh";
const AUDITOR: &str = "kiem-toan";

fn sample(name: &str) -> Value {
    let path = format!("{}/adapters/hanoi/samples/submit/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    body["MaHoSo"] = CODE.into();
    for paper in body["ThanhPhanHoSo"].as_array_mut().unwrap() {
        paper["GiayToDinhKem"] = json!([]);
    }
    body
}

/// A dossier of a city-hosted procedure whose rule leaves a choice.
async fn diploma() -> Gate {
    let gate = Gate::with(&crate::vidientu::files(), "").await;
    let mut body = sample("city-hosted-without-form");
    body["MaTTHC"] = "1.004889".into();
    body["NgayNop"] = "2026-07-20 10:00:00".into();
    let answer = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    gate
}

async fn click(gate: &Gate) -> (u16, Value) {
    let body = json!({ "MaHoSo": CODE, "return_url": "https://cong.vidu.example/thanh-toan/xong" }).to_string();
    let auth = format!("Bearer {}", gate.token());
    let answer = gate.send("/hanoi/thanh-toan", &[("authorization", &auth), ("prefer", "wait=0")], body).await;
    (answer.status, answer.json())
}

async fn open_cases(gate: &Gate) -> Vec<(u64, String)> {
    let filter = CaseFilter { open: Some(true), limit: 10, ..CaseFilter::default() };
    gate.journal.cases(filter).await.unwrap().into_iter().map(|c| (c.case, c.word)).collect()
}

async fn fee(gate: &Gate) -> Option<(u64, FeeState)> {
    gate.journal.snapshot(CODE).await.unwrap().dossier.unwrap().fee.map(|f| (f.amount.amount(), f.state))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citys_dossier_is_paid_like_any_other_and_never_goes_to_the_ministry() {
    let gate = diploma().await;
    assert_eq!(open_cases(&gate).await, [(1, "fee-choice".to_owned())]);
    assert_eq!(click(&gate).await.1["reason"], "fee-undecided", "nothing is asked for before a person decided");
    let path = format!("/v1/dossiers/{CODE}/fee");
    let decide = |body: Value| {
        let (gate, path) = (&gate, &path);
        async move { gate.operate(OPERATOR, path, Some(&body)).await }
    };
    for (body, status) in [
        (json!({ "amount": 300_000, "reason": "x" }), 422),
        (json!({ "figure": "ministry", "reason": "x" }), 422),
        (json!({ "figure": "half", "reason": "x" }), 400),
        (json!({ "amount": "250.000", "reason": "x" }), 400),
        (json!({ "amount": 250_000, "reason": " " }), 400),
    ] {
        let answer = decide(body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    assert_eq!(gate.operate(AUDITOR, &path, Some(&json!({ "amount": 250_000, "reason": "x" }))).await.status, 403);
    let decided = decide(json!({ "amount": 250_000, "reason": "trường ở Việt Nam" })).await;
    assert_eq!((decided.status, decided.json()["fee"]["amount"].as_u64()), (200, Some(250_000)), "{}", decided.text);
    assert_eq!(open_cases(&gate).await, []);
    let order = second::click(&gate).await;
    assert_eq!(second::tell(&gate, &order, 250_000, "1").await, "error_code=00");
    assert_eq!(fee(&gate).await, Some((250_000, FeeState::Paid)));
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    assert!(!open.iter().any(|d| d.partner == "moet"), "{open:?}");
    assert_eq!(decide(json!({ "amount": 500_000, "reason": "x" })).await.status, 409, "what is paid and undisputed stands");
    let receipt =
        gate.get(&format!("/v1/dossiers/{CODE}/receipt"), &[("authorization", &format!("Bearer {}", gate.token()))]).await;
    let told = receipt.json()["receipts"][0].clone();
    assert_eq!((told["number"].as_str(), told["amount"].as_u64()), (Some("0000001"), Some(250_000)), "{}", receipt.text);
    assert_eq!(told["amount_in_words"], "Hai trăm năm mươi nghìn đồng");
    assert_eq!(
        (told["transaction"].as_str(), told["beneficiary"]["account"].as_str()),
        (Some(order.as_str()), Some("0100200300"))
    );
    assert!(told["payer"].as_str().is_some_and(|p| !p.is_empty()));
    let other = gate.sign_in("cong-khac", "chu-khac").await;
    let path = format!("/v1/dossiers/{CODE}/receipt");
    assert_eq!(gate.get(&path, &[("authorization", &format!("Bearer {other}"))]).await.status, 404, "not the other portal's");
}

/// Two wishes at 20 000 VND; the Ministry asks for this much.
async fn wishes(told: u64) -> Gate {
    let gate = Gate::with(&crate::vidientu::files(), "").await;
    let mut body = sample("wishes-2025");
    let list = body["ToKhai"]["nguyenVong"].as_array_mut().unwrap();
    list.truncate(2);
    list.iter_mut().for_each(|w| w["daNopPhi"] = false.into());
    let answer = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    push(&gate, "bgd-1", 2, "2026-07-21T08:00:00+07:00", 0).await;
    push(&gate, "bgd-2", 6, "2026-07-21T08:05:00+07:00", told).await;
    gate
}

async fn push(gate: &Gate, id: &str, status: u8, at: &str, amount: u64) {
    let fee = format!("<PhiPhaiNop><SoTien>{amount}</SoTien></PhiPhaiNop>");
    let body = status_push(id, CODE, status, at, if amount > 0 { &fee } else { "" });
    let answer = gate.ministry("/moet/trang-thai", body).await;
    assert_eq!(answer.xml("MaPhanHoi").as_deref(), Some("0"), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_that_differs_waits_for_a_person_and_each_decision_has_its_effect() {
    for (decision, owed) in [("ministry", Some(70_000)), ("catalogue", Some(40_000)), ("none", None)] {
        let gate = wishes(70_000).await;
        assert_eq!((fee(&gate).await, click(&gate).await.0), (None, 409));
        let cases = gate.operate(OPERATOR, "/v1/cases", None).await.json();
        assert_eq!(cases["cases"][0]["data"]["ministry"], 70_000, "both figures: {cases}");
        assert_eq!(cases["cases"][0]["data"]["catalogue"], 40_000);
        let body = json!({ "decision": decision, "reason": "đã hỏi" });
        let answer = gate.operate(OPERATOR, "/v1/cases/1/decide", Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(fee(&gate).await, owed.map(|n| (n, FeeState::Owed)), "{decision}");
        assert_eq!(click(&gate).await.0, if owed.is_some() { 202 } else { 409 }, "{decision}");
        // Told once more, the overruled figure changes nothing.
        push(&gate, "bgd-3", 6, "2026-07-21T08:06:00+07:00", 70_000).await;
        assert_eq!(open_cases(&gate).await, [], "{decision}");
    }
    let gate = wishes(40_000).await;
    assert_eq!((fee(&gate).await, open_cases(&gate).await), (Some((40_000, FeeState::Owed)), Vec::new()), "the two agree");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_supplement_owes_only_the_new_wishes_and_marks_the_paid_ones() {
    let gate = wishes(40_000).await;
    let order = second::click(&gate).await;
    second::tell(&gate, &order, 40_000, "1").await;
    push(&gate, "bgd-2b", 2, "2026-07-21T08:20:00+07:00", 0).await;
    push(&gate, "bgd-3", 5, "2026-07-21T08:30:00+07:00", 0).await;
    let mut form = sample("wishes-2025")["ToKhai"].clone();
    let list = form["nguyenVong"].as_array_mut().unwrap();
    list.truncate(3);
    list.iter_mut().for_each(|w| w["daNopPhi"] = false.into());
    list.rotate_right(1);
    list.iter_mut().zip(1..).for_each(|(w, n)| w["thuTu"] = n.into());
    let body = json!({ "MaHoSo": CODE, "LanBoSung": 1, "ThanhPhanHoSo": [], "ToKhai": form });
    let answer = gate.portal("/hanoi/bo-sung", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    let sent = open.iter().find(|d| d.kind == "dossier.supplement").unwrap();
    let body = gate.journal.delivery(sent.delivery).await.unwrap().unwrap().body;
    let paid: Vec<bool> = body["form"]["wishes"].as_array().unwrap().iter().map(|w| w["paid"].as_bool().unwrap()).collect();
    assert_eq!(paid, [false, true, true], "the Ministry reads there which are paid: {body}");
    push(&gate, "bgd-4", 4, "2026-07-21T08:40:00+07:00", 0).await;
    push(&gate, "bgd-5", 6, "2026-07-21T08:45:00+07:00", 20_000).await;
    assert_eq!(fee(&gate).await, Some((20_000, FeeState::Owed)));
    let order = second::click(&gate).await;
    second::tell(&gate, &order, 20_000, "1").await;
    assert_eq!(gate.journal.receipts(CODE).await.unwrap().iter().map(|r| r.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(open_cases(&gate).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_reserved_settled_and_stands_in_the_books() {
    let gate = second::owing(150_000).await;
    let order = second::click(&gate).await;
    let ask = |amount: Value| json!({ "transaction": order, "amount": amount, "reason": "nộp thừa" });
    let post = |path: String, body: Value| {
        let gate = &gate;
        async move { gate.operate(OPERATOR, &path, Some(&body)).await }
    };
    assert_eq!(post("/v1/refunds".into(), ask(json!(1))).await.status, 409, "not paid yet");
    second::tell(&gate, &order, 150_000, "1").await;
    for amount in [json!(150_001), json!(0)] {
        assert_eq!(post("/v1/refunds".into(), ask(amount)).await.status, 409);
    }
    for amount in [json!(-1), json!(1.5), json!("150,000"), json!("150000.0"), json!("1.5e5"), json!(" 1"), json!(true)] {
        let answer = post("/v1/refunds".into(), ask(amount.clone())).await;
        assert_eq!(
            (answer.status, answer.json()["errors"][0]["pointer"].as_str()),
            (400, Some("/amount")),
            "{amount}: {}",
            answer.text
        );
    }
    assert_eq!(gate.operate(AUDITOR, "/v1/refunds", Some(&ask(json!(1)))).await.status, 403);
    // Two at once: together they would exceed what was paid.
    let (a, b) = tokio::join!(post("/v1/refunds".into(), ask(json!(100_000))), post("/v1/refunds".into(), ask(json!("100000"))));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", a.text, b.text);
    let made = if a.status == 201 { a.json() } else { b.json() };
    let id = made["refund"].as_str().unwrap().to_owned();
    assert_eq!((made["state"].as_str(), made["amount"].as_u64(), id.len()), (Some("created"), Some(100_000), 10));
    let rest = post("/v1/refunds".into(), json!({ "transaction": order, "reason": "phần còn lại" })).await.json();
    assert_eq!(rest["amount"], 50_000, "without a sum: what is left");
    assert_eq!(open_cases(&gate).await.iter().filter(|(_, w)| w == "refund").count(), 2, "each is somebody's work");
    let step = |id: &str, word: &str, body: Value| post(format!("/v1/refunds/{id}/{word}"), body);
    assert_eq!(step(&id, "done", json!({})).await.status, 400, "without a reference nothing is done");
    assert_eq!(step(&id, "sent", json!({ "reference": "UNC-118" })).await.json()["state"], "sent");
    assert_eq!(step(&id, "unknown", json!({ "reason": "ngân hàng chưa trả lời" })).await.json()["state"], "unknown");
    assert_eq!(step(&id, "done", json!({ "reference": "FT2632" })).await.json()["state"], "done");
    assert_eq!(step(&id, "refuse", json!({ "reason": "x" })).await.status, 409, "what ended stays as it ended");
    let rest = rest["refund"].as_str().unwrap();
    assert_eq!(step(rest, "refuse", json!({ "reason": "sai tài khoản" })).await.json()["state"], "refused");
    assert_eq!(step("RKHONGCO00", "done", json!({ "reference": "x" })).await.status, 404);
    assert_eq!(open_cases(&gate).await, []);
    let payment = gate.journal.payment(&order).await.unwrap().unwrap();
    assert_eq!((payment.state, payment.refunded.amount(), payment.refundable().amount()), (PaymentState::Paid, 100_000, 50_000));
    let list = gate.operate(AUDITOR, "/v1/refunds?state=done", None).await.json();
    assert_eq!(list["refunds"].as_array().map(Vec::len), Some(1), "{list}");
    let books = gate.operate(AUDITOR, "/v1/accounts", None).await.json();
    let sums = [&books["in_order"], &books["paid_in"], &books["held"], &books["refunded"], &books["movements"]];
    assert_eq!(sums, [&json!(true), &json!(150_000), &json!(50_000), &json!(100_000), &json!(5)], "{books}");
    assert_eq!(
        gate.operate(AUDITOR, &format!("/v1/movements?transaction={order}"), None).await.json()["movements"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_is_whole_dong_as_a_number_or_a_text_and_nothing_else() {
    let gate = Gate::open().await;
    gate.submit().await;
    push(&gate, "bgd-1", 2, "2026-07-21T08:00:00+07:00", 0).await;
    push(&gate, "bgd-2", 6, "2026-07-21T08:05:00+07:00", 150_000).await;
    let (_, told) = click(&gate).await;
    let order = told["transaction_id"].as_str().unwrap();
    // The seal is right over each raw text: it is the amount that is refused.
    let notice = |written: &str| {
        let raw = written.trim_matches('"');
        let over = format!("0|HN-GDDT|PAY|{raw}|{order}|3.0");
        let sum = hmac_text(Digest::Sha256, Encoding::Hex, &Secret::new("khoa-hai-thu-nghiem"), over.as_bytes());
        format!(
            "{{\"status\":0,\"version\":\"3.0\",\"trans_amount\":{written},\"transaction_id\":\"{order}\",\"transaction_code\":\"NP-1\",\
             \"payment_fee\":0,\"command\":\"PAY\",\"addition_fee\":0,\"description\":\"P\",\"locale\":\"vn\",\"country_code\":\"+84\",\
             \"currency_code\":\"VND\",\"environment\":\"1\",\"client_id\":\"HN-GDDT\",\"check_sum\":\"{sum}\"}}"
        )
    };
    let rows = gate.rows();
    for written in [
        "150000.0",
        "\"150000.0\"",
        "\"150,000\"",
        "\"150.000\"",
        "1.5e5",
        "\"1.5e5\"",
        "\" 150000\"",
        "\"150000 \"",
        "\"\"",
        "-150000",
        "\"-150000\"",
        "\"+150000\"",
        "9007199254740992",
        "\"99999999999999999999\"",
        "null",
        "\"0150000\"",
    ] {
        let answer = gate.send("/keypay/thong-bao", &[], notice(written)).await;
        assert_eq!((answer.status, answer.json()["return_code"].as_i64()), (200, Some(-1)), "{written}: {}", answer.text);
        let said = answer.json()["return_msg"].as_str().unwrap().to_owned();
        assert!(said.chars().count() > 10 && !said.contains("mã kiểm tra"), "{written}: {said}");
    }
    assert_eq!(gate.rows(), rows, "nothing was written");
    for written in ["150000", "\"150000\""] {
        let answer = gate.send("/keypay/thong-bao", &[], notice(written)).await;
        assert_eq!(answer.json()["return_code"], 0, "{written}: {}", answer.text);
    }
    // Sealed in another order, another letter case, or over trimmed values: no seal.
    for over in [
        format!("HN-GDDT|0|PAY|150000|{order}|3.0"),
        format!("0|HN-GDDT|PAY|150000|{order}|3.0 "),
        format!("0HN-GDDTPAY150000{order}3.0"),
    ] {
        let sum = hmac_text(Digest::Sha256, Encoding::Hex, &Secret::new("khoa-hai-thu-nghiem"), over.as_bytes());
        let body: Value = serde_json::from_str(&notice("150000")).unwrap();
        for sum in [sum.clone(), sum.to_uppercase()] {
            let mut forged = body.clone();
            forged["check_sum"] = sum.into();
            let answer = gate.send("/keypay/thong-bao", &[], forged.to_string()).await;
            assert!(answer.json()["return_msg"].as_str().unwrap().contains("mã kiểm tra"), "{over}: {}", answer.text);
        }
    }
}

//! A second payment adapter as data alone: the older mobile-money contract (form-urlencoded, HMAC-SHA1 over plainly joined values in its own
//! order), a platform without a query, whose notice decides, from its own network only; and which gives money back by a route of its own.

use crate::rig::{CODE, Gate};
use crate::vidientu::{PARTNER, REFUNDS, SCHEMA, files, refunding};
use lienthong::catalogue::{Catalogue, Files};
use lienthong::config::Placeholders;
use lienthong::journal::{CaseFilter, Journal as _};
use lienthong::model::PaymentState;
use lienthong::seal::{Digest, Encoding, Secret, hmac_text};
use serde_json::json;
use std::collections::BTreeMap;

fn seal(order: &str, amount: &str, bill: &str) -> String {
    let over = format!("ma-truy-cap{bill}GDDT-HN{order}{amount}");
    hmac_text(Digest::Sha1, Encoding::Base64, &Secret::new("khoa-vi-dien-tu"), over.as_bytes())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A notice as the platform posts it.
pub(crate) fn notice(order: &str, amount: &str, state: &str, sum: &str) -> String {
    format!(
        "billcode={}&check_sum={}&merchant_code=GDDT-HN&order_id={order}&payment_status={state}&trans_amount={}",
        encoded(CODE),
        encoded(sum),
        encoded(amount)
    )
}

/// Tells the gateway that a transaction is paid (1) or failed (0), from the platform's network.
pub(crate) async fn tell(gate: &Gate, order: &str, amount: u64, state: &str) -> String {
    let amount = amount.to_string();
    let body = notice(order, &amount, state, &seal(order, &amount, CODE));
    gate.send_from("10.30.0.9:5", "/vidientu/ket-qua", &[("content-type", "application/x-www-form-urlencoded")], body).await.text
}

/// A click on "pay"; the transaction.
pub(crate) async fn click(gate: &Gate) -> String {
    let body = json!({ "MaHoSo": CODE, "return_url": "https://cong.vidu.example/thanh-toan/xong" }).to_string();
    let auth = format!("Bearer {}", gate.token());
    let answer = gate.send("/hanoi/thanh-toan", &[("authorization", &auth), ("prefer", "wait=0")], body).await;
    answer.json()["transaction_id"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

/// A dossier that owes this fee by the Ministry's push.
pub(crate) async fn owing(amount: u64) -> Gate {
    owing_at(&files(), amount).await
}

async fn owing_at(files: &Files, amount: u64) -> Gate {
    let gate = Gate::with(files, "").await;
    gate.submit().await;
    gate.push("bgd-1", 2, "2026-07-21T08:00:00+07:00", "").await;
    let fee = format!("<PhiPhaiNop><SoTien>{amount}</SoTien><MaPhi>LP01</MaPhi><TenPhi>Lệ phí dự thi</TenPhi></PhiPhaiNop>");
    let answer = gate.push("bgd-2", 6, "2026-07-21T08:05:00+07:00", &fee).await;
    assert_eq!(answer.xml("MaPhanHoi").as_deref(), Some("0"), "{}", answer.text);
    gate
}

#[test]
fn its_seal_is_the_one_an_independent_tool_makes() {
    // openssl dgst -sha1 -hmac khoa-vi-dien-tu -binary | base64, over the values joined without anything between.
    assert_eq!(seal("01K7ABCDEFGHJKMNPQRS", "150000", CODE), "HTKoTG3vKpACn3FCv532gUyi7NM=");
    let files = files();
    let catalogue = Catalogue::load(&files, &BTreeMap::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
    assert!(catalogue.partners["vidientu"].ins["notice"].decides);
}

#[test]
fn its_forms_are_proven_against_its_schema() {
    let told = |files: &Files| {
        Catalogue::prove(files, &BTreeMap::new(), &Placeholders).err().map_or_else(String::new, |f| f.to_string())
    };
    let (right, schema) = (files(), |from: &str, to: &str| files().with("schemas/vidientu/vi.json", SCHEMA.replace(from, to)));
    assert_eq!(told(&right), "");
    for (from, to, want) in [
        ("\"desc\": { \"type\"", "\"description\": { \"type\"", "`ThanhToan` has no `desc` in the schema"),
        ("\"billcode\", \"desc\"", "\"billcode\", \"channel\", \"desc\"", "`ThanhToan` is written without `channel`"),
        ("\"maxLength\": 20", "\"maxLength\": 19", "at most 19 characters here; the canonical place has at most 20"),
        // What patterns say is tried out by invented documents, with the route's own seal.
        ("{27}=$", "{28}=$", "/check_sum: value does not match"),
    ] {
        let told = told(&schema(from, to));
        assert!(told.contains(want), "{to}: {told}");
    }
}

#[test]
fn a_notice_may_decide_only_from_the_partners_own_network_and_sealed() {
    for (from, to) in [
        ("auth     = \"network\"\nseal     = [\"notice\"]", "auth = \"seal\"\nseal = [\"notice\"]"),
        ("seal     = [\"notice\"]\ndedupe", "dedupe"),
    ] {
        assert!(PARTNER.contains(from));
        let files = files().with("adapters/vidientu/partner.toml", PARTNER.replace(from, to));
        let faults = Catalogue::load(&files, &BTreeMap::new(), &Placeholders).unwrap_err().to_string();
        assert!(faults.contains("may decide"), "{faults}");
    }
}

#[test]
fn a_route_for_refunds_must_read_what_became_of_them() {
    let partner = PARTNER.to_owned() + REFUNDS;
    for (to, want) in
        [("", "a route for refund.request needs `content`"), ("content = \"plain\"\n", "`plain.map` does not carry refund.state")]
    {
        assert!(partner.contains("content = \"refund-state\"\n"));
        let plain = "message: receipt\nformat: form\nwithout: at, dossier, note, note_en, reason, reference, transaction, url\n\nk = outcome\n";
        let files = refunding()
            .with("adapters/vidientu/partner.toml", partner.replacen("content = \"refund-state\"\n", to, 1))
            .with("adapters/vidientu/plain.map", plain);
        let faults = Catalogue::load(&files, &BTreeMap::new(), &Placeholders).unwrap_err().to_string();
        assert!(faults.contains(want), "{faults}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_decides_where_the_platform_has_no_query_and_contradictory_ones_converge() {
    let orders: [&[&str]; 6] = [&["1"], &["0", "1"], &["1", "0"], &["2", "1", "2"], &["0", "2", "1", "1", "0"], &["1", "1", "1"]];
    for states in orders {
        let gate = owing(150_000).await;
        let order = click(&gate).await;
        for state in states {
            assert_eq!(tell(&gate, &order, 150_000, state).await, "error_code=00", "{states:?}");
        }
        let payment = gate.journal.payment(&order).await.unwrap().unwrap();
        assert_eq!(payment.state, PaymentState::Paid, "{states:?}");
        assert_eq!(gate.journal.movements(0, 10, None).await.unwrap().len(), 1, "{states:?}");
        assert_eq!(gate.journal.receipts(CODE).await.unwrap().len(), 1, "{states:?}");
        let books = gate.journal.accounts().await.unwrap();
        assert_eq!(books.faults, [], "{states:?}");
        let open = gate.journal.snapshot(CODE).await.unwrap().open;
        assert!(!open.iter().any(|d| d.kind == "payment.query"), "there is nothing to ask");
        assert_eq!(open.iter().filter(|d| d.kind == "fee.paid").count(), 1, "the Ministry is told once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_at_once_are_one_payment() {
    let gate = owing(150_000).await;
    let order = click(&gate).await;
    let (a, b, c) =
        tokio::join!(tell(&gate, &order, 150_000, "1"), tell(&gate, &order, 150_000, "0"), tell(&gate, &order, 150_000, "1"));
    assert_eq!([a.as_str(), b.as_str(), c.as_str()], ["error_code=00"; 3]);
    assert_eq!(gate.journal.movements(0, 10, None).await.unwrap().len(), 1);
    assert_eq!(gate.journal.accounts().await.unwrap().faults, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_from_elsewhere_or_not_sealed_or_over_another_sum_decides_nothing() {
    let gate = owing(150_000).await;
    let order = click(&gate).await;
    let good = notice(&order, "150000", "1", &seal(&order, "150000", CODE));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (peer, body) in [
        ("10.31.0.9:5", good.clone()),
        ("10.30.0.9:5", notice(&order, "150000", "1", &seal(&order, "150000", "X"))),
        ("10.30.0.9:5", notice(&order, "1000", "1", &seal(&order, "1000", CODE))),
        ("10.30.0.9:5", notice(&order, "150,000", "1", &seal(&order, "150,000", CODE))),
    ] {
        let answer = gate.send_from(peer, "/vidientu/ket-qua", &form, body).await;
        assert!(answer.text.starts_with("error_code=01"), "{}", answer.text);
        assert_eq!(gate.journal.payment(&order).await.unwrap().unwrap().state, PaymentState::Requested);
    }
    let stranger = notice("01K7ABCDEFGHJKMNPQRS", "7", "1", &seal("01K7ABCDEFGHJKMNPQRS", "7", CODE));
    assert_eq!(gate.send_from("10.30.0.9:5", "/vidientu/ket-qua", &form, stranger).await.text, "error_code=00");
    let cases = gate.journal.cases(CaseFilter { limit: 10, ..CaseFilter::default() }).await.unwrap();
    let words: Vec<&str> = cases.iter().map(|c| c.word.as_str()).collect();
    assert_eq!(words, ["notice-differs", "notice-unknown"], "kept and shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_goes_to_the_platform_that_has_a_route_for_it_and_is_nobodys_work() {
    let gate = owing_at(&refunding(), 150_000).await;
    let order = click(&gate).await;
    assert_eq!(tell(&gate, &order, 150_000, "1").await, "error_code=00");
    let ask = json!({ "transaction": order, "amount": 50_000, "reason": "nộp thừa" });
    let made = gate.operator("/v1/refunds", Some(ask)).await;
    assert_eq!(
        (made.status, &made.json()["by_platform"], &made.json()["state"]),
        (201, &json!(true), &json!("created")),
        "{}",
        made.text
    );
    let id = made.json()["refund"].as_str().unwrap().to_owned();
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    let call: Vec<_> =
        open.iter().filter(|d| d.kind == "refund.request").map(|d| (d.partner.as_str(), d.lane.as_str())).collect();
    assert_eq!(call, [("vidientu", id.as_str())], "handed over through the journal, under its own id");
    let cases = gate.journal.cases(CaseFilter { limit: 10, ..CaseFilter::default() }).await.unwrap();
    assert_eq!(cases, [], "nobody has to act");
    // Only the platform says that it was sent; what has not left yet can be taken back, and then never leaves.
    let sent = gate.operator(&format!("/v1/refunds/{id}/sent"), Some(json!({}))).await;
    assert_eq!((sent.status, sent.json()["code"].as_str()), (409, Some("refund-by-platform")), "{}", sent.text);
    let back = gate.operator(&format!("/v1/refunds/{id}/refuse"), Some(json!({ "reason": "nhầm" }))).await;
    assert_eq!((back.status, &back.json()["state"]), (200, &json!("refused")), "{}", back.text);
    assert!(!gate.journal.snapshot(CODE).await.unwrap().open.iter().any(|d| d.kind == "refund.request"));
    let payment = gate.journal.payment(&order).await.unwrap().unwrap();
    assert_eq!((payment.reserved.amount(), payment.refundable().amount()), (0, 150_000));
    assert_eq!(gate.journal.accounts().await.unwrap().faults, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_delivery_is_closed_before_it_left_is_refused_and_its_sum_free() {
    let gate = owing_at(&refunding(), 150_000).await;
    let order = click(&gate).await;
    assert_eq!(tell(&gate, &order, 150_000, "1").await, "error_code=00");
    let made = gate.operator("/v1/refunds", Some(json!({ "transaction": order, "amount": 50_000, "reason": "nộp thừa" }))).await;
    let id = made.json()["refund"].as_str().unwrap().to_owned();
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    let delivery = open.iter().find(|d| d.kind == "refund.request").unwrap().delivery;
    let closed = gate.operator(&format!("/v1/deliveries/{delivery}/close"), Some(json!({ "reason": "trả bằng tiền mặt" }))).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    let refund = gate.journal.refund(&id).await.unwrap().unwrap();
    assert_eq!(refund.state.word(), "refused");
    let payment = gate.journal.payment(&order).await.unwrap().unwrap();
    assert_eq!((payment.reserved.amount(), payment.refundable().amount()), (0, 150_000));
    assert_eq!(gate.journal.accounts().await.unwrap().faults, []);
    let again = gate.operator(&format!("/v1/deliveries/{delivery}/close"), Some(json!({ "reason": "lần nữa" }))).await;
    assert_eq!(again.status, 409, "{}", again.text);
}

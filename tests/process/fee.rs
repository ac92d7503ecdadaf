//! A fee from the Ministry's status 6 to paid: the create's reply is lost, notices come many times and some are forged, and it is paid once.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{OPERATOR, PROGRAM, Setup, World, until};

/// How often the same true notice comes again.
const AGAIN: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_is_paid_once_whatever_the_platforms_answers_and_notices_do() {
    let world = World::start(Setup {
        moet: "rate = \"50/s\"",
        keypay: "rate = \"100/s\"\nquiet = \"300ms\"\nask_schedule = [\"100ms\", \"200ms\", \"500ms\"]",
        ..Setup::default()
    })
    .await;
    let code = world.apply(1, "admission").await;
    let filed = format!("/_dossier/{code}");
    let owed = until(Duration::from_secs(30), "the fee told to the portal", async || {
        world.shown(&world.portal, &filed).await["fee"]["amount"].as_u64()
    })
    .await;
    assert!(owed > 0 && owed % 20_000 == 0, "a whole number of wishes: {owed}");

    // 502 although processed: the reply with the link is lost. The platform knows the transaction as unpaid, so a new one is made.
    world.hand(&world.payment, "/_weather", &json!({ "plan": [{ "effect": "bad-gateway", "operation": "create" }] })).await;
    let transaction = until(Duration::from_secs(30), "a payment link", async || {
        let link = world.hand(&world.portal, &format!("/_pay/{code}"), &Value::Null).await;
        link["url"].as_str()?;
        link["transaction"].as_str().map(str::to_owned)
    })
    .await;
    let transactions = world.shown(&world.payment, "/_book").await["state"]["transactions"].clone();
    assert_eq!(transactions.as_array().map(Vec::len), Some(2), "the lost one and the one with a link: {transactions}");
    // A click while one is open gets its link.
    let link = world.hand(&world.portal, &format!("/_pay/{code}"), &Value::Null).await;
    assert_eq!(link["transaction"], transaction.as_str());

    // Forged before it is paid: refused, and nothing is paid.
    let notice = format!("/_notice/{transaction}");
    for wrong in ["check-sum", "amount"] {
        let answer = world.hand(&world.payment, &notice, &json!({ "wrong": wrong })).await;
        assert_eq!(answer["return_code"], -1, "{wrong}: {answer}");
    }
    assert_ne!(world.operator(&format!("/v1/dossiers/{code}")).await["fee"]["state"], "paid");

    world.hand(&world.payment, &format!("/_pay/{transaction}"), &json!({ "result": "paid" })).await;
    for _ in 0..AGAIN {
        let answer = world.hand(&world.payment, &notice, &json!({ "wrong": "nothing" })).await;
        assert_eq!(answer["return_code"], 0, "{answer}");
    }
    until(Duration::from_secs(30), "the fee at the Ministry and the result at the portal", async || {
        let there = world.shown(&world.ministry, &filed).await;
        let here = world.operator(&format!("/v1/dossiers/{code}")).await;
        (there["fee_paid"] == owed && here["status_code"] == 10).then_some(())
    })
    .await;
    until(Duration::from_secs(30), "nothing on its way", async || {
        let all = world.operator("/v1/partners").await;
        let idle = |p: &Value| ["waiting", "claimed", "unknown", "parked"].iter().all(|k| p[k] == 0);
        all["partners"].as_array()?.iter().all(idle).then_some(())
    })
    .await;
    let dossier = world.operator(&format!("/v1/dossiers/{code}")).await;
    assert_eq!((&dossier["fee"]["state"], &dossier["fee"]["amount"]), (&json!("paid"), &json!(owed)), "{dossier}");
    let timeline = world.operator(&format!("/v1/dossiers/{code}/timeline")).await;
    let paid = timeline["events"].as_array().unwrap().iter().filter(|e| e["kind"] == "paid").count();
    assert_eq!(paid, 1, "paid once: {timeline}");
    let cases = world.operator("/v1/cases").await;
    let kinds: Vec<&Value> = cases["cases"].as_array().unwrap().iter().map(|c| &c["kind"]).collect();
    assert_eq!(
        kinds,
        [&json!("notice-differs")],
        "the sealed notice over another sum is shown, once; nothing else is for a person"
    );
    let books = world.operator("/v1/accounts").await;
    assert_eq!([&books["in_order"], &books["paid_in"], &books["held"]], [&json!(true), &json!(owed), &json!(owed)], "{books}");
    let checked = std::process::Command::new(PROGRAM)
        .args(["accounts", "--admin", &world.admin, "--token", OPERATOR, "check"])
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let receipts = world.operator(&format!("/v1/dossiers/{code}/receipt")).await;
    let receipt = &receipts["receipts"][0];
    assert_eq!((&receipt["amount"], receipt["transaction"].as_str()), (&json!(owed), Some(transaction.as_str())), "{receipts}");
    assert_eq!(receipt["fee"]["items"].as_array().map(Vec::len), usize::try_from(owed / 20_000).ok(), "each wish by its name");
    a_statement_is_reconciled(&world, &receipt["paid_at"].as_str().unwrap()[..10]).await;
    let portal = world.shown(&world.portal, &filed).await;
    assert_eq!(portal["fee"], json!({ "paid": true, "amount": owed, "transaction": transaction }), "{portal}");
    for (name, simulator) in [("portal", &world.portal), ("ministry", &world.ministry)] {
        let book = world.shown(simulator, "/_book").await;
        let broken: Vec<&Value> = book["calls"].as_array().unwrap().iter().filter(|c| c["violations"] != json!([])).collect();
        assert_eq!(broken, Vec::<&Value>::new(), "{name}: the contract was kept");
        assert_eq!(book["summary"]["repeats"], 0, "{name}");
    }
    let bill = world.hand(&world.payment, &format!("/_bill/{code}"), &Value::Null).await;
    assert_eq!((&bill["error_code"], &bill["message"]), (&json!(0), &json!([])), "nothing is owed any more: {bill}");
}

/// The platform's statement of that day with a row that nobody asked for, then corrected: by the command, against the running gateway.
async fn a_statement_is_reconciled(world: &World, day: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (file, sheet) = (folder.path().join("sao-ke.csv"), folder.path().join("ket-qua.csv"));
    let reconcile = async |plant: &str| {
        let url = format!("{}/_statement?day={day}&plant={plant}", world.payment.control);
        std::fs::write(&file, world.http.get(url).send().await.unwrap().text().await.unwrap()).unwrap();
        std::process::Command::new(PROGRAM)
            .args(["reconcile", "--admin", &world.admin, "--token", OPERATOR, "--day", day, "--partner", "keypay", "--out"])
            .args([&sheet, &file])
            .output()
            .unwrap()
    };
    let wrong = reconcile("extra").await;
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(1) && said.contains("1 difference;"), "{said}{}", String::from_utf8_lossy(&wrong.stdout));
    assert!(std::fs::read_to_string(&sheet).unwrap().contains("missing-ours"), "the lines, as CSV");
    let case = async || {
        let all = world.operator("/v1/cases?state=all&kind=statement-missing-ours").await;
        let list = all["cases"].as_array().cloned().unwrap_or_default();
        assert_eq!(list.len(), 1, "{all}");
        (list[0]["state"].clone(), list[0]["decision"].clone())
    };
    assert_eq!(case().await, (json!("open"), Value::Null));
    let right = reconcile("").await;
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stderr));
    assert_eq!(case().await, (json!("closed"), json!("resolved")), "the corrected statement no longer has it");
}

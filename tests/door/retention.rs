//! What retention removed is told as gone where it is asked for: 410, with its day and, where there is one, its digest; never as empty.

use crate::books::{booked, hand_in, row};
use crate::rig::{Gate, submission};
use lienthong::clock::Time;
use serde_json::{Value, json};

/// Long after the tests, and after the files' own times.
const LATER: &str = "2100-01-01T02:00:00+07:00";

fn later() -> Time {
    Time::parse(LATER).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_removed_is_gone_with_its_day_and_digest_and_has_to_be_uploaded_again() {
    let gate = Gate::open().await;
    let (id, digest) = gate.upload(gate.token(), "nội dung đơn").await;
    let auth = format!("Bearer {}", gate.token());
    let fetch = async || gate.get(&format!("/v1/files/{id}"), &[("authorization", &auth)]).await;
    assert_eq!((fetch().await.status, fetch().await.text.as_str()), (200, "nội dung đơn"));
    gate.retain(&[("files", 365)], later()).await;
    assert_eq!(gate.content(&digest), None);
    let gone = fetch().await;
    let told = gone.json();
    assert_eq!((gone.status, told["code"].as_str()), (410, Some("file-gone")), "{told}");
    let size = "nội dung đơn".len();
    assert_eq!(told["gone"], json!({ "removed_at": LATER, "digest": format!("sha256:{digest}"), "size": size }), "{told}");
    for (text, word) in [("detail", "đã được xóa"), ("detail_en", "was removed")] {
        let text = told[text].as_str().unwrap();
        assert!(text.contains(word) && text.contains(LATER) && text.contains(&digest), "{text}");
    }
    assert_eq!(gate.operator(&format!("/v1/files/{id}"), None).await.status, 410, "for an operator too");
    let other = gate.sign_in("cong-khac", "chu-khac").await;
    let stranger = gate.get(&format!("/v1/files/{id}"), &[("authorization", &format!("Bearer {other}"))]).await;
    assert_eq!(stranger.status, 404, "whose it is not does not learn that it was there");
    let rows = gate.rows();
    let refused = gate.portal("/hanoi/ho-so", &submission(&id, &digest)).await;
    assert!(refused.status == 422 && gate.rows() == rows, "{}", refused.text);
    let (again, same) = gate.upload(gate.token(), "nội dung đơn").await;
    assert_eq!(same, digest);
    let taken = gate.portal("/hanoi/ho-so", &submission(&again, &digest)).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert_eq!(fetch().await.status, 200, "the same content is here again, under both names");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_a_settled_statement_are_gone_and_its_sums_stay() {
    let gate = booked().await;
    let rows: String = ["AAAA", "BBBB", "CCCC"].map(|transaction| row(transaction, 150_000)).concat();
    let next = row("LATE", 150_000).replace("2026-07-20T08:10:00", "2026-07-20T23:30:00");
    for (day, rows) in [("2026-07-20", &rows), ("2026-07-21", &next)] {
        let taken = hand_in(&gate, day, false, rows).await;
        assert_eq!((taken.status, &taken.json()["differences"]), (201, &json!([])), "{}", taken.text);
    }
    let before = gate.operator("/v1/statements/1", None).await.json();
    assert_eq!(gate.operator("/v1/statements/1/lines", None).await.status, 200);
    gate.retain(&[("statements", 400)], later()).await;
    for path in ["/v1/statements/1/lines", "/v1/statements/1/lines?class=matched", "/v1/statements/1/csv"] {
        let gone = gate.operator(path, None).await;
        let told = gone.json();
        assert_eq!((gone.status, told["code"].as_str()), (410, Some("statement-lines-gone")), "{path}: {told}");
        for (text, word) in [("detail", "vẫn còn"), ("detail_en", "stay")] {
            let text = told[text].as_str().unwrap();
            assert!(text.contains(word) && text.contains(LATER), "{path}: {text}");
        }
    }
    let after = gate.operator("/v1/statements/1", None).await.json();
    assert_eq!((&before["lines_gone"], after["lines_gone"].as_str()), (&Value::Null, Some(LATER)));
    assert_eq!((&after["told"], &after["digest"]), (&before["told"], &before["digest"]));
    assert_eq!(gate.operator("/v1/statements/2/lines", None).await.status, 200, "the day after has no later one yet");
    let refused = hand_in(&gate, "2026-07-20", false, &rows).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

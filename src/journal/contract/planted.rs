//! Faults planted in the file by hand: the store forbids what it can, and the books find what was forced.

use super::money::{paid, refund};
use super::*;
use rusqlite::Connection;

/// A journal with a paid fee and a refund under way, its file forced by this statement.
async fn forced(sql: &str) -> Accounts {
    let dir = tempfile::tempdir().unwrap();
    let j = SqliteJournal::open(dir.path(), Options::default()).unwrap();
    assert!(j.apply(paid("T1")).await.unwrap());
    assert!(j.apply(paid("T2")).await.unwrap());
    let seen = j.payment("T2").await.unwrap().unwrap();
    assert!(j.apply(refund(&seen, "R1", 50_000)).await.unwrap());
    j.close().await.unwrap();
    let conn = Connection::open(dir.path().join("journal.db")).unwrap();
    conn.execute_batch(sql).unwrap();
    drop(conn);
    SqliteJournal::open(dir.path(), Options::default()).unwrap().accounts().await.unwrap()
}

#[tokio::test]
async fn movements_and_receipts_cannot_be_changed_or_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let j = SqliteJournal::open(dir.path(), Options::default()).unwrap();
    assert!(j.apply(paid("T1")).await.unwrap());
    j.close().await.unwrap();
    let conn = Connection::open(dir.path().join("journal.db")).unwrap();
    for sql in ["UPDATE movement SET amount = 1", "DELETE FROM movement", "UPDATE receipt SET amount = 1", "DELETE FROM receipt"]
    {
        let refused = conn.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn what_was_forced_into_the_file_is_found() {
    const LOOSE: &str = "DROP TRIGGER movement_unchanged; DROP TRIGGER movement_kept; DROP TRIGGER receipt_unchanged; DROP TRIGGER movement_sound;";
    assert_eq!(forced("").await.faults, []);
    for (sql, found) in [
        ("UPDATE movement SET amount = 1 WHERE payment = 'T1'", "payment"),
        ("DELETE FROM movement WHERE seq = 1", "movement-gone"),
        ("UPDATE movement SET credit = 'elsewhere' WHERE payment = 'T1'", "account-unknown"),
        (
            "INSERT INTO movement (payment, debit, credit, amount, kind) VALUES ('T1', 'citizen', 'platform', 150000, 'payment')",
            "payment",
        ),
        (
            "INSERT INTO movement (payment, debit, credit, amount, kind) VALUES ('T1', 'platform', 'citizen', 200000, 'refund')",
            "below-zero",
        ),
        ("UPDATE refund SET state = 'done'", "refund"),
        ("UPDATE refund SET state = 'refused'", "refund-reserved"),
        ("DELETE FROM refund", "refund-missing"),
        ("UPDATE receipt SET amount = 1 WHERE payment = 'T1'", "receipt"),
        ("UPDATE payment SET data = json_set(data, '$.state', 'expired') WHERE id = 'T1'", "payment"),
        ("UPDATE payment SET data = json_set(data, '$.refunded', 50000) WHERE id = 'T2'", "refund"),
        ("DELETE FROM payment WHERE id = 'T1'", "payment-missing"),
    ] {
        let books = forced(&format!("{LOOSE}{sql}")).await;
        assert!(books.faults.iter().any(|f| f.what == found), "{sql}: {:?}", books.faults);
        assert!(books.faults_found >= 1);
    }
}

#[tokio::test]
async fn a_dossier_told_as_paid_without_its_money_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let j = SqliteJournal::open(dir.path(), Options::default()).unwrap();
    let fee = crate::model::Fee {
        amount: Vnd::new(5).unwrap(),
        code: None,
        name: None,
        state: crate::model::FeeState::Paid,
        transaction: Some("T7".into()),
        items: Vec::new(),
    };
    let told = Dossier { fee: Some(fee), ..dossier("D1", 1) };
    assert!(j.apply(Effects { dossier: Some(told), ..Effects::default() }).await.unwrap());
    let books = j.accounts().await.unwrap();
    let found: Vec<(&str, Option<&str>)> = books.faults.iter().map(|f| (f.what.as_str(), f.transaction.as_deref())).collect();
    assert_eq!(found, [("fee", Some("T7"))]);
}

//! What must hold of money: nothing is promised back twice, receipts have no gaps, the books add up and say so.

use super::*;
use crate::model::{Account, Movement, Receipt, Refund, RefundState, Terms, vietnamese};

fn vnd(n: u64) -> Vnd {
    Vnd::new(n).unwrap()
}

pub(super) fn movement(transaction: &str, (debit, credit): (Account, Account), amount: u64, kind: &str) -> Movement {
    Movement {
        transaction: transaction.into(),
        dossier: "D1".into(),
        refund: None,
        debit,
        credit,
        amount: vnd(amount),
        kind: kind.into(),
        at: T0,
    }
}

fn receipt(transaction: &str, amount: u64) -> Receipt {
    Receipt {
        number: 0,
        dossier: "D1".into(),
        transaction: transaction.into(),
        platform_transaction: Some("NP-1".into()),
        payer: "Người Thử".into(),
        amount: vnd(amount),
        words: vietnamese(vnd(amount)),
        at: T0,
        procedure: "1.005142".into(),
        agency: "000.00.15.H26".into(),
        terms: Terms {
            procedure: "Thủ tục thử".into(),
            agency: "Sở thử".into(),
            code: None,
            name: "Lệ phí".into(),
            items: Vec::new(),
            beneficiary: None,
        },
    }
}

/// A payment of 150 000 VND that pays its dossier's fee.
pub(super) fn paid(transaction: &str) -> Effects {
    Effects {
        payments: vec![Payment { state: PaymentState::Paid, ..payment(transaction, "D1", 1) }],
        movements: vec![movement(transaction, (Account::Citizen, Account::Platform), 150_000, "payment")],
        receipts: vec![receipt(transaction, 150_000)],
        ..Effects::default()
    }
}

/// What an operator's request for a refund writes, computed from this payment.
pub(super) fn refund(of: &Payment, id: &str, amount: u64) -> Effects {
    let refund = Refund {
        id: id.into(),
        transaction: of.transaction.clone(),
        dossier: of.dossier.clone(),
        amount: vnd(amount),
        from: Account::Platform,
        state: RefundState::Created,
        by: "lan".into(),
        reason: "nộp thừa".into(),
        at: T0,
        by_platform: false,
        reference: None,
        changed_at: T0,
        version: 1,
    };
    let moved = movement(&of.transaction, (Account::Platform, Account::RefundReserved), amount, "refund-reserve");
    Effects {
        payments: vec![Payment {
            reserved: of.reserved.checked_add(vnd(amount)).unwrap(),
            version: of.version + 1,
            ..of.clone()
        }],
        movements: vec![Movement { refund: Some(id.into()), ..moved }],
        refunds: vec![refund],
        ..Effects::default()
    }
}

pub(super) async fn of_two_refunds_at_once_only_one_is_taken_from_what_was_paid(store: &dyn Store) {
    for round in 0..10 {
        let (j, transaction) = (store.open(), format!("T{round}"));
        assert!(j.apply(paid(&transaction)).await.unwrap());
        let seen = j.payment(&transaction).await.unwrap().unwrap();
        let ids = [format!("RA{round}"), format!("RB{round}")];
        let (a, b) = tokio::join!(j.apply(refund(&seen, &ids[0], 100_000)), j.apply(refund(&seen, &ids[1], 100_000)));
        assert_eq!(u8::from(a.unwrap()) + u8::from(b.unwrap()), 1, "the other one is stale and computed again");
        let now = j.payment(&transaction).await.unwrap().unwrap();
        assert_eq!((now.reserved.amount(), now.refundable().amount()), (100_000, 50_000));
        assert_eq!(j.accounts().await.unwrap().faults, []);
        j.close().await.unwrap();
    }
}

pub(super) async fn receipts_and_movements_are_numbered_without_gaps_whatever_fails_between(store: &dyn Store) {
    let j = store.open();
    assert!(j.apply(paid("T1")).await.unwrap());
    assert!(!j.apply(paid("T1")).await.unwrap(), "the same payment once more is stale");
    let unsound =
        Effects { movements: vec![movement("T1", (Account::Citizen, Account::Citizen), 1, "payment")], ..Effects::default() };
    assert!(matches!(j.apply(unsound).await, Err(JournalError::Store(_))), "a movement has two sides");
    let second = Effects { receipts: vec![receipt("T1", 1)], ..Effects::default() };
    assert!(j.apply(second).await.is_err(), "one receipt a payment");
    assert!(j.apply(paid("T2")).await.unwrap());
    let receipts = j.receipts("D1").await.unwrap();
    assert_eq!(receipts.iter().map(|r| (r.number, r.transaction.as_str())).collect::<Vec<_>>(), [(1, "T1"), (2, "T2")]);
    assert_eq!(receipts[0].words, "Một trăm năm mươi nghìn đồng");
    let moved = j.movements(0, 10, None).await.unwrap();
    assert_eq!(moved.iter().map(|m| m.movement).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(j.movements(0, 10, Some("T2")).await.unwrap().len(), 1);
    assert_eq!(j.movements(1, 10, None).await.unwrap().len(), 1);
}

pub(super) async fn the_books_add_up_over_payment_and_refund(store: &dyn Store) {
    let j = store.open();
    assert_eq!(j.accounts().await.unwrap(), Accounts::default());
    assert!(j.apply(paid("T1")).await.unwrap());
    let seen = j.payment("T1").await.unwrap().unwrap();
    assert!(j.apply(refund(&seen, "R1", 50_000)).await.unwrap());
    let books = j.accounts().await.unwrap();
    assert_eq!((books.paid_in, books.held, books.refunded, books.faults_found), (150_000, 150_000, 0, 0));
    let (payment, refund) = (j.payment("T1").await.unwrap().unwrap(), j.refund("R1").await.unwrap().unwrap());
    let done = Effects {
        payments: vec![Payment { reserved: Vnd::ZERO, refunded: vnd(50_000), version: payment.version + 1, ..payment }],
        movements: vec![Movement {
            refund: Some("R1".into()),
            ..movement("T1", (Account::RefundReserved, Account::Citizen), 50_000, "refund")
        }],
        refunds: vec![Refund { state: RefundState::Done, version: 2, ..refund }],
        ..Effects::default()
    };
    assert!(j.apply(done).await.unwrap());
    let books = j.accounts().await.unwrap();
    assert_eq!((books.paid_in, books.held, books.refunded), (150_000, 100_000, 50_000));
    assert_eq!((books.movements, books.payments, books.faults), (3, 1, Vec::new()));
    let of = |state| RefundFilter { state: Some(state), dossier: None, limit: 10 };
    assert_eq!(j.refunds(of(RefundState::Done)).await.unwrap().len(), 1);
    assert_eq!(j.refunds(of(RefundState::Created)).await.unwrap().len(), 0);
    assert_eq!(j.snapshot("D1").await.unwrap().refunds.len(), 1);
}

pub(super) async fn a_payment_without_its_money_is_found(store: &dyn Store) {
    let j = store.open();
    let alone = Effects { movements: Vec::new(), ..paid("T1") };
    assert!(j.apply(alone).await.unwrap());
    let stray = movement("T9", (Account::Citizen, Account::Overpaid), 7, "overpayment");
    assert!(j.apply(Effects { movements: vec![stray], ..Effects::default() }).await.unwrap());
    let books = j.accounts().await.unwrap();
    let found: Vec<(&str, Option<&str>)> = books.faults.iter().map(|f| (f.what.as_str(), f.transaction.as_deref())).collect();
    assert_eq!(found, [("payment", Some("T1")), ("payment-missing", Some("T9")), ("receipt", Some("T1"))]);
}

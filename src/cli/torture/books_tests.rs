//! Tests of the comparison: right books are found right, and each way of tampering with one of them is found.

use super::super::ledger::Entry;
use super::super::plan::{Part, Place};
use super::*;
use crate::simulator::{Edition, Service};

fn part(course: Course) -> Part {
    let service = if course == Course::Fee { Service::Admission } else { Service::Exam };
    Part { service, edition: Edition::Of2025, course, files: false, twin: false }
}

fn call(number: u64, at_ms: i64, operation: &str, dossier: &str) -> Call {
    Call {
        number,
        at_ms,
        at: String::new(),
        outgoing: false,
        operation: operation.to_owned(),
        id: Some(format!("m{number}")),
        dossier: Some(dossier.to_owned()),
        counted: true,
        processed: true,
        repeat: false,
        overlap: false,
        answer: "200".to_owned(),
        violations: Vec::new(),
    }
}

/// Two dossiers that went as they should: one plain, one with a fee of 40 000.
fn right() -> Books {
    let mut books = Books::default();
    for (number, course) in [(0, Course::Plain), (1, Course::Fee)] {
        let code = format!("d{number}");
        let fee = course == Course::Fee;
        let mut entry = Entry::new(number, part(course));
        (entry.code, entry.acknowledged, entry.over) = (Some(code.clone()), true, true);
        entry.receipts.extend([format!("r{number}")]);
        books.load.push(entry);
        let known = fee.then(|| FeeKnown { amount: 40_000, state: "paid".to_owned() });
        books.gateway.insert(code.clone(), Known { status_code: 10, fee: known });
        let told = fee.then_some(FeeTold { paid: true, amount: 40_000 });
        books.portal.insert(code.clone(), Filed { code: code.clone(), status: 10, fee: told });
        let messages = vec![(format!("m{number}"), "submit".to_owned())];
        let held = Held { code: code.clone(), status: 10, messages, fee_paid: fee.then_some(40_000), ..Held::default() };
        books.ministry.insert(code, held);
    }
    books.payment.push(Transaction { dossier: "d1".to_owned(), amount: 40_000, state: "paid".to_owned() });
    books.calls.insert(Place::Ministry, (0..40).map(|n| call(n, n as i64 * 60, "submit", "d0")).collect());
    books.accounts = Some(Accounts { paid_in: 40_000, faults_found: 0 });
    (books.events, books.followed) = ((1..=9).collect(), (1..=9).collect());
    books
}

/// The kinds found after a book was tampered with.
fn found(tamper: impl FnOnce(&mut Books)) -> Vec<Wrong> {
    let mut books = right();
    tamper(&mut books);
    let mut all: Vec<Wrong> = books.findings().into_iter().map(|f| f.wrong).collect();
    all.dedup();
    all
}

#[test]
fn right_books_are_found_right() {
    assert_eq!(right().findings(), []);
    assert_eq!((right().delivered(), right().sums().platform), (2, 40_000));
}

#[test]
fn every_way_of_tampering_is_found_under_its_own_name() {
    let ministry = |b: &mut Books, change: fn(&mut Call)| change(&mut b.calls.get_mut(&Place::Ministry).unwrap()[3]);
    assert_eq!(found(|b| drop(b.ministry.remove("d0"))), [Wrong::Lost]);
    assert_eq!(found(|b| drop(b.gateway.remove("d0"))), [Wrong::Lost]);
    assert_eq!(found(|b| b.load[0].supplemented = true), [Wrong::Lost]);
    assert_eq!(found(|b| ministry(b, |c| c.repeat = true)), [Wrong::Repeated]);
    assert_eq!(found(|b| ministry(b, |c| c.violations.push("a dossier submitted twice".into()))), [Wrong::Repeated]);
    assert_eq!(found(|b| b.load[0].receipts.extend(["another".into()])), [Wrong::Repeated]);
    assert_eq!(found(|b| ministry(b, |c| c.violations.push("order: a fee nobody asked for".into()))), [Wrong::OutOfOrder]);
    assert_eq!(found(|b| ministry(b, |c| c.overlap = true)), [Wrong::OutOfOrder]);
    assert_eq!(found(|b| b.calls.get_mut(&Place::Ministry).unwrap().iter_mut().for_each(|c| c.at_ms /= 2)), [Wrong::OverLimit]);
    assert_eq!(found(|b| ministry(b, |c| c.violations.push("wrong credentials".into()))), [Wrong::Unlike]);
    assert_eq!(found(|b| b.portal.get_mut("d0").unwrap().status = 9), [Wrong::Unlike]);
    assert_eq!(found(|b| b.ministry.get_mut("d0").unwrap().status = 9), [Wrong::Unlike]);
    assert_eq!(found(|b| b.load[0].refused.push("422".into())), [Wrong::Refused]);
    assert_eq!(found(|b| b.parked.push((1, "why".into()))), [Wrong::Parked]);
    let case = |kind: &str, dossier: Option<&str>| Case { case: 1, kind: kind.into(), dossier: dossier.map(str::to_owned) };
    for kind in ["overpayment", "link-lost", "early-waits", "payment-unanswered", "fee-differs"] {
        assert_eq!(found(|b| b.cases.push(case(kind, Some("d1")))), [Wrong::Case], "{kind}");
        assert_eq!(found(|b| b.cases.push(case(kind, None))), [Wrong::Case], "{kind}");
    }
    let lost = |b: &mut Books| {
        b.payment.extend((0..2).map(|_| Transaction { dossier: "d1".into(), amount: 40_000, state: "expired".into() }));
        b.cases.push(case("link-lost", Some("d1")));
    };
    assert_eq!(found(lost), [], "three links were begun: it is right that a person is told");
    assert_eq!(found(|b| b.followed.retain(|e| *e != 5)), [Wrong::EventMissed]);
    assert_eq!(found(|b| b.followed.swap(4, 5)), [Wrong::EventMissed]);
    assert_eq!(found(|b| b.waiting = 1), [Wrong::NotRecovered]);
    assert_eq!(found(|b| b.load[0].over = false), [Wrong::NotRecovered]);
    assert_eq!(found(|b| b.record.failed.push("it did not come back".into())), [Wrong::NotRecovered]);
}

#[test]
fn money_that_differs_anywhere_is_found() {
    let fee = |b: &mut Books| b.gateway.get_mut("d1").unwrap().fee.as_mut().unwrap().state = "owed".into();
    assert_eq!(found(fee), [Wrong::PaymentLost, Wrong::Sums]);
    assert_eq!(found(|b| b.portal.get_mut("d1").unwrap().fee = None), [Wrong::PaymentLost, Wrong::Sums]);
    assert_eq!(found(|b| b.ministry.get_mut("d1").unwrap().fee_paid = None), [Wrong::PaymentLost, Wrong::Sums]);
    assert_eq!(found(|b| b.payment.clear()), [Wrong::PaymentDouble, Wrong::Sums]);
    let twice = |b: &mut Books| {
        let second = b.payment[0].clone();
        b.payment.push(second);
    };
    assert_eq!(found(twice), [Wrong::PaymentDouble, Wrong::Sums]);
    assert_eq!(found(|b| b.ministry.get_mut("d1").unwrap().fee_paid = Some(40_001)), [Wrong::Sums]);
    assert_eq!(found(|b| b.accounts = Some(Accounts { paid_in: 0, faults_found: 0 })), [Wrong::Sums]);
    assert_eq!(found(|b| b.accounts = Some(Accounts { paid_in: 40_000, faults_found: 1 })), [Wrong::Sums]);
}

#[test]
fn what_is_allowed_is_no_finding() {
    let quick = |b: &mut Books| {
        // Withdrawn before it left us.
        b.load[0].part = part(Course::Regretted);
        b.load[0].withdrawn = true;
        b.ministry.remove("d0");
        b.gateway.get_mut("d0").unwrap().status_code = 7;
        b.portal.get_mut("d0").unwrap().status = 7;
    };
    assert_eq!(found(quick), []);
    let late = |b: &mut Books| {
        // Withdrawn when it was done already.
        b.load[0].part = part(Course::Regretted);
        b.load[0].refused.push("409".into());
    };
    assert_eq!(found(late), []);
    let again = |b: &mut Books| {
        let webhook = Call { repeat: true, ..call(1, 0, "status", "d0") };
        b.calls.insert(Place::Portal, vec![webhook]);
    };
    assert_eq!(found(again), []);
}

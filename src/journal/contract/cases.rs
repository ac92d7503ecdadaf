//! What must hold of cases: met again they are one, a word on one is kept with its reason, an old word is stale.

use super::*;
use crate::model::CaseKind;

fn case(kind: CaseKind, dossier: &str, data: crate::body::Value) -> NewCase {
    NewCase { kind, dossier: Some(dossier.into()), data, at: T0 }
}

async fn open(j: &dyn Journal, case: NewCase) {
    assert!(j.apply(Effects { cases: vec![case], ..Effects::default() }).await.unwrap());
}

async fn step(j: &dyn Journal, case: u64, version: u64, what: CaseWord) -> bool {
    let step =
        CaseStep {
            case, version, what, who: "lan".into(), at: at(9), reason: "đã gọi".into(), data: json!({ "why": "thử" })
        };
    j.apply(Effects { case_steps: vec![step], ..Effects::default() }).await.unwrap()
}

async fn list(j: &dyn Journal, filter: CaseFilter) -> Vec<u64> {
    j.cases(CaseFilter { limit: 100, ..filter }).await.unwrap().iter().map(|c| c.case).collect()
}

pub(super) async fn the_same_matter_is_one_case_while_it_is_open(store: &dyn Store) {
    let j = store.open();
    let fee = |n: u64| case(CaseKind::FeeDiffers, "D1", json!({ "ministry": n, "catalogue": 5 }));
    for n in [7, 7, 9] {
        open(&*j, fee(n)).await;
    }
    open(&*j, case(CaseKind::FeeDiffers, "D2", json!({ "ministry": 7, "catalogue": 5 }))).await;
    open(&*j, case(CaseKind::FeeDiffers, "D1", json!({ "ministry": 7, "asked": 5, "transaction": "T1" }))).await;
    assert_eq!(list(&*j, CaseFilter::default()).await, [1, 2, 3]);
    let CaseDetail { view, history } = j.case(1).await.unwrap().unwrap();
    assert_eq!((view.met, view.version, &view.data["ministry"]), (3, 2, &json!(9)), "the newest facts count");
    let lines: Vec<_> = history.iter().map(|e| (e.what.as_str(), e.data["ministry"].clone())).collect();
    assert_eq!(lines, [("opened", json!(7)), ("again", json!(9))]);
    assert!(step(&*j, 1, 3, CaseWord::Decided("none".into())).await);
    open(&*j, fee(9)).await;
    assert_eq!(list(&*j, CaseFilter::default()).await, [1, 2, 3, 4], "after a decision it is a new matter");
}

pub(super) async fn a_statements_difference_once_decided_is_not_opened_again(store: &dyn Store) {
    let j = store.open();
    let row = |amount: u64| case(CaseKind::StatementMismatch, "D1", json!({ "transaction": "T1", "theirs": amount }));
    open(&*j, row(7)).await;
    assert!(step(&*j, 1, 2, CaseWord::Closed).await);
    open(&*j, row(7)).await;
    assert_eq!(list(&*j, CaseFilter::default()).await, [1], "the same difference was decided");
    assert_eq!(j.case(1).await.unwrap().unwrap().view.met, 2);
    open(&*j, row(8)).await;
    assert_eq!(list(&*j, CaseFilter { open: Some(true), ..CaseFilter::default() }).await, [2], "another one was not");
}

pub(super) async fn a_word_on_a_case_is_kept_and_an_old_one_is_stale(store: &dyn Store) {
    let j = store.open();
    open(&*j, case(CaseKind::Overpayment, "D1", json!({ "transaction": "T1" }))).await;
    assert!(!step(&*j, 1, 1, CaseWord::Noted).await, "computed from another version");
    assert!(!step(&*j, 8, 2, CaseWord::Noted).await, "there is no such case");
    assert!(step(&*j, 1, 2, CaseWord::Noted).await);
    assert!(step(&*j, 1, 3, CaseWord::Decided("refund".into())).await);
    assert!(!step(&*j, 1, 4, CaseWord::Closed).await, "it is closed already");
    assert!(step(&*j, 1, 4, CaseWord::Noted).await, "a note may still be made");
    drop(j);
    let j = store.open();
    let CaseDetail { view, history } = j.case(1).await.unwrap().unwrap();
    assert_eq!((view.closed_at, view.decision.as_deref(), view.version), (Some(at(9)), Some("refund"), 4));
    let words: Vec<&str> = history.iter().map(|e| e.what.as_str()).collect();
    assert_eq!(words, ["opened", "noted", "decided", "noted"]);
    assert_eq!((history[2].who.as_str(), history[2].reason.as_deref()), ("lan", Some("đã gọi")));
    assert!(j.open_cases().await.unwrap().is_empty());
}

pub(super) async fn cases_are_listed_by_what_is_asked_for(store: &dyn Store) {
    let j = store.open();
    for (kind, dossier, n) in [
        (CaseKind::Overpayment, "D1", 1),
        (CaseKind::LinkLost, "D1", 2),
        (CaseKind::Overpayment, "D2", 3),
        (CaseKind::NoRoute, "D2", 4),
    ] {
        open(&*j, case(kind, dossier, json!({ "nth": n }))).await;
    }
    assert!(step(&*j, 2, 2, CaseWord::Closed).await);
    let of = |kind, dossier: Option<&str>, open| CaseFilter {
        kind,
        dossier: dossier.map(str::to_owned),
        open,
        ..CaseFilter::default()
    };
    for (filter, want) in [
        (of(None, None, None), vec![1, 2, 3, 4]),
        (of(None, None, Some(true)), vec![1, 3, 4]),
        (of(None, None, Some(false)), vec![2]),
        (of(Some(CaseKind::Overpayment), None, None), vec![1, 3]),
        (of(None, Some("D1"), None), vec![1, 2]),
        (of(Some(CaseKind::Overpayment), Some("D2"), Some(true)), vec![3]),
        (CaseFilter { after: 2, ..of(None, None, None) }, vec![3, 4]),
    ] {
        assert_eq!(list(&*j, filter.clone()).await, want, "{filter:?}");
    }
    assert_eq!(j.open_cases().await.unwrap(), [("no-route".to_owned(), 1), ("overpayment".to_owned(), 2)]);
    assert_eq!(j.case(9).await.unwrap(), None);
}

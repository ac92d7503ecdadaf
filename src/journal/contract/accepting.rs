//! What must hold of taking in and reading.

use super::*;
use crate::model::{Account, CaseKind, Movement};
use tokio::task::JoinSet;

pub(super) async fn what_is_accepted_is_found_delivered_and_told(store: &dyn Store) {
    let j = store.open();
    assert_eq!(new(&*j, submit("D1")).await, 1);
    let seen = j.snapshot("D1").await.unwrap();
    assert_eq!(seen.dossier, Some(dossier("D1", 1)));
    assert_eq!(seen.open.len(), 1);
    assert_eq!((seen.open[0].state, seen.open[0].sent, seen.open[0].ready_at), (DeliveryState::Waiting, false, Some(T0)));
    let claims = claim_all(&*j, at(0)).await;
    assert_eq!(keys(&claims), ["D1"]);
    let c = &claims[0];
    assert_eq!((c.id.as_str(), c.kind, c.attempts, &c.adapters, &c.doubt), ("m-D1", Kind::DossierSubmit, 0, &None, &None));
    assert_eq!(c.body, submit("D1").message.body, "none of its own: the accepted message's body");
    assert_eq!(state_of(&*j, c.delivery).await, DeliveryState::Claimed);
    let mut end = settlement(c, Next::Done);
    end.effects.events.push(event("D1", "delivered"));
    assert_eq!(j.settle(end).await.unwrap(), Settled::Written);
    let detail = j.delivery(c.delivery).await.unwrap().unwrap();
    assert_eq!((detail.view.state, detail.view.sent, detail.attempts.len()), (DeliveryState::Done, true, 1));
    assert_eq!(detail.attempts[0], settlement(c, Next::Done).attempt);
    assert_eq!(detail.body, json!({ "code": "D1", "message": "m-D1" }));
    let told: Vec<_> = j.timeline("D1").await.unwrap().into_iter().map(|e| e.kind).collect();
    assert_eq!(told, ["accepted", "delivered"]);
    assert!(j.snapshot("D1").await.unwrap().open.is_empty());
    let idle = j.claim(take("office", 9, at(1_000), "set-1")).await.unwrap();
    assert_eq!((idle.claims.len(), idle.next, idle.left), (0, None, false));
}

pub(super) async fn the_same_key_gets_the_first_receipt_and_writes_nothing(store: &dyn Store) {
    let j = store.open();
    let first = submit("D1");
    let key = first.idempotency.clone().unwrap();
    assert_eq!(j.known(&key.scope, key.key).await.unwrap(), None);
    let message = new(&*j, first.clone()).await;
    let known = Known { message, id: "m-D1".into(), fingerprint: [7; 32], receipt: json!({ "outcome": "accepted" }) };
    assert_eq!(j.known(&key.scope, key.key).await.unwrap().as_ref(), Some(&known));
    let mut second = more("D1", "m-D1");
    second.receipt = json!({ "outcome": "another" });
    assert_eq!(j.accept(second).await.unwrap(), Accepted::Known(known));
    assert_eq!(j.snapshot("D1").await.unwrap().open.len(), 1);
    assert_eq!(j.timeline("D1").await.unwrap().len(), 1);
    let mut other = more("D1", "m-D1");
    other.idempotency = Some(Idempotency { scope: "portal-b/submit".into(), ..key });
    assert_eq!(new(&*j, other).await, message + 1, "another caller's key is another key");
}

pub(super) async fn of_many_acceptances_under_one_key_exactly_one_is_new(store: &dyn Store) {
    let j = store.open();
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let j = j.clone();
        tasks.spawn(async move { j.accept(submit("D1")).await.unwrap() });
    }
    let all = tasks.join_all().await;
    assert_eq!(all.iter().filter(|a| matches!(a, Accepted::New { .. })).count(), 1);
    assert_eq!(all.iter().filter(|a| matches!(a, Accepted::Known(k) if k.message == 1)).count(), 15);
    assert_eq!(j.snapshot("D1").await.unwrap().open.len(), 1);
}

pub(super) async fn effects_of_an_older_version_are_stale_and_write_nothing(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    let base = Effects { payments: vec![payment("T1", "D1", 1)], ..Effects::default() };
    assert!(j.apply(base).await.unwrap());
    let dossiers = [(1, false), (3, false), (2, true), (2, false), (3, true)];
    for (version, fresh) in dossiers {
        let effects = Effects { dossier: Some(dossier("D1", version)), events: vec![event("D1", "x")], ..Effects::default() };
        assert_eq!(j.apply(effects).await.unwrap(), fresh, "dossier version {version}");
    }
    for (version, fresh) in [(1, false), (3, false), (2, true), (2, false)] {
        let payments = vec![payment("T1", "D1", version)];
        let effects = Effects { payments, events: vec![event("D1", "x")], ..Effects::default() };
        assert_eq!(j.apply(effects).await.unwrap(), fresh, "payment version {version}");
    }
    assert_eq!(j.timeline("D1").await.unwrap().len(), 1 + 2 + 1, "stale effects tell nothing");
    let mut stale = more("D1", "m-2");
    stale.effects.dossier = Some(dossier("D1", 2));
    assert_eq!(j.accept(stale.clone()).await.unwrap(), Accepted::Stale);
    let key = stale.idempotency.clone().unwrap();
    assert_eq!(j.known(&key.scope, key.key).await.unwrap(), None, "a stale message leaves no key");
    stale.effects.dossier = Some(dossier("D1", 4));
    new(&*j, stale).await;
}

pub(super) async fn one_failing_command_spoils_no_other_of_its_batch(store: &dyn Store) {
    let j = store.open();
    let mut tasks = JoinSet::new();
    for n in 0..64 {
        let j = j.clone();
        tasks.spawn(async move {
            if n % 8 == 3 {
                // A delivery without a body, caused by no message, cannot be written; the event before it must not stay.
                let events = vec![event(&format!("D{n}"), "never")];
                let effects = Effects { events, deliveries: vec![delivery("D", "m")], ..Effects::default() };
                j.apply(effects).await.is_err()
            } else {
                matches!(j.accept(submit(&format!("D{n}"))).await, Ok(Accepted::New { .. }))
            }
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|as_it_must| as_it_must));
    let events = j.events(0, 1000, None).await.unwrap();
    assert_eq!((events.len(), events.iter().filter(|e| e.kind == "never").count()), (56, 0));
    assert_eq!(claim_all(&*j, at(0)).await.len(), 56);
}

pub(super) async fn a_reader_who_saw_an_event_never_sees_an_earlier_one_appear_later(store: &dyn Store) {
    let j = store.open();
    let mut writers = JoinSet::new();
    for w in 0..8 {
        let j = j.clone();
        writers.spawn(async move {
            for n in 0..40 {
                new(&*j, submit(&format!("D{w}-{n}"))).await;
            }
        });
    }
    let (mut seen, mut after) = (Vec::new(), 0);
    while seen.len() < 320 {
        let page = j.events(after, 7, None).await.unwrap();
        after = page.last().map_or(after, |e| e.event);
        seen.extend(page.into_iter().map(|e| e.event));
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    let all: Vec<u64> = j.events(0, 1000, None).await.unwrap().into_iter().map(|e| e.event).collect();
    assert_eq!(seen, all);
    assert!(all.is_sorted());
}

pub(super) async fn events_are_told_to_the_caller_whose_dossier_it_is(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    let mut other = submit("D2");
    other.effects.dossier = Some(Dossier { caller: "portal-b".into(), ..dossier("D2", 1) });
    new(&*j, other).await;
    // Told by somebody else's message, without a change of the dossier.
    new(&*j, more("D2", "m-3")).await;
    let told = |caller| {
        let j = j.clone();
        async move { j.events(0, 10, Some(caller)).await.unwrap().into_iter().map(|e| (e.event, e.dossier)).collect::<Vec<_>>() }
    };
    assert_eq!(told("portal-a").await, [(1, "D1".to_owned())]);
    assert_eq!(told("portal-b").await, [(2, "D2".to_owned()), (3, "D2".to_owned())]);
    assert_eq!(told("nobody").await, []);
    assert_eq!(j.events(1, 1, Some("portal-b")).await.unwrap().len(), 1);
}

pub(super) async fn a_number_is_given_once_even_after_a_crash(store: &dyn Store) {
    let mut given = Vec::new();
    for _ in 0..3 {
        let j = store.open();
        for _ in 0..5 {
            given.push(j.next_number("H26.15", "20260609").await.unwrap());
        }
        assert!(j.next_number("H26.15", &format!("day-{}", j.run())).await.unwrap() == 1, "each day begins at 1");
    }
    assert_eq!(given, (1..=15).collect::<Vec<_>>());
}

pub(super) async fn payments_movements_and_cases_are_kept(store: &dyn Store) {
    let j = store.open();
    let moved = Movement {
        transaction: "T1".into(),
        dossier: "D1".into(),
        refund: None,
        debit: Account::Citizen,
        credit: Account::Platform,
        amount: Vnd::new(150_000).unwrap(),
        kind: "payment".into(),
        at: T0,
    };
    let case = NewCase { kind: CaseKind::Overpayment, dossier: Some("D1".into()), data: json!({ "amount": 1 }), at: T0 };
    let later = Payment { requested_at: at(5), expires_at: at(100), ..payment("T0", "D1", 1) };
    let effects = Effects {
        payments: vec![later.clone(), payment("T1", "D1", 1)],
        movements: vec![moved],
        cases: vec![case],
        ..Effects::default()
    };
    assert!(j.apply(effects).await.unwrap());
    assert_eq!(j.payment("T1").await.unwrap(), Some(payment("T1", "D1", 1)));
    assert_eq!(j.payment("T9").await.unwrap(), None);
    assert_eq!(j.snapshot("D1").await.unwrap().payments, [payment("T1", "D1", 1), later.clone()], "oldest first");
    assert_eq!(j.expiring(at(1000), 10).await.unwrap(), [later.clone(), payment("T1", "D1", 1)]);
    assert_eq!(j.expiring(at(100), 10).await.unwrap(), []);
    let paid = Payment { state: PaymentState::Paid, version: 2, ..later };
    assert!(j.apply(Effects { payments: vec![paid], ..Effects::default() }).await.unwrap());
    assert_eq!(j.expiring(at(1000), 10).await.unwrap().len(), 1, "what is paid expires no more");
    let cases = j.cases(CaseFilter { limit: 10, ..CaseFilter::default() }).await.unwrap();
    assert_eq!((cases.len(), cases[0].word.as_str(), &cases[0].data), (1, "overpayment", &json!({ "amount": 1 })));
    assert!(j.cases(CaseFilter { after: cases[0].case, limit: 10, ..CaseFilter::default() }).await.unwrap().is_empty());
}

pub(super) async fn early_moves_are_kept_in_the_partners_order_until_taken_out(store: &dyn Store) {
    let j = store.open();
    let early = |message: &str, seconds| Early {
        dossier: "D1".into(),
        message: message.into(),
        at: at(seconds),
        kept_at: at(100),
        body: json!({ "status": "finished" }),
        kind: Kind::StatusChange,
    };
    let kept = vec![early("b", 20), early("a", 30), early("c", 10)];
    assert!(j.apply(Effects { early: kept, ..Effects::default() }).await.unwrap());
    assert_eq!(j.snapshot("D1").await.unwrap().early, [early("c", 10), early("b", 20), early("a", 30)]);
    assert!(j.early_since(early("c", 10).kept_at, 9).await.unwrap().is_empty(), "kept since just then, not before");
    assert_eq!(j.early_since(early("c", 10).kept_at.plus_ms(1), 2).await.unwrap().len(), 2, "at most so many");
    assert!(
        j.apply(Effects { early: vec![Early { kept_at: at(9_999_999), ..early("b", 20) }], ..Effects::default() }).await.unwrap()
    );
    assert_eq!(
        j.early_since(early("c", 10).kept_at.plus_ms(1), 9).await.unwrap().len(),
        2,
        "kept again under the same message: the new time"
    );
    assert!(j.apply(Effects { early_done: vec!["b".into()], ..Effects::default() }).await.unwrap());
    assert_eq!(j.snapshot("D1").await.unwrap().early, [early("c", 10), early("a", 30)]);
}

pub(super) async fn a_file_is_found_by_id_and_joins_its_dossier(store: &dyn Store) {
    let j = store.open();
    let file = FileRow {
        id: "f1".into(),
        caller: "portal-a".into(),
        reader: None,
        dossier: None,
        digest: "ab".repeat(32),
        size: 500_000,
        name: "don.pdf".into(),
        media: Some("application/pdf".into()),
        at: T0,
    };
    j.add_files(vec![file.clone()]).await.unwrap();
    assert_eq!(j.file("f1").await.unwrap(), Some(file.clone()));
    assert_eq!(j.file("f2").await.unwrap(), None);
    let joined = FileRow { dossier: Some("D1".into()), ..file };
    assert!(j.apply(Effects { files: vec![joined.clone()], ..Effects::default() }).await.unwrap());
    assert_eq!(j.file("f1").await.unwrap(), Some(joined));
}

pub(super) async fn a_closed_journal_takes_nothing(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    j.close().await.unwrap();
    j.close().await.unwrap();
    assert!(matches!(j.accept(submit("D2")).await, Err(JournalError::Closed)));
    assert!(matches!(j.snapshot("D1").await, Err(JournalError::Closed)));
    let again = store.open();
    assert!(again.snapshot("D1").await.unwrap().dossier.is_some());
}

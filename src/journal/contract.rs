//! The journal's contract as tests, written against `dyn Journal`: every store answers the same suite.
//!
//! A store gives a [`Store`]: how it is opened, and opened again, in one place. What only SQLite has (its lock, its file's
//! version, its row budget, its query plans) stands in `sqlite_tests`.

use super::*;
use crate::model::{Dossier, Fee, FeeState, Kind, Movement, Payer, Payment, PaymentState, Status, Vnd};
use serde_json::json;
use std::sync::Arc;

/// A place where a journal can be opened, dropped and opened again.
pub(super) trait Store {
    /// Opens the journal of this place.
    fn open(&self) -> Arc<dyn Journal>;
}

pub(super) const T0: Time = Time(1_773_500_000_000);

pub(super) fn at(seconds: i64) -> Time {
    T0.plus_ms(seconds * 1000)
}

pub(super) fn dossier(code: &str, version: u64) -> Dossier {
    Dossier {
        code: code.to_owned(),
        procedure: "1.005142".to_owned(),
        edition: Some("2019".to_owned()),
        agency: "000.00.15.H26".to_owned(),
        portal: "city".to_owned(),
        caller: "portal-a".to_owned(),
        ministry: Some("office".to_owned()),
        status: Status::New,
        since: None,
        submitted_at: T0,
        registered_at: T0,
        due_at: None,
        told: 0,
        reference: None,
        rounds: 0,
        fee: None,
        documents: Vec::new(),
        payer: Payer::default(),
        version,
    }
}

pub(super) fn payment(transaction: &str, code: &str, version: u64) -> Payment {
    Payment {
        transaction: transaction.to_owned(),
        dossier: code.to_owned(),
        partner: "bank".to_owned(),
        amount: Vnd::new(150_000).unwrap(),
        state: PaymentState::Requested,
        link: None,
        return_url: "https://city.example/back".to_owned(),
        requested_at: T0,
        expires_at: at(900),
        asked_at: None,
        platform_transaction: None,
        version,
    }
}

pub(super) fn delivery(lane: &str, id: &str) -> NewDelivery {
    NewDelivery {
        partner: "office".to_owned(),
        route: "submit".to_owned(),
        lane: lane.to_owned(),
        dossier: Some(lane.to_owned()),
        class: "citizen".to_owned(),
        caller: "portal-a".to_owned(),
        deadline: None,
        not_before: None,
        id: id.to_owned(),
        at: T0,
        kind: Kind::DossierSubmit,
        body: None,
    }
}

pub(super) fn event(code: &str, kind: &str) -> NewEvent {
    NewEvent { dossier: code.to_owned(), at: T0, kind: kind.to_owned(), data: json!({ "status": 1 }) }
}

/// An ordinary submission: message, key, dossier, delivery, event, audit.
pub(super) fn submit(code: &str) -> Acceptance {
    let audit =
        NewAudit { at: T0, who: "portal-a".to_owned(), what: "accept".to_owned(), about: code.to_owned(), data: json!({}) };
    Acceptance {
        effects: Effects { dossier: Some(dossier(code, 1)), audit: vec![audit], ..more(code, &format!("m-{code}")).effects },
        ..more(code, &format!("m-{code}"))
    }
}

/// A further message to the same lane, that changes no dossier.
pub(super) fn more(code: &str, id: &str) -> Acceptance {
    let mut key = [0; 32];
    key.iter_mut().zip(crate::seal::sha256_hex(id.as_bytes()).bytes()).for_each(|(k, b)| *k = b);
    Acceptance {
        idempotency: Some(Idempotency { scope: "portal-a/submit".to_owned(), key, fingerprint: [7; 32] }),
        message: NewMessage {
            id: id.to_owned(),
            partner: "city".to_owned(),
            route: "submit".to_owned(),
            kind: Kind::DossierSubmit,
            dossier: Some(code.to_owned()),
            caller: "portal-a".to_owned(),
            received_at: T0,
            adapters: "set-1".to_owned(),
            body: format!("{{\"code\":\"{code}\",\"message\":\"{id}\"}}").into_bytes(),
            raw: b"{}".to_vec(),
        },
        effects: Effects { events: vec![event(code, "accepted")], deliveries: vec![delivery(code, id)], ..Effects::default() },
        receipt: json!({ "outcome": "accepted" }),
    }
}

pub(super) fn settlement(claim: &Claim, next: Next) -> Settlement {
    let outcome = match &next {
        Next::Done => "done",
        Next::Retry { .. } => "retry",
        Next::Later { .. } => "not-sent",
        Next::Ask { .. } => "unknown",
        Next::Clear { .. } => "done",
        Next::Park { .. } => "park",
        Next::Reject { .. } => "reject",
    };
    let attempt = Attempt {
        at: T0,
        ms: 12,
        what: "call".to_owned(),
        outcome: outcome.to_owned(),
        why: Some("http-503".to_owned()),
        adapters: "set-1".to_owned(),
    };
    Settlement { delivery: claim.delivery, run: claim.run, at: at(1), attempt, next, effects: Effects::default() }
}

async fn claim_all(j: &dyn Journal, now: Time) -> Vec<Claim> {
    j.claim("office", 100, now, None).await.unwrap()
}

fn lanes(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|c| c.lane.as_str()).collect()
}

async fn new(j: &dyn Journal, a: Acceptance) -> u64 {
    match j.accept(a).await.unwrap() {
        Accepted::New { message } => message,
        other => panic!("{other:?}"),
    }
}

async fn settle(j: &dyn Journal, claim: &Claim, next: Next) {
    assert_eq!(j.settle(settlement(claim, next)).await.unwrap(), Settled::Written);
}

async fn state_of(j: &dyn Journal, delivery: u64) -> DeliveryState {
    j.delivery(delivery).await.unwrap().unwrap().view.state
}

/// The suite. Each function is a sentence that must hold of every store.
pub(super) mod suite {
    use super::*;

    pub(crate) async fn what_is_accepted_is_found_delivered_and_told(store: &dyn Store) {
        let j = store.open();
        let message = new(&*j, submit("D1")).await;
        assert_eq!(message, 1);
        let seen = j.snapshot("D1").await.unwrap();
        assert_eq!(seen.dossier, Some(dossier("D1", 1)));
        assert_eq!(seen.open.len(), 1);
        assert_eq!((seen.open[0].state, seen.open[0].sent, seen.open[0].ready_at), (DeliveryState::Waiting, false, Some(T0)));
        let claims = claim_all(&*j, at(0)).await;
        assert_eq!(lanes(&claims), ["D1"]);
        let c = &claims[0];
        assert_eq!((c.id.as_str(), c.kind, c.attempts, &c.adapters, &c.doubt), ("m-D1", Kind::DossierSubmit, 0, &None, &None));
        assert_eq!(c.body, submit("D1").message.body, "none of its own: the accepted message's body");
        assert_eq!(state_of(&*j, c.delivery).await, DeliveryState::Claimed);
        let mut end = settlement(c, Next::Done);
        end.effects.events.push(event("D1", "delivered"));
        assert_eq!(j.settle(end).await.unwrap(), Settled::Written);
        let detail = j.delivery(c.delivery).await.unwrap().unwrap();
        assert_eq!((detail.view.state, detail.view.sent, detail.attempts.len()), (DeliveryState::Done, true, 1));
        assert_eq!(detail.body, json!({ "code": "D1", "message": "m-D1" }));
        assert_eq!(
            j.timeline("D1").await.unwrap().iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(),
            ["accepted", "delivered"]
        );
        assert!(j.snapshot("D1").await.unwrap().open.is_empty());
        assert_eq!(j.next_due("office").await.unwrap(), None);
    }
}

mod sqlite_tests {
    use super::*;

    struct Folder {
        dir: tempfile::TempDir,
    }

    impl Store for Folder {
        fn open(&self) -> Arc<dyn Journal> {
            SqliteJournal::open(self.dir.path(), Options::default()).unwrap()
        }
    }

    fn folder() -> Folder {
        Folder { dir: tempfile::tempdir().unwrap() }
    }

    macro_rules! held_by_sqlite {
        ($($name:ident),* $(,)?) => { $(
            #[tokio::test]
            async fn $name() {
                suite::$name(&folder()).await;
            }
        )* };
    }

    held_by_sqlite! { what_is_accepted_is_found_delivered_and_told }
}

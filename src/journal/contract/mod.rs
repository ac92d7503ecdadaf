//! The journal's contract as tests, written against `dyn Journal`: every store answers the same suite.
//!
//! A store gives a [`Store`]: how it is opened, and opened again, in one place. What only SQLite has (its lock, its file's
//! version, its row budget, its query plans) stands in `sqlite`.

use super::*;
use crate::body::json;
use crate::delivery::{Feed, Saved, Terms};
use crate::model::{Account, Dossier, Kind, Payer, PaymentState, Status, Vnd};
use std::collections::BTreeMap;
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
        charge: None,
        dispute: None,
        overruled: Vec::new(),
        fee_paid: Vnd::ZERO,
        covered: Vec::new(),
        copy: None,
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
        noticed_at: None,
        differed_at: None,
        platform_transaction: None,
        billed: false,
        paid_at: None,
        held_in: Account::Platform,
        terms: None,
        reserved: Vnd::ZERO,
        refunded: Vnd::ZERO,
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
        trace: None,
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

/// The submission of a dossier that is refused at once: it ended when it came.
pub(crate) fn ended(code: &str, at: Time) -> Acceptance {
    let mut acceptance = submit(code);
    acceptance.message.received_at = at;
    acceptance.effects.dossier = Some(Dossier { status: Status::Refused, ..dossier(code, 1) });
    acceptance.effects.events.iter_mut().for_each(|e| e.at = at);
    acceptance
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
            raw: b"{}".to_vec().into(),
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

/// Takes without any limit; further attempts have no budget.
pub(super) fn take(partner: &str, max: u32, now: Time, adapters: &str) -> Take {
    let terms = Terms { retry_percent: 100, ..Terms::default() };
    let feed = Feed::start(&terms, &Saved::default(), now);
    Take { partner: partner.to_owned(), max, now, feed, probe: false, adapters: adapters.to_owned(), batches: BTreeMap::new() }
}

pub(super) async fn claim(j: &dyn Journal, partner: &str, max: u32, now: Time) -> Vec<Claim> {
    j.claim(take(partner, max, now, "set-1")).await.unwrap().claims
}

pub(super) async fn claim_all(j: &dyn Journal, now: Time) -> Vec<Claim> {
    claim(j, "office", 100, now).await
}

pub(super) fn keys(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|c| c.lane.as_str()).collect()
}

pub(super) async fn new(j: &dyn Journal, a: Acceptance) -> u64 {
    match j.accept(a).await.unwrap() {
        Accepted::New { message } => message,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn settle(j: &dyn Journal, claim: &Claim, next: Next) {
    assert_eq!(j.settle(settlement(claim, next)).await.unwrap(), Settled::Written);
}

pub(super) async fn state_of(j: &dyn Journal, delivery: u64) -> DeliveryState {
    j.delivery(delivery).await.unwrap().unwrap().view.state
}

/// Runs the whole suite against a store; each name is a sentence that must hold of every store.
macro_rules! contract {
    ($store:expr; $($room:ident: $($name:ident),+;)+) => { $($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            super::$room::$name(&$store).await;
        }
    )+)+ };
    ($store:expr) => { contract! { $store;
        accepting: what_is_accepted_is_found_delivered_and_told, the_same_key_gets_the_first_receipt_and_writes_nothing,
            of_many_acceptances_under_one_key_exactly_one_is_new, effects_of_an_older_version_are_stale_and_write_nothing,
            one_failing_command_spoils_no_other_of_its_batch, a_reader_who_saw_an_event_never_sees_an_earlier_one_appear_later,
            events_are_told_to_the_caller_whose_dossier_it_is, a_number_is_given_once_even_after_a_crash,
            payments_movements_and_cases_are_kept, early_moves_are_kept_in_the_partners_order_until_taken_out,
            a_file_is_found_by_id_and_joins_its_dossier, a_closed_journal_takes_nothing;
        lanes: a_lane_has_one_delivery_in_flight_and_keeps_its_order, a_parked_head_holds_its_own_lane_only,
            heads_come_by_their_deadline_and_not_before_their_time,
            classes_and_callers_share_a_partner_whatever_each_of_them_queues, a_probe_asks_before_it_sends, nothing_is_claimed_twice_in_a_run, every_next_leaves_what_it_says,
            further_attempts_keep_the_adapter_set_of_the_first, a_settlement_of_another_run_or_of_no_claim_is_gone,
            a_stale_settlement_leaves_the_claim_as_it_was, a_claim_that_a_crash_left_is_in_doubt,
            what_waits_behind_a_rejected_head_is_closed_with_it, a_close_of_another_state_than_seen_is_stale,
            what_became_due_wakes_and_what_was_settled_is_told, pace_and_pause_outlive_a_crash,
            a_queues_numbers_are_those_of_its_deliveries, a_queues_shape_is_told_without_what_is_held;
        acts: held_deliveries_are_released_together_by_reason_and_only_with_a_word_where_they_may_have_been_received,
            what_is_parked_but_may_have_been_received_keeps_its_doubt, a_release_does_what_the_verdict_says, a_close_spares_what_is_under_way_or_has_ended,
            deliveries_are_listed_by_what_is_asked_for;
        cases: the_same_matter_is_one_case_while_it_is_open, a_statements_difference_once_decided_is_not_opened_again,
            a_word_on_a_case_is_kept_and_an_old_one_is_stale, cases_are_listed_by_what_is_asked_for;
        money: of_two_refunds_at_once_only_one_is_taken_from_what_was_paid, the_books_add_up_over_payment_and_refund,
            receipts_and_movements_are_numbered_without_gaps_whatever_fails_between, a_payment_without_its_money_is_found;
    } };
}

mod accepting;
mod acts;
mod cases;
mod lanes;
mod money;
mod planted;
mod sqlite;

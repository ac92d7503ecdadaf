//! Messages that meet each other: a push and a call, two transactions of one fee, a notice and the platform's own answer.

use super::*;
use crate::exchange::proven;
use crate::journal::Claim;

pub(super) fn claim_of(world: &World, kind: Kind) -> Claim {
    let view = world.snapshot.open.iter().find(|d| d.kind == kind.name()).unwrap();
    Claim {
        delivery: view.delivery,
        run: 1,
        call: 0,
        partner: view.partner.clone(),
        route: view.route.clone(),
        lane: view.lane.clone(),
        dossier: view.dossier.clone(),
        caller: "north".into(),
        id: view.id.clone(),
        at: world.now,
        kind,
        body: Vec::new(),
        attempts: 0,
        adapters: None,
        doubt: None,
        trace: None,
    }
}

/// A dossier that owes this fee.
pub(super) fn owing(amount: u64) -> World {
    let mut world = World::registered();
    world.push("a", Status::Received, -2000).unwrap();
    world.push_with("b", Status::Payment, -1000, json!({ "fee_due": { "amount": amount } })).unwrap();
    world
}

/// What the platform says of a transaction.
pub(super) fn say(world: &mut World, transaction: &str, state: &str, amount: u64) -> Effects {
    let body = json!({ "transaction": transaction, "amount": amount, "state": state });
    let content = Message { kind: Kind::PaymentState, body };
    let effects = world.scene_of("bank", |scene, snapshot| pay::decide(scene, &content, snapshot));
    world.keep(effects.clone(), None);
    effects
}

pub(super) fn notice(world: &mut World, transaction: &str, amount: u64) -> Effects {
    let message =
        Message { kind: Kind::PaymentNotice, body: json!({ "transaction": transaction, "amount": amount, "state": "paid" }) };
    let effects = world.scene_of("bank", |scene, snapshot| noticed(scene, &message, snapshot, false)).unwrap();
    world.keep(effects.clone(), None);
    effects
}

fn documents() -> Value {
    json!([{ "id": "d", "name": "ket-qua.pdf", "content": { "blob": format!("sha256:{}", "a".repeat(64)), "size": 3 } }])
}

#[test]
fn a_push_proves_a_submission_in_every_state_but_a_call_under_way() {
    for state in [DeliveryState::Waiting, DeliveryState::Unknown, DeliveryState::Parked, DeliveryState::Claimed] {
        let mut world = World::registered();
        world.snapshot.open[0].state = state;
        world.push("a", Status::Received, -1000).unwrap();
        let left = world.open(Kind::DossierSubmit).len();
        assert_eq!(left, usize::from(state == DeliveryState::Claimed), "{state:?}");
    }
}

#[test]
fn a_call_under_way_learns_from_a_push_that_came_meanwhile_applied_or_early() {
    for (status, want) in [(None, false), (Some(Status::Received), true), (Some(Status::Finished), true)] {
        let mut world = World::registered();
        world.snapshot.open[0].state = DeliveryState::Claimed;
        if let Some(status) = status {
            world.push("a", status, -1000).unwrap();
        }
        assert_eq!(proven(&claim_of(&world, Kind::DossierSubmit), &world.snapshot), want, "{status:?}");
    }
}

#[test]
fn a_stop_or_an_older_move_does_not_prove_a_doubtful_supplement() {
    for (status, at, proven) in [
        (Status::Processing, 1000, true),
        (Status::Received, 1000, true),
        (Status::Received, -500, false),
        (Status::Stopped, 1000, false),
        (Status::Refused, 1000, false),
    ] {
        let mut world = World::registered();
        world.push("a", Status::Supplement, -1000).unwrap();
        let mut message = Message { kind: Kind::DossierSupplement, body: json!({ "code": CODE, "round": 1, "papers": [] }) };
        let effects = world.scene(|scene, snapshot| supplement(scene, &mut message, snapshot)).unwrap();
        world.keep(effects, None);
        world.snapshot.open.iter_mut().for_each(|d| d.state = DeliveryState::Unknown);
        world.push("b", status, at).unwrap();
        assert_eq!(world.open(Kind::DossierSupplement).is_empty(), proven, "{status:?} {at}");
    }
}

#[test]
fn papers_not_taken_come_again_as_the_next_round_and_are_told_with_the_partners_own_time() {
    let mut world = World::registered();
    world.push("a", Status::Supplement, -60_000).unwrap();
    let hand_in = |world: &mut World, round: u64| {
        let mut message = Message { kind: Kind::DossierSupplement, body: json!({ "code": CODE, "round": round, "papers": [] }) };
        let effects = world.scene(|scene, snapshot| supplement(scene, &mut message, snapshot)).map_err(|r| r.code)?;
        world.keep(effects, None);
        Ok::<_, &str>(())
    };
    hand_in(&mut world, 1).unwrap();
    world.end(Kind::DossierSupplement, Ended::Rejected("refused-by-partner: HTTP 200"), None);
    let (_, told) = world.told.last().unwrap();
    assert_eq!(told["at"], world.now.plus_ms(-60_000).rfc3339());
    // The first round's key is known at the door: under it nothing would ever be sent again.
    assert_eq!(hand_in(&mut world, 1), Err("supplement-round"));
    hand_in(&mut world, 2).unwrap();
}

#[test]
fn documents_that_come_after_their_status_are_told_once() {
    let mut world = World::registered();
    for (n, status) in [Status::Received, Status::Processing, Status::Finished, Status::Returned].into_iter().enumerate() {
        world.push(&format!("m{n}"), status, -10_000 + 1000 * i64::try_from(n).unwrap()).unwrap();
    }
    let before = world.told.len();
    for (id, at) in [("r1", -7_000), ("r2", -7_000), ("r3", -8_000)] {
        let body = json!({ "id": id, "code": CODE, "status": "returned", "at": world.now.plus_ms(at).rfc3339(), "missing": [], "documents": documents() });
        let message = Message { kind: Kind::ResultIssue, body };
        let effects = world.scene_of("ministry", |scene, snapshot| pushed(scene, id, &message, snapshot)).unwrap();
        world.keep(effects, None);
    }
    assert_eq!(world.told.len(), before + 1);
    assert_eq!(world.told.last().unwrap().1["documents"].as_array().unwrap().len(), 1);
}

#[test]
fn an_early_status_that_can_never_come_to_pass_carries_no_fee() {
    let mut world = World::registered();
    world.push_with("a", Status::Payment, 2000, json!({ "fee_due": { "amount": 150_000 } })).unwrap();
    world.push("b", Status::Refused, -1000).unwrap();
    assert_eq!((world.dossier().status, world.dossier().fee.clone()), (Status::Refused, None));
    assert!(world.snapshot.early.is_empty());
}

#[test]
fn a_dossier_that_was_refused_or_withdrawn_owes_nothing() {
    let mut world = owing(150_000);
    world.push("c", Status::Withdrawn, -500).unwrap();
    assert_eq!(world.click().unwrap_err().code, "fee-not-owed");
    assert_eq!(world.scene_of("bank", bill).0["outcome"], "settled");
}

#[test]
fn another_fee_told_after_the_request_waits_for_a_person_and_is_not_swallowed() {
    for paid in [false, true] {
        let mut world = owing(150_000);
        let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
        if paid {
            say(&mut world, &transaction, "paid", 150_000);
        }
        let body = json!({ "code": CODE, "status": "payment", "at": world.now.rfc3339(), "missing": [], "fee_due": { "amount": 200_000 } });
        let message = Message { kind: Kind::StatusChange, body };
        let effects = world.scene_of("ministry", |scene, snapshot| pushed(scene, "c", &message, snapshot)).unwrap();
        assert_eq!(effects.cases.iter().filter(|c| c.kind.word() == "fee-differs").count(), 1, "paid: {paid}");
        world.keep(effects, None);
        assert_eq!(world.dossier().fee.as_ref().map(|f| f.amount.amount()), Some(150_000));
    }
}

#[test]
fn an_earlier_attempt_over_another_amount_does_not_pay_the_fee() {
    let mut world = owing(150_000);
    let Start::New(_, first) = world.click().unwrap() else { panic!("a new transaction") };
    say(&mut world, &first, "failed", 150_000);
    world.push_with("c", Status::Payment, -500, json!({ "fee_due": { "amount": 200_000 } })).unwrap();
    assert_eq!(world.dossier().fee.as_ref().map(|f| f.amount.amount()), Some(200_000));
    let effects = say(&mut world, &first, "paid", 150_000);
    assert_eq!(effects.movements.len(), 1, "the money is not lost");
    assert!(
        effects
            .cases
            .iter()
            .any(|c| c.kind.word() == "overpayment" && c.data["why"] == "another-sum" && c.data["owed"] == 200_000)
    );
    assert_eq!(effects.movements[0].credit, crate::model::Account::Overpaid);
    assert_eq!(world.dossier().fee.as_ref().map(|f| f.state), Some(FeeState::Owed));
    assert!(!world.told.iter().any(|(k, b)| *k == Kind::FeeChange && b["paid"] == true));
}

#[test]
fn a_lost_link_makes_no_new_attempt_when_another_is_open_and_many_lost_ones_make_them_rare() {
    let mut world = owing(50_000);
    let Start::New(_, first) = world.click().unwrap() else { panic!("a new transaction") };
    let lost = |world: &mut World| {
        let transaction = world.snapshot.open.iter().find(|d| d.kind == "payment.request").unwrap().lane.clone();
        let pending = json!({ "transaction": transaction, "state": "pending" });
        world.end(Kind::PaymentRequest, Ended::Done, Some(Message { kind: Kind::PaymentState, body: pending }));
    };
    // Its time is over, the citizen has clicked anew: the first one's lost link begins nothing.
    world
        .snapshot
        .open
        .iter_mut()
        .filter(|d| d.kind == "payment.request")
        .for_each(|d| (d.state, d.sent) = (DeliveryState::Unknown, true));
    let payment = world.snapshot.payments[0].clone();
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &payment, snapshot));
    world.keep(effects, None);
    let Start::New(_, second) = world.click().unwrap() else { panic!("a new transaction") };
    lost(&mut world);
    assert_eq!(world.snapshot.payments.len(), 2, "{first} {second}");
    // It was found by `torture`: after three lost links the citizen clicked in vain until they had expired, a quarter of an hour later.
    let begin = world.now;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let ready = world.snapshot.open.iter().find(|d| d.kind == "payment.request").unwrap().ready_at;
        waits.push(ready.map_or(0, |at| at.ms_since(world.now) / 1000));
        world.now = ready.unwrap_or(world.now);
        lost(&mut world);
    }
    assert_eq!(waits, [0, 0, 0, 30, 60, 120], "seconds");
    let open = world.snapshot.payments.iter().filter(|p| p.state == PaymentState::Requested && p.expires_at > world.now);
    assert!(open.count() <= 8 && world.now.ms_since(begin) < 900_000);
    let link = Message { kind: Kind::PaymentLink, body: json!({ "url": "https://tt.example/9" }) };
    world.end(Kind::PaymentRequest, Ended::Done, Some(link));
    let Start::Open(payment) = world.click().unwrap() else { panic!("the click gets the link") };
    assert_eq!(payment.link.as_deref(), Some("https://tt.example/9"));
}

#[test]
fn a_paid_notice_that_the_platform_does_not_bear_out_yet_is_asked_after_again_also_past_its_time() {
    let mut world = owing(50_000);
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    notice(&mut world, &transaction, 50_000);
    let later = |effects: &Effects| effects.deliveries.iter().filter(|d| d.not_before.is_some()).count();
    let effects = say(&mut world, &transaction, "pending", 50_000);
    assert_eq!(later(&effects), 1);
    assert_eq!(later(&say(&mut world, &transaction, "pending", 50_000)), 0, "one question waits, not two");
    let payment = world.snapshot.payments[0].clone();
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &payment, snapshot));
    world.keep(effects, None);
    world.snapshot.open.retain(|d| !d.lane.ends_with("/later"));
    assert_eq!(later(&say(&mut world, &transaction, "pending", 50_000)), 1);
    world.snapshot.open.retain(|d| !d.lane.ends_with("/later"));
    world.now = world.now.plus_ms(DAY);
    let effects = say(&mut world, &transaction, "pending", 50_000);
    assert_eq!((later(&effects), effects.cases.len()), (0, 1), "a person decides at the end");
    assert_eq!(say(&mut world, &transaction, "paid", 50_000).movements.len(), 1);
}

#[test]
fn an_unpaid_transaction_nobody_told_of_is_not_asked_after_for_ever() {
    let mut world = owing(50_000);
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    assert!(say(&mut world, &transaction, "pending", 50_000).deliveries.is_empty());
}

#[test]
fn a_question_about_a_transaction_does_not_wait_behind_its_request() {
    let mut world = owing(50_000);
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    let effects = notice(&mut world, &transaction, 50_000);
    let lanes: Vec<&str> = world.snapshot.open.iter().filter(|d| d.partner == "bank").map(|d| d.lane.as_str()).collect();
    assert_eq!((effects.deliveries.len(), lanes.len()), (1, 2));
    assert_ne!(lanes[0], lanes[1]);
}

#[test]
fn an_answer_about_another_transaction_is_no_evidence() {
    let mut world = owing(50_000);
    world.click().unwrap();
    let claim = claim_of(&world, Kind::PaymentRequest);
    for (transaction, want) in [(claim.lane.clone(), Evidence::Received), ("X".repeat(20), Evidence::Unclear)] {
        let content = Message { kind: Kind::PaymentState, body: json!({ "transaction": transaction, "state": "pending" }) };
        assert_eq!(answered(&claim, Some(&content)), want);
    }
}

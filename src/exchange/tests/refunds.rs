//! What must hold of refunds that the platform pays out itself: its word alone ends them, nothing is sent twice, a person speaks when nobody
//! knows.

use super::races::{claim_of, owing, say};
use super::*;
use crate::model::{CaseKind, Refund, RefundState};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A paid fee of 50 000 VND at a platform that takes refunds (and answers questions about them), and a refund of it that was asked for.
fn asked_for(with_query: bool) -> (World, Refund) {
    let mut world = owing(50_000);
    let kinds = [Kind::RefundRequest, Kind::RefundQuery];
    for kind in kinds.into_iter().take(if with_query { 2 } else { 1 }) {
        let target = Target { route: kind.name().to_owned(), class: "payment".to_owned() };
        world.guide.targets.insert(("bank".to_owned(), kind), target);
    }
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    say(&mut world, &transaction, "paid", 50_000);
    let (effects, refund) = world
        .scene(|scene, snapshot| refund(scene, &transaction, None, "nộp thừa", snapshot))
        .unwrap_or_else(|r| panic!("{r:?}"));
    assert!(effects.cases.is_empty() && refund.by_platform, "nobody has to act");
    world.keep(effects, None);
    (world, refund)
}

fn word(refund: &Refund, state: &str) -> Option<Message> {
    let body = json!({ "refund": refund.id, "state": state, "reference": "FT-7" });
    assert_canonical(Kind::RefundState, &body);
    Some(Message { kind: Kind::RefundState, body })
}

fn stands(world: &World) -> (RefundState, u64, u64) {
    let (refund, payment) = (&world.snapshot.refunds[0], &world.snapshot.payments[0]);
    (refund.state, payment.reserved.amount(), payment.refunded.amount())
}

/// The end of the call of this kind that is due, with the cases it opens.
fn end(world: &mut World, kind: Kind, how: Ended<'_>, content: Option<Message>) -> Vec<(CaseKind, Value)> {
    let claim = claim_of(world, kind);
    let effects = world.scene_of("bank", |s, snapshot| ended(s, &claim, how, content.as_ref(), snapshot)).unwrap();
    let cases = effects.cases.iter().map(|c| (c.kind, c.data["why"].clone())).collect();
    world.keep(effects, Some(claim.delivery));
    cases
}

#[test]
fn the_platforms_word_ends_a_refund_and_frees_or_books_its_sum() {
    for (state, how, want, cases) in [
        ("done", Ended::Done, (RefundState::Done, 0, 50_000), vec![]),
        ("refused", Ended::Done, (RefundState::Refused, 0, 0), vec![(CaseKind::RefundRefused, json!("refused-by-platform"))]),
        ("", Ended::Rejected("E7"), (RefundState::Refused, 0, 0), vec![(CaseKind::RefundRefused, json!("E7"))]),
        ("", Ended::Parked("E8"), (RefundState::Unknown, 50_000, 0), vec![(CaseKind::RefundUnanswered, json!("E8"))]),
        ("sent", Ended::Done, (RefundState::Sent, 50_000, 0), vec![]),
        ("", Ended::Done, (RefundState::Sent, 50_000, 0), vec![]),
    ] {
        let (mut world, refund) = asked_for(true);
        let content = if state.is_empty() { None } else { word(&refund, state) };
        assert_eq!(end(&mut world, Kind::RefundRequest, how, content), cases, "{state} {how:?}");
        assert_eq!(stands(&world), want, "{state} {how:?}");
        assert_eq!(world.open(Kind::RefundQuery).len(), usize::from(want.0 == RefundState::Sent), "{state}: asked after");
        assert!(world.open(Kind::RefundRequest).is_empty(), "{state}: never sent again");
    }
}

#[test]
fn a_refund_in_doubt_is_unknown_keeps_its_sum_and_no_person_may_speak_while_it_is_asked_after() {
    let (mut world, refund) = asked_for(true);
    let claim = claim_of(&world, Kind::RefundRequest);
    let effects = world.scene_of("bank", |scene, snapshot| doubted(scene, &claim, snapshot));
    world.keep(effects, None);
    assert_eq!(stands(&world), (RefundState::Unknown, 50_000, 0));
    for state in [DeliveryState::Unknown, DeliveryState::Claimed] {
        world.snapshot.open.iter_mut().for_each(|d| d.state = state);
        for to in [RefundState::Done, RefundState::Refused] {
            let step = RefundStep { to, reference: Some("FT1".into()), reason: None };
            let told = world.scene(|scene, snapshot| refund_step(scene, &refund.id, &step, snapshot, &[])).unwrap_err();
            assert_eq!(told.code, "refund-under-way");
        }
    }
    for (state, evidence) in [
        ("done", Evidence::Received),
        ("sent", Evidence::Received),
        ("refused", Evidence::Received),
        ("missing", Evidence::NotReceived),
    ] {
        assert_eq!(answered(&claim, word(&refund, state).as_ref()), evidence, "{state}");
    }
    let other = Message { kind: Kind::RefundState, body: json!({ "refund": "R000000000", "state": "done" }) };
    assert_eq!(answered(&claim, Some(&other)), Evidence::Unclear, "an answer about another refund says nothing");
    assert!(end(&mut world, Kind::RefundRequest, Ended::Done, word(&refund, "done")).is_empty());
    assert_eq!(stands(&world), (RefundState::Done, 0, 50_000));
}

#[test]
fn what_the_platform_has_taken_is_asked_after_at_growing_waits_and_shown_to_a_person_at_last() {
    let (mut world, refund) = asked_for(true);
    end(&mut world, Kind::RefundRequest, Ended::Done, word(&refund, "sent"));
    let mut asked = 0;
    let cases = loop {
        world.now = world.now.plus_ms(DAY_MS / 4);
        let cases = end(&mut world, Kind::RefundQuery, Ended::Done, word(&refund, "sent"));
        asked += 1;
        if !cases.is_empty() {
            break cases;
        }
    };
    assert_eq!((asked, cases), (28, vec![(CaseKind::RefundUnanswered, json!("takes-too-long"))]));
    assert_eq!(stands(&world), (RefundState::Unknown, 50_000, 0), "the sum stays reserved");
    let done = RefundStep { to: RefundState::Done, reference: Some("FT9".into()), reason: None };
    let (effects, _) = world.scene(|scene, snapshot| refund_step(scene, &refund.id, &done, snapshot, &[])).unwrap();
    world.keep(effects, None);
    assert_eq!(stands(&world), (RefundState::Done, 0, 50_000), "then a person's word counts");
}

#[test]
fn a_platform_that_cannot_be_asked_or_does_not_know_what_it_took_is_a_persons_matter() {
    let (mut world, refund) = asked_for(false);
    let cases = end(&mut world, Kind::RefundRequest, Ended::Done, word(&refund, "sent"));
    assert_eq!(cases, [(CaseKind::RefundUnanswered, json!("no-inquiry"))]);
    let (mut world, refund) = asked_for(true);
    end(&mut world, Kind::RefundRequest, Ended::Done, word(&refund, "sent"));
    let cases = end(&mut world, Kind::RefundQuery, Ended::Done, word(&refund, "missing"));
    assert_eq!(cases, [(CaseKind::RefundUnanswered, json!("not-known"))]);
}

#[test]
fn a_person_may_take_back_what_never_left_and_then_it_never_leaves() {
    let (mut world, refund) = asked_for(true);
    let sent = RefundStep { to: RefundState::Sent, reference: None, reason: None };
    let told = world.scene(|scene, snapshot| refund_step(scene, &refund.id, &sent, snapshot, &[])).unwrap_err();
    assert_eq!(told.code, "refund-by-platform", "only the platform's answer says that it was sent");
    let refuse = RefundStep { to: RefundState::Refused, reference: None, reason: Some("nhầm".into()) };
    let (effects, _) = world.scene(|scene, snapshot| refund_step(scene, &refund.id, &refuse, snapshot, &[])).unwrap();
    assert_eq!(effects.closes.len(), 1);
    let claim = claim_of(&world, Kind::RefundRequest);
    world.keep(effects, None);
    assert_eq!(stands(&world), (RefundState::Refused, 0, 0));
    assert!(world.open(Kind::RefundRequest).is_empty());
    assert!(proven(&claim, &world.snapshot), "should it have been claimed meanwhile, it is not sent either");
}

/// What an operator's word on the open delivery of this kind causes; none: nothing but its end.
fn said(world: &mut World, kind: Kind, received: bool) -> Option<Vec<(CaseKind, Value)>> {
    let open = world.snapshot.open.iter().find(|d| d.kind == kind.name()).unwrap().clone();
    let act = if received { received_by_operator } else { closed_by_operator };
    let effects = world.scene_of("an", |scene, snapshot| act(scene, open.delivery, "theo công văn", snapshot))?;
    let close = effects.closes.iter().find(|c| c.delivery == open.delivery).unwrap();
    assert_eq!((close.proven, close.seen), (received, open.state));
    let audited: Vec<&str> = effects.audit.iter().map(|a| a.what.as_str()).collect();
    assert!(audited.contains(if received { &"release" } else { &"close" }), "{audited:?}");
    let cases = effects.cases.iter().map(|c| (c.kind, c.data["why"].clone())).collect();
    world.keep(effects, None);
    Some(cases)
}

#[test]
fn a_refund_whose_delivery_an_operator_closes_ends_or_is_somebodys_matter_and_never_just_stands() {
    let unclear = || vec![(CaseKind::RefundUnanswered, json!("closed-by-operator"))];
    for (state, sent, want, cases) in [
        (DeliveryState::Waiting, false, (RefundState::Refused, 0, 0), vec![]),
        (DeliveryState::Waiting, true, (RefundState::Unknown, 50_000, 0), unclear()),
        (DeliveryState::Unknown, true, (RefundState::Unknown, 50_000, 0), unclear()),
    ] {
        let (mut world, _) = asked_for(true);
        world.snapshot.open.iter_mut().filter(|d| d.kind == "refund.request").for_each(|d| (d.state, d.sent) = (state, sent));
        assert_eq!(said(&mut world, Kind::RefundRequest, false), Some(cases), "{state:?} {sent}");
        assert_eq!(stands(&world), want, "{state:?} {sent}");
        assert!(world.open(Kind::RefundRequest).is_empty(), "{state:?} {sent}");
    }
    // The question what became of it.
    let (mut world, refund) = asked_for(true);
    end(&mut world, Kind::RefundRequest, Ended::Done, word(&refund, "sent"));
    assert_eq!(said(&mut world, Kind::RefundQuery, false), Some(unclear()));
    assert_eq!(stands(&world), (RefundState::Unknown, 50_000, 0));
    // Parked, it is a case already; under way, it is not touched.
    for state in [DeliveryState::Parked, DeliveryState::Claimed] {
        let (mut world, _) = asked_for(true);
        world.snapshot.open.iter_mut().for_each(|d| (d.state, d.sent) = (state, true));
        world.snapshot.refunds[0].state = RefundState::Unknown;
        assert_eq!(said(&mut world, Kind::RefundRequest, false), None, "{state:?}");
        assert_eq!(said(&mut world, Kind::RefundRequest, true), None, "{state:?}");
    }
}

#[test]
fn a_refund_that_an_operator_says_was_received_is_asked_after() {
    let (mut world, _) = asked_for(true);
    assert_eq!(said(&mut world, Kind::RefundRequest, true), None, "it never left");
    world.snapshot.open.iter_mut().for_each(|d| (d.state, d.sent) = (DeliveryState::Unknown, true));
    world.snapshot.refunds[0].state = RefundState::Unknown;
    assert_eq!(said(&mut world, Kind::RefundRequest, true), Some(vec![]));
    assert_eq!(stands(&world), (RefundState::Sent, 50_000, 0));
    assert_eq!(world.open(Kind::RefundQuery).len(), 1);
}

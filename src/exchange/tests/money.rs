//! What must hold of fees and payments in any order: what is owed, who is asked how often, what too much money becomes.

use super::races::{notice, owing, say};
use super::*;
use crate::model::{Account, CaseKind, FeeItem};

fn vnd(n: u64) -> Vnd {
    Vnd::new(n).unwrap()
}

fn items(keys: &str) -> Charge {
    let item = |k: char| FeeItem { key: k.into(), text: format!("Nguyện vọng {k}"), amount: vnd(20_000) };
    Charge::Items(keys.chars().map(item).collect())
}

/// A city-hosted dossier with this charge.
fn city(charge: Charge) -> World {
    let mut world = World::registered();
    world.service.ministry = None;
    world.service.charge = Some(charge);
    world.snapshot = Snapshot::default();
    world.told.clear();
    let mut message = Message {
        kind: Kind::DossierSubmit,
        body: json!({ "code": CODE, "procedure": "1.000001", "agency": { "code": "H26.15" }, "owner": { "name": "Người Thử" }, "papers": [] }),
    };
    let effects = world.scene(|scene, snapshot| submit(scene, &mut message, snapshot)).unwrap();
    world.keep(effects, None);
    world
}

fn owed(world: &World) -> Option<(u64, FeeState)> {
    world.dossier().fee.as_ref().map(|f| (f.amount.amount(), f.state))
}

fn pay(world: &mut World, amount: u64) -> Effects {
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    say(world, &transaction, "paid", amount)
}

fn supplement_with(world: &mut World, charge: Charge) -> Effects {
    let dossier = world.snapshot.dossier.as_mut().unwrap();
    dossier.status = Status::Supplement;
    let round = u64::from(dossier.rounds) + 1;
    world.service.charge = Some(charge);
    let mut message = Message { kind: Kind::DossierSupplement, body: json!({ "code": CODE, "round": round, "papers": [] }) };
    let effects = world.scene(|scene, snapshot| supplement(scene, &mut message, snapshot)).unwrap();
    world.keep(effects.clone(), None);
    effects
}

fn decided(world: &mut World, figure: Figure) -> Result<(), &'static str> {
    let effects = world.scene(|scene, snapshot| decide_fee(scene, figure, "lý do", snapshot, &[])).map_err(|r| r.code)?;
    world.keep(effects, None);
    Ok(())
}

#[test]
fn a_citys_dossier_owes_by_the_rule_at_once_and_a_supplement_only_what_is_new() {
    let mut world = city(items("ab"));
    assert_eq!(owed(&world), Some((40_000, FeeState::Owed)));
    let paid = pay(&mut world, 40_000);
    assert_eq!((paid.receipts.len(), paid.receipts[0].terms.items.len()), (1, 2));
    assert_eq!(paid.receipts[0].words, "Bốn mươi nghìn đồng");
    assert_eq!(world.dossier().covered, ["a", "b"]);
    supplement_with(&mut world, items("ba"));
    assert_eq!(owed(&world), Some((40_000, FeeState::Paid)), "the same in another order");
    supplement_with(&mut world, items("cab"));
    assert_eq!(owed(&world), Some((20_000, FeeState::Owed)));
    pay(&mut world, 20_000);
    assert_eq!((world.dossier().fee_paid.amount(), world.dossier().covered.len()), (60_000, 3));
}

#[test]
fn who_is_exempt_or_owes_nothing_is_asked_for_nothing() {
    for charge in [Charge::Nothing, Charge::Exempt("hộ nghèo".into()), Charge::Sum(Vnd::ZERO), items(""), Charge::Unknown] {
        let mut world = city(charge.clone());
        assert_eq!((owed(&world), world.dossier().dispute.clone()), (None, None), "{charge:?}");
        assert_eq!(world.click().unwrap_err().code, "fee-not-owed");
    }
}

#[test]
fn a_fee_changed_under_the_citizens_hands_waits_for_a_person() {
    let mut world = city(items("ab"));
    let Start::New(_, first) = world.click().unwrap() else { panic!("a new transaction") };
    let effects = supplement_with(&mut world, items("abc"));
    assert_eq!(effects.cases.iter().map(|c| c.kind).collect::<Vec<_>>(), [CaseKind::FeeDiffers]);
    assert_eq!(world.click().unwrap_err().code, "fee-undecided");
    assert_eq!(world.scene_of("bank", bill).0["outcome"], "settled", "the platform is told of nothing either");
    decided(&mut world, Figure::Catalogue).unwrap();
    assert_eq!(owed(&world), Some((60_000, FeeState::Owed)));
    // The first link is paid all the same: it is not what is owed now.
    let effects = say(&mut world, &first, "paid", 40_000);
    assert_eq!((effects.movements[0].credit, effects.cases[0].kind), (Account::Overpaid, CaseKind::Overpayment));
    assert_eq!(owed(&world), Some((60_000, FeeState::Owed)), "nothing unpaid is told as paid");
}

#[test]
fn a_decision_is_one_of_the_figures_there_are() {
    let mut world = city(Charge::OneOf(vec![vnd(250_000), vnd(500_000)]));
    assert_eq!(decided(&mut world, Figure::Ministry), Err("figure-missing"));
    assert_eq!(decided(&mut world, Figure::Catalogue), Err("figure-missing"));
    assert_eq!(decided(&mut world, Figure::Amount(vnd(1))), Err("figure-not-a-choice"));
    assert_eq!(decided(&mut world, Figure::Amount(vnd(500_000))), Ok(()));
    assert_eq!(owed(&world), Some((500_000, FeeState::Owed)));
    world.click().unwrap();
    assert_eq!(decided(&mut world, Figure::Nothing), Err("fee-settled"), "asked for, and nobody disputes it");
}

#[test]
fn a_ministrys_figure_that_is_one_of_the_alternatives_counts_and_another_is_disputed() {
    for (told, owes) in [(250_000, true), (300_000, false)] {
        let mut world = World::registered();
        world.snapshot.dossier.as_mut().unwrap().charge = Some(Charge::OneOf(vec![vnd(250_000), vnd(500_000)]));
        world.push("a", Status::Received, -2000).unwrap();
        world.push_with("b", Status::Payment, -1000, json!({ "fee_due": { "amount": told } })).unwrap();
        assert_eq!((owed(&world).is_some(), world.dossier().dispute.is_some()), (owes, !owes), "{told}");
    }
}

#[test]
fn sealed_notices_of_any_number_and_kind_ask_the_platform_at_their_pace_only() {
    let mut world = owing(50_000);
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    let mut asked = 0;
    for n in 0..500 {
        // Every question is answered at once, as unpaid: the worst case.
        asked += notice(&mut world, &transaction, 50_000).deliveries.len();
        world.snapshot.open.retain(|d| d.kind != "payment.query" || d.lane.ends_with("/later"));
        world.now = world.now.plus_ms(if n % 50 == 0 { 1000 } else { 0 });
    }
    assert!(asked <= 4, "{asked} questions in ten seconds");
}

#[test]
fn a_request_that_never_left_is_not_sent_after_its_time() {
    let mut world = owing(50_000);
    world.click().unwrap();
    let payment = world.snapshot.payments[0].clone();
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &payment, snapshot));
    assert_eq!((effects.closes.len(), effects.deliveries.len()), (1, 0), "closed, and there is nothing to ask after");
    let billed = crate::model::Payment { billed: true, ..payment.clone() };
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &billed, snapshot));
    assert_eq!((effects.closes.len(), effects.deliveries.len()), (1, 1), "the platform knows it by its own look-up");
    world.snapshot.open.iter_mut().for_each(|d| d.sent = true);
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &payment, snapshot));
    assert_eq!((effects.closes.len(), effects.deliveries.len()), (0, 1), "one that may have left is asked after");
}

#[test]
fn a_request_whose_transaction_is_over_is_not_sent_any_more() {
    let mut world = owing(50_000);
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    let claim = super::races::claim_of(&world, Kind::PaymentRequest);
    assert!(!proven(&claim, &world.snapshot), "it is open: it is asked for");
    say(&mut world, &transaction, "failed", 50_000);
    assert!(proven(&claim, &world.snapshot));
}

#[test]
fn a_request_that_waits_is_not_sent_once_its_fee_was_paid_by_another_transaction() {
    let mut world = owing(50_000);
    let Start::New(_, first) = world.click().unwrap() else { panic!("a new transaction") };
    // Its link is lost; a second one is asked for.
    let pending = json!({ "transaction": first, "state": "pending" });
    world.end(Kind::PaymentRequest, Ended::Done, Some(Message { kind: Kind::PaymentState, body: pending }));
    let claim = super::races::claim_of(&world, Kind::PaymentRequest);
    assert!(claim.lane != first && !proven(&claim, &world.snapshot));
    say(&mut world, &first, "paid", 50_000);
    assert!(proven(&claim, &world.snapshot), "nobody gets a link to pay again");
}

#[test]
fn no_second_link_is_given_while_the_first_ones_last_word_is_awaited() {
    let mut world = owing(50_000);
    let Start::New(_, first) = world.click().unwrap() else { panic!("a new transaction") };
    world.end(
        Kind::PaymentRequest,
        Ended::Done,
        Some(Message { kind: Kind::PaymentLink, body: json!({ "url": "https://tt.example/1" }) }),
    );
    world.now = world.snapshot.payments[0].expires_at.plus_ms(1);
    let payment = world.snapshot.payments[0].clone();
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &payment, snapshot));
    world.keep(effects, None);
    let Start::Open(over) = world.click().unwrap() else { panic!("asked after first") };
    assert_eq!((over.transaction.as_str(), over.state), (first.as_str(), PaymentState::Expired));
    world.now = world.now.plus_ms(60_001);
    let Start::New(_, second) = world.click().unwrap() else { panic!("not for ever") };
    assert_ne!(first, second);
}

#[test]
fn money_that_was_not_owed_is_overpaid_whatever_it_came_for() {
    let mut world = owing(50_000);
    let Start::New(_, first) = world.click().unwrap() else { panic!("a new transaction") };
    let payment = world.snapshot.payments[0].clone();
    world.now = payment.expires_at.plus_ms(120_000);
    let effects = world.scene_of("bank", |scene, snapshot| expired(scene, &payment, snapshot));
    world.keep(effects, None);
    let Start::New(_, second) = world.click().unwrap() else { panic!("a new transaction") };
    let late = say(&mut world, &first, "paid", 50_000);
    assert_eq!((late.movements[0].credit, &late.cases[0].data["why"]), (Account::Platform, &json!("late")));
    let twice = say(&mut world, &second, "paid", 50_000);
    assert_eq!((twice.movements[0].credit, &twice.cases[0].data["why"]), (Account::Overpaid, &json!("twice")));
    assert_eq!((late.receipts.len(), twice.receipts.len()), (1, 0), "one receipt a fee");
    assert!(say(&mut world, &second, "failed", 50_000).movements.is_empty(), "nothing undoes paid");
    let (effects, refund) =
        world.scene(|scene, snapshot| refund(scene, &second, None, "nộp hai lần", snapshot)).unwrap_or_else(|r| panic!("{r:?}"));
    assert_eq!((refund.from, refund.amount.amount()), (Account::Overpaid, 50_000));
    world.keep(effects, None);
    let step = |to, reference: Option<&str>| RefundStep { to, reference: reference.map(str::to_owned), reason: None };
    let done = step(crate::model::RefundState::Done, Some("FT1"));
    let (effects, _) = world.scene(|scene, snapshot| refund_step(scene, &refund.id, &done, snapshot, &[])).unwrap();
    world.keep(effects, None);
    assert_eq!(world.snapshot.payments.iter().filter(|p| p.word() == "refunded").count(), 1);
    let again = world.scene(|scene, snapshot| refund_step(scene, &refund.id, &done, snapshot, &[])).unwrap_err();
    assert_eq!(again.code, "refund-state");
}

#[test]
fn what_is_paid_for_a_withdrawn_dossier_is_not_owed_and_a_persons_matter() {
    let mut world = owing(50_000);
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
    world.snapshot.dossier.as_mut().unwrap().status = Status::Withdrawn;
    let effects = say(&mut world, &transaction, "paid", 50_000);
    let cases: Vec<_> = effects.cases.iter().map(|c| (c.kind, c.data["why"].as_str().unwrap_or_default())).collect();
    assert_eq!(cases, [(CaseKind::Overpayment, "not-owed")]);
    assert_eq!((effects.movements[0].credit, effects.receipts.len()), (Account::Overpaid, 0));
    assert_eq!(world.snapshot.payments[0].state, PaymentState::Paid, "the money is there and is shown");
}

//! What must hold of the decisions, without a store or a network.

use super::*;
use crate::body::{Value, json};
use crate::clock::Time;
use crate::journal::{DeliveryState, DeliveryView, Effects, Snapshot};
use crate::model::{Charge, FeeState, Kind, Message, Mint, PaymentState, Status, Vnd};
use crate::seal::SystemRandom;
use std::collections::BTreeMap;

mod heads;
mod money;
mod races;
mod refunds;
mod terms;

const DAY: i64 = 86_400_000;
const CODE: &str = "H26.15-20260609-0000001";

fn guide() -> Guide {
    let mut targets = BTreeMap::new();
    for (partner, kinds) in [
        ("north", &[Kind::StatusChange, Kind::ProgressNote, Kind::FeeChange][..]),
        ("ministry", &[Kind::DossierSubmit, Kind::DossierSupplement, Kind::DossierWithdraw, Kind::FeePaid]),
        ("bank", &[Kind::PaymentRequest, Kind::PaymentQuery]),
    ] {
        for kind in kinds {
            targets.insert((partner.to_owned(), *kind), Target { route: kind.name().to_owned(), class: "citizen".to_owned() });
        }
    }
    Guide { targets, payment: Some("bank".into()), payment_ms: 900_000, copies: Vec::new() }
}

fn service() -> Service {
    Service { code: "1.000001".into(), name: "Thủ tục thử".into(), ministry: Some("ministry".into()), ..Service::default() }
}

/// One dossier with everything around it; runs decisions and keeps their effects as a store would.
struct World {
    guide: Guide,
    service: Service,
    snapshot: Snapshot,
    now: Time,
    told: Vec<(Kind, Value)>,
    next: u64,
}

impl World {
    fn registered() -> Self {
        let mut world = Self {
            guide: guide(),
            service: service(),
            snapshot: Snapshot::default(),
            now: Time(20_000 * DAY),
            told: Vec::new(),
            next: 1,
        };
        let mut message = Message {
            kind: Kind::DossierSubmit,
            body: json!({ "code": CODE, "procedure": "1.000001", "agency": { "code": "H26.15" }, "owner": { "name": "Người Thử" }, "papers": [] }),
        };
        let effects = world.scene(|scene, snapshot| submit(scene, &mut message, snapshot)).unwrap();
        world.keep(effects, None);
        world
    }

    fn scene<T>(&self, act: impl FnOnce(&Scene<'_>, &Snapshot) -> T) -> T {
        self.scene_of("north", act)
    }

    fn scene_of<T>(&self, partner: &str, act: impl FnOnce(&Scene<'_>, &Snapshot) -> T) -> T {
        let random = SystemRandom;
        let mint = Mint::new(&random, self.now);
        let origin = Origin { partner: partner.into(), caller: partner.into(), ..Origin::default() };
        let files = Files::new();
        let scene = Scene {
            now: self.now,
            mint: &mint,
            origin: &origin,
            guide: &self.guide,
            service: Some(&self.service),
            files: &files,
        };
        act(&scene, &self.snapshot)
    }

    fn keep(&mut self, effects: Effects, ended: Option<u64>) {
        self.snapshot.open.retain(|d| Some(d.delivery) != ended && !effects.closes.iter().any(|c| c.delivery == d.delivery));
        if let Some(dossier) = effects.dossier {
            assert_eq!(dossier.version, self.snapshot.dossier.as_ref().map_or(1, |d| d.version + 1), "one version a change");
            self.snapshot.dossier = Some(dossier);
        }
        for payment in effects.payments {
            self.snapshot.payments.retain(|p| p.transaction != payment.transaction);
            self.snapshot.payments.push(payment);
        }
        for refund in effects.refunds {
            self.snapshot.refunds.retain(|r| r.id != refund.id);
            self.snapshot.refunds.push(refund);
        }
        self.snapshot.early.retain(|e| !effects.early_done.contains(&e.message));
        self.snapshot.early.extend(effects.early);
        for delivery in effects.deliveries {
            let body = delivery.body.unwrap_or_default();
            if !body.is_null() {
                assert_canonical(delivery.kind, &body);
            }
            if delivery.partner == "north" {
                self.told.push((delivery.kind, body));
                continue;
            }
            self.snapshot.open.push(DeliveryView {
                delivery: self.next,
                partner: delivery.partner,
                route: delivery.route,
                lane: delivery.lane,
                dossier: delivery.dossier,
                id: delivery.id,
                kind: delivery.kind.name().into(),
                state: DeliveryState::Waiting,
                attempts: 0,
                created_at: self.now,
                ready_at: delivery.not_before,
                reason: None,
                sent: false,
            });
            self.next += 1;
        }
    }

    fn push(&mut self, id: &str, status: Status, at: i64) -> Result<(), Refusal> {
        self.push_with(id, status, at, json!({}))
    }

    fn push_with(&mut self, id: &str, status: Status, at: i64, more: Value) -> Result<(), Refusal> {
        let mut body = json!({ "id": id, "code": CODE, "status": status.word(), "at": self.now.plus_ms(at).rfc3339(), "missing": [], "documents": [] });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let message = Message { kind: Kind::StatusChange, body };
        let effects = self.scene_of("ministry", |scene, snapshot| pushed(scene, id, &message, snapshot))?;
        self.keep(effects, None);
        Ok(())
    }

    fn dossier(&self) -> &crate::model::Dossier {
        self.snapshot.dossier.as_ref().unwrap()
    }

    fn open(&self, kind: Kind) -> Vec<u64> {
        self.snapshot.open.iter().filter(|d| d.kind == kind.name()).map(|d| d.delivery).collect()
    }

    fn end(&mut self, kind: Kind, how: Ended<'_>, content: Option<Message>) {
        let delivery = self.open(kind)[0];
        let view = self.snapshot.open.iter().find(|d| d.delivery == delivery).unwrap().clone();
        let claim = crate::journal::Claim {
            delivery,
            run: 1,
            call: 0,
            partner: view.partner.clone(),
            route: view.route,
            lane: view.lane,
            dossier: view.dossier,
            caller: "north".into(),
            id: view.id,
            at: self.now,
            kind,
            body: Vec::new(),
            attempts: 1,
            adapters: None,
            doubt: None,
            trace: None,
        };
        let partner = view.partner;
        let effects = self.scene_of(&partner, |scene, snapshot| ended(scene, &claim, how, content.as_ref(), snapshot)).unwrap();
        self.keep(effects, Some(delivery));
    }

    fn click(&mut self) -> Result<Start, Refusal> {
        let message =
            Message { kind: Kind::PaymentStart, body: json!({ "code": CODE, "return_url": "https://cong.example/xong" }) };
        let start = self.scene(|scene, snapshot| start(scene, &message, snapshot))?;
        if let Start::New(effects, _) = &start {
            self.keep((**effects).clone(), None);
        }
        Ok(start)
    }
}

/// What the decisions send is what the canonical schema says.
fn assert_canonical(kind: Kind, body: &Value) {
    let path = format!("{}/schemas/canonical/{}.json", env!("CARGO_MANIFEST_DIR"), kind.name());
    let schema: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let body = serde_json::Value::from(body);
    let faults: Vec<String> = validator.iter_errors(&body).map(|e| format!("{} {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{}: {faults:#?}", kind.name());
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    shorter
        .iter()
        .flat_map(|p| {
            (0..=p.len()).map(|i| {
                let mut q = p.clone();
                q.insert(i, n - 1);
                q
            })
        })
        .collect()
}

#[test]
fn statuses_in_any_order_end_in_the_last_and_the_portal_never_hears_an_older_one() {
    use Status::{Finished, Payment, Processing, Received, Returned};
    let path = [Received, Processing, Payment, Finished, Returned];
    for order in permutations(path.len()) {
        let mut world = World::registered();
        for &i in &order {
            let at = -600_000 + i64::try_from(i).unwrap() * 60_000;
            world.push(&format!("a{i}"), path[i], at).unwrap();
            // The same status under another message id, as partners do; the same id is caught before, by its key.
            world.push(&format!("b{i}"), path[i], at).unwrap();
        }
        assert_eq!(world.dossier().status, Returned, "{order:?}");
        let told: Vec<u8> =
            world.told.iter().filter_map(|(_, b)| Status::of_word(b["status"].as_str()?)).map(Status::code).collect();
        let mut rising = told.clone();
        rising.sort_unstable();
        rising.dedup();
        assert_eq!(told, rising, "{order:?}");
        let sequences: Vec<u64> = world.told.iter().filter_map(|(_, b)| b["sequence"].as_u64()).collect();
        assert_eq!(sequences, (1..=u64::try_from(told.len()).unwrap()).collect::<Vec<_>>());
        assert!(world.snapshot.early.is_empty(), "{order:?}");
    }
}

#[test]
fn a_way_that_comes_back_to_a_status_ends_in_the_last_whatever_order_it_is_told_in() {
    use Status::{Finished, Payment, Processing, Received, Returned, Supplement};
    for path in
        [vec![Received, Processing, Payment, Received], vec![Received, Supplement, Received, Processing, Finished, Returned]]
    {
        for order in permutations(path.len()) {
            let mut world = World::registered();
            for &i in &order {
                let at = -600_000 + i64::try_from(i).unwrap() * 60_000;
                world.push(&format!("a{i}"), path[i], at).unwrap();
            }
            assert_eq!(Some(&world.dossier().status), path.last(), "{path:?} {order:?}");
            assert!(world.snapshot.early.is_empty(), "{path:?} {order:?}");
            let times: Vec<&str> = world.told.iter().filter_map(|(_, b)| b["at"].as_str()).collect();
            assert!(times.is_sorted(), "{path:?} {order:?}: the portal heard an older step after a newer one");
        }
    }
}

#[test]
fn an_impossible_move_is_refused_and_leaves_only_an_audit_entry() {
    let mut world = World::registered();
    world.push("a", Status::Refused, -1000).unwrap();
    let before = world.snapshot.dossier.clone();
    let refusal = world.push("b", Status::Processing, 0).unwrap_err();
    assert_eq!((refusal.code, refusal.status), ("status-impossible", 409));
    assert!(refusal.left.is_some_and(|l| l.audit.len() == 1 && l.dossier.is_none()));
    assert_eq!(world.snapshot.dossier, before);
}

#[test]
fn what_a_partner_has_no_route_for_is_a_matter_for_a_person() {
    let mut world = World::registered();
    world.guide.targets.retain(|(partner, _), _| partner != "north");
    let body =
        json!({ "id": "a", "code": CODE, "status": "received", "at": world.now.rfc3339(), "missing": [], "documents": [] });
    let message = Message { kind: Kind::StatusChange, body };
    let effects = world.scene_of("ministry", |scene, snapshot| pushed(scene, "a", &message, snapshot)).unwrap();
    assert_eq!(effects.cases.iter().map(|c| c.kind.word()).collect::<Vec<_>>(), ["no-route"]);
}

#[test]
fn an_early_move_that_waits_is_shown_once_and_still_applied_when_it_can_be() {
    let mut world = World::registered();
    world.push("a", Status::Finished, -1000).unwrap();
    let early = world.snapshot.early[0].clone();
    let effects = world.scene_of("ministry", |scene, snapshot| early_waits(scene, &early, snapshot));
    assert_eq!(effects.cases.iter().map(|c| c.kind.word()).collect::<Vec<_>>(), ["early-waits"]);
    world.snapshot.early.clear();
    world.keep(effects, None);
    assert_eq!(world.snapshot.early[0].kept_at, Time(i64::MAX), "not shown again");
    world.push("b", Status::Received, -3000).unwrap();
    world.push("c", Status::Processing, -2000).unwrap();
    assert_eq!(world.dossier().status, Status::Finished);
    let gone = world.scene_of("ministry", |scene, snapshot| early_waits(scene, &early, snapshot));
    assert!(gone.cases.is_empty() && gone.dossier.is_none(), "applied meanwhile: nothing is shown");
}

#[test]
fn a_status_far_ahead_of_our_clock_is_refused() {
    let mut world = World::registered();
    assert_eq!(world.push("a", Status::Received, DAY).unwrap_err().code, "time-ahead");
}

#[test]
fn another_ministrys_push_finds_no_dossier() {
    let world = World::registered();
    let message =
        Message { kind: Kind::StatusChange, body: json!({ "code": CODE, "status": "received", "at": world.now.rfc3339() }) };
    let refusal = world.scene_of("other", |scene, snapshot| pushed(scene, "x", &message, snapshot)).unwrap_err();
    assert_eq!(refusal.code, "dossier-unknown");
}

#[test]
fn a_push_proves_a_doubtful_submission() {
    let mut world = World::registered();
    world.snapshot.open[0].state = DeliveryState::Unknown;
    let message = Message {
        kind: Kind::StatusChange,
        body: json!({ "code": CODE, "status": "received", "at": world.now.rfc3339(), "missing": [] }),
    };
    let effects = world.scene_of("ministry", |scene, snapshot| pushed(scene, "x", &message, snapshot)).unwrap();
    assert!(effects.closes.iter().any(|c| c.proven && c.delivery == 1));
    world.keep(effects, None);
    assert_eq!(world.dossier().status, Status::Received);
}

#[test]
fn a_withdrawal_of_what_never_left_needs_no_call_and_of_what_may_have_left_asks_the_ministry() {
    let withdraw_now = |world: &mut World| {
        let message = Message { kind: Kind::DossierWithdraw, body: json!({ "code": CODE, "reason": "đổi ý" }) };
        let effects = world.scene(|scene, snapshot| withdraw(scene, &message, snapshot)).unwrap();
        world.keep(effects, None);
    };
    let mut here = World::registered();
    withdraw_now(&mut here);
    assert_eq!(here.dossier().status, Status::Withdrawn);
    assert!(here.snapshot.open.is_empty());
    for state in [DeliveryState::Unknown, DeliveryState::Claimed] {
        let mut away = World::registered();
        away.snapshot.open[0].state = state;
        withdraw_now(&mut away);
        assert_eq!(away.dossier().status, Status::New);
        assert_eq!(away.open(Kind::DossierWithdraw).len(), 1);
        away.end(Kind::DossierWithdraw, Ended::Done, None);
        assert_eq!(away.dossier().status, Status::Withdrawn);
    }
}

#[test]
fn an_operator_who_says_that_a_withdrawal_was_received_withdraws_the_dossier() {
    for (state, sent, moves) in [
        (DeliveryState::Unknown, true, true),
        (DeliveryState::Parked, true, true),
        (DeliveryState::Parked, false, false),
        (DeliveryState::Waiting, true, false),
        (DeliveryState::Claimed, true, false),
    ] {
        let mut world = World::registered();
        world.snapshot.open[0].state = DeliveryState::Unknown;
        let asked = Message { kind: Kind::DossierWithdraw, body: json!({ "code": CODE }) };
        let effects = world.scene(|scene, snapshot| withdraw(scene, &asked, snapshot)).unwrap();
        world.keep(effects, None);
        let open = world.snapshot.open.iter_mut().find(|d| d.kind == "dossier.withdraw").unwrap();
        (open.state, open.sent) = (state, sent);
        let delivery = open.delivery;
        let told = world.told.len();
        let effects = world.scene_of("an", |s, snapshot| received_by_operator(s, delivery, "theo công văn", snapshot));
        assert_eq!(effects.is_some(), moves, "{state:?} {sent}");
        let Some(effects) = effects else { continue };
        assert_eq!(effects.closes.iter().map(|c| (c.delivery, c.proven)).collect::<Vec<_>>(), [(delivery, true)]);
        let event = effects.events.iter().find(|e| e.kind == "released").unwrap();
        assert_eq!((&event.data["by"], &event.data["verdict"]), (&json!("an"), &json!("received")));
        world.keep(effects, None);
        assert_eq!((world.dossier().status, world.told.len()), (Status::Withdrawn, told + 1), "{state:?} {sent}");
    }
}

#[test]
fn an_operator_who_closes_a_submission_tells_the_portal_and_moves_nothing() {
    let mut world = World::registered();
    let delivery = world.snapshot.open[0].delivery;
    let closed =
        |world: &World| world.scene_of("operator-a", |s, snapshot| closed_by_operator(s, delivery, "by letter", snapshot));
    let mut under_way = World::registered();
    under_way.snapshot.open[0].state = DeliveryState::Claimed;
    assert!(closed(&under_way).is_none(), "what is under way is never touched");
    let effects = closed(&world).unwrap();
    assert_eq!(effects.audit.iter().map(|a| (a.who.as_str(), a.what.as_str())).collect::<Vec<_>>(), [("operator-a", "close")]);
    world.keep(effects, None);
    assert_eq!((world.dossier().status, world.told.len()), (Status::New, 1));
    assert!(closed(&world).is_none(), "once");
}

#[test]
fn a_refused_submission_ends_the_lane_and_the_portal_is_told_once() {
    let mut world = World::registered();
    world.end(Kind::DossierSubmit, Ended::Rejected("refused-by-partner: HTTP 200, code 1"), None);
    assert_eq!(world.dossier().status, Status::Refused);
    assert_eq!(world.told.len(), 1);
}

#[test]
fn a_fee_is_owed_requested_paid_and_told_to_both_sides() {
    let mut world = World::registered();
    world.push("a", Status::Received, -2000).unwrap();
    world.push_with("b", Status::Payment, -1000, json!({ "fee_due": { "amount": 150_000 } })).unwrap();
    assert_eq!(world.dossier().fee.as_ref().map(|f| (f.amount.amount(), f.state)), Some((150_000, FeeState::Owed)));
    let (owed, opened) = world.scene_of("bank", bill);
    assert_canonical(Kind::BillAnswer, &owed);
    assert_eq!(owed["outcome"], "owed");
    world.keep(*opened.expect("a transaction the platform hears of is stored"), None);
    assert!(world.scene_of("bank", bill).1.is_none(), "asked again: the same transaction");
    assert!(world.open(Kind::PaymentRequest).is_empty(), "a look-up calls nobody");
    let Start::New(_, transaction) = world.click().unwrap() else { panic!("the link is asked for") };
    assert_eq!(owed["transaction"], transaction.as_str(), "one transaction is open per fee");
    let Start::Open(open) = world.click().unwrap() else { panic!("one transaction is open per fee") };
    assert_eq!(open.transaction, transaction);
    world.end(
        Kind::PaymentRequest,
        Ended::Done,
        Some(Message { kind: Kind::PaymentLink, body: json!({ "url": "https://tt.example/1" }) }),
    );
    assert_eq!(world.snapshot.payments[0].link.as_deref(), Some("https://tt.example/1"));

    let notice =
        Message { kind: Kind::PaymentNotice, body: json!({ "transaction": transaction, "amount": 150_000, "state": "paid" }) };
    let effects = world.scene_of("bank", |scene, snapshot| noticed(scene, &notice, snapshot, false)).unwrap();
    world.keep(effects, None);
    assert_eq!(world.snapshot.payments[0].state, PaymentState::Requested, "a notice is a hint");
    let state = json!({ "transaction": transaction, "amount": 150_000, "state": "paid", "platform_transaction": "P1" });
    world.end(Kind::PaymentQuery, Ended::Done, Some(Message { kind: Kind::PaymentState, body: state.clone() }));
    assert_eq!(world.snapshot.payments[0].state, PaymentState::Paid);
    assert_eq!(world.dossier().fee.as_ref().map(|f| f.state), Some(FeeState::Paid));
    assert_eq!(world.open(Kind::FeePaid).len(), 1);
    assert_eq!(world.told.iter().filter(|(k, b)| *k == Kind::FeeChange && b["paid"] == true).count(), 1);
    assert_eq!(world.click().unwrap_err().code, "fee-paid");
    assert_eq!(world.scene_of("bank", bill).0, json!({ "outcome": "settled" }));
    // Told again, or told "pending" late: nothing undoes Paid, nothing is told twice.
    let again = world.scene_of("bank", |scene, snapshot| noticed(scene, &notice, snapshot, false)).unwrap();
    assert!(again.deliveries.is_empty());
}

#[test]
fn a_notice_of_another_amount_is_refused_and_of_an_unknown_transaction_is_kept() {
    let mut world = World::registered();
    world.push("a", Status::Received, -2000).unwrap();
    world.push_with("b", Status::Payment, -1000, json!({ "fee_due": { "amount": 150_000 } })).unwrap();
    world.click().unwrap();
    let payment = world.snapshot.payments[0].clone();
    let notice = |amount: u64| Message {
        kind: Kind::PaymentNotice,
        body: json!({ "transaction": payment.transaction, "amount": amount, "state": "paid" }),
    };
    let refusal = world.scene_of("bank", |scene, snapshot| noticed(scene, &notice(1), snapshot, false)).unwrap_err();
    assert_eq!(refusal.code, "amount-differs");
    let kept = world.scene_of("bank", |scene, _| noticed(scene, &notice(150_000), &Snapshot::default(), false)).unwrap();
    assert_eq!(kept.cases.len(), 1);
}

#[test]
fn a_lost_link_of_an_unpaid_transaction_gets_a_new_attempt_and_a_second_payment_is_an_overpayment() {
    let mut world = World::registered();
    world.push("a", Status::Received, -2000).unwrap();
    world.push_with("b", Status::Payment, -1000, json!({ "fee_due": { "amount": 50_000 } })).unwrap();
    world.click().unwrap();
    let first = world.snapshot.payments[0].transaction.clone();
    let pending = json!({ "transaction": first, "state": "pending" });
    world.end(Kind::PaymentRequest, Ended::Done, Some(Message { kind: Kind::PaymentState, body: pending }));
    assert_eq!(world.snapshot.payments.len(), 2);
    let second = world.snapshot.payments.iter().find(|p| p.transaction != first).unwrap().transaction.clone();
    assert_ne!(first, second);
    for (transaction, cases) in [(&second, 0), (&first, 1)] {
        let content =
            Message { kind: Kind::PaymentState, body: json!({ "transaction": transaction, "amount": 50_000, "state": "paid" }) };
        let effects = world.scene_of("bank", |scene, snapshot| pay::decide(scene, &content, snapshot));
        assert_eq!(effects.cases.len(), cases);
        assert_eq!(effects.movements.len(), 1);
        world.keep(effects, None);
    }
    assert_eq!(world.told.iter().filter(|(k, b)| *k == Kind::FeeChange && b["paid"] == true).count(), 1);
}

#[test]
fn a_fee_that_differs_from_the_catalogues_waits_for_a_person() {
    let mut world = World::registered();
    world.snapshot.dossier.as_mut().unwrap().charge = Some(Charge::Sum(Vnd::new(100_000).unwrap()));
    world.push("a", Status::Received, -2000).unwrap();
    world.push_with("b", Status::Payment, -1000, json!({ "fee_due": { "amount": 150_000 } })).unwrap();
    assert_eq!(world.dossier().fee, None);
    assert_eq!(world.click().unwrap_err().code, "fee-undecided");
}

#[test]
fn only_the_callers_own_dossier_can_be_supplemented_and_only_when_asked() {
    let mut world = World::registered();
    let supplement_now = |world: &World, caller: &str, round: u64| {
        let mut message = Message { kind: Kind::DossierSupplement, body: json!({ "code": CODE, "round": round, "papers": [] }) };
        world.scene_of(caller, |scene, snapshot| supplement(scene, &mut message, snapshot)).map_err(|r| r.code)
    };
    assert_eq!(supplement_now(&world, "north", 1).unwrap_err(), "supplement-not-asked");
    world.push("a", Status::Supplement, -1000).unwrap();
    assert_eq!(supplement_now(&world, "south", 1).unwrap_err(), "dossier-unknown");
    assert_eq!(supplement_now(&world, "north", 2).unwrap_err(), "supplement-round");
    let effects = supplement_now(&world, "north", 1).unwrap();
    assert_eq!(effects.deliveries.len(), 1);
}

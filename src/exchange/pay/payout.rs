//! A refund that the platform pays out by a route of its own: handed over through the journal, asked after, never repeated blind.
//!
//! Always: the refund's id is the other side's key of it, stored with its sum reserved before the platform hears of it; what became of it is
//! the platform's word alone, in the reply or in the answer to our question; while nobody knows, the sum stays reserved and nothing is sent
//! again. What the platform refuses, or nobody can find out, is a case for a person.

use super::super::outcome::Ended;
use super::super::scene::Scene;
use super::refund::{about, become_of};
use crate::body::{Value, json};
use crate::clock::Time;
use crate::journal::{CaseStep, CaseView, CaseWord, Claim, DeliveryState, DeliveryView, Effects, NewCase, NewDelivery, Snapshot};
use crate::model::{CaseKind, Kind, Message, Payment, Refund, RefundState};

/// A refund that the platform has taken and not paid out is asked after for so long; then a person looks.
const MOST_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// The waits between these questions: as long as it has waited already, within these bounds.
const WAIT_MS: (i64, i64) = (60 * 1000, 6 * 60 * 60 * 1000);

/// The call that hands a refund to the platform; none: it has no route for refunds.
pub(super) fn handed(scene: &Scene<'_>, refund: &Refund, payment: &Payment) -> Option<NewDelivery> {
    let mut body = json!({
        "refund": refund.id, "transaction": refund.transaction, "dossier": refund.dossier, "amount": refund.amount.amount(),
        "at": refund.at.rfc3339(),
    });
    if let (Some(code), Some(map)) = (&payment.platform_transaction, body.as_object_mut()) {
        map.insert("platform_transaction", code.clone().into());
    }
    scene.delivery(&payment.partner, Kind::RefundRequest, &refund.id, &refund.dossier, Some(body))
}

/// Whether a delivery is about this refund: its request, or a question about it (on a lane of its own).
pub(super) fn is_about(delivery: &DeliveryView, refund: &str) -> bool {
    delivery.lane.split('/').next() == Some(refund)
}

/// A call about a refund has ended: what the platform said of it, or that nobody knows.
pub(in crate::exchange) fn refund_ended(
    scene: &Scene<'_>,
    claim: &Claim,
    how: Ended<'_>,
    content: Option<&Message>,
    snapshot: &Snapshot,
) -> Effects {
    let id = claim.lane.split('/').next().unwrap_or_default();
    let Some(refund) = snapshot.refunds.iter().find(|r| r.id == id && r.state.is_open()) else { return Effects::default() };
    let content = content.filter(|c| c.kind == Kind::RefundState && c.text("refund") == Some(id));
    let reference = content.and_then(|c| c.text("reference")).map(str::to_owned);
    match (how, content.and_then(|c| c.text("state"))) {
        (Ended::Done, Some("done")) => changed(scene, refund, (RefundState::Done, reference, None), snapshot),
        (Ended::Done, Some("refused")) => refused(scene, refund, "refused-by-platform", snapshot),
        (Ended::Rejected(why), _) => refused(scene, refund, why, snapshot),
        (Ended::Done, Some("missing")) => unanswered(scene, refund, "not-known", snapshot),
        (Ended::Done, _) => taken(scene, refund, reference, snapshot, &claim.partner),
        (Ended::Parked(why), _) => unanswered(scene, refund, why, snapshot),
    }
}

/// An operator closes a delivery about a refund. What never left is refused, and its sum is free again; of what may have left somebody must find
/// out. None: a case says so already, or the refund has ended.
pub(in crate::exchange) fn refund_closed(
    scene: &Scene<'_>,
    open: &DeliveryView,
    reason: &str,
    snapshot: &Snapshot,
) -> Option<Effects> {
    let refund = about_open(open, snapshot)?;
    if refund.state == RefundState::Created && !open.sent && open.state != DeliveryState::Unknown {
        return Some(changed(scene, refund, (RefundState::Refused, None, Some(reason)), snapshot));
    }
    if refund.state == RefundState::Unknown && open.state == DeliveryState::Parked {
        return None;
    }
    Some(unanswered(scene, refund, "closed-by-operator", snapshot))
}

/// An operator states that the platform has heard of the refund: what became of it is asked. None: a case is about it already, or it has ended.
pub(in crate::exchange) fn refund_received(scene: &Scene<'_>, open: &DeliveryView, snapshot: &Snapshot) -> Option<Effects> {
    let refund = about_open(open, snapshot)?;
    if refund.state == RefundState::Unknown && open.state == DeliveryState::Parked {
        return None;
    }
    Some(taken(scene, refund, None, snapshot, &open.partner))
}

/// The open refund that a delivery is about.
fn about_open<'s>(open: &DeliveryView, snapshot: &'s Snapshot) -> Option<&'s Refund> {
    snapshot.refunds.iter().find(|r| r.state.is_open() && is_about(open, &r.id))
}

/// The outcome of the call is not known: neither is the refund's, until it is found out.
pub(in crate::exchange) fn refund_doubted(scene: &Scene<'_>, id: &str, snapshot: &Snapshot) -> Effects {
    let created = |r: &&Refund| r.id == id && r.state == RefundState::Created;
    let Some(refund) = snapshot.refunds.iter().find(created) else { return Effects::default() };
    changed(scene, refund, (RefundState::Unknown, None, None), snapshot)
}

/// The open cases that are settled by refunds of these effects.
#[must_use]
pub fn refund_cases(now: Time, effects: &Effects, cases: &[CaseView]) -> Vec<CaseStep> {
    let mut steps = Vec::new();
    for refund in &effects.refunds {
        let payment = effects.payments.iter().find(|p| p.transaction == refund.transaction);
        let back = payment.is_some_and(|p| p.refunded == p.amount);
        for case in cases.iter().filter(|c| settles(c, refund, back)) {
            steps.push(CaseStep {
                case: case.case,
                version: case.version + 1,
                what: CaseWord::Decided(refund.state.word().to_owned()),
                who: "gateway".to_owned(),
                at: now,
                reason: refund.reference.clone().unwrap_or_else(|| refund.id.clone()),
                data: json!({ "decision": refund.state.word(), "refund": refund.id }),
            });
        }
    }
    steps
}

/// Whether an open case is settled by how a refund stands now; `back`: all of its transaction went back.
pub(super) fn settles(case: &CaseView, refund: &Refund, back: bool) -> bool {
    let says = |name: &str, value: &str| case.data.get(name).and_then(Value::as_str) == Some(value);
    match case.kind {
        Some(CaseKind::Refund | CaseKind::RefundUnanswered) => !refund.state.is_open() && says("refund", &refund.id),
        Some(CaseKind::Overpayment | CaseKind::RefundRefused) => back && says("transaction", &refund.transaction),
        _ => false,
    }
}

/// The platform has it and has not paid it out yet: asked again, at growing waits; at last a person looks.
fn taken(scene: &Scene<'_>, refund: &Refund, reference: Option<String>, snapshot: &Snapshot, partner: &str) -> Effects {
    let sent = refund.state == RefundState::Sent;
    let waited = if sent { scene.now.ms_since(refund.changed_at) } else { 0 };
    if waited >= MOST_MS {
        return unanswered(scene, refund, "takes-too-long", snapshot);
    }
    let lane = format!("{}/query", refund.id);
    let body = json!({ "refund": refund.id, "transaction": refund.transaction });
    let Some(question) = scene.delivery(partner, Kind::RefundQuery, &lane, &refund.dossier, Some(body)) else {
        return unanswered(scene, refund, "no-inquiry", snapshot);
    };
    let mut effects =
        if sent { Effects::default() } else { changed(scene, refund, (RefundState::Sent, reference, None), snapshot) };
    let (least, most) = WAIT_MS;
    effects.deliveries.push(NewDelivery { not_before: Some(scene.now.plus_ms(waited.clamp(least, most))), ..question });
    effects
}

fn refused(scene: &Scene<'_>, refund: &Refund, why: &str, snapshot: &Snapshot) -> Effects {
    let mut effects = changed(scene, refund, (RefundState::Refused, None, Some(why)), snapshot);
    open(scene, CaseKind::RefundRefused, refund, why, &mut effects);
    effects
}

fn unanswered(scene: &Scene<'_>, refund: &Refund, why: &str, snapshot: &Snapshot) -> Effects {
    let mut effects = match refund.state {
        RefundState::Unknown => Effects::default(),
        _ => changed(scene, refund, (RefundState::Unknown, None, Some(why)), snapshot),
    };
    open(scene, CaseKind::RefundUnanswered, refund, why, &mut effects);
    effects
}

fn open(scene: &Scene<'_>, kind: CaseKind, refund: &Refund, why: &str, effects: &mut Effects) {
    let mut data = about(refund);
    if let Some(map) = data.as_object_mut() {
        map.insert("why", why.into());
    }
    effects.cases.push(NewCase { kind, dossier: Some(refund.dossier.clone()), data, at: scene.now });
}

/// The refund as it now stands; nothing where that cannot be (its payment is gone).
fn changed(
    scene: &Scene<'_>,
    refund: &Refund,
    (to, reference, why): (RefundState, Option<String>, Option<&str>),
    snapshot: &Snapshot,
) -> Effects {
    become_of(scene, refund, to, (reference, why), snapshot).map_or_else(|_| Effects::default(), |(effects, _)| effects)
}

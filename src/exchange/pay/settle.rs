//! The platform's word about a transaction: paid, failed, still open; and what is done when nobody has one.
//!
//! Always: nothing undoes Paid; money that came and was not owed (late, twice, another sum) is booked as overpaid and shown to a person;
//! a receipt is made exactly when a fee is paid.

use super::super::scene::Scene;
use super::super::submit;
use super::super::tell;
use super::notice::{ask, ask_once, query_lane};
use super::owes;
use super::start::{attempt, terms};
use crate::body::json;
use crate::journal::{Claim, DeliveryState, Effects, NewCase, Snapshot};
use crate::model::{
    Account, CaseKind, Dossier, Fee, FeeState, Kind, Message, Movement, Payment, PaymentState, Receipt, Vnd, vietnamese,
};
use crate::planted::{Plant, planted};

/// A paid notice that the platform's own answer does not bear out yet is asked after for so long; then a person decides.
const UNBORNE_MS: i64 = 24 * 60 * 60 * 1000;

/// The waits between these questions.
const UNBORNE_WAIT_MS: (i64, i64) = (30 * 1000, 60 * 60 * 1000);

/// With so many transactions open by links that were lost a person looks, and further attempts are made at growing waits.
const MANY_OPEN: usize = 3;

/// The first of these waits, and the longest, milliseconds.
const LOST_WAIT_MS: (i64, i64) = (30 * 1000, 4 * 60 * 1000);

/// The platform's own word about a transaction.
pub(in crate::exchange) fn decide(scene: &Scene<'_>, message: &Message, snapshot: &Snapshot) -> Effects {
    let mut effects = Effects::default();
    let transaction = message.text("transaction").unwrap_or_default();
    let Some(payment) = snapshot.payments.iter().find(|p| p.transaction == transaction) else { return effects };
    let Some(mut dossier) = snapshot.dossier.clone() else { return effects };
    let mut payment = payment.clone();
    payment.asked_at = Some(scene.now);
    if let Some(code) = message.text("platform_transaction") {
        payment.platform_transaction = Some(code.to_owned());
    }
    match message.text("state").filter(|_| !planted(Plant::DropPayment)) {
        Some("paid") if payment.state != PaymentState::Paid => {
            paid(scene, message, &mut payment, snapshot, &mut dossier, &mut effects);
        }
        Some("failed") if payment.state == PaymentState::Requested => {
            payment.state = PaymentState::Failed;
            reopen(&payment, &mut dossier);
            effects.events.push(scene.event(&dossier.code, "payment.failed", json!({ "transaction": payment.transaction })));
        }
        Some("pending" | "missing") if payment.state != PaymentState::Paid => unborne(scene, &payment, snapshot, &mut effects),
        _ => {}
    }
    payment.version += 1;
    dossier.version += 1;
    effects.payments.push(payment);
    effects.dossier = Some(dossier);
    effects
}

/// A notice said paid and the platform's own answer does not say so yet. We have answered the notice, so none may come again: asked
/// again, at growing waits, also past its time.
fn unborne(scene: &Scene<'_>, payment: &Payment, snapshot: &Snapshot, effects: &mut Effects) {
    let Some(noticed) = payment.noticed_at else { return };
    let waited = scene.now.ms_since(noticed);
    if waited < UNBORNE_MS {
        let (least, most) = UNBORNE_WAIT_MS;
        ask_once(scene, payment, snapshot, scene.now.plus_ms(waited.clamp(least, most)), effects);
    } else {
        let data = json!({ "transaction": payment.transaction, "amount": payment.amount.amount() });
        let dossier = Some(payment.dossier.clone());
        effects.cases.push(NewCase { kind: CaseKind::NoticeUnconfirmed, dossier, data, at: scene.now });
    }
}

/// A transaction whose time is over: asked after one last time; what the platform then says counts. A request for its link that never left
/// is not sent any more. Called by the clock.
#[must_use]
pub fn expired(scene: &Scene<'_>, payment: &Payment, snapshot: &Snapshot) -> Effects {
    let mut effects = Effects::default();
    let Some(mut dossier) = snapshot.dossier.clone() else { return effects };
    let mut payment = payment.clone();
    payment.state = PaymentState::Expired;
    reopen(&payment, &mut dossier);
    let unsent = |d: &&crate::journal::DeliveryView| {
        d.kind == Kind::PaymentRequest.name()
            && d.lane == payment.transaction
            && matches!(d.state, DeliveryState::Waiting | DeliveryState::Parked)
            && !d.sent
    };
    effects.closes.extend(snapshot.open.iter().filter(unsent).map(|d| submit::close(d, "payment-expired")));
    effects.events.push(scene.event(&dossier.code, "payment.expired", json!({ "transaction": payment.transaction })));
    // What the platform never heard of need not be asked after.
    if effects.closes.is_empty() || payment.billed {
        ask(scene, &payment, scene.now, &mut effects);
    }
    payment.version += 1;
    dossier.version += 1;
    effects.payments.push(payment);
    effects.dossier = Some(dossier);
    effects
}

/// The reply to a create whose link was lost, while the platform knows the transaction as unpaid: a new attempt with its own id;
/// the first one is watched until it expires.
pub(in crate::exchange) fn again(scene: &Scene<'_>, first: &Payment, snapshot: &Snapshot, effects: &mut Effects) {
    // Without a change of the dossier by the answer itself there is nothing to go on from.
    let Some(mut dossier) = effects.dossier.take() else { return };
    // Only while it is this one that is open: another may have been begun since, or its time may be over.
    let ours = |f: &Fee| f.state == FeeState::Requested && f.transaction.as_ref() == Some(&first.transaction);
    let open = snapshot.payments.iter().filter(|p| p.state == PaymentState::Requested).count();
    let fee = dossier.fee.clone().filter(|f| ours(f) && first.state == PaymentState::Requested && dossier.dispute.is_none());
    if let Some(fee) = fee {
        if open >= MANY_OPEN {
            let data = json!({ "transaction": first.transaction, "open": open });
            effects.cases.push(NewCase { kind: CaseKind::LinkLost, dossier: Some(dossier.code.clone()), data, at: scene.now });
        }
        if let Ok(payment) = attempt(scene, &mut dossier, &fee, first.return_url.clone(), effects) {
            effects.payments.push(payment);
            // The citizen waits for a link: it is asked for until there is one, and nobody is flooded meanwhile.
            let wait = lost_wait(open);
            for request in effects.deliveries.iter_mut().filter(|d| d.kind == Kind::PaymentRequest) {
                request.not_before = wait.map(|ms| scene.now.plus_ms(ms));
            }
        }
    }
    effects.dossier = Some(dossier);
}

/// How long the next attempt waits when so many are open, milliseconds; none: not at all.
fn lost_wait(open: usize) -> Option<i64> {
    let (least, most) = LOST_WAIT_MS;
    let doubled = u32::try_from(open.checked_sub(MANY_OPEN)?).ok().and_then(|n| least.checked_shl(n.min(16)));
    Some(doubled.unwrap_or(most).min(most))
}

/// Nobody could find out what became of a request, or of a question about it: a person has to ask the platform.
pub(in crate::exchange) fn unanswered(scene: &Scene<'_>, claim: &Claim, why: &str, effects: &mut Effects) {
    let transaction = claim.lane.split('/').next().unwrap_or_default();
    let data = json!({ "transaction": transaction, "delivery": claim.delivery, "message": claim.kind.name(), "why": why });
    effects.cases.push(NewCase { kind: CaseKind::PaymentUnanswered, dossier: claim.dossier.clone(), data, at: scene.now });
}

/// The money is there. Whether it pays the fee, or is too much, is decided here.
fn paid(
    scene: &Scene<'_>,
    message: &Message,
    payment: &mut Payment,
    snapshot: &Snapshot,
    dossier: &mut Dossier,
    effects: &mut Effects,
) {
    let said = message.number("amount");
    if said.is_some_and(|n| n != payment.amount.amount()) {
        let data = json!({ "transaction": payment.transaction, "asked": payment.amount.amount(), "paid": said });
        effects.cases.push(NewCase { kind: CaseKind::AmountDiffers, dossier: Some(dossier.code.clone()), data, at: scene.now });
        return;
    }
    let late = payment.state != PaymentState::Requested;
    payment.state = PaymentState::Paid;
    payment.paid_at = Some(scene.now);
    let unpaid = dossier.fee.as_ref().filter(|f| f.state != FeeState::Paid);
    let owing = owes(dossier);
    let pays = owing && unpaid.is_some_and(|f| f.amount == payment.amount);
    let why = match (pays, unpaid) {
        (false, _) if !owing => Some("not-owed"),
        (true, _) => late.then_some("late"),
        (false, None) if dossier.fee.is_none() => Some("not-owed"),
        (false, None) => Some("twice"),
        (false, Some(_)) => Some("another-sum"),
    };
    let (held_in, kind) = if pays { (Account::Platform, "payment") } else { (Account::Overpaid, "overpayment") };
    payment.held_in = held_in;
    book(scene, payment, dossier, kind, effects);
    let data = json!({ "transaction": payment.transaction, "amount": payment.amount.amount() });
    effects.events.push(scene.event(&dossier.code, "paid", data.clone()));
    effects.audit.push(scene.audit("payment.paid", &dossier.code, data));
    for question in snapshot.open.iter().filter(|d| d.lane == query_lane(payment, true)) {
        if matches!(question.state, DeliveryState::Waiting | DeliveryState::Parked) {
            effects.closes.push(submit::close(question, "paid"));
        }
    }
    if let Some(why) = why {
        let owed = dossier.fee.as_ref().filter(|f| f.state != FeeState::Paid).map(|f| f.amount.amount());
        let data = json!({ "transaction": payment.transaction, "amount": payment.amount.amount(), "why": why, "owed": owed });
        effects.cases.push(NewCase { kind: CaseKind::Overpayment, dossier: Some(dossier.code.clone()), data, at: scene.now });
    }
    if pays {
        fee_paid(scene, payment, dossier, effects);
    } else {
        reopen(payment, dossier);
    }
}

/// The fee is paid by this transaction: kept, receipted, told.
fn fee_paid(scene: &Scene<'_>, payment: &Payment, dossier: &mut Dossier, effects: &mut Effects) {
    if let Some(fee) = &mut dossier.fee {
        fee.state = FeeState::Paid;
        fee.transaction = Some(payment.transaction.clone());
        dossier.covered.extend(fee.items.iter().map(|i| i.key.clone()));
    }
    dossier.fee_paid = dossier.fee_paid.checked_add(payment.amount).unwrap_or(dossier.fee_paid);
    let fee = dossier.fee.clone();
    let of = payment.terms.clone().or_else(|| fee.as_ref().map(|f| terms(scene, dossier, f)));
    effects.receipts.extend(of.map(|terms| Receipt {
        number: 0,
        dossier: dossier.code.clone(),
        transaction: payment.transaction.clone(),
        platform_transaction: payment.platform_transaction.clone(),
        payer: dossier.payer.name.clone(),
        amount: payment.amount,
        words: vietnamese(payment.amount),
        at: scene.now,
        procedure: dossier.procedure.clone(),
        agency: dossier.agency.clone(),
        terms,
    }));
    tell::fee(scene, dossier, payment.amount, true, Some(&payment.transaction), effects);
    tell::fee_paid(scene, dossier, payment.amount, &payment.transaction, effects);
}

fn book(scene: &Scene<'_>, payment: &Payment, dossier: &Dossier, kind: &str, effects: &mut Effects) {
    if payment.amount == Vnd::ZERO {
        return;
    }
    effects.movements.push(Movement {
        transaction: payment.transaction.clone(),
        dossier: dossier.code.clone(),
        refund: None,
        debit: Account::Citizen,
        credit: payment.held_in,
        amount: payment.amount,
        kind: kind.to_owned(),
        at: scene.now,
    });
}

/// The fee is owed again, if it was this transaction that was open.
pub(in crate::exchange) fn reopen(payment: &Payment, dossier: &mut Dossier) {
    if let Some(fee) =
        dossier.fee.as_mut().filter(|f| f.state == FeeState::Requested && f.transaction.as_ref() == Some(&payment.transaction))
    {
        fee.state = FeeState::Owed;
        fee.transaction = None;
    }
}

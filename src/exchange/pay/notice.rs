//! What the platform tells of itself, and when it is asked.
//!
//! Always: a notice is a hint, whatever it says, unless its route's data says that it decides; nothing a caller can do makes us ask more
//! often than the pauses below, per transaction.

use super::super::copies;
use super::super::refusal::Refusal;
use super::super::scene::Scene;
use super::settle;
use crate::body::json;
use crate::clock::Time;
use crate::journal::{DeliveryState, Effects, NewCase, NewDelivery, Snapshot};
use crate::model::{CaseKind, Kind, Message, Payment, PaymentState};

/// An inquiry caused by a bad notice comes at most once in this time per open transaction.
const ASK_AGAIN_MS: i64 = 10 * 60 * 1000;

/// Good notices that say new things cause an inquiry each, at least so far apart.
const NEWS_MS: i64 = 10 * 1000;

/// A sealed notice of the platform about one of our transactions: the platform is asked, nothing else changes; where `decides`, it is the
/// platform's word.
pub fn noticed(scene: &Scene<'_>, message: &Message, snapshot: &Snapshot, decides: bool) -> Result<Effects, Refusal> {
    let transaction = message.text("transaction").unwrap_or_default();
    let mut effects = Effects::default();
    let about = json!({ "transaction": public_id(transaction), "amount": message.number("amount") });
    let payment = snapshot.payments.iter().find(|p| p.transaction == transaction && p.partner == scene.origin.partner);
    let Some(payment) = payment else {
        let case = NewCase { kind: CaseKind::NoticeUnknown, dossier: None, data: about.clone(), at: scene.now };
        effects.cases.push(case);
        effects.audit.push(scene.audit("payment.notice-unknown", &public_id(transaction), about));
        return Ok(effects);
    };
    if let Some(differs) = differs(message, payment) {
        return Err(refused(scene, differs, payment, snapshot));
    }
    if decides {
        effects = settle::decide(scene, message, snapshot);
        copies::tell(scene, snapshot, &mut effects);
    }
    effects.events.push(scene.event(&payment.dossier, "payment.notice", json!({ "transaction": payment.transaction })));
    if !decides && payment.state != PaymentState::Paid {
        let first = message.text("state") == Some("paid") && payment.noticed_at.is_none();
        let news = payment.asked_at.is_none_or(|at| scene.now.ms_since(at) >= NEWS_MS);
        let at = if first || news { scene.now } else { scene.now.plus_ms(NEWS_MS) };
        let asked = ask_once(scene, payment, snapshot, at, &mut effects);
        if first || asked {
            let noticed_at = if first { Some(scene.now) } else { payment.noticed_at };
            let asked_at = if asked { Some(at) } else { payment.asked_at };
            effects.payments.push(Payment { noticed_at, asked_at, version: payment.version + 1, ..payment.clone() });
        }
    }
    Ok(effects)
}

/// A notice whose seal is wrong: nothing changes, but an open transaction of that id is asked after, at most once in ten minutes.
#[must_use]
pub fn notice_in_doubt(scene: &Scene<'_>, payment: &Payment) -> Option<Effects> {
    let fresh = payment.asked_at.is_some_and(|at| scene.now.ms_since(at) < ASK_AGAIN_MS);
    if payment.state != PaymentState::Requested || fresh {
        return None;
    }
    let mut effects = Effects::default();
    effects.payments.push(Payment { asked_at: Some(scene.now), version: payment.version + 1, ..payment.clone() });
    ask(scene, payment, scene.now, &mut effects);
    Some(effects)
}

/// The first thing in which a sealed notice is not what was asked for.
fn differs(message: &Message, payment: &Payment) -> Option<Refusal> {
    if message.number("amount") != Some(payment.amount.amount()) {
        return Some(
            Refusal::new(
                "amount-differs",
                422,
                "Số tiền trong thông báo khác với số tiền đã yêu cầu.",
                "The amount of the notice is not the amount that was asked for.",
            )
            .at("/amount"),
        );
    }
    // Always asked for without.
    if message.number("extra_fee").is_some_and(|n| n != 0) {
        return Some(
            Refusal::new(
                "extra-fee-differs",
                422,
                "Phụ phí trong thông báo khác với yêu cầu (không có phụ phí).",
                "The notice tells an additional fee; none was asked for.",
            )
            .at("/extra_fee"),
        );
    }
    None
}

/// A sealed notice that is not what was asked for: a person sees it, once; the platform is asked, seldom.
fn refused(scene: &Scene<'_>, mut refusal: Refusal, payment: &Payment, snapshot: &Snapshot) -> Refusal {
    let data = json!({ "transaction": payment.transaction, "asked": payment.amount.amount(), "why": refusal.code });
    let fresh = |at: Option<Time>| at.is_some_and(|at| scene.now.ms_since(at) < ASK_AGAIN_MS);
    if fresh(payment.differed_at) {
        return refusal;
    }
    let mut left = Effects::default();
    let mut seen = Payment { differed_at: Some(scene.now), version: payment.version + 1, ..payment.clone() };
    if payment.state == PaymentState::Requested
        && !fresh(payment.asked_at)
        && ask_once(scene, payment, snapshot, scene.now, &mut left)
    {
        seen.asked_at = Some(scene.now);
    }
    left.payments.push(seen);
    let dossier = Some(payment.dossier.clone());
    left.cases.push(NewCase { kind: CaseKind::NoticeDiffers, dossier, data: data.clone(), at: scene.now });
    left.audit.push(scene.audit("payment.notice-differs", &payment.transaction, data));
    refusal.left = Some(Box::new(left));
    refusal
}

/// Asks unless a question is waiting already; whether it asks.
pub(super) fn ask_once(scene: &Scene<'_>, payment: &Payment, snapshot: &Snapshot, at: Time, effects: &mut Effects) -> bool {
    let lane = query_lane(payment, at > scene.now);
    let waits = snapshot.open.iter().any(|d| d.lane == lane && d.state == DeliveryState::Waiting);
    if !waits {
        ask(scene, payment, at, effects);
    }
    !waits
}

/// Asks the platform about a transaction, at `at`.
pub(super) fn ask(scene: &Scene<'_>, payment: &Payment, at: Time, effects: &mut Effects) {
    let body = json!({ "transaction": payment.transaction });
    let later = at > scene.now;
    let lane = query_lane(payment, later);
    let delivery = scene.delivery(&payment.partner, Kind::PaymentQuery, &lane, &payment.dossier, Some(body));
    effects.deliveries.extend(delivery.map(|d| NewDelivery { not_before: later.then_some(at), ..d }));
}

/// Questions have lanes of their own: a request that is parked, or a question that is to wait, holds up none that is asked now.
pub(super) fn query_lane(payment: &Payment, later: bool) -> String {
    format!("{}/{}", payment.transaction, if later { "later" } else { "query" })
}

/// An id told from outside, only when it has the form of one of ours; else it may be anybody's text.
fn public_id(text: &str) -> String {
    let plain = text.len() == 20 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { text.to_owned() } else { format!("text, {} characters", text.chars().count()) }
}

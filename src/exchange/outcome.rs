//! What the end of a delivery causes: the reply's content goes the same way as a message from the door.

use super::scene::Scene;
use super::tell::{self, Words};
use super::{copies, pay, submit};
use crate::body::json;
use crate::journal::{Claim, Effects, Snapshot};
use crate::model::{FeeState, Kind, Message, PaymentState, Status};

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended<'o> {
    /// Taken by the other side.
    Done,
    /// Refused by the other side for good, with our reason.
    Rejected(&'o str),
    /// Kept for a person, with our reason.
    Parked(&'o str),
}

/// What an inquiry's answer says about the doubtful call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The other side has it.
    Received,
    /// The other side knows nothing of it.
    NotReceived,
    /// It does not tell.
    Unclear,
}

/// Whether what we know shows by itself that it need not be sent any more: the other side has it, or it has lost its purpose; a push may come while a call is under way, and
/// nothing is to be sent, asked or parked then.
#[must_use]
pub fn proven(claim: &Claim, snapshot: &Snapshot) -> bool {
    let Some(dossier) = &snapshot.dossier else { return false };
    match claim.kind {
        Kind::DossierSubmit => dossier.since.is_some() || !snapshot.early.is_empty(),
        Kind::DossierWithdraw => dossier.status == Status::Withdrawn,
        // A link of a transaction that is paid or over, or for a fee that another one paid meanwhile, is of no use to anybody; what became of it
        // is asked by itself.
        Kind::PaymentRequest => {
            let over = snapshot.payments.iter().any(|p| p.transaction == claim.lane && p.state != PaymentState::Requested);
            over || dossier.fee.as_ref().is_some_and(|f| f.state == FeeState::Paid)
        }
        Kind::RefundRequest => snapshot.refunds.iter().any(|r| r.id == claim.lane && !r.state.is_open()),
        _ => false,
    }
}

/// What an inquiry's answer about a claim says. An answer about another transaction says nothing about this one.
#[must_use]
pub fn answered(claim: &Claim, content: Option<&Message>) -> Evidence {
    let Some(content) = content else { return Evidence::Unclear };
    let about = if content.kind == Kind::RefundState { "refund" } else { "transaction" };
    if content.text(about).is_some_and(|t| t != claim.lane) {
        return Evidence::Unclear;
    }
    match content.kind {
        Kind::DossierState => match content.body.get("known").and_then(crate::body::Value::as_bool) {
            Some(true) => Evidence::Received,
            Some(false) => Evidence::NotReceived,
            None => Evidence::Unclear,
        },
        Kind::PaymentState => match content.text("state") {
            Some("paid" | "failed" | "pending") => Evidence::Received,
            Some("missing") => Evidence::NotReceived,
            _ => Evidence::Unclear,
        },
        Kind::RefundState => match content.text("state") {
            Some("done" | "sent" | "refused") => Evidence::Received,
            Some("missing") => Evidence::NotReceived,
            _ => Evidence::Unclear,
        },
        _ => Evidence::Unclear,
    }
}

/// What the end of a delivery causes. `content` is the reply's (or the inquiry's) content, when it carries one. A rejection of a
/// message that only informs is not an end: `None` says that it is to be parked instead.
#[must_use]
pub fn ended(
    scene: &Scene<'_>,
    claim: &Claim,
    how: Ended<'_>,
    content: Option<&Message>,
    snapshot: &Snapshot,
) -> Option<Effects> {
    let mut effects = Effects::default();
    let code = claim.dossier.clone().unwrap_or_default();
    match (claim.kind, how) {
        (Kind::PaymentRequest | Kind::PaymentQuery, Ended::Done) => pay_done(scene, claim, content, snapshot, &mut effects),
        (Kind::PaymentRequest, Ended::Rejected(why)) => pay_rejected(scene, claim, why, snapshot, &mut effects),
        (Kind::RefundRequest, _) | (Kind::RefundQuery, Ended::Done | Ended::Parked(_)) => {
            effects = pay::refund_ended(scene, claim, how, content, snapshot);
            if let Ended::Parked(why) = how {
                parked(scene, claim, why, &mut effects);
            }
        }
        (Kind::DossierSubmit, Ended::Rejected(why)) => refused(scene, claim, why, snapshot, &mut effects),
        (Kind::DossierWithdraw, Ended::Done) => {
            effects = withdrawn(scene, &claim.partner, snapshot).unwrap_or_default();
            let about = json!({ "partner": claim.partner, "route": claim.route, "id": claim.id });
            effects.events.insert(0, scene.event(&code, "delivered", about));
        }
        (Kind::DossierSupplement | Kind::DossierWithdraw, Ended::Rejected(why)) => {
            not_taken(scene, claim, why, snapshot, &mut effects);
        }
        (Kind::DossierSubmit | Kind::DossierSupplement | Kind::FeePaid, Ended::Done) => {
            effects.events.push(scene.event(
                &code,
                "delivered",
                json!({ "partner": claim.partner, "route": claim.route, "id": claim.id }),
            ));
            if let (Some(reference), Some(dossier)) = (content.and_then(|c| c.text("reference")), &snapshot.dossier) {
                let mut dossier = dossier.clone();
                dossier.reference = Some(reference.to_owned());
                dossier.version += 1;
                effects.dossier = Some(dossier);
            }
        }
        (_, Ended::Done) => {}
        (_, Ended::Rejected(_)) => return None,
        (_, Ended::Parked(why)) => {
            if matches!(claim.kind, Kind::PaymentRequest | Kind::PaymentQuery) {
                pay::unanswered(scene, claim, why, &mut effects);
            }
            parked(scene, claim, why, &mut effects);
        }
    }
    copies::tell(scene, snapshot, &mut effects);
    Some(effects)
}

/// What a call whose outcome is not known causes while it is being asked after.
#[must_use]
pub fn doubted(scene: &Scene<'_>, claim: &Claim, snapshot: &Snapshot) -> Effects {
    if claim.kind == Kind::RefundRequest { pay::refund_doubted(scene, &claim.lane, snapshot) } else { Effects::default() }
}

/// A delivery is kept for a person: the timeline and the audit.
fn parked(scene: &Scene<'_>, claim: &Claim, why: &str, effects: &mut Effects) {
    let data = json!({ "partner": claim.partner, "route": claim.route, "delivery": claim.delivery, "why": why });
    effects.events.extend(claim.dossier.iter().map(|code| scene.event(code, "parked", data.clone())));
    effects.audit.push(crate::journal::NewAudit {
        at: scene.now,
        who: "gateway".into(),
        what: "delivery.parked".into(),
        about: claim.delivery.to_string(),
        data,
    });
}

/// The ministry refuses a submission: the lane ends, the dossier is not received, the portal is told.
fn refused(scene: &Scene<'_>, claim: &Claim, why: &str, snapshot: &Snapshot, effects: &mut Effects) {
    let Some(mut dossier) = snapshot.dossier.clone() else { return };
    let behind =
        snapshot.open.iter().filter(|d| d.partner == claim.partner && d.lane == claim.lane && d.delivery != claim.delivery);
    effects.closes.extend(behind.map(|d| submit::close(d, "submission-refused")));
    effects.events.push(scene.event(&dossier.code, "refused", json!({ "partner": claim.partner, "why": why })));
    if dossier.status.next().contains(&Status::Refused) {
        dossier.status = Status::Refused;
        let at = dossier.since.map_or(scene.now, |since| since.max(scene.now));
        dossier.since = Some(at);
        let words = Words::say("Phần mềm của Bộ không tiếp nhận hồ sơ; đề nghị liên hệ đơn vị tiếp nhận để biết lý do.");
        tell::status(scene, &mut dossier, at, &words, effects);
    }
    dossier.version += 1;
    effects.dossier = Some(dossier);
}

/// The ministry has taken the withdrawal. None: the dossier cannot be withdrawn (any more).
pub(super) fn withdrawn(scene: &Scene<'_>, partner: &str, snapshot: &Snapshot) -> Option<Effects> {
    let mut dossier = snapshot.dossier.clone().filter(|d| d.status.next().contains(&Status::Withdrawn))?;
    let mut effects = Effects::default();
    dossier.status = Status::Withdrawn;
    let at = dossier.since.map_or(scene.now, |since| since.max(scene.now));
    dossier.since = Some(at);
    effects.events.push(scene.event(&dossier.code, "status", json!({ "status": "withdrawn", "partner": partner })));
    tell::status(scene, &mut dossier, at, &Words::say("Hồ sơ đã được rút theo yêu cầu của công dân."), &mut effects);
    dossier.version += 1;
    effects.dossier = Some(dossier);
    Some(effects)
}

/// A supplement or withdrawal was not taken: the dossier stands where it stood, and the portal learns it.
fn not_taken(scene: &Scene<'_>, claim: &Claim, why: &str, snapshot: &Snapshot, effects: &mut Effects) {
    let Some(mut dossier) = snapshot.dossier.clone() else { return };
    let words = if claim.kind == Kind::DossierSupplement {
        // The round stays used: its key is known at the door, the papers come again as the next one.
        "Phần mềm của Bộ không nhận giấy tờ bổ sung; đề nghị kiểm tra và gửi lại."
    } else {
        "Phần mềm của Bộ không chấp nhận yêu cầu rút hồ sơ."
    };
    effects.events.push(scene.event(
        &dossier.code,
        "not-taken",
        json!({ "partner": claim.partner, "route": claim.route, "why": why }),
    ));
    // The status stands as it stood: told with its own time, so that the partner's next move is never older.
    let at = dossier.told_as_of();
    tell::status(scene, &mut dossier, at, &Words::say(words), effects);
    dossier.version += 1;
    effects.dossier = Some(dossier);
}

fn pay_done(scene: &Scene<'_>, claim: &Claim, content: Option<&Message>, snapshot: &Snapshot, effects: &mut Effects) {
    let Some(content) = content else { return };
    if content.kind == Kind::PaymentState {
        *effects = pay::decide(scene, content, snapshot);
        // The create's reply was lost and the platform knows it as unpaid: there is no way to get its link, so a new attempt.
        let first = snapshot.payments.iter().find(|p| p.transaction == claim.lane);
        if let (Kind::PaymentRequest, Some("pending"), Some(first)) = (claim.kind, content.text("state"), first) {
            pay::again(scene, first, snapshot, effects);
        }
    } else if let Some(payment) = snapshot.payments.iter().find(|p| p.transaction == claim.lane) {
        let mut payment = payment.clone();
        payment.link = content.text("url").map(str::to_owned);
        payment.version += 1;
        effects.events.push(scene.event(&payment.dossier, "payment.link", json!({ "transaction": payment.transaction })));
        effects.payments.push(payment);
    }
}

fn pay_rejected(scene: &Scene<'_>, claim: &Claim, why: &str, snapshot: &Snapshot, effects: &mut Effects) {
    let payment = snapshot.payments.iter().find(|p| p.transaction == claim.lane && p.state == PaymentState::Requested);
    let (Some(payment), Some(mut dossier)) = (payment.cloned(), snapshot.dossier.clone()) else { return };
    let data = json!({ "transaction": payment.transaction, "why": why });
    effects.events.push(scene.event(&dossier.code, "payment.failed", data));
    pay::reopen(&payment, &mut dossier);
    dossier.version += 1;
    effects.payments.push(crate::model::Payment { state: PaymentState::Failed, version: payment.version + 1, ..payment });
    effects.dossier = Some(dossier);
}

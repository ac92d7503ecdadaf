//! An operator's word on a delivery, where its end means something for the dossier or for money: closed without delivery, or received all the
//! same. Any other delivery just ends, which is the journal's own doing.
//!
//! Always: what is under way is never touched; the reason stands in the audit only.

use super::scene::Scene;
use super::submit::close;
use super::tell::{self, Words};
use super::{copies, outcome, pay};
use crate::body::{Value, json};
use crate::journal::{DeliveryState, DeliveryView, Effects, Snapshot, Verdict};
use crate::model::Kind;

/// An operator ends a delivery without delivering it. None: its end means nothing but itself, or it is not to be ended now.
#[must_use]
pub fn closed_by_operator(scene: &Scene<'_>, delivery: u64, reason: &str, snapshot: &Snapshot) -> Option<Effects> {
    let open = found(delivery, snapshot)?;
    let mut effects = match Kind::of_name(&open.kind)? {
        Kind::DossierSubmit => submission_closed(scene, snapshot)?,
        Kind::RefundRequest | Kind::RefundQuery => pay::refund_closed(scene, open, reason, snapshot)?,
        _ => return None,
    };
    effects.closes.push(close(open, reason));
    told(scene, open, ("closed", "close"), reason, None, &mut effects);
    Some(effects)
}

/// An operator states that the other side has what may have been received. None: that means nothing but its end, or it never left.
#[must_use]
pub fn received_by_operator(scene: &Scene<'_>, delivery: u64, reason: &str, snapshot: &Snapshot) -> Option<Effects> {
    let open = found(delivery, snapshot)?;
    let may_be = open.state == DeliveryState::Unknown || open.state == DeliveryState::Parked && open.sent;
    let mut effects = match Kind::of_name(&open.kind)? {
        _ if !may_be => return None,
        Kind::DossierWithdraw => outcome::withdrawn(scene, &open.partner, snapshot)?,
        Kind::RefundRequest | Kind::RefundQuery => pay::refund_received(scene, open, snapshot)?,
        _ => return None,
    };
    effects.closes.push(crate::journal::Close { proven: true, ..close(open, reason) });
    told(scene, open, ("released", "release"), reason, Some(Verdict::Received), &mut effects);
    copies::tell(scene, snapshot, &mut effects);
    Some(effects)
}

fn found(delivery: u64, snapshot: &Snapshot) -> Option<&DeliveryView> {
    snapshot.open.iter().find(|d| d.delivery == delivery && d.state != DeliveryState::Claimed)
}

/// A submission goes another way, or not at all. The dossier stands where it stood; the portal is told, so that nobody waits for what will
/// not come.
fn submission_closed(scene: &Scene<'_>, snapshot: &Snapshot) -> Option<Effects> {
    let mut dossier = snapshot.dossier.clone()?;
    let mut effects = Effects::default();
    let at = dossier.told_as_of();
    let words = "Hồ sơ không được chuyển qua hệ thống liên thông; cơ quan tiếp nhận sẽ thông báo cách giải quyết.";
    tell::status(scene, &mut dossier, at, &Words::say(words), &mut effects);
    dossier.version += 1;
    effects.dossier = Some(dossier);
    Some(effects)
}

/// The timeline and the audit, as the journal writes them of any other delivery.
fn told(
    scene: &Scene<'_>,
    open: &DeliveryView,
    (event, what): (&str, &str),
    reason: &str,
    verdict: Option<Verdict>,
    effects: &mut Effects,
) {
    let with = |mut data: Value| {
        if let (Some(verdict), Some(map)) = (verdict, data.as_object_mut()) {
            map.insert("verdict", json!(verdict));
        }
        data
    };
    let about = json!({ "delivery": open.delivery, "partner": open.partner, "by": scene.origin.caller });
    effects.events.extend(open.dossier.iter().map(|code| scene.event(code, event, with(about.clone()))));
    let data = json!({ "reason": reason, "was": open.state, "partner": open.partner, "dossier": open.dossier });
    effects.audit.push(scene.audit(what, &open.delivery.to_string(), with(data)));
}

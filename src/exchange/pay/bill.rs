//! The platform asks what a dossier owes: answered from the journal alone.

use super::super::scene::Scene;
use super::owes;
use super::start::{open, open_of, request};
use crate::body::{Value, json};
use crate::journal::{Effects, Snapshot};
use crate::model::{FeeState, Payment};

/// Our answer to the platform's question what a dossier owes; the canonical `bill.answer`. Where no transaction is open one is opened: the
/// effects, written before the answer leaves, so that no citizen pays under an id we do not know. Asked again nothing is written while that
/// one is open. What waits for a person's decision, or is being paid at another platform, is not owed here.
#[must_use]
pub fn bill(scene: &Scene<'_>, snapshot: &Snapshot) -> (Value, Option<Box<Effects>>) {
    let Some(dossier) = &snapshot.dossier else { return (json!({ "outcome": "unknown" }), None) };
    let settled = || (json!({ "outcome": "settled" }), None);
    let fee = dossier.fee.as_ref().filter(|f| f.state != FeeState::Paid && owes(dossier) && dossier.dispute.is_none());
    let Some(fee) = fee else { return settled() };
    let (payment, effects) = match open_of(fee, snapshot).filter(|p| p.expires_at > scene.now) {
        Some(open) if open.partner != scene.origin.partner => return settled(),
        Some(open) if open.billed => (open.clone(), None),
        // Opened by a click: from now on the platform knows it by this answer too.
        Some(open) => {
            let payment = Payment { billed: true, version: open.version + 1, ..open.clone() };
            let effects = Effects { payments: vec![payment.clone()], ..Effects::default() };
            (payment, Some(Box::new(effects)))
        }
        None => {
            let (mut dossier, mut effects) = (dossier.clone(), Effects::default());
            let opened = open(scene, &mut dossier, fee, scene.origin.partner.clone(), String::new(), &mut effects);
            let payment = Payment { billed: true, ..opened };
            dossier.version += 1;
            effects.payments.push(payment.clone());
            effects.dossier = Some(dossier);
            (payment, Some(Box::new(effects)))
        }
    };
    let mut body = request(scene, dossier, &payment, "");
    if let Some(map) = body.as_object_mut() {
        for name in ["amount", "extra_fee", "description", "device", "return_url"] {
            map.remove(name);
        }
        map.insert("outcome", "owed".into());
        map.insert("asked_at", scene.now.rfc3339().into());
    }
    (body, effects)
}

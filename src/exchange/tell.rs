//! What the portal and the ministry are told. Every move of a dossier is told by exactly one message with its own sequence number,
//! so that the portal never gets one status under two message ids.

use super::scene::Scene;
use crate::body::{Map, Value, json};
use crate::clock::Time;
use crate::journal::{Effects, NewCase, NewDelivery};
use crate::model::{CaseKind, Dossier, Kind, Message, Status, Vnd};

/// What a move says besides the status.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Who did it.
    pub(super) officer: Option<String>,
    /// The officer's department.
    pub(super) department: Option<String>,
    /// What is said about it.
    pub(super) text: Option<String>,
    /// A promised date.
    pub(super) due_at: Option<String>,
}

impl Words {
    /// The words of a push.
    pub(super) fn of(message: &Message) -> Self {
        let own = |path: &str| message.text(path).map(str::to_owned);
        Self {
            officer: own("officer.name"),
            department: own("officer.department"),
            text: with_missing(message),
            due_at: own("due_at"),
        }
    }

    /// Our own words.
    pub(super) fn say(text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..Self::default() }
    }

    fn is_silent(&self) -> bool {
        self.officer.is_none() && self.text.is_none() && self.due_at.is_none()
    }
}

/// Tells the portal that the dossier moved to its present status at the partner's time `at`.
pub(super) fn status(scene: &Scene<'_>, dossier: &mut Dossier, at: Time, words: &Words, effects: &mut Effects) {
    dossier.told += 1;
    let mut body = Map::new();
    body.insert("code", dossier.code.clone().into());
    body.insert("sequence", dossier.told.into());
    body.insert("status", dossier.status.word().into());
    body.insert("documents", documents(dossier));
    let kind = if words.is_silent() {
        body.insert("missing", json!([]));
        Kind::StatusChange
    } else {
        body.insert("at", at.rfc3339().into());
        body.insert("text", words.text.clone().unwrap_or_else(|| dossier.status.vietnamese().to_owned()).into());
        for (name, value) in [("officer", &words.officer), ("department", &words.department), ("due_at", &words.due_at)] {
            if let Some(value) = value {
                body.insert(name, value.clone().into());
            }
        }
        Kind::ProgressNote
    };
    send_portal(scene, dossier, kind, Value::Object(body), effects);
}

/// Tells the portal what the fee is, or that it is paid.
pub(super) fn fee(
    scene: &Scene<'_>,
    dossier: &mut Dossier,
    amount: Vnd,
    paid: bool,
    transaction: Option<&str>,
    effects: &mut Effects,
) {
    dossier.told += 1;
    let mut body = json!({
        "code": dossier.code, "sequence": dossier.told, "paid": paid, "amount": amount.amount(), "at": scene.now.rfc3339(),
    });
    if let (Some(transaction), Some(map)) = (transaction, body.as_object_mut()) {
        map.insert("transaction", transaction.into());
    }
    send_portal(scene, dossier, Kind::FeeChange, body, effects);
}

/// Tells the ministry that the fee is paid.
pub(super) fn fee_paid(scene: &Scene<'_>, dossier: &Dossier, amount: Vnd, transaction: &str, effects: &mut Effects) {
    let Some(ministry) = &dossier.ministry else { return };
    let body = json!({ "code": dossier.code, "amount": amount.amount(), "transaction": transaction, "at": scene.now.rfc3339() });
    send(scene, dossier, ministry, Kind::FeePaid, body, effects);
}

fn send_portal(scene: &Scene<'_>, dossier: &Dossier, kind: Kind, body: Value, effects: &mut Effects) {
    send(scene, dossier, &dossier.portal, kind, body, effects);
}

/// A partner without a route for what it should be told is a matter for a person; nothing is dropped in silence.
fn send(scene: &Scene<'_>, dossier: &Dossier, partner: &str, kind: Kind, body: Value, effects: &mut Effects) {
    match scene.delivery(partner, kind, &dossier.code, &dossier.code, Some(body)) {
        // What the ministry gets is ordered by the dossier's date; what portals are told goes in the order it came.
        Some(delivery) => {
            let deadline = dossier.due_at.filter(|_| dossier.ministry.as_deref() == Some(partner));
            effects.deliveries.push(NewDelivery { deadline, ..delivery });
        }
        None => {
            let data = json!({ "partner": partner, "message": kind.name() });
            effects.cases.push(NewCase { kind: CaseKind::NoRoute, dossier: Some(dossier.code.clone()), data, at: scene.now });
        }
    }
}

/// With 9 or 10 the result's documents are named.
fn documents(dossier: &Dossier) -> Value {
    if !matches!(dossier.status, Status::Finished | Status::Returned) {
        return json!([]);
    }
    dossier.documents.iter().map(|d| json!({ "id": d.id, "name": d.name, "digest": d.digest })).collect()
}

/// The note of a push, with the missing papers written out: the portal's progress has no list for them.
fn with_missing(message: &Message) -> Option<String> {
    let note = message.text("note").map(str::to_owned);
    let missing: Vec<String> = message
        .list("missing")
        .iter()
        .filter_map(|m| {
            let name = m.get("name")?.as_str()?;
            Some(m.get("note").and_then(Value::as_str).map_or_else(|| name.to_owned(), |note| format!("{name} ({note})")))
        })
        .collect();
    if missing.is_empty() {
        return note;
    }
    let list = format!("Giấy tờ cần bổ sung: {}.", missing.join("; "));
    Some(note.map_or_else(|| list.clone(), |note| format!("{note} {list}")))
}

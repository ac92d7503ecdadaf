//! The copy of a dossier that other portals keep (dossier.sync): told whole when the dossier is taken in and whenever it stands otherwise,
//! for the newest one counts.
//!
//! What always holds: where nobody keeps copies nothing is remembered and nothing sent; a copy that still waits (or waits for a person) is
//! closed by the newer one, so that a slow partner is told the present state and not its history; what a dossier's copy holds is in its own
//! row, so that a move needs no look at the submission. Not told: the form, contents, the applicant's address, and whether a fee is paid
//! (the national list of fees has name, code, when, sum and kind, and no place for it); what is owed next is a change like any other.

use super::scene::{Scene, Service};
use super::submit;
use crate::body::{Map, Value, json};
use crate::clock::Time;
use crate::journal::{DeliveryState, DeliveryView, Effects, Snapshot};
use crate::model::{Dossier, Kind, Message, Status};

/// A submission's copy begins, where somebody keeps copies.
pub(super) fn begin(scene: &Scene<'_>, service: &Service, message: &Message, dossier: &mut Dossier) {
    if keepers(scene, dossier).next().is_none() {
        return;
    }
    let agency = service.agency_name.clone().unwrap_or_else(|| dossier.agency.clone());
    let mut copy = json!({
        "code": dossier.code,
        "procedure": dossier.procedure,
        "procedure_name": service.name,
        "field": { "name": service.field },
        "agency": { "code": dossier.agency, "name": agency },
        "owner": picked(message.body.get("owner"), &["kind", "name", "identity"]),
        "papers": [],
        "other_papers": [],
        "supplements": [],
    });
    let applicant = picked(message.body.get("applicant"), &["phone", "email", "fax"]);
    if let Some(copy) = copy.as_object_mut() {
        if applicant.as_object().is_some_and(|a| !a.is_empty()) {
            copy.insert("applicant", applicant);
        }
        for name in ["delivery", "summary", "receipt_number"] {
            if let Some(text) = message.text(name) {
                copy.insert(name, text.into());
            }
        }
    }
    add_papers(&mut copy, message);
    dossier.copy = Some(copy);
}

/// Papers are asked for.
pub(super) fn supplement_asked(message: &Message, text: Option<&str>, at: Time, dossier: &mut Dossier) {
    let round = dossier.rounds + 1;
    let words = text.unwrap_or_else(|| dossier.status.vietnamese()).to_owned();
    let Some(copy) = &mut dossier.copy else { return };
    let agency = copy.pointer("/agency/name").cloned().unwrap_or_default();
    let by = message.text("officer.name").map_or(agency, Value::from);
    let id = round.to_string();
    let asked = json!({ "id": id.as_str(), "asked_by": by, "text": words, "asked_at": at.rfc3339(), "state": "asked", "papers": [], "fees": [] });
    let Some(rounds) = copy.get_mut("supplements").and_then(Value::as_array_mut) else { return };
    rounds.retain(|r| r.get("id").and_then(Value::as_str) != Some(&id));
    rounds.push(asked);
}

/// Papers that were asked for are here; the dossier counts the round already.
pub(super) fn supplement_taken(scene: &Scene<'_>, message: &Message, dossier: &mut Dossier) {
    let id = dossier.rounds.to_string();
    let Some(copy) = &mut dossier.copy else { return };
    add_papers(copy, message);
    let rounds = copy.get_mut("supplements").and_then(Value::as_array_mut).into_iter().flatten();
    for round in rounds.filter(|r| r.get("id").and_then(Value::as_str) == Some(&id)).filter_map(Value::as_object_mut) {
        round.insert("state", "taken".into());
        round.insert("taken_at", scene.now.rfc3339().into());
    }
}

/// Tells the copy, if the dossier stands otherwise than it was told. To be called when all else is decided.
pub(super) fn tell(scene: &Scene<'_>, snapshot: &Snapshot, effects: &mut Effects) {
    let Some(dossier) = effects.dossier.as_mut().filter(|dossier| dossier.copy.is_some()) else { return };
    renew(dossier);
    let before = snapshot.dossier.as_ref().and_then(|d| d.copy.as_ref());
    let Some(copy) = dossier.copy.as_ref().filter(|copy| before != Some(copy)) else { return };
    for partner in keepers(scene, dossier) {
        let older = |d: &&DeliveryView| d.partner == partner && d.kind == Kind::DossierSync.name();
        let idle = |d: &&DeliveryView| matches!(d.state, DeliveryState::Waiting | DeliveryState::Parked);
        let older = snapshot.open.iter().filter(older).filter(idle);
        effects.closes.extend(older.map(|d| submit::close(d, "newer-copy")));
        let told = scene.delivery(partner, Kind::DossierSync, &dossier.code, &dossier.code, Some(copy.clone()));
        effects.deliveries.extend(told);
    }
}

/// Who keeps a copy of it: not the portal that handed it in, which is told every move.
fn keepers<'s>(scene: &'s Scene<'_>, dossier: &Dossier) -> impl Iterator<Item = &'s str> {
    let portal = dossier.portal.clone();
    scene.guide.copies.iter().map(String::as_str).filter(move |partner| *partner != portal)
}

/// What the copy says of where the dossier stands.
fn renew(dossier: &mut Dossier) {
    let since = dossier.told_as_of().rfc3339();
    let results: Value = dossier.documents.iter().map(|d| json!({ "id": d.id, "name": d.name })).collect();
    let fees: Value = dossier
        .fee
        .iter()
        .map(|fee| {
            let (code, name) = (fee.code.as_deref().unwrap_or("LP"), fee.name.as_deref().unwrap_or("Phí, lệ phí"));
            json!({ "code": code, "name": name, "kind": "charge", "amount": fee.amount.amount() })
        })
        .collect();
    let Some(copy) = dossier.copy.as_mut().and_then(Value::as_object_mut) else { return };
    copy.insert("status", dossier.status.word().into());
    copy.insert("results", results);
    copy.insert("fees", fees);
    if let Some(due) = dossier.due_at {
        copy.insert("due_at", due.rfc3339().into());
    }
    let time = match dossier.status {
        Status::Received => "received_at",
        Status::Finished => "finished_at",
        Status::Returned => "returned_at",
        _ => return,
    };
    if !copy.contains_key(time) {
        copy.insert(time, since.into());
    }
}

/// The files of a message's papers, named beside those that are there; a paper without a file is not told.
fn add_papers(copy: &mut Value, message: &Message) {
    let Some(told) = copy.get_mut("papers").and_then(Value::as_array_mut) else { return };
    for paper in message.list("papers") {
        let files = paper.get("files").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let (Some(code), false) = (paper.get("code"), files.is_empty()) else { continue };
        let files = files.iter().map(|file| {
            let mut file = picked(Some(file), &["id", "name"]);
            file.as_object_mut().map(|f| f.insert("removed", false.into()));
            file
        });
        match told.iter_mut().find(|p| p.get("code") == Some(code)).and_then(|p| p.get_mut("files")?.as_array_mut()) {
            Some(there) => there.extend(files),
            None => told.push(json!({ "code": code.clone(), "files": files.collect::<Value>() })),
        }
    }
}

/// Some members of an object, those that are there.
fn picked(from: Option<&Value>, names: &[&str]) -> Value {
    let member = |name: &&str| Some(((*name).to_owned(), from?.get(name)?.clone()));
    Value::Object(Map::from_iter(names.iter().filter_map(member)))
}

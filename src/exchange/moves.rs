//! Status pushes and results of the ministry: judged in the order of design, section 5, applied, kept for later, or refused.
//!
//! What a late or repeated push carries besides the status (fee, documents, deadline) is still applied. After each applied move the
//! early ones are tried again, in the partner's order of time.

use super::refusal::Refusal;
use super::scene::Scene;
use super::tell::{self, Words};
use super::{copies, pay, submit};
use crate::body::{Value, json};
use crate::clock::Time;
use crate::journal::{DeliveryState, Early, Effects, FileRow, NewCase, Snapshot};
use crate::model::{CaseKind, Document, Dossier, Judgement, Kind, Message, Status};

/// A partner's clock may be ahead of ours by this much; a status from further ahead would make all that follows late.
const AHEAD_MS: i64 = 10 * 60 * 1000;

/// A status or result pushed by the ministry. `id` is our own id of the message.
pub fn pushed(scene: &Scene<'_>, id: &str, message: &Message, snapshot: &Snapshot) -> Result<Effects, Refusal> {
    let dossier = snapshot.dossier.clone().filter(|d| d.ministry.as_deref() == Some(scene.origin.partner.as_str()));
    let Some(mut dossier) = dossier else { return Err(Refusal::no_dossier().at("/code")) };
    let (status, at) = told(scene, message)?;
    let mut effects = Effects::default();
    let judgement = dossier.status.judge(dossier.since, status, at);
    let data = json!({ "status": status.word(), "told_at": at.rfc3339(), "partner": scene.origin.partner });
    match judgement {
        Judgement::Impossible => return Err(impossible(scene, &dossier, status, data)),
        Judgement::Early => {
            let (code, message_id) = (dossier.code.clone(), id.to_owned());
            let early = Early {
                dossier: code,
                message: message_id,
                at,
                kept_at: scene.now,
                body: message.body.clone(),
                kind: message.kind,
            };
            effects.early.push(early);
            effects.events.push(scene.event(&dossier.code, "early", data));
        }
        Judgement::Late | Judgement::Note => {
            carry(scene, message, &mut dossier, &mut effects);
            confirm(judgement, at, &mut dossier);
            let word = if judgement == Judgement::Late { "late" } else { "note" };
            effects.events.push(scene.event(&dossier.code, word, data));
        }
        Judgement::Applied => {
            apply(scene, message, status, at, &mut dossier, &mut effects);
            apply_early(scene, snapshot, &mut dossier, &mut effects);
        }
    }
    prove(snapshot, judgement, status, at, &mut effects);
    effects.audit.push(scene.audit(
        message.kind.name(),
        &dossier.code,
        json!({ "status": status.word(), "judged": format!("{judgement:?}") }),
    ));
    dossier.version += 1;
    effects.dossier = Some(dossier);
    copies::tell(scene, snapshot, &mut effects);
    Ok(effects)
}

/// The dossier moves: by a push, or by what a reply says. The portal is told.
pub(super) fn apply(
    scene: &Scene<'_>,
    message: &Message,
    status: Status,
    at: Time,
    dossier: &mut Dossier,
    effects: &mut Effects,
) {
    dossier.status = status;
    dossier.since = Some(at);
    take_documents(scene, message, dossier, effects);
    effects.events.push(scene.event(
        &dossier.code,
        "status",
        json!({ "status": status.word(), "told_at": at.rfc3339(), "partner": scene.origin.partner }),
    ));
    take_due(message, dossier);
    let words = Words::of(message);
    if status == Status::Supplement {
        copies::supplement_asked(message, words.text.as_deref(), at, dossier);
    }
    tell::status(scene, dossier, at, &words, effects);
    pay::take_fee_due(scene, message, dossier, effects);
}

/// An early move that has waited long is shown to a person, once: a case; it stays kept, and is still tried after each applied move.
#[must_use]
pub fn early_waits(scene: &Scene<'_>, early: &Early, snapshot: &Snapshot) -> Effects {
    let mut effects = Effects::default();
    let Some(mut dossier) = snapshot.dossier.clone() else { return effects };
    let Some(kept) = snapshot.early.iter().find(|e| e.message == early.message) else { return effects };
    let told = early.body.get("status").and_then(Value::as_str).and_then(Status::of_word).map(Status::word);
    let data =
        json!({ "status": told, "told_at": early.at.rfc3339(), "stands": dossier.status.word(), "message": early.message });
    effects.events.push(scene.event(&dossier.code, "early.waits", data.clone()));
    effects.cases.push(NewCase { kind: CaseKind::EarlyWaits, dossier: Some(dossier.code.clone()), data, at: scene.now });
    effects.early.push(Early { kept_at: Time(i64::MAX), ..kept.clone() });
    // The dossier's version guards against a move that applied it meanwhile.
    dossier.version += 1;
    effects.dossier = Some(dossier);
    effects
}

/// The present status told again at a later time: the dossier stands there still (or again: it may have come back by a way that is yet to be
/// told), so what is told for a time before is late.
fn confirm(judgement: Judgement, at: Time, dossier: &mut Dossier) {
    if judgement == Judgement::Note {
        dossier.since = dossier.since.max(Some(at));
    }
}

/// What is carried besides the status. Documents that come after their status are told by themselves: no later move may come to tell.
fn carry(scene: &Scene<'_>, message: &Message, dossier: &mut Dossier, effects: &mut Effects) {
    let before = dossier.documents.len();
    take_documents(scene, message, dossier, effects);
    take_due(message, dossier);
    if dossier.documents.len() > before && matches!(dossier.status, Status::Finished | Status::Returned) {
        let at = dossier.told_as_of();
        tell::status(scene, dossier, at, &Words::say("Đã có giấy tờ kết quả."), effects);
    }
    pay::take_fee_due(scene, message, dossier, effects);
}

/// Early moves that have become possible, in the partner's order of time; each applied one may make the next possible.
fn apply_early(scene: &Scene<'_>, snapshot: &Snapshot, dossier: &mut Dossier, effects: &mut Effects) {
    let mut kept: Vec<&Early> = snapshot.early.iter().collect();
    kept.sort_by_key(|e| e.at);
    loop {
        let mut moved = false;
        kept.retain(|early| {
            let message = Message { kind: early.kind, body: early.body.clone() };
            let Some(status) = message.text("status").and_then(Status::of_word) else { return false };
            match dossier.status.judge(dossier.since, status, early.at) {
                Judgement::Early => return true,
                _ if moved => return true,
                Judgement::Applied => {
                    apply(scene, &message, status, early.at, dossier, effects);
                    moved = true;
                }
                judgement => {
                    // What can never come to pass any more carries nothing either.
                    let word = match judgement {
                        Judgement::Late => "late",
                        Judgement::Note => "note",
                        _ => "overtaken",
                    };
                    if judgement != Judgement::Impossible {
                        carry(scene, &message, dossier, effects);
                        confirm(judgement, early.at, dossier);
                    }
                    effects.events.push(scene.event(
                        &dossier.code,
                        word,
                        json!({ "status": status.word(), "told_at": early.at.rfc3339() }),
                    ));
                }
            }
            effects.early_done.push(early.message.clone());
            false
        });
        if !moved {
            return;
        }
    }
}

/// A push is evidence that the other side has what it is about: a submission that is doubtful, parked or to be sent again is done, and
/// so on. One under way cannot be closed here: [`super::proven`] looks again when it ends.
fn prove(snapshot: &Snapshot, judgement: Judgement, status: Status, at: Time, effects: &mut Effects) {
    for open in snapshot.open.iter().filter(|d| d.state != DeliveryState::Claimed) {
        let doubtful = open.state == DeliveryState::Unknown;
        let proven = match Kind::of_name(&open.kind) {
            Some(Kind::DossierSubmit) => true,
            Some(Kind::DossierWithdraw) => doubtful && status == Status::Withdrawn,
            // Only a move on, told after the papers were handed in, speaks of them; a stop or refusal may come for want of them.
            Some(Kind::DossierSupplement) => {
                doubtful
                    && judgement == Judgement::Applied
                    && matches!(status, Status::New | Status::Received | Status::Processing)
                    && at > open.created_at
            }
            _ => false,
        };
        if proven {
            let mut close = submit::close(open, "proven-by-push");
            close.proven = true;
            effects.closes.push(close);
        }
    }
}

fn told(scene: &Scene<'_>, message: &Message) -> Result<(Status, Time), Refusal> {
    let status = message.text("status").and_then(Status::of_word);
    let at = message.text("at").and_then(Time::parse);
    let (Some(status), Some(at)) = (status, at) else {
        return Err(Refusal::new(
            "status-missing",
            422,
            "Thiếu trạng thái hoặc thời điểm.",
            "The status or its time is missing.",
        )
        .at("/status"));
    };
    if at > scene.now.plus_ms(AHEAD_MS) {
        return Err(Refusal::new(
            "time-ahead",
            422,
            "Thời điểm của trạng thái ở trong tương lai; hãy kiểm tra đồng hồ hệ thống.",
            "The status is told for a time in the future; check the sending system's clock.",
        )
        .at("/at"));
    }
    Ok((status, at))
}

fn impossible(scene: &Scene<'_>, dossier: &Dossier, status: Status, data: Value) -> Refusal {
    Refusal::new(
        "status-impossible",
        409,
        format!("Hồ sơ đang ở “{}”, không thể chuyển sang “{}”.", dossier.status.vietnamese(), status.vietnamese()),
        format!("The dossier stands in \"{}\" and cannot move to \"{}\".", dossier.status.word(), status.word()),
    )
    .at("/status")
    .audited(scene.audit("status.refused", &dossier.code, data))
}

fn take_due(message: &Message, dossier: &mut Dossier) {
    if let Some(due) = message.text("due_at").and_then(Time::parse) {
        dossier.due_at = Some(due);
    }
}

/// Documents of a result become files the dossier's caller may fetch.
fn take_documents(scene: &Scene<'_>, message: &Message, dossier: &mut Dossier, effects: &mut Effects) {
    if message.kind != Kind::ResultIssue {
        return;
    }
    for document in message.list("documents") {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let blob = document.pointer("/content/blob").and_then(Value::as_str).and_then(|b| b.strip_prefix("sha256:"));
        let size = document.pointer("/content/size").and_then(Value::as_u64);
        let (Some(digest), Some(size)) = (blob, size) else { continue };
        if dossier.documents.iter().any(|d| d.digest == digest) {
            continue;
        }
        let name = text("name").unwrap_or("ket-qua").to_owned();
        let row = FileRow {
            id: scene.mint.opaque(),
            caller: scene.origin.caller.clone(),
            reader: Some(dossier.caller.clone()),
            dossier: Some(dossier.code.clone()),
            digest: digest.to_owned(),
            size,
            name: name.clone(),
            media: text("type").map(str::to_owned),
            at: scene.now,
        };
        dossier.documents.push(Document { id: row.id.clone(), name, digest: digest.to_owned() });
        effects.files.push(row);
    }
}

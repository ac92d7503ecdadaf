//! A dossier is handed in, supplemented, corrected, withdrawn.
//!
//! A dossier of a city-hosted procedure is registered and never sent to a ministry. A withdrawal of a dossier whose submission
//! never left us is done at once, without a call; if it may have left, the ministry decides.

use super::copies;
use super::refusal::Refusal;
use super::scene::{Scene, Service};
use super::tell::{self, Words};
use crate::body::{Value, json};
use crate::clock::Time;
use crate::journal::{Close, DeliveryState, DeliveryView, Effects, Snapshot};
use crate::model::{AgencyCode, Dossier, DossierCode, Kind, Message, Payer, Status};

/// A new dossier. On success the message's body is completed from the catalogue and the files (names, contents), so that a later
/// delivery needs nothing but the message.
pub fn submit(scene: &Scene<'_>, message: &mut Message, snapshot: &Snapshot) -> Result<Effects, Refusal> {
    let code = checked_code(scene, message)?;
    let Some(service) = scene.service else { return Err(no_service()) };
    if snapshot.dossier.is_some() {
        return Err(Refusal::new(
            "dossier-exists",
            422,
            "Mã hồ sơ này đã được dùng cho một hồ sơ khác.",
            "This dossier code is already taken by another dossier.",
        )
        .at("/code"));
    }
    complete(scene, service, message)?;
    let mut effects = Effects::default();
    let mut dossier = registered(scene, service, message, &code);
    effects.files = scene.files.values().map(|f| crate::journal::FileRow { dossier: Some(code.clone()), ..f.clone() }).collect();
    effects.events.push(scene.event(&code, "accepted", json!({ "procedure": service.code, "partner": scene.origin.partner })));
    effects.audit.push(scene.audit("dossier.submit", &code, json!({ "procedure": service.code })));
    match &service.ministry {
        Some(ministry) => {
            effects.deliveries.push(to_ministry(scene, ministry, Kind::DossierSubmit, &code, dossier.due_at)?);
        }
        None => super::pay::owe_by_rule(scene, &mut dossier, &mut effects),
    }
    copies::begin(scene, service, message, &mut dossier);
    effects.dossier = Some(dossier);
    copies::tell(scene, snapshot, &mut effects);
    Ok(effects)
}

/// A correction: the same code with another body, while the first submission is parked and never left us. It replaces it.
pub fn correct(scene: &Scene<'_>, message: &mut Message, snapshot: &Snapshot) -> Result<Effects, Refusal> {
    let other_meaning = || {
        Refusal::new(
            "key-reused",
            422,
            "Mã này đã được dùng cho một nội dung khác; nội dung mới không được nhận.",
            "This key was used with another content before; the new content is not taken.",
        )
        .at("/code")
    };
    let Some(before) = snapshot.dossier.as_ref() else { return Err(other_meaning()) };
    let parked =
        snapshot.open.iter().find(|d| d.kind == Kind::DossierSubmit.name() && d.state == DeliveryState::Parked && !d.sent);
    let (Some(parked), Some(service), true) = (parked, scene.service, before.caller == scene.origin.caller) else {
        return Err(other_meaning());
    };
    let code = checked_code(scene, message)?;
    complete(scene, service, message)?;
    let Some(ministry) = &service.ministry else { return Err(other_meaning()) };
    let mut effects = Effects::default();
    effects.closes.push(close(parked, "replaced-by-correction"));
    effects.deliveries.push(to_ministry(scene, ministry, Kind::DossierSubmit, &code, service.due_at)?);
    effects.files = scene.files.values().map(|f| crate::journal::FileRow { dossier: Some(code.clone()), ..f.clone() }).collect();
    effects.events.push(scene.event(&code, "corrected", json!({ "procedure": service.code })));
    effects.audit.push(scene.audit("dossier.correct", &code, json!({ "replaced": parked.delivery })));
    let mut fresh = registered(scene, service, message, &code);
    copies::begin(scene, service, message, &mut fresh);
    // The edition is fixed by the first submission day.
    effects.dossier = Some(Dossier {
        edition: before.edition.clone(),
        submitted_at: before.submitted_at,
        registered_at: before.registered_at,
        told: before.told,
        version: before.version + 1,
        ..fresh
    });
    copies::tell(scene, snapshot, &mut effects);
    Ok(effects)
}

/// Papers that were asked for.
pub fn supplement(scene: &Scene<'_>, message: &mut Message, snapshot: &Snapshot) -> Result<Effects, Refusal> {
    let mut dossier = owned(scene, snapshot)?;
    let round = message.number("round").unwrap_or(0);
    if dossier.status != Status::Supplement {
        return Err(Refusal::new(
            "supplement-not-asked",
            409,
            format!("Hồ sơ đang ở trạng thái “{}”, không có yêu cầu bổ sung giấy tờ.", dossier.status.vietnamese()),
            format!("The dossier stands in \"{}\"; no supplement is asked for.", dossier.status.word()),
        )
        .at("/code"));
    }
    if round != u64::from(dossier.rounds) + 1 {
        return Err(Refusal::new(
            "supplement-round",
            422,
            format!("Lần bổ sung tiếp theo của hồ sơ này là lần {}.", dossier.rounds + 1),
            format!("The next supplement of this dossier is round {}.", dossier.rounds + 1),
        )
        .at("/round"));
    }
    attach_files(scene, message)?;
    dossier.rounds += 1;
    copies::supplement_taken(scene, message, &mut dossier);
    // Complete again: the statutory clock starts anew from zero (NĐ 61/2018). A term that is not known changes nothing.
    dossier.due_at = scene.service.and_then(|s| s.due_from(scene.now, false)).or(dossier.due_at);
    dossier.version += 1;
    let code = dossier.code.clone();
    let mut effects = Effects::default();
    mark_paid(scene, message, &dossier);
    if let Some(charge) = scene.service.and_then(|s| s.charge.clone()) {
        super::pay::charge_again(scene, charge, &mut dossier, &mut effects);
    }
    if let Some(ministry) = dossier.ministry.clone() {
        effects.deliveries.push(to_ministry(scene, &ministry, Kind::DossierSupplement, &code, dossier.due_at)?);
    }
    effects.files = scene.files.values().map(|f| crate::journal::FileRow { dossier: Some(code.clone()), ..f.clone() }).collect();
    effects.events.push(scene.event(&code, "supplemented", json!({ "round": round })));
    effects.audit.push(scene.audit("dossier.supplement", &code, json!({ "round": round })));
    effects.dossier = Some(dossier);
    copies::tell(scene, snapshot, &mut effects);
    Ok(effects)
}

/// The citizen takes the dossier back.
pub fn withdraw(scene: &Scene<'_>, _message: &Message, snapshot: &Snapshot) -> Result<Effects, Refusal> {
    let mut dossier = owned(scene, snapshot)?;
    if !dossier.status.next().contains(&Status::Withdrawn) {
        return Err(Refusal::new(
            "withdraw-too-late",
            409,
            format!("Hồ sơ đang ở trạng thái “{}”, không còn rút được.", dossier.status.vietnamese()),
            format!("The dossier stands in \"{}\" and can no longer be withdrawn.", dossier.status.word()),
        )
        .at("/code"));
    }
    let code = dossier.code.clone();
    if snapshot.open.iter().any(|d| d.kind == Kind::DossierWithdraw.name()) {
        return Err(Refusal::new(
            "withdraw-under-way",
            409,
            "Yêu cầu rút hồ sơ này đang được xử lý.",
            "A withdrawal of this dossier is already under way.",
        )
        .at("/code"));
    }
    let mut effects = Effects::default();
    effects.audit.push(scene.audit("dossier.withdraw", &code, json!({})));
    dossier.version += 1;
    match dossier.ministry.clone().filter(|_| !never_left(snapshot)) {
        Some(ministry) => {
            effects.deliveries.push(to_ministry(scene, &ministry, Kind::DossierWithdraw, &code, dossier.due_at)?);
            effects.events.push(scene.event(&code, "withdrawal-asked", json!({ "partner": ministry })));
        }
        None => {
            let ours = snapshot.open.iter().filter(|d| Some(&d.partner) == dossier.ministry.as_ref());
            effects.closes.extend(ours.map(|d| close(d, "withdrawn-before-delivery")));
            dossier.status = Status::Withdrawn;
            effects.events.push(scene.event(&code, "status", json!({ "status": dossier.status.word(), "by": "withdrawal" })));
            tell::status(
                scene,
                &mut dossier,
                scene.now,
                &Words::say("Công dân rút hồ sơ trước khi hồ sơ được chuyển đi."),
                &mut effects,
            );
        }
    }
    effects.dossier = Some(dossier);
    copies::tell(scene, snapshot, &mut effects);
    Ok(effects)
}

/// No withdrawal is under way, and the dossier could be withdrawn: whatever was asked for before was refused or closed.
#[must_use]
pub fn withdrawal_came_to_nothing(snapshot: &Snapshot) -> bool {
    let under_way = snapshot.open.iter().any(|d| d.kind == Kind::DossierWithdraw.name());
    !under_way && snapshot.dossier.as_ref().is_some_and(|d| d.status.next().contains(&Status::Withdrawn))
}

/// The dossier, when it is this caller's.
pub(super) fn owned(scene: &Scene<'_>, snapshot: &Snapshot) -> Result<Dossier, Refusal> {
    snapshot.dossier.clone().filter(|d| d.caller == scene.origin.caller).ok_or_else(|| Refusal::no_dossier().at("/code"))
}

/// Ends a delivery without a call.
pub(super) fn close(delivery: &DeliveryView, reason: &str) -> Close {
    Close { delivery: delivery.delivery, seen: delivery.state, reason: reason.to_owned(), proven: false }
}

/// The submission is still here and nothing of it ever left: a doubtful or claimed one may have.
fn never_left(snapshot: &Snapshot) -> bool {
    snapshot.open.iter().any(|d| {
        d.kind == Kind::DossierSubmit.name() && matches!(d.state, DeliveryState::Waiting | DeliveryState::Parked) && !d.sent
    })
}

/// Items of a corrected form that are paid for are marked so: the ministry reads it there.
fn mark_paid(scene: &Scene<'_>, message: &mut Message, dossier: &Dossier) {
    let Some((charge, (list, field))) = scene.service.and_then(|s| s.charge.as_ref().zip(s.marks.as_ref())) else { return };
    let paid = charge.paid_places(&dossier.covered);
    let Some(items) = message.body.pointer_mut(&format!("/form/{list}")).and_then(Value::as_array_mut) else { return };
    for (item, _) in items.iter_mut().zip(paid).filter(|(_, paid)| *paid) {
        if let Some(item) = item.as_object_mut() {
            item.insert(field.clone(), true.into());
        }
    }
}

fn checked_code(scene: &Scene<'_>, message: &Message) -> Result<String, Refusal> {
    let code = message.text("code").unwrap_or_default();
    if DossierCode::parse(code).is_none() {
        return Err(Refusal::new(
            "dossier-code-form",
            422,
            "Mã hồ sơ phải có dạng 000.00.15.H26-190315-0001 hoặc H26.15-20260609-0092637.",
            "A dossier code has the form 000.00.15.H26-190315-0001 or H26.15-20260609-0092637.",
        )
        .at("/code"));
    }
    let agency = message.text("agency.code").unwrap_or_default();
    if AgencyCode::parse(agency).is_none() {
        return Err(Refusal::new(
            "agency-code-form",
            422,
            "Mã đơn vị phải có dạng 000.00.15.H26 hoặc H26.15.",
            "An agency code has the form 000.00.15.H26 or H26.15.",
        )
        .at("/agency/code"));
    }
    let newer = AgencyCode::parse(agency).map(|a| a.newer_form()).unwrap_or_default();
    let allowed = scene.origin.agencies.is_empty()
        || scene
            .origin
            .agencies
            .iter()
            .any(|p| newer == *p || newer.strip_prefix(p.as_str()).is_some_and(|rest| rest.starts_with('.')));
    if !allowed {
        return Err(Refusal::new(
            "agency-not-allowed",
            403,
            "Đơn vị gọi không được nộp hồ sơ cho cơ quan này.",
            "This caller may not hand in dossiers for this agency.",
        )
        .at("/agency/code"));
    }
    Ok(code.to_owned())
}

fn no_service() -> Refusal {
    Refusal::new(
        "procedure-unknown",
        422,
        "Mã thủ tục hành chính này không có trong danh mục.",
        "This procedure is not in the catalogue.",
    )
    .at("/procedure")
}

/// A delivery to the ministry, ordered there by the dossier's deadline.
fn to_ministry(
    scene: &Scene<'_>,
    ministry: &str,
    kind: Kind,
    code: &str,
    deadline: Option<Time>,
) -> Result<crate::journal::NewDelivery, Refusal> {
    let delivery = scene.delivery(ministry, kind, code, code, None).map(|d| crate::journal::NewDelivery { deadline, ..d });
    delivery.ok_or_else(|| {
        Refusal::new(
            "no-route",
            422,
            "Thủ tục này không được tiếp nhận trên phần mềm của Bộ cho loại yêu cầu này.",
            "This procedure has no route to the Ministry's software for this kind of message.",
        )
        .at("/procedure")
    })
}

fn registered(scene: &Scene<'_>, service: &Service, message: &Message, code: &str) -> Dossier {
    let own = |path: &str| message.text(path).map(str::to_owned);
    Dossier {
        code: code.to_owned(),
        procedure: service.code.clone(),
        edition: service.edition.clone(),
        agency: own("agency.code").unwrap_or_default(),
        portal: scene.origin.partner.clone(),
        caller: scene.origin.caller.clone(),
        ministry: service.ministry.clone(),
        status: Status::New,
        since: None,
        submitted_at: message.text("submitted_at").and_then(Time::parse).unwrap_or(scene.now),
        registered_at: scene.now,
        due_at: service.due_at,
        told: 0,
        reference: None,
        rounds: 0,
        fee: None,
        charge: service.charge.clone(),
        dispute: None,
        overruled: Vec::new(),
        fee_paid: crate::model::Vnd::ZERO,
        covered: Vec::new(),
        documents: Vec::new(),
        copy: None,
        payer: Payer {
            name: own("owner.name").unwrap_or_default(),
            identity: own("owner.identity"),
            address: own("owner.address.detail"),
            province: own("owner.address.province"),
        },
        version: 1,
    }
}

/// Completes a submission: names from the catalogue, contents from the files.
fn complete(scene: &Scene<'_>, service: &Service, message: &mut Message) -> Result<(), Refusal> {
    attach_files(scene, message)?;
    let Some(body) = message.body.as_object_mut() else { return Ok(()) };
    body.entry("procedure_name").or_insert_with(|| service.name.clone().into());
    if let (Some(agency), Some(name)) = (body.get_mut("agency").and_then(Value::as_object_mut), &service.agency_name) {
        agency.entry("name").or_insert_with(|| name.clone().into());
    }
    if let Some(due) = service.due_at {
        body.entry("due_at").or_insert_with(|| due.rfc3339().into());
    }
    Ok(())
}

/// Every file named must be one this caller uploaded, with the digest it has; or its content came in the message (a mapping alone says that,
/// and its digest was compared when it was read).
fn attach_files(scene: &Scene<'_>, message: &mut Message) -> Result<(), Refusal> {
    let Some(papers) = message.body.get_mut("papers").and_then(Value::as_array_mut) else { return Ok(()) };
    for (p, paper) in papers.iter_mut().enumerate() {
        let Some(files) = paper.get_mut("files").and_then(Value::as_array_mut) else { continue };
        for (f, file) in files.iter_mut().enumerate() {
            let Some(file) = file.as_object_mut().filter(|f| !f.contains_key("content")) else { continue };
            let id = file.get("id").and_then(Value::as_str).unwrap_or_default();
            let Some(row) = scene.files.get(id).filter(|r| r.caller == scene.origin.caller) else {
                return Err(Refusal::new(
                    "file-unknown",
                    422,
                    "Không có tệp tin với mã này do đơn vị gọi tải lên; hãy tải tệp lên trước.",
                    "This caller has uploaded no file with this id; upload the file first.",
                )
                .at(format!("/papers/{p}/files/{f}/id")));
            };
            if file.get("digest").and_then(Value::as_str) != Some(row.digest.as_str()) {
                return Err(Refusal::new(
                    "file-digest",
                    422,
                    "Mã băm SHA-256 không khớp với tệp tin đã tải lên.",
                    "The SHA-256 digest is not that of the uploaded file.",
                )
                .at(format!("/papers/{p}/files/{f}/digest")));
            }
            let content = json!({ "blob": format!("sha256:{}", row.digest), "size": row.size });
            let media = row.media.clone();
            file.insert("content", content);
            if let Some(media) = media {
                file.entry("type").or_insert_with(|| media.into());
            }
        }
    }
    Ok(())
}

//! `/v1` for operators: deliveries, partners. On the operators' address only.
//!
//! Every act is one journal verb with its audit entry (who, when, why); the dispatcher notices by itself. A delivery's body is not shown:
//! it holds personal data.

use super::adapters::set_of;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::{self, Asked, Page, query};
use super::{Door, retention};
use crate::exchange::Refusal;
use crate::journal::{Act, Acted, Attempt, DeliveryFilter, DeliveryState, DeliveryView, QueueView, Verdict, Which};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Deliveries released by one act at most: one transaction.
const MOST_AT_ONCE: u32 = 1000;

/// Which deliveries to list.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    partner: Option<String>,
    dossier: Option<String>,
    state: Option<DeliveryState>,
    #[serde(default)]
    after: u64,
    limit: Option<u32>,
}

/// What an operator states of a delivery.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    verdict: Verdict,
    reason: String,
}

/// What an operator states of several.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseAll {
    partner: String,
    /// Why they are kept.
    reason_is: Option<String>,
    kind: Option<String>,
    verdict: Option<Verdict>,
    /// Why it is done; a dry run needs none.
    reason: Option<String>,
    limit: Option<u32>,
    /// Only told how many it would be.
    #[serde(default)]
    dry_run: bool,
}

/// Why something is done.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

// === deliveries ===

pub(super) async fn deliveries(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::DeliveriesList)?;
    let wanted = query(wanted)?;
    let limit = Page { after: 0, limit: wanted.limit }.limit();
    let filter =
        DeliveryFilter { partner: wanted.partner, dossier: wanted.dossier, state: wanted.state, after: wanted.after, limit };
    let list = door.journal.deliveries(filter).await?;
    let last = list.last().map_or(wanted.after, |d| d.delivery);
    Ok(Json(json!({ "deliveries": list.iter().map(view).collect::<Vec<_>>(), "last": last })))
}

pub(super) async fn delivery(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::DeliveryShow)?;
    let detail = door.journal.delivery(number(&id)?).await?.ok_or_else(no_delivery)?;
    let mut shown = view(&detail.view);
    if let Some(map) = shown.as_object_mut() {
        map.insert("attempts_made".into(), detail.attempts.iter().map(attempt).collect());
        map.insert("body_gone".into(), detail.gone.as_ref().map_or(Value::Null, retention::gone));
    }
    Ok(Json(shown))
}

/// Which line of which file gives which field, by the adapter set of the delivery's first attempt (`instead`: it could not be had, by
/// those in force). A value is shown only where its schema says it is public.
pub(super) async fn explain(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::DeliveryExplain)?;
    let detail = door.journal.delivery(number(&id)?).await?.ok_or_else(no_delivery)?;
    if let Some(gone) = &detail.gone {
        return Err(retention::body_gone(gone));
    }
    let dossier = match &detail.view.dossier {
        Some(code) => door.journal.snapshot(code).await?.dossier,
        None => None,
    };
    let form = dossier.as_ref().and_then(|d| Some((d.procedure.as_str(), d.edition.as_deref()?)));
    let set = set_of(&door, &detail).await;
    let partner = set.catalogue.partners.get(&detail.view.partner);
    let fields = partner.and_then(|p| p.explain(&detail.view.route, &detail.view.id, &detail.body, form)).ok_or_else(|| {
        Refusal::new(
            "route-unknown",
            409,
            "Bộ đặc tả của lượt chuyển này không có tuyến của nó.",
            "The adapters of this delivery do not have its route.",
        )
    })?;
    Ok(Json(json!({
        "delivery": detail.view.delivery,
        "message": detail.view.kind,
        "adapters": set.catalogue.digest,
        "instead": set.instead,
        "fields": fields,
    })))
}

pub(super) async fn release(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::DeliveryRelease)?.name.clone();
    let delivery = number(&id)?;
    let said: Release = v1::body(&door, &asked.headers, asked.body).await?;
    let reason = reason(said.reason)?;
    // That a withdrawal was received moves its dossier, of a refund it is asked what became of it; any other delivery just ends.
    let done = said.verdict == Verdict::Received && door.intake.delivery_received(delivery, &reason, &who).await?;
    if !done {
        act_on(&door, Act::Release { delivery, verdict: said.verdict, reason }, &who).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "delivery": delivery, "verdict": said.verdict }))))
}

/// Several at once, each at the partner's pace; where some may have been received only a verdict releases them. A dry run tells how many
/// it would be, and changes nothing.
pub(super) async fn release_all(State(door): State<Arc<Door>>, asked: Asked) -> Result<(StatusCode, Json<Value>), Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::DeliveryRelease)?.name.clone();
    let said: ReleaseAll = v1::body(&door, &asked.headers, asked.body).await?;
    known(&door, &said.partner)?;
    let limit = said.limit.unwrap_or(MOST_AT_ONCE).clamp(1, MOST_AT_ONCE);
    let which = Which { partner: said.partner, reason: said.reason_is, kind: said.kind, limit };
    let why = if said.dry_run { String::new() } else { reason(said.reason.unwrap_or_default())? };
    let act = Act::ReleaseAll { which, verdict: said.verdict, reason: why, dry: said.dry_run };
    let (released, left, doubtful) = match door.journal.act(act, &who, door.clock.now()).await? {
        Acted::Released { released, left, doubtful } => (released, left, doubtful),
        Acted::Written | Acted::Missing | Acted::Refused => (0, 0, 0),
    };
    let told = json!({ "released": released, "left": left, "doubtful": doubtful, "dry_run": said.dry_run });
    Ok((if said.dry_run { StatusCode::OK } else { StatusCode::ACCEPTED }, Json(told)))
}

pub(super) async fn close(State(door): State<Arc<Door>>, Path(id): Path<String>, asked: Asked) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::DeliveryClose)?.name.clone();
    let delivery = number(&id)?;
    let said: Why = v1::body(&door, &asked.headers, asked.body).await?;
    let reason = reason(said.reason)?;
    // A submission's end is told to the portal in the same transaction, a refund's frees its sum or is a case; any other delivery just ends.
    if !door.intake.close_delivery(delivery, &reason, &who).await? {
        act_on(&door, Act::Close { delivery, reason }, &who).await?;
    }
    Ok(Json(json!({ "delivery": delivery, "state": "closed" })))
}

// === partners ===

pub(super) async fn partners(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::PartnersList)?;
    let queues = door.journal.queues().await?;
    let known = door.intake.known();
    let list: Vec<Value> = known
        .catalogue
        .partners
        .keys()
        .map(|name| {
            let mut shown = queues.iter().find(|q| q.partner == *name).map_or_else(|| queue(&idle(name)), queue);
            if let (Some(shown), Value::Object(standing)) = (shown.as_object_mut(), (door.standings)(name)) {
                shown.extend(standing);
            }
            shown
        })
        .collect();
    let cases: u64 = door.journal.open_cases().await?.iter().map(|(_, n)| n).sum();
    let retention = retention::shown(&door, &door.journal.retention(&door.retention, door.clock.now()).await?);
    // Deadlines beyond the calendar's end count weekends and fixed holidays only.
    let holidays = &known.catalogue.holidays;
    let ends_soon = door.clock.now().civil().is_some_and(|now| holidays.end_soon(now.date()));
    let calendar = json!({ "until": holidays.until().map(|day| day.to_string()), "ends_soon": ends_soon });
    Ok(Json(json!({
        "partners": list,
        "open_cases": cases,
        "journal": door.journal.health(),
        "calendar": calendar,
        "retention": retention,
    })))
}

pub(super) async fn pause(State(door): State<Arc<Door>>, Path(name): Path<String>, asked: Asked) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::PartnerPause)?.name.clone();
    known(&door, &name)?;
    let said: Why = v1::body(&door, &asked.headers, asked.body).await?;
    let reason = reason(said.reason)?;
    act_on(&door, Act::Pause { partner: name.clone(), reason: reason.clone() }, &who).await?;
    Ok(Json(json!({ "partner": name, "paused": reason })))
}

pub(super) async fn resume(
    State(door): State<Arc<Door>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::PartnerResume)?.name.clone();
    known(&door, &name)?;
    act_on(&door, Act::Resume { partner: name.clone() }, &who).await?;
    Ok(Json(json!({ "partner": name, "paused": null })))
}

// === small words ===

async fn act_on(door: &Door, act: Act, who: &str) -> Result<(), Problem> {
    match door.journal.act(act, who, door.clock.now()).await? {
        Acted::Written | Acted::Released { .. } => Ok(()),
        Acted::Missing => Err(no_delivery()),
        Acted::Refused => Err(Refusal::new(
            "delivery-state",
            409,
            "Lượt chuyển này đang được gửi hoặc đã kết thúc, nên không thể thực hiện thao tác.",
            "This delivery is under way or has ended, so this cannot be done to it.",
        )
        .into()),
    }
}

fn no_delivery() -> Problem {
    Refusal::new("delivery-unknown", 404, "Không có lượt chuyển với số này.", "There is no delivery with this number.").into()
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| no_delivery())
}

fn known(door: &Door, name: &str) -> Result<(), Problem> {
    if door.intake.known().catalogue.partners.contains_key(name) {
        return Ok(());
    }
    Err(Refusal::new("partner-unknown", 404, "Không có đối tác với tên này.", "There is no partner with this name.").into())
}

/// Why something is done, in a person's own words.
pub(super) fn reason(text: String) -> Result<String, Problem> {
    let text = text.trim().to_owned();
    if (1..=500).contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(Problem::request("/reason", "Cần nêu lý do, từ 1 đến 500 ký tự.", "A reason of 1 to 500 characters is needed."))
}

fn view(d: &DeliveryView) -> Value {
    json!({
        "delivery": d.delivery,
        "partner": d.partner,
        "route": d.route,
        "lane": d.lane,
        "dossier": d.dossier,
        "id": d.id,
        "kind": d.kind,
        "state": d.state,
        "attempts": d.attempts,
        "created_at": d.created_at.rfc3339(),
        "ready_at": d.ready_at.map(|t| t.rfc3339()),
        "reason": d.reason,
        "sent": d.sent,
    })
}

fn attempt(a: &Attempt) -> Value {
    json!({ "at": a.at.rfc3339(), "ms": a.ms, "what": a.what, "outcome": a.outcome, "why": a.why, "adapters": a.adapters })
}

fn idle(name: &str) -> QueueView {
    QueueView { partner: name.to_owned(), ..QueueView::default() }
}

fn queue(q: &QueueView) -> Value {
    json!({
        "partner": q.partner,
        "waiting": q.waiting,
        "claimed": q.claimed,
        "unknown": q.unknown,
        "parked": q.parked,
        "oldest": q.oldest.map(|t| t.rfc3339()),
        "paused": q.paused,
    })
}

//! `/v1` for callers: a dossier, its timeline, events after a sequence number. JSON out, problems out.
//!
//! A caller sees the dossiers it handed in, a ministry those that were addressed to it, operators and auditors all; what is not seen is
//! 404, so that nobody learns which codes exist. Of a dossier only public facts are shown: no name, no identity, no address.

use super::problem::Problem;
use super::roles::{Operation, sees_all};
use super::{Door, retention};
use crate::config::{Caller, Role};
use crate::exchange::Refusal;
use crate::journal::{EventView, Snapshot};
use crate::model::Dossier;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{Extensions, HeaderMap};
use serde_json::{Value, json};
use std::sync::Arc;

/// Most lines of a list at once.
const MOST: u32 = 1000;

/// Where a list goes on.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// After this sequence number.
    #[serde(default)]
    pub(super) after: u64,
    /// At most so many.
    pub(super) limit: Option<u32>,
}

// === impl Page ===

impl Page {
    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(100).clamp(1, MOST)
    }
}

/// A query of our own API, refused as a problem when it does not fit.
pub(super) fn query<T>(query: Result<Query<T>, axum::extract::rejection::QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(q)| q).map_err(|_| {
        Problem::request(
            "",
            "Tham số trên địa chỉ không đúng tên hoặc không đúng kiểu.",
            "A query parameter has an unknown name or a wrong type.",
        )
    })
}

type QueryResult<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

// === handlers ===

pub(super) async fn dossier(
    State(door): State<Arc<Door>>,
    Path(code): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    let caller = door.admit(&headers, &extensions, Operation::DossierShow)?;
    let snapshot = seen(&door, &caller, &code).await?;
    let mut shown = show(&snapshot);
    if let Some(map) = shown.as_object_mut() {
        map.insert("removed".into(), retention::removed(&door.journal.removed(&code).await?));
    }
    Ok(Json(shown))
}

pub(super) async fn timeline(
    State(door): State<Arc<Door>>,
    Path(code): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    let caller = door.admit(&headers, &extensions, Operation::DossierTimeline)?;
    seen(&door, &caller, &code).await?;
    let events = door.journal.timeline(&code).await?;
    Ok(Json(json!({ "code": code, "events": events.iter().map(event).collect::<Vec<_>>() })))
}

pub(super) async fn events(
    State(door): State<Arc<Door>>,
    page: QueryResult<Page>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    let caller = door.admit(&headers, &extensions, Operation::EventsList)?;
    let page = query(page)?;
    let only = (!sees_all(&caller)).then_some(caller.name.as_str());
    let floor = door.journal.events_floor().await?;
    if page.after < floor {
        return Err(retention::events_gone(floor));
    }
    let events = door.journal.events(page.after, page.limit(), only).await?;
    let last = events.last().map_or(page.after, |e| e.event);
    Ok(Json(json!({ "events": events.iter().map(event).collect::<Vec<_>>(), "last": last })))
}

// === what is seen ===

/// The dossier's snapshot, if this caller may see it.
pub(super) async fn seen(door: &Door, caller: &Caller, code: &str) -> Result<Snapshot, Problem> {
    let snapshot = door.journal.snapshot(code).await?;
    match &snapshot.dossier {
        Some(dossier) if may_see(caller, dossier) => Ok(snapshot),
        _ => Err(Refusal::no_dossier().into()),
    }
}

/// Whether a dossier is this caller's, was addressed to it, or the caller sees all.
pub(super) fn may_see(caller: &Caller, dossier: &Dossier) -> bool {
    let addressed = caller.roles.contains(&Role::Ministry) && dossier.ministry.is_some() && dossier.ministry == caller.partner;
    sees_all(caller) || dossier.caller == caller.name || addressed
}

/// A dossier as `/v1` shows it.
pub(super) fn show(snapshot: &Snapshot) -> Value {
    let Some(d) = &snapshot.dossier else { return Value::Null };
    let fee = d
        .fee
        .as_ref()
        .map(|f| json!({ "amount": f.amount, "state": f.state, "transaction": f.transaction, "items": f.items.len() }));
    let undecided = d
        .dispute
        .as_ref()
        .map(|u| json!({ "ministry": u.told, "catalogue": u.ours, "choices": u.choices, "since": u.since.rfc3339() }));
    let payments: Vec<Value> = snapshot.payments.iter().map(super::money::payment_view).collect();
    let waiting: Vec<Value> = snapshot
        .open
        .iter()
        .map(|o| json!({ "delivery": o.delivery, "partner": o.partner, "kind": o.kind, "state": o.state, "reason": o.reason }))
        .collect();
    json!({
        "code": d.code,
        "procedure": d.procedure,
        "edition": d.edition,
        "agency": d.agency,
        "portal": d.portal,
        "ministry": d.ministry,
        "status": d.status,
        "status_code": d.status.code(),
        "status_vi": d.status.vietnamese(),
        "status_since": d.since.map(|t| t.rfc3339()),
        "registered_at": d.registered_at.rfc3339(),
        "due_at": d.due_at.map(|t| t.rfc3339()),
        "reference": d.reference,
        "supplements": d.rounds,
        "told": d.told,
        "fee": fee,
        "fee_undecided": undecided,
        "payments": payments,
        "documents": d.documents,
        "open": waiting,
    })
}

/// A line of a timeline.
pub(super) fn event(event: &EventView) -> Value {
    json!({
        "event": event.event,
        "dossier": event.dossier,
        "at": event.at.rfc3339(),
        "kind": event.kind,
        "data": event.data,
    })
}

/// A JSON body of our own API.
pub(super) async fn body<T: serde::de::DeserializeOwned>(
    door: &Door,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<T, Problem> {
    let taken = door.bodies.read(headers, body, 64 << 10).await?;
    serde_json::from_slice(&taken.bytes).map_err(|e| {
        // serde's own sentence may quote a value: only the place is told.
        Problem::request(
            &format!("{}:{}", e.line(), e.column()),
            "Nội dung không phải JSON hợp lệ hoặc không đúng trường.",
            "The body is not valid JSON or has not the expected fields.",
        )
    })
}

/// The parts every handler with a body takes.
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
    pub(super) body: axum::body::Body,
}

impl<S: Send + Sync> axum::extract::FromRequest<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: axum::extract::Request, _: &S) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        Ok(Self { headers: parts.headers, extensions: parts.extensions, body })
    }
}

//! `/v1/adapters` for operators: which set is in force, and another one in its place. On the operators' address only.

use super::Door;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::Asked;
use crate::catalogue::{Catalogue, Files, Settings, compare as differences};
use crate::clock::Time;
use crate::config::Placeholders;
use crate::exchange::Refusal;
use crate::journal::{DeliveryFilter, DeliveryState, DeliveryView};
use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer on its way.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, Problem>> + Send + 'a>>;

/// What is asked about adapters. The composition root answers: the door knows who asks, not how it is done.
pub trait Adapters: Send + Sync {
    /// Reads the adapters anew and puts them in force as a whole, or refuses them as a whole. `who` stands in the audit.
    fn reload<'a>(&'a self, who: &'a str) -> Answer<'a>;
}

/// The most deliveries compared at once.
const MOST: usize = 2_000;
/// The longest set of files, in bytes: the shipped one has 0.4 MB.
const LONGEST: u64 = 8 << 20;

/// A set to compare with the one in force, and the deliveries of which time.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    /// Texts by path, as in a folder that holds adapters/ and schemas/.
    files: BTreeMap<String, String>,
    /// Taken in at this time or later.
    from: Option<String>,
    /// Taken in before.
    until: Option<String>,
    /// Only what waits and was never sent: it would be written by the new set.
    #[serde(default)]
    queued: bool,
}

pub(super) async fn show(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::AdaptersShow)?;
    let known = door.intake.known();
    let partners: Vec<Value> = known
        .catalogue
        .partners
        .values()
        .map(|p| {
            json!({ "partner": p.name, "role": p.role.word(), "mappings": p.book.names().count(), "out": p.outs.len(), "in": p.ins.len() })
        })
        .collect();
    Ok(Json(json!({ "adapters": known.catalogue.digest, "partners": partners })))
}

pub(super) async fn reload(State(door): State<Arc<Door>>, asked: Asked) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::AdaptersReload)?.name.clone();
    let adapters = door.adapters.clone().ok_or_else(Problem::not_found)?;
    Ok(Json(adapters.reload(&who).await?))
}

/// What another set would write otherwise for the deliveries of a time: places, never values. Nothing is put in force.
pub(super) async fn compare(State(door): State<Arc<Door>>, asked: Asked) -> Result<Json<Value>, Problem> {
    door.admit(&asked.headers, &asked.extensions, Operation::AdaptersCompare)?;
    let taken = door.bodies.read(&asked.headers, asked.body, LONGEST).await?;
    let wanted: Compared = serde_json::from_slice(&taken.bytes).map_err(|e| {
        Problem::request(
            &format!("{}:{}", e.line(), e.column()),
            "Nội dung không đúng trường.",
            "The body has not the expected fields.",
        )
    })?;
    let (from, until) = (time(wanted.from.as_deref(), "from")?, time(wanted.until.as_deref(), "until")?);
    let files = wanted.files.into_iter().fold(Files::default(), |files, (path, text)| files.with(path, text));
    // Without anybody's secrets: nothing is sent or sealed with this set; nor is it proven, which `check` and a reload do.
    let loaded = tokio::task::spawn_blocking(move || Catalogue::revive(&files, &Settings::new(), &Placeholders)).await;
    let changed = loaded.map_err(|_| Problem::not_found())?.map_err(|faults| {
        Refusal::new("adapters-faulty", 422, format!("Bộ đặc tả có lỗi: {faults}"), format!("The adapters have faults: {faults}"))
    })?;
    let known = door.intake.known();
    let (list, whole) = within(&door, from, until, wanted.queued).await?;
    let mut rows = Vec::new();
    for view in &list {
        let Some(detail) = door.journal.delivery(view.delivery).await? else { continue };
        let Some(present) = known.catalogue.partners.get(&view.partner) else { continue };
        let dossier = match &view.dossier {
            Some(code) => door.journal.snapshot(code).await?.dossier,
            None => None,
        };
        let form = dossier.as_ref().and_then(|d| Some((d.procedure.as_str(), d.edition.as_deref()?)));
        let other = changed.partners.get(&view.partner).map(|p| &**p);
        let found = differences(present, other, &view.route, &view.id, &detail.body, form);
        if !found.is_empty() {
            rows.push(json!({ "delivery": view.delivery, "partner": view.partner, "route": view.route, "differences": found }));
        }
    }
    Ok(Json(json!({ "compared": list.len(), "complete": whole, "differ": rows.len(), "deliveries": rows })))
}

/// The deliveries taken in within a time, in any state (`queued`: those that wait and were never sent), oldest first; and whether these
/// are all.
async fn within(
    door: &Door,
    from: Option<Time>,
    until: Option<Time>,
    queued: bool,
) -> Result<(Vec<DeliveryView>, bool), Problem> {
    use DeliveryState::{Claimed, Closed, Done, Parked, Rejected, Unknown, Waiting};
    let inside = |d: &DeliveryView| {
        from.is_none_or(|t| d.created_at.0 >= t.0) && until.is_none_or(|t| d.created_at.0 < t.0) && !(queued && d.sent)
    };
    let states: &[DeliveryState] =
        if queued { &[Waiting, Parked] } else { &[Waiting, Claimed, Unknown, Parked, Done, Rejected, Closed] };
    let mut list = Vec::new();
    for state in states.iter().copied() {
        let mut after = 0;
        loop {
            let filter = DeliveryFilter { partner: None, dossier: None, state: Some(state), after, limit: 500 };
            let page = door.journal.deliveries(filter).await?;
            let Some(last) = page.last() else { break };
            after = last.delivery;
            list.extend(page.into_iter().filter(inside));
            if list.len() > MOST {
                list.truncate(MOST);
                return Ok((list, false));
            }
        }
    }
    list.sort_by_key(|d| d.delivery);
    Ok((list, true))
}

fn time(text: Option<&str>, name: &str) -> Result<Option<Time>, Problem> {
    let told = || Problem::request(name, "Không phải thời điểm RFC 3339.", "Not a time in RFC 3339.");
    text.map(|t| Time::parse(t).ok_or_else(told)).transpose()
}

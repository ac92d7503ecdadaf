//! `/v1/adapters` for operators: which set is in force, and another one in its place. On the operators' address only.

use super::Door;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::Asked;
use crate::catalogue::{Catalogue, Files, Settings, compare as differences};
use crate::clock::Time;
use crate::config::Placeholders;
use crate::exchange::Refusal;
use crate::journal::{DeliveryDetail, DeliveryFilter, DeliveryState, DeliveryView};
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

    /// The set of a digest, as it was kept when it was in force; none: it is not kept, or no longer compiles. Takes as long as compiling.
    fn set(&self, digest: &str) -> Option<Arc<Catalogue>>;
}

/// The set by which a delivery is or was written.
pub(super) struct SetOf {
    pub(super) catalogue: Arc<Catalogue>,
    /// It was attempted with a set that cannot be had any more: this one, in force, stands for it.
    pub(super) instead: bool,
}

/// The set of a delivery's first attempt, by which it is written as often as it is sent; of one that was never attempted the one in force.
pub(super) async fn set_of(door: &Door, detail: &DeliveryDetail) -> SetOf {
    let present = door.intake.known().catalogue.clone();
    let Some(own) = detail.attempts.first().map(|a| a.adapters.clone()).filter(|own| *own != present.digest) else {
        return SetOf { catalogue: present, instead: false };
    };
    let kept = door.adapters.clone().map(|adapters| tokio::task::spawn_blocking(move || adapters.set(&own)));
    let kept = match kept {
        Some(looking) => looking.await.ok().flatten(),
        None => None,
    };
    let instead = kept.is_none();
    SetOf { catalogue: kept.unwrap_or(present), instead }
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
    /// Only deliveries with a higher number: the answer's `next`, to go on where it ended.
    #[serde(default)]
    after: u64,
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

/// What another set would write otherwise for the deliveries of a time, each beside the set it is written by: places, never values. Nothing
/// is put in force. `next` goes on where this answer ends; `instead` counts those whose own set could not be had, `gone` those whose body was
/// removed by retention.
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
    let (list, whole) = within(&door, (from, until), wanted.queued, wanted.after).await?;
    let (mut compared, mut instead, mut gone) = (0_u64, 0, 0);
    let mut rows = Vec::new();
    for view in &list {
        let Some(detail) = door.journal.delivery(view.delivery).await? else { continue };
        if detail.gone.is_some() {
            gone += 1;
            continue;
        }
        let set = set_of(&door, &detail).await;
        instead += u64::from(set.instead);
        let Some(present) = set.catalogue.partners.get(&view.partner) else { continue };
        compared += 1;
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
    let next = list.last().filter(|_| !whole).map(|view| view.delivery);
    Ok(Json(json!({
        "compared": compared, "complete": whole, "next": next, "instead": instead, "gone": gone, "differ": rows.len(),
        "deliveries": rows,
    })))
}

/// The deliveries taken in within a time, in any state (`queued`: those that wait and were never sent), with a number above `start`: the
/// first ones by their numbers; and whether these are all.
async fn within(
    door: &Door,
    (from, until): (Option<Time>, Option<Time>),
    queued: bool,
    start: u64,
) -> Result<(Vec<DeliveryView>, bool), Problem> {
    use DeliveryState::{Claimed, Closed, Done, Parked, Rejected, Unknown, Waiting};
    let inside = |d: &DeliveryView| {
        from.is_none_or(|t| d.created_at.0 >= t.0) && until.is_none_or(|t| d.created_at.0 < t.0) && !(queued && d.sent)
    };
    let states: &[DeliveryState] =
        if queued { &[Waiting, Parked] } else { &[Waiting, Claimed, Unknown, Parked, Done, Rejected, Closed] };
    let mut list = Vec::new();
    for state in states.iter().copied() {
        let (mut after, before) = (start, list.len());
        // One more than is told of each state: so it is known whether there are more.
        while list.len() - before <= MOST {
            let filter = DeliveryFilter { partner: None, dossier: None, state: Some(state), after, limit: 500 };
            let page = door.journal.deliveries(filter).await?;
            let Some(last) = page.last() else { break };
            after = last.delivery;
            list.extend(page.into_iter().filter(inside));
        }
    }
    list.sort_by_key(|d| d.delivery);
    let whole = list.len() <= MOST;
    list.truncate(MOST);
    Ok((list, whole))
}

fn time(text: Option<&str>, name: &str) -> Result<Option<Time>, Problem> {
    let told = || Problem::request(name, "Không phải thời điểm RFC 3339.", "Not a time in RFC 3339.");
    text.map(|t| Time::parse(t).ok_or_else(told)).transpose()
}

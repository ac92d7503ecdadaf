//! `/v1/cases` for operators: matters that a person has to decide, what they say, and a person's word on them.
//!
//! Every word is written with its audit entry (who, when, why), and with what it causes, in one transaction. A case holds public facts only.

use super::Door;
use super::operate::reason;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::{self, Asked, Page, query};
use crate::exchange::{self, Refusal};
use crate::journal::{CaseDetail, CaseEntry, CaseFilter, CaseView, CaseWord};
use crate::model::CaseKind;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Extensions, HeaderMap};
use serde_json::{Value, json};
use std::sync::Arc;

/// Which cases to list.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    kind: Option<String>,
    dossier: Option<String>,
    #[serde(default)]
    state: Which,
    #[serde(default)]
    after: u64,
    limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Open,
    Closed,
    All,
}

/// A person's word: the reason, and for a decision its word.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    reason: String,
    decision: Option<String>,
}

// === handlers ===

pub(super) async fn list(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::CasesList)?;
    let wanted = query(wanted)?;
    let filter = CaseFilter {
        kind: wanted.kind.as_deref().map(kind).transpose()?,
        dossier: wanted.dossier,
        open: match wanted.state {
            Which::Open => Some(true),
            Which::Closed => Some(false),
            Which::All => None,
        },
        after: wanted.after,
        limit: Page { after: 0, limit: wanted.limit }.limit(),
    };
    let cases = door.journal.cases(filter).await?;
    let last = cases.last().map_or(wanted.after, |c| c.case);
    Ok(Json(json!({ "cases": cases.iter().map(view).collect::<Vec<_>>(), "last": last })))
}

pub(super) async fn show(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::CaseShow)?;
    Ok(Json(detail(&door.journal.case(number(&id)?).await?.ok_or_else(Refusal::no_case)?)))
}

pub(super) async fn note(State(door): State<Arc<Door>>, Path(id): Path<String>, asked: Asked) -> Result<Json<Value>, Problem> {
    say(&door, &id, asked, Operation::CaseNote, |_| Ok(CaseWord::Noted)).await
}

pub(super) async fn close(State(door): State<Arc<Door>>, Path(id): Path<String>, asked: Asked) -> Result<Json<Value>, Problem> {
    say(&door, &id, asked, Operation::CaseClose, |_| Ok(CaseWord::Closed)).await
}

pub(super) async fn decide(State(door): State<Arc<Door>>, Path(id): Path<String>, asked: Asked) -> Result<Json<Value>, Problem> {
    say(&door, &id, asked, Operation::CaseDecide, |decision| match decision {
        Some(word) => Ok(CaseWord::Decided(word)),
        None => Err(Problem::request(
            "/decision",
            "Cần nêu quyết định.",
            "The decision is needed; the case itself names those it takes.",
        )),
    })
    .await
}

async fn say(
    door: &Door,
    id: &str,
    asked: Asked,
    operation: Operation,
    word: impl FnOnce(Option<String>) -> Result<CaseWord, Problem>,
) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, operation)?.name.clone();
    let case = number(id)?;
    let said: Said = v1::body(door, &asked.headers, asked.body).await?;
    let word = word(said.decision)?;
    Ok(Json(detail(&door.intake.case(case, &word, &reason(said.reason)?, &who).await?)))
}

// === small words ===

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Refusal::no_case().into())
}

fn kind(word: &str) -> Result<CaseKind, Problem> {
    CaseKind::of_word(word).ok_or_else(|| {
        let all: Vec<&str> = CaseKind::ALL.iter().map(|(_, w)| *w).collect();
        let all = all.join(", ");
        Problem::request("/kind", &format!("Loại việc phải là một trong: {all}."), &format!("A kind of case is one of: {all}."))
    })
}

/// A case in a list.
fn view(case: &CaseView) -> Value {
    let told = exchange::told(case);
    json!({
        "case": case.case,
        "kind": case.word,
        "title": told.title,
        "title_en": told.title_en,
        "dossier": case.dossier,
        "state": if case.closed_at.is_some() { "closed" } else { "open" },
        "at": case.at.rfc3339(),
        "met": case.met,
        "met_at": case.met_at.rfc3339(),
        "closed_at": case.closed_at.map(|t| t.rfc3339()),
        "decision": case.decision,
        "data": case.data,
    })
}

/// A case by itself: what it says, what helps, what was done.
fn detail(detail: &CaseDetail) -> Value {
    let told = exchange::told(&detail.view);
    let decisions: Vec<Value> =
        told.decisions.iter().map(|c| json!({ "word": c.word, "text": c.text, "text_en": c.text_en })).collect();
    let mut shown = view(&detail.view);
    if let Some(map) = shown.as_object_mut() {
        map.insert("what".into(), told.what.into());
        map.insert("what_en".into(), told.what_en.into());
        map.insert("help".into(), told.help.into());
        map.insert("help_en".into(), told.help_en.into());
        map.insert("decisions".into(), decisions.into());
        map.insert("history".into(), detail.history.iter().map(entry).collect());
    }
    shown
}

fn entry(e: &CaseEntry) -> Value {
    json!({ "at": e.at.rfc3339(), "who": e.who, "what": e.what, "reason": e.reason, "data": e.data })
}

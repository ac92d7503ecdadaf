//! `/v1/statements`: a payment platform's statement is handed in and compared; earlier ones are looked up. On the operators' address only.

use super::problem::Problem;
use super::roles::Operation;
use super::v1::{Asked, Page, query};
use super::{Door, retention};
use crate::clock::Time;
use crate::exchange::Refusal;
use crate::journal::{StatementLine, StatementView, Told};
use crate::model::Class;
use crate::settlement::{Begin, List, Order, sheet};
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use hyper::body::Frame;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Lines read from the journal at once.
const PAGE: u32 = 2_000;
/// Lines that an answer shows at most; the rest is to be fetched.
const SHOWN: usize = 1_000;

/// Of which partner and day a statement is.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    partner: String,
    day: String,
    #[serde(default)]
    dry: bool,
}

/// Which statements to list.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    partner: Option<String>,
    #[serde(default)]
    before: u64,
    limit: Option<u32>,
}

/// Which lines to list, and how.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lines {
    class: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<u32>,
}

/// Whether a sheet begins with a byte order mark.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marked {
    #[serde(default)]
    bom: bool,
}

/// Which of the two further lists, of which days.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Period {
    list: String,
    day: String,
    to: Option<String>,
    limit: Option<u32>,
}

// === handlers ===

pub(super) async fn add(
    State(door): State<Arc<Door>>,
    given: Result<Query<Given>, QueryRejection>,
    asked: Asked,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::StatementAdd)?.name.clone();
    let given = query(given)?;
    let day = date(&given.day)?;
    let most = door.settlement.most(&given.partner)?;
    let taken = door.bodies.read(&asked.headers, asked.body, most).await?;
    let order = Order { partner: given.partner.clone(), day, bytes: taken.bytes.clone(), who, dry: given.dry };
    let outcome = door.settlement.reconcile(order).await?;
    let shown: Vec<Value> = outcome.differences.iter().take(SHOWN).map(|l| line(None, l)).collect();
    let body = json!({
        "statement": outcome.statement,
        "partner": given.partner,
        "day": day.to_string(),
        "dry": given.dry,
        "resolved": outcome.resolved,
        "told": outcome.data,
        "differences": shown,
    });
    Ok((if given.dry { StatusCode::OK } else { StatusCode::CREATED }, Json(body)))
}

pub(super) async fn list(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::StatementsList)?;
    let wanted = query(wanted)?;
    let limit = Page { after: 0, limit: wanted.limit }.limit();
    let found = door.journal.statements(wanted.partner.as_deref(), wanted.before, limit).await?;
    Ok(Json(json!({ "statements": found.iter().map(view).collect::<Vec<_>>() })))
}

pub(super) async fn show(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::StatementsList)?;
    Ok(Json(view(&known(&door, &id).await?)))
}

pub(super) async fn lines(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    wanted: Result<Query<Lines>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::StatementsList)?;
    let wanted = query(wanted)?;
    let class = wanted.class.as_deref().map(class).transpose()?;
    let number = whole(&door, &id).await?.statement;
    let limit = Page { after: 0, limit: wanted.limit }.limit();
    let found = door.journal.statement_lines(number, class, wanted.after, limit).await?;
    let last = found.last().map_or(wanted.after, |(n, _)| *n);
    Ok(Json(json!({ "lines": found.iter().map(|(n, l)| line(Some(*n), l)).collect::<Vec<_>>(), "last": last })))
}

/// The whole comparison as CSV, a page of lines at a time.
pub(super) async fn csv(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    marked: Result<Query<Marked>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response<Body>, Problem> {
    door.admit(&headers, &extensions, Operation::StatementsList)?;
    let marked = query(marked)?;
    let found = whole(&door, &id).await?;
    let name = format!("attachment; filename=\"{}-{}.csv\"", found.told.partner, found.told.day);
    let (send, pieces) = mpsc::channel(2);
    tokio::spawn(write(door, found.statement, marked.bom, send));
    let mut response = Response::new(Body::new(Pieces { pieces }));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

pub(super) async fn told(
    State(door): State<Arc<Door>>,
    period: Result<Query<Period>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::StatementsList)?;
    let period = query(period)?;
    let list = match period.list.as_str() {
        "paid-not-told" => List::PaidNotTold,
        "told-not-paid" => List::ToldNotPaid,
        _ => {
            let (vi, en) = ("Danh sách là paid-not-told hoặc told-not-paid.", "A list is paid-not-told or told-not-paid.");
            return Err(Problem::request("/list", vi, en));
        }
    };
    let from = date(&period.day)?;
    let to = period.to.as_deref().map(date).transpose()?.unwrap_or(from);
    let limit = Page { after: 0, limit: period.limit }.limit();
    let found = door.settlement.list(list, from, to, limit).await?;
    Ok(Json(json!({ "list": period.list, "payments": found.iter().map(payment).collect::<Vec<_>>() })))
}

// === small words ===

async fn known(door: &Door, id: &str) -> Result<StatementView, Problem> {
    let none = || {
        Problem::from(Refusal::new(
            "statement-unknown",
            404,
            "Không có lần đối soát với số này.",
            "There is no statement with this number.",
        ))
    };
    let number = id.parse().map_err(|_| none())?;
    door.journal.statement(number).await?.ok_or_else(none)
}

/// A statement whose lines are here.
async fn whole(door: &Door, id: &str) -> Result<StatementView, Problem> {
    let found = known(door, id).await?;
    found.lines_gone.map_or(Ok(found), |at| Err(retention::lines_gone(at)))
}

fn date(text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| Problem::request("/day", "Ngày có dạng 2026-06-09.", "A day has the form 2026-06-09."))
}

fn class(word: &str) -> Result<Class, Problem> {
    Class::of_word(word).ok_or_else(|| {
        let all: Vec<&str> = Class::ALL.iter().map(|(_, w)| *w).collect();
        let all = all.join(", ");
        Problem::request("/class", &format!("Kết quả là một trong: {all}."), &format!("A class is one of: {all}."))
    })
}

fn view(s: &StatementView) -> Value {
    json!({
        "statement": s.statement,
        "partner": s.told.partner,
        "day": s.told.day,
        "digest": s.told.digest,
        "at": s.told.at.rfc3339(),
        "who": s.told.who,
        "replaced": s.replaced,
        "lines_gone": s.lines_gone.map(Time::rfc3339),
        "told": s.told.data,
    })
}

fn line(n: Option<u64>, l: &StatementLine) -> Value {
    json!({
        "n": n,
        "class": l.class.word(),
        "movement": l.way.word(),
        "transaction": l.transaction,
        "dossier": l.dossier,
        "theirs": l.theirs,
        "ours": l.ours,
        "line": l.more.line,
        "status": l.more.status,
        "code": l.more.code,
        "fee": l.more.fee,
        "at": l.more.at.map(Time::rfc3339),
        "transfer": l.more.settlement,
        "nth": l.more.nth,
        "state": l.more.state,
        "differences": l.more.differences,
    })
}

fn payment(t: &Told) -> Value {
    json!({
        "transaction": t.transaction,
        "dossier": t.dossier,
        "amount": t.amount,
        "at": t.at.rfc3339(),
        "partner": t.partner,
        "delivery": t.delivery,
        "state": t.state,
    })
}

/// Pieces of a sheet, as they are read.
struct Pieces {
    pieces: mpsc::Receiver<Result<Bytes, io::Error>>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// Reads a statement's lines and hands them on as CSV; ends early when nobody takes them, breaks off when they cannot be read.
async fn write(door: Arc<Door>, statement: u64, bom: bool, to: mpsc::Sender<Result<Bytes, io::Error>>) {
    let (mut after, mut begin) = (0, Begin::Head { bom });
    loop {
        let page = door.journal.statement_lines(statement, None, after, PAGE).await;
        let (piece, last) = match page {
            Ok(page) => (sheet(begin, page.iter().map(|(_, l)| l)).map_err(io::Error::other), page.last().map(|(n, _)| *n)),
            Err(error) => (Err(io::Error::other(error.to_string())), None),
        };
        let bad = piece.is_err();
        if to.send(piece.map(Bytes::from)).await.is_err() || bad {
            return;
        }
        let Some(last) = last else { return };
        (after, begin) = (last, Begin::Amid);
    }
}

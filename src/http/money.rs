//! `/v1` on money: receipts for the portal, and for operators what a dossier owes, refunds, movements, the books.
//!
//! A receipt holds the payer's name: it is shown to the portal whose dossier it is, and to operators. Everything else here holds public facts
//! only. Sums are whole VND, digits only, as a number or a text; anything else is refused with the reason.

use super::Door;
use super::operate::reason;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::{self, Asked, Page, query, seen};
use crate::exchange::{Figure, RefundStep, Refusal};
use crate::journal::{Accounts, RefundFilter};
use crate::model::{Payment, Receipt, Refund, RefundState, Vnd, VndError};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// A figure for a fee: by its word, or a sum.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    figure: Option<String>,
    amount: Option<Value>,
    reason: String,
}

/// A refund to be made; without a sum all that is left.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    transaction: String,
    amount: Option<Value>,
    reason: String,
}

/// What became of a refund.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Became {
    reference: Option<String>,
    reason: Option<String>,
}

/// Which refunds to list.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    dossier: Option<String>,
    state: Option<RefundState>,
    limit: Option<u32>,
}

/// Which movements to list.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moved {
    transaction: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<u32>,
}

// === of a dossier ===

pub(super) async fn receipt(
    State(door): State<Arc<Door>>,
    Path(code): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    let caller = door.admit(&headers, &extensions, Operation::ReceiptShow)?;
    seen(&door, &caller, &code).await?;
    let receipts = door.journal.receipts(&code).await?;
    if receipts.is_empty() {
        return Err(Refusal::new(
            "receipt-none",
            404,
            "Hồ sơ này chưa có khoản phí, lệ phí nào được nộp nên chưa có biên lai.",
            "No fee of this dossier was paid yet, so there is no receipt.",
        )
        .into());
    }
    Ok(Json(json!({ "code": code, "receipts": receipts.iter().map(receipt_view).collect::<Vec<_>>() })))
}

pub(super) async fn decide_fee(
    State(door): State<Arc<Door>>,
    Path(code): Path<String>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::FeeDecide)?.name.clone();
    let said: Decided = v1::body(&door, &asked.headers, asked.body).await?;
    let figure = match (said.figure.as_deref(), &said.amount) {
        (None | Some("amount"), Some(amount)) => Figure::Amount(sum(amount)?),
        (Some(word), None) => Figure::of_word(word).ok_or_else(no_figure)?,
        _ => return Err(no_figure()),
    };
    let snapshot = door.intake.decide_fee(&code, figure, &reason(said.reason)?, &who).await?;
    Ok(Json(v1::show(&snapshot)))
}

// === refunds ===

pub(super) async fn refunds(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::RefundsList)?;
    let wanted = query(wanted)?;
    let limit = Page { after: 0, limit: wanted.limit }.limit();
    let list = door.journal.refunds(RefundFilter { dossier: wanted.dossier, state: wanted.state, limit }).await?;
    Ok(Json(json!({ "refunds": list.iter().map(refund_view).collect::<Vec<_>>() })))
}

pub(super) async fn refund(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::RefundsList)?;
    let found = door.journal.refund(&id).await?.ok_or_else(Refusal::no_refund)?;
    Ok(Json(refund_view(&found)))
}

pub(super) async fn request(State(door): State<Arc<Door>>, asked: Asked) -> Result<(StatusCode, Json<Value>), Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::RefundRequest)?.name.clone();
    let said: Wish = v1::body(&door, &asked.headers, asked.body).await?;
    let amount = said.amount.as_ref().map(sum).transpose()?;
    let refund = door.intake.refund(&said.transaction, amount, &reason(said.reason)?, &who).await?;
    Ok((StatusCode::CREATED, Json(refund_view(&refund))))
}

pub(super) async fn step(
    State(door): State<Arc<Door>>,
    Path((id, word)): Path<(String, String)>,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::RefundSettle)?.name.clone();
    let to = match word.as_str() {
        "sent" => RefundState::Sent,
        "done" => RefundState::Done,
        "refuse" => RefundState::Refused,
        "unknown" => RefundState::Unknown,
        _ => return Err(Problem::not_found()),
    };
    let said: Became = v1::body(&door, &asked.headers, asked.body).await?;
    let step =
        RefundStep { to, reference: said.reference.map(reference).transpose()?, reason: said.reason.map(reason).transpose()? };
    match to {
        RefundState::Done if step.reference.is_none() => {
            let text = "Cần số tham chiếu của ngân hàng hoặc nền tảng.";
            return Err(Problem::request("/reference", text, "The bank's or the platform's reference is needed."));
        }
        RefundState::Refused | RefundState::Unknown if step.reason.is_none() => {
            return Err(Problem::request(
                "/reason",
                "Cần nêu lý do, từ 1 đến 500 ký tự.",
                "A reason of 1 to 500 characters is needed.",
            ));
        }
        _ => {}
    }
    let refund = door.intake.refund_step(&id, &step, &who).await?;
    Ok(Json(refund_view(&refund)))
}

// === the books ===

pub(super) async fn movements(
    State(door): State<Arc<Door>>,
    wanted: Result<Query<Moved>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::AccountsShow)?;
    let wanted = query(wanted)?;
    let limit = Page { after: 0, limit: wanted.limit }.limit();
    let list = door.journal.movements(wanted.after, limit, wanted.transaction.as_deref()).await?;
    let last = list.last().map_or(wanted.after, |m| m.movement);
    let shown: Vec<Value> = list
        .iter()
        .map(|m| {
            json!({
                "movement": m.movement, "transaction": m.transaction, "dossier": m.dossier, "debit": m.debit, "credit": m.credit,
                "amount": m.amount, "kind": m.kind, "at": m.at.rfc3339(), "refund": m.refund,
            })
        })
        .collect();
    Ok(Json(json!({ "movements": shown, "last": last })))
}

pub(super) async fn accounts(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::AccountsShow)?;
    Ok(Json(accounts_view(&door.journal.accounts().await?)))
}

// === small words ===

fn accounts_view(books: &Accounts) -> Value {
    let faults: Vec<Value> =
        books.faults.iter().map(|f| json!({ "what": f.what, "transaction": f.transaction, "text": f.text })).collect();
    let balances: Vec<Value> =
        books.balances.iter().map(|b| json!({ "account": b.account, "debit": b.debit, "credit": b.credit })).collect();
    json!({
        "in_order": books.faults_found == 0,
        "movements": books.movements,
        "payments": books.payments,
        "paid_in": books.paid_in,
        "held": i64::try_from(books.held).unwrap_or(i64::MAX),
        "refunded": books.refunded,
        "balances": balances,
        "faults_found": books.faults_found,
        "faults": faults,
    })
}

/// A payment as `/v1` shows it: public facts.
pub(super) fn payment_view(p: &Payment) -> Value {
    json!({
        "transaction": p.transaction, "amount": p.amount, "state": p.word(), "requested_at": p.requested_at.rfc3339(),
        "expires_at": p.expires_at.rfc3339(), "paid_at": p.paid_at.map(|t| t.rfc3339()), "platform_transaction": p.platform_transaction,
        "reserved": p.reserved, "refunded": p.refunded,
    })
}

fn refund_view(r: &Refund) -> Value {
    json!({
        "refund": r.id, "transaction": r.transaction, "dossier": r.dossier, "amount": r.amount, "from": r.from, "state": r.state,
        "by": r.by, "reason": r.reason, "at": r.at.rfc3339(), "reference": r.reference, "changed_at": r.changed_at.rfc3339(), "by_platform": r.by_platform,
    })
}

fn receipt_view(r: &Receipt) -> Value {
    let items: Vec<Value> = r.terms.items.iter().map(|i| json!({ "text": i.text, "amount": i.amount })).collect();
    json!({
        "number": format!("{:07}", r.number),
        "payer": r.payer,
        "amount": r.amount,
        "amount_in_words": r.words,
        "transaction": r.transaction,
        "platform_transaction": r.platform_transaction,
        "paid_at": r.at.rfc3339(),
        "procedure": { "code": r.procedure, "name": r.terms.procedure },
        "agency": { "code": r.agency, "name": r.terms.agency },
        "fee": { "code": r.terms.code, "name": r.terms.name, "items": items },
        "beneficiary": r.terms.beneficiary,
    })
}

/// A sum: whole VND, digits only, as a number or a text.
fn sum(value: &Value) -> Result<Vnd, Problem> {
    let read = match value {
        Value::Number(n) => n.as_u64().ok_or(VndError::Form).and_then(Vnd::new),
        Value::String(text) => Vnd::parse(text),
        _ => Err(VndError::Form),
    };
    read.map_err(|e| {
        let text = match e {
            VndError::Form => {
                "Số tiền là số nguyên đồng, chỉ gồm chữ số (không dấu, không phân cách, không khoảng trắng, không thập phân)."
            }
            VndError::TooLarge => "Số tiền quá lớn.",
        };
        Problem::request("/amount", text, &e.to_string())
    })
}

fn reference(text: String) -> Result<String, Problem> {
    let text = text.trim().to_owned();
    if (1..=100).contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(Problem::request("/reference", "Số tham chiếu có từ 1 đến 100 ký tự.", "A reference has 1 to 100 characters."))
}

fn no_figure() -> Problem {
    Problem::request(
        "/figure",
        "Chọn một: figure là ministry, catalogue hoặc none; hoặc nêu amount.",
        "Name one: figure ministry, catalogue or none; or an amount.",
    )
}

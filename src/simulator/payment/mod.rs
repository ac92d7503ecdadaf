//! The national payment platform (KeyPay protocol 3.0): takes transactions, lets an invented citizen pay, notifies the
//! gateway until it says `return_code` 0 (and once more, deliberately), answers queries.
//!
//! Always holds: nothing is created whose seal is wrong or whose id was there before; a transaction that is paid stays paid.

mod check;
mod notice;
mod statement;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::book::{Book, Ident};
use super::server::Noted;
use super::weather::Weather;
use super::{Failure, Ground, Options, Running};

pub use notice::Wrong;
pub use statement::Plant;

/// One transaction of the platform.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Transaction {
    /// The merchant's id of it.
    pub transaction_id: String,
    /// The platform's own.
    pub transaction_code: String,
    /// The dossier it pays for.
    pub dossier: String,
    /// Whole VND.
    pub amount: u64,
    /// `pending`, `paid` or `failed`.
    pub state: &'static str,
    /// When it was paid: milliseconds since the Unix epoch.
    pub paid_at_ms: Option<i64>,
    /// Notices sent so far.
    pub notices: u32,
    /// The gateway said `return_code` 0.
    pub acknowledged: bool,
    /// The request as it came; never shown.
    #[serde(skip)]
    request: Map<String, Value>,
}

/// The platform's state and hooks; start it with [`Payment::start`].
pub struct Payment {
    client_id: String,
    key_1: String,
    key_2: String,
    gateway: String,
    pace: std::time::Duration,
    client: reqwest::Client,
    base: String,
    book: Arc<Book>,
    weather: Arc<Weather>,
    transactions: Mutex<BTreeMap<String, Transaction>>,
    stop: tokio::sync::watch::Receiver<bool>,
}

// === impl Payment ===

impl Payment {
    /// Starts the platform. Defaults: merchant `HN-GDDT`, keys `khoa-mot-thu-nghiem` and `khoa-hai-thu-nghiem`, `/keypay` at the gateway.
    pub async fn start(options: Options) -> Result<Running<Self>, Failure> {
        let ground = Ground::lay(&options).await?;
        let gateway = options.gateway_base("keypay");
        let given = options.credentials;
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        let role = Arc::new(Self {
            client_id: or(given.username, "HN-GDDT"),
            key_1: or(given.key_1, "khoa-mot-thu-nghiem"),
            key_2: or(given.key_2, "khoa-hai-thu-nghiem"),
            gateway,
            pace: std::time::Duration::from_millis(options.pace),
            client: ground.client.clone(),
            base: format!("http://{}", ground.addr),
            book: Arc::clone(&ground.book),
            weather: Arc::clone(&ground.weather),
            transactions: Mutex::default(),
            stop: ground.stop.subscribe(),
        });
        let router = Router::new()
            .route("/giao-dich", post(create))
            .route("/tra-cuu", post(query))
            .route("/thanh-toan/{id}", get(page))
            .route("/_pay/{id}", post(pay))
            .route("/_notice/{id}", post(wrong_notice))
            .route("/_bill/{code}", post(bill))
            .route("/_statement", get(statement))
            .with_state(Arc::clone(&role));
        let seen = Arc::clone(&role);
        let state = Box::new(move || json!({ "transactions": seen.transactions() }));
        Ok(ground.serve(role, "payment", identify, router, state))
    }

    /// All transactions, by id.
    #[must_use]
    pub fn transactions(&self) -> Vec<Transaction> {
        self.lock().values().cloned().collect()
    }

    /// The transactions of one dossier.
    #[must_use]
    pub fn of_dossier(&self, code: &str) -> Vec<Transaction> {
        self.lock().values().filter(|t| t.dossier == code).cloned().collect()
    }

    /// Asks the gateway what a dossier owes (tra cứu thanh toán hồ sơ).
    pub async fn ask_bill(&self, code: &str) -> Result<Value, Failure> {
        let answer = self.client.post(format!("{}/tra-cuu-ho-so", self.gateway)).header("content-type", "application/json");
        let answer = answer.body(json!({ "MaHoSo": code }).to_string()).send().await?;
        let (status, body) = (answer.status().as_u16(), answer.text().await?);
        self.book.sent("bill", None, Some(code), status == 200, status.to_string());
        serde_json::from_str(&body).map_err(|_| Failure::Answer { status, body })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Transaction>> {
        self.transactions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one transaction; `None` when there is none of this id.
    fn with<T>(&self, id: &str, change: impl FnOnce(&mut Transaction) -> T) -> Option<T> {
        self.lock().get_mut(id).map(change)
    }

    fn enter(&self, request: Map<String, Value>) -> Result<String, &'static str> {
        let id = check::text(&request, "transaction_id");
        let mut all = self.lock();
        if all.contains_key(&id) {
            return Err("transaction_id was used before");
        }
        let bill = request.get("bill_info").and_then(Value::as_object).cloned().unwrap_or_default();
        let transaction = Transaction {
            transaction_code: format!("VND{:010}", all.len() + 1),
            dossier: check::text(&bill, "MaHoSo"),
            amount: check::money(&request, "trans_amount").unwrap_or_default(),
            state: "pending",
            paid_at_ms: None,
            notices: 0,
            acknowledged: false,
            transaction_id: id.clone(),
            request,
        };
        all.insert(id.clone(), transaction);
        Ok(format!("{}/thanh-toan/{id}", self.base))
    }

    /// The reply to a query, sealed by key 2 over all its other fields in the order of their names.
    fn standing(&self, id: &str) -> Value {
        let mut reply = Map::new();
        reply.insert("error".into(), "0".into());
        reply.insert("transaction_id".into(), id.into());
        let found = self.lock().get(id).cloned();
        let status = match found.as_ref().map(|t| t.state) {
            Some("paid") => 0,
            Some("pending") => 1,
            Some(_) => 2,
            None => 3,
        };
        reply.insert("status".into(), status.into());
        if let Some(t) = found {
            reply.insert("trans_amount".into(), t.request.get("trans_amount").cloned().unwrap_or_default());
            reply.insert("transaction_code".into(), t.transaction_code.into());
        }
        let mut names: Vec<&str> = reply.keys().map(String::as_str).collect();
        names.sort_unstable();
        let sum = check::sum(&self.key_2, &reply, &names);
        reply.insert("check_sum".into(), sum.into());
        reply.into()
    }
}

impl std::fmt::Debug for Payment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payment").field("transactions", &self.lock().len()).finish_non_exhaustive()
    }
}

// === routes ===

fn identify(parts: &Parts, body: &[u8]) -> Ident {
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let bill = body.get("bill_info").and_then(Value::as_object);
    let full = |s: String| if s.is_empty() { None } else { Some(s) };
    let operation = match parts.uri.path() {
        "/giao-dich" => "create",
        "/tra-cuu" => "query",
        path => path.trim_matches('/').split('/').next().unwrap_or(path),
    };
    Ident {
        operation: operation.to_owned(),
        id: full(check::text(&body, "transaction_id")),
        dossier: bill.and_then(|b| full(check::text(b, "MaHoSo"))),
        counted: operation == "create",
    }
}

fn noted(processed: bool, violations: Vec<String>, word: &str, body: Value) -> Response {
    let mut answer = Json(body).into_response();
    answer.extensions_mut().insert(Noted { processed, violations, word: word.to_owned() });
    answer
}

fn refused(code: &str, why: Vec<String>) -> Response {
    let msg = why.join("; ");
    noted(false, why, code, json!({ "error": code, "msg": msg }))
}

/// Error words of our own: 1 not JSON, 2 wrong seal, 3 a field, 4 the id was used before.
async fn create(State(platform): State<Arc<Payment>>, body: bytes::Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return refused("1", vec!["body is not a JSON object".to_owned()]);
    };
    if !check::sealed(&platform.key_1, &request, &check::SEALED) {
        return refused("2", vec!["check_sum is wrong".to_owned()]);
    }
    let faults = check::create(&platform.client_id, &request);
    if !faults.is_empty() {
        return refused("3", faults);
    }
    match platform.enter(request) {
        Ok(url) => noted(true, vec![], "0", json!({ "error": "0", "msg": "Thành công", "payment_url": url })),
        Err(why) => refused("4", vec![why.to_owned()]),
    }
}

async fn query(State(platform): State<Arc<Payment>>, body: bytes::Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return refused("1", vec!["body is not a JSON object".to_owned()]);
    };
    if !check::sealed(&platform.key_1, &request, &check::SEALED_QUERY) {
        return refused("2", vec!["check_sum is wrong".to_owned()]);
    }
    if check::text(&request, "client_id") != platform.client_id {
        return refused("3", vec!["client_id is not ours".to_owned()]);
    }
    noted(true, vec![], "0", platform.standing(&check::text(&request, "transaction_id")))
}

async fn page(State(platform): State<Arc<Payment>>, Path(id): Path<String>) -> Response {
    match platform.with(&id, |t| t.amount) {
        Some(amount) => format!("Thanh toán {amount} đồng: POST /_pay/{id}\n").into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What the test's hand says to a payment.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Hand {
    result: String,
    wrong: Option<Wrong>,
}

impl Default for Hand {
    fn default() -> Self {
        Self { result: "paid".to_owned(), wrong: None }
    }
}

fn hand(body: &[u8]) -> Option<Hand> {
    if body.is_empty() { Some(Hand::default()) } else { serde_json::from_slice(body).ok() }
}

/// `POST /_pay/{id}` `{"result": "paid" | "failed"}`: the citizen pays, or fails to.
async fn pay(State(platform): State<Arc<Payment>>, Path(id): Path<String>, body: bytes::Bytes) -> Response {
    match hand(&body) {
        Some(Hand { result, .. }) if result == "paid" || result == "failed" => {
            let known = if result == "paid" { platform.pay(&id) } else { platform.fail(&id) };
            if known { StatusCode::ACCEPTED } else { StatusCode::NOT_FOUND }.into_response()
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// `POST /_notice/{id}` `{"wrong": "check-sum" | "amount" | "client" | "nothing"}`: one notice by hand; the gateway's answer.
async fn wrong_notice(State(platform): State<Arc<Payment>>, Path(id): Path<String>, body: bytes::Bytes) -> Response {
    let Some(Hand { wrong: Some(wrong), .. }) = hand(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    match platform.notify_once(&id, wrong).await {
        Ok(answer) => Json(answer).into_response(),
        Err(why) => (StatusCode::BAD_GATEWAY, why.to_string()).into_response(),
    }
}

/// `POST /_bill/{code}`: asks the gateway what the dossier owes.
async fn bill(State(platform): State<Arc<Payment>>, Path(code): Path<String>) -> Response {
    match platform.ask_bill(&code).await {
        Ok(answer) => Json(answer).into_response(),
        Err(why) => (StatusCode::BAD_GATEWAY, why.to_string()).into_response(),
    }
}

/// Of which day, with which differences.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    day: Option<String>,
    plant: Option<String>,
}

/// `GET /_statement?day=2026-06-09&plant=missing,amount`: the day's statement.
async fn statement(State(platform): State<Arc<Payment>>, Query(stated): Query<Stated>) -> Response {
    let words = stated.plant.as_deref().unwrap_or_default().split(',').filter(|w| !w.is_empty());
    let Some(plants) = words.map(Plant::of_word).collect::<Option<Vec<_>>>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    ([("content-type", "text/csv; charset=utf-8")], platform.statement(stated.day.as_deref(), &plants)).into_response()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

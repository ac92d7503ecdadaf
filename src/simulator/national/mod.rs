//! The national public service portal: signs in with a session, tells whether it has a dossier, takes dossiers whole and steps of work, all at
//! one address with the service's name in the body.
//!
//! Always holds: nothing is taken without a session that it gave; what breaks the contract changes nothing and stands in the book; `isUpdating`
//! must say what is true of each dossier. Which form of success it answers (0, "0" or "00": all are real) follows from the seed.

mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::book::Ident;
use super::server::Noted;
use super::{Failure, Ground, Options, Running};

/// Answers of our own making besides success.
const REFUSED: i64 = -1;
const NO_SESSION: i64 = -2;

/// The portal's state; start it with [`National::start`].
pub struct National {
    username: String,
    password: String,
    success: Value,
    kept: Mutex<Kept>,
}

/// What it keeps.
#[derive(Debug, Default)]
struct Kept {
    sessions: BTreeSet<String>,
    given: u32,
    /// The newest of each dossier, and how often it was told.
    dossiers: BTreeMap<String, (u32, Map<String, Value>)>,
    steps: Vec<Map<String, Value>>,
}

/// A call's answer: whether it took effect, what broke the contract, the error code and what stands beside it.
struct Answer {
    processed: bool,
    violations: Vec<String>,
    code: Value,
    beside: Map<String, Value>,
}

// === impl National ===

impl National {
    /// Starts the portal. Defaults: account `tai-khoan-thu-nghiem`, password `mat-khau-thu-nghiem`.
    pub async fn start(options: Options) -> Result<Running<Self>, Failure> {
        let ground = Ground::lay(&options).await?;
        let given = options.credentials;
        let role = Arc::new(Self {
            username: given.username.unwrap_or_else(|| "tai-khoan-thu-nghiem".to_owned()),
            password: given.password.unwrap_or_else(|| "mat-khau-thu-nghiem".to_owned()),
            success: match options.seed % 3 {
                0 => json!("0"),
                1 => json!(0),
                _ => json!("00"),
            },
            kept: Mutex::default(),
        });
        let router = Router::new()
            .route("/xac-thuc", post(sign_in))
            .route("/tich-hop", post(call))
            .route("/_expire", post(expire))
            .with_state(Arc::clone(&role));
        let seen = Arc::clone(&role);
        let state = Box::new(move || json!({ "dossiers": seen.dossiers(), "steps": seen.lock().steps.len() }));
        Ok(ground.serve(role, "national", identify, router, state))
    }

    /// The newest of every dossier, as it was told.
    #[must_use]
    pub fn dossiers(&self) -> Vec<Map<String, Value>> {
        self.lock().dossiers.values().map(|(_, dossier)| dossier.clone()).collect()
    }

    /// The newest of one dossier and how often it was told.
    #[must_use]
    pub fn dossier(&self, code: &str) -> Option<(u32, Map<String, Value>)> {
        self.lock().dossiers.get(code).cloned()
    }

    /// Ends all sessions.
    pub fn expire(&self) {
        self.lock().sessions.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> Answer {
        Answer { processed: true, violations: Vec::new(), code: self.success.clone(), beside: Map::new() }
    }

    fn asked(&self, body: &Map<String, Value>) -> Answer {
        let code = check::text(body, "MaHoSo");
        if code.is_empty() {
            return Answer::refused(vec!["MaHoSo is missing".to_owned()]);
        }
        let found: Vec<Value> = self.lock().dossiers.get(code).map(|_| json!({ "MaHoSo": code })).into_iter().collect();
        Answer { beside: Map::from_iter([("data".to_owned(), found.into())]), ..self.done() }
    }

    fn taken(&self, body: &Map<String, Value>) -> Answer {
        let (rows, mut faults) = rows(body);
        let mut kept = self.lock();
        let updating = match check::text(body, "isUpdating") {
            "True" => Some(true),
            "False" => Some(false),
            _ => {
                faults.push("isUpdating is neither True nor False".to_owned());
                None
            }
        };
        for row in &rows {
            faults.extend(check::dossier(row));
            let known = kept.dossiers.contains_key(check::text(row, "MaHoSo"));
            if updating.is_some_and(|updating| updating != known) {
                faults.push(format!("isUpdating is wrong: the dossier is {}", if known { "known" } else { "new" }));
            }
        }
        if !faults.is_empty() {
            return Answer::refused(faults);
        }
        for row in rows {
            let entry = kept.dossiers.entry(check::text(&row, "MaHoSo").to_owned()).or_default();
            *entry = (entry.0 + 1, row);
        }
        self.done()
    }

    fn stepped(&self, body: &Map<String, Value>) -> Answer {
        let (rows, mut faults) = rows(body);
        let mut kept = self.lock();
        for row in &rows {
            faults.extend(check::step(row));
            if !kept.dossiers.contains_key(check::text(row, "MaHoSo")) {
                faults.push("MaHoSo is not known here".to_owned());
            }
        }
        if !faults.is_empty() {
            return Answer::refused(faults);
        }
        kept.steps.extend(rows);
        self.done()
    }
}

impl std::fmt::Debug for National {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("National").field("dossiers", &self.lock().dossiers.len()).finish_non_exhaustive()
    }
}

// === impl Answer ===

impl Answer {
    fn refused(violations: Vec<String>) -> Self {
        Self { processed: false, violations, code: REFUSED.into(), beside: Map::new() }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut body = self.beside;
        let word = self.code.as_str().map_or_else(|| self.code.to_string(), str::to_owned);
        body.insert("error_code".to_owned(), self.code);
        let mut answer = Json(Value::Object(body)).into_response();
        answer.extensions_mut().insert(Noted { processed: self.processed, violations: self.violations, word });
        answer
    }
}

// === routes ===

fn identify(parts: &Parts, body: &[u8]) -> Ident {
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let first = body.get("data").and_then(|d| d.get(0)).and_then(Value::as_object);
    let operation = match (parts.uri.path(), check::text(&body, "service")) {
        ("/tich-hop", service) if !service.is_empty() => service.to_owned(),
        (path, _) => path.trim_matches('/').to_owned(),
    };
    let code = first.map_or_else(|| check::text(&body, "MaHoSo"), |row| check::text(row, "MaHoSo"));
    let dossier = Some(code.to_owned()).filter(|code| !code.is_empty());
    Ident { counted: operation == "DongBoHoSoMC", operation, id: None, dossier }
}

/// The rows of `data`, and what is wrong with it as a list.
fn rows(body: &Map<String, Value>) -> (Vec<Map<String, Value>>, Vec<String>) {
    let data = body.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<_> = data.iter().filter_map(|row| row.as_object().cloned()).collect();
    let faults = if data.is_empty() || rows.len() != data.len() { vec!["data is no list of objects".to_owned()] } else { vec![] };
    (rows, faults)
}

fn destined(headers: &HeaderMap) -> bool {
    headers.get("dstcode").is_some_and(|code| !code.is_empty())
}

async fn sign_in(State(portal): State<Arc<National>>, headers: HeaderMap, body: bytes::Bytes) -> Answer {
    let body: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    if !destined(&headers) {
        return Answer::refused(vec!["the header dstcode is missing".to_owned()]);
    }
    if check::text(&body, "username") != portal.username || check::text(&body, "password") != portal.password {
        return Answer::refused(Vec::new());
    }
    let mut kept = portal.lock();
    kept.given += 1;
    let session = format!("phien-{:04}", kept.given);
    kept.sessions.insert(session.clone());
    Answer { beside: Map::from_iter([("session".to_owned(), session.into())]), ..portal.done() }
}

async fn call(State(portal): State<Arc<National>>, headers: HeaderMap, body: bytes::Bytes) -> Answer {
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return Answer::refused(vec!["body is not a JSON object".to_owned()]);
    };
    let mut faults = Vec::new();
    if !destined(&headers) {
        faults.push("the header dstcode is missing".to_owned());
    }
    if !headers.get("charset").is_some_and(|charset| charset.as_bytes().eq_ignore_ascii_case(b"utf-8")) {
        faults.push("the header Charset is not utf-8".to_owned());
    }
    if check::text(&body, "madonvi").is_empty() {
        faults.push("madonvi is missing".to_owned());
    }
    if !faults.is_empty() {
        return Answer::refused(faults);
    }
    if !portal.lock().sessions.contains(check::text(&body, "session")) {
        return Answer { code: NO_SESSION.into(), ..Answer::refused(Vec::new()) };
    }
    match check::text(&body, "service") {
        "TraCuuHoSo" => portal.asked(&body),
        "DongBoHoSoMC" => portal.taken(&body),
        "CapNhatTienDoHoSoMC" => portal.stepped(&body),
        _ => Answer::refused(vec!["service is not known".to_owned()]),
    }
}

/// `POST /_expire`: all sessions end.
async fn expire(State(portal): State<Arc<National>>) -> StatusCode {
    portal.expire();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

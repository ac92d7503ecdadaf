//! The city's portal: its backend that files dossiers at the gateway, and the callbacks where the gateway tells it how they
//! fare.
//!
//! Always holds: a callback takes effect only with a valid token and a valid Standard Webhooks signature, once for each
//! `webhook-id`; a dossier's book shows what a citizen would see. Breaches of order are violations, noted and answered 200,
//! so that a test sees them all.

mod application;
mod callback;
mod client;
mod forms;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::watch;

use super::book::Book;
use super::{Failure, Ground, Options, Running};

pub use application::{Application, Edition, Paper, Service, Stored};
pub use client::{Link, Reply};

/// The agency whose dossiers this portal takes.
pub const AGENCY: &str = "000.00.15.H26";

/// A status as the gateway told it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Told {
    /// The dossier's sequence number (SoThuTu).
    pub sequence: u64,
    /// The national status code.
    pub status: u8,
    /// The `webhook-id` it came under.
    pub message: String,
}

/// A step of progress as the gateway told it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Step {
    /// The dossier's sequence number.
    pub sequence: u64,
    /// The national status code.
    pub status: u8,
    /// When it happened, `yyyyMMddHHmmss`.
    pub at: String,
    /// What is said about it.
    pub text: String,
    /// The `webhook-id` it came under.
    pub message: String,
}

/// The fee as the gateway told it last.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FeeState {
    /// Whether it is paid.
    pub paid: bool,
    /// Whole VND.
    pub amount: u64,
    /// The payment's transaction.
    pub transaction: Option<String>,
}

/// A document of the result.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Fetched {
    /// The gateway's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its digest, as told.
    pub digest: String,
    /// It was fetched and has this digest.
    pub fetched: bool,
}

/// A dossier as the portal knows it.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Filed {
    /// Its code.
    pub code: String,
    /// Its procedure; empty when the gateway tells of a dossier that was not filed by this portal.
    pub procedure: String,
    /// The gateway's receipt for the submission (MaTiepNhan).
    pub reference: Option<String>,
    /// The submission was acknowledged with a 2xx.
    pub acknowledged: bool,
    /// The last status, by sequence; 1 until one is told.
    pub status: u8,
    /// The highest sequence number told.
    pub sequence: u64,
    /// Every status, in the order of arrival.
    pub statuses: Vec<Told>,
    /// Every step of progress, in the order of arrival.
    pub progress: Vec<Step>,
    /// The fee.
    pub fee: Option<FeeState>,
    /// The result's documents.
    pub documents: Vec<Fetched>,
    /// Supplements sent.
    pub supplements: u32,
    /// The payment link the gateway gave last, with its transaction.
    pub link: Option<Link>,
}

/// The portal's state and hooks; start it with [`Portal::start`].
pub struct Portal {
    /// Client id and secret the gateway signs in with.
    callback: (String, String),
    /// Client id and secret we sign in with at the gateway.
    own: (String, String),
    webhook: String,
    gateway: String,
    /// Where a document of a result is fetched: `{id}` is its id.
    files: String,
    client: reqwest::Client,
    book: Arc<Book>,
    seed: u64,
    token: Mutex<Option<String>>,
    issued: Mutex<BTreeSet<String>>,
    bodies: Mutex<BTreeMap<String, String>>,
    dossiers: Mutex<BTreeMap<String, Filed>>,
    changed: watch::Sender<u64>,
}

// === impl Portal ===

impl Portal {
    /// Starts the portal. Defaults: the gateway signs in as `lien-thong-thu-nghiem` / `bi-mat-thu-nghiem`, we at the gateway
    /// (`/hanoi`) as `cong-dvc-thu-nghiem` / `vi-du-cong`, webhook key `whsec_a2hvYS13ZWJob29rLXRodS1uZ2hpZW0tMzItYnl0ZQ==`.
    pub async fn start(options: Options) -> Result<Running<Self>, Failure> {
        let ground = Ground::lay(&options).await?;
        let gateway = options.gateway_base("hanoi");
        let files = format!("{}/v1/files/{{id}}", options.gateway.trim_end_matches('/'));
        let given = options.credentials;
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        let role = Arc::new(Self {
            callback: (or(given.username, "lien-thong-thu-nghiem"), or(given.password, "bi-mat-thu-nghiem")),
            own: (or(given.gateway_username, "cong-dvc-thu-nghiem"), or(given.gateway_password, "vi-du-cong")),
            webhook: or(given.webhook, "whsec_a2hvYS13ZWJob29rLXRodS1uZ2hpZW0tMzItYnl0ZQ=="),
            gateway,
            files,
            client: ground.client.clone(),
            book: Arc::clone(&ground.book),
            seed: options.seed,
            token: Mutex::default(),
            issued: Mutex::default(),
            bodies: Mutex::default(),
            dossiers: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let router = Router::new()
            .route("/token", post(callback::token))
            .route("/tien-trinh", post(callback::progress))
            .route("/trang-thai", post(callback::status))
            .route("/thanh-toan", post(callback::fee))
            .route("/_apply", post(apply))
            .route("/_supplement/{code}", post(supplement))
            .route("/_withdraw/{code}", post(withdraw))
            .route("/_pay/{code}", post(pay))
            .route("/_dossier/{code}", get(show))
            .with_state(Arc::clone(&role));
        let seen = Arc::clone(&role);
        let state = Box::new(move || json!({ "dossiers": seen.dossiers() }));
        Ok(ground.serve(role, "portal", callback::identify, router, state))
    }

    /// All dossiers, by code.
    #[must_use]
    pub fn dossiers(&self) -> Vec<Filed> {
        lock(&self.dossiers).values().cloned().collect()
    }

    /// One dossier.
    #[must_use]
    pub fn dossier(&self, code: &str) -> Option<Filed> {
        lock(&self.dossiers).get(code).cloned()
    }

    /// Waits until a dossier fits; never returns when it never does: put a time-out around it.
    pub async fn wait_for(&self, code: &str, fits: impl Fn(&Filed) -> bool) {
        let mut changed = self.changed.subscribe();
        while !lock(&self.dossiers).get(code).is_some_and(&fits) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Refuses every token issued to the gateway so far: its next call gets 401.
    pub fn revoke_tokens(&self) {
        lock(&self.issued).clear();
    }

    /// Changes a dossier (a new one when the gateway tells of one we do not know) and tells who waits.
    fn with<T>(&self, code: &str, change: impl FnOnce(&mut Filed) -> T) -> T {
        let out = {
            let mut all = lock(&self.dossiers);
            let filed =
                all.entry(code.to_owned()).or_insert_with(|| Filed { code: code.to_owned(), status: 1, ..Filed::default() });
            change(filed)
        };
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
        out
    }
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portal").field("dossiers", &lock(&self.dossiers).len()).finish_non_exhaustive()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

// === control routes ===

/// What `POST /_apply` takes.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    number: u64,
    service: Service,
    edition: Edition,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { number: 1, service: Service::Exam, edition: Edition::Of2025 }
    }
}

fn shown<T: serde::Serialize>(of: Result<T, Failure>) -> Response {
    match of {
        Ok(value) => Json(value).into_response(),
        Err(why) => (StatusCode::BAD_GATEWAY, why.to_string()).into_response(),
    }
}

/// `POST /_apply` `{"number", "service", "edition"}`: signs in, takes a code, uploads, submits; the dossier.
async fn apply(State(portal): State<Arc<Portal>>, body: bytes::Bytes) -> Response {
    let wanted = if body.is_empty() { Ok(Wanted::default()) } else { serde_json::from_slice::<Wanted>(&body) };
    match wanted {
        Ok(w) => shown(portal.apply(w.number, w.service, w.edition).await.map(|code| portal.dossier(&code))),
        Err(why) => (StatusCode::BAD_REQUEST, why.to_string()).into_response(),
    }
}

async fn supplement(State(portal): State<Arc<Portal>>, Path(code): Path<String>) -> Response {
    shown(portal.supplement(&code).await)
}

async fn withdraw(State(portal): State<Arc<Portal>>, Path(code): Path<String>) -> Response {
    shown(portal.withdraw(&code, "Tôi nộp nhầm thủ tục").await)
}

async fn pay(State(portal): State<Arc<Portal>>, Path(code): Path<String>) -> Response {
    shown(portal.pay(&code, client::RETURN_URL).await)
}

async fn show(State(portal): State<Arc<Portal>>, Path(code): Path<String>) -> Response {
    match portal.dossier(&code) {
        Some(filed) => Json(filed).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

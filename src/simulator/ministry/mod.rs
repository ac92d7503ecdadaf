//! The Ministry's software: a SOAP 1.1 server of our own contract (`schemas/moet/`), and the pushes it makes to the gateway.
//!
//! Always holds: a request takes effect only when its credentials, SOAPAction and schema are right; a message id takes
//! effect once. A dossier is processed when it stands in the book of dossiers. What becomes of it then is its script's
//! matter (`script.rs`); tests may push by hand (`push.rs`, `POST /_push`).

mod push;
mod script;
mod soap;
mod take;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::sync::watch;

use super::book::Book;
use super::weather::Weather;
use super::{Failure, Ground, Options, Running};

pub use push::{Document, Fee, Missing, Push, Pushed};
pub use script::Script;

/// A dossier as the Ministry's software knows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Dossier {
    /// Its code.
    pub code: String,
    /// Its procedure.
    pub procedure: String,
    /// The Ministry's own number of it.
    pub reference: String,
    /// National status code, 1 to 10: what the gateway acknowledged last, by the Ministry's time.
    pub status: u8,
    /// Since when: milliseconds since the Unix epoch.
    pub status_at_ms: i64,
    /// What becomes of it.
    pub script: String,
    /// Message ids that took effect on it, with their operation.
    pub messages: Vec<(String, String)>,
    /// Files that came with content, over all messages.
    pub files: usize,
    /// Rounds of supplement that arrived.
    pub supplements: u32,
    /// What was asked for in all: a fee after one was paid (a supplement with more wishes) is asked for besides.
    pub fee_due: Option<u64>,
    /// What was paid in all, as the gateway told it.
    pub fee_paid: Option<u64>,
    /// The citizen withdrew it.
    pub withdrawn: bool,
    /// The script has come to its end.
    pub ended: bool,
    /// Every push about it, in the order of their first attempt.
    pub pushes: Vec<Pushed>,
}

/// The Ministry's state and hooks; start it with [`Ministry::start`].
pub struct Ministry {
    schema: soap::Schema,
    credentials: String,
    gateway_credentials: String,
    gateway: String,
    base: String,
    pace: Duration,
    default_script: Script,
    scripts: Mutex<BTreeMap<String, Script>>,
    client: reqwest::Client,
    book: Arc<Book>,
    weather: Arc<Weather>,
    dossiers: Mutex<BTreeMap<String, Dossier>>,
    changed: watch::Sender<u64>,
    stop: watch::Receiver<bool>,
    /// Makes message ids of this run differ from those of an earlier one with the same book.
    started_ms: i64,
}

// === impl Ministry ===

impl Ministry {
    /// Starts the Ministry. Defaults: it expects `so-gddt-hn-thu-nghiem` / `mat-khau-thu-nghiem`, shows the gateway
    /// `bo-gddt-thu-nghiem` / `vi-du-bo`, and pushes to `/moet`. Dossiers of an earlier run are known again by the
    /// book's file, without their scripts.
    pub async fn start(options: Options) -> Result<Running<Self>, Failure> {
        let ground = Ground::lay(&options).await?;
        let gateway = options.gateway_base("moet");
        let given = options.credentials;
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        let user = or(given.username, "so-gddt-hn-thu-nghiem");
        let ours = or(given.gateway_username, "bo-gddt-thu-nghiem");
        let mut scripts = BTreeMap::new();
        for one in &options.scripts {
            let (code, script) = one.split_once('=').ok_or_else(|| Failure::Role(format!("`{one}` is not CODE=SCRIPT")))?;
            scripts.insert(code.to_owned(), script.parse()?);
        }
        let role = Arc::new(Self {
            schema: soap::Schema::load().map_err(Failure::Role)?,
            credentials: super::seal::basic(&user, &or(given.password, "mat-khau-thu-nghiem")),
            gateway_credentials: super::seal::basic(&ours, &or(given.gateway_password, "vi-du-bo")),
            gateway,
            base: format!("http://{}", ground.addr),
            pace: Duration::from_millis(options.pace),
            default_script: options.script.parse()?,
            scripts: Mutex::new(scripts),
            client: ground.client.clone(),
            book: Arc::clone(&ground.book),
            weather: Arc::clone(&ground.weather),
            dossiers: Mutex::default(),
            changed: watch::Sender::new(0),
            stop: ground.stop.subscribe(),
            started_ms: ground.book.now_ms(),
        });
        role.remember();
        let router = Router::new()
            .route("/dich-vu/HoSo.asmx", post(take::take).get(take::wsdl))
            .route("/_push", post(push::by_hand))
            .route("/_script/{code}/{script}", post(set_script))
            .route("/_dossier/{code}", get(show))
            .with_state(Arc::clone(&role));
        let seen = Arc::clone(&role);
        let state = Box::new(move || json!({ "dossiers": seen.dossiers() }));
        Ok(ground.serve(role, "ministry", take::identify, router, state))
    }

    /// All dossiers, by code.
    #[must_use]
    pub fn dossiers(&self) -> Vec<Dossier> {
        self.lock().values().cloned().collect()
    }

    /// One dossier.
    #[must_use]
    pub fn dossier(&self, code: &str) -> Option<Dossier> {
        self.lock().get(code).cloned()
    }

    /// Sets the script of a dossier that has not arrived yet.
    pub fn script(&self, code: &str, script: Script) {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).insert(code.to_owned(), script);
    }

    /// Waits until a dossier fits; never returns when it never does: put a time-out around it.
    pub async fn wait_for(&self, code: &str, fits: impl Fn(&Dossier) -> bool) {
        let mut changed = self.changed.subscribe();
        while !self.lock().get(code).is_some_and(&fits) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn script_of(&self, code: &str) -> Script {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.get(code).cloned().unwrap_or_else(|| self.default_script.clone())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Dossier>> {
        self.dossiers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one dossier and tells who waits; `None` when it is not known.
    fn with<T>(&self, code: &str, change: impl FnOnce(&mut Dossier) -> T) -> Option<T> {
        let out = self.lock().get_mut(code).map(change);
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
        out
    }

    /// Knows again what an earlier run processed.
    fn remember(&self) {
        let mut dossiers = self.lock();
        for call in self.book.calls().into_iter().filter(|c| c.processed && c.counted) {
            let (Some(code), Some(id)) = (call.dossier, call.id) else { continue };
            let n = dossiers.len();
            let dossier =
                dossiers.entry(code.clone()).or_insert_with(|| Dossier::new(code, String::new(), n + 1, call.at_ms, "silent"));
            dossier.messages.push((id, call.operation));
        }
    }
}

impl std::fmt::Debug for Ministry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ministry").field("dossiers", &self.lock().len()).finish_non_exhaustive()
    }
}

// === impl Dossier ===

impl Dossier {
    fn new(code: String, procedure: String, number: usize, at_ms: i64, script: &str) -> Self {
        Self {
            code,
            procedure,
            reference: format!("BGD-{number:07}"),
            status: 1,
            status_at_ms: at_ms,
            script: script.to_owned(),
            messages: Vec::new(),
            files: 0,
            supplements: 0,
            fee_due: None,
            fee_paid: None,
            withdrawn: false,
            ended: script == "silent",
            pushes: Vec::new(),
        }
    }

    fn took(&self, message: &str) -> bool {
        self.messages.iter().any(|(id, _)| id == message)
    }

    /// 3, 7 and 10.
    fn is_final(&self) -> bool {
        matches!(self.status, 3 | 7 | 10)
    }

    /// It is dealt with, and no longer to be withdrawn: from the Ministry's own decision on, which the gateway may hear of later.
    fn is_decided(&self) -> bool {
        let over = |status: u8| matches!(status, 3 | 9 | 10);
        self.is_final() || over(self.status) || self.pushes.iter().any(|p| over(p.status) && !p.refused())
    }
}

// === control routes ===

async fn set_script(State(ministry): State<Arc<Ministry>>, Path((code, script)): Path<(String, String)>) -> Response {
    match script.parse::<Script>() {
        Ok(script) => {
            ministry.script(&code, script);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(why) => (StatusCode::BAD_REQUEST, why.to_string()).into_response(),
    }
}

async fn show(State(ministry): State<Arc<Ministry>>, Path(code): Path<String>) -> Response {
    match ministry.dossier(&code) {
        Some(dossier) => axum::Json(dossier).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

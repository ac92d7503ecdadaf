//! The door: bytes and caller in; receipt, answer or problem out.
//!
//! What always holds: nothing is answered 2xx that is not on disk; no request waits for another partner, only for the journal; who may do
//! what stands in one table ([`roles`]), default deny; a refusal is in the caller's own format and shows no value of the request.
//! Deliberately not here: what a message means (`exchange`), how it is read and kept (`intake`), any delivery.
//!
//! | file | what |
//! |---|---|
//! | `serve` | accept loop, TLS, time limits, drain |
//! | `trace` | ids, span, line and count of every request |
//! | `caller` `roles` `limit` `body` `admission` | who, whether, how often, how much, and not when there is too much |
//! | `door` `token` `upload` | the partners' routes, their sign-in, files coming in |
//! | `money` | fees decided, receipts, refunds, the books |
//! | `v1` `files` `operate` `adapters` `cases` `statements` `retention` `health` | our own API |
//! | `problem` | its refusals (RFC 9457) |

mod adapters;
mod admission;
mod body;
mod caller;
mod cases;
mod door;
mod files;
mod forecast;
mod health;
mod limit;
mod metrics;
mod money;
mod operate;
mod problem;
mod retention;
pub mod roles;
mod serve;
mod statements;
#[cfg(test)]
mod tests;
mod token;
mod trace;
mod upload;
mod v1;
mod vitals;

pub use adapters::{Adapters, Answer};
pub use caller::SignIn;
pub use metrics::Metrics;
pub use problem::Problem;
pub use serve::{Peer, ServeFault, Wire, check_plain, serve, tls};
pub use trace::Ids;

use crate::clock::Clock;
use crate::config::{Caller, Callers, Config, Rate};
use crate::delivery::{Outlook, Quota};
use crate::exchange::Refusal;
use crate::intake::Intake;
use crate::journal::{BlobStore, Journal, JournalError, RetentionTerms};
use crate::seal::{Random, hmac_sha256};
use crate::settlement::Settlement;
use admission::Admission;
use axum::Router;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use body::Bodies;
use limit::Limits;
use prometheus_client::registry::Registry;
use roles::Operation;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How long a token of the token route lives.
const TOKEN_TTL: Duration = Duration::from_secs(3600);
/// What a caller may ask of our own API a second.
const OWN_API: Quota = Quota { calls: 100, interval: Duration::from_secs(1), burst: 100 };
/// All bodies in memory together.
const BODY_MEMORY: u64 = 256 << 20;

/// What the door is built from.
pub struct Parts<'c> {
    /// Configuration, callers included.
    pub config: &'c Config,
    /// What takes messages in.
    pub intake: Arc<Intake>,
    /// What reconciles.
    pub settlement: Arc<Settlement>,
    /// The memory.
    pub journal: Arc<dyn Journal>,
    /// Contents.
    pub blobs: BlobStore,
    /// The wall.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The gateway's own key, the same after a restart; keys for single uses are derived from it.
    pub key: [u8; 32],
    /// Counters of the door, registered beforehand.
    pub metrics: Metrics,
    /// What `/metrics` shows.
    pub registry: Arc<Registry>,
    /// How the loop towards a partner stands.
    pub standings: Standings,
    /// What operators ask about adapters; none: they cannot.
    pub adapters: Option<Arc<dyn Adapters>>,
    /// What a forecast of a partner looks at.
    pub outlooks: Outlooks,
    /// Who may call, as it is in force.
    pub callers: watch::Receiver<Arc<Callers>>,
}

/// Answers how the loop towards a partner stands (pace, breaker, last trouble), as JSON for operators: the door shows it and knows nothing
/// of who calls.
pub type Standings = Arc<dyn Fn(&str) -> Value + Send + Sync>;

/// Answers what a forecast looks at; none: the partner is not called, or not yet.
pub type Outlooks = Arc<dyn Fn(&str) -> Option<Outlook> + Send + Sync>;

/// The door.
pub struct Door {
    intake: Arc<Intake>,
    settlement: Arc<Settlement>,
    journal: Arc<dyn Journal>,
    blobs: BlobStore,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sign_in: SignIn,
    limits: Limits,
    bodies: Bodies,
    metrics: Metrics,
    registry: Arc<Registry>,
    standings: Standings,
    adapters: Option<Arc<dyn Adapters>>,
    outlooks: Outlooks,
    /// Requests that may wait for the journal at once.
    queue: Arc<Semaphore>,
    admission: Admission,
    public_url: String,
    max_body: u64,
    max_file: u64,
    wire: Wire,
    retention: RetentionTerms,
}

// === impl Door ===

impl Door {
    /// Builds the door; nothing is opened yet.
    #[must_use]
    pub fn new(parts: Parts<'_>) -> Arc<Self> {
        let limits = &parts.config.gateway.limits;
        let wire = Wire {
            header: limits.read_timeout,
            connections: usize::try_from(limits.connections).unwrap_or(usize::MAX),
            per_address: usize::try_from(limits.connections_per_address).unwrap_or(usize::MAX),
            drain: (limits.stop_within / 4).min(Wire::default().drain),
            ..Wire::default()
        };
        Arc::new(Self {
            intake: parts.intake,
            settlement: parts.settlement,
            journal: parts.journal,
            blobs: parts.blobs,
            clock: parts.clock.clone(),
            random: parts.random,
            sign_in: SignIn::new(parts.callers, hmac_sha256(&parts.key, b"door"), TOKEN_TTL),
            limits: Limits::new(Some(whole_burst(limits.rate)), vec![OWN_API]),
            bodies: Bodies::new(BODY_MEMORY, limits.read_timeout.max(Duration::from_secs(1))),
            metrics: parts.metrics,
            registry: parts.registry,
            standings: parts.standings,
            adapters: parts.adapters,
            outlooks: parts.outlooks,
            queue: Arc::new(Semaphore::new(usize::try_from(limits.queue).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS))),
            admission: Admission::new(limits.patience, parts.clock.clone()),
            public_url: parts.config.gateway.public_url.clone(),
            max_body: limits.max_body,
            max_file: limits.max_file,
            wire,
            retention: RetentionTerms::of(|class| parts.config.gateway.retention.days.get(class).copied()),
        })
    }

    /// The public address: partners, `/v1`, `/healthz`.
    pub fn public(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/healthz", get(health::alive))
            .route("/v1/dossiers/{code}", get(v1::dossier))
            .route("/v1/dossiers/{code}/timeline", get(v1::timeline))
            .route("/v1/dossiers/{code}/receipt", get(money::receipt))
            .route("/v1/events", get(v1::events))
            .route("/v1/files", post(files::add))
            .route("/v1/files/{id}", get(files::fetch));
        self.finish(door::routes(router))
    }

    /// The operators' address, loopback by default.
    pub fn admin(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(health::metrics))
            .route("/v1/dossiers/{code}", get(v1::dossier))
            .route("/v1/dossiers/{code}/timeline", get(v1::timeline))
            .route("/v1/dossiers/{code}/receipt", get(money::receipt))
            .route("/v1/events", get(v1::events))
            .route("/v1/files/{id}", get(files::fetch))
            .route("/v1/deliveries", get(operate::deliveries))
            .route("/v1/deliveries/release", post(operate::release_all))
            .route("/v1/deliveries/{id}", get(operate::delivery))
            .route("/v1/adapters/compare", post(adapters::compare))
            .route("/v1/deliveries/{id}/explain", get(operate::explain))
            .route("/v1/deliveries/{id}/release", post(operate::release))
            .route("/v1/deliveries/{id}/close", post(operate::close))
            .route("/v1/adapters", get(adapters::show))
            .route("/v1/adapters/reload", post(adapters::reload))
            .route("/v1/forecast", get(forecast::show))
            .route("/v1/partners", get(operate::partners))
            .route("/v1/partners/{name}/pause", post(operate::pause))
            .route("/v1/partners/{name}/resume", post(operate::resume))
            .route("/v1/dossiers/{code}/fee", post(money::decide_fee))
            .route("/v1/refunds", get(money::refunds).post(money::request))
            .route("/v1/refunds/{id}", get(money::refund))
            .route("/v1/refunds/{id}/{step}", post(money::step))
            .route("/v1/movements", get(money::movements))
            .route("/v1/accounts", get(money::accounts))
            .route("/v1/statements", get(statements::list).post(statements::add))
            .route("/v1/statements/{id}", get(statements::show))
            .route("/v1/statements/{id}/lines", get(statements::lines))
            .route("/v1/statements/{id}/csv", get(statements::csv))
            .route("/v1/told", get(statements::told))
            .route("/v1/retention", get(retention::show))
            .route("/v1/retention/due", get(retention::due))
            .route("/v1/retention/run", post(retention::run))
            .route("/v1/cases", get(cases::list))
            .route("/v1/cases/{id}", get(cases::show))
            .route("/v1/cases/{id}/note", post(cases::note))
            .route("/v1/cases/{id}/close", post(cases::close))
            .route("/v1/cases/{id}/decide", post(cases::decide));
        self.finish(router)
    }

    /// Limits of the connections, as configured.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire
    }

    fn finish(self: &Arc<Self>, router: Router<Arc<Self>>) -> Router {
        router
            .fallback(trace::nothing)
            .method_not_allowed_fallback(trace::method)
            .layer(axum::middleware::from_fn_with_state(Arc::clone(self), trace::layer))
            .with_state(Arc::clone(self))
    }

    /// The caller of our own API, if it may do this and has not done it too often.
    fn admit(&self, headers: &HeaderMap, extensions: &Extensions, operation: Operation) -> Result<Arc<Caller>, Problem> {
        let caller = self.sign_in.caller(headers, self.clock.now())?;
        if let Some(who) = extensions.get::<trace::Who>() {
            who.is(&caller.name);
        }
        if !roles::allowed(&caller, operation) {
            return Err(Problem::forbidden());
        }
        self.limits.charge(&caller.name, operation.word(), None, self.clock.since_start())?;
        Ok(caller)
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("intake", &self.intake).finish_non_exhaustive()
    }
}

impl From<JournalError> for Problem {
    /// What the journal could not do was not done: the caller may try again. The log says why.
    fn from(error: JournalError) -> Self {
        match &error {
            JournalError::Full | JournalError::Busy | JournalError::Closed => tracing::warn!(%error, "the journal refuses"),
            JournalError::Store(_) | JournalError::Row(_) => tracing::error!(%error, "the journal fails"),
        }
        if matches!(error, JournalError::Row(_)) {
            return Self::from(Refusal::new(
                "internal",
                500,
                "Hệ thống gặp lỗi; đơn vị vận hành đã được báo.",
                "The gateway failed; its operators are told.",
            ));
        }
        Self::overloaded()
    }
}

fn whole_burst(rate: Rate) -> Quota {
    Quota { calls: rate.calls, interval: rate.interval, burst: rate.calls }
}

//! The composition root: the only place where the gateway's parts are built and handed to each other.
//!
//! Start: adapters compiled before anything is written; then the journal (its lock refuses a second process), the addresses, the files,
//! the gateway's key, the shelf of adapter sets, the dispatcher, the doors. Stop, in order: no new requests, those under way answered;
//! calls under way settled; the journal closed. What is cut off by a bound is what a kill would cut off: nothing acknowledged is lost.
//! Nothing is decided here about a message.

mod desk;
mod expiry;
mod gauges;
mod key;
mod log;
#[cfg(test)]
mod money_tests;
mod rehearsal;
mod reload;
mod retention;
mod settings;
mod steps;

pub use log::log;
pub use rehearsal::{NoRehearsal, Rehearsal};
pub use reload::{ReloadFault, Reloader, Renewed};
pub use settings::{Settings, StartFault};

use crate::catalogue::{Catalogue, Files, Partner, Shelf};
use crate::clock::{Clock, Steady, Wall};
use crate::dispatch::{Board, Dispatcher};
use crate::exchange::Current;
use crate::http::{self, Door};
use crate::intake::Intake;
use crate::journal::{Act, BlobStore, Journal, JournalError, SqliteJournal};
use crate::partner::{HttpTransport, Transport};
use crate::planted::{Plant, planted};
use crate::seal::{Random, SystemRandom};
use crate::settlement::Settlement;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Starts gateways.
#[derive(Debug)]
pub struct App;

/// A running gateway. Stop it with [`Running::stop`]; dropped, it ends as by a kill.
pub struct Running {
    /// Where partners and `/v1` are served.
    pub addr: SocketAddr,
    /// Where operators' routes are served.
    pub admin_addr: SocketAddr,
    /// The memory.
    pub journal: Arc<dyn Journal>,
    /// The adapters and procedures in force.
    pub current: Arc<Current>,
    /// Puts others in their place.
    pub reloader: Arc<Reloader>,
    /// How the partners' loops stand.
    pub board: Board,
    dispatcher: Dispatcher,
    doors: Vec<JoinHandle<()>>,
    expiry: JoinHandle<()>,
    retention: JoinHandle<()>,
    stop: watch::Sender<bool>,
    /// The longest a stop may take.
    within: Duration,
}

/// The two addresses, bound.
#[derive(Debug)]
pub struct Listeners {
    /// Partners and `/v1`.
    pub main: TcpListener,
    /// Operators.
    pub admin: TcpListener,
}

// === impl Listeners ===

impl Listeners {
    /// Binds both; port 0 takes a free one.
    pub async fn bind(main: SocketAddr, admin: SocketAddr) -> Result<Self, StartFault> {
        let bind = async |addr| TcpListener::bind(addr).await.map_err(|source| StartFault::Listen { addr, source });
        Ok(Self { main: bind(main).await?, admin: bind(admin).await? })
    }

    fn addresses(&self) -> Result<(SocketAddr, SocketAddr), StartFault> {
        Ok((self.main.local_addr()?, self.admin.local_addr()?))
    }
}

// === impl App ===

impl App {
    /// Starts a gateway; when this returns it answers. On an error nothing runs and nothing was acknowledged.
    pub async fn start(settings: Settings) -> Result<Running, StartFault> {
        let Settings { config, config_file, files, secrets, listeners, breaker, journal, rehearsal } = settings;
        // Two parts of the process may want the provider; whoever comes first installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let catalogue = Arc::new(Catalogue::load(&files, &config.gateway.partners, secrets.as_ref())?);
        settings::check_bases(&config.gateway, &catalogue)?;
        for told in crate::catalogue::check_callers(&catalogue, &config.callers) {
            tracing::warn!("{told}");
        }
        let tls = settings::tls(&config.gateway)?;
        http::check_plain(
            config.gateway.listen,
            tls.is_some(),
            config.gateway.plain_allowed(&config.gateway.listen.ip().to_string()),
        )?;
        let data = config.gateway.data.clone();
        #[cfg(feature = "test-faults")]
        let faults = journal.faults;
        // First of all the lock: a second gateway is told whose folder it is.
        let steady = Arc::new(Steady::new(rehearsal.wall()));
        let reserve = config.gateway.limits.disk_reserve;
        let store = SqliteJournal::open(&data, crate::journal::Options { reserve, now: Some(steady.now()), ..journal })?;
        let (disk, plain_keys) = (store.disk(), store.plain_keys());
        let journal: Arc<dyn Journal> = store.clone();
        if planted(Plant::Deaf) && journal.run() > 1 {
            std::future::pending::<()>().await;
        }
        let listeners = match listeners {
            Some(bound) => bound,
            None => Listeners::bind(config.gateway.listen, config.gateway.admin).await?,
        };
        let (addr, admin_addr) = listeners.addresses()?;
        #[cfg(feature = "test-faults")]
        let blobs = Arc::new(BlobStore::open_faulty(&data.join("files"), faults)?);
        #[cfg(not(feature = "test-faults"))]
        let blobs = Arc::new(BlobStore::open(&data.join("files"))?);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (steady.clone(), Arc::new(SystemRandom));
        let key = key::open(&data, random.as_ref())?;
        let overrides = Arc::new(RwLock::new(config.gateway.partners.clone()));
        let today = overrides.clone();
        let own = secrets.clone();
        let load = move |files: &Files| {
            let settings = today.read().map(|s| s.clone()).unwrap_or_default();
            Catalogue::revive(files, &settings, own.as_ref()).ok()
        };
        let shelf = Arc::new(Shelf::open(&data.join("adapters"), catalogue.clone(), &files, Box::new(load))?);
        let transport: Arc<dyn Transport> = Arc::new(
            HttpTransport::new(&settings::authorities(&config.gateway)?).map_err(|e| StartFault::Client(e.to_string()))?,
        );
        pause(journal.as_ref(), catalogue.partners.values(), clock.as_ref()).await?;
        let current = Current::new(catalogue);

        let dispatcher = Dispatcher::start(crate::dispatch::Parts {
            current: current.clone(),
            shelf: shelf.clone(),
            journal: journal.clone(),
            blobs: blobs.clone(),
            transport,
            clock: clock.clone(),
            random: random.clone(),
            breaker,
        });
        let board = dispatcher.board();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(steps::run(steady, store.clone(), stopped.clone()));
        let keeping = retention::Parts {
            journal: journal.clone(),
            commands: {
                let store = store.clone();
                Box::new(move || store.written().2)
            },
            blobs: blobs.as_ref().clone(),
            clock: clock.clone(),
            retention: config.gateway.retention.clone(),
        };
        let retention = tokio::spawn(retention::run(keeping, stopped.clone()));
        if !rehearsal.full.is_empty() {
            tokio::spawn(rehearsal.fill(store, blobs.as_ref().clone(), stopped.clone()));
        }
        let expiry = tokio::spawn(expiry::run(journal.clone(), current.clone(), clock.clone(), random.clone(), stopped.clone()));
        let mut registry = prometheus_client::registry::Registry::with_prefix("lienthong");
        let metrics = http::Metrics::register(&mut registry);
        registry.register_collector(Box::new(gauges::Gauges(board.clone())));
        let intake = Intake::new(crate::intake::Parts {
            current: current.clone(),
            journal: journal.clone(),
            blobs: blobs.guarded(disk.clone()),
            clock: clock.clone(),
            random: random.clone(),
            key,
            plain_keys,
            gateway: config.gateway.clone(),
        });
        let reloader = Arc::new(Reloader {
            current: current.clone(),
            shelf,
            journal: journal.clone(),
            clock: clock.clone(),
            secrets,
            gateway: config.gateway.clone(),
            config_file,
            overrides,
            given: files,
            renewal: dispatcher.renewal(),
            callers: tokio::sync::watch::Sender::new(Arc::new(config.callers.clone())),
            busy: tokio::sync::Mutex::default(),
        });
        let door = Door::new(http::Parts {
            config: &config,
            intake: Arc::new(intake),
            settlement: Arc::new(Settlement::new(current.clone(), journal.clone(), clock.clone())),
            journal: journal.clone(),
            blobs: blobs.guarded(disk),
            clock,
            random,
            key,
            metrics,
            registry: Arc::new(registry),
            standings: standings(board.clone()),
            adapters: Some(reloader.clone()),
            outlooks: outlooks(board.clone()),
            callers: reloader.callers.subscribe(),
        });
        let doors = vec![
            tokio::spawn(http::serve(listeners.main, door.public(), tls, door.wire(), stopped.clone())),
            tokio::spawn(http::serve(listeners.admin, door.admin(), None, door.wire(), stopped)),
        ];
        tracing::info!(%addr, admin = %admin_addr, run = journal.run(), adapters = %current.now().catalogue.digest, "the gateway has started");
        Ok(Running {
            addr,
            admin_addr,
            journal,
            current,
            reloader,
            board,
            dispatcher,
            doors,
            expiry,
            retention,
            stop,
            within: config.gateway.limits.stop_within,
        })
    }
}

/// How the loops stand, in the door's words.
fn standings(board: Board) -> http::Standings {
    use crate::clock::Time;
    use serde_json::json;
    Arc::new(move |partner| {
        let Some(s) = board.of(partner) else { return serde_json::Value::Null };
        let left = |(left, of): (u32, u32)| json!({ "left": left, "of": of });
        let routes: serde_json::Map<_, _> = s.route_quotas.iter().map(|(name, l, of)| (name.clone(), left((*l, *of)))).collect();
        json!({
            "breaker": s.breaker, "until": s.until.map(Time::rfc3339), "calls": s.calls, "trouble": s.trouble,
            "rate_milli": s.rate_milli,
            "ramp": s.ramp.map(|(now, full)| json!({ "now": now, "full": full })),
            "shut": s.shut.map(|(why, until)| json!({ "why": why, "until": until.rfc3339() })),
            "next_at": s.next_at.map(Time::rfc3339),
            "quota": s.quota.map(left),
            "route_quotas": routes,
            "allowance": s.allowance.map(|(left, until)| json!({ "left": left, "until": until.rfc3339() })),
            "maintenance": s.maintenance.map(|(from, to)| json!({ "from": from.rfc3339(), "to": to.rfc3339() })),
        })
    })
}

/// What a forecast looks at.
fn outlooks(board: Board) -> http::Outlooks {
    Arc::new(move |partner| board.of(partner).and_then(|s| s.outlook))
}

/// A partner that the configuration pauses is paused before its first call; a pause is ended by an operator only.
async fn pause(
    journal: &dyn Journal,
    partners: impl Iterator<Item = &Arc<Partner>>,
    clock: &dyn Clock,
) -> Result<(), JournalError> {
    for partner in partners.filter(|p| p.paused) {
        let act = Act::Pause { partner: partner.name.clone(), reason: "paused in gateway.toml".to_owned() };
        journal.act(act, "gateway", clock.now()).await?;
    }
    Ok(())
}

// === impl Running ===

impl Running {
    /// Stops in order; returns when the journal is closed.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let clock = Wall::new();
        for door in self.doors {
            if door.await.is_err() {
                tracing::error!("a door ended by a panic");
            }
        }
        let _ = self.expiry.await;
        let _ = self.retention.await;
        let left = self.within.saturating_sub(clock.since_start());
        if tokio::time::timeout(left, self.dispatcher.stop()).await.is_err() {
            tracing::warn!("calls under way were cut; their outcome is asked after at the next start");
        }
        if let Err(error) = self.journal.close().await {
            tracing::error!(%error, "the journal did not close in order; nothing acknowledged is lost");
        }
        tracing::info!("the gateway has stopped");
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("addr", &self.addr).field("admin", &self.admin_addr).finish_non_exhaustive()
    }
}

/// Reads adapters, partners' settings and callers anew at every SIGHUP, until SIGTERM or Ctrl-C.
pub async fn serve_until_told(running: &Running) {
    let mut hup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
    loop {
        tokio::select! {
            () = told_to_stop() => return,
            Some(()) = async { hup.as_mut()?.recv().await } => {
                if let Err(fault) = running.reloader.reload("signal").await {
                    tracing::error!("{fault}");
                }
            }
        }
    }
}

/// From now on a file that may grow no further (`ulimit -f`, `LimitFSIZE=`) is an error of the write, refused like a full disk, and not the
/// end of the process.
pub fn heed_quota() {
    // SIGXFSZ of Linux. Once it is listened for it ends nobody, whether the ear stays or not.
    const FILE_TOO_LARGE: i32 = 25;
    if let Err(error) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(FILE_TOO_LARGE)) {
        tracing::warn!(%error, "a quota on files would end this process: its signal cannot be listened for");
    }
}

/// Returns at SIGTERM or Ctrl-C; at once when signals cannot be waited for.
pub async fn told_to_stop() {
    let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

//! A new set of adapters, and other callers, while the gateway runs: read, compiled and proven as a whole, then put in force; or refused as
//! a whole, with every fault, and what is in force stays.
//!
//! In order: read and compile (partners' settings and secrets are read anew), what the configuration demands of a partner's address, nobody left behind
//! who still has messages waiting, the set on the shelf and synced, the audit entry synced, the swap. A crash before the swap leaves
//! the files of the folder, which the next start reads. Requests and attempts under way end with the set they began with.

use super::settings::{self, StartFault};
use crate::body::json;
use crate::catalogue::{Catalogue, Files, FilesError, LoadFaults, Shelf};
use crate::clock::Clock;
use crate::config::{Callers, Config, ConfigError, Gateway, ProcessEnv, Secrets};
use crate::dispatch::Renewal;
use crate::exchange::Current;
use crate::journal::{Effects, Journal, JournalError, NewAudit};
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

/// Renews the set in force. One reload at a time.
pub struct Reloader {
    pub(super) current: Arc<Current>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secrets: Arc<dyn Secrets + Send + Sync>,
    pub(super) gateway: Gateway,
    /// Where gateway.toml stands: its `[partners]`, its `adapters` and the callers.toml it names are read anew, all else needs a restart.
    pub(super) config_file: Option<PathBuf>,
    /// What is in force of `[partners]`, for sets read back from the shelf too.
    pub(super) overrides: Arc<RwLock<crate::catalogue::Settings>>,
    /// The files the gateway was started with; read anew where the configuration names a folder.
    pub(super) given: Files,
    pub(super) renewal: Renewal,
    /// Who may call, as it is in force: the door looks at each request. What a caller has used of its limits is not kept here and stays.
    pub(super) callers: tokio::sync::watch::Sender<Arc<Callers>>,
    pub(super) busy: tokio::sync::Mutex<()>,
}

/// A set put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The digest of the set before.
    pub before: String,
    /// The digest of the set in force.
    pub digest: String,
    /// Partners that were not there before.
    pub came: Vec<String>,
    /// Partners that are no longer there.
    pub went: Vec<String>,
    /// Callers that came, went or are others now.
    pub callers: Vec<String>,
}

/// Why the present set stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadFault {
    /// gateway.toml or callers.toml.
    #[error("the configuration has faults; adapters and callers in force stay:\n{0}")]
    Config(ConfigError),
    /// The folder.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The adapters.
    #[error("the new adapters have faults; those in force stay:\n{0}")]
    Adapters(LoadFaults),
    /// A partner's address.
    #[error("the new adapters cannot be used here; those in force stay: {0}")]
    Base(StartFault),
    /// A partner would go while something waits for it.
    #[error(
        "the new adapters have no partner `{partner}`, for which {open} deliveries are still open; those in force stay\n  \
         release or close them first: lienthong deliveries list --partner {partner}"
    )]
    Left {
        /// The partner.
        partner: String,
        /// Its open deliveries.
        open: u64,
    },
    /// The set cannot be kept, or the audit entry not written.
    #[error("the new adapters could not be put on disk; those in force stay: {0}")]
    Disk(String),
}

// === impl Reloader ===

impl Reloader {
    /// Reads the adapters anew and puts them in force; `who` stands in the audit.
    pub async fn reload(&self, who: &str) -> Result<Renewed, ReloadFault> {
        let _one = self.busy.lock().await;
        let (gateway, callers, files, catalogue) = self.load().await?;
        settings::check_bases(&gateway, &catalogue).map_err(ReloadFault::Base)?;
        let before = self.current.now();
        let names = |c: &Catalogue| c.partners.keys().cloned().collect::<Vec<_>>();
        let (old, new) = (names(&before.catalogue), names(&catalogue));
        let went: Vec<String> = old.iter().filter(|n| !new.contains(n)).cloned().collect();
        self.nobody_left(&went).await?;
        let renewed = Renewed {
            before: before.catalogue.digest.clone(),
            digest: catalogue.digest.clone(),
            came: new.into_iter().filter(|n| !old.contains(n)).collect(),
            went,
            callers: callers.as_ref().map(|new| self.callers.borrow().changed(new)).unwrap_or_default(),
        };
        let catalogue = Arc::new(catalogue);
        let (shelf, kept) = (Arc::clone(&self.shelf), Arc::clone(&catalogue));
        let keep = tokio::task::spawn_blocking(move || shelf.add(kept, &files)).await;
        keep.map_err(|e| e.to_string()).and_then(|done| done.map_err(|e| e.to_string())).map_err(ReloadFault::Disk)?;
        self.written(who, &renewed).await.map_err(|e| ReloadFault::Disk(e.to_string()))?;
        super::pause(
            self.journal.as_ref(),
            catalogue.partners.values().filter(|p| renewed.came.contains(&p.name)),
            self.clock.as_ref(),
        )
        .await
        .map_err(|e| ReloadFault::Disk(e.to_string()))?;
        if let Ok(mut overrides) = self.overrides.write() {
            *overrides = gateway.partners;
        }
        let told = callers.as_ref().map(|callers| crate::catalogue::check_callers(&catalogue, callers));
        told.into_iter().flatten().for_each(|told| tracing::warn!("{told}"));
        self.current.swap(catalogue);
        if let Some(callers) = callers {
            self.callers.send_replace(Arc::new(callers));
        }
        self.renewal.tell();
        tracing::info!(adapters = %renewed.digest, before = %renewed.before, callers = ?renewed.callers, who, "what was read anew is in force");
        Ok(renewed)
    }

    async fn load(&self) -> Result<(Gateway, Option<Callers>, Files, Catalogue), ReloadFault> {
        let (gateway, given, secrets) = (self.gateway.clone(), self.given.clone(), Arc::clone(&self.secrets));
        let config_file = self.config_file.clone();
        let loaded = tokio::task::spawn_blocking(move || {
            let (gateway, callers) = match config_file {
                Some(path) => {
                    let config = Config::load(Some(&path), &ProcessEnv).map_err(ReloadFault::Config)?;
                    (config.gateway, Some(config.callers))
                }
                None => (gateway, None),
            };
            let files = match &gateway.adapters {
                Some(folder) => Files::folder(folder)?,
                None => given,
            };
            let catalogue = Catalogue::prove(&files, &gateway.partners, secrets.as_ref()).map_err(ReloadFault::Adapters)?;
            Ok((gateway, callers, files, catalogue))
        });
        loaded.await.map_err(|e| ReloadFault::Disk(e.to_string()))?
    }

    /// A partner that goes must not leave anything open: nobody would see it any more.
    async fn nobody_left(&self, went: &[String]) -> Result<(), ReloadFault> {
        if went.is_empty() {
            return Ok(());
        }
        let queues = self.journal.queues().await.map_err(|e| ReloadFault::Disk(e.to_string()))?;
        for queue in queues.iter().filter(|q| went.contains(&q.partner)) {
            let open = [queue.waiting, queue.claimed, queue.unknown, queue.parked].into_iter().sum::<u64>();
            if open > 0 {
                return Err(ReloadFault::Left { partner: queue.partner.clone(), open });
            }
        }
        Ok(())
    }

    async fn written(&self, who: &str, renewed: &Renewed) -> Result<(), JournalError> {
        let data = json!({ "before": renewed.before, "came": renewed.came, "went": renewed.went, "callers": renewed.callers });
        let audit = NewAudit {
            at: self.clock.now(),
            who: who.to_owned(),
            what: "adapters.reload".to_owned(),
            about: renewed.digest.clone(),
            data,
        };
        self.journal.apply(Effects { audit: vec![audit], ..Effects::default() }).await.map(|_| ())
    }
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").field("current", &self.current.now().catalogue.digest).finish_non_exhaustive()
    }
}

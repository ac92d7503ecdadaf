//! What a gateway is started with, and why it cannot be started.

use super::{Listeners, Rehearsal};
use crate::catalogue::{Catalogue, Files, FilesError, LoadFaults};
use crate::config::{Config, Env, FolderSecrets, Gateway, ProcessEnv, Secrets};
use crate::delivery::BreakerPolicy;
use crate::http::{self, ServeFault};
use crate::journal::{BlobError, JournalError, OpenError, Options};
use crate::seal::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What a gateway is started with.
pub struct Settings {
    /// gateway.toml and callers.toml.
    pub config: Config,
    /// Where gateway.toml stands: a reload reads its `[partners]` anew; none: it keeps what it was started with.
    pub config_file: Option<PathBuf>,
    /// Adapters and schemas.
    pub files: Files,
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets + Send + Sync>,
    /// Addresses bound beforehand; none: those of the configuration are bound.
    pub listeners: Option<Listeners>,
    /// When a partner counts as out.
    pub breaker: BreakerPolicy,
    /// How the journal is opened.
    pub journal: Options,
    /// What is done to the gateway on purpose; nothing, but for a rehearsal.
    pub rehearsal: Rehearsal,
}

/// Why a gateway cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The adapters' folder.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The adapters.
    #[error("the adapters cannot be used here (`lienthong check` shows what is wrong with the files themselves):\n{0}")]
    Adapters(#[from] LoadFaults),
    /// An address.
    #[error(
        "cannot listen on {addr}: {source}\n  is another gateway running? `lienthong status` tells; or change `listen` and `admin` in gateway.toml"
    )]
    Listen {
        /// Which.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The door.
    #[error(transparent)]
    Door(#[from] ServeFault),
    /// A partner's address.
    #[error("partner {partner}: {why}")]
    Base {
        /// Which partner.
        partner: String,
        /// What is wrong with its address.
        why: String,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The journal, opened already.
    #[error(transparent)]
    Memory(#[from] JournalError),
    /// The file store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The client towards the partners.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
    /// A file of ours.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The gateway's key.
    #[error("{} is not the gateway's key (32 bytes): put the right file back, or remove it, which signs every caller out", .0.display())]
    Key(PathBuf),
    /// The system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The folder's and the environment's secrets, looked up when they are asked for.
struct OwnSecrets(Option<PathBuf>);

// === impl Settings ===

impl Settings {
    /// Those of a configuration, as `serve` uses them.
    pub fn of(config: Config) -> Result<Self, StartFault> {
        let files = match &config.gateway.adapters {
            Some(folder) => Files::folder(folder)?,
            None => Files::embedded(),
        };
        let secrets = Arc::new(OwnSecrets(config.gateway.secrets.clone()));
        Ok(Self {
            config,
            config_file: None,
            files,
            secrets,
            listeners: None,
            breaker: BreakerPolicy::default(),
            journal: Options::default(),
            rehearsal: Rehearsal::default(),
        })
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Secrets for OwnSecrets {
    fn get(&self, name: &str) -> Option<Secret> {
        let env: &dyn Env = &ProcessEnv;
        FolderSecrets { folder: self.0.clone(), env }.get(name)
    }
}

// === functions ===

/// The certificate and key of the public door, when it has any.
pub(super) fn tls(gateway: &Gateway) -> Result<Option<Arc<rustls::ServerConfig>>, StartFault> {
    let Some(tls) = &gateway.tls else { return Ok(None) };
    let read = |path: &PathBuf| std::fs::read(path).map_err(|source| StartFault::Read { path: path.clone(), source });
    Ok(Some(http::tls(&read(&tls.cert)?, &read(&tls.key)?)?))
}

/// The authorities trusted towards partners besides the system's, PEM.
pub(super) fn authorities(gateway: &Gateway) -> Result<Vec<Vec<u8>>, StartFault> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|source| StartFault::Read { path: path.clone(), source });
    gateway.authorities.iter().map(read).collect()
}

/// Plain HTTP goes to loopback only, unless the host is allowed by name; and where there is a list of hosts, to those only.
pub(super) fn check_bases(gateway: &Gateway, catalogue: &Catalogue) -> Result<(), StartFault> {
    for partner in catalogue.partners.values() {
        let told = |why| StartFault::Base { partner: partner.name.clone(), why };
        gateway.call_allowed(&partner.base).map_err(told)?;
    }
    Ok(())
}

//! `lienthong serve`: the gateway as a process, until a signal.

use super::{Failed, screen};
use crate::app::{self, App, Rehearsal, Settings};
use crate::config::{Config, ProcessEnv};
use std::path::PathBuf;

pub(super) const ABOUT: &str = "\
Runs the gateway: opens its journal, compiles the adapters, opens its two addresses (partners and /v1; operators) and starts \
delivering. Everything it needs is told at the start; what is wrong with the configuration is told all at once, and nothing is started.

SIGHUP reads the adapters folder, the partners' settings and callers.toml anew (see `lienthong reload --help`). SIGTERM or Ctrl-C stops it in order: no new requests, those under way are answered, calls under way are settled, the journal is closed. \
A kill at any instant loses nothing that was acknowledged.";

const EXAMPLES: &str = "\
Examples:
  lienthong serve                                   config/gateway.toml, or LIENTHONG_CONFIG
  lienthong serve --config /etc/lienthong/gateway.toml

Environment: LIENTHONG_CONFIG, LIENTHONG_DATA, LIENTHONG_LISTEN, LIENTHONG_SECRET_<PARTNER>_<NAME>.
Then: lienthong status · curl http://127.0.0.1:8081/readyz";

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// gateway.toml [default: LIENTHONG_CONFIG, else config/gateway.toml].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For `torture`: steps of the clock and a full disk, `clock=AT:OFFSET,…;full=FROM-TO,…` in milliseconds.
    #[arg(long, hide = true, default_value = "")]
    rehearse: Rehearsal,
    /// For `torture`: ends when stdin does, so that nothing outlives whoever started it.
    #[arg(long, hide = true)]
    leash: bool,
    /// Leaves out one sync or plants a fault, so that a test sees its check fail.
    #[cfg(feature = "test-faults")]
    #[arg(long, hide = true)]
    fault: Option<String>,
}

/// Runs it until a signal.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Failed> {
    let config = Config::load(arguments.config.as_deref(), &ProcessEnv).map_err(|e| {
        Failed::because(format!("{e}\n  a commented example stands in config/gateway.toml; name yours with --config FILE"))
    })?;
    app::log(&config.gateway.log);
    app::heed_quota();
    let mut settings = Settings::of(config).map_err(|e| Failed::because(e.to_string()))?;
    settings.config_file = Some(Config::file(arguments.config.as_deref(), &ProcessEnv));
    settings.rehearsal = arguments.rehearse.clone();
    #[cfg(feature = "test-faults")]
    let settings = faulty(settings, arguments.fault.as_deref());
    let running = App::start(settings).await.map_err(|e| Failed::because(e.to_string()))?;
    screen::line(format!("lienthong listens on {} (partners, /v1) and {} (operators)", running.addr, running.admin_addr));
    tokio::select! {
        () = app::serve_until_told(&running) => {}
        () = screen::leash(arguments.leash) => {}
    }
    running.stop().await;
    Ok(())
}

/// With one sync left out, or another fault planted.
#[cfg(feature = "test-faults")]
fn faulty(mut settings: Settings, fault: Option<&str>) -> Settings {
    if let Some(plant) = fault.and_then(crate::planted::Plant::of_name) {
        crate::planted::plant(plant);
    }
    settings.journal.faults = crate::journal::Faults {
        skip_wal_sync: fault == Some("skip-wal-sync"),
        skip_file_sync: fault == Some("skip-file-sync"),
        skip_dir_sync: fault == Some("skip-dir-sync"),
    };
    settings
}

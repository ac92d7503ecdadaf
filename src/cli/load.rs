//! `lienthong load`: hidden; puts a load on a gateway of this machine, for `scripts/bench`.

use super::{Failed, screen};
use crate::simulator::{LoadOptions, load};

pub(super) const ABOUT: &str = "\
Puts a load on a gateway (or on a proxy to compare it with) of this machine, as scripts/bench does: invented dossiers, each with a new \
code, over kept connections, for a number of seconds. Prints one JSON object: what was taken, refused and lost, and percentiles in \
microseconds. Loopback only. The gateway's limits hold: raise them first, or see them hold.";

const EXAMPLES: &str = "\
Example:
  lienthong load --gateway http://127.0.0.1:8080 --connections 64 --seconds 10";

/// Arguments of `load`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    options: LoadOptions,
}

/// Runs it on a thread of its own: one is enough, and the rest of the machine belongs to what is measured.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    let figures = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(load(arguments.options))
    });
    match figures.await {
        Ok(Ok(figures)) => screen::line(figures.to_string()),
        Ok(Err(failure)) => return Err(Failed::because(failure.to_string())),
        Err(_) => return Err(Failed::because("the load ended by a panic")),
    }
    Ok(())
}

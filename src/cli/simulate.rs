//! `lienthong simulate ROLE`: one partner as a process of its own.

use super::{Failed, screen};
use crate::simulator::{Options, Role, run as simulate};

pub(super) const ABOUT: &str = "\
Runs one of the partners as a real server on loopback: the city's portal, the Ministry's software, the payment platform or the national portal.

It holds its side of the wire contract, refuses what breaks it, keeps a book of every call and has weather: delay, 503, 502 after \
processing, connections cut before and after processing, a rate limit. It prints one line with its addresses and runs until Ctrl-C. \
Everything in it is invented: people, files, credentials, keys. Not for production.";

const EXAMPLES: &str = "\
Examples:
  lienthong simulate ministry --listen 127.0.0.1:9001 --control 127.0.0.1:9101
  lienthong simulate ministry --weather busy=0.05,cut-after=0.02,latency=5-50 --script supplement
  lienthong simulate payment --gateway http://127.0.0.1:8080 --book platform.jsonl
  lienthong simulate national --listen 127.0.0.1:9004

Control routes (at the `control` address, open even while the partner is down):
  curl CONTROL/_book            every call, its figures, what broke the contract
  curl -X POST -d '…' CONTROL/_weather";

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which partner.
    role: Role,
    #[command(flatten)]
    options: Options,
    /// For `torture`: ends when stdin does.
    #[arg(long, hide = true)]
    leash: bool,
}

// === impl Arguments ===

impl Arguments {
    /// It was started by `torture`, which judges it by when calls arrived.
    pub(super) fn is_watched(&self) -> bool {
        self.leash
    }
}

// === functions ===

/// Runs it until a signal.
pub(super) async fn run(arguments: Arguments) -> Result<(), Failed> {
    tokio::select! {
        ended = simulate(arguments.role, arguments.options) => ended.map_err(|e| Failed::because(e.to_string())),
        () = screen::leash(arguments.leash) => Ok(()),
    }
}

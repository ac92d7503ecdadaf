//! `lienthong reload`: other adapters and other callers, without a restart.

use super::remote::{self, Remote, text};
use super::{Failed, screen};
use serde_json::{Value, json};

pub(super) const ABOUT: &str = "\
Tells the running gateway to read its adapters folder, the [partners] of gateway.toml and callers.toml anew. The new set is compiled as a whole and put in force by one swap; if \
anything in it is wrong, every fault is told as `lienthong check` tells it, nothing changes, and the exit code is 1. Requests and calls \
under way end with the set they began with; deliveries attempted before keep theirs. A caller that is gone, or whose secret is another, is \
signed out at once; nobody's limits begin afresh. Stands in the audit. SIGHUP does the same.";

const EXAMPLES: &str = "\
Example:
  lienthong check /etc/lienthong --queued    first: is it sound, and can it write what waits?
  lienthong reload";

/// Arguments of `reload`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Reloads.
pub(super) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let answer = Remote::new(&arguments.gateway)?.post("/v1/adapters/reload", &json!({})).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let digest = text(&answer, "adapters");
    let names = |name: &str| remote::list(&answer, name).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    if !names("callers").is_empty() {
        screen::line(format!("callers that came, went or are others now: {}", names("callers")));
    }
    if answer.get("changed") == Some(&Value::Bool(false)) {
        screen::line(format!("the adapters are those in force already: {digest}"));
        return Ok(());
    }
    screen::line(format!("in force: {digest}\nbefore:   {}", text(&answer, "before")));
    for (word, name) in [("new partners", "came"), ("partners gone", "went")] {
        if !names(name).is_empty() {
            screen::line(format!("{word}: {}", names(name)));
        }
    }
    Ok(())
}

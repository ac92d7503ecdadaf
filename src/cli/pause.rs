//! `lienthong pause PARTNER` and `lienthong resume PARTNER`: an operator's hand on the tap.

use super::remote::{self, Remote};
use super::{Failed, screen};
use serde_json::json;

pub(super) const PAUSE: &str = "\
Nothing more is sent to the partner until it is resumed; what is accepted for it meanwhile waits on disk, uses up no attempt and goes \
out in order afterwards. Calls under way end. The pause survives a restart and stands in the audit.";

pub(super) const RESUME: &str = "Ends a pause: what waits for the partner goes out in order, at its pace.";

const PAUSE_EXAMPLES: &str = "\
Example:
  lienthong pause NAME --reason \"their maintenance, until 22:00\"
  lienthong resume NAME";

/// Arguments of `pause`.
#[derive(Debug, clap::Args)]
#[command(after_help = PAUSE_EXAMPLES)]
pub(super) struct PauseArguments {
    /// The partner's name, as `lienthong status` shows it.
    partner: String,
    /// Why, for the audit and for whoever looks at `status`.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = PAUSE_EXAMPLES)]
pub(super) struct ResumeArguments {
    /// The partner's name, as `lienthong status` shows it.
    partner: String,
    /// Why, for the audit.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Pauses.
pub(super) async fn pause(arguments: &PauseArguments, json: bool) -> Result<(), Failed> {
    let path = format!("/v1/partners/{}/pause", remote::segment(&arguments.partner));
    let answer = Remote::new(&arguments.gateway)?.post(&path, &json!({ "reason": arguments.reason })).await?;
    if json {
        screen::json(&answer);
    } else {
        screen::line(format!("{0} is paused; end it with: lienthong resume {0}", arguments.partner));
    }
    Ok(())
}

/// Resumes.
pub(super) async fn resume(arguments: &ResumeArguments, json: bool) -> Result<(), Failed> {
    let path = format!("/v1/partners/{}/resume", remote::segment(&arguments.partner));
    let body = arguments.reason.as_ref().map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    let answer = Remote::new(&arguments.gateway)?.post(&path, &body).await?;
    if json {
        screen::json(&answer);
    } else {
        screen::line(format!("{} is resumed", arguments.partner));
    }
    Ok(())
}

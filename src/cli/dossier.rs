//! `lienthong dossier CODE`: where a dossier stands and how it came there.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, deliveries, screen};
use crate::model::Status;
use serde_json::Value;

pub(super) const ABOUT: &str = "\
Shows a dossier of the running gateway: where it stands, its fee, what still waits to be delivered about it, and its timeline, \
oldest first. No personal data is in it.";

const EXAMPLES: &str = "\
Examples:
  lienthong dossier H26.15-20260609-0000001
  lienthong dossier H26.15-20260609-0000001 --json";

/// Arguments of `dossier`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The dossier's code (mã hồ sơ).
    code: String,
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Runs it.
pub(super) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&arguments.gateway)?;
    let code = remote::segment(&arguments.code);
    let dossier = gateway.get(&format!("/v1/dossiers/{code}")).await?;
    let timeline = gateway.get(&format!("/v1/dossiers/{code}/timeline")).await?;
    let open = gateway.get(&format!("/v1/deliveries?dossier={code}&limit=100")).await?;
    if json {
        screen::json(&serde_json::json!({ "dossier": dossier, "timeline": timeline, "deliveries": open }));
        return Ok(());
    }
    head(&dossier);
    if let Some(removed) = removed(&dossier) {
        screen::line(removed);
    }
    let rows: Vec<Vec<String>> = remote::list(&timeline, "events").iter().map(event).collect();
    screen::line("");
    screen::out(&screen::table(&["at", "what", "details"], &rows));
    let open = remote::list(&open, "deliveries");
    if !open.is_empty() {
        let cells = |d: &Value| ["delivery", "partner", "route", "state", "attempts", "reason"].map(|n| text(d, n)).to_vec();
        let rows: Vec<Vec<String>> = open.iter().map(cells).collect();
        screen::line("\nStill to be delivered:");
        screen::out(&screen::table(&["delivery", "partner", "route", "state", "attempts", "reason"], &rows));
        open.iter().filter_map(deliveries::help).for_each(|h| screen::line(format!("  {h}")));
    }
    Ok(())
}

fn head(dossier: &Value) {
    screen::line(format!("{:<11} {}", "code", text(dossier, "code")));
    let word = text(dossier, "status");
    let vietnamese = Status::of_word(&word).map_or("", Status::vietnamese);
    screen::line(format!("{:<11} {word} ({vietnamese})", "status"));
    for name in ["procedure", "agency", "ministry", "reference", "supplements"] {
        let value = text(dossier, name);
        if !value.is_empty() && value != "0" {
            screen::line(format!("{name:<11} {value}"));
        }
    }
    if let Some(fee) = dossier.get("fee").filter(|f| f.is_object()) {
        screen::line(format!("{:<11} {} {}", "fee", screen::money(number(fee, "amount")), text(fee, "state")));
    }
    if let Some(open) = dossier.get("fee_undecided").filter(|u| u.is_object()) {
        let figure = |name: &str| open.get(name).and_then(Value::as_u64).map(|n| format!("{name} {}", screen::money(n)));
        let figures: Vec<String> = ["ministry", "catalogue"].into_iter().filter_map(figure).collect();
        screen::line(format!(
            "{:<11} undecided: {}; lienthong fees decide {} …",
            "fee",
            figures.join(", "),
            text(dossier, "code")
        ));
    }
    for payment in remote::list(dossier, "payments").iter().filter(|_| dossier.get("payments").is_some()) {
        let sum = screen::money(number(payment, "amount"));
        screen::line(format!("{:<11} {} {sum} {}", "payment", text(payment, "transaction"), text(payment, "state")));
    }
    for name in ["registered_at", "due_at"] {
        if let Some(at) = time(dossier, name) {
            screen::line(format!("{:<11} {}", name.trim_end_matches("_at"), screen::when(at)));
        }
    }
}

/// What of it was removed; none: nothing.
fn removed(dossier: &Value) -> Option<String> {
    let removed = dossier.get("removed").filter(|r| r.is_object())?;
    let when = |name: &str| time(removed, name).map(screen::when);
    let mut said = Vec::new();
    if let Some(at) = when("at") {
        said.push(format!(
            "{} bodies and {} requests as received, last {at}",
            number(removed, "bodies"),
            number(removed, "received")
        ));
    }
    said.extend(when("files_at").map(|at| format!("files no other dossier needs, {at}")));
    Some(format!("{:<11} {} (by retention / theo thời hạn lưu giữ)", "removed", said.join("; ")))
}

fn event(event: &Value) -> Vec<String> {
    let fact = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    };
    let data = event.get("data").and_then(Value::as_object);
    let details = data.map(|d| d.iter().map(fact).collect::<Vec<_>>().join(", ")).unwrap_or_default();
    vec![time(event, "at").map_or_else(String::new, screen::when), text(event, "kind"), details]
}

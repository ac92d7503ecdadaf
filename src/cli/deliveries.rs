//! `lienthong deliveries`: what is to be delivered, what is stuck and why, and the two acts that help.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use crate::clock::{Clock as _, Wall};
use serde_json::{Value, json};

pub(super) const ABOUT: &str = "\
Deliveries: one message to one partner each. Lists those that have not ended, shows one with its attempts, releases or closes what is \
parked. Every act needs a reason and stands in the audit with the operator's name.";

const EXAMPLES: &str = "\
Examples:
  lienthong deliveries list                                      everything unfinished
  lienthong deliveries list --parked --partner NAME              what a person has to decide
  lienthong deliveries show 17                                   one of them with its attempts
  lienthong deliveries release 17 --reason \"their fault, mended\"  try it again
  lienthong deliveries release 17 --verdict received --reason \"they confirmed by phone\"
  lienthong deliveries release --partner NAME --reason-is attempts-used-up --dry-run     how many would it be?
  lienthong deliveries release --partner NAME --reason-is attempts-used-up --limit 200 --reason \"they mended it\"
  lienthong deliveries close 17 --reason \"sent by post\"           never deliver it

What the columns say:
  state     waiting, claimed (a call is under way), unknown (asked after by itself), parked (a person decides), done, rejected, closed
  attempts  how often the partner said “later” about this message; the retry schedule bounds it, an outage uses none";

const RELEASE: &str = "\
Releases a parked or unknown delivery. When a call was made and nobody knows whether it arrived, ask the partner first and say what \
they told you:

  not-received   they have it not: it is sent (for them the first time)
  received       they have it: it counts as delivered, nothing is sent
  send-again     send it whatever was: they may get it twice";

/// Arguments of `deliveries`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    gateway: remote::Reach,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List deliveries that have not ended.
    List(ListArguments),
    /// One delivery with its attempts.
    Show {
        /// Its number.
        delivery: u64,
    },
    /// Let a parked or unknown one go on.
    #[command(long_about = RELEASE)]
    Release {
        /// Its number; or name those that are meant with --partner.
        #[arg(required_unless_present = "partner")]
        delivery: Option<u64>,
        /// All that are kept for this partner; they go out at its pace.
        #[arg(long, conflicts_with = "delivery")]
        partner: Option<String>,
        /// Of these, only those kept for this reason: the whole of it, or its word before the colon.
        #[arg(long, requires = "partner", value_name = "CODE")]
        reason_is: Option<String>,
        /// Of these, only messages of this kind (dossier.submit, status.change, …).
        #[arg(long, requires = "partner")]
        kind: Option<String>,
        /// Of these, at most so many.
        #[arg(long, requires = "partner", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// What the partner said about it: not-received, received, send-again. Needed unless it certainly never left. (Of withdrawals and
        /// refunds `received` is stated one by one: it moves the dossier, or has the platform asked.)
        #[arg(long, value_parser = ["not-received", "received", "send-again"])]
        verdict: Option<String>,
        /// Why, for the audit; a dry run needs none.
        #[arg(long, required_unless_present = "dry_run")]
        reason: Option<String>,
        /// Only tell how many it would be; nothing is released.
        #[arg(long, requires = "partner")]
        dry_run: bool,
    },
    /// End one without delivering it.
    Close {
        /// Its number.
        delivery: u64,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Only parked ones.
    #[arg(long, conflicts_with = "state")]
    parked: bool,
    /// Only in this state: waiting, claimed, unknown, parked, done, rejected, closed.
    #[arg(long, value_parser = ["waiting", "claimed", "unknown", "parked", "done", "rejected", "closed"])]
    state: Option<String>,
    /// Only to this partner.
    #[arg(long)]
    partner: Option<String>,
    /// Only about this dossier.
    #[arg(long)]
    dossier: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Only those after this number (to go on where a list ended).
    #[arg(long, default_value_t = 0)]
    after: u64,
}

/// Runs it.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&arguments.gateway)?;
    match arguments.what {
        What::List(a) => list(&gateway, &a, json).await,
        What::Show { delivery } => show(&gateway, delivery, json).await,
        What::Release { delivery: None, partner, reason_is, kind, limit, verdict, reason, dry_run } => {
            let body = json!({
                "partner": partner, "reason_is": reason_is, "kind": kind, "limit": limit, "verdict": verdict, "reason": reason,
                "dry_run": dry_run,
            });
            let answer = gateway.post("/v1/deliveries/release", &body).await?;
            told(&answer, json, &released(&answer, dry_run));
            Ok(())
        }
        What::Release { delivery: Some(delivery), verdict, reason, .. } => {
            let verdict = match verdict {
                Some(verdict) => verdict,
                None => never_left(&gateway, delivery).await?,
            };
            let body = json!({ "verdict": verdict, "reason": reason });
            let answer = gateway.post(&format!("/v1/deliveries/{delivery}/release"), &body).await?;
            told(&answer, json, &format!("delivery {delivery} is released; see `lienthong deliveries show {delivery}`"));
            Ok(())
        }
        What::Close { delivery, reason } => {
            let answer = gateway.post(&format!("/v1/deliveries/{delivery}/close"), &json!({ "reason": reason })).await?;
            told(&answer, json, &format!("delivery {delivery} is closed; it will not be sent"));
            Ok(())
        }
    }
}

/// What became of a release of several, or would become, in a sentence.
fn released(answer: &Value, dry_run: bool) -> String {
    let count = |name: &str| number(answer, name);
    let mut text = if dry_run {
        format!("{} would be released, {} more fit; nothing was done", count("released"), count("left"))
    } else {
        format!("{} released, at the partner's pace; {} more fit", count("released"), count("left"))
    };
    if count("doubtful") > 0 {
        text.push_str(&format!(
            "\n{} of these may have been received: ask the partner, then say what they told you with --verdict received|not-received|send-again",
            count("doubtful")
        ));
    }
    text
}

/// The verdict on a delivery of which nothing ever left; of any other only the partner can tell.
async fn never_left(gateway: &Remote, delivery: u64) -> Result<String, Failed> {
    let shown = gateway.get(&format!("/v1/deliveries/{delivery}")).await?;
    if shown.get("sent").and_then(Value::as_bool) == Some(false) {
        return Ok("not-received".to_owned());
    }
    let partner = text(&shown, "partner");
    Err(Failed::because(format!(
        "delivery {delivery} may have reached {partner}: ask them, then say what they told you\n  lienthong deliveries release {delivery} --verdict received|not-received|send-again --reason …"
    )))
}

fn told(answer: &Value, json: bool, sentence: &str) {
    if json { screen::json(answer) } else { screen::line(sentence) }
}

async fn list(gateway: &Remote, a: &ListArguments, json: bool) -> Result<(), Failed> {
    let mut query = format!("limit={}&after={}", a.limit, a.after);
    let state = if a.parked { Some("parked") } else { a.state.as_deref() };
    for (name, value) in [("state", state), ("partner", a.partner.as_deref()), ("dossier", a.dossier.as_deref())] {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", remote::segment(value)));
        }
    }
    let answer = gateway.get(&format!("/v1/deliveries?{query}")).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let all = remote::list(&answer, "deliveries");
    if all.is_empty() {
        screen::line("no deliveries");
        return Ok(());
    }
    let now = Wall::new().now();
    let row = |d: &Value| -> Vec<String> {
        let age = time(d, "created_at").map_or_else(String::new, |at| screen::span(now.ms_since(at)));
        let cells = ["delivery", "partner", "route", "dossier", "state", "attempts"].map(|name| text(d, name));
        cells.into_iter().chain([age, text(d, "reason")]).collect()
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    screen::out(&screen::table(&["delivery", "partner", "route", "dossier", "state", "attempts", "age", "reason"], &rows));
    let stuck: Vec<String> = all.iter().filter_map(help).collect();
    if !stuck.is_empty() {
        screen::line("\nWhat helps:");
        stuck.iter().for_each(|s| screen::line(format!("  {s}")));
    }
    Ok(())
}

/// The command that helps a stuck delivery; none: nobody need help it.
pub(super) fn help(delivery: &Value) -> Option<String> {
    let n = number(delivery, "delivery");
    let sent = delivery.get("sent").and_then(Value::as_bool).unwrap_or(true);
    match text(delivery, "state").as_str() {
        "parked" if sent => Some(format!(
            "lienthong deliveries release {n} --verdict received|not-received|send-again --reason …   (ask {} first)",
            text(delivery, "partner")
        )),
        "parked" => Some(format!("lienthong deliveries release {n} --reason …   (they have not taken it; mend the cause first)")),
        _ => None,
    }
}

async fn show(gateway: &Remote, delivery: u64, json: bool) -> Result<(), Failed> {
    let answer = gateway.get(&format!("/v1/deliveries/{delivery}")).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let d = &answer;
    for name in ["delivery", "partner", "route", "kind", "dossier", "id", "lane", "state", "attempts", "reason"] {
        screen::line(format!("{name:<10} {}", text(d, name)));
    }
    for name in ["created_at", "ready_at"] {
        if let Some(at) = time(d, name) {
            screen::line(format!("{name:<10} {}", screen::when(at)));
        }
    }
    if let Some(gone) = d.get("body_gone").filter(|g| g.is_object()) {
        screen::line(removed(gone));
    }
    let attempts = remote::list(answer.get("attempts_made").unwrap_or(&Value::Null), "list");
    if !attempts.is_empty() {
        let row = |a: &Value| -> Vec<String> {
            let at = time(a, "at").map_or_else(String::new, screen::when);
            vec![at, text(a, "what"), format!("{} ms", number(a, "ms")), text(a, "outcome"), text(a, "why")]
        };
        let rows: Vec<Vec<String>> = attempts.iter().map(row).collect();
        screen::line("");
        screen::out(&screen::table(&["at", "what", "took", "outcome", "why"], &rows));
    }
    if let Some(help) = help(d) {
        screen::line(format!("\nWhat helps: {help}"));
    }
    Ok(())
}

/// What is told of a body that is gone.
fn removed(gone: &Value) -> String {
    let at = time(gone, "removed_at").map_or_else(String::new, screen::when);
    let (digest, size) = (text(gone, "digest"), number(gone, "size"));
    format!("body       removed {at} by retention (đã xóa theo thời hạn lưu giữ), {digest}, {size} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parked_delivery_is_shown_with_the_command_that_helps() {
        for (delivery, want) in [
            (json!({"delivery": 17, "state": "parked", "sent": true, "partner": "one"}), Some("release 17 --verdict received|")),
            (json!({"delivery": 18, "state": "parked", "sent": false, "partner": "one"}), Some("release 18 --reason")),
            (json!({"delivery": 19, "state": "waiting", "sent": false}), None),
        ] {
            let found = help(&delivery);
            assert_eq!(found.is_some(), want.is_some(), "{delivery}");
            assert!(want.is_none_or(|w| found.unwrap_or_default().contains(w)), "{delivery}");
        }
    }
}

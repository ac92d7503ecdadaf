//! `lienthong status`: how the running gateway stands, partner by partner.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, retention, screen};
use crate::clock::{Clock as _, Wall};
use serde_json::Value;

pub(super) const ABOUT: &str = "\
Asks the running gateway how it stands: for each partner what waits, the oldest of it, the pace it is fed at, whether it seems out, \
how many messages are parked.

Needs an operator's (or auditor's) token.";

const EXAMPLES: &str = "\
Examples:
  LIENTHONG_TOKEN=… lienthong status
  lienthong status --admin http://127.0.0.1:8081 --token … --json

What the columns say:
  breaker   closed: calls go out; open: the partner seems out, nothing is sent and no attempt is used up; probe: one message tries; maintenance: its own
  limits    what else keeps calls back or will: recovery after an outage, daily quotas, the partner's own word, its next maintenance
  parked    kept for a person: `lienthong deliveries list --parked` shows why and what helps";

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Runs it.
pub(super) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let answer = Remote::new(&arguments.gateway)?.get("/v1/partners").await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let now = Wall::new().now();
    let partners = remote::list(&answer, "partners");
    let row = |p: &Value| -> Vec<String> {
        let oldest = time(p, "oldest").map_or_else(|| "-".to_owned(), |at| screen::span(now.ms_since(at)));
        vec![
            text(p, "partner"),
            number(p, "waiting").to_string(),
            number(p, "claimed").to_string(),
            number(p, "unknown").to_string(),
            number(p, "parked").to_string(),
            oldest,
            pace(p),
            breaker(p),
            limits(p),
            text(p, "paused"),
        ]
    };
    let head = ["partner", "waiting", "calling", "unknown", "parked", "oldest", "pace", "breaker", "limits", "paused because"];
    let rows: Vec<Vec<String>> = partners.iter().map(row).collect();
    screen::out(&screen::table(&head, &rows));
    journal(answer.get("journal").unwrap_or(&Value::Null));
    if let Some(run) = answer.pointer("/retention/last").filter(|r| r.is_object()) {
        screen::line(retention::sentence(run));
    }
    hints(partners, number(&answer, "open_cases"));
    if let Some(told) = calendar(answer.get("calendar").unwrap_or(&Value::Null)) {
        screen::line(told);
    }
    Ok(())
}

fn pace(partner: &Value) -> String {
    match number(partner, "rate_milli") {
        0 => "-".to_owned(),
        milli if milli % 1000 == 0 => format!("{}/s", milli / 1000),
        milli => format!("{}.{:03}/s", milli / 1000, milli % 1000),
    }
}

fn breaker(partner: &Value) -> String {
    let (word, trouble) = (text(partner, "breaker"), text(partner, "trouble"));
    match word.as_str() {
        "" => "-".to_owned(),
        "closed" => word,
        _ if trouble.is_empty() => word,
        _ => format!("{word} ({trouble})"),
    }
}

/// A calendar that is about to end, or has.
fn calendar(of: &Value) -> Option<String> {
    let soon = of.get("ends_soon").and_then(Value::as_bool).unwrap_or(false);
    soon.then(|| {
        let until = text(of, "until");
        let known = if until.is_empty() { "no holidays are known".to_owned() } else { format!("holidays are known until {until} only") };
        format!("{known}: add the next year to schemas/catalogue/holidays.toml and reload; deadlines beyond count weekends and fixed holidays")
    })
}

/// The journal's line, and what is wrong with its disk.
fn journal(j: &Value) {
    if j.is_null() {
        return;
    }
    let ms = |name: &str| format!("{}.{:01} ms", number(j, name) / 1000, number(j, name) % 1000 / 100);
    let mb = |name: &str| number(j, name) >> 20;
    screen::line(format!(
        "\njournal: sync {} at start, commits {} (99 %: {}), {} waiting to be written, {} MB free ({} MB kept)",
        ms("sync_us"),
        ms("commit_p50_us"),
        ms("commit_p99_us"),
        number(j, "queue"),
        mb("free_bytes"),
        mb("reserve_bytes")
    ));
    match text(j, "room").as_str() {
        "reserve" => {
            screen::line("The disk is below its reserve: nothing new is taken in (503), deliveries go on. Free space on it.")
        }
        "last" => screen::line("The disk is nearly full: nothing is taken in and no call is begun. Free space on it."),
        _ => {}
    }
    match text(j, "disk").as_str() {
        "slow" => screen::line("The disk is slow (a sync above 10 ms): every acknowledgement waits for it."),
        "too-quick" => {
            screen::line("The disk syncs suspiciously quickly: does it keep what it says it wrote when the power is cut?")
        }
        _ => {}
    }
}

/// What else keeps calls back, or will: recovery, quotas, the partner's word, maintenance.
fn limits(partner: &Value) -> String {
    let until = |of: &Value, name: &str| time(of, name).map_or_else(String::new, screen::when);
    let mut said = Vec::new();
    if let Some(ramp) = partner.get("ramp").filter(|r| r.is_object()) {
        said.push(format!("recovering: {} of {} at once", number(ramp, "now"), number(ramp, "full")));
    }
    let mut quota =
        |name: &str, of: &Value| said.push(format!("{name}{} of {} left today", number(of, "left"), number(of, "of")));
    if let Some(of) = partner.get("quota").filter(|q| q.is_object()) {
        quota("", of);
    }
    for (route, of) in partner.get("route_quotas").and_then(Value::as_object).into_iter().flatten() {
        quota(&format!("{route}: "), of);
    }
    if let Some(shut) = partner.get("shut").filter(|s| text(s, "why") == "their-word") {
        said.push(format!("it asked to wait until {}", until(shut, "until")));
    } else if let Some(allowance) = partner.get("allowance").filter(|a| a.is_object()) {
        said.push(format!("it takes {} more until {}", number(allowance, "left"), until(allowance, "until")));
    }
    if let Some(next) = partner.get("maintenance").filter(|m| m.is_object()) {
        said.push(format!("maintenance from {} to {}", until(next, "from"), until(next, "to")));
    }
    if said.is_empty() { "-".to_owned() } else { said.join("; ") }
}

fn hints(partners: &[Value], cases: u64) {
    let any = |name: &str| partners.iter().any(|p| number(p, name) > 0);
    if any("parked") {
        screen::line("\nParked messages wait for a person: lienthong deliveries list --parked");
    }
    if cases > 0 {
        screen::line(format!("\nCases that wait for a person: {cases}; lienthong cases list"));
    }
    for partner in partners.iter().filter(|p| !text(p, "paused").is_empty()) {
        screen::line(format!("\nPaused: lienthong resume {}", text(partner, "partner")));
    }
}

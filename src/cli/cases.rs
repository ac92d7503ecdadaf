//! `lienthong cases`: what the gateway will not decide by itself, what helps, and a person's word on it.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use crate::clock::{Clock as _, Wall};
use serde_json::{Value, json};

pub(super) const ABOUT: &str = "\
Cases (việc cần xử lý): what the gateway will not decide by itself, such as a fee that differs, money paid twice, a difference with the \
platform's statement. Lists them, shows one with its facts and history, and takes a person's word: a note, a decision, or a close with \
a reason. Every word stands in the audit with the operator's name.";

const EXAMPLES: &str = "\
Examples:
  lienthong cases list                                   what waits for a person
  lienthong cases list --dossier H26.15-20260609-0000001 --all
  lienthong cases show 3                                 what happened, what to do, who said what
  lienthong cases note 3 --reason \"called the bank, they look\"
  lienthong cases decide 3 WORD --reason \"…\"             one of the decisions that `show` names
  lienthong cases close 3 --reason \"only paid late\"

What the columns say:
  met   how often the same matter arose; it stays one case";

/// Arguments of `cases`.
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
    /// List open cases (or closed ones, or all).
    List(ListArguments),
    /// One case: its facts, what helps, its history.
    Show {
        /// Its number.
        case: u64,
    },
    /// Note something on a case; it stays as it is.
    Note {
        /// Its number.
        case: u64,
        /// What is to be noted.
        #[arg(long)]
        reason: String,
    },
    /// Close a case with a reason; nothing else is caused.
    Close {
        /// Its number.
        case: u64,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
    /// Decide a case by one of its decisions; what that causes is done at once.
    Decide {
        /// Its number.
        case: u64,
        /// The decision's word, as `show` names it.
        decision: String,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Open and closed ones.
    #[arg(long, conflicts_with = "closed")]
    all: bool,
    /// Only closed ones.
    #[arg(long)]
    closed: bool,
    /// Only of this kind (its word, such as fee-differs).
    #[arg(long)]
    kind: Option<String>,
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
    let (case, path, body) = match arguments.what {
        What::List(a) => return list(&gateway, &a, json).await,
        What::Show { case } => {
            let shown = gateway.get(&format!("/v1/cases/{case}")).await?;
            if json {
                screen::json(&shown)
            } else {
                show(&shown)
            }
            return Ok(());
        }
        What::Note { case, reason } => (case, "note", json!({ "reason": reason })),
        What::Close { case, reason } => (case, "close", json!({ "reason": reason })),
        What::Decide { case, decision, reason } => (case, "decide", json!({ "reason": reason, "decision": decision })),
    };
    let answer = gateway.post(&format!("/v1/cases/{case}/{path}"), &body).await?;
    if json {
        screen::json(&answer);
    } else if text(&answer, "state") == "closed" && path != "note" {
        screen::line(format!("case {case} is closed; `lienthong cases show {case}` tells by whom and why"));
    } else {
        screen::line(format!("noted on case {case}"));
    }
    Ok(())
}

async fn list(gateway: &Remote, a: &ListArguments, json: bool) -> Result<(), Failed> {
    let state = if a.all {
        "all"
    } else if a.closed {
        "closed"
    } else {
        "open"
    };
    let mut query = format!("limit={}&after={}&state={state}", a.limit, a.after);
    for (name, value) in [("kind", a.kind.as_deref()), ("dossier", a.dossier.as_deref())] {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", remote::segment(value)));
        }
    }
    let answer = gateway.get(&format!("/v1/cases?{query}")).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let all = remote::list(&answer, "cases");
    if all.is_empty() {
        screen::line(if state == "open" { "no open cases" } else { "no cases" });
        return Ok(());
    }
    let now = Wall::new().now();
    let row = |c: &Value| -> Vec<String> {
        let age = time(c, "at").map_or_else(String::new, |at| screen::span(now.ms_since(at)));
        let state = if text(c, "state") == "closed" { text(c, "decision") } else { "open".to_owned() };
        vec![text(c, "case"), text(c, "kind"), text(c, "dossier"), age, text(c, "met"), state, text(c, "title")]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    screen::out(&screen::table(&["case", "kind", "dossier", "age", "met", "state", "title"], &rows));
    if let Some(first) = all.iter().find(|c| text(c, "state") == "open") {
        screen::line(format!("\nWhat happened and what helps: lienthong cases show {}", number(first, "case")));
    }
    Ok(())
}

fn show(c: &Value) {
    screen::line(format!("Case {} · {} · {}", text(c, "case"), text(c, "title"), text(c, "title_en")));
    for (label, name) in [("kind", "kind"), ("dossier", "dossier"), ("state", "state"), ("decision", "decision"), ("met", "met")]
    {
        let value = text(c, name);
        if !value.is_empty() {
            screen::line(format!("{label:<10} {value}"));
        }
    }
    for (name, value) in c.get("data").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        screen::line(format!("{name:<10} {value}"));
    }
    for (head, vi, en) in [("What happened", "what", "what_en"), ("What to do", "help", "help_en")] {
        screen::line(format!("\n{head}:\n  {}\n  {}", text(c, vi), text(c, en)));
    }
    if text(c, "state") == "open" {
        screen::line("");
        commands(c).iter().for_each(screen::line);
    }
    let history = remote::list(c.get("history").unwrap_or(&Value::Null), "list");
    let row = |e: &Value| -> Vec<String> {
        let at = time(e, "at").map_or_else(String::new, screen::when);
        vec![at, text(e, "who"), text(e, "what"), text(e, "reason")]
    };
    let rows: Vec<Vec<String>> = history.iter().map(row).collect();
    screen::line("");
    screen::out(&screen::table(&["at", "who", "what", "why"], &rows));
}

/// The commands that end an open case.
fn commands(c: &Value) -> Vec<String> {
    let case = number(c, "case");
    let decisions = remote::list(c.get("decisions").unwrap_or(&Value::Null), "list");
    let decide = |d: &Value| format!("  lienthong cases decide {case} {} --reason …   {}", text(d, "word"), text(d, "text_en"));
    let close = format!("  lienthong cases close {case} --reason …");
    decisions.iter().map(decide).chain([close]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_of_an_open_case_is_shown_as_a_command() {
        let case = json!({ "case": 3, "decisions": [{ "word": "ministry", "text_en": "their figure is owed" }] });
        let shown = commands(&case);
        assert_eq!(shown.len(), 2);
        assert!(shown[0].contains("cases decide 3 ministry --reason") && shown[0].contains("their figure is owed"), "{shown:?}");
        assert!(shown[1].contains("cases close 3 --reason"));
    }
}

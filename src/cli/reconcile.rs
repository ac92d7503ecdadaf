//! `lienthong reconcile`: a payment platform's daily statement against our books; earlier ones; what was paid and not told.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use serde_json::Value;
use std::path::PathBuf;

pub(super) const ABOUT: &str = "\
Reconciliation (đối soát): sets a payment platform's daily statement (CSV) against the gateway's books, row by row. Every row and every \
payment of the day is in exactly one class, and the sums are checked:

  matched         both have it and agree
  mismatched      both have it; amount, status, code, fee or day differs
  missing-ours    the statement has it, our books have not
  missing-theirs  our books have it, the statement has not
  expected        booked after the statement's cut-off: the next one should have it

Nothing is adjusted. Each difference becomes a case (`lienthong cases`); the same day may be reconciled again at any time: no case is \
doubled, none that was decided is opened again, and one whose difference is gone is closed and says by which statement.

Exit code 0: no differences. 1: there are some, or it could not be done.";

const EXAMPLES: &str = "\
Examples:
  lienthong reconcile 20260609.csv --day 2026-06-09 --partner NAME
  lienthong reconcile 20260609.csv --day 2026-06-09 --partner NAME --dry-run      look only: nothing is kept
  lienthong reconcile 20260609.csv --day 2026-06-09 --partner NAME --out result.csv --bom    the lines, for Excel
  lienthong reconcile --past                                      earlier reconciliations
  lienthong reconcile --again 3 --out result.csv                  the lines of an earlier one
  lienthong reconcile --lists --day 2026-06-09                    paid but not told, told but not paid";

/// Arguments of `reconcile`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    gateway: remote::Reach,
    /// The statement: CSV in UTF-8, columns as the partner's data name them.
    #[arg(required_unless_present_any = ["past", "lists", "again"], requires_all = ["day", "partner"])]
    statement: Option<PathBuf>,
    /// The day it is of (with --lists: of which payments), as 2026-06-09.
    #[arg(long)]
    day: Option<String>,
    /// The payment partner whose statement it is.
    #[arg(long)]
    partner: Option<String>,
    /// Compare only: nothing is kept, no case is opened.
    #[arg(long)]
    dry_run: bool,
    /// Write all lines to this file, as CSV.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    out: Option<PathBuf>,
    /// Begin that file with a byte order mark, as Excel wants it.
    #[arg(long, requires = "out")]
    bom: bool,
    /// List earlier reconciliations.
    #[arg(long, conflicts_with_all = ["statement", "lists", "again"])]
    past: bool,
    /// Show an earlier reconciliation.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["statement", "lists"])]
    again: Option<u64>,
    /// The two further lists: paid but not told, told but not paid.
    #[arg(long, requires = "day", conflicts_with = "statement")]
    lists: bool,
    /// With --lists: up to this day.
    #[arg(long, requires = "lists")]
    to: Option<String>,
}

/// Runs it.
pub(super) async fn run(a: &Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&a.gateway)?;
    if a.past {
        return past(&gateway, a, json).await;
    }
    if a.lists {
        return lists(&gateway, a, json).await;
    }
    let (answer, statement) = match (&a.statement, a.again) {
        (Some(path), _) => {
            let bytes = std::fs::read(path).map_err(|e| Failed::because(format!("{}: {e}", path.display())))?;
            let of = |given: &Option<String>| remote::segment(given.as_deref().unwrap_or_default());
            let path = format!("/v1/statements?partner={}&day={}&dry={}", of(&a.partner), of(&a.day), a.dry_run);
            let answer = gateway.send(&path, "text/csv; charset=utf-8", bytes).await?;
            let statement = answer.get("statement").and_then(Value::as_u64);
            (answer, statement)
        }
        (None, Some(again)) => (gateway.get(&format!("/v1/statements/{again}")).await?, Some(again)),
        (None, None) => return Err(Failed::because("name a statement, or --past, --again or --lists")),
    };
    if let (Some(out), Some(statement)) = (&a.out, statement) {
        let bytes = gateway.fetch(&format!("/v1/statements/{statement}/csv?bom={}", a.bom)).await?;
        std::fs::write(out, bytes).map_err(|e| Failed::because(format!("{}: {e}", out.display())))?;
    }
    if json {
        screen::json(&answer)
    } else {
        show(&answer)
    }
    match answer.pointer("/told/differences").and_then(Value::as_u64).unwrap_or(0) {
        0 => Ok(()),
        n => {
            let found = if n == 1 { "1 difference".to_owned() } else { format!("{n} differences") };
            let then = if a.dry_run { "nothing was kept" } else { "each is a case: lienthong cases list" };
            Err(Failed::because(format!("{found}; {then}")))
        }
    }
}

fn show(answer: &Value) {
    let sums = answer.pointer("/told/sums").and_then(Value::as_object);
    let title = |name: &str| text(answer, name);
    screen::line(format!("{} {} · {} · statement {}", title("partner"), title("day"), said(answer), title("statement")));
    let mut rows = Vec::new();
    for (way, classes) in sums.into_iter().flatten() {
        for (class, s) in classes.as_object().into_iter().flatten().filter(|(_, s)| number(s, "rows") + number(s, "booked") > 0) {
            let cell = |name: &str| screen::money(number(s, name));
            let count = |name: &str| number(s, name).to_string();
            rows.push(vec![way.clone(), class.clone(), count("rows"), cell("theirs"), count("booked"), cell("ours")]);
        }
    }
    screen::out(&screen::table(&["movement", "class", "rows", "their sum", "booked", "our sum"], &rows));
    let transfers = remote::list(answer.pointer("/told/transfers").unwrap_or(&Value::Null), "list");
    if !transfers.is_empty() {
        let row = |t: &Value| -> Vec<String> {
            let net = t.get("net").map_or_else(String::new, ToString::to_string);
            vec![
                text(t, "transfer"),
                text(t, "payments"),
                screen::money(number(t, "paid")),
                text(t, "refunds"),
                text(t, "fees"),
                net,
            ]
        };
        screen::line("");
        let head = ["bank transfer", "payments", "paid", "refunds", "fees", "net"];
        screen::out(&screen::table(&head, &transfers.iter().map(row).collect::<Vec<_>>()));
    }
    let differences = remote::list(answer.get("differences").unwrap_or(&Value::Null), "list");
    if !differences.is_empty() {
        let row = |d: &Value| -> Vec<String> {
            let fields = remote::list(d.get("differences").unwrap_or(&Value::Null), "list");
            let sum = |name: &str| d.get(name).and_then(Value::as_u64).map_or_else(String::new, screen::money);
            let said: Vec<String> =
                fields.iter().map(|f| format!("{}: {} ≠ {}", text(f, "field"), text(f, "theirs"), text(f, "ours"))).collect();
            vec![
                text(d, "class"),
                text(d, "transaction"),
                text(d, "dossier"),
                sum("theirs"),
                sum("ours"),
                text(d, "line"),
                said.join("; "),
            ]
        };
        screen::line("");
        let head = ["class", "transaction", "dossier", "theirs", "ours", "line", "differs in (theirs ≠ ours)"];
        screen::out(&screen::table(&head, &differences.iter().map(row).collect::<Vec<_>>()));
    }
    let unread = remote::list(answer.pointer("/told/unread").unwrap_or(&Value::Null), "list");
    if !unread.is_empty() {
        let names: Vec<&str> = unread.iter().filter_map(Value::as_str).collect();
        screen::note(format!("columns passed over: {}", names.join(", ")));
    }
}

/// What became of it, in a word.
fn said(answer: &Value) -> String {
    let resolved = number(answer, "resolved");
    match (answer.get("dry").and_then(Value::as_bool), answer.get("replaced").and_then(Value::as_bool)) {
        (Some(true), _) => "looked at only".to_owned(),
        (_, Some(true)) => "replaced by a later one".to_owned(),
        _ if resolved == 1 => "kept, 1 earlier case resolved".to_owned(),
        _ if resolved > 0 => format!("kept, {resolved} earlier cases resolved"),
        _ => "kept".to_owned(),
    }
}

async fn past(gateway: &Remote, a: &Arguments, json: bool) -> Result<(), Failed> {
    let only = a.partner.as_deref().map(|p| format!("?partner={}", remote::segment(p))).unwrap_or_default();
    let answer = gateway.get(&format!("/v1/statements{only}")).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let row = |s: &Value| -> Vec<String> {
        let at = time(s, "at").map_or_else(String::new, screen::when);
        let differences = s.pointer("/told/differences").map_or_else(String::new, ToString::to_string);
        let lines = s.pointer("/told/lines").map_or_else(String::new, ToString::to_string);
        vec![text(s, "statement"), text(s, "partner"), text(s, "day"), at, text(s, "who"), lines, differences, said(s)]
    };
    let rows: Vec<Vec<String>> = remote::list(&answer, "statements").iter().map(row).collect();
    screen::out(&screen::table(&["statement", "partner", "day", "at", "by", "lines", "differences", ""], &rows));
    Ok(())
}

async fn lists(gateway: &Remote, a: &Arguments, json: bool) -> Result<(), Failed> {
    let day = remote::segment(a.day.as_deref().unwrap_or_default());
    let to = a.to.as_deref().map(|t| format!("&to={}", remote::segment(t))).unwrap_or_default();
    let (mut all, mut found) = (serde_json::Map::new(), 0);
    for (list, title) in [
        ("paid-not-told", "Paid, and somebody was not told yet (đã nộp, hồ sơ chưa được báo)"),
        ("told-not-paid", "Told as paid, and not in our books (đã báo, sổ không có khoản nộp)"),
    ] {
        let answer = gateway.get(&format!("/v1/told?list={list}&day={day}{to}&limit=1000")).await?;
        let payments = remote::list(&answer, "payments");
        found += payments.len();
        if !json {
            screen::line(format!("{title}: {}", payments.len()));
            let row = |t: &Value| -> Vec<String> {
                let at = time(t, "at").map_or_else(String::new, screen::when);
                vec![
                    text(t, "transaction"),
                    text(t, "dossier"),
                    screen::money(number(t, "amount")),
                    at,
                    text(t, "partner"),
                    text(t, "state"),
                    text(t, "delivery"),
                ]
            };
            let head = ["transaction", "dossier", "amount", "at", "partner", "state", "delivery"];
            if !payments.is_empty() {
                screen::out(&screen::table(&head, &payments.iter().map(row).collect::<Vec<_>>()));
            }
            screen::line("");
        }
        all.insert(list.to_owned(), answer.get("payments").cloned().unwrap_or_default());
    }
    if json {
        screen::json(&Value::Object(all));
    }
    if found == 0 { Ok(()) } else { Err(Failed::because(format!("{found} payments are told otherwise than paid"))) }
}

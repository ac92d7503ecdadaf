//! `lienthong retention`: what is kept how long, what the last run removed, what would go now; and a run by an operator's word.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use serde_json::{Value, json};

pub(super) const ABOUT: &str = "\
Retention (thời hạn lưu giữ): what is removed once its dossier has ended long enough. The terms stand under [retention] in gateway.toml; \
a class without one is kept for ever. Removed is what was handed in and sent (bodies, files); audit, timelines, payments, movements, \
receipts, cases and each body's digest stay. The gateway runs it once a day by itself, while little else is written.

Xóa nội dung, tệp tin của hồ sơ đã kết thúc quá thời hạn; nhật ký kiểm tra, diễn biến, tiền và mã băm được giữ lại.";

const EXAMPLES: &str = "\
Examples:
  lienthong retention                      the terms, the last run, what is due
  lienthong retention --dry-run            how much would go now, by class (xem trước, không xóa gì)
  lienthong retention --run --reason \"…\"  begin a run now; it goes on in the background

What is never removed: anything of a dossier that has not ended, or of which a delivery, case, payment or refund is open.";

/// The classes in words.
const CLASSES: [(&str, &str); 6] = [
    ("bodies", "bodies of messages and deliveries / nội dung thông điệp"),
    ("received", "bytes as received / dữ liệu gốc nhận được"),
    ("attempts", "earlier tries of deliveries / các lần gửi trước"),
    ("files", "files / tệp tin"),
    ("statements", "lines of settled statements / dòng sao kê đã đối soát"),
    ("events", "events that are paged / sự kiện tra cứu được"),
];

/// Arguments of `retention`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// How much would go now, by class; nothing is removed.
    #[arg(long, conflicts_with = "run")]
    dry_run: bool,
    /// Begin a run now.
    #[arg(long, requires = "reason")]
    run: bool,
    /// Why, for the audit.
    #[arg(long, requires = "run")]
    reason: Option<String>,
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Runs it.
pub(super) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&arguments.gateway)?;
    if arguments.run {
        let answer = gateway.post("/v1/retention/run", &json!({ "reason": arguments.reason })).await?;
        if json {
            screen::json(&answer);
        } else {
            screen::line(format!("run {} has begun (đã bắt đầu); see `lienthong retention`", number(&answer, "run")));
        }
        return Ok(());
    }
    let path = if arguments.dry_run { "/v1/retention/due" } else { "/v1/retention" };
    let answer = gateway.get(path).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let counted = if arguments.dry_run { Some(remote::list(&answer, "would")) } else { None };
    show(&answer, counted);
    Ok(())
}

/// The terms with, where it was counted, what would go of each.
fn show(answer: &Value, counted: Option<&[Value]>) {
    let days = answer.get("days").unwrap_or(&Value::Null);
    let due = answer.get("due_dossiers").unwrap_or(&Value::Null);
    let row = |(class, what): &(&str, &str)| -> Vec<String> {
        let kept = days.get(*class).and_then(Value::as_u64).map_or_else(|| "for ever".to_owned(), |d| format!("{d} d"));
        let mut row = vec![(*class).to_owned(), kept];
        match counted {
            Some(all) => row.extend(cells(all.iter().find(|t| text(t, "class") == *class))),
            None => row.push(due.get(*class).map_or_else(|| "-".to_owned(), |_| number(due, class).to_string())),
        }
        row.push((*what).to_owned());
        row
    };
    let rows: Vec<Vec<String>> = CLASSES.iter().map(row).collect();
    let head: &[&str] = match counted {
        Some(_) => &["class", "kept", "would go", "bytes", "oldest", "newest", "what"],
        None => &["class", "kept", "dossiers due", "what"],
    };
    screen::out(&screen::table(head, &rows));
    let unread = number(answer, "unread");
    if unread > 0 {
        screen::line(format!("\n{unread} messages were not looked through yet: what they are about is not counted."));
    }
    if number(answer, "events_floor") > 0 {
        screen::line(format!("\n/v1/events begins after {}.", number(answer, "events_floor")));
    }
    last(answer.get("last").unwrap_or(&Value::Null));
}

fn cells(tally: Option<&Value>) -> Vec<String> {
    let Some(t) = tally else { return ["-"; 4].map(str::to_owned).to_vec() };
    let when = |name: &str| time(t, name).map_or_else(|| "-".to_owned(), screen::when);
    vec![number(t, "rows").to_string(), number(t, "bytes").to_string(), when("oldest"), when("newest")]
}

fn last(run: &Value) {
    if run.is_null() {
        return screen::line("\nThere was no run yet.");
    }
    screen::line(format!("\n{}", sentence(run)));
    let row = |t: &Value| [vec![text(t, "class")], cells(Some(t))].concat();
    let rows: Vec<Vec<String>> = remote::list(run, "removed").iter().filter(|t| t.is_object()).map(row).collect();
    if !rows.is_empty() {
        screen::out(&screen::table(&["class", "removed", "bytes", "oldest", "newest"], &rows));
    }
}

/// The last run in a sentence; for `status` too.
pub(super) fn sentence(run: &Value) -> String {
    let when = |name: &str| time(run, name).map(screen::when);
    let began = when("began").unwrap_or_default();
    let rows: u64 = run.get("removed").and_then(Value::as_array).map_or(0, |all| all.iter().map(|t| number(t, "rows")).sum());
    match when("ended") {
        Some(ended) => format!("retention: run {} of {began} ended {ended}: {rows} removed", number(run, "run")),
        None => format!("retention: run {} of {began} is under way: {rows} removed so far", number(run, "run")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_run_is_told_whether_it_ended_or_not() {
        let removed = json!([{ "class": "bodies", "rows": 2 }, { "class": "files", "rows": 1 }]);
        let run = |ended: Value| json!({ "run": 7, "began": "2026-07-21T02:00:00+07:00", "ended": ended, "removed": removed });
        let ended = sentence(&run(json!("2026-07-21T02:03:00+07:00")));
        assert_eq!(ended, "retention: run 7 of 2026-07-21 02:00:00 ended 2026-07-21 02:03:00: 3 removed");
        assert!(sentence(&run(Value::Null)).ends_with("is under way: 3 removed so far"));
    }
}

//! `lienthong forecast`: when each partner's queue is drained and how many dossiers miss their date.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use serde_json::Value;

pub(super) const ABOUT: &str = "\
Asks the running gateway when each partner's queue will be drained, how many dossiers will miss their date, and what it would be at another \
rate. The same policy that feeds the partners is run in simulated time over what waits now, with maintenance windows, quotas, and the time a \
call takes as measured; nothing more is assumed to come in.

Needs an operator's (or auditor's) token.";

const EXAMPLES: &str = "\
Examples:
  lienthong forecast
  lienthong forecast --partner NAME --rate 40/s     what if it took 40 a second
  lienthong forecast --json";

/// Arguments of `forecast`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only this partner.
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// What if it were fed at this rate, such as 40/s or 300/min.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Runs it.
pub(super) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let given = [("partner", &arguments.partner), ("rate", &arguments.rate)];
    let asked: Vec<String> =
        given.iter().filter_map(|(name, value)| value.as_ref().map(|v| format!("{name}={}", remote::segment(v)))).collect();
    let path = if asked.is_empty() { "/v1/forecast".to_owned() } else { format!("/v1/forecast?{}", asked.join("&")) };
    let answer = Remote::new(&arguments.gateway)?.get(&path).await?;
    if json {
        screen::json(&answer);
        return Ok(());
    }
    let forecasts = remote::list(&answer, "forecasts");
    for forecast in forecasts {
        screen::line(text(forecast, "text"));
        screen::line(text(forecast, "text_en"));
        let rows: Vec<Vec<String>> = remote::list(forecast, "classes").iter().map(row).collect();
        if rows.len() > 1 {
            screen::out(&screen::table(&["  class", "waiting", "drained", "late", "no date known"], &rows));
        }
    }
    Ok(())
}

fn row(class: &Value) -> Vec<String> {
    vec![
        format!("  {}", text(class, "class")),
        number(class, "waiting").to_string(),
        time(class, "drained_at").map_or_else(|| "not in 60 days".to_owned(), screen::when),
        number(class, "late").to_string(),
        number(class, "no_date").to_string(),
    ]
}

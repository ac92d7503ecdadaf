//! `lienthong catalogue`: lists and filters the procedures; sets the plan beside them.

use super::{Failed, screen};
use crate::catalogue::{Filter, Host, Level, Tier, report};
use crate::clock::{Clock as _, Wall};

pub(super) const ABOUT: &str = "\
Lists the procedures the gateway knows: both lists (2019 and 2026), with tier, level, host, fee, term and days of validity.

A level no source gives is `unknown`; it is counted so and never filled in. A row is true only between its days.";

const EXAMPLES: &str = "\
Examples:
  lienthong catalogue --host ministry              what runs on the Ministry's software
  lienthong catalogue --era 2019 --tier district   the district list of 2019
  lienthong catalogue --text \"đăng ký dự thi\"      by code, name or field
  lienthong catalogue --on 2025-06-01              what was true on a day
  lienthong catalogue --plan                       the plan of 2019 beside the catalogue";

/// Arguments of `catalogue`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only this tier: department, district, commune.
    #[arg(long, value_parser = tier)]
    tier: Option<Tier>,
    /// Only this list: 2019, 2026.
    #[arg(long, value_parser = ["2019", "2026"])]
    era: Option<String>,
    /// Only what runs on this software: city, ministry.
    #[arg(long, value_parser = host)]
    host: Option<Host>,
    /// Only this level: 3, 4, partial, full, unknown.
    #[arg(long, value_parser = level)]
    level: Option<Level>,
    /// Only what is true on this day (2026-06-09; `today` is understood).
    #[arg(long, value_parser = day)]
    on: Option<jiff::civil::Date>,
    /// Only rows whose code, name or field contains this.
    #[arg(long)]
    text: Option<String>,
    /// The plan's figures per tier, the catalogue's, and the difference.
    #[arg(long, conflicts_with_all = ["tier", "era", "host", "level", "on", "text"])]
    plan: bool,
    /// The adapters' folder (it holds adapters/ and schemas/); left out: those inside the program.
    #[arg(long, value_name = "DIR")]
    from: Option<std::path::PathBuf>,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let catalogue = super::load(arguments.from.as_deref())?.1;
    if arguments.plan {
        let lines = catalogue.plan();
        if json {
            screen::json(&report::plan_json(&lines));
        } else {
            screen::out(&report::plan(&lines));
        }
        return Ok(());
    }
    let a = arguments;
    let filter = Filter { era: a.era.clone(), tier: a.tier, host: a.host, level: a.level, on: a.on, text: a.text.clone() };
    let rows: Vec<_> = catalogue.procedures.filter(&filter).collect();
    if json {
        screen::json(&report::list_json(rows.into_iter()));
        return Ok(());
    }
    let none = rows.is_empty();
    screen::out(&report::list(rows.into_iter()));
    if none {
        screen::note("no row fits; `lienthong catalogue` lists all of them");
    }
    Ok(())
}

fn tier(word: &str) -> Result<Tier, String> {
    Tier::of_word(word).ok_or_else(|| "department, district or commune".to_owned())
}

fn host(word: &str) -> Result<Host, String> {
    Host::of_word(word).ok_or_else(|| "city or ministry".to_owned())
}

fn level(word: &str) -> Result<Level, String> {
    Level::of_word(word).ok_or_else(|| "3, 4, partial, full or unknown".to_owned())
}

fn day(word: &str) -> Result<jiff::civil::Date, String> {
    if word == "today" {
        return Wall::new().now().civil().map(|c| c.date()).ok_or_else(|| "the clock is not set".to_owned());
    }
    word.parse().map_err(|_| "a day such as 2026-06-09, or today".to_owned())
}

//! Reading how fast a partner is fed and may come to us: `[limits]`, `[classes]`, `maintenance`, and the limits of single routes.

use super::partner::Limits;
use super::read::count;
use crate::config::PartnerSettings;
use crate::config::reader::Table;
use crate::delivery::{Limit, Quota, Shares, Terms, Window, Windows};
use std::collections::BTreeMap;
use std::time::Duration;

const RATE: &str = "a rate such as \"5/s\", \"300/min\", \"1000/h\", \"20000/day\"";
const WINDOW: &str =
    "a list of windows such as \"Sun 22:00-02:00\", \"Mon-Fri 01:00-01:30\", \"daily 03:00-03:15\", \"2026-06-25 00:00-04:00\"";

/// A partner's limits, both ways; the operator's settings lie over the file.
pub(super) fn limits(root: &Table<'_>, own: &PartnerSettings, held: bool) -> Limits {
    let mut limits = Limits::default();
    if let Some(t) = root.table("limits") {
        t.only(&["in", "out"]);
        if let Some(out) = t.table("out") {
            out.only(&["rate", "burst", "at_once", "daily", "retries"]);
            let _ = out.need("rate");
            let read = limit(&out, held);
            let fresh = limits.out.whole;
            limits.out.whole =
                Limit { rate: read.rate.or(fresh.rate), at_once: read.at_once.or(fresh.at_once), daily: read.daily };
            let percent = |t: &str| t.strip_suffix('%')?.trim().parse().ok().filter(|n| *n <= 100);
            limits.out.retry_percent =
                out.parsed("retries", "a part of the calls such as \"20%\"", percent).unwrap_or(limits.out.retry_percent);
        }
        for one in t.tables("in") {
            one.only(&["rate", "burst"]);
            let _ = one.need("rate");
            limits.ins.extend(window(&one, held));
        }
    }
    limits.out.shares = shares(root);
    limits.out.maintenance = maintenance(root, own);
    if let Some(rate) = own.rate {
        limits.out.whole.rate = Some(Quota { calls: rate.calls, interval: rate.interval, burst: 1 });
    }
    limits.out.whole.at_once = own.at_once.or(limits.out.whole.at_once);
    limits.out.whole.daily = own.daily.or(limits.out.whole.daily);
    limits
}

/// The limits of one route, besides the partner's own.
pub(super) fn of_route(t: &Table<'_>, held: bool) -> Limit {
    let Some(t) = t.table("limits") else { return Limit::default() };
    t.only(&["rate", "burst", "at_once", "daily"]);
    limit(&t, held)
}

fn limit(t: &Table<'_>, held: bool) -> Limit {
    let rate = t.parsed("rate", RATE, Quota::parse);
    Limit {
        rate: rate.map(|quota| burst(t, quota, held).map_or(quota, |burst| quota.with_burst(burst))),
        at_once: count(t, "at_once"),
        daily: count(t, "daily"),
    }
}

/// A window of what a caller may send. Without a burst of its own, all of it may come at once.
fn window(t: &Table<'_>, held: bool) -> Option<Quota> {
    let quota = t.parsed("rate", RATE, Quota::parse)?;
    Some(quota.with_burst(burst(t, quota, held).unwrap_or(quota.calls)))
}

/// How many may come at once. More than its rate has calls would be cut to them, so it is refused (not in a set that was in force already).
fn burst(t: &Table<'_>, quota: Quota, held: bool) -> Option<u32> {
    let burst = count(t, "burst")?;
    if held && burst > quota.calls {
        let text = format!("`burst` is {burst}, and its rate has {} calls: no more than these can come at once", quota.calls);
        t.fault_at("burst", text, Some(format!("at most `burst = {}`, or a rate of a longer interval", quota.calls)));
    }
    Some(burst)
}

fn shares(root: &Table<'_>) -> Shares {
    let Some(t) = root.table("classes") else { return Shares::default() };
    let one = |i: crate::config::reader::Item<'_>| {
        let share = u32::try_from(i.whole(1)?).ok().filter(|n| *n <= 1000);
        if share.is_none() {
            i.fault("a share is a whole number from 1 to 1000", None);
        }
        Some((i.name().to_owned(), share?))
    };
    Shares::new(t.items().filter_map(one))
}

fn maintenance(root: &Table<'_>, own: &PartnerSettings) -> Windows {
    let here = root.get("maintenance").map(|i| i.list()).unwrap_or_default();
    let here: Vec<Window> = here.iter().filter_map(|i| i.parsed(WINDOW, Window::parse)).collect();
    let Some(own) = &own.maintenance else { return Windows::new(here) };
    let read = own.iter().filter_map(|text| {
        let window = Window::parse(text);
        if window.is_none() {
            root.fault(format!("gateway.toml, `maintenance` of this partner: `{text}` must be {WINDOW}"));
        }
        window
    });
    Windows::new(read)
}

impl Default for Limits {
    fn default() -> Self {
        let rate = Quota { calls: 5, interval: Duration::from_secs(1), burst: 1 };
        let whole = Limit { rate: Some(rate), at_once: Some(4), daily: None };
        let out = Terms { whole, routes: BTreeMap::new(), retry_percent: 20, ..Terms::default() };
        Self { out, ins: Vec::new() }
    }
}

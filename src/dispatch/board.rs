//! How the partners' loops stand: for operators, metrics and forecasts. Kept in memory only; written by the loops, read by anybody.

use crate::clock::Time;
use crate::delivery::{Breaker, Feed, Gate, Outlook, Shut};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Weight of the newest call in what is measured.
const NEWEST: f64 = 0.05;

/// More calls a message than this are no measure of it but of an outage.
const MOST_CALLS: f64 = 5.0;

/// How a partner's loop stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// `closed`, `open`, `probe`, `maintenance`.
    pub breaker: &'static str,
    /// When an open breaker tries again, or a maintenance ends.
    pub until: Option<Time>,
    /// Calls under way.
    pub in_flight: u32,
    /// Calls at once while it recovers, of how many; none: all of them.
    pub ramp: Option<(u32, u32)>,
    /// Calls begun since the start.
    pub calls: u64,
    /// The last trouble's reason.
    pub trouble: Option<String>,
    /// The rate it is kept to, calls per second times 1000.
    pub rate_milli: u64,
    /// Why nothing may begin at all, and until when.
    pub shut: Option<(Shut, Time)>,
    /// When the next call may begin, as far as the limits decide it.
    pub next_at: Option<Time>,
    /// Calls left today, of how many.
    pub quota: Option<(u32, u32)>,
    /// The same by route.
    pub route_quotas: Vec<(String, u32, u32)>,
    /// Calls it still takes by its own word, and until when.
    pub allowance: Option<(u32, Time)>,
    /// The maintenance that comes next: begin and end.
    pub maintenance: Option<(Time, Time)>,
    /// What a forecast looks at; none until the loop has begun.
    pub outlook: Option<Outlook>,
}

/// How every partner's loop stands.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<String, Standing>>>);

/// What is measured of a partner's calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    /// Milliseconds of a call.
    ms: Option<f64>,
    /// Messages that a call ended, on average: below 1 where some are tried again, above it where calls carry several.
    over: Option<f64>,
}

// === impl Measured ===

impl Measured {
    /// A call ended after so long; `over`: so many messages are done with.
    pub(super) fn call(&mut self, took: Duration, over: u32) {
        let mean = |before: Option<f64>, now: f64| Some(before.map_or(now, |b| b + (now - b) * NEWEST));
        self.ms = mean(self.ms, took.as_secs_f64() * 1000.0);
        self.over = mean(self.over, f64::from(over));
    }

    fn outlook(&self, feed: &Feed) -> Outlook {
        let call = Duration::from_secs_f64(self.ms.unwrap_or(50.0) / 1000.0);
        let calls = self.over.map_or(1.0, |over| 1.0 / over.max(1.0 / MOST_CALLS));
        Outlook { feed: feed.clone(), call, calls }
    }
}

// === impl Board ===

impl Board {
    /// One partner's standing.
    #[must_use]
    pub fn of(&self, partner: &str) -> Option<Standing> {
        self.0.lock().ok()?.get(partner).cloned()
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Standing> {
        self.0.lock().map(|b| b.clone()).unwrap_or_default()
    }

    pub(super) fn update(&self, partner: &str, change: impl FnOnce(&mut Standing)) {
        if let Ok(mut board) = self.0.lock() {
            match board.get_mut(partner) {
                Some(standing) => change(standing),
                None => change(board.entry(partner.to_owned()).or_default()),
            }
        }
    }

    /// Writes down how a loop stands.
    pub(super) fn show(&self, partner: &str, feed: &Feed, breaker: &Breaker, measured: &Measured, now: Time) {
        let (mut word, mut until) = gate_words(breaker.gate(now));
        let shut = feed.shut(now);
        if let Some((Shut::Maintenance, end)) = shut {
            (word, until) = ("maintenance", Some(end));
        }
        let rate = feed.rate().map_or(0, |quota| {
            u64::from(quota.calls) * 1_000_000 / u64::try_from(quota.interval.as_millis()).unwrap_or(1).max(1)
        });
        self.update(partner, |s| {
            (s.breaker, s.until, s.in_flight, s.rate_milli, s.shut) = (word, until, feed.in_flight(), rate, shut);
            s.ramp = breaker.ramp().filter(|(now, full)| now < full);
            s.next_at = feed.wait(now).map(|wait| now.plus(wait));
            s.quota = feed.quota(now);
            s.route_quotas = feed.route_quotas(now).map(|(name, left, of)| (name.to_owned(), left, of)).collect();
            s.allowance = feed.allowance(now);
            s.maintenance = feed.maintenance(now);
            s.outlook = Some(measured.outlook(feed));
        });
    }
}

/// A gate in an operator's words.
fn gate_words(gate: Gate) -> (&'static str, Option<Time>) {
    match gate {
        Gate::Pass(_) => ("closed", None),
        Gate::Probe | Gate::Shut(None) => ("probe", None),
        Gate::Shut(until) => ("open", until),
    }
}

//! How one partner is fed: which message next, and when. Pace, calls at once, daily quotas, maintenance windows, the partner's own word
//! to wait, the retry budget and the fair order, in one pure value.
//!
//! What always holds: no more calls begin than every limit allows, in any interval, over restarts (the day's count is [`Saved`] with the
//! claim, before the first byte leaves; the pace begins anew with its burst used up); a call is charged to all its limits
//! or to none; a message of one class or caller waits for others no longer than the bound of `fair`; an inquiry goes before anything else
//! of its class and caller, further attempts within their budget before first ones, first ones by their deadline.
//! It is used in two steps: [`Feed::choose`] reserves a call for a stream (inside the claim's transaction), [`Feed::begin`] says at which
//! moment it may begin (after the claim is synced). Nothing here waits or reads a clock.

use super::fair::{Fair, Shares};
use super::{Pace, Quota, RetryBudget, Windows};
use crate::clock::{DAY_MS, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Calls are reserved together when they may begin within this time; each waits for its own moment.
pub const AHEAD: Duration = Duration::from_millis(20);

/// A partner's word to wait, and any schedule of ours, is never longer: what lies further ahead comes of a clock that was set back.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A message whose statutory term is not known is ordered as if it were due so long after it came in: about ten working days.
const TERM_NOT_KNOWN_MS: i64 = 14 * DAY_MS;

/// The limits of one partner, or of one of its routes. What is not set does not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Calls begun per interval.
    pub rate: Option<Quota>,
    /// Calls at once.
    pub at_once: Option<u32>,
    /// Calls begun per civil day in Viet Nam.
    pub daily: Option<u32>,
}

/// All that is agreed about feeding a partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Of all its calls together.
    pub whole: Limit,
    /// Of single routes besides, by name.
    pub routes: BTreeMap<String, Limit>,
    /// Reserved shares by class.
    pub shares: Shares,
    /// When it must not be called.
    pub maintenance: Windows,
    /// Further attempts are at most this part of its calls.
    pub retry_percent: u32,
    /// Routes that ask before each message: its attempt is two calls.
    pub asking_first: BTreeSet<String>,
}

/// What a message is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Its first attempt, in the order of deadlines.
    First,
    /// A further attempt, from a time on.
    Again,
    /// The question what became of a call, from a time on.
    Inquiry,
}

/// Lanes whose heads go the same way: same class, caller, route and step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Class.
    pub class: String,
    /// Whose message caused it.
    pub caller: String,
    /// Out-route (an inquiry: that of the message asked about).
    pub route: String,
    /// What is next.
    pub step: Step,
    /// Of its first lane: the urgency of a first attempt, else the time from which it may go (milliseconds, wall).
    pub turn: i64,
}

/// The state that outlives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// Of all calls together.
    #[serde(flatten)]
    whole: SavedMeter,
    /// Of single routes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    routes: BTreeMap<String, SavedMeter>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedMeter {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<i64>,
    #[serde(skip_serializing_if = "is_zero")]
    used: u32,
}

/// A partner's feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    whole: Meter,
    routes: BTreeMap<String, Meter>,
    fair: Fair,
    budget: RetryBudget,
    maintenance: Windows,
    asking_first: BTreeSet<String>,
    /// The partner's own word: nothing before this.
    hold: Option<Time>,
    /// The partner's own word: so many calls until then.
    allowance: Option<(u32, Time)>,
    /// Part of the rate while it recovers: calls at once now, of so many.
    ramp: Option<(u32, u32)>,
}

/// One limit with its state.
#[derive(Clone, Debug, PartialEq)]
struct Meter {
    limit: Limit,
    /// As begun.
    pace: Option<Pace>,
    /// As reserved.
    reserved: Option<Pace>,
    in_flight: u32,
    day: i64,
    used: u32,
}

/// Why nothing may begin at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shut {
    /// The partner's maintenance.
    Maintenance,
    /// The partner asked us to wait.
    TheirWord,
    /// The day's quota is used up.
    Quota,
}

// === impl Meter ===

impl Meter {
    fn start(limit: Limit, saved: SavedMeter, now: Time) -> Self {
        let pace = limit.rate.map(|rate| Pace::start(rate, now));
        let used = if saved.day == Some(now.day()) { saved.used } else { 0 };
        Self { limit, pace, reserved: pace, in_flight: 0, day: now.day(), used }
    }

    /// A new day begins a new count. A day before the present one comes of a clock that was set back: the count stays.
    fn turn(&mut self, now: Time) {
        if now.day() > self.day {
            (self.day, self.used) = (now.day(), 0);
        }
    }

    fn left(&self, now: Time) -> Option<u32> {
        let used = if now.day() > self.day { 0 } else { self.used };
        self.limit.daily.map(|daily| daily.saturating_sub(used))
    }

    /// How long until one more may be reserved; none: only the end of a call, or of the day, helps.
    fn wait(&self, now: Time) -> Option<Duration> {
        let full = self.limit.at_once.is_some_and(|n| self.in_flight >= n) || self.left(now) == Some(0);
        (!full).then(|| self.reserved.map_or(Duration::ZERO, |pace| pace.wait(now)))
    }

    /// One attempt of so many calls, one after the other.
    fn reserve(&mut self, now: Time, calls: u32) {
        self.turn(now);
        if let Some(pace) = &mut self.reserved {
            (0..calls).for_each(|_| pace.take(now));
        }
        self.in_flight += 1;
        self.used = self.used.saturating_add(calls);
    }

    fn saved(&self) -> SavedMeter {
        self.limit.daily.map(|_| SavedMeter { day: Some(self.day), used: self.used }).unwrap_or_default()
    }
}

// === impl Saved ===

impl Saved {
    /// Reads what [`Saved::text`] wrote; nothing of it when it cannot be read.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// As it is kept.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

// === impl Feed ===

impl Feed {
    /// From what the last run saved.
    #[must_use]
    pub fn start(terms: &Terms, saved: &Saved, now: Time) -> Self {
        let of = |name: &String| saved.routes.get(name).copied().unwrap_or_default();
        Self {
            whole: Meter::start(terms.whole, saved.whole, now),
            routes: terms.routes.iter().map(|(name, l)| (name.clone(), Meter::start(*l, of(name), now))).collect(),
            fair: Fair::new(terms.shares.clone()),
            budget: RetryBudget::new(terms.retry_percent),
            maintenance: terms.maintenance.clone(),
            asking_first: terms.asking_first.clone(),
            hold: None,
            allowance: None,
            ramp: None,
        }
    }

    /// Before a round of [`Feed::choose`]: nothing is reserved beyond what has begun; a clock that was set back is noticed.
    pub fn open(&mut self, now: Time) {
        for meter in std::iter::once(&mut self.whole).chain(self.routes.values_mut()) {
            meter.turn(now);
            if let Some(pace) = &mut meter.pace {
                pace.steady(now);
            }
            meter.reserved = meter.pace;
        }
        if self.hold.is_some_and(|t| t <= now || t > now.plus(LONGEST_WAIT)) {
            self.hold = None;
        }
        if self.allowance.is_some_and(|(_, t)| t <= now || t > now.plus(LONGEST_WAIT)) {
            self.allowance = None;
        }
    }

    /// The wall was set by `ms`: everything waits as long as before.
    pub fn shift(&mut self, ms: i64) {
        for meter in std::iter::once(&mut self.whole).chain(self.routes.values_mut()) {
            meter.pace.iter_mut().chain(&mut meter.reserved).for_each(|pace| pace.shift(ms));
        }
        self.hold = self.hold.map(|until| until.plus_ms(ms));
        self.allowance = self.allowance.map(|(left, until)| (left, until.plus_ms(ms)));
    }

    /// Why nothing at all may begin, and until when.
    #[must_use]
    pub fn shut(&self, now: Time) -> Option<(Shut, Time)> {
        if let Some(until) = self.maintenance.until(now) {
            return Some((Shut::Maintenance, until));
        }
        let word = self.hold.into_iter().chain(self.allowance.filter(|(left, _)| *left == 0).map(|(_, t)| t));
        if let Some(until) = word.filter(|t| *t > now && *t <= now.plus(LONGEST_WAIT)).max() {
            return Some((Shut::TheirWord, until));
        }
        (self.whole.left(now) == Some(0)).then(|| (Shut::Quota, Time::of_day(now.day() + 1)))
    }

    /// How long until one more call may be reserved, whatever it is; none: only the end of a call helps.
    #[must_use]
    pub fn wait(&self, now: Time) -> Option<Duration> {
        match self.shut(now) {
            Some((_, until)) => Some(span(now, until)),
            None => self.whole.wait(now.plus(AHEAD)),
        }
    }

    /// Reserves a call for one of these streams, by its index; none: none may go now. `probe`: only one call goes, to see whether the
    /// partner is back: a pending inquiry where there is one, due or not, for it does no harm.
    pub fn choose(&mut self, streams: &[Stream], now: Time, probe: bool) -> Option<usize> {
        if self.wait(now) != Some(Duration::ZERO) {
            return None;
        }
        let soon = now.plus(AHEAD);
        let free = |s: &&Stream| {
            let route = self.routes.get(&s.route);
            let free = |m: &Meter| self.enough(m, s, now) && m.wait(soon) == Some(Duration::ZERO);
            self.enough(&self.whole, s, now) && route.is_none_or(free)
        };
        let asked = streams.iter().filter(|s| probe && s.step == Step::Inquiry).filter(free).min_by_key(|s| s.turn);
        let chosen = match asked {
            Some(asked) => asked,
            None => {
                let open = streams.iter().filter(|s| self.due(s, now)).filter(free);
                let (class, caller) = self.fair.choose(open.clone().map(|s| (s.class.as_str(), s.caller.as_str())))?;
                let of = open.filter(|s| s.class == class && s.caller == caller);
                of.min_by_key(|s| (std::cmp::Reverse(s.step), s.turn))?
            }
        };
        let index = streams.iter().position(|s| std::ptr::eq(s, chosen))?;
        let (class, caller, route, step) = (&chosen.class, &chosen.caller, &chosen.route, chosen.step);
        self.fair.charge(class, caller);
        match step {
            Step::First => self.budget.first(),
            Step::Again => self.budget.again(now),
            Step::Inquiry => {}
        }
        let calls = self.calls(route, step);
        self.whole.reserve(now, calls);
        if let Some(meter) = self.routes.get_mut(route) {
            meter.reserve(now, calls);
        }
        if let Some((left, _)) = &mut self.allowance {
            *left = left.saturating_sub(calls);
        }
        Some(index)
    }

    /// When one of these streams may go at the earliest, as far as time decides it (what the day's quota holds back, at midnight); none:
    /// something else has to happen first.
    #[must_use]
    pub fn next(&self, streams: &[Stream], now: Time) -> Option<Time> {
        let of = |s: &Stream| {
            let turn = if self.due(s, now) { now } else { self.due_at(s, now) };
            let route = self.routes.get(&s.route);
            if !(self.enough(&self.whole, s, now) && route.is_none_or(|m| self.enough(m, s, now))) {
                return Some(turn.max(Time::of_day(now.day() + 1)));
            }
            Some(turn.max(now.plus(route.map_or(Some(Duration::ZERO), |m| m.wait(now.plus(AHEAD)))?)))
        };
        streams.iter().filter_map(of).min()
    }

    /// Whether anything that is due was left: the round ended for want of room, not of work.
    #[must_use]
    pub fn left(&self, streams: &[Stream], now: Time) -> bool {
        streams.iter().any(|s| self.due(s, now))
    }

    /// Whether this day's quota has room for the whole attempt.
    fn enough(&self, meter: &Meter, stream: &Stream, now: Time) -> bool {
        meter.left(now).is_none_or(|left| left >= self.calls(&stream.route, stream.step))
    }

    /// How many calls an attempt is.
    fn calls(&self, route: &str, step: Step) -> u32 {
        if step != Step::Inquiry && self.asking_first.contains(route) { 2 } else { 1 }
    }

    /// A reserved call of this route is about to begin: how long it still has to wait for its moment.
    pub fn begin(&mut self, route: &str, now: Time) -> Duration {
        let calls = self.calls(route, Step::First);
        let mut meters = [Some(&mut self.whole), self.routes.get_mut(route)];
        let waits = meters.iter().flatten().filter_map(|m| m.pace.map(|p| p.wait(now)));
        let wait = waits.max().unwrap_or_default();
        for pace in meters.iter_mut().flatten().filter_map(|m| m.pace.as_mut()) {
            (0..calls).for_each(|_| pace.take(now.plus(wait)));
        }
        wait
    }

    /// A call of this route has ended.
    pub fn ended(&mut self, route: &str) {
        for meter in std::iter::once(&mut self.whole).chain(self.routes.get_mut(route)) {
            meter.in_flight = meter.in_flight.saturating_sub(1);
        }
    }

    /// The partner said when to come again.
    pub fn hold(&mut self, now: Time, wait: Duration) {
        let until = now.plus(wait.min(LONGEST_WAIT));
        self.hold = Some(self.hold.map_or(until, |t| t.max(until)));
    }

    /// The partner said how many calls it still takes until then; its newest word counts.
    pub fn allow(&mut self, now: Time, remaining: u32, reset: Duration) {
        self.allowance = Some((remaining, now.plus(reset.min(LONGEST_WAIT))));
    }

    /// While the partner recovers, `now` of `full` calls go at once, and the same part of its rate. `full` of `full`: all of it.
    pub fn ramp(&mut self, now: u32, full: u32) {
        self.ramp = (now < full).then_some((now.max(1), full.max(1)));
        if let (Some(rate), Some(pace)) = (self.whole.limit.rate, self.whole.pace) {
            self.whole.pace = Some(pace.under(self.ramp.map_or(rate, |(now, full)| rate.part(now, full))));
        }
    }

    /// What has to outlive a restart: all that is reserved counts as begun.
    #[must_use]
    pub fn saved(&self) -> Saved {
        let counted = self.routes.iter().filter(|(_, m)| m.limit.daily.is_some());
        Saved { whole: self.whole.saved(), routes: counted.map(|(n, m)| (n.clone(), m.saved())).collect() }
    }

    /// Calls under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.whole.in_flight
    }

    /// Calls left today, of how many, where there is a daily quota.
    #[must_use]
    pub fn quota(&self, now: Time) -> Option<(u32, u32)> {
        Some((self.whole.left(now)?, self.whole.limit.daily?))
    }

    /// The same of its routes that have one.
    pub fn route_quotas(&self, now: Time) -> impl Iterator<Item = (&str, u32, u32)> {
        self.routes.iter().filter_map(move |(name, m)| Some((name.as_str(), m.left(now)?, m.limit.daily?)))
    }

    /// Calls the partner still takes by its own word, and until when.
    #[must_use]
    pub fn allowance(&self, now: Time) -> Option<(u32, Time)> {
        self.allowance.filter(|(_, until)| *until > now)
    }

    /// The maintenance that comes next.
    #[must_use]
    pub fn maintenance(&self, now: Time) -> Option<(Time, Time)> {
        self.maintenance.next(now)
    }

    /// The rate it is kept to now.
    #[must_use]
    pub fn rate(&self) -> Option<Quota> {
        self.whole.pace.map(|p| p.quota())
    }

    /// Under another rate and number of calls at once: what if.
    #[must_use]
    pub fn under(mut self, rate: Quota) -> Self {
        self.whole.limit.rate = Some(rate);
        self.whole.pace = self.whole.pace.map(|p| p.under(rate));
        self.ramp = None;
        self
    }

    /// The same limits for parcels of `size` calls each, for a forecast.
    #[must_use]
    pub fn in_parcels(mut self, size: f64) -> Self {
        let larger = |quota: Quota| Quota { interval: quota.interval.mul_f64(size), ..quota };
        let fewer = |n: u32| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a u32")]
            let parcels = (f64::from(n) / size).floor() as u32;
            parcels
        };
        for meter in std::iter::once(&mut self.whole).chain(self.routes.values_mut()) {
            meter.limit.rate = meter.limit.rate.map(larger);
            meter.limit.daily = meter.limit.daily.map(fewer);
            meter.pace = meter.pace.map(|p| p.under(larger(p.quota())));
            (meter.in_flight, meter.used) = (0, fewer(meter.used));
        }
        (self.ramp, self.budget) = (None, RetryBudget::new(100));
        self.allowance = self.allowance.filter(|(left, _)| *left == 0);
        self
    }

    /// Calls at once.
    #[must_use]
    pub fn at_once(&self) -> Option<u32> {
        self.whole.limit.at_once
    }

    fn due(&self, s: &Stream, now: Time) -> bool {
        s.step == Step::First || self.due_at(s, now) <= now
    }

    /// From when the first lane of a stream may go.
    fn due_at(&self, s: &Stream, now: Time) -> Time {
        if s.step == Step::First {
            return now;
        }
        // Further ahead than any schedule is: the wall clock was set back.
        let turn = if Time(s.turn) > now.plus(2 * LONGEST_WAIT) { now } else { Time(s.turn) };
        let budget = if s.step == Step::Again { self.budget.at(now) } else { None };
        budget.map_or(turn, |t| t.max(turn))
    }
}

// === functions ===

/// The order of first attempts: by the deadline, or by what stands for one that is not known (so nothing waits for ever behind others
/// with one, and what never has one goes in the order it came).
#[must_use]
pub fn urgency(deadline: Option<Time>, came: Time) -> i64 {
    deadline.unwrap_or(came.plus_ms(TERM_NOT_KNOWN_MS)).0
}

fn span(now: Time, until: Time) -> Duration {
    Duration::from_millis(u64::try_from(until.ms_since(now)).unwrap_or(0))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;

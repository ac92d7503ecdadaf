//! GCRA, the generic cell rate algorithm: a cap of n per interval that holds in *any* half-open interval.
//!
//! With no burst, calls are spaced interval/n. With a burst b they are spaced interval/(n−b+1), so that b at once and what follows
//! stay at or below n in any interval. A little headroom covers the network's jitter. The whole state is one number, `tat` (the
//! theoretical arrival time). It is not kept over a restart, for nobody can measure the time between two runs (the wall may have been set):
//! after a start the burst counts as used up and the first call waits one full spacing, which is the most that any state can ask for.

use crate::clock::Time;
use crate::planted::{Plant, planted};
use std::time::Duration;

/// "n per interval, b at once".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls per interval, at least 1.
    pub calls: u32,
    /// The interval.
    pub interval: Duration,
    /// Calls that may begin at once, 1 to `calls`.
    pub burst: u32,
}

/// The pacing state of one quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    quota: Quota,
    /// Theoretical arrival time in microseconds, so that 3 a second is not rounded to a whole millisecond.
    tat_us: i64,
}

// === impl Quota ===

impl Quota {
    /// Headroom for jitter between our call's begin and its arrival: the spacing is stretched by this many thousandths.
    const HEADROOM_THOUSANDTHS: i64 = 20;

    /// Reads `5/s`, `20000/min`, `100/h`, `50000/day`; `None` when it is not one or not at least one call.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (calls, unit) = text.split_once('/')?;
        let interval = match unit.trim() {
            "s" => Duration::from_secs(1),
            "min" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "day" => Duration::from_secs(86_400),
            _ => return None,
        };
        let calls: u32 = calls.trim().parse().ok().filter(|n| *n > 0)?;
        Some(Self { calls, interval, burst: 1 })
    }

    /// The same with a burst, held between 1 and `calls`.
    #[must_use]
    pub fn with_burst(self, burst: u32) -> Self {
        Self { burst: burst.clamp(1, self.calls), ..self }
    }

    /// `now` of `full` parts of it, one call at a time.
    #[must_use]
    pub fn part(self, now: u32, full: u32) -> Self {
        // A longer interval for the same calls: a small rate is not rounded away.
        let interval = self.interval.saturating_mul(full.max(1)) / now.max(1);
        Self { interval, burst: 1, ..self }
    }

    fn interval_us(self) -> i64 {
        i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX / 4)
    }

    fn spacing_us(self) -> i64 {
        let interval = self.interval_us();
        let steps = i64::from(self.calls.saturating_sub(self.burst) + 1);
        let bare = interval / steps + i64::from(interval % steps != 0);
        bare + bare * Self::HEADROOM_THOUSANDTHS / 1000
    }
}

// === impl Pace ===

impl Pace {
    /// Calls are taken this far ahead at most, with room to spare.
    const SLACK_US: i64 = 1_000_000;

    /// Lateness that is made up is at most this.
    const MOST_LATE_US: i64 = 10_000;

    /// A pace at start: whatever was called before, the cap holds from here on.
    #[must_use]
    pub fn start(quota: Quota, now: Time) -> Self {
        Self { quota, tat_us: full_us(quota, now) }
    }

    /// The wall clock may have been set back: a state further ahead than calls can have brought it is cut, as at a start.
    pub fn steady(&mut self, now: Time) {
        let full = full_us(self.quota, now);
        if self.tat_us > full.saturating_add(Self::SLACK_US) {
            self.tat_us = full;
        }
    }

    /// The wall was set by `ms`: the next call may begin as long from now as before.
    pub fn shift(&mut self, ms: i64) {
        self.tat_us = self.tat_us.saturating_add(ms.saturating_mul(1000));
    }

    /// How long until the next call may begin; zero: now.
    #[must_use]
    pub fn wait(&self, now: Time) -> Duration {
        if planted(Plant::NoPace) {
            return Duration::ZERO;
        }
        let slack = self.quota.spacing_us() * (i64::from(self.quota.burst) - 1);
        let us = self.tat_us.saturating_sub(slack).saturating_sub(now.0.saturating_mul(1000));
        Duration::from_micros(u64::try_from(us).unwrap_or(0))
    }

    /// How many calls may begin now, at most `max`.
    #[must_use]
    pub fn ready(&self, now: Time, max: u32) -> u32 {
        let mut copy = *self;
        let mut n = 0;
        while n < max && copy.wait(now).is_zero() {
            copy.take(now);
            n += 1;
        }
        n
    }

    /// Counts one call that begins now.
    pub fn take(&mut self, now: Time) {
        self.tat_us = self.tat_us.max(now.0.saturating_mul(1000)) + self.quota.spacing_us();
    }

    /// Counts one call that begins now and was planned for this moment or a little before: lateness within half the headroom is made up by
    /// the next ones, so that a timer's coarseness costs no throughput; the cap holds all the same.
    pub fn take_planned(&mut self, now: Time) {
        let late = self.quota.interval_us() / 1000 * Quota::HEADROOM_THOUSANDTHS / 2;
        self.tat_us = self.tat_us.max(now.0.saturating_mul(1000) - late.min(Self::MOST_LATE_US)) + self.quota.spacing_us();
    }

    /// The quota it keeps.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// The same state under another quota: a changed limit gives no fresh burst.
    #[must_use]
    pub fn under(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }
}

/// The state after a burst that was used up this moment.
fn full_us(quota: Quota, now: Time) -> i64 {
    now.0.saturating_mul(1000).saturating_add(quota.spacing_us().saturating_mul(i64::from(quota.burst)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rate_is_read_or_refused() {
        assert_eq!(Quota::parse("5/s").map(|q| (q.calls, q.interval.as_secs())), Some((5, 1)));
        assert_eq!(Quota::parse("20000/min").map(|q| (q.calls, q.interval.as_secs())), Some((20_000, 60)));
        assert_eq!(Quota::parse("50000/day").map(|q| q.interval.as_secs()), Some(86_400));
        for bad in ["0/s", "5", "5/week", "-1/s", "/s", "1.5/s"] {
            assert_eq!(Quota::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn after_a_start_the_first_call_waits_one_full_spacing_and_no_burst_is_fresh() {
        for burst in [1, 3, 5] {
            let quota = Quota::parse("5/s").unwrap().with_burst(burst);
            let pace = Pace::start(quota, Time(0));
            let spacing = Duration::from_micros(quota.spacing_us().unsigned_abs());
            assert_eq!(pace.wait(Time(0)), spacing, "burst {burst}");
            assert_eq!(pace.ready(Time(0).plus(spacing + Duration::from_millis(1)), 10), 1, "burst {burst}");
        }
    }

    #[test]
    fn a_clock_that_is_set_makes_no_call_begin_sooner_or_later() {
        for step in [3_600_000, -3_600_000] {
            let mut pace = Pace::start(Quota::parse("5/s").unwrap(), Time(7_200_000));
            pace.take(Time(7_200_000));
            let before = pace.wait(Time(7_200_000));
            pace.shift(step);
            assert_eq!(pace.wait(Time(7_200_000 + step)), before);
        }
    }

    #[test]
    fn a_clock_set_back_while_running_stops_nothing() {
        let quota = Quota::parse("5/s").unwrap();
        let mut pace = Pace::start(quota, Time(3_600_000));
        pace.take(Time(3_600_000));
        let before = pace;
        pace.steady(Time(3_600_000));
        assert_eq!(pace, before);
        pace.steady(Time(0));
        assert!(pace.wait(Time(0)) <= Duration::from_millis(205));
    }

    /// Begins all that may begin after each step, by `take`; with kills: the state is lost, and the machine's wall may be set.
    fn begun(quota: Quota, steps: &[(i64, bool, i64)], take: fn(&mut Pace, Time)) -> Vec<i64> {
        let (mut now, mut wall) = (0, 0);
        let mut pace = Pace::start(quota, Time(wall));
        let mut begun = Vec::new();
        for (step, killed, set) in steps {
            (now, wall) = (now + step, wall + step);
            if *killed {
                wall += set;
                pace = Pace::start(quota, Time(wall));
            }
            while pace.wait(Time(wall)).is_zero() {
                take(&mut pace, Time(wall));
                begun.push(now);
            }
        }
        begun
    }

    proptest! {
        #[test]
        fn never_more_than_the_cap_in_any_interval_over_restarts_and_a_wall_that_was_set(
            calls in 1u32..40,
            burst in 1u32..40,
            steps in prop::collection::vec((0i64..400, prop::bool::weighted(0.1), -5_000_000i64..5_000_000), 1..200),
        ) {
            let quota = Quota { calls, interval: Duration::from_secs(1), burst: 1 }.with_burst(burst);
            for take in [Pace::take as fn(&mut Pace, Time), Pace::take_planned] {
                let begun = begun(quota, &steps, take);
                for (i, from) in begun.iter().enumerate() {
                    let within = begun.iter().skip(i).take_while(|t| **t < from + 1000).count();
                    prop_assert!(within <= calls as usize, "{within} calls in the second from {from}");
                }
            }
        }
    }
}

//! GCRA, the generic cell rate algorithm: a cap of n per interval that holds in *any* half-open interval.
//!
//! With no burst, calls are spaced interval/n. With a burst b they are spaced interval/(n−b+1), so that b at once and what follows
//! stay at or below n in any interval. A little headroom covers the network's jitter. The whole state is one number, `tat` (the
//! theoretical arrival time, wall milliseconds), saved with each claim batch; without a saved one the first call waits one full spacing.

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

    fn spacing_us(self) -> i64 {
        let interval = i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX / 4);
        let steps = i64::from(self.calls.saturating_sub(self.burst) + 1);
        let bare = interval / steps + i64::from(interval % steps != 0);
        bare + bare * Self::HEADROOM_THOUSANDTHS / 1000
    }
}

// === impl Pace ===

impl Pace {
    /// Calls are taken this far ahead at most, with room to spare.
    const SLACK_US: i64 = 1_000_000;

    /// A pace at start: from the saved state when there is one, else the first call waits one full spacing. A saved state further
    /// ahead than the burst allows (a clock that was set back) is cut, so that a clock step never makes a wait longer than that.
    #[must_use]
    pub fn start(quota: Quota, saved_ms: Option<i64>, now: Time) -> Self {
        let now_us = now.0.saturating_mul(1000);
        let full = now_us + quota.spacing_us() * i64::from(quota.burst);
        let tat_us = saved_ms.map_or(full, |ms| ms.saturating_mul(1000).min(full)).max(now_us);
        Self { quota, tat_us }
    }

    /// The wall clock may have been set back: a state further ahead than calls can have brought it is cut, as at a start.
    pub fn steady(&mut self, now: Time) {
        let full = now.0.saturating_mul(1000) + self.quota.spacing_us() * i64::from(self.quota.burst);
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

    /// The state to save, wall milliseconds, rounded up.
    #[must_use]
    pub fn tat_ms(&self) -> i64 {
        self.tat_us.saturating_add(999) / 1000
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
    fn after_a_start_the_first_call_waits_one_full_interval() {
        let quota = Quota::parse("5/s").unwrap();
        let pace = Pace::start(quota, None, Time(0));
        assert!(pace.wait(Time(0)) >= Duration::from_millis(200));
    }

    #[test]
    fn a_clock_set_back_makes_no_wait_longer_than_the_burst_allows() {
        let quota = Quota::parse("5/s").unwrap();
        let pace = Pace::start(quota, Some(3_600_000), Time(0));
        assert!(pace.wait(Time(0)) <= Duration::from_millis(205));
    }

    #[test]
    fn a_clock_that_is_set_makes_no_call_begin_sooner_or_later() {
        for step in [3_600_000, -3_600_000] {
            let mut pace = Pace::start(Quota::parse("5/s").unwrap(), None, Time(7_200_000));
            pace.take(Time(7_200_000));
            let before = pace.wait(Time(7_200_000));
            pace.shift(step);
            assert_eq!(pace.wait(Time(7_200_000 + step)), before);
        }
    }

    #[test]
    fn a_clock_set_back_while_running_stops_nothing() {
        let quota = Quota::parse("5/s").unwrap();
        let mut pace = Pace::start(quota, None, Time(3_600_000));
        pace.take(Time(3_600_000));
        let before = pace;
        pace.steady(Time(3_600_000));
        assert_eq!(pace, before);
        pace.steady(Time(0));
        assert!(pace.wait(Time(0)) <= Duration::from_millis(205));
    }

    proptest! {
        #[test]
        fn never_more_than_the_cap_in_any_interval(calls in 1u32..40, burst in 1u32..40, steps in prop::collection::vec(0i64..400, 1..200)) {
            let quota = Quota { calls, interval: Duration::from_secs(1), burst: 1 }.with_burst(burst);
            let mut pace = Pace::start(quota, None, Time(0));
            let (mut now, mut begun) = (Time(0), Vec::new());
            for step in steps {
                now = now.plus_ms(step);
                while pace.wait(now).is_zero() {
                    pace.take(now);
                    begun.push(now.0);
                }
            }
            for (i, from) in begun.iter().enumerate() {
                let within = begun.iter().skip(i).take_while(|t| **t < from + 1000).count();
                prop_assert!(within <= calls as usize, "{within} calls in the second from {from}");
            }
        }
    }
}

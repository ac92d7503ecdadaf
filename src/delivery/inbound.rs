//! Several windows on what one caller may send: GCRA, pure. All are checked before any is charged.
//!
//! A window "n per interval, b at once" lets b come at once and n per interval in the long run. Its whole state is one number: the time at
//! which it would be as good as unused (nanoseconds on a clock that never goes back). A changed limit gives no fresh burst: what was used up
//! under the old windows counts under the new ones.

use super::Quota;
use std::time::Duration;

/// The windows of one caller and operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windowed {
    list: Vec<(Quota, u64)>,
}

/// A refusal: nothing was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The window that refuses longest.
    pub quota: Quota,
    /// When to come again.
    pub wait: Duration,
}

// === impl Windowed ===

impl Windowed {
    /// Unused windows.
    #[must_use]
    pub fn new(quotas: &[Quota]) -> Self {
        Self { list: quotas.iter().map(|q| (*q, 0)).collect() }
    }

    /// The windows, as they are configured.
    pub fn quotas(&self) -> impl Iterator<Item = Quota> {
        self.list.iter().map(|(q, _)| *q)
    }

    /// The same caller under other windows: each begins as much used up as the old ones were, so that no change gives a fresh burst.
    pub fn change(&mut self, quotas: &[Quota], now: Duration) {
        if self.quotas().eq(quotas.iter().copied()) {
            return;
        }
        let now = nanos(now);
        let used = self.list.iter().map(|(_, tat)| tat.saturating_sub(now)).max().unwrap_or(0);
        self.list = quotas.iter().map(|q| (*q, now + used.min(depth(*q)))).collect();
    }

    /// Takes one request, if every window has room for it.
    pub fn charge(&mut self, now: Duration) -> Result<(), Exceeded> {
        let at = nanos(now);
        let late = |(quota, tat): &(Quota, u64)| {
            let wait = (*tat).max(at).saturating_add(spacing(*quota)).saturating_sub(at + depth(*quota));
            (wait > 0).then(|| Exceeded { quota: *quota, wait: Duration::from_nanos(wait) })
        };
        if let Some(longest) = self.list.iter().filter_map(late).max_by_key(|e| e.wait) {
            return Err(longest);
        }
        for (quota, tat) in &mut self.list {
            *tat = (*tat).max(at).saturating_add(spacing(*quota));
        }
        Ok(())
    }

    /// Requests that would be taken at once now.
    #[must_use]
    pub fn remaining(&self, now: Duration) -> u32 {
        let at = nanos(now);
        let left = |(quota, tat): &(Quota, u64)| {
            let free = (at + depth(*quota)).saturating_sub((*tat).max(at));
            u32::try_from(free / spacing(*quota)).unwrap_or(u32::MAX)
        };
        self.list.iter().map(left).min().unwrap_or(u32::MAX)
    }

    /// Whether it is as good as unused: it may be forgotten without giving anybody anything.
    #[must_use]
    pub fn is_fresh(&self, now: Duration) -> bool {
        self.list.iter().all(|(_, tat)| *tat <= nanos(now))
    }
}

// === functions ===

fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX / 4)
}

/// From one request to the next in the long run.
fn spacing(quota: Quota) -> u64 {
    (nanos(quota.interval) / u64::from(quota.calls.max(1))).max(1)
}

/// What may come at once.
fn depth(quota: Quota) -> u64 {
    spacing(quota).saturating_mul(u64::from(quota.burst.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quota(text: &str) -> Quota {
        let quota = Quota::parse(text).unwrap();
        quota.with_burst(quota.calls)
    }

    const fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn what_one_window_refuses_is_charged_to_none() {
        let mut w = Windowed::new(&[quota("2/s"), quota("5/min")]);
        assert!(w.charge(s(0)).is_ok() && w.charge(s(0)).is_ok());
        for _ in 0..100 {
            assert_eq!(w.charge(s(0)).unwrap_err().quota, quota("2/s"));
        }
        assert_eq!(w.remaining(s(10)), 2, "a hundred refusals cost the long window nothing");
        assert!(w.charge(s(10)).is_ok() && w.charge(s(10)).is_ok());
        assert!(w.charge(s(11)).is_ok());
        let refused = w.charge(s(11)).unwrap_err();
        assert_eq!(refused.quota, quota("5/min"), "the one that refuses longest is told");
        assert!(w.charge(s(11) + refused.wait).is_ok(), "and when to come again is true");
        assert!(w.charge(s(11) + refused.wait).is_err());
    }

    #[test]
    fn a_changed_limit_gives_no_fresh_burst() {
        let mut w = Windowed::new(&[quota("10/s")]);
        (0..10).for_each(|_| assert!(w.charge(s(0)).is_ok()));
        for other in [[quota("10/s"), quota("600/min")].as_slice(), &[quota("20/s")], &[quota("5/s")], &[quota("10/s")]] {
            w.change(other, s(0));
            assert!(w.charge(s(0)).is_err(), "{other:?}");
        }
    }

    #[test]
    fn only_what_is_as_good_as_unused_may_be_forgotten() {
        let mut w = Windowed::new(&[quota("2/s"), quota("60/min")]);
        assert!(w.is_fresh(s(0)));
        assert!(w.charge(s(5)).is_ok());
        assert!(!w.is_fresh(s(5)) && w.is_fresh(s(6)));
    }

    proptest! {
        #[test]
        fn every_window_holds_in_the_long_run_and_at_once(
            quotas in prop::collection::vec((1u32..50, 1u32..50, 1u64..60), 1..4),
            steps in prop::collection::vec(0u64..2_000, 1..200),
        ) {
            let quotas: Vec<Quota> =
                quotas.into_iter().map(|(calls, burst, secs)| Quota { calls, interval: s(secs), burst }).collect();
            let mut w = Windowed::new(&quotas);
            let (mut now, mut taken) = (Duration::ZERO, Vec::new());
            for step in steps {
                now += Duration::from_millis(step);
                let before = w.clone();
                let room = w.remaining(now);
                match w.charge(now) {
                    Ok(()) => {
                        prop_assert!(room > 0);
                        taken.push(now);
                    }
                    Err(e) => {
                        prop_assert_eq!(room, 0);
                        prop_assert_eq!(&before, &w);
                        prop_assert!(w.clone().charge(now + e.wait).is_ok());
                    }
                }
            }
            for quota in quotas {
                for (i, from) in taken.iter().enumerate() {
                    for (n, to) in taken.iter().enumerate().skip(i) {
                        let allowed = f64::from(quota.burst) + (*to - *from).as_secs_f64() * f64::from(quota.calls) / quota.interval.as_secs_f64();
                        prop_assert!((n - i + 1) as f64 <= allowed + 1e-3, "{} in {:?}", n - i + 1, *to - *from);
                    }
                }
            }
        }
    }
}

//! When to try a message again: exponential with jitter, a bounded number of attempts. Only the partner's word about this message
//! uses up an attempt; an outage uses up none (that is the breaker's matter).

use crate::clock::Time;
use std::time::Duration;

/// The schedule of one route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The first wait.
    pub first: Duration,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// No wait is longer.
    pub max: Duration,
    /// After this many attempts the message is parked.
    pub attempts: u32,
}

// === impl RetryPolicy ===

impl RetryPolicy {
    /// The wait after `attempts` attempts: between half and the whole of the step, by `chance` (0 to 1).
    #[must_use]
    pub fn wait(&self, attempts: u32, chance: f64) -> Duration {
        let power = self.factor.powi(i32::try_from(attempts.saturating_sub(1).min(64)).unwrap_or(64));
        let step = (self.first.as_secs_f64() * power).min(self.max.as_secs_f64());
        Duration::from_secs_f64(step * (0.5 + 0.5 * chance.clamp(0.0, 1.0)))
    }

    /// When to try again after attempt number `attempts`; `None`: the schedule is used up. The partner's own word
    /// (Retry-After) is honoured when it is later.
    #[must_use]
    pub fn next(&self, attempts: u32, now: Time, chance: f64, not_before: Option<Duration>) -> Option<Time> {
        (attempts < self.attempts).then(|| now.plus(self.wait(attempts, chance).max(not_before.unwrap_or_default())))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), factor: 2.0, max: Duration::from_secs(600), attempts: 12 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_and_end_with_the_attempts() {
        let p = RetryPolicy { first: Duration::from_secs(1), factor: 2.0, max: Duration::from_secs(5), attempts: 5 };
        for (attempts, chance, want) in
            [(1, 1.0, Some(1000)), (2, 1.0, Some(2000)), (4, 1.0, Some(5000)), (2, 0.0, Some(1000)), (5, 1.0, None)]
        {
            assert_eq!(p.next(attempts, Time(0), chance, None).map(|t| t.0), want, "after {attempts}");
        }
    }

    #[test]
    fn a_later_word_of_the_partner_is_honoured() {
        let p = RetryPolicy::default();
        assert_eq!(p.next(1, Time(0), 0.0, Some(Duration::from_secs(30))), Some(Time(30_000)));
        assert_eq!(p.next(1, Time(0), 1.0, Some(Duration::from_millis(1))), Some(Time(2_000)));
    }
}

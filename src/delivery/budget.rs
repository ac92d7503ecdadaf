//! The retry budget of a partner: further attempts are at most a share of its calls, so that a partner in trouble is not met with
//! everything again, and first attempts are never crowded out by repeats. A token bucket, pure; a little goes on whatever happens.

use crate::clock::Time;
use std::time::Duration;

/// Tokens are counted in millionths of a call.
const CALL: i64 = 1_000_000;

/// Calls that may be saved up.
const MOST: i64 = 10 * CALL;

/// One further attempt is always allowed per this time.
const FLOOR: Duration = Duration::from_secs(1);

/// What is left for further attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    /// Part of a call that each first attempt adds.
    share: i64,
    tokens: i64,
    /// When the last one went beyond the share.
    last: Time,
}

// === impl RetryBudget ===

impl RetryBudget {
    /// Further attempts are at most `percent` of the calls; 100 or more: there is no budget.
    #[must_use]
    pub fn new(percent: u32) -> Self {
        Self { share: CALL * i64::from(percent.min(100)) / 100, tokens: MOST, last: Time(i64::MIN / 2) }
    }

    /// A first attempt goes.
    pub fn first(&mut self) {
        self.tokens = (self.tokens + self.share).min(MOST);
    }

    /// When a further attempt may go: now, or at that time.
    #[must_use]
    pub fn at(&self, now: Time) -> Option<Time> {
        let floor = self.last.plus(FLOOR);
        // Further ahead than the floor allows: the wall clock was set back.
        let open = self.share >= CALL || self.tokens >= CALL || now >= floor || floor > now.plus(FLOOR);
        (!open).then_some(floor)
    }

    /// A further attempt goes.
    pub fn again(&mut self, now: Time) {
        if self.tokens >= CALL {
            self.tokens -= CALL;
        } else {
            self.last = now;
        }
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_first_attempts_go_further_ones_are_at_most_their_share() {
        let mut budget = RetryBudget::new(20);
        let (mut first, mut again) = (0, 0);
        for n in 0..10_000 {
            let now = Time(n);
            if budget.at(now).is_none() {
                budget.again(now);
                again += 1;
            } else {
                budget.first();
                first += 1;
            }
        }
        // A fifth of the first ones, the ten saved up, and one a second.
        assert!(again <= first / 5 + 10 + 10, "{again} of {first}");
    }

    #[test]
    fn with_nothing_else_to_send_one_a_second_goes() {
        let mut budget = RetryBudget::new(0);
        let gone = (0..10_000).filter(|n| budget.at(Time(*n)).is_none().then(|| budget.again(Time(*n))).is_some()).count();
        assert_eq!(gone, 10 + 10);
        assert_eq!(budget.at(Time(9_500)), Some(Time(10_010)));
        assert_eq!(budget.at(Time(0)), None, "a clock set back stops nothing");
    }
}

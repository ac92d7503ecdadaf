//! Were there ever more calls in a second than agreed? Judged by arrivals in the partner's own book.
//!
//! Begun and arrived are not the same: a call may be held up on its way, so a window is a second less 50 ms. Nothing else is allowed to the
//! gateway; that it or the load was held up itself is no excuse. Only of the partner's own process is not asked more than it can know: while
//! it did not get to run it took in nothing, and then all at once what had come apart. It runs on one thread that keeps watch over itself,
//! so every such time is known; a window that begins with a call taken in right after one is shorter by it.

use crate::simulator::{Call, Stall};

/// How much later than it was begun a call may arrive.
pub(super) const JITTER_MS: i64 = 50;

/// The window, but for stalls.
const WINDOW_MS: i64 = 1_000 - JITTER_MS;

/// What came while the partner was held up is taken in within this time after it.
const CATCHING_UP_MS: i64 = 60;

/// When calls that count against the limit arrived, in order: all but signing in.
pub(super) fn arrivals(calls: &[Call]) -> Vec<i64> {
    let mut at: Vec<i64> = calls.iter().filter(|c| !c.outgoing && c.operation != "token").map(|c| c.at_ms).collect();
    at.sort_unstable();
    at
}

/// The arrivals that were one too many in the window that ends with them.
pub(super) fn over(arrivals: &[i64], limit: usize, stalls: &[Stall]) -> Vec<i64> {
    let pairs = arrivals.iter().zip(arrivals.iter().skip(limit));
    let too_many = pairs.filter(|(first, last)| *last - *first < WINDOW_MS - held_up(**first, stalls));
    too_many.map(|(_, last)| *last).collect()
}

/// How long the partner had not run when it took in this call.
fn held_up(at: i64, stalls: &[Stall]) -> i64 {
    let around = |s: &&Stall| s.from_ms <= at && at <= s.from_ms + s.ms + CATCHING_UP_MS;
    stalls.iter().filter(around).map(|s| s.ms).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_agreed_are_well_and_one_more_is_not() {
        let even: Vec<i64> = (0..100).map(|n| n * 51).collect();
        assert_eq!(over(&even, 20, &[]), Vec::<i64>::new());
        let mut burst = even.clone();
        burst.extend([100, 101, 102]);
        burst.sort_unstable();
        assert!(!over(&burst, 20, &[]).is_empty());
        let bare: Vec<i64> = (0..100).map(|n| n * 45).collect();
        assert!(!over(&bare, 20, &[]).is_empty(), "22 a second");
    }

    #[test]
    fn what_the_partner_itself_held_up_is_not_the_gateways_fault() {
        // Ten calls of half a second taken in at once, the rest as they came.
        let mut at: Vec<i64> = (0..10).map(|_| 1_500).collect();
        at.extend((1..30).map(|n| 1_500 + n * 51));
        assert!(!over(&at, 20, &[]).is_empty());
        assert!(over(&at, 20, &[Stall { from_ms: 990, ms: 505 }]).is_empty());
        assert!(!over(&at, 20, &[Stall { from_ms: 100, ms: 505 }]).is_empty(), "a stall long before explains nothing");
    }
}

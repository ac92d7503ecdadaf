//! How the journal fares, measured by itself: syncs, commits, what waits for the writer, room on the disk.
//!
//! What always holds: measuring costs a commit well under a microsecond and holds the last [`LAST`] commits only. A disk that is slow,
//! or whose sync is suspiciously quick, is told once in the log when it turns so, and as long as it is so in the status.

use super::Room;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Commits that are remembered.
const LAST: usize = 512;
/// After so many commits it is looked whether the disk has become slow.
const LOOK: u64 = 64;
/// A median above this makes every answer slow: a worn or shared disk, or a network's.
pub(super) const SLOW: Duration = Duration::from_millis(10);
/// No disk syncs as quickly as this: what it says is written may be in a cache that loses it.
pub(super) const TOO_QUICK: Duration = Duration::from_micros(20);

/// The journal's health. Times in microseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Median of a synced append, measured at start.
    pub sync_us: u64,
    /// Median of the last commits, sync included.
    pub commit_p50_us: u64,
    /// Their 99th percentile.
    pub commit_p99_us: u64,
    /// Median of what the oldest command of each had waited for the writer.
    pub wait_p50_us: u64,
    /// Its 99th percentile.
    pub wait_p99_us: u64,
    /// Commands in a commit, on average times 1000.
    pub batch_milli: u64,
    /// Commands that wait for the writer now.
    pub queue: u64,
    /// Commits of this run.
    pub commits: u64,
    /// Commands of this run.
    pub commands: u64,
    /// Rows written in this run.
    pub rows: u64,
    /// The write-ahead log.
    pub wal_bytes: u64,
    /// Free on the disk.
    pub free_bytes: Option<u64>,
    /// Kept free.
    pub reserve_bytes: u64,
    /// What that means.
    pub room: Room,
    /// `slow`, `too-quick`, or nothing to say about the disk.
    pub disk: Option<&'static str>,
}

/// What is remembered of the last commits.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    recent: Mutex<Recent>,
    slow: AtomicBool,
}

#[derive(Debug, Default)]
struct Recent {
    last: VecDeque<Beat>,
    seen: u64,
}

/// One commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    /// How long COMMIT took.
    pub(super) commit: Duration,
    /// How long its oldest command had waited.
    pub(super) waited: Duration,
    /// Its commands.
    pub(super) commands: usize,
}

/// Percentiles of the last commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beats {
    /// Median and 99th percentile of COMMIT, microseconds.
    pub(super) commit: (u64, u64),
    /// The same of the wait.
    pub(super) wait: (u64, u64),
    /// Commands in a commit on average, times 1000.
    pub(super) batch_milli: u64,
}

// === impl Pulse ===

impl Pulse {
    /// Remembers a commit; now and then it looks whether the disk has become slow.
    pub(super) fn note(&self, beat: Beat) {
        let median = {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            if recent.last.len() >= LAST {
                recent.last.pop_front();
            }
            recent.last.push_back(beat);
            recent.seen += 1;
            if !recent.seen.is_multiple_of(LOOK) {
                return;
            }
            percentiles(recent.last.iter().map(|b| b.commit)).0
        };
        let slow = u128::from(median) > SLOW.as_micros();
        if self.slow.swap(slow, Ordering::Relaxed) != slow {
            if slow {
                tracing::warn!(commit_p50_us = median, "the disk is slow: every acknowledgement waits for its sync");
            } else {
                tracing::info!(commit_p50_us = median, "the disk is quick enough again");
            }
        }
    }

    /// The last commits.
    pub(super) fn beats(&self) -> Beats {
        let last = &self.recent.lock().unwrap_or_else(PoisonError::into_inner).last;
        let commands: usize = last.iter().map(|b| b.commands).sum();
        Beats {
            commit: percentiles(last.iter().map(|b| b.commit)),
            wait: percentiles(last.iter().map(|b| b.waited)),
            batch_milli: u64::try_from(commands * 1000 / last.len().max(1)).unwrap_or(u64::MAX),
        }
    }

    /// Whether the last commits were slow.
    pub(super) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }
}

// === functions ===

/// Median and 99th percentile, microseconds.
fn percentiles(times: impl Iterator<Item = Duration>) -> (u64, u64) {
    let mut all: Vec<u64> = times.map(|t| u64::try_from(t.as_micros()).unwrap_or(u64::MAX)).collect();
    all.sort_unstable();
    let at = |share: usize| all.get(all.len().saturating_sub(1) * share / 100).copied().unwrap_or(0);
    (at(50), at(99))
}

/// What is to be said about a disk.
pub(super) fn word(sync: Duration, slow: bool) -> Option<&'static str> {
    if slow || sync > SLOW {
        Some("slow")
    } else if sync < TOO_QUICK {
        Some("too-quick")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_commits_are_told_by_percentiles() {
        let pulse = Pulse::default();
        assert_eq!(pulse.beats(), Beats::default());
        for n in 1..=1_000 {
            pulse.note(Beat { commit: Duration::from_micros(n), waited: Duration::from_micros(2 * n), commands: 3 });
        }
        let beats = pulse.beats();
        assert_eq!((beats.commit, beats.wait, beats.batch_milli), ((744, 994), (1_488, 1_988), 3_000));
    }

    #[test]
    fn a_disk_that_turns_slow_is_noticed_and_so_is_its_recovery() {
        let pulse = Pulse::default();
        let many = |ms| {
            (0..2 * LAST)
                .for_each(|_| pulse.note(Beat { commit: Duration::from_millis(ms), waited: Duration::ZERO, commands: 1 }))
        };
        many(1);
        assert!(!pulse.is_slow());
        many(15);
        assert!(pulse.is_slow());
        many(1);
        assert!(!pulse.is_slow());
    }

    #[test]
    fn a_sync_that_costs_nothing_is_suspicious() {
        assert_eq!(word(Duration::from_micros(3), false), Some("too-quick"));
        assert_eq!(word(Duration::from_micros(200), false), None);
        assert_eq!(word(Duration::from_millis(11), false), Some("slow"));
        assert_eq!(word(Duration::from_micros(200), true), Some("slow"));
    }
}

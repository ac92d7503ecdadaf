//! What came back: taken, refused by status, lost, and how long those taken took.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// All kinds of requests.
#[derive(Default)]
pub(super) struct Tally {
    /// Submissions.
    pub(super) submit: Line,
    /// Uploads.
    pub(super) file: Line,
    /// Status pushes.
    pub(super) push: Line,
}

/// One kind.
#[derive(Default)]
pub(super) struct Line {
    /// Microseconds of every request that was taken.
    taken: Vec<u32>,
    refused: BTreeMap<u16, u64>,
    lost: u64,
}

// === impl Tally ===

impl Tally {
    /// Takes another one in.
    pub(super) fn add(&mut self, other: Self) {
        self.submit.add(other.submit);
        self.file.add(other.file);
        self.push.add(other.push);
    }

    /// The figures of the kinds that occurred.
    pub(super) fn figures(self) -> Value {
        let lines = [("submit", self.submit), ("file", self.file), ("push", self.push)];
        lines.into_iter().filter(|(_, l)| l.any()).map(|(name, line)| (name.to_owned(), line.figures())).collect()
    }
}

// === impl Line ===

impl Line {
    /// Counts an answer (none: the connection was lost); true: it was taken.
    pub(super) fn count(&mut self, status: Option<u16>, time: Duration) -> bool {
        match status {
            Some(200..=299) => self.taken.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX)),
            Some(status) => *self.refused.entry(status).or_default() += 1,
            None => self.lost += 1,
        }
        matches!(status, Some(200..=299))
    }

    fn add(&mut self, other: Self) {
        self.taken.extend(other.taken);
        for (status, n) in other.refused {
            *self.refused.entry(status).or_default() += n;
        }
        self.lost += other.lost;
    }

    fn any(&self) -> bool {
        !self.taken.is_empty() || !self.refused.is_empty() || self.lost > 0
    }

    fn figures(mut self) -> Value {
        self.taken.sort_unstable();
        let at = |share: u64| {
            let n = u64::try_from(self.taken.len()).unwrap_or(0).saturating_sub(1) * share / 1000;
            self.taken.get(usize::try_from(n).unwrap_or(0)).copied().unwrap_or(0)
        };
        json!({
            "taken": self.taken.len(), "refused": self.refused, "lost": self.lost,
            "p50_us": at(500), "p90_us": at(900), "p99_us": at(990), "p999_us": at(999), "max_us": at(1000),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_taken_and_refusals_are_told_by_status() {
        let mut one = Tally::default();
        for ms in 1..=100 {
            assert!(one.submit.count(Some(200), Duration::from_millis(ms)));
        }
        let mut two = Tally::default();
        assert!(!two.submit.count(Some(503), Duration::from_secs(9)) && !two.submit.count(None, Duration::ZERO));
        one.add(two);
        let figures = one.figures();
        let submit = &figures["submit"];
        assert_eq!((&submit["taken"], &submit["refused"]["503"], &submit["lost"]), (&json!(100), &json!(1), &json!(1)));
        assert_eq!((&submit["p50_us"], &submit["max_us"]), (&json!(50_000), &json!(100_000)));
        assert!(figures.get("push").is_none());
    }
}

//! The classes of what is kept and how long each is; what is remembered of what went. Plain data.

use crate::clock::{DAY_MS, Time};
use std::collections::BTreeMap;

/// A class of what may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetentionClass {
    /// Canonical bodies of messages and deliveries of dossiers that ended.
    Bodies,
    /// The bytes as received, of the same messages.
    Received,
    /// The tries before the last one of their deliveries.
    Attempts,
    /// Contents (files) of dossiers that ended, and uploads that no dossier used.
    Files,
    /// Rows of statements whose day is settled.
    Statements,
    /// How far back `/v1/events` is paged; the lines themselves stay in the dossiers' timelines.
    Events,
}

/// How long each class is kept; a class that is not named is kept for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionTerms(BTreeMap<RetentionClass, u32>);

/// How much of a class went, or would go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RetentionTally {
    /// The class's word.
    pub class: String,
    /// Bodies, received requests, tries, contents, rows, events.
    pub rows: u64,
    /// Bytes of them, as far as they are counted.
    pub bytes: u64,
    /// When the oldest of them came.
    pub oldest: Option<Time>,
    /// When the newest came.
    pub newest: Option<Time>,
}

/// What is left of a body or a content that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// When it was removed.
    pub at: Time,
    /// Its SHA-256, lower-case hex.
    pub digest: String,
    /// Its bytes.
    pub size: u64,
}

/// What of a dossier was removed, and when last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many bodies.
    pub bodies: u64,
    /// How many requests as received.
    pub received: u64,
    /// The last time either was removed.
    pub at: Option<Time>,
    /// When its contents were dealt with: those that no other dossier needs are gone.
    pub files_at: Option<Time>,
}

// === impl RetentionClass ===

impl RetentionClass {
    /// All of them, in the order they are removed in.
    pub const ALL: [Self; 6] = [Self::Bodies, Self::Received, Self::Attempts, Self::Files, Self::Statements, Self::Events];

    /// Its word, in the configuration and everywhere else.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Received => "received",
            Self::Attempts => "attempts",
            Self::Files => "files",
            Self::Statements => "statements",
            Self::Events => "events",
        }
    }
}

// === impl RetentionTerms ===

impl RetentionTerms {
    /// The terms in days, by the class's word; none: kept for ever.
    #[must_use]
    pub fn of(days: impl Fn(&str) -> Option<u32>) -> Self {
        Self(RetentionClass::ALL.into_iter().filter_map(|c| Some((c, days(c.word())?))).collect())
    }

    /// Whether anything is ever removed.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Days a class is kept; none: for ever.
    #[must_use]
    pub fn days(&self, class: RetentionClass) -> Option<u32> {
        self.0.get(&class).copied()
    }

    /// Whether the class goes by a dossier's end.
    pub(super) fn by_dossier(class: RetentionClass) -> bool {
        use RetentionClass::{Attempts, Bodies, Files, Received};
        matches!(class, Bodies | Received | Attempts | Files)
    }

    /// What ended before this time may go; none: nothing of the class.
    pub(super) fn cutoff(&self, class: RetentionClass, now: Time) -> Option<Time> {
        self.days(class).map(|days| now.plus_ms(-i64::from(days).saturating_mul(DAY_MS)))
    }

    /// Whether anything depends on a dossier's end.
    pub(super) fn follows(&self) -> bool {
        self.0.keys().any(|c| Self::by_dossier(*c))
    }

    /// The terms by their words, for the audit.
    pub(super) fn shown(&self) -> serde_json::Value {
        self.0.iter().map(|(class, days)| (class.word().to_owned(), (*days).into())).collect::<serde_json::Map<_, _>>().into()
    }
}

// === impl RetentionTally ===

impl RetentionTally {
    pub(super) fn of(class: RetentionClass) -> Self {
        Self { class: class.word().to_owned(), rows: 0, bytes: 0, oldest: None, newest: None }
    }

    /// Counts one more.
    pub(super) fn add(&mut self, at: Time, bytes: u64) {
        self.add_many(1, bytes, at, at);
    }

    /// Counts more, of these times.
    pub(super) fn add_many(&mut self, rows: u64, bytes: u64, oldest: Time, newest: Time) {
        self.rows += rows;
        self.bytes += bytes;
        self.oldest = Some(self.oldest.map_or(oldest, |t| t.min(oldest)));
        self.newest = Some(self.newest.map_or(newest, |t| t.max(newest)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_not_named_is_kept_for_ever() {
        let terms = RetentionTerms::of(|word| (word == "bodies").then_some(2));
        let now = Time(10 * DAY_MS);
        assert_eq!(terms.cutoff(RetentionClass::Bodies, now), Some(Time(8 * DAY_MS)));
        for class in RetentionClass::ALL.into_iter().filter(|c| *c != RetentionClass::Bodies) {
            assert_eq!(terms.cutoff(class, now), None, "{class:?}");
        }
        assert!(terms.any() && terms.follows());
        assert!(!RetentionTerms::default().any());
        assert!(!RetentionTerms::of(|word| (word == "events").then_some(9)).follows());
    }
}

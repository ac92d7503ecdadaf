//! The load's own book: what it asked of the gateway and what it was answered. Nobody else writes in it, and it is never corrected from
//! another book.

use super::plan::Part;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the load knows of one dossier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number.
    pub(super) number: u64,
    /// Its course.
    pub(super) part: Part,
    /// The code the gateway gave it.
    pub(super) code: Option<String>,
    /// The submission was acknowledged.
    pub(super) acknowledged: bool,
    /// The gateway's receipts for it; more than one: its repeats were taken for another.
    pub(super) receipts: BTreeSet<String>,
    /// The supplement was acknowledged.
    pub(super) supplemented: bool,
    /// The withdrawal was acknowledged.
    pub(super) withdrawn: bool,
    /// Transactions the gateway gave a link for, and that the citizen paid.
    pub(super) paid: BTreeSet<String>,
    /// What was refused for good, with the answer.
    pub(super) refused: Vec<String>,
    /// Its course is run: nothing is asked any more.
    pub(super) over: bool,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<BTreeMap<u64, Entry>>,
    counts: Mutex<Counts>,
}

/// How the calls went, over all dossiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Calls that were acknowledged.
    pub(super) acknowledged: u64,
    /// Calls without an answer.
    pub(super) unanswered: u64,
    /// Calls shed or answered "not now": 429, 5xx.
    pub(super) put_off: u64,
    /// When the last acknowledgement came, since the storm's begin.
    pub(super) last: Option<Duration>,
    /// Acknowledgements since each start of the gateway: the first one's time.
    pub(super) first_since: Option<Duration>,
}

// === impl Entry ===

impl Entry {
    pub(super) fn new(number: u64, part: Part) -> Self {
        Self {
            number,
            part,
            code: None,
            acknowledged: false,
            receipts: BTreeSet::new(),
            supplemented: false,
            withdrawn: false,
            paid: BTreeSet::new(),
            refused: Vec::new(),
            over: false,
        }
    }
}

// === impl Ledger ===

impl Ledger {
    /// A new dossier.
    pub(super) fn open(&self, entry: Entry) {
        self.lock().insert(entry.number, entry);
    }

    /// Writes in an entry.
    pub(super) fn note(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.lock().get_mut(&number) {
            change(entry);
        }
    }

    /// Counts a call: some status, or no answer.
    pub(super) fn called(&self, status: Option<u16>, at: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match status {
            Some(200..=299) => {
                counts.acknowledged += 1;
                counts.last = Some(at);
                counts.first_since.get_or_insert(at);
            }
            Some(429 | 500..=599) => counts.put_off += 1,
            Some(_) => {}
            None => counts.unanswered += 1,
        }
    }

    /// The gateway is being started: what is acknowledged from now on is its doing.
    pub(super) fn started(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).first_since = None;
    }

    /// All entries as they are.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.lock().values().cloned().collect()
    }

    /// Dossiers whose course is not run yet.
    pub(super) fn open_courses(&self) -> usize {
        self.lock().values().filter(|e| !e.over).count()
    }

    /// The counts so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

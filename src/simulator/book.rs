//! The book: every call a simulator took or made, what it was about, whether it was processed, and what broke the contract.
//!
//! Always holds: a call stands in the book (and in its file) before its answer leaves; a repeat is a counted message id that
//! arrives after a call with it was processed. Kept in memory and, when a file is named, appended there as one JSON line a
//! call, so that it survives the simulator; lines of an earlier run are read in at start. Holds codes and ids, no bodies.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock as _, Time, Wall};

/// What a call says about itself, read before anything befalls it.
#[derive(Clone, Debug, Default)]
pub struct Ident {
    /// The operation's word: submit, create, token, …
    pub operation: String,
    /// The message's id, when it has one.
    pub id: Option<String>,
    /// The dossier's code, when it is about one.
    pub dossier: Option<String>,
    /// True where a second call with the same id is a repeat that should not have been.
    pub counted: bool,
}

/// One line of the book.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Call {
    /// Its number, from 1, in order of arrival.
    pub number: u64,
    /// When it arrived: milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// When it arrived, RFC 3339.
    pub at: String,
    /// True when the simulator made this call itself.
    #[serde(default)]
    pub outgoing: bool,
    /// The operation's word.
    pub operation: String,
    /// The message's id.
    pub id: Option<String>,
    /// The dossier's code.
    pub dossier: Option<String>,
    /// A second call with its id would be a repeat.
    #[serde(default)]
    pub counted: bool,
    /// It took effect here (an outgoing call: it was acknowledged).
    pub processed: bool,
    /// Its id had been processed before.
    pub repeat: bool,
    /// Another counted call about its dossier was still being handled and had not taken effect: two in flight on one lane (or a caller that
    /// died). One that has taken effect may still be answered: who asked after it goes on.
    #[serde(default)]
    pub overlap: bool,
    /// What the caller got: a status and a word, or the cut.
    pub answer: String,
    /// What broke the contract.
    pub violations: Vec<String>,
}

/// The figures of a book.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Calls taken.
    pub calls: usize,
    /// Calls processed.
    pub processed: usize,
    /// Counted ids that came again after processing.
    pub repeats: usize,
    /// Counted calls that met another one about the same dossier in flight.
    pub overlaps: usize,
    /// Calls that broke the contract.
    pub violations: usize,
    /// Calls this simulator made.
    pub outgoing: usize,
    /// Calls taken, by operation.
    pub by_operation: BTreeMap<String, usize>,
}

/// A call being handled now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Open {
    /// The operation's word.
    pub operation: String,
    /// The message's id.
    pub id: Option<String>,
    /// The dossier's code.
    pub dossier: Option<String>,
    /// It took effect already.
    pub processed: bool,
}

/// A time in which this simulator did not get to run: arrivals within it are not when they seem to be.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Stall {
    /// When it began: milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// How long it was, milliseconds.
    pub ms: i64,
}

/// A call's place in the book from arrival to answer.
#[derive(Debug)]
pub struct Ticket(u64);

/// See the head of this file.
#[derive(Debug)]
pub struct Book {
    inner: Mutex<Inner>,
    clock: Wall,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    calls: Vec<Call>,
    open: BTreeMap<u64, Call>,
    processed: HashMap<String, u64>,
    stalls: Vec<Stall>,
    file: Option<std::fs::File>,
}

// === impl Book ===

impl Book {
    /// A book, kept in `file` too when one is named: lines already there are read in, new ones appended.
    pub fn open(file: Option<&Path>) -> std::io::Result<Self> {
        let mut inner = Inner::default();
        if let Some(path) = file {
            if path.exists() {
                for line in std::fs::read_to_string(path)?.lines() {
                    // A torn last line is what a killed simulator leaves.
                    if let Ok(call) = serde_json::from_str::<Call>(line) {
                        inner.last = inner.last.max(call.number);
                        inner.enter(call);
                    }
                }
            }
            let torn = std::fs::read(path).is_ok_and(|all| !all.is_empty() && !all.ends_with(b"\n"));
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            if torn {
                file.write_all(b"\n")?;
            }
            inner.file = Some(file);
        }
        Ok(Self { inner: Mutex::new(inner), clock: Wall::new() })
    }

    /// The simulator's own clock, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now().0
    }

    /// Notes a call that has been read, and when its head was; says whether it is a repeat.
    #[must_use]
    pub fn arrive(&self, ident: Ident, at: Time) -> (Ticket, bool) {
        let mut inner = self.lock();
        inner.last += 1;
        let number = inner.last;
        let repeat = ident.counted && ident.id.as_ref().is_some_and(|id| inner.processed.contains_key(id));
        let same = |c: &Call| c.counted && !c.processed && c.dossier.is_some() && c.dossier == ident.dossier;
        let overlap = ident.counted && inner.open.values().any(same);
        let call = Call {
            number,
            at_ms: at.0,
            at: at.rfc3339(),
            outgoing: false,
            operation: ident.operation,
            id: ident.id,
            dossier: ident.dossier,
            counted: ident.counted,
            processed: false,
            repeat,
            overlap,
            answer: String::new(),
            violations: Vec::new(),
        };
        inner.open.insert(number, call);
        (Ticket(number), repeat)
    }

    /// Enters what came of a call; it still counts as open until [`Book::leave`].
    pub fn finish(&self, ticket: &Ticket, processed: bool, answer: String, violations: Vec<String>) {
        let mut inner = self.lock();
        let Some(call) = inner.open.get_mut(&ticket.0) else { return };
        (call.processed, call.answer, call.violations) = (processed, answer, violations);
        let call = call.clone();
        inner.write(&call);
        inner.enter(call);
    }

    /// The answer (or the cut) has left.
    pub fn leave(&self, ticket: Ticket) {
        self.lock().open.remove(&ticket.0);
    }

    /// Enters a call the simulator made itself.
    pub fn sent(&self, operation: &str, id: Option<&str>, dossier: Option<&str>, acknowledged: bool, answer: String) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.last += 1;
        let call = Call {
            number: inner.last,
            at_ms: now.0,
            at: now.rfc3339(),
            outgoing: true,
            operation: operation.to_owned(),
            id: id.map(str::to_owned),
            dossier: dossier.map(str::to_owned),
            counted: false,
            processed: acknowledged,
            repeat: false,
            overlap: false,
            answer,
            violations: Vec::new(),
        };
        inner.write(&call);
        inner.enter(call);
    }

    /// All calls so far, in the order in which they ended.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// The incoming calls about one dossier.
    #[must_use]
    pub fn about(&self, dossier: &str) -> Vec<Call> {
        self.lock().calls.iter().filter(|c| !c.outgoing && c.dossier.as_deref() == Some(dossier)).cloned().collect()
    }

    /// Calls being handled now.
    #[must_use]
    pub fn in_flight(&self) -> Vec<Open> {
        let open = |c: &Call| Open {
            operation: c.operation.clone(),
            id: c.id.clone(),
            dossier: c.dossier.clone(),
            processed: c.processed,
        };
        self.lock().open.values().map(open).collect()
    }

    /// Enters a time in which nothing ran here.
    pub fn stalled(&self, stall: Stall) {
        self.lock().stalls.push(stall);
    }

    /// The times in which nothing ran here.
    #[must_use]
    pub fn stalls(&self) -> Vec<Stall> {
        self.lock().stalls.clone()
    }

    /// True when a counted call with this id was processed.
    #[must_use]
    pub fn was_processed(&self, id: &str) -> bool {
        self.lock().processed.contains_key(id)
    }

    /// Every violation, with the number of its call.
    #[must_use]
    pub fn violations(&self) -> Vec<(u64, String)> {
        let inner = self.lock();
        inner.calls.iter().flat_map(|c| c.violations.iter().map(|v| (c.number, v.clone()))).collect()
    }

    /// The figures.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let inner = self.lock();
        let mut sum = Summary::default();
        for call in &inner.calls {
            if call.outgoing {
                sum.outgoing += 1;
                continue;
            }
            sum.calls += 1;
            sum.processed += usize::from(call.processed);
            sum.repeats += usize::from(call.repeat);
            sum.overlaps += usize::from(call.overlap);
            sum.violations += usize::from(!call.violations.is_empty());
            *sum.by_operation.entry(call.operation.clone()).or_default() += 1;
        }
        sum
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    fn enter(&mut self, call: Call) {
        if let (true, true, Some(id)) = (call.processed, call.counted, &call.id) {
            self.processed.entry(id.clone()).or_insert(call.number);
        }
        self.calls.push(call);
    }

    fn write(&mut self, call: &Call) {
        if let (Some(file), Ok(mut line)) = (&mut self.file, serde_json::to_vec(call)) {
            line.push(b'\n');
            if let Err(why) = file.write_all(&line) {
                tracing::error!(%why, "simulator's book file cannot be written");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ident(id: &str) -> Ident {
        Ident { operation: "submit".into(), id: Some(id.into()), dossier: Some("d".into()), counted: true }
    }

    #[test]
    fn a_repeat_is_an_id_that_comes_after_processing_and_not_before() {
        let book = Book::open(None).unwrap();
        let (first, repeat) = book.arrive(ident("a"), Time(0));
        assert!(!repeat);
        book.finish(&first, false, "503".into(), vec![]);
        book.leave(first);
        let (second, repeat) = book.arrive(ident("a"), Time(0));
        assert!(!repeat, "the first was not processed");
        book.finish(&second, true, "200".into(), vec![]);
        let (third, repeat) = book.arrive(ident("a"), Time(0));
        assert!(repeat);
        book.finish(&third, false, "200".into(), vec!["late".into()]);
        assert_eq!(book.in_flight().len(), 2);
        let sum = book.summary();
        assert_eq!((sum.calls, sum.processed, sum.repeats, sum.violations, sum.overlaps), (3, 1, 1, 1, 0));
        let (fourth, _) = book.arrive(ident("b"), Time(0));
        book.finish(&fourth, true, "200".into(), vec![]);
        assert_eq!(book.summary().overlaps, 1, "the third is still being handled and has not taken effect");
    }

    #[test]
    fn a_book_file_survives_the_simulator_and_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("book.jsonl");
        let book = Book::open(Some(&path)).unwrap();
        let (ticket, _) = book.arrive(ident("a"), Time(0));
        book.finish(&ticket, true, "200".into(), vec![]);
        drop(book);
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"number\": 2, \"at").unwrap();
        let book = Book::open(Some(&path)).unwrap();
        assert!(book.was_processed("a"));
        let (_, repeat) = book.arrive(ident("a"), Time(0));
        assert!(repeat);
    }
}

//! The memory: one store, one transaction a message. The trait promises about crashes, call by call.
//!
//! What always holds: nothing here decides what a message means; nothing is translated, hashed or validated on the writer's
//! thread; a reader who saw event n never sees one below n appear later. Only this room holds SQL.

mod act;
mod blobs;
mod books;
mod case;
mod checkpoint;
mod claim;
#[cfg(test)]
mod contract;
mod disk;
mod effects;
mod health;
mod lane;
mod matter;
mod money;
mod reader;
mod record;
mod retention;
mod schema;
mod sqlite;
mod statement;
mod syncer;
mod view;
mod writer;

#[cfg(feature = "test-faults")]
pub use blobs::Faults;
pub use blobs::{Blob, BlobError, BlobStore, Spool, Stage};
pub use case::{CaseDetail, CaseEntry, CaseFilter, CaseStep, CaseView, CaseWord, NewCase};
#[cfg(test)]
pub(crate) use contract::ended as ended_dossier;
pub use disk::{Disk, Room};
pub use health::Health;
pub use record::*;
pub use retention::{Gone, Removed, RetentionClass, RetentionRun, RetentionStep, RetentionTally, RetentionTerms, RetentionView};
pub use schema::OpenError;
pub use sqlite::{Options, SqliteJournal};
pub use statement::{Booked, Difference, LineFacts, NewStatement, StatementLine, StatementView, Told};

use crate::clock::Time;
use crate::model::{Class, Payment, Receipt, Refund};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::{broadcast, watch};

/// What a call to the journal answers.
pub type Answer<'j, T> = Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send + 'j>>;

/// Why the journal could not do what it was asked. Nothing of the call was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full or below its reserve.
    #[error("the journal's disk is full or below its reserve; free space, nothing of this call was written")]
    Full,
    /// Too much waits for the writer: shed.
    #[error("the journal is overloaded; nothing of this call was written, try again shortly")]
    Busy,
    /// The gateway is stopping.
    #[error("the journal is closed; nothing of this call was written")]
    Closed,
    /// The store failed. The text names the store's error, never a value.
    #[error("the journal's store failed: {0}")]
    Store(String),
    /// A row is not what this program wrote.
    #[error("a row of the journal cannot be read: {0}")]
    Row(String),
}

/// The gateway's memory.
pub trait Journal: Send + Sync + 'static {
    /// Writes a message with all it causes. Once this answers `New`, message, deliveries, idempotency record, dossier state and
    /// audit are synced to disk and survive `kill -9` and power loss; until then nothing of it is to be found after a crash
    /// unless all of it is. `Known` and `Stale` wrote nothing. A second acceptance under a key still uncommitted waits for it.
    fn accept(&self, acceptance: Acceptance) -> Answer<'_, Accepted>;

    /// The earlier message under a key, if any. A look only: [`Journal::accept`] checks again.
    fn known(&self, scope: &str, key: [u8; 32]) -> Answer<'_, Option<Known>>;

    /// Takes up to `max` heads of lanes of a partner (not paused), at most one delivery per lane, as its feed chooses; the claims and
    /// the feed's state are synced before this answers; where nothing is claimed nothing is written. After a crash, a claim without
    /// settlement comes back with a `Doubt` "crash", since the time of the claim, whatever doubt it had before.
    /// A delivery claimed for the first time is bound to the adapter set of the [`Take`], so that a crash in its first call does not
    /// change what a repeat says.
    fn claim(&self, take: Take) -> Answer<'_, Taken>;

    /// Ends a claim. Once this answers `Written` the delivery's new state and all it causes are synced. Never shed: it waits for
    /// room in the writer's queue, as claims, acts and `apply` do; acceptances, numbers and files are answered `Busy`.
    fn settle(&self, settlement: Settlement) -> Answer<'_, Settled>;

    /// Writes effects that no message of a caller caused (a bad notice's inquiry, an expiry). Synced when answered; `false`: stale.
    fn apply(&self, effects: Effects) -> Answer<'_, bool>;

    /// An operator's act, synced with its audit entry when answered.
    fn act(&self, act: Act, who: &str, at: Time) -> Answer<'_, Acted>;

    /// The next number of a day's sequence of dossier codes at an agency, from 1; synced before it is answered, so that no
    /// number is given twice, not even after a crash.
    fn next_number(&self, agency: &str, day: &str) -> Answer<'_, u64>;

    /// Registers files whose contents are already synced in the blob store. Synced when answered.
    fn add_files(&self, files: Vec<FileRow>) -> Answer<'_, ()>;

    /// A file by id.
    fn file(&self, id: &str) -> Answer<'_, Option<FileRow>>;

    /// All that is known about a dossier, from one read transaction.
    fn snapshot(&self, dossier: &str) -> Answer<'_, Snapshot>;

    /// A payment by transaction id.
    fn payment(&self, transaction: &str) -> Answer<'_, Option<Payment>>;

    /// A refund by its id.
    fn refund(&self, id: &str) -> Answer<'_, Option<Refund>>;

    /// Refunds, newest first.
    fn refunds(&self, filter: RefundFilter) -> Answer<'_, Vec<Refund>>;

    /// A dossier's receipts, oldest first.
    fn receipts(&self, dossier: &str) -> Answer<'_, Vec<Receipt>>;

    /// Movements after a number, oldest first; of one transaction, or of all.
    fn movements(&self, after: u64, limit: u32, transaction: Option<&str>) -> Answer<'_, Vec<MovementView>>;

    /// The books, added up from all rows: for a command, not for a request's way.
    fn accounts(&self) -> Answer<'_, Accounts>;

    /// A dossier's timeline, oldest first.
    fn timeline(&self, dossier: &str) -> Answer<'_, Vec<EventView>>;

    /// Events after a sequence number, of dossiers this caller handed in (`None`: of all), at most `limit`.
    fn events(&self, after: u64, limit: u32, caller: Option<&str>) -> Answer<'_, Vec<EventView>>;

    /// Deliveries as operators see them.
    fn deliveries(&self, filter: DeliveryFilter) -> Answer<'_, Vec<DeliveryView>>;

    /// One delivery with its history.
    fn delivery(&self, delivery: u64) -> Answer<'_, Option<DeliveryDetail>>;

    /// The shape of a partner's queue, for a forecast. Costs the kinds of what waits, not its number; what is held behind parked heads
    /// is counted up to a bound.
    fn backlog(&self, partner: &str) -> Answer<'_, Backlog>;

    /// Every partner's queue (partners without a row are not listed).
    fn queues(&self) -> Answer<'_, Vec<QueueView>>;

    /// Cases, newest last.
    fn cases(&self, filter: CaseFilter) -> Answer<'_, Vec<CaseView>>;

    /// One case with its history.
    fn case(&self, case: u64) -> Answer<'_, Option<CaseDetail>>;

    /// How many cases are open, by the kind's word; kinds without one are left out.
    fn open_cases(&self) -> Answer<'_, Vec<(String, u64)>>;

    /// Movements of money that a statement of this partner's day may tell of: booked in `[from, until)`, and all of these transactions.
    fn booked(&self, partner: &str, day: &str, within: (Time, Time), transactions: BTreeSet<String>) -> Answer<'_, Vec<Booked>>;

    /// Keeps a compared statement with its lines, in several commits, and puts it in force with the effects, in the last of them: until
    /// this answers `Some(number)` it is not to be found, and after a crash on the way none of it is in force. `None`: the effects are
    /// stale; nothing is in force.
    fn keep_statement(&self, statement: NewStatement, lines: Vec<StatementLine>, effects: Effects) -> Answer<'_, Option<u64>>;

    /// Statements, newest first: those before a number (0: from the newest), of one partner or of all.
    fn statements(&self, partner: Option<&str>, before: u64, limit: u32) -> Answer<'_, Vec<StatementView>>;

    /// One statement.
    fn statement(&self, statement: u64) -> Answer<'_, Option<StatementView>>;

    /// A statement's lines after a number, each with its number, of one class or all.
    fn statement_lines(
        &self,
        statement: u64,
        class: Option<Class>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(u64, StatementLine)>>;

    /// Fees paid in `[from, until)` of which a partner was not told yet.
    fn paid_not_told(&self, from: Time, until: Time, limit: u32) -> Answer<'_, Vec<Told>>;

    /// Messages of `[from, until)` that told of a paid fee whose transaction our books do not know as paid.
    fn told_not_paid(&self, from: Time, until: Time, limit: u32) -> Answer<'_, Vec<Told>>;

    /// Open payments whose expiry lies before `before`, oldest first.
    fn expiring(&self, before: Time, limit: u32) -> Answer<'_, Vec<Payment>>;

    /// Early moves kept since before `before`, longest first, at most `limit`.
    fn early_since(&self, before: Time, limit: u32) -> Answer<'_, Vec<Early>>;

    /// The feed's state saved for a partner, as it was written ([`crate::delivery::Saved`]), if any.
    fn limits(&self, partner: &str) -> Answer<'_, Option<String>>;

    /// Begins a run of retention, unless one is under way; its number. An operator gives a reason. Synced when answered: a run that a crash cuts goes on.
    fn begin_retention(&self, who: &str, reason: Option<&str>, now: Time) -> Answer<'_, u64>;

    /// One piece of retention: of the run under way, else of the bookkeeping behind the journal's end. Each piece is whole, whatever
    /// cuts it; a few milliseconds of the writer. Removes only what `retention` says, by these terms as of the run's begin.
    fn retain<'j>(&'j self, blobs: &'j BlobStore, terms: &'j RetentionTerms, now: Time) -> Answer<'j, RetentionStep>;

    /// How retention stands: the last run, what is due.
    fn retention(&self, terms: &RetentionTerms, now: Time) -> Answer<'_, RetentionView>;

    /// How much would go now, by class: for a command, not for a request's way.
    fn retention_due<'j>(&'j self, blobs: &'j BlobStore, terms: &'j RetentionTerms, now: Time)
    -> Answer<'j, Vec<RetentionTally>>;

    /// What of a dossier was removed.
    fn removed(&self, dossier: &str) -> Answer<'_, Removed>;

    /// What is left of a content that was removed; none: it was not.
    fn content_gone(&self, digest: &str) -> Answer<'_, Option<Gone>>;

    /// Events up to this number are no longer paged: after it they begin.
    fn events_floor(&self) -> Answer<'_, u64>;

    /// Whether a day of a partner's statements, or one beside it, is settled and its rows removed: that day.
    fn settled(&self, partner: &str, day: &str) -> Answer<'_, Option<String>>;

    /// Changes after each commit that may have made something due at this partner.
    fn wake(&self, partner: &str) -> watch::Receiver<u64>;

    /// Told after each commit that settled or changed something.
    fn notices(&self) -> broadcast::Receiver<Notice>;

    /// How the journal fares: its disk, its commits, what waits for its writer. Costs a look at the disk.
    fn health(&self) -> Health;

    /// This run's number.
    fn run(&self) -> u64;

    /// Stops taking new work, writes what was taken, closes the store.
    fn close(&self) -> Answer<'_, ()>;
}

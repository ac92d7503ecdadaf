//! The embedded journal: SQLite in one file, held by one process.
//!
//! What always holds: a folder is open in one process at a time (an OS lock, let go by the system when the process dies); every
//! answer of a writing call is given after its COMMIT and a sync of the WAL, every answer of a reading one after what it saw was synced.
//! Records are serialised on the caller's thread, written on the one writer's, synced on the syncer's, read on the readers'. It decides
//! nothing about messages.

use super::checkpoint::Pokes;
use super::claim::{self, ReadySettlement};
use super::disk::{self, Disk, Room};
use super::effects::{self, Ready, ReadyAcceptance};
use super::health::{self, Health};
use super::lane;
use super::reader::Readers;
use super::schema::{self, Lock, OpenError};
use super::syncer::{self, Horizon, Log, Syncer};
use super::writer::{Call, Command, Counts, Fault, Made, Marks, Syncs, Wakes, Writer, answered};
use super::{
    Acceptance, Accepted, Accounts, Act, Acted, Answer, Backlog, BlobStore, Booked, CaseDetail, CaseFilter, CaseView,
    DeliveryDetail, DeliveryFilter, DeliveryView, Effects, EventView, FileRow, Gone, Journal, JournalError, Known, MovementView,
    NewStatement, Notice, QueueView, RefundFilter, Removed, RetentionStep, RetentionTally, RetentionTerms, RetentionView,
    Settled, Settlement, Snapshot, StatementLine, StatementView, Take, Taken, Told, act, books, checkpoint, matter, money,
    retention, view,
};
use crate::clock::{Clock as _, Time, Wall};
use crate::model::{Class, Kind, Payment, Receipt, Refund};
use crate::planted::{Plant, planted};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, watch};

/// Lines of a statement that are written at once: a few milliseconds of the writer.
const PIECE: usize = 500;

/// How the journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Commands that wait for the writer at most; an acceptance beyond is answered `Busy`.
    pub queue: usize,
    /// Reading threads, for lists.
    pub readers: usize,
    /// Connections for look-ups by key, which are answered where they are asked; as many as cores is enough.
    pub near: usize,
    /// Questions that wait for the readers at most.
    pub questions: usize,
    /// Notices kept for a slow listener.
    pub notices: usize,
    /// Pages of 8 KiB from which the write-ahead log begins anew.
    pub wal_pages: i32,
    /// Bytes of the disk that are kept free; 0: none.
    pub reserve: u64,
    /// Largest size of the file, in pages of 8 KiB; none: the disk's.
    pub max_pages: Option<u32>,
    /// The wall now: a journal whose last run saw a later one moves what waits back. None: not looked at.
    pub now: Option<Time>,
    /// Test builds only: leave out the WAL's sync.
    #[cfg(feature = "test-faults")]
    pub faults: super::Faults,
}

/// The embedded journal.
pub struct SqliteJournal {
    run: u64,
    plain_keys: bool,
    held: Arc<Held>,
    wakes: Arc<Wakes>,
    notices: broadcast::Sender<Notice>,
    counts: Arc<Counts>,
    clock: Arc<Wall>,
    disk: Disk,
    sync: Duration,
}

/// What has to be ended, in this order.
struct Held {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Command>>>>,
    readers: Readers,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<Lock>>,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            queue: 4_096,
            readers: 2,
            near: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(16),
            questions: 4_096,
            notices: 4_096,
            wal_pages: checkpoint::CAP,
            reserve: 0,
            max_pages: None,
            now: None,
            #[cfg(feature = "test-faults")]
            faults: super::Faults::default(),
        }
    }
}

// === impl SqliteJournal ===

impl SqliteJournal {
    /// Opens (or makes) the journal in a data folder and begins a new run. Blocks for a few syncs; costs the same whatever waits.
    ///
    /// # Errors
    /// [`OpenError`]; a folder held by another process is refused with its pid.
    pub fn open(dir: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        schema::make_dir(dir)?;
        let lock = Lock::take(dir)?;
        let path = dir.join("journal.db");
        let sync = measured(dir)?;
        let synced = synced(&options);
        let synchronous = if synced { "FULL" } else { "OFF" };
        let mut conn = schema::writer(&path, synchronous)?;
        syncer::mend(&conn, &path)?;
        let plain_keys = schema::plain_keys(&conn)?;
        let run = schema::begin_run(&mut conn, options.now)?;
        // From here on the syncer syncs the log; SQLite still does before it begins it anew.
        conn.pragma_update(None, "synchronous", if synced { "NORMAL" } else { "OFF" })?;
        if let Some(pages) = options.max_pages {
            conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        let started = |source| OpenError::File { path: path.clone(), source };
        let some = |n: usize| (0..n).map(|_| schema::reader(&path)).collect::<Result<Vec<_>, _>>();
        let horizon = Arc::new(Horizon::default());
        let (threads, near) = (some(options.readers.max(1))?, some(options.near)?);
        let readers = Readers::start(threads, near, options.questions, horizon.clone()).map_err(started)?;
        let wakes = Arc::new(Wakes::default());
        let (notices, _) = broadcast::channel(options.notices.max(1));
        let (counts, clock) = (Arc::new(Counts::default()), Arc::new(Wall::new()));
        let (queue, commands) = mpsc::channel(options.queue.max(1));
        let (poke, pokes) = Pokes::new(options.wal_pages);
        let log = Log::open(&path, synced)?;
        let (syncer, jobs) = Syncer::new(log, horizon.clone(), notices.clone(), counts.pulse.clone(), clock.clone());
        let syncs = Syncs { horizon, jobs };
        let writer = Writer::new(conn, commands, (wakes.clone(), syncs), counts.clone(), poke, clock.clone())?;
        let mover = schema::checkpointer(&path, synchronous)?;
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads = vec![
            thread("journal-write").spawn(move || writer.run()).map_err(started)?,
            thread("journal-sync").spawn(move || syncer.run()).map_err(started)?,
            thread("journal-checkpoint").spawn(move || checkpoint::run(&mover, &pokes, options.wal_pages)).map_err(started)?,
        ];
        let held = Held { queue: Mutex::new(Some(queue)), readers, threads: Mutex::new(threads), lock: Mutex::new(Some(lock)) };
        let disk = Disk::watch(dir, options.reserve);
        Ok(Arc::new(Self { run, plain_keys, held: Arc::new(held), wakes, notices, counts, clock, disk, sync }))
    }

    /// Whether it holds idempotency keys that were made without a place (before migration 8): all it takes in must go on so, as the same
    /// message comes to the same key for ever.
    #[must_use]
    pub fn plain_keys(&self) -> bool {
        self.plain_keys
    }

    /// The disk below.
    #[must_use]
    pub fn disk(&self) -> Disk {
        self.disk.clone()
    }

    /// Whether something new may be taken in.
    fn roomy(&self) -> Result<(), JournalError> {
        if self.disk.room() == Room::Plenty { Ok(()) } else { Err(JournalError::Full) }
    }

    /// Rows inserted, changed and deleted in this run, commits, and commands in them.
    #[must_use]
    pub fn written(&self) -> (u64, u64, u64) {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        (get(&self.counts.rows), get(&self.counts.commits), get(&self.counts.commands))
    }

    /// Sets the largest size of the file, in pages of 8 KiB (never below its present size). Forgotten at the next open.
    pub async fn limit_pages(&self, pages: u32) -> Result<(), JournalError> {
        self.write(move |conn, _| {
            conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            Ok(Made::Kept(()))
        })
        .await
    }

    /// The wall was set by `ms` (back: negative) at `now`, its time before: whatever waits for a time waits as long as before.
    pub async fn shift(&self, now: Time, ms: i64) -> Result<(), JournalError> {
        self.write(move |conn, marks| {
            lane::shift(conn, now, ms)?;
            let mut names = conn.prepare_cached("SELECT name FROM partner")?;
            for name in names.query_map([], |r| r.get::<_, String>(0))? {
                marks.due(&name?);
            }
            Ok(Made::Kept(()))
        })
        .await
    }

    fn queue(&self) -> Result<mpsc::Sender<Box<dyn Command>>, JournalError> {
        self.held.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(JournalError::Closed)
    }

    /// Puts a command to the writer, waiting for room in its queue: what ends a claim is never shed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        run: impl Fn(&Connection, &mut Marks) -> Result<Made<T>, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (command, answer) = Call::make(run, self.clock.since_start());
        self.queue()?.send(command).await.map_err(|_| JournalError::Closed)?;
        answered(answer).await.map_err(|e| self.disk.named(e))
    }

    /// Puts a command to the writer, or sheds it when the queue is full.
    async fn offer<T: Send + 'static>(
        &self,
        run: impl Fn(&Connection, &mut Marks) -> Result<Made<T>, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (command, answer) = Call::make(run, self.clock.since_start());
        self.queue()?.try_send(command).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => JournalError::Busy,
            mpsc::error::TrySendError::Closed(_) => JournalError::Closed,
        })?;
        answered(answer).await.map_err(|e| self.disk.named(e))
    }

    fn look<'j, T: Send + 'static>(
        &'j self,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
        nothing: fn(&T) -> bool,
    ) -> Answer<'j, T> {
        Box::pin(self.held.readers.look(question, nothing))
    }

    pub(super) fn ask<'j, T: Send + 'static>(
        &'j self,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'j, T> {
        Box::pin(self.held.readers.ask(question))
    }
}

// === impl Held ===

impl Held {
    /// Writes what was taken, ends the threads, lets the folder go. Blocks.
    fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.readers.stop();
        for thread in std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)) {
            // A thread that panicked has nothing left to end.
            let _ = thread.join();
        }
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        self.held.stop();
    }
}

impl Journal for SqliteJournal {
    fn accept(&self, acceptance: Acceptance) -> Answer<'_, Accepted> {
        if planted(Plant::DropAccept) && acceptance.message.kind == Kind::DossierSubmit && one_in_five() {
            return Box::pin(async { Ok(Accepted::New { message: 0 }) });
        }
        Box::pin(async move {
            // What a payment platform tells is worth the reserve: a payment is never left untold because dossiers filled the disk.
            if acceptance.message.kind != Kind::PaymentNotice || self.disk.room() == Room::Last {
                self.roomy()?;
            }
            let ready = ReadyAcceptance::new(acceptance).map_err(|f| f.told())?;
            self.offer(move |conn, marks| ready.write(conn, marks)).await
        })
    }

    fn known(&self, scope: &str, key: [u8; 32]) -> Answer<'_, Option<Known>> {
        let scope = scope.to_owned();
        self.look(move |conn| effects::known(conn, &scope, &key), Option::is_none)
    }

    fn claim(&self, take: Take) -> Answer<'_, Taken> {
        // A call that was begun must be settled: the last of the disk is for that.
        if self.disk.room() == Room::Last {
            let next = Some(take.now.plus(Duration::from_secs(1)));
            let nothing = Taken { claims: Vec::new(), feed: take.feed, next, left: false };
            return Box::pin(std::future::ready(Ok(nothing)));
        }
        let run = effects::number(self.run);
        Box::pin(self.write(move |conn, _| claim::claim(conn, &take, run)))
    }

    fn settle(&self, settlement: Settlement) -> Answer<'_, Settled> {
        let run = effects::number(self.run);
        Box::pin(async move {
            let Settlement { delivery, run: of, at, attempt, next, effects } = settlement;
            let effects = Ready::new(effects).map_err(|f| f.told())?;
            let ready = ReadySettlement { delivery, run: of, at, attempt, next, effects };
            self.write(move |conn, marks| claim::settle(conn, marks, &ready, run)).await
        })
    }

    fn apply(&self, effects: Effects) -> Answer<'_, bool> {
        Box::pin(async move {
            let ready = Ready::new(effects).map_err(|f| f.told())?;
            self.write(move |conn, marks| {
                if !ready.write(conn, marks, None, None)? {
                    return Ok(Made::Dropped(false));
                }
                marks.tell(ready.dossier(), None);
                Ok(Made::Kept(true))
            })
            .await
        })
    }

    fn act(&self, act: Act, who: &str, at: Time) -> Answer<'_, Acted> {
        let who = who.to_owned();
        Box::pin(self.write(move |conn, marks| act::act(conn, marks, &act, &who, at)))
    }

    fn next_number(&self, agency: &str, day: &str) -> Answer<'_, u64> {
        let (agency, day) = (agency.to_owned(), day.to_owned());
        if let Err(full) = self.roomy() {
            return Box::pin(std::future::ready(Err(full)));
        }
        Box::pin(self.offer(move |conn, _| {
            let last: i64 = conn
                .prepare_cached(
                    "INSERT INTO number (agency, day, last) VALUES (?1, ?2, 1)
                     ON CONFLICT (agency, day) DO UPDATE SET last = last + 1 RETURNING last",
                )?
                .query_row(params![agency, day], |r| r.get(0))?;
            Ok(Made::Kept(lane::positive(last)))
        }))
    }

    fn add_files(&self, files: Vec<FileRow>) -> Answer<'_, ()> {
        if let Err(full) = self.roomy() {
            return Box::pin(std::future::ready(Err(full)));
        }
        Box::pin(self.offer(move |conn, _| effects::add_files(conn, &files).map(Made::Kept)))
    }

    fn file(&self, id: &str) -> Answer<'_, Option<FileRow>> {
        let id = id.to_owned();
        self.look(move |conn| view::file(conn, &id), Option::is_none)
    }

    fn snapshot(&self, dossier: &str) -> Answer<'_, Snapshot> {
        let dossier = dossier.to_owned();
        self.look(move |conn| view::snapshot(conn, &dossier), Snapshot::is_empty)
    }

    fn payment(&self, transaction: &str) -> Answer<'_, Option<Payment>> {
        let transaction = transaction.to_owned();
        self.look(move |conn| view::payment(conn, &transaction), Option::is_none)
    }

    fn refund(&self, id: &str) -> Answer<'_, Option<Refund>> {
        let id = id.to_owned();
        self.ask(move |conn| money::refund(conn, &id))
    }

    fn refunds(&self, filter: RefundFilter) -> Answer<'_, Vec<Refund>> {
        self.ask(move |conn| money::refunds(conn, &filter))
    }

    fn receipts(&self, dossier: &str) -> Answer<'_, Vec<Receipt>> {
        let dossier = dossier.to_owned();
        self.ask(move |conn| money::receipts(conn, &dossier))
    }

    fn movements(&self, after: u64, limit: u32, transaction: Option<&str>) -> Answer<'_, Vec<MovementView>> {
        let of = transaction.map(str::to_owned);
        self.ask(move |conn| money::movements(conn, after, limit, of.as_deref()))
    }

    fn accounts(&self) -> Answer<'_, Accounts> {
        self.ask(money::accounts)
    }

    fn timeline(&self, dossier: &str) -> Answer<'_, Vec<EventView>> {
        let dossier = dossier.to_owned();
        self.ask(move |conn| view::timeline(conn, &dossier))
    }

    fn events(&self, after: u64, limit: u32, caller: Option<&str>) -> Answer<'_, Vec<EventView>> {
        let caller = caller.map(str::to_owned);
        self.ask(move |conn| view::events(conn, after, limit, caller.as_deref()))
    }

    fn deliveries(&self, filter: DeliveryFilter) -> Answer<'_, Vec<DeliveryView>> {
        self.ask(move |conn| view::deliveries(conn, &filter))
    }

    fn delivery(&self, delivery: u64) -> Answer<'_, Option<DeliveryDetail>> {
        self.ask(move |conn| view::delivery(conn, delivery))
    }

    fn queues(&self) -> Answer<'_, Vec<QueueView>> {
        self.ask(view::queues)
    }

    fn cases(&self, filter: CaseFilter) -> Answer<'_, Vec<CaseView>> {
        self.ask(move |conn| matter::cases(conn, &filter))
    }

    fn case(&self, case: u64) -> Answer<'_, Option<CaseDetail>> {
        self.ask(move |conn| matter::case(conn, case))
    }

    fn open_cases(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.ask(matter::open_cases)
    }

    fn booked(&self, partner: &str, day: &str, within: (Time, Time), transactions: BTreeSet<String>) -> Answer<'_, Vec<Booked>> {
        let (partner, day) = (partner.to_owned(), day.to_owned());
        self.ask(move |conn| books::booked(conn, &partner, &day, within, &transactions))
    }

    fn keep_statement(&self, statement: NewStatement, lines: Vec<StatementLine>, effects: Effects) -> Answer<'_, Option<u64>> {
        Box::pin(async move {
            let ready = Ready::new(effects).map_err(|f| f.told())?;
            let data = statement.data.to_string();
            let number = self.write(move |conn, _| books::begin(conn, &statement, &data).map(Made::Kept)).await?;
            let mut first = 1;
            let mut lines = lines.into_iter().peekable();
            while lines.peek().is_some() {
                let piece = lines.by_ref().take(PIECE).map(|l| (serde_json::to_string(&l.more), l));
                let piece: Vec<(StatementLine, String)> = piece
                    .map(|(facts, l)| Ok((l, facts.map_err(|_| Fault::Row("statement_line").told())?)))
                    .collect::<Result<_, JournalError>>()?;
                let after = first + piece.len() as u64;
                self.write(move |conn, _| books::add(conn, number, first, &piece).map(Made::Kept)).await?;
                first = after;
            }
            let written = self.write(move |conn, marks| {
                let good = ready.write(conn, marks, None, None)? && books::finish(conn, number)?;
                Ok(if good { Made::Kept(true) } else { Made::Dropped(false) })
            });
            Ok(written.await?.then_some(number))
        })
    }

    fn statements(&self, partner: Option<&str>, before: u64, limit: u32) -> Answer<'_, Vec<StatementView>> {
        let partner = partner.map(str::to_owned);
        self.ask(move |conn| books::statements(conn, partner.as_deref(), before, limit))
    }

    fn statement(&self, statement: u64) -> Answer<'_, Option<StatementView>> {
        self.ask(move |conn| books::statement(conn, statement))
    }

    fn statement_lines(
        &self,
        statement: u64,
        class: Option<Class>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(u64, StatementLine)>> {
        self.ask(move |conn| books::lines(conn, statement, class, after, limit))
    }

    fn paid_not_told(&self, from: Time, until: Time, limit: u32) -> Answer<'_, Vec<Told>> {
        self.ask(move |conn| books::paid_not_told(conn, from, until, limit))
    }

    fn told_not_paid(&self, from: Time, until: Time, limit: u32) -> Answer<'_, Vec<Told>> {
        self.ask(move |conn| books::told_not_paid(conn, from, until, limit))
    }

    fn expiring(&self, before: Time, limit: u32) -> Answer<'_, Vec<Payment>> {
        self.ask(move |conn| view::expiring(conn, before, limit))
    }

    fn early_since(&self, before: Time, limit: u32) -> Answer<'_, Vec<super::Early>> {
        self.ask(move |conn| view::early_since(conn, before, limit))
    }

    fn backlog(&self, partner: &str) -> Answer<'_, Backlog> {
        let partner = partner.to_owned();
        self.ask(move |conn| view::backlog(conn, &partner))
    }

    fn limits(&self, partner: &str) -> Answer<'_, Option<String>> {
        let partner = partner.to_owned();
        self.look(move |conn| view::limits(conn, &partner), Option::is_none)
    }

    fn begin_retention(&self, who: &str, reason: Option<&str>, now: Time) -> Answer<'_, u64> {
        let (who, reason) = (who.to_owned(), reason.map(str::to_owned));
        Box::pin(self.write(move |conn, _| retention::begin(conn, &who, reason.as_deref(), now).map(Made::Kept)))
    }

    fn retain<'j>(&'j self, blobs: &'j BlobStore, terms: &'j RetentionTerms, now: Time) -> Answer<'j, RetentionStep> {
        Box::pin(retention::step(self, blobs, terms, now))
    }

    fn retention(&self, terms: &RetentionTerms, now: Time) -> Answer<'_, RetentionView> {
        let terms = terms.clone();
        self.ask(move |conn| retention::view(conn, &terms, now))
    }

    fn retention_due<'j>(
        &'j self,
        blobs: &'j BlobStore,
        terms: &'j RetentionTerms,
        now: Time,
    ) -> Answer<'j, Vec<RetentionTally>> {
        Box::pin(retention::due(self, blobs, terms, now))
    }

    fn removed(&self, dossier: &str) -> Answer<'_, Removed> {
        let dossier = dossier.to_owned();
        self.ask(move |conn| retention::removed(conn, &dossier))
    }

    fn content_gone(&self, digest: &str) -> Answer<'_, Option<Gone>> {
        let digest = digest.to_owned();
        self.look(move |conn| retention::content_gone(conn, &digest), Option::is_none)
    }

    fn events_floor(&self) -> Answer<'_, u64> {
        self.look(retention::events_floor, |floor| *floor == 0)
    }

    fn settled(&self, partner: &str, day: &str) -> Answer<'_, Option<String>> {
        let (partner, day) = (partner.to_owned(), day.to_owned());
        self.ask(move |conn| retention::settled(conn, &partner, &day))
    }

    fn wake(&self, partner: &str) -> watch::Receiver<u64> {
        self.wakes.of(partner)
    }

    fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    fn health(&self) -> Health {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let beats = self.counts.pulse.beats();
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
        let waiting = self.queue().map_or(0, |q| q.max_capacity() - q.capacity());
        Health {
            sync_us: micros(self.sync),
            commit_p50_us: beats.commit.0,
            commit_p99_us: beats.commit.1,
            wait_p50_us: beats.wait.0,
            wait_p99_us: beats.wait.1,
            batch_milli: beats.batch_milli,
            queue: u64::try_from(waiting).unwrap_or(u64::MAX),
            commits: get(&self.counts.commits),
            commands: get(&self.counts.commands),
            rows: get(&self.counts.rows),
            wal_bytes: u64::try_from(self.counts.wal.load(Ordering::Relaxed)).unwrap_or(0) * u64::from(schema::PAGE),
            free_bytes: self.disk.free(),
            reserve_bytes: self.disk.reserve(),
            room: self.disk.room(),
            disk: health::word(self.sync, self.counts.pulse.is_slow()),
        }
    }

    fn run(&self) -> u64 {
        self.run
    }

    fn close(&self) -> Answer<'_, ()> {
        let held = self.held.clone();
        Box::pin(async move { tokio::task::spawn_blocking(move || held.stop()).await.map_err(|_| JournalError::Closed) })
    }
}

/// What a sync costs here; a disk that is slow or suspiciously quick is told.
fn measured(dir: &Path) -> Result<Duration, OpenError> {
    let sync = disk::sync_time(dir).map_err(|source| OpenError::File { path: dir.to_owned(), source })?;
    let sync_us = u64::try_from(sync.as_micros()).unwrap_or(u64::MAX);
    match health::word(sync, false) {
        Some("slow") => tracing::warn!(sync_us, "the data folder's disk is slow: every acknowledgement waits for its sync"),
        Some(_) => tracing::warn!(
            sync_us,
            "the data folder's disk syncs suspiciously quickly: if its cache is lost in a power cut, so is what was acknowledged"
        ),
        None => tracing::info!(sync_us, "the data folder's disk was measured"),
    }
    Ok(sync)
}

/// True for the first of five, and so on: which messages a planted fault takes.
fn one_in_five() -> bool {
    static TURN: AtomicU64 = AtomicU64::new(0);
    TURN.fetch_add(1, Ordering::Relaxed).is_multiple_of(5)
}

/// Whether the log is synced: always, but in a test that must notice when it is not.
#[cfg(feature = "test-faults")]
fn synced(options: &Options) -> bool {
    !options.faults.skip_wal_sync
}

#[cfg(not(feature = "test-faults"))]
fn synced(_: &Options) -> bool {
    true
}

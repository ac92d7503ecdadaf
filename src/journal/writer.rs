//! The one writer: a thread that takes commands from a bounded queue and commits them in groups.
//!
//! What always holds: a command is answered only after the COMMIT that holds it returned and its log was synced, by the `syncer`, while the
//! next batch is run; one that fails or is refused spoils no other of its batch; if COMMIT fails, every command of the batch gets the error.
//! A batch is run without savepoints first, because each would copy every page its command touches and hardly any command is
//! undone: what is refused is refused before it writes. One that must be undone after it wrote undoes the batch, which is then run
//! again with a savepoint for each.
//! A batch ends when the queue is empty, at [`BATCH`] commands, or after [`PATIENCE`]. Partners are woken at COMMIT already: what they claim is
//! written later, and synced with what woke them.
//! It does not know what commands mean, and does not serialise, hash or validate.

use super::checkpoint::Pokes;
use super::health::Pulse;
use super::syncer::{Horizon, Job, unsynced};
use super::{JournalError, Notice};
use crate::clock::{Clock as _, Wall};
use rusqlite::{Connection, ErrorCode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Commands a commit holds at most.
const BATCH: usize = 256;
/// How long a batch is gathered at most.
const PATIENCE: Duration = Duration::from_millis(4);

/// Why a command failed. Everything of it is rolled back.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite's.
    Sql(rusqlite::Error),
    /// A row (of this table) is not what this program wrote.
    Row(&'static str),
    /// The caller asks for what cannot be.
    Refused(&'static str),
}

/// What a command made, and whether its writes are kept.
pub(super) enum Made<T> {
    /// Kept.
    Kept(T),
    /// Answered, but nothing was (to be) written: rolled back.
    Dropped(T),
}

/// What a command sets off once it is committed.
#[derive(Default)]
pub(super) struct Marks {
    /// Partners at which something may have become due.
    pub(super) due: BTreeSet<String>,
    /// Who is told.
    pub(super) notices: Vec<Notice>,
    /// Change of unfinished deliveries.
    pub(super) open: BTreeMap<Kept, i64>,
}

/// Under what an unfinished delivery is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kept {
    /// Receiving partner.
    pub(super) partner: String,
    /// Class.
    pub(super) class: String,
    /// Whose message caused it.
    pub(super) caller: String,
    /// Out-route.
    pub(super) route: String,
    /// Day of the deadline; 0: none is known.
    pub(super) due: i64,
}

/// Wakes whoever waits for a partner's deliveries.
#[derive(Debug, Default)]
pub(super) struct Wakes(Mutex<BTreeMap<String, watch::Sender<u64>>>);

/// A command with the place its answer goes to. It may be run more than once, never after it was answered.
pub(super) trait Command: Send {
    /// Runs it; `true`: keep what it wrote.
    fn run(&mut self, conn: &Connection, marks: &mut Marks) -> Result<bool, Fault>;
    /// When it was put into the queue, by the journal's clock.
    fn since(&self) -> Duration;
    /// Answers: what was made, or the error.
    fn answer(self: Box<Self>, outcome: Result<(), JournalError>);
}

/// A command made of a function.
pub(super) struct Call<T, F> {
    run: F,
    since: Duration,
    made: Option<T>,
    to: oneshot::Sender<Result<T, JournalError>>,
}

/// What the writer counts; read by metrics and tests.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Rows inserted, changed, deleted since open.
    pub(super) rows: AtomicU64,
    /// Commits that held at least one command.
    pub(super) commits: AtomicU64,
    /// Commands in them.
    pub(super) commands: AtomicU64,
    /// The last commits.
    pub(super) pulse: Arc<Pulse>,
    /// Pages in the write-ahead log.
    pub(super) wal: AtomicI32,
    /// Commits that wrote to it.
    logged: AtomicU64,
}

/// Where commits go to be synced.
pub(super) struct Syncs {
    /// How far the disk is.
    pub(super) horizon: Arc<Horizon>,
    /// The syncer's.
    pub(super) jobs: SyncSender<Job>,
}

/// The writer's own things.
pub(super) struct Writer {
    conn: Connection,
    queue: mpsc::Receiver<Box<dyn Command>>,
    wakes: Arc<Wakes>,
    syncs: Syncs,
    counts: Arc<Counts>,
    checkpoint: Pokes,
    clock: Arc<Wall>,
    /// How long a batch takes in what comes: [`PATIENCE`], but for tests.
    patience: Duration,
}

/// A command that ran and waits for its commit.
struct Ran {
    command: Box<dyn Command>,
    failed: Option<JournalError>,
    marks: Marks,
    /// It wrote what must not stay: the batch is undone.
    spoilt: bool,
}

// === impl Fault ===

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The error as the caller sees it: names the store's error, never a value.
    pub(super) fn told(&self) -> JournalError {
        match self {
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => JournalError::Full,
                Some(code) => JournalError::Store(match error.sqlite_error() {
                    Some(e) => format!("{code:?} ({})", e.extended_code),
                    None => format!("{code:?}"),
                }),
                None => match error {
                    rusqlite::Error::InvalidColumnType(_, name, kind) => JournalError::Row(format!("column {name} is {kind}")),
                    rusqlite::Error::FromSqlConversionFailure(column, ..) => JournalError::Row(format!("column {column}")),
                    _ => JournalError::Store("a statement does not fit the store".to_owned()),
                },
            },
            Self::Row(table) => JournalError::Row((*table).to_owned()),
            Self::Refused(why) => JournalError::Store((*why).to_owned()),
        }
    }
}

// === impl Marks ===

impl Marks {
    /// Counts a delivery that opened (+1) or ended (-1).
    pub(super) fn count(&mut self, kept: Kept, change: i64) {
        *self.open.entry(kept).or_default() += change;
    }

    /// Something may have become due at a partner.
    pub(super) fn due(&mut self, partner: &str) {
        if !self.due.contains(partner) {
            self.due.insert(partner.to_owned());
        }
    }

    /// Somebody may wait for this.
    pub(super) fn tell(&mut self, dossier: Option<&str>, delivery: Option<u64>) {
        self.notices.push(Notice { dossier: dossier.map(str::to_owned), delivery });
    }
}

// === impl Wakes ===

impl Wakes {
    /// Changes after each commit that may have made something due at this partner.
    pub(super) fn of(&self, partner: &str) -> watch::Receiver<u64> {
        let mut wakes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.entry(partner.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    fn wake<'p>(&self, partners: impl Iterator<Item = &'p String>) {
        let wakes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for wake in partners.filter_map(|p| wakes.get(p)) {
            wake.send_modify(|n| *n = n.wrapping_add(1));
        }
    }
}

/// Waits for the answer of one of the journal's threads. In a test on one thread the wait is a blocking task's, so that a paused clock does
/// not run on meanwhile.
pub(super) async fn answered<T: Send + 'static>(answer: oneshot::Receiver<Result<T, JournalError>>) -> Result<T, JournalError> {
    #[cfg(test)]
    if tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
        let waited = tokio::task::spawn_blocking(move || answer.blocking_recv()).await;
        return waited.map_or(Err(JournalError::Closed), |told| told.unwrap_or(Err(JournalError::Closed)));
    }
    answer.await.unwrap_or(Err(JournalError::Closed))
}

// === impl Call ===

impl<T, F> Call<T, F>
where
    T: Send + 'static,
    F: Fn(&Connection, &mut Marks) -> Result<Made<T>, Fault> + Send + 'static,
{
    /// A command, and where its answer comes out.
    pub(super) fn make(run: F, since: Duration) -> (Box<dyn Command>, oneshot::Receiver<Result<T, JournalError>>) {
        let (to, answer) = oneshot::channel();
        (Box::new(Self { run, since, made: None, to }), answer)
    }
}

impl<T, F> Command for Call<T, F>
where
    T: Send + 'static,
    F: Fn(&Connection, &mut Marks) -> Result<Made<T>, Fault> + Send + 'static,
{
    fn run(&mut self, conn: &Connection, marks: &mut Marks) -> Result<bool, Fault> {
        let (made, kept) = match (self.run)(conn, marks)? {
            Made::Kept(made) => (made, true),
            Made::Dropped(made) => (made, false),
        };
        self.made = Some(made);
        Ok(kept)
    }

    fn since(&self) -> Duration {
        self.since
    }

    fn answer(self: Box<Self>, outcome: Result<(), JournalError>) {
        let Self { made, to, .. } = *self;
        // Nobody may be waiting any more; what was written stays written.
        let _ = to.send(outcome.and_then(|()| made.ok_or(JournalError::Closed)));
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(
        mut conn: Connection,
        queue: mpsc::Receiver<Box<dyn Command>>,
        (wakes, syncs): (Arc<Wakes>, Syncs),
        counts: Arc<Counts>,
        checkpoint: Pokes,
        clock: Arc<Wall>,
    ) -> Result<Self, rusqlite::Error> {
        let frames = counts.clone();
        conn.wal_hook(Some(move |_: &mut _, n| {
            frames.wal.store(n, Ordering::Relaxed);
            frames.logged.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { conn, queue, wakes, syncs, counts, checkpoint, clock, patience: PATIENCE })
    }

    /// Until every sender is gone and the queue is empty.
    pub(super) fn run(mut self) {
        let clock = self.clock.clone();
        while let Some(first) = self.queue.blocking_recv() {
            let begun = clock.since_start();
            if self.syncs.horizon.failed() {
                answer_all([first], &unsynced());
                continue;
            }
            if let Err(fault) = self.begin() {
                answer_all([first], &fault.told());
                continue;
            }
            let mut ran = Vec::new();
            let mut next = Some(first);
            let mut spoilt = false;
            while let Some(command) = next.take() {
                let step = self.step(command);
                spoilt = step.spoilt || self.conn.is_autocommit();
                ran.push(step);
                if !spoilt && ran.len() < BATCH && clock.since_start().saturating_sub(begun) < self.patience {
                    next = self.queue.try_recv().ok();
                }
            }
            if spoilt { self.again(ran) } else { self.finish(ran) }
        }
    }

    fn begin(&self) -> Result<(), Fault> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// Runs one command.
    fn step(&self, mut command: Box<dyn Command>) -> Ran {
        let before = self.conn.total_changes();
        let mut marks = Marks::default();
        let outcome = command.run(&self.conn, &mut marks);
        let undo = !matches!(outcome, Ok(true));
        if undo {
            marks = Marks::default();
        }
        // What a statement that failed left behind is not known: undone as if it had written.
        let spoilt = undo && (self.conn.total_changes() != before || matches!(outcome, Err(Fault::Sql(_))));
        Ran { command, failed: outcome.err().map(|f| f.told()), marks, spoilt }
    }

    /// Runs one command in a savepoint of its own.
    fn careful(&self, command: Box<dyn Command>) -> Ran {
        if let Err(fault) = self.exec("SAVEPOINT command") {
            return Ran { command, failed: Some(fault.told()), marks: Marks::default(), spoilt: true };
        }
        let mut ran = self.step(command);
        if self.conn.is_autocommit() {
            ran.spoilt = true;
        } else {
            let undone = if ran.spoilt { self.exec("ROLLBACK TO command") } else { Ok(()) };
            let closed = undone.and_then(|()| self.exec("RELEASE command"));
            ran.spoilt = closed.is_err();
            ran.failed = ran.failed.take().or_else(|| closed.err().map(|f| f.told()));
        }
        ran
    }

    /// Commits, and hands the batch to the syncer, which answers.
    fn finish(&mut self, mut ran: Vec<Ran>) {
        let mut open: BTreeMap<&Kept, i64> = BTreeMap::new();
        for (kept, n) in ran.iter().flat_map(|r| &r.marks.open) {
            *open.entry(kept).or_default() += n;
        }
        let waited = ran.iter().map(|r| r.command.since()).min().unwrap_or_default();
        let begun = self.clock.since_start();
        let logged = self.counts.logged.load(Ordering::Relaxed);
        let commit = self.syncs.horizon.begin();
        let committed = self.count(&open).and_then(|()| self.exec("COMMIT"));
        if let Err(fault) = committed {
            self.roll_back();
            let told = fault.told();
            answer_all(ran.drain(..).map(|r| r.command), &told);
        } else {
            self.counts.rows.store(self.conn.total_changes(), Ordering::Relaxed);
            self.counts.commits.fetch_add(1, Ordering::Relaxed);
            self.counts.commands.fetch_add(ran.len() as u64, Ordering::Relaxed);
        }
        let due: BTreeSet<String> = ran.iter_mut().flat_map(|r| std::mem::take(&mut r.marks.due)).collect();
        let notices: Vec<Notice> = ran.iter_mut().flat_map(|r| std::mem::take(&mut r.marks.notices)).collect();
        let wrote = self.counts.logged.load(Ordering::Relaxed) != logged;
        let ran = ran.into_iter().map(|r| (r.command, r.failed)).collect();
        let waited = begun.saturating_sub(waited);
        self.wakes.wake(due.iter());
        // Gone only when it panicked: then the answers' senders are dropped with the job, and the callers get `Closed`.
        let _ = self.syncs.jobs.send(Job { commit, wrote, ran, notices, begun, waited });
        self.checkpoint.tell(self.counts.wal.load(Ordering::Relaxed));
    }

    /// A command must be undone after it wrote: the batch again, each in its savepoint.
    fn again(&mut self, ran: Vec<Ran>) {
        self.roll_back();
        if let Err(fault) = self.begin() {
            return answer_all(ran.into_iter().map(|r| r.command), &fault.told());
        }
        let mut done = Vec::with_capacity(ran.len());
        let mut left = ran.into_iter().map(|r| r.command);
        for command in left.by_ref() {
            done.push(self.careful(command));
            if done.last().is_some_and(|r| r.spoilt) {
                break;
            }
        }
        if done.last().is_some_and(|r| r.spoilt) {
            let ran = done.into_iter().map(|r| r.command);
            self.one_by_one(ran.chain(left).collect());
        } else {
            self.finish(done);
        }
    }

    /// SQLite rolled the whole transaction back (a full disk does that): each command again, alone, so that only those fail that must.
    fn one_by_one(&mut self, commands: Vec<Box<dyn Command>>) {
        self.roll_back();
        for command in commands {
            if let Err(fault) = self.begin() {
                command.answer(Err(fault.told()));
                continue;
            }
            let again = self.careful(command);
            if again.spoilt {
                self.roll_back();
                again.command.answer(Err(again.failed.unwrap_or(JournalError::Full)));
            } else {
                self.finish(vec![again]);
            }
        }
    }

    /// Ends a transaction that must not be committed.
    fn roll_back(&self) {
        if !self.conn.is_autocommit() {
            // A rollback that fails leaves a transaction that the next BEGIN will report.
            let _ = self.exec("ROLLBACK");
        }
    }

    /// Keeps the numbers of unfinished deliveries.
    fn count(&self, open: &BTreeMap<&Kept, i64>) -> Result<(), Fault> {
        for (k, n) in open.iter().filter(|(_, n)| **n != 0) {
            self.conn
                .prepare_cached(
                    "INSERT INTO backlog (partner, class, caller, route, due, open) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (partner, class, caller, route, due) DO UPDATE SET open = open + excluded.open",
                )?
                .execute((&k.partner, &k.class, &k.caller, &k.route, k.due, n))?;
        }
        Ok(())
    }

    fn exec(&self, sql: &str) -> Result<(), Fault> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

fn answer_all(commands: impl IntoIterator<Item = Box<dyn Command>>, error: &JournalError) {
    for command in commands {
        command.answer(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::syncer::{Log, Syncer};
    use super::*;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use tokio::sync::broadcast;

    const FOR_EVER: Duration = Duration::from_secs(3600);

    /// A command that adds a row.
    fn add(n: i64) -> (Box<dyn Command>, oneshot::Receiver<Result<i64, JournalError>>) {
        Call::make(
            move |conn, marks| {
                conn.execute("INSERT INTO t VALUES (?1)", [n])?;
                marks.due("office");
                Ok(Made::Kept(n))
            },
            Duration::ZERO,
        )
    }

    /// Where a writer's commits are synced: a syncer on a thread, for a journal that is open.
    fn syncs(journal: &Path) -> Syncs {
        let horizon = Arc::new(Horizon::default());
        let log = Log::open(journal, false).unwrap();
        let (syncer, jobs) = Syncer::new(log, horizon.clone(), broadcast::channel(8).0, Arc::default(), Arc::default());
        std::thread::spawn(move || syncer.run());
        Syncs { horizon, jobs }
    }

    /// Runs these commands as one batch on an empty table; the rows that are left.
    fn batch(commands: Vec<Box<dyn Command>>) -> Vec<i64> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let (to, queue) = mpsc::channel(8);
        let (poke, _pokes) = Pokes::new(16_384);
        let told = (Arc::default(), syncs(&path));
        let mut writer = Writer::new(conn, queue, told, Arc::default(), poke, Arc::default()).unwrap();
        writer.patience = FOR_EVER;
        for command in commands {
            assert!(to.try_send(command).is_ok());
        }
        drop(to);
        writer.run();
        let left = Connection::open(path).unwrap();
        let mut read = left.prepare("SELECT n FROM t ORDER BY n").unwrap();
        read.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_refused_or_fails_after_it_wrote_is_undone_and_spoils_no_other() {
        let (one, first) = add(1);
        let (refused, second) = Call::make(
            |conn, marks| {
                conn.execute("INSERT INTO t VALUES (20)", [])?;
                marks.due("office");
                Ok(Made::Dropped("stale"))
            },
            Duration::ZERO,
        );
        let (failing, third) = Call::make(
            |conn, _| {
                conn.execute("INSERT INTO t VALUES (30)", [])?;
                conn.execute("INSERT INTO t VALUES (1)", [])?;
                Ok(Made::Kept(()))
            },
            Duration::ZERO,
        );
        let (four, fourth) = add(4);
        assert_eq!(batch(vec![one, refused, failing, four]), [1, 4]);
        assert_eq!(first.blocking_recv().unwrap().unwrap(), 1);
        assert_eq!(second.blocking_recv().unwrap().unwrap(), "stale");
        assert!(matches!(third.blocking_recv().unwrap(), Err(JournalError::Store(_))));
        assert_eq!(fourth.blocking_recv().unwrap().unwrap(), 4);
    }

    #[test]
    fn a_commit_that_fails_fails_its_whole_batch_and_no_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = Connection::open(dir.path().join("t.db")).unwrap();
        conn.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let veto = Arc::new(AtomicBool::new(true));
        let vetoed = veto.clone();
        conn.commit_hook(Some(move || vetoed.swap(false, Ordering::Relaxed))).unwrap();
        let (to, queue) = mpsc::channel(8);
        let (poke, _pokes) = Pokes::new(16_384);
        let wakes = Arc::new(Wakes::default());
        let woken = wakes.of("office");
        let told = (wakes, syncs(&dir.path().join("t.db")));
        let mut writer = Writer::new(conn, queue, told, Arc::default(), poke, Arc::default()).unwrap();
        writer.patience = FOR_EVER;
        // All four wait before the writer starts: one batch, however slow the machine is.
        let answers: Vec<_> = (0..4)
            .map(|n| {
                let (command, answer) = add(n);
                assert!(to.try_send(command).is_ok());
                answer
            })
            .collect();
        let thread = std::thread::spawn(move || writer.run());
        for answer in answers {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(JournalError::Store(_))));
        }
        assert_eq!(*woken.borrow(), 0, "nothing was committed, nobody is woken");
        let (command, answer) = add(7);
        assert!(to.try_send(command).is_ok());
        assert_eq!(answer.blocking_recv().unwrap().unwrap(), 7);
        assert_eq!(*woken.borrow(), 1);
        drop(to);
        thread.join().unwrap();
        let left = Connection::open(dir.path().join("t.db")).unwrap();
        let rows: Vec<i64> =
            left.prepare("SELECT n FROM t").unwrap().query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows, [7]);
    }
}

//! The syncer: puts commits on the disk, on a thread of its own, while the writer runs and commits the next batch.
//!
//! What always holds: a command is answered, and a notice told, only after a sync of the log that began after its COMMIT returned;
//! commits are synced and answered in their order. What a reader saw is told only once the [`Horizon`] has reached it. At most one commit
//! waits while one is synced, so that batches stay large.
//! A sync that failed is not tried again: the system may have given up the pages and still say the next time that all is well. From then
//! on every command and every question gets the error; the next open brings the whole log into the file before anything else
//! ([`mend`]).

use super::JournalError;
use super::health::{Beat, Pulse};
use super::writer::Command;
use super::{Notice, OpenError};
use crate::clock::{Clock as _, Wall};
use rusqlite::Connection;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// How far the log is on the disk.
pub(super) struct Horizon {
    /// The last commit that may be seen by readers: counted before it is committed.
    begun: AtomicU64,
    reached: watch::Sender<Reached>,
}

/// What is on the disk.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    commit: u64,
    failed: bool,
}

/// A commit on its way to the disk.
pub(super) struct Job {
    /// Its number ([`Horizon::begin`]).
    pub(super) commit: u64,
    /// Whether the log grew by it.
    pub(super) wrote: bool,
    /// Its commands, with the error of those that failed.
    pub(super) ran: Vec<(Box<dyn Command>, Option<JournalError>)>,
    /// Who is told.
    pub(super) notices: Vec<Notice>,
    /// When COMMIT began, and how long its oldest command had waited then; by the journal's clock.
    pub(super) begun: Duration,
    pub(super) waited: Duration,
}

/// The log's file as it is synced.
#[derive(Debug)]
pub(super) struct Log {
    /// None: not synced at all, which only test builds can ask for.
    file: Option<File>,
    mark: PathBuf,
}

/// The syncer's own things.
pub(super) struct Syncer {
    log: Log,
    jobs: Receiver<Job>,
    horizon: Arc<Horizon>,
    notices: broadcast::Sender<Notice>,
    pulse: Arc<Pulse>,
    clock: Arc<Wall>,
}

// === impl Horizon ===

impl Default for Horizon {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), reached: watch::channel(Reached::default()).0 }
    }
}

impl Horizon {
    /// The number of the commit that is about to be made. It must be reached, whether the commit succeeds or not.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// What a reader may have seen whose transaction ended before this is asked.
    pub(super) fn seen(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Whether a sync has failed.
    pub(super) fn failed(&self) -> bool {
        self.reached.borrow().failed
    }

    /// This commit is on the disk.
    pub(super) fn reach(&self, commit: u64) {
        self.reached.send_modify(|r| r.commit = commit);
    }

    fn fail(&self) {
        self.reached.send_modify(|r| r.failed = true);
    }

    /// Returns once this commit, and all before it, are on the disk.
    pub(super) async fn wait(&self, commit: u64) -> Result<(), JournalError> {
        let enough = move |r: &Reached| r.commit >= commit || r.failed;
        let now = *self.reached.borrow();
        if !enough(&now) {
            let mut reached = self.reached.subscribe();
            wait_on_disk(async move { reached.wait_for(enough).await.is_ok() }).await;
        }
        if self.failed() { Err(unsynced()) } else { Ok(()) }
    }
}

/// Waits for the syncer's thread. In a test on one thread the wait is a blocking task's, so that a paused clock does not run on
/// meanwhile.
async fn wait_on_disk(reached: impl Future<Output = bool> + Send + 'static) -> bool {
    #[cfg(test)]
    if tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
        let handle = tokio::runtime::Handle::current();
        return tokio::task::spawn_blocking(move || handle.block_on(reached)).await.unwrap_or(false);
    }
    reached.await
}

// === impl Log ===

impl Log {
    /// The log of an open journal that was written to; `sync`: false leaves all syncs out.
    pub(super) fn open(journal: &Path, sync: bool) -> Result<Self, OpenError> {
        let mut name = journal.as_os_str().to_owned();
        name.push("-wal");
        let path = PathBuf::from(name);
        let file = if sync { Some(File::open(&path).map_err(|source| OpenError::File { path, source })?) } else { None };
        Ok(Self { file, mark: mark(journal) })
    }

    /// What was written to it is on the disk when this returns.
    fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Leaves word of a failed sync for the next open.
    fn leave_mark(&self) {
        let left = File::create(&self.mark).and_then(|f| f.sync_all());
        if let Err(error) = left {
            tracing::error!(%error, "that a sync failed could not be noted in the data folder");
        }
    }
}

// === impl Syncer ===

impl Syncer {
    /// The syncer, and where the writer hands it its commits.
    pub(super) fn new(
        log: Log,
        horizon: Arc<Horizon>,
        notices: broadcast::Sender<Notice>,
        pulse: Arc<Pulse>,
        clock: Arc<Wall>,
    ) -> (Self, SyncSender<Job>) {
        // No room: the writer waits until its commit is taken up, and gathers more meanwhile.
        let (to, jobs) = sync_channel(0);
        (Self { log, jobs, horizon, notices, pulse, clock }, to)
    }

    /// Until the writer is gone.
    pub(super) fn run(self) {
        while let Ok(job) = self.jobs.recv() {
            self.put(job);
        }
    }

    fn put(&self, job: Job) {
        if job.wrote
            && !self.horizon.failed()
            && let Err(error) = self.log.sync()
        {
            tracing::error!(%error, "the journal's log could not be synced: nothing more is acknowledged or shown; see to the disk, then start anew");
            self.log.leave_mark();
            self.horizon.fail();
        }
        if self.horizon.failed() {
            return job.ran.into_iter().for_each(|(command, _)| command.answer(Err(unsynced())));
        }
        self.horizon.reach(job.commit);
        if !job.ran.is_empty() {
            let commit = self.clock.since_start().saturating_sub(job.begun);
            self.pulse.note(Beat { commit, waited: job.waited, commands: job.ran.len() });
        }
        for notice in job.notices {
            // No receiver: nobody waits.
            let _ = self.notices.send(notice);
        }
        for (command, failed) in job.ran {
            command.answer(failed.map_or(Ok(()), Err));
        }
    }
}

// === functions ===

/// After a sync has failed: what may not be on the disk is not told, in any form.
pub(super) fn unsynced() -> JournalError {
    JournalError::Store("a sync of the journal's log failed; see to the disk, then start the gateway anew".to_owned())
}

/// Where a failed sync is noted.
fn mark(journal: &Path) -> PathBuf {
    journal.with_extension("unsynced")
}

/// Before anything else is written: if a sync failed in an earlier run, the system may show a log that the disk does not have. All of it is
/// written into the file and synced there. `conn` must be fully synchronous.
pub(super) fn mend(conn: &Connection, journal: &Path) -> Result<(), OpenError> {
    let path = mark(journal);
    if !path.exists() {
        return Ok(());
    }
    let busy: bool = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
    if busy {
        let source = io::Error::other("another connection reads the journal whose last sync failed");
        return Err(OpenError::File { path: journal.to_owned(), source });
    }
    tracing::warn!("a sync had failed in an earlier run; the whole log is in the file now, and synced");
    fs::remove_file(&path).map_err(|source| OpenError::File { path, source })
}

#[cfg(test)]
mod tests {
    use super::super::writer::Call;
    use super::super::writer::Made;
    use super::*;
    use tokio::sync::oneshot;

    type Told = oneshot::Receiver<Result<u8, JournalError>>;

    /// A commit of one command that ran.
    fn job(horizon: &Horizon, wrote: bool) -> (Job, Told) {
        let (mut command, told) = Call::make(|_, _| Ok(Made::Kept(7)), Duration::ZERO);
        command.run(&Connection::open_in_memory().unwrap(), &mut super::super::writer::Marks::default()).unwrap();
        let notices = vec![Notice { dossier: None, delivery: Some(1) }];
        let times = (Duration::ZERO, Duration::ZERO);
        let commit = horizon.begin();
        (Job { commit, wrote, ran: vec![(command, None)], notices, begun: times.0, waited: times.1 }, told)
    }

    fn syncer(dir: &Path, file: Option<File>) -> (Syncer, Arc<Horizon>, broadcast::Receiver<Notice>) {
        let horizon = Arc::new(Horizon::default());
        let (notices, told) = broadcast::channel(8);
        let log = Log { file, mark: mark(&dir.join("journal.db")) };
        let (syncer, _) = Syncer::new(log, horizon.clone(), notices, Arc::default(), Arc::default());
        (syncer, horizon, told)
    }

    #[tokio::test]
    async fn a_commit_is_answered_told_and_seen_once_it_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let (syncer, horizon, mut notices) = syncer(dir.path(), Some(File::create(dir.path().join("log")).unwrap()));
        let (first, mut told) = job(&horizon, true);
        let seen = horizon.seen();
        let early = tokio::time::timeout(Duration::from_millis(20), horizon.wait(seen)).await;
        assert!(early.is_err() && told.try_recv().is_err() && notices.try_recv().is_err(), "told before it was synced");
        syncer.put(first);
        assert_eq!(told.await.unwrap().unwrap(), 7);
        assert!(notices.try_recv().is_ok());
        horizon.wait(seen).await.unwrap();
        assert_eq!(syncer.pulse.beats().batch_milli, 1_000);
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_nothing_is_told_whatever_a_later_one_says() {
        let dir = tempfile::tempdir().unwrap();
        // The system refuses to sync what is not a file of its own.
        let (syncer, horizon, mut notices) = syncer(dir.path(), Some(File::open("/dev/null").unwrap()));
        let (good, told) = job(&horizon, false);
        syncer.put(good);
        assert!(told.await.unwrap().is_ok(), "nothing was written: nothing to sync");
        notices.try_recv().unwrap();
        for wrote in [true, false] {
            let (lost, told) = job(&horizon, wrote);
            let seen = horizon.seen();
            syncer.put(lost);
            assert!(told.await.unwrap().unwrap_err().to_string().contains("sync"));
            assert!(horizon.wait(seen).await.is_err());
            assert!(notices.try_recv().is_err());
        }
        assert!(dir.path().join("journal.unsynced").exists(), "the next open must know");
    }

    #[test]
    fn a_journal_whose_sync_failed_is_moved_into_its_file_at_the_next_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let open = || super::super::schema::writer(&path, "FULL").unwrap();
        let conn = open();
        conn.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (1)").unwrap();
        let log = dir.path().join("journal.db-wal");
        let grown = fs::metadata(&log).unwrap().len();
        mend(&conn, &path).unwrap();
        assert_eq!(fs::metadata(&log).unwrap().len(), grown, "no mark: nothing is done");
        File::create(mark(&path)).unwrap();
        mend(&conn, &path).unwrap();
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        assert!(!mark(&path).exists());
        let n: i64 = open().query_row("SELECT n FROM t", [], |r| r.get(0)).unwrap();
        assert_eq!(n, 1);
    }
}

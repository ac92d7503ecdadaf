//! The readers: a few threads with a connection each, fed by one bounded queue; and a few connections for look-ups by key, which are
//! answered where they are asked.
//!
//! What always holds: a reader cannot write; each question sees one committed state of the journal, and is answered once that state is on
//! the disk; a slow question holds up one thread only; what does not fit into the queue is refused, not gathered. A look-up by key reads a few pages: going to another
//! thread and back costs several times as much. Lists always go to the readers.

use super::JournalError;
use super::syncer::Horizon;
use super::writer::{Fault, answered};
use rusqlite::Connection;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The pool.
pub(super) struct Readers {
    queue: Mutex<Option<SyncSender<Question>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// None: closed.
    near: Vec<Mutex<Option<Connection>>>,
    horizon: Arc<Horizon>,
}

// === impl Readers ===

impl Readers {
    /// One thread per connection; at most `queue` questions wait. `near` are for look-ups.
    pub(super) fn start(
        connections: Vec<Connection>,
        near: Vec<Connection>,
        queue: usize,
        horizon: Arc<Horizon>,
    ) -> std::io::Result<Self> {
        let (to, from) = sync_channel::<Question>(queue.max(1));
        let from = Arc::new(Mutex::new(from));
        let mut threads = Vec::new();
        for (n, conn) in connections.into_iter().enumerate() {
            let from = from.clone();
            threads.push(std::thread::Builder::new().name(format!("journal-read-{n}")).spawn(move || answer(&conn, &from))?);
        }
        let near = near.into_iter().map(|conn| Mutex::new(Some(conn))).collect();
        Ok(Self { queue: Mutex::new(Some(to)), threads: Mutex::new(threads), near, horizon })
    }

    /// Looks up by key, here and now where a connection is free; else as [`Readers::ask`]. Where nothing is found, there is nothing that
    /// could be told before it is synced: `nothing` says so of an answer.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
        nothing: fn(&T) -> bool,
    ) -> Result<T, JournalError> {
        for near in &self.near {
            let told = match near.try_lock() {
                Ok(conn) => {
                    let conn = conn.as_ref().ok_or(JournalError::Closed)?;
                    within(conn, question).map_err(|f| f.told())?
                }
                Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => continue,
            };
            if !nothing(&told) || self.horizon.failed() {
                self.horizon.wait(self.horizon.seen()).await?;
            }
            return Ok(told);
        }
        self.ask(question).await
    }

    /// Asks; answered from one read transaction.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (to, answer) = oneshot::channel();
        let horizon = self.horizon.clone();
        let job: Question = Box::new(move |conn| {
            let told = within(conn, question).map_err(|f| f.told());
            // Nobody may be waiting any more.
            let _ = to.send(told.map(|told| (told, horizon.seen())));
        });
        let sent = match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(queue) => queue.try_send(job),
            None => return Err(JournalError::Closed),
        };
        let (told, seen) = match sent {
            Ok(()) => answered(answer).await?,
            Err(std::sync::mpsc::TrySendError::Full(_)) => return Err(JournalError::Busy),
            Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return Err(JournalError::Closed),
        };
        self.horizon.wait(seen).await?;
        Ok(told)
    }

    /// Answers what waits, then ends the threads.
    pub(super) fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        for thread in std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)) {
            // A reader that panicked has nothing left to end.
            let _ = thread.join();
        }
        for near in &self.near {
            drop(near.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

fn answer(conn: &Connection, from: &Mutex<Receiver<Question>>) {
    loop {
        let next = from.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(question) => question(conn),
            Err(_) => return,
        }
    }
}

fn within<T>(conn: &Connection, question: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let told = question(conn);
    let ended = conn.prepare_cached("COMMIT")?.execute([]);
    if ended.is_err() && !conn.is_autocommit() {
        conn.prepare_cached("ROLLBACK")?.execute([])?;
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn what_a_reader_saw_is_told_once_it_is_synced_and_what_is_not_there_at_once() {
        let horizon = Arc::new(Horizon::default());
        let some = || vec![Connection::open_in_memory().unwrap()];
        let readers = Arc::new(Readers::start(some(), some(), 8, horizon.clone()).unwrap());
        let row = |conn: &Connection| Ok(Some(conn.query_row("SELECT 7", [], |r| r.get::<_, u8>(0))?));
        let soon = Duration::from_millis(20);
        let commit = horizon.begin();
        assert_eq!(readers.look(|_| Ok(None::<u8>), Option::is_none).await.unwrap(), None);
        assert!(tokio::time::timeout(soon, readers.look(row, Option::is_none)).await.is_err(), "told before it was synced");
        assert!(tokio::time::timeout(soon, readers.ask(row)).await.is_err(), "told before it was synced");
        let asked = tokio::spawn({
            let readers = readers.clone();
            async move { readers.ask(row).await }
        });
        horizon.reach(commit);
        assert_eq!(asked.await.unwrap().unwrap(), Some(7));
        assert_eq!(readers.look(row, Option::is_none).await.unwrap(), Some(7));
        tokio::task::spawn_blocking(move || readers.stop()).await.unwrap();
    }
}

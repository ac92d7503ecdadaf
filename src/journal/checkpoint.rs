//! The checkpointer: moves the WAL into the file on a thread and connection of its own, off the commit path.
//!
//! What always holds: a commit never waits for a checkpoint unless the WAL is over its cap; then it waits until the rest was moved, so
//! that the WAL begins anew however quickly it is written. A checkpoint that fails changes nothing and is tried again after a later
//! commit.

use rusqlite::Connection;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Frames (pages of 8 KiB) from which the writer is held up for the rest of it, so that the WAL begins anew: 128 MiB.
pub(super) const CAP: i32 = 16_384;

/// What the writer says of its log, in frames.
pub(super) enum Poke {
    /// Long enough to be worth moving.
    Soon(i32),
    /// Over the cap: the writer waits for the answer, whether the log begins anew.
    Full(SyncSender<bool>),
}

/// The writer's end: when the checkpointer is told, and when it is waited for.
pub(super) struct Pokes {
    to: SyncSender<Poke>,
    cap: i32,
    /// Frames at which the writer waits: the cap, or more while a reader keeps the log from beginning anew.
    hold: i32,
}

// === impl Pokes ===

impl Pokes {
    /// Both ends, for a cap in frames.
    pub(super) fn new(cap: i32) -> (Self, Receiver<Poke>) {
        let (to, from) = sync_channel(1);
        (Self { to, cap, hold: cap }, from)
    }

    /// The log is this long after a commit. Blocks when it is over the cap.
    pub(super) fn tell(&mut self, frames: i32) {
        if frames < self.cap {
            self.hold = self.cap;
        }
        if frames >= self.hold {
            let (to, anew) = sync_channel(1);
            // No checkpointer any more: the end is near, and it moves all.
            let begun = self.to.send(Poke::Full(to)).is_ok() && anew.recv().unwrap_or(false);
            // Somebody reads in it for long: not asked again before it has grown by some more.
            self.hold = if begun { self.cap } else { frames.saturating_add(soon(self.cap)) };
        } else if frames >= soon(self.cap) {
            // A full queue means that a checkpoint is under way already.
            let _ = self.to.try_send(Poke::Soon(frames));
        }
    }
}

// === functions ===

/// Works until the writer is gone; then moves all and empties the WAL.
pub(super) fn run(conn: &Connection, pokes: &Receiver<Poke>, cap: i32) {
    let mut moved = 0;
    while let Ok(poke) = pokes.recv() {
        match poke {
            Poke::Soon(frames) => {
                if frames < moved {
                    moved = 0;
                }
                if frames - moved >= soon(cap) {
                    moved = checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)").map_or(moved, |(_, moved)| moved);
                }
            }
            Poke::Full(answer) => {
                let anew = checkpoint(conn, "PRAGMA wal_checkpoint(RESTART)").is_some_and(|(busy, _)| !busy);
                moved = 0;
                // A writer that has gone does not listen.
                let _ = answer.send(anew);
            }
        }
    }
    checkpoint(conn, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Unmoved frames from which the WAL is moved without holding up the writer: an eighth of the cap.
fn soon(cap: i32) -> i32 {
    (cap / 8).max(1)
}

/// Whether somebody was in the way, and how many frames of the WAL are in the file now; none: it failed.
fn checkpoint(conn: &Connection, sql: &str) -> Option<(bool, i32)> {
    conn.query_row(sql, [], |r| Ok((r.get(0)?, r.get(2)?))).ok()
}

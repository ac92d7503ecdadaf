//! The checkpointer: moves the WAL into the file on a thread and connection of its own, off the commit path.
//!
//! What always holds: a commit never waits for a checkpoint unless the WAL is over its cap; a checkpoint that fails changes
//! nothing and is tried again after a later commit.

use rusqlite::Connection;
use std::sync::mpsc::Receiver;

/// Frames (pages of 8 KiB) from which the writer is held up for the rest of it, so that the WAL begins anew: 128 MiB.
pub(super) const CAP: i32 = 16_384;

/// Works until the writer is gone; then moves all and empties the WAL.
pub(super) fn run(conn: &Connection, pokes: &Receiver<i32>, cap: i32) {
    let mut moved = 0;
    while let Ok(frames) = pokes.recv() {
        if frames < moved {
            moved = 0;
        }
        if frames - moved < soon(cap) {
            continue;
        }
        // First without a lock, so that what is left for the locked part is the tail only.
        moved = checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)").unwrap_or(moved);
        if frames >= cap {
            checkpoint(conn, "PRAGMA wal_checkpoint(RESTART)");
        }
    }
    checkpoint(conn, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Unmoved frames from which the WAL is moved without holding up the writer: an eighth of the cap.
pub(super) fn soon(cap: i32) -> i32 {
    (cap / 8).max(1)
}

/// How many frames of the WAL are in the file now; none: it failed.
fn checkpoint(conn: &Connection, sql: &str) -> Option<i32> {
    conn.query_row(sql, [], |r| r.get(2)).ok()
}

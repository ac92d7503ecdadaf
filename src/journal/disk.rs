//! The disk below the data folder: how much room is left, and how long it takes to sync.
//!
//! What always holds: below the reserve nothing new is taken in but what a payment platform tells, and what was taken in goes on;
//! below a quarter of it no call is begun, so that whatever was begun can be settled. Both end by themselves. A disk that cannot be
//! asked counts as roomy: a full one is still told by each write that fails. A quota, of the system on a file's size or of the file system on
//! its user, is a full disk with another remedy.

use super::JournalError;
use crate::clock::{Clock as _, Wall};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

/// The disk is asked at most so often.
const EVERY: Duration = Duration::from_millis(100);
/// Syncs measured at start, and the longest they may take together.
const SYNCS: usize = 12;
const LONGEST: Duration = Duration::from_millis(500);
/// What a log's page and its head need.
const PIECE: usize = 8 << 10;
/// The journal's files: none of them may be able to grow.
const FILES: [&str; 2] = ["journal.db", "journal.db-wal"];
/// A quota that is met is said again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// Below a quarter of the reserve: no call is begun.
    Last,
    /// Below the reserve: nothing new is taken in.
    Reserve,
    /// Enough.
    Plenty,
}

/// A disk that is watched; cheap to clone.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    reserve: AtomicU64,
    free: AtomicU64,
    room: AtomicU8,
    /// Milliseconds since the start, plus 1; 0: never.
    asked: AtomicU64,
    /// The same of a quota that was met: when it was last looked for, and last said.
    tried: AtomicU64,
    said: AtomicU64,
    bounded: AtomicBool,
    clock: Wall,
}

// === impl Room ===

impl Room {
    /// The room of a disk with `free` bytes. Once it was low it must be an eighth above the line to be called better: else it would
    /// flicker with every checkpoint.
    #[must_use]
    pub fn of(free: u64, reserve: u64, was: Self) -> Self {
        let enough = |line: u64, low: bool| free >= if low { line.saturating_add(line / 8) } else { line };
        if !enough(reserve / 4, was == Self::Last) {
            Self::Last
        } else if !enough(reserve, was != Self::Plenty) {
            Self::Reserve
        } else {
            Self::Plenty
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Last => 0,
            Self::Reserve => 1,
            Self::Plenty => 2,
        }
    }

    fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Last,
            1 => Self::Reserve,
            _ => Self::Plenty,
        }
    }
}

// === impl Disk ===

impl Disk {
    /// Watches the disk of a folder, of which `reserve` bytes are kept free (0: none).
    #[must_use]
    pub fn watch(folder: &Path, reserve: u64) -> Self {
        Self(Arc::new(Inner {
            folder: folder.to_owned(),
            reserve: AtomicU64::new(reserve),
            free: AtomicU64::new(u64::MAX),
            room: AtomicU8::new(Room::Plenty.code()),
            asked: AtomicU64::new(0),
            tried: AtomicU64::new(0),
            said: AtomicU64::new(0),
            bounded: AtomicBool::new(false),
            clock: Wall::new(),
        }))
    }

    /// How much room there is: a tenth of a second old at most.
    #[must_use]
    pub fn room(&self) -> Room {
        let inner = &self.0;
        let reserve = inner.reserve.load(Ordering::Relaxed);
        let now = u64::try_from(inner.clock.since_start().as_millis()).unwrap_or(u64::MAX);
        let asked = inner.asked.load(Ordering::Relaxed);
        let was = Room::of_code(inner.room.load(Ordering::Relaxed));
        if reserve == 0 || (asked > 0 && u128::from(now + 1 - asked.min(now + 1)) < EVERY.as_millis()) {
            return if reserve == 0 { Room::Plenty } else { was };
        }
        inner.asked.store(now + 1, Ordering::Relaxed);
        let free = free(&inner.folder).unwrap_or(u64::MAX);
        inner.free.store(free, Ordering::Relaxed);
        let room = Room::of(free, reserve, was);
        inner.room.store(room.code(), Ordering::Relaxed);
        if room != was {
            let (free, reserve) = (free >> 20, reserve >> 20);
            match room {
                Room::Plenty => tracing::info!(free_mb = free, "the disk has room again: dossiers are taken in"),
                Room::Reserve => {
                    tracing::error!(
                        free_mb = free,
                        reserve_mb = reserve,
                        "the disk is below its reserve: nothing new is taken in"
                    );
                }
                Room::Last => {
                    tracing::error!(
                        free_mb = free,
                        reserve_mb = reserve,
                        "the disk is nearly full: no call is begun until there is room"
                    );
                }
            }
        }
        room
    }

    /// A failure of the store by its cause: one that comes of a quota is a full disk. (The store tells both "no space" and "too large" of
    /// its log, but only the first as such.)
    pub(super) fn named(&self, error: JournalError) -> JournalError {
        match &error {
            JournalError::Store(text) if text.starts_with("SystemIoFailure") && self.is_bounded() => JournalError::Full,
            _ => error,
        }
    }

    /// Whether the journal's files may not grow: it is tried, at most ten times a second, and said when it is so.
    fn is_bounded(&self) -> bool {
        let inner = &self.0;
        let now = u64::try_from(inner.clock.since_start().as_millis()).unwrap_or(u64::MAX) + 1;
        let past = |then: &AtomicU64, most: Duration| {
            let then = then.load(Ordering::Relaxed);
            then == 0 || u128::from(now.saturating_sub(then)) >= most.as_millis()
        };
        if !past(&inner.tried, EVERY) {
            return inner.bounded.load(Ordering::Relaxed);
        }
        inner.tried.store(now, Ordering::Relaxed);
        let bounded = may_not_grow(&inner.folder);
        inner.bounded.store(bounded, Ordering::Relaxed);
        if bounded && past(&inner.said, AGAIN) {
            inner.said.store(now, Ordering::Relaxed);
            tracing::warn!(
                "the disk is full by a quota: raise the limit on a file's size (LimitFSIZE=, ulimit -f) or the user's quota of disk"
            );
        }
        bounded
    }

    /// Free bytes; none: the disk cannot be asked.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        free(&self.0.folder)
    }

    /// Bytes kept free.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        self.0.reserve.load(Ordering::Relaxed)
    }

    /// Keeps other bytes free from now on.
    pub fn keep(&self, reserve: u64) {
        self.0.reserve.store(reserve, Ordering::Relaxed);
        self.0.asked.store(0, Ordering::Relaxed);
    }
}

// === functions ===

/// Bytes that may still be written to the disk of a folder.
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Whether a page behind the end of the largest of the journal's files finds a quota or no room. Written to a file of its own, which is
/// removed again.
fn may_not_grow(folder: &Path) -> bool {
    let sizes = FILES.iter().filter_map(|name| std::fs::metadata(folder.join(name)).ok()).map(|file| file.len());
    let end = sizes.max().unwrap_or(0);
    let path = folder.join("room-probe");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
    let written = file.and_then(|file| file.write_all_at(&[0; PIECE], end));
    // What cannot be removed is written over next time.
    let _ = std::fs::remove_file(&path);
    let full = [ErrorKind::FileTooLarge, ErrorKind::QuotaExceeded, ErrorKind::StorageFull];
    written.is_err_and(|error| full.contains(&error.kind()))
}

/// The median time of a few synced appends to a file in the folder, which is removed again.
pub(super) fn sync_time(folder: &Path) -> io::Result<Duration> {
    let path = folder.join("sync-probe");
    let clock = Wall::new();
    let measure = || {
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let mut times = Vec::with_capacity(SYNCS);
        while times.len() < SYNCS && clock.since_start() < LONGEST {
            file.write_all(&[0; PIECE])?;
            let began = clock.since_start();
            file.sync_data()?;
            times.push(clock.since_start().saturating_sub(began));
        }
        times.sort_unstable();
        Ok(times.get(times.len() / 2).copied().unwrap_or_default())
    };
    let measured = measure();
    // What cannot be removed is written over next time.
    let _ = std::fs::remove_file(&path);
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_left_for_what_was_begun_and_comes_back_with_a_little_to_spare() {
        use Room::{Last, Plenty, Reserve};
        for (free, was, want) in [
            (1_000, Plenty, Plenty),
            (999, Plenty, Reserve),
            (250, Plenty, Reserve),
            (249, Plenty, Last),
            (1_000, Reserve, Reserve),
            (1_125, Reserve, Plenty),
            (250, Last, Last),
            (290, Last, Reserve),
            (1_125, Last, Plenty),
            (0, Plenty, Last),
        ] {
            assert_eq!(Room::of(free, 1_000, was), want, "{free} {was:?}");
        }
        assert_eq!(Room::of(0, 0, Plenty), Plenty, "no reserve: every write tells for itself");
    }

    #[test]
    fn a_real_disk_is_measured() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::watch(dir.path(), 0);
        let free = disk.free().unwrap();
        assert!(free > 0);
        assert_eq!(disk.room(), Room::Plenty);
        disk.keep(free.saturating_mul(2));
        assert_eq!(disk.room(), Room::Reserve);
        disk.keep(free.saturating_mul(16));
        assert_eq!(disk.room(), Room::Last);
        disk.keep(1);
        assert_eq!(disk.room(), Room::Plenty);
        assert!(sync_time(dir.path()).unwrap() < LONGEST);
        let failed = || JournalError::Store("SystemIoFailure (778)".to_owned());
        assert!(matches!(disk.named(failed()), JournalError::Store(_)), "no quota: it is what it says");
        assert!(matches!(disk.named(JournalError::Busy), JournalError::Busy));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the probe leaves nothing");
    }
}

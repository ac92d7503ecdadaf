//! Files by content: written once under a temporary name, synced, then named by their SHA-256.
//!
//! What always holds: a [`Blob`] that was answered is on disk with its name (file, folder, and the folder's own entry synced);
//! a stage that is dropped leaves nothing; what an earlier run left half-written is removed at open. Names are digests, so a
//! content is kept once; who may read it is not known here.

use super::{Disk, Room};
use crate::clock::Time;
use crate::seal::Sha256;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::UNIX_EPOCH;

/// A folder of contents.
#[derive(Clone, Debug)]
pub struct BlobStore {
    inner: Arc<Inner>,
    /// Begins nothing new while its reserve is touched.
    guard: Option<Disk>,
}

/// A content on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256, lower-case hex.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// A content on its way in. Dropped unfinished, it is gone.
#[derive(Debug)]
pub struct Stage {
    store: BlobStore,
    path: PathBuf,
    file: Option<File>,
    digest: Sha256,
    size: u64,
    limit: u64,
}

/// What stands in a stage, by its offsets; also after the stage got its name.
#[derive(Debug)]
pub struct Spool(File);

/// Why a content could not be kept or read. The text never names a value.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Larger than the stage's limit.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The disk is full.
    #[error("the disk is full; the file was not kept")]
    Full,
    /// Not a digest.
    #[error("a content is named by 64 lower-case hexadecimal digits")]
    Name,
    /// The file system failed.
    #[error("the file store failed: {0}")]
    Io(#[source] io::Error),
}

/// Syncs to leave out, for the test that must notice it. Exists in test builds only.
#[cfg(feature = "test-faults")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The WAL's (synchronous=OFF).
    pub skip_wal_sync: bool,
    /// A content's.
    pub skip_file_sync: bool,
    /// A folder's.
    pub skip_dir_sync: bool,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    next: AtomicU64,
    /// Bytes that may still be taken in; `u64::MAX`: as many as the disk holds.
    room: AtomicU64,
    /// Subfolders whose entry this process has synced.
    folders: Mutex<BTreeSet<PathBuf>>,
    /// Shared by those who give a name, alone for one who takes one away.
    names: RwLock<()>,
    #[cfg(feature = "test-faults")]
    faults: Faults,
}

// === impl BlobStore ===

impl BlobStore {
    /// Opens (or makes) a folder of contents; what an earlier run left half-written is removed. The folder must be held by this
    /// process alone (the journal's lock).
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        Self::make(Inner {
            dir: dir.to_owned(),
            next: AtomicU64::new(0),
            room: AtomicU64::new(u64::MAX),
            folders: Mutex::default(),
            names: RwLock::default(),
            #[cfg(feature = "test-faults")]
            faults: Faults::default(),
        })
    }

    /// The same with syncs left out.
    #[cfg(feature = "test-faults")]
    pub fn open_faulty(dir: &Path, faults: Faults) -> Result<Self, BlobError> {
        Self::make(Inner {
            dir: dir.to_owned(),
            next: AtomicU64::new(0),
            room: AtomicU64::new(u64::MAX),
            folders: Mutex::default(),
            names: RwLock::default(),
            faults,
        })
    }

    fn make(inner: Inner) -> Result<Self, BlobError> {
        let tmp = inner.dir.join("tmp");
        fs::create_dir_all(&tmp)?;
        for left in fs::read_dir(&tmp)? {
            fs::remove_file(left?.path())?;
        }
        let store = Self { inner: Arc::new(inner), guard: None };
        store.sync_dir(&store.inner.dir)?;
        let parent = store.inner.dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        store.sync_dir(parent)?;
        Ok(store)
    }

    /// The same store for those who take in: no content is begun while the disk is below its reserve.
    #[must_use]
    pub fn guarded(&self, disk: Disk) -> Self {
        Self { inner: self.inner.clone(), guard: Some(disk) }
    }

    /// From now on at most so many bytes are taken in; what goes beyond finds the disk full. `u64::MAX`: as many as the disk holds.
    pub fn limit(&self, bytes: u64) {
        self.inner.room.store(bytes, Ordering::Relaxed);
    }

    /// Takes room for a piece; false: there is none.
    fn take_room(&self, bytes: u64) -> bool {
        let taken = |room: u64| if room == u64::MAX { Some(room) } else { room.checked_sub(bytes) };
        self.inner.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Begins a content of at most `limit` bytes.
    pub fn stage(&self, limit: u64) -> Result<Stage, BlobError> {
        if self.guard.as_ref().is_some_and(|d| d.room() != Room::Plenty) {
            return Err(BlobError::Full);
        }
        let path = self.inner.dir.join("tmp").join(self.inner.next.fetch_add(1, Ordering::Relaxed).to_string());
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Stage { store: self.clone(), path, file: Some(file), digest: Sha256::new(), size: 0, limit })
    }

    /// A content by its digest; none: it is not here.
    pub fn open_blob(&self, digest: &str) -> Result<Option<File>, BlobError> {
        match File::open(self.place(digest)?.1) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Size of a content and when it came last, by the file system's word; none: it is not here.
    pub fn came(&self, digest: &str) -> Result<Option<(u64, Time)>, BlobError> {
        let found = match fs::metadata(self.place(digest)?.1) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let since = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Some((found.len(), Time(0).plus(since))))
    }

    /// The contents of which the digest begins with `part` (one digit or more) and which came before this time: digest, size, when it came
    /// last. Reads up to sixteen folders; a file of another name is passed over.
    pub fn older(&self, part: &str, before: Time) -> Result<Vec<(String, u64, Time)>, BlobError> {
        let mut found = Vec::new();
        for folder in fs::read_dir(&self.inner.dir)? {
            let folder = folder?;
            if folder.file_name().len() != 2 || !folder.file_name().to_string_lossy().starts_with(part) {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let Ok(digest) = file?.file_name().into_string() else { continue };
                // One that is taken away meanwhile is not there.
                if self.place(&digest).is_ok()
                    && let Some((size, at)) = self.came(&digest)?.filter(|(_, at)| *at < before)
                {
                    found.push((digest, size, at));
                }
            }
        }
        Ok(found)
    }

    /// Removes a content, unless it came at this time or later. True: it is here no more, and that survives power loss. Whoever finishes
    /// the same content meanwhile has it afterwards.
    pub fn strike(&self, digest: &str, young: Time) -> Result<bool, BlobError> {
        let (folder, name) = self.place(digest)?;
        let _alone = self.inner.names.write().unwrap_or_else(PoisonError::into_inner);
        match self.came(digest)? {
            None => Ok(true),
            Some((_, at)) if at >= young => Ok(false),
            Some(_) => {
                fs::remove_file(name)?;
                self.sync_dir(&folder)?;
                Ok(true)
            }
        }
    }

    /// The folder and the name of a digest.
    fn place(&self, digest: &str) -> Result<(PathBuf, PathBuf), BlobError> {
        let named = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let folder = self.inner.dir.join(digest.get(..2).filter(|_| named).ok_or(BlobError::Name)?);
        Ok((folder.clone(), folder.join(digest)))
    }

    /// Makes a subfolder and syncs its entry, once in the life of this process: an earlier one may have died in between.
    fn folder(&self, folder: &Path) -> io::Result<()> {
        let mut folders = self.inner.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if folders.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        self.sync_dir(&self.inner.dir)?;
        folders.insert(folder.to_owned());
        Ok(())
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        #[cfg(feature = "test-faults")]
        if self.inner.faults.skip_file_sync {
            return Ok(());
        }
        file.sync_all()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        #[cfg(feature = "test-faults")]
        if self.inner.faults.skip_dir_sync {
            return Ok(());
        }
        File::open(dir)?.sync_all()
    }
}

// === impl Stage ===

impl Stage {
    /// Bytes taken in so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What stands in it so far, to be read.
    pub fn spool(&self) -> Result<Spool, BlobError> {
        Ok(Spool(File::open(&self.path)?))
    }

    /// Ends the content: once this answers, file and name are synced and survive power loss. Blocks for two or three syncs.
    pub fn finish(mut self) -> Result<Blob, BlobError> {
        let digest = std::mem::take(&mut self.digest).hex();
        let (folder, name) = self.store.place(&digest)?;
        let blob = Blob { digest, size: self.size };
        let Some(file) = self.file.take() else { return Err(BlobError::Io(io::ErrorKind::NotConnected.into())) };
        self.store.sync_file(&file)?;
        self.store.folder(&folder)?;
        // Also over a content that is there already: whether its name was synced by whoever wrote it is not known here.
        let named = self.store.inner.names.read().unwrap_or_else(PoisonError::into_inner);
        fs::rename(&self.path, &name)?;
        drop(named);
        self.store.sync_dir(&folder)?;
        Ok(blob)
    }
}

impl Spool {
    /// Fills `into` with the bytes from `from` on. Blocks.
    pub fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, from)
    }
}

impl Write for Stage {
    /// Refuses with [`io::ErrorKind::FileTooLarge`] what goes beyond the limit; nothing of that piece is kept.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if self.size.saturating_add(piece.len() as u64) > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, BlobError::TooLarge { limit: self.limit }));
        }
        if !self.store.take_room(piece.len() as u64) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let n = file.write(piece)?;
        self.digest.update(piece.get(..n).unwrap_or(piece));
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // After a finish the name is gone already; what cannot be removed is removed at the next open.
        let _ = fs::remove_file(&self.path);
    }
}

// === impl BlobError ===

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            // Our own bound on a content; else the system's on a file (RLIMIT_FSIZE), which is a disk that takes no more.
            io::ErrorKind::FileTooLarge => error.downcast::<Self>().unwrap_or(Self::Full),
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::sha256_hex;
    use std::io::Read as _;

    fn store() -> (tempfile::TempDir, BlobStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(&dir.path().join("files")).unwrap();
        (dir, store)
    }

    fn names(store: &BlobStore, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(store.inner.dir.join(folder)).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_was_finished_is_found_by_its_digest_and_kept_once() {
        let (_dir, store) = store();
        for _ in 0..2 {
            let mut stage = store.stage(100).unwrap();
            stage.write_all("giấy ".as_bytes()).unwrap();
            stage.write_all(b"khai sinh").unwrap();
            let blob = stage.finish().unwrap();
            assert_eq!(blob, Blob { digest: sha256_hex("giấy khai sinh".as_bytes()), size: 16 });
            let mut text = String::new();
            store.open_blob(&blob.digest).unwrap().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "giấy khai sinh");
            assert_eq!(names(&store, &blob.digest[..2]), [blob.digest]);
        }
        assert!(names(&store, "tmp").is_empty());
    }

    #[test]
    fn a_stage_that_is_dropped_or_too_large_leaves_nothing() {
        let (_dir, store) = store();
        let mut stage = store.stage(10).unwrap();
        stage.write_all(b"0123456789").unwrap();
        assert_eq!(names(&store, "tmp").len(), 1);
        let error = stage.write_all(b"x").unwrap_err();
        assert!(matches!(BlobError::from(error), BlobError::TooLarge { limit: 10 }));
        drop(stage);
        assert!(names(&store, "tmp").is_empty());
        assert_eq!(fs::read_dir(&store.inner.dir).unwrap().count(), 1, "tmp alone");
    }

    #[test]
    fn beyond_the_quota_the_disk_is_full_and_afterwards_it_is_not() {
        let (_dir, store) = store();
        store.limit(5);
        let mut stage = store.stage(100).unwrap();
        stage.write_all(b"four").unwrap();
        assert!(matches!(BlobError::from(stage.write_all(b"more").unwrap_err()), BlobError::Full));
        drop(stage);
        assert!(names(&store, "tmp").is_empty());
        store.limit(u64::MAX);
        store.stage(100).unwrap().write_all(b"more than five").unwrap();
    }

    #[test]
    fn leftovers_of_an_earlier_run_are_removed_at_open() {
        let (_dir, store) = store();
        let mut stage = store.stage(10).unwrap();
        stage.write_all(b"half").unwrap();
        std::mem::forget(stage);
        let again = BlobStore::open(&store.inner.dir).unwrap();
        assert!(names(&again, "tmp").is_empty());
    }

    #[test]
    fn a_content_is_struck_when_it_is_old_and_stays_when_it_came_again() {
        let (_dir, store) = store();
        let kept = |text: &[u8]| {
            let mut stage = store.stage(100).unwrap();
            stage.write_all(text).unwrap();
            stage.finish().unwrap().digest
        };
        let digest = kept(b"mot");
        let (size, came) = store.came(&digest).unwrap().unwrap();
        assert_eq!(size, 3);
        assert!(!store.strike(&digest, came).unwrap(), "it came at this very time");
        assert!(store.open_blob(&digest).unwrap().is_some());
        assert!(store.strike(&digest, came.plus_ms(1)).unwrap());
        assert!(store.open_blob(&digest).unwrap().is_none());
        assert!(store.strike(&digest, came).unwrap(), "what is not here is gone");
        assert_eq!(kept(b"mot"), digest);
        assert!(store.open_blob(&digest).unwrap().is_some(), "and it may come again");
        assert!(matches!(store.strike("no digest", came), Err(BlobError::Name)));
    }

    #[test]
    fn only_a_digest_names_a_content() {
        let (_dir, store) = store();
        for name in ["", "ab", "../../etc/passwd", &"A".repeat(64), &"g".repeat(64), &"é".repeat(32)] {
            assert!(matches!(store.open_blob(name), Err(BlobError::Name)), "{name:?}");
        }
        assert!(store.open_blob(&"a".repeat(64)).unwrap().is_none());
    }
}

//! Adapter sets kept by their digest: a delivery attempted before goes on with the set of its first attempt, also after a restart with
//! newer adapters, so that its body stays the same bytes.
//!
//! A set is written once, synced, before anything is attempted with it; reading an old one back compiles it with today's settings
//! and secrets. Sets are never removed here.

use super::{Catalogue, Files};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Compiles a set's files with today's settings.
type Load = Box<dyn Fn(&Files) -> Option<Catalogue> + Send + Sync>;

/// The sets.
pub struct Shelf {
    folder: PathBuf,
    load: Load,
    loaded: Mutex<BTreeMap<String, Arc<Catalogue>>>,
}

// === impl Shelf ===

impl Shelf {
    /// Keeps today's set. Once this returns the set can be read back after a crash.
    pub fn open(folder: &Path, today: Arc<Catalogue>, files: &Files, load: Load) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let shelf = Self { folder: folder.to_owned(), load, loaded: Mutex::new(BTreeMap::new()) };
        shelf.keep(&today.digest, files)?;
        if let Ok(mut loaded) = shelf.loaded.lock() {
            loaded.insert(today.digest.clone(), today);
        }
        Ok(shelf)
    }

    /// Keeps another set, as [`Shelf::open`] keeps the first. Of those read back before, only the last one in force stays at hand.
    pub fn add(&self, set: Arc<Catalogue>, files: &Files) -> std::io::Result<()> {
        self.keep(&set.digest, files)?;
        if let Ok(mut loaded) = self.loaded.lock() {
            loaded.retain(|_, old| Arc::strong_count(old) > 1);
            loaded.insert(set.digest.clone(), set);
        }
        Ok(())
    }

    /// The set of a digest; none when it is not on the shelf or no longer compiles.
    #[must_use]
    pub fn set(&self, digest: &str) -> Option<Arc<Catalogue>> {
        if let Some(set) = self.loaded.lock().ok()?.get(digest) {
            return Some(set.clone());
        }
        let files = self.read(digest)?;
        let set = Arc::new((self.load)(&files)?);
        self.loaded.lock().ok()?.insert(digest.to_owned(), set.clone());
        Some(set)
    }

    /// One file a set: paths and texts as a JSON object, in order.
    fn keep(&self, digest: &str, files: &Files) -> std::io::Result<()> {
        let path = self.path(digest);
        if path.exists() {
            return Ok(());
        }
        let texts: BTreeMap<&str, &str> = files.iter().collect();
        let draft = path.with_extension("draft");
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(&serde_json::to_vec(&texts)?)?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)?;
        std::fs::File::open(&self.folder)?.sync_all()
    }

    fn read(&self, digest: &str) -> Option<Files> {
        if !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let texts: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(self.path(digest)).ok()?).ok()?;
        let files = texts.into_iter().fold(Files::default(), |files, (path, text)| files.with(path, text));
        (files.digest() == digest).then_some(files)
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.json"))
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("folder", &self.folder).finish_non_exhaustive()
    }
}

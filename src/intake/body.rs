//! A request's body as it came: whole in memory, or, where it is large and its mapping carries contents, cut while it arrives
//! ([`crate::mapping::Cutter`]), with the whole of it in the store.
//!
//! What always holds: what stands in memory is the text without its long runs; a body that is given up leaves nothing; one that is cut is
//! kept as received by the same file, once its message is taken.

use super::read::{No, unkept};
use super::take::blocking;
use crate::exchange::Refusal;
use crate::journal::{Blob, BlobError, BlobStore, Raw, Spool, Stage};
use crate::mapping::{ContentSink, Context, Cutter, Gap, Mapping, Reading, Scalar, Unread, Wire, WireFault, peek};
use bytes::Bytes;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

/// What is gathered in memory before it is written to the disk, bytes.
const PIECE: usize = 256 << 10;

/// A body.
#[derive(Clone, Debug)]
pub struct Body {
    /// What of it stands in memory.
    text: Bytes,
    cut: Option<Arc<Cut>>,
}

/// What was cut out of a body, and the whole of it.
#[derive(Debug)]
pub(super) struct Cut {
    gaps: Vec<Gap>,
    spool: Spool,
    /// Until it is kept.
    stage: Mutex<Option<Stage>>,
    /// Why it could not be read back: our fault, not the message's.
    failed: Mutex<Option<BlobError>>,
}

/// A body on its way to being kept as received.
#[derive(Debug)]
pub(super) enum Received {
    /// It stands in the store, without a name yet.
    Cut(Arc<Cut>),
    /// Kept, or to be kept with the message.
    Raw(Raw),
}

/// A body on its way in.
#[derive(Debug)]
pub struct Arriving {
    cutter: Cutter,
    store: BlobStore,
    limit: u64,
    stage: Option<Stage>,
}

// === impl Body ===

impl From<Bytes> for Body {
    fn from(text: Bytes) -> Self {
        Self { text, cut: None }
    }
}

impl Body {
    /// How much of it stands in memory, bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// All of it, where it was not cut.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.cut.is_none().then_some(&self.text)
    }

    /// Reads it by its mapping.
    pub(super) fn read(
        &self,
        map: &Mapping,
        context: &Context,
        contents: &mut dyn ContentSink,
    ) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
        match &self.cut {
            None => map.read_each(&self.text, context, contents),
            Some(cut) => map.read_cut(&cut.wire(&self.text), context, contents),
        }
    }

    /// The value at one place of it.
    pub(super) fn value_at(&self, map: &Mapping, place: &str) -> Result<Option<Scalar>, WireFault> {
        let peeked = peek(map.format(), map.envelope(), &self.text, &[place]).map_err(|mut fault| {
            self.cut.iter().for_each(|cut| cut.wire(&self.text).mend(&mut fault));
            fault
        })?;
        Ok(peeked.values.into_iter().next().flatten())
    }

    /// Why it could not be read back from the store.
    pub(super) fn failed(&self) -> Option<BlobError> {
        self.cut.as_ref()?.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Its bytes as received, to be kept.
    pub(super) fn received(&self) -> Received {
        self.cut.clone().map_or_else(|| Received::Raw(Raw::Here(self.text.clone())), Received::Cut)
    }
}

// === impl Received ===

impl Received {
    /// Whether it waits for the disk.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self, Self::Cut(_))
    }

    /// What is to be kept with the message, however often it is asked: what stands in the store is on disk by its name then.
    pub(super) async fn kept(&mut self) -> Result<Raw, No> {
        let raw = match self {
            Self::Raw(raw) => return Ok(raw.clone()),
            Self::Cut(cut) => {
                let cut = Arc::clone(cut);
                Raw::Stored(blocking(move || cut.keep()).await?)
            }
        };
        *self = Self::Raw(raw.clone());
        Ok(raw)
    }
}

// === impl Cut ===

impl Cut {
    fn wire<'a>(&'a self, text: &'a [u8]) -> Wire<'a> {
        Wire { text, gaps: &self.gaps, spool: self }
    }

    /// Names the whole. Blocks; once this answers, file and name are on disk.
    fn keep(&self) -> Result<Blob, BlobError> {
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner).take();
        stage.ok_or(BlobError::Io(io::ErrorKind::NotConnected.into()))?.finish()
    }
}

impl crate::mapping::Spool for Cut {
    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        self.spool.read(from, into).map_err(|error| {
            let told = io::Error::from(error.kind());
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
            told
        })
    }
}

// === impl Arriving ===

impl Arriving {
    /// Before the first byte of a body of at most `limit` bytes.
    #[must_use]
    pub fn new(store: BlobStore, json: bool, limit: u64) -> Self {
        Self { cutter: Cutter::new(json), store, limit, stage: None }
    }

    /// The body will be of so many bytes.
    pub fn expect(&mut self, bytes: u64) {
        self.cutter.expect(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// Memory it holds, bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.cutter.held()
    }

    /// The next bytes. An error says why they cannot be taken; nothing of the body stays.
    pub async fn push(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.cutter.push(piece);
        if self.cutter.spill().is_some_and(|spill| spill.len() >= PIECE) { self.write().await } else { Ok(()) }
    }

    /// The body is complete.
    pub async fn end(mut self) -> Result<Body, Refusal> {
        if self.cutter.spill().is_some() {
            self.write().await?;
        }
        let (text, gaps) = self.cutter.end();
        let Some(stage) = self.stage else { return Ok(Bytes::from(text).into()) };
        let spool = stage.spool().map_err(|error| unkept(&error))?;
        let cut = Cut { gaps, spool, stage: Mutex::new(Some(stage)), failed: Mutex::default() };
        Ok(Body { text: text.into(), cut: Some(Arc::new(cut)) })
    }

    /// Writes what is gathered, on a blocking thread.
    async fn write(&mut self) -> Result<(), Refusal> {
        let Some(spill) = self.cutter.spill() else { return Ok(()) };
        let (bytes, stage, store, limit) = (std::mem::take(spill), self.stage.take(), self.store.clone(), self.limit);
        let written = tokio::task::spawn_blocking(move || {
            let mut stage = stage.map_or_else(|| store.stage(limit), Ok)?;
            stage.write_all(&bytes)?;
            Ok::<_, BlobError>(stage)
        });
        let stage = written.await.map_err(|_| super::read::overloaded())?.map_err(|error| unkept(&error))?;
        self.stage = Some(stage);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(len: usize) -> Vec<u8> {
        format!("\"{}\"", "A".repeat(len)).into_bytes()
    }

    #[tokio::test]
    async fn a_body_that_is_cut_stands_in_the_store_until_it_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let left = || std::fs::read_dir(dir.path().join("tmp")).unwrap().count();
        let mut arriving = Arriving::new(store.clone(), true, u64::MAX);
        for piece in long(3_000_000).chunks(10_000) {
            arriving.push(piece).await.unwrap();
            assert!(arriving.held() < 1 << 20, "{}", arriving.held());
        }
        let body = arriving.end().await.unwrap();
        assert!(body.len() < 100_000 && body.whole().is_none() && left() == 1);
        let kept = body.received().kept().await.unwrap();
        assert!(
            matches!(&kept, Raw::Stored(blob) if blob.size == 3_000_002 && blob.digest == crate::seal::sha256_hex(&long(3_000_000)))
        );
        drop(body);
        let mut given_up = Arriving::new(store, true, u64::MAX);
        given_up.push(&long(1_000_000)).await.unwrap();
        assert_eq!(left(), 1);
        drop(given_up);
        assert_eq!(left(), 0);
    }

    #[tokio::test]
    async fn a_disk_that_is_full_says_come_again_and_keeps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        store.limit(700_000);
        let mut arriving = Arriving::new(store, true, u64::MAX);
        let mut refused = None;
        for piece in long(3_000_000).chunks(10_000) {
            refused = arriving.push(piece).await.err();
            if refused.is_some() {
                break;
            }
        }
        assert_eq!(refused.map(|r| r.status), Some(503));
        assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_body_without_long_runs_stands_in_memory_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut arriving = Arriving::new(BlobStore::open(dir.path()).unwrap(), true, u64::MAX);
        let text = "{\"a\": \"b c\"},".repeat(100_000);
        arriving.push(text.as_bytes()).await.unwrap();
        let body = arriving.end().await.unwrap();
        assert_eq!(body.whole(), Some(text.as_bytes()));
        assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}

//! Contents that come inside a message: staged while it is read, named and synced only once it is about to be taken.
//!
//! A message that is refused leaves nothing: its stages are dropped. Blocks; used on a blocking thread only.

use crate::journal::{BlobError, BlobStore, Stage};
use crate::mapping::{Content, ContentSink};
use crate::seal::Sha256;
use std::io::{self, Write as _};

/// The contents of one message on their way in.
#[derive(Debug)]
pub(super) struct Stages {
    store: BlobStore,
    /// The largest content, bytes.
    limit: u64,
    open: Option<(Stage, Sha256)>,
    ended: Vec<Stage>,
}

// === impl Stages ===

impl Stages {
    pub(super) fn new(store: BlobStore, limit: u64) -> Self {
        Self { store, limit, open: None, ended: Vec::new() }
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.ended.is_empty()
    }

    /// Once this answers, every content and its name is on disk.
    pub(super) fn finish(self) -> Result<(), BlobError> {
        self.ended.into_iter().try_for_each(|stage| stage.finish().map(|_| ()))
    }
}

impl ContentSink for Stages {
    fn begin(&mut self) -> io::Result<()> {
        let stage = self.store.stage(self.limit).map_err(io::Error::other)?;
        self.open = Some((stage, Sha256::new()));
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (stage, digest) = self.open.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stage.write_all(bytes)?;
        digest.update(bytes);
        Ok(())
    }

    fn end(&mut self) -> io::Result<Content> {
        let (stage, digest) = self.open.take().ok_or(io::ErrorKind::NotConnected)?;
        let content = Content { blob: format!("sha256:{}", digest.hex()), size: stage.size() };
        self.ended.push(stage);
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_kept_only_once_its_message_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let stage = |store: &BlobStore| {
            let mut stages = Stages::new(store.clone(), 100);
            stages.begin().unwrap();
            stages.piece(b"ket ").unwrap();
            stages.piece(b"qua").unwrap();
            let content = stages.end().unwrap();
            (stages, content)
        };
        let (refused, content) = stage(&store);
        let digest = content.blob.strip_prefix("sha256:").unwrap().to_owned();
        assert_eq!((content.size, digest.as_str()), (7, crate::seal::sha256_hex(b"ket qua").as_str()));
        drop(refused);
        assert!(store.open_blob(&digest).unwrap().is_none());
        let (taken, _) = stage(&store);
        taken.finish().unwrap();
        assert!(store.open_blob(&digest).unwrap().is_some());
    }
}

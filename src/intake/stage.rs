//! Contents that come inside a message: staged while it is read, named and synced only once it is about to be taken.
//!
//! A message that is refused leaves nothing: its stages are dropped; of a batch each message takes its own. Blocks; used on a blocking
//! thread only.

use crate::body::Value;
use crate::journal::{BlobError, BlobStore, Stage};
use crate::mapping::{Content, ContentSink};
use crate::seal::Sha256;
use std::collections::BTreeSet;
use std::io::{self, Write as _};

/// The contents of one message on their way in.
#[derive(Debug)]
pub(super) struct Stages {
    store: BlobStore,
    /// The largest content, bytes.
    limit: u64,
    open: Option<(Stage, Sha256)>,
    /// With the name the message gives it.
    ended: Vec<(String, Stage)>,
    /// Why the store took no more: our fault, not the message's.
    failed: Option<BlobError>,
}

// === impl Stages ===

impl Stages {
    pub(super) fn new(store: BlobStore, limit: u64) -> Self {
        Self { store, limit, open: None, ended: Vec::new(), failed: None }
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.ended.is_empty()
    }

    /// Why the store took no more; none: it took all, or what is too large is the message's own.
    pub(super) fn failed(&mut self) -> Option<BlobError> {
        self.failed.take()
    }

    fn refuse(&mut self, error: BlobError) -> io::Error {
        if matches!(error, BlobError::TooLarge { .. }) {
            return io::Error::new(io::ErrorKind::FileTooLarge, error);
        }
        let told = io::Error::other(error.to_string());
        self.failed = Some(error);
        told
    }

    /// Takes out those that a message names; the rest is left for its company.
    pub(super) fn named_in(&mut self, body: &Value) -> Vec<Stage> {
        if self.ended.is_empty() {
            return Vec::new();
        }
        let mut names = BTreeSet::new();
        named(body, &mut names);
        self.ended.extract_if(.., |(name, _)| names.contains(name.as_str())).map(|(_, stage)| stage).collect()
    }
}

impl ContentSink for Stages {
    fn begin(&mut self) -> io::Result<()> {
        let stage = self.store.stage(self.limit).map_err(|error| self.refuse(error))?;
        self.open = Some((stage, Sha256::new()));
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (stage, digest) = self.open.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        digest.update(bytes);
        stage.write_all(bytes).map_err(|error| self.refuse(error.into()))
    }

    fn end(&mut self) -> io::Result<Content> {
        let (stage, digest) = self.open.take().ok_or(io::ErrorKind::NotConnected)?;
        let content = Content { blob: format!("sha256:{}", digest.hex()), size: stage.size() };
        self.ended.push((content.blob.clone(), stage));
        Ok(content)
    }
}

/// The contents a body names (`{"blob": …}`).
fn named<'b>(body: &'b Value, names: &mut BTreeSet<&'b str>) {
    match body {
        Value::Object(map) => {
            names.extend(map.get("blob").and_then(Value::as_str));
            map.values().for_each(|value| named(value, names));
        }
        Value::Array(list) => list.iter().for_each(|value| named(value, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_kept_only_once_its_message_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let mut stages = Stages::new(store.clone(), 100);
        let mut staged = |text: &[&[u8]]| {
            stages.begin().unwrap();
            text.iter().for_each(|piece| stages.piece(piece).unwrap());
            stages.end().unwrap()
        };
        let (content, other) = (staged(&[b"ket ", b"qua"]), staged(&[b"khac"]));
        let digest = |content: &Content| content.blob.strip_prefix("sha256:").unwrap().to_owned();
        assert_eq!((content.size, digest(&content)), (7, crate::seal::sha256_hex(b"ket qua")));
        let body = |content: &Content| crate::body::json!({ "documents": [{ "content": content.value() }] });
        assert!(stages.named_in(&crate::body::json!({ "documents": [] })).is_empty());
        for stage in stages.named_in(&body(&content)) {
            stage.finish().unwrap();
        }
        assert!(store.open_blob(&digest(&content)).unwrap().is_some());
        assert!(!stages.is_empty() && stages.named_in(&body(&content)).is_empty(), "the other's is left");
        drop(stages);
        assert!(store.open_blob(&digest(&other)).unwrap().is_none(), "its message was refused");
        assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}

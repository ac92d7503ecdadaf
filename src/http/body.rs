//! Request bodies: bounded in bytes, in time and in sum. All bodies in memory together stay below one budget; what does not fit is
//! told so before a byte of it is read.

use super::problem::Problem;
use crate::intake::{self, Arriving};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much of an oversized body is read and dropped, so that its sender gets to read our answer.
const LINGER_BYTES: u64 = 32 << 20;
const LINGER_TIME: Duration = Duration::from_secs(3);
/// The slowest a large body may come: its time grows by a second for so many bytes.
const SLOWEST: u64 = 128 << 10;

/// Bodies up to this are read whole, whatever they carry.
const LARGE: u64 = 256 << 10;
/// The first share of a large one that is cut: what stays of most of them, and what is gathered for the disk.
const FIRST: u64 = 1 << 20;

/// The memory all bodies share, in KiB, and how long one may take to arrive.
#[derive(Clone, Debug)]
pub(super) struct Bodies {
    budget: Arc<Semaphore>,
    time: Duration,
}

/// A body with its share of the budget.
#[derive(Debug)]
pub(super) struct Taken {
    /// The bytes.
    pub(super) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// A message's body with its share, which is what stands of it in memory.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) body: intake::Body,
    _share: OwnedSemaphorePermit,
}

// === impl Bodies ===

impl Bodies {
    /// `memory` bytes for all bodies together; `time` for one to arrive.
    #[must_use]
    pub(super) fn new(memory: u64, time: Duration) -> Self {
        let kib = usize::try_from(memory >> 10).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        Self { budget: Arc::new(Semaphore::new(kib)), time }
    }

    /// Takes a share of the budget for up to `bytes`.
    pub(super) fn share(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Problem> {
        let kib = u32::try_from((bytes >> 10) + 1).unwrap_or(u32::MAX);
        Arc::clone(&self.budget).try_acquire_many_owned(kib).map_err(|_| Problem::overloaded())
    }

    /// How long a body may take.
    #[must_use]
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// Reads a body of at most `max` bytes.
    pub(super) async fn read(&self, headers: &HeaderMap, mut body: Body, max: u64) -> Result<Taken, Problem> {
        plain(headers)?;
        let said = said_length(headers);
        if said.is_some_and(|n| n > max) {
            linger(body).await;
            return Err(Problem::too_large(max));
        }
        let share = self.share(said.unwrap_or(max))?;
        let read = async {
            let mut bytes = BytesMut::with_capacity(usize::try_from(said.unwrap_or(0)).unwrap_or(0));
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.map_err(|_| Problem::body_broken())?.into_data() else { continue };
                if u64::try_from(bytes.len() + data.len()).unwrap_or(u64::MAX) > max {
                    linger(std::mem::take(&mut body)).await;
                    return Err(Problem::too_large(max));
                }
                bytes.extend_from_slice(&data);
            }
            Ok(bytes.freeze())
        };
        let bytes = tokio::time::timeout(self.time_for(said), read).await.map_err(|_| Problem::body_broken())??;
        Ok(Taken { bytes, _share: share })
    }

    /// Reads a message's body of at most `max` bytes; a large one is cut while it comes, where its route has it so.
    pub(super) async fn message(
        &self,
        headers: &HeaderMap,
        body: Body,
        max: u64,
        arriving: impl FnOnce() -> Option<Arriving>,
    ) -> Result<Message, Problem> {
        let said = said_length(headers);
        let large = said.is_none_or(|n| n > LARGE && n <= max);
        match large.then(arriving).flatten() {
            Some(arriving) => {
                plain(headers)?;
                let (body, share) = self.cut(said, body, max, arriving).await?;
                Ok(Message { body, _share: share })
            }
            None => {
                let Taken { bytes, _share } = self.read(headers, body, max).await?;
                Ok(Message { body: bytes.into(), _share })
            }
        }
    }

    /// The share grows with what stays in memory; where there is no more, the sender is told to come again.
    async fn cut(
        &self,
        said: Option<u64>,
        mut body: Body,
        max: u64,
        mut arriving: Arriving,
    ) -> Result<(intake::Body, OwnedSemaphorePermit), Problem> {
        let mut share = self.share(FIRST)?;
        said.into_iter().for_each(|bytes| arriving.expect(bytes));
        let mut seen = 0;
        let read = async {
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.map_err(|_| Problem::body_broken())?.into_data() else { continue };
                seen += data.len() as u64;
                let refused =
                    if seen > max { Some(Problem::too_large(max)) } else { arriving.push(&data).await.err().map(Problem::from) };
                let refused = refused.or_else(|| self.grow(&mut share, arriving.held() as u64).err());
                if let Some(problem) = refused {
                    linger(std::mem::take(&mut body)).await;
                    return Err(problem);
                }
            }
            arriving.end().await.map_err(Problem::from)
        };
        let body = tokio::time::timeout(self.time_for(said), read).await.map_err(|_| Problem::body_broken())??;
        Ok((body, share))
    }

    /// Makes a share one of so many bytes, if it is less.
    fn grow(&self, share: &mut OwnedSemaphorePermit, bytes: u64) -> Result<(), Problem> {
        let has = (share.num_permits() as u64) << 10;
        if bytes > has {
            share.merge(self.share(bytes - has)?);
        }
        Ok(())
    }

    /// How long a body may come that says its length.
    fn time_for(&self, said: Option<u64>) -> Duration {
        self.time + Duration::from_secs(said.unwrap_or(0) / SLOWEST)
    }
}

/// The length a request announces.
#[must_use]
pub(super) fn said_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Compressed bodies are not taken: their size says nothing about what they become.
pub(super) fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let coded = headers.get(header::CONTENT_ENCODING).is_some_and(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !coded {
        return Ok(());
    }
    Err(Problem::from(crate::exchange::Refusal::new(
        "content-encoding",
        415,
        "Không nhận nội dung nén (Content-Encoding).",
        "Compressed bodies (Content-Encoding) are not taken.",
    )))
}

/// Reads and drops a bounded part of a body.
pub(super) async fn linger(mut body: Body) {
    let drop_all = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, |d| u64::try_from(d.len()).unwrap_or(LINGER_BYTES));
            if seen > LINGER_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_TIME, drop_all).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(memory: u64) -> Bodies {
        Bodies::new(memory, Duration::from_secs(5))
    }

    #[tokio::test]
    async fn a_body_over_its_routes_limit_is_refused_announced_or_not() {
        let mut headers = HeaderMap::new();
        let refused = bodies(1 << 20).read(&headers, Body::from(vec![0; 1001]), 1000).await.unwrap_err();
        assert_eq!(refused.refusal.status, 413);
        headers.insert(header::CONTENT_LENGTH, "1001".parse().unwrap());
        let refused = bodies(1 << 20).read(&headers, Body::from(vec![0; 1001]), 1000).await.unwrap_err();
        assert_eq!(refused.refusal.status, 413);
    }

    #[tokio::test]
    async fn bodies_that_do_not_fit_into_memory_together_are_told_to_come_again() {
        let bodies = bodies(8 << 10);
        let first = bodies.read(&HeaderMap::new(), Body::from("a"), 7 << 10).await.unwrap();
        assert_eq!(bodies.read(&HeaderMap::new(), Body::from("a"), 7 << 10).await.unwrap_err().refusal.status, 503);
        drop(first);
        assert_eq!(&bodies.read(&HeaderMap::new(), Body::from("a"), 7 << 10).await.unwrap().bytes[..], b"a");
    }

    #[tokio::test]
    async fn large_bodies_that_are_cut_share_the_memory_that_one_of_them_whole_would_take() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::journal::BlobStore::open(dir.path()).unwrap();
        let arriving = || Some(Arriving::new(store.clone(), true, 8 << 20));
        let bodies = bodies(8 << 20);
        let run = |sign: &str| Body::new(Pieces(format!("\"{}\"", sign.repeat(5 << 20)).into(), 16 << 10));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, ((5 << 20) + 2).to_string().parse().unwrap());
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(bodies.message(&headers, run("A"), 8 << 20, arriving).await.unwrap());
        }
        // One that cannot be cut grows until there is no more; what it had is free again.
        let refused = bodies.message(&headers, run("-"), 8 << 20, arriving).await.unwrap_err();
        assert_eq!(refused.refusal.status, 503);
        held.truncate(2);
        bodies.message(&headers, run("-"), 8 << 20, arriving).await.unwrap();
        let over = bodies.message(&headers, run("A"), 4 << 20, arriving).await.unwrap_err();
        assert_eq!(over.refusal.status, 413);
    }

    /// A body that comes in pieces of so many bytes.
    struct Pieces(Bytes, usize);

    impl axum::body::HttpBody for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
            let len = self.1.min(self.0.len());
            let piece = self.0.split_to(len);
            std::task::Poll::Ready((!piece.is_empty()).then(|| Ok(hyper::body::Frame::data(piece))))
        }
    }

    /// A body whose sender has gone quiet.
    struct Quiet;

    impl axum::body::HttpBody for Quiet {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_whose_sender_goes_quiet_is_given_up_and_its_memory_is_free_again() {
        let bodies = Bodies::new(8 << 10, Duration::from_millis(20));
        let refused = bodies.read(&HeaderMap::new(), Body::new(Quiet), 7 << 10).await.unwrap_err();
        assert_eq!(refused.refusal.code, Problem::body_broken().refusal.code);
        assert!(bodies.read(&HeaderMap::new(), Body::from("a"), 7 << 10).await.is_ok());
    }

    #[tokio::test]
    async fn a_compressed_body_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(bodies(1 << 20).read(&headers, Body::from("a"), 10).await.unwrap_err().refusal.status, 415);
    }
}

//! What a call carries: bytes, and between them, where contents are large, what is read from its place while it leaves.
//!
//! What always holds: its length is known before the first byte leaves (Content-Length); what cannot be read whole breaks the call off, so
//! that the other side never has a shorter body for a whole one.

use bytes::Bytes;
use http_body::Frame;
use std::fmt;
use std::future::Future as _;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Bytes read at once.
const CHUNK: u64 = 64 << 10;

/// A call's body.
pub struct Body {
    text: Bytes,
    /// In order; none: the text is all.
    later: Vec<Later>,
}

/// A part of a body that is read while it leaves.
pub struct Later {
    /// Before which byte of the text it stands.
    pub at: usize,
    /// Its length, bytes.
    pub len: u64,
    /// Gives these bytes.
    pub from: Box<dyn Read + Send + Sync>,
}

/// A part could not be read while it left.
#[derive(Debug, thiserror::Error)]
#[error("a content could not be read while it left: {0}")]
pub(super) struct Unreadable(String);

/// A body on its way. One piece at a time is read, on a thread that may wait for a disk, and only when there is room for it.
struct Feed {
    /// The last one goes first.
    pieces: Vec<Piece>,
    left: u64,
    reading: Option<JoinHandle<io::Result<(Bytes, Later)>>>,
}

enum Piece {
    Text(Bytes),
    Later(Later),
}

// === impl Body ===

impl Body {
    /// Bytes with what is read later between them, in order.
    #[must_use]
    pub fn new(text: Bytes, later: Vec<Later>) -> Self {
        Self { text, later }
    }

    /// All its bytes, if none of them is read later.
    #[must_use]
    pub fn whole(&self) -> Option<&Bytes> {
        self.later.is_empty().then_some(&self.text)
    }

    /// Its length, bytes.
    fn len(&self) -> u64 {
        self.text.len() as u64 + self.later.iter().map(|later| later.len).sum::<u64>()
    }
}

impl From<Bytes> for Body {
    fn from(text: Bytes) -> Self {
        Self::new(text, Vec::new())
    }
}

impl From<Body> for reqwest::Body {
    fn from(body: Body) -> Self {
        if body.later.is_empty() { body.text.into() } else { Self::wrap(Feed::new(body)) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len())
    }
}

// === impl Later ===

impl Later {
    fn read(mut self) -> io::Result<(Bytes, Self)> {
        let mut piece = vec![0; usize::try_from(self.len.min(CHUNK)).unwrap_or(0)];
        self.from.read_exact(&mut piece)?;
        self.len -= piece.len() as u64;
        Ok((piece.into(), self))
    }
}

// === impl Feed ===

impl Feed {
    fn new(body: Body) -> Self {
        let left = body.len();
        let (mut text, mut pieces) = (body.text, Vec::new());
        for later in body.later.into_iter().rev() {
            pieces.push(Piece::Text(text.split_off(later.at.min(text.len()))));
            pieces.push(Piece::Later(later));
        }
        pieces.push(Piece::Text(text));
        Self { pieces, left, reading: None }
    }

    fn leaves(&mut self, piece: Bytes) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        self.left = self.left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl http_body::Body for Feed {
    type Data = Bytes;
    type Error = Unreadable;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let read = ready!(Pin::new(reading).poll(cx)).unwrap_or_else(|e| Err(io::Error::other(e)));
                self.reading = None;
                match read {
                    Ok((piece, later)) => {
                        self.pieces.push(Piece::Later(later));
                        return self.leaves(piece);
                    }
                    Err(e) => return Poll::Ready(Some(Err(Unreadable(e.kind().to_string())))),
                }
            }
            match self.pieces.pop() {
                None => return Poll::Ready(None),
                Some(Piece::Text(text)) if text.is_empty() => {}
                Some(Piece::Text(text)) => return self.leaves(text),
                Some(Piece::Later(Later { len: 0, .. })) => {}
                Some(Piece::Later(later)) => self.reading = Some(tokio::task::spawn_blocking(|| later.read())),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::{Call, HttpTransport, SendError, Transport as _};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(20);

    fn later(at: usize, len: u64, bytes: Vec<u8>) -> Later {
        Later { at, len, from: Box::new(io::Cursor::new(bytes)) }
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    /// What a partner that answers 200 got, head and body, and what became of the call.
    async fn sent(body: Body) -> (String, Vec<u8>, Result<u16, SendError>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let partner = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (mut got, mut piece) = (Vec::new(), vec![0; 1 << 16]);
            loop {
                let head = got.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
                let text = head.map(|at| String::from_utf8(got[..at].to_vec()).unwrap());
                let length = text.as_deref().and_then(|t| t.lines().find_map(|l| l.strip_prefix("content-length: ")));
                let due = head.zip(length).map(|(at, length)| at + length.parse::<usize>().unwrap());
                let read = if due == Some(got.len()) { 0 } else { socket.read(&mut piece).await.unwrap_or(0) };
                if read == 0 {
                    if due == Some(got.len()) {
                        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                    return (text.unwrap_or_default(), got.split_off(head.unwrap_or(0)));
                }
                got.extend_from_slice(&piece[..read]);
            }
        });
        let call = Call { partner: "p".to_owned(), url, headers: Vec::new(), body, timeout: SOON };
        let reply = HttpTransport::new(&[]).unwrap().send(call).await;
        let (head, got) = timeout(SOON, partner).await.unwrap().unwrap();
        (head, got, reply.map(|reply| reply.status))
    }

    #[tokio::test]
    async fn what_is_read_while_it_leaves_stands_in_its_places_and_the_length_is_known_before() {
        let (one, two) = (bytes(3 * 65_536), bytes(100_001));
        for (text, places) in [("<a></a><b></b>", [3, 10]), ("ab", [0, 2]), ("ab", [1, 1]), ("", [0, 0])] {
            let parts = vec![later(places[0], one.len() as u64, one.clone()), later(places[1], two.len() as u64, two.clone())];
            let body = Body::new(Bytes::from_static(text.as_bytes()), parts);
            assert!(body.whole().is_none());
            let text = text.as_bytes();
            let expected = [&text[..places[0]], &one, &text[places[0]..places[1]], &two, &text[places[1]..]].concat();
            let (head, got, reply) = sent(body).await;
            assert_eq!(reply, Ok(200));
            assert!(head.contains(&format!("content-length: {}\r\n", expected.len())), "{head}");
            assert!(!head.contains("transfer-encoding"), "{head}");
            assert!(got == expected, "byte for byte");
        }
        let whole = Body::from(Bytes::from_static(b"{}"));
        assert_eq!(whole.whole().unwrap(), &b"{}"[..]);
        assert_eq!(sent(whole).await.1, b"{}");
    }

    #[tokio::test]
    async fn what_cannot_be_read_breaks_the_call_off_and_is_told_as_ours() {
        // The file has become shorter than it was when it was opened.
        let body = Body::new(Bytes::from_static(b"<a></a>"), vec![later(3, 200_000, bytes(150_000))]);
        let (head, got, reply) = sent(body).await;
        assert!(head.contains("content-length: 200007\r\n"), "{head}");
        assert!(got.len() < 200_007, "{}", got.len());
        assert_eq!(reply, Err(SendError::Lost("content-unreadable")));
    }
}

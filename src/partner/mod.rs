//! The hands: bytes go out to a partner, bytes come back. Sees an address, headers and a body; never a dossier, never a mapping.
//!
//! What always holds: an error says whether anything can have reached the other side ([`SendError::NotSent`] means certainly not);
//! redirects are not followed and nothing is retried here; an answer is read up to a bound and within the call's time.

mod advice;
mod body;
mod client;
mod tokens;

pub use advice::{Advice, After};
pub use body::{Body, Later};
pub use client::HttpTransport;
pub use tokens::{SignInError, Tokens};

use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// One call to a partner.
#[derive(Debug)]
pub struct Call {
    /// The partner's name: each has its own connections.
    pub partner: String,
    /// Full address.
    pub url: String,
    /// Headers, without those the transport makes itself.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// For the whole call, connection included.
    pub timeout: Duration,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The partner's own word about when to come again.
    pub advice: Advice,
    /// The body, whole.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing of it can have reached the other side: refused connection, no such host, failed handshake.
    #[error("not sent: {0}")]
    NotSent(&'static str),
    /// Sent, or perhaps sent, and no whole answer: time over, connection cut, answer too long; or cut by
    /// us, because a content could not be read on its way (`content-unreadable`).
    #[error("sent, and no answer: {0}")]
    Lost(&'static str),
}

/// Sends calls. One of the two seams with `dyn` (the other is the journal).
pub trait Transport: Send + Sync + 'static {
    /// Makes the call; the reply is complete when this returns.
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>>;
}

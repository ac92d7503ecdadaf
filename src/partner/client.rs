//! The transport over HTTP/1.1 and TLS (reqwest, rustls). One client a partner, so that no partner's slowness uses up another's
//! connections.

use super::body::Unreadable;
use super::{Advice, Call, Reply, SendError, Transport};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A longer answer is cut off and counts as lost: no partner's answer is near this.
const LONGEST_REPLY: usize = 16 * 1024 * 1024;

/// Idle connections are dropped well before a partner's server would drop them under our hands.
const IDLE: Duration = Duration::from_secs(4);

/// HTTP clients by partner.
#[derive(Debug)]
pub struct HttpTransport {
    clients: Mutex<BTreeMap<String, reqwest::Client>>,
    certificates: Vec<reqwest::Certificate>,
}

// === impl HttpTransport ===

impl HttpTransport {
    /// `roots` are further certificates to trust (PEM), for partners with an authority of their own. A partner's client is made at its
    /// first call: partners come with a new set of adapters.
    pub fn new(roots: &[Vec<u8>]) -> Result<Self, reqwest::Error> {
        let mut certificates = Vec::new();
        for pem in roots {
            certificates.extend(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        // Whether a client can be made at all is told now, not at the first call.
        client(&certificates)?;
        Ok(Self { clients: Mutex::default(), certificates })
    }

    fn client(&self, partner: &str) -> Result<reqwest::Client, SendError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(partner) {
            return Ok(client.clone());
        }
        let made = client(&self.certificates).map_err(|_| SendError::NotSent("no-client"))?;
        clients.insert(partner.to_owned(), made.clone());
        Ok(made)
    }

    async fn call(&self, call: Call) -> Result<Reply, SendError> {
        let client = self.client(&call.partner)?;
        let mut request = client.post(&call.url).timeout(call.timeout).body(call.body);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.build().map_err(|_| SendError::NotSent("bad-request"))?;
        let mut response = client.execute(request).await.map_err(|e| classify(&e))?;
        let advice = Advice::read(|name| response.headers().get(name).and_then(|v| v.to_str().ok()));
        let status = response.status().as_u16();
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|e| lost(&e))? {
            if body.len() + piece.len() > LONGEST_REPLY {
                return Err(SendError::Lost("answer-too-long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply { status, advice, body: Bytes::from(body) })
    }
}

impl Transport for HttpTransport {
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>> {
        Box::pin(self.call(call))
    }
}

fn client(roots: &[reqwest::Certificate]) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .tls_certs_merge(roots.iter().cloned())
        .build()
}

/// Only a connection that was never made is certainly not sent.
fn classify(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        SendError::NotSent(if error.is_timeout() { "connect-timeout" } else { "not-connected" })
    } else if error.is_builder() {
        SendError::NotSent("bad-request")
    } else {
        lost(error)
    }
}

fn lost(error: &reqwest::Error) -> SendError {
    let first: &(dyn std::error::Error + 'static) = error;
    let ours = std::iter::successors(Some(first), |e| e.source()).find(|e| e.is::<Unreadable>());
    if let Some(error) = ours {
        tracing::error!(%error, "a call was broken off");
        return SendError::Lost("content-unreadable");
    }
    SendError::Lost(if error.is_timeout() { "timeout" } else { "cut" })
}

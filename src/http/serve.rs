//! The accept loop: TLS by rustls, time limits for handshake, headers and silence, caps on connections (all, and of one address), graceful
//! drain.
//!
//! Plain HTTP is served on loopback only, unless the configuration allows it by name ([`check_plain`], asked at start).

use axum::Router;
use axum::body::Body;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Limits of the connections.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a request's head to arrive (also how long a kept connection may idle).
    pub header: Duration,
    /// Most bytes of a request's head.
    pub header_bytes: usize,
    /// How long a peer may leave what we sent unacknowledged or unread: then it has gone.
    pub silent: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address; more are closed before a byte is read.
    pub per_address: usize,
    /// How long requests under way are waited for at the end.
    pub drain: Duration,
}

/// Who has how many connections. As many entries as connections at most.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection's place among those of its address; given back when it is dropped.
struct Seat(Addresses, IpAddr);

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// Plain HTTP beyond this machine.
    #[error(
        "plain HTTP on {0} is refused: give tls.certificate and tls.key, listen on loopback, or allow it by name (plain-http-allowed)"
    )]
    Plain(SocketAddr),
    /// The PEM texts.
    #[error("the certificate or its key cannot be used: {0}")]
    Tls(String),
}

// === impl Wire ===

impl Default for Wire {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(30),
            header_bytes: 32 << 10,
            silent: Duration::from_secs(30),
            connections: 4096,
            per_address: 1024,
            drain: Duration::from_secs(20),
        }
    }
}

// === impl Addresses ===

impl Addresses {
    /// A place for one more connection of this address; none when it has `most` already.
    fn seat(&self, from: IpAddr, most: usize) -> Option<Seat> {
        let key = network(from);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(key).or_default();
        if *held >= most.max(1) {
            return None;
        }
        *held += 1;
        Some(Seat(self.clone(), key))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut held) = all.entry(self.1) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

// === functions ===

/// What counts as one address: an IPv4 address; of IPv6 the /64, which one host has whole.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Plain HTTP only on loopback or by the configuration's own word.
pub fn check_plain(address: SocketAddr, tls: bool, allowed: bool) -> Result<(), ServeFault> {
    if tls || allowed || address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(ServeFault::Plain(address)) }
}

/// TLS 1.2 and 1.3 with this certificate chain and key (PEM).
pub fn tls(certificate: &[u8], key: &[u8]) -> Result<Arc<rustls::ServerConfig>, ServeFault> {
    let fault = |e: &dyn std::fmt::Display| ServeFault::Tls(e.to_string());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>().map_err(|e| fault(&e))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| fault(&e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|b| b.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| fault(&e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves `router` until `stop` says true (or its sender is gone), then waits for requests under way, at most `wire.drain`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
    wire: Wire,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let places = Arc::new(Semaphore::new(wire.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let addresses = Addresses::default();
    let graceful = GracefulShutdown::new();
    loop {
        let taken = tokio::select! {
            _ = stop.wait_for(|s| *s) => break,
            taken = next(&listener, &places) => taken,
        };
        let Some((stream, peer, place)) = taken else { continue };
        let Some(seat) = addresses.seat(peer.ip(), wire.per_address) else {
            tracing::debug!(%peer, "one address has as many connections as it may; this one is closed");
            continue;
        };
        let (router, acceptor, watcher) = (router.clone(), acceptor.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _held = (place, seat);
            let _ = stream.set_nodelay(true);
            let silent = u32::try_from(wire.silent.as_millis()).unwrap_or(u32::MAX);
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, silent);
            let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
            match acceptor {
                None => connection(stream, peer, router, wire, watcher).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(wire.handshake, acceptor.accept(stream)).await {
                        connection(stream, peer, router, wire, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(wire.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = wire.drain.as_secs(), "requests still under way at the end of the drain were cut");
    }
}

async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            // Out of file descriptors and the like: the condition does not pass by asking again at once.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection<S>(stream: S, peer: SocketAddr, router: Router, wire: Wire, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(wire.header)
        .max_buf_size(wire.header_bytes.max(8192))
        .serve_connection(TokioIo::new(stream), service);
    // A caller gone or too slow is an error of this connection and no news.
    let _ = watcher.watch(serving).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_allowed_by_name() {
        for (address, tls, allowed, good) in [
            ("127.0.0.1:80", false, false, true),
            ("[::1]:80", false, false, true),
            ("0.0.0.0:80", false, false, false),
            ("10.0.0.1:80", false, false, false),
            ("10.0.0.1:80", false, true, true),
            ("10.0.0.1:443", true, false, true),
        ] {
            assert_eq!(check_plain(address.parse().unwrap(), tls, allowed).is_ok(), good, "{address} {tls} {allowed}");
        }
    }

    #[test]
    fn one_address_has_its_share_of_the_connections_and_gives_it_back() {
        let (all, office, home) = (Addresses::default(), "10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let seats: Vec<Seat> = (0..3).filter_map(|_| all.seat(office, 2)).collect();
        assert_eq!((seats.len(), all.seat(home, 2).is_some()), (2, true));
        assert!(all.seat("::ffff:10.0.0.1".parse().unwrap(), 2).is_none(), "the same address in IPv6's clothes");
        drop(seats);
        assert!(all.seat(office, 2).is_some() && all.0.lock().unwrap().is_empty(), "nothing is remembered of who has gone");
        let host: Vec<Seat> = (0..3).filter_map(|n| all.seat(format!("2001:db8::{n}").parse().unwrap(), 2)).collect();
        assert_eq!((host.len(), all.seat("2001:db8:0:1::1".parse().unwrap(), 2).is_some()), (2, true), "one /64 is one");
    }

    #[test]
    fn a_broken_certificate_is_told_at_start() {
        assert!(tls(b"", b"").is_err());
    }
}

//! The door on a real socket with TLS. The certificate is ours, self-signed, for tests only.

use crate::rig::Gate;
use lienthong::http::{Wire, serve, tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const CERT: &[u8] = include_bytes!("tls/cert.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

#[tokio::test(flavor = "multi_thread")]
async fn the_public_door_speaks_tls_and_nothing_else() {
    let gate = Gate::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, gate.router(), Some(tls(CERT, KEY).unwrap()), Wire::default(), stopped));

    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([reqwest::Certificate::from_pem(CERT).unwrap()]).build().unwrap();
    let answer = client.get(format!("https://{address}/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);

    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    let _ = plain.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"HTTP/"), "plain HTTP was answered");

    drop(client);
    stop.send(true).unwrap();
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_or_never_ends_is_cut() {
    let gate = Gate::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let wire = Wire { header: std::time::Duration::from_millis(200), header_bytes: 8192, ..Wire::default() };
    tokio::spawn(serve(listener, gate.router(), None, wire, stopped));

    let mut large = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(20_000));
    let _ = large.write_all(head.as_bytes()).await;
    let mut heard = Vec::new();
    let _ = large.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&heard));

    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.unwrap();
    let mut heard = Vec::new();
    let _ = slow.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"HTTP/1.1 200"), "the connection was ended without an answer of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_called_over_tls_only_when_its_authority_is_trusted() {
    use lienthong::partner::{Call, HttpTransport, SendError, Transport as _};
    let gate = Gate::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(serve(listener, gate.router(), Some(tls(CERT, KEY).unwrap()), Wire::default(), stopped));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let call = || Call {
        partner: "north".into(),
        url: format!("https://{address}/nowhere"),
        headers: Vec::new(),
        body: bytes::Bytes::from_static(b"{}").into(),
        timeout: std::time::Duration::from_secs(10),
    };
    let trusting = HttpTransport::new(&[CERT.to_vec()]).unwrap();
    assert_eq!(trusting.send(call()).await.unwrap().status, 404);
    let strict = HttpTransport::new(&[]).unwrap();
    assert_eq!(strict.send(call()).await.unwrap_err(), SendError::NotSent("not-connected"), "a failed handshake sent nothing");
}

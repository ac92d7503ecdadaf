//! Too much, too slow, no room: what is refused is refused at once and clearly, changes nothing, and is taken again by itself.

use crate::rig::{CODE, Gate, status_push};
use axum::Router;
use axum::routing::get;
use lienthong::http::{Wire, serve};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::test]
async fn below_the_disks_reserve_nothing_new_is_taken_and_above_it_everything_again() {
    let gate = Gate::open().await;
    let (disk, body) = (gate.journal.disk(), gate.submission().await);
    let free = disk.free().unwrap();
    for reserve in [free.saturating_mul(2), free.saturating_mul(16)] {
        disk.keep(reserve);
        let before = gate.rows();
        let refused = gate.portal("/hanoi/ho-so", &body).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        assert!(refused.headers.contains_key("retry-after"));
        let auth = format!("Bearer {}", gate.token());
        let headers = [("authorization", auth.as_str()), ("content-type", "multipart/form-data; boundary=b")];
        let file = "--b\r\ncontent-disposition: form-data; name=\"files\"; filename=\"a.pdf\"\r\n\r\nx\r\n--b--\r\n";
        assert_eq!(gate.send("/hanoi/tep-tin", &headers, file).await.status, 503);
        let code = gate.portal("/hanoi/ma-ho-so", &serde_json::json!({ "MaDonVi": "000.00.15.H26" })).await;
        assert_eq!(code.status, 503, "{}", code.text);
        assert_eq!(gate.rows(), before, "nothing was written");
    }
    disk.keep(1);
    assert_eq!(gate.portal("/hanoi/ho-so", &body).await.status, 200);
    disk.keep(free.saturating_mul(2));
    let pushed = gate.ministry("/moet/trang-thai", status_push("m-1", CODE, 2, "2026-07-20T10:05:00+07:00", "")).await;
    assert_ne!(pushed.xml("MaPhanHoi").as_deref(), Some("0"), "{}", pushed.text);
    // A content inside a message finds no room: that is our fault, to be sent again, and not the message's.
    let result = crate::rig::soap(&format!(
        "<TraKetQua xmlns=\"urn:lienthong:bo-gddt:1\"><MaThongDiep>m-2</MaThongDiep><MaHoSo>{CODE}</MaHoSo><TrangThai>9</TrangThai>\
         <ThoiDiem>2026-07-20T10:06:00+07:00</ThoiDiem><GiayTo id=\"kq-1\"><Ten>Giấy báo.pdf</Ten><Kieu>application/pdf</Kieu>\
         <NoiDung>JVBERiBnaeG6pXkgYsOhbw==</NoiDung></GiayTo></TraKetQua>"
    ));
    let before = gate.contents();
    let pushed = gate.ministry("/moet/ket-qua", result).await;
    assert_eq!((pushed.status, pushed.xml("code").as_deref()), (503, Some("temporary-reduced-capacity")), "{}", pushed.text);
    assert_eq!(gate.contents(), before);
    disk.keep(1);
    let again = gate.push("m-1", 2, "2026-07-20T10:05:00+07:00", "").await;
    assert_eq!(again.xml("MaPhanHoi").as_deref(), Some("0"), "{}", again.text);
}

/// The door on a socket, with these limits.
async fn open(wire: Wire) -> (std::net::SocketAddr, Gate, watch::Sender<bool>) {
    let gate = Gate::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(serve(listener, gate.router(), None, wire, stopped));
    (address, gate, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_idles_is_ended_and_makes_room_for_the_next() {
    let wire = Wire { header: Duration::from_millis(200), connections: 1, ..Wire::default() };
    let (address, _gate, _stop) = open(wire).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // The second one waits until the first has idled long enough: there is one place.
    let mut next = TcpStream::connect(address).await.unwrap();
    next.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), idle.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 200"), "it was answered first");
    let mut heard = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), next.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_take_every_place() {
    let wire = Wire { per_address: 1, ..Wire::default() };
    let (address, _gate, _stop) = open(wire).await;
    let ask = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut begun = [0; 12];
    first.read_exact(&mut begun).await.unwrap();
    let mut more = TcpStream::connect(address).await.unwrap();
    let _ = more.write_all(ask).await;
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), more.read_to_end(&mut heard)).await.unwrap();
    assert!(heard.is_empty(), "closed before it is read: {ended:?} {}", String::from_utf8_lossy(&heard));
    // Another address of the same machine has its own.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(address).await.unwrap();
    other.write_all(ask).await.unwrap();
    let mut heard = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), other.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 200"));
}

/// A server whose only answer is larger than what the sockets on both sides hold.
async fn large(wire: Wire) -> (std::net::SocketAddr, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let router = Router::new().route("/large", get(|| async { vec![b'x'; 64 << 20] }));
    (address, stop, tokio::spawn(serve(listener, router, None, wire, stopped)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_leaves_our_answer_unread_is_cut_and_makes_room() {
    let wire = Wire { silent: Duration::from_millis(500), connections: 1, ..Wire::default() };
    let (address, _stop, _server) = large(wire).await;
    let ask = b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut deaf = TcpStream::connect(address).await.unwrap();
    deaf.write_all(ask).await.unwrap();
    // There is one place: the next one is answered only once the first has been cut.
    let mut next = TcpStream::connect(address).await.unwrap();
    next.write_all(ask).await.unwrap();
    let mut heard = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), next.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 200") && heard.len() > 64 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_requests_under_way_no_longer_than_it_may() {
    let wire = Wire { drain: Duration::from_millis(200), ..Wire::default() };
    let (address, stop, server) = large(wire).await;
    let mut deaf = TcpStream::connect(address).await.unwrap();
    deaf.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut begun = [0; 12];
    deaf.read_exact(&mut begun).await.unwrap();
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(20), server).await.expect("it ends though the answer stays unread").unwrap();
}

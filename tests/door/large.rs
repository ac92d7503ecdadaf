//! Large contents inside messages: taken without standing in memory, kept as received, refused at their place; what is refused leaves nothing.

use crate::rig::{Answer, CODE, Gate, basic, soap};
use axum::body::Body;
use base64::Engine as _;
use bytes::Bytes;
use lienthong::catalogue::Files;
use lienthong::journal::Journal as _;
use lienthong::seal::sha256_hex;
use std::collections::VecDeque;

const T: &str = "2026-07-21T08:10:00+07:00";

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from((n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).unwrap()).collect()
}

fn base64(bytes: &[u8], line: usize) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.as_bytes().chunks(line).map(|l| std::str::from_utf8(l).unwrap()).collect::<Vec<_>>().join("\r\n")
}

fn result(id: &str, content: &str) -> String {
    soap(&format!(
        "<TraKetQua xmlns=\"urn:lienthong:bo-gddt:1\"><MaThongDiep>{id}</MaThongDiep><MaHoSo>{CODE}</MaHoSo>\
         <TrangThai>9</TrangThai><ThoiDiem>{T}</ThoiDiem><GiayTo id=\"kq-1\"><Ten>Giấy báo.pdf</Ten>\
         <Kieu>application/pdf</Kieu><NoiDung>{content}</NoiDung></GiayTo></TraKetQua>"
    ))
}

/// The same in JSON, of a route that the test adds.
fn result_json(id: &str, content: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"code\":\"{CODE}\",\"status\":\"9\",\"at\":\"{T}\",\"documents\":[{{\"id\":\"kq-1\",\"name\":\"Giấy báo.pdf\",\"content\":\"{content}\"}}]}}"
    )
}

/// A body in pieces.
struct Pieces(VecDeque<std::io::Result<Bytes>>);

impl axum::body::HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<std::io::Result<hyper::body::Frame<Bytes>>>> {
        std::task::Poll::Ready(self.0.pop_front().map(|piece| piece.map(hyper::body::Frame::data)))
    }
}

async fn open() -> Gate {
    let (files, path) = (Files::embedded(), "adapters/moet/partner.toml");
    let json = "[in.result-json]\npost = \"/ket-qua-json\"\nmap = \"result-json\"\nauth = \"basic\"\ndedupe = [\"id\"]\nmax_body = \"100MB\"\n\
                reply = { accepted = \"ack\", refused = \"ack-refused\", broken = \"soap-fault\" }\n\n[in.result]\n";
    let partner = files.text(path).unwrap().replacen("[in.result]\n", json, 1);
    let map = "message: result.issue\nformat: json\nabsent: omit\nunknown: refuse\nwithout: decision, documents.digest, documents.type, fee_due, missing, note, officer\n\n\
               id = id\ncode = code\nstatus = status : code(status)\nat = at : time(yyyy-MM-dd'T'HH:mm:ssXXX)\ndocuments[] = documents[]\n    id = id\n    name = name\n    content = content : base64\n";
    let gate = Gate::with(&files.with(path, partner).with("adapters/moet/result-json.map", map), "").await;
    gate.submit().await;
    for (n, status) in [2, 4].into_iter().enumerate() {
        gate.push(&format!("bgd-{n}"), status, &format!("2026-07-21T08:0{n}:00+07:00"), "").await;
    }
    gate
}

/// The Ministry posts a body that comes in pieces, its length not announced; `broken`: it breaks off at the end.
async fn pieces(gate: &Gate, path: &str, body: &str, len: usize, broken: bool) -> Answer {
    let frames = body.as_bytes().chunks(len).map(|piece| Ok(Bytes::copy_from_slice(piece)));
    let end = broken.then(|| Err(std::io::Error::other("gone")));
    let body = Body::new(Pieces(frames.chain(end).collect()));
    gate.send(path, &[("authorization", &basic("bo", "chu-bo")), ("content-type", "text/xml; charset=utf-8")], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_is_taken_and_comes_back_byte_for_byte_and_what_was_received_is_kept() {
    let bytes = content(1_500_000);
    for (path, body) in [
        ("/moet/ket-qua", result("bgd-9", &base64(&bytes, 76))),
        ("/moet/ket-qua", result("bgd-9", &base64(&bytes, usize::MAX))),
        ("/moet/ket-qua-json", result_json("bgd-9", &base64(&bytes, usize::MAX))),
    ] {
        let gate = open().await;
        let before = gate.contents();
        let answer = pieces(&gate, path, &body, 60_000, false).await;
        assert_eq!((answer.status, answer.xml("MaPhanHoi").as_deref()), (200, Some("0")), "{path}: {}", answer.text);
        let document = gate.journal.snapshot(CODE).await.unwrap().dossier.unwrap().documents.remove(0);
        assert_eq!(gate.content(&sha256_hex(&bytes)).as_ref(), Some(&bytes), "{path}");
        assert_eq!(gate.content(&sha256_hex(body.as_bytes())).as_deref(), Some(body.as_bytes()), "{path}: as received");
        assert_eq!(gate.contents(), before + 2, "{path}: the document, what was received, and nothing else");
        assert!(!document.id.is_empty());
        let (message, digest, size) = gate.received();
        assert_eq!(
            (message, digest, size),
            (0, sha256_hex(body.as_bytes()), i64::try_from(body.len()).unwrap()),
            "{path}: no second copy in the journal"
        );
        // The same again in one piece, announced: the first receipt, and nothing more.
        let rows = gate.rows();
        let again = gate.ministry(path, body.clone()).await;
        assert_eq!((again.status, again.text), (200, answer.text), "{path}");
        assert_eq!((gate.rows(), gate.contents()), (rows, before + 2), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_that_is_refused_leaves_nothing() {
    let gate = open().await;
    let text = base64(&content(900_000), usize::MAX);
    let half = text.len() / 2;
    let spoilt = format!("{}*{}", &text[..half], &text[half..]);
    let (rows, before) = (gate.rows(), gate.contents());
    for (what, path, body, pointer) in [
        ("no base64", "/moet/ket-qua", result("bgd-9", &spoilt), "TraKetQua/GiayTo[1]/NoiDung"),
        ("an end too early", "/moet/ket-qua", result("bgd-9", &text[1..]), "TraKetQua/GiayTo[1]/NoiDung"),
        ("no base64, JSON", "/moet/ket-qua-json", result_json("bgd-9", &spoilt), "/documents/0/content"),
        ("a long name", "/moet/ket-qua", result("bgd-9", "QUI=").replace("Giấy báo.pdf", &text), "TraKetQua/GiayTo[1]/Ten"),
        ("not well-formed behind it", "/moet/ket-qua", result("bgd-9", &text).replace("</GiayTo>", "</La>"), ""),
    ] {
        let answer = pieces(&gate, path, &body, 60_000, false).await;
        assert_eq!((answer.status, answer.xml("code").as_deref()), (500, Some("message-unreadable")), "{what}: {}", answer.text);
        let told = answer.xml("pointer").unwrap();
        assert!(pointer.is_empty() || told == pointer, "{what}: {told}");
        let whole = answer.text;
        assert!(!whole.contains(&text[..200]), "{what}: no value is told");
        assert_eq!((gate.rows(), gate.contents()), (rows, before), "{what}");
    }
    let cut = pieces(&gate, "/moet/ket-qua", &result("bgd-9", &text)[..half], 60_000, true).await;
    assert_eq!(cut.status, 408, "{}", cut.text);
    assert_eq!((gate.rows(), gate.contents()), (rows, before), "its sender broke off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_behind_a_large_document_is_told_at_its_line_and_column() {
    let gate = open().await;
    for line in [76, usize::MAX] {
        let body = result("bgd-9", &base64(&content(900_000), line)).replace("</TraKetQua>", "<La/></TraKetQua>");
        let answer = pieces(&gate, "/moet/ket-qua", &body, 7_000, false).await;
        let at = body.find("<La/>").unwrap();
        let (lines, column) = (body[..at].matches('\n').count() + 1, body[..at].rsplit('\n').next().unwrap().chars().count() + 1);
        let place = format!("line {lines}, column {column}, TraKetQua/La");
        assert!(answer.text.contains(&place), "{place}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_its_routes_limit_is_told_so_while_it_comes() {
    let (files, path) = (Files::embedded(), "adapters/moet/partner.toml");
    let small = files.text(path).unwrap().replacen("max_body = \"100MB\"", "max_body = \"1MB\"", 1);
    let gate = Gate::with(&files.with(path, small), "").await;
    gate.submit().await;
    let before = (gate.rows(), gate.contents());
    let body = result("bgd-9", &base64(&content(900_000), 76));
    let answer = pieces(&gate, "/moet/ket-qua", &body, 60_000, false).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert_eq!((gate.rows(), gate.contents()), before);
}

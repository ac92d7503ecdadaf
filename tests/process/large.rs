//! Results with large documents, and dossiers with large files: what the gateway holds of them in memory, measured from outside, and many at
//! once.

use std::fs;

use base64::Engine as _;
use serde_json::json;
use std::time::Duration;

use super::dossiers::{code, exam};
use super::world::{Answer, MINISTRY, OPERATOR, Setup, World, sent, until};

/// A document.
const LARGE: usize = 20 << 20;
/// How much more memory it may cost than a small one, KiB: pieces on their way, the text around them.
const MORE: u64 = 8 << 10;
/// So many at once, each so large; and how much more memory they may cost together, KiB: less than they are on the wire.
const AT_ONCE: u32 = 30;
const EACH: usize = 2 << 20;
const TOGETHER: u64 = 64 << 10;

/// The most memory that a process held since this was reset, KiB.
fn most(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

fn reset(id: u32) {
    fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();
}

/// Bytes that differ from document to document.
fn content(number: u32, len: usize) -> Vec<u8> {
    (0..len as u64).map(|n| u8::try_from((n + u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).unwrap()).collect()
}

async fn push(world: &World, number: u32, status: u8, documents: &str) -> Answer {
    let (path, root) = if documents.is_empty() { ("trang-thai", "ThongBaoTrangThai") } else { ("ket-qua", "TraKetQua") };
    let body = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><{root} xmlns=\"urn:lienthong:bo-gddt:1\">\
         <MaThongDiep>bgd-{number}-{status}</MaThongDiep><MaHoSo>{}</MaHoSo><TrangThai>{status}</TrangThai>\
         <ThoiDiem>2026-07-21T08:0{status}:00+07:00</ThoiDiem>{documents}</{root}></soap:Body></soap:Envelope>",
        code(number)
    );
    let request = world.http.post(format!("{}/moet/{path}", world.public)).basic_auth(MINISTRY.0, Some(MINISTRY.1));
    sent(request.header("content-type", "text/xml; charset=utf-8").body(body)).await.expect("an answer")
}

async fn result(world: &World, number: u32, content: &[u8]) {
    let text = base64::engine::general_purpose::STANDARD.encode(content);
    let document = format!("<GiayTo id=\"kq-{number}\"><Ten>Giấy báo.pdf</Ten><NoiDung>{text}</NoiDung></GiayTo>");
    let answer = push(world, number, 9, &document).await;
    assert!(
        answer.status == 200 && answer.text.contains("<MaPhanHoi>0</MaPhanHoi>"),
        "{number}: {} {}",
        answer.status,
        answer.text
    );
    let digest = lienthong::seal::sha256_hex(content);
    let kept = fs::read(world.path().join("data/files").join(&digest[..2]).join(&digest)).unwrap();
    assert!(kept == content, "{number}: byte for byte");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_document_costs_the_memory_of_a_small_one_and_many_at_once_are_all_taken() {
    let world = World::start(Setup {
        ministry: vec!["--script", "silent"],
        moet: "paused = true",
        hanoi: "paused = true",
        ..Setup::default()
    })
    .await;
    let token = world.token().await;
    for number in 0..AT_ONCE + 2 {
        let url = format!("{}/hanoi/ho-so", world.public);
        assert_eq!(world.post(&url, Some(&token), &exam(number)).await.unwrap().status, 200);
        for status in [2, 4] {
            let answer = push(&world, number, status, "").await;
            assert!(answer.text.contains("<MaPhanHoi>0</MaPhanHoi>"), "{}", answer.text);
        }
    }
    let gateway = world.gateway.as_ref().unwrap().id();
    reset(gateway);
    result(&world, 0, &content(0, 10_000)).await;
    let small = most(gateway);
    result(&world, 1, &content(1, LARGE)).await;
    let large = most(gateway);
    assert!(large < small + MORE, "{small} KiB, then {large} KiB");

    let contents: Vec<Vec<u8>> = (2..AT_ONCE + 2).map(|number| content(number, EACH)).collect();
    let mut all = tokio::task::JoinSet::new();
    let world = std::sync::Arc::new(world);
    for (number, content) in (2..).zip(contents) {
        let world = std::sync::Arc::clone(&world);
        all.spawn(async move { result(&world, number, &content).await });
    }
    all.join_all().await;
    let together = most(gateway);
    assert!(together < small + TOGETHER, "{small} KiB, then {together} KiB");
}

/// Uploads a file and hands in a dossier with it.
async fn submit(world: &World, token: &str, number: u32, content: &[u8]) {
    let head = "--ranh-gioi\r\ncontent-disposition: form-data; name=\"files\"; filename=\"hoc-ba.pdf\"\r\n\
                content-type: application/pdf\r\n\r\n";
    let body = [head.as_bytes(), content, b"\r\n--ranh-gioi--\r\n"].concat();
    let request = world.http.post(format!("{}/hanoi/tep-tin", world.public)).bearer_auth(token);
    let answer = sent(request.header("content-type", "multipart/form-data; boundary=ranh-gioi").body(body)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    let stored = answer.json()[0].clone();
    assert_eq!(stored["HashTepTin"], lienthong::seal::sha256_hex(content));
    let mut dossier = exam(number);
    dossier["ThanhPhanHoSo"][0]["GiayToDinhKem"] =
        json!([{ "IdGiayTo": stored["IdTepTin"], "TenGiayTo": "hoc-ba.pdf", "HashTepTin": stored["HashTepTin"] }]);
    let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(token), &dossier).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn hold(world: &World, what: &str) {
    let body = json!({ "reason": "a test" });
    let answer = world.post(&format!("{}/v1/partners/moet/{what}", world.admin), Some(OPERATOR), &body).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_leaves_with_the_memory_of_a_small_one_and_without_its_file_a_dossier_waits_for_a_person() {
    let world = World::start(Setup { ministry: vec!["--script", "silent"], ..Setup::default() }).await;
    let token = world.token().await;
    let gateway = world.gateway.as_ref().unwrap().id();
    let mut held = Vec::new();
    for (number, len) in [(0, 10_000), (1, LARGE)] {
        hold(&world, "pause").await;
        submit(&world, &token, number, &content(number, len)).await;
        reset(gateway);
        hold(&world, "resume").await;
        let taken = until(Duration::from_secs(60), "the dossier at the Ministry", async || {
            let shown = world.shown(&world.ministry, &format!("/_dossier/{}", code(number))).await;
            shown["code"].is_string().then_some(shown)
        })
        .await;
        assert_eq!(taken["files"], 1, "the file came with its digest: {taken}");
        held.push(most(gateway));
    }
    println!("most memory while it left: {held:?} KiB");
    assert!(held[1] < held[0] + MORE, "{held:?} KiB");

    hold(&world, "pause").await;
    submit(&world, &token, 2, &content(2, 1 << 20)).await;
    let gone = lienthong::seal::sha256_hex(&content(2, 1 << 20));
    fs::remove_file(world.path().join("data/files").join(&gone[..2]).join(&gone)).unwrap();
    hold(&world, "resume").await;
    let parked = until(Duration::from_secs(60), "the dossier without its file", async || {
        let shown = world.operator("/v1/deliveries?state=parked").await;
        shown["deliveries"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!(parked["dossier"], code(2), "{parked}");
    assert!(parked.to_string().contains("not-writable at /papers/0/files/0/content"), "{parked}");
    assert!(world.shown(&world.ministry, &format!("/_dossier/{}", code(2))).await.is_null(), "nothing of it left");
}

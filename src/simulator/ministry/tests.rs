//! Tests of the Ministry: a client at the SOAP door, a small gateway behind it that checks what is pushed.

use std::collections::VecDeque;

use super::super::{Effect, Plan, paper, seal};
use super::*;

const CODE: &str = "H26.15-20260609-0000001";

type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A gateway that validates each push by the schema and answers with the codes given, then 0.
async fn gateway(codes: &[&'static str]) -> (String, Heard) {
    let heard: Heard = Arc::default();
    let codes: Arc<Mutex<VecDeque<&'static str>>> = Arc::new(Mutex::new(codes.iter().copied().collect()));
    let schema = Arc::new(soap::Schema::load().unwrap());
    let seen = Arc::clone(&heard);
    let take = move |headers: axum::http::HeaderMap, body: bytes::Bytes| async move {
        let payload = schema.read(&body).expect("a push that is valid by the schema");
        assert_eq!(headers["authorization"], seal::basic("bo-gddt-thu-nghiem", "vi-du-bo"));
        assert_eq!(headers["soapaction"], format!("\"urn:lienthong:bo-gddt:1/{}\"", payload.name()));
        let id = payload.text("MaThongDiep").unwrap();
        let mut told = payload.text("TrangThai").unwrap();
        if let Some(fee) = payload.text("SoTien") {
            told = format!("{told} fee {fee}");
        }
        if let Some(content) = payload.text("NoiDung").filter(|_| payload.name() == "TraKetQua") {
            assert!(seal::from_base64(&content).unwrap().starts_with(b"%PDF"));
            told = format!("{told} document");
        }
        seen.lock().unwrap().push((id, told));
        let code = codes.lock().unwrap().pop_front().unwrap_or("0");
        let reply = soap::Xml::default().text("MaPhanHoi", code).text("ThongDiep", "x");
        ([("content-type", "text/xml")], reply.envelope("PhanHoi"))
    };
    let router = Router::new().route("/moet/trang-thai", post(take.clone())).route("/moet/ket-qua", post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, heard)
}

async fn ministry(gateway: &str, script: &str) -> Running<Ministry> {
    let options = Options { gateway: gateway.to_owned(), script: script.to_owned(), pace: 1, ..Options::default() };
    Ministry::start(options).await.unwrap()
}

fn element(name: &str, inner: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <b:{name} xmlns:b=\"urn:lienthong:bo-gddt:1\" xmlns=\"urn:lienthong:bo-gddt:1\">{inner}</b:{name}></e:Body></e:Envelope>"
    )
}

fn submit(message: &str, code: &str) -> String {
    let pdf = paper::pdf(&["phieu"], 0);
    let file = format!(
        "<TepTin id=\"t1\" sha256=\"{}\"><Ten>p.pdf</Ten><NoiDung>{}</NoiDung></TepTin>",
        seal::sha256(&pdf),
        seal::base64(&pdf)
    );
    let wish = |n: u8, paid: u8| {
        format!(
            "<NguyenVong thuTu=\"{n}\"><MaTruong>VDU</MaTruong><MaNganh>7480201</MaNganh><MaPhuongThuc>100</MaPhuongThuc>\
             <MaToHop>A00</MaToHop><DaNopPhi>{paid}</DaNopPhi></NguyenVong>"
        )
    };
    let address = "<DiaChi><MaTinh>01</MaTinh><MaXa>00167</MaXa><ChiTiet>Số 7 phố Ví Dụ</ChiTiet></DiaChi>";
    element(
        "NopHoSo",
        &format!(
            "<MaThongDiep>{message}</MaThongDiep><HoSo phienBan=\"1.0\"><ThongTinChung><MaHoSo>{code}</MaHoSo>\
             <MaThuTuc>1.001942</MaThuTuc><DonViTiepNhan ma=\"000.00.15.H26\">Sở Giáo dục và Đào tạo Hà Nội</DonViTiepNhan>\
             <NgayNop>20260609093000</NgayNop></ThongTinChung><NguoiNop loai=\"CD\"><HoTen>Phạm Thị Sao Mai</HoTen>\
             <HoTenInHoa>PHẠM THỊ SAO MAI</HoTenInHoa><GiayTuyThan>001301000452</GiayTuyThan>{address}</NguoiNop>\
             <ChuHoSo loai=\"CD\"><HoTen>Phạm Thị Sao Mai</HoTen></ChuHoSo><GiayTo>\
             <ThanhPhan ma=\"TP01\" soLuong=\"1\" loaiBan=\"DT\"><Ten>Phiếu</Ten>{file}</ThanhPhan></GiayTo><ToKhai><XetTuyen2025>\
             <GioiTinh>1</GioiTinh><CCCD>001301000452</CCCD><KhuVuc>KV3</KhuVuc>{}{}{}</XetTuyen2025></ToKhai></HoSo>",
            wish(1, 0),
            wish(2, 0),
            wish(3, 1)
        ),
    )
}

fn about(name: &str, message: &str, rest: &str) -> String {
    element(name, &format!("<MaThongDiep>{message}</MaThongDiep><MaHoSo>{CODE}</MaHoSo>{rest}"))
}

fn supplement(message: &str, round: u32) -> String {
    about("BoSung", message, &format!("<LanBoSung>{round}</LanBoSung><GiayTo/>"))
}

fn paid(message: &str, amount: u64) -> String {
    let rest = format!("<SoTien>{amount}</SoTien><MaGiaoDich>GD0001</MaGiaoDich><ThoiDiem>2026-06-09T10:00:00+07:00</ThoiDiem>");
    about("DaNopPhi", message, &rest)
}

/// Sends a call; the HTTP status, the reply's code (or the fault's side).
async fn call(running: &Running<Ministry>, body: &str) -> (u16, String) {
    let name = soap::Payload::of(body.as_bytes()).map(|p| p.name()).unwrap_or_default();
    call_as(running, body, &name, "mat-khau-thu-nghiem").await.unwrap()
}

async fn call_as(running: &Running<Ministry>, body: &str, action: &str, password: &str) -> reqwest::Result<(u16, String)> {
    let request = super::super::client().unwrap().post(format!("{}/dich-vu/HoSo.asmx", running.url()));
    let request =
        request.header("authorization", seal::basic("so-gddt-hn-thu-nghiem", password)).header("content-type", "text/xml");
    let answer =
        request.header("soapaction", format!("\"urn:lienthong:bo-gddt:1/{action}\"")).body(body.to_owned()).send().await?;
    let (status, bytes) = (answer.status().as_u16(), answer.bytes().await?);
    let word = match soap::Payload::of(&bytes) {
        Ok(p) if p.name() == "Fault" => p.text("faultcode").unwrap(),
        Ok(p) => {
            soap::Schema::load().unwrap().read(&bytes).expect("replies are valid by the schema");
            p.text("DaBiet").or(p.text("MaPhanHoi")).unwrap()
        }
        Err(_) => String::new(),
    };
    Ok((status, word))
}

fn ok(code: &str) -> (u16, String) {
    (200, code.to_owned())
}

async fn ended(running: &Running<Ministry>) -> Dossier {
    let wait = running.wait_for(CODE, |d| d.ended);
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the script never ended");
    running.dossier(CODE).unwrap()
}

async fn stands(running: &Running<Ministry>, status: u8) {
    let wait = running.wait_for(CODE, |d| d.status == status);
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("never got there");
}

fn told(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().iter().map(|(_, t)| t.clone()).collect()
}

#[tokio::test]
async fn a_dossier_that_breaks_the_contract_is_refused_and_not_processed() {
    let running = ministry("http://127.0.0.1:9", "silent").await;
    let good = submit("m1", CODE);
    let fault = (500, "soap:Client".to_owned());
    assert_eq!(call_as(&running, &good, "NopHoSo", "sai").await.unwrap(), (401, String::new()));
    assert_eq!(call_as(&running, &good, "BoSung", "mat-khau-thu-nghiem").await.unwrap(), fault);
    for (from, to) in [
        ("<KhuVuc>KV3</KhuVuc>", "<KhuVuc>KV9</KhuVuc>"),
        ("<GioiTinh>1</GioiTinh>", ""),
        ("urn:lienthong:bo-gddt:1\">", "urn:khac\">"),
        ("</b:NopHoSo>", ""),
        ("<e:Envelope", "<!DOCTYPE x><e:Envelope"),
        ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert_eq!(call_as(&running, &bad, "NopHoSo", "mat-khau-thu-nghiem").await.unwrap(), fault, "{to}");
    }
    let digest = seal::sha256(&paper::pdf(&["phieu"], 0));
    assert_eq!(call(&running, &good.replace(&digest, &"0".repeat(64))).await, ok("1"));
    assert!(running.dossiers().is_empty());
    let sum = running.book.summary();
    assert_eq!((sum.calls, sum.processed, sum.violations), (9, 0, 9));
}

#[tokio::test]
async fn a_repeated_message_is_answered_2_counted_and_has_no_second_effect() {
    let running = ministry("http://127.0.0.1:9", "silent").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("2"));
    assert_eq!(call(&running, &submit("m2", CODE)).await, ok("1"), "another id for the same dossier");
    let dossier = running.dossier(CODE).unwrap();
    assert_eq!((dossier.messages.len(), dossier.files, dossier.procedure.as_str()), (1, 1, "1.001942"));
    assert_eq!((running.book.summary().repeats, running.book.summary().processed), (1, 1));
}

#[tokio::test]
async fn a_cut_after_processing_leaves_the_dossier_processed_and_the_inquiry_knows_it() {
    let running = ministry("http://127.0.0.1:9", "silent").await;
    let ask = |id: &str| about("TraCuu", "q1", &format!("<MaThongDiepHoi>{id}</MaThongDiepHoi>"));
    assert_eq!(call(&running, &ask("m1")).await, ok("0"));
    running.weather.plan(Plan::on("submit", Effect::CutBefore));
    running.weather.plan(Plan::on("submit", Effect::CutAfter));
    assert!(call_as(&running, &submit("m1", CODE), "NopHoSo", "mat-khau-thu-nghiem").await.is_err());
    assert_eq!(call(&running, &ask("m1")).await, ok("0"), "cut before processing: not known");
    assert!(call_as(&running, &submit("m1", CODE), "NopHoSo", "mat-khau-thu-nghiem").await.is_err());
    assert_eq!(call(&running, &ask("m1")).await, ok("1"), "cut after processing: known");
    assert_eq!(call(&running, &ask("m2")).await, ok("0"), "the dossier is there, that message is not");
    assert_eq!(call(&running, &about("TraCuu", "q2", "")).await, ok("1"));
    assert_eq!(running.book.summary().repeats, 0);
}

#[tokio::test]
async fn a_normal_dossier_goes_2_4_9_10_each_told_until_it_is_heard() {
    let (base, heard) = gateway(&["9", "0", "10"]).await;
    let running = ministry(&base, "normal").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    let dossier = ended(&running).await;
    assert_eq!(told(&heard), ["2", "2", "4", "4", "9", "10 document"]);
    let ids: std::collections::BTreeSet<String> = heard.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids.len(), 4, "a repeat keeps its id");
    assert_eq!((dossier.status, dossier.pushes.len(), dossier.pushes[0].attempts), (10, 4, 2));
}

#[tokio::test]
async fn a_second_fee_after_a_supplement_is_asked_for_and_paid_besides_the_first() {
    let (base, _) = gateway(&[]).await;
    let running = ministry(&base, "silent").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    for (amount, id) in [(40_000, "m2"), (20_000, "m3")] {
        let fee = Some(Fee { amount, code: None, name: None });
        running.push(Push { fee, ..Push::status(CODE, 6) }).await;
        assert_eq!(call(&running, &paid(&format!("wrong-{id}"), amount + 1000)).await, ok("1"), "another amount");
        assert_eq!(call(&running, &paid(id, amount)).await, ok("0"));
        assert_eq!(call(&running, &paid(&format!("again-{id}"), amount)).await, ok("1"), "told twice");
    }
    assert_eq!(running.dossier(CODE).unwrap().fee_paid, Some(60_000));
}

#[tokio::test]
async fn a_fee_per_unpaid_wish_is_asked_for_and_waited_for() {
    let (base, heard) = gateway(&[]).await;
    let running = ministry(&base, "auto").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    stands(&running, 6).await;
    assert_eq!(told(&heard), ["2", "6 fee 40000"]);
    assert_eq!(call(&running, &paid("m2", 20000)).await, ok("1"), "another amount");
    assert_eq!(call(&running, &paid("m3", 40000)).await, ok("0"));
    let dossier = ended(&running).await;
    assert_eq!((dossier.status, dossier.fee_paid), (10, Some(40000)));
    assert_eq!(call(&running, &paid("m4", 40000)).await, ok("1"), "told twice under two ids");
    assert_eq!(running.book.summary().violations, 2);
}

#[tokio::test]
async fn a_supplement_is_asked_for_and_its_order_watched() {
    let (base, heard) = gateway(&[]).await;
    let running = ministry(&base, "supplement").await;
    assert_eq!(call(&running, &supplement("m0", 1)).await, ok("1"), "never submitted");
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    stands(&running, 5).await;
    assert_eq!(call(&running, &supplement("m2", 2)).await, ok("1"), "round 2 before round 1");
    assert_eq!(call(&running, &supplement("m3", 1)).await, ok("0"));
    assert_eq!(ended(&running).await.status, 10);
    assert_eq!(told(&heard), ["2", "5", "2", "4", "9", "10 document"]);
    assert_eq!(running.book.summary().violations, 2);
}

#[tokio::test]
async fn a_refused_and_a_withdrawn_dossier_end_in_3_and_7() {
    let (base, heard) = gateway(&[]).await;
    let running = ministry(&base, "refuse").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    assert_eq!(ended(&running).await.status, 3);
    assert_eq!(told(&heard), ["3"]);

    let (base, heard) = gateway(&[]).await;
    let running = ministry(&base, "withdraw").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    stands(&running, 2).await;
    let withdraw = about("RutHoSo", "m2", "<LyDo>Đổi nguyện vọng</LyDo>");
    assert_eq!(call(&running, &withdraw).await, ok("0"));
    assert_eq!(ended(&running).await.status, 7);
    assert_eq!(told(&heard), ["2", "7"]);
    assert_eq!(call(&running, &about("RutHoSo", "m3", "<LyDo>Lần nữa</LyDo>")).await, ok("1"));
}

#[tokio::test]
async fn what_is_decided_can_no_longer_be_withdrawn_although_the_gateway_has_not_answered_yet() {
    // The push of status 9 is under way: heard, perhaps applied, not answered.
    let (base, heard) = gateway(&["0", "0", "9", "9", "9", "9", "9", "9", "9", "9"]).await;
    let running = ministry(&base, "normal").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    let told_9 = running.wait_for(CODE, |d| d.pushes.iter().any(|p| p.status == 9 && p.attempts > 0));
    tokio::time::timeout(Duration::from_secs(10), told_9).await.expect("never got there");
    assert_eq!(call(&running, &about("RutHoSo", "m2", "<LyDo>Đổi nguyện vọng</LyDo>")).await, ok("1"));
    let dossier = ended(&running).await;
    assert_eq!((dossier.status, dossier.withdrawn), (10, false), "{:?}", told(&heard));
    assert!(!told(&heard).contains(&"7".to_owned()), "9 and then 7 is no way a dossier goes");
}

#[tokio::test]
async fn a_push_by_hand_keeps_its_id_and_time_and_tells_what_the_gateway_said() {
    let (base, heard) = gateway(&["1"]).await;
    let running = ministry(&base, "silent").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    let push = json!({ "dossier": CODE, "status": 4, "id": "tay-1", "at_ms": 1_780_000_000_999_i64, "until_heard": true });
    let client = super::super::client().unwrap();
    let answer = client.post(format!("{}/_push", running.control_url())).body(push.to_string()).send().await.unwrap();
    let pushed: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!((&pushed["code"], &pushed["at_ms"], &pushed["attempts"]), (&json!("1"), &json!(1_780_000_000_000_i64), &json!(1)));
    assert_eq!(running.dossier(CODE).unwrap().status, 1, "refused: it stays");
    assert!(running.push_result(CODE, "ket-qua.pdf", b"%PDF-1.4").await.acknowledged());
    assert_eq!((told(&heard), running.dossier(CODE).unwrap().status), (vec!["4".to_owned(), "10 document".to_owned()], 10));
}

#[tokio::test]
async fn a_book_file_lets_a_new_run_know_what_the_old_one_processed() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { script: "silent".to_owned(), book: Some(dir.path().join("book.jsonl")), ..Options::default() };
    let running = Ministry::start(options.clone()).await.unwrap();
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    drop(running);
    let running = Ministry::start(options).await.unwrap();
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("2"));
    assert_eq!(running.book.summary().repeats, 1);
}

#[test]
fn the_shipped_samples_pass_our_door() {
    let schema = soap::Schema::load().unwrap();
    let mut seen = 0;
    let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/moet/samples")).unwrap();
    // Letters and what lies in them come by another way than this door.
    let calls = all.map(|folder| folder.unwrap().path()).filter(|f| !f.ends_with("letter") && !f.ends_with("dossier-file"));
    for file in calls.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|f| f.unwrap().path()) {
        // `also-`: a spelling that is only read, by the gateway; the schema has one order.
        let also = file.file_name().unwrap().to_str().unwrap().starts_with("also-");
        if !also && file.extension().is_some_and(|e| e == "xml") {
            let read = schema.read(&std::fs::read(&file).unwrap());
            assert!(read.is_ok(), "{}: {}", file.display(), read.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen >= 50, "{seen}");
}

#[tokio::test]
async fn a_ministry_that_is_down_says_nothing_until_it_is_up_again() {
    let (base, heard) = gateway(&[]).await;
    let running = ministry(&base, "normal").await;
    assert_eq!(call(&running, &submit("m1", CODE)).await, ok("0"));
    running.weather.go_down(Some(super::super::Down::Refused));
    let told_before = told(&heard).len();
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert!(told(&heard).len() <= told_before + 1, "at most the push that was under way");
    running.weather.go_down(None);
    assert_eq!(ended(&running).await.status, 10);
}

//! Planted secrets and personal data never come out: not in logs (both forms, at debug level), not in metrics, reasons, timelines, refusals.
//! A wrong value of a field that its schema marks `x-public` is shown in a refusal, by the promise; so none is planted there.

use std::time::Duration;

use serde_json::{Value, json};

use super::dossiers::{code, exam};
use super::world::{Answer, MINISTRY, OPERATOR, PORTAL, SECRETS, Setup, World, sent, until};

/// Personal data of the planted dossier and of the officer who deals with it.
const PERSONAL: [&str; 9] = [
    "Cấy Ghép",
    "001307999888",
    "0900777666",
    "rieng-tu@vidu.example",
    "ngõ Kín Đáo",
    "Giấu Tên",
    "chuyện riêng tư",
    "ket-qua-cua-rieng.pdf",
    "lý do thầm kín",
];
/// Credentials that are wrong, and still nobody's business.
const WRONG: [&str; 3] = ["the-bai-sai-hoan-toan", "bi-mat-go-nham", "mat-khau-go-nham"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_secrets_and_personal_data_never_come_out() {
    for format in ["human", "json"] {
        let log =
            if format == "human" { "format = \"human\"\nlevel = \"debug\"" } else { "format = \"json\"\nlevel = \"debug\"" };
        run(format, log).await;
    }
}

async fn run(format: &str, log: &'static str) {
    let ministry = vec!["--script", "silent", "--pace", "1"];
    let moet = "rate = \"50/s\"\nquiet = \"300ms\"\nask_schedule = [\"100ms\", \"300ms\"]";
    let world = World::start(Setup { ministry, moet, log, ..Setup::default() }).await;
    let token = world.token().await;
    let mut shown: Vec<(String, String)> = Vec::new();
    let mut refuse = |what: &str, answer: Answer| {
        assert!(answer.status >= 400, "{what}: was taken: {}", answer.text);
        shown.push((what.to_owned(), answer.text));
    };

    // What is taken: a dossier with everything planted, an unknown outcome, a status with an officer's note, a result, a withdrawal.
    let url = format!("{}/hanoi/ho-so", world.public);
    world.hand(&world.ministry, "/_weather", &json!({ "plan": [{ "effect": "malformed", "operation": "submit" }] })).await;
    for number in 1..=2 {
        let answer = world.post(&url, Some(&token), &planted(number)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for number in 1..=2 {
        until(Duration::from_secs(30), "the dossier at the Ministry", async || {
            let path = format!("/_dossier/{}", code(number));
            (world.shown(&world.ministry, &path).await["code"] == code(number).as_str()).then_some(())
        })
        .await;
    }
    let officer = |status: u8| json!({ "dossier": code(1), "status": status, "officer": "Lê Thị Giấu Tên", "note": "Đây là chuyện riêng tư" });
    for status in [2, 4, 1] {
        world.hand(&world.ministry, "/_push", &officer(status)).await;
    }
    let mut result = officer(8);
    result["result"] = true.into();
    result["documents"] = json!([{ "id": "kq-1", "name": "ket-qua-cua-rieng.pdf", "content": "JVBERi0xLjQK" }]);
    world.hand(&world.ministry, "/_push", &result).await;
    let withdrawal = json!({ "MaHoSo": code(2), "LyDo": "Vì lý do thầm kín" });
    let answer = world.post(&format!("{}/hanoi/rut-ho-so", world.public), Some(&token), &withdrawal).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);

    // What is refused.
    for (what, body) in broken() {
        let request = world.http.post(&url).bearer_auth(&token).header("content-type", "application/json").body(body);
        refuse(what, sent(request).await.expect("an answer"));
    }
    refuse("wrong token", world.post(&url, Some(WRONG[0]), &planted(9)).await.expect("an answer"));
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", PORTAL.0, WRONG[1]);
    let request =
        world.http.post(format!("{}/hanoi/token", world.public)).header("content-type", "application/x-www-form-urlencoded");
    refuse("wrong client secret", sent(request.body(form)).await.expect("an answer"));
    let push = format!("{}/moet/trang-thai", world.public);
    let soap = |inside: &str| {
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><ThongBaoTrangThai xmlns=\"urn:lienthong:bo-gddt:1\">\
             <MaThongDiep>m-1</MaThongDiep><MaHoSo>{}</MaHoSo>{inside}</ThongBaoTrangThai></s:Body></s:Envelope>",
            code(1)
        )
    };
    let fine = soap("<TrangThai>4</TrangThai><ThoiDiem>2026-06-10T00:00:00+07:00</ThoiDiem>");
    for (what, password, body) in [
        ("wrong password", WRONG[2], fine.clone()),
        ("malformed XML", MINISTRY.1, soap("<CanBo><HoTen>Lê Thị Giấu Tên</Ho>")),
        ("unknown element", MINISTRY.1, soap("<TrangThai>4</TrangThai><GhiChu>Đây là chuyện riêng tư</GhiChu>")),
        ("text where elements belong", MINISTRY.1, soap("<TrangThai>4</TrangThai>Lê Thị Giấu Tên")),
    ] {
        let request =
            world.http.post(&push).basic_auth(MINISTRY.0, Some(password)).header("content-type", "text/xml; charset=utf-8");
        let request = request.header("soapaction", "\"urn:lienthong:bo-gddt:1/ThongBaoTrangThai\"");
        refuse(what, sent(request.body(body)).await.expect("an answer"));
    }
    let notice = json!({ "client_id": "HN-GDDT", "transaction_id": "A", "transaction_code": "B", "trans_amount": 1, "payment_fee": 0,
        "command": "PAY", "addition_fee": 0, "version": "3.0", "description": "Cấy Ghép nộp phí", "locale": "vn", "country_code": "vn",
        "currency_code": "VND", "environment": "1", "status": 0, "check_sum": "00" });
    let answer = world.post(&format!("{}/keypay/thong-bao", world.public), None, &notice).await.expect("an answer");
    assert_eq!(answer.json()["return_code"], -1, "{}", answer.text);
    shown.push(("wrong checksum".to_owned(), answer.text));

    // What operators see.
    for path in ["/v1/deliveries?limit=100", "/v1/partners", "/v1/cases", "/v1/events"] {
        shown.push((path.to_owned(), world.operator(path).await.to_string()));
    }
    for number in 1..=2 {
        let path = format!("/v1/dossiers/{}/timeline", code(number));
        shown.push((path.clone(), world.operator(&path).await.to_string()));
    }
    let metrics = world.get(&format!("{}/metrics", world.admin), Some(OPERATOR)).await.expect("metrics");
    assert_eq!(metrics.status, 200, "{}", metrics.text);
    shown.push(("metrics".to_owned(), metrics.text));
    let said = world.gateway_said();
    assert!(said.contains(&code(1)) || said.lines().count() > 20, "{format}: the log is there to be looked at: {said}");
    shown.push(("log".to_owned(), said));

    let secrets =
        SECRETS.iter().map(|(_, s)| s.trim_start_matches("whsec_")).chain([PORTAL.1, MINISTRY.1, OPERATOR, &token]).chain(WRONG);
    let needles: Vec<&str> = secrets.chain(PERSONAL).collect();
    let found: Vec<String> = shown
        .iter()
        .flat_map(|(what, text)| text.lines().map(move |line| (what, line)))
        .flat_map(|(what, line)| needles.iter().filter(|n| line.contains(**n)).map(move |n| format!("{what}: {n}: {line}")))
        .collect();
    assert!(found.is_empty(), "{format}:\n{}", found.join("\n"));
}

/// A dossier of a person who wants to stay unknown.
fn planted(number: u32) -> Value {
    let mut body = exam(number);
    body["ChuHoSo"] = "Trần Thị Cấy Ghép".into();
    let detail = &mut body["ThongTinNguoiNop"]["ThongTinChiTiet"];
    for (name, value) in [
        ("TenNguoiNop", "Trần Thị Cấy Ghép"),
        ("TenChuHs", "Trần Thị Cấy Ghép"),
        ("SoDinhDanh", "001307999888"),
        ("SoDinhDanhChuHs", "001307999888"),
        ("SoDienThoai", "0900777666"),
        ("Email", "rieng-tu@vidu.example"),
        ("DiaChiChiTiet", "ngõ Kín Đáo"),
        ("DiaChiChiTietChuHs", "ngõ Kín Đáo"),
    ] {
        detail[name] = value.into();
    }
    body["ToKhai"]["soGiayTo"] = "001307999888".into();
    body["ToKhai"]["lienHe"] =
        json!({ "dienThoai": "0900777666", "thuDienTu": "rieng-tu@vidu.example", "diaChi": "ngõ Kín Đáo" });
    body
}

/// Bodies that must be refused, each with something personal where the fault is.
fn broken() -> Vec<(&'static str, String)> {
    let with = |change: fn(&mut Value)| {
        let mut body = planted(5);
        change(&mut body);
        body.to_string()
    };
    let mut other = planted(1);
    other["ThongTinNguoiNop"]["ThongTinChiTiet"]["SoDienThoai"] = "0900111222".into();
    vec![
        ("same key, another body", other.to_string()),
        ("malformed JSON", planted(5).to_string().replace("\"rieng-tu@vidu.example\"", "\"rieng-tu@vidu.example")),
        ("missing field", with(|b| drop(b.as_object_mut().unwrap().remove("MaTTHC")))),
        ("unknown field", with(|b| b["GhiChuThem"] = "Đây là chuyện riêng tư".into())),
        ("wrong code-list value", with(|b| b["ToKhai"]["gioiTinh"] = "Giấu Tên".into())),
        ("wrong identity", with(|b| b["ToKhai"]["soGiayTo"] = "Giấu Tên".into())),
        ("impossible date", with(|b| b["ThongTinNguoiNop"]["ThongTinChiTiet"]["NgaySinh"] = "001307999888".into())),
        ("wrong type", with(|b| b["ThongTinNguoiNop"]["ThongTinChiTiet"]["SoDienThoai"] = json!({ "so": "0900777666" }))),
        ("two values that must agree", with(|b| b["ChuHoSo"] = "Lê Thị Giấu Tên".into())),
        ("unknown procedure", with(|b| b["MaTTHC"] = "9.999999".into())),
    ]
}

//! Tests of the platform and of the common desk: a client at the door, a small gateway behind it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::super::{Down, Effect, Plan};
use super::*;

const SUM: &str = "check_sum";

/// A gateway that refuses the first notices and remembers all of them.
struct Gateway {
    base: String,
    heard: Arc<Mutex<Vec<Map<String, Value>>>>,
}

async fn gateway(refuse: u32) -> Gateway {
    let heard: Arc<Mutex<Vec<Map<String, Value>>>> = Arc::default();
    let (seen, left) = (Arc::clone(&heard), Arc::new(AtomicU32::new(refuse)));
    let notice = move |Json(body): Json<Map<String, Value>>| async move {
        seen.lock().unwrap().push(body);
        let accepted = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err();
        Json(json!({ "return_code": if accepted { 0 } else { -1 }, "return_msg": "x" }))
    };
    let bill = || async { Json(json!({ "error_code": -1, "message": [] })) };
    let router = Router::new().route("/keypay/thong-bao", post(notice)).route("/keypay/tra-cuu-ho-so", post(bill));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Gateway { base, heard }
}

async fn platform(gateway: &str) -> Running<Payment> {
    Payment::start(Options { gateway: gateway.to_owned(), pace: 1, ..Options::default() }).await.unwrap()
}

fn request(id: &str) -> Map<String, Value> {
    let mut bill = json!({
        "MaDichVu": "2", "MaDVC": "", "TenDVC": "", "MaTTHC": "1.001942", "TenTTHC": "Đăng ký xét tuyển",
        "MaDonVi": "000.00.15.H26", "TenDonVi": "Sở Giáo dục và Đào tạo Hà Nội", "MaHoSo": "H26.15-20260609-0000001",
        "PhiLePhi": [{ "LoaiPhiLePhi": "2", "MaPhiLePhi": "LP01", "TenPhiLePhi": "Lệ phí", "SoTien": "40000" }],
        "TKThuHuong": "0000111122", "MaNHThuHuong": "VIDUBANK", "TenTKThuHuong": "SO GDDT", "NoiDungThanhToan": "Nop phi",
        "HoTenNguoiNop": "Phạm Thị Sao Mai", "DSKhoanNop": [{ "NoiDung": "Lệ phí", "SoTien": "40000" }],
    });
    let empty = "MaLoaiHinhThuPhat SoCMNDNguoiNop DiaChiNguoiNop HuyenNguoiNop TinhNguoiNop MaCoQuanQD TenCoQuanQD KhoBac NgayQD \
                 SoQD ThoiGianViPham DiaDiemViPham TenNguoiViPham TaiKhoanThuNSNN";
    for name in empty.split_whitespace() {
        bill[name] = "".into();
    }
    let body = json!({
        "client_id": "HN-GDDT", "transaction_id": id, "trans_amount": 40000, "command": "PAY", "version": "3.0",
        "description": "Le phi", "locale": "vn", "country_code": "vn", "currency_code": "VND", "environment": "1",
        "return_url": "https://cong.vidu.example/xong", "addition_fee": 0, "bill_info": bill,
    });
    sealed(body.as_object().unwrap().clone())
}

fn sealed(mut body: Map<String, Value>) -> Map<String, Value> {
    let sum = check::sum("khoa-mot-thu-nghiem", &body, &check::SEALED);
    body.insert(SUM.into(), sum.into());
    body
}

async fn post_to(running: &Running<Payment>, path: &str, body: &Map<String, Value>) -> reqwest::Result<(u16, String)> {
    let client = super::super::client().unwrap();
    let answer = client.post(format!("{}{path}", running.url())).body(serde_json::to_string(body).unwrap()).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

async fn asked(running: &Running<Payment>, path: &str, body: &Map<String, Value>) -> Map<String, Value> {
    serde_json::from_str(&post_to(running, path, body).await.unwrap().1).unwrap()
}

fn query_of(id: &str) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, value) in [("client_id", "HN-GDDT"), ("transaction_id", id), ("command", "PAY")] {
        body.insert(name.into(), value.into());
    }
    let sum = check::sum("khoa-mot-thu-nghiem", &body, &check::SEALED_QUERY);
    body.insert(SUM.into(), sum.into());
    body
}

/// Waits until `holds`, by yielding to the simulator's own tasks.
async fn until(holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("never came true");
}

#[tokio::test]
async fn a_sound_create_gives_a_link_and_is_processed() {
    let running = platform("http://127.0.0.1:9").await;
    let reply = asked(&running, "/giao-dich", &request("GD0001")).await;
    assert_eq!(reply["error"], "0");
    assert_eq!(reply["payment_url"], format!("{}/thanh-toan/GD0001", running.url()));
    let calls = running.book.about("H26.15-20260609-0000001");
    assert_eq!((calls.len(), calls[0].processed, calls[0].operation.as_str()), (1, true, "create"));
    assert!(running.book.violations().is_empty());
}

#[tokio::test]
async fn a_create_that_breaks_the_contract_is_refused_and_changes_nothing() {
    let running = platform("http://127.0.0.1:9").await;
    type Change = fn(&mut Map<String, Value>);
    let table: [(&str, Change); 10] = [
        ("2", |b| drop(b.insert(SUM.into(), "0".repeat(64).into()))),
        ("2", |b| drop(b.insert("trans_amount".into(), 50000.into()))),
        ("3", |b| {
            *b = sealed(
                [b.clone(), [("transaction_id".into(), "x".repeat(21).into())].into_iter().collect()]
                    .into_iter()
                    .flatten()
                    .collect(),
            )
        }),
        ("3", |b| {
            *b = sealed([b.clone(), [("client_id".into(), "AI-DO".into())].into_iter().collect()].into_iter().flatten().collect())
        }),
        ("3", |b| {
            *b =
                sealed([b.clone(), [("trans_amount".into(), 50000.into())].into_iter().collect()].into_iter().flatten().collect())
        }),
        ("3", |b| {
            *b = sealed(
                [b.clone(), [("trans_amount".into(), 40000.5.into())].into_iter().collect()].into_iter().flatten().collect(),
            )
        }),
        ("3", |b| b["bill_info"]["TKThuHuong"] = "".into()),
        ("3", |b| drop(b["bill_info"].as_object_mut().unwrap().remove("TenTTHC"))),
        ("3", |b| b["bill_info"]["DSKhoanNop"][0]["SoTien"] = 40000.into()),
        ("3", |b| drop(b.remove("return_url"))),
    ];
    for (n, (code, change)) in table.into_iter().enumerate() {
        let mut body = request("GD0001");
        change(&mut body);
        assert_eq!(asked(&running, "/giao-dich", &body).await["error"], code, "row {n}");
    }
    assert!(running.transactions().is_empty());
    assert_eq!(running.book.summary().violations, 10);
}

#[tokio::test]
async fn a_transaction_id_used_twice_is_refused_and_counted_as_a_repeat() {
    let running = platform("http://127.0.0.1:9").await;
    let _ = asked(&running, "/giao-dich", &request("GD0001")).await;
    assert_eq!(asked(&running, "/giao-dich", &request("GD0001")).await["error"], "4");
    assert_eq!((running.transactions().len(), running.book.summary().repeats), (1, 1));
}

#[tokio::test]
async fn a_query_tells_the_state_under_the_second_key() {
    let running = platform("http://127.0.0.1:9").await;
    let _ = asked(&running, "/giao-dich", &request("GD0001")).await;
    assert_eq!(asked(&running, "/tra-cuu", &query_of("GD0001")).await["status"], 1);
    assert!(running.pay_silently("GD0001"));
    let reply = asked(&running, "/tra-cuu", &query_of("GD0001")).await;
    assert_eq!((&reply["status"], &reply["trans_amount"]), (&json!(0), &json!(40000)));
    let over = ["0", "0", "40000", "VND0000000001", "GD0001"].map(str::to_owned);
    assert_eq!(reply[SUM], super::super::seal::check_sum("khoa-hai-thu-nghiem", &over));
    assert_eq!(asked(&running, "/tra-cuu", &query_of("GD0009")).await["status"], 3);
    let mut wrong = query_of("GD0001");
    wrong.insert(SUM.into(), "0".into());
    assert_eq!(asked(&running, "/tra-cuu", &wrong).await["error"], "2");
}

#[tokio::test]
async fn a_paid_transaction_is_told_until_return_code_0_and_once_more() {
    let gateway = gateway(2).await;
    let running = platform(&gateway.base).await;
    let _ = asked(&running, "/giao-dich", &request("GD0001")).await;
    assert!(running.pay("GD0001"));
    until(|| gateway.heard.lock().unwrap().len() == 4).await;
    let heard = gateway.heard.lock().unwrap().clone();
    assert!(heard.windows(2).all(|w| w[0] == w[1]), "a notice's content never changes");
    let over = ["0", "HN-GDDT", "PAY", "40000", "GD0001", "3.0"].map(str::to_owned);
    assert_eq!(
        (&heard[0]["status"], &heard[0][SUM]),
        (&json!(0), &json!(super::super::seal::check_sum("khoa-hai-thu-nghiem", &over)))
    );
    assert!(running.transactions()[0].acknowledged);
    assert_eq!(running.ask_bill("H26.15-20260609-0000001").await.unwrap()["error_code"], -1);
}

#[tokio::test]
async fn a_wrong_notice_is_wrong_only_where_it_was_meant_to_be() {
    let gateway = gateway(9).await;
    let running = platform(&gateway.base).await;
    let _ = asked(&running, "/giao-dich", &request("GD0001")).await;
    for wrong in [Wrong::Nothing, Wrong::CheckSum, Wrong::Amount, Wrong::Client] {
        running.notify_once("GD0001", wrong).await.unwrap();
        let notice = gateway.heard.lock().unwrap().last().cloned().unwrap();
        let sealed = check::sealed("khoa-hai-thu-nghiem", &notice, &check::SEALED);
        let found = (sealed, notice["trans_amount"] == 40000, notice["client_id"] == "HN-GDDT");
        let want = (wrong != Wrong::CheckSum, wrong != Wrong::Amount, wrong != Wrong::Client);
        assert_eq!(found, want, "{wrong:?}");
    }
}

#[tokio::test]
async fn each_weather_does_to_a_call_what_its_name_says() {
    let running = platform("http://127.0.0.1:9").await;
    for (n, (effect, processed, status)) in [
        (Effect::Busy, false, Some(503)),
        (Effect::Error, false, Some(500)),
        (Effect::ErrorAfter, true, Some(500)),
        (Effect::BadGateway, true, Some(502)),
        (Effect::Malformed, true, Some(200)),
        (Effect::Truncated, true, None),
        (Effect::CutBefore, false, None),
        (Effect::CutAfter, true, None),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("GD{n:04}");
        running.weather.plan(Plan::on("create", effect));
        let answer = post_to(&running, "/giao-dich", &request(&id)).await;
        assert_eq!(answer.as_ref().ok().map(|a| a.0), status, "{effect:?}");
        if effect == Effect::Malformed {
            assert!(serde_json::from_str::<Value>(&answer.unwrap().1).is_err());
        }
        assert_eq!(running.book.was_processed(&id), processed, "{effect:?}");
        assert_eq!(running.transactions().iter().any(|t| t.transaction_id == id), processed, "{effect:?}");
    }
}

#[tokio::test]
async fn a_call_whose_caller_is_gone_is_handled_to_its_end() {
    let running = platform("http://127.0.0.1:9").await;
    running.weather.plan(Plan { delay: 60, ..Plan::next(Effect::Calm) });
    let body = request("GD0001");
    {
        let call = post_to(&running, "/giao-dich", &body);
        let gone = until(|| !running.book.in_flight().is_empty());
        tokio::select! { _ = call => panic!("answered too early"), () = gone => {} }
    }
    until(|| running.book.was_processed("GD0001")).await;
}

#[tokio::test]
async fn above_the_rate_calls_get_429_and_are_violations() {
    let running = platform("http://127.0.0.1:9").await;
    running.weather.change(|c| c.rate = Some(2));
    let mut statuses = vec![];
    for id in ["GD0001", "GD0002", "GD0003"] {
        statuses.push(post_to(&running, "/giao-dich", &request(id)).await.unwrap().0);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(running.book.violations(), [(3, "rate exceeded".to_owned())]);
}

#[tokio::test]
async fn down_refuses_connections_and_the_control_address_brings_it_back() {
    let running = platform("http://127.0.0.1:9").await;
    running.weather.go_down(Some(Down::Refused));
    let client = super::super::client().unwrap();
    let refused = async {
        loop {
            match post_to(&running, "/giao-dich", &request("GD0001")).await {
                Err(why) if why.is_connect() => break,
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.expect("the port never closed");
    let up = client.post(format!("{}/_weather", running.control_url())).body(r#"{"down": null}"#).send().await.unwrap();
    assert_eq!(up.status().as_u16(), 204);
    let back = async {
        while post_to(&running, "/giao-dich", &request("GD0001")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), back).await.expect("never back");
    let book = client.get(format!("{}/_book", running.url())).send().await.unwrap().text().await.unwrap();
    let book: Value = serde_json::from_str(&book).unwrap();
    assert_eq!((&book["summary"]["processed"], &book["state"]["transactions"][0]["amount"]), (&json!(1), &json!(40000)));
}

#[test]
fn the_shipped_samples_of_a_create_pass_our_checks() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/keypay/samples/create");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".json") && !name.contains(".canonical.") && !name.contains(".context.") {
            let body: Map<String, Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            assert_eq!(check::create("HN-GDDT", &body), Vec::<String>::new(), "{name}");
            assert!(check::sealed("khoa-mot-thu-nghiem", &body, &check::SEALED), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

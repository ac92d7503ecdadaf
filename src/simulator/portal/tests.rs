//! Tests of the portal: a small gateway it files at, and calls to its callbacks signed here by hand.

use std::time::Duration;

use axum::extract::Multipart;
use axum::http::HeaderMap;
use serde_json::Value;

use super::super::{Effect, Plan, client, seal};
use super::*;

const CODE: &str = "H26.15-20260609-0000001";

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

async fn portal(gateway: &str) -> Running<Portal> {
    Portal::start(Options { gateway: gateway.to_owned(), ..Options::default() }).await.unwrap()
}

async fn token(running: &Running<Portal>) -> String {
    let body = "grant_type=client_credentials&client_id=lien-thong-thu-nghiem&client_secret=bi%2Dmat-thu-nghiem";
    let answer = client().unwrap().post(format!("{}/token", running.url())).body(body).send().await.unwrap();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

/// A callback as the gateway must make it: signed here with ring alone.
async fn tell(running: &Running<Portal>, path: &str, token: &str, id: &str, body: &Value) -> reqwest::Result<u16> {
    let (body, at) = (body.to_string(), running.book.now_ms() / 1000);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"khoa-webhook-thu-nghiem-32-byte");
    let tag = ring::hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    let request = client().unwrap().post(format!("{}{path}", running.url())).bearer_auth(token).header("webhook-id", id);
    let request = request.header("webhook-timestamp", at.to_string());
    let request = request.header("webhook-signature", format!("v1,{}", seal::base64(tag.as_ref()))).body(body);
    Ok(request.send().await?.status().as_u16())
}

fn status(sequence: u64, status: u8) -> Value {
    json!([{ "IdHoSo": "", "MaHoSo": CODE, "SoThuTu": sequence, "TrangThai": status }])
}

/// A gateway that takes what the portal sends and remembers it; its first token is refused.
async fn gateway() -> (String, Seen) {
    let seen: Seen = Arc::default();
    let take = |seen: &Seen, name: &'static str, reply: Value| {
        let seen = Arc::clone(seen);
        move |headers: HeaderMap, Json(body): Json<Value>| async move {
            if headers["authorization"] != "Bearer t2" {
                return (StatusCode::UNAUTHORIZED, Json(json!({})));
            }
            seen.lock().unwrap().push((name.to_owned(), body));
            (StatusCode::OK, Json(reply))
        }
    };
    let tokens = Arc::new(Mutex::new(0));
    let sign_in = move |body: String| async move {
        assert!(body.contains("client_id=cong-dvc-thu-nghiem") && body.contains("client_secret=vi-du-cong"));
        let mut n = tokens.lock().unwrap();
        *n += 1;
        Json(json!({ "access_token": format!("t{n}"), "token_type": "Bearer", "expires_in": 60 }))
    };
    let files = |mut form: Multipart| async move {
        let part = form.next_field().await.unwrap().unwrap();
        assert_eq!(part.name(), Some("files"));
        let content = part.bytes().await.unwrap();
        Json(json!([{ "IdTepTin": format!("tep-{}", content.len()), "HashTepTin": seal::sha256(&content) }]))
    };
    let receipt = json!({ "MaHoSo": CODE, "MaTiepNhan": "r-1", "ThoiDiem": "20260609093000" });
    let router = Router::new()
        .route("/hanoi/token", post(sign_in))
        .route("/hanoi/ma-ho-so", post(take(&seen, "code", json!({ "MaHoSo": CODE }))))
        .route("/hanoi/tep-tin", post(files))
        .route("/hanoi/ho-so", post(take(&seen, "submit", receipt.clone())))
        .route("/hanoi/bo-sung", post(take(&seen, "supplement", receipt.clone())))
        .route("/hanoi/rut-ho-so", post(take(&seen, "withdraw", receipt)))
        .route("/hanoi/thanh-toan", post(take(&seen, "pay", json!({ "payment_url": "http://x/1", "transaction_id": "GD1" }))))
        .route("/v1/files/{id}", get(|| async { "%PDF" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, seen)
}

#[tokio::test]
async fn a_dossier_goes_its_whole_way_with_a_refused_token_renewed_once() {
    let (base, seen) = gateway().await;
    let running = portal(&base).await;
    let code = running.apply(1, Service::Exam, Edition::Of2025).await.unwrap();
    assert_eq!(code, CODE);
    let filed = running.dossier(CODE).unwrap();
    assert_eq!((filed.acknowledged, filed.reference.as_deref(), filed.procedure.as_str()), (true, Some("r-1"), "1.005142"));
    assert!(running.supplement(CODE).await.unwrap().ok());
    assert!(running.withdraw(CODE, "Đổi nguyện vọng").await.unwrap().ok());
    let link = running.pay(CODE, "https://cong.vidu.example/xong").await.unwrap();
    assert_eq!((link.url.as_deref(), link.transaction.as_deref()), (Some("http://x/1"), Some("GD1")));
    let seen = seen.lock().unwrap();
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "submit", "supplement", "withdraw", "pay"]);
    let submit = &seen[1].1;
    assert_eq!((&submit["MaHoSo"], &submit["MaDonViTiepNhan"]), (&json!(CODE), &json!(AGENCY)));
    assert!(submit["ThanhPhanHoSo"][1]["GiayToDinhKem"][1]["HashTepTin"].as_str().unwrap().len() == 64);
    assert_eq!((&seen[2].1["LanBoSung"], &seen[2].1["ThanhPhanHoSo"][0]["MaThanhPhanHoSo"]), (&json!(1), &json!("TP02")));
}

#[tokio::test]
async fn a_callback_without_a_good_token_or_signature_changes_nothing() {
    let running = portal("http://127.0.0.1:9").await;
    let wrong =
        client().unwrap().post(format!("{}/token", running.url())).body("client_id=x&client_secret=y").send().await.unwrap();
    assert_eq!(wrong.status().as_u16(), 401);
    assert_eq!(tell(&running, "/trang-thai", "bay", "m1", &status(1, 2)).await.unwrap(), 401);
    let token = token(&running).await;
    let request = client().unwrap().post(format!("{}/trang-thai", running.url())).bearer_auth(&token).header("webhook-id", "m1");
    let unsigned = request.body(status(1, 2).to_string()).send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 400);
    for bad in [json!([]), json!([{ "MaHoSo": CODE }]), json!([{ "MaHoSo": CODE, "SoThuTu": 1, "TrangThai": "2" }]), json!(7)] {
        assert_eq!(tell(&running, "/trang-thai", &token, "m1", &bad).await.unwrap(), 400, "{bad}");
    }
    assert!(running.dossiers().is_empty());
    assert_eq!(running.book.summary().violations, 7);
    running.revoke_tokens();
    assert_eq!(tell(&running, "/trang-thai", &token, "m1", &status(1, 2)).await.unwrap(), 401);
}

#[tokio::test]
async fn a_message_takes_effect_once_and_another_body_under_its_id_is_a_violation() {
    let running = portal("http://127.0.0.1:9").await;
    let token = token(&running).await;
    running.weather.plan(Plan::on("status", Effect::CutAfter));
    assert!(tell(&running, "/trang-thai", &token, "m1", &status(1, 2)).await.is_err());
    assert_eq!(tell(&running, "/trang-thai", &token, "m1", &status(1, 2)).await.unwrap(), 200);
    assert_eq!(running.dossier(CODE).unwrap().statuses.len(), 1);
    assert_eq!((running.book.summary().repeats, running.book.violations().len()), (1, 0));
    assert_eq!(tell(&running, "/trang-thai", &token, "m1", &status(1, 3)).await.unwrap(), 200);
    assert_eq!(running.book.violations().len(), 1);
    assert_eq!(running.dossier(CODE).unwrap().status, 2);
}

#[tokio::test]
async fn what_breaks_the_order_of_a_dossier_is_a_violation() {
    let running = portal("http://127.0.0.1:9").await;
    let token = token(&running).await;
    for (n, (sequence, state, good)) in
        [(1, 2, true), (2, 4, true), (3, 4, false), (4, 2, false), (2, 9, false), (5, 9, false), (6, 10, true)]
            .into_iter()
            .enumerate()
    {
        let before = running.book.violations().len();
        assert_eq!(tell(&running, "/trang-thai", &token, &format!("m{n}"), &status(sequence, state)).await.unwrap(), 200);
        assert_eq!(running.book.violations().len() == before, good, "row {n}");
    }
}

#[tokio::test]
async fn the_book_of_a_dossier_shows_progress_fee_and_fetched_result() {
    let (base, _) = gateway().await;
    let running = portal(&base).await;
    running.sign_in().await.unwrap();
    running.sign_in().await.unwrap();
    let token = token(&running).await;
    let told = json!([{ "MaHoSo": CODE, "SoThuTu": 1, "ThoiDiemXuLy": "20260609093000", "NoiDungXuLy": "Đã tiếp nhận", "TrangThai": 2 }]);
    assert_eq!(tell(&running, "/tien-trinh", &token, "m1", &told).await.unwrap(), 200);
    for (n, paid) in [(2, 0), (3, 1)] {
        let fee = json!({ "MaHoSo": CODE, "SoThuTu": n, "TrangThaiThanhToan": paid, "SoTien": 40000, "MaGiaoDich": "GD1", "ThoiDiem": "20260609100000" });
        assert_eq!(tell(&running, "/thanh-toan", &token, &format!("m{n}"), &fee).await.unwrap(), 200);
    }
    for (n, state) in [(5, 4), (6, 9)] {
        assert_eq!(tell(&running, "/trang-thai", &token, &format!("m{n}"), &status(n, state)).await.unwrap(), 200);
    }
    let mut last = status(7, 10);
    last[0]["GiayToKetQua"] = json!([{ "TenGiayTo": "ket-qua.pdf", "IdTepTin": "tep-1", "HashTepTin": seal::sha256(b"%PDF") }]);
    assert_eq!(tell(&running, "/trang-thai", &token, "m7", &last).await.unwrap(), 200);
    let fetched = running.wait_for(CODE, |d| d.documents.iter().all(|d| d.fetched));
    tokio::time::timeout(Duration::from_secs(5), fetched).await.expect("the result was never fetched");
    let filed = running.dossier(CODE).unwrap();
    let fee = filed.fee.unwrap();
    assert_eq!((filed.status, filed.sequence, filed.progress.len(), fee.paid, fee.amount), (10, 7, 1, true, 40000));
    assert!(running.book.violations().is_empty(), "{:?}", running.book.violations());
}

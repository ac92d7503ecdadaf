//! What the national portal takes and what it refuses: the gateway's own samples are taken; one thing wrong with each is not.

use super::*;

const SYNC: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/dvcqg/samples/sync/new-and-little.json"));
const STEPS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/dvcqg/samples/progress/one-with-little.json"));

async fn portal() -> (Running<National>, String) {
    let running = National::start(Options::default()).await.unwrap();
    let account = json!({ "username": "tai-khoan-thu-nghiem", "password": "mat-khau-thu-nghiem" });
    let answer = told(&running, "/xac-thuc", &account).await;
    (running, answer["session"].as_str().unwrap().to_owned())
}

async fn told(running: &Running<National>, path: &str, body: &Value) -> Value {
    let call = super::super::client().unwrap().post(format!("{}{path}", running.url()));
    let call = call.header("dstcode", "VN:GOV:000").header("charset", "utf-8");
    serde_json::from_str(&call.body(body.to_string()).send().await.unwrap().text().await.unwrap()).unwrap()
}

fn in_session(text: &str, session: &str) -> Value {
    let mut body: Value = serde_json::from_str(text).unwrap();
    body["session"] = session.into();
    body
}

#[tokio::test]
async fn a_dossier_is_taken_once_as_new_and_then_only_as_an_update() {
    let (running, session) = portal().await;
    let mut sync = in_session(SYNC, &session);
    sync["isUpdating"] = "False".into();
    let code = sync["data"][0]["MaHoSo"].as_str().unwrap().to_owned();
    let ask = json!({ "session": session, "madonvi": "H26", "service": "TraCuuHoSo", "MaHoSo": code });
    assert_eq!(told(&running, "/tich-hop", &ask).await, json!({ "error_code": 0, "data": [] }));
    assert_eq!(told(&running, "/tich-hop", &sync).await["error_code"], 0);
    assert_eq!(told(&running, "/tich-hop", &ask).await["data"][0]["MaHoSo"], code.as_str());
    assert_eq!(told(&running, "/tich-hop", &sync).await["error_code"], -1, "it is known by now");
    sync["isUpdating"] = "True".into();
    assert_eq!(told(&running, "/tich-hop", &sync).await["error_code"], 0);
    assert_eq!(running.dossier(&code).unwrap().0, 2);
    let mut step = in_session(STEPS, &session);
    step["data"][0]["MaHoSo"] = "H26.15-20260609-9999999".into();
    assert_eq!(told(&running, "/tich-hop", &step).await["error_code"], -1, "a step of a dossier that it has not");
    step["data"][0]["MaHoSo"] = code.into();
    assert_eq!(told(&running, "/tich-hop", &step).await["error_code"], 0);
}

#[tokio::test]
async fn a_session_that_is_over_and_a_wrong_account_are_told_and_nothing_is_taken() {
    let (running, session) = portal().await;
    running.expire();
    assert_eq!(told(&running, "/tich-hop", &in_session(SYNC, &session)).await["error_code"], -2);
    assert_eq!(told(&running, "/xac-thuc", &json!({ "username": "ai", "password": "đó" })).await["error_code"], -1);
    let bare = super::super::client().unwrap().post(format!("{}/xac-thuc", running.url())).body("{}").send().await.unwrap();
    assert!(bare.text().await.unwrap().contains("-1"), "without dstcode");
    assert!(running.dossiers().is_empty());
    assert_eq!(running.book.violations().len(), 1, "only the missing header breaks the contract");
}

#[tokio::test]
async fn each_thing_that_breaks_the_contract_is_told_at_its_place() {
    let (running, session) = portal().await;
    for (place, value, fault) in [
        ("/data/0/MaHoSo", Value::Null, "MaHoSo is no text"),
        ("/data/0/GhiChu", Value::Null, "GhiChu is no text"),
        ("/data/0/TrangThaiHoSo", json!(1), "TrangThaiHoSo is no text"),
        ("/data/0/TrangThaiHoSo", json!("11"), "TrangThaiHoSo has no such value"),
        ("/data/0/NgayHenTra", json!("20260231000000"), "NgayHenTra has no such value"),
        ("/data/0/LoaiDoiTuong", json!("0"), "LoaiDoiTuong has no such value"),
        ("/data/0/DanhSachLePhi", json!(""), "DanhSachLePhi is no list"),
        ("/data/0/DanhSachLePhi", json!([{ "Gia": 5 }]), "DanhSachLePhi[0].Gia is no text"),
        ("/isUpdating", json!("true"), "isUpdating is neither True nor False"),
        ("/service", json!("DongBo"), "service is not known"),
        ("/data", json!([]), "data is no list of objects"),
    ] {
        let mut sync = in_session(SYNC, &session);
        sync["isUpdating"] = "False".into();
        *sync.pointer_mut(place).unwrap() = value;
        assert_eq!(told(&running, "/tich-hop", &sync).await["error_code"], -1, "{place}");
        let (_, last) = running.book.violations().pop().unwrap();
        let all = running.book.violations();
        assert!(all.iter().any(|(_, told)| told == fault), "{fault}: {last}");
    }
    let mut more = in_session(SYNC, &session);
    more["data"][0]["MoiLa"] = "x".into();
    more["data"][0].as_object_mut().unwrap().remove("Fax");
    assert_eq!(told(&running, "/tich-hop", &more).await["error_code"], -1);
    let told: Vec<String> = running.book.violations().into_iter().map(|(_, told)| told).collect();
    assert!(told.contains(&"MoiLa is not known".to_owned()) && told.contains(&"Fax is missing".to_owned()), "{told:?}");
    assert!(running.dossiers().is_empty());
}

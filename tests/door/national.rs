//! The city's portal hands in, the Ministry works, and the national portal, which keeps a copy of every dossier, is told: the shipped adapter
//! switched on, the real dispatcher over real connections, and a simulated national portal that refuses what breaks its contract.

use crate::rig::{CODE, Gate};
use lienthong::catalogue::Files;
use lienthong::config::PartnerSettings;
use lienthong::dispatch::Dispatcher;
use lienthong::journal::{DeliveryFilter, DeliveryState, DeliveryView, Journal as _};
use lienthong::simulator::{National, Options, Running};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A gateway with the national portal switched on, whose success has the form that follows from the seed, in that weather.
async fn begun(seed: u64, weather: &str) -> (Gate, Running<National>) {
    let national = National::start(Options { seed, weather: weather.to_owned(), ..Options::default() }).await.unwrap();
    let settings = PartnerSettings { enabled: Some(true), base: Some(national.url()), ..PartnerSettings::default() };
    let gate = Gate::set_up(&Files::embedded(), "", &BTreeMap::from([("dvcqg".to_owned(), settings)])).await;
    (gate, national)
}

/// What the national portal has not been told yet.
async fn open(gate: &Gate) -> Vec<DeliveryView> {
    let filter = DeliveryFilter { partner: Some("dvcqg".into()), limit: 100, ..DeliveryFilter::default() };
    gate.journal.deliveries(filter).await.unwrap()
}

/// Lets everything go out to the national portal.
async fn told(gate: &Gate) {
    let dispatcher: Dispatcher = gate.dispatch();
    for _ in 0..1_500 {
        let open = open(gate).await;
        if open.iter().all(|d| d.state == DeliveryState::Parked) {
            dispatcher.stop().await;
            assert_eq!(open, [], "nothing is left for a person");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not told: {:?}", open(gate).await);
}

fn field<'d>(dossier: &'d Map<String, Value>, name: &str) -> &'d str {
    dossier[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_move_of_a_dossier_reaches_the_copy_whatever_the_form_of_success() {
    for seed in [0, 1, 2] {
        let (gate, national) = begun(seed, "").await;
        gate.submit().await;
        told(&gate).await;
        let (times, first) = national.dossier(CODE).expect("it has the dossier");
        assert_eq!((times, field(&first, "TrangThaiHoSo"), field(&first, "NgayTiepNhan")), (1, "1", ""));
        assert_eq!(field(&first, "TenTTHC"), "Đăng ký dự thi tốt nghiệp trung học phổ thông");
        assert_eq!((field(&first, "LoaiDoiTuong"), field(&first, "Email")), ("1", "ngan@vidu.example"));
        assert_eq!(first["TaiLieuNop"][0]["TenTepDinhKem"], "đơn.pdf");
        assert!(!first["TaiLieuNop"][0]["TepDinhKemId"].as_str().unwrap().is_empty());

        assert_eq!(gate.push("p-1", 2, "2026-07-21T08:00:00+07:00", "").await.status, 200);
        told(&gate).await;
        national.expire();
        assert_eq!(gate.push("p-2", 4, "2026-07-21T08:30:00+07:00", "").await.status, 200);
        told(&gate).await;
        let (times, last) = national.dossier(CODE).unwrap();
        assert_eq!((times, field(&last, "TrangThaiHoSo")), (3, "4"), "a session that is over is renewed");
        assert_eq!(field(&last, "NgayTiepNhan"), "20260721080000");
        assert_eq!(national.book.violations(), [], "asked before each, it was never told as new twice");
        // What the city's own portal is told is as ever.
        let hanoi = DeliveryFilter { partner: Some("hanoi".into()), limit: 100, ..DeliveryFilter::default() };
        let kinds: Vec<String> = gate.journal.deliveries(hanoi).await.unwrap().into_iter().map(|d| d.kind).collect();
        assert!(kinds.iter().all(|k| k != "dossier.sync") && !kinds.is_empty(), "{kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_waits_gives_way_to_the_newer_one_and_a_push_again_tells_nothing() {
    let (gate, national) = begun(1, "").await;
    gate.submit().await;
    for (id, status, at) in [("p-1", 2, "08:00:00"), ("p-2", 4, "08:10:00"), ("p-2", 4, "08:10:00"), ("p-3", 4, "08:20:00")] {
        let answer = gate.push(id, status, &format!("2026-07-21T{at}+07:00"), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let waiting = open(&gate).await;
    assert_eq!(waiting.len(), 1, "one message, however many moves: {waiting:?}");
    let listed = gate.operator("/v1/deliveries?partner=dvcqg&state=closed", None).await.json();
    let reasons: Vec<&str> = listed["deliveries"].as_array().unwrap().iter().map(|d| d["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["newer-copy", "newer-copy"]);
    told(&gate).await;
    let (times, dossier) = national.dossier(CODE).unwrap();
    assert_eq!((times, field(&dossier, "TrangThaiHoSo"), field(&dossier, "NgayTiepNhan")), (1, "4", "20260721080000"));
    assert_eq!(national.book.summary().violations, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplement_with_its_papers_and_the_result_stand_in_the_copy() {
    let (gate, national) = begun(2, "").await;
    gate.submit().await;
    gate.push("p-1", 2, "2026-07-21T08:00:00+07:00", "").await;
    let answer = gate.push("p-2", 5, "2026-07-21T08:10:00+07:00", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    told(&gate).await;
    let asked = national.dossier(CODE).unwrap().1["DanhSachHoSoBoSung"].clone();
    assert_eq!((asked[0]["HoSoBoSungId"].as_str(), asked[0]["TrangThaiBoSung"].as_str()), (Some("1"), Some("0")), "{asked}");
    assert_eq!(asked[0]["NgayBoSung"], "20260721081000");

    let (id, digest) = gate.upload(gate.token(), "bản bổ sung").await;
    let paper = json!({ "MaThanhPhanHoSo": "TP-BS", "TenThanhPhanHoSo": "Giấy bổ sung", "SoLuong": 1, "LoaiBan": 2,
        "GiayToDinhKem": [{ "IdGiayTo": id, "TenGiayTo": "bo-sung.pdf", "HashTepTin": digest }] });
    let answer = gate.portal("/hanoi/bo-sung", &json!({ "MaHoSo": CODE, "LanBoSung": 1, "ThanhPhanHoSo": [paper] })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    told(&gate).await;
    let (_, dossier) = national.dossier(CODE).unwrap();
    let round = &dossier["DanhSachHoSoBoSung"][0];
    assert_eq!((round["TrangThaiBoSung"].as_str(), round["NgayTiepNhanBoSung"].as_str()), (Some("1"), Some("20260721090000")));
    let names: Vec<&str> =
        dossier["TaiLieuNop"].as_array().unwrap().iter().map(|f| f["TenTepDinhKem"].as_str().unwrap()).collect();
    assert_eq!(names, ["đơn.pdf", "bo-sung.pdf"]);

    for (id, status, at) in [("p-4", 4, "08:50:00"), ("p-5", 9, "08:55:00")] {
        assert_eq!(gate.push(id, status, &format!("2026-07-21T{at}+07:00"), "").await.status, 200);
    }
    told(&gate).await;
    let (_, dossier) = national.dossier(CODE).unwrap();
    assert_eq!((field(&dossier, "TrangThaiHoSo"), field(&dossier, "NgayKetThucXuLy")), ("9", "20260721085500"));
    assert_eq!(national.book.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_the_ministry_tells_or_a_person_decides_stands_in_the_copy_with_its_sum() {
    let (gate, national) = begun(1, "").await;
    gate.submit().await;
    gate.push("p-1", 2, "2026-07-21T08:00:00+07:00", "").await;
    let fee = "<PhiPhaiNop><SoTien>150000</SoTien><MaPhi>LP01</MaPhi><TenPhi>Lệ phí dự thi</TenPhi></PhiPhaiNop>";
    assert_eq!(gate.push("p-2", 6, "2026-07-21T08:05:00+07:00", fee).await.status, 200);
    told(&gate).await;
    let (times, dossier) = national.dossier(CODE).unwrap();
    assert_eq!(dossier["DanhSachLePhi"][0]["Gia"], "150000", "{dossier:?}");
    let word = json!({ "amount": 120_000, "reason": "được giảm" });
    let decided = gate.operator(&format!("/v1/dossiers/{CODE}/fee"), Some(word)).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    told(&gate).await;
    let (again, dossier) = national.dossier(CODE).unwrap();
    assert_eq!((again, &dossier["DanhSachLePhi"][0]["Gia"]), (times + 1, &json!("120000")));
    assert_eq!(national.book.violations(), []);
}

/// In bad weather each copy arrives at least once, each as what it was when it was sent: never as new twice.
#[tokio::test(flavor = "multi_thread")]
async fn in_bad_weather_the_copy_is_complete_and_never_told_as_new_twice() {
    let (gate, national) = begun(1, "busy=0.2,cut-after=0.3").await;
    gate.submit().await;
    told(&gate).await;
    gate.push("p-1", 2, "2026-07-21T08:00:00+07:00", "").await;
    told(&gate).await;
    let (_, dossier) = national.dossier(CODE).unwrap();
    assert_eq!(field(&dossier, "TrangThaiHoSo"), "2");
    assert_eq!(national.book.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_keeps_copies_nothing_is_remembered() {
    let gate = Gate::open().await;
    gate.submit().await;
    gate.push("p-1", 2, "2026-07-21T08:00:00+07:00", "").await;
    assert_eq!(gate.journal.snapshot(CODE).await.unwrap().dossier.unwrap().copy, None);
    assert_eq!(open(&gate).await, []);
}

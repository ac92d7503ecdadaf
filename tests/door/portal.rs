//! The city portal's doors.

use crate::rig::{CODE, Gate, submission};
use lienthong::clock::Clock as _;
use lienthong::delivery::{Feed, Saved, Terms};
use lienthong::journal::{Act, Attempt, Effects, Journal as _, Next, Settled, Settlement, Take};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_goes_in_once_and_the_same_again_gets_the_same_receipt() {
    let gate = Gate::open().await;
    let body = gate.submission().await;
    let first = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let receipt = first.json();
    assert_eq!((receipt["MaHoSo"].as_str(), receipt["ThoiDiem"].as_str()), (Some(CODE), Some("20260721090000")));
    assert_eq!(first.headers["location"], format!("/v1/dossiers/{CODE}"));
    let rows = gate.rows();
    let again = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!((again.status, again.json()), (200, receipt));
    assert_eq!(gate.rows(), rows, "a repeat writes nothing");
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    assert_eq!(open.iter().map(|d| d.partner.as_str()).collect::<Vec<_>>(), ["moet"]);
    let shown = gate.get(&format!("/v1/dossiers/{CODE}"), &[("authorization", &format!("Bearer {}", gate.token()))]).await;
    assert_eq!(shown.json()["status"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_the_same_time_are_one() {
    let gate = Gate::open().await;
    let body = gate.submission().await;
    let (a, b) = tokio::join!(gate.portal("/hanoi/ho-so", &body), gate.portal("/hanoi/ho-so", &body));
    assert_eq!((a.status, b.status), (200, 200), "{} {}", a.text, b.text);
    assert_eq!(a.json(), b.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_at_the_same_time_are_one() {
    let gate = std::sync::Arc::new(Gate::open().await);
    let body = gate.submission().await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (gate, body) = (gate.clone(), body.clone());
        all.spawn(async move { gate.portal("/hanoi/ho-so", &body).await });
    }
    let answers = all.join_all().await;
    let first = answers[0].json();
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (200, first.clone()), "{}", answer.text);
    }
    assert_eq!(gate.journal.snapshot(CODE).await.unwrap().open.len(), 1, "one delivery");
    let events = gate.journal.events(0, 100, None).await.unwrap();
    assert_eq!(events.iter().filter(|e| e.kind == "accepted").count(), 1, "one acceptance");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_body_is_refused_and_changes_nothing() {
    let gate = Gate::open().await;
    let mut body = gate.submit().await;
    body["ChuHoSo"] = "Người Khác".into();
    body["ThongTinNguoiNop"]["ThongTinChiTiet"]["TenChuHs"] = "Người Khác".into();
    let rows = gate.rows();
    let answer = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (422, Some("key-reused")), "{}", answer.text);
    assert_eq!(gate.rows(), rows);
}

/// A submission changed in one place.
fn with(place: &str, value: Value) -> impl Fn(&mut Value) {
    let place = place.to_owned();
    move |body| *body.pointer_mut(&place).unwrap() = value.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_submissions_are_refused_in_the_portals_own_format_and_change_nothing() {
    let gate = Gate::open().await;
    let good = gate.submission().await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        body.to_string()
    };
    let cases: Vec<(&str, String, u16, &str, &str)> = vec![
        ("malformed", "{\"MaHoSo\": ".into(), 400, "message-unreadable", ""),
        ("not an object", "[]".into(), 400, "message-unreadable", ""),
        ("empty", String::new(), 400, "message-unreadable", ""),
        ("a key twice", format!("{{\"MaHoSo\":\"{CODE}\",\"MaHoSo\":\"{CODE}\"}}"), 400, "message-unreadable", "MaHoSo"),
        (
            "a missing field",
            changed(&|b| {
                b.as_object_mut().unwrap().remove("MaDonViTiepNhan");
            }),
            400,
            "message-unreadable",
            "MaDonViTiepNhan",
        ),
        (
            "an unknown field whose name nothing could tell back",
            changed(&|b| b["La\u{1}Lam"] = 1.into()),
            400,
            "message-unreadable",
            "/La\u{fffd}Lam",
        ),
        ("an unknown field", changed(&|b| b["LaLam"] = 1.into()), 400, "message-unreadable", "LaLam"),
        ("a wrong code", changed(&with("/LoaiDoiTuong", 9.into())), 400, "message-unreadable", "LoaiDoiTuong"),
        ("an impossible date", changed(&with("/NgayNop", "2026-02-30 10:00:00".into())), 400, "message-unreadable", "NgayNop"),
        ("a wrong type", changed(&with("/ThanhPhanHoSo", "không".into())), 400, "message-unreadable", "ThanhPhanHoSo"),
        ("a dossier code of no form", changed(&with("/MaHoSo", "HS-1".into())), 422, "message-invalid", "\"/MaHoSo\""),
        (
            "a foreign agency",
            changed(&with("/MaDonViTiepNhan", "H30.15".into())),
            403,
            "agency-not-allowed",
            "\"/MaDonViTiepNhan\"",
        ),
        (
            "a file that was never uploaded",
            changed(&with("/ThanhPhanHoSo/0/GiayToDinhKem/0/IdGiayTo", "khong-co".into())),
            422,
            "file-unknown",
            "\"/ThanhPhanHoSo/0/GiayToDinhKem/0/IdGiayTo\"",
        ),
        (
            "a file with another digest",
            changed(&with("/ThanhPhanHoSo/0/GiayToDinhKem/0/HashTepTin", "0".repeat(64).into())),
            422,
            "file-digest",
            "\"/ThanhPhanHoSo/0/GiayToDinhKem/0/HashTepTin\"",
        ),
    ];
    let rows = gate.rows();
    for (what, body, status, reason, place) in cases {
        let answer = gate.portal_as(gate.token(), "/hanoi/ho-so", body).await;
        let told = answer.json();
        assert_eq!((answer.status, told["reason"].as_str()), (status, Some(reason)), "{what}: {}", answer.text);
        assert_eq!(told["code"], status, "{what}");
        let vietnamese = told["message"].as_str().unwrap();
        assert!(!vietnamese.is_empty() && told["message_en"].as_str().is_some_and(|t| t != vietnamese), "{what}");
        assert!(told["errors"].to_string().contains(place), "{what}: {}", answer.text);
        assert!(!answer.text.contains("Người Được") && !answer.text.contains("không\""), "{what} shows a value: {}", answer.text);
    }
    assert_eq!(gate.rows(), rows, "nothing was written");
    assert!(gate.journal.snapshot(CODE).await.unwrap().dossier.is_none());
    assert_eq!(gate.portal("/hanoi/ho-so", &good).await.status, 200, "the good one is still welcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_that_is_unknown_or_not_in_force_is_refused_with_that_reason() {
    let gate = Gate::open().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/hanoi/samples/submit/city-hosted-without-form.json");
    let mut body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    body["ThanhPhanHoSo"] = json!([]);
    let rows = gate.rows();
    for (procedure, day, reason) in
        [("9.999999", "2026-03-02 08:00:00", "procedure-unknown"), ("1.004889", "1999-03-02 08:00:00", "procedure-not-valid")]
    {
        body["MaTTHC"] = procedure.into();
        body["NgayNop"] = day.into();
        let answer = gate.portal("/hanoi/ho-so", &body).await;
        let told = answer.json();
        assert_eq!((answer.status, told["reason"].as_str()), (422, Some(reason)), "{}", answer.text);
        assert_eq!(told["errors"][0]["field"], "/MaTTHC");
    }
    assert_eq!(gate.rows(), rows, "nothing was written");
    // The same with a form, which cannot be read without its procedure.
    let mut with_form = gate.submission().await;
    let rows_with_file = gate.rows();
    with_form["MaTTHC"] = "9.999999".into();
    let told = gate.portal("/hanoi/ho-so", &with_form).await;
    assert_eq!((told.status, told.json()["reason"].as_str()), (422, Some("procedure-unknown")), "{}", told.text);
    assert_eq!(told.json()["errors"][0]["field"], "/MaTTHC", "the sender's own place: {}", told.text);
    assert_eq!(gate.rows(), rows_with_file);
    // A city's procedure handed in for the Ministry.
    body["MaTTHC"] = "1.004889".into();
    body["NgayNop"] = "2026-03-02 08:00:00".into();
    let city = body["MaDonViTiepNhan"].clone();
    body["MaDonViTiepNhan"] = "000.00.00.G03".into();
    let told = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!((told.status, told.json()["reason"].as_str()), (422, Some("procedure-not-ministry")), "{}", told.text);
    assert_eq!(gate.rows(), rows_with_file);
    body["MaDonViTiepNhan"] = city;
    let answer = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let code = body["MaHoSo"].as_str().unwrap();
    assert!(gate.journal.snapshot(code).await.unwrap().open.iter().all(|d| d.partner != "moet"), "the city works on it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_speak_here_is_told_so_in_the_portals_format() {
    let gate = Gate::open().await;
    let body = gate.submission().await.to_string();
    let rows = gate.rows();
    let stranger = crate::rig::basic("la", "chu-la");
    for (what, auth, status) in [
        ("nobody", None, 401),
        ("a wrong token", Some("Bearer sai".to_owned()), 401),
        ("a forged token", Some("Bearer lt1.cG9ydGFsCjk5.AAAA".to_owned()), 401),
        ("an operator's token", Some("Bearer van-hanh".to_owned()), 403),
        ("a password where a token is asked for", Some(stranger), 401),
    ] {
        let headers: Vec<(&str, &str)> = auth.iter().map(|a| ("authorization", a.as_str())).collect();
        let answer = gate.send("/hanoi/ho-so", &headers, body.clone()).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (status, Some(status.into())), "{what}: {}", answer.text);
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{what}");
    }
    for secret in ["sai", ""] {
        let form = format!("client_id=cong&client_secret={secret}");
        let answer = gate.send("/hanoi/token", &[], form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("invalid_client")));
    }
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_given_for_json_too_and_ends_with_its_time() {
    let gate = Gate::open().await;
    let body = json!({ "client_id": "cong", "client_secret": "chu-cong" }).to_string();
    let answer = gate.send("/hanoi/token", &[("content-type", "application/json")], body).await;
    let told = answer.json();
    assert_eq!((told["token_type"].as_str(), told["expires_in"].as_u64()), (Some("Bearer"), Some(3600)));
    assert_eq!(answer.headers["cache-control"], "no-store");
    let token = told["access_token"].as_str().unwrap().to_owned();
    assert_eq!(gate.portal_as(&token, "/hanoi/ma-ho-so", "{\"MaDonVi\":\"H26.15\"}".into()).await.status, 200);
    gate.clock.turn(std::time::Duration::from_secs(3600));
    assert_eq!(gate.portal_as(&token, "/hanoi/ma-ho-so", "{\"MaDonVi\":\"H26.15\"}".into()).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_given_one_after_another_for_the_callers_own_agencies() {
    let gate = Gate::open().await;
    for want in ["H26.15-20260721-0000001", "H26.15-20260721-0000002"] {
        let answer = gate.portal("/hanoi/ma-ho-so", &json!({ "MaDonVi": "000.00.15.H26" })).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "MaHoSo": want })));
    }
    for (agency, status) in [("H30.15", 403), ("xyz", 422)] {
        let answer = gate.portal("/hanoi/ma-ho-so", &json!({ "MaDonVi": agency })).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (status, Some(status.into())), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_callers_dossier_and_file_are_not_there() {
    let gate = Gate::open().await;
    gate.submit().await;
    let other = gate.sign_in("cong-khac", "chu-khac").await;
    let rows = gate.rows();
    let withdrawal = json!({ "MaHoSo": CODE, "LyDo": "Đổi ý" }).to_string();
    let answer = gate.portal_as(&other, "/hanoi/rut-ho-so", withdrawal).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (404, Some("dossier-unknown")), "{}", answer.text);
    assert_eq!(gate.rows(), rows);
    assert_eq!(gate.status().await, "new");
    let (file, digest) = gate.upload(&other, "tệp của người khác").await;
    let mut body = submission(&file, &digest);
    body["MaHoSo"] = "H26.15-20260720-0000118".into();
    let rows = gate.rows();
    let answer = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (422, Some("file-unknown")), "{}", answer.text);
    let fetched = gate.get(&format!("/v1/files/{file}"), &[("authorization", &format!("Bearer {}", gate.token()))]).await;
    assert_eq!(fetched.status, 404);
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_in_the_portals_format() {
    let gate = Gate::open().await;
    let rows = gate.rows();
    let large = format!("{{\"MaHoSo\":\"{}\"}}", "x".repeat(70_000));
    let answer = gate.portal_as(gate.token(), "/hanoi/rut-ho-so", large).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (413, Some("body-too-large")));
    let auth = format!("Bearer {}", gate.token());
    let headers = [
        ("authorization", auth.as_str()),
        ("content-type", "multipart/form-data; boundary=b"),
        ("content-length", "99999999999"),
    ];
    let answer = gate.send("/hanoi/tep-tin", &headers, "--b").await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (413, Some("body-too-large")));
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_of_what_never_left_is_done_at_once_and_told_alike_again() {
    let gate = Gate::open().await;
    gate.submit().await;
    let body = json!({ "MaHoSo": CODE, "LyDo": "Đổi ý" });
    let first = gate.portal("/hanoi/rut-ho-so", &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(gate.status().await, "withdrawn");
    assert_eq!(gate.portal("/hanoi/rut-ho-so", &body).await.json(), first.json());
    let supplement = json!({ "MaHoSo": CODE, "LanBoSung": 1, "ThanhPhanHoSo": [] });
    let answer = gate.portal("/hanoi/bo-sung", &supplement).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (409, Some("supplement-not-asked")), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_waits_is_answered_when_the_time_is_over() {
    let gate = Gate::open().await;
    let body = gate.submission().await;
    let auth = format!("Bearer {}", gate.token());
    let headers = [("authorization", auth.as_str()), ("prefer", "wait=1")];
    let answer = gate.send("/hanoi/ho-so", &headers, body.to_string()).await;
    assert_eq!((answer.status, answer.json()["MaHoSo"].as_str()), (202, Some(CODE)), "taken, the outcome is open");
    assert_eq!(answer.headers["preference-applied"], "wait=1");
    assert_eq!(answer.headers["location"], format!("/v1/dossiers/{CODE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_waits_is_answered_as_soon_as_the_delivery_is_settled() {
    let gate = Gate::open().await;
    let body = gate.submission().await;
    let auth = format!("Bearer {}", gate.token());
    let headers = [("authorization", auth.as_str()), ("prefer", "wait=30")];
    let sent = gate.send("/hanoi/ho-so", &headers, body.to_string());
    let delivered = async {
        let mut notices = gate.journal.notices();
        let delivery = loop {
            if let Some(open) = gate.journal.snapshot(CODE).await.unwrap().open.first() {
                break open.delivery;
            }
            let _ = tokio::time::timeout(std::time::Duration::from_millis(20), notices.recv()).await;
        };
        let act = Act::Close { delivery, reason: "thử".into() };
        gate.journal.act(act, "operator", gate.clock.now()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(sent, delivered);
    assert_eq!((answer.status, answer.json()["MaHoSo"].as_str()), (200, Some(CODE)), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_often_is_told_when_to_come_again_in_the_portals_format() {
    let gate = Gate::open().await;
    let mut refused = None;
    for _ in 0..3000 {
        let answer = gate.portal_as(gate.token(), "/hanoi/rut-ho-so", "{".into()).await;
        if answer.status != 400 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the limit never held");
    assert_eq!((refused.status, refused.json()["reason"].as_str()), (429, Some("quota-exceeded")));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["ratelimit-policy"], "\"second\";q=200;w=1, \"minute\";q=20000;w=60");
    assert_eq!(gate.portal("/hanoi/ma-ho-so", &json!({ "MaDonVi": "H26.15" })).await.status, 200, "another operation is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_or_address_that_is_not_there_is_told() {
    let gate = Gate::open().await;
    let answer = gate.get("/hanoi/ho-so", &[]).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (405, Some("method-not-allowed")));
    assert_eq!(gate.send("/hanoi/khong-co", &[], "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_and_no_secret_is_logged_or_counted() {
    let gate = Gate::open().await;
    let mut body = gate.submission().await;
    let planted = ["Nguyễn Tuyệt Mật", "099912345678", "0987600321", "chu-cong-gieo", "Số 7 ngõ Kín"];
    let detail = &mut body["ThongTinNguoiNop"]["ThongTinChiTiet"];
    for (field, word) in [("TenNguoiNop", planted[0]), ("SoDienThoai", planted[2]), ("DiaChiChiTiet", planted[4])] {
        detail[field] = word.into();
    }
    let mut bad = body.clone();
    bad["ThongTinNguoiNop"]["ThongTinChiTiet"]["NgaySinh"] = planted[1].into();
    bad["LoaiDoiTuong"] = planted[0].into();
    let refused = gate.portal("/hanoi/ho-so", &bad).await;
    assert_eq!(refused.status, 400);
    gate.portal("/hanoi/ho-so", &body).await;
    gate.portal_as(planted[3], "/hanoi/ho-so", body.to_string()).await;
    gate.send("/hanoi/token", &[], format!("client_id=cong&client_secret={}", planted[3])).await;
    gate.portal("/hanoi/rut-ho-so", &json!({ "MaHoSo": planted[0], "LyDo": planted[4] })).await;
    let log = crate::rig::logged();
    assert!(log.contains("refused") && log.contains("message-unreadable"), "refusals are logged");
    for word in planted {
        assert!(!log.contains(word), "{word} is in the log");
        assert!(!refused.text.contains(word), "{word} is in the refusal: {}", refused.text);
    }
    assert!(!log.contains(gate.token()), "a token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_submission_that_never_left_is_replaced_by_its_correction() {
    let gate = Gate::open().await;
    let mut body = gate.submit().await;
    let claim = ended(&gate, Next::Park { reason: "adapter".into() }).await;
    body["ThongTinNguoiNop"]["ThongTinChiTiet"]["Email"] = "moi@vidu.example".into();
    let corrected = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!(corrected.status, 200, "{}", corrected.text);
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    assert_eq!(open.iter().filter(|d| d.kind == "dossier.submit").count(), 1);
    assert!(open.iter().all(|d| d.delivery != claim.delivery), "the first one is closed");
    assert_eq!(gate.portal("/hanoi/ho-so", &body).await.json(), corrected.json(), "the correction again");
    body["ThongTinNguoiNop"]["ThongTinChiTiet"]["Email"] = "khac@vidu.example".into();
    let late = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!((late.status, late.json()["reason"].as_str()), (422, Some("key-reused")), "{}", late.text);
}

/// The Ministry's head is called and ends so, nothing having left; its claim.
async fn ended(gate: &Gate, next: Next) -> lienthong::journal::Claim {
    let now = gate.clock.now();
    let feed = Feed::start(&Terms::default(), &Saved::default(), now);
    let take = Take { partner: "moet".into(), max: 1, now, feed, probe: false, adapters: "set".into(), batches: BTreeMap::new() };
    let claim = gate.journal.claim(take).await.unwrap().claims.remove(0);
    let attempt = Attempt {
        at: now,
        ms: 1,
        what: "call".into(),
        outcome: "not-sent".into(),
        why: Some("adapter".into()),
        adapters: "set".into(),
    };
    let settlement = Settlement { delivery: claim.delivery, run: claim.run, at: now, attempt, next, effects: Effects::default() };
    assert_eq!(gate.journal.settle(settlement).await.unwrap(), Settled::Written);
    claim
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_back_to_the_first_body_is_a_correction_too() {
    let gate = Gate::open().await;
    let first = gate.submit().await;
    let mut second = first.clone();
    second["ThongTinNguoiNop"]["ThongTinChiTiet"]["Email"] = "moi@vidu.example".into();
    let park = || Next::Park { reason: "adapter".into() };
    ended(&gate, park()).await;
    let corrected = gate.portal("/hanoi/ho-so", &second).await;
    assert_eq!(corrected.status, 200, "{}", corrected.text);
    let late = gate.portal("/hanoi/ho-so", &first).await;
    assert_eq!(
        (late.status, late.json()["reason"].as_str()),
        (422, Some("key-reused")),
        "the second is on its way: {}",
        late.text
    );
    let claim = ended(&gate, park()).await;
    let back = gate.portal("/hanoi/ho-so", &first).await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert_ne!(back.json()["MaTiepNhan"], corrected.json()["MaTiepNhan"], "a receipt of its own");
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].delivery > claim.delivery, "the second is replaced");
    assert_eq!(gate.portal("/hanoi/ho-so", &first).await.json(), back.json(), "told again, the receipt of what is in effect");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_came_to_nothing_may_be_asked_for_again_with_the_same_words() {
    let gate = Gate::open().await;
    gate.submit().await;
    ended(&gate, Next::Done).await;
    let body = json!({ "MaHoSo": CODE, "LyDo": "Đổi ý" });
    let first = gate.portal("/hanoi/rut-ho-so", &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(gate.portal("/hanoi/rut-ho-so", &body).await.json(), first.json(), "while it is under way it is the same one");
    ended(&gate, Next::Reject { reason: "not-now".into() }).await;
    let again = gate.portal("/hanoi/rut-ho-so", &body).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_ne!(again.json()["MaTiepNhan"], first.json()["MaTiepNhan"]);
    let open = gate.journal.snapshot(CODE).await.unwrap().open;
    assert_eq!(open.iter().filter(|d| d.kind == "dossier.withdraw").count(), 1, "{open:?}");
    assert_eq!(gate.portal("/hanoi/rut-ho-so", &body).await.json(), again.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_an_operator_knows_was_received_withdraws_the_dossier() {
    let gate = Gate::open().await;
    gate.submit().await;
    ended(&gate, Next::Done).await;
    let body = json!({ "MaHoSo": CODE, "LyDo": "Đổi ý" });
    assert_eq!(gate.portal("/hanoi/rut-ho-so", &body).await.status, 200);
    let now = gate.clock.now();
    let why = "timeout".to_owned();
    let claim = ended(&gate, Next::Ask { at: now.plus_ms(60_000), called_at: now, why, asked: 0, used: true }).await;
    let release = async |path: &str, body: Value| gate.operator(&format!("/v1/deliveries/{path}"), Some(body)).await;
    // Together with others it is not stated: each moves a dossier.
    let all = json!({ "partner": "moet", "verdict": "received", "reason": "theo công văn" });
    let together = release("release", all).await.json();
    assert_eq!((together["released"].as_u64(), together["left"].as_u64()), (Some(0), Some(1)), "{together}");
    let said = json!({ "verdict": "received", "reason": "theo công văn" });
    let path = format!("{}/release", claim.delivery);
    let done = release(&path, said.clone()).await;
    assert_eq!(done.status, 202, "{}", done.text);
    assert_eq!(gate.status().await, "withdrawn");
    let shown = gate.operator(&format!("/v1/deliveries/{}", claim.delivery), None).await.json();
    assert_eq!((shown["state"].as_str(), shown["reason"].as_str()), (Some("done"), Some("theo công văn")), "{shown}");
    let timeline = gate.operator(&format!("/v1/dossiers/{CODE}/timeline"), None).await.json();
    let events = timeline["events"].as_array().unwrap();
    assert!(events.iter().any(|e| e["kind"] == "released" && e["data"]["verdict"] == "received"), "{timeline}");
    assert!(events.iter().any(|e| e["kind"] == "status" && e["data"]["status"] == "withdrawn"), "{timeline}");
    assert_eq!(release(&path, said).await.status, 409, "it has ended");
}

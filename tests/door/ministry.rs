//! The Ministry's doors: SOAP, refusals in its own reply, what cannot be read as a SOAP fault.

use crate::rig::{CODE, Gate, basic, soap, status_push};
use lienthong::journal::Journal as _;

const T1: &str = "2026-07-21T08:00:00+07:00";
const T2: &str = "2026-07-21T08:10:00+07:00";

#[tokio::test(flavor = "multi_thread")]
async fn a_status_moves_the_dossier_once() {
    let gate = Gate::open().await;
    gate.submit().await;
    let first = gate.push("bgd-1", 2, T1, "").await;
    assert_eq!((first.status, first.xml("MaPhanHoi").as_deref()), (200, Some("0")), "{}", first.text);
    assert!(first.headers["content-type"].to_str().unwrap().starts_with("text/xml"));
    assert_eq!(gate.status().await, "received");
    let rows = gate.rows();
    let again = gate.push("bgd-1", 2, T1, "").await;
    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(gate.rows(), rows, "a repeat writes nothing");
    let other = gate.push("bgd-1", 4, T2, "").await;
    assert_eq!((other.status, other.xml("MaPhanHoi").as_deref()), (200, Some("1")), "{}", other.text);
    assert_eq!(gate.rows(), rows);
    assert_eq!(gate.status().await, "received");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_soap_fault_and_changes_nothing() {
    let gate = Gate::open().await;
    gate.submit().await;
    let good = status_push("bgd-1", CODE, 2, T1, "");
    let cases = [
        ("malformed", good.replace("</MaHoSo>", "")),
        ("not XML", "{}".to_owned()),
        ("empty", String::new()),
        ("cut", good[..good.len() - 20].to_owned()),
        ("a DTD", format!("<!DOCTYPE a [<!ENTITY x \"y\">]>{good}")),
        ("a wrong namespace", good.replace("urn:lienthong:bo-gddt:1", "urn:lienthong:bo-gddt:2")),
        ("no envelope", good.replace("soap:Envelope", "soap:Letter")),
        ("a missing field", good.replace(&format!("<MaHoSo>{CODE}</MaHoSo>"), "")),
        ("an unknown field", status_push("bgd-1", CODE, 2, T1, "<LaLam>1</LaLam>")),
        ("a field twice", status_push("bgd-1", CODE, 2, T1, "<TrangThai>2</TrangThai>")),
        ("a status of no list", status_push("bgd-1", CODE, 11, T1, "")),
        ("an impossible date", status_push("bgd-1", CODE, 2, "2026-02-30T08:00:00+07:00", "")),
        ("another message", soap("<NopHoSo xmlns=\"urn:lienthong:bo-gddt:1\"/>")),
    ];
    let rows = gate.rows();
    for (what, body) in cases {
        let answer = gate.ministry("/moet/trang-thai", body).await;
        assert_eq!(answer.status, 500, "{what}: {}", answer.text);
        assert_eq!(answer.xml("faultcode").as_deref(), Some("soap:Client"), "{what}");
        assert_eq!(answer.xml("code").as_deref(), Some("message-unreadable"), "{what}");
        assert!(answer.xml("faultstring").is_some_and(|t| t.contains("Không đọc được")), "{what}");
        assert!(answer.xml("pointer").is_some_and(|t| !t.is_empty()), "{what}: {}", answer.text);
    }
    assert_eq!(gate.rows(), rows);
    assert_eq!(gate.status().await, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_asks_for_it_validates_by_the_xsd_before_it_reads() {
    let path = "adapters/moet/partner.toml";
    let files = lienthong::catalogue::Files::embedded();
    let with = files.text(path).unwrap().replacen("[in.status]\n", "[in.status]\nvalidate = \"xsd\"\n", 1);
    let good = status_push("bgd-1", CODE, 2, T1, "");
    let code = format!("<MaHoSo>{CODE}</MaHoSo>");
    // The order is the schema's; the mapping reads any.
    let other = good.replace(&code, "").replace("<ThoiDiem>", &format!("{code}<ThoiDiem>"));
    assert_ne!(good, other);
    for (files, status) in [(files.clone(), 200), (files.with(path, with), 500)] {
        let gate = Gate::with(&files, "").await;
        gate.submit().await;
        let rows = gate.rows();
        let answer = gate.ministry("/moet/trang-thai", other.clone()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 500 {
            assert_eq!(answer.xml("code").as_deref(), Some("message-not-valid"), "{}", answer.text);
            assert_eq!(answer.xml("pointer").as_deref(), Some("ThongBaoTrangThai"), "{}", answer.text);
            assert_eq!(gate.rows(), rows);
        }
        assert_eq!(gate.ministry("/moet/trang-thai", good.clone()).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_its_content_is_refused_in_the_reply() {
    let gate = Gate::open().await;
    gate.submit().await;
    let rows = gate.rows();
    for (what, body, told) in [
        ("an unknown dossier", status_push("bgd-1", "H26.15-20260720-0000999", 2, T1, ""), "Không tìm thấy hồ sơ"),
        ("a time ahead", status_push("bgd-1", CODE, 2, "2026-07-22T08:00:00+07:00", ""), "tương lai"),
    ] {
        let answer = gate.ministry("/moet/trang-thai", body).await;
        assert_eq!((answer.status, answer.xml("MaPhanHoi").as_deref()), (200, Some("1")), "{what}: {}", answer.text);
        assert!(answer.xml("ThongDiep").is_some_and(|t| t.contains(told)), "{what}: {}", answer.text);
    }
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_move_is_refused_and_kept_in_the_audit_only() {
    let gate = Gate::open().await;
    gate.submit().await;
    assert_eq!(gate.push("bgd-1", 3, T1, "").await.xml("MaPhanHoi").as_deref(), Some("0"));
    let before = gate.journal.snapshot(CODE).await.unwrap();
    let rows = gate.rows();
    let answer = gate.push("bgd-2", 4, T2, "").await;
    assert_eq!((answer.status, answer.xml("MaPhanHoi").as_deref()), (200, Some("1")), "{}", answer.text);
    assert_eq!(gate.rows(), rows + 1, "one audit entry");
    let after = gate.journal.snapshot(CODE).await.unwrap();
    assert_eq!((after.dossier, after.open.len()), (before.dossier, before.open.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_hands_its_document_to_the_portal() {
    let gate = Gate::open().await;
    gate.submit().await;
    for (n, status) in [2, 4].into_iter().enumerate() {
        gate.push(&format!("bgd-{n}"), status, &format!("2026-07-21T08:0{n}:00+07:00"), "").await;
    }
    let result = |id: &str, content: &str| {
        soap(&format!(
            "<TraKetQua xmlns=\"urn:lienthong:bo-gddt:1\"><MaThongDiep>{id}</MaThongDiep><MaHoSo>{CODE}</MaHoSo>\
             <TrangThai>9</TrangThai><ThoiDiem>{T2}</ThoiDiem><GiayTo id=\"kq-1\"><Ten>Giấy báo.pdf</Ten>\
             <Kieu>application/pdf</Kieu><NoiDung>{content}</NoiDung></GiayTo></TraKetQua>"
        ))
    };
    let broken = gate.ministry("/moet/ket-qua", result("bgd-8", "JVBE*")).await;
    assert_eq!((broken.status, broken.xml("code").as_deref()), (500, Some("message-unreadable")), "{}", broken.text);
    let answer = gate.ministry("/moet/ket-qua", result("bgd-9", "JVBERiBnaeG6pXkgYsOhbw==")).await;
    assert_eq!((answer.status, answer.xml("MaPhanHoi").as_deref()), (200, Some("0")), "{}", answer.text);
    let dossier = gate.journal.snapshot(CODE).await.unwrap().dossier.unwrap();
    assert_eq!((dossier.status.word(), dossier.documents.len()), ("finished", 1));
    let fetched = gate
        .get(&format!("/v1/files/{}", dossier.documents[0].id), &[("authorization", &format!("Bearer {}", gate.token()))])
        .await;
    assert_eq!((fetched.status, fetched.text.as_str()), (200, "%PDF giấy báo"));
    let rows = gate.rows();
    let again = gate.ministry("/moet/ket-qua", result("bgd-9", "JVBERiBnaeG6pXkgYsOhbw==")).await;
    assert_eq!((again.status, again.text), (200, answer.text));
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_speak_here_gets_a_fault() {
    let gate = Gate::open().await;
    gate.submit().await;
    let rows = gate.rows();
    let token = format!("Bearer {}", gate.token());
    for (what, auth, status) in [
        ("nobody", String::new(), 401),
        ("a wrong password", basic("bo", "sai"), 401),
        ("the portal's token", token, 401),
        ("somebody else's password", basic("la", "chu-la"), 403),
    ] {
        let headers: Vec<(&str, &str)> = [("authorization", auth.as_str())].into_iter().filter(|(_, v)| !v.is_empty()).collect();
        let answer = gate.send("/moet/trang-thai", &headers, status_push("bgd-1", CODE, 2, T1, "")).await;
        assert_eq!((answer.status, answer.xml("faultcode").as_deref()), (status, Some("soap:Client")), "{what}: {}", answer.text);
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{what}");
    }
    assert_eq!(gate.rows(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_our_own_address() {
    let gate = Gate::open().await;
    for path in ["/moet/?wsdl", "/moet?WSDL"] {
        let answer = gate.get(path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.contains("location=\"https://lien-thong.vidu.example/moet/trang-thai\""), "{path}");
        assert!(!answer.text.contains("location=\"{base}"));
        roxmltree::Document::parse(&answer.text).unwrap();
    }
    assert_eq!(gate.get("/moet/?xsd=lien-thong.xsd", &[]).await.status, 200);
    for path in ["/moet/", "/moet/?xsd=../secret", "/moet/?x=1"] {
        assert_eq!(gate.get(path, &[]).await.status, 404, "{path}");
    }
}

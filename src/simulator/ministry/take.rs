//! What the Ministry takes: credentials, SOAPAction and schema first, then the five operations.
//!
//! Always holds: a repeated message id is answered 2 and has no second effect; an operation that comes before what it needs
//! (a supplement nobody asked for, a payment of no fee) is answered 1 and is a violation of order.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::book::Ident;
use super::super::seal;
use super::super::server::Noted;
use super::soap::{NAMESPACE, Payload, Xml, fault};
use super::{Dossier, Ministry};

const WSDL: &str = include_str!("../../../schemas/moet/bo-gddt.wsdl");

/// The operations: element, word.
const OPERATIONS: [(&str, &str); 5] =
    [("NopHoSo", "submit"), ("BoSung", "supplement"), ("RutHoSo", "withdraw"), ("DaNopPhi", "fee-paid"), ("TraCuu", "inquiry")];

/// What came of one operation.
struct Verdict {
    /// MaPhanHoi.
    code: &'static str,
    text: String,
    reference: Option<String>,
    violations: Vec<String>,
}

pub(super) fn identify(_: &Parts, body: &[u8]) -> Ident {
    let Ok(payload) = Payload::of(body) else { return Ident { operation: "unreadable".to_owned(), ..Ident::default() } };
    let operation = word(&payload.name());
    Ident {
        operation: operation.to_owned(),
        id: payload.text("MaThongDiep"),
        dossier: payload.text("MaHoSo"),
        counted: !matches!(operation, "inquiry" | "unknown"),
    }
}

fn word(element: &str) -> &'static str {
    OPERATIONS.iter().find(|(e, _)| *e == element).map_or("unknown", |(_, word)| word)
}

/// `GET …?wsdl`: the description, with our own address.
pub(super) async fn wsdl(State(ministry): State<Arc<Ministry>>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], WSDL.replace("{base}", &ministry.base)).into_response()
}

/// `POST /dich-vu/HoSo.asmx`.
pub(super) async fn take(State(ministry): State<Arc<Ministry>>, headers: HeaderMap, body: bytes::Bytes) -> Response {
    if text_of(&headers, "authorization") != ministry.credentials {
        let answer = (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"bo-gddt\"")], "").into_response();
        return noted(answer, false, vec!["wrong credentials".to_owned()], "401");
    }
    if !text_of(&headers, "content-type").starts_with("text/xml") {
        return faulty("Content-Type is not text/xml".to_owned());
    }
    let payload = match ministry.schema.read(&body) {
        Ok(payload) => payload,
        Err(why) => return faulty(why),
    };
    let name = payload.name();
    if text_of(&headers, "soapaction").trim_matches('"') != format!("{NAMESPACE}/{name}") {
        return faulty(format!("SOAPAction is not that of {name}"));
    }
    if word(&name) == "unknown" {
        return faulty(format!("{name} is no operation of this service"));
    }
    if name == "TraCuu" {
        return inquiry(&ministry, &payload);
    }
    let Verdict { code, text, reference, violations } = perform(&ministry, &name, &payload);
    let reply = Xml::default().text("MaPhanHoi", code).text("ThongDiep", &text).maybe("MaTiepNhan", reference.as_deref());
    noted(xml(StatusCode::OK, reply.envelope(&format!("{name}KetQua"))), code == "0", violations, code)
}

fn text_of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

fn xml(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response()
}

fn noted(mut answer: Response, processed: bool, violations: Vec<String>, word: &str) -> Response {
    answer.extensions_mut().insert(Noted { processed, violations, word: word.to_owned() });
    answer
}

fn faulty(why: String) -> Response {
    noted(xml(StatusCode::INTERNAL_SERVER_ERROR, fault("Client", &why)), false, vec![why], "Fault Client")
}

/// TraCuu: is the message processed (or the dossier there), and where does the dossier stand?
fn inquiry(ministry: &Ministry, payload: &Payload) -> Response {
    let code = payload.text("MaHoSo").unwrap_or_default();
    let found = ministry.dossier(&code);
    let known = match payload.text("MaThongDiepHoi") {
        Some(message) => found.as_ref().is_some_and(|d| d.took(&message)),
        None => found.is_some(),
    };
    let mut reply = Xml::default().text("MaPhanHoi", "0").text("DaBiet", if known { "1" } else { "0" });
    if let Some(d) = found {
        reply = reply.text("TrangThai", &d.status.to_string());
        reply = reply.text("ThoiDiem", &crate::clock::Time(d.status_at_ms).rfc3339()).text("MaTiepNhan", &d.reference);
    }
    noted(xml(StatusCode::OK, reply.envelope("TraCuuKetQua")), true, vec![], if known { "known" } else { "not known" })
}

fn perform(ministry: &Arc<Ministry>, name: &str, payload: &Payload) -> Verdict {
    let message = payload.text("MaThongDiep").unwrap_or_default();
    let code = payload.text("MaHoSo").unwrap_or_default();
    if let Some(d) = ministry.dossier(&code).filter(|d| d.took(&message)) {
        return again(&d);
    }
    let files = match files(payload) {
        Ok(files) => files,
        Err(why) => return refused("Nội dung tệp không khớp mã băm", Some(why)),
    };
    if name == "NopHoSo" {
        return submit(ministry, &code, &message, files, payload);
    }
    let now = ministry.book.now_ms();
    let done = ministry.with(&code, |d| {
        if d.took(&message) {
            return again(d);
        }
        let done = change(d, name, payload, now);
        if done.code == "0" {
            d.messages.push((message, word(name).to_owned()));
            d.files += files;
        }
        done
    });
    done.unwrap_or_else(|| refused("Chưa có hồ sơ này", Some("order: a dossier that was never submitted".to_owned())))
}

/// Counts the files with content; each must have the digest it announces.
fn files(payload: &Payload) -> Result<usize, String> {
    let mut whole = 0;
    for (digest, content) in payload.files() {
        let Some(content) = content else { continue };
        if seal::from_base64(&content).map(|c| seal::sha256(&c)) != Some(digest) {
            return Err("a file's content does not have its digest".to_owned());
        }
        whole += 1;
    }
    Ok(whole)
}

fn refused(text: &str, violation: Option<String>) -> Verdict {
    Verdict { code: "1", text: text.to_owned(), reference: None, violations: violation.into_iter().collect() }
}

fn again(d: &Dossier) -> Verdict {
    Verdict {
        code: "2",
        text: "Thông điệp đã được xử lý trước đó".to_owned(),
        reference: Some(d.reference.clone()),
        violations: vec!["message id repeated after it was processed".to_owned()],
    }
}

fn submit(ministry: &Arc<Ministry>, code: &str, message: &str, files: usize, payload: &Payload) -> Verdict {
    let script = ministry.script_of(code).settled(payload);
    let reference = {
        let mut all = ministry.lock();
        if let Some(d) = all.get(code) {
            // The same message twice at once: the other one was quicker.
            if d.took(message) {
                return again(d);
            }
            return refused("Hồ sơ đã có", Some("a dossier submitted twice under two message ids".to_owned()));
        }
        let procedure = payload.text("MaThuTuc").unwrap_or_default();
        let mut dossier = Dossier::new(code.to_owned(), procedure, all.len() + 1, ministry.book.now_ms(), &script.to_string());
        dossier.messages.push((message.to_owned(), "submit".to_owned()));
        dossier.files = files;
        let reference = dossier.reference.clone();
        all.insert(code.to_owned(), dossier);
        reference
    };
    ministry.changed.send_modify(|n| *n = n.wrapping_add(1));
    script.play(ministry, code);
    Verdict { code: "0", text: "Đã tiếp nhận".to_owned(), reference: Some(reference), violations: vec![] }
}

/// The three operations on a dossier that is there; changes it only when it answers 0.
fn change(d: &mut Dossier, name: &str, payload: &Payload, now_ms: i64) -> Verdict {
    let out_of_order = |text: &str, why: &str| refused(text, Some(format!("order: {why}")));
    match name {
        "BoSung" => {
            let round: u32 = payload.text("LanBoSung").and_then(|n| n.parse().ok()).unwrap_or_default();
            let asked = d.pushes.iter().any(|p| p.status == 5);
            if !asked || d.is_final() {
                return out_of_order("Hồ sơ không chờ bổ sung", "a supplement nobody asked for");
            }
            if round != d.supplements + 1 {
                return out_of_order("Lần bổ sung không đúng", "rounds of supplement are not counted from 1");
            }
            d.supplements = round;
        }
        "RutHoSo" => {
            if d.is_decided() {
                return refused("Hồ sơ đã xử lý xong, không rút được", None);
            }
            d.withdrawn = true;
            (d.status, d.status_at_ms) = (7, now_ms);
        }
        _ => {
            let paid: u64 = payload.text("SoTien").and_then(|n| n.parse().ok()).unwrap_or_default();
            let before = d.fee_paid.unwrap_or(0);
            match d.fee_due {
                None => return out_of_order("Hồ sơ không phải nộp phí", "a payment of a fee nobody asked for"),
                Some(due) if before >= due => return out_of_order("Phí đã nộp", "a fee told twice under two message ids"),
                Some(due) if due != before.saturating_add(paid) => {
                    return out_of_order("Sai số tiền", "another amount than was asked for");
                }
                Some(due) => d.fee_paid = Some(due),
            }
        }
    }
    Verdict { code: "0", text: "Đã tiếp nhận".to_owned(), reference: Some(d.reference.clone()), violations: vec![] }
}

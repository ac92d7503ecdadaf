//! Where the gateway calls the portal: token, progress, status, the fee's changes.
//!
//! Always holds: nothing is read from a body before its token and signature are right; a batch takes effect whole or not
//! at all. Statuses the contract does not allow after the last one, numbers that go back, one status under two ids are
//! violations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::super::book::Ident;
use super::super::seal;
use super::super::server::Noted;
use super::{FeeState, Fetched, Filed, Portal, Step, Told, lock};

type Item = Map<String, Value>;

/// Which callback a body came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Progress,
    Status,
    Fee,
}

/// Status moves that can be told one after the other.
const MOVES: [(u8, &[u8]); 7] = [
    (1, &[2, 3, 5, 7]),
    (2, &[4, 5, 6, 7, 8]),
    (4, &[5, 6, 7, 8, 9]),
    (5, &[1, 2, 3, 4, 7, 8]),
    (6, &[2, 4, 7, 8, 9]),
    (8, &[4, 7, 9]),
    (9, &[10]),
];

pub(super) fn identify(parts: &Parts, body: &[u8]) -> Ident {
    let operation = match parts.uri.path() {
        "/tien-trinh" => "progress",
        "/trang-thai" => "status",
        "/thanh-toan" => "fee",
        path => path.trim_matches('/'),
    };
    let dossier = items(body).ok().and_then(|all| all.first().map(|i| text(i, "MaHoSo"))).filter(|c| !c.is_empty());
    let id = header(&parts.headers, "webhook-id").map(str::to_owned);
    Ident { operation: operation.to_owned(), counted: id.is_some(), id, dossier }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

fn answer(status: StatusCode, message: &str, violations: Vec<String>) -> Response {
    let mut answer = (status, Json(json!({ "code": status.as_u16(), "message": message }))).into_response();
    let processed = status.is_success();
    answer.extensions_mut().insert(Noted { processed, violations, word: String::new() });
    answer
}

/// OAuth 2 client credentials: in the body (form or JSON) or by HTTP Basic.
pub(super) async fn token(State(portal): State<Arc<Portal>>, headers: HeaderMap, body: bytes::Bytes) -> Response {
    let (id, secret) = &portal.callback;
    let given: Item = serde_json::from_slice(&body).unwrap_or_else(|_| form(&body));
    let by_body = text(&given, "client_id") == *id && text(&given, "client_secret") == *secret;
    if !by_body && header(&headers, "authorization") != Some(&seal::basic(id, secret)) {
        return answer(StatusCode::UNAUTHORIZED, "sai client_id hoặc client_secret", vec!["wrong client credentials".to_owned()]);
    }
    let token = {
        let mut issued = lock(&portal.issued);
        let token = seal::sha256(format!("{}-{}-{}", portal.seed, portal.book.now_ms(), issued.len()).as_bytes());
        issued.insert(token.clone());
        token
    };
    let mut reply = Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 })).into_response();
    reply.extensions_mut().insert(Noted { processed: true, ..Noted::default() });
    reply
}

/// Reads `a=b&c=d` with percent escapes.
fn form(body: &[u8]) -> Item {
    let decoded = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(b) = bytes.next() {
            let pair =
                |h: Option<u8>, l: Option<u8>| u8::from_str_radix(&format!("{}{}", char::from(h?), char::from(l?)), 16).ok();
            match b {
                b'%' => out.extend(pair(bytes.next(), bytes.next())),
                b'+' => out.push(b' '),
                b => out.push(b),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    let body = String::from_utf8_lossy(body);
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decoded(k), decoded(v).into())).collect()
}

pub(super) async fn progress(portal: State<Arc<Portal>>, headers: HeaderMap, body: bytes::Bytes) -> Response {
    take(&portal, Kind::Progress, &headers, &body)
}

pub(super) async fn status(portal: State<Arc<Portal>>, headers: HeaderMap, body: bytes::Bytes) -> Response {
    take(&portal, Kind::Status, &headers, &body)
}

pub(super) async fn fee(portal: State<Arc<Portal>>, headers: HeaderMap, body: bytes::Bytes) -> Response {
    take(&portal, Kind::Fee, &headers, &body)
}

fn take(portal: &Arc<Portal>, kind: Kind, headers: &HeaderMap, body: &[u8]) -> Response {
    let bearer = header(headers, "authorization").and_then(|a| a.strip_prefix("Bearer "));
    if !bearer.is_some_and(|t| lock(&portal.issued).contains(t)) {
        return answer(StatusCode::UNAUTHORIZED, "token không hợp lệ", vec!["no token of ours".to_owned()]);
    }
    let of = |name| header(headers, name);
    let (id, at, signature) = (of("webhook-id"), of("webhook-timestamp"), of("webhook-signature"));
    let now = portal.book.now_ms() / 1000;
    if let Err(why) = seal::verify_webhook(&portal.webhook, id, at, signature, body, now) {
        return answer(StatusCode::BAD_REQUEST, "chữ ký không hợp lệ", vec![why.to_string()]);
    }
    let id = id.unwrap_or_default();
    let items = match items(body).and_then(|all| all.into_iter().map(|i| checked(kind, i)).collect::<Result<Vec<_>, _>>()) {
        Ok(items) => items,
        Err(why) => return answer(StatusCode::BAD_REQUEST, &why, vec![why.clone()]),
    };
    let digest = seal::sha256(body);
    let before = lock(&portal.bodies).insert(id.to_owned(), digest.clone());
    if before.is_some() || portal.book.was_processed(id) {
        let same = before.is_none_or(|before| before == digest);
        let violations = if same { vec![] } else { vec!["webhook-id repeated with another body".to_owned()] };
        return answer(StatusCode::OK, "đã nhận trước đó", violations);
    }
    let mut violations = Vec::new();
    for item in items {
        let code = text(&item, "MaHoSo");
        violations.extend(portal.with(&code, |filed| apply(filed, kind, &item, id)));
        portal.fetch_new(&code);
    }
    answer(StatusCode::OK, "success", violations)
}

/// An array of objects, or one object.
fn items(body: &[u8]) -> Result<Vec<Item>, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(one)) => Ok(vec![one]),
        Ok(Value::Array(all)) if !all.is_empty() => {
            let objects = all.into_iter().map(|v| if let Value::Object(o) = v { Some(o) } else { None });
            objects.collect::<Option<Vec<_>>>().ok_or_else(|| "phần tử không phải đối tượng".to_owned())
        }
        _ => Err("nội dung không phải mảng JSON".to_owned()),
    }
}

fn text(of: &Item, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(of: &Item, name: &str) -> Option<u64> {
    of.get(name).and_then(Value::as_u64)
}

/// Refuses an item that lacks a field or has one of the wrong type (400, as the real portals answer).
fn checked(kind: Kind, item: Item) -> Result<Item, String> {
    let status = number(&item, "TrangThai");
    let wrong = |name: &str| Err(format!("thiếu hoặc sai trường {name}"));
    if text(&item, "MaHoSo").is_empty() {
        return wrong("MaHoSo");
    }
    if number(&item, "SoThuTu").is_none_or(|n| n == 0) {
        return wrong("SoThuTu");
    }
    if kind != Kind::Fee && !status.is_some_and(|s| (1..=10).contains(&s)) {
        return wrong("TrangThai");
    }
    let time = |name: &str| text(&item, name).len() == 14 && text(&item, name).bytes().all(|b| b.is_ascii_digit());
    match kind {
        Kind::Progress if !time("ThoiDiemXuLy") => wrong("ThoiDiemXuLy"),
        Kind::Progress if text(&item, "NoiDungXuLy").is_empty() => wrong("NoiDungXuLy"),
        Kind::Fee if !time("ThoiDiem") => wrong("ThoiDiem"),
        Kind::Fee if number(&item, "TrangThaiThanhToan").is_none_or(|n| n > 1) => wrong("TrangThaiThanhToan"),
        Kind::Fee if number(&item, "SoTien").is_none() => wrong("SoTien"),
        _ => Ok(item),
    }
}

/// Applies one checked item; what breaks the order comes back.
fn apply(filed: &mut Filed, kind: Kind, item: &Item, message: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let sequence = number(item, "SoThuTu").unwrap_or_default();
    if sequence < filed.sequence {
        violations.push(format!("order: SoThuTu {sequence} after {}", filed.sequence));
    }
    let newest = sequence >= filed.sequence;
    filed.sequence = filed.sequence.max(sequence);
    let status = number(item, "TrangThai").and_then(|s| u8::try_from(s).ok()).unwrap_or_default();
    match kind {
        Kind::Progress => {
            let at = text(item, "ThoiDiemXuLy");
            if filed.progress.last().is_some_and(|last| last.at > at) {
                violations.push("order: a step older by its own time than the last one".to_owned());
            }
            filed.progress.push(Step { sequence, status, at, text: text(item, "NoiDungXuLy"), message: message.to_owned() });
            // A step of the present status is a note; one of another status is a move.
            if status != filed.status {
                violations.extend(moved(filed, Told { sequence, status, message: message.to_owned() }, newest));
            }
        }
        Kind::Status => {
            violations.extend(moved(filed, Told { sequence, status, message: message.to_owned() }, newest));
        }
        Kind::Fee => {
            let paid = number(item, "TrangThaiThanhToan") == Some(1);
            if filed.fee.as_ref().is_some_and(|f| f.paid && !paid) {
                violations.push("order: a paid fee told unpaid again".to_owned());
            }
            let transaction = item.get("MaGiaoDich").and_then(Value::as_str).map(str::to_owned);
            filed.fee = Some(FeeState { paid, amount: number(item, "SoTien").unwrap_or_default(), transaction });
        }
    }
    for document in item.get("GiayToKetQua").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
        let id = text(document, "IdTepTin");
        if !filed.documents.iter().any(|d| d.id == id) {
            let (name, digest) = (text(document, "TenGiayTo"), text(document, "HashTepTin"));
            filed.documents.push(Fetched { id, name, digest, fetched: false });
        }
    }
    violations
}

/// The dossier moves; what breaks the order of moves comes back.
fn moved(filed: &mut Filed, told: Told, newest: bool) -> Option<String> {
    let violation = if filed.statuses.last().is_some_and(|last| last.status == told.status) {
        Some(format!("status {} told twice under two message ids", told.status))
    } else if !MOVES.iter().any(|(from, to)| *from == filed.status && to.contains(&told.status)) {
        Some(format!("order: status {} after {}", told.status, filed.status))
    } else {
        None
    };
    if newest {
        filed.status = told.status;
    }
    filed.statuses.push(told);
    violation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_samples_pass_our_checks() {
        for (folder, kind) in [("status", Kind::Status), ("progress", Kind::Progress), ("fee", Kind::Fee)] {
            let folder = format!("{}/adapters/hanoi/samples/{folder}", env!("CARGO_MANIFEST_DIR"));
            for file in std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()) {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                if !name.contains(".canonical.") && !name.contains(".context.") && !name.starts_with("also-") {
                    for item in items(&std::fs::read(&file).unwrap()).unwrap() {
                        assert_eq!(checked(kind, item).err(), None, "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_form_body_is_read_with_its_escapes() {
        let read = form(b"client_id=a%2Bb&client_secret=x+y%C4%91&&z");
        assert_eq!((text(&read, "client_id"), text(&read, "client_secret"), read.len()), ("a+b".into(), "x yđ".into(), 2));
    }
}

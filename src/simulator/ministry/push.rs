//! What the Ministry tells the gateway: ThongBaoTrangThai and TraKetQua, each with its own message id and its own time.
//!
//! Always holds: a push keeps its id and its body over all attempts; it is repeated until the gateway has answered 0, 1 or 2.
//! Content is checked by nobody here: a test may push what the contract forbids.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::seal;
use super::soap::{NAMESPACE, Payload, Xml};
use super::{Dossier, Ministry};
use crate::clock::Time;

/// The longest wait between two attempts.
const SLOWEST: Duration = Duration::from_secs(2);

/// One push. What is absent is left out, but for the id and the time, which are made then.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// The dossier's code.
    pub dossier: String,
    /// National status code.
    pub status: u8,
    /// The message id.
    pub id: Option<String>,
    /// The Ministry's time of it: milliseconds since the Unix epoch, written in whole seconds.
    pub at_ms: Option<i64>,
    /// Who dealt with it.
    pub officer: Option<String>,
    /// What is said about it.
    pub note: Option<String>,
    /// New deadline: milliseconds since the Unix epoch.
    pub due_ms: Option<i64>,
    /// Papers that are missing.
    pub missing: Vec<Missing>,
    /// The fee to be paid.
    pub fee: Option<Fee>,
    /// True: TraKetQua, the result; false: ThongBaoTrangThai.
    pub result: bool,
    /// The decision's number (result).
    pub decision: Option<String>,
    /// The day it was signed, yyyy-MM-dd (result).
    pub signed_on: Option<String>,
    /// The result's documents.
    pub documents: Vec<Document>,
    /// Repeat until the gateway answers; else one attempt.
    pub until_heard: bool,
}

/// A missing paper.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Missing {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A fee to be paid.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Fee {
    /// Whole VND.
    pub amount: u64,
    /// Its code.
    #[serde(default)]
    pub code: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A document of a result.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Document {
    /// Its id.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Its content in base64.
    pub content: String,
}

/// What became of a push.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Pushed {
    /// Its message id.
    pub id: String,
    /// The status it told.
    pub status: u8,
    /// The Ministry's time of it.
    pub at_ms: i64,
    /// True: TraKetQua.
    pub result: bool,
    /// Attempts so far.
    pub attempts: u32,
    /// What the gateway answered last: 0, 1, 2, 9, 10, or a word.
    pub code: String,
    /// Its text.
    pub text: String,
}

// === impl Pushed ===

impl Pushed {
    /// The gateway has it.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        matches!(self.code.as_str(), "0" | "2")
    }

    /// The gateway refused it, for good.
    #[must_use]
    pub fn refused(&self) -> bool {
        matches!(self.code.as_str(), "1" | "Client")
    }
}

// === impl Push ===

impl Push {
    /// A status of a dossier, told now.
    #[must_use]
    pub fn status(dossier: &str, status: u8) -> Self {
        Self { dossier: dossier.to_owned(), status, ..Self::default() }
    }

    pub(in super::super) fn body(&self, id: &str, at_ms: i64) -> String {
        let none = ("", "");
        let time = |ms: i64| Time(ms).rfc3339();
        let mut all =
            Xml::default().text("MaThongDiep", id).text("MaHoSo", &self.dossier).text("TrangThai", &self.status.to_string());
        all = all.text("ThoiDiem", &time(at_ms));
        if let Some(officer) = &self.officer {
            all = all.nested("CanBo", none, Xml::default().text("HoTen", officer).text("DonVi", "Cục Quản lý chất lượng"));
        }
        all = all.maybe("NoiDung", self.note.as_deref());
        if let (Some(due), false) = (self.due_ms, self.result) {
            all = all.text("HanTra", &time(due));
        }
        for paper in &self.missing {
            all = all.nested("GiayToThieu", ("ma", &paper.code), Xml::default().text("Ten", &paper.name));
        }
        if let Some(fee) = &self.fee {
            let inner = Xml::default().text("SoTien", &fee.amount.to_string()).maybe("MaPhi", fee.code.as_deref());
            all = all.nested("PhiPhaiNop", none, inner.maybe("TenPhi", fee.name.as_deref()));
        }
        if self.result {
            all = all.maybe("SoQuyetDinh", self.decision.as_deref()).maybe("NgayKy", self.signed_on.as_deref());
            for d in &self.documents {
                let inner = Xml::default().text("Ten", &d.name).text("Kieu", "application/pdf").text("NoiDung", &d.content);
                all = all.nested("GiayTo", ("id", &d.id), inner);
            }
        }
        all.envelope(self.element())
    }

    fn element(&self) -> &'static str {
        if self.result { "TraKetQua" } else { "ThongBaoTrangThai" }
    }
}

// === impl Ministry ===

impl Ministry {
    /// One attempt (or, with `until_heard`, as many as it takes) to tell the gateway a status or a result.
    pub async fn push(&self, push: Push) -> Pushed {
        let pushed = self.decided(&push);
        self.with(&push.dossier, |d| enter(d, &push, &pushed));
        self.tell(push, pushed).await
    }

    /// The same as a step of a script: decided and entered at once, unless the dossier was withdrawn. From then on it stands decided, whether
    /// the gateway has heard of it or not.
    pub(super) async fn push_unless_withdrawn(&self, push: Push) -> Option<Pushed> {
        let pushed = self.decided(&push);
        let entered = self.with(&push.dossier, |d| {
            if !d.withdrawn {
                enter(d, &push, &pushed);
            }
            !d.withdrawn
        });
        if entered? { Some(self.tell(push, pushed).await) } else { None }
    }

    fn decided(&self, push: &Push) -> Pushed {
        let at_ms = push.at_ms.unwrap_or_else(|| self.book.now_ms());
        let at_ms = at_ms - at_ms.rem_euclid(1000);
        let id = push.id.clone().unwrap_or_else(|| self.next_id(&push.dossier));
        Pushed { id, status: push.status, at_ms, result: push.result, attempts: 0, code: String::new(), text: String::new() }
    }

    async fn tell(&self, push: Push, mut pushed: Pushed) -> Pushed {
        let body = push.body(&pushed.id, pushed.at_ms);
        let mut wait = self.pace.max(Duration::from_millis(1));
        loop {
            if push.until_heard && !self.is_up().await {
                break;
            }
            pushed.attempts += 1;
            (pushed.code, pushed.text) = self.attempt(&push, &pushed.id, &body).await;
            self.note(&push.dossier, &pushed);
            if !push.until_heard || pushed.acknowledged() || pushed.refused() {
                break;
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(SLOWEST);
        }
        if pushed.acknowledged() && self.weather.twice() {
            let _ = self.attempt(&push, &pushed.id, &body).await;
        }
        pushed
    }

    /// One status by hand, told once.
    pub async fn push_status(&self, dossier: &str, status: u8) -> Pushed {
        self.push(Push::status(dossier, status)).await
    }

    /// The result (status 10) with one document by hand, told once.
    pub async fn push_result(&self, dossier: &str, document: &str, content: &[u8]) -> Pushed {
        let file = Document { id: format!("kq-{dossier}"), name: document.to_owned(), content: seal::base64(content) };
        self.push(Push { result: true, documents: vec![file], ..Push::status(dossier, 10) }).await
    }

    /// Waits while the Ministry is down: it does not speak then either. False: it was stopped.
    async fn is_up(&self) -> bool {
        let (mut down, mut stop) = (self.weather.watch_down(), self.stop.clone());
        let waited = tokio::select! {
            up = down.wait_for(Option::is_none) => up.is_ok(),
            _ = stop.wait_for(|s| *s) => false,
        };
        waited && !*self.stop.borrow()
    }

    fn next_id(&self, dossier: &str) -> String {
        let mut n = 0;
        self.changed.send_modify(|count| {
            *count = count.wrapping_add(1);
            n = *count;
        });
        format!("BGD-{dossier}-{:x}-{n}", self.started_ms)
    }

    /// Enters a push, and the status it told once it is acknowledged and not older than the present one.
    fn note(&self, dossier: &str, pushed: &Pushed) {
        self.with(dossier, |d| {
            keep(d, pushed);
            if pushed.acknowledged() && pushed.at_ms >= d.status_at_ms - d.status_at_ms.rem_euclid(1000) && d.status != 7 {
                (d.status, d.status_at_ms) = (pushed.status, pushed.at_ms);
            }
        });
    }

    async fn attempt(&self, push: &Push, id: &str, body: &str) -> (String, String) {
        let path = if push.result { "ket-qua" } else { "trang-thai" };
        let request = self
            .client
            .post(format!("{}/{path}", self.gateway))
            .header("authorization", &self.gateway_credentials)
            .header("content-type", "text/xml; charset=utf-8")
            .header("soapaction", format!("\"{NAMESPACE}/{}\"", push.element()));
        let answer = async {
            let answer = request.body(body.to_owned()).send().await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        let (code, text) = match answer.await {
            Ok((status, bytes)) => said(status, &bytes),
            Err(why) => ("no answer".to_owned(), why.without_url().to_string()),
        };
        let operation = if push.result { "result" } else { "status" };
        self.book.sent(operation, Some(id), Some(&push.dossier), matches!(code.as_str(), "0" | "2"), code.clone());
        (code, text)
    }
}

/// What the Ministry has decided to tell stands in its own book before the first attempt: what it causes may come back before the
/// gateway's answer does.
fn enter(d: &mut Dossier, push: &Push, pushed: &Pushed) {
    if let Some(fee) = &push.fee {
        d.fee_due = Some(d.fee_paid.unwrap_or(0).saturating_add(fee.amount));
    }
    keep(d, pushed);
}

fn keep(d: &mut Dossier, pushed: &Pushed) {
    match d.pushes.iter_mut().find(|p| p.id == pushed.id) {
        Some(known) => *known = pushed.clone(),
        None => d.pushes.push(pushed.clone()),
    }
}

/// The gateway's answer: the code of PhanHoi, the side of a fault, or the HTTP status.
fn said(status: StatusCode, bytes: &[u8]) -> (String, String) {
    match Payload::of(bytes) {
        Ok(p) if p.name() == "PhanHoi" => (p.text("MaPhanHoi").unwrap_or_default(), p.text("ThongDiep").unwrap_or_default()),
        Ok(p) if p.name() == "Fault" => {
            let code = p.text("faultcode").unwrap_or_default();
            (code.rsplit(':').next().unwrap_or_default().to_owned(), p.text("faultstring").unwrap_or_default())
        }
        _ => (format!("HTTP {}", status.as_u16()), String::new()),
    }
}

/// `POST /_push` with a [`Push`]: the [`Pushed`].
pub(super) async fn by_hand(State(ministry): State<Arc<Ministry>>, body: bytes::Bytes) -> Response {
    match serde_json::from_slice::<Push>(&body) {
        Ok(push) => Json(ministry.push(push).await).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why.to_string()).into_response(),
    }
}

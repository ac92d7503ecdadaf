//! The portal as a client of the gateway: token, next code, files, dossier, supplement, withdrawal, payment.
//!
//! A refused token is renewed once. Answers other than 2xx are handed back as they are, for the test to judge; only the
//! whole-way functions (`apply`, `supplement`) fail on them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{Failure, seal};
use super::application::{Application, Edition, Paper, Service, Stored};
use super::{AGENCY, Fetched, Portal, lock};

/// Where the citizen comes back after paying; it must be on the gateway's list.
pub(super) const RETURN_URL: &str = "https://cong.vidu.example/thanh-toan/xong";

const BOUNDARY: &str = "----ranh-gioi-tep-tin-thu-nghiem";

/// The gateway's answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it is not JSON.
    pub body: Value,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
}

/// Where the citizen pays.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Link {
    /// The platform's page; `None` while the gateway has none yet (202).
    pub url: Option<String>,
    /// The payment's transaction.
    pub transaction: Option<String>,
}

// === impl Reply ===

impl Reply {
    /// A 2xx.
    #[must_use]
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A text of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.body.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn accepted(self) -> Result<Self, Failure> {
        if self.ok() { Ok(self) } else { Err(Failure::Answer { status: self.status, body: self.body.to_string() }) }
    }
}

// === impl Portal ===

impl Portal {
    /// Signs in; the token is kept until it is refused.
    pub async fn sign_in(&self) -> Result<String, Failure> {
        let (id, secret) = &self.own;
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let request = self.client.post(format!("{}/token", self.gateway));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let reply = self.sent("token", None, request).await?.accepted()?;
        let token = reply.text("access_token").ok_or(Failure::Answer { status: reply.status, body: reply.body.to_string() })?;
        *lock(&self.token) = Some(token.clone());
        Ok(token)
    }

    /// Forgets the token, as after a restart.
    pub fn sign_out(&self) {
        *lock(&self.token) = None;
    }

    /// One JSON call to a route of ours at the gateway, for example `/ho-so`.
    pub async fn call(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        self.post(path, "application/json", body.to_string().into_bytes(), body.get("MaHoSo").and_then(Value::as_str)).await
    }

    /// One call with any body and content type, for what a sound portal would not send.
    pub async fn post(&self, path: &str, kind: &str, body: Vec<u8>, dossier: Option<&str>) -> Result<Reply, Failure> {
        let known = lock(&self.token).clone();
        let mut token = match known {
            Some(token) => token,
            None => self.sign_in().await?,
        };
        let mut first = true;
        loop {
            let request = self.client.post(format!("{}{path}", self.gateway)).bearer_auth(&token);
            let request = request.header("content-type", kind).body(body.clone());
            let reply = self.sent(path.trim_matches('/'), dossier, request).await?;
            if reply.status != 401 || !first {
                return Ok(reply);
            }
            first = false;
            token = self.sign_in().await?;
        }
    }

    /// The next dossier code of our agency.
    pub async fn next_code(&self) -> Result<String, Failure> {
        let reply = self.call("/ma-ho-so", &json!({ "MaDonVi": AGENCY })).await?.accepted()?;
        reply.text("MaHoSo").ok_or(Failure::Answer { status: reply.status, body: reply.body.to_string() })
    }

    /// Uploads one file; the gateway's id of it. Fails when the digest it answers is not the file's.
    pub async fn upload(&self, name: &str, content: &[u8]) -> Result<Stored, Failure> {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n"
        );
        let body = [head.as_bytes(), content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let reply = self.post("/tep-tin", &format!("multipart/form-data; boundary={BOUNDARY}"), body, None).await?.accepted()?;
        let row = reply.body.get(0).cloned().unwrap_or_default();
        let field = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let stored = Stored { id: field("IdTepTin"), digest: field("HashTepTin"), name: name.to_owned() };
        if stored.id.is_empty() || stored.digest != seal::sha256(content) {
            return Err(Failure::Answer { status: reply.status, body: "the upload's digest is not the file's".to_owned() });
        }
        Ok(stored)
    }

    /// Files of some papers, uploaded one after the other.
    pub async fn upload_all(&self, papers: &[Paper]) -> Result<Vec<Vec<Stored>>, Failure> {
        let mut all = Vec::new();
        for paper in papers {
            let mut stored = Vec::new();
            for (name, content) in &paper.files {
                stored.push(self.upload(name, content).await?);
            }
            all.push(stored);
        }
        Ok(all)
    }

    /// Submits an application under a code; notes whether it was acknowledged.
    pub async fn submit(&self, code: &str, application: &Application, stored: &[Vec<Stored>]) -> Result<Reply, Failure> {
        let reply = self.call("/ho-so", &application.body(code, AGENCY, stored)).await?;
        if reply.ok() {
            self.with(code, |filed| {
                application.service.procedure().clone_into(&mut filed.procedure);
                filed.acknowledged = true;
                filed.reference = reply.text("MaTiepNhan");
            });
        }
        Ok(reply)
    }

    /// The whole way of an invented dossier: code, files, submission. Gives its code.
    pub async fn apply(&self, number: u64, service: Service, edition: Edition) -> Result<String, Failure> {
        let application = Application::invent(self.seed, number, service, edition, self.book.now_ms());
        let code = self.next_code().await?;
        let stored = self.upload_all(&application.papers).await?;
        self.submit(&code, &application, &stored).await?.accepted()?;
        Ok(code)
    }

    /// Answers a request for papers: uploads the missing one and hands it in as the next round.
    pub async fn supplement(&self, code: &str) -> Result<Reply, Failure> {
        let round = self.dossier(code).map_or(0, |d| d.supplements).saturating_add(1);
        let paper = Paper::supplement(round);
        let stored = self.upload_all(std::slice::from_ref(&paper)).await?;
        let body = json!({ "MaHoSo": code, "LanBoSung": round, "ThanhPhanHoSo": [paper.body(stored.first())] });
        let reply = self.call("/bo-sung", &body).await?;
        if reply.ok() {
            self.with(code, |filed| filed.supplements = round);
        }
        Ok(reply)
    }

    /// The citizen takes the dossier back.
    pub async fn withdraw(&self, code: &str, reason: &str) -> Result<Reply, Failure> {
        self.call("/rut-ho-so", &json!({ "MaHoSo": code, "LyDo": reason })).await
    }

    /// The citizen clicks "pay": the link, or its transaction alone while the gateway has no link yet (202; call again).
    pub async fn pay(&self, code: &str, return_url: &str) -> Result<Link, Failure> {
        let reply = self.call("/thanh-toan", &json!({ "MaHoSo": code, "return_url": return_url })).await?.accepted()?;
        let link = Link { url: reply.text("payment_url"), transaction: reply.text("transaction_id") };
        self.with(code, |filed| filed.link = Some(link.clone()));
        Ok(link)
    }

    /// A file the gateway keeps for us.
    pub async fn fetch(&self, id: &str) -> Result<Vec<u8>, Failure> {
        let known = lock(&self.token).clone();
        let token = match known {
            Some(token) => token,
            None => self.sign_in().await?,
        };
        let answer = self.client.get(self.files.replace("{id}", id)).bearer_auth(token).send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        self.book.sent("file", Some(id), None, status == 200, status.to_string());
        if status == 200 { Ok(body.to_vec()) } else { Err(Failure::Answer { status, body: String::new() }) }
    }

    /// Fetches the documents of a result that were told of and are not here yet, in a task of its own.
    pub(super) fn fetch_new(self: &Arc<Self>, code: &str) {
        let wanted = self.dossier(code).map(|d| d.documents).unwrap_or_default().into_iter().filter(|d| !d.fetched);
        for document in wanted {
            let (portal, code) = (Arc::clone(self), code.to_owned());
            tokio::spawn(async move {
                for wait in [0, 200, 1000] {
                    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
                    if portal.fetch(&document.id).await.is_ok_and(|c| seal::sha256(&c) == document.digest) {
                        let mark = |d: &mut Fetched| d.fetched |= d.id == document.id;
                        portal.with(&code, |filed| filed.documents.iter_mut().for_each(mark));
                        break;
                    }
                }
            });
        }
    }

    async fn sent(&self, operation: &str, dossier: Option<&str>, request: reqwest::RequestBuilder) -> Result<Reply, Failure> {
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let retry_after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
            let body = answer.bytes().await?;
            Ok::<_, Failure>(Reply { status, body: serde_json::from_slice(&body).unwrap_or_default(), retry_after })
        }
        .await;
        let word = answer.as_ref().map_or_else(|_| "no answer".to_owned(), |r| r.status.to_string());
        self.book.sent(operation, None, dossier, answer.as_ref().is_ok_and(Reply::ok), word);
        answer
    }
}

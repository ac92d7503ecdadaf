//! The citizen's payment and what the platform tells the gateway of it: again and again until `return_code` 0.
//!
//! A notice's content never changes between attempts. After the acknowledgement the same notice is sent once more, as the
//! real platform does; the answer to that one is only noted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::Failure;
use super::{Payment, check};

/// The longest wait between two attempts of one notice.
const SLOWEST: Duration = Duration::from_secs(5);

/// What is wrong with a notice sent by a test's hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// Nothing: it is what the platform would send.
    Nothing,
    /// The seal.
    CheckSum,
    /// The amount, properly sealed.
    Amount,
    /// The merchant, properly sealed.
    Client,
}

// === impl Payment ===

impl Payment {
    /// The citizen pays: the transaction is paid and the gateway is told until it acknowledges. False: no such transaction.
    /// Paying a second time only tells again.
    pub fn pay(self: &Arc<Self>, id: &str) -> bool {
        let now = self.book.now_ms();
        let paid = self.with(id, |t| {
            t.state = "paid";
            t.paid_at_ms.get_or_insert(now);
        });
        self.tell(id, paid)
    }

    /// The citizen's payment fails; the gateway is told that too. A paid transaction stays paid.
    pub fn fail(self: &Arc<Self>, id: &str) -> bool {
        let failed = self.with(id, |t| {
            if t.state == "pending" {
                t.state = "failed";
            }
        });
        self.tell(id, failed)
    }

    /// Marks a transaction paid without telling the gateway, as when every notice is lost.
    pub fn pay_silently(&self, id: &str) -> bool {
        let now = self.book.now_ms();
        self.with(id, |t| (t.state, t.paid_at_ms) = ("paid", Some(now))).is_some()
    }

    /// Sends one notice, right or wrong, and gives the gateway's answer.
    pub async fn notify_once(&self, id: &str, wrong: Wrong) -> Result<Value, Failure> {
        let Some(mut notice) = self.notice(id) else {
            return Err(Failure::Role(format!("no transaction {id}")));
        };
        match wrong {
            Wrong::Nothing | Wrong::CheckSum => {}
            Wrong::Amount => {
                let amount = check::money(&notice, "trans_amount").unwrap_or_default();
                notice.insert("trans_amount".into(), amount.saturating_add(1000).into());
            }
            Wrong::Client => {
                notice.insert("client_id".into(), "NGUOI-KHAC".into());
            }
        }
        let sum = if wrong == Wrong::CheckSum { "0".repeat(64) } else { check::sum(&self.key_2, &notice, &check::SEALED) };
        notice.insert("check_sum".into(), sum.into());
        self.send(id, &notice).await
    }

    fn tell(self: &Arc<Self>, id: &str, known: Option<()>) -> bool {
        if known.is_some() {
            let (platform, id) = (Arc::clone(self), id.to_owned());
            tokio::spawn(async move { platform.tell_until_heard(&id).await });
        }
        known.is_some()
    }

    async fn tell_until_heard(&self, id: &str) {
        let Some(notice) = self.notice(id) else { return };
        let mut wait = self.pace.max(Duration::from_millis(1));
        loop {
            let heard =
                self.send(id, &notice).await.is_ok_and(|a| a.get("return_code").and_then(check::raw).as_deref() == Some("0"));
            if heard {
                break;
            }
            if *self.stop.borrow() {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(SLOWEST);
        }
        self.with(id, |t| t.acknowledged = true);
        for _ in 0..1 + u32::from(self.weather.twice()) {
            let _ = self.send(id, &notice).await;
        }
    }

    /// The notice of a transaction's present state, sealed.
    fn notice(&self, id: &str) -> Option<Map<String, Value>> {
        let t = self.with(id, |t| t.clone())?;
        let mut notice = Map::new();
        let copied = ["client_id", "transaction_id", "trans_amount", "command", "addition_fee", "version", "description"];
        for name in copied.into_iter().chain(["locale", "country_code", "currency_code", "environment"]) {
            notice.insert(name.into(), t.request.get(name).cloned().unwrap_or_default());
        }
        notice.insert("transaction_code".into(), t.transaction_code.into());
        notice.insert("payment_fee".into(), 0.into());
        notice.insert("status".into(), json!(if t.state == "paid" { 0 } else { 1 }));
        let sum = check::sum(&self.key_2, &notice, &check::SEALED);
        notice.insert("check_sum".into(), sum.into());
        Some(notice)
    }

    async fn send(&self, id: &str, notice: &Map<String, Value>) -> Result<Value, Failure> {
        let dossier = self.with(id, |t| {
            t.notices += 1;
            t.dossier.clone()
        });
        let body = serde_json::to_string(notice).unwrap_or_default();
        let request =
            self.client.post(format!("{}/thong-bao", self.gateway)).header("content-type", "application/json").body(body);
        let answer = async {
            let answer = request.send().await?;
            let (status, body) = (answer.status().as_u16(), answer.text().await?);
            serde_json::from_str::<Value>(&body).map_err(|_| Failure::Answer { status, body })
        }
        .await;
        let code = answer.as_ref().ok().and_then(|a| a.get("return_code")).and_then(check::raw);
        let word = code.clone().map_or_else(|| "no answer".to_owned(), |c| format!("return_code {c}"));
        self.book.sent("notice", Some(id), dossier.as_deref(), code.as_deref() == Some("0"), word);
        answer
    }
}

//! The end, judged from the books: the gateway's journal, the portal's book, the Ministry's and the payment platform's, dossier by dossier.

use super::cast::{Actor, Cast};
use super::stage::Stage;
use super::{Arguments, Failed, screen};
use crate::journal::{DeliveryFilter, DeliveryState, DeliveryView};
use crate::model::Status;
use crate::simulator::{Dossier, Edition, Filed, Transaction};
use std::time::Duration;

/// How long the books may take to agree after the portal has heard everything.
const SETTLING: Duration = Duration::from_secs(10);

/// What all books say.
pub(super) struct Tally {
    rows: Vec<Row>,
    /// Transactions paid, in the platform's book.
    paid: usize,
    /// Parked deliveries in the journal.
    parked: Vec<DeliveryView>,
}

/// One dossier in all books.
struct Row {
    actor: Actor,
    /// Status in the gateway's journal.
    gateway: Option<Status>,
    portal: Option<Filed>,
    ministry: Option<Dossier>,
    payments: Vec<Transaction>,
    deliveries: Vec<DeliveryView>,
}

// === impl Tally ===

impl Tally {
    /// Reads the books until all is well, or for a bounded time.
    pub(super) async fn settled(stage: &Stage, cast: &Cast, arguments: &Arguments) -> Result<Self, Failed> {
        let tries = SETTLING.as_millis() / 200;
        let mut tally = Self::read(stage, cast, arguments).await?;
        for _ in 0..tries {
            // What the switches hide will not appear by waiting.
            if tally.missing().is_empty() || arguments.hide_dossier || arguments.hide_payment {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            tally = Self::read(stage, cast, arguments).await?;
        }
        Ok(tally)
    }

    async fn read(stage: &Stage, cast: &Cast, arguments: &Arguments) -> Result<Self, Failed> {
        let told = |e: crate::journal::JournalError| Failed::because(format!("the journal cannot be read: {e}"));
        let mut dossiers = stage.ministry.dossiers();
        let mut transactions = stage.payment.transactions();
        if arguments.hide_dossier {
            dossiers.pop();
        }
        if let (true, Some(at)) = (arguments.hide_payment, transactions.iter().position(|t| t.state == "paid")) {
            transactions.remove(at);
        }
        let mut rows = Vec::new();
        for actor in cast.actors() {
            let code = actor.code.clone().unwrap_or_default();
            let snapshot = stage.gateway.journal.snapshot(&code).await.map_err(told)?;
            let mut deliveries = snapshot.open.clone();
            for state in [DeliveryState::Done, DeliveryState::Rejected, DeliveryState::Closed] {
                let filter =
                    DeliveryFilter { dossier: Some(code.clone()), state: Some(state), limit: 1000, ..DeliveryFilter::default() };
                deliveries.extend(stage.gateway.journal.deliveries(filter).await.map_err(told)?);
            }
            rows.push(Row {
                gateway: snapshot.dossier.map(|d| d.status),
                portal: stage.portal.dossier(&code),
                ministry: dossiers.iter().find(|d| d.code == code).cloned(),
                payments: transactions.iter().filter(|t| t.dossier == code).cloned().collect(),
                deliveries,
                actor,
            });
        }
        let filter = DeliveryFilter { state: Some(DeliveryState::Parked), limit: 1000, ..DeliveryFilter::default() };
        let parked = stage.gateway.journal.deliveries(filter).await.map_err(told)?;
        Ok(Self { rows, paid: transactions.iter().filter(|t| t.state == "paid").count(), parked })
    }

    fn finals(&self) -> usize {
        self.rows.iter().filter(|r| r.is_final()).count()
    }

    fn lost(&self) -> usize {
        self.rows.iter().filter(|r| r.is_lost()).count()
    }

    fn to_be_paid(&self) -> usize {
        self.rows.iter().filter(|r| r.actor.part.pays()).count()
    }

    /// What is not as it should be, a sentence each; empty: all is well.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing: Vec<String> = self.rows.iter().flat_map(Row::missing).collect();
        if self.paid != self.to_be_paid() {
            missing.push(format!("paid at the platform: {} fees, should be {}", self.paid, self.to_be_paid()));
        }
        missing.extend(self.parked.iter().map(|d| {
            let (reason, n) = (d.reason.as_deref().unwrap_or("no reason"), d.delivery);
            format!("parked: delivery {n} to {} ({}): {reason}; lienthong deliveries release {n} --reason …", d.partner, d.route)
        }));
        missing
    }

    /// For programs: one line, its fields in this order.
    pub(super) fn json(&self) -> String {
        format!(
            r#"{{"dossiers":{},"final":{},"paid":{},"parked":{},"lost":{}}}"#,
            self.rows.len(),
            self.finals(),
            self.paid,
            self.parked.len(),
            self.lost()
        )
    }

    /// For people.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} dossiers · {} where they should be, alike at gateway, portal and Ministry · {} of {} fees paid · {} parked · {} lost",
            self.rows.len(),
            self.finals(),
            self.paid,
            self.to_be_paid(),
            self.parked.len(),
            self.lost()
        )
    }

    /// Dossier by dossier.
    pub(super) fn table(&self) -> String {
        let head = ["dossier", "procedure", "form", "status", "fee", "deliveries", "time"];
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        screen::table(&head, &rows)
    }

    /// What the partners' books say of our manners.
    pub(super) fn remarks(&self, stage: &Stage) -> Vec<String> {
        let mut remarks = Vec::new();
        for (who, book) in [("portal", &stage.portal.book), ("Ministry", &stage.ministry.book), ("platform", &stage.payment.book)]
        {
            let (summary, violations) = (book.summary(), book.violations());
            remarks.push(format!(
                "{who}: {} calls taken, {} repeated, {} that broke its contract",
                summary.calls, summary.repeats, summary.violations
            ));
            remarks.extend(violations.iter().take(5).map(|(call, what)| format!("  call {call}: {what}")));
        }
        remarks.push(String::new());
        remarks
    }
}

// === impl Row ===

impl Row {
    fn is_final(&self) -> bool {
        let end = self.actor.part.end();
        let portal = self.portal.as_ref().is_some_and(|d| d.status == end.code());
        let ministry = self.ministry.as_ref().is_some_and(|d| d.status == end.code());
        self.gateway == Some(end) && portal && ministry
    }

    /// Acknowledged to the portal, and neither at the Ministry nor kept here with a reason.
    fn is_lost(&self) -> bool {
        let kept = self.deliveries.iter().any(|d| {
            d.state == DeliveryState::Parked
                || (matches!(d.state, DeliveryState::Closed | DeliveryState::Rejected) && d.reason.is_some())
        });
        self.portal.as_ref().is_some_and(|d| d.acknowledged) && self.ministry.is_none() && !kept
    }

    fn missing(&self) -> Vec<String> {
        let (end, mut missing) = (self.actor.part.end(), Vec::new());
        let code = self.actor.code.clone().unwrap_or_else(|| format!("dossier {} (no code)", self.actor.number));
        if let Some(trouble) = &self.actor.trouble {
            missing.push(format!("{code}: {trouble}"));
        }
        let told = |status: Option<u8>| {
            let status = status.and_then(Status::of_code);
            status.map_or("not known", Status::vietnamese)
        };
        if !self.is_final() {
            missing.push(format!(
                "{code}: should be “{}”; gateway “{}”, portal “{}”, Ministry “{}”",
                end.vietnamese(),
                self.gateway.map_or("not known", Status::vietnamese),
                told(self.portal.as_ref().map(|d| d.status)),
                told(self.ministry.as_ref().map(|d| d.status)),
            ));
            // What the Ministry last told and was not heard.
            let unheard = self.ministry.as_ref().and_then(|d| d.pushes.last()).filter(|p| !p.acknowledged());
            missing.extend(unheard.map(|p| {
                format!(
                    "{code}: the Ministry told status {} {} times, the gateway answered {}: {}",
                    p.status, p.attempts, p.code, p.text
                )
            }));
        }
        let documents = self.portal.as_ref().map_or(&[][..], |d| &d.documents);
        if end == Status::Returned && !(documents.iter().any(|d| d.fetched) && documents.iter().all(|d| d.fetched)) {
            missing.push(format!("{code}: the portal has not fetched the result's document"));
        }
        if self.actor.part.pays() && !self.payments.iter().any(|t| t.state == "paid") {
            missing.push(format!("{code}: its fee is not paid at the platform"));
        }
        missing
    }

    fn cells(&self) -> Vec<String> {
        let fee = self.payments.iter().find(|t| t.state == "paid").map_or_else(
            || self.ministry.as_ref().and_then(|d| d.fee_due).map_or_else(|| "-".to_owned(), screen::money),
            |t| format!("{} đã nộp", screen::money(t.amount)),
        );
        let done = self.deliveries.iter().filter(|d| d.state == DeliveryState::Done).count();
        let all = self.deliveries.len();
        vec![
            self.actor.code.clone().unwrap_or_else(|| "-".to_owned()),
            self.actor.service.procedure().to_owned(),
            if self.actor.edition == Edition::Of2019 { "2019" } else { "2025" }.to_owned(),
            self.gateway.map_or("-", Status::vietnamese).to_owned(),
            fee,
            if done == all { done.to_string() } else { format!("{done} of {all}") },
            self.actor.took.map_or_else(|| "-".to_owned(), |t| format!("{:.1} s", t.as_secs_f64())),
        ]
    }
}

//! Waiting for the outcome: for the journal's word that the deliveries a message caused are settled, or that a payment has its link.
//!
//! Only the journal is waited for. The time over, the caller gets its receipt: everything is on disk and goes on without it.

use super::read::No;
use super::take::Taken;
use super::{Call, Intake, Reply};
use crate::body::json;
use crate::catalogue::InRoute;
use crate::exchange::Refusal;
use crate::journal::{DeliveryState, JournalError, Notice};
use crate::model::PaymentState;
use tokio::sync::broadcast;

/// What was seen of a payment.
enum Seen {
    Link(String, String),
    Waiting,
    Paid,
    Refused,
}

// === impl Intake ===

impl Intake {
    /// The answer to a message that was taken, after the wait its caller or route asks for.
    pub(super) async fn outcome(
        &self,
        call: &Call,
        route: &InRoute,
        mut taken: Taken,
        notices: Option<broadcast::Receiver<Notice>>,
    ) -> Result<Reply, No> {
        let patience = self.patience(call, route);
        let mut over = false;
        if let (Some(time), Some(dossier), Some(notices)) = (patience, taken.dossier.clone(), notices) {
            over = if taken.pending {
                tokio::time::timeout(time, self.link(&dossier, &mut taken, notices))
                    .await
                    .map_or(Ok(true), |r| r.map(|()| false))?
            } else if taken.caused.is_empty() {
                false
            } else {
                let settled = self.settled(&dossier, &taken.caused, notices);
                tokio::time::timeout(time, settled).await.map_or(Ok(true), |r| r.map(|()| false))?
            };
        }
        let replies = &route.replies;
        let late = taken.pending || over && replies.waited.is_some();
        let (key, status) = match late {
            // Where nothing is named for it, what is pending is told in canonical JSON.
            true => ("waited", 202),
            // A caller that asked to wait learns that the outcome is still open (RFC 7240).
            false if over && call.wait.is_some() => ("accepted", 202),
            false => ("accepted", 200),
        };
        let mut reply = self.answer(&call.partner, (route, key), &[&taken.receipt], status)?;
        reply.dossier = taken.dossier;
        reply.waited = call.wait.and(patience).map(|p| p.as_secs());
        Ok(reply)
    }

    /// Returns once none of these deliveries is on its way any more.
    async fn settled(&self, dossier: &str, ids: &[String], mut notices: broadcast::Receiver<Notice>) -> Result<(), No> {
        loop {
            let snapshot = self.journal.snapshot(dossier).await?;
            let on_its_way =
                |s: DeliveryState| matches!(s, DeliveryState::Waiting | DeliveryState::Claimed | DeliveryState::Unknown);
            if !snapshot.open.iter().any(|d| ids.contains(&d.id) && on_its_way(d.state)) {
                return Ok(());
            }
            next(&mut notices, dossier).await?;
        }
    }

    /// Returns once the dossier's open transaction has its link; refused when the platform refused it.
    async fn link(&self, dossier: &str, taken: &mut Taken, mut notices: broadcast::Receiver<Notice>) -> Result<(), No> {
        loop {
            match self.seen(dossier).await? {
                Seen::Link(transaction, url) => {
                    taken.pending = false;
                    if let Some(map) = taken.receipt.as_object_mut() {
                        map.insert("transaction", json!(transaction));
                        map.insert("url", json!(url));
                    }
                    return Ok(());
                }
                Seen::Paid => return Err(Refusal::fee_paid().into()),
                Seen::Refused => {
                    return Err(Refusal::new(
                        "payment-refused",
                        502,
                        "Nền tảng thanh toán từ chối yêu cầu; xin thử lại sau.",
                        "The payment platform refused the request; try again later.",
                    )
                    .into());
                }
                Seen::Waiting => next(&mut notices, dossier).await?,
            }
        }
    }

    async fn seen(&self, dossier: &str) -> Result<Seen, No> {
        let snapshot = self.journal.snapshot(dossier).await?;
        // The fee's own transaction: an attempt whose link was lost may still be watched beside it.
        let current = snapshot.dossier.and_then(|d| d.fee).and_then(|f| f.transaction);
        let open = snapshot.payments.into_iter().find(|p| Some(&p.transaction) == current.as_ref());
        Ok(match open.map(|p| (p.state, p.link, p.transaction)) {
            Some((PaymentState::Requested, Some(url), transaction)) => Seen::Link(transaction, url),
            Some((PaymentState::Requested, None, _)) => Seen::Waiting,
            Some((PaymentState::Paid, ..)) => Seen::Paid,
            _ => Seen::Refused,
        })
    }
}

/// Waits for news of a dossier. What was missed is looked up again.
async fn next(notices: &mut broadcast::Receiver<Notice>, dossier: &str) -> Result<(), No> {
    loop {
        match notices.recv().await {
            Ok(notice) if notice.dossier.as_deref().is_none_or(|d| d == dossier) => return Ok(()),
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return Ok(()),
            Err(broadcast::error::RecvError::Closed) => return Err(JournalError::Closed.into()),
        }
    }
}

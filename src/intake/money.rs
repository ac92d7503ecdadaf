//! An operator's word on money: what a dossier owes, and what goes back. Looked at, decided by `exchange`, written by the journal; anew when
//! something has changed meanwhile, so that two at once are judged one after the other.

use super::Intake;
use super::read::{overloaded, unavailable};
use super::take::ROUNDS;
use crate::exchange::{self, Figure, RefundStep, Refusal};
use crate::journal::{CaseFilter, CaseView, Snapshot};
use crate::model::{Refund, Vnd};

/// Open cases of a dossier that an act may settle.
const MOST_CASES: u32 = 100;

// === impl Intake ===

impl Intake {
    /// Settles what a dossier owes from now on; the dossier as it then is. Synced when answered.
    pub async fn decide_fee(&self, code: &str, figure: Figure, reason: &str, who: &str) -> Result<Snapshot, Refusal> {
        for _ in 0..ROUNDS {
            let sight = self.operators_sight(Some(code)).await?;
            let cases = self.open_cases(code).await?;
            let effects =
                self.operators_scene(who, &sight, |s| exchange::decide_fee(s, figure, reason, &sight.snapshot, &cases))?;
            if self.journal.apply(effects).await.map_err(|e| unavailable(&e))? {
                return self.journal.snapshot(code).await.map_err(|e| unavailable(&e));
            }
        }
        Err(overloaded())
    }

    /// Asks for a refund and reserves its sum (none: all that is left). Synced when answered.
    pub async fn refund(&self, transaction: &str, amount: Option<Vnd>, reason: &str, who: &str) -> Result<Refund, Refusal> {
        for _ in 0..ROUNDS {
            let payment = self.journal.payment(transaction).await.map_err(|e| unavailable(&e))?;
            let sight = self.operators_sight(payment.as_ref().map(|p| p.dossier.as_str())).await?;
            let act = |s: &exchange::Scene<'_>| exchange::refund(s, transaction, amount, reason, &sight.snapshot);
            let (effects, refund) = self.operators_scene(who, &sight, act)?;
            if self.journal.apply(effects).await.map_err(|e| unavailable(&e))? {
                return Ok(refund);
            }
        }
        Err(overloaded())
    }

    /// Tells what became of a refund. Synced when answered.
    pub async fn refund_step(&self, id: &str, step: &RefundStep, who: &str) -> Result<Refund, Refusal> {
        for _ in 0..ROUNDS {
            let code = self.journal.refund(id).await.map_err(|e| unavailable(&e))?.map(|r| r.dossier);
            let sight = self.operators_sight(code.as_deref()).await?;
            let cases = self.open_cases(code.as_deref().unwrap_or_default()).await?;
            let act = |s: &exchange::Scene<'_>| exchange::refund_step(s, id, step, &sight.snapshot, &cases);
            let (effects, refund) = self.operators_scene(who, &sight, act)?;
            if self.journal.apply(effects).await.map_err(|e| unavailable(&e))? {
                return Ok(refund);
            }
        }
        Err(overloaded())
    }

    async fn open_cases(&self, code: &str) -> Result<Vec<CaseView>, Refusal> {
        let filter = CaseFilter { dossier: Some(code.to_owned()), open: Some(true), limit: MOST_CASES, ..CaseFilter::default() };
        self.journal.cases(filter).await.map_err(|e| unavailable(&e))
    }
}

//! An operator's word on a case or a delivery: looked at, decided by `exchange`, written by the journal; anew when something has changed meanwhile.

use super::Intake;
use super::decide::Sight;
use super::read::{overloaded, unavailable};
use super::take::ROUNDS;
use crate::exchange::{self, Files, Guide, Origin, Refusal, Scene, Service};
use crate::journal::{CaseDetail, CaseWord, Effects, Snapshot};
use crate::model::Mint;

// === impl Intake ===

impl Intake {
    /// Notes, closes or decides a case; the case as it then is. Synced when answered.
    pub async fn case(&self, case: u64, word: &CaseWord, reason: &str, who: &str) -> Result<CaseDetail, Refusal> {
        for _ in 0..ROUNDS {
            let detail = self.journal.case(case).await.map_err(|e| unavailable(&e))?.ok_or_else(Refusal::no_case)?;
            let sight = self.operators_sight(detail.view.dossier.as_deref()).await?;
            let step = |scene: &Scene<'_>| exchange::case_step(scene, &detail.view, word, reason, &sight.snapshot);
            let effects = self.operators_scene(who, &sight, step)?;
            if self.journal.apply(effects).await.map_err(|e| unavailable(&e))? {
                return self.journal.case(case).await.map_err(|e| unavailable(&e))?.ok_or_else(Refusal::no_case);
            }
        }
        Err(overloaded())
    }

    /// Closes a delivery whose end means something for its dossier or for money, with all it causes; false: it just ends, and nothing was
    /// done. Synced when answered.
    pub async fn close_delivery(&self, delivery: u64, reason: &str, who: &str) -> Result<bool, Refusal> {
        self.on_delivery(delivery, who, |scene, snapshot| exchange::closed_by_operator(scene, delivery, reason, snapshot)).await
    }

    /// The same for an operator's verdict that the other side has it.
    pub async fn delivery_received(&self, delivery: u64, reason: &str, who: &str) -> Result<bool, Refusal> {
        self.on_delivery(delivery, who, |scene, snapshot| exchange::received_by_operator(scene, delivery, reason, snapshot)).await
    }

    async fn on_delivery(
        &self,
        delivery: u64,
        who: &str,
        act: impl Fn(&Scene<'_>, &Snapshot) -> Option<Effects>,
    ) -> Result<bool, Refusal> {
        let Some(detail) = self.journal.delivery(delivery).await.map_err(|e| unavailable(&e))? else { return Ok(false) };
        for _ in 0..ROUNDS {
            let sight = self.operators_sight(detail.view.dossier.as_deref()).await?;
            let act = |scene: &Scene<'_>| act(scene, &sight.snapshot);
            let Some(effects) = self.operators_scene(who, &sight, act) else { return Ok(false) };
            if self.journal.apply(effects).await.map_err(|e| unavailable(&e))? {
                return Ok(true);
            }
        }
        Err(overloaded())
    }

    /// What an operator's act about a dossier (none: about none) looks at.
    pub(super) async fn operators_sight(&self, dossier: Option<&str>) -> Result<Sight, Refusal> {
        let now = self.clock.now();
        let snapshot = match dossier {
            Some(code) => self.journal.snapshot(code).await.map_err(|e| unavailable(&e))?,
            None => Snapshot::default(),
        };
        let known = self.known();
        let service = snapshot.dossier.as_ref().and_then(|d| Service::of_dossier(&known.catalogue, d));
        Ok(Sight { known, now, snapshot, service, files: Files::new() })
    }

    /// Runs `act` with the scene of an operator's act: what it causes goes out as if the dossier's own portal had caused it.
    pub(super) fn operators_scene<T>(&self, who: &str, sight: &Sight, act: impl FnOnce(&Scene<'_>) -> T) -> T {
        let mint = Mint::new(self.random.as_ref(), sight.now);
        let portal = sight.snapshot.dossier.as_ref().map(|d| d.portal.as_str());
        let none = Guide::default();
        let guide = portal.and_then(|p| sight.known.guide_of(p)).unwrap_or(&none);
        let origin = Origin { caller: who.to_owned(), ..Origin::default() };
        let service = sight.service.as_ref();
        act(&Scene { now: sight.now, mint: &mint, origin: &origin, guide, service, files: &sight.files })
    }
}

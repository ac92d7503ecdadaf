//! Transactions whose time is over, and early moves that wait too long: looked for now and then, judged by `exchange`, written by the
//! journal. A stale look is taken again at the next round.

use crate::clock::Clock;
use crate::exchange::{self, Current, Files, Guide, Origin, Scene};
use crate::journal::{Journal, JournalError};
use crate::model::Mint;
use crate::seal::Random;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);

/// An early move that waits longer is shown to a person.
const EARLY: Duration = Duration::from_secs(3600);

/// At most so many a round.
const MOST: u32 = 200;

/// Runs until stopped.
pub(super) async fn run(
    journal: Arc<dyn Journal>,
    current: Arc<Current>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|s| *s) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = round(journal.as_ref(), current.now().guide(), clock.as_ref(), random.as_ref()).await {
            tracing::warn!(%error, "transactions whose time is over could not be looked at; trying again");
        }
    }
}

/// One look.
pub(super) async fn round(
    journal: &dyn Journal,
    guide: &Guide,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(), JournalError> {
    let now = clock.now();
    for payment in journal.expiring(now, MOST).await? {
        let snapshot = journal.snapshot(&payment.dossier).await?;
        let mint = Mint::new(random, now);
        let origin = Origin { partner: payment.partner.clone(), caller: "gateway".to_owned(), ..Origin::default() };
        let files = Files::default();
        let scene = Scene { now, mint: &mint, origin: &origin, guide, service: None, files: &files };
        let effects = exchange::expired(&scene, &payment, &snapshot);
        if !journal.apply(effects).await? {
            tracing::debug!(transaction = %payment.transaction, "changed meanwhile; looked at again");
        }
    }
    let before = now.plus_ms(-i64::try_from(EARLY.as_millis()).unwrap_or(i64::MAX));
    for early in journal.early_since(before, MOST).await? {
        let snapshot = journal.snapshot(&early.dossier).await?;
        let mint = Mint::new(random, now);
        let partner = snapshot.dossier.as_ref().and_then(|d| d.ministry.clone()).unwrap_or_default();
        let origin = Origin { partner, caller: "gateway".to_owned(), ..Origin::default() };
        let files = Files::default();
        let scene = Scene { now, mint: &mint, origin: &origin, guide, service: None, files: &files };
        journal.apply(exchange::early_waits(&scene, &early, &snapshot)).await?;
    }
    Ok(())
}

//! The wall is set while the gateway runs: what waits moves with it, then the gateway's clock follows.
//!
//! Always: what waits keeps its length of time, whichever way the wall was set, and a doubtful call is not asked to be clear any sooner. The
//! gateway shows the old time until the journal has moved its times.

use crate::clock::{Clock, Steady};
use crate::journal::SqliteJournal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the wall is looked at.
const EVERY: Duration = Duration::from_millis(250);

/// What is less is no step: the wall is corrected by so much without being set.
const STEP_MS: i64 = 250;

/// Runs until stopped.
pub(super) async fn run(clock: Arc<Steady<Box<dyn Clock>>>, journal: Arc<SqliteJournal>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|s| *s) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let off = clock.off();
        if off.abs() < STEP_MS {
            // Drift: adopted as it comes, too small to cut a wait.
            clock.adopt(off);
            continue;
        }
        match journal.shift(clock.now(), off).await {
            Ok(()) => {
                clock.adopt(off);
                tracing::warn!(ms = off, "the machine's clock was set; what waits was moved with it");
            }
            Err(error) => tracing::warn!(%error, "the machine's clock was set; what waits could not be moved yet, trying again"),
        }
    }
}

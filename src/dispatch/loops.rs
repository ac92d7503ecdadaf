//! Which partners have a loop: those of the set in force that take calls. A new set gives a loop to who comes and ends that of who goes;
//! a loop that ended by a panic is begun anew after a moment.

use super::{Shared, lanes};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

/// How long a loop that broke stays away.
const BREATH: Duration = Duration::from_secs(1);

/// Runs until stopped and every loop has ended. `news`: a new set is in force.
pub(super) async fn keep(shared: Arc<Shared>, mut news: watch::Receiver<()>, mut stopped: watch::Receiver<bool>) {
    let mut loops = JoinSet::new();
    let mut running: BTreeMap<Id, String> = BTreeMap::new();
    while !*stopped.borrow() {
        news.mark_unchanged();
        let known = shared.parts.current.now();
        for partner in known.catalogue.partners.values().filter(|p| !p.outs.is_empty()) {
            if !running.values().any(|name| *name == partner.name) {
                let task = loops.spawn(lanes::run(shared.clone(), partner.clone(), stopped.clone()));
                running.insert(task.id(), partner.name.clone());
            }
        }
        tokio::select! {
            // Credentials may be other ones.
            _ = news.changed() => shared.tokens.clear().await,
            _ = stopped.changed() => {}
            Some(ended) = loops.join_next_with_id() => {
                let broke = ended.is_err();
                let partner = running.remove(&ended.map_or_else(|e| e.id(), |(id, ())| id));
                if broke {
                    tracing::error!(partner = partner.as_deref(), "a partner's loop ended by a panic; it is begun anew");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
    while loops.join_next().await.is_some() {}
}

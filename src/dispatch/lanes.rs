//! A partner's loop: looks what may begin now (pace, breaker, calls at once), claims it, starts it, waits for whatever comes first.

use super::{Shared, attempt, gate_words};
use crate::catalogue::Partner;
use crate::clock::Time;
use crate::delivery::{Breaker, Gate, Outcome, Pace, Trouble};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Claims are taken together for calls that may begin within this time; each waits for its own moment.
const AHEAD: Duration = Duration::from_millis(20);

/// The longest sleep: a clock step or a missed wake-up costs at most this.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A partner's state between two rounds. `pace` and `breaker` are pure values; all waiting is in [`run`].
struct Lanes {
    partner: Arc<Partner>,
    pace: Pace,
    breaker: Breaker,
    in_flight: u32,
}

/// Runs until stopped, then waits for what is under way.
pub(super) async fn run(shared: Arc<Shared>, partner: Arc<Partner>, mut stopped: watch::Receiver<bool>) {
    let journal = shared.parts.journal.clone();
    let mut wake = journal.wake();
    let saved = journal.tat(&partner.name).await.unwrap_or_default();
    let now = shared.parts.clock.now();
    let quota = partner.limits.out.rate;
    let mut lanes =
        Lanes { pace: Pace::start(quota, saved, now), breaker: Breaker::new(shared.parts.breaker), in_flight: 0, partner };
    let mut calls: JoinSet<Option<Outcome>> = JoinSet::new();
    while !*stopped.borrow() {
        wake.mark_unchanged();
        let sleep = lanes.round(&shared, &mut calls).await;
        lanes.show(&shared);
        tokio::select! {
            _ = wake.changed() => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stopped.changed() => {}
            Some(ended) = calls.join_next() => lanes.ended(&shared, ended),
        }
        while let Some(ended) = calls.try_join_next() {
            lanes.ended(&shared, ended);
        }
    }
    while calls.join_next().await.is_some() {}
}

// === impl Lanes ===

impl Lanes {
    /// Begins what may begin; answers how long nothing more can.
    async fn round(&mut self, shared: &Arc<Shared>, calls: &mut JoinSet<Option<Outcome>>) -> Duration {
        let now = shared.parts.clock.now();
        let limit = self.partner.limits.out.at_once;
        let free = match self.breaker.gate(now) {
            Gate::Pass(ramp) => limit.min(ramp).saturating_sub(self.in_flight),
            Gate::Probe => u32::from(self.in_flight < limit),
            Gate::Shut(until) => return until.map_or(LONGEST_SLEEP, |t| wait_for(t, now)),
        };
        self.pace.steady(now);
        let soon = now.plus(AHEAD);
        let count = self.pace.ready(soon, free);
        if count == 0 {
            let paced = self.pace.wait(soon);
            return if free == 0 { LONGEST_SLEEP } else { paced.min(LONGEST_SLEEP) };
        }
        // The saved state covers all that may begin: what is not used is only a little patience lost after a crash.
        let mut after = self.pace;
        (0..count).for_each(|_| after.take(soon));
        let claims = match shared
            .parts
            .journal
            .claim(&self.partner.name, count, now, Some(after.tat_ms()), &shared.parts.catalogue.digest)
            .await
        {
            Ok(claims) => claims,
            Err(error) => {
                tracing::error!(partner = %self.partner.name, %error, "no claims could be taken; trying again shortly");
                return LONGEST_SLEEP;
            }
        };
        let none = claims.is_empty();
        let healthy = self.breaker.is_healthy();
        if !none && self.breaker.gate(now) == Gate::Probe {
            self.breaker.probe();
        }
        for claim in claims {
            let now = shared.parts.clock.now();
            let wait = self.pace.wait(now);
            self.pace.take(now.plus(wait));
            self.in_flight += 1;
            calls.spawn(attempt::run(shared.clone(), self.partner.clone(), claim, wait, healthy));
        }
        if none { self.until_due(shared, now).await } else { Duration::ZERO }
    }

    /// How long until something of this partner is due.
    async fn until_due(&self, shared: &Arc<Shared>, now: Time) -> Duration {
        match shared.parts.journal.next_due(&self.partner.name).await {
            Ok(Some(due)) => wait_for(due, now).max(Duration::from_millis(1)),
            _ => LONGEST_SLEEP,
        }
    }

    /// Takes in how a call ended.
    fn ended(&mut self, shared: &Arc<Shared>, ended: Result<Option<Outcome>, tokio::task::JoinError>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let now = shared.parts.clock.now();
        let Ok(outcome) = ended else {
            tracing::error!(partner = %self.partner.name, "an attempt ended without an outcome; its delivery is asked after at the next start");
            self.breaker.unprobed();
            return;
        };
        // Our own fault, or nothing to send: no word about the partner.
        let Some(outcome) = outcome else {
            self.breaker.unprobed();
            return;
        };
        match outcome.trouble() {
            Trouble::None => self.breaker.well(),
            Trouble::Partner => {
                let not_before = match &outcome {
                    Outcome::Retry { not_before, .. } => *not_before,
                    _ => None,
                };
                let was_closed = self.breaker.is_closed();
                self.breaker.trouble(now, not_before);
                if was_closed && !self.breaker.is_closed() {
                    tracing::warn!(partner = %self.partner.name, why = outcome.why(), "paused: the partner seems out; queued messages wait");
                }
                shared.board.update(&self.partner.name, |s| s.trouble = outcome.why().map(str::to_owned));
            }
        }
    }

    fn show(&self, shared: &Arc<Shared>) {
        let (breaker, until) = gate_words(self.breaker.gate(shared.parts.clock.now()));
        let quota = self.pace.quota();
        let per_second = u64::from(quota.calls) * 1000 * 1000 / u64::try_from(quota.interval.as_millis()).unwrap_or(1).max(1);
        shared.board.update(&self.partner.name, |s| {
            (s.breaker, s.until, s.in_flight, s.rate_milli) = (breaker, until, self.in_flight, per_second);
        });
    }
}

fn wait_for(due: Time, now: Time) -> Duration {
    Duration::from_millis(u64::try_from(due.ms_since(now)).unwrap_or(0)).min(LONGEST_SLEEP)
}

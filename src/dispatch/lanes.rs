//! A partner's loop: looks what may begin now (feed, breaker), claims it, starts it, waits for whatever comes first.

use super::Shared;
use super::attempt::{self, Told};
use super::board::Measured;
use super::turns::Turns;
use crate::catalogue::Partner;
use crate::clock::Time;
use crate::delivery::{Breaker, Feed, Gate, Outcome, Saved, Trouble};
use crate::exchange::Known;
use crate::journal::{Claim, Take};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

/// The longest sleep: a clock step or a missed wake-up costs at most this.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// With nothing due and no wake-up, one look at the journal in so long all the same.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// Claims taken in one transaction at most.
const MOST_AT_A_TIME: u32 = 256;

/// A partner's state between two rounds. `feed` and `breaker` are pure values; all waiting is in [`run`].
struct Lanes {
    partner: Arc<Partner>,
    feed: Feed,
    /// Where each call takes its turn last.
    turns: Arc<Turns>,
    breaker: Breaker,
    /// Nothing is due before this, unless the journal wakes.
    idle: Option<Time>,
    /// The calls under way, by task: route, and when each began.
    calling: BTreeMap<Id, (String, Time)>,
    measured: Measured,
    /// By how much the clock has been set, as the feed knows it.
    set_by: i64,
}

/// Runs until stopped, or until a new set calls the partner no more or on other terms; then waits for what is under way. On other terms
/// it is begun anew, as after a start.
pub(super) async fn run(shared: Arc<Shared>, partner: Arc<Partner>, mut stopped: watch::Receiver<bool>) {
    let journal = shared.parts.journal.clone();
    let mut wake = journal.wake(&partner.name);
    let saved = journal.limits(&partner.name).await.unwrap_or_default().map(|text| Saved::parse(&text));
    let terms = &partner.limits.out;
    let feed = Feed::start(terms, &saved.unwrap_or_default(), shared.parts.clock.now());
    let full = terms.whole.at_once.unwrap_or(u32::MAX);
    let breaker = Breaker::new(shared.parts.breaker, full);
    let set_by = shared.parts.clock.set_by();
    let turns = Arc::new(Turns::of(terms, &*shared.parts.clock));
    let mut lanes =
        Lanes { partner, feed, turns, breaker, idle: None, calling: BTreeMap::new(), measured: Measured::default(), set_by };
    let mut calls: JoinSet<Option<Told>> = JoinSet::new();
    while !*stopped.borrow() {
        if wake.has_changed().unwrap_or(false) {
            wake.mark_unchanged();
            lanes.idle = None;
        }
        let known = shared.parts.current.now();
        if !lanes.follow(&known) {
            break;
        }
        let sleep = lanes.round(&shared, &known, &mut calls).await;
        shared.board.show(&lanes.partner.name, &lanes.feed, &lanes.breaker, &lanes.measured, shared.parts.clock.now());
        tokio::select! {
            _ = wake.changed() => lanes.idle = None,
            () = tokio::time::sleep(sleep) => {}
            _ = stopped.changed() => {}
            Some(ended) = calls.join_next_with_id() => lanes.ended(&shared, ended),
        }
        while let Some(ended) = calls.try_join_next_with_id() {
            lanes.ended(&shared, ended);
        }
    }
    while calls.join_next().await.is_some() {}
}

// === impl Lanes ===

impl Lanes {
    /// Takes over what a new set says of the partner; whether this loop goes on.
    fn follow(&mut self, known: &Known) -> bool {
        let Some(partner) = known.catalogue.partners.get(&self.partner.name).filter(|p| !p.outs.is_empty()) else { return false };
        let same = partner.limits.out == self.partner.limits.out;
        self.partner = Arc::clone(partner);
        same
    }

    /// Begins what may begin; answers how long nothing more can.
    async fn round(&mut self, shared: &Arc<Shared>, known: &Arc<Known>, calls: &mut JoinSet<Option<Told>>) -> Duration {
        self.keep_time(shared);
        let now = shared.parts.clock.now();
        if let Some((ramp, full)) = self.breaker.ramp() {
            self.feed.ramp(ramp, full);
        }
        self.feed.open(now);
        let (max, probe) = match self.breaker.gate(now) {
            Gate::Pass(ramp) => (ramp.saturating_sub(self.feed.in_flight()), false),
            Gate::Probe => (1, true),
            Gate::Shut(until) => return until.map_or(LONGEST_SLEEP, |t| wait_for(t, now)),
        };
        match self.feed.wait(now) {
            Some(Duration::ZERO) if max > 0 => {}
            // Only the end of a call helps, and that wakes.
            None | Some(Duration::ZERO) => return LONGEST_SLEEP,
            Some(wait) => return wait.min(LONGEST_SLEEP),
        }
        if let Some(idle) = self.idle.filter(|t| *t > now && *t <= now.plus(LONGEST_IDLE)) {
            return wait_for(idle, now);
        }
        let take = Take {
            partner: self.partner.name.clone(),
            max: max.min(MOST_AT_A_TIME),
            now,
            feed: self.feed.clone(),
            probe,
            adapters: known.catalogue.digest.clone(),
            batches: self.partner.outs.values().filter(|r| r.batch > 1).map(|r| (r.name.clone(), r.batch)).collect(),
        };
        let taken = match shared.parts.journal.claim(take).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::error!(partner = %self.partner.name, %error, "no claims could be taken; trying again shortly");
                return LONGEST_SLEEP;
            }
        };
        let healthy = self.breaker.is_healthy();
        if probe && !taken.claims.is_empty() {
            self.breaker.probe();
        }
        self.feed = taken.feed;
        self.keep_time(shared);
        for call in attempt::calls(taken.claims) {
            self.begin(shared, known, calls, (call, healthy));
        }
        if !taken.left {
            self.idle = Some(taken.next.unwrap_or(now.plus(LONGEST_IDLE)).min(now.plus(LONGEST_IDLE)));
        }
        taken.next.map_or(LONGEST_SLEEP, |next| wait_for(next, now).max(Duration::from_millis(1)))
    }

    /// Where the clock was set, what the feed remembers moves with it: no call begins sooner or later for that.
    fn keep_time(&mut self, shared: &Shared) {
        let set_by = shared.parts.clock.set_by();
        if set_by != self.set_by {
            self.feed.shift(set_by - self.set_by);
            (self.set_by, self.idle) = (set_by, None);
        }
    }

    fn begin(
        &mut self,
        shared: &Arc<Shared>,
        known: &Arc<Known>,
        calls: &mut JoinSet<Option<Told>>,
        (claims, healthy): (Vec<Claim>, bool),
    ) {
        let Some(route) = claims.first().map(|claim| claim.route.clone()) else { return };
        let now = shared.parts.clock.now();
        let wait = self.feed.begin(&route, now);
        let call = calls.spawn(attempt::run(shared.clone(), known.clone(), claims, (wait, self.turns.clone()), healthy));
        self.calling.insert(call.id(), (route, now.plus(wait)));
    }

    /// Takes in how a call ended.
    fn ended(&mut self, shared: &Arc<Shared>, ended: Result<(Id, Option<Told>), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let now = shared.parts.clock.now();
        let began = self.calling.remove(&id).map_or(now, |(route, began)| {
            self.feed.ended(&route);
            began
        });
        let Ok((_, told)) = ended else {
            tracing::error!(partner = %self.partner.name, "an attempt ended without an outcome; its delivery is asked after at the next start");
            self.breaker.unprobed();
            return;
        };
        // Our own fault, or nothing to send: no word about the partner.
        let Some(Told { outcome, over, left }) = told else {
            self.breaker.unprobed();
            return;
        };
        self.measured.call(Duration::from_millis(u64::try_from(now.ms_since(began)).unwrap_or(0)), over);
        if let Some((left, reset)) = left {
            self.feed.allow(now, left, reset);
        }
        match outcome.trouble() {
            Trouble::None => self.breaker.well(),
            Trouble::Partner => {
                let not_before = match &outcome {
                    Outcome::Retry { not_before, .. } => *not_before,
                    _ => None,
                };
                // Its own word holds for everything we would send it, not only for this message.
                if let Some(wait) = not_before {
                    self.feed.hold(now, wait);
                }
                let was_closed = self.breaker.is_closed();
                self.breaker.trouble(now, not_before);
                if was_closed && !self.breaker.is_closed() {
                    tracing::warn!(partner = %self.partner.name, why = outcome.why(), "paused: the partner seems out; queued messages wait");
                }
                shared.board.update(&self.partner.name, |s| s.trouble = outcome.why().map(str::to_owned));
            }
        }
    }
}

fn wait_for(due: Time, now: Time) -> Duration {
    Duration::from_millis(u64::try_from(due.ms_since(now)).unwrap_or(0)).min(LONGEST_SLEEP)
}

//! The moment a call begins, taken when it begins and not when it was planned.
//!
//! The feed plans: which message, and at which moment. Between that moment and the first byte lie a sign-in that may take seconds, a body to
//! write, and whatever the machine holds up: calls planned apart would then leave together. So each call takes its turn here, as the last
//! thing before it is sent, by the monotonic clock. A sign-in is a call too, for the partner counts it: it takes a turn of its own.
//!
//! What always holds: in any interval no more calls of a partner, sign-ins among them, and of each of its routes with a rate, pass than agreed,
//! however late they come. In the ordinary case nobody waits here. A partner that recovers is held to less by the feed; here stands the whole rate.

use crate::clock::{Clock, Time};
use crate::delivery::{Pace, Terms};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A partner's turns. Its default limits nothing.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<Paces>);

/// As begun, in time since the clock's start.
#[derive(Debug, Default)]
struct Paces {
    whole: Option<Pace>,
    routes: BTreeMap<String, Pace>,
}

// === impl Turns ===

impl Turns {
    /// After a start, or on other terms: every burst counts as used up.
    pub(super) fn of(terms: &Terms, clock: &dyn Clock) -> Self {
        let now = measured(clock);
        let routes = terms.routes.iter().filter_map(|(name, limit)| Some((name.clone(), Pace::start(limit.rate?, now))));
        Self(Mutex::new(Paces { whole: terms.whole.rate.map(|rate| Pace::start(rate, now)), routes: routes.collect() }))
    }

    /// Returns when a call of this route may begin; it counts as begun.
    pub(super) async fn pass(&self, route: &str, clock: &dyn Clock) {
        self.wait(Some(route), clock).await;
    }

    /// The same for a sign-in, which is of no route. (It does not count towards the day's calls: it is not planned, and one holds for many.)
    pub(super) async fn sign_in(&self, clock: &dyn Clock) {
        self.wait(None, clock).await;
    }

    async fn wait(&self, route: Option<&str>, clock: &dyn Clock) {
        loop {
            let wait = self.0.lock().unwrap_or_else(PoisonError::into_inner).take(route, measured(clock));
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }
}

// === impl Paces ===

impl Paces {
    /// Takes a turn, of all limits or of none; else how long until there is one.
    fn take(&mut self, route: Option<&str>, now: Time) -> Duration {
        let mut all = [self.whole.as_mut(), route.and_then(|route| self.routes.get_mut(route))];
        let wait = all.iter().flatten().map(|pace| pace.wait(now)).max().unwrap_or_default();
        if wait.is_zero() {
            all.iter_mut().flatten().for_each(|pace| pace.take_planned(now));
        }
        wait
    }
}

fn measured(clock: &dyn Clock) -> Time {
    Time::default().plus(clock.since_start())
}

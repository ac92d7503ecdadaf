//! The breaker: an outage is the partner's state, not the message's. While it is open no attempts are used up and nothing is
//! parked for it.
//!
//! Closed → (a run of troubles) → Open until a time → one probe → Closed again, or Open for longer. After recovery the number of
//! calls at once doubles from one up to the partner's own, each time after as many good answers, and its rate with it, so that a
//! partner that has just come back is not run over.

use crate::clock::Time;
use std::time::Duration;

/// When a partner counts as out, and how it is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// This many troubles in a row open it.
    pub troubles: u32,
    /// The first pause; doubles with each failed probe.
    pub first: Duration,
    /// No pause is longer.
    pub max: Duration,
}

/// A partner's breaker.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker {
    policy: BreakerPolicy,
    /// Calls at once when all is well.
    full: u32,
    state: State,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    /// Calls go out; at most `ramp` at once, `good` answers since it grew.
    Closed { troubles: u32, ramp: u32, good: u32 },
    /// No call before `until`; then one probe.
    Open { until: Time, pause: Duration, probing: bool },
}

/// What the breaker lets through now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// At most this many calls at once.
    Pass(u32),
    /// One call, to see whether the partner is back.
    Probe,
    /// Nothing before this time (`None`: a probe is under way).
    Shut(Option<Time>),
}

// === impl Breaker ===

impl Breaker {
    /// A closed breaker before a partner that takes `full` calls at once.
    #[must_use]
    pub fn new(policy: BreakerPolicy, full: u32) -> Self {
        let full = full.max(1);
        Self { policy, full, state: State::Closed { troubles: 0, ramp: full, good: 0 } }
    }

    /// What may go out now.
    #[must_use]
    pub fn gate(&self, now: Time) -> Gate {
        match self.state {
            State::Closed { ramp, .. } => Gate::Pass(ramp),
            State::Open { probing: true, .. } => Gate::Shut(None),
            // Further ahead than any pause is: the wall clock was set back.
            State::Open { until, .. } if now < until && now.plus(self.policy.max.max(self.policy.first)) >= until => {
                Gate::Shut(Some(until))
            }
            State::Open { .. } => Gate::Probe,
        }
    }

    /// The probe has begun.
    pub fn probe(&mut self) {
        if let State::Open { probing, .. } = &mut self.state {
            *probing = true;
        }
    }

    /// The partner answered in its senses (also a refusal of the message is an answer).
    pub fn well(&mut self) {
        self.state = match self.state {
            State::Open { .. } => State::Closed { troubles: 0, ramp: 1, good: 0 },
            State::Closed { ramp, good, .. } if good + 1 >= ramp => {
                State::Closed { troubles: 0, ramp: ramp.saturating_mul(2).min(self.full), good: 0 }
            }
            State::Closed { ramp, good, .. } => State::Closed { troubles: 0, ramp, good: good + 1 },
        };
    }

    /// The partner is in trouble: not reached, overloaded, broken answer. `not_before`: its own word when to come again.
    pub fn trouble(&mut self, now: Time, not_before: Option<Duration>) {
        self.state = match self.state {
            State::Closed { troubles, ramp, .. } if troubles + 1 < self.policy.troubles => {
                State::Closed { troubles: troubles + 1, ramp: (ramp / 2).max(1), good: 0 }
            }
            State::Closed { .. } => self.open(now, self.policy.first, not_before),
            State::Open { pause, probing: true, .. } => self.open(now, (pause * 2).min(self.policy.max), not_before),
            // A straggler that was under way when it opened says nothing new.
            State::Open { .. } => return,
        };
    }

    /// The probe ended without a word about the partner (nothing to send, our own fault): the next one may try.
    pub fn unprobed(&mut self) {
        if let State::Open { probing, .. } = &mut self.state {
            *probing = false;
        }
    }

    /// Calls at once it lets through now, of how many; none: it is open.
    #[must_use]
    pub fn ramp(&self) -> Option<(u32, u32)> {
        match self.state {
            State::Closed { ramp, .. } => Some((ramp, self.full)),
            State::Open { .. } => None,
        }
    }

    /// Whether calls go out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Closed, and the last answer was one in its senses.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        matches!(self.state, State::Closed { troubles: 0, .. })
    }

    fn open(&self, now: Time, pause: Duration, not_before: Option<Duration>) -> State {
        State::Open { until: now.plus(pause.max(not_before.unwrap_or_default().min(self.policy.max))), pause, probing: false }
    }
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { troubles: 5, first: Duration::from_secs(1), max: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(BreakerPolicy { troubles: 3, first: Duration::from_secs(1), max: Duration::from_secs(4) }, 8)
    }

    #[test]
    fn a_run_of_troubles_opens_it_and_a_good_answer_between_does_not() {
        let mut b = breaker();
        b.trouble(Time(0), None);
        b.trouble(Time(0), None);
        b.well();
        b.trouble(Time(0), None);
        assert!(b.is_closed());
        b.trouble(Time(0), None);
        b.trouble(Time(0), None);
        assert_eq!(b.gate(Time(999)), Gate::Shut(Some(Time(1000))));
        assert_eq!(b.gate(Time(1000)), Gate::Probe);
    }

    #[test]
    fn failed_probes_double_the_pause_up_to_the_maximum() {
        let mut b = breaker();
        (0..3).for_each(|_| b.trouble(Time(0), None));
        let mut now = Time(0);
        for want in [1000, 2000, 4000, 4000] {
            let Gate::Shut(Some(until)) = b.gate(now) else { panic!("open") };
            assert_eq!(until.ms_since(now), want);
            now = until;
            b.probe();
            assert_eq!(b.gate(now), Gate::Shut(None));
            b.trouble(now, None);
        }
    }

    #[test]
    fn a_clock_set_back_makes_no_pause_longer_than_the_longest() {
        let mut b = breaker();
        (0..3).for_each(|_| b.trouble(Time(3_600_000), None));
        assert_eq!(b.gate(Time(3_600_000)), Gate::Shut(Some(Time(3_601_000))));
        assert_eq!(b.gate(Time(0)), Gate::Probe);
    }

    #[test]
    fn after_recovery_the_calls_at_once_double_from_one_each_time_after_as_many_good_answers() {
        let mut b = breaker();
        (0..3).for_each(|_| b.trouble(Time(0), None));
        b.probe();
        let ramp: Vec<u32> = (0..16)
            .map(|_| {
                b.well();
                let Gate::Pass(ramp) = b.gate(Time(1)) else { panic!("closed") };
                ramp
            })
            .collect();
        assert_eq!(ramp, [1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8]);
        assert_eq!(b.ramp(), Some((8, 8)));
        b.trouble(Time(2), None);
        assert_eq!(b.ramp(), Some((4, 8)), "a trouble halves it");
    }
}

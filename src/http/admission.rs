//! Whether one more request is taken while there is too much: pure, by Little's law.
//!
//! What waits in us divided by how quickly it leaves is how long the next one would wait. Where that is longer than callers are asked
//! to be patient, they are told to come again, at once, instead of being kept until all are late: dossiers first, then what the
//! Ministry tells, payments and look-ups last. Few requests at once are always taken: there the estimate says nothing.

use super::problem::Problem;
use crate::catalogue::{InKind, Role};
use axum::http::header;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// So many at once are always taken.
const FEW: u32 = 64;
/// The rate is taken anew so often.
const WINDOW: Duration = Duration::from_millis(100);

/// What a request is to us, the first to be shed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Dossiers and their files: their senders have them and send them again.
    Dossier,
    /// What a ministry tells: it repeats what is not taken.
    Ministry,
    /// Payments, and look-ups that write nothing.
    Payment,
}

/// What is in us and how quickly it leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gauge {
    inside: u32,
    /// Since when what has left is counted, and how many have.
    since: Duration,
    left: u32,
    per_second: f64,
    /// When the last one left, or the first came into an empty place.
    last: Duration,
}

/// The door's gauge.
#[derive(Clone)]
pub(super) struct Admission {
    gauge: Arc<Mutex<Gauge>>,
    patience: Duration,
    clock: Arc<dyn crate::clock::Clock>,
}

/// A request's place; given up when it is dropped.
pub(super) struct Ticket(Admission);

// === impl Class ===

impl Class {
    /// What a request at a partner's route is.
    pub(super) fn of(role: Role, kind: InKind) -> Self {
        match (role, kind) {
            (Role::Payment, _) | (_, InKind::Question | InKind::Token) => Self::Payment,
            (Role::Ministry, _) => Self::Ministry,
            (Role::Portal, _) => Self::Dossier,
        }
    }

    /// How many times the patience it is worth.
    fn worth(self) -> u32 {
        match self {
            Self::Dossier => 1,
            Self::Ministry => 2,
            Self::Payment => 4,
        }
    }
}

// === impl Gauge ===

impl Gauge {
    /// Takes one more in, or says how long it would wait.
    pub(super) fn enter(&mut self, class: Class, patience: Duration, now: Duration) -> Result<(), Duration> {
        let wait = self.wait(now);
        if self.inside >= FEW && wait > patience * class.worth() {
            return Err(wait);
        }
        if self.inside == 0 {
            // What was idle says nothing about how quickly it works.
            (self.since, self.left, self.last) = (now, 0, now);
        }
        self.inside += 1;
        Ok(())
    }

    /// One has left.
    pub(super) fn leave(&mut self, now: Duration) {
        self.inside = self.inside.saturating_sub(1);
        self.left += 1;
        self.last = now;
        let time = now.saturating_sub(self.since);
        if time >= WINDOW {
            let rate = f64::from(self.left) / time.as_secs_f64();
            self.per_second = if self.per_second > 0.0 { self.per_second * 0.7 + rate * 0.3 } else { rate };
            (self.since, self.left) = (now, 0);
        }
    }

    /// How long the next one would wait: at least as long as nothing has left.
    fn wait(&self, now: Duration) -> Duration {
        if self.inside == 0 {
            return Duration::ZERO;
        }
        let silence = now.saturating_sub(self.last);
        // Not measured yet: no reason to refuse.
        if self.per_second <= 0.0 {
            return silence;
        }
        let queue = Duration::try_from_secs_f64(f64::from(self.inside) / self.per_second).unwrap_or(Duration::MAX);
        queue.max(silence)
    }
}

// === impl Admission ===

impl Admission {
    /// An empty gauge; `patience`: how long a dossier may wait.
    pub(super) fn new(patience: Duration, clock: Arc<dyn crate::clock::Clock>) -> Self {
        Self { gauge: Arc::default(), patience, clock }
    }

    /// A place for one more, or when to come again.
    pub(super) fn enter(&self, class: Class) -> Result<Ticket, Problem> {
        let now = self.clock.since_start();
        let entered = self.gauge.lock().unwrap_or_else(PoisonError::into_inner).enter(class, self.patience, now);
        entered.map(|()| Ticket(self.clone())).map_err(|wait| {
            let seconds = wait.as_secs().clamp(1, 60);
            Problem::overloaded().with(header::RETRY_AFTER, seconds.to_string())
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = self.0.clock.since_start();
        self.0.gauge.lock().unwrap_or_else(PoisonError::into_inner).leave(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// A gauge out of which `rate` a second left for two seconds, with `inside` still in it.
    fn busy(rate: u64, inside: u32) -> (Gauge, Duration) {
        let mut gauge = Gauge { inside: 1, ..Gauge::default() };
        let step = 1_000_000 / rate;
        for n in 0..2 * rate {
            let now = Duration::from_micros(n * step);
            gauge.enter(Class::Payment, PATIENCE, now).unwrap();
            gauge.leave(now);
        }
        gauge.inside = inside;
        (gauge, Duration::from_micros(2 * rate * step))
    }

    #[test]
    fn dossiers_are_shed_first_and_payments_last() {
        for (inside, shed) in [
            (900, [false, false, false]),
            (1_200, [true, false, false]),
            (2_500, [true, true, false]),
            (5_000, [true, true, true]),
        ] {
            let (gauge, now) = busy(1_000, inside);
            for (class, shed) in [Class::Dossier, Class::Ministry, Class::Payment].into_iter().zip(shed) {
                assert_eq!(gauge.clone().enter(class, PATIENCE, now).is_err(), shed, "{inside} inside, {class:?}");
            }
        }
    }

    #[test]
    fn few_at_once_are_taken_however_slow_we_are() {
        let (mut gauge, now) = busy(1, FEW - 1);
        assert!(gauge.enter(Class::Dossier, PATIENCE, now).is_ok());
        assert!(gauge.enter(Class::Dossier, PATIENCE, now).is_err());
    }

    #[test]
    fn where_nothing_leaves_any_more_nobody_is_taken_until_something_does() {
        let (mut gauge, now) = busy(10_000, 200);
        assert!(gauge.enter(Class::Dossier, PATIENCE, now).is_ok(), "20 ms");
        let later = now + ms(3_000);
        let wait = gauge.enter(Class::Dossier, PATIENCE, later).unwrap_err();
        assert!(wait >= ms(3_000), "{wait:?}");
        for n in 0..200 {
            gauge.leave(later + ms(n));
        }
        assert!(gauge.enter(Class::Dossier, PATIENCE, later + ms(201)).is_ok());
    }

    #[test]
    fn the_first_rush_is_not_refused_before_anything_was_measured() {
        let mut gauge = Gauge::default();
        for n in 0..500 {
            assert!(gauge.enter(Class::Dossier, PATIENCE, Duration::from_micros(n)).is_ok());
        }
    }

    // 2000 requests a second come, 500 leave: those that are taken wait about as long as is asked of them, not ever longer.
    #[test]
    fn under_four_times_too_much_those_taken_wait_no_longer_than_twice_the_patience() {
        let (mut gauge, mut queue, mut worst, mut refused) = (Gauge::default(), std::collections::VecDeque::new(), ms(0), 0);
        for tick in 0..20_000_u64 {
            let now = Duration::from_micros(tick * 500);
            match gauge.enter(Class::Dossier, PATIENCE, now) {
                Ok(()) => queue.push_back(now),
                Err(_) => refused += 1,
            }
            if tick % 4 == 0
                && let Some(came) = queue.pop_front()
            {
                gauge.leave(now);
                if now > ms(3_000) {
                    worst = worst.max(now - came);
                }
            }
        }
        assert!(worst < 2 * PATIENCE && refused > 10_000, "{worst:?} {refused}");
    }
}

//! The paused runtime's time as a clock, for tests of what waits: it stands still while anybody works, and jumps when all wait.

use crate::clock::{Clock, Time};
use std::time::Duration;

/// That clock.
pub(crate) struct Simulated {
    begin: tokio::time::Instant,
    base: Time,
}

// === impl Simulated ===

impl Simulated {
    /// A clock that shows `base` now. Within a runtime whose time is paused.
    pub(crate) fn at(base: Time) -> Self {
        Self { begin: tokio::time::sleep(Duration::ZERO).deadline(), base }
    }

    /// The instant it began at.
    pub(crate) fn begin(&self) -> tokio::time::Instant {
        self.begin
    }
}

impl Clock for Simulated {
    fn now(&self) -> Time {
        self.base.plus(self.begin.elapsed())
    }

    fn since_start(&self) -> Duration {
        self.begin.elapsed()
    }
}

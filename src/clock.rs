//! Time as an argument. Only this room reads the wall.
//!
//! [`Time`] is a wall instant in milliseconds since 1970-01-01T00:00:00Z. Everything that decides takes it as an
//! argument; only the composition root holds a [`Clock`]. Civil time is always Asia/Ho_Chi_Minh, which has been
//! +07:00 without daylight saving since 1975, so a fixed offset is exact and no time zone database is needed.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Viet Nam's offset from UTC, in seconds.
pub const OFFSET_SECONDS: i32 = 7 * 3600;

/// A day, in milliseconds: Viet Nam's days all have 24 hours.
pub const DAY_MS: i64 = 86_400_000;

const OFFSET_MS: i64 = 7 * 3_600_000;

/// A wall instant: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// Where the wall time comes from. `Wall` in the running gateway, `Manual` in tests.
pub trait Clock: Send + Sync + 'static {
    /// The present wall time.
    fn now(&self) -> Time;
    /// Time since this clock was made; never goes back, whatever the wall does.
    fn since_start(&self) -> Duration;
    /// By how many milliseconds `now` has been set in all since the start, the way of a [`Steady`] clock; who keeps times in memory moves
    /// them by what is added.
    fn set_by(&self) -> i64 {
        0
    }
}

/// The machine's own clock.
#[derive(Debug)]
pub struct Wall {
    start: Instant,
}

/// The machine's clock with steps, as when somebody sets it: for rehearsals.
#[derive(Debug)]
pub struct Stepped {
    wall: Wall,
    /// From when (since the start) the wall shows so many milliseconds more; in order.
    steps: Vec<(Duration, i64)>,
}

/// A clock that nobody sets while the process runs: wall time at the start, counted on by the monotonic clock. When the machine's wall is
/// set, this one shows the old time until what waits was moved with it ([`Steady::adopt`]): so no wait is cut or drawn out by a step.
#[derive(Debug)]
pub struct Steady<C> {
    wall: C,
    /// Wall milliseconds at the clock's start.
    start_ms: i64,
    /// Steps adopted since.
    set_ms: AtomicI64,
}

/// A clock turned by hand.
#[derive(Debug, Default)]
pub struct Manual {
    ms: AtomicI64,
    start: i64,
}

// === impl Time ===

impl Time {
    /// `ms` later (earlier when negative); saturates.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// A duration later; saturates.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        self.plus_ms(i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds from `earlier` to this, zero when `earlier` is later.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }

    /// The canonical text: RFC 3339, whole seconds, +07:00.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.civil().map_or_else(
            || "1970-01-01T07:00:00+07:00".to_owned(),
            |c| {
                let (year, month, day) = (c.year(), c.month(), c.day());
                let sign = if year < 0 { "-" } else { "" };
                let (hour, minute, second) = (c.hour(), c.minute(), c.second());
                format!("{sign}{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+07:00", year.unsigned_abs())
            },
        )
    }

    /// The wall clock of Asia/Ho_Chi_Minh; `None` outside the years jiff knows (-9999..9999).
    #[must_use]
    pub fn civil(self) -> Option<jiff::civil::DateTime> {
        let at = jiff::Timestamp::from_millisecond(self.0).ok()?;
        let offset = jiff::tz::Offset::from_seconds(OFFSET_SECONDS).ok()?;
        Some(offset.to_datetime(at))
    }

    /// The instant of a wall clock's reading in Asia/Ho_Chi_Minh.
    #[must_use]
    pub fn of_civil(civil: jiff::civil::DateTime) -> Option<Self> {
        let offset = jiff::tz::Offset::from_seconds(OFFSET_SECONDS).ok()?;
        offset.to_timestamp(civil).ok().map(|t| Self(t.as_millisecond()))
    }

    /// The civil day in Viet Nam, counted from 1970-01-01.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.saturating_add(OFFSET_MS).div_euclid(DAY_MS)
    }

    /// The begin of a civil day in Viet Nam.
    #[must_use]
    pub fn of_day(day: i64) -> Self {
        Self(day.saturating_mul(DAY_MS).saturating_sub(OFFSET_MS))
    }

    /// Reads canonical text (RFC 3339 with any offset); `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rfc3339())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

// === impl Wall ===

impl Wall {
    /// A clock that starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for Wall {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Time {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        Time(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    fn since_start(&self) -> Duration {
        self.start.elapsed()
    }
}

// === impl Stepped ===

impl Stepped {
    /// A clock that starts now; each step holds from its time on until the next one's.
    #[must_use]
    pub fn new(mut steps: Vec<(Duration, i64)>) -> Self {
        steps.sort_unstable();
        Self { wall: Wall::new(), steps }
    }
}

impl Clock for Stepped {
    fn now(&self) -> Time {
        let since = self.wall.since_start();
        let by = self.steps.iter().take_while(|(at, _)| *at <= since).last().map_or(0, |(_, ms)| *ms);
        self.wall.now().plus_ms(by)
    }

    fn since_start(&self) -> Duration {
        self.wall.since_start()
    }
}

// === impl Steady ===

impl<C: Clock> Steady<C> {
    /// Starts at what this wall shows now.
    #[must_use]
    pub fn new(wall: C) -> Self {
        let start = wall.now().0.saturating_sub(whole_ms(wall.since_start()));
        Self { wall, start_ms: start, set_ms: AtomicI64::new(0) }
    }

    /// How far the machine's wall is ahead of this clock, milliseconds; negative: it was set back.
    #[must_use]
    pub fn off(&self) -> i64 {
        self.wall.now().0.saturating_sub(self.now().0)
    }

    /// Follows the wall by so much.
    pub fn adopt(&self, ms: i64) {
        self.set_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl<C: Clock> Clock for Steady<C> {
    fn now(&self) -> Time {
        Time(self.start_ms).plus_ms(self.set_by()).plus_ms(whole_ms(self.wall.since_start()))
    }

    fn since_start(&self) -> Duration {
        self.wall.since_start()
    }

    fn set_by(&self) -> i64 {
        self.set_ms.load(Ordering::SeqCst)
    }
}

impl Clock for Box<dyn Clock> {
    fn now(&self) -> Time {
        self.as_ref().now()
    }

    fn since_start(&self) -> Duration {
        self.as_ref().since_start()
    }
}

fn whole_ms(of: Duration) -> i64 {
    i64::try_from(of.as_millis()).unwrap_or(i64::MAX)
}

// === impl Manual ===

impl Manual {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Time) -> Self {
        Self { ms: AtomicI64::new(at.0), start: at.0 }
    }

    /// Turns the clock on by `d`.
    pub fn turn(&self, d: Duration) {
        self.ms.fetch_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now(&self) -> Time {
        Time(self.ms.load(Ordering::SeqCst))
    }

    fn since_start(&self) -> Duration {
        let ms = self.ms.load(Ordering::SeqCst).saturating_sub(self.start).max(0);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A wall that is set by hand beside a monotonic clock that is not.
    struct Set(Arc<(AtomicI64, AtomicI64)>);

    impl Clock for Set {
        fn now(&self) -> Time {
            Time(self.0.0.load(Ordering::SeqCst))
        }

        fn since_start(&self) -> Duration {
            Duration::from_millis(u64::try_from(self.0.1.load(Ordering::SeqCst)).unwrap())
        }
    }

    #[test]
    fn a_step_is_seen_only_when_it_is_adopted() {
        let hands = Arc::new((AtomicI64::new(1_000_000), AtomicI64::new(500)));
        let clock = Steady::new(Set(hands.clone()));
        let pass = |ms: i64| {
            hands.0.fetch_add(ms, Ordering::SeqCst);
            hands.1.fetch_add(ms, Ordering::SeqCst);
        };
        assert_eq!((clock.now(), clock.off()), (Time(1_000_000), 0));
        pass(250);
        assert_eq!((clock.now(), clock.off()), (Time(1_000_250), 0));
        for step in [3_600_000, -7_200_000] {
            let before = clock.now();
            hands.0.fetch_add(step, Ordering::SeqCst);
            assert_eq!((clock.now(), clock.off()), (before, step));
            pass(10);
            let set = clock.set_by();
            clock.adopt(clock.off());
            assert_eq!((clock.now(), clock.off(), clock.set_by()), (before.plus_ms(step + 10), 0, set + step));
        }
    }

    #[test]
    fn a_stepped_clock_shows_each_step_from_its_time_on() {
        let clock = Stepped::new(vec![(Duration::from_secs(3600), -5_000), (Duration::ZERO, 90_000)]);
        let ahead = clock.now().ms_since(Wall::new().now());
        assert!((89_000..=90_000).contains(&ahead), "{ahead}");
    }
}

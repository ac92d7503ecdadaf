//! A partner's own word about when to come again, read from an answer's headers: Retry-After (RFC 9110: seconds or a date), RateLimit
//! (draft-ietf-httpapi-ratelimit-headers: `"name";r=0;t=12`, and its older form `limit=9, remaining=0, reset=12`), RateLimit-Remaining and
//! RateLimit-Reset, and the same with `X-`. Pure; what is not understood is no word.
//!
//! A date is read as the time that lies between it and the answer's own Date, so that a partner's wrong clock does no harm.

use crate::clock::Time;
use std::time::Duration;

/// What an answer says about when to come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Retry-After.
    pub after: Option<After>,
    /// Calls it still takes, and for how long that is said.
    pub left: Option<(u32, Duration)>,
}

/// The two forms of Retry-After.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// So long.
    Wait(Duration),
    /// Until then; the answer did not say what time it is there.
    Until(Time),
}

// === impl Advice ===

impl Advice {
    /// Reads it; `header` gives the values of a header by its lower-case name.
    #[must_use]
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Self {
        let date = header("date").and_then(http_date);
        let after = header("retry-after").map(str::trim).and_then(|text| match text.parse::<u64>() {
            Ok(seconds) => Some(After::Wait(Duration::from_secs(seconds))),
            Err(_) => http_date(text).map(|until| match date {
                Some(date) => After::Wait(Duration::from_millis(u64::try_from(until.ms_since(date)).unwrap_or(0))),
                None => After::Until(until),
            }),
        });
        let pair = |remaining: &str, reset: &str| {
            let number = |name: &str| header(name)?.split([',', ';']).next()?.trim().parse::<u64>().ok();
            Some((number(remaining)?, number(reset)?))
        };
        let left = header("ratelimit").and_then(rate_limit);
        let left = left.or_else(|| pair("ratelimit-remaining", "ratelimit-reset"));
        let left = left.or_else(|| pair("x-ratelimit-remaining", "x-ratelimit-reset").map(|(r, t)| (r, since_epoch(t, date))));
        let left = left.map(|(r, t)| (u32::try_from(r).unwrap_or(u32::MAX), Duration::from_secs(t)));
        Self { after, left }
    }
}

impl After {
    /// How long from now.
    #[must_use]
    pub fn wait(self, now: Time) -> Duration {
        match self {
            Self::Wait(wait) => wait,
            Self::Until(until) => Duration::from_millis(u64::try_from(until.ms_since(now)).unwrap_or(0)),
        }
    }
}

// === reading ===

/// Of several limits the one that is tightest: least left, then longest.
fn rate_limit(text: &str) -> Option<(u64, u64)> {
    let value = |part: &str, names: [&str; 2]| {
        let (name, value) = part.split_once('=')?;
        names.contains(&name.trim().to_ascii_lowercase().as_str()).then(|| value.trim().parse::<u64>().ok()).flatten()
    };
    let of = |parts: &mut dyn Iterator<Item = &str>| {
        let parts: Vec<&str> = parts.collect();
        let find = |names| parts.iter().find_map(|p| value(p, names));
        Some((find(["r", "remaining"])?, find(["t", "reset"])?))
    };
    // The older form is one list of three parts, the newer one item a limit, each with its parameters.
    let older = of(&mut text.split(','));
    let newer = text.split(',').filter_map(|item| of(&mut item.split(';')));
    newer.chain(older).min_by_key(|(left, reset)| (*left, u64::MAX - *reset))
}

/// `X-RateLimit-Reset` is a wait with some, seconds since 1970 with others; a wait of a year is none.
fn since_epoch(reset: u64, date: Option<Time>) -> u64 {
    const YEAR: u64 = 365 * 86_400;
    match date.and_then(|d| u64::try_from(d.0 / 1000).ok()) {
        _ if reset < YEAR => reset,
        Some(now) => reset.saturating_sub(now),
        None => 60,
    }
}

/// The three forms of a date in HTTP (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<Time> {
    const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let civil = FORMS.iter().find_map(|form| jiff::civil::DateTime::strptime(form, text.trim()).ok())?;
    jiff::tz::Offset::UTC.to_timestamp(civil).ok().map(|t| Time(t.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Advice {
        Advice::read(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |s| Some(After::Wait(Duration::from_secs(s)));
        let date = ("date", "Sun, 06 Nov 1994 08:49:07 GMT");
        for (headers, want) in [
            (vec![("retry-after", "120")], wait(120)),
            (vec![("retry-after", " 0 ")], wait(0)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), date], wait(30)),
            (vec![("retry-after", "Sunday, 06-Nov-94 08:49:37 GMT"), date], wait(30)),
            (vec![("retry-after", "Sun Nov  6 08:49:37 1994"), date], wait(30)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), date], wait(0)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(After::Until(Time(784_111_777_000)))),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "-5")], None),
            (vec![], None),
        ] {
            assert_eq!(read(&headers).after, want, "{headers:?}");
        }
        assert_eq!(After::Until(Time(9_000)).wait(Time(4_000)), Duration::from_secs(5));
        assert_eq!(After::Until(Time(9_000)).wait(Time(10_000)), Duration::ZERO);
    }

    #[test]
    fn what_is_left_is_read_in_every_form_and_the_tightest_counts() {
        for (headers, want) in [
            (vec![("ratelimit", "\"default\";r=0;t=12")], Some((0, 12))),
            (vec![("ratelimit", "\"burst\";r=9;t=1, \"daily\";r=3;t=500")], Some((3, 500))),
            (vec![("ratelimit", "\"a\"; r=50; t=30")], Some((50, 30))),
            (vec![("ratelimit", "limit=100, remaining=7, reset=50")], Some((7, 50))),
            (vec![("ratelimit-remaining", "4"), ("ratelimit-reset", "9")], Some((4, 9))),
            (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")], Some((0, 30))),
            (
                vec![
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "784111807"),
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ],
                Some((0, 30)),
            ),
            (vec![("ratelimit", "\"default\";r=5")], None),
            (vec![("ratelimit-remaining", "4")], None),
            (vec![("ratelimit", "many")], None),
        ] {
            let want = want.map(|(r, t)| (r, Duration::from_secs(t)));
            assert_eq!(read(&headers).left, want, "{headers:?}");
        }
    }
}

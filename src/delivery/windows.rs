//! Maintenance windows of a partner, as it announces them: weekly or dated, in Vietnam's time (+07:00). Inside one nothing is called.
//!
//! `Sun 22:00-02:00`, `Mon-Fri 01:00-01:30`, `daily 03:00-03:15`, `2026-06-25 00:00-04:00`, `2026-06-25 22:00-2026-06-26 06:00`. An end
//! that is not after its start lies on the next day; 24:00 is the day's end.

use crate::clock::{DAY_MS, Time};
use jiff::civil::Date;

const MINUTE_MS: i64 = 60_000;

/// How far ahead a window is looked for.
const HORIZON_DAYS: i64 = 14;

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// All windows of a partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows(Vec<Window>);

/// One window, its times in minutes since the day's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    days: Days,
    from: i64,
    /// Counted from the begin of the first day, so it may be beyond that day's end.
    to: i64,
}

/// The days on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    /// On these days of the week, Monday the first.
    Week([bool; 7]),
    /// On one day, counted from 1970-01-01.
    One(i64),
}

// === impl Window ===

impl Window {
    /// Reads one; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (days, times) = text.trim().split_once(' ')?;
        let (from, to) = times.trim().split_once('-')?;
        let from = minutes(from).filter(|m| *m < 24 * 60)?;
        let days = days_of(days)?;
        let to = match (to.split_once(' '), days) {
            (Some((day, to)), Days::One(first)) => (day_of(day)? - first) * 24 * 60 + minutes(to)?,
            (Some(_), Days::Week(_)) => return None,
            (None, _) => minutes(to).map(|to| if to > from { to } else { to + 24 * 60 })?,
        };
        (to > from && to - from < HORIZON_DAYS * 24 * 60).then_some(Self { days, from, to })
    }

    /// Begin and end, when it begins on that day.
    fn on(&self, day: i64) -> Option<(Time, Time)> {
        let begins = match self.days {
            // 1970-01-01 was a Thursday.
            Days::Week(days) => usize::try_from((day + 3).rem_euclid(7)).ok().and_then(|d| days.get(d).copied()).unwrap_or(false),
            Days::One(one) => one == day,
        };
        let begin = Time::of_day(day);
        begins.then(|| (begin.plus_ms(self.from * MINUTE_MS), begin.plus_ms(self.to * MINUTE_MS)))
    }
}

// === impl Windows ===

impl Windows {
    /// These.
    #[must_use]
    pub fn new(list: impl IntoIterator<Item = Window>) -> Self {
        Self(list.into_iter().collect())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the maintenance under way ends (windows that meet count as one); none: there is none now.
    #[must_use]
    pub fn until(&self, now: Time) -> Option<Time> {
        let mut end = None;
        while let Some(later) = self.ends_after(end.unwrap_or(now)) {
            end = Some(later);
        }
        end
    }

    /// The next one, begin and end, that begins after now, if one does within two weeks.
    #[must_use]
    pub fn next(&self, now: Time) -> Option<(Time, Time)> {
        let today = now.day();
        let all = (today..=today + HORIZON_DAYS).flat_map(|day| self.0.iter().filter_map(move |w| w.on(day)));
        let (begin, end) = all.filter(|(begin, _)| *begin > now).min()?;
        Some((begin, self.until(begin).unwrap_or(end)))
    }

    /// The latest end of those that are under way.
    fn ends_after(&self, now: Time) -> Option<Time> {
        let today = now.day();
        let days = today - HORIZON_DAYS..=today;
        let all = days.flat_map(|day| self.0.iter().filter_map(move |w| w.on(day)));
        all.filter(|(begin, end)| *begin <= now && now < *end).map(|(_, end)| end).max()
    }
}

// === reading ===

fn days_of(text: &str) -> Option<Days> {
    let word = text.to_ascii_lowercase();
    let day = |word: &str| WEEK.iter().position(|d| *d == word);
    if word == "daily" {
        return Some(Days::Week([true; 7]));
    }
    if let Some((first, last)) = word.split_once('-').and_then(|(a, b)| Some((day(a)?, day(b)?))) {
        let inside = |d: usize| if first <= last { (first..=last).contains(&d) } else { d >= first || d <= last };
        return Some(Days::Week(std::array::from_fn(inside)));
    }
    match day(&word) {
        Some(one) => Some(Days::Week(std::array::from_fn(|d| d == one))),
        None => day_of(text).map(Days::One),
    }
}

fn day_of(text: &str) -> Option<i64> {
    let midnight = text.parse::<Date>().ok()?.at(0, 0, 0, 0);
    Time::of_civil(midnight).map(Time::day)
}

fn minutes(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two = |t: &str| (t.len() == 2).then(|| t.parse::<i64>().ok()).flatten();
    let (hour, minute) = (two(hour)?, two(minute)?);
    let good = (0..60).contains(&minute) && ((0..24).contains(&hour) || (hour, minute) == (24, 0));
    good.then_some(hour * 60 + minute)
}

const _: () = assert!(DAY_MS == 24 * 60 * MINUTE_MS);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(&format!("{text}:00+07:00")).unwrap()
    }

    fn windows(list: &[&str]) -> Windows {
        Windows::new(list.iter().map(|w| Window::parse(w).unwrap_or_else(|| panic!("{w}"))))
    }

    #[test]
    fn inside_a_window_its_end_is_told_and_outside_nothing() {
        // 2026-06-21 was a Sunday.
        let w = windows(&["Sun 22:00-02:00", "2026-06-25 00:00-04:00", "2026-07-01 22:00-2026-07-03 06:00"]);
        for (now, until) in [
            ("2026-06-21T21:59", None),
            ("2026-06-21T22:00", Some("2026-06-22T02:00")),
            ("2026-06-22T01:59", Some("2026-06-22T02:00")),
            ("2026-06-22T02:00", None),
            ("2026-06-22T22:30", None),
            ("2026-06-25T00:00", Some("2026-06-25T04:00")),
            ("2026-06-26T01:00", None),
            ("2026-07-03T05:59", Some("2026-07-03T06:00")),
        ] {
            assert_eq!(w.until(at(now)), until.map(at), "{now}");
        }
    }

    #[test]
    fn windows_that_meet_are_one() {
        let w = windows(&["daily 23:00-24:00", "Mon 00:00-01:00", "Mon 00:30-03:00"]);
        assert_eq!(w.until(at("2026-06-21T23:10")), Some(at("2026-06-22T03:00")));
        assert_eq!(w.until(at("2026-06-22T23:10")), Some(at("2026-06-23T00:00")));
    }

    #[test]
    fn the_next_one_is_told_with_its_end() {
        let w = windows(&["Sat-Sun 22:00-02:00"]);
        assert_eq!(w.next(at("2026-06-17T12:00")), Some((at("2026-06-20T22:00"), at("2026-06-21T02:00"))));
        assert_eq!(w.next(at("2026-06-20T22:30")), Some((at("2026-06-21T22:00"), at("2026-06-22T02:00"))));
        assert_eq!(windows(&["2020-01-01 00:00-01:00"]).next(at("2026-06-17T12:00")), None);
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for bad in [
            "",
            "Sun",
            "Sun 22:00",
            "Sunday 22:00-23:00",
            "Sun 22-23",
            "Sun 25:00-26:00",
            "Sun 24:00-01:00",
            "Sun 1:00-2:00",
            "2026-13-01 00:00-01:00",
            "Sun 22:00-2026-01-01 01:00",
            "2026-06-25 04:00-2026-06-24 05:00",
            "2026-06-25 04:00-2026-08-24 05:00",
        ] {
            assert_eq!(Window::parse(bad), None, "{bad}");
        }
    }
}

//! Working days, and when a statutory term ends (NĐ 61/2018, TT 01/2018/TT-VPCP; how days are counted: Bộ luật Dân sự 2015, điều 147, 148).
//!
//! A working day is Monday to Friday less public holidays, and a Saturday worked in exchange. The day on which the clock starts does not
//! count; a term ends with the end (24:00) of its last day; a term of calendar days that ends on a day off ends with the next working day.
//! The clock starts when a dossier is received: online at once, whatever the hour; on paper after 15:00, or on a day off, with the next
//! working day. A supplement that makes a dossier complete starts it again from zero.

use super::procedure::Term;
use crate::clock::Time;
use crate::config::reader::{Doc, Fault, Faults, Item, Table};
use jiff::civil::{Date, Weekday};
use std::collections::BTreeSet;

/// A term is never counted further than so many days.
const LONGEST_DAYS: u32 = 3_650;

/// Less than so many days ahead the calendar is about to end: the next year's holidays are announced by then.
const SOON_DAYS: i64 = 60;

/// From this hour on what is handed in on paper counts from the next working day.
const PAPER_UNTIL_HOUR: i8 = 15;

/// Days off and Saturdays worked, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    years: BTreeSet<i16>,
    off: BTreeSet<Date>,
    worked: BTreeSet<Date>,
}

// === impl Holidays ===

impl Holidays {
    /// Reads holidays.toml; all faults at once.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let faults = Faults::new(file, text);
        let doc = Doc::parse(text, &faults);
        let root = doc.table(&faults);
        root.only(&["year"]);
        let mut holidays = Self::default();
        for t in root.tables("year") {
            holidays.year(&t);
        }
        if faults.is_empty() { Ok(holidays) } else { Err(faults.finish()) }
    }

    fn year(&mut self, t: &Table<'_>) {
        t.only(&["year", "confidence", "off", "worked"]);
        let _ = t.need("confidence");
        let _ = t.parsed("confidence", "V, M or G", |w| ["V", "M", "G"].contains(&w).then_some(()));
        let year = t.need("year").and_then(|i| i.whole(1900)).and_then(|n| i16::try_from(n).ok()).unwrap_or_default();
        if !self.years.insert(year) {
            t.fault_at("year", "this year is given twice", None);
        }
        for item in t.get("off").map(|i| i.list()).unwrap_or_default() {
            let weekday = |d: Date| !matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
            self.off.extend(day(&item, year, "a day off is a day from Monday to Friday", weekday));
        }
        for item in t.get("worked").map(|i| i.list()).unwrap_or_default() {
            self.worked.extend(day(&item, year, "a day worked in exchange is a Saturday", |d| d.weekday() == Weekday::Saturday));
        }
    }

    /// Whether the year's movable holidays are known.
    #[must_use]
    pub fn knows(&self, year: i16) -> bool {
        self.years.contains(&year)
    }

    /// The last day whose year is known, none: no year is known.
    #[must_use]
    pub fn until(&self) -> Option<Date> {
        let last = self.years.last()?;
        Date::new(*last, 12, 31).ok()
    }

    /// Whether they end soon, seen from that day: so near that the next year's should be added.
    #[must_use]
    pub fn end_soon(&self, today: Date) -> bool {
        self.until().and_then(|end| end.checked_sub(jiff::Span::new().days(SOON_DAYS)).ok()).is_none_or(|line| today > line)
    }

    /// Whether agencies work on that day.
    #[must_use]
    pub fn works(&self, day: Date) -> bool {
        match day.weekday() {
            Weekday::Saturday => self.worked.contains(&day),
            Weekday::Sunday => false,
            _ if self.knows(day.year()) => !self.off.contains(&day),
            _ => ![(1, 1), (4, 30), (5, 1), (9, 2)].contains(&(day.month(), day.day())),
        }
    }

    /// The day on which the clock of a dossier starts that came in at that time; it does not count itself.
    #[must_use]
    pub fn start(&self, came: Time, paper: bool) -> Option<Date> {
        let civil = came.civil()?;
        let day = civil.date();
        if !paper {
            return Some(day);
        }
        let in_time = civil.hour() < PAPER_UNTIL_HOUR && self.works(day);
        if in_time { Some(day) } else { self.after(day, 1) }
    }

    /// The end of a term that starts on that day: the last second of its last day.
    #[must_use]
    pub fn due(&self, term: Term, start: Date) -> Option<Time> {
        let days = term.days.min(LONGEST_DAYS);
        let last = if term.working {
            self.after(start, days)?
        } else {
            let last = start.checked_add(jiff::Span::new().days(i64::from(days))).ok()?;
            if self.works(last) { last } else { self.after(last, 1)? }
        };
        Time::of_civil(last.at(23, 59, 59, 0))
    }

    /// The `n`th working day after a day.
    fn after(&self, day: Date, n: u32) -> Option<Date> {
        let (mut day, mut left) = (day, n);
        while left > 0 {
            day = day.tomorrow().ok()?;
            left -= u32::from(self.works(day));
        }
        Some(day)
    }
}

fn day(item: &Item<'_>, year: i16, rule: &str, good: impl Fn(Date) -> bool) -> Option<Date> {
    let date = super::table::date(item)?;
    if date.year() != year || !good(date) {
        item.fault(format!("{rule}, of the table's own year"), None);
    }
    Some(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn shipped() -> Holidays {
        let text = super::super::Files::embedded().text("schemas/catalogue/holidays.toml").unwrap().to_owned();
        Holidays::parse("holidays.toml", &text).unwrap()
    }

    fn at(text: &str) -> Time {
        Time::parse(&format!("{text}:00+07:00")).unwrap()
    }

    #[test]
    fn terms_end_where_the_calendar_says() {
        let holidays = shipped();
        let (working, calendar) = (|days| Term { days, working: true }, |days| Term { days, working: false });
        for (came, paper, term, due) in [
            // A Monday; the day itself does not count.
            ("2026-06-01T09:00", false, working(1), "2026-06-02"),
            ("2026-06-01T23:50", false, working(1), "2026-06-02"),
            ("2026-06-01T14:59", true, working(1), "2026-06-02"),
            ("2026-06-01T15:00", true, working(1), "2026-06-03"),
            // Over a weekend; on a weekend online at once, on paper on Monday.
            ("2026-06-05T09:00", false, working(3), "2026-06-10"),
            ("2026-06-06T09:00", false, working(1), "2026-06-08"),
            ("2026-06-06T09:00", true, working(1), "2026-06-09"),
            // Over Tết, and over an exchanged Saturday.
            ("2026-02-13T09:00", false, working(2), "2026-02-24"),
            ("2026-01-09T09:00", false, working(1), "2026-01-10"),
            ("2026-01-01T09:00", false, working(1), "2026-01-05"),
            ("2024-04-26T16:00", false, working(3), "2024-05-04"),
            // Calendar days: an end on a day off moves on.
            ("2026-06-01T09:00", false, calendar(15), "2026-06-16"),
            ("2026-06-01T09:00", false, calendar(5), "2026-06-08"),
            ("2026-02-01T09:00", false, calendar(15), "2026-02-23"),
            // A year that is not known has the fixed holidays.
            ("2031-04-29T09:00", false, working(1), "2031-05-02"),
        ] {
            let start = holidays.start(at(came), paper).unwrap();
            let want = Time::parse(&format!("{due}T23:59:59+07:00")).unwrap();
            assert_eq!(holidays.due(term, start), Some(want), "{came} paper {paper} {term}");
        }
    }

    #[test]
    fn the_shipped_years_follow_one_another_and_each_has_its_tet() {
        let holidays = shipped();
        assert_eq!(holidays.years.iter().copied().collect::<Vec<_>>(), (2019..=2027).collect::<Vec<i16>>());
        for year in 2019..=2027 {
            let tet = holidays.off.range(date(year, 1, 15)..date(year, 3, 1)).count();
            assert_eq!(tet, 5, "{year}: five days of Tết on weekdays");
            // 10 or 11 days a year by law, those on weekends made good, and exchanged ones.
            let off = holidays.off.range(date(year, 1, 1)..=date(year, 12, 31)).count();
            let worked = holidays.worked.range(date(year, 1, 1)..=date(year, 12, 31)).count();
            let made_up = usize::from(year == 2019); // its Saturday of January was for a day of 2018
            assert_eq!(off + made_up - worked, if year < 2021 { 10 } else { 11 }, "{year}");
        }
    }

    #[test]
    fn a_calendar_that_ends_within_sixty_days_is_told() {
        let holidays = shipped();
        assert_eq!(holidays.until(), Some(date(2027, 12, 31)));
        for (today, soon) in [
            (date(2026, 7, 21), false),
            (date(2027, 11, 1), false),
            (date(2027, 11, 2), true),
            (date(2027, 12, 31), true),
            (date(2029, 1, 1), true),
        ] {
            assert_eq!(holidays.end_soon(today), soon, "{today}");
        }
        assert!(Holidays::default().end_soon(date(2026, 1, 1)), "none is known");
    }

    #[test]
    fn faults_are_told_with_their_line() {
        let text = "[[year]]\nyear = 2026\nconfidence = \"M\"\noff = [2026-06-06, 2025-01-01]\nworked = [2026-06-05]\n[[year]]\nyear = 2026\n";
        let told: Vec<String> = Holidays::parse("holidays.toml", text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[0].starts_with("holidays.toml:4:8: a day off is a day from Monday to Friday"), "{told:#?}");
    }
}

//! Simple types: a text held against words, facets and the form of numbers. Pure; numbers are compared exactly, as decimals.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use std::cmp::Ordering;

/// A simple type, as far as a mapping can be held against it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simple {
    /// The builtin type it comes from, by local name (`string`, `int`, `dateTime`); empty for lists and unions.
    pub(crate) base: String,
    /// Its only values.
    pub(crate) words: Option<Vec<String>>,
    pub(crate) facets: Facets,
}

/// What else a text must keep to be of the type; a restriction's own facets stand in the place of its base's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facets {
    /// Characters, at least and at most.
    pub(crate) least: Option<usize>,
    pub(crate) most: Option<usize>,
    /// Digits in all, and after the point, at most.
    pub(crate) digits: Option<usize>,
    pub(crate) fraction: Option<usize>,
    /// Not below, and not above.
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
    /// One of each restriction on the way from the base: all must match.
    pub(crate) patterns: Vec<String>,
}

/// `minInclusive` and its like: a number as it stands in the schema, and whether it is itself allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) number: String,
    pub(crate) itself: bool,
}

// === impl Simple ===

impl Simple {
    /// Why a text is no value of it, as far as facets, words and the form of numbers tell; none: nothing speaks against it.
    pub(crate) fn refuses(&self, text: &str) -> Option<String> {
        let text = if matches!(self.base.as_str(), "string" | "normalizedString") { text } else { text.trim() };
        let Facets { least, most, digits, fraction, low, high, patterns } = &self.facets;
        let length = text.chars().count();
        let number = text.trim_start_matches(['-', '+']);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
        let of = |bound: &Option<usize>, broken: fn(usize, usize) -> bool, is: usize| bound.filter(|b| broken(is, *b));
        let over: fn(usize, usize) -> bool = |is, bound| is > bound;
        if let Some(words) = self.words.as_ref().filter(|words| !words.iter().any(|w| w == text)) {
            return Some(format!("it allows: {}", words.iter().take(24).cloned().collect::<Vec<_>>().join(", ")));
        }
        if !self.is_number(text) {
            return Some(format!("it wants xs:{}", self.base));
        }
        if let Some(n) = of(least, |is, bound| is < bound, length) {
            return Some(format!("it wants at least {n} characters, this has {length}"));
        }
        if let Some(n) = of(most, over, length) {
            return Some(format!("it allows at most {n} characters, this has {length}"));
        }
        if let Some(n) = of(digits, over, whole.len() + part.len()) {
            return Some(format!("it allows at most {n} digits"));
        }
        if let Some(n) = of(fraction, over, part.len()) {
            return Some(format!("it allows at most {n} digits after the point"));
        }
        let keeps = |bound: &Bound, side| match self.base.as_str() {
            "date" | "dateTime" => bound.keeps_time(text, side),
            _ => bound.keeps(text, side),
        };
        if let Some(bound) = low.as_ref().filter(|b| keeps(b, Ordering::Greater) == Some(false)) {
            return Some(format!("it wants {} {}", if bound.itself { "at least" } else { "more than" }, bound.number));
        }
        if let Some(bound) = high.as_ref().filter(|b| keeps(b, Ordering::Less) == Some(false)) {
            return Some(format!("it allows {} {}", if bound.itself { "at most" } else { "less than" }, bound.number));
        }
        let broken = |p: &&String| uppsala::XsdRegex::compile(p).is_ok_and(|regex| !regex.is_match(text));
        patterns.iter().find(broken).map(|p| format!("it wants the pattern {p}"))
    }

    /// The bounds of its numbers: the narrower of its facets' and its builtin type's.
    pub(crate) fn range(&self) -> (Option<Bound>, Option<Bound>) {
        let (low, high) = match self.base.as_str() {
            "byte" => (Some("-128"), Some("127")),
            "short" => (Some("-32768"), Some("32767")),
            "int" => (Some("-2147483648"), Some("2147483647")),
            "nonNegativeInteger" => (Some("0"), None),
            "positiveInteger" => (Some("1"), None),
            _ => (None, None),
        };
        let bound = |number: &str| Bound { number: number.to_owned(), itself: true };
        let digits = self.facets.digits.map(|n| "9".repeat(n));
        let low_digits = digits.as_ref().map(|n| bound(&format!("-{n}")));
        let narrower = |a: Option<Bound>, b: Option<Bound>, side| match (a, b) {
            (Some(a), Some(b)) => Some(if a.keeps(&b.number, side) == Some(true) { b } else { a }),
            (a, b) => a.or(b),
        };
        let low = narrower(low.map(bound), narrower(self.facets.low.clone(), low_digits, Ordering::Greater), Ordering::Greater);
        let high_digits = digits.map(|n| bound(&n));
        let high = narrower(high.map(bound), narrower(self.facets.high.clone(), high_digits, Ordering::Less), Ordering::Less);
        (low, high)
    }

    fn is_number(&self, text: &str) -> bool {
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let number = text.strip_prefix(['-', '+']).unwrap_or(text);
        match self.base.as_str() {
            "int" | "integer" | "long" | "short" | "byte" | "nonNegativeInteger" | "positiveInteger" => digits(number),
            "decimal" => number.split_once('.').map_or(digits(number), |(a, b)| digits(&format!("{a}{b}"))),
            "boolean" => matches!(text, "true" | "false" | "1" | "0"),
            _ => true,
        }
    }
}

// === impl Bound ===

impl Bound {
    /// Whether a number is on the right side; none: one of them is no decimal number.
    pub(crate) fn keeps(&self, text: &str, side: Ordering) -> Option<bool> {
        let is = compare(text, &self.number)?;
        Some(is == side || (self.itself && is == Ordering::Equal))
    }

    /// Whether a day or time is on the right side, certainly (XSD: one that bears an offset and one that does not may be neither before
    /// nor after); none: one of them is none.
    pub(crate) fn keeps_time(&self, text: &str, side: Ordering) -> Option<bool> {
        let (one, other) = (Instant::parse(text)?, Instant::parse(&self.number)?);
        let is = one.compare(&other);
        Some(is == Some(side) || (self.itself && is == Some(Ordering::Equal)))
    }
}

/// A day or time of XSD: wall clock, and minutes east of Greenwich where it says so. A day is its first moment.
#[derive(Clone, Copy)]
struct Instant {
    wall: DateTime,
    offset: Option<i64>,
}

impl Instant {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (wall, offset) = match text.strip_suffix('Z') {
            Some(wall) => (wall, Some(0)),
            None => {
                let zone = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at)).filter(|(_, z)| z.contains(':'));
                match zone.filter(|(_, z)| z.starts_with(['+', '-'])) {
                    Some((wall, zone)) => {
                        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
                        let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
                        (wall, Some(if zone.starts_with('-') { -minutes } else { minutes }))
                    }
                    None => (text, None),
                }
            }
        };
        let wall = match wall.contains('T') {
            true => wall.parse::<DateTime>().ok()?,
            false => wall.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
        };
        Some(Self { wall, offset })
    }

    /// None: neither is certainly before the other.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        let at = |own: &Self, offset: i64| own.wall.checked_sub(offset.minutes()).ok();
        match (self.offset, other.offset) {
            (None, None) => Some(self.wall.cmp(&other.wall)),
            (Some(a), Some(b)) => Some(at(self, a)?.cmp(&at(other, b)?)),
            (Some(a), None) => {
                let (own, earliest, latest) = (at(self, a)?, at(other, FURTHEST)?, at(other, -FURTHEST)?);
                if own < earliest { Some(Ordering::Less) } else { (own > latest).then_some(Ordering::Greater) }
            }
            (None, Some(_)) => other.compare(self).map(Ordering::reverse),
        }
    }
}

/// No offset is further from Greenwich, in minutes.
const FURTHEST: i64 = 14 * 60;

/// Two decimal numbers of any length; none: one of them is none.
pub(crate) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (a, b) = (parts(one)?, parts(other)?);
    let size = |(_, whole, part): (bool, &str, &str), (_, whole2, part2): (bool, &str, &str)| {
        whole.len().cmp(&whole2.len()).then_with(|| whole.cmp(whole2)).then_with(|| part.cmp(part2))
    };
    Some(match (a.0, b.0) {
        (false, false) => size(a, b),
        (true, true) => size(b, a),
        (below, _) => {
            if below {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    })
}

/// Below zero, the digits before the point without leading zeros, those after it without trailing ones.
fn parts(text: &str) -> Option<(bool, &str, &str)> {
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) {
        return None;
    }
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    Some((text.starts_with('-') && !(whole.is_empty() && part.is_empty()), whole, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_compared_as_xsd_does_and_what_is_not_certain_does_not_keep_a_bound() {
        let (low, high) = (Ordering::Greater, Ordering::Less);
        for (text, bound, side, keeps) in [
            ("2019-01-01", "2019-01-01", low, Some(true)),
            ("2018-12-31", "2019-01-01", low, Some(false)),
            ("2019-01-02", "2019-01-01", high, Some(false)),
            ("2019-01-01T00:00:00+07:00", "2018-12-31T17:00:00Z", low, Some(true)),
            ("2018-12-31T23:59:59+07:00", "2018-12-31T17:00:00Z", low, Some(false)),
            // An offset on one side only: within fourteen hours nothing is certain.
            ("2019-01-01T00:00:00+07:00", "2019-01-01T00:00:00", low, Some(false)),
            ("2019-01-01T07:00:00+07:00", "2018-12-31T09:59:59", low, Some(true)),
            ("2018-12-31T12:00:00+07:00", "2019-01-01T00:00:00", low, Some(false)),
            ("yesterday", "2019-01-01", low, None),
        ] {
            let bound = Bound { number: bound.to_owned(), itself: true };
            assert_eq!(bound.keeps_time(text, side), keeps, "{text} {bound:?}");
        }
    }

    #[test]
    fn decimals_are_compared_exactly_and_what_is_none_is_not() {
        for (one, other, is) in [
            ("0", "-0.0", Some(Ordering::Equal)),
            ("007", "7.000", Some(Ordering::Equal)),
            ("9", "10", Some(Ordering::Less)),
            ("-9", "-10", Some(Ordering::Greater)),
            ("-1", "0", Some(Ordering::Less)),
            ("1.25", "1.3", Some(Ordering::Less)),
            ("12345678901234567890.1", "12345678901234567890.09", Some(Ordering::Greater)),
            (".5", "0.50", Some(Ordering::Equal)),
            ("1e3", "1", None),
            ("", "1", None),
        ] {
            assert_eq!(compare(one, other), is, "{one} and {other}");
        }
    }
}

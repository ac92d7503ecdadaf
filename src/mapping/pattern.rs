//! Patterns of dates and times: `yyyy MM dd HH mm ss SSS XXX`, other characters for themselves, letters in quotes.
//!
//! Wire times are wall clock of Asia/Ho_Chi_Minh unless the pattern carries the offset (`XXX`); canonical times are RFC 3339,
//! whole seconds, +07:00. Impossible dates are refused; nothing is guessed.

use crate::clock::{OFFSET_SECONDS, Time};
use jiff::civil::{Date, DateTime};
use std::borrow::Cow;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    source: String,
}

/// The smallest part of a time that a pattern tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finest {
    Second,
    Minute,
    Hour,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Milli,
    Offset,
    Text(String),
}

#[derive(Default)]
struct Parts {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    milli: i16,
    offset: Option<i32>,
}

// === impl Pattern ===

impl Pattern {
    /// Compiles a pattern; the error says which letter is not known.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            let known = [
                ("yyyy", Piece::Year),
                ("MM", Piece::Month),
                ("dd", Piece::Day),
                ("HH", Piece::Hour),
                ("mm", Piece::Minute),
                ("SSS", Piece::Milli),
                ("ss", Piece::Second),
                ("XXX", Piece::Offset),
            ];
            if let Some((word, piece)) = known.into_iter().find(|(word, _)| rest.starts_with(word)) {
                if pieces.contains(&piece) {
                    return Err(format!("`{word}` stands twice in the pattern"));
                }
                rest = rest.get(word.len()..).unwrap_or("");
                pieces.push(piece);
                continue;
            }
            let (text, after) = match c {
                '\'' => rest.get(1..).and_then(|r| r.split_once('\'')).ok_or("a quote in the pattern is not closed")?,
                c if c.is_alphabetic() => return Err(format!("`{c}` is not known in a pattern; letters stand in quotes")),
                c => rest.split_at_checked(c.len_utf8()).unwrap_or((rest, "")),
            };
            rest = after;
            match pieces.last_mut() {
                Some(Piece::Text(last)) => last.push_str(text),
                _ => pieces.push(Piece::Text(text.to_owned())),
            }
        }
        Ok(Self { pieces, source: source.to_owned() })
    }

    /// As it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether a date can be told from it.
    pub(crate) fn has_date(&self) -> bool {
        [Piece::Year, Piece::Month, Piece::Day].iter().all(|p| self.pieces.contains(p))
    }

    /// Whether whole seconds can be told from it.
    pub(crate) fn has_time(&self) -> bool {
        self.finest() == Some(Finest::Second)
    }

    /// How finely it tells a time; `None` when it tells none: no whole date, no hour, or a part of the clock without the one above it.
    pub(crate) fn finest(&self) -> Option<Finest> {
        let clock = [Piece::Hour, Piece::Minute, Piece::Second, Piece::Milli].map(|p| self.pieces.contains(&p));
        match clock {
            _ if !self.has_date() => None,
            [true, true, true, _] => Some(Finest::Second),
            [true, true, false, false] => Some(Finest::Minute),
            [true, false, false, false] => Some(Finest::Hour),
            _ => None,
        }
    }

    /// Whether it has a piece of the time of day, or an offset.
    pub(crate) fn has_clock(&self) -> bool {
        use Piece::{Hour, Milli, Minute, Offset, Second};
        [Hour, Minute, Second, Milli, Offset].iter().any(|p| self.pieces.contains(p))
    }

    /// Whether what it writes may hold a character.
    pub(crate) fn may_write(&self, c: char) -> bool {
        c.is_ascii_digit()
            || self.pieces.iter().any(|piece| match piece {
                Piece::Text(text) => text.contains(c),
                Piece::Offset => "+-:Z".contains(c),
                _ => false,
            })
    }

    /// Its width in bytes, when it is always the same.
    pub(crate) fn width(&self) -> Option<usize> {
        self.pieces.iter().try_fold(0, |sum, piece| {
            Some(
                sum + match piece {
                    Piece::Year => 4,
                    Piece::Milli => 3,
                    Piece::Offset => return None,
                    Piece::Text(text) => text.len(),
                    _ => 2,
                },
            )
        })
    }

    /// A canonical time or date as this pattern writes it.
    pub(crate) fn write(&self, canonical: &str) -> Option<String> {
        let at = match canonical.strip_suffix("+07:00") {
            Some(civil) => parse_civil(civil)?,
            None => canonical_date(canonical)?.to_datetime(jiff::civil::Time::midnight()),
        };
        let mut out = String::with_capacity(self.source.len());
        for piece in &self.pieces {
            match piece {
                Piece::Year => push(&mut out, at.year(), 4),
                Piece::Month => push(&mut out, at.month().into(), 2),
                Piece::Day => push(&mut out, at.day().into(), 2),
                Piece::Hour => push(&mut out, at.hour().into(), 2),
                Piece::Minute => push(&mut out, at.minute().into(), 2),
                Piece::Second => push(&mut out, at.second().into(), 2),
                Piece::Milli => out.push_str("000"),
                Piece::Offset => out.push_str("+07:00"),
                Piece::Text(text) => out.push_str(text),
            }
        }
        Some(out)
    }

    /// The canonical time in a wire text; `None` when it is not one. Milliseconds must be zero unless `drop_millis`; what the pattern
    /// does not tell is zero.
    pub(crate) fn read_time(&self, text: &str, drop_millis: bool) -> Option<String> {
        let parts = self.parts(text)?;
        if parts.milli != 0 && !drop_millis {
            return None;
        }
        let civil = DateTime::new(parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second, 0).ok()?;
        if parts.offset.is_none_or(|offset| offset == OFFSET_SECONDS) && PLAIN_YEARS.contains(&parts.year) {
            return Some(spelt(civil));
        }
        let offset = jiff::tz::Offset::from_seconds(parts.offset.unwrap_or(OFFSET_SECONDS)).ok()?;
        let at = Time(offset.to_timestamp(civil).ok()?.as_millisecond());
        Some(at.rfc3339())
    }

    /// The canonical date in a wire text.
    pub(crate) fn read_date(&self, text: &str) -> Option<String> {
        let parts = self.parts(text)?;
        let date = Date::new(parts.year, parts.month, parts.day).ok()?;
        let mut text = String::with_capacity(10);
        push_date(&mut text, date);
        Some(text)
    }

    fn parts(&self, text: &str) -> Option<Parts> {
        let mut parts = Parts::default();
        let mut rest = text;
        for piece in &self.pieces {
            match piece {
                Piece::Text(want) => rest = rest.strip_prefix(want.as_str())?,
                Piece::Offset => parts.offset = Some(offset(&mut rest)?),
                Piece::Year => parts.year = digits(&mut rest, 4)?,
                Piece::Milli => parts.milli = digits(&mut rest, 3)?,
                Piece::Month => parts.month = two(&mut rest)?,
                Piece::Day => parts.day = two(&mut rest)?,
                Piece::Hour => parts.hour = two(&mut rest)?,
                Piece::Minute => parts.minute = two(&mut rest)?,
                Piece::Second => parts.second = two(&mut rest)?,
            }
        }
        rest.is_empty().then_some(parts)
    }
}

/// Years in which a time of +07:00 is what it looks like: none of its instants is one that `Time` cannot tell.
const PLAIN_YEARS: std::ops::Range<i16> = 1..9999;

/// A wall clock of Asia/Ho_Chi_Minh as canonical time.
fn spelt(at: DateTime) -> String {
    let mut text = String::with_capacity(25);
    push_date(&mut text, at.date());
    for (sign, n) in [('T', at.hour()), (':', at.minute()), (':', at.second())] {
        text.push(sign);
        push(&mut text, n.into(), 2);
    }
    text.push_str("+07:00");
    text
}

fn push_date(out: &mut String, date: Date) {
    push(out, date.year(), 4);
    out.push('-');
    push(out, date.month().into(), 2);
    out.push('-');
    push(out, date.day().into(), 2);
}

/// So many digits of a number that is not negative.
fn push(out: &mut String, n: i16, digits: u32) {
    (0..digits).rev().for_each(|place| out.push(digit(n, place)));
}

/// The digit at a decimal place.
fn digit(n: i16, place: u32) -> char {
    char::from_digit(u32::from((n / 10_i16.pow(place) % 10).unsigned_abs()), 10).unwrap_or('0')
}

fn digits(rest: &mut &str, count: usize) -> Option<i16> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok())?
}

fn two(rest: &mut &str) -> Option<i8> {
    digits(rest, 2).and_then(|n| i8::try_from(n).ok())
}

fn offset(rest: &mut &str) -> Option<i32> {
    if let Some(tail) = rest.strip_prefix('Z') {
        *rest = tail;
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    *rest = rest.get(1..)?;
    let hours = i32::from(digits(rest, 2)?);
    *rest = rest.strip_prefix(':')?;
    let minutes = i32::from(digits(rest, 2)?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn parse_civil(text: &str) -> Option<DateTime> {
    let shape = text.len() == 19 && text.as_bytes().get(10) == Some(&b'T');
    shape.then(|| text.parse().ok())?
}

/// `yyyy-MM-dd`, a real day.
pub(crate) fn canonical_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, b)| if at == 4 || at == 7 { *b == b'-' } else { b.is_ascii_digit() });
    shape.then(|| text.parse().ok())?
}

/// RFC 3339 text with any offset as canonical time; fractions of a second only when zero.
pub(crate) fn canonical_time(text: &str) -> Option<Cow<'_, str>> {
    if is_canonical_time(text) {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let zoned = text.ends_with('Z') || bytes.len().checked_sub(6).and_then(|at| bytes.get(at)).is_some_and(|b| b"+-".contains(b));
    if bytes.get(10) != Some(&b'T') || !zoned {
        return None;
    }
    let time = Time::parse(text)?;
    (time.0.rem_euclid(1000) == 0).then(|| Cow::Owned(time.rfc3339()))
}

/// Whether a text surely is a canonical time already, as nearly every one on our wires is.
fn is_canonical_time(text: &str) -> bool {
    let Some(civil) = text.strip_suffix("+07:00").filter(|civil| civil.len() == 19) else { return false };
    let signs = |(at, b): (usize, u8)| match at {
        4 | 7 => b == b'-',
        10 => b == b'T',
        13 | 16 => b == b':',
        _ => b.is_ascii_digit(),
    };
    let number = |from: usize, to: usize| civil.get(from..to).and_then(|n| n.parse::<i16>().ok()).unwrap_or(i16::MAX);
    let small = |from: usize| i8::try_from(number(from, from + 2)).unwrap_or(i8::MAX);
    civil.bytes().enumerate().all(signs)
        && PLAIN_YEARS.contains(&number(0, 4))
        && Date::new(number(0, 4), small(5), small(8)).is_ok()
        && (small(11), small(14), small(17)) < (24, 0, 0)
        && small(14) < 60
        && small(17) < 60
}

/// The civil day of a canonical time.
pub(crate) fn day_of(canonical: &str) -> Option<Date> {
    canonical.get(..10).and_then(canonical_date)
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;

//! A canonical value that the wire's schema would refuse: decimals by their digits and bounds, days and times by their bounds (V3).
//!
//! The canonical schema bounds such a value by a pattern, which is no number to compare with. So values at the edges of what the wire allows
//! are made, those that the canonical schema takes are written as the line writes them, and the first that the wire refuses is the proof: no
//! false alarm, and none missed where what the pattern allows has no hole at the edge. Pure.

use super::super::convert::{Chain, Conv};
use super::super::shapes::LeafKind;
use super::super::takes::Takes;
use super::simple::{Bound, Simple};
use crate::body::Value;
use jiff::civil::Date;
use jiff::{Span, ToSpan};

/// Digits before and after the point that are tried out, at most: no contract of a person's has more.
const DIGITS: usize = 24;

/// A canonical value, and why the wire refuses it; none: nothing was found.
pub(super) fn witness(chain: &Chain, simple: &Simple) -> Option<(String, String)> {
    let exact = |link: &Conv| matches!(link, Conv::Text | Conv::Number | Conv::Date(_) | Conv::Time(..));
    if chain.lossy || !chain.links.iter().all(exact) || simple.words.is_some() {
        return None;
    }
    let values = match chain.leaf.kind {
        LeafKind::Decimal => decimals(simple),
        LeafKind::Date => days(simple).map(|day| day.to_string()).collect(),
        LeafKind::Time => days(simple).flat_map(times).collect(),
        _ => return None,
    };
    let takes = Takes::new(&chain.leaf);
    let refused = |value: &String| {
        let canonical = Value::from(value.as_str());
        simple.refuses(&chain.out(&canonical)?.text)
    };
    values.into_iter().filter(|value| takes.takes(value)).find_map(|value| refused(&value).map(|why| (value, why)))
}

/// Decimals in their canonical form (no needless zeros): just past each bound, and of every length of digits, small and large, the shortest
/// first.
fn decimals(simple: &Simple) -> Vec<String> {
    let (low, high) = simple.range();
    let past = [low.map(|b| (b, "-")), high.map(|b| (b, ""))];
    let mut values: Vec<String> = past.into_iter().flatten().flat_map(|(bound, _)| near(&bound)).collect();
    for digits in 1..=2 * DIGITS {
        for fraction in digits.saturating_sub(DIGITS)..=digits.min(DIGITS).min(digits - 1) {
            for digit in ["1", "9"] {
                let whole = digit.repeat(digits - fraction);
                let text = if fraction == 0 { whole } else { format!("{whole}.{}", digit.repeat(fraction)) };
                values.extend([format!("-{text}"), text]);
            }
        }
    }
    values.extend((1..=DIGITS).map(|n| format!("0.{}1", "0".repeat(n - 1))));
    values.push("0".to_owned());
    values
}

/// A bound itself, and whole numbers and decimals about it, in canonical form.
fn near(bound: &Bound) -> Vec<String> {
    let (whole, _) = bound.number.split_once('.').unwrap_or((&bound.number, ""));
    let plain = whole.parse::<i128>().ok();
    let whole =
        plain.into_iter().flat_map(|n| (n - 2..=n + 2).flat_map(|n| [format!("{n}"), format!("{n}.5"), format!("{n}.01")]));
    let own = Some(bound.number.clone()).filter(|n| !n.contains('.') || !n.ends_with('0'));
    own.into_iter().chain(whole).collect()
}

/// The days about each bound, and the first and last that a canonical day can be.
fn days(simple: &Simple) -> impl Iterator<Item = Date> {
    let bounds = [&simple.facets.low, &simple.facets.high].into_iter().flatten();
    let about = |bound: &Bound| {
        let day = bound.number.get(..10).and_then(|day| day.parse::<Date>().ok());
        day.into_iter().flat_map(|day| (-2..=2).filter_map(move |n: i64| day.checked_add(n.days()).ok())).collect::<Vec<_>>()
    };
    let far = |bound: &Bound| {
        let day = bound.number.get(..10).and_then(|day| day.parse::<Date>().ok());
        let year: Span = 1.year();
        day.into_iter()
            .flat_map(move |day| [day.checked_add(-year).ok(), day.checked_add(year).ok()])
            .flatten()
            .collect::<Vec<_>>()
    };
    let ends = [Date::constant(1000, 1, 1), Date::constant(2999, 12, 31), Date::constant(1, 1, 1), Date::constant(9999, 12, 31)];
    let bounded = simple.facets.low.is_some() || simple.facets.high.is_some();
    let all: Vec<Date> = bounds.flat_map(|b| about(b).into_iter().chain(far(b))).chain(ends).collect();
    all.into_iter().filter(move |_| bounded)
}

/// The first and the last second of a day, as canonical times.
fn times(day: Date) -> [String; 2] {
    [format!("{day}T00:00:00+07:00"), format!("{day}T23:59:59+07:00")]
}

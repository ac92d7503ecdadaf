//! Texts, days and times made up by chance, the hard ones more often: what [`super::Inventor`] and the inventor of wires put into fields.
//!
//! Always: the same numbers give the same text; a text of a pattern's letters is of the pattern, but where anchors inside it say more.

use crate::seal::Chance;
use jiff::civil::Date;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Characters that wires stumble over: markup, quotes, separators, blanks, Vietnamese, beyond the basic plane, what XML cannot carry.
const HARD: &str =
    "<>&\"'\\/|,;=%+ \t\n\r]{}0eạĐữ\u{301}\u{a0}\u{85}\u{2028}\u{200b}\u{feff}\u{fffd}\u{e000}🙂𠮷\u{10fffd}\u{fffe}";

/// A text of a pattern; repetitions without an end go on up to `most`.
pub(super) fn by_pattern(chance: &mut Chance, hir: &Hir, most: usize, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.push(one_of(chance, class)),
        HirKind::Repetition(repetition) => {
            let most = u32::try_from(most).unwrap_or(u32::MAX);
            let upto = repetition.max.unwrap_or(most.max(repetition.min));
            let times = chance.between((repetition.min.into(), upto.into()));
            (0..times).for_each(|_| by_pattern(chance, &repetition.sub, 1, text));
        }
        HirKind::Capture(capture) => by_pattern(chance, &capture.sub, most, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| by_pattern(chance, part, most, text)),
        HirKind::Alternation(parts) => {
            let at = usize::try_from(chance.below(u64::try_from(parts.len()).unwrap_or(1))).unwrap_or(0);
            parts.get(at).into_iter().for_each(|part| by_pattern(chance, part, most, text));
        }
    }
}

/// A character of a class: a hard one, if the class has some, as often as any other.
fn one_of(chance: &mut Chance, class: &Class) -> char {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|r| (r.start().into(), r.end().into())).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|r| (r.start().into(), r.end().into())).collect(),
    };
    let inside = |c: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&u32::from(c)));
    // What XML cannot carry is rare, or every document would hold it.
    if chance.hits(0.5) && HARD.chars().any(inside) {
        return hard(chance, inside);
    }
    let (from, to) = chance.pick(&ranges).copied().unwrap_or((120, 120));
    let near = if chance.hits(0.8) { to.min(from.max(0x1ef9)) } else { to };
    let any = chance.between((from.into(), near.into()));
    u32::try_from(any).ok().and_then(char::from_u32).or_else(|| char::from_u32(from)).unwrap_or('x')
}

/// A hard character for which `fits` holds.
pub(super) fn hard(chance: &mut Chance, fits: impl Fn(char) -> bool) -> char {
    let rare = chance.hits(0.05);
    let hard: Vec<char> = HARD.chars().filter(|c| fits(*c) && (rare || *c != '\u{fffe}')).collect();
    chance.pick(&hard).copied().unwrap_or('x')
}

/// A day of four digits' years, the ends of months more often than by chance.
pub(super) fn day(chance: &mut Chance) -> String {
    let any = chance.between((1000, 2999));
    let year = *chance.pick(&[any, 2000, 2024, 2025, 2026]).unwrap_or(&2025);
    let month = chance.between((1, 12));
    let first = Date::new(i16::try_from(year).unwrap_or(2025), i8::try_from(month).unwrap_or(1), 1).unwrap_or(Date::MIN);
    let last = u64::from(first.last_of_month().day().unsigned_abs());
    let any = chance.between((1, last));
    let day = *chance.pick(&[1, last, any]).unwrap_or(&1);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time of the day in whole seconds.
pub(super) fn time(chance: &mut Chance) -> String {
    let (h, m, s) = (chance.below(24), chance.below(60), chance.below(60));
    match chance.below(6) {
        0 => "00:00:00".to_owned(),
        1 => "23:59:59".to_owned(),
        _ => format!("{h:02}:{m:02}:{s:02}"),
    }
}

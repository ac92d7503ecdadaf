//! Templates: text with holes, cut apart again without ambiguity (V5).

use super::Compiler;
use super::frame::{At, Frame};
use crate::mapping::convert::{Chain, Conv, Typing};
use crate::mapping::grammar::{Lit, Piece as PieceText};
use crate::mapping::plan::{Act, Piece, To};
use crate::mapping::shapes::LeafKind;
use crate::mapping::source::Span;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Compiles a template.
pub(super) fn template(
    compiler: &mut Compiler<'_>,
    pieces: &[PieceText],
    at: &Span,
    frame: &mut Frame,
    place: &At,
) -> Option<Act> {
    let mut made = Vec::new();
    for piece in pieces {
        made.push(match piece {
            PieceText::Text(text) => Piece::Text(text.clone()),
            PieceText::Hole { path, chain, .. } => {
                let chains = if chain.links.is_empty() { Vec::new() } else { vec![chain.clone()] };
                let (to, mut alts, _) = compiler.value(path, &chains, frame, place)?;
                let mut chain = alts.pop()?;
                // A piece of a text has no JSON type.
                if matches!(chain.typing, Typing::Json | Typing::JsonText) {
                    chain.typing = Typing::Form;
                }
                Piece::Hole { to, chain, from_end: None }
            }
        });
    }
    // A hole is cut off by what follows: text, or, when all that follows has one width, that width from the end.
    let widths: Vec<Option<usize>> = made.iter().map(width).collect();
    for n in 0..made.len() {
        let tail = widths.iter().skip(n + 1).try_fold(0, |sum, w| w.map(|w| sum + w));
        let followed_by_text = matches!(made.get(n + 1), Some(Piece::Text(_)));
        let fixed = widths.get(n).copied().flatten().is_some();
        if let Some(Piece::Hole { from_end, .. }) = made.get_mut(n) {
            *from_end = tail;
            if tail.is_none() && !followed_by_text && !fixed {
                compiler.hint(
                    at,
                    "this template cannot be cut apart again",
                    "put a separator between two holes, or a hole of fixed width (a time) last",
                );
                return None;
            }
        }
    }
    separated(compiler, pieces, &made);
    Some(Act::Template { pieces: made })
}

/// Where a hole is cut off by the text behind it, its value must not hold that text.
fn separated(compiler: &mut Compiler<'_>, texts: &[PieceText], made: &[Piece]) {
    for (n, piece) in made.iter().enumerate() {
        let (Piece::Hole { to, chain, from_end: None }, Some(Piece::Text(stop))) = (piece, made.get(n + 1)) else { continue };
        let Some(PieceText::Hole { at, .. }) = texts.get(n) else { continue };
        // A fixed width cuts by itself; what stands around a message is bounded by nothing: writing looks at it.
        if chain.width().is_some() || matches!(to, To::Context(_)) || !may_hold(chain, stop) {
            continue;
        }
        let text = format!("a value here may hold `{stop}`, by which it is cut off");
        let hint = "a separator that its canonical pattern or words exclude, or a hole of fixed width (a time) behind it";
        compiler.hint(at, text, hint);
    }
}

/// Whether what a chain writes may hold the first character of a text.
fn may_hold(chain: &Chain, stop: &str) -> bool {
    let Some(c) = stop.chars().next() else { return true };
    let lits = |list: &[&Lit]| list.iter().any(|lit| lit.text().contains(c));
    match chain.links.last() {
        Some(Conv::Code(list)) => return list.entries.iter().any(|e| lits(&[&e.written])),
        Some(Conv::Flag(yes, no)) => return lits(&[yes, no]),
        Some(Conv::Time(pattern, _) | Conv::Date(pattern)) => return pattern.may_write(c),
        Some(Conv::Join(separator)) if separator.contains(c) => return true,
        _ => {}
    }
    let leaf = &chain.leaf;
    if let Some(words) = &leaf.words {
        return words.iter().any(|word| word.to_uppercase().contains(c) || word.contains(c));
    }
    match leaf.kind {
        LeafKind::Integer => c.is_ascii_digit() || c == '-',
        LeafKind::Decimal => c.is_ascii_digit() || "-.".contains(c),
        LeafKind::Boolean => c.is_ascii_lowercase(),
        LeafKind::Date | LeafKind::Time => c.is_ascii_digit() || "-:T+".contains(c),
        LeafKind::Text => leaf.limits.pattern.as_deref().is_none_or(|pattern| pattern_may_hold(pattern, c)),
        LeafKind::Content | LeafKind::Any => true,
    }
}

/// Whether some text of a pattern may hold a character: no, where it is anchored at both ends and none of its pieces has it.
fn pattern_may_hold(pattern: &str, c: char) -> bool {
    fn has(hir: &Hir, c: char) -> bool {
        match hir.kind() {
            HirKind::Literal(text) => std::str::from_utf8(&text.0).is_ok_and(|text| text.contains(c)),
            HirKind::Class(Class::Unicode(class)) => class.iter().any(|range| (range.start()..=range.end()).contains(&c)),
            HirKind::Class(Class::Bytes(_)) => true,
            HirKind::Repetition(inner) => has(&inner.sub, c),
            HirKind::Capture(inner) => has(&inner.sub, c),
            HirKind::Concat(list) | HirKind::Alternation(list) => list.iter().any(|inner| has(inner, c)),
            HirKind::Empty | HirKind::Look(_) => false,
        }
    }
    let Ok(hir) = regex_syntax::parse(pattern) else { return true };
    let (first, last) = (hir.properties().look_set_prefix(), hir.properties().look_set_suffix());
    !(first.contains(Look::Start) && last.contains(Look::End)) || c.to_uppercase().chain(c.to_lowercase()).any(|c| has(&hir, c))
}

fn width(piece: &Piece) -> Option<usize> {
    match piece {
        Piece::Text(text) => Some(text.len()),
        Piece::Hole { chain, .. } => Chain::width(chain),
    }
}

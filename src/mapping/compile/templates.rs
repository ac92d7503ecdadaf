//! Templates: text with holes, cut apart again without ambiguity (V5).

use super::Compiler;
use super::frame::{At, Frame};
use crate::mapping::convert::Chain;
use crate::mapping::grammar::Piece as PieceText;
use crate::mapping::plan::{Act, Piece};
use crate::mapping::source::Span;

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
                Piece::Hole { to, chain: alts.pop()?, from_end: None }
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
    Some(Act::Template { pieces: made })
}

fn width(piece: &Piece) -> Option<usize> {
    match piece {
        Piece::Text(text) => Some(text.len()),
        Piece::Hole { chain, .. } => Chain::width(chain),
    }
}

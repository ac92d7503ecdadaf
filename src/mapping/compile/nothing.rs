//! What stands for none: forms that the wire has, and literals that are no value of their own line (V3, V7).

use super::Compiler;
use super::frame::{At, Frame};
use super::lines::Cells;
use crate::mapping::api::Format;
use crate::mapping::convert::{Chain, Conv, Lex, Typing};
use crate::mapping::grammar::{Lit, Opt as OptText, Path};
use crate::mapping::plan::AbsentForm;
use crate::mapping::source::Check;
use crate::mapping::takes::Takes;

/// Where on the wire a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// An element, a member or a field.
    Named,
    Attribute,
    /// An element's own text.
    Own,
}

impl Compiler<'_> {
    /// Whether the wire has the forms this line has for none, and its constants.
    pub(super) fn check_forms(&mut self, cells: &Cells<'_>, spot: Spot, constants: &[Lit]) {
        let place = match (self.head.format, spot) {
            (Format::Form, _) => "a field of a form",
            (Format::Xml, Spot::Attribute) => "an attribute",
            (Format::Xml, Spot::Own) => "an element's own text",
            _ => return,
        };
        let is_text = |lit: &Lit| !matches!(lit, Lit::Null | Lit::EmptyList | Lit::EmptyObject);
        let literal = cells.opt.and_then(|opt| opt.literal.as_ref());
        if let Some(lit) = constants.iter().chain(literal).find(|lit| !is_text(lit)) {
            let text = format!("{place} is text and cannot be {lit}");
            self.hint_by(Check::Types, cells.right_at, text, "a text literal, as `''`");
        }
        let by_head = matches!(cells.opt, Some(OptText { literal: None }));
        // A form's is told at its head.
        if by_head && self.head.format == Format::Xml && self.head.absent.first() == Some(&AbsentForm::Null) {
            let text = format!("{place} has no null, which this file writes for none");
            self.hint_by(Check::Types, cells.right_at, text, "`absent: omit | null` in the head, or `? ''` here");
        }
    }

    /// A literal for none that is a value of the line: the two could not be told apart.
    pub(super) fn check_literal(&mut self, cells: &Cells<'_>, alts: &[Chain]) {
        let Some(lit) = cells.opt.and_then(|opt| opt.literal.as_ref()) else { return };
        let Some(lex) = Lex::of_lit(lit) else { return };
        let is_value = alts.iter().any(|chain| {
            let typed = if chain.typing == Typing::JsonText { Lex::text(lex.text.clone()) } else { lex.clone() };
            chain.back(&typed).is_ok_and(|value| Takes::new(&chain.leaf).takes_value(&value))
        });
        if is_value {
            let hint = "a literal that is no value there: bound the canonical place by a pattern or words, or take `''`";
            self.hint_by(Check::Types, cells.right_at, format!("{lit} stands for none here, and is a value as well"), hint);
        }
    }

    /// A constant that is the literal for none as well: whether it is there could not be seen.
    pub(super) fn check_constant(&mut self, cells: &Cells<'_>, list: &[Lit], any: bool) {
        let Some(lit) = cells.opt.and_then(|opt| opt.literal.as_ref()) else { return };
        let typing = self.head.typing;
        let same = |own: &Lit| own == lit || Lex::of_lit(own).is_some_and(|lex| typing.same(&lex, lit));
        if any || list.iter().any(same) {
            let text = format!("{lit} stands for none here, and is the constant as well");
            self.hint_by(Check::Presence, cells.right_at, text, "two literals that differ on the wire");
        }
    }

    /// An empty list joined into a text is none: a required line could not say it.
    pub(super) fn check_joined(&mut self, cells: &Cells<'_>, path: &Path, alts: &[Chain], frame: &Frame, at: &At) {
        let is_joined = |chain: &Chain| matches!(chain.links.last(), Some(Conv::Join(_)));
        if cells.opt.is_some() || path.context.is_some() || !alts.iter().any(is_joined) {
            return;
        }
        let may_be_empty = self.resolve(path, frame, at).is_some_and(|list| self.shapes.rows(list.shape).0 == 0);
        if may_be_empty {
            let text = format!("`{}` may be empty, and an empty list has no text", path.dotted());
            self.hint_by(Check::Types, cells.right_at, text, "`?` behind it, or `minItems` in the canonical schema");
        }
    }
}

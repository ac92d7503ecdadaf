//! Values on their way out: converted, constants, templates, and what stands for none.

use super::{Cursor, Run, Wire, Written, get, left};
use crate::mapping::convert::{Chain, Lex, Tag, Typing};
use crate::mapping::fault::{Both, WriteFaultKind};
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{AbsentForm, Node, Opt, Piece, Plan, Rule, To};
use crate::mapping::read::cut;

impl<'w, W: Wire> Run<'w, W> {
    pub(super) fn value(
        &mut self,
        rule: &Rule,
        to: &To,
        alts: &[Chain],
        node: &Node,
        here: bool,
        at: Cursor<'w, '_>,
    ) -> Written<()> {
        let Some(value) = self.known(to, at) else {
            if rule.opt == Opt::Required {
                return Err(self.missing(to, Some(node), at));
            }
            self.none(rule, node, here);
            return Ok(());
        };
        let Some(chain) = alts.first() else { return Ok(()) };
        if let Some(map) = chain.document() {
            return self.inner_document(map, value, chain, node, here, at);
        }
        if chain.is_content() {
            return self.content(value, to, chain, node, here, at);
        }
        // A list joined into a text: an empty one is none.
        if value.as_array().is_some_and(Vec::is_empty) {
            self.none(rule, node, here);
            return Ok(());
        }
        let lex = chain.out(value).filter(|lex| self.fits(lex, rule, node));
        match lex {
            Some(lex) => {
                self.scalar(node, &lex, here);
                Ok(())
            }
            None => {
                let expected = chain.expected();
                let text = Both::new(
                    format!("giá trị không viết được thành {}", expected.vi),
                    format!("the value cannot be written as {}", expected.en),
                );
                Err(self.fault(to, Some(node), at, WriteFaultKind::Value, text))
            }
        }
    }

    /// What is written must read back: not empty, not the line's absent literal, nothing that would choose another line's element (`W[k=…]`),
    /// of characters the wire carries.
    fn fits(&self, lex: &Lex<'_>, rule: &Rule, node: &Node) -> bool {
        let same = |lit: &Lit| self.map.typing.same(lex, lit);
        let is_absent = matches!(&rule.opt, Opt::Literal(lit) if same(lit));
        !lex.text.is_empty() && !is_absent && !node.reserved.iter().any(same) && self.wire.carries(&lex.text)
    }

    pub(super) fn template(
        &mut self,
        (plan, rule): (&Plan, &Rule),
        pieces: &[Piece],
        node: &Node,
        here: bool,
        at: Cursor<'w, '_>,
    ) -> Written<()> {
        let unfit = |to: &To| {
            let words = Both::new("giá trị không viết được", "the value cannot be written");
            self.fault(to, Some(node), at, WriteFaultKind::Value, words)
        };
        let (mut text, mut parts) = (String::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Text(own) => text.push_str(own),
                Piece::Hole { to, chain, .. } => match self.known(to, at) {
                    Some(value) => {
                        let lex = chain.out(value).filter(|lex| !lex.text.is_empty()).ok_or_else(|| unfit(to))?;
                        text.push_str(&lex.text);
                        parts.push((to, lex.text));
                    }
                    None if rule.opt == Opt::Required || self.lost(pieces, rule, plan, at) => {
                        return Err(self.missing(to, Some(node), at));
                    }
                    None => {
                        self.none(rule, node, here);
                        return Ok(());
                    }
                },
            }
        }
        // What is read must be cut apart where it was put together.
        let back = cut(&text, pieces).unwrap_or_default();
        let moved = parts.iter().enumerate().find(|(n, (_, own))| back.get(*n).is_none_or(|(.., part)| part != own));
        if let Some((_, (to, _))) = moved {
            return Err(unfit(to));
        }
        let lex = Lex::text(text);
        if !self.fits(&lex, rule, node) {
            return Err(unfit(parts.first().map_or(&To::Own(Box::new([])), |(to, _)| to)));
        }
        self.scalar(node, &lex, here);
        Ok(())
    }

    /// Whether a template that is left out, because a value of it is missing, would lose another one that no other line carries.
    fn lost(&self, pieces: &[Piece], rule: &Rule, plan: &Plan, at: Cursor<'w, '_>) -> bool {
        let mut carried = Vec::new();
        left::targets(&plan.rules, &|own| std::ptr::eq(own, rule), Some(at.frame.body), &mut |path| carried.push(path));
        pieces.iter().any(|piece| match piece {
            Piece::Hole { to: To::Own(path), .. } => get(at.frame.body, path).is_some() && !carried.contains(&&**path),
            _ => false,
        })
    }

    pub(super) fn scalar(&mut self, node: &Node, lex: &Lex<'_>, here: bool) {
        if node.root_level && self.map.sealed {
            let name = if node.attribute { format!("@{}", node.local) } else { node.local.to_string() };
            self.raw.fields.push((name, lex.text.to_string()));
        }
        let text_only = self.map.typing == Typing::JsonText;
        if text_only && lex.tag != Tag::Text {
            self.wire.scalar(node, &Lex::text(lex.text.as_ref()), here);
        } else {
            self.wire.scalar(node, lex, here);
        }
    }

    pub(super) fn literal(&mut self, node: &Node, lit: &Lit, here: bool) {
        match (lit, Lex::of_lit(lit)) {
            (_, Some(lex)) => self.scalar(node, &lex, here),
            (Lit::Null, None) => self.wire.null(node, here),
            // An element that is open already is empty as it is.
            (_, None) if here && self.map.is_xml() => {}
            (other, None) => self.wire.empty(node, other),
        }
    }

    /// What stands for none.
    pub(super) fn none(&mut self, rule: &Rule, node: &Node, here: bool) {
        // In XML a list of no rows has no element.
        if node.rows.is_some() && self.map.is_xml() {
            return;
        }
        match (&rule.opt, self.map.absent.first()) {
            (Opt::Literal(lit), _) => self.literal(node, lit, here),
            (_, Some(AbsentForm::Empty)) => self.scalar(node, &Lex::text(""), here),
            (_, Some(AbsentForm::Null)) => self.wire.null(node, here),
            (_, Some(AbsentForm::Omit) | None) => {}
        }
    }
}

//! Flattened lists, `W[] = p[].q[]`: one row for each element of an inner list, whichever outer element it stands in (V8).
//!
//! Always: the rows carry the outer list's key (`^code`), so that reading can tell where one outer element ends and the next begins.
//! What such a wire cannot carry, an outer element whose inner list is empty, is told as a note.

use super::Compiler;
use super::frame::{At, Frame};
use super::lines::{Cells, opt};
use super::lists::{outer_of, row_frame};
use super::paths::{Resolved, cpath};
use crate::mapping::grammar::Path;
use crate::mapping::plan::{Act, Piece, Rule, To};
use crate::mapping::shapes::{Shape, ShapeId};
use crate::mapping::source::{Check, Span};

impl Compiler<'_> {
    /// The line of a flattened list whose wire place is `node`.
    pub(super) fn flat(&mut self, cells: &Cells<'_>, path: &Path, node: usize, frame: &mut Frame, at: &At) -> Option<Rule> {
        let first = path.steps.iter().position(|s| s.list)?;
        let (head, tail) = path.steps.split_at_checked(first + 1)?;
        let outer_path = Path { steps: head.to_vec(), ..path.clone() };
        let outer = self.resolve(&outer_path, frame, at)?;
        let element = self.item(&outer, path)?;
        if outer.out > 0 || tail.iter().filter(|s| s.list).count() != 1 || !tail.last().is_some_and(|s| s.list) {
            self.hint_by(
                Check::Joins,
                &path.at,
                "a flattened list is one list in another",
                "`W[] = p[].q[]`: the rows of all `q`, of one `p` after the other",
            );
            return None;
        }
        let between = Frame::new(super::frame::WireName::default(), element, outer.dotted.clone(), String::new());
        let inner_path = Path { steps: tail.to_vec(), up: 0, ..path.clone() };
        let inner = self.resolve(&inner_path, &between, &At::root(element))?;
        let item = self.item(&inner, path)?;
        if cells.below.is_empty() {
            self.hint_by(Check::Joins, cells.right_at, "a flattened list needs deeper lines", "one line below gives `^key`");
            return None;
        }
        self.covered.insert(outer.dotted.clone());
        self.covered.insert(inner.dotted.clone());
        let mut row = row_frame(frame, node, item, &inner.dotted);
        row.edit(0, |n| n.object = true);
        self.frames.push(outer_of(frame, &outer));
        self.frames.push(outer_of(&between, &inner));
        let rules = self.lines(cells.below, &mut row, &At::root(item));
        self.frames.truncate(self.frames.len().saturating_sub(2));
        self.check_key(&outer, &rules, &path.at);
        let (p, q) = (&outer.dotted, inner.path.join("."));
        self.notes.add(&path.at, format!("an element of `{p}` without `{q}` is not carried by this wire"));
        let mut plan = self.close(row, rules);
        plan.flat = Some(cpath(&inner.path));
        frame.edit(node, |n| n.rows = Some(Box::new(plan)));
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::List { to: cpath(&outer.path) }, at: cells.site() })
    }

    fn item(&mut self, list: &Resolved, path: &Path) -> Option<ShapeId> {
        match self.shapes.get(list.shape) {
            Shape::List(item) => Some(*item),
            _ => {
                self.hint_by(Check::Types, &path.at, format!("`{}` is not a list", list.dotted), "both steps are lists: p[].q[]");
                None
            }
        }
    }

    /// The rows must tell the outer element's key, else two neighbouring elements would be read as one.
    fn check_key(&mut self, outer: &Resolved, rules: &[Rule], at: &Span) {
        let Some(key) = self.list_key(outer) else {
            self.hint_by(
                Check::Joins,
                at,
                format!("nothing tells the elements of `{}` apart", outer.dotted),
                "the canonical schema names the key of a list: \"x-key\": \"code\"",
            );
            return;
        };
        if !gives(rules, &key) {
            self.hint_by(
                Check::Joins,
                at,
                format!("the rows do not tell which element of `{}` they belong to", outer.dotted),
                format!("a line below: `… = ^{key}`"),
            );
        }
    }

    fn list_key(&self, list: &Resolved) -> Option<String> {
        self.shapes.key(list.shape).map(str::to_owned)
    }
}

/// Whether some line gives the field of the element one frame out.
fn gives(rules: &[Rule], key: &str) -> bool {
    let is = |to: &To| matches!(to, To::Outer(1, path) if path.len() == 1 && path.first().is_some_and(|w| **w == *key));
    rules.iter().any(|rule| match &rule.what {
        Act::Value { to, alts } => is(to) && alts.iter().any(crate::mapping::convert::Chain::gives),
        Act::Template { pieces } => pieces.iter().any(|p| matches!(p, Piece::Hole { to, .. } if is(to))),
        Act::Scope { rules, .. } => gives(rules, key),
        _ => false,
    })
}

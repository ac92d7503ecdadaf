//! Flattened lists, `W[] = p[].q[]`: one row for each element of an inner list, whichever outer element it stands in (V8).
//!
//! Where no other line places the elements (else it is a join), the rows carry the outer list's key (`^code`), so that reading can tell
//! where one outer element ends and the next begins; an outer element whose inner list is empty is not carried then (`joins`).

use super::frame::{At, Frame, Listed};
use super::lines::{Cells, opt};
use super::lists::{outer_of, row_frame};
use super::paths::{Resolved, cpath};
use super::{Compiler, Outer};
use crate::mapping::grammar::Path;
use crate::mapping::plan::{Act, Rule};
use crate::mapping::shapes::{Shape, ShapeId};
use crate::mapping::source::Check;

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
        self.frames.push(Outer { is_flat: true, ..outer_of(&between, &inner) });
        let rules = self.lines(cells.below, &mut row, &At::root(item));
        self.frames.truncate(self.frames.len().saturating_sub(2));
        let mut plan = self.close(row, rules);
        plan.flat = Some(cpath(&inner.path));
        frame.edit(node, |n| n.rows = Some(Box::new(plan)));
        let listed = self.listed(cells, node, &outer, Vec::new(), path);
        frame.lists.push(Listed { inner: Some((inner.path, inner.shape)), ..listed });
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
}

//! Lines with deeper lines: scopes, lists, batches.

use super::frame::{At, Frame, WireName};
use super::lines::{Cells, opt};
use super::paths::{Resolved, cpath};
use super::{Compiler, Outer};
use crate::mapping::api::Format;
use crate::mapping::convert::{Chain, Lex};
use crate::mapping::grammar::{Chain as ChainText, Lit, Path, Right, What};
use crate::mapping::plan::{Act, Opt, Rule, To};
use crate::mapping::shapes::{Shape, ShapeId};
use crate::mapping::source::Check;

impl Compiler<'_> {
    pub(super) fn scope(
        &mut self,
        path: &Path,
        chains: &[ChainText],
        node: Option<usize>,
        cells: &Cells<'_>,
        frame: &mut Frame,
        at: &At,
    ) -> Option<Rule> {
        if !chains.is_empty() || path.context.is_some() {
            self.fault(cells.right_at, "a scope needs a canonical object");
            return None;
        }
        let resolved = self.resolve(path, frame, at)?;
        if resolved.out > 0 {
            self.hint(
                &path.at,
                "a scope cannot be an object further out (`^`)",
                "its fields one by one: `W = ^p`; or the scope where that object is open",
            );
            return None;
        }
        let stays = path.steps.is_empty() && path.up == 0;
        let forks = cells.below.iter().any(|l| matches!(&l.what, What::Use { select: Some(_), .. }));
        if !stays && !forks && !matches!(self.shapes.get(resolved.shape), Shape::Object(_)) {
            let hint = match self.shapes.get(resolved.shape) {
                Shape::List(_) => "a list stands beside a list: `wire[] = path[]`",
                _ => "deeper lines belong to an object",
            };
            self.hint(&path.at, format!("`{}` is not an object", path.dotted()), hint);
            return None;
        }
        if forks && (cells.below.len() > 1 || node.is_none()) {
            self.fault(cells.right_at, "`use …/{…}` must be the only line of an object or element of its own");
            return None;
        }
        if let (Some(node), Some(lit)) = (node, cells.opt.and_then(|opt| opt.literal.as_ref())) {
            self.check_none_of_scope(lit, cells, node, frame);
        }
        let inner = At { node: node.unwrap_or(at.node), path: resolved.path.clone(), shape: resolved.shape };
        let mark = self.faults.mark();
        let perhaps = !stays && cells.opt.is_some();
        if perhaps {
            self.perhaps.push(resolved.dotted.clone());
        }
        let rules = self.lines(cells.below, frame, &inner);
        if perhaps {
            self.perhaps.pop();
        }
        if node.is_none() && cells.opt.is_some() && self.faults.mark() == mark && !rules.iter().any(shows) {
            self.hint_by(
                Check::Presence,
                cells.right_at,
                "whether this scope is there cannot be seen",
                "it needs a required line, or a constant with `? literal`, or a list",
            );
        }
        let lazy = stays && cells.opt.is_some();
        let object = (!stays).then(|| cpath(&resolved.path));
        Some(Rule { node, opt: opt(cells.opt), what: Act::Scope { at: object, rules, lazy }, at: cells.site() })
    }

    /// What stands for an object that is not there.
    fn check_none_of_scope(&mut self, lit: &Lit, cells: &Cells<'_>, node: usize, frame: &mut Frame) {
        match (lit, self.head.format) {
            (Lit::EmptyObject, Format::Json) => {
                let text = "{} stands for none here, and is an object with nothing in it as well";
                self.hint_by(Check::Types, cells.right_at, text, "null, '' or []");
            }
            (Lit::EmptyList, Format::Json) => frame.edit(node, |n| n.empty_list = true),
            (lit, _) if !lit.text().is_empty() => frame.edit(node, |n| n.scalar = true),
            _ => {}
        }
    }

    pub(super) fn list(&mut self, cells: &Cells<'_>, name: Option<&str>, frame: &mut Frame, at: &At) -> Option<Rule> {
        let Right::Value { path, chains } = cells.right else {
            self.hint(
                cells.right_at,
                "a list stands beside a list",
                "`wire[] = path[]`, or `wire[] = .` for a batch of messages",
            );
            return None;
        };
        let node = match name {
            Some(name) => {
                let name = self.wire_name(name, false, cells.wire_at);
                frame.child(at.node, &name, false, None)
            }
            None if self.head.format == Format::Json && frame.is_root && at.node == 0 => at.node,
            None if self.head.format == Format::Json => {
                let hint = "write `name[]`; an array directly in an array is not mapped";
                self.hint_by(Check::Places, cells.wire_at, "`[]` without a name is the whole document", hint);
                return None;
            }
            None => {
                self.fault(cells.wire_at, "`[]` without a name belongs to json only");
                return None;
            }
        };
        self.claim(frame, node, cells.wire_at);
        self.check_none_of_list(cells, node, frame);
        let lists = path.steps.iter().filter(|s| s.list).count();
        if path.steps.is_empty() && path.context.is_none() && path.up == 0 {
            return self.batch(cells, node, frame, at);
        }
        if lists > 1 {
            return self.flat(cells, path, node, frame, at);
        }
        let resolved = self.resolve(path, frame, at)?;
        let Shape::List(item) = self.shapes.get(resolved.shape) else {
            self.hint(&path.at, format!("`{}` is not a list", path.dotted()), "a single value: write the wire name without []");
            return None;
        };
        let item = *item;
        if resolved.out > 0 {
            self.hint(&path.at, "a list cannot be one of an object further out (`^`)", "the list where that object is open");
            return None;
        }
        self.cover(&resolved.dotted);
        let mut inner = row_frame(frame, node, item, &resolved.dotted);
        self.frames.push(outer_of(frame, &resolved));
        let rules = if cells.below.is_empty() {
            inner.scalar = true;
            self.scalar_row(cells, item, &resolved, &mut inner)
        } else {
            if !chains.is_empty() {
                self.fault(cells.right_at, "a list with deeper lines takes no conversion");
            }
            inner.edit(0, |n| n.object = true);
            let inside = At::root(item);
            self.lines(cells.below, &mut inner, &inside)
        };
        self.frames.pop();
        let nested = inner.lists.iter().filter(|l| l.inner.is_none()).map(|l| l.to.clone()).collect();
        let plan = self.close(inner, rules);
        frame.edit(node, |n| n.rows = Some(Box::new(plan)));
        frame.lists.push(self.listed(cells, node, &resolved, nested, path));
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::List { to: cpath(&resolved.path) }, at: cells.site() })
    }

    /// What stands for a list of no rows: in XML nothing can, for there it would be a row.
    fn check_none_of_list(&mut self, cells: &Cells<'_>, node: usize, frame: &mut Frame) {
        let Some(lit) = cells.opt.and_then(|opt| opt.literal.as_ref()) else { return };
        if self.head.format == Format::Json {
            return frame.edit(node, |n| {
                n.scalar |= Lex::of_lit(lit).is_some();
                n.object |= *lit == Lit::EmptyObject;
            });
        }
        let text = format!("{lit} for a list of no rows would be read as a row");
        self.hint_by(Check::Types, cells.right_at, text, "`?` without a literal: no rows are no elements");
    }

    /// At the end of the root frame: an array that is the whole document has nothing beside it.
    pub(super) fn check_whole(&mut self, frame: &Frame, rules: &[Rule]) {
        let is_array = frame.nodes.first().is_some_and(|n| n.rows.is_some());
        if let (true, Some(other)) = (is_array, rules.iter().find(|r| r.node != Some(0))) {
            let hint = "only its items are carried: put the line into the rows, or name the array (`name[]`)";
            self.hint_by(Check::Places, &other.at.wire, "`[]` is the whole document: nothing stands beside it", hint);
        }
    }

    fn scalar_row(&mut self, cells: &Cells<'_>, item: ShapeId, list: &Resolved, inner: &mut Frame) -> Vec<Rule> {
        let Right::Value { path, chains } = cells.right else { return Vec::new() };
        let at = cells.site();
        let resolved = Resolved { out: 0, path: Vec::new(), shape: item, dotted: list.dotted.clone() };
        let Some(leaf) = self.leaf(&resolved, path) else { return Vec::new() };
        let alts = self.chains(chains, &leaf, &path.at);
        let content = alts.iter().any(Chain::is_content);
        inner.edit(0, |n| {
            n.scalar = true;
            n.content = content;
        });
        let to = To::Own(Box::new([]));
        vec![Rule { node: Some(0), opt: Opt::Required, what: Act::Value { to, alts }, at }]
    }

    pub(super) fn batch(&mut self, cells: &Cells<'_>, node: usize, frame: &mut Frame, at: &At) -> Option<Rule> {
        if !self.frames.is_empty() || !at.path.is_empty() || self.batch {
            self.fault(cells.wire_at, "a batch of messages stands once, and not inside another list or object");
            return None;
        }
        if cells.below.is_empty() {
            self.fault(cells.right_at, "a batch needs the lines of one message below it");
            return None;
        }
        self.batch = true;
        let mut inner = row_frame(frame, node, frame.shape, "");
        inner.edit(0, |n| n.object = true);
        let rules = self.lines(cells.below, &mut inner, &At::root(frame.shape));
        inner.nodes.iter_mut().for_each(|n| n.root_level = false);
        let plan = self.close(inner, rules);
        frame.edit(node, |n| {
            n.rows = Some(Box::new(plan));
            n.batch = true;
        });
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::Batch, at: cells.site() })
    }
}

/// The frame of a row of the list at a node.
pub(super) fn row_frame(frame: &Frame, node: usize, item: ShapeId, dotted: &str) -> Frame {
    let own =
        frame.nodes.get(node).map(|n| WireName { ns: n.ns.to_string(), local: n.local.to_string(), qname: n.qname.to_string() });
    Frame::new(own.unwrap_or_default(), item, dotted.to_owned(), String::new())
}

/// The frame around the rows of a list that stands in it.
pub(super) fn outer_of(frame: &Frame, list: &Resolved) -> Outer {
    let parent = list.path.split_last().map_or(Vec::new(), |(_, head)| head.to_vec());
    Outer { shape: frame.shape, path: parent, prefix: frame.prefix.clone(), is_flat: false }
}

/// Whether a line shows that its optional scope is there.
fn shows(rule: &Rule) -> bool {
    match &rule.what {
        Act::Value { .. } | Act::Const { .. } | Act::Template { .. } => true,
        Act::List { .. } => true,
        Act::Scope { rules, .. } => rules.iter().any(shows),
        Act::When { branches, .. } => branches.iter().any(|b| b.rules.iter().any(shows)),
        Act::Dropped | Act::Seal | Act::Batch | Act::Fork(_) => false,
    }
}

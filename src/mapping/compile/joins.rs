//! Joins: several wire lists of one canonical list (V8). They meet by the key that the canonical schema names (`x-key`).
//!
//! One line places the elements: the first plain list `W[] = p[]` (for `p[].q[]`: one in whose rows `q` stands, else the first flattened
//! list that tells `^key`). Every other line adds to what was placed; a flattened list whose outer elements alone are placed puts its
//! rows into them. Each line tells the key, so that no row is taken for another's.

use super::Compiler;
use super::frame::{Frame, Listed, apart};
use super::lines::Cells;
use super::paths::{Resolved, cpath};
use crate::mapping::convert::Chain;
use crate::mapping::grammar::Path;
use crate::mapping::plan::{Act, By, CPath, Join, Node, Opt, Piece, Rule, To};
use crate::mapping::shapes::{Shape, ShapeId};
use crate::mapping::source::Check;
use std::collections::BTreeSet;

/// What a list line is among those of its canonical list.
enum Part {
    /// It places the elements.
    Places,
    /// It adds to elements that the other line places.
    Adds(usize),
    /// It puts inner elements into outer ones that the other line places.
    PutsInto(usize),
}

impl Compiler<'_> {
    pub(super) fn listed(
        &self,
        cells: &Cells<'_>,
        node: usize,
        list: &Resolved,
        nested: Vec<Vec<String>>,
        path: &Path,
    ) -> Listed {
        Listed {
            doc: None,
            node,
            to: list.path.clone(),
            list: list.shape,
            name: list.dotted.clone(),
            inner: None,
            nested,
            branch: self.branch.clone(),
            optional: cells.opt.is_some(),
            at: path.at.clone(),
        }
    }

    /// At a frame's end: its list lines that meet, and what each of them is. True: there are some.
    pub(super) fn meet(&mut self, frame: &mut Frame, rules: &[Rule]) -> bool {
        let mut joined = false;
        // What a misspelt name leaves open is not told a second time.
        if !self.unclear.is_empty() {
            return joined;
        }
        let mut lists = std::mem::take(&mut frame.lists);
        // A document inside says all of its elements, so it places them.
        lists.sort_by_key(|l| l.doc.is_none());
        for (n, list) in lists.iter().enumerate() {
            if list.doc.is_some() || !self.is_of_objects(list) {
                continue;
            }
            let join = match self.part_of(n, list, &lists, frame) {
                Part::Places => {
                    if list.inner.is_some() {
                        self.placing(list, frame);
                    }
                    continue;
                }
                Part::Adds(placer) => {
                    let place = lists.get(placer);
                    place.and_then(|place| self.adds(list, place, &lists, frame, rules))
                }
                Part::PutsInto(placer) => lists.get(placer).and_then(|place| self.puts(list, place, frame)),
            };
            let row = frame.nodes.get_mut(list.node).and_then(|n| n.rows.as_mut());
            if let (Some(join), Some(row)) = (join, row) {
                row.join = Some(join);
                joined = true;
            }
        }
        joined
    }

    /// Lists of scalars do not meet: said twice, they must say the same.
    fn is_of_objects(&self, list: &Listed) -> bool {
        matches!(self.shapes.get(list.list), Shape::List(item) if matches!(self.shapes.get(*item), Shape::Object(_)))
    }

    fn part_of(&self, n: usize, list: &Listed, lists: &[Listed], frame: &Frame) -> Part {
        let among = || lists.iter().enumerate().filter(|(_, l)| l.to == list.to && !apart(&l.branch, &list.branch));
        let outer = among().find(|(_, l)| l.inner.is_none()).map(|(m, _)| m);
        let Some((inner, _)) = &list.inner else {
            return match outer {
                Some(placer) if placer != n => Part::Adds(placer),
                _ => Part::Places,
            };
        };
        let of_rows = among().find(|(_, l)| l.nested.contains(inner)).map(|(m, _)| m);
        let flat = |l: &Listed| l.inner.as_ref().is_some_and(|(own, _)| own == inner) && self.tells_outer(l, frame);
        match of_rows.or_else(|| among().find(|(_, l)| flat(l)).map(|(m, _)| m)) {
            Some(placer) if placer != n => Part::Adds(placer),
            _ => outer.map_or(Part::Places, Part::PutsInto),
        }
    }

    fn tells_outer(&self, list: &Listed, frame: &Frame) -> bool {
        let rules = rows(list, frame);
        self.shapes.key(list.list).is_some_and(|key| tells(rules, 1, key))
    }

    /// A flattened list that places both: its rows must tell the outer element's key, else two neighbours would be read as one.
    fn placing(&mut self, list: &Listed, frame: &Frame) {
        if self.outer_key(list, frame).is_some() {
            let inner = list.inner.as_ref().map_or(String::new(), |(path, _)| path.join("."));
            self.notes.add(&list.at, format!("an element of `{}` without `{inner}` is not carried by this wire", list.name));
        }
    }

    fn outer_key(&mut self, list: &Listed, frame: &Frame) -> Option<String> {
        let key = self.key(list.list, &list.name, list)?;
        if self.tells_outer(list, frame) {
            return Some(key);
        }
        self.hint_by(
            Check::Joins,
            &list.at,
            format!("the rows do not tell which element of `{}` they belong to", list.name),
            format!("a line below: `… = ^{key}`"),
        );
        None
    }

    fn key(&mut self, shape: ShapeId, name: &str, list: &Listed) -> Option<String> {
        let key = self.shapes.key(shape).map(str::to_owned);
        if key.is_none() {
            self.hint_by(
                Check::Joins,
                &list.at,
                format!("nothing tells the elements of `{name}` apart"),
                "the canonical schema names the key of a list: \"x-key\": \"code\"",
            );
        }
        key
    }

    fn puts(&mut self, list: &Listed, placer: &Listed, frame: &Frame) -> Option<Join> {
        let key = self.outer_key(list, frame)?;
        let placed = self.tells_key(placer, rows(placer, frame), 0, &key, &list.name);
        (placed && self.together(list, placer)).then(|| self.made(By::Outer, list.list, &key, None))
    }

    fn adds(&mut self, list: &Listed, placer: &Listed, lists: &[Listed], frame: &Frame, rules: &[Rule]) -> Option<Join> {
        let (shape, name) = match &list.inner {
            None => (list.list, list.name.clone()),
            Some((inner, shape)) => (*shape, format!("{}.{}", list.name, inner.join("."))),
        };
        let key = self.key(shape, &name, list)?;
        let own = rows(list, frame);
        let mut sound = self.tells_key(list, own, 0, &key, &name);
        // The placer's rows, or those nested in them.
        match (&list.inner, &placer.inner) {
            (Some((inner, _)), None) => {
                let nested = nodes_of(placer, frame).get(placer.node).and_then(|n| n.rows.as_ref());
                let nested = nested.and_then(|plan| nested_rows(&plan.nodes, &plan.rules, &cpath(inner)));
                sound &= self.tells_key(placer, nested.unwrap_or_default(), 0, &key, &name);
            }
            _ => sound &= self.tells_key(placer, rows(placer, frame), 0, &key, &name),
        }
        if let Some(both) = list.nested.iter().find(|n| placer.nested.contains(n)) {
            let text = format!("`{}` stands in the rows of both lists of `{name}`", both.join("."));
            let hint = format!("in one of them, or as a flattened list of its own: `W[] = {name}[].{}[]`", both.join("."));
            self.hint_by(Check::Joins, &list.at, text, hint);
            sound = false;
        }
        if unchecked(own) {
            let hint = "put the `~` line into the list that places the elements";
            self.hint_by(Check::Joins, &list.at, "a line with `~` in the rows of a join would not be checked", hint);
            sound = false;
        }
        let only = list.optional.then(|| self.only(list, lists, frame, rules, &key)).flatten();
        if list.optional && only.is_none() {
            let hint = "with `?`, a row needs a required line that no other list has; or take the `?` away";
            self.hint_by(Check::Joins, &list.at, "which elements have their row here cannot be seen", hint);
            sound = false;
        }
        (sound && self.together(list, placer)).then(|| self.made(By::Own, shape, &key, only))
    }

    fn made(&self, by: By, list: ShapeId, key: &str, only: Option<Box<[CPath]>>) -> Join {
        let field = if let Shape::List(item) = self.shapes.get(list) { self.shapes.field(*item, key) } else { None };
        let public = field.is_some_and(|id| matches!(self.shapes.get(id), Shape::Leaf(leaf) if leaf.public));
        Join { by, key: key.into(), public, only }
    }

    fn tells_key(&mut self, list: &Listed, rules: &[Rule], out: usize, key: &str, name: &str) -> bool {
        let told = tells(rules, out, key);
        if !told {
            let text = format!("several lists meet in `{name}`, and these rows do not tell its key `{key}`");
            self.hint_by(Check::Joins, &list.at, text, format!("a line below, without `?` and `~`: `… = {key}`"));
        }
        told
    }

    /// What places the elements must be there whenever something is added to them.
    fn together(&mut self, list: &Listed, placer: &Listed) -> bool {
        let around = list.branch.starts_with(&placer.branch);
        if !around {
            let text =
                format!("the list that places the elements of `{}` stands in a branch, and this one outside of it", list.name);
            self.hint_by(Check::Joins, &list.at, text, "both in one branch, or the placing list outside");
        }
        around
    }

    /// The places only this line carries, if one of its lines is required.
    fn only(&self, list: &Listed, lists: &[Listed], frame: &Frame, rules: &[Rule], key: &str) -> Option<Box<[CPath]>> {
        let mut own = Vec::new();
        let required = targets(rows(list, frame), true, &mut own);
        let mut elsewhere = BTreeSet::new();
        let inner = list.inner.as_ref().map(|(path, _)| cpath(path));
        others(&frame.nodes, rules, list.node, &cpath(&list.to), inner.as_ref(), &mut elsewhere);
        for doc in lists.iter().filter_map(|l| l.doc.as_ref()) {
            others(&doc.root.nodes, &doc.root.rules, usize::MAX, &cpath(&list.to), inner.as_ref(), &mut elsewhere);
        }
        let is_key = |path: &CPath| path.len() == 1 && path.first().is_some_and(|w| **w == *key);
        let is_only = |path: &CPath| !is_key(path) && !elsewhere.contains(path);
        own.retain(is_only);
        required.iter().any(is_only).then(|| own.into_boxed_slice())
    }
}

/// The lines of a list's rows.
fn rows<'f>(list: &'f Listed, frame: &'f Frame) -> &'f [Rule] {
    nodes_of(list, frame).get(list.node).and_then(|n| n.rows.as_ref()).map_or(&[], |plan| &plan.rules)
}

fn nodes_of<'f>(list: &'f Listed, frame: &'f Frame) -> &'f [Node] {
    list.doc.as_ref().map_or(&frame.nodes, |doc| &doc.root.nodes)
}

/// The lines of the rows of a list that stands in these lines.
fn nested_rows<'p>(nodes: &'p [Node], rules: &'p [Rule], to: &CPath) -> Option<&'p [Rule]> {
    rules.iter().find_map(|rule| match &rule.what {
        Act::List { to: own } if own == to => {
            rule.node.and_then(|id| nodes.get(id)).and_then(|n| n.rows.as_ref()).map(|plan| &*plan.rules)
        }
        Act::Scope { rules, .. } => nested_rows(nodes, rules, to),
        _ => None,
    })
}

/// Whether a required line tells the field of the element that many frames out, exactly.
fn tells(rules: &[Rule], out: usize, key: &str) -> bool {
    let is = |to: &To| match to {
        To::Own(path) => out == 0 && path.len() == 1 && path.first().is_some_and(|w| **w == *key),
        To::Outer(n, path) => out == *n && path.len() == 1 && path.first().is_some_and(|w| **w == *key),
        To::Context(_) => false,
    };
    let exact = |chain: &Chain| !chain.lossy && chain.gives();
    rules.iter().any(|rule| match &rule.what {
        Act::Value { to, alts } => rule.opt == Opt::Required && is(to) && alts.iter().all(exact),
        Act::Template { pieces } => {
            rule.opt == Opt::Required
                && pieces.iter().any(|p| matches!(p, Piece::Hole { to, chain, .. } if is(to) && exact(chain)))
        }
        Act::Scope { at: None, rules, .. } => rule.opt == Opt::Required && tells(rules, out, key),
        _ => false,
    })
}

/// Whether a line with `~` speaks of something that its own row does not say exactly.
fn unchecked(rules: &[Rule]) -> bool {
    fn walk<'r>(rules: &'r [Rule], exact: &mut Vec<&'r To>, lossy: &mut Vec<&'r To>) {
        for rule in rules {
            let mut note = |to: &'r To, chain: Option<&Chain>| match chain {
                Some(chain) if chain.lossy => lossy.push(to),
                _ => exact.push(to),
            };
            match &rule.what {
                Act::Value { to, alts } => note(to, alts.iter().find(|c| c.lossy)),
                Act::Template { pieces } => pieces.iter().for_each(|p| {
                    if let Piece::Hole { to, chain, .. } = p {
                        note(to, Some(chain));
                    }
                }),
                Act::Scope { rules, .. } => walk(rules, exact, lossy),
                Act::When { branches, .. } => branches.iter().for_each(|b| walk(&b.rules, exact, lossy)),
                _ => {}
            }
        }
    }
    let (mut exact, mut lossy) = (Vec::new(), Vec::new());
    walk(rules, &mut exact, &mut lossy);
    lossy.iter().any(|to| !matches!(to, To::Context(_)) && !exact.contains(to))
}

/// The row's own places that lines carry; returned: those of required lines.
fn targets(rules: &[Rule], sure: bool, all: &mut Vec<CPath>) -> Vec<CPath> {
    let mut required = Vec::new();
    for rule in rules {
        let must = sure && rule.opt == Opt::Required;
        let mut note = |path: &CPath, all: &mut Vec<CPath>| {
            all.push(path.clone());
            if must {
                required.push(path.clone());
            }
        };
        match &rule.what {
            Act::Value { to: To::Own(path), .. } => note(path, all),
            Act::List { to } => all.push(to.clone()),
            Act::Template { pieces } => pieces.iter().for_each(|p| {
                if let Piece::Hole { to: To::Own(path), .. } = p {
                    note(path, all);
                }
            }),
            Act::Scope { rules, .. } => required.extend(targets(rules, must, all)),
            Act::When { branches, .. } => branches.iter().for_each(|b| {
                targets(&b.rules, false, all);
            }),
            _ => {}
        }
    }
    required
}

/// What other lists than that of `node` carry of the elements of `to` (in them, of `inner`).
fn others(nodes: &[Node], rules: &[Rule], node: usize, to: &CPath, inner: Option<&CPath>, out: &mut BTreeSet<CPath>) {
    for rule in rules.iter().filter(|r| r.node != Some(node)) {
        match &rule.what {
            Act::List { to: own } if own == to => {
                let Some(plan) = rule.node.and_then(|id| nodes.get(id)).and_then(|n| n.rows.as_ref()) else { continue };
                let rows = match (inner, &plan.flat) {
                    (None, None) => Some(&*plan.rules),
                    (Some(inner), Some(flat)) if inner == flat => Some(&*plan.rules),
                    (Some(inner), None) => nested_rows(&plan.nodes, &plan.rules, inner),
                    _ => None,
                };
                let mut all = Vec::new();
                targets(rows.unwrap_or_default(), false, &mut all);
                out.extend(all);
            }
            Act::Scope { rules, .. } => others(nodes, rules, node, to, inner, out),
            Act::When { branches, .. } => branches.iter().for_each(|b| others(nodes, &b.rules, node, to, inner, out)),
            _ => {}
        }
    }
}

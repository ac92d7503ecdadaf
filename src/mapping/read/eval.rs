//! At a frame's end: required, constants, conversions, agreement, branches, forms; then the canonical body stands.
//!
//! Order: all exact lines first, then branches and forms (they need the values), then lines with `~` (checked by writing).

use super::agree::{get_mut, put_at};
use super::join::Joined;
use super::packed::Packed;
use super::{Frame, Outward, Presence, Run, Said, Seen, Slot, found};
use crate::body::{Text, Value};
use crate::mapping::convert::{Chain, Lex, Tag};
use crate::mapping::fault::{Both, FaultKind, Found};
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Act, NodeId, Opt, Piece, Plan, Rule, To};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A frame under evaluation.
pub(super) struct Eval<'e, 'r, 'a> {
    pub(super) run: &'e mut Run<'r, 'a>,
    pub(super) body: Value,
    pub(super) context: BTreeMap<String, Value>,
    pub(super) outer: Vec<Outward>,
    /// Values of lines with `~`, checked when all else is known.
    pub(super) lossy: Vec<Lossy<'a>>,
    /// Archives whose entry's name is told by another line.
    pub(super) packed: Vec<Packed<'a>>,
    /// Rows that meet elements which other lines place.
    pub(super) joined: Vec<Joined<'a>>,
    /// Where a form stands, and its shape.
    pub(super) shapes: Vec<(&'a [Text], crate::mapping::shapes::ShapeId)>,
}

/// A value of a line with `~`.
pub(super) struct Lossy<'a> {
    pub(super) to: &'a To,
    pub(super) chain: &'a Chain,
    pub(super) wire: String,
    pub(super) tag: Tag,
    pub(super) found: Found,
    pub(super) path: &'a str,
    pub(super) at: usize,
}

/// Evaluates a row.
pub(super) fn row<'a>(run: &mut Run<'_, 'a>, plan: &'a Plan, mut frame: Frame<'a>) -> (Said, Vec<Outward>) {
    let (said, outer, _) = evaluate(run, plan, &mut frame);
    run.spare.push(frame.slots);
    (said, outer)
}

/// Evaluates the root frame; the messages of a batch come beside what is shared.
pub(super) fn root<'a>(run: &mut Run<'_, 'a>, plan: &'a Plan, mut frame: Frame<'a>) -> (Said, Option<Vec<Said>>) {
    let (said, _, messages) = evaluate(run, plan, &mut frame);
    let messages = if run.map.batch { Some(messages.unwrap_or_default()) } else { None };
    (said, messages)
}

fn evaluate<'a>(run: &mut Run<'_, 'a>, plan: &'a Plan, frame: &mut Frame<'a>) -> (Said, Vec<Outward>, Option<Vec<Said>>) {
    let inward = std::mem::take(&mut frame.outer);
    let told = std::mem::take(&mut frame.said);
    let batch = frame.slots.iter_mut().filter(|_| run.map.batch).find_map(|slot| match &mut slot.seen {
        Seen::Messages(messages) => Some(std::mem::take(messages)),
        _ => None,
    });
    let body = if plan.scalar { Value::Null } else { Value::Object(frame.object(plan)) };
    let mut eval = Eval {
        run,
        body,
        context: BTreeMap::new(),
        outer: Vec::new(),
        lossy: Vec::new(),
        packed: Vec::new(),
        joined: Vec::new(),
        shapes: Vec::new(),
    };
    // A row that is no object at all: one fault, not one for each of its lines.
    let broken = !plan.scalar
        && matches!(frame.slot(0).seen, Seen::Passed | Seen::Null | Seen::Scalar(_))
        && !plan.node(0).is_some_and(|n| n.scalar);
    if broken {
        if !matches!(frame.slot(0).seen, Seen::Passed) {
            let slot = frame.slot(0);
            let (at, found) = (slot.at, found(slot, false));
            let path = plan.node(0).map_or("", |n| &n.path);
            eval.run.fault(path, at, FaultKind::Type, Both::new("đối tượng", "an object"), found);
        }
    } else {
        eval.lines(plan, frame, &plan.rules);
        eval.unpack();
        eval.joins();
        eval.inward(inward);
        for (name, value, at) in told {
            eval.put(&To::Context(name), value, "", at);
        }
        eval.lossy();
    }
    for (path, shape) in std::mem::take(&mut eval.shapes) {
        if let Some(form) = get_mut(&mut eval.body, path) {
            eval.run.map.shapes.fill_lists(shape, form);
        }
    }
    let said = Said { body: eval.body, context: eval.context, faults: Vec::new() };
    (said, eval.outer, batch)
}

impl<'a> Eval<'_, '_, 'a> {
    /// Lines of a scope that is there: plain lines first, then branches and forms.
    pub(super) fn lines(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, rules: &'a [Rule]) {
        self.plain(plan, frame, rules);
        self.later(plan, frame, rules);
        if plan.joined {
            self.unseen_joins(plan, frame, rules);
        }
    }

    fn plain(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, rules: &'a [Rule]) {
        for rule in rules {
            match &rule.what {
                Act::Scope { rules, .. } => {
                    if self.enters(plan, frame, rule) {
                        self.plain(plan, frame, rules);
                    } else if rule.node.is_none() {
                        self.absent(plan, frame, rules);
                    }
                }
                Act::When { .. } | Act::Fork(_) | Act::Dropped | Act::Batch => {}
                _ => self.line(plan, frame, rule),
            }
        }
    }

    fn later(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, rules: &'a [Rule]) {
        for rule in rules {
            match &rule.what {
                Act::Scope { rules, .. } if self.is_there(frame, rule) => self.later(plan, frame, rules),
                Act::When { on, branches, required, .. } => self.when(plan, frame, on, branches, *required),
                Act::Fork(index) => self.fork(plan, frame, *index),
                _ => {}
            }
        }
    }

    /// Whether a scope is there, without faults.
    fn is_there(&self, frame: &Frame<'a>, rule: &'a Rule) -> bool {
        let Act::Scope { rules, lazy, at } = &rule.what else { return false };
        match rule.node {
            Some(_) if *lazy && rule.opt == Opt::Required => true,
            Some(node) => {
                let slot = frame.slot(node);
                let given = self.scope_presence(slot, &rule.opt) == Presence::Given;
                // What a required element lacks is told by its own lines.
                !matches!(slot.seen, Seen::Passed) && (given || (at.is_none() && rule.opt == Opt::Required))
            }
            None => rule.opt == Opt::Required || rules.iter().any(|r| self.given(frame, r)),
        }
    }

    /// The same of an element with deeper lines: with attributes it is there, though it has no text.
    fn scope_presence(&self, slot: &Slot<'_>, opt: &Opt) -> Presence {
        if matches!(slot.seen, Seen::Textless) { Presence::Given } else { self.run.presence(slot, opt) }
    }

    /// Whether a scope is there; a required one that is not is a fault.
    fn enters(&mut self, plan: &'a Plan, frame: &Frame<'a>, rule: &'a Rule) -> bool {
        if let (Some(node), Act::Scope { lazy, .. }) = (rule.node, &rule.what) {
            let slot = frame.slot(node);
            let implicit = *lazy && rule.opt == Opt::Required;
            if !implicit && !matches!(slot.seen, Seen::Passed) && self.scope_presence(slot, &rule.opt) == Presence::Missing {
                self.missing(plan, frame, node);
                return false;
            }
            if let (Seen::Scalar(lex), false) = (&slot.seen, plan.node(node).is_some_and(|n| n.scalar) || implicit)
                && !lex.text.is_empty()
            {
                return false;
            }
        }
        self.is_there(frame, rule)
    }

    /// Whether a line of an optional scope shows that the scope is there.
    pub(super) fn given(&self, frame: &Frame<'a>, rule: &'a Rule) -> bool {
        let opt = if rule.opt == Opt::Required { &Opt::Absent } else { &rule.opt };
        let seen = |node: NodeId| {
            let slot = frame.slot(node);
            !matches!(slot.seen, Seen::No | Seen::Textless | Seen::Passed) && self.run.presence(slot, opt) == Presence::Given
        };
        match &rule.what {
            Act::Dropped | Act::Seal | Act::Batch => false,
            Act::List { .. } => rule.node.is_some_and(|n| matches!(&frame.slot(n).seen, Seen::Rows(rows) if !rows.is_empty())),
            Act::Scope { rules, lazy, .. } => match rule.node {
                Some(node) if !*lazy => matches!(frame.slot(node).seen, Seen::Textless) || seen(node),
                _ => rules.iter().any(|r| self.given(frame, r)),
            },
            Act::When { branches, .. } => branches.iter().any(|b| b.rules.iter().any(|r| self.given(frame, r))),
            _ => rule.node.is_some_and(seen),
        }
    }

    /// Lines of an optional scope that is not there: each must be in an absent form.
    fn absent(&mut self, plan: &'a Plan, frame: &Frame<'a>, rules: &'a [Rule]) {
        for rule in rules {
            let opt = if rule.opt == Opt::Required { Opt::Absent } else { rule.opt.clone() };
            match (&rule.what, rule.node) {
                (Act::Scope { rules, .. }, None) => self.absent(plan, frame, rules),
                (Act::Scope { rules, lazy: true, .. }, Some(_)) => self.absent(plan, frame, rules),
                (Act::When { .. } | Act::Dropped | Act::Batch | Act::Fork(_), _) => {}
                (Act::List { .. }, Some(node)) if self.run.map.is_xml() || matches!(frame.slot(node).seen, Seen::Rows(_)) => {}
                (_, Some(node)) => {
                    let slot = frame.slot(node);
                    if self.run.presence(slot, &opt) == Presence::Missing {
                        self.missing(plan, frame, node);
                    }
                }
                (_, None) => {}
            }
        }
    }

    fn missing(&mut self, plan: &'a Plan, frame: &Frame<'a>, node: NodeId) {
        let Some(own) = plan.node(node) else { return };
        let name = if own.attribute { format!("@{}", own.qname) } else { own.qname.to_string() };
        let told = found(frame.slot(node), false);
        self.run.fault(&own.path, Self::at_or_parent(plan, frame, node), FaultKind::Missing, Both::same(name), told);
    }

    /// What is missing is shown where its parent starts.
    fn at_or_parent(plan: &'a Plan, frame: &Frame<'a>, node: NodeId) -> usize {
        let slot = frame.slot(node);
        if !matches!(slot.seen, Seen::No) || node == 0 {
            return slot.at;
        }
        plan.node(node).map_or(0, |n| frame.slot(n.parent).at)
    }

    fn line(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, rule: &'a Rule) {
        let Some(node) = rule.node else { return };
        let slot = frame.slot(node);
        if matches!(slot.seen, Seen::Passed) {
            return;
        }
        if let Act::Const { lits, any } = &rule.what
            && (self.constant(plan, frame, rule, node, lits, *any) || self.says_none(plan, frame, rule, node, lits))
        {
            return;
        }
        if let (Act::List { .. }, true) = (&rule.what, matches!(slot.seen, Seen::No) && self.run.map.is_xml()) {
            return;
        }
        match self.run.presence(slot, &rule.opt) {
            Presence::Absent => return,
            Presence::Missing => {
                self.missing(plan, frame, node);
                return;
            }
            Presence::Given => {}
        }
        match &rule.what {
            Act::Value { to, alts, .. } => self.value(plan, frame, node, to, alts),
            Act::Template { pieces } => self.template(plan, frame, node, pieces),
            Act::List { to } => self.list(plan, frame, node, to),
            Act::Seal => {
                if let Seen::Scalar(lex) = &frame.slot(node).seen {
                    self.run.raw.seal = Some(lex.text.to_string());
                }
            }
            _ => {}
        }
    }

    /// True when the constant is settled: it fits, or is refused.
    fn constant(&mut self, plan: &'a Plan, frame: &Frame<'a>, rule: &'a Rule, node: NodeId, lits: &[Lit], any: bool) -> bool {
        let slot = frame.slot(node);
        let typing = self.run.map.typing;
        let fits = match &slot.seen {
            Seen::No => return false,
            Seen::Null => lits.contains(&Lit::Null) || any,
            Seen::EmptyList => lits.contains(&Lit::EmptyList),
            Seen::Blank => lits.iter().any(|l| l.text().is_empty()) || any,
            Seen::Object => lits.contains(&Lit::EmptyObject) || any,
            Seen::Scalar(lex) => any || lits.iter().any(|l| typing.same(lex, l)),
            _ => true,
        };
        if fits {
            return true;
        }
        if self.run.presence(slot, &rule.opt) != Presence::Given {
            return false;
        }
        let list = lits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        let (at, told) = (slot.at, found(slot, false));
        let path = plan.node(node).map_or("", |n| &n.path);
        self.run.fault(path, at, FaultKind::Constant, Both::same(list), told);
        true
    }

    /// A flag (`'1' ? '0'`) that says there is nothing, beside something: refused, for either could be meant.
    fn says_none(&mut self, plan: &'a Plan, frame: &Frame<'a>, rule: &'a Rule, node: NodeId, lits: &[Lit]) -> bool {
        let (Opt::Literal(none), Seen::Scalar(lex)) = (&rule.opt, &frame.slot(node).seen) else { return false };
        if !self.run.map.typing.same(lex, none) {
            return false;
        }
        let flag = lits.first().map(ToString::to_string).unwrap_or_default();
        let vi = format!("{flag}, vì những gì đi cùng nó có mặt");
        let expected = Both::new(vi, format!("{flag}, since what belongs to it is there"));
        let (at, told) = (frame.slot(node).at, found(frame.slot(node), false));
        let path = plan.node(node).map_or("", |n| &n.path);
        self.run.fault(path, at, FaultKind::Disagrees, expected, told);
        true
    }

    fn value(&mut self, plan: &'a Plan, frame: &Frame<'a>, node: NodeId, to: &'a To, alts: &'a [Chain]) {
        let slot = frame.slot(node);
        let path = plan.node(node).map_or("", |n| &n.path);
        let lex = match &slot.seen {
            Seen::Packed(bytes) => {
                let packed = Packed { to, alts, bytes: Rc::clone(bytes), path, at: slot.at };
                return if alts.iter().any(|c| c.document().is_some()) {
                    self.document(&packed)
                } else {
                    self.packed.push(packed)
                };
            }
            Seen::Scalar(lex) if alts.iter().any(|c| c.document().is_some()) => {
                let bytes = Rc::new(lex.text.as_bytes().to_vec());
                return self.document(&Packed { to, alts, bytes, path, at: slot.at });
            }
            Seen::Scalar(lex) => lex,
            Seen::Content(content) => {
                let value = content.value();
                return self.put(to, value, path, slot.at);
            }
            _ => {
                let expected = alts.first().map(Chain::expected).unwrap_or_default();
                let told = found(slot, false);
                return self.run.fault(path, slot.at, FaultKind::Type, expected, told);
            }
        };
        let public = alts.first().is_some_and(|c| c.leaf.public);
        if let Some(chain) = alts.iter().find(|c| c.lossy) {
            let (wire, found, at) = (String::from(&*lex.text), lex.found(public), slot.at);
            self.lossy.push(Lossy { to, chain, wire, tag: lex.tag, found, path, at });
            return;
        }
        let mut first = None;
        // What had to be unescaped is no piece of the document.
        let composed = self.run.composed && matches!(lex.text, Cow::Borrowed(_));
        for chain in alts {
            match chain.back_as(lex, composed) {
                Ok(value) => return self.put(to, value, path, slot.at),
                Err(miss) => first = first.or(Some(miss)),
            }
        }
        if let Some(miss) = first {
            self.run.fault(path, slot.at, miss.kind, miss.expected, lex.found(public));
        }
    }

    fn list(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, node: NodeId, to: &'a [Text]) {
        let at = frame.slot(node).at;
        let rows = match frame.slots.get_mut(node).map(|s| &mut s.seen) {
            Some(Seen::Rows(rows)) => std::mem::take(rows),
            _ => {
                let told = found(frame.slot(node), false);
                let path = plan.node(node).map_or("", |n| &n.path);
                return self.run.fault(path, at, FaultKind::Type, Both::new("mảng", "an array"), told);
            }
        };
        let path = plan.node(node).map_or("", |n| &n.path);
        if let Some(rows_plan) = plan.node(node).and_then(|n| n.rows.as_deref()).filter(|p| p.join.is_some()) {
            return self.joined.push(Joined { plan: rows_plan, to, rows, path, at });
        }
        if !put_at(&mut self.body, to, Value::Array(rows)) {
            self.disagrees(path, at);
        }
    }

    // --- templates

    fn template(&mut self, plan: &'a Plan, frame: &Frame<'a>, node: NodeId, pieces: &'a [Piece]) {
        let slot = frame.slot(node);
        let path = plan.node(node).map_or("", |n| &n.path);
        let at = slot.at;
        let told = found(slot, false);
        let Seen::Scalar(lex) = &slot.seen else {
            return self.run.fault(path, at, FaultKind::Type, Both::new("văn bản", "text"), told);
        };
        let Some(parts) = cut(&lex.text, pieces) else {
            let shape: String = pieces.iter().map(|p| if let Piece::Text(t) = p { t.as_str() } else { "…" }).collect();
            return self.run.fault(path, at, FaultKind::Constant, Both::same(format!("'{shape}'")), told);
        };
        for (to, chain, text) in parts {
            if chain.lossy {
                self.lossy.push(Lossy { to, chain, wire: text.to_owned(), tag: Tag::Text, found: told.clone(), path, at });
                continue;
            }
            match chain.back(&Lex::text(text)) {
                Ok(value) => self.put(to, value, path, at),
                Err(miss) => self.run.fault(path, at, miss.kind, miss.expected, told.clone()),
            }
        }
    }
}

/// Cuts a text by a template's pieces.
pub(crate) fn cut<'t, 'p>(text: &'t str, pieces: &'p [Piece]) -> Option<Vec<(&'p To, &'p Chain, &'t str)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    for (n, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(want) => rest = rest.strip_prefix(want.as_str())?,
            Piece::Hole { to, chain, from_end } => {
                let len = match (from_end, pieces.get(n + 1), chain.width()) {
                    (Some(tail), ..) => rest.len().checked_sub(*tail)?,
                    (None, _, Some(width)) => width,
                    (None, Some(Piece::Text(stop)), None) => rest.find(stop.as_str())?,
                    _ => return None,
                };
                let (part, after) = rest.split_at_checked(len)?;
                if part.is_empty() {
                    return None;
                }
                parts.push((to, chain, part));
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(parts)
}

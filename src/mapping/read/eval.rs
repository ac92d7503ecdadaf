//! At a frame's end: required, constants, conversions, agreement, branches, forms; then the canonical body stands.
//!
//! Order: all exact lines first, then branches and forms (they need the values), then lines with `~` (checked by writing).

use super::{Frame, Outward, Presence, Run, Said, Seen, found, json, select, xml};
use crate::mapping::convert::{Chain, Lex};
use crate::mapping::fault::{Both, FaultKind, Found, Place, WireFault};
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Act, Branch, Fork, NodeId, Opt, Piece, Plan, Rule, To};
use crate::mapping::write::get;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A frame under evaluation.
struct Eval<'e, 'r, 'a> {
    run: &'e mut Run<'r, 'a>,
    body: Value,
    context: BTreeMap<String, Value>,
    outer: Vec<Outward>,
    /// Values of lines with `~`, checked when all else is known.
    lossy: Vec<Lossy>,
    shapes: Vec<(crate::mapping::plan::CPath, crate::mapping::shapes::ShapeId)>,
}

struct Lossy {
    to: To,
    chain: Chain,
    wire: String,
    found: Found,
    path: String,
    at: usize,
}

/// Whether the plan's node holds the messages of a batch.
pub(super) fn is_batch(plan: &Plan, id: NodeId) -> bool {
    fn any(rules: &[Rule], id: NodeId) -> bool {
        rules.iter().any(|rule| match &rule.what {
            Act::Batch => rule.node == Some(id),
            Act::Scope { rules, .. } => any(rules, id),
            _ => false,
        })
    }
    any(&plan.rules, id)
}

/// Evaluates a row.
pub(super) fn row<'a>(run: &mut Run<'_, 'a>, plan: &Plan, frame: Frame<'a>) -> (Said, Vec<Outward>) {
    let (said, outer, _) = evaluate(run, plan, frame);
    (said, outer)
}

/// Evaluates the root frame; the messages of a batch come beside what is shared.
pub(super) fn root<'a>(run: &mut Run<'_, 'a>, plan: &Plan, frame: Frame<'a>) -> (Said, Option<Vec<Said>>) {
    let (said, _, messages) = evaluate(run, plan, frame);
    let messages = if run.map.batch { Some(messages.unwrap_or_default()) } else { None };
    (said, messages)
}

fn evaluate<'a>(run: &mut Run<'_, 'a>, plan: &Plan, mut frame: Frame<'a>) -> (Said, Vec<Outward>, Option<Vec<Said>>) {
    let inward = std::mem::take(&mut frame.outer);
    let batch = frame.slots.iter_mut().find_map(|slot| match &mut slot.seen {
        Seen::Messages(messages) => Some(std::mem::take(messages)),
        _ => None,
    });
    let body = if plan.scalar { Value::Null } else { Value::Object(Map::new()) };
    let mut eval = Eval { run, body, context: BTreeMap::new(), outer: Vec::new(), lossy: Vec::new(), shapes: Vec::new() };
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
        eval.lines(plan, &mut frame, &plan.rules);
        eval.inward(inward);
        eval.lossy();
    }
    for (path, shape) in std::mem::take(&mut eval.shapes) {
        if let Some(form) = get_mut(&mut eval.body, &path) {
            eval.run.map.shapes.fill_lists(shape, form);
        }
    }
    let said = Said { body: eval.body, context: eval.context };
    (said, eval.outer, batch)
}

impl<'a> Eval<'_, '_, 'a> {
    /// Lines of a scope that is there: plain lines first, then branches and forms.
    fn lines(&mut self, plan: &Plan, frame: &mut Frame<'a>, rules: &[Rule]) {
        self.plain(plan, frame, rules);
        self.later(plan, frame, rules);
    }

    fn plain(&mut self, plan: &Plan, frame: &mut Frame<'a>, rules: &[Rule]) {
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

    fn later(&mut self, plan: &Plan, frame: &mut Frame<'a>, rules: &[Rule]) {
        for rule in rules {
            match &rule.what {
                Act::Scope { rules, .. } if self.is_there(frame, rule) => self.later(plan, frame, rules),
                Act::When { on, branches, required } => self.when(plan, frame, on, branches, *required),
                Act::Fork(index) => self.fork(plan, frame, *index),
                _ => {}
            }
        }
    }

    /// Whether a scope is there, without faults.
    fn is_there(&self, frame: &Frame<'a>, rule: &Rule) -> bool {
        let Act::Scope { rules, lazy, at } = &rule.what else { return false };
        match rule.node {
            Some(_) if *lazy && rule.opt == Opt::Required => true,
            Some(node) => {
                let slot = frame.slot(node);
                let given = self.run.presence(slot, &rule.opt) == Presence::Given;
                // What a required element lacks is told by its own lines.
                !matches!(slot.seen, Seen::Passed) && (given || (at.is_none() && rule.opt == Opt::Required))
            }
            None => rule.opt == Opt::Required || rules.iter().any(|r| self.given(frame, r)),
        }
    }

    /// Whether a scope is there; a required one that is not is a fault.
    fn enters(&mut self, plan: &Plan, frame: &Frame<'a>, rule: &Rule) -> bool {
        if let (Some(node), Act::Scope { lazy, .. }) = (rule.node, &rule.what) {
            let slot = frame.slot(node);
            let implicit = *lazy && rule.opt == Opt::Required;
            if !implicit && !matches!(slot.seen, Seen::Passed) && self.run.presence(slot, &rule.opt) == Presence::Missing {
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
    fn given(&self, frame: &Frame<'a>, rule: &Rule) -> bool {
        let opt = if rule.opt == Opt::Required { &Opt::Absent } else { &rule.opt };
        let seen = |node: NodeId| {
            let slot = frame.slot(node);
            !matches!(slot.seen, Seen::No | Seen::Textless | Seen::Passed) && self.run.presence(slot, opt) == Presence::Given
        };
        match &rule.what {
            Act::Dropped | Act::Seal | Act::Batch => false,
            Act::List { .. } => rule.node.is_some_and(|n| matches!(&frame.slot(n).seen, Seen::Rows(rows) if !rows.is_empty())),
            Act::Scope { rules, lazy, .. } => match rule.node {
                Some(node) if !*lazy => seen(node),
                _ => rules.iter().any(|r| self.given(frame, r)),
            },
            Act::When { branches, .. } => branches.iter().any(|b| b.rules.iter().any(|r| self.given(frame, r))),
            _ => rule.node.is_some_and(seen),
        }
    }

    /// Lines of an optional scope that is not there: each must be in an absent form.
    fn absent(&mut self, plan: &Plan, frame: &Frame<'a>, rules: &[Rule]) {
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

    fn missing(&mut self, plan: &Plan, frame: &Frame<'a>, node: NodeId) {
        let Some(own) = plan.node(node) else { return };
        let name = if own.attribute { format!("@{}", own.qname) } else { own.qname.to_string() };
        let told = found(frame.slot(node), false);
        self.run.fault(&own.path, Self::at_or_parent(plan, frame, node), FaultKind::Missing, Both::same(name), told);
    }

    /// What is missing is shown where its parent starts.
    fn at_or_parent(plan: &Plan, frame: &Frame<'a>, node: NodeId) -> usize {
        let slot = frame.slot(node);
        if !matches!(slot.seen, Seen::No) || node == 0 {
            return slot.at;
        }
        plan.node(node).map_or(0, |n| frame.slot(n.parent).at)
    }

    fn line(&mut self, plan: &Plan, frame: &mut Frame<'a>, rule: &Rule) {
        let Some(node) = rule.node else { return };
        let slot = frame.slot(node);
        if matches!(slot.seen, Seen::Passed) {
            return;
        }
        if let Act::Const { lits, any } = &rule.what
            && self.constant(plan, frame, rule, node, lits, *any)
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
    fn constant(&mut self, plan: &Plan, frame: &Frame<'a>, rule: &Rule, node: NodeId, lits: &[Lit], any: bool) -> bool {
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

    fn value(&mut self, plan: &Plan, frame: &Frame<'a>, node: NodeId, to: &To, alts: &[Chain]) {
        let slot = frame.slot(node);
        let path = plan.node(node).map_or("", |n| &n.path);
        let lex = match &slot.seen {
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
            let lossy = Lossy {
                to: to.clone(),
                chain: chain.clone(),
                wire: lex.text.to_string(),
                found: lex.found(public),
                path: path.to_owned(),
                at: slot.at,
            };
            self.lossy.push(lossy);
            return;
        }
        let mut first = None;
        for chain in alts {
            match chain.back(lex) {
                Ok(value) => return self.put(to, value, path, slot.at),
                Err(miss) => first = first.or(Some(miss)),
            }
        }
        if let Some(miss) = first {
            self.run.fault(path, slot.at, miss.kind, miss.expected, lex.found(public));
        }
    }

    fn list(&mut self, plan: &Plan, frame: &mut Frame<'a>, node: NodeId, to: &[Box<str>]) {
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
        self.put(&To::Own(to.into()), Value::Array(rows), path, at);
    }

    // --- canonical side

    /// Puts a value; one that is there already must be equal.
    fn put(&mut self, to: &To, value: Value, path: &str, at: usize) {
        let equal = match to {
            To::Own(own) => match place(&mut self.body, own) {
                Some(slot) if slot.is_null() => {
                    *slot = value;
                    true
                }
                Some(slot) => *slot == value,
                None => false,
            },
            To::Outer(out, own) => {
                let pointer = self.run.pointer(path);
                self.outer.push(Outward { out: *out, path: own.clone(), value, at, pointer });
                true
            }
            To::Context(name) => match self.run.ctx.get(name).or_else(|| self.context.get(name)) {
                Some(known) => same_scalar(known, &value),
                None => {
                    self.context.insert(name.clone(), value);
                    true
                }
            },
        };
        if !equal {
            let expected = Both::new("giá trị như trường liên quan", "the same value as the related field");
            self.run.fault(path, at, FaultKind::Disagrees, expected, Found::Unsaid);
        }
    }

    /// What rows said about this frame or one further out.
    fn inward(&mut self, inward: Vec<Outward>) {
        for mut said in inward {
            if said.out > 1 {
                said.out -= 1;
                self.outer.push(said);
                continue;
            }
            let equal = match place(&mut self.body, &said.path) {
                Some(slot) if slot.is_null() => {
                    *slot = said.value;
                    true
                }
                Some(slot) => *slot == said.value,
                None => false,
            };
            if !equal && self.run.faults.len() < super::MOST_FAULTS {
                let mut place = Place::at(self.run.src, said.at, String::new());
                place.pointer = said.pointer;
                let expected = Both::new("giá trị như trường liên quan", "the same value as the related field");
                self.run.faults.push(WireFault { place, kind: FaultKind::Disagrees, expected, found: Found::Unsaid });
            }
        }
    }

    /// Lines with `~`: checked by writing what is known; else they give what they can.
    fn lossy(&mut self) {
        for Lossy { to, chain, wire, found, path, at } in std::mem::take(&mut self.lossy) {
            let known = match &to {
                To::Own(own) => get(&self.body, own).cloned(),
                To::Outer(..) => None,
                To::Context(name) => self.run.ctx.get(name).or_else(|| self.context.get(name)).cloned(),
            };
            match known {
                Some(known) => {
                    let written = chain.out(&known);
                    if written.is_none_or(|lex| lex.text != wire.as_str()) {
                        let expected = Both::new("giá trị hợp với trường liên quan", "what the related field gives");
                        self.run.fault(&path, at, FaultKind::Disagrees, expected, found);
                    }
                }
                None if chain.gives() => {
                    let tag = if chain.typing == crate::mapping::convert::Typing::Json {
                        self.tag_of(&found)
                    } else {
                        crate::mapping::convert::Tag::Text
                    };
                    match chain.back(&Lex { tag, text: wire.as_str().into() }) {
                        Ok(value) => self.put(&to, value, &path, at),
                        Err(miss) => self.run.fault(&path, at, miss.kind, miss.expected, found),
                    }
                }
                None => {}
            }
        }
    }

    fn tag_of(&self, found: &Found) -> crate::mapping::convert::Tag {
        use crate::mapping::convert::Tag;
        match found {
            Found::Number(_) => Tag::Number,
            Found::Boolean => Tag::Bool,
            _ => Tag::Text,
        }
    }

    // --- templates

    fn template(&mut self, plan: &Plan, frame: &Frame<'a>, node: NodeId, pieces: &[Piece]) {
        let slot = frame.slot(node);
        let path = plan.node(node).map_or("", |n| &n.path).to_string();
        let at = slot.at;
        let told = found(slot, false);
        let Seen::Scalar(lex) = &slot.seen else {
            return self.run.fault(&path, at, FaultKind::Type, Both::new("văn bản", "text"), told);
        };
        let Some(parts) = cut(&lex.text, pieces) else {
            let shape: String = pieces.iter().map(|p| if let Piece::Text(t) = p { t.as_str() } else { "…" }).collect();
            return self.run.fault(&path, at, FaultKind::Constant, Both::same(format!("'{shape}'")), told);
        };
        for (to, chain, text) in parts {
            if chain.lossy {
                self.lossy.push(Lossy {
                    to: to.clone(),
                    chain: chain.clone(),
                    wire: text.to_owned(),
                    found: told.clone(),
                    path: path.clone(),
                    at,
                });
                continue;
            }
            match chain.back(&Lex::text(text)) {
                Ok(value) => self.put(to, value, &path, at),
                Err(miss) => self.run.fault(&path, at, miss.kind, miss.expected, told.clone()),
            }
        }
    }

    // --- branches and forms

    fn when(&mut self, plan: &Plan, frame: &mut Frame<'a>, on: &[Box<str>], branches: &[Branch], required: bool) {
        let told = get(&self.body, on).and_then(Value::as_str).map(str::to_owned);
        let shown = |eval: &Self, branch: &Branch| {
            branch.rules.iter().any(|r| eval.given(frame, r) && r.node.is_none_or(|n| branch.own.contains(&n)))
        };
        let holding = match &told {
            Some(word) => branches.iter().position(|b| b.words.contains(word)),
            None => {
                let candidates: Vec<usize> =
                    (0..branches.len()).filter(|n| branches.get(*n).is_some_and(|b| shown(self, b))).collect();
                if let (Some(first), Some(branch)) = (candidates.first(), candidates.first().and_then(|n| branches.get(*n))) {
                    if let (Some(word), Some(place)) = (branch.words.first(), place(&mut self.body, on)) {
                        *place = Value::String(word.clone());
                    }
                    Some(*first)
                } else {
                    if required {
                        self.no_branch(plan, frame, branches);
                    }
                    None
                }
            }
        };
        for (n, branch) in branches.iter().enumerate() {
            if Some(n) != holding {
                self.foreign(plan, frame, branch);
            }
        }
        if let Some(branch) = holding.and_then(|n| branches.get(n)) {
            self.lines(plan, frame, &branch.rules);
        }
    }

    fn no_branch(&mut self, plan: &Plan, frame: &Frame<'a>, branches: &[Branch]) {
        let first = branches.iter().find_map(|b| b.nodes.first()).and_then(|n| plan.node(*n));
        let names: Vec<&str> =
            branches.iter().filter_map(|b| b.own.first()).filter_map(|n| plan.node(*n)).map(|n| &*n.qname).collect();
        let parent = first.map_or(0, |n| n.parent);
        let path = plan.node(parent).map_or("", |n| &n.path);
        let expected = Both::new(format!("một trong: {}", names.join(", ")), format!("one of: {}", names.join(", ")));
        self.run.fault(path, frame.slot(parent).at, FaultKind::Missing, expected, Found::Nothing);
    }

    /// What is there of a branch that does not hold.
    fn foreign(&mut self, plan: &Plan, frame: &Frame<'a>, branch: &Branch) {
        for id in &branch.own {
            let slot = frame.slot(*id);
            if !matches!(slot.seen, Seen::No | Seen::Textless | Seen::Passed)
                && self.run.presence(slot, &Opt::Absent) == Presence::Given
            {
                let path = plan.node(*id).map_or("", |n| &n.path);
                let expected = Both::new("không có trường này", "no such field here");
                return self.run.fault(path, slot.at, FaultKind::Branch, expected, Found::Unsaid);
            }
        }
    }

    fn fork(&mut self, plan: &Plan, frame: &mut Frame<'a>, index: usize) {
        let Some(fork) = plan.forks.get(index) else { return };
        let path = plan.node(fork.node).map_or(String::new(), |n| n.path.to_string());
        let Some(slot) = frame.slots.get_mut(fork.node) else { return };
        let at = slot.at;
        let seen = std::mem::take(&mut slot.seen);
        let (known, inner) = match seen {
            Seen::Form(key, inner) => (Some(key), Some(*inner)),
            Seen::Held(held) => {
                let Some(key) = self.form_key(fork, &path, at) else { return };
                let Some(variant) = fork.variants.get(&key) else { return self.no_form(&key, &path, at) };
                let read = if self.run.map.is_xml() {
                    xml::held(self.run, &variant.plan, &held)
                } else {
                    json::held(self.run, &variant.plan, &held)
                };
                match read {
                    Ok(inner) => (Some(key), Some(inner)),
                    Err(slip) => {
                        let fault = slip.into_fault(self.run.src);
                        self.run.faults.push(fault);
                        return;
                    }
                }
            }
            _ => (None, None),
        };
        let (Some(key), Some(mut inner)) = (known, inner) else { return };
        // The form read early must be the form the whole document says.
        if self.form_key(fork, &path, at).is_some_and(|now| now != key) {
            return self.no_form(&key, &path, at);
        }
        let Some(variant) = fork.variants.get(&key) else { return self.no_form(&key, &path, at) };
        if place(&mut self.body, &fork.at).is_some_and(|v| v.is_null())
            && let Some(form) = place(&mut self.body, &fork.at)
        {
            *form = Value::Object(Map::new());
        }
        let inward = std::mem::take(&mut inner.outer);
        self.lines(&variant.plan, &mut inner, &variant.plan.rules);
        self.inward(inward);
        self.shapes.push((fork.at.clone(), variant.shape));
    }

    fn form_key(&mut self, fork: &Fork, path: &str, at: usize) -> Option<String> {
        match select::key(self.run.map, self.run.ctx, &self.body, fork) {
            Ok(key) => Some(key),
            Err(_) if !self.run.faults.is_empty() => None,
            Err(why) => {
                let expected = Both::new(format!("thủ tục có mẫu tờ khai ({why})"), format!("a procedure with a form ({why})"));
                self.run.fault(path, at, FaultKind::Form, expected, Found::Unsaid);
                None
            }
        }
    }

    fn no_form(&mut self, key: &str, path: &str, at: usize) {
        let expected = Both::new("mẫu tờ khai của thủ tục", "the procedure's form");
        self.run.fault(path, at, FaultKind::Form, expected, Found::Value(crate::mapping::fault::short(key)));
    }
}

/// The place in a body, made with its objects; null when nothing is there yet.
fn place<'b>(body: &'b mut Value, path: &[Box<str>]) -> Option<&'b mut Value> {
    let mut at = body;
    for word in path {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let map = at.as_object_mut()?;
        if !map.contains_key(&**word) {
            map.insert(word.to_string(), Value::Null);
        }
        at = map.get_mut(&**word)?;
    }
    Some(at)
}

fn get_mut<'b>(body: &'b mut Value, path: &[Box<str>]) -> Option<&'b mut Value> {
    path.iter().try_fold(body, |at, word| at.get_mut(&**word))
}

fn same_scalar(a: &Value, b: &Value) -> bool {
    match (Lex::of(a), Lex::of(b)) {
        (Some(a), Some(b)) => a.text == b.text,
        _ => a == b,
    }
}

/// Cuts a text by a template's pieces.
fn cut<'t, 'p>(text: &'t str, pieces: &'p [Piece]) -> Option<Vec<(&'p To, &'p Chain, &'t str)>> {
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

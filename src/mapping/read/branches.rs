//! Branches and forms of a reading: chosen by a canonical value, once all plain lines have been evaluated.

use super::agree::place;
use super::eval::Eval;
use super::{Frame, Presence, Seen, json, select, xml};
use crate::body::{Text, Value};
use crate::mapping::fault::{Both, FaultKind, Found, short};
use crate::mapping::plan::{Act, Branch, Fork, NodeId, Opt, Plan, Rule, To};
use crate::mapping::write::get;

impl<'a> Eval<'_, '_, 'a> {
    pub(super) fn when(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, on: &[Text], branches: &'a [Branch], required: bool) {
        let told = get(&self.body, on).and_then(Value::as_str).map(str::to_owned);
        let shown = |eval: &Self, branch: &'a Branch| branch.rules.iter().any(|r| eval.shows(frame, r, &branch.own));
        let holding = match &told {
            Some(word) => branches.iter().position(|b| b.words.contains(word)),
            None => {
                let candidates: Vec<usize> =
                    (0..branches.len()).filter(|n| branches.get(*n).is_some_and(|b| shown(self, b))).collect();
                if let (Some(first), Some(branch)) = (candidates.first(), candidates.first().and_then(|n| branches.get(*n))) {
                    if let (Some(word), Some(place)) = (branch.words.first(), place(&mut self.body, on)) {
                        *place = word.into();
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

    /// Whether a line shows that its branch holds: something is there at a place that no other branch has.
    fn shows(&self, frame: &Frame<'a>, rule: &'a Rule, own: &[NodeId]) -> bool {
        match &rule.what {
            Act::Scope { rules, .. } if !rule.node.is_some_and(|n| own.contains(&n)) => {
                rules.iter().any(|r| self.shows(frame, r, own))
            }
            Act::When { branches, .. } => branches.iter().flat_map(|b| &b.rules).any(|r| self.shows(frame, r, own)),
            _ => rule.node.is_none_or(|n| own.contains(&n)) && self.given(frame, rule),
        }
    }

    fn no_branch(&mut self, plan: &'a Plan, frame: &Frame<'a>, branches: &'a [Branch]) {
        let first = branches.iter().find_map(|b| b.nodes.first()).and_then(|n| plan.node(*n));
        let names: Vec<&str> =
            branches.iter().filter_map(|b| b.own.first()).filter_map(|n| plan.node(*n)).map(|n| &*n.qname).collect();
        let parent = first.map_or(0, |n| n.parent);
        let path = plan.node(parent).map_or("", |n| &n.path);
        let expected = Both::new(format!("một trong: {}", names.join(", ")), format!("one of: {}", names.join(", ")));
        self.run.fault(path, frame.slot(parent).at, FaultKind::Missing, expected, Found::Nothing);
    }

    /// What is there of a branch that does not hold.
    fn foreign(&mut self, plan: &'a Plan, frame: &Frame<'a>, branch: &Branch) {
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

    pub(super) fn fork(&mut self, plan: &'a Plan, frame: &mut Frame<'a>, index: usize) {
        let Some(fork) = plan.forks.get(index) else { return };
        let path = plan.node(fork.node).map_or("", |n| &*n.path);
        let Some(slot) = frame.slots.get_mut(fork.node) else { return };
        let at = slot.at;
        let seen = std::mem::take(&mut slot.seen);
        let (known, inner) = match seen {
            Seen::Form(key, inner) => (Some(key), Some(*inner)),
            Seen::Held(held) => {
                let Some(key) = self.form_key(fork, path, at) else { return };
                let Some(variant) = fork.variants.get(&key) else { return self.no_form(&key, path, at) };
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
        if !select::is_key(self.run.map, self.run.ctx, &self.body, fork, &key) && self.form_key(fork, path, at).is_some() {
            return self.no_form(&key, path, at);
        }
        let Some(variant) = fork.variants.get(&key) else { return self.no_form(&key, path, at) };
        if let Some(form) = place(&mut self.body, &fork.at).filter(|v| v.is_null()) {
            *form = Value::Object(inner.object(&variant.plan));
        }
        let inward = std::mem::take(&mut inner.outer);
        self.lines(&variant.plan, &mut inner, &variant.plan.rules);
        self.inward(inward);
        for (name, value, at) in std::mem::take(&mut inner.said) {
            self.put(&To::Context(name), value, path, at);
        }
        self.shapes.push((&fork.at, variant.shape));
    }

    fn form_key(&mut self, fork: &'a Fork, path: &str, at: usize) -> Option<String> {
        match select::key(self.run.map, self.run.ctx, &self.body, fork) {
            Ok(key) => Some(key),
            Err(_) if !self.run.faults.is_empty() => None,
            Err(why) => {
                let expected =
                    Both::new(format!("thủ tục có mẫu tờ khai ({})", why.vi), format!("a procedure with a form ({})", why.en));
                let code = select::code(self.run.ctx, &self.body, fork).map_or(Found::Unsaid, |code| Found::Value(short(code)));
                self.run.fault(path, at, FaultKind::Form, expected, code);
                None
            }
        }
    }

    fn no_form(&mut self, key: &str, path: &str, at: usize) {
        let expected = Both::new("mẫu tờ khai của thủ tục", "the procedure's form");
        self.run.fault(path, at, FaultKind::Form, expected, Found::Value(short(key)));
    }
}

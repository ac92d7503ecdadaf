//! Elements chosen by a key, `W[@k=lit]` and `W[k=lit]`: by the value of an attribute or of a child element; in JSON items of an array, by
//! the value of a member.
//!
//! Always: the key is written into the element, by a line of its own inside it or before all others; the rest of that name (`W[]`) is not
//! written with a value that would choose it.

use super::Compiler;
use super::frame::{At, Frame};
use super::lines::Cells;
use crate::mapping::api::Format;
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{AbsentForm, Act, Key, Node, Opt, Rule, To};
use crate::mapping::source::{Check, Span};
use crate::mapping::xml::Ns;
use std::sync::Arc;

impl Compiler<'_> {
    pub(super) fn keyed(
        &mut self,
        cells: &Cells<'_>,
        name: &str,
        key: &str,
        literal: &Lit,
        frame: &mut Frame,
        at: &At,
    ) -> Option<Rule> {
        let attribute = key.starts_with('@');
        let item = self.head.format == Format::Json;
        if attribute && item {
            self.hint(
                cells.wire_at,
                "attributes belong to xml only",
                "an item of an array is chosen by a member: `name[member='text']`",
            );
            return None;
        }
        let key_name = self.wire_name(key.trim_start_matches('@'), attribute, cells.wire_at);
        if !attribute && cells.below.is_empty() {
            self.hint_by(
                Check::Places,
                cells.wire_at,
                "an element chosen by a child (an item by a member) holds that, so it has no text of its own",
                "deeper lines, or in xml an attribute as the key (`@key`)",
            );
            return None;
        }
        let silent = match cells.opt {
            None => true,
            Some(opt) => opt.literal.is_none() && matches!(self.head.absent.first(), None | Some(AbsentForm::Omit)),
        };
        let null = match cells.opt {
            Some(opt) => {
                opt.literal.as_ref().map_or(self.head.absent.first() == Some(&AbsentForm::Null), |lit| *lit == Lit::Null)
            }
            None => false,
        };
        if !silent && !item && (null || !cells.below.is_empty()) {
            let text = "an element chosen by a key that is not there has no form of its own";
            self.hint_by(Check::Places, cells.right_at, text, "`absent: omit` first in the head, and `?` without a literal");
        }
        let (ns, local) = (key_name.ns.as_str().into(), key_name.local.as_str().into());
        let own = Key { attribute, ns, ns_id: Ns::NONE, local, lit: literal.clone(), item };
        let rule = self.single(cells, name, Some(own), frame, at)?;
        // The key is written in, unless a line inside names it.
        let node = rule.node?;
        let known = frame.child_of(node, &key_name, attribute);
        if let Some(id) = known {
            self.check_key_line(&rule, id, literal, cells.wire_at);
            return Some(rule);
        }
        let id = frame.child(node, &key_name, attribute, None);
        frame.edit(id, |n| n.scalar = true);
        let what = Act::Const { lits: vec![literal.clone()], any: false };
        let constant = Rule { node: Some(id), opt: Opt::Required, what, at: cells.site() };
        Some(self.with_key(rule, constant))
    }

    /// At a frame's end: items of one array are written as one, so their lines stand together, and none of them has a form for none.
    pub(super) fn check_arrays(&mut self, frame: &mut Frame, rules: &[Rule]) {
        if self.head.format != Format::Json {
            return;
        }
        let keyed: Vec<usize> =
            (0..frame.nodes.len()).filter(|id| frame.nodes.get(*id).is_some_and(|n| n.key.is_some())).collect();
        for id in keyed {
            let Some((parent, local)) = frame.nodes.get(id).filter(|n| n.array == 0).map(|n| (n.parent, n.local.clone())) else {
                continue;
            };
            self.arrays += 1;
            let is_of = |n: &Node| !n.attribute && n.parent == parent && n.local == local;
            let all: Vec<usize> = (1..frame.nodes.len()).filter(|id| frame.nodes.get(*id).is_some_and(is_of)).collect();
            all.iter().for_each(|id| frame.edit(*id, |n| n.array = self.arrays));
            self.check_array(&all, rules);
        }
    }

    fn check_array(&mut self, nodes: &[usize], rules: &[Rule]) {
        let is_of = |rule: &Rule| rule.node.is_some_and(|n| nodes.contains(&n));
        let Some(first) = rules.iter().position(is_of) else {
            for rule in rules {
                match &rule.what {
                    Act::Scope { rules, .. } => self.check_array(nodes, rules),
                    Act::When { branches, .. } => {
                        let inside = branches.iter().flat_map(|b| &b.rules).find(|r| is_of(r));
                        if let Some(site) = inside.map(|r| r.at.wire.clone()) {
                            self.hint_by(
                                Check::Places,
                                &site,
                                "an item chosen by a member stands in a branch",
                                "outside of `when`",
                            );
                        }
                    }
                    _ => {}
                }
            }
            return;
        };
        let run = rules.iter().skip(first).take_while(|r| is_of(r)).count();
        if run != nodes.len() {
            let site = rules.get(first).map(|r| r.at.wire.clone()).unwrap_or_default();
            self.hint_by(
                Check::Places,
                &site,
                "the lines of one array do not stand together",
                "`W[k=…]` lines and `W[]` one after the other",
            );
        }
        for rule in rules.iter().skip(first).take(run) {
            let silent = match &rule.opt {
                Opt::Required => true,
                Opt::Absent => matches!(self.head.absent.first(), None | Some(AbsentForm::Omit)),
                Opt::Literal(_) => false,
            };
            if !silent {
                let text = "an item of an array that is not there has no form of its own";
                self.hint_by(Check::Places, &rule.at.right, text, "`absent: omit` first in the head, and `?` without a literal");
            }
        }
    }

    /// A line inside the element for its key says what the key says.
    fn check_key_line(&mut self, rule: &Rule, key: usize, literal: &Lit, at: &Span) {
        fn line(rules: &[Rule], key: usize) -> Option<&Rule> {
            rules.iter().find_map(|rule| match &rule.what {
                _ if rule.node == Some(key) => Some(rule),
                Act::Scope { rules, .. } => line(rules, key),
                _ => None,
            })
        }
        let Act::Scope { rules, .. } = &rule.what else { return };
        let is_key = |rule: &Rule| {
            rule.opt == Opt::Required
                && matches!(&rule.what, Act::Const { lits, any: false } if lits.as_slice() == [literal.clone()])
        };
        if line(rules, key).is_some_and(|rule| !is_key(rule)) {
            let hint = format!("`= {literal}`, or no line: the key is written in by itself");
            self.hint_by(Check::Places, at, "the line of the key inside the element says something else than the key", hint);
        }
    }

    /// Puts the key first among the lines of its element; a plain value becomes the element's own text.
    fn with_key(&self, rule: Rule, key: Rule) -> Rule {
        let Rule { node, opt, what, at: line } = rule;
        match what {
            Act::Scope { at, mut rules, lazy } => {
                rules.insert(0, key);
                Rule { node, opt, what: Act::Scope { at, rules, lazy }, at: line }
            }
            Act::Value { to: To::Own(path), alts }
                if opt == Opt::Absent && self.head.absent.first() == Some(&AbsentForm::Omit) =>
            {
                let what = Act::Value { to: To::Own(path.clone()), alts };
                let inner = Rule { node, opt: Opt::Required, what, at: Arc::clone(&line) };
                Rule { node, opt, what: Act::Scope { at: Some(path), rules: vec![key, inner], lazy: false }, at: line }
            }
            what => {
                let inner = Rule { node, opt, what, at: Arc::clone(&line) };
                let what = Act::Scope { at: None, rules: vec![key, inner], lazy: false };
                Rule { node, opt: Opt::Required, what, at: line }
            }
        }
    }
}

/// Notes what may not be written into the rest beside chosen elements.
pub(super) fn reserve(nodes: &mut [Node]) {
    let keys: Vec<(usize, Box<str>, Box<str>, Key)> =
        nodes.iter().filter_map(|n| Some((n.parent, n.ns.clone(), n.local.clone(), n.key.clone()?))).collect();
    for (parent, ns, local, key) in keys {
        let is_rest = |n: &Node| !n.attribute && n.key.is_none() && n.parent == parent && n.ns == ns && n.local == local;
        let Some(rest) = (1..nodes.len()).find(|id| nodes.get(*id).is_some_and(is_rest)) else { continue };
        match nodes.get_mut(rest).and_then(|n| n.rows.as_mut()) {
            Some(rows) => reserve_in(&mut rows.nodes, 0, &key),
            None => reserve_in(nodes, rest, &key),
        }
    }
}

fn reserve_in(nodes: &mut [Node], rest: usize, key: &Key) {
    let place = nodes
        .iter_mut()
        .enumerate()
        .find(|(id, n)| *id > 0 && n.parent == rest && n.attribute == key.attribute && n.ns == key.ns && n.local == key.local);
    if let Some((_, node)) = place {
        node.reserved.push(key.lit.clone());
    }
}

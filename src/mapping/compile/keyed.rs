//! Elements chosen by a key, `W[@k=lit]` and `W[k=lit]`: by the value of an attribute or of a child element.
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
        if self.head.format != Format::Xml {
            self.hint(
                cells.wire_at,
                "an item of an array is not chosen by one of its members",
                "it belongs to xml; in json a list stands beside a list: `wire[] = path[]`",
            );
            return None;
        }
        let attribute = key.starts_with('@');
        let key_name = self.wire_name(key.trim_start_matches('@'), attribute, cells.wire_at);
        if !attribute && cells.below.is_empty() {
            self.hint_by(
                Check::Places,
                cells.wire_at,
                "an element chosen by a child holds that child, so it has no text of its own",
                "deeper lines, or an attribute as the key (`@key`)",
            );
            return None;
        }
        let (ns, local) = (key_name.ns.as_str().into(), key_name.local.as_str().into());
        let own = Key { attribute, ns, ns_id: Ns::NONE, local, lit: literal.clone() };
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

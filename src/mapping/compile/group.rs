//! Lines whose wire place is deeper than their scope: neighbours of one element become one implicit scope.

use super::frame::{Frame, apart};
use crate::mapping::plan::{Act, NodeId, Opt, Rule, Site};
use std::sync::Arc;

/// Lines whose element is written at a second place, beside or around others: the lines of one element do not stand together.
pub(super) fn torn(rules: &[Rule]) -> Vec<Arc<Site>> {
    let mut found = Torn::default();
    found.walk(rules, None, &[]);
    found.torn
}

/// Elements by the branches they are written in.
#[derive(Default)]
struct Torn {
    seen: Vec<(NodeId, Vec<(usize, usize)>)>,
    torn: Vec<Arc<Site>>,
}

impl Torn {
    fn walk(&mut self, rules: &[Rule], open: Option<NodeId>, branch: &[(usize, usize)]) {
        for rule in rules {
            // An element's own text stands in it.
            if let Some(node) = rule.node.filter(|node| Some(*node) != open) {
                if self.seen.iter().any(|(own, other)| *own == node && !apart(other, branch)) {
                    self.torn.push(Arc::clone(&rule.at));
                }
                self.seen.push((node, branch.to_vec()));
            }
            match &rule.what {
                Act::Scope { rules, .. } => self.walk(rules, rule.node.or(open), branch),
                Act::When { group, branches, .. } => branches.iter().enumerate().for_each(|(n, own)| {
                    let inside: Vec<(usize, usize)> = branch.iter().copied().chain([(*group, n)]).collect();
                    self.walk(&own.rules, open, &inside);
                }),
                _ => {}
            }
        }
    }
}

/// Lines with `*` alone whose element has lines of its own besides: it is passed over whole, so they would not be read.
pub(super) fn passed_over(rules: &[Rule], frame: &Frame) -> Vec<Arc<Site>> {
    let holds = |node: &NodeId| frame.nodes.get(*node).is_some_and(|n| !n.children.is_empty() || !n.attributes.is_empty());
    let inside = |rule: &Rule| match &rule.what {
        Act::Dropped if rule.node.as_ref().is_some_and(holds) => vec![Arc::clone(&rule.at)],
        Act::Scope { rules, .. } => passed_over(rules, frame),
        Act::When { branches, .. } => branches.iter().flat_map(|b| passed_over(&b.rules, frame)).collect(),
        _ => Vec::new(),
    };
    rules.iter().flat_map(inside).collect()
}

/// Adds a rule to the rules of its scope; false when a value meets children.
pub(super) fn group(made: Rule, parent: usize, scope_node: usize, frame: &Frame, rules: &mut Vec<Rule>) -> bool {
    let mut chain = Vec::new();
    let mut node = parent;
    while node != scope_node {
        chain.push(node);
        node = frame.nodes.get(node).map_or(scope_node, |n| n.parent);
    }
    let attribute = made.node.and_then(|n| frame.nodes.get(n)).is_some_and(|n| n.attribute);
    insert(made, &chain, rules, attribute)
}

/// `chain` is the elements from the innermost out.
/// False when a value meets children.
fn insert(made: Rule, chain: &[usize], rules: &mut Vec<Rule>, attribute: bool) -> bool {
    let Some((outer, inner)) = chain.split_last() else {
        // `X/@a` first, then `X = v`: the value joins the element that is there; rows have no place in it.
        if is_rows(&made) && rules.iter().any(|r| r.node.is_some() && r.node == made.node) {
            return false;
        }
        let scope = rules.iter_mut().rev().find(|r| r.node.is_some() && r.node == made.node);
        if let Some(Rule { what: Act::Scope { rules: inside, lazy: true, at: None }, .. }) = scope
            && !matches!(made.what, Act::Scope { .. })
        {
            inside.push(made);
            return true;
        }
        rules.push(made);
        return true;
    };
    let known = rules.iter().position(|r| r.node == Some(*outer));
    match known.and_then(|at| rules.get_mut(at)) {
        Some(Rule { what: Act::Scope { rules: inside, .. }, .. }) => insert(made, inner, inside, attribute),
        Some(rule) if is_rows(rule) => false,
        Some(rule) => {
            // `X = v` first, then `X/@a`: the value becomes the text of an element.
            let at = Arc::clone(&rule.at);
            let empty = Rule { node: None, opt: Opt::Required, what: Act::Dropped, at: Arc::clone(&at) };
            let value = std::mem::replace(rule, empty);
            let mut inside = Vec::new();
            insert(made, inner, &mut inside, attribute);
            inside.push(value);
            let what = Act::Scope { at: None, rules: inside, lazy: true };
            *rule = Rule { node: Some(*outer), opt: Opt::Required, what, at };
            attribute && inner.is_empty()
        }
        None => {
            let at = Arc::clone(&made.at);
            let mut inside = Vec::new();
            insert(made, inner, &mut inside, attribute);
            let what = Act::Scope { at: None, rules: inside, lazy: true };
            rules.push(Rule { node: Some(*outer), opt: Opt::Required, what, at });
            true
        }
    }
}

/// Whether a line writes its element once a row.
fn is_rows(rule: &Rule) -> bool {
    matches!(rule.what, Act::List { .. } | Act::Batch)
}

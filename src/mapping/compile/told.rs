//! Which lines carry a canonical place (V9) and give it exactly, and whether each `when` can be decided by them (V6).
//!
//! Looked at when all lines are compiled, so that a line may stand before or after what needs it. A word that no line gives is told by what
//! its branch alone writes; where neither says it, writing refuses the message.

use super::Compiler;
use super::paths::Resolved;
use super::without::is_under;
use crate::mapping::convert::Chain;
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Act, Branch, NodeId, Opt, Plan, Rule};
use crate::mapping::source::{Check, Span};
use std::collections::BTreeSet;

/// A line that gives a place exactly.
pub(super) struct Given {
    /// Dotted, from the message.
    place: String,
    /// The branches it stands in: (group, branch).
    branch: Vec<(usize, usize)>,
}

/// A group of `when` lines, to be judged at the end.
pub(super) struct Asked {
    pub(super) group: usize,
    /// The word's place, dotted.
    pub(super) place: String,
    /// The branches the group itself stands in.
    pub(super) branch: Vec<(usize, usize)>,
    pub(super) at: Span,
    /// Its lines: where, how many words, whether what it writes always shows that it holds.
    pub(super) lines: Vec<(Span, usize, bool)>,
    /// Words without a branch.
    pub(super) uncovered: Vec<String>,
}

impl Compiler<'_> {
    /// What a line with these chains carries of its place: nothing, when reading cannot give it back, or when there may be no row to tell it.
    pub(super) fn carry(&mut self, place: &Resolved, alts: &[Chain]) {
        let of_rows = place.out > usize::from(self.frames.last().is_some_and(|outer| outer.is_flat));
        if of_rows || !alts.iter().any(Chain::gives) {
            self.hinted.insert(place.dotted.clone());
            return;
        }
        if !self.cover(&place.dotted) {
            return;
        }
        if place.out == 0 && alts.iter().all(|c| !c.lossy) {
            self.give(place.dotted.clone());
        }
    }

    /// Notes that a place is carried, unless it stands outside of an optional scope that its line stands in.
    pub(super) fn cover(&mut self, place: &str) -> bool {
        let whole = self.perhaps.iter().all(|scope| is_under(place, scope));
        let noted = if whole { &mut self.covered } else { &mut self.hinted };
        noted.insert(place.to_owned());
        whole
    }

    /// Notes a line that gives a place exactly.
    pub(super) fn give(&mut self, place: String) {
        self.given.push(Given { place, branch: self.branch.clone() });
    }

    /// Judges each group of branches; in the plan they are told which have a line for their word.
    pub(super) fn settle(&mut self, root: &mut Plan) {
        let asked = std::mem::take(&mut self.asked);
        let mut told = BTreeSet::new();
        for group in asked {
            let gives = |given: &Given| given.place == group.place && group.branch.starts_with(&given.branch);
            if self.given.iter().any(gives) {
                told.insert(group.group);
            } else if !self.is_unclear(&group.place) {
                self.proving(Check::Branches, |c| c.untold(&group));
            }
        }
        tell(root, &told);
    }

    /// What is wrong with branches whose word no line gives.
    fn untold(&mut self, group: &Asked) {
        let word = &group.place;
        for (at, words, shows) in &group.lines {
            if *words > 1 {
                self.hint(
                    at,
                    "no line gives this word, so a branch must tell exactly one",
                    format!("one word a branch, or a line of its own for `{word}`"),
                );
            } else if !shows {
                self.hint(
                    at,
                    "whether this branch holds could not be seen",
                    format!("a required line whose wire place no other branch has, or a line of its own for `{word}`"),
                );
            }
        }
        if !group.uncovered.is_empty() {
            let text = format!(
                "no branch and no line tells `{word}` = {}: refused when it is to be written",
                group.uncovered.join(", ")
            );
            self.notes.add(&group.at, text);
        }
    }

    fn is_unclear(&self, place: &str) -> bool {
        self.unclear.iter().any(|u| u.is_empty() || is_under(place, u))
    }
}

/// Marks the groups that have a line for their word, in a plan and all plans in it.
fn tell(plan: &mut Plan, told: &BTreeSet<usize>) {
    rules(&mut plan.rules, told);
    plan.nodes.iter_mut().filter_map(|n| n.rows.as_deref_mut()).for_each(|rows| tell(rows, told));
    plan.forks.iter_mut().flat_map(|f| f.variants.values_mut()).for_each(|form| tell(&mut form.plan, told));
}

fn rules(list: &mut [Rule], groups: &BTreeSet<usize>) {
    for rule in list {
        match &mut rule.what {
            Act::Scope { rules: inside, .. } => rules(inside, groups),
            Act::When { group, told, branches, .. } => {
                *told = groups.contains(group);
                branches.iter_mut().for_each(|b| rules(&mut b.rules, groups));
            }
            _ => {}
        }
    }
}

/// Whether what a branch writes always shows that it holds: a required line at a wire place that no other branch has.
pub(super) fn always_shows(branch: &Branch) -> bool {
    fn shows(rule: &Rule, own: &[NodeId]) -> bool {
        let is_own = rule.node.is_some_and(|n| own.contains(&n));
        let required = rule.opt == Opt::Required;
        match &rule.what {
            Act::Value { .. } | Act::Template { .. } => required && is_own,
            Act::Const { lits, .. } => {
                required && is_own && lits.first().is_some_and(|l| !l.text().is_empty() || is_structure(l))
            }
            Act::Scope { rules, lazy, .. } => required && (is_own && !lazy || rules.iter().any(|r| shows(r, own))),
            _ => false,
        }
    }
    branch.rules.iter().any(|rule| shows(rule, &branch.own))
}

fn is_structure(lit: &Lit) -> bool {
    matches!(lit, Lit::EmptyList | Lit::EmptyObject | Lit::Null)
}

//! What a mapping writes between the tags of one element, as a little language: its lines in order, with what may be left out, what
//! repeats, and the branches. Made of the compiled plan, so that it says what the writer does. Pure.

use super::super::plan::{AbsentForm, Act, Compiled, Node, NodeId, Opt, Plan, Rule};
use super::super::shapes::{Shape, ShapeId};
use super::tree::QName;
use crate::body::Text;
use std::collections::BTreeSet;

/// What is written, in order. Leaves are places in [`Lines::leaves`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    Nothing,
    Leaf(usize),
    Sequence(Vec<Said>),
    Or(Vec<Said>),
    Many(Box<Said>),
}

/// One child element that is written.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'p> {
    pub(super) plan: &'p Plan,
    pub(super) rule: &'p Rule,
    pub(super) node: &'p Node,
    pub(super) id: NodeId,
    /// Where the canonical side of its plan's lines starts.
    pub(super) frame: Frame<'p>,
    /// Rows of a list: at least, and at most so many, by the canonical schema.
    pub(super) rows: Option<(u64, Option<u64>)>,
}

/// The canonical object of a frame: its shape, and how many words of its lines' paths lead to it (a form's lines count from the message).
#[derive(Clone, Copy)]
pub(super) struct Frame<'p> {
    pub(super) shape: Option<ShapeId>,
    pub(super) form: Option<(&'p [Text], ShapeId)>,
}

/// The lines of one element.
pub(super) struct Lines<'p> {
    pub(super) map: &'p Compiled,
    pub(super) leaves: Vec<Leaf<'p>>,
    /// Lines that write attributes, with whether they always do.
    pub(super) attributes: Vec<(&'p Plan, &'p Rule, NodeId, bool)>,
    /// Lines that write the element's own text.
    pub(super) texts: Vec<(&'p Rule, bool)>,
}

// === impl Lines ===

impl<'p> Lines<'p> {
    pub(super) fn new(map: &'p Compiled) -> Self {
        Self { map, leaves: Vec::new(), attributes: Vec::new(), texts: Vec::new() }
    }

    /// What these lines write inside the element `open`; `always`: nothing around them may leave them out.
    pub(super) fn said(&mut self, plan: &'p Plan, rules: &'p [Rule], open: NodeId, frame: Frame<'p>, always: bool) -> Said {
        sequence(rules.iter().map(|rule| self.line(plan, rule, open, frame, always)).collect())
    }

    fn line(&mut self, plan: &'p Plan, rule: &'p Rule, open: NodeId, frame: Frame<'p>, always: bool) -> Said {
        let node = rule.node.and_then(|id| plan.node(id).map(|n| (id, n)));
        match (&rule.what, node) {
            (Act::When { branches, required, .. }, _) => {
                let mut all: Vec<Said> = branches.iter().map(|b| self.said(plan, &b.rules, open, frame, false)).collect();
                if !required {
                    all.push(Said::Nothing);
                }
                Said::Or(all)
            }
            (Act::Fork(index), _) => {
                let Some(fork) = plan.forks.get(*index) else { return Said::Nothing };
                let variants = fork.variants.values().map(|v| {
                    let frame = Frame { shape: frame.shape, form: Some((&*fork.at, v.shape)) };
                    self.said(&v.plan, &v.plan.rules, 0, frame, false)
                });
                Said::Or(variants.collect())
            }
            (Act::Scope { at, rules, .. }, None) => {
                let optional = at.is_some() && rule.opt != Opt::Required;
                let there = self.said(plan, rules, open, frame, always && !optional);
                if !optional {
                    return there;
                }
                Said::Or(vec![there, self.absent(plan, rules, open, frame)])
            }
            (_, None) => Said::Nothing,
            (_, Some((id, node))) if node.attribute => {
                let sure = always && self.is_sure(rule);
                self.attributes.push((plan, rule, id, sure));
                Said::Nothing
            }
            (_, Some((id, _))) if id == open => {
                self.texts.push((rule, always && self.is_sure(rule)));
                Said::Nothing
            }
            (_, Some((id, node))) => self.child(plan, rule, id, node, frame),
        }
    }

    /// A child element.
    fn child(&mut self, plan: &'p Plan, rule: &'p Rule, id: NodeId, node: &'p Node, frame: Frame<'p>) -> Said {
        let none = self.leaves_out(rule);
        let rows = match &rule.what {
            Act::List { to } => Some(self.bounds(frame, to, node.rows.as_deref())),
            _ => None,
        };
        if let (Act::Dropped, true) = (&rule.what, none) {
            return Said::Nothing;
        }
        let leaf = Said::Leaf(self.leaves.len());
        self.leaves.push(Leaf { plan, rule, node, id, frame, rows });
        match &rule.what {
            Act::List { .. } => {
                let some = Said::Sequence(vec![leaf.clone(), Said::Many(Box::new(leaf.clone()))]);
                let empty = if none || rule.opt == Opt::Required { Said::Nothing } else { leaf };
                if rows.is_some_and(|(least, _)| least > 0) { some } else { Said::Or(vec![some, empty]) }
            }
            Act::Batch => Said::Sequence(vec![leaf.clone(), Said::Many(Box::new(leaf))]),
            Act::Scope { at, rules, lazy: true } if at.is_none() && !self.writes_always(rules) => maybe(leaf),
            Act::Scope { at: Some(_), .. } | Act::Value { .. } | Act::Template { .. } if rule.opt != Opt::Required && none => {
                maybe(leaf)
            }
            _ => leaf,
        }
    }

    /// What is written for an optional scope that is not there: the absent form of each of its lines.
    fn absent(&mut self, plan: &'p Plan, rules: &'p [Rule], open: NodeId, frame: Frame<'p>) -> Said {
        let lines = rules.iter().map(|rule| {
            let node = rule.node.and_then(|id| plan.node(id).map(|n| (id, n)));
            match (&rule.what, node) {
                (Act::Scope { rules, .. }, None) => self.absent(plan, rules, open, frame),
                (Act::When { .. } | Act::Fork(_) | Act::Batch, _) | (_, None) => Said::Nothing,
                (_, Some((id, node))) if node.attribute || id == open || self.leaves_out(rule) => Said::Nothing,
                (_, Some((id, node))) => {
                    let leaf = Said::Leaf(self.leaves.len());
                    self.leaves.push(Leaf { plan, rule, node, id, frame, rows: None });
                    if matches!(rule.what, Act::Scope { lazy: true, .. }) { maybe(leaf) } else { leaf }
                }
            }
        });
        sequence(lines.collect())
    }

    /// Whether a line writes nothing at all for none.
    fn leaves_out(&self, rule: &Rule) -> bool {
        !matches!(rule.opt, Opt::Literal(_)) && matches!(self.map.absent.first(), None | Some(AbsentForm::Omit))
    }

    fn is_sure(&self, rule: &Rule) -> bool {
        match &rule.what {
            Act::Const { .. } | Act::Seal => true,
            Act::Dropped => !self.leaves_out(rule),
            _ => rule.opt == Opt::Required || !self.leaves_out(rule),
        }
    }

    fn writes_always(&self, rules: &[Rule]) -> bool {
        rules.iter().any(|r| match &r.what {
            Act::Scope { at, rules, lazy } => (at.is_none() || r.opt == Opt::Required) && (!lazy || self.writes_always(rules)),
            Act::When { .. } | Act::Fork(_) | Act::List { .. } => false,
            _ => self.is_sure(r),
        })
    }

    /// How many rows the canonical schema allows; of a flattened list, of all its elements together.
    fn bounds(&self, frame: Frame<'p>, to: &[Text], rows: Option<&Plan>) -> (u64, Option<u64>) {
        let Some(list) = self.place(frame, to) else { return (0, None) };
        let own = self.map.shapes.rows(list);
        let own = if rows.is_some_and(|r| r.join.as_ref().is_some_and(|j| j.only.is_some())) { (0, own.1) } else { own };
        let Some(inner) = rows.and_then(|r| r.flat.as_ref()) else { return own };
        let item = Frame { shape: self.item(list), form: None };
        let of_each = self.place(item, inner).map_or((0, None), |id| self.map.shapes.rows(id));
        (own.0 * of_each.0, own.1.zip(of_each.1).map(|(a, b)| a * b))
    }

    /// The frame of a list's rows.
    pub(super) fn inside(&self, leaf: &Leaf<'p>) -> Frame<'p> {
        let Act::List { to } = &leaf.rule.what else { return leaf.frame };
        let mut shape = self.place(leaf.frame, to).and_then(|list| self.item(list));
        if let Some(inner) = leaf.node.rows.as_ref().and_then(|r| r.flat.as_ref()) {
            shape = self.place(Frame { shape, form: None }, inner).and_then(|list| self.item(list));
        }
        Frame { shape, form: None }
    }

    fn item(&self, list: ShapeId) -> Option<ShapeId> {
        if let Shape::List(item) = self.map.shapes.get(list) { Some(*item) } else { None }
    }

    /// The shape of a place of a frame; inside a form, the form's own.
    fn place(&self, frame: Frame<'p>, path: &[Text]) -> Option<ShapeId> {
        let (start, rest) = match frame.form {
            Some((at, shape)) if path.len() >= at.len() && at.iter().zip(path).all(|(a, b)| a == b) => {
                (Some(shape), path.get(at.len()..).unwrap_or_default())
            }
            _ => (frame.shape, path),
        };
        rest.iter().try_fold(start?, |at, word| self.map.shapes.field(at, word))
    }
}

// === impl Leaf ===

impl Leaf<'_> {
    pub(super) fn name(&self) -> QName {
        QName { ns: self.node.ns.to_string(), local: self.node.local.to_string() }
    }
}

// === impl Said ===

impl Said {
    /// Whether it may end here.
    pub(super) fn ends(&self) -> bool {
        match self {
            Self::Nothing | Self::Many(_) => true,
            Self::Leaf(_) => false,
            Self::Sequence(parts) => parts.iter().all(Self::ends),
            Self::Or(parts) => parts.iter().any(Self::ends),
        }
    }

    /// What may come next, and what is left then.
    pub(super) fn next(&self) -> BTreeSet<(usize, Self)> {
        match self {
            Self::Nothing => BTreeSet::new(),
            Self::Leaf(own) => BTreeSet::from([(*own, Self::Nothing)]),
            Self::Or(parts) => parts.iter().flat_map(Self::next).collect(),
            Self::Many(inner) => {
                inner.next().into_iter().map(|(leaf, left)| (leaf, sequence(vec![left, self.clone()]))).collect()
            }
            Self::Sequence(parts) => {
                let mut found = BTreeSet::new();
                for (n, part) in parts.iter().enumerate() {
                    for (leaf, left) in part.next() {
                        let mut rest = vec![left];
                        rest.extend(parts.get(n + 1..).unwrap_or_default().iter().cloned());
                        found.insert((leaf, sequence(rest)));
                    }
                    if !part.ends() {
                        break;
                    }
                }
                found
            }
        }
    }

    /// The same without a leaf: how a check goes on after telling of it.
    pub(super) fn without(&self, leaf: usize) -> Self {
        match self {
            Self::Leaf(own) if *own == leaf => Self::Nothing,
            Self::Nothing | Self::Leaf(_) => self.clone(),
            Self::Or(parts) => Self::Or(parts.iter().map(|p| p.without(leaf)).collect()),
            Self::Many(inner) => Self::Many(Box::new(inner.without(leaf))),
            Self::Sequence(parts) => sequence(parts.iter().map(|p| p.without(leaf)).collect()),
        }
    }
}

fn maybe(said: Said) -> Said {
    Said::Or(vec![said, Said::Nothing])
}

fn sequence(parts: Vec<Said>) -> Said {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Said::Nothing => {}
            Said::Sequence(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Said::Nothing,
        1 => flat.remove(0),
        _ => Said::Sequence(flat),
    }
}

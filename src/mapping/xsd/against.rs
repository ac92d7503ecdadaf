//! A mapping held against the XSD of its wire (V1 to V4): every name is there, order, occurrence and required elements and attributes
//! are the schema's in each branch and form, what is written as a word is one of the schema's words.
//!
//! Whether what is written is in the schema's language is decided exactly (one language inside the other, both walked at once, counts
//! as none, one, several; exact counts of lists beside). After a fault the walk goes on as if it were mended, so that all are told.

use super::super::plan::{Act, Compiled, NodeId, Plan, Rule};
use super::super::source::{Check, Faults, Span};
use super::model::{Content, Declared, Model, Schema, Type};
use super::said::{Frame, Leaf, Lines, Said};
use super::tree::QName;
use std::collections::BTreeSet;

/// One mapping beside its schema.
pub(super) struct Beside<'p, 'f> {
    map: &'p Compiled,
    schema: &'p Schema,
    pub(super) faults: &'f mut Faults,
    /// Messages of others are read by it: what they may send must be known.
    reads: bool,
    depth: usize,
}

/// Tells every difference; `reads`: others' messages are read by this mapping.
pub(crate) fn against(map: &Compiled, schema: &Schema, reads: bool, faults: &mut Faults) {
    let Some(root) = map.root.node(0) else { return };
    let Some(declared) = schema.element(&root.ns, &root.local) else {
        let names: BTreeSet<&str> = schema.names().collect();
        let hint = format!("in {}: {}", map.schema.as_ref().map_or("", |(s, _)| s), list(names.into_iter()));
        by(faults, Check::Names, &map.at, format!("the schema declares no element `{}`", shown(&root.ns, &root.local)), hint);
        return;
    };
    let mut beside = Beside { map, schema, faults, reads, depth: 0 };
    let frame = Frame { shape: Some(map.shape), form: None };
    let site = map.at.clone();
    beside.element(&site, &map.root, &map.root.rules, 0, frame, declared);
}

// === impl Beside ===

impl<'p> Beside<'p, '_> {
    pub(super) fn tell(&mut self, check: Check, at: &Span, text: String, hint: String) {
        by(self.faults, check, at, text, hint);
    }

    /// An element whose content these lines write.
    fn element(&mut self, at: &Span, plan: &'p Plan, rules: &'p [Rule], open: NodeId, frame: Frame<'p>, declared: &Declared) {
        let Some(kind) = self.schema.kind(declared.kind) else { return };
        if self.depth > 60 {
            return;
        }
        let mut lines = Lines::new(self.map);
        let said = lines.said(plan, rules, open, frame, true);
        self.attributes(at, &lines, kind, declared);
        match &kind.content {
            Content::Anything => {}
            Content::Simple(simple) => {
                let leaves: BTreeSet<usize> = (0..lines.leaves.len()).collect();
                for leaf in leaves.iter().filter_map(|n| lines.leaves.get(*n)) {
                    let text = format!("`{}` holds only text in the schema, no `{}`", declared.name.local, leaf.node.local);
                    self.tell(
                        Check::Names,
                        &leaf.rule.at.wire,
                        text,
                        "write its text with `.`, or attributes with `@`".to_owned(),
                    );
                }
                for (rule, _) in &lines.texts {
                    self.value(rule, simple, declared.fixed.as_deref());
                }
            }
            Content::Elements { model, mixed } => {
                if let (Some((rule, _)), false) = (lines.texts.first(), mixed) {
                    let hint = format!("inside it the schema wants: {}", list(model.firsts().into_iter()));
                    self.tell(
                        Check::Names,
                        &rule.at.wire,
                        format!("`{}` holds no text in the schema", declared.name.local),
                        hint,
                    );
                }
                self.children(at, &lines, said, model, declared);
            }
        }
    }

    fn children(&mut self, at: &Span, lines: &Lines<'p>, mut said: Said, model: &Model, declared: &Declared) {
        let mut model = model.clone();
        let mut known: Vec<Declared> = model.leaves().into_iter().map(|d| (**d).clone()).collect();
        let mut mended = BTreeSet::new();
        for (n, leaf) in lines.leaves.iter().enumerate() {
            let name = leaf.name();
            match known.iter().find(|d| d.name == name) {
                Some(found) => self.child(lines, leaf, found),
                None if model.takes_any(&name.ns) => {}
                None => {
                    let text = format!("`{}` has no `{}` in the schema", declared.name.local, shown(&name.ns, &name.local));
                    let meant = meant(&name, &known, lines);
                    let hint = meant.map_or_else(|| there_are(&known), |other| did_you_mean(&name, other));
                    self.tell(Check::Names, &leaf.rule.at.wire, text, hint);
                    said = said.without(n);
                    // One mistake, one fault: what it means is not told as missing too.
                    if let Some(other) = meant {
                        model = model.without(&other.name.local);
                        mended.insert(other.name.clone());
                    }
                }
            }
        }
        known.retain(|d| !mended.contains(&d.name));
        self.unknown(at, lines, &known, declared);
        self.order(at, lines, said, model, declared);
    }

    /// A child that is in the schema: its own content, and how often it may stand.
    fn child(&mut self, lines: &Lines<'p>, leaf: &Leaf<'p>, declared: &Declared) {
        let site = &leaf.rule.at.wire;
        if let Some((least, most)) = leaf.rows {
            let bound = |n: Option<u64>| n.map_or_else(|| "any number".to_owned(), |n| n.to_string());
            if let Some(max) = declared.max.filter(|max| *max > 1 && most.is_none_or(|m| m > *max)) {
                let text = format!(
                    "`{}` stands at most {max} times in the schema; the canonical list holds up to {}",
                    declared.name.local,
                    bound(most)
                );
                self.tell(Check::Places, site, text, "bound the canonical list by maxItems".to_owned());
            }
            if declared.min > least.max(1) {
                let text = format!(
                    "`{}` stands at least {} times in the schema; the canonical list may hold {least}",
                    declared.name.local, declared.min
                );
                self.tell(Check::Places, site, text, "bound the canonical list by minItems".to_owned());
            }
        } else if self.reads
            && leaf.node.key.is_none()
            && !matches!(leaf.rule.what, Act::Dropped | Act::Batch)
            && declared.max.is_none_or(|m| m > 1)
        {
            let text = format!("`{}` may stand several times in the schema, and this line reads one", declared.name.local);
            self.tell(Check::Places, site, text, format!("`{}[] = list[]`", declared.name.local));
        }
        self.depth += 1;
        match (&leaf.rule.what, &leaf.node.rows) {
            (Act::Scope { rules, .. }, _) => self.element(site, leaf.plan, rules, leaf.id, leaf.frame, declared),
            (Act::List { .. } | Act::Batch, Some(rows)) => self.element(site, rows, &rows.rules, 0, lines.inside(leaf), declared),
            (Act::Dropped, _) => {}
            _ => self.text(leaf, declared),
        }
        self.depth -= 1;
    }

    /// A child that is written with text only.
    fn text(&mut self, leaf: &Leaf<'p>, declared: &Declared) {
        let Some(kind) = self.schema.kind(declared.kind) else { return };
        let site = &leaf.rule.at.wire;
        match &kind.content {
            Content::Anything => {}
            Content::Simple(simple) => self.value(leaf.rule, simple, declared.fixed.as_deref()),
            Content::Elements { mixed: true, .. } => {}
            Content::Elements { model, .. } => {
                let hint = format!("inside it the schema wants: {}", list(model.firsts().into_iter()));
                self.tell(Check::Names, site, format!("`{}` holds no text in the schema", declared.name.local), hint);
            }
        }
        for missing in kind.attributes.iter().filter(|a| a.required) {
            let name = &missing.name.local;
            let text = format!("`{}` is written without its attribute `{name}`, which the schema demands", declared.name.local);
            self.tell(Check::Places, site, text, format!("a line `{}/@{name} = …`", leaf.node.local));
        }
    }

    fn attributes(&mut self, at: &Span, lines: &Lines<'p>, kind: &Type, declared: &Declared) {
        if matches!(kind.content, Content::Anything) {
            return;
        }
        let mut unknown = 0;
        for (plan, rule, id, _) in &lines.attributes {
            let Some(node) = plan.node(*id) else { continue };
            match kind.attributes.iter().find(|a| a.name.local == *node.local && a.name.ns == *node.ns) {
                Some(found) => self.value(rule, &found.simple, found.fixed.as_deref()),
                None if kind.any_attribute => {}
                None => {
                    unknown += 1;
                    let names = kind.attributes.iter().map(|a| a.name.local.as_str());
                    let text = format!("`{}` has no attribute `{}` in the schema", declared.name.local, node.local);
                    let hint =
                        if kind.attributes.is_empty() { "it has none".to_owned() } else { format!("there are: {}", list(names)) };
                    self.tell(Check::Names, &rule.at.wire, text, hint);
                }
            }
        }
        for wanted in kind.attributes.iter().filter(|a| a.required) {
            let named = |(plan, _, id, _): &&(&'p Plan, &'p Rule, NodeId, bool)| {
                plan.node(*id).is_some_and(|n| *n.local == *wanted.name.local && *n.ns == *wanted.name.ns)
            };
            let name = &wanted.name.local;
            match lines.attributes.iter().filter(named).max_by_key(|(.., sure)| *sure) {
                Some((.., true)) => {}
                Some((_, rule, _, false)) => {
                    let text = format!("the attribute `{name}` may be left out here, but the schema demands it");
                    self.tell(Check::Places, &rule.at.wire, text, "take the `?` away, or say a literal for none".to_owned());
                }
                // Most likely it is the one whose name is not known.
                None if unknown > 0 => unknown -= 1,
                None => {
                    let text =
                        format!("`{}` is written without its attribute `{name}`, which the schema demands", declared.name.local);
                    self.tell(Check::Places, at, text, format!("a line `@{name} = …` inside it"));
                }
            }
        }
    }

    /// What others may send and no line knows.
    fn unknown(&mut self, at: &Span, lines: &Lines<'p>, known: &[Declared], declared: &Declared) {
        if !self.reads || self.map.report_unknown {
            return;
        }
        let unread: BTreeSet<&str> =
            known.iter().filter(|d| !lines.leaves.iter().any(|l| l.name() == d.name)).map(|d| d.name.local.as_str()).collect();
        if !unread.is_empty() {
            let text = format!(
                "the schema lets `{}` hold {}, which would be refused as unknown",
                declared.name.local,
                list(unread.iter().copied())
            );
            self.tell(Check::Names, at, text, "map it, name it `= *`, or say `unknown: report` in the head".to_owned());
        }
    }
}

// === words ===

pub(in super::super) fn by(faults: &mut Faults, check: Check, at: &Span, text: String, hint: String) {
    let mark = faults.mark();
    faults.hint(at, text, hint);
    faults.since(mark, check);
}

pub(super) fn shown(ns: &str, local: &str) -> String {
    if ns.is_empty() { local.to_owned() } else { format!("{{{ns}}}{local}") }
}

pub(in super::super) fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    const SHOWN: usize = 24;
    let all: Vec<&str> = words.collect();
    let more = if all.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", all.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", "))
}

/// The element that a line with an unknown name most likely means: of the same name, of a near one, or the only one that must stand there
/// and that no line writes.
fn meant<'d>(name: &QName, known: &'d [Declared], lines: &Lines<'_>) -> Option<&'d Declared> {
    let most = (name.local.chars().count() / 2).min(2);
    let close = |d: &&Declared| super::super::compile::distance(&d.name.local, &name.local) <= most;
    let mut unwritten = known.iter().filter(|d| d.min > 0 && !lines.leaves.iter().any(|l| l.name() == d.name));
    let same = known.iter().find(|d| d.name.local == name.local);
    same.or_else(|| known.iter().find(close)).or_else(|| unwritten.next().filter(|_| unwritten.next().is_none()))
}

fn did_you_mean(name: &QName, other: &Declared) -> String {
    if other.name.local == name.local {
        return format!("it is there in the namespace `{}`: see `namespace` and `ns` in the head", other.name.ns);
    }
    format!("did you mean `{}`?", other.name.local)
}

fn there_are(known: &[Declared]) -> String {
    let names: BTreeSet<&str> = known.iter().map(|d| d.name.local.as_str()).collect();
    if names.is_empty() { "it is empty".to_owned() } else { format!("there are: {}", list(names.into_iter())) }
}

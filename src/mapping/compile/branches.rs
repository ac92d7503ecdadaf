//! `when` and `use form/{…}`: branches by a canonical word, forms by a canonical code (V6).

use super::Compiler;
use super::frame::{At, Frame, WireName};
use super::lines::site;
use super::paths::cpath;
use super::told::{Asked, always_shows};
use crate::body::Text;
use crate::mapping::convert::Chain;
use crate::mapping::editions::bare;
use crate::mapping::grammar::{Line, Path, What};
use crate::mapping::plan::{Act, Branch, Fork, NodeId, Opt, Rule, Select, SelectBy, To, Variant};
use crate::mapping::shapes::Shape;
use crate::mapping::source::{Check, Span};
use std::collections::{BTreeMap, BTreeSet};

impl Compiler<'_> {
    /// Neighbouring `when` lines on one path.
    pub(super) fn when(&mut self, group: &[&Line], frame: &mut Frame, at: &At) -> Option<Rule> {
        let Some(What::When { path, path_at, .. }) = group.first().map(|l| &l.what) else { return None };
        let resolved = self.resolve(path, frame, at)?;
        if resolved.out > 0 || path.context.is_some() {
            let text = "a `when` asks for a word of the object that it stands in, not of one further out (`^`) or of the context";
            self.hint_by(
                Check::Branches,
                path_at,
                text,
                "the `when` where that object is open, with the list inside of each branch",
            );
            return None;
        }
        let leaf = self.leaf(&resolved, path)?;
        let Some(known) = leaf.words.clone() else {
            self.hint_by(
                Check::Branches,
                path_at,
                format!("`{}` is not a word of a fixed list", path.dotted()),
                "`when` needs a canonical enum",
            );
            return None;
        };
        self.covered.insert(resolved.dotted.clone());
        self.groups += 1;
        let number = self.groups;
        let mut seen = BTreeSet::new();
        let mut branches = Vec::new();
        for (n, line) in group.iter().enumerate() {
            let What::When { words, .. } = &line.what else { continue };
            for (word, word_at) in words {
                if !known.contains(word) {
                    self.hint_by(
                        Check::Branches,
                        word_at,
                        format!("`{word}` is not a word of `{}`", path.dotted()),
                        format!("one of: {}", known.join(", ")),
                    );
                }
                if !seen.insert(word.clone()) {
                    self.fault_by(Check::Branches, word_at, format!("`{word}` stands in two branches"));
                }
            }
            self.branch.push((number, n));
            let rules = self.lines(&line.below, frame, at);
            self.branch.pop();
            let mut nodes = Vec::new();
            rules.iter().for_each(|r| collect(r, &mut nodes));
            branches.push(Branch { words: words.iter().map(|(w, _)| w.clone()).collect(), rules, nodes, own: Vec::new() });
        }
        let all: Vec<Vec<NodeId>> = branches.iter().map(|b| b.nodes.clone()).collect();
        for (n, branch) in branches.iter_mut().enumerate() {
            let elsewhere = |node: &NodeId| all.iter().enumerate().any(|(m, nodes)| m != n && nodes.contains(node));
            branch.own = branch.nodes.iter().copied().filter(|node| !elsewhere(node)).collect();
        }
        let shown = group.iter().zip(&branches).map(|(line, b)| (line.at.clone(), b.words.len(), always_shows(b)));
        self.asked.push(Asked {
            group: number,
            place: resolved.dotted.clone(),
            branch: self.branch.clone(),
            at: path_at.clone(),
            lines: shown.collect(),
            uncovered: known.into_iter().filter(|word| !seen.contains(word)).collect(),
        });
        let required = match self.shapes.get(at.shape) {
            Shape::Object(fields) => {
                path.steps.len() == 1 && path.steps.first().is_some_and(|s| fields.required.contains(&s.word))
            }
            _ => false,
        };
        let required = required || path.steps.len() > 1;
        let at = site(path_at, path_at);
        Some(Rule {
            node: None,
            opt: Opt::Required,
            what: Act::When { group: number, on: cpath(&resolved.path), branches, required, told: false },
            at,
        })
    }

    /// `use stem/{path}`: one plan a form.
    pub(super) fn fork(&mut self, stem: &str, path: &Path, stem_at: &Span, frame: &mut Frame, at: &At) -> Option<Rule> {
        let code = match &path.context {
            Some(name) => SelectBy::Context(name.clone()),
            None => {
                let root = At::root(self.message_shape);
                if !self.frames.is_empty() {
                    self.hint(
                        &path.at,
                        "a form stands outside of lists: a message has one",
                        "`use form/{…}` where the message is open",
                    );
                    return None;
                }
                SelectBy::Path(cpath(&self.resolve(path, frame, &root)?.path))
            }
        };
        let texts = self.texts;
        let prefix = stem.trim_end_matches('/');
        let mut variants = BTreeMap::new();
        for (file, text) in
            texts.files.iter().filter(|(f, t)| t.head.is_none() && f.strip_prefix(prefix).is_some_and(|r| r.starts_with('/')))
        {
            let key = file.get(prefix.len() + 1..).unwrap_or("").to_owned();
            let Some(shape) = self.shapes.root(&format!("forms/{key}")) else {
                let known: Vec<&str> = self.shapes.names().filter_map(|n| n.strip_prefix("forms/")).collect();
                self.hint_by(
                    Check::Names,
                    &text.first,
                    format!("there is no canonical form `{key}`"),
                    format!("there are: {}", known.join(", ")),
                );
                continue;
            };
            let own = frame.nodes.get(at.node).map(|n| WireName {
                ns: n.ns.to_string(),
                local: n.local.to_string(),
                qname: n.qname.to_string(),
            });
            let base = frame.nodes.get(at.node).map_or(String::new(), |n| n.path.to_string());
            if texts.unread.contains(file) {
                self.unclear.insert(at.path.join("."));
            }
            let mut inner = Frame::new(own.unwrap_or_default(), frame.shape, frame.prefix.clone(), base);
            inner.edit(0, |n| n.object = true);
            let inside = At { node: 0, path: at.path.clone(), shape };
            let outer = std::mem::take(&mut self.covered);
            let rules = self.lines(&text.lines, &mut inner, &inside);
            inner.nodes.iter_mut().for_each(|n| n.root_level = false);
            let dotted = at.path.join(".");
            self.forms.push((dotted, shape, std::mem::replace(&mut self.covered, outer)));
            let carried = self.forms.last().map(|f| f.2.clone()).unwrap_or_default();
            self.covered.extend(carried);
            variants.insert(key, Variant { plan: self.close(inner, rules), shape });
        }
        if variants.is_empty() {
            self.hint_by(
                Check::Names,
                stem_at,
                format!("there is no form under `{prefix}/`"),
                format!("files like {prefix}/1.005142@2019.map"),
            );
            return None;
        }
        let index = frame.forks.len();
        frame.edit(at.node, |n| n.fork = Some(index));
        frame.forks.push(Fork { select: Select { code, early: None }, at: cpath(&at.path), node: at.node, variants });
        Some(Rule { node: Some(at.node), opt: Opt::Required, what: Act::Fork(index), at: site(stem_at, &path.at) })
    }

    /// After all lines: which nodes tell code and day of a form while the wire is still being read.
    pub(super) fn early(&self, frame: &mut Frame, rules: &[Rule]) {
        let day: [Text; 1] = ["submitted_at".into()];
        for n in 0..frame.forks.len() {
            let Some(fork) = frame.forks.get(n) else { continue };
            let SelectBy::Path(code) = &fork.select.code else { continue };
            let found = giver(rules, code).zip(giver(rules, &day));
            if let (Some(((a, b), (c, d))), Some(fork)) = (found, frame.forks.get_mut(n)) {
                fork.select.early = Some((a, b, c, d));
            }
        }
    }
}

/// The node and chain of the exact line that gives a path.
fn giver(rules: &[Rule], path: &[Text]) -> Option<(NodeId, Chain)> {
    rules.iter().find_map(|rule| match &rule.what {
        Act::Value { to: To::Own(own), alts, .. } if **own == *path => rule.node.zip(alts.iter().find(|c| c.gives()).cloned()),
        Act::Scope { rules, .. } => giver(rules, path),
        _ => None,
    })
}

fn collect(rule: &Rule, nodes: &mut Vec<NodeId>) {
    nodes.extend(rule.node.filter(|n| !nodes.contains(n)));
    match &rule.what {
        Act::Scope { rules, .. } => rules.iter().for_each(|r| collect(r, nodes)),
        Act::When { branches, .. } => branches.iter().flat_map(|b| &b.rules).for_each(|r| collect(r, nodes)),
        _ => {}
    }
}

/// The key of a form: bare code and edition.
pub(crate) fn form_key(code: &str, edition: &str) -> String {
    format!("{}@{edition}", bare(code))
}

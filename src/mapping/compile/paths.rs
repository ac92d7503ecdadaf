//! Canonical paths against the schemas, and wire names against the namespaces.

use super::frame::{At, Frame, WireName};
use super::{Compiler, Outer};
use crate::mapping::grammar::{Last, Path, Wire};
use crate::mapping::plan::{CPath, To};
use crate::mapping::shapes::{Leaf, LeafKind, Shape, ShapeId};
use crate::mapping::source::{Check, Span};
use std::collections::BTreeSet;

/// A canonical path, resolved.
pub(super) struct Resolved {
    /// How many frames out.
    pub(super) out: usize,
    pub(super) path: Vec<String>,
    pub(super) shape: ShapeId,
    /// From the message's root.
    pub(super) dotted: String,
}

// === impl Resolved ===

impl Resolved {
    pub(super) fn to(&self) -> To {
        if self.out == 0 { To::Own(cpath(&self.path)) } else { To::Outer(self.out, cpath(&self.path)) }
    }
}

pub(super) fn cpath(words: &[String]) -> CPath {
    words.iter().map(|w| w.as_str().into()).collect()
}

pub(super) fn dotted(prefix: &str, path: &[String]) -> String {
    let own = path.join(".");
    if prefix.is_empty() || own.is_empty() { format!("{prefix}{own}") } else { format!("{prefix}.{own}") }
}

impl Compiler<'_> {
    /// Resolves a path from where a line stands; faults when the schema has no such place.
    pub(super) fn resolve(&mut self, path: &Path, frame: &Frame, at: &At) -> Option<Resolved> {
        self.proving(Check::Names, |c| c.resolved(path, frame, at))
    }

    fn resolved(&mut self, path: &Path, frame: &Frame, at: &At) -> Option<Resolved> {
        let mut out = 0;
        let mut words = at.path.clone();
        let (mut root, mut prefix) = (frame.shape, frame.prefix.clone());
        for _ in 0..path.up {
            if words.pop().is_some() {
                continue;
            }
            let Some(Outer { shape, path: outer, prefix: outer_prefix, .. }) = self.frames.iter().rev().nth(out).cloned() else {
                self.fault(&path.at, "`^` goes out of the message");
                return None;
            };
            out += 1;
            words = outer;
            root = shape;
            prefix = outer_prefix;
        }
        let mut shape = if path.up == 0 { at.shape } else { self.descend(root, &words)? };
        for step in &path.steps {
            let Some(next) = self.field(shape, &step.word) else {
                self.no_such((shape, &dotted(&prefix, &words)), &step.word, path);
                return None;
            };
            let is_list = matches!(self.shapes.get(next), Shape::List(..));
            if is_list != step.list {
                let text = if is_list { "is a list" } else { "is not a list" };
                let hint = if is_list { format!("write `{}[]`", step.word) } else { format!("write `{}`", step.word) };
                self.hint(&path.at, format!("`{}` {text}", step.word), hint);
                return None;
            }
            shape = next;
            words.push(step.word.clone());
        }
        let dotted = dotted(&prefix, &words);
        Some(Resolved { out, path: words, shape, dotted })
    }

    fn descend(&self, root: ShapeId, words: &[String]) -> Option<ShapeId> {
        words.iter().try_fold(root, |shape, word| self.field(shape, word))
    }

    /// The field of an object; anything inside a place of no declared shape is of no declared shape.
    fn field(&self, shape: ShapeId, word: &str) -> Option<ShapeId> {
        self.shapes.field(shape, word)
    }

    fn no_such(&mut self, (shape, place): (ShapeId, &str), word: &str, path: &Path) {
        let known: Vec<String> = match self.shapes.get(shape) {
            Shape::Object(fields) => fields.all.keys().cloned().collect(),
            _ => Vec::new(),
        };
        // A part is taken in by several mappings: told once.
        let again = self.faults.has(&path.at, Check::Names);
        let near = known.iter().filter(|k| is_near(k, word)).cloned().collect::<Vec<_>>();
        // A path begins at its scope's object: written from further out, its end is a place here.
        let steps = path.steps.iter().map(|s| s.word.as_str());
        let end: Vec<&str> = steps.skip_while(|w| *w != word).skip(1).skip_while(|w| self.field(shape, w).is_none()).collect();
        let from_here = end.join(".");
        let inside = |near: &String| if place.is_empty() { near.clone() } else { format!("{place}.{near}") };
        self.covered.extend(near.iter().map(inside));
        // Whatever was meant, it is a place of this object.
        self.unclear.insert(place.to_owned());
        let (whole, message) = (path.dotted(), &self.head.message.0);
        let of = if whole == word { String::new() } else { format!(" of `{whole}`") };
        let text = format!("`{word}`{of} is not in the canonical schema of `{message}`");
        match (near.is_empty(), known.is_empty()) {
            _ if again => {}
            _ if !from_here.is_empty() => {
                self.hint(&path.at, text, format!("did you mean `{from_here}`? A path begins at the object of its scope"));
            }
            (false, _) => self.hint(&path.at, text, format!("did you mean `{}`?", near.join("` or `"))),
            (true, false) => self.hint(&path.at, text, format!("there are: {}", known.join(", "))),
            (true, true) => self.fault(&path.at, text),
        }
    }

    /// The scalar at a resolved path.
    pub(super) fn leaf(&mut self, resolved: &Resolved, path: &Path) -> Option<Leaf> {
        self.proving(Check::Types, |c| c.scalar_of(resolved, path))
    }

    fn scalar_of(&mut self, resolved: &Resolved, path: &Path) -> Option<Leaf> {
        match self.shapes.get(resolved.shape) {
            Shape::Leaf(leaf) => Some(leaf.clone()),
            Shape::Any => Some(Leaf { kind: LeafKind::Any, ..Leaf::default() }),
            Shape::Object(_) => {
                self.hint(&path.at, format!("`{}` is an object", path.dotted()), "map its fields in the deeper lines of a scope");
                None
            }
            _ => {
                self.hint(
                    &path.at,
                    format!("`{}` is a list", path.dotted()),
                    "a list stands beside a list: `wire[] = path[]`, or in a text by join(…)",
                );
                None
            }
        }
    }

    /// A wire name with its namespace; attributes without prefix have none.
    pub(super) fn wire_name(&mut self, name: &str, attribute: bool, at: &Span) -> WireName {
        self.proving(Check::Names, |c| c.expanded(name, attribute, at))
    }

    fn expanded(&mut self, name: &str, attribute: bool, at: &Span) -> WireName {
        let plain = |ns: &str, local: &str| WireName { ns: ns.to_owned(), local: local.to_owned(), qname: name.to_owned() };
        if self.head.format != crate::mapping::api::Format::Xml {
            return plain("", name);
        }
        let Some((prefix, local)) = crate::mapping::xml_chars::split_qname(name) else {
            self.fault(at, format!("`{name}` is not an XML name"));
            return plain("", name);
        };
        if prefix.is_empty() {
            let ns = if attribute { String::new() } else { self.head.namespace.clone() };
            return plain(&ns, local);
        }
        let Some(uri) = self.head.prefixes.iter().find(|(p, _)| p == prefix).map(|(_, uri)| uri.clone()) else {
            self.hint(
                at,
                format!("the prefix `{prefix}` is not declared"),
                format!("ns {prefix}: the namespace's URI, in the head"),
            );
            return plain("", local);
        };
        plain(&uri, local)
    }

    /// The name of the root element.
    pub(super) fn root_name(&mut self, first: &Span) -> WireName {
        // In JSON it names a definition of the schema: nothing on the wire is called so.
        match self.head.root.clone().filter(|_| self.head.format == crate::mapping::api::Format::Xml) {
            Some((name, at)) => self.wire_name(&name, false, &at),
            None => {
                if self.head.format == crate::mapping::api::Format::Xml {
                    self.hint(first, "the head has no `root`", "the name of the XML element that is mapped");
                }
                WireName::default()
            }
        }
    }

    /// Makes the nodes before the last step; gives the parent of the last.
    pub(super) fn through(&mut self, wire: &Wire, frame: &mut Frame, from: usize, at: &Span) -> usize {
        wire.through.iter().fold(from, |node, name| {
            let name = self.wire_name(name, false, at);
            frame.child(node, &name, false, None)
        })
    }

    /// Where attributes are not known.
    pub(super) fn check_attribute(&mut self, wire: &Wire, at: &Span) {
        if matches!(wire.last, Last::Attribute(_)) && self.head.format != crate::mapping::api::Format::Xml {
            self.hint(at, "attributes belong to xml only", "a name that starts with @ stands in backticks");
        }
    }
}

/// "did you mean" for a word that is none of these, when one of them is near.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let near: Vec<&str> = known.filter(|k| is_near(k, word)).collect();
    (!near.is_empty()).then(|| format!("did you mean `{}`?", near.join("` or `")))
}

/// Whether one was most likely meant by the other: a letter or two, capitals, or a piece of it.
fn is_near(known: &str, word: &str) -> bool {
    let (known, word) = (known.to_lowercase(), word.to_lowercase());
    let slips = distance(&known, &word);
    let shorter = known.len().min(word.len());
    let turned = || {
        let letters = |word: &str| word.chars().collect::<BTreeSet<char>>();
        known.len() == word.len() && letters(&known) == letters(&word)
    };
    slips <= 1
        || slips == 2 && (shorter > 4 || turned())
        || shorter >= 4 && (known.starts_with(&word) || word.starts_with(&known))
}

/// Edit distance, for "did you mean".
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (n, ca) in a.chars().enumerate() {
        let mut last = n;
        let mut next = vec![n + 1];
        for (m, cb) in b.iter().enumerate() {
            let above = row.get(m + 1).copied().unwrap_or(usize::MAX - 1);
            let left = next.last().copied().unwrap_or(usize::MAX - 1);
            next.push((last + usize::from(ca != *cb)).min(above + 1).min(left + 1));
            last = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

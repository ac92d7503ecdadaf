//! Archives and documents inside: `content : zip(name) : base64 | base64` and `. : doc(mapping) : zip('x.xml') : base64`.
//!
//! Always: the entry of an archive is called as a field of the same element says, which a line tells exactly, or by a fixed name; a document
//! is the same message by another mapping of the partner, without envelope, seal or batch, and never inside itself.

use super::Compiler;
use super::frame::{At, Frame, Listed};
use super::one;
use crate::body::Text;
use crate::mapping::api::Envelope;
use crate::mapping::archive::is_entry_name;
use crate::mapping::cells::Cursor;
use crate::mapping::convert::{Chain, Conv, Entry};
use crate::mapping::grammar::{self, Link, Path};
use crate::mapping::plan::{Act, Compiled, Plan, Rule, To};
use crate::mapping::shapes::{Shape, ShapeId};
use crate::mapping::source::{Check, Faults, Span};
use std::sync::Arc;

impl Compiler<'_> {
    // --- archives

    /// Resolves the fields that name entries, where their line stands.
    pub(super) fn entry_names(&mut self, chains: &[grammar::Chain], frame: &Frame, at: &At) {
        self.entries.clear();
        for link in chains.iter().flat_map(|c| &c.links).filter(|l| l.name == "zip") {
            let Some(name) = link.arguments.as_deref().map(str::trim).filter(|n| !n.starts_with('\'')) else { continue };
            let mut cursor = Cursor::new(name, link.at.start, &link.at.file);
            let path = cursor.path().ok().filter(|p| p.context.is_none() && !p.steps.is_empty() && cursor.peek().is_none());
            let Some(path) = path.map(|p| Path { at: link.at.clone(), ..p }) else { continue };
            let Some(resolved) = self.resolve(&path, frame, at) else { continue };
            if resolved.out > 0 || self.leaf(&resolved, &path).is_none() {
                self.hint(
                    &link.at,
                    "the entry's name stands beside the content",
                    "a text field of the same element or row: zip(name)",
                );
                continue;
            }
            self.entries.insert(name.to_owned(), super::paths::cpath(&resolved.path));
        }
    }

    pub(super) fn zip(&mut self, name: &str, link: &Link) -> Option<Conv> {
        if let Some(fixed) = name.strip_prefix('\'').and_then(|n| n.strip_suffix('\'')) {
            if !is_entry_name(fixed) {
                self.hint(&link.at, "not a plain file name", "zip('x.xml'): no folders in it");
                return None;
            }
            return Some(Conv::Zip(Entry::Named(fixed.to_owned())));
        }
        let found = self.entries.get(name).cloned();
        // A name that does not exist has been told.
        if found.is_none() && !self.faults.has(&link.at, Check::Names) {
            self.hint(
                &link.at,
                format!("`{name}` does not name an entry here"),
                "zip(name), a text field beside the content, or zip('x.xml')",
            );
        }
        found.map(|path| Conv::Zip(Entry::Field(path)))
    }

    /// Alternatives of contents: an archive, and the content as it is.
    pub(super) fn check_contents(&mut self, alts: &[Chain], at: &Span) {
        let kinds: Vec<(bool, bool)> = alts.iter().map(|c| (c.is_content(), c.entry().is_some())).collect();
        let documents = alts.iter().filter(|c| c.document().is_some()).count();
        let fits = match kinds.as_slice() {
            [(true, one), (true, other)] if documents == 2 => one != other,
            // Written plainly, a content that is itself such an archive would be read as what is in it.
            kinds => documents == 0 && kinds == [(true, true), (true, false)],
        };
        if !fits {
            self.hint(
                at,
                "these alternatives of a content could not be told apart",
                "`zip(name) : base64 | base64`, the archive first",
            );
        }
    }

    /// At a frame's end: what names an entry is told by a line, exactly.
    pub(super) fn check_entries(&mut self, rules: &[Rule]) {
        if !self.unclear.is_empty() {
            return;
        }
        fn walk<'r>(rules: &'r [Rule], wanted: &mut Vec<(&'r [Text], &'r Rule)>) {
            for rule in rules {
                match &rule.what {
                    Act::Value { alts, .. } => {
                        wanted.extend(alts.iter().filter_map(Chain::entry).filter_map(|entry| match entry {
                            Entry::Field(path) => Some((&**path, rule)),
                            Entry::Named(_) => None,
                        }))
                    }
                    Act::Scope { rules, .. } => walk(rules, wanted),
                    Act::When { branches, .. } => branches.iter().for_each(|b| walk(&b.rules, wanted)),
                    _ => {}
                }
            }
        }
        let mut wanted = Vec::new();
        walk(rules, &mut wanted);
        for (path, rule) in wanted {
            if !tells(rules, path) {
                let text = format!("no line tells `{}`, by which the entry is called, exactly", path.join("."));
                self.hint_by(Check::Types, &rule.at.right, text, "a line without `~` beside this one");
            }
        }
    }

    // --- documents

    /// A value that is a whole document.
    pub(super) fn document(
        &mut self,
        path: &Path,
        chains: &[grammar::Chain],
        frame: &mut Frame,
        at: &At,
    ) -> Option<(To, Vec<Chain>, bool)> {
        let whole = path.steps.is_empty() && path.up == 0 && at.path.is_empty() && self.frames.is_empty();
        if !whole || frame.shape != self.message_shape || !self.branch.is_empty() {
            self.hint(
                &path.at,
                "a document stands for the whole message",
                "`W = . : doc(mapping) : …`, outside of lists, branches and objects",
            );
            return None;
        }
        let mut alts = Vec::new();
        for chain in chains {
            alts.push(self.document_chain(chain)?);
        }
        if alts.len() > 1 {
            self.proving(Check::Types, |c| c.check_contents(&alts, &path.at));
        }
        let first = alts.first().and_then(Chain::document).cloned()?;
        if alts.iter().any(|c| c.document().is_none_or(|doc| !Arc::ptr_eq(doc, &first) && doc.at != first.at)) {
            self.fault(&path.at, "alternatives of a document are of one mapping");
        }
        self.list_document(&first, frame, &path.at);
        let content = alts.iter().any(Chain::is_content);
        Some((To::Own(Box::new([])), alts, content))
    }

    fn document_chain(&mut self, chain: &grammar::Chain) -> Option<Chain> {
        let mut links = Vec::new();
        for (n, link) in chain.links.iter().enumerate() {
            let argument = link.arguments.as_deref().map(str::trim);
            links.push(match (n, link.name.as_str(), argument) {
                (0, "doc", Some(name)) => Conv::Doc(self.inner(name, link)?),
                (1, "zip", Some(name)) if name.starts_with('\'') => self.zip(name, link)?,
                (1 | 2, "base64", None) if n + 1 == chain.links.len() => Conv::Base64,
                _ => {
                    self.hint(
                        &link.at,
                        format!("`{}` does not fit into the chain of a document", link.name),
                        "doc(mapping) : zip('x.xml') : base64; without `zip`; or doc(mapping) alone, as text",
                    );
                    return None;
                }
            });
        }
        if matches!(links.last(), Some(Conv::Zip(_))) {
            self.hint(&chain.links.last()?.at, "the bytes of an archive need a form on the wire", "`: base64` behind it");
            return None;
        }
        Some(Chain { links, leaf: super::any_leaf(), lossy: false, typing: self.head.typing })
    }

    /// The mapping of a document, compiled as it is inside this one.
    fn inner(&mut self, name: &str, link: &Link) -> Option<Arc<Compiled>> {
        let texts = self.texts;
        let Some(text) = texts.files.get(name).filter(|t| t.head.is_some()) else {
            self.hint_by(
                Check::Names,
                &link.at,
                format!("there is no mapping `{name}`"),
                format!("expected the file {name}.map beside this one, with a head"),
            );
            return None;
        };
        if self.inside.iter().any(|outer| outer == name) {
            texts.circle.set(true);
            return self.inside_itself(name, link);
        }
        let inside = self.inside.iter().cloned().chain([name.to_owned()]).collect();
        let (mut faults, mut notes) = (Faults::default(), Faults::default());
        let made = one(texts, text, self.shapes, &mut faults, &mut notes, inside);
        let Some((compiled, (covered, forms))) = made.filter(|_| faults.mark() == 0) else {
            // Its faults are told at its own lines; what this mapping lacks because of them is not told again.
            if texts.circle.take() {
                return self.inside_itself(name, link);
            }
            self.unclear.insert(String::new());
            return None;
        };
        let unfit = if compiled.message != self.head.message.0 {
            Some(format!("it is of `{}`", compiled.message))
        } else if compiled.batch || compiled.sealed || compiled.envelope != Envelope::None {
            Some("it is a batch, is sealed or has an envelope".to_owned())
        } else {
            None
        };
        if let Some(why) = unfit {
            self.hint_by(
                Check::Types,
                &link.at,
                format!("the mapping `{name}` cannot stand inside this one: {why}"),
                "the same message, by itself",
            );
            return None;
        }
        covered.iter().for_each(|place| self.give(place.clone()));
        self.covered.extend(covered);
        self.forms.extend(forms);
        self.around.extend(compiled.around.iter().cloned());
        Some(Arc::new(compiled))
    }

    fn inside_itself<T>(&mut self, name: &str, link: &Link) -> Option<T> {
        self.fault_by(Check::Names, &link.at, format!("the document `{name}` stands inside itself"));
        self.unclear.insert(String::new());
        None
    }

    /// The lists of a document, which it places.
    fn list_document(&self, doc: &Arc<Compiled>, frame: &mut Frame, at: &Span) {
        let mut found = Vec::new();
        lists(&doc.root, &doc.root.rules, &mut found);
        for (node, to) in found {
            let words: Vec<String> = to.iter().map(ToString::to_string).collect();
            let Some(list) = words.iter().try_fold(doc.shape, |shape, word| self.shapes.field(shape, word)) else { continue };
            let Some(rows) = doc.root.node(node).and_then(|n| n.rows.as_ref()) else { continue };
            let inner: Option<(Vec<String>, ShapeId)> = rows.flat.as_ref().and_then(|path| {
                let Shape::List(item) = self.shapes.get(list) else { return None };
                let inner = path.iter().try_fold(*item, |shape, word| self.shapes.field(shape, word))?;
                Some((path.iter().map(ToString::to_string).collect(), inner))
            });
            let mut nested = Vec::new();
            lists(rows, &rows.rules, &mut nested);
            let nested = nested.into_iter().map(|(_, to)| to.iter().map(ToString::to_string).collect()).collect();
            frame.lists.push(Listed {
                doc: Some(Arc::clone(doc)),
                node,
                name: words.join("."),
                to: words,
                list,
                inner,
                nested,
                branch: Vec::new(),
                optional: false,
                at: at.clone(),
            });
        }
    }
}

/// The list lines of a frame.
fn lists<'p>(plan: &'p Plan, rules: &'p [Rule], found: &mut Vec<(usize, &'p [Text])>) {
    for rule in rules {
        match (&rule.what, rule.node) {
            (Act::List { to }, Some(node)) if plan.node(node).and_then(|n| n.rows.as_ref()).is_some_and(|p| p.join.is_none()) => {
                found.push((node, to));
            }
            (Act::Scope { rules, .. }, _) => lists(plan, rules, found),
            _ => {}
        }
    }
}

/// Whether a line tells the place exactly.
fn tells(rules: &[Rule], path: &[Text]) -> bool {
    rules.iter().any(|rule| match &rule.what {
        Act::Value { to: To::Own(own), alts } => **own == *path && alts.iter().all(|c| !c.lossy && c.gives()),
        Act::Scope { rules, .. } => tells(rules, path),
        Act::When { branches, .. } => branches.iter().any(|b| tells(&b.rules, path)),
        _ => false,
    })
}

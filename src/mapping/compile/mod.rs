//! From parsed texts to plans. All faults of all files are found in one go; a plan is made only for a file without faults.
//!
//! Checked here (numbers as in the reference): names of both sides exist (V1), a wire place is mapped once per branch (V2), types
//! meet along a chain (V3), code lists (V4, in `codes`), templates are unambiguous (V5), branches are disjoint (V6), what is not
//! carried is said (V9), lists that meet have their keys (V8).

mod branches;
mod chains;
mod flat;
mod frame;
mod group;
mod head;
mod joins;
mod keyed;
mod lines;
mod lists;
mod nothing;
mod packed;
mod paths;
mod templates;
mod told;
mod unused;
mod without;

use super::codes::{self, CodeList};
use super::grammar::MapText;
use super::parser::parse;
use super::plan::{CPath, Compiled, Plan};
use super::shapes::{Leaf, LeafKind, ShapeId, Shapes};
use super::source::{Check, Faults, Source, SourceFault, Span};
use frame::{At, Frame};
use head::Head;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use told::{Asked, Given};

/// What one partner's texts became.
pub(crate) struct Output {
    pub(crate) maps: BTreeMap<String, Compiled>,
    pub(crate) notes: Vec<SourceFault>,
}

/// One partner's texts, parsed.
#[derive(Default)]
struct Texts {
    files: BTreeMap<String, MapText>,
    codes: BTreeMap<String, Arc<CodeList>>,
    /// Files with lines that could not be read.
    unread: BTreeSet<String>,
    /// `codes.toml` has faults of its own.
    codes_unread: bool,
    /// The canonical words that each code list is used for; none: some line takes any.
    words: RefCell<BTreeMap<String, Option<BTreeSet<String>>>>,
    /// A document was found inside itself, by the compilation just made.
    circle: Cell<bool>,
}

/// Compiles one mapping file.
struct Compiler<'c> {
    texts: &'c Texts,
    shapes: &'c Arc<Shapes>,
    head: Head,
    faults: &'c mut Faults,
    notes: &'c mut Faults,
    /// Canonical places that some line carries, dotted from the message.
    covered: BTreeSet<String>,
    /// Canonical places that a line with a fault may mean: of these and what is under them, losses are not told (one mistake, one fault).
    unclear: BTreeSet<String>,
    /// Places of forms with each form's shape and what its lines carry.
    forms: Vec<(String, ShapeId, BTreeSet<String>)>,
    /// Outer frames, innermost last.
    frames: Vec<Outer>,
    /// Parts being taken in, against circles.
    taking: Vec<String>,
    /// The branches that hold here: (group, branch).
    branch: Vec<(usize, usize)>,
    groups: usize,
    /// Lines that give a place exactly, and the groups of branches to be judged by them.
    given: Vec<Given>,
    asked: Vec<Asked>,
    /// Canonical places of which lines with `~` tell something that gives nothing back.
    hinted: BTreeSet<String>,
    /// The objects of optional scopes around a line, dotted: what is said of others is not told when they are not there.
    perhaps: Vec<String>,
    /// Arrays whose items are chosen by a member.
    arrays: usize,
    /// Names of the values from around the message that lines use.
    around: BTreeSet<String>,
    sealed: bool,
    batch: bool,
    /// Documents this one stands in, against circles.
    inside: Vec<String>,
    /// Names of archives' entries, resolved where their line stands.
    entries: BTreeMap<String, CPath>,
    /// Namespaces by the reader's numbers.
    namespaces: Vec<Box<str>>,
    message_shape: ShapeId,
}

/// A frame further out: its shape and the canonical object in which the list stands.
#[derive(Clone)]
struct Outer {
    shape: ShapeId,
    path: Vec<String>,
    prefix: String,
    /// It is an element whose rows a flattened list writes: each row tells it.
    is_flat: bool,
}

/// Compiles all texts of a partner: the mappings without a fault, and the faults of the others.
pub(crate) fn compile(source: &Source, shapes: &Arc<Shapes>) -> (Output, Vec<SourceFault>) {
    let mut faults = Faults::default();
    let mut notes = Faults::default();
    let mut texts = Texts::default();
    for (file, text) in &source.files {
        if let Some(name) = file.strip_suffix(".map") {
            let mark = faults.mark();
            texts.files.insert(name.to_owned(), parse(file, text, &mut faults));
            if faults.mark() > mark {
                texts.unread.insert(name.to_owned());
            }
        } else if file == "codes.toml" {
            let mark = faults.mark();
            texts.codes = codes::parse(file, text, &mut faults);
            texts.codes_unread = faults.mark() > mark;
            faults.since(mark, Check::Codes);
        }
    }
    let (mut maps, mut broken) = (BTreeMap::new(), false);
    for (name, text) in &texts.files {
        if text.head.is_none() {
            continue;
        }
        let mark = faults.mark();
        let compiled = one(&texts, text, shapes, &mut faults, &mut notes, vec![name.clone()]).map(|(made, _)| made);
        broken |= faults.mark() > mark;
        maps.extend(compiled.filter(|_| faults.mark() == mark).map(|made| (name.clone(), made)));
    }
    let mark = faults.mark();
    unused::check(&texts, &mut faults);
    faults.since(mark, Check::Names);
    // A line with a fault of its own may be the one that means a word.
    if !broken {
        let mark = faults.mark();
        unused::words(&texts, &mut faults);
        faults.since(mark, Check::Codes);
    }
    (Output { maps, notes: notes.finish(source) }, faults.finish(source))
}

/// What a mapping carries: canonical places, and its forms with theirs.
type Carried = (BTreeSet<String>, Vec<(String, ShapeId, BTreeSet<String>)>);

fn one(
    texts: &Texts,
    text: &MapText,
    shapes: &Arc<Shapes>,
    faults: &mut Faults,
    notes: &mut Faults,
    inside: Vec<String>,
) -> Option<(Compiled, Carried)> {
    let head = Head::read(text, faults)?;
    let Some(shape) = shapes.root(&head.message.0) else {
        let names: Vec<&str> = shapes.names().filter(|n| !n.contains('/')).collect();
        let mark = faults.mark();
        let near = paths::nearest(&head.message.0, names.iter().copied());
        faults.hint(
            &head.message.1,
            format!("`{}` is not a canonical message", head.message.0),
            near.unwrap_or_else(|| format!("one of: {}", names.join(", "))),
        );
        faults.since(mark, Check::Names);
        return None;
    };
    let mut compiler = Compiler {
        texts,
        shapes,
        head,
        faults,
        notes,
        covered: BTreeSet::new(),
        unclear: texts.unread.iter().filter(|own| *text.first.file == format!("{own}.map")).map(|_| String::new()).collect(),
        forms: Vec::new(),
        frames: Vec::new(),
        taking: Vec::new(),
        branch: Vec::new(),
        groups: 0,
        given: Vec::new(),
        asked: Vec::new(),
        hinted: BTreeSet::new(),
        perhaps: Vec::new(),
        arrays: 0,
        around: BTreeSet::new(),
        sealed: false,
        batch: false,
        inside,
        entries: BTreeMap::new(),
        namespaces: Vec::new(),
        message_shape: shape,
    };
    let name = compiler.root_name(&text.first);
    let path = if name.local.is_empty() { String::new() } else { format!("/{}", name.local) };
    let mut frame = Frame::new(name, shape, String::new(), path);
    frame.is_root = true;
    let rules = compiler.lines(&text.lines, &mut frame, &At::root(shape));
    compiler.proving(Check::Losses, Compiler::check_without);
    compiler.early(&mut frame, &rules);
    compiler.check_whole(&frame, &rules);
    let mut root = compiler.close(frame, rules);
    compiler.settle(&mut root);
    // Of a text with lines that could not be read there is no plan: what it lacks would be told again by those who look at plans.
    if !compiler.unclear.is_empty() {
        return None;
    }
    let carried = (std::mem::take(&mut compiler.covered), std::mem::take(&mut compiler.forms));
    Some((compiler.finish(root, shape), carried))
}

pub(crate) use branches::form_key;
pub(crate) use paths::distance;
pub use paths::nearest;

/// A scalar of no declared type: context values.
fn any_leaf() -> Leaf {
    Leaf { kind: LeafKind::Any, ..Leaf::default() }
}

impl Compiler<'_> {
    fn finish(self, root: Plan, shape: ShapeId) -> Compiled {
        let head = self.head;
        Compiled {
            definition: head.root.as_ref().filter(|_| head.format != super::api::Format::Xml).map(|(name, _)| name.clone()),
            at: head.root.map_or(head.message.1, |(_, at)| at),
            message: head.message.0,
            schema: head.schema,
            format: head.format,
            envelope: head.envelope,
            typing: head.typing,
            namespace: head.namespace,
            prefixes: head.prefixes,
            namespaces: self.namespaces,
            absent: head.absent,
            report_unknown: head.report_unknown,
            without: head.without,
            around: self.around,
            sealed: self.sealed,
            batch: self.batch,
            shape,
            shapes: Arc::clone(self.shapes),
            root,
        }
    }

    /// What is told inside was found by this check.
    fn proving<T>(&mut self, check: Check, inside: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.faults.mark();
        let made = inside(self);
        self.faults.since(mark, check);
        made
    }

    /// A fault with a hint, told by this check.
    fn hint_by(&mut self, check: Check, at: &Span, text: impl Into<String>, hint: impl Into<String>) {
        self.proving(check, |c| c.faults.hint(at, text, hint));
    }

    /// A fault, told by this check.
    fn fault_by(&mut self, check: Check, at: &Span, text: impl Into<String>) {
        self.proving(check, |c| c.faults.add(at, text));
    }

    fn fault(&mut self, at: &Span, text: impl Into<String>) {
        self.faults.add(at, text);
    }

    fn hint(&mut self, at: &Span, text: impl Into<String>, hint: impl Into<String>) {
        self.faults.hint(at, text, hint);
    }
}

#[cfg(test)]
mod mistakes;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;

//! Lines into rules: what stands on the wire side of a line, and values.

use super::Compiler;
use super::frame::{At, Frame};
use super::group::{group, passed_over, torn};
use super::keyed::reserve;
use super::nothing::Spot;
use super::paths::{Resolved, dotted};
use super::templates::template;
use crate::mapping::api::Format;
use crate::mapping::convert::Chain;
use crate::mapping::grammar::{Chain as ChainText, Last, Line, Lit, Opt as OptText, Path, Right, What, Wire};
use crate::mapping::plan::{AbsentForm, Act, Key, Opt, Plan, Rule, Site, To};
use crate::mapping::shapes::Shape;
use crate::mapping::source::{Check, Span};
use crate::mapping::xml::Ns;
use std::sync::Arc;

/// A rule line, taken apart.
pub(super) struct Cells<'l> {
    pub(super) wire: &'l Wire,
    pub(super) wire_at: &'l Span,
    pub(super) right: &'l Right,
    pub(super) right_at: &'l Span,
    pub(super) opt: Option<&'l OptText>,
    pub(super) below: &'l [Line],
}

impl Compiler<'_> {
    /// Compiles neighbouring lines that stand in one scope.
    pub(super) fn lines(&mut self, lines: &[Line], frame: &mut Frame, at: &At) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut rest = lines;
        while let Some((line, after)) = rest.split_first() {
            rest = after;
            match &line.what {
                What::Rule { wire, wire_at, right, opt, right_at } => {
                    let cells = Cells { wire, wire_at, right, right_at, opt: opt.as_ref(), below: &line.below };
                    self.rule(&cells, frame, at, &mut rules);
                }
                What::Use { stem, select, at: stem_at } => {
                    if let Some(first) = line.below.first() {
                        self.fault(&first.at, "nothing can stand below `use`");
                    }
                    match select {
                        None => rules.extend(self.part(stem, stem_at, frame, at)),
                        Some(path) => rules.extend(self.fork(stem, path, stem_at, frame, at)),
                    }
                }
                What::When { path, .. } => {
                    let same = |l: &&Line| matches!(&l.what, What::When { path: other, .. } if other.dotted() == path.dotted());
                    let more = rest.iter().take_while(same).count();
                    let group: Vec<&Line> = std::iter::once(line).chain(rest.iter().take(more)).collect();
                    rest = rest.get(more..).unwrap_or(&[]);
                    let made = self.when(&group, frame, at);
                    if made.is_none() {
                        self.unclear.insert(dotted(&frame.prefix, &at.path));
                    }
                    rules.extend(made);
                }
            }
        }
        let texts = rules.iter().any(|r| matches!(r.what, Act::Value { .. }) && r.node == Some(at.node));
        if let (true, Some(line)) = (texts && frame.nodes.get(at.node).is_some_and(|n| !n.children.is_empty()), lines.first()) {
            self.hint_by(
                Check::Places,
                &line.at,
                "text and child elements in one element",
                "an element has either text of its own (`.`) or children",
            );
        }
        // Attributes go into the start tag, so they are written first.
        rules.sort_by_key(|r| !r.node.and_then(|n| frame.nodes.get(n)).is_some_and(|n| n.attribute));
        rules
    }

    fn part(&mut self, stem: &str, stem_at: &Span, frame: &mut Frame, at: &At) -> Vec<Rule> {
        let texts = self.texts;
        if texts.unread.contains(stem) || texts.files.get(stem).is_none_or(|t| t.head.is_some()) {
            self.unclear.insert(dotted(&frame.prefix, &at.path));
        }
        match texts.files.get(stem) {
            Some(text) if text.head.is_none() => {
                if self.taking.iter().any(|t| t == stem) {
                    self.fault_by(Check::Names, stem_at, format!("the part `{stem}` takes itself in"));
                    return Vec::new();
                }
                self.taking.push(stem.to_owned());
                let rules = self.lines(&text.lines, frame, at);
                self.taking.pop();
                rules
            }
            Some(_) => {
                self.hint_by(
                    Check::Names,
                    stem_at,
                    format!("`{stem}` is a mapping of its own"),
                    "only a file without a head is a part",
                );
                Vec::new()
            }
            None => {
                self.hint_by(
                    Check::Names,
                    stem_at,
                    format!("there is no part `{stem}`"),
                    format!("expected the file {stem}.map beside this one"),
                );
                Vec::new()
            }
        }
    }

    fn rule(&mut self, cells: &Cells<'_>, frame: &mut Frame, at: &At, rules: &mut Vec<Rule>) {
        self.check_attribute(cells.wire, cells.wire_at);
        if self.head.format == Format::Form
            && !(cells.wire.through.is_empty()
                && match cells.wire.last {
                    Last::Name(_) => cells.below.is_empty(),
                    Last::Here => true,
                    _ => false,
                })
        {
            let hint = "`name = place`; deeper lines stand below `. = place`, a list goes into one field by join(…)";
            self.hint(cells.wire_at, "a form has plain fields only", hint);
            return;
        }
        let parent = self.through(cells.wire, frame, at.node, cells.wire_at);
        let inner = At { node: parent, ..at.clone() };
        let made = match &cells.wire.last {
            Last::Here => self.here(cells, frame, &inner),
            Last::Name(name) => self.single(cells, name, None, frame, &inner),
            Last::Attribute(name) => self.attribute(cells, name, frame, &inner),
            Last::List(name) => self.list(cells, Some(name), frame, &inner),
            Last::Items => self.list(cells, None, frame, &inner),
            Last::Keyed { name, key, literal } => self.keyed(cells, name, key, literal, frame, &inner),
        };
        let Some(made) = made else { return self.leave_unclear(cells, frame, &inner) };
        if !group(made, parent, at.node, frame, rules) {
            self.hint_by(
                Check::Places,
                cells.wire_at,
                "a value and deeper places in one wire place",
                "an element has either text of its own or children; what belongs to each row stands below its list",
            );
        }
    }

    /// What a line with a fault would have carried, with all below it, as far as its path can be followed.
    fn leave_unclear(&mut self, cells: &Cells<'_>, frame: &Frame, at: &At) {
        let Right::Value { path, .. } = cells.right else { return };
        let words = path.steps.iter().map(|s| s.word.clone());
        let place: Vec<String> = at.path.iter().cloned().chain(words).collect();
        self.unclear.insert(dotted(&frame.prefix, &place));
    }

    // --- the wire side

    fn here(&mut self, cells: &Cells<'_>, frame: &mut Frame, at: &At) -> Option<Rule> {
        let Right::Value { path, chains } = cells.right else {
            self.hint(cells.wire_at, "`.` is the same wire object", "a path with deeper lines, or (in an element) a value");
            return None;
        };
        if !cells.below.is_empty() {
            return self.scope(path, chains, None, cells, frame, at);
        }
        if self.head.format != Format::Xml {
            self.hint(cells.wire_at, "`.` without deeper lines is the element's own text", "it belongs to xml only");
            return None;
        }
        // The text is a place of its own beside the element.
        self.claim(frame, usize::MAX - at.node, cells.wire_at);
        let rule = self.plain(cells, Spot::Own, at.node, frame, at)?;
        frame.edit(at.node, |n| {
            n.scalar = true;
            n.own_text = true;
        });
        Some(rule)
    }

    fn attribute(&mut self, cells: &Cells<'_>, name: &str, frame: &mut Frame, at: &At) -> Option<Rule> {
        if let Some(first) = cells.below.first() {
            self.fault(&first.at, "nothing can stand below an attribute");
        }
        let name = self.wire_name(name, true, cells.wire_at);
        let node = frame.child(at.node, &name, true, None);
        self.claim(frame, node, cells.wire_at);
        self.plain(cells, Spot::Attribute, node, frame, at)
    }

    pub(super) fn single(&mut self, cells: &Cells<'_>, name: &str, key: Option<Key>, frame: &mut Frame, at: &At) -> Option<Rule> {
        let name = self.wire_name(name, false, cells.wire_at);
        let node = frame.child(at.node, &name, false, key);
        self.claim(frame, node, cells.wire_at);
        if cells.below.is_empty() {
            return self.plain(cells, Spot::Named, node, frame, at);
        }
        let Right::Value { path, chains } = cells.right else {
            self.hint(cells.right_at, "deeper lines need a canonical object here", "a path, or `.` to stay at the same object");
            return None;
        };
        frame.edit(node, |n| n.object = true);
        self.scope(path, chains, Some(node), cells, frame, at)
    }

    // --- lines without deeper lines

    fn plain(&mut self, cells: &Cells<'_>, spot: Spot, node: usize, frame: &mut Frame, at: &At) -> Option<Rule> {
        let opt = opt(cells.opt);
        let constants = if let Right::Literals { list, .. } = cells.right { list.as_slice() } else { &[] };
        self.check_forms(cells, spot, constants);
        frame.edit(node, |n| {
            n.empty_list |= opt == Opt::Literal(Lit::EmptyList);
            n.object |= opt == Opt::Literal(Lit::EmptyObject);
        });
        let what = match cells.right {
            Right::Dropped => {
                frame.edit(node, |n| n.any = true);
                Act::Dropped
            }
            Right::Literals { list, any } => {
                self.check_constant(cells, list, *any);
                frame.edit(node, |n| {
                    n.scalar |= *any || list.iter().any(|l| !matches!(l, Lit::EmptyList | Lit::EmptyObject));
                    n.empty_list |= list.contains(&Lit::EmptyList);
                    n.object |= list.contains(&Lit::EmptyObject);
                });
                Act::Const { lits: list.clone(), any: *any }
            }
            Right::Template(pieces) => {
                frame.edit(node, |n| n.scalar = true);
                self.proving(Check::Templates, |c| template(c, pieces, cells.right_at, frame, at))?
            }
            Right::Value { path, chains } => {
                let (to, alts, content) = self.value(path, chains, frame, at)?;
                let document = alts.iter().any(|c| c.document().is_some());
                if document && cells.opt.is_some() {
                    self.hint(cells.right_at, "a document is always there", "without `?`");
                }
                if path.context.as_deref() == Some("seal") {
                    return self.proving(Check::Seals, |c| c.seal(cells, node, frame));
                }
                self.check_literal(cells, &alts);
                self.check_joined(cells, path, &alts, frame, at);
                let empty_is_none = match &opt {
                    Opt::Required => false,
                    Opt::Absent => self.head.absent.contains(&AbsentForm::Empty),
                    Opt::Literal(lit) => lit.text().is_empty(),
                };
                frame.edit(node, |n| {
                    n.scalar = true;
                    n.content = content;
                    n.packed = alts.iter().any(Chain::is_packed);
                    n.empty_is_none = empty_is_none;
                });
                Act::Value { to, alts }
            }
        };
        Some(Rule { node: Some(node), opt, what, at: cells.site() })
    }

    fn seal(&mut self, cells: &Cells<'_>, node: usize, frame: &mut Frame) -> Option<Rule> {
        if self.sealed {
            self.fault(cells.right_at, "a second seal");
        }
        self.sealed = true;
        frame.edit(node, |n| {
            n.scalar = true;
            n.seal = true;
        });
        if !frame.nodes.get(node).is_some_and(|n| n.root_level) {
            self.hint(cells.wire_at, "the seal must stand at the root level", "a seal covers root-level fields");
        }
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::Seal, at: cells.site() })
    }

    /// The canonical side of a value: where it goes and its chains.
    pub(super) fn value(
        &mut self,
        path: &Path,
        chains: &[ChainText],
        frame: &mut Frame,
        at: &At,
    ) -> Option<(To, Vec<Chain>, bool)> {
        if let Some(name) = &path.context {
            self.proving(Check::Names, |c| c.check_context(name, path));
            let leaf = super::any_leaf();
            let alts = self.chains(chains, &leaf, &path.at);
            return Some((To::Context(name.clone()), alts, false));
        }
        if chains.iter().any(|c| c.links.first().is_some_and(|l| l.name == "doc")) {
            return self.document(path, chains, frame, at);
        }
        self.entry_names(chains, frame, at);
        let joined = chains.iter().any(|c| c.links.iter().any(|l| l.name == "join"));
        let resolved = self.resolve(path, frame, at)?;
        if path.steps.is_empty() {
            self.hint(&path.at, "`.` is the canonical object itself", "deeper lines, or a path");
            return None;
        }
        let leaf = if let (Shape::List(item), true) = (self.shapes.get(resolved.shape), joined) {
            let item = Resolved { shape: *item, out: resolved.out, path: resolved.path.clone(), dotted: resolved.dotted.clone() };
            self.leaf(&item, path)?
        } else {
            self.leaf(&resolved, path)?
        };
        let alts = self.chains(chains, &leaf, &path.at);
        self.carry(&resolved, &alts);
        let content = alts.iter().any(Chain::is_content);
        Some((resolved.to(), alts, content))
    }

    fn check_context(&mut self, name: &str, path: &Path) {
        self.around.insert(name.to_owned());
        const KNOWN: [&str; 10] = [
            "message.id",
            "message.time",
            "from.code",
            "from.name",
            "to.code",
            "to.name",
            "session",
            "seal",
            "dossier.procedure",
            "dossier.edition",
        ];
        if !KNOWN.contains(&name) && !name.starts_with("asked.") && !name.starts_with("partner.") {
            // Whatever was meant, this line gives it.
            self.unclear.insert(String::new());
            let ends = |known: &&&str| known.rsplit('.').next() == Some(name);
            let near = KNOWN.iter().find(ends).map(|known| format!("did you mean `${known}`?"));
            let near = near.or_else(|| super::paths::nearest(name, KNOWN.into_iter()));
            let all = || format!("{}, asked.…, partner.…", KNOWN.join(", "));
            self.hint(&path.at, format!("`${name}` is not known"), near.unwrap_or_else(all));
        }
    }

    // --- small ones

    pub(super) fn claim(&mut self, frame: &mut Frame, node: usize, at: &Span) {
        if !frame.claim(node, &self.branch) {
            self.hint_by(
                Check::Places,
                at,
                "this wire place is mapped twice",
                "one line a place; `when` separates branches, `W[]` and `W[@k=…]` separate elements",
            );
        }
    }

    pub(super) fn close(&mut self, mut frame: Frame, rules: Vec<Rule>) -> Plan {
        for node in &mut frame.nodes {
            node.ns_id = Ns::own(&node.ns, &mut self.namespaces);
            if let Some(key) = &mut node.key {
                key.ns_id = Ns::own(&key.ns, &mut self.namespaces);
            }
        }
        reserve(&mut frame.nodes);
        for site in torn(&rules) {
            let hint = "an element is written once: put its lines one under the other, or into one scope";
            self.hint_by(Check::Places, &site.wire, "lines of one element do not stand together", hint);
        }
        for site in passed_over(&rules, &frame) {
            let hint = "`*` on each of them, or no line for the element itself";
            self.hint_by(Check::Places, &site.wire, "an element passed over whole (`*`) has other lines in it", hint);
        }
        self.check_entries(&rules);
        self.check_arrays(&mut frame, &rules);
        let joined = self.meet(&mut frame, &rules);
        Plan { nodes: frame.nodes, rules, forks: frame.forks, scalar: frame.scalar, joined, ..Plan::default() }
    }
}

/// Where a line stands.
pub(super) fn site(wire: &Span, right: &Span) -> Arc<Site> {
    Arc::new(Site { wire: wire.clone(), right: right.clone() })
}

impl Cells<'_> {
    pub(super) fn site(&self) -> Arc<Site> {
        site(self.wire_at, self.right_at)
    }
}

pub(super) fn opt(opt: Option<&OptText>) -> Opt {
    match opt {
        None => Opt::Required,
        Some(OptText { literal: None }) => Opt::Absent,
        Some(OptText { literal: Some(lit) }) => Opt::Literal(lit.clone()),
    }
}

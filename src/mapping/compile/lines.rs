//! Lines into rules.

use super::frame::{At, Frame, WireName};
use super::paths::{Resolved, cpath};
use super::templates::template;
use super::{Compiler, Outer};
use crate::mapping::api::Format;
use crate::mapping::convert::Chain;
use crate::mapping::grammar::{Chain as ChainText, Last, Line, Lit, Opt as OptText, Path, Right, What, Wire};
use crate::mapping::plan::{AbsentForm, Act, Opt, Plan, Rule, To};
use crate::mapping::shapes::Shape;
use crate::mapping::source::Span;

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
                    rules.extend(self.when(&group, frame, at));
                }
            }
        }
        let texts = rules.iter().any(|r| matches!(r.what, Act::Value { .. }) && r.node == Some(at.node));
        if let (true, Some(line)) = (texts && frame.nodes.get(at.node).is_some_and(|n| !n.children.is_empty()), lines.first()) {
            self.hint(
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
        match texts.files.get(stem) {
            Some(text) if text.head.is_none() => {
                texts.used.borrow_mut().insert(stem.to_owned());
                if self.taking.iter().any(|t| t == stem) {
                    self.fault(stem_at, format!("the part `{stem}` takes itself in"));
                    return Vec::new();
                }
                self.taking.push(stem.to_owned());
                let rules = self.lines(&text.lines, frame, at);
                self.taking.pop();
                rules
            }
            Some(_) => {
                self.hint(stem_at, format!("`{stem}` is a mapping of its own"), "only a file without a head is a part");
                Vec::new()
            }
            None => {
                self.hint(stem_at, format!("there is no part `{stem}`"), format!("expected the file {stem}.map beside this one"));
                Vec::new()
            }
        }
    }

    fn rule(&mut self, cells: &Cells<'_>, frame: &mut Frame, at: &At, rules: &mut Vec<Rule>) {
        self.check_attribute(cells.wire, cells.wire_at);
        if self.head.format == Format::Form
            && !(cells.wire.through.is_empty() && matches!(cells.wire.last, Last::Name(_) | Last::Here))
        {
            self.fault(cells.wire_at, "a form has plain fields only");
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
        let Some(made) = made else { return };
        if !group(made, parent, at.node, frame, rules) {
            self.hint(
                cells.wire_at,
                "a value and deeper places in one wire place",
                "an element has either text of its own or children",
            );
        }
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
        let rule = self.plain(cells, at.node, frame, at)?;
        frame.edit(at.node, |n| n.scalar = true);
        Some(rule)
    }

    fn attribute(&mut self, cells: &Cells<'_>, name: &str, frame: &mut Frame, at: &At) -> Option<Rule> {
        if let Some(first) = cells.below.first() {
            self.fault(&first.at, "nothing can stand below an attribute");
        }
        let name = self.wire_name(name, true, cells.wire_at);
        let node = frame.child(at.node, &name, true, None);
        self.claim(frame, node, cells.wire_at);
        self.plain(cells, node, frame, at)
    }

    fn single(&mut self, cells: &Cells<'_>, name: &str, key: Option<(String, Lit)>, frame: &mut Frame, at: &At) -> Option<Rule> {
        let name = self.wire_name(name, false, cells.wire_at);
        let node = frame.child(at.node, &name, false, key);
        self.claim(frame, node, cells.wire_at);
        if cells.below.is_empty() {
            return self.plain(cells, node, frame, at);
        }
        let Right::Value { path, chains } = cells.right else {
            self.hint(cells.right_at, "deeper lines need a canonical object here", "a path, or `.` to stay at the same object");
            return None;
        };
        frame.edit(node, |n| n.object = true);
        self.scope(path, chains, Some(node), cells, frame, at)
    }

    fn keyed(&mut self, cells: &Cells<'_>, name: &str, key: &str, literal: &Lit, frame: &mut Frame, at: &At) -> Option<Rule> {
        let Some(attribute) = key.strip_prefix('@').filter(|_| self.head.format == Format::Xml) else {
            self.fault(
                cells.wire_at,
                "an element chosen by a child or member is not yet supported, only by an attribute (`@key`)",
            );
            return None;
        };
        let rule = self.single(cells, name, Some((attribute.to_owned(), literal.clone())), frame, at)?;
        // The key is written in, unless a line inside names it.
        let node = rule.node?;
        let key_name = self.wire_name(attribute, true, cells.wire_at);
        let is_key = |id: &usize| frame.nodes.get(*id).is_some_and(|a| *a.local == *key_name.local);
        if frame.nodes.get(node).is_some_and(|n| n.attributes.iter().any(is_key)) {
            return Some(rule);
        }
        let id = frame.child(node, &key_name, true, None);
        let constant = Rule { node: Some(id), opt: Opt::Required, what: Act::Const { lits: vec![literal.clone()], any: false } };
        Some(self.with_key(rule, constant))
    }

    /// Puts the key first among the lines of its element; a plain value becomes the element's own text.
    fn with_key(&self, rule: Rule, key: Rule) -> Rule {
        let Rule { node, opt, what } = rule;
        match what {
            Act::Scope { at, mut rules, lazy } => {
                rules.insert(0, key);
                Rule { node, opt, what: Act::Scope { at, rules, lazy } }
            }
            Act::Value { to: To::Own(path), alts }
                if opt == Opt::Absent && self.head.absent.first() == Some(&AbsentForm::Omit) =>
            {
                let inner = Rule { node, opt: Opt::Required, what: Act::Value { to: To::Own(path.clone()), alts } };
                Rule { node, opt, what: Act::Scope { at: Some(path), rules: vec![key, inner], lazy: false } }
            }
            what => {
                let inner = Rule { node, opt, what };
                Rule { node, opt: Opt::Required, what: Act::Scope { at: None, rules: vec![key, inner], lazy: false } }
            }
        }
    }

    // --- lines without deeper lines

    fn plain(&mut self, cells: &Cells<'_>, node: usize, frame: &mut Frame, at: &At) -> Option<Rule> {
        let opt = opt(cells.opt);
        let what = match cells.right {
            Right::Dropped => {
                frame.edit(node, |n| n.any = true);
                Act::Dropped
            }
            Right::Literals { list, any } => {
                frame.edit(node, |n| {
                    n.scalar |= *any || list.iter().any(|l| !matches!(l, Lit::EmptyList | Lit::EmptyObject));
                    n.empty_list |= list.contains(&Lit::EmptyList);
                    n.object |= list.contains(&Lit::EmptyObject);
                });
                Act::Const { lits: list.clone(), any: *any }
            }
            Right::Template(pieces) => {
                frame.edit(node, |n| n.scalar = true);
                template(self, pieces, cells.right_at, frame, at)?
            }
            Right::Value { path, chains } => {
                let (to, alts, content) = self.value(path, chains, frame, at)?;
                if path.context.as_deref() == Some("seal") {
                    return self.seal(cells, node, frame);
                }
                let empty_is_none = match &opt {
                    Opt::Required => false,
                    Opt::Absent => self.head.absent.contains(&AbsentForm::Empty),
                    Opt::Literal(lit) => lit.text().is_empty(),
                };
                frame.edit(node, |n| {
                    n.scalar = true;
                    n.content = content;
                    n.empty_is_none = empty_is_none;
                });
                Act::Value { to, alts }
            }
        };
        Some(Rule { node: Some(node), opt, what })
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
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::Seal })
    }

    /// The canonical side of a value: where it goes and its chains.
    pub(super) fn value(&mut self, path: &Path, chains: &[ChainText], frame: &Frame, at: &At) -> Option<(To, Vec<Chain>, bool)> {
        if let Some(name) = &path.context {
            self.check_context(name, path);
            let leaf = super::any_leaf();
            let alts = self.chains(chains, &leaf, &path.at);
            return Some((To::Context(name.clone()), alts, false));
        }
        let joined = chains.iter().any(|c| c.links.iter().any(|l| l.name == "join"));
        let resolved = self.resolve(path, frame, at)?;
        if path.steps.is_empty() {
            self.hint(&path.at, "`.` is the canonical object itself", "deeper lines, or a path");
            return None;
        }
        self.covered.insert(resolved.dotted.clone());
        let leaf = if let (Shape::List(item), true) = (self.shapes.get(resolved.shape), joined) {
            let item = Resolved { shape: *item, out: resolved.out, path: resolved.path.clone(), dotted: resolved.dotted.clone() };
            self.leaf(&item, path)?
        } else {
            self.leaf(&resolved, path)?
        };
        let alts = self.chains(chains, &leaf, &path.at);
        let content = alts.iter().any(Chain::is_content);
        Some((resolved.to(), alts, content))
    }

    fn check_context(&mut self, name: &str, path: &Path) {
        const KNOWN: [&str; 13] = [
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
            "letter.number",
            "letter.notation",
            "dossier.code",
        ];
        if !KNOWN.contains(&name) && !name.starts_with("asked.") && !name.starts_with("partner.") {
            self.hint(&path.at, format!("`${name}` is not known"), format!("{}, asked.…, partner.…", KNOWN.join(", ")));
        }
    }

    // --- scopes and lists

    fn scope(
        &mut self,
        path: &Path,
        chains: &[ChainText],
        node: Option<usize>,
        cells: &Cells<'_>,
        frame: &mut Frame,
        at: &At,
    ) -> Option<Rule> {
        if !chains.is_empty() || path.context.is_some() {
            self.fault(cells.right_at, "a scope needs a canonical object");
            return None;
        }
        let resolved = self.resolve(path, frame, at)?;
        if resolved.out > 0 {
            self.fault(&path.at, "a scope in an outer message part is not yet supported");
            return None;
        }
        let stays = path.steps.is_empty() && path.up == 0;
        let forks = cells.below.iter().any(|l| matches!(&l.what, What::Use { select: Some(_), .. }));
        if !stays && !forks && !matches!(self.shapes.get(resolved.shape), Shape::Object(_)) {
            self.hint(&path.at, format!("`{}` is not an object", path.dotted()), "deeper lines belong to an object");
            return None;
        }
        if forks && (cells.below.len() > 1 || node.is_none()) {
            self.fault(cells.right_at, "`use …/{…}` must be the only line of an object or element of its own");
            return None;
        }
        let inner = At { node: node.unwrap_or(at.node), path: resolved.path.clone(), shape: resolved.shape };
        let rules = self.lines(cells.below, frame, &inner);
        if node.is_none() && cells.opt.is_some() && !rules.iter().any(shows) {
            self.hint(
                cells.right_at,
                "whether this scope is there cannot be seen",
                "it needs a required line, or a constant with `? literal`, or a list",
            );
        }
        let lazy = stays && cells.opt.is_some();
        let object = (!stays).then(|| cpath(&resolved.path));
        Some(Rule { node, opt: opt(cells.opt), what: Act::Scope { at: object, rules, lazy } })
    }

    fn list(&mut self, cells: &Cells<'_>, name: Option<&str>, frame: &mut Frame, at: &At) -> Option<Rule> {
        let Right::Value { path, chains } = cells.right else {
            self.hint(
                cells.right_at,
                "a list stands beside a list",
                "`wire[] = path[]`, or `wire[] = .` for a batch of messages",
            );
            return None;
        };
        let node = match name {
            Some(name) => {
                let name = self.wire_name(name, false, cells.wire_at);
                frame.child(at.node, &name, false, None)
            }
            None if self.head.format == Format::Json => at.node,
            None => {
                self.fault(cells.wire_at, "`[]` without a name belongs to json only");
                return None;
            }
        };
        self.claim(frame, node, cells.wire_at);
        let lists = path.steps.iter().filter(|s| s.list).count();
        if path.steps.is_empty() && path.context.is_none() && path.up == 0 {
            return self.batch(cells, node, frame, at);
        }
        if lists > 1 {
            self.fault(&path.at, "flattened lists (`p[].q[]`) are not yet supported");
            return None;
        }
        let resolved = self.resolve(path, frame, at)?;
        let Shape::List(item) = self.shapes.get(resolved.shape) else {
            self.hint(&path.at, format!("`{}` is not a list", path.dotted()), "a single value: write the wire name without []");
            return None;
        };
        let item = *item;
        if resolved.out > 0 {
            self.fault(&path.at, "a list of an outer object is not yet supported");
            return None;
        }
        self.covered.insert(resolved.dotted.clone());
        let own = frame.nodes.get(node).map(|n| WireName {
            ns: n.ns.to_string(),
            local: n.local.to_string(),
            qname: n.qname.to_string(),
        });
        let mut inner = Frame::new(own.unwrap_or_default(), item, resolved.dotted.clone(), String::new());
        let parent = resolved.path.split_last().map_or(Vec::new(), |(_, head)| head.to_vec());
        self.frames.push(Outer { shape: frame.shape, path: parent, prefix: frame.prefix.clone() });
        let rules = if cells.below.is_empty() {
            inner.scalar = true;
            self.scalar_row(path, chains, item, &resolved, &mut inner)
        } else {
            if !chains.is_empty() {
                self.fault(cells.right_at, "a list with deeper lines takes no conversion");
            }
            inner.edit(0, |n| n.object = true);
            let inside = At::root(item);
            self.lines(cells.below, &mut inner, &inside)
        };
        self.frames.pop();
        let plan = self.close(inner, rules);
        frame.edit(node, |n| n.rows = Some(Box::new(plan)));
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::List { to: cpath(&resolved.path) } })
    }

    fn scalar_row(
        &mut self,
        path: &Path,
        chains: &[ChainText],
        item: crate::mapping::shapes::ShapeId,
        list: &Resolved,
        inner: &mut Frame,
    ) -> Vec<Rule> {
        let resolved = Resolved { out: 0, path: Vec::new(), shape: item, dotted: list.dotted.clone() };
        let Some(leaf) = self.leaf(&resolved, path) else { return Vec::new() };
        let alts = self.chains(chains, &leaf, &path.at);
        let content = alts.iter().any(Chain::is_content);
        inner.edit(0, |n| {
            n.scalar = true;
            n.content = content;
        });
        let to = To::Own(Box::new([]));
        vec![Rule { node: Some(0), opt: Opt::Required, what: Act::Value { to, alts } }]
    }

    fn batch(&mut self, cells: &Cells<'_>, node: usize, frame: &mut Frame, at: &At) -> Option<Rule> {
        if !self.frames.is_empty() || !at.path.is_empty() || self.batch {
            self.fault(cells.wire_at, "a batch of messages stands once, and not inside another list or object");
            return None;
        }
        if cells.below.is_empty() {
            self.fault(cells.right_at, "a batch needs the lines of one message below it");
            return None;
        }
        self.batch = true;
        let own = frame.nodes.get(node).map(|n| WireName {
            ns: n.ns.to_string(),
            local: n.local.to_string(),
            qname: n.qname.to_string(),
        });
        let mut inner = Frame::new(own.unwrap_or_default(), frame.shape, String::new(), String::new());
        inner.edit(0, |n| n.object = true);
        let rules = self.lines(cells.below, &mut inner, &At::root(frame.shape));
        inner.nodes.iter_mut().for_each(|n| n.root_level = false);
        let plan = self.close(inner, rules);
        frame.edit(node, |n| n.rows = Some(Box::new(plan)));
        Some(Rule { node: Some(node), opt: opt(cells.opt), what: Act::Batch })
    }

    // --- small ones

    pub(super) fn claim(&mut self, frame: &mut Frame, node: usize, at: &Span) {
        if !frame.claim(node, &self.branch) {
            self.hint(
                at,
                "this wire place is mapped twice",
                "one line a place; `when` separates branches, `W[]` and `W[@k=…]` separate elements",
            );
        }
    }

    pub(super) fn close(&mut self, frame: Frame, rules: Vec<Rule>) -> Plan {
        Plan { nodes: frame.nodes, rules, forks: frame.forks, scalar: frame.scalar }
    }
}

/// Whether a line shows that its optional scope is there.
fn shows(rule: &Rule) -> bool {
    match &rule.what {
        Act::Value { .. } | Act::Const { .. } | Act::Template { .. } => true,
        Act::List { .. } => true,
        Act::Scope { rules, .. } => rules.iter().any(shows),
        Act::When { branches, .. } => branches.iter().any(|b| b.rules.iter().any(shows)),
        Act::Dropped | Act::Seal | Act::Batch | Act::Fork(_) => false,
    }
}

pub(super) fn opt(opt: Option<&OptText>) -> Opt {
    match opt {
        None => Opt::Required,
        Some(OptText { literal: None }) => Opt::Absent,
        Some(OptText { literal: Some(lit) }) => Opt::Literal(lit.clone()),
    }
}

/// Adds a rule whose wire place may be deeper than the scope: neighbours of one element become one implicit scope.
fn group(made: Rule, parent: usize, scope_node: usize, frame: &Frame, rules: &mut Vec<Rule>) -> bool {
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
        // `X/@a` first, then `X = v`: the value joins the element that is there.
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
        Some(rule) => {
            // `X = v` first, then `X/@a`: the value becomes the text of an element.
            let empty = Rule { node: None, opt: Opt::Required, what: Act::Dropped };
            let value = std::mem::replace(rule, empty);
            let mut inside = Vec::new();
            insert(made, inner, &mut inside, attribute);
            inside.push(value);
            *rule = Rule { node: Some(*outer), opt: Opt::Required, what: Act::Scope { at: None, rules: inside, lazy: true } };
            attribute && inner.is_empty()
        }
        None => {
            let mut inside = Vec::new();
            insert(made, inner, &mut inside, attribute);
            rules.push(Rule { node: Some(*outer), opt: Opt::Required, what: Act::Scope { at: None, rules: inside, lazy: true } });
            true
        }
    }
}

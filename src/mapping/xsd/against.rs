//! A mapping held against the XSD of its wire (V1 to V4): every name is there, order, occurrence and required elements and attributes
//! are the schema's in each branch and form, what is written as a word is one of the schema's words.
//!
//! Whether what is written is in the schema's language is decided exactly (one language inside the other, both walked at once, counts
//! as none, one, several; exact counts of lists beside). After a fault the walk goes on as if it were mended, so that all are told.

use super::super::convert::{Chain, Conv};
use super::super::grammar::Lit;
use super::super::plan::{Act, Compiled, NodeId, Opt, Plan, Rule, To};
use super::super::shapes::LeafKind;
use super::super::source::{Check, Faults, Span};
use super::model::{Content, Declared, Model, Schema, Type};
use super::said::{Frame, Leaf, Lines, Said};
use super::simple::Simple;
use super::tree::QName;
use super::witness::witness;
use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

/// The most faults told of one element.
const MOST: usize = 20;
/// The most states looked at for one element: no contract of a person's comes near.
const STATES: usize = 20_000;

/// One mapping beside its schema.
struct Beside<'p, 'f> {
    map: &'p Compiled,
    schema: &'p Schema,
    faults: &'f mut Faults,
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
    fn tell(&mut self, check: Check, at: &Span, text: String, hint: String) {
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

    // --- order, occurrence, required elements

    fn order(&mut self, at: &Span, lines: &Lines<'p>, mut said: Said, mut model: Model, declared: &Declared) {
        for _ in 0..MOST {
            match differs(&said, &model, lines) {
                None => return,
                Some(Differs::Missing { groups, before }) => {
                    for names in &groups {
                        let late = |name: &String| lines.leaves.iter().position(|l| *l.node.local == **name) > before;
                        if names.len() > 1 && !(before.is_some() && names.iter().any(late)) {
                            self.one_of(at, lines, names, declared);
                        } else {
                            names.iter().for_each(|name| self.missing(at, lines, name, before, declared, &mut said));
                        }
                        model = names.iter().fold(model, |m, name| m.without(name));
                    }
                }
                Some(Differs::Misplaced { leaf, wanted }) => {
                    if let Some(found) = lines.leaves.get(leaf) {
                        let here =
                            if wanted.is_empty() { "nothing more".to_owned() } else { list(wanted.iter().map(String::as_str)) };
                        let text = format!("`{}` cannot stand here: the schema wants {here} at this place", found.node.local);
                        let hint =
                            "the order of the lines is the order on the wire; what repeats in the schema may stand several times"
                                .to_owned();
                        self.tell(Check::Places, &found.rule.at.wire, text, hint);
                    }
                    said = said.without(leaf);
                }
            }
        }
    }

    /// None of a choice is there for sure.
    fn one_of(&mut self, at: &Span, lines: &Lines<'p>, names: &[String], declared: &Declared) {
        let own = |l: &&Leaf<'p>| l.rule.opt != Opt::Required && names.iter().any(|n| **n == *l.node.local);
        let place = lines.leaves.iter().find(own).map_or(at, |l| &l.rule.at.wire).clone();
        let (own, names) = (&declared.name.local, names.join(", "));
        let text = format!("`{own}` may be written without any of {names}, of which the schema demands one");
        self.tell(Check::Places, &place, text, "each branch has one of them, without `?`".to_owned());
    }

    fn missing(&mut self, at: &Span, lines: &Lines<'p>, name: &str, before: Option<usize>, declared: &Declared, said: &mut Said) {
        let own = lines.leaves.iter().enumerate().find(|(_, l)| *l.node.local == *name);
        match own {
            Some((n, leaf)) if before.is_some_and(|b| n > b) => {
                let other = before.and_then(|b| lines.leaves.get(b)).map_or("", |l| &l.node.local);
                let text = format!("`{name}` stands too late: the schema wants it before `{other}`");
                let hint = "the order of the lines is the order on the wire".to_owned();
                self.tell(Check::Places, &leaf.rule.at.wire, text, hint);
                *said = said.without(n);
            }
            Some((_, leaf)) => {
                let why = if leaf.rows.is_some() { "the canonical list may be empty" } else { "it may be left out here" };
                let text = format!("`{name}` must stand in `{}` by the schema, and {why}", declared.name.local);
                let hint = if leaf.rows.is_some() {
                    "minItems in the canonical schema"
                } else {
                    "take the `?` away, or say a literal for none"
                };
                self.tell(Check::Places, &leaf.rule.at.wire, text, hint.to_owned());
            }
            None => {
                let text = format!("`{}` is written without `{name}`, which the schema demands", declared.name.local);
                self.tell(Check::Places, at, text, format!("a line `{name} = …` inside it, in the schema's order"));
            }
        }
    }

    // --- values

    fn value(&mut self, rule: &Rule, simple: &Simple, fixed: Option<&str>) {
        let fixed = fixed.map(|f| Simple { words: Some(vec![f.to_owned()]), ..simple.clone() });
        let simple = fixed.as_ref().unwrap_or(simple);
        match &rule.what {
            Act::Const { lits, .. } => {
                if let Some(lit) = lits.first() {
                    self.word(&rule.at.right, Check::Types, &lit.to_string(), lit, simple);
                }
            }
            Act::Value { to, alts } => {
                if let Opt::Literal(lit) = &rule.opt {
                    self.word(&rule.at.right, Check::Types, &format!("{lit} for none"), lit, simple);
                }
                if let Some(chain) = alts.first().filter(|_| !matches!(to, To::Context(_))) {
                    self.chain(rule, chain, simple);
                }
            }
            _ => {}
        }
    }

    fn chain(&mut self, rule: &Rule, chain: &Chain, simple: &Simple) {
        let at = &rule.at.right;
        match chain.links.last() {
            Some(Conv::Code(codes)) => {
                for entry in &codes.entries {
                    let what = format!("`{}` of the list `{}`, written {},", entry.word, codes.name, entry.written);
                    self.word(at, Check::Codes, &what, &entry.written, simple);
                }
            }
            Some(Conv::Flag(yes, no)) => {
                for lit in [yes, no] {
                    self.word(at, Check::Types, &lit.to_string(), lit, simple);
                }
            }
            None if chain.leaf.words.is_some() || (chain.leaf.kind == LeafKind::Boolean && simple.words.is_some()) => {
                let own = chain.leaf.words.clone().unwrap_or_else(|| vec!["true".to_owned(), "false".to_owned()]);
                for word in own {
                    self.word(at, Check::Types, &format!("`{word}`"), &Lit::Text(word.clone()), simple);
                }
            }
            Some(Conv::Date(_) | Conv::Time(..)) => facets(self.faults, at, chain, simple),
            None if simple.words.is_none() => {
                let kind = chain.leaf.kind;
                let fits = match simple.base.as_str() {
                    "boolean" => matches!(kind, LeafKind::Boolean | LeafKind::Any),
                    "date" => matches!(kind, LeafKind::Date | LeafKind::Any),
                    "dateTime" => matches!(kind, LeafKind::Time | LeafKind::Any),
                    "int" | "integer" | "long" | "short" | "nonNegativeInteger" | "positiveInteger" => {
                        matches!(kind, LeafKind::Integer | LeafKind::Any)
                    }
                    "decimal" | "double" | "float" => matches!(kind, LeafKind::Integer | LeafKind::Decimal | LeafKind::Any),
                    _ => true,
                };
                if fits {
                    facets(self.faults, at, chain, simple);
                } else {
                    let own = format!("{kind:?}").to_lowercase();
                    let text = format!("the schema wants xs:{} here; the canonical place is of kind {own}", simple.base);
                    self.tell(Check::Types, at, text, "a conversion, or another canonical field".to_owned());
                }
            }
            _ => {}
        }
    }

    fn word(&mut self, at: &Span, check: Check, what: &str, lit: &Lit, simple: &Simple) {
        if let Some(why) = simple.refuses(lit.text()) {
            self.tell(check, at, format!("{what} is no value of the schema"), why);
        }
    }
}

/// A number, text, day or time of the canonical schema held against the facets of its place on the wire (V3).
pub(in super::super) fn facets(faults: &mut Faults, at: &Span, chain: &Chain, simple: &Simple) {
    if let Some((value, why)) = witness(chain, simple) {
        let text = format!("the canonical place may hold {value}, which is no value of the schema");
        return by(faults, Check::Types, at, text, format!("{why}; `pattern` in the canonical schema bounds it"));
    }
    let unchanged = |link: &Conv| matches!(link, Conv::Text | Conv::Number);
    if chain.lossy || !chain.links.iter().all(unchanged) || chain.leaf.words.is_some() || simple.words.is_some() {
        return;
    }
    let limits = &chain.leaf.limits;
    let mut tell = |what: &str, own: Option<&str>, wanted: &str, key: &str| {
        let has = own.map_or_else(|| "no bound".to_owned(), |own| format!("{what} {own}"));
        let text = format!("the schema wants {wanted} here; the canonical place has {has}");
        by(faults, Check::Types, at, text, format!("`{key}` in the canonical schema"));
    };
    match chain.leaf.kind {
        LeafKind::Integer => {
            let (low, high) = simple.range();
            if let Some(low) = low.filter(|b| limits.least.as_ref().is_none_or(|n| b.keeps(n, Ordering::Greater) != Some(true))) {
                tell("at least", limits.least.as_deref(), &format!("at least {}", low.number), "minimum");
            }
            if let Some(high) = high.filter(|b| limits.most.as_ref().is_none_or(|n| b.keeps(n, Ordering::Less) != Some(true))) {
                tell("at most", limits.most.as_deref(), &format!("at most {}", high.number), "maximum");
            }
        }
        LeafKind::Text => {
            // A canonical text is never empty.
            let shortest = limits.shortest.unwrap_or(0).max(1);
            if let Some(least) = simple.facets.least.filter(|least| *least > shortest) {
                tell("at least", Some(&shortest.to_string()), &format!("at least {least} characters"), "minLength");
            }
            let longest = limits.longest;
            if let Some(most) = simple.facets.most.filter(|most| longest.is_none_or(|own| own > *most)) {
                tell("at most", longest.map(|n| n.to_string()).as_deref(), &format!("at most {most} characters"), "maxLength");
            }
        }
        _ => {}
    }
}

// === two languages, walked at once ===

enum Differs {
    /// These must come, and do not: at the end, or before a leaf. A group of several is a choice.
    Missing { groups: Vec<Vec<String>>, before: Option<usize> },
    /// This leaf cannot stand where it does.
    Misplaced { leaf: usize, wanted: Vec<String> },
}

/// The first difference on a shortest way; none: everything said is in the model's language.
fn differs(said: &Said, model: &Model, lines: &Lines<'_>) -> Option<Differs> {
    let mut seen = BTreeSet::new();
    let mut open: VecDeque<(Said, BTreeSet<Model>)> = VecDeque::from([(said.clone(), BTreeSet::from([model.clone()]))]);
    while let Some((said, models)) = open.pop_front() {
        if seen.len() > STATES || !seen.insert((said.clone(), models.clone())) {
            continue;
        }
        if said.ends() && !models.iter().any(Model::ends) {
            return Some(Differs::Missing { groups: vec![wants(&models)], before: None });
        }
        for (leaf, rest) in said.next() {
            let Some(name) = lines.leaves.get(leaf).map(Leaf::name) else { continue };
            let after = step(&models, &name);
            if after.is_empty() {
                return Some(stuck(&models, &name, leaf));
            }
            open.push_back((rest, after));
        }
    }
    None
}

/// Why a leaf does not fit: perhaps only because something is missing before it.
fn stuck(models: &BTreeSet<Model>, name: &QName, leaf: usize) -> Differs {
    let (mut relaxed, mut missing) = (models.clone(), Vec::new());
    for _ in 0..MOST {
        let wanted = wants(&relaxed);
        if wanted.is_empty() {
            break;
        }
        for name in &wanted {
            relaxed = relaxed.iter().map(|m| m.without(name)).collect();
        }
        missing.push(wanted);
        if !step(&relaxed, name).is_empty() {
            return Differs::Missing { groups: missing, before: Some(leaf) };
        }
    }
    let wanted: BTreeSet<String> = models.iter().flat_map(Model::firsts).map(str::to_owned).collect();
    Differs::Misplaced { leaf, wanted: wanted.into_iter().collect() }
}

fn step(models: &BTreeSet<Model>, name: &QName) -> BTreeSet<Model> {
    models.iter().flat_map(|m| m.after(name)).map(|(_, rest)| rest).collect()
}

fn wants(models: &BTreeSet<Model>) -> Vec<String> {
    let all: BTreeSet<String> = models.iter().flat_map(Model::wants).map(str::to_owned).collect();
    all.into_iter().collect()
}

// === words ===

pub(in super::super) fn by(faults: &mut Faults, check: Check, at: &Span, text: String, hint: String) {
    let mark = faults.mark();
    faults.hint(at, text, hint);
    faults.since(mark, check);
}

fn shown(ns: &str, local: &str) -> String {
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

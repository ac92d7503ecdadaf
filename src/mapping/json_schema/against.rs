//! A mapping held against the JSON Schema of its wire: every member is there, each that is demanded is written, types, words and facets fit,
//! in each branch and form. Order says nothing in JSON. After a fault the walk goes on, so that all are told.

use super::super::convert::{Chain, Conv, Typing};
use super::super::grammar::Lit;
use super::super::plan::{AbsentForm, Act, Compiled, NodeId, Opt, Plan, Rule, To};
use super::super::shapes::LeafKind;
use super::super::source::{Check, Faults, Span};
use super::super::xsd::against::{by, list};
use super::super::xsd::said::{Frame, Leaf, Lines, Said};
use super::super::xsd::simple::Simple;
use super::super::xsd::values::facets;
use super::{JsonSchema, May};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One mapping beside its schema.
struct Beside<'p, 'f> {
    map: &'p Compiled,
    schema: &'p JsonSchema,
    faults: &'f mut Faults,
    /// Messages of others are read by it: what they may send must be known.
    reads: bool,
    depth: usize,
}

/// Tells every difference; `reads`: others' messages are read by this mapping.
pub(in super::super) fn against(map: &Compiled, schema: &JsonSchema, reads: bool, faults: &mut Faults) {
    let Some(top) = schema.top(map.definition.as_deref()) else {
        let text = format!("the schema has no definition `{}`", map.definition.as_deref().unwrap_or_default());
        return by(faults, Check::Names, &map.at, text, format!("in {}: {}", schema.path, list(schema.definitions())));
    };
    let mut beside = Beside { map, schema, faults, reads, depth: 0 };
    let frame = Frame { shape: Some(map.shape), form: None };
    let (site, may) = (map.at.clone(), schema.may(top));
    let name = map.definition.as_deref().unwrap_or("the message");
    if may.iter().any(|m| matches!(m, May::Anything)) {
        let text = format!("the schema says nothing of `{name}`: nothing would be proven");
        let definitions = list(schema.definitions());
        let hint =
            if map.definition.is_some() { "give it a `type`".to_owned() } else { format!("`root` names one of: {definitions}") };
        return by(faults, Check::Names, &map.at, text, hint);
    }
    match map.root.node(0).and_then(|n| n.rows.as_deref()) {
        Some(rows) => beside.rows(&site, name, rows, frame, (0, None), &may),
        None => beside.object(&site, name, (&map.root, &map.root.rules, 0), frame, &may),
    }
}

// === impl Beside ===

impl<'p> Beside<'p, '_> {
    fn tell(&mut self, check: Check, at: &Span, text: String, hint: impl Into<String>) {
        by(self.faults, check, at, text, hint.into());
    }

    /// What these lines write inside an object that the schema calls `name`.
    fn object(
        &mut self,
        at: &Span,
        name: &str,
        (plan, rules, open): (&'p Plan, &'p [Rule], NodeId),
        frame: Frame<'p>,
        may: &[May<'p>],
    ) {
        if self.depth > 60 || may.iter().any(|m| matches!(m, May::Anything)) {
            return;
        }
        let mut lines = Lines::new(self.map);
        let said = lines.said(plan, rules, open, frame, true);
        if lines.leaves.is_empty()
            && let Some((rule, _)) = lines.texts.first()
        {
            return self.scalar(rule, name, may);
        }
        let objects: Vec<&Map<String, Value>> =
            may.iter().filter_map(|m| if let May::Object(o) = m { Some(*o) } else { None }).collect();
        if objects.is_empty() {
            return self.tell(Check::Names, at, format!("`{name}` is no object in the schema"), kinds_of(may));
        }
        self.depth += 1;
        let cases = if objects.len() > 1 { said.cases() } else { vec![said] };
        for case in &cases {
            if self.of_no_case(name, &lines, case, &objects) {
                continue;
            }
            self.best(&objects, |own, object| own.members(at, name, &lines, case, (object, &objects)));
        }
        self.unknown(at, name, &lines, &objects);
        self.depth -= 1;
    }

    /// A case (a form) of which the schema knows nothing at all: one fault, not one for each of its lines.
    fn of_no_case(&mut self, name: &str, lines: &Lines<'p>, case: &Said, objects: &[&'p Map<String, Value>]) -> bool {
        let written: Vec<&Leaf<'p>> = case.leaves().into_iter().filter_map(|n| lines.leaves.get(n)).collect();
        let known = |leaf: &&Leaf<'p>| {
            let has = |o: &&Map<String, Value>| o.get("properties").is_none_or(|p| p.get(&*leaf.node.local).is_some());
            objects.iter().any(has)
        };
        let (Some(first), true) = (written.first(), objects.len() > 1 && !written.iter().any(known)) else { return false };
        let names = list(written.iter().map(|leaf| &*leaf.node.local));
        let text = format!("no case of `{name}` in the schema has {names}");
        self.tell(Check::Names, &first.rule.at.wire, text, format!("a case of its own in {}", self.schema.path));
        true
    }

    /// Holds against each of what the schema lets stand there; told is what the nearest of them finds.
    fn best<T: Copy>(&mut self, all: &[T], mut hold: impl FnMut(&mut Self, T)) {
        let mut fewest: Option<Faults> = None;
        for one in all {
            let before = std::mem::take(self.faults);
            hold(self, *one);
            let found = std::mem::replace(self.faults, before);
            if fewest.as_ref().is_none_or(|f| found.mark() < f.mark()) {
                fewest = Some(found);
            }
        }
        if let Some(found) = fewest {
            self.faults.take_in(found);
        }
    }

    fn members(
        &mut self,
        at: &Span,
        name: &str,
        lines: &Lines<'p>,
        said: &Said,
        (object, objects): (&'p Map<String, Value>, &[&'p Map<String, Value>]),
    ) {
        let properties = object.get("properties").and_then(Value::as_object);
        let open = object.get("additionalProperties").is_some_and(|a| *a != Value::Bool(false));
        let required = object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut required: BTreeSet<&str> = required.collect();
        let written = said.leaves();
        for (n, leaf) in lines.leaves.iter().enumerate() {
            // A line of another branch is held with that branch; what is never written only has to be there.
            if !written.contains(&n) && !matches!(leaf.rule.what, Act::Dropped) {
                continue;
            }
            match properties.and_then(|p| p.get(&*leaf.node.local)) {
                // Which of a list's words stands in which case is tried out by documents: each must be one of some case.
                Some(_) if words_of_a_list(leaf.rule) => {
                    let all = objects.iter().filter_map(|o| o.get("properties")?.get(&*leaf.node.local));
                    let may: Vec<May<'p>> = all.flat_map(|inner| self.schema.may(inner)).collect();
                    self.member(lines, leaf, &may);
                }
                Some(inner) => self.member(lines, leaf, &self.schema.may(inner)),
                None if open => {}
                None => {
                    let names: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    let meant = meant(&leaf.node.local, &names, &required, lines);
                    let text = format!("`{name}` has no `{}` in the schema", leaf.node.local);
                    let hint = match meant {
                        Some(other) => format!("did you mean `{other}`?"),
                        None if names.is_empty() => "it is empty".to_owned(),
                        None => format!("there are: {}", list(names.iter().copied())),
                    };
                    self.tell(Check::Names, &leaf.rule.at.wire, text, hint);
                    // One mistake, one fault: what it means is not told as missing too.
                    meant.map(|other| required.remove(other));
                }
            }
        }
        for wanted in required {
            self.demanded(at, name, lines, said, wanted);
        }
    }

    /// A member that the schema demands.
    fn demanded(&mut self, at: &Span, name: &str, lines: &Lines<'p>, said: &Said, wanted: &str) {
        let own: Vec<usize> = lines.leaves.iter().enumerate().filter(|(_, l)| *l.node.local == *wanted).map(|(n, _)| n).collect();
        if !said.may_lack(&own) {
            return;
        }
        match own.iter().find_map(|n| lines.leaves.get(*n)) {
            Some(leaf) => {
                let text = format!("`{wanted}` must stand in `{name}` by the schema, and it may be left out here");
                let hint = "take the `?` away, or say a form for none (`absent`, or a literal)";
                self.tell(Check::Places, &leaf.rule.at.wire, text, hint);
            }
            None => {
                let text = format!("`{name}` is written without `{wanted}`, which the schema demands");
                self.tell(Check::Places, at, text, format!("a line `{wanted} = …` inside it"));
            }
        }
    }

    /// What others may send and no line knows.
    fn unknown(&mut self, at: &Span, name: &str, lines: &Lines<'p>, objects: &[&'p Map<String, Value>]) {
        if !self.reads || self.map.report_unknown {
            return;
        }
        let names = objects.iter().filter_map(|o| o.get("properties")?.as_object()).flat_map(Map::keys).map(String::as_str);
        let unread: BTreeSet<&str> = names.filter(|n| !lines.leaves.iter().any(|l| *l.node.local == **n)).collect();
        if !unread.is_empty() {
            let text = format!("the schema lets `{name}` hold {}, which would be refused as unknown", list(unread.into_iter()));
            self.tell(Check::Names, at, text, "map it, name it `= *`, or say `unknown: report` in the head");
        }
    }

    /// A member that is in the schema.
    fn member(&mut self, lines: &Lines<'p>, leaf: &Leaf<'p>, may: &[May<'p>]) {
        let (site, name) = (&leaf.rule.at.wire, &*leaf.node.local);
        if may.iter().any(|m| matches!(m, May::Anything)) {
            return;
        }
        self.none(leaf.rule, name, may);
        let items = leaf.node.key.as_ref().is_some_and(|k| k.item);
        match (&leaf.rule.what, &leaf.node.rows) {
            (Act::Dropped, _) => {}
            (Act::List { .. } | Act::Batch, Some(rows)) => {
                self.rows(site, name, rows, lines.inside(leaf), leaf.rows.unwrap_or((0, None)), may);
            }
            (Act::Scope { rules, .. }, _) if items => {
                let inner: Vec<May<'p>> = arrays(may).filter_map(|a| a.get("items")).flat_map(|i| self.schema.may(i)).collect();
                self.object(site, name, (leaf.plan, rules, leaf.id), leaf.frame, &inner);
            }
            (Act::Scope { rules, .. }, _) => self.object(site, name, (leaf.plan, rules, leaf.id), leaf.frame, may),
            _ => self.scalar(leaf.rule, name, may),
        }
    }

    /// A list: its bounds, and what stands in it.
    fn rows(&mut self, at: &Span, name: &str, rows: &'p Plan, frame: Frame<'p>, own: (u64, Option<u64>), may: &[May<'p>]) {
        let Some(array) = arrays(may).next() else {
            return self.tell(Check::Names, at, format!("`{name}` is no array in the schema"), kinds_of(may));
        };
        let bound = |key: &str| array.get(key).and_then(Value::as_u64);
        if let Some(most) = bound("maxItems").filter(|most| own.1.is_none_or(|m| m > *most)).filter(|_| !rows.rules.is_empty()) {
            let holds = own.1.map_or_else(|| "any number".to_owned(), |n| n.to_string());
            let text = format!("`{name}` has at most {most} items in the schema; the canonical list holds up to {holds}");
            self.tell(Check::Places, at, text, "bound the canonical list by maxItems");
        }
        if let Some(least) = bound("minItems").filter(|least| own.0 < *least) {
            let text = format!("`{name}` has at least {least} items in the schema; the canonical list may hold {}", own.0);
            self.tell(Check::Places, at, text, "bound the canonical list by minItems");
        }
        let inner: Vec<May<'p>> = array.get("items").map_or_else(|| vec![May::Anything], |items| self.schema.may(items));
        self.object(at, name, (rows, &rows.rules, 0), frame, &inner);
    }

    // --- values

    /// What is written for none, and what others may write for it.
    fn none(&mut self, rule: &Rule, name: &str, may: &[May<'p>]) {
        let null = may.iter().any(|m| matches!(m, May::Null));
        let written = match (&rule.opt, &rule.what) {
            (Opt::Literal(lit), _) => Some(lit.clone()),
            (Opt::Absent, _) | (_, Act::Dropped) => match self.map.absent.first() {
                Some(AbsentForm::Null) => Some(Lit::Null),
                Some(AbsentForm::Empty) => Some(Lit::Text(String::new())),
                None | Some(AbsentForm::Omit) => None,
            },
            _ => None,
        };
        if let Some(lit) = written {
            self.lit(&rule.at.right, Check::Types, &format!("{lit} for none"), &lit, may);
        }
        let reads_null = self.map.takes(AbsentForm::Null) || matches!(rule.opt, Opt::Literal(Lit::Null));
        if self.reads && null && rule.opt != Opt::Required && !reads_null && !matches!(rule.what, Act::Dropped) {
            let text = format!("the schema lets `{name}` be null, and this file does not read null as none");
            self.tell(Check::Types, &rule.at.wire, text, "`absent: … | null` in the head");
        }
    }

    fn scalar(&mut self, rule: &Rule, name: &str, may: &[May<'p>]) {
        if may.iter().any(|m| matches!(m, May::Anything)) {
            return;
        }
        let at = &rule.at.right;
        match &rule.what {
            Act::Const { lits, .. } => {
                if let Some(lit) = lits.first() {
                    self.lit(at, Check::Types, &lit.to_string(), lit, may);
                }
            }
            Act::Template { .. } | Act::Seal => self.typed(at, name, "string", may),
            Act::Value { to, alts, .. } => match (to, alts.first()) {
                // What is around a message has no canonical type: its words alone can be held against the schema.
                (To::Context(_), Some(chain)) if !matches!(chain.links.last(), Some(Conv::Flag(..) | Conv::Code(_))) => {
                    self.typed(at, name, "string", may);
                }
                (_, Some(chain)) => self.chain(at, name, chain, may),
                (_, None) => {}
            },
            _ => {}
        }
    }

    fn chain(&mut self, at: &Span, name: &str, chain: &Chain, may: &[May<'p>]) {
        match chain.links.last() {
            Some(Conv::Code(codes)) => {
                for entry in &codes.entries {
                    let what = format!("`{}` of the list `{}`, written {},", entry.word, codes.name, entry.written);
                    self.lit(at, Check::Codes, &what, &entry.written, may);
                }
            }
            Some(Conv::Flag(yes, no)) => {
                [yes, no].into_iter().for_each(|lit| self.lit(at, Check::Types, &lit.to_string(), lit, may))
            }
            None if chain.leaf.words.is_some() => {
                for word in chain.leaf.words.iter().flatten() {
                    self.lit(at, Check::Types, &format!("`{word}`"), &Lit::Text(word.clone()), may);
                }
            }
            last => {
                let kind = match (last, chain.leaf.kind) {
                    (None, LeafKind::Integer) | (Some(Conv::Number), LeafKind::Integer) => "integer",
                    (Some(Conv::Number), _) => "number",
                    (None, LeafKind::Boolean) => "boolean",
                    _ => "string",
                };
                let kind = if matches!(chain.typing, Typing::JsonText | Typing::Form) { "string" } else { kind };
                self.typed(at, name, kind, may);
                let fitting: Vec<&Simple> = open(may).filter(|(own, _)| takes(own, kind)).map(|(_, simple)| simple).collect();
                self.best(&fitting, |own, simple| facets(own.faults, at, chain, simple));
            }
        }
    }

    /// Whether a value of this JSON type may stand there.
    fn typed(&mut self, at: &Span, name: &str, kind: &str, may: &[May<'p>]) {
        if !open(may).any(|(own, _)| takes(own, kind)) {
            let text = format!("a JSON {kind} is written; `{name}` is another in the schema");
            self.tell(Check::Types, at, text, kinds_of(may));
        }
    }

    fn lit(&mut self, at: &Span, check: Check, what: &str, lit: &Lit, may: &[May<'p>]) {
        let text = Lit::Text(lit.text().to_owned());
        let lit = if self.map.is_form() { &text } else { lit };
        let mut why: Option<String> = None;
        for one in may {
            let refusal = match (one, lit) {
                (May::Null, Lit::Null) | (May::Object(_), Lit::EmptyObject) => None,
                (May::Array(array), Lit::EmptyList) => array
                    .get("minItems")
                    .and_then(Value::as_u64)
                    .filter(|n| *n > 0)
                    .map(|n| format!("it wants at least {n} items")),
                (May::Scalar("string", simple), Lit::Text(text)) => simple.refuses(text),
                (May::Scalar("integer" | "number", simple), Lit::Integer(text)) => simple.refuses(text),
                (May::Scalar("boolean", simple), Lit::True | Lit::False) => simple.refuses(lit.text()),
                _ => Some(kinds_of(may)),
            };
            match refusal {
                None => return,
                Some(text) => why = Some(why.filter(|w| w.starts_with("it ") && !w.starts_with("it may")).unwrap_or(text)),
            }
        }
        self.tell(check, at, format!("{what} is no value of the schema"), why.unwrap_or_default());
    }
}

// === words ===

/// Whether a line writes one of a list's words.
fn words_of_a_list(rule: &Rule) -> bool {
    let list = |chain: &Chain| matches!(chain.links.last(), Some(Conv::Code(_)));
    matches!(&rule.what, Act::Value { alts, .. } if alts.first().is_some_and(list))
}

fn arrays<'m, 'p>(may: &'m [May<'p>]) -> impl Iterator<Item = &'p Map<String, Value>> + use<'m, 'p> {
    may.iter().filter_map(|m| if let May::Array(array) = m { Some(*array) } else { None })
}

/// The scalars that are not of a few words only.
fn open<'m>(may: &'m [May<'_>]) -> impl Iterator<Item = (&'static str, &'m Simple)> + use<'m> {
    let scalar = |m: &'m May<'_>| if let May::Scalar(kind, simple) = m { Some((*kind, &**simple)) } else { None };
    may.iter().filter_map(scalar).filter(|(_, simple)| simple.words.is_none())
}

fn takes(own: &str, kind: &str) -> bool {
    own == kind || (own == "number" && kind == "integer")
}

fn kinds_of(may: &[May<'_>]) -> String {
    let word = |m: &May<'_>| match m {
        May::Object(_) => "an object",
        May::Array(_) => "an array",
        May::Scalar("integer", _) => "a whole number",
        May::Scalar(kind, _) => kind,
        May::Null => "null",
        May::Anything => "anything",
    };
    let words: BTreeSet<&str> = may.iter().map(word).collect();
    format!("it may be {}", words.into_iter().collect::<Vec<_>>().join(" or "))
}

/// The member that a line with an unknown name most likely means: of a near name, or the only one that is demanded and no line writes.
fn meant<'n>(name: &str, names: &[&'n str], required: &BTreeSet<&'n str>, lines: &Lines<'_>) -> Option<&'n str> {
    let most = (name.chars().count() / 2).min(2);
    let close = names.iter().find(|n| super::super::compile::distance(n, name) <= most).copied();
    let mut unwritten = required.iter().filter(|n| !lines.leaves.iter().any(|l| *l.node.local == ***n));
    close.or_else(|| unwritten.next().filter(|_| unwritten.next().is_none()).copied())
}

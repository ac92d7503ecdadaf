//! What a mapping needs of a message in order to write it, beyond what the canonical schema promises (V11): values that must be there,
//! words that its code lists have. Found once, from the compiled plan; tested on a body at the door, so that a message is refused there
//! and does not get stuck on its way out.

use super::archive::is_entry_name;
use super::compile::form_key;
use super::convert::{Chain, Conv, Entry};
use super::plan::{Act, By, CPath, Compiled, Join, Opt, Piece, Plan, Rule, Site, To, takes};
use super::shapes::{Shape, ShapeId};
use crate::body::{Text, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One thing that is needed.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// Lists on the way: each path from the frame before.
    rows: Vec<CPath>,
    /// The object that must be there for the line to be written, from the innermost frame.
    guard: CPath,
    /// The place, from the innermost frame.
    path: CPath,
    /// Branches it stands in: frame (0 = the message), place, words.
    when: Vec<(usize, CPath, Vec<String>)>,
    /// The form it stands in, `code@edition`.
    form: Option<String>,
    /// Rows that are left out (a join with `?`): frame, and the places of which one makes the row.
    only: Vec<(usize, Box<[CPath]>)>,
    wants: Wants,
    /// The canonical words that its code list lacks.
    lacks: Vec<String>,
    /// The line.
    pub(crate) at: Arc<Site>,
}

/// A need that a body does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// JSON pointer of the place.
    pub pointer: String,
    /// What is wanted there.
    pub wants: Wants,
}

/// What a mapping wants of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A value.
    Value,
    /// One of the words that its code list has.
    Words(Vec<String>),
    /// A plain file name: no folders.
    FileName,
    /// The key of a list in which several wire lists meet: another than its neighbours'.
    OwnKey,
}

/// A walk for the needs of a plan.
#[derive(Clone)]
struct Walk<'w> {
    map: &'w Compiled,
    shape: Option<ShapeId>,
    form: Option<(&'w [Text], ShapeId, &'w str)>,
    rows: Vec<CPath>,
    guard: CPath,
    when: Vec<(usize, CPath, Vec<String>)>,
    only: Vec<(usize, Box<[CPath]>)>,
}

/// All needs of a mapping.
pub(crate) fn needs(map: &Compiled) -> Vec<Need> {
    let walk = Walk {
        map,
        shape: Some(map.shape),
        form: None,
        rows: Vec::new(),
        guard: Box::new([]),
        when: Vec::new(),
        only: Vec::new(),
    };
    let mut found = Vec::new();
    walk.rules(&map.root, &map.root.rules, &mut found);
    found
}

// === impl Need ===

impl Need {
    /// The canonical name, dotted.
    pub(crate) fn dotted(&self) -> String {
        let words: Vec<&str> = self.rows.iter().chain([&self.path]).flat_map(|p| p.iter().map(|w| &**w)).collect();
        words.join(".")
    }

    pub(crate) fn wants(&self) -> &Wants {
        &self.wants
    }

    /// The canonical words that its code list lacks.
    pub(crate) fn lacks(&self) -> &[String] {
        &self.lacks
    }

    /// The branches of the message itself that it stands in: dotted place, words. (Those of rows are looked at only on a body.)
    pub(crate) fn cases(&self) -> Vec<(String, Vec<String>)> {
        let own = self.when.iter().filter(|(depth, ..)| *depth == 0);
        own.map(|(_, path, words)| (path.iter().map(|w| &**w).collect::<Vec<_>>().join("."), words.clone())).collect()
    }

    /// The places of a body where it is not met.
    pub(crate) fn unmet(&self, body: &Value, form: Option<(&str, &str)>, out: &mut Vec<Unmet>) {
        if self.form.as_ref().is_none_or(|key| form.is_some_and(|(code, edition)| form_key(code, edition) == *key)) {
            self.frame(&mut vec![body], String::new(), &mut BTreeSet::new(), out);
        }
    }

    fn frame(&self, frames: &mut Vec<&Value>, pointer: String, keys: &mut BTreeSet<String>, out: &mut Vec<Unmet>) {
        let Some(here) = frames.last().copied() else { return };
        if let Some(list) = self.rows.get(frames.len() - 1) {
            let rows = get(here, list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for (n, row) in rows.iter().enumerate() {
                frames.push(row);
                self.frame(frames, format!("{pointer}/{}/{n}", list.join("/")), keys, out);
                frames.pop();
            }
            return;
        }
        let holds = |(depth, path, words): &(usize, CPath, Vec<String>)| {
            let word = frames.get(*depth).and_then(|f| get(f, path)).and_then(Value::as_str);
            word.is_some_and(|w| words.iter().any(|own| own == w))
        };
        let has_row = |(depth, only): &(usize, Box<[CPath]>)| frames.get(*depth).is_some_and(|f| takes(only, f));
        if get(here, &self.guard).is_none() || !self.when.iter().all(holds) || !self.only.iter().all(has_row) {
            return;
        }
        let met = match (get(here, &self.path), &self.wants) {
            (found, Wants::Value) => found.is_some(),
            (None, _) => true,
            (Some(value), Wants::FileName) => value.as_str().is_some_and(is_entry_name),
            (Some(value), Wants::OwnKey) => keys.insert(value.to_string()),
            (Some(Value::Array(items)), Wants::Words(words)) => {
                items.iter().all(|i| i.as_str().is_none_or(|i| words.iter().any(|w| w == i)))
            }
            (Some(value), Wants::Words(words)) => value.as_str().is_none_or(|v| words.iter().any(|w| w == v)),
        };
        if !met {
            out.push(Unmet { pointer: format!("{pointer}/{}", self.path.join("/")), wants: self.wants.clone() });
        }
    }
}

fn get<'v>(body: &'v Value, path: &[Text]) -> Option<&'v Value> {
    path.iter().try_fold(body, |at, word| at.get(&**word)).filter(|v| !v.is_null())
}

// === impl Walk ===

impl<'w> Walk<'w> {
    fn rules(&self, plan: &'w Plan, rules: &'w [Rule], out: &mut Vec<Need>) {
        rules.iter().for_each(|rule| self.rule(plan, rule, out));
    }

    fn rule(&self, plan: &'w Plan, rule: &'w Rule, out: &mut Vec<Need>) {
        match &rule.what {
            // A document stands for the whole message: what it needs, this one does.
            Act::Value { alts, .. } if alts.iter().any(|c| c.document().is_some()) => {
                out.extend(alts.first().and_then(Chain::document).into_iter().flat_map(|map| needs(map)));
            }
            Act::Value { to: To::Own(path), alts } => self.value(rule, path, alts.first(), rule.opt == Opt::Required, out),
            Act::Template { pieces } => {
                for piece in pieces {
                    if let Piece::Hole { to: To::Own(path), chain, .. } = piece {
                        self.value(rule, path, Some(chain), rule.opt == Opt::Required, out);
                    }
                }
            }
            Act::Scope { at, rules, .. } => {
                let mut inner = self.clone();
                if let Some(path) = at {
                    self.value(rule, path, None, rule.opt == Opt::Required, out);
                    inner.guard = path.clone();
                }
                inner.rules(plan, rules, out);
            }
            Act::List { to } => {
                let Some(rows) = rule.node.and_then(|id| plan.node(id)).and_then(|n| n.rows.as_ref()) else { return };
                let mut inner = self.clone();
                // A flattened list goes through two: the rows of each element.
                for list in std::iter::once(to).chain(&rows.flat) {
                    inner.shape = inner.place(list).and_then(|id| match self.map.shapes.get(id) {
                        Shape::List(item) => Some(*item),
                        _ => None,
                    });
                    (inner.form, inner.guard) = (inner.form.map(|(_, shape, key)| (&[][..], shape, key)), Box::new([]));
                    inner.rows.push(list.clone());
                }
                if let Some(join) = &rows.join {
                    inner.only.extend(join.only.clone().map(|only| (inner.rows.len(), only)));
                    self.own_keys(rule, to, rows, join, out);
                }
                inner.rules(rows, &rows.rules, out);
            }
            Act::When { on, branches, .. } => {
                for branch in branches {
                    let mut inner = self.clone();
                    inner.when.push((self.rows.len(), on.clone(), branch.words.clone()));
                    inner.rules(plan, &branch.rules, out);
                }
            }
            Act::Fork(index) => {
                let Some(fork) = plan.forks.get(*index) else { return };
                for (key, variant) in &fork.variants {
                    let mut inner = self.clone();
                    inner.form = Some((&fork.at, variant.shape, key));
                    inner.guard = fork.at.clone();
                    inner.rules(&variant.plan, &variant.plan.rules, out);
                }
            }
            Act::Batch => {
                let Some(rows) = rule.node.and_then(|id| plan.node(id)).and_then(|n| n.rows.as_ref()) else { return };
                self.rules(rows, &rows.rules, out);
            }
            Act::Value { .. } | Act::Const { .. } | Act::Dropped | Act::Seal => {}
        }
    }

    /// Where lists meet, keys tell elements apart. (In the rows of another list only the writer looks at that.)
    fn own_keys(&self, rule: &Rule, to: &CPath, rows: &Plan, join: &Join, out: &mut Vec<Need>) {
        if self.rows.is_empty() {
            let key: CPath = Box::new([(&*join.key).into()]);
            let mut need = self.need(rule, &key, Wants::OwnKey);
            let inner = rows.flat.clone().filter(|_| join.by == By::Own);
            need.rows = std::iter::once(to.clone()).chain(inner).collect();
            need.guard = Box::new([]);
            out.push(need);
        }
    }

    fn value(&self, rule: &Rule, path: &CPath, chain: Option<&Chain>, required: bool, out: &mut Vec<Need>) {
        if required && !self.promised(path) {
            out.push(self.need(rule, path, Wants::Value));
        }
        if let Some(Entry::Field(name)) = chain.and_then(Chain::entry) {
            let mut need = self.need(rule, name, Wants::FileName);
            need.only.push((self.rows.len(), Box::new([path.clone()])));
            out.push(need);
        }
        let Some((Conv::Code(list), Some(words))) = chain.and_then(|c| c.links.first().map(|l| (l, c.leaf.words.as_ref())))
        else {
            return;
        };
        let lacks: Vec<String> = words.iter().filter(|w| list.write(w).is_none()).cloned().collect();
        if !lacks.is_empty() {
            let words = list.entries.iter().map(|e| e.word.clone()).collect();
            out.push(Need { lacks, ..self.need(rule, path, Wants::Words(words)) });
        }
    }

    fn need(&self, rule: &Rule, path: &CPath, wants: Wants) -> Need {
        Need {
            rows: self.rows.clone(),
            guard: self.guard.clone(),
            path: path.clone(),
            when: self.when.clone(),
            form: self.form.map(|(_, _, key)| key.to_owned()),
            only: self.only.clone(),
            wants,
            lacks: Vec::new(),
            at: Arc::clone(&rule.at),
        }
    }

    /// Whether the schema promises the place where the guard is there.
    fn promised(&self, path: &[Text]) -> bool {
        let shared = self.guard.iter().zip(path).take_while(|(a, b)| a == b).count();
        let known = if shared == self.guard.len() { shared } else { 0 };
        (known..path.len()).all(|n| {
            let object = path.get(..n).and_then(|p| self.place(p));
            object.is_some_and(|id| match self.map.shapes.get(id) {
                Shape::Object(fields) => path.get(n).is_some_and(|w| fields.required.contains(&**w)),
                _ => false,
            })
        })
    }

    /// The shape of a place of the frame; inside a form, the form's own.
    fn place(&self, path: &[Text]) -> Option<ShapeId> {
        let (start, rest) = match self.form {
            Some((at, shape, _))
                if self.rows.is_empty() && path.len() >= at.len() && at.iter().zip(path).all(|(a, b)| a == b) =>
            {
                (Some(shape), path.get(at.len()..).unwrap_or_default())
            }
            _ => (self.shape, path),
        };
        rest.iter().try_fold(start?, |at, word| self.map.shapes.field(at, word))
    }
}

#[cfg(test)]
mod tests {
    use super::{Unmet, Wants};
    use crate::body::json;
    use crate::mapping::{Book, Editions, Shapes, Source};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    const MAP: &str = "message: note
format: json

code = code
title = title
kind = kind : code(kind) ?
who = person ?
    name = name
    city = city
rows[] = rows[]
    id = id
    no = no
when colour = red
    red = mark
when colour = blue
    blue = mark ?
    hue = 'x'
";

    fn unmet(body: crate::body::Value) -> Vec<(String, bool)> {
        let text = json!({ "type": "string" });
        let person = json!({ "type": "object", "required": ["name"], "properties": { "name": text, "city": text } });
        let row = json!({ "type": "object", "required": ["id"], "properties": { "id": text, "no": text } });
        let note = json!({ "type": "object", "required": ["code"], "properties": { "code": text, "title": text, "mark": text,
            "kind": { "enum": ["one", "two"] }, "colour": { "enum": ["red", "blue"] }, "person": person,
            "rows": { "type": "array", "items": row } } });
        let shapes = Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap();
        let source = Source::new("p").with("m.map", MAP).with("codes.toml", "[kind]\none = 1\n");
        let book = Book::compile(&source, &Arc::new(shapes)).unwrap_or_else(|f| panic!("{f:?}"));
        let found = book.map("m").unwrap().unmet(&body, None);
        found.into_iter().map(|Unmet { pointer, wants }| (pointer, matches!(wants, Wants::Words(_)))).collect()
    }

    #[test]
    fn what_the_schema_promises_is_no_need_and_everything_else_is_tested_where_it_would_be_written() {
        let all = |list: &[(&str, bool)]| list.iter().map(|(p, w)| ((*p).to_owned(), *w)).collect::<Vec<_>>();
        assert_eq!(unmet(json!({ "code": "c", "title": "t" })), []);
        assert_eq!(unmet(json!({ "code": "c" })), all(&[("/title", false)]));
        assert_eq!(unmet(json!({ "code": "c", "title": "t", "kind": "one" })), []);
        assert_eq!(unmet(json!({ "code": "c", "title": "t", "kind": "two" })), all(&[("/kind", true)]));
        assert_eq!(unmet(json!({ "code": "c", "title": "t", "person": { "name": "n" } })), all(&[("/person/city", false)]));
        let rows = json!([{ "id": "1", "no": "1" }, { "id": "2" }]);
        assert_eq!(unmet(json!({ "code": "c", "title": "t", "rows": rows })), all(&[("/rows/1/no", false)]));
        assert_eq!(unmet(json!({ "code": "c", "title": "t", "colour": "red" })), all(&[("/mark", false)]));
        assert_eq!(unmet(json!({ "code": "c", "title": "t", "colour": "blue" })), []);
    }
}

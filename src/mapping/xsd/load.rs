//! Reading an XSD, with what it includes and imports, into a [`Schema`]. Understood: elements, complex and simple types, groups,
//! attribute groups, extension and restriction, substitution groups, wildcards, `fixed`, enumerations, lengths, digits, bounds, patterns. Not looked at: identity
//! constraints, bounds of times, `xsi:type` (validation is the validator's). `redefine` and `override` are refused.

use super::documents::{Doc, SchemaWrong, documents};
use super::model::{Content, Declared, Model, Schema, Type, TypeId, Wildcard};
use super::simple::Simple;
use super::tree::{Element, QName, Wrong, XS};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names → components of all documents, and the types made so far.
pub(super) struct Loader<'d> {
    docs: &'d [Doc],
    globals: BTreeMap<(&'static str, QName), (&'d Doc, &'d Element)>,
    members: BTreeMap<QName, Vec<(&'d Doc, &'d Element)>>,
    pub(super) types: Vec<Type>,
    known: BTreeMap<QName, TypeId>,
    wrong: Vec<SchemaWrong>,
    depth: usize,
}

const KINDS: [&str; 6] = ["element", "complexType", "simpleType", "group", "attributeGroup", "attribute"];
/// Groups and derivations may not nest deeper: no schema of a person's does.
const DEEPEST: usize = 64;

/// Reads a schema; `text` gives the files by path (`folder/name.xsd`).
pub(crate) fn load<'t>(path: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Result<Schema, Vec<SchemaWrong>> {
    let docs = documents(path, text)?;
    let mut loader = Loader {
        docs: &docs,
        globals: BTreeMap::new(),
        members: BTreeMap::new(),
        types: Vec::new(),
        known: BTreeMap::new(),
        wrong: Vec::new(),
        depth: 0,
    };
    loader.index();
    let globals: Vec<_> = loader.globals.iter().filter(|((kind, _), _)| *kind == "element").map(|(_, at)| *at).collect();
    let elements = globals.into_iter().map(|(doc, el)| Arc::new(loader.declared(doc, el, true))).collect();
    if loader.wrong.is_empty() {
        Ok(Schema { files: docs.iter().map(|d| Arc::clone(&d.file)).collect(), types: loader.types, elements })
    } else {
        Err(loader.wrong)
    }
}

// === impl Loader ===

impl<'d> Loader<'d> {
    fn index(&mut self) {
        for doc in self.docs {
            for el in &doc.top.children {
                let (Some(kind), Some(name)) = (KINDS.iter().find(|k| el.is(k)), el.get("name")) else { continue };
                let name = QName::new(&doc.target, name);
                if let Some(head) = el.get("substitutionGroup") {
                    match el.qname(head) {
                        Ok(head) => self.members.entry(head).or_default().push((doc, el)),
                        Err(wrong) => self.tell(doc, wrong),
                    }
                }
                if let Some((other, first)) = self.globals.insert((kind, name), (doc, el)) {
                    let text = format!(
                        "`{}` is declared twice (also in {}, byte {})",
                        el.get("name").unwrap_or(""),
                        other.file,
                        first.at
                    );
                    self.tell(doc, (el.at, text));
                }
            }
        }
    }

    pub(super) fn tell(&mut self, doc: &Doc, (at, text): Wrong) {
        let wrong = SchemaWrong { file: doc.file.to_string(), at, text };
        if !self.wrong.contains(&wrong) {
            self.wrong.push(wrong);
        }
    }

    /// A component that an attribute names.
    pub(super) fn named(&mut self, kind: &'static str, doc: &Doc, el: &Element, value: &str) -> Option<(&'d Doc, &'d Element)> {
        let name = match el.qname(value) {
            Ok(name) => name,
            Err(wrong) => {
                self.tell(doc, wrong);
                return None;
            }
        };
        let found = self.globals.get(&(kind, name)).copied();
        if found.is_none() {
            self.tell(doc, (el.at, format!("there is no {kind} `{value}`")));
        }
        found
    }

    pub(super) fn nested<T: Default>(&mut self, doc: &Doc, el: &Element, make: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEEPEST {
            self.tell(doc, (el.at, "groups or types that are made of each other without end".to_owned()));
            return T::default();
        }
        self.depth += 1;
        let made = make(self);
        self.depth -= 1;
        made
    }

    // --- elements

    fn declared(&mut self, doc: &'d Doc, el: &'d Element, global: bool) -> Declared {
        let qualified = global || el.get("form").map_or(doc.qualified, |f| f == "qualified");
        let ns = if qualified { doc.target.as_str() } else { "" };
        let (min, max) = self.bounds(doc, el);
        Declared {
            name: QName::new(ns, el.get("name").unwrap_or("")),
            kind: self.kind_of(doc, el),
            fixed: el.get("fixed").map(str::to_owned),
            nillable: matches!(el.get("nillable"), Some("true" | "1")),
            min,
            max,
            at: (Arc::clone(&doc.file), el.at),
        }
    }

    fn kind_of(&mut self, doc: &'d Doc, el: &'d Element) -> TypeId {
        if let Some(name) = el.get("type") {
            return self.kind_named(doc, el, name);
        }
        if let Some(inner) = el.child("complexType") {
            let made = self.complex(doc, inner);
            return self.keep(made);
        }
        if let Some(inner) = el.child("simpleType") {
            let simple = self.simple(doc, inner);
            return self.keep(Type { content: Content::Simple(simple), ..Type::default() });
        }
        self.keep(Type { any_attribute: true, ..Type::default() })
    }

    fn keep(&mut self, made: Type) -> TypeId {
        self.types.push(made);
        self.types.len() - 1
    }

    pub(super) fn kind_named(&mut self, doc: &'d Doc, el: &'d Element, value: &str) -> TypeId {
        let name = match el.qname(value) {
            Ok(name) => name,
            Err(wrong) => {
                self.tell(doc, wrong);
                QName::default()
            }
        };
        if let Some(id) = self.known.get(&name) {
            return *id;
        }
        let id = self.keep(Type { any_attribute: true, ..Type::default() });
        self.known.insert(name.clone(), id);
        let made = if name.ns == XS {
            builtin(&name.local)
        } else if let Some((doc, found)) = self.globals.get(&("complexType", name.clone())).copied() {
            self.complex(doc, found)
        } else if let Some((doc, found)) = self.globals.get(&("simpleType", name)).copied() {
            Type { content: Content::Simple(self.simple(doc, found)), ..Type::default() }
        } else {
            self.tell(doc, (el.at, format!("there is no type `{value}`")));
            return id;
        };
        if let Some(place) = self.types.get_mut(id) {
            *place = made;
        }
        id
    }

    // --- types

    fn complex(&mut self, doc: &'d Doc, el: &'d Element) -> Type {
        self.nested(doc, el, |l| l.complex_inside(doc, el))
    }

    fn complex_inside(&mut self, doc: &'d Doc, el: &'d Element) -> Type {
        let mixed = el.get("mixed") == Some("true");
        let derived = |outer: &'d Element| outer.children.iter().find(|c| c.is("extension") || c.is("restriction"));
        if let Some(by) = el.child("simpleContent").and_then(derived) {
            let base = by.get("base").map(|b| self.kind_named(doc, by, b));
            let mut made = base.and_then(|id| self.types.get(id).cloned()).unwrap_or_default();
            if let Content::Simple(simple) = &mut made.content {
                self.narrow(doc, by, simple);
            }
            self.attributes(doc, by, &mut made);
            return made;
        }
        if let Some(by) = el.child("complexContent").and_then(derived) {
            let base = by.get("base").map(|b| self.kind_named(doc, by, b));
            let base = base.and_then(|id| self.types.get(id).cloned()).unwrap_or_default();
            let own = self.content(doc, by);
            let mut made = Type {
                any_attribute: base.any_attribute && by.is("restriction"),
                attributes: base.attributes,
                ..Type::default()
            };
            made.content = match (base.content, by.is("extension")) {
                (Content::Elements { model, mixed: was }, true) => {
                    Content::Elements { model: Model::Sequence(vec![model, own]), mixed: mixed || was }
                }
                _ => Content::Elements { model: own, mixed },
            };
            self.attributes(doc, by, &mut made);
            return made;
        }
        let mut made = Type { content: Content::Elements { model: self.content(doc, el), mixed }, ..Type::default() };
        self.attributes(doc, el, &mut made);
        made
    }

    /// The model under a type, an extension or a restriction.
    fn content(&mut self, doc: &'d Doc, el: &'d Element) -> Model {
        let particle = el.children.iter().find(|c| ["sequence", "choice", "all", "group"].iter().any(|k| c.is(k)));
        particle.map_or(Model::Empty, |p| self.particle(doc, p))
    }

    fn particle(&mut self, doc: &'d Doc, el: &'d Element) -> Model {
        let (min, max) = self.bounds(doc, el);
        let model = match el.name.local.as_str() {
            "element" => self.element(doc, el),
            "any" => Model::Any(wildcard(doc, el)),
            "sequence" => Model::Sequence(self.particles(doc, el)),
            "choice" => Model::Choice(self.particles(doc, el)),
            "all" => Model::All(self.particles(doc, el)),
            "group" => {
                let found = el.get("ref").and_then(|name| self.named("group", doc, el, name));
                found.map_or(Model::Empty, |(doc, found)| self.nested(doc, found, |l| l.content(doc, found)))
            }
            _ => return Model::Empty,
        };
        model.times(min, max)
    }

    fn particles(&mut self, doc: &'d Doc, el: &'d Element) -> Vec<Model> {
        const PARTICLES: [&str; 6] = ["element", "any", "sequence", "choice", "all", "group"];
        el.children.iter().filter(|c| PARTICLES.iter().any(|k| c.is(k))).map(|c| self.particle(doc, c)).collect()
    }

    fn element(&mut self, doc: &'d Doc, el: &'d Element) -> Model {
        let Some(name) = el.get("ref") else { return Model::One(Arc::new(self.declared(doc, el, false))) };
        let Some((home, found)) = self.named("element", doc, el, name) else { return Model::Empty };
        let (min, max) = self.bounds(doc, el);
        let here = |l: &mut Self, home: &'d Doc, found: &'d Element| {
            let global = l.declared(home, found, true);
            Model::One(Arc::new(Declared { min, max, at: (Arc::clone(&doc.file), el.at), ..global }))
        };
        let mut one_of = Vec::new();
        if found.get("abstract") != Some("true") {
            one_of.push(here(self, home, found));
        }
        let members = self.members.get(&QName::new(&home.target, found.get("name").unwrap_or(""))).cloned().unwrap_or_default();
        for (home, member) in members {
            one_of.push(here(self, home, member));
        }
        if one_of.len() == 1 { one_of.remove(0) } else { Model::Choice(one_of) }
    }

    fn bounds(&mut self, doc: &Doc, el: &Element) -> (u64, Option<u64>) {
        let mut number = |name: &str| match el.get(name) {
            None => Some(1),
            Some("unbounded") => None,
            Some(text) => text.parse().ok().or_else(|| {
                self.tell(doc, (el.at, format!("{name}=\"{text}\" is not a number")));
                Some(1)
            }),
        };
        (number("minOccurs").unwrap_or(0), number("maxOccurs"))
    }
}

fn builtin(local: &str) -> Type {
    if local == "anyType" {
        return Type { any_attribute: true, ..Type::default() };
    }
    Type { content: Content::Simple(Simple { base: local.to_owned(), ..Simple::default() }), ..Type::default() }
}

fn wildcard(doc: &Doc, el: &Element) -> Wildcard {
    match el.get("namespace") {
        None | Some("##any") => Wildcard::All,
        Some("##other") => Wildcard::Not(doc.target.clone()),
        Some(list) => Wildcard::Of(
            list.split_whitespace()
                .map(|n| match n {
                    "##targetNamespace" => doc.target.clone(),
                    "##local" => String::new(),
                    other => other.to_owned(),
                })
                .collect(),
        ),
    }
}

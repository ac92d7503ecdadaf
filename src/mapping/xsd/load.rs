//! Reading an XSD, with what it includes and imports, into a [`Schema`]. Understood: elements, complex and simple types, groups,
//! attribute groups, extension and restriction, substitution groups, wildcards, `fixed`, enumerations, lengths, digits, bounds, patterns. Not looked at: identity
//! constraints, bounds of times, `xsi:type` (validation is the validator's). `redefine` and `override` are refused.

use super::model::{Attribute, Content, Declared, Model, Schema, Type, TypeId, Wildcard};
use super::simple::{Bound, Simple};
use super::tree::{Element, QName, Wrong, XS, read};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wrong in a schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaWrong {
    /// The file, as it was named.
    pub(crate) file: String,
    /// Byte offset in it.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) text: String,
}

/// A schema document, read.
struct Doc {
    file: Arc<str>,
    top: Element,
    target: String,
    qualified: bool,
    qualified_attributes: bool,
}

/// A document that is to be read.
#[derive(Default)]
struct Wanted {
    file: String,
    /// It is included: of the same namespace, or of none and takes that. Else imported.
    include: bool,
    namespace: Option<String>,
    /// The document and the place that name it.
    from: Option<(String, usize)>,
}

/// Names → components of all documents, and the types made so far.
struct Loader<'d> {
    docs: &'d [Doc],
    globals: BTreeMap<(&'static str, QName), (&'d Doc, &'d Element)>,
    members: BTreeMap<QName, Vec<(&'d Doc, &'d Element)>>,
    types: Vec<Type>,
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

/// The document and all it includes and imports.
fn documents<'t>(path: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Result<Vec<Doc>, Vec<SchemaWrong>> {
    let (mut docs, mut wrong): (Vec<Doc>, Vec<SchemaWrong>) = (Vec::new(), Vec::new());
    let mut open = vec![Wanted { file: path.to_owned(), ..Wanted::default() }];
    while let Some(wanted) = open.pop() {
        if docs.iter().any(|d| *d.file == *wanted.file) {
            continue;
        }
        let file = wanted.file.clone();
        let Some(source) = text(&file) else {
            wrong.push(wanted.told(format!("there is no file `{file}` under schemas/")));
            continue;
        };
        let top = match read(source) {
            Ok(top) if top.is("schema") => top,
            Ok(top) => {
                wrong.push(SchemaWrong { file, at: top.at, text: "this is not an XSD: the root is not xs:schema".to_owned() });
                continue;
            }
            Err((at, text)) => {
                wrong.push(SchemaWrong { file, at, text });
                continue;
            }
        };
        let own = top.get("targetNamespace");
        if let Some(text) = wanted.another(own) {
            wrong.push(wanted.told(text));
        }
        // A document without a namespace of its own takes that of the one which includes it.
        let target = own.or(wanted.namespace.as_deref()).unwrap_or("").to_owned();
        for child in &top.children {
            let told = |text: &str| SchemaWrong { file: file.clone(), at: child.at, text: text.to_owned() };
            let include = match child.name.local.as_str() {
                "include" => true,
                "import" => false,
                "redefine" | "override" => {
                    wrong.push(told("redefine and override are not read; include the file as it is"));
                    continue;
                }
                _ => continue,
            };
            let Some(place) = child.get("schemaLocation") else { continue };
            match beside(&file, place) {
                Ok(next) => open.push(Wanted {
                    file: next,
                    include,
                    namespace: if include { Some(target.clone()) } else { child.get("namespace").map(str::to_owned) },
                    from: Some((file.clone(), child.at)),
                }),
                Err(text) => wrong.push(told(text)),
            }
        }
        let qualified = top.get("elementFormDefault") == Some("qualified");
        let qualified_attributes = top.get("attributeFormDefault") == Some("qualified");
        docs.push(Doc { file: file.into(), top, target, qualified, qualified_attributes });
    }
    if wrong.is_empty() { Ok(docs) } else { Err(wrong) }
}

/// The path of a schema that another names: inside that one's folder, so that what an adapter means by a name is never another's file.
fn beside(file: &str, place: &str) -> Result<String, &'static str> {
    if place.contains("://") {
        return Err("a schema elsewhere is not fetched: put it beside this one and name it by its file");
    }
    let place = place.trim_start_matches("./");
    if place.starts_with('/') || place.contains('\\') || place.split('/').any(|step| step == ".." || step.is_empty()) {
        return Err("a schema is named by its path inside this one's folder: `name.xsd` or `inner/name.xsd`, without `..`");
    }
    let folder = file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    Ok(format!("{folder}{place}"))
}

// === impl Wanted ===

impl Wanted {
    fn told(&self, text: String) -> SchemaWrong {
        let (file, at) = self.from.clone().unwrap_or_default();
        SchemaWrong { file, at, text }
    }

    /// What is wrong with the namespace of the document that was found.
    fn another(&self, own: Option<&str>) -> Option<String> {
        self.from.as_ref()?;
        let (file, wanted, own) = (&self.file, self.namespace.as_deref().unwrap_or(""), own.unwrap_or(""));
        match self.include {
            true if !own.is_empty() && own != wanted => Some(format!(
                "`{file}` is of the namespace `{own}`: only one of this namespace (`{wanted}`) is included; import it"
            )),
            false if own != wanted => Some(format!("the import says namespace `{wanted}`, and `{file}` is of `{own}`")),
            _ => None,
        }
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

    fn tell(&mut self, doc: &Doc, (at, text): Wrong) {
        let wrong = SchemaWrong { file: doc.file.to_string(), at, text };
        if !self.wrong.contains(&wrong) {
            self.wrong.push(wrong);
        }
    }

    /// A component that an attribute names.
    fn named(&mut self, kind: &'static str, doc: &Doc, el: &Element, value: &str) -> Option<(&'d Doc, &'d Element)> {
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

    fn nested<T: Default>(&mut self, doc: &Doc, el: &Element, make: impl FnOnce(&mut Self) -> T) -> T {
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

    fn kind_named(&mut self, doc: &'d Doc, el: &'d Element, value: &str) -> TypeId {
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

    // --- attributes

    fn attributes(&mut self, doc: &'d Doc, el: &'d Element, to: &mut Type) {
        for child in &el.children {
            match child.name.local.as_str() {
                "attribute" => {
                    let made = self.attribute(doc, child);
                    to.attributes.retain(|a| made.as_ref().is_none_or(|m| m.name != a.name));
                    to.attributes.extend(made.filter(|_| child.get("use") != Some("prohibited")));
                }
                "attributeGroup" => {
                    if let Some((doc, found)) = child.get("ref").and_then(|n| self.named("attributeGroup", doc, child, n)) {
                        let inner = self.nested(doc, found, |l| {
                            let mut inner = Type::default();
                            l.attributes(doc, found, &mut inner);
                            inner
                        });
                        to.attributes.extend(inner.attributes);
                        to.any_attribute |= inner.any_attribute;
                    }
                }
                "anyAttribute" => to.any_attribute = true,
                _ => {}
            }
        }
    }

    fn attribute(&mut self, doc: &'d Doc, el: &'d Element) -> Option<Attribute> {
        let required = el.get("use") == Some("required");
        if let Some(name) = el.get("ref") {
            if name.starts_with("xml:") {
                return None;
            }
            let (home, found) = self.named("attribute", doc, el, name)?;
            let made = self.attribute(home, found)?;
            let fixed = el.get("fixed").map(str::to_owned).or(made.fixed);
            return Some(Attribute { name: QName::new(&home.target, &made.name.local), required, fixed, simple: made.simple });
        }
        let qualified = el.get("form").map_or(doc.qualified_attributes, |f| f == "qualified");
        let simple = match (el.get("type"), el.child("simpleType")) {
            (Some(name), _) => {
                let id = self.kind_named(doc, el, name);
                match self.types.get(id).map(|t| t.content.clone()) {
                    Some(Content::Simple(simple)) => simple,
                    _ => Simple::default(),
                }
            }
            (None, Some(inner)) => self.simple(doc, inner),
            (None, None) => Simple::default(),
        };
        let name = QName::new(if qualified { &doc.target } else { "" }, el.get("name").unwrap_or(""));
        Some(Attribute { name, required, fixed: el.get("fixed").map(str::to_owned), simple })
    }

    fn simple(&mut self, doc: &'d Doc, el: &'d Element) -> Simple {
        self.nested(doc, el, |l| {
            let Some(by) = el.child("restriction") else { return Simple::default() };
            let base = match (by.get("base"), by.child("simpleType")) {
                (Some(name), _) => {
                    let id = l.kind_named(doc, by, name);
                    l.types.get(id).map(|t| t.content.clone())
                }
                (None, Some(inner)) => Some(Content::Simple(l.simple(doc, inner))),
                (None, None) => None,
            };
            let mut simple = if let Some(Content::Simple(simple)) = base { simple } else { Simple::default() };
            l.narrow(doc, by, &mut simple);
            simple
        })
    }

    /// The facets of a restriction, in the place of those of its base; patterns besides.
    fn narrow(&mut self, doc: &'d Doc, by: &'d Element, simple: &mut Simple) {
        if let Some(own) = words(by) {
            simple.words = Some(own);
        }
        let mut patterns = Vec::new();
        for facet in &by.children {
            let Some(value) = facet.get("value") else { continue };
            let number = value.parse().ok();
            let facets = &mut simple.facets;
            match facet.name.local.as_str() {
                "length" => (facets.least, facets.most) = (number, number),
                "minLength" => facets.least = number,
                "maxLength" => facets.most = number,
                "totalDigits" => facets.digits = number,
                "fractionDigits" => facets.fraction = number,
                "minInclusive" => facets.low = Some(Bound { number: value.to_owned(), itself: true }),
                "minExclusive" => facets.low = Some(Bound { number: value.to_owned(), itself: false }),
                "maxInclusive" => facets.high = Some(Bound { number: value.to_owned(), itself: true }),
                "maxExclusive" => facets.high = Some(Bound { number: value.to_owned(), itself: false }),
                "pattern" => match uppsala::XsdRegex::compile(value) {
                    Ok(_) => patterns.push(value),
                    Err(why) => self.tell(doc, (facet.at, format!("this pattern cannot be read: {why}"))),
                },
                _ => {}
            }
        }
        // Several patterns of one restriction are alternatives; those of the base must be kept too.
        match patterns.as_slice() {
            [] => {}
            [one] => simple.facets.patterns.push((*one).to_owned()),
            several => simple.facets.patterns.push(format!("({})", several.join(")|("))),
        }
    }
}

fn words(by: &Element) -> Option<Vec<String>> {
    let list: Vec<String> =
        by.children.iter().filter(|c| c.is("enumeration")).filter_map(|c| c.get("value").map(str::to_owned)).collect();
    (!list.is_empty()).then_some(list)
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

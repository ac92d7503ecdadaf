//! Invents wire documents from an XSD: any document the schema allows, or one near to a given one.
//!
//! Always: the same seed gives the same document. Choices, occurrence, optional parts, attributes, texts are the schema's own; with a
//! *donor* (a document that is known to be read) each decision follows the donor with the likelihood `near`, so that documents stand at
//! every distance from it, and what must agree in a document does so more often than by chance.
//! Not reached: what [`XsdInventor::unread`] lists; exact bounds of repeated groups (none, one, several), `xs:any` beyond an empty element.

use super::super::invent_texts::{by_pattern, day, hard, time};
use super::element::WireElement;
use super::model::{Attribute, Content, Declared, Model, Schema, Wildcard};
use super::simple::{Facets, Simple};
use super::{QName, Xsd};
use crate::seal::Chance;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_syntax::hir::Hir;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a list without a bound, at most.
const ROWS: u64 = 3;
/// Elements may not stand deeper: schemas may hold themselves.
const DEEPEST: usize = 40;

/// Makes documents out of a schema.
#[derive(Debug)]
pub struct XsdInventor<'x> {
    schema: &'x Schema,
    patterns: BTreeMap<&'x str, Hir>,
    unread: BTreeSet<String>,
}

/// One document while it is made.
struct Making<'m, 'x> {
    inventor: &'m XsdInventor<'x>,
    chance: &'m mut Chance,
    near: f64,
    /// How likely an optional part is there, where no donor says.
    full: f64,
    depth: usize,
    /// A place (as [`XsdInventor::places`] names them) that must be there, or (`false`) must not.
    toward: Option<(&'m str, bool)>,
    /// Where the element being made stands, in the same words.
    path: String,
}

// === impl XsdInventor ===

impl<'x> XsdInventor<'x> {
    /// Takes a schema.
    #[must_use]
    pub fn new(xsd: &'x Xsd) -> Self {
        let mut made = Self { schema: &xsd.schema, patterns: BTreeMap::new(), unread: BTreeSet::new() };
        for kind in &xsd.schema.types {
            kind.attributes.iter().for_each(|a| made.gather(&a.simple));
            match &kind.content {
                Content::Simple(simple) => made.gather(simple),
                Content::Elements { mixed: true, .. } => drop(made.unread.insert("text between elements (mixed)".to_owned())),
                _ => {}
            }
        }
        made
    }

    /// What the schema says and is not followed here.
    #[must_use]
    pub fn unread(&self) -> &BTreeSet<String> {
        &self.unread
    }

    /// A document of a global element; none: there is no such element. `near`: the donor and how likely each decision follows it.
    /// `place`: one of [`Self::places`] is there for certain (`true`), whatever the donor has; or what it stands in is there, and the place
    /// itself is left out (`false`) where the schema allows it.
    #[must_use]
    pub fn document(
        &self,
        (ns, local): (&str, &str),
        near: Option<(&WireElement, f64)>,
        place: Option<(&str, bool)>,
        chance: &mut Chance,
    ) -> Option<WireElement> {
        let declared = self.schema.element(ns, local)?;
        let full = *chance.pick(&[0.0, 0.5, 0.5, 0.9])?;
        let (donor, near) = near.map_or((None, 0.0), |(donor, near)| (Some(donor), near));
        let making = Making { inventor: self, chance, near, full, depth: 0, toward: place, path: String::new() };
        Some({ making }.element(declared, donor))
    }

    /// Every place the schema declares under an element (local names with slashes between, `@` before an attribute's), with the builtin
    /// type of its text (empty: it has none, or a list or union of types).
    #[must_use]
    pub fn places(&self, (ns, local): (&str, &str)) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        if let Some(declared) = self.schema.element(ns, local) {
            self.places_under(declared, local, &mut found, 0);
        }
        found
    }

    fn places_under(&self, declared: &Declared, path: &str, to: &mut BTreeMap<String, String>, depth: usize) {
        let Some(kind) = self.schema.kind(declared.kind).filter(|_| depth < DEEPEST) else { return };
        let base = if let Content::Simple(simple) = &kind.content { simple.base.clone() } else { String::new() };
        to.insert(path.to_owned(), base);
        to.extend(kind.attributes.iter().map(|a| (format!("{path}/@{}", a.name.local), a.simple.base.clone())));
        if let Content::Elements { model, .. } = &kind.content {
            for leaf in model.leaves() {
                self.places_under(leaf, &format!("{path}/{}", leaf.name.local), to, depth + 1);
            }
        }
    }

    fn gather(&mut self, simple: &'x Simple) {
        if simple.base.is_empty() {
            self.unread.insert("a list or a union of simple types".to_owned());
        }
        for pattern in &simple.facets.patterns {
            match regex_syntax::parse(pattern) {
                Ok(hir) => drop(self.patterns.insert(pattern, hir)),
                Err(_) => drop(self.unread.insert(format!("the pattern {pattern}"))),
            }
        }
    }
}

// === impl Making ===

impl<'x> Making<'_, 'x> {
    fn follows(&mut self) -> bool {
        self.near > 0.0 && self.chance.hits(self.near)
    }

    fn element(&mut self, declared: &Declared, donor: Option<&WireElement>) -> WireElement {
        let mut made = WireElement { name: pair(&declared.name), ..WireElement::default() };
        let Some(kind) = self.inventor.schema.kind(declared.kind).filter(|_| self.depth < DEEPEST) else { return made };
        self.depth += 1;
        let outer = self.path.len();
        self.path.push_str(if outer == 0 { "" } else { "/" });
        self.path.push_str(&declared.name.local);
        made.attributes = kind.attributes.iter().filter_map(|a| self.attribute(a, donor)).collect();
        // What a wildcard lets stand there is the donor's; nothing is made up for it.
        if let (Some(donor), true) = (donor.filter(|_| kind.any_attribute), self.follows()) {
            let known = |name: &(String, String)| kind.attributes.iter().any(|a| pair(&a.name) == *name);
            made.attributes.extend(donor.attributes.iter().filter(|(name, _)| !known(name)).cloned());
        }
        match (&kind.content, donor) {
            (_, Some(donor)) if matches!(kind.content, Content::Anything) && self.follows() => {
                (made.children, made.text) = (donor.children.clone(), donor.text.clone());
            }
            (Content::Anything, _) => made.text = self.of_base("string", &Facets::default()),
            (Content::Simple(_), _) if declared.nillable && self.chance.hits(0.2) => {
                made.attributes.push((pair(&QName::new("http://www.w3.org/2001/XMLSchema-instance", "nil")), "true".to_owned()));
            }
            (Content::Simple(simple), _) => {
                made.text = self.text(simple, declared.fixed.as_deref(), donor.map(|d| d.text.as_str()));
            }
            (Content::Elements { model, .. }, _) => {
                let mut left: Vec<&WireElement> = donor.iter().flat_map(|d| &d.children).collect();
                self.model(model, &mut left, donor.is_some(), &mut made.children);
            }
        }
        self.depth -= 1;
        self.path.truncate(outer);
        made
    }

    /// What is said of one of these names inside the element being made: it is on the way to the place that was asked for (`true`), or is the
    /// place that must not be there (`false`).
    fn asked<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<bool> {
        let (place, there) = self.toward?;
        let rest = place.strip_prefix(self.path.as_str())?.strip_prefix('/')?;
        let (next, further) = rest.split_once('/').map_or((rest, false), |(next, _)| (next, true));
        names.into_iter().any(|name| name == next).then_some(there || further)
    }

    fn asked_of(&self, model: &Model) -> Option<bool> {
        self.asked(model.leaves().into_iter().map(|leaf| leaf.name.local.as_str()))
    }

    fn attribute(&mut self, declared: &'x Attribute, donor: Option<&WireElement>) -> Option<((String, String), String)> {
        let name = pair(&declared.name);
        let own = donor.and_then(|d| d.attributes.iter().find(|(own, _)| *own == name)).map(|(_, value)| value.as_str());
        let there = if donor.is_some() && self.follows() { own.is_some() } else { self.chance.hits(self.full) };
        let there = self.asked([format!("@{}", name.1).as_str()]).unwrap_or(there);
        (declared.required || there).then(|| {
            let text = self.text(&declared.simple, declared.fixed.as_deref(), own);
            (name, text)
        })
    }

    /// Elements by a content model; `left`: the donor's elements that were not followed yet.
    fn model(&mut self, model: &Model, left: &mut Vec<&WireElement>, donor: bool, to: &mut Vec<WireElement>) {
        let wanted =
            |model: &Model, left: &[&WireElement]| left.iter().any(|e| model.leaves().iter().any(|d| pair(&d.name) == e.name));
        match model {
            Model::Empty => {}
            Model::One(declared) => {
                let name = pair(&declared.name);
                let own = left.iter().position(|e| e.name == name).map(|n| left.remove(n));
                to.push(self.element(declared, own));
            }
            Model::Any(Wildcard::Of(names)) => {
                to.extend(names.first().map(|ns| WireElement { name: (ns.clone(), "any".to_owned()), ..WireElement::default() }));
            }
            Model::Any(_) => to.push(WireElement { name: ("urn:other".to_owned(), "any".to_owned()), ..WireElement::default() }),
            Model::Sequence(parts) => {
                for (n, part) in parts.iter().enumerate() {
                    match (part, n.checked_sub(1).and_then(|n| parts.get(n))) {
                        // One, and then any number of the same: how an element with bounds is kept.
                        (Model::Many(inner), Some(before)) if **inner == *before => self.many(inner, 1, left, donor, to),
                        _ => self.model(part, left, donor, to),
                    }
                }
            }
            Model::Choice(parts) => {
                let leading = parts.iter().find(|part| self.asked_of(part) == Some(true));
                let own = leading.or_else(|| parts.iter().find(|p| wanted(p, left)).filter(|_| donor && self.follows()));
                let any = usize::try_from(self.chance.below(u64::try_from(parts.len()).unwrap_or(1))).unwrap_or(0);
                if let Some(part) = own.or_else(|| parts.get(any)) {
                    self.model(part, left, donor, to);
                }
            }
            Model::All(parts) => {
                let mut open: Vec<&Model> = parts.iter().collect();
                while !open.is_empty() {
                    let n = usize::try_from(self.chance.below(u64::try_from(open.len()).unwrap_or(1))).unwrap_or(0);
                    let part = open.remove(n);
                    self.model(part, left, donor, to);
                }
            }
            Model::Maybe(inner) => {
                let there = if donor && self.follows() { wanted(inner, left) } else { self.chance.hits(self.full) };
                if self.asked_of(inner).unwrap_or(there) {
                    self.model(inner, left, donor, to);
                }
            }
            Model::Many(inner) => self.many(inner, 0, left, donor, to),
        }
    }

    /// The rest of a list after `so_far`, within the bounds of its element.
    fn many(&mut self, inner: &Model, so_far: u64, left: &mut Vec<&WireElement>, donor: bool, to: &mut Vec<WireElement>) {
        let (min, max) = match inner {
            Model::One(declared) => (declared.min, declared.max.unwrap_or(u64::MAX)),
            _ => (so_far, u64::MAX),
        };
        let names: Vec<(String, String)> = inner.leaves().iter().map(|d| pair(&d.name)).collect();
        let own = left.iter().filter(|e| names.contains(&e.name)).count();
        let any = if self.chance.hits(self.full.max(0.2)) { self.chance.below(ROWS + 1) } else { 0 };
        let more = if donor && self.follows() { u64::try_from(own).unwrap_or(0) } else { any };
        let more = match self.asked_of(inner) {
            Some(true) if so_far == 0 => more.max(1),
            Some(false) => 0,
            _ => more,
        };
        for _ in 0..more.clamp(min.saturating_sub(so_far), max.saturating_sub(so_far).max(min.saturating_sub(so_far))) {
            self.model(inner, left, donor, to);
        }
    }

    // --- texts

    fn text(&mut self, simple: &Simple, fixed: Option<&str>, donor: Option<&str>) -> String {
        if let Some(fixed) = fixed {
            return fixed.to_owned();
        }
        if let (Some(donor), true) = (donor, self.follows()) {
            return donor.to_owned();
        }
        if let Some(words) = &simple.words {
            return self.chance.pick(words).cloned().unwrap_or_default();
        }
        let inventor = self.inventor;
        let hir = simple.facets.patterns.last().and_then(|p| inventor.patterns.get(p.as_str()));
        let mut text = String::new();
        for _ in 0..60 {
            text = match hir {
                Some(hir) if matches!(simple.base.as_str(), "string" | "normalizedString" | "token" | "") => {
                    let mut text = String::new();
                    by_pattern(self.chance, hir, simple.facets.most.unwrap_or(12).min(12), &mut text);
                    text
                }
                _ => self.of_base(&simple.base, &simple.facets),
            };
            // What XML cannot carry at all is nobody's document.
            if simple.refuses(&text).is_none() && text.chars().all(super::super::xml_chars::is_char) {
                break;
            }
        }
        text
    }

    /// A text of a builtin type, in the spellings that the type knows.
    fn of_base(&mut self, base: &str, facets: &Facets) -> String {
        match base {
            "int" | "integer" | "long" | "short" | "byte" | "nonNegativeInteger" | "positiveInteger" | "unsignedInt"
            | "unsignedLong" | "unsignedShort" => {
                let number = self.whole(facets);
                let spelled = ["", "", "", "", "+", "0", "00"];
                let lead = if number.starts_with('-') { "" } else { self.chance.pick(&spelled).copied().unwrap_or("") };
                format!("{lead}{number}")
            }
            "decimal" | "double" | "float" => {
                let number = self.whole(facets);
                let part = self.chance.below(100);
                match self.chance.below(5) {
                    0 => number,
                    1 => format!("{number}.0"),
                    2 => format!("{number}.{part:02}0"),
                    3 => format!("0{number}.{}", part / 10).replace("0-", "-0"),
                    _ => format!("{number}.{part:02}"),
                }
            }
            "boolean" => (*self.chance.pick(&["true", "false", "1", "0"]).unwrap_or(&"1")).to_owned(),
            "date" => day(self.chance),
            "dateTime" => {
                let offset = *self.chance.pick(&["+07:00", "+07:00", "Z", ""]).unwrap_or(&"");
                format!("{}T{}{offset}", day(self.chance), time(self.chance))
            }
            "base64Binary" => {
                let length = *self.chance.pick(&[0_u64, 1, 2, 3, 57, 200]).unwrap_or(&1);
                let bytes: Vec<u8> = (0..length).map(|_| self.chance.draw().to_be_bytes()[0]).collect();
                let blank = *self.chance.pick(&["", "", " ", "\n"]).unwrap_or(&"");
                let text = STANDARD.encode(bytes);
                let (a, b) = text.split_at(text.len() / 8 * 4);
                format!("{a}{blank}{b}")
            }
            _ => (0..self.chance.between((1, 12))).map(|_| hard(self.chance, super::super::xml_chars::is_char)).collect(),
        }
    }

    /// A whole number within the bounds, at their edges more often than by chance.
    fn whole(&mut self, facets: &Facets) -> String {
        let bound = |b: &Option<super::simple::Bound>| b.as_ref().and_then(|b| b.number.parse::<i64>().ok());
        let least = bound(&facets.low).unwrap_or(-1_000);
        let most = bound(&facets.high).unwrap_or_else(|| least.saturating_add(1_000_000));
        let wide = most.saturating_sub(least).unsigned_abs();
        let by = match self.chance.below(6) {
            0 => 0,
            1 => wide,
            2 => self.chance.below(wide.saturating_add(1)),
            _ => self.chance.below(wide.min(500).saturating_add(1)),
        };
        least.saturating_add_unsigned(by).to_string()
    }
}

fn pair(name: &QName) -> (String, String) {
    (name.ns.clone(), name.local.clone())
}

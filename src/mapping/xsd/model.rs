//! The nouns of a schema: elements, types, content models; and the two questions a content model answers: what may stand next, and
//! whether it may end here. Pure values; occurrence counts as none, one, several (exact bounds are kept beside, on the leaf).

use super::simple::Simple;
use super::tree::QName;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A place in the schema's list of types.
pub(crate) type TypeId = usize;

/// A schema, resolved.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// The files it was read from, by their paths: its own first.
    pub(super) files: Vec<Arc<str>>,
    pub(super) types: Vec<Type>,
    /// The global elements.
    pub(super) elements: Vec<Arc<Declared>>,
}

/// An element declaration as it stands in a content model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Declared {
    pub(crate) name: QName,
    pub(crate) kind: TypeId,
    /// `fixed`.
    pub(crate) fixed: Option<String>,
    /// It may stand empty with `xsi:nil`.
    pub(crate) nillable: bool,
    /// At least and (none: any number) at most so many, where it stands.
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
    /// Its place: file and byte, to tell particles apart.
    pub(crate) at: (Arc<str>, usize),
}

/// A type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Type {
    pub(crate) content: Content,
    pub(crate) attributes: Vec<Attribute>,
    /// Any attribute may stand there.
    pub(crate) any_attribute: bool,
}

/// What stands between an element's tags.
#[derive(Clone, Debug, Default)]
pub(crate) enum Content {
    /// Anything (`xs:anyType`).
    #[default]
    Anything,
    /// Text.
    Simple(Simple),
    /// Elements; with text between them where `mixed`.
    Elements { model: Model, mixed: bool },
}

/// An attribute declaration.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: QName,
    pub(crate) required: bool,
    pub(crate) fixed: Option<String>,
    pub(crate) simple: Simple,
}

/// A content model.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Model {
    /// Nothing more.
    #[default]
    Empty,
    /// An element.
    One(Arc<Declared>),
    /// A wildcard.
    Any(Wildcard),
    /// One after the other.
    Sequence(Vec<Model>),
    /// One of them.
    Choice(Vec<Model>),
    /// Each once, in any order.
    All(Vec<Model>),
    /// Perhaps.
    Maybe(Box<Model>),
    /// Any number of times.
    Many(Box<Model>),
}

/// Which namespaces a wildcard takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wildcard {
    All,
    Not(String),
    Of(Vec<String>),
}

// === impl Schema ===

impl Schema {
    /// A global element.
    pub(crate) fn element(&self, ns: &str, local: &str) -> Option<&Arc<Declared>> {
        self.elements.iter().find(|e| e.name.ns == ns && e.name.local == local)
    }

    /// Places where a reader cannot tell which of two particles is meant: both, with the element's name.
    pub(crate) fn ambiguous(&self) -> Vec<(Arc<Declared>, Arc<Declared>)> {
        let model = |t: &Type| if let Content::Elements { model, .. } = &t.content { model.ambiguous() } else { None };
        self.types.iter().filter_map(model).collect()
    }

    /// The global elements' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().map(|e| e.name.local.as_str())
    }

    /// A type; every id was given by this schema.
    pub(crate) fn kind(&self, id: TypeId) -> Option<&Type> {
        self.types.get(id)
    }
}

// === impl Model ===

impl Model {
    /// `self` with these occurrences; exact bounds stand on the leaves.
    pub(super) fn times(self, min: u64, max: Option<u64>) -> Self {
        if max == Some(0) {
            return Self::Empty;
        }
        let several = max.is_none_or(|m| m > 1);
        match (min, several) {
            (0, false) => Self::Maybe(Box::new(self)),
            (_, false) => self,
            (0, true) => Self::Many(Box::new(self)),
            (_, true) => Self::Sequence(vec![self.clone(), Self::Many(Box::new(self))]),
        }
    }

    /// Whether it may end here.
    pub(crate) fn ends(&self) -> bool {
        match self {
            Self::Empty | Self::Maybe(_) | Self::Many(_) => true,
            Self::One(_) | Self::Any(_) => false,
            Self::Sequence(parts) | Self::All(parts) => parts.iter().all(Self::ends),
            Self::Choice(parts) => parts.is_empty() || parts.iter().any(Self::ends),
        }
    }

    /// What may be left after an element of this name; none: it cannot stand here. `None` as declaration: a wildcard took it.
    pub(crate) fn after(&self, name: &QName) -> Vec<(Option<Arc<Declared>>, Model)> {
        match self {
            Self::Empty => Vec::new(),
            Self::One(own) if own.name == *name => vec![(Some(Arc::clone(own)), Self::Empty)],
            Self::One(_) => Vec::new(),
            Self::Any(wild) if wild.takes(&name.ns) => vec![(None, Self::Empty)],
            Self::Any(_) => Vec::new(),
            Self::Choice(parts) => parts.iter().flat_map(|p| p.after(name)).collect(),
            Self::Maybe(inner) => inner.after(name),
            Self::Many(inner) => then(inner.after(name), self),
            Self::Sequence(parts) => {
                let mut found = Vec::new();
                for (n, part) in parts.iter().enumerate() {
                    let rest = parts.get(n + 1..).unwrap_or_default().to_vec();
                    found.extend(then(part.after(name), &Self::sequence(rest)));
                    if !part.ends() {
                        break;
                    }
                }
                found
            }
            Self::All(parts) => {
                let mut found = Vec::new();
                for (n, part) in parts.iter().enumerate() {
                    let others: Vec<Self> = parts.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, p)| p.clone()).collect();
                    found.extend(then(part.after(name), &Self::All(others)));
                }
                found
            }
        }
    }

    /// Everything declared in it, in order.
    pub(crate) fn leaves(&self) -> Vec<&Arc<Declared>> {
        match self {
            Self::One(own) => vec![own],
            Self::Empty | Self::Any(_) => Vec::new(),
            Self::Sequence(parts) | Self::Choice(parts) | Self::All(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Maybe(inner) | Self::Many(inner) => inner.leaves(),
        }
    }

    /// What may stand next.
    pub(crate) fn firsts(&self) -> BTreeSet<&str> {
        match self {
            Self::One(own) => BTreeSet::from([own.name.local.as_str()]),
            Self::Empty => BTreeSet::new(),
            Self::Any(_) => BTreeSet::from(["any element"]),
            Self::Choice(parts) | Self::All(parts) => parts.iter().flat_map(Self::firsts).collect(),
            Self::Maybe(inner) | Self::Many(inner) => inner.firsts(),
            Self::Sequence(parts) => {
                let end = parts.iter().position(|p| !p.ends()).map_or(parts.len(), |n| n + 1);
                parts.iter().take(end).flat_map(Self::firsts).collect()
            }
        }
    }

    /// Whether a wildcard in it takes elements of a namespace.
    pub(crate) fn takes_any(&self, ns: &str) -> bool {
        match self {
            Self::Any(wild) => wild.takes(ns),
            Self::One(_) | Self::Empty => false,
            Self::Sequence(parts) | Self::Choice(parts) | Self::All(parts) => parts.iter().any(|p| p.takes_any(ns)),
            Self::Maybe(inner) | Self::Many(inner) => inner.takes_any(ns),
        }
    }

    /// What must come before it may end: the names at the first place that cannot be left out.
    pub(crate) fn wants(&self) -> BTreeSet<&str> {
        match self {
            Self::Empty | Self::Maybe(_) | Self::Many(_) => BTreeSet::new(),
            Self::One(_) | Self::Any(_) => self.firsts(),
            Self::Sequence(parts) => parts.iter().find(|p| !p.ends()).map(Self::wants).unwrap_or_default(),
            Self::All(parts) => parts.iter().find(|p| !p.ends()).map(Self::wants).unwrap_or_default(),
            Self::Choice(parts) => parts.iter().flat_map(Self::wants).collect(),
        }
    }

    /// The same model in which elements of this name may be left out: how a check goes on after telling that one is missing.
    pub(crate) fn without(&self, name: &str) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|p| p.without(name)).collect();
        match self {
            Self::One(own) if own.name.local == name => Self::Maybe(Box::new(self.clone())),
            Self::One(_) | Self::Empty | Self::Any(_) => self.clone(),
            Self::Sequence(parts) => Self::Sequence(all(parts)),
            Self::Choice(parts) => Self::Choice(all(parts)),
            Self::All(parts) => Self::All(all(parts)),
            Self::Maybe(inner) => Self::Maybe(Box::new(inner.without(name))),
            Self::Many(inner) => Self::Many(Box::new(inner.without(name))),
        }
    }

    /// Two particles that may both take the same next element, so that no reader can tell which is meant (XSD's Unique Particle
    /// Attribution); the first found.
    pub(crate) fn ambiguous(&self) -> Option<(Arc<Declared>, Arc<Declared>)> {
        let mut seen = BTreeSet::new();
        let mut open = vec![self.clone()];
        while let Some(model) = open.pop() {
            // Bounded: an enormous model is not proven, which is no fault.
            if seen.len() > 2_000 || !seen.insert(model.clone()) {
                continue;
            }
            let names: BTreeSet<QName> = model.leaves().into_iter().map(|d| d.name.clone()).collect();
            for name in names {
                let next = model.after(&name);
                let declared: Vec<&Arc<Declared>> = next.iter().filter_map(|(d, _)| d.as_ref()).collect();
                if let Some(first) = declared.first()
                    && let Some(other) = declared.iter().find(|d| d.at != first.at)
                {
                    return Some((Arc::clone(first), Arc::clone(other)));
                }
                open.extend(next.into_iter().map(|(_, rest)| rest));
            }
        }
        None
    }

    fn sequence(mut parts: Vec<Self>) -> Self {
        parts.retain(|p| *p != Self::Empty);
        match parts.len() {
            0 => Self::Empty,
            1 => parts.remove(0),
            _ => Self::Sequence(parts),
        }
    }
}

fn then(found: Vec<(Option<Arc<Declared>>, Model)>, rest: &Model) -> Vec<(Option<Arc<Declared>>, Model)> {
    found
        .into_iter()
        .map(|(own, left)| {
            let whole = match left {
                Model::Empty => rest.clone(),
                Model::Sequence(mut parts) => {
                    parts.push(rest.clone());
                    Model::sequence(parts)
                }
                left => Model::sequence(vec![left, rest.clone()]),
            };
            (own, whole)
        })
        .collect()
}

// === impl Wildcard ===

impl Wildcard {
    fn takes(&self, ns: &str) -> bool {
        match self {
            Self::All => true,
            Self::Not(own) => ns != own && !ns.is_empty(),
            Self::Of(list) => list.iter().any(|n| n == ns),
        }
    }
}

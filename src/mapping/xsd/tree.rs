//! An XSD as a small tree: elements, their plain attributes, and what prefixes mean there. Read by the strict reader; XSD is never on
//! the way of a message, so a tree does no harm here.

use super::super::slip::utf8;
use super::super::xml::{Event, Xml, decode};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The namespace of XSD itself.
pub(super) const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// An expanded name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QName {
    pub(crate) ns: String,
    pub(crate) local: String,
}

/// An element of a schema document.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) name: QName,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// Where its tag starts, in bytes.
    pub(super) at: usize,
    prefixes: Rc<BTreeMap<String, String>>,
}

/// What is wrong with a document, and where.
pub(super) type Wrong = (usize, String);

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Element, Wrong> {
    let told = |slip: super::super::slip::Slip| {
        let fault = slip.into_fault(text);
        (fault.place.offset, format!("not well-formed: expected {}", fault.expected.en))
    };
    utf8(text.as_bytes()).and_then(|t| decode(t.as_bytes())).map_err(told)?;
    let mut xml = Xml::new(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match xml.next().map_err(told)? {
            Event::Start(name) => {
                let prefixes = xml.bound().map(|(p, uri)| (p.to_owned(), uri.to_owned())).collect();
                let plain = xml.attributes().iter().filter(|a| xml.uri(a.name.ns).is_empty());
                open.push(Element {
                    name: QName { ns: xml.uri(name.ns).to_owned(), local: name.local.to_owned() },
                    attributes: plain.map(|a| (a.name.local.to_owned(), a.value.clone().into_owned())).collect(),
                    children: Vec::new(),
                    at: xml.last(),
                    prefixes: Rc::new(prefixes),
                });
            }
            Event::End => match (open.pop(), open.last_mut()) {
                (Some(done), Some(outer)) => outer.children.push(done),
                (Some(done), None) => return Ok(done),
                (None, _) => return Err((0, "no element".to_owned())),
            },
            Event::Text(_) => {}
            Event::Eof => return Err((0, "no element".to_owned())),
        }
    }
}

// === impl QName ===

impl QName {
    pub(super) fn new(ns: &str, local: &str) -> Self {
        Self { ns: ns.to_owned(), local: local.to_owned() }
    }
}

// === impl Element ===

impl Element {
    /// An attribute's value, blanks around it cut off.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim())
    }

    /// Whether it is this element of XSD.
    pub(super) fn is(&self, local: &str) -> bool {
        self.name.ns == XS && self.name.local == local
    }

    /// The first child of this name.
    pub(super) fn child(&self, local: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.is(local))
    }

    /// The expanded name that an attribute's value stands for.
    pub(super) fn qname(&self, value: &str) -> Result<QName, Wrong> {
        let (prefix, local) = value.split_once(':').unwrap_or(("", value));
        match self.prefixes.get(prefix) {
            Some(uri) => Ok(QName::new(uri, local)),
            None if prefix.is_empty() => Ok(QName::new("", local)),
            None => Err((self.at, format!("the prefix `{prefix}` of `{value}` is not declared"))),
        }
    }
}

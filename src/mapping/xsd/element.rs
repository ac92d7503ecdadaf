//! An element of a wire as a small tree, and as a document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// An element of a wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireElement {
    /// Namespace and local name.
    pub name: (String, String),
    /// The same of each attribute, and its value.
    pub attributes: Vec<((String, String), String)>,
    /// Elements inside, in order.
    pub children: Vec<WireElement>,
    /// Its text, when it has no elements inside.
    pub text: String,
}

// === impl WireElement ===

impl WireElement {
    /// As a document: namespaces are bound at the root.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut names = BTreeSet::new();
        self.namespaces(&mut names);
        let prefixes: BTreeMap<&str, String> =
            names.into_iter().filter(|ns| !ns.is_empty()).enumerate().map(|(n, ns)| (ns, format!("n{n}"))).collect();
        let mut out = String::new();
        self.write(&prefixes, true, &mut out);
        out
    }

    fn namespaces<'e>(&'e self, to: &mut BTreeSet<&'e str>) {
        to.insert(&self.name.0);
        to.extend(self.attributes.iter().map(|((ns, _), _)| ns.as_str()));
        self.children.iter().for_each(|child| child.namespaces(to));
    }

    fn write(&self, prefixes: &BTreeMap<&str, String>, top: bool, out: &mut String) {
        let shown = |(ns, local): &(String, String)| {
            prefixes.get(ns.as_str()).map_or_else(|| local.clone(), |prefix| format!("{prefix}:{local}"))
        };
        let name = shown(&self.name);
        let _ = write!(out, "<{name}");
        if top {
            prefixes.iter().for_each(|(ns, prefix)| {
                let _ = write!(out, " xmlns:{prefix}=\"{}\"", escaped(ns));
            });
        }
        for (attribute, value) in &self.attributes {
            let _ = write!(out, " {}=\"{}\"", shown(attribute), escaped(value));
        }
        let _ = write!(out, ">{}", escaped(&self.text));
        self.children.iter().for_each(|child| child.write(prefixes, false, out));
        let _ = write!(out, "</{name}>");
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '"' | '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

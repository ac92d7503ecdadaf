//! Reading an XSD, continued: attributes and simple types, all that stands as a text.

use super::documents::Doc;
use super::load::Loader;
use super::model::{Attribute, Content, Type};
use super::simple::{Bound, Simple};
use super::tree::{Element, QName};

// === impl Loader ===

impl<'d> Loader<'d> {
    pub(super) fn attributes(&mut self, doc: &'d Doc, el: &'d Element, to: &mut Type) {
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

    pub(super) fn simple(&mut self, doc: &'d Doc, el: &'d Element) -> Simple {
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
    pub(super) fn narrow(&mut self, doc: &'d Doc, by: &'d Element, simple: &mut Simple) {
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

//! SOAP 1.1 as the Ministry's software speaks it: reads an envelope strictly, validates its one payload against the XSD,
//! writes envelopes and faults.
//!
//! Always holds: a payload handed on is valid by `schemas/moet/lien-thong.xsd`. A document with a DTD is refused.

use std::fmt::Write as _;

use uppsala::{Document, NodeId, NodeKind, XsdValidator};

/// The one namespace of the contract.
pub(super) const NAMESPACE: &str = "urn:lienthong:bo-gddt:1";

/// The SOAP 1.1 envelope's namespace.
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

const SCHEMA: &str = include_str!("../../../schemas/moet/lien-thong.xsd");

/// The contract's schema, compiled.
pub(super) struct Schema(XsdValidator);

/// One valid payload.
#[derive(Debug)]
pub(super) struct Payload {
    doc: Document<'static>,
    root: NodeId,
}

/// An element with text, attributes or children, to be written.
#[derive(Debug, Default)]
pub(super) struct Xml(String);

// === impl Schema ===

impl Schema {
    pub(super) fn load() -> Result<Self, String> {
        let doc = uppsala::parse(SCHEMA).map_err(|why| why.to_string())?;
        XsdValidator::from_schema(&doc).map(Self).map_err(|why| why.to_string())
    }

    /// Reads an envelope; the error is one sentence for the fault.
    pub(super) fn read(&self, body: &[u8]) -> Result<Payload, String> {
        let payload = Payload::of(body)?;
        match self.0.validate(&payload.doc).first() {
            None => Ok(payload),
            Some(fault) => Err(format!("not valid by the schema: {}", fault.message)),
        }
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schema")
    }
}

// === impl Payload ===

impl Payload {
    /// The one element in the body of an envelope, not yet validated.
    pub(super) fn of(body: &[u8]) -> Result<Self, String> {
        let envelope = uppsala::parse_bytes(body).map_err(|why| format!("not well-formed: {why}"))?;
        if envelope.doctype.is_some() {
            return Err("a document type declaration is not taken".to_owned());
        }
        let top = envelope.document_element().ok_or("no root element")?;
        let is_envelope = envelope.element(top).is_some_and(|e| e.name.matches(Some(ENVELOPE), "Envelope"));
        let inner = envelope.first_child_element_by_name_ns(top, ENVELOPE, "Body");
        let (true, Some(inner)) = (is_envelope, inner) else { return Err("not a SOAP 1.1 envelope with a body".to_owned()) };
        let is_element = |id: &NodeId| matches!(envelope.node_kind(*id), Some(NodeKind::Element(_)));
        let parts: Vec<NodeId> = envelope.children_iter(inner).filter(is_element).collect();
        let [part] = parts.as_slice() else { return Err("the body does not hold exactly one element".to_owned()) };
        let mut doc = Document::new();
        let root = doc.import_subtree(&envelope, *part).ok_or("the body's element cannot be read")?;
        let top = doc.root();
        doc.append_child(top, root);
        Ok(Self { doc, root })
    }

    /// The payload's local name.
    pub(super) fn name(&self) -> String {
        self.doc.element(self.root).map(|e| e.name.local_name.to_string()).unwrap_or_default()
    }

    /// The text of the first element of this name, anywhere.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let id = *self.doc.get_elements_by_tag_name(name).first()?;
        Some(self.doc.text_content_deep(id).trim().to_owned())
    }

    /// The texts of all elements of this name.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.doc.get_elements_by_tag_name(name);
        all.into_iter().map(|id| self.doc.text_content_deep(id).trim().to_owned()).collect()
    }

    /// Every file: its announced digest and its content in base64, when it is there.
    pub(super) fn files(&self) -> Vec<(String, Option<String>)> {
        let all = self.doc.get_elements_by_tag_name("TepTin");
        let content =
            |id| self.doc.first_child_element_by_name_ns(id, NAMESPACE, "NoiDung").map(|c| self.doc.text_content_deep(c));
        all.into_iter().map(|id| (self.doc.get_attribute(id, "sha256").unwrap_or_default().to_owned(), content(id))).collect()
    }
}

// === impl Xml ===

impl Xml {
    /// An element with text.
    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.0, "<{name}>{}</{name}>", escaped(value));
        self
    }

    /// An element with text, when there is any.
    pub(super) fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// An element with one attribute (none when its name is empty) and children.
    pub(super) fn nested(mut self, name: &str, (key, value): (&str, &str), inner: Self) -> Self {
        let attribute = if key.is_empty() { String::new() } else { format!(" {key}=\"{}\"", escaped(value)) };
        let _ = write!(self.0, "<{name}{attribute}>{}</{name}>", inner.0);
        self
    }

    /// The whole envelope around one payload element of the contract's namespace.
    pub(super) fn envelope(self, name: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{ENVELOPE}\"><soap:Body>\
             <{name} xmlns=\"{NAMESPACE}\">{}</{name}></soap:Body></soap:Envelope>",
            self.0
        )
    }
}

/// A SOAP fault; `code` is `Client` or `Server`.
pub(super) fn fault(code: &str, why: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{ENVELOPE}\"><soap:Body><soap:Fault>\
         <faultcode>soap:{code}</faultcode><faultstring>{}</faultstring></soap:Fault></soap:Body></soap:Envelope>",
        escaped(why)
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

//! Documents against their XSD, behind a trait, so that the engine can be replaced. Not on the usual way of a message: only in `check`,
//! and on a route that asks for it.
//!
//! Always: a fault tells place and rule, never a value (promise 8); a document that cannot be read is one fault; nothing is fetched.

use super::super::api::Envelope;
use super::super::fault::Both;
use super::super::slip::Lexed;
use super::super::xml::{Event, Xml, decode};
use super::rows::{Judged, MOST, RowsAt};
use std::fmt::Write as _;
use std::path::Path;

/// One fault of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XsdFault {
    /// The element, as a path of local names from the payload's root.
    pub place: String,
    /// The rule that is broken, without a value.
    pub rule: Both,
}

/// Validates documents against one schema.
pub trait XsdValidator: Send + Sync + std::fmt::Debug {
    /// What is wrong with a document, or with the one element in its envelope's body; empty: nothing.
    fn faults(&self, document: &[u8], envelope: Envelope) -> Vec<XsdFault>;

    /// The same of a document whose rows are messages of their own: which rows are faulty, or that none can be judged alone.
    fn rows(&self, document: &[u8], envelope: Envelope, at: &RowsAt) -> Judged;
}

/// By the crate `uppsala`.
pub(super) struct Uppsala(uppsala::XsdValidator);

/// Compiles a schema, with what it includes and imports from `folder`; the error is a sentence for whoever wrote it.
pub(super) fn xsd_validator(schema: &str, folder: Option<&Path>) -> Result<Box<dyn XsdValidator>, String> {
    let doc = uppsala::parse(schema).map_err(|e| e.to_string())?;
    Ok(Box::new(Uppsala(uppsala::XsdValidator::from_schema_with_base_path(&doc, folder).map_err(|e| e.to_string())?)))
}

// === impl Uppsala ===

impl XsdValidator for Uppsala {
    fn faults(&self, document: &[u8], envelope: Envelope) -> Vec<XsdFault> {
        let Ok(Some(text)) = payload(document, envelope) else { return unreadable() };
        let Ok(doc) = uppsala::parse(&text) else { return unreadable() };
        self.told(&doc, None).into_iter().map(|(_, fault)| fault).collect()
    }

    fn rows(&self, document: &[u8], envelope: Envelope, at: &RowsAt) -> Judged {
        self.judge_rows(document, envelope, at)
    }
}

impl Uppsala {
    /// What is wrong with a document, each with the element it is about; `row`: one that stands for its place among others.
    pub(super) fn told(
        &self,
        doc: &uppsala::Document<'_>,
        row: Option<(uppsala::NodeId, usize)>,
    ) -> Vec<(Option<uppsala::NodeId>, XsdFault)> {
        let faults = self.0.validate(doc);
        let told = faults.iter().filter(|f| !counted_in_bytes(doc, f)).take(MOST).map(|f| {
            let at = element_at(doc, f);
            (at, XsdFault { place: place(doc, at, row), rule: rule(&f.message) })
        });
        let mut list: Vec<_> = told.collect();
        list.dedup();
        list
    }
}

impl std::fmt::Debug for Uppsala {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Uppsala")
    }
}

/// A document that is no XML.
pub(super) fn unreadable() -> Vec<XsdFault> {
    let rule = Both::new("không đọc được văn bản XML", "the document cannot be read as XML");
    vec![XsdFault { place: String::new(), rule }]
}

/// The document, or the element in the body of its envelope with the namespaces that hold there.
pub(super) fn payload(document: &[u8], envelope: Envelope) -> Lexed<Option<String>> {
    let text = decode(document)?;
    if envelope == Envelope::None {
        return Ok(Some(text.into_owned()));
    }
    let mut xml = Xml::new(&text);
    let mut body = false;
    loop {
        match xml.next()? {
            Event::Start(name) if xml.depth() == 2 => {
                body = name.local == "Body";
                if !body {
                    xml.skip()?;
                }
            }
            Event::Start(_) if xml.depth() == 3 && body => {
                let start = xml.last();
                let bindings: Vec<(&str, String)> = xml.bound().map(|(prefix, uri)| (prefix, uri.to_owned())).collect();
                let end_of_tag = xml.offset();
                xml.skip()?;
                let tag = text.get(start..end_of_tag).unwrap_or("");
                let name_end = tag.find([' ', '\t', '\n', '\r', '/', '>']).unwrap_or(tag.len());
                let mut out = tag.get(..name_end).unwrap_or("").to_owned();
                let mut said = Vec::new();
                // The innermost binding of a prefix holds; those of the tag itself stand in it already.
                for (prefix, uri) in bindings.iter().rev() {
                    let declares = if prefix.is_empty() { "xmlns=".to_owned() } else { format!("xmlns:{prefix}=") };
                    if *prefix == "xml" || said.contains(prefix) || tag.contains(&declares) || uri.is_empty() {
                        continue;
                    }
                    said.push(*prefix);
                    let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
                    let _ = write!(out, " {declares}\"{uri}\"");
                }
                out.push_str(text.get(start + name_end..xml.offset()).unwrap_or(""));
                return Ok(Some(out));
            }
            Event::Eof => return Ok(None),
            _ => {}
        }
    }
}

/// The element a fault is about.
fn element_at(doc: &uppsala::Document<'_>, fault: &uppsala::ValidationError) -> Option<uppsala::NodeId> {
    let (line, column) = fault.line.zip(fault.column)?;
    let here = |id: &uppsala::NodeId| doc.element(*id).is_some() && doc.node_line(*id) == line && doc.node_column(*id) == column;
    doc.descendants(doc.root()).into_iter().find(here)
}

/// The engine counts the length of texts in bytes (uppsala 0.12), XSD in characters: a Vietnamese text it finds too long is counted again.
/// (One too short in characters and not in bytes passes.)
fn counted_in_bytes(doc: &uppsala::Document<'_>, fault: &uppsala::ValidationError) -> bool {
    let numbers: Vec<usize> = fault.message.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    let ([bytes, most], true) = (numbers.as_slice(), fault.message.starts_with("Value length ")) else { return false };
    let Some(id) = element_at(doc, fault) else { return false };
    let attributes = doc.element(id).map(|e| e.attributes.iter().map(|a| a.value.to_string()).collect::<Vec<_>>());
    let fits = |text: &String| text.len() == *bytes && text.chars().count() <= *most;
    fault.message.contains("exceeds") && attributes.unwrap_or_default().iter().chain([&doc.text_content_deep(id)]).any(fits)
}

/// The path of an element, with the number of its row.
fn place(doc: &uppsala::Document<'_>, mut here: Option<uppsala::NodeId>, row: Option<(uppsala::NodeId, usize)>) -> String {
    let mut path = Vec::new();
    while let Some(id) = here {
        let number = row.filter(|(row, _)| *row == id).map_or(String::new(), |(_, index)| format!("[{}]", index + 1));
        path.extend(doc.element(id).map(|e| format!("{}{number}", e.name.local_name)));
        here = doc.parent(id);
    }
    path.reverse();
    path.join("/")
}

/// The broken rule. Sentences about names and order are the engine's own; those about values would show them.
fn rule(message: &str) -> Both {
    const OF_STRUCTURE: [&str; 14] = [
        "Required attribute ",
        "Required element ",
        "Unexpected element ",
        "Expected at least ",
        "Expected one of the choice alternatives",
        "Element should have empty content",
        "Simple content must not contain child elements",
        "Sequence must occur ",
        "Duplicate element ",
        "No element declaration ",
        "No global element declaration ",
        "Attribute ",
        "Type ",
        "Element reference ",
    ];
    let choice =
        message.ends_with("does not match any choice alternative") || message.ends_with("cannot appear in an instance document");
    if choice || OF_STRUCTURE.iter().any(|s| message.starts_with(s)) && !message.contains("value") {
        return Both::new(format!("không đúng cấu trúc của lược đồ XSD: {message}"), message.to_owned());
    }
    Both::new("giá trị không thuộc kiểu mà lược đồ XSD cho phép", "a value that its type in the schema does not allow")
}

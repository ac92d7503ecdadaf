//! The XML writer: deterministic, no indentation, the map's namespace as the default one.

use super::{Mark, Wire};
use crate::mapping::api::{Hole, Sparse};
use crate::mapping::convert::Lex;
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Compiled, Node, Plan};
use crate::mapping::xml_chars::bad_char;

/// XML on its way out.
pub(super) struct Out {
    bytes: Vec<u8>,
    /// For each open element: where its start tag can still take attributes (before its `>`), once it is closed by one.
    open: Vec<Open>,
    /// What the root element declares.
    declares: String,
    after: &'static str,
    hole: Option<usize>,
    /// Contents left out.
    holes: Vec<Hole>,
}

struct Open {
    /// The offset of the start tag's `>`, once written.
    gt: Option<usize>,
}

// === impl Out ===

impl Out {
    pub(super) fn new(map: &Compiled) -> Self {
        let mut bytes = Vec::with_capacity(8192);
        bytes.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>");
        let mut after = "";
        if let Some(ns) = map.envelope.namespace() {
            bytes.extend_from_slice(format!("<soap:Envelope xmlns:soap=\"{ns}\"><soap:Body>").as_bytes());
            after = "</soap:Body></soap:Envelope>";
        }
        let mut declares = String::new();
        let mut declare = |name: &str, uri: &str| {
            let mut escaped = Vec::new();
            escape_attribute(uri, &mut escaped);
            declares.push_str(&format!(" {name}=\"{}\"", String::from_utf8_lossy(&escaped)));
        };
        if !map.namespace.is_empty() {
            declare("xmlns", &map.namespace);
        }
        for (prefix, uri) in &map.prefixes {
            declare(&format!("xmlns:{prefix}"), uri);
        }
        Self { bytes, open: Vec::new(), declares, after, hole: None, holes: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Closes the start tag of the innermost open element.
    fn inside(&mut self) {
        if let Some(open) = self.open.last_mut()
            && open.gt.is_none()
        {
            open.gt = Some(self.bytes.len());
            self.bytes.push(b'>');
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let write = |out: &mut Vec<u8>| {
            for piece in [" ", name, "=\""] {
                out.extend_from_slice(piece.as_bytes());
            }
            escape_attribute(value, out);
            out.push(b'"');
        };
        match self.open.last_mut() {
            // A late attribute goes back into its start tag.
            Some(Open { gt: Some(gt) }) => {
                let mut text = Vec::new();
                write(&mut text);
                let at = *gt;
                *gt += text.len();
                if let Some(hole) = self.hole.as_mut().filter(|hole| **hole >= at) {
                    *hole += text.len();
                }
                self.holes.iter_mut().filter(|hole| hole.at >= at).for_each(|hole| hole.at += text.len());
                self.bytes.splice(at..at, text);
            }
            _ => write(&mut self.bytes),
        }
    }
}

impl Wire for Out {
    fn open(&mut self, node: &Node) {
        self.inside();
        self.push("<");
        self.push(&node.qname);
        let declares = std::mem::take(&mut self.declares);
        self.push(&declares);
        self.open.push(Open { gt: None });
    }

    fn close(&mut self, node: &Node) {
        if let Some(Open { gt: None }) = self.open.pop() {
            self.push("/>");
        } else {
            self.push("</");
            self.push(&node.qname);
            self.push(">");
        }
    }

    fn mark(&self) -> Mark {
        let flag = self.open.last().is_some_and(|o| o.gt.is_some());
        Mark { len: self.bytes.len(), flag, depth: self.open.len(), array: None, holes: self.holes.len() }
    }

    fn back_to(&mut self, mark: Mark) {
        self.bytes.truncate(mark.len);
        self.holes.truncate(mark.holes);
        self.open.truncate(mark.depth);
        if let (false, Some(open)) = (mark.flag, self.open.last_mut()) {
            open.gt = None;
        }
    }

    fn scalar(&mut self, node: &Node, lex: &Lex<'_>, here: bool) {
        if node.attribute {
            return self.attribute(&node.qname, &lex.text);
        }
        if !here {
            self.open(node);
        }
        if !lex.text.is_empty() {
            self.inside();
            escape_text(&lex.text, &mut self.bytes);
        }
        if !here {
            self.close(node);
        }
    }

    fn null(&mut self, node: &Node, here: bool) {
        if node.attribute {
            return;
        }
        if !here {
            self.open(node);
        }
        self.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
        self.attribute("xsi:nil", "true");
        if !here {
            self.close(node);
        }
    }

    fn empty(&mut self, node: &Node, _: &Lit) {
        self.open(node);
        self.close(node);
    }

    fn list_open(&mut self, _: &Node) {}

    fn list_close(&mut self, _: &Node) {}

    fn row_open(&mut self, _: &Plan, list: &Node) {
        self.open(list);
    }

    fn row_close(&mut self, _: &Plan, list: &Node) {
        self.close(list);
    }

    fn expect(&mut self, bytes: usize) {
        self.bytes.reserve_exact(bytes);
    }

    fn content(
        &mut self,
        node: &Node,
        here: bool,
        fill: impl FnOnce(&mut Vec<u8>, &mut Vec<Hole>) -> std::io::Result<u64>,
    ) -> std::io::Result<u64> {
        if !here {
            self.open(node);
        }
        self.inside();
        let size = fill(&mut self.bytes, &mut self.holes)?;
        if !here {
            self.close(node);
        }
        Ok(size)
    }

    fn hole(&mut self, node: &Node) {
        self.open(node);
        self.inside();
        self.hole = Some(self.bytes.len());
        self.close(node);
    }

    fn carries(&self, text: &str) -> bool {
        bad_char(text).is_none()
    }

    fn finish(mut self, seal: Option<&str>) -> Sparse {
        if let (Some(at), Some(seal)) = (self.hole, seal) {
            let mut text = Vec::new();
            escape_text(seal, &mut text);
            self.bytes.splice(at..at, text);
        }
        self.push(self.after);
        Sparse { text: self.bytes, holes: self.holes }
    }
}

/// Text of an element. A carriage return would not survive reading, so it is written as a reference.
pub(crate) fn escape_text(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

/// An attribute's value. Blanks other than the space would not survive reading.
fn escape_attribute(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

fn escape(text: &str, out: &mut Vec<u8>, by: impl Fn(u8) -> Option<&'static str>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if let Some(reference) = by(*byte) {
            out.extend_from_slice(bytes.get(from..at).unwrap_or(&[]));
            out.extend_from_slice(reference.as_bytes());
            from = at + 1;
        }
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or(&[]));
}

//! The JSON writer: deterministic, no blanks.

use super::{Mark, Wire};
use crate::mapping::api::{Hole, Sparse};
use crate::mapping::convert::{Lex, Tag};
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Node, Plan};
use crate::mapping::xml_chars::bad_char;

/// JSON on its way out.
pub(super) struct Out {
    bytes: Vec<u8>,
    /// Whether a comma must stand before the next member.
    comma: bool,
    depth: usize,
    hole: Option<usize>,
    /// Contents left out.
    holes: Vec<Hole>,
    /// The last array of items chosen by a member: which, and where it ended. What follows there goes on in it.
    array: Option<(usize, usize)>,
}

// === impl Out ===

impl Out {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(4096), comma: false, depth: 0, hole: None, holes: Vec::new(), array: None }
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn separate(&mut self) {
        if self.comma {
            self.bytes.push(b',');
        }
        self.comma = true;
    }

    fn key(&mut self, node: &Node, here: bool) {
        if here {
            return;
        }
        self.separate();
        if self.depth > 0 && !node.local.is_empty() {
            quote(&node.local, &mut self.bytes);
            self.bytes.push(b':');
        }
    }

    /// Begins the array of a node, or goes on in it.
    fn begin_array(&mut self, node: &Node) {
        if node.array > 0 && self.array == Some((node.array, self.bytes.len())) {
            let empty = self.bytes.ends_with(b"[]");
            self.bytes.pop();
            self.depth += 1;
            self.comma = !empty;
            return;
        }
        self.key(node, false);
        self.begin(b'[');
    }

    fn end_array(&mut self, node: &Node) {
        self.end(b']');
        if node.array > 0 {
            self.array = Some((node.array, self.bytes.len()));
        }
    }

    fn begin(&mut self, mark: u8) {
        self.bytes.push(mark);
        self.comma = false;
        self.depth += 1;
    }

    fn end(&mut self, mark: u8) {
        self.bytes.push(mark);
        self.comma = true;
        self.depth = self.depth.saturating_sub(1);
    }
}

impl Wire for Out {
    fn open(&mut self, node: &Node) {
        if node.array > 0 {
            self.begin_array(node);
            self.separate();
        } else {
            self.key(node, false);
        }
        self.begin(b'{');
    }

    fn close(&mut self, node: &Node) {
        self.end(b'}');
        if node.array > 0 {
            self.end_array(node);
        }
    }

    fn mark(&self) -> Mark {
        Mark { len: self.bytes.len(), flag: self.comma, depth: self.depth, array: self.array, holes: self.holes.len() }
    }

    fn back_to(&mut self, mark: Mark) {
        self.bytes.truncate(mark.len);
        self.holes.truncate(mark.holes);
        // Where an array was gone on with, its end was taken away.
        if let (Some((_, end)), Some(last)) = (mark.array, self.bytes.last_mut())
            && end == mark.len
        {
            *last = b']';
        }
        self.array = mark.array;
        self.comma = mark.flag;
        self.depth = mark.depth;
    }

    fn scalar(&mut self, node: &Node, lex: &Lex<'_>, here: bool) {
        self.key(node, here);
        match lex.tag {
            Tag::Text => quote(&lex.text, &mut self.bytes),
            Tag::Number | Tag::Bool => self.push(&lex.text),
        }
    }

    fn null(&mut self, node: &Node, here: bool) {
        self.key(node, here);
        self.push("null");
    }

    fn empty(&mut self, node: &Node, lit: &Lit) {
        self.key(node, false);
        self.push(if *lit == Lit::EmptyList { "[]" } else { "{}" });
    }

    fn list_open(&mut self, node: &Node) {
        self.begin_array(node);
    }

    fn list_close(&mut self, node: &Node) {
        self.end_array(node);
    }

    fn row_open(&mut self, plan: &Plan, _: &Node) {
        self.separate();
        if !plan.scalar {
            self.begin(b'{');
        }
    }

    fn row_close(&mut self, plan: &Plan, _: &Node) {
        if !plan.scalar {
            self.end(b'}');
        }
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
        self.key(node, here);
        self.bytes.push(b'"');
        let size = fill(&mut self.bytes, &mut self.holes)?;
        self.bytes.push(b'"');
        Ok(size)
    }

    fn hole(&mut self, node: &Node) {
        self.key(node, false);
        self.hole = Some(self.bytes.len());
    }

    fn carries(&self, text: &str) -> bool {
        // What reading refuses is not written.
        bad_char(text).is_none()
    }

    fn finish(mut self, seal: Option<&str>) -> Sparse {
        if let (Some(at), Some(seal)) = (self.hole, seal) {
            let mut text = Vec::with_capacity(seal.len() + 2);
            quote(seal, &mut text);
            self.bytes.splice(at..at, text);
        }
        Sparse { text: self.bytes, holes: self.holes }
    }
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            continue;
        }
        out.extend_from_slice(bytes.get(from..at).unwrap_or(&[]));
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
        from = at + 1;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or(&[]));
    out.push(b'"');
}

//! The form writer: `name=value` joined by `&`, in file order.

use super::{Mark, Wire};
use crate::mapping::api::{Hole, Sparse};
use crate::mapping::convert::Lex;
use crate::mapping::form::escape;
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Node, Plan};
use crate::mapping::xml_chars::bad_char;

/// A form on its way out.
pub(super) struct Out {
    bytes: Vec<u8>,
    hole: Option<usize>,
}

// === impl Out ===

impl Out {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(512), hole: None }
    }

    fn name(&mut self, node: &Node) {
        if !self.bytes.is_empty() {
            self.bytes.push(b'&');
        }
        escape(&node.local, &mut self.bytes);
        self.bytes.push(b'=');
    }
}

impl Wire for Out {
    fn open(&mut self, _: &Node) {}

    fn close(&mut self, _: &Node) {}

    fn mark(&self) -> Mark {
        Mark { len: self.bytes.len(), flag: false, depth: 0, array: None, holes: 0 }
    }

    fn back_to(&mut self, mark: Mark) {
        self.bytes.truncate(mark.len);
    }

    fn scalar(&mut self, node: &Node, lex: &Lex<'_>, _: bool) {
        self.name(node);
        escape(&lex.text, &mut self.bytes);
    }

    fn null(&mut self, node: &Node, _: bool) {
        self.name(node);
    }

    fn empty(&mut self, node: &Node, _: &Lit) {
        self.name(node);
    }

    fn list_open(&mut self, _: &Node) {}

    fn list_close(&mut self, _: &Node) {}

    fn row_open(&mut self, _: &Plan, _: &Node) {}

    fn row_close(&mut self, _: &Plan, _: &Node) {}

    fn expect(&mut self, _: usize) {}

    fn content(
        &mut self,
        _: &Node,
        _: bool,
        _: impl FnOnce(&mut Vec<u8>, &mut Vec<Hole>) -> std::io::Result<u64>,
    ) -> std::io::Result<u64> {
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "a form carries no contents"))
    }

    fn hole(&mut self, node: &Node) {
        self.name(node);
        self.hole = Some(self.bytes.len());
    }

    fn carries(&self, text: &str) -> bool {
        // What reading refuses is not written.
        bad_char(text).is_none()
    }

    fn finish(mut self, seal: Option<&str>) -> Sparse {
        if let (Some(at), Some(seal)) = (self.hole, seal) {
            let mut text = Vec::new();
            escape(seal, &mut text);
            self.bytes.splice(at..at, text);
        }
        Sparse { text: self.bytes, holes: Vec::new() }
    }
}

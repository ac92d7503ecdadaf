//! What most of a document is, read in one step each: the start tag that is expected here, and the text of an element up to its end.
//!
//! Both say what [`Xml::next`] would say, or say nothing and leave the reader where it stands. They take a sixth off the reading of a
//! small dossier (docs/performance.md).

use super::{MAX_DEPTH, MAX_TEXT, Ns, Open, Xml, blanks};
use crate::body::is_same;
use memchr::memchr2;

/// Blanks before a tag that are passed over here; more are counted by [`Xml::next`].
const FEW_BLANKS: usize = 256;

impl<'a> Xml<'a> {
    /// Whether the next thing is the start tag of this element, without attributes and with its parent's prefix; then it is read.
    /// `blanks_pass`: blanks before it are no text.
    pub(crate) fn expected(&mut self, ns: Ns, local: &str, blanks_pass: bool) -> bool {
        let Some(parent) = self.open.last().filter(|_| !self.end_pending && self.depth() < MAX_DEPTH) else { return false };
        let prefix = parent.name.get(..parent.prefix).unwrap_or("");
        let apart = if blanks_pass { blanks(self.bytes(self.at)) } else { 0 };
        let at = self.at + apart;
        let len = prefix.len() + local.len();
        let tag = self.bytes(at);
        if apart > FEW_BLANKS || tag.first() != Some(&b'<') || tag.get(1 + len) != Some(&b'>') {
            return false;
        }
        let Some(name) = self.src.get(at + 1..at + 1 + len) else { return false };
        let is_it =
            name.get(prefix.len()..).is_some_and(|own| is_same(own, local)) && (prefix.is_empty() || name.starts_with(prefix));
        if !is_it || self.resolve(prefix.trim_end_matches(':'), at).ok() != Some(ns) {
            return false;
        }
        let open = Open { name, prefix: prefix.len(), bindings: self.bindings.len() };
        self.open.push(open);
        self.attributes.clear();
        self.run = 0;
        (self.last, self.at) = (at, at + len + 2);
        true
    }

    /// The text of the element whose start tag was just read, if nothing else stands in it and it is as it is written; then it is read, and so
    /// is the end tag.
    pub(crate) fn plain_text(&mut self) -> Option<&'a str> {
        let name = self.open.last().filter(|_| !self.end_pending)?.name;
        let rest = self.bytes(self.at);
        let len = memchr2(b'<', b'&', rest).filter(|len| *len <= MAX_TEXT)?;
        let (text, tag) = rest.split_at_checked(len)?;
        let after = tag.strip_prefix(b"</")?.strip_prefix(name.as_bytes())?;
        let odd = text.iter().fold(false, |odd, b| odd | (*b == b'>') | (*b == b'\r'));
        if odd || after.first() != Some(&b'>') {
            return None;
        }
        let end = self.at + len;
        let text = self.src.get(self.at..end)?;
        (self.last, self.at) = (end, end + 2 + name.len() + 1);
        self.pop();
        Some(text)
    }
}

//! What most of a document is, read in one step each: the start tag that is expected here, and the text of an element up to its end.
//!
//! Both say what [`Xml::next`] would say, or say nothing and leave the reader where it stands. A third off the reading of a small
//! dossier (docs/performance.md).

use super::{MAX_DEPTH, MAX_TEXT, Ns, Open, Xml, blanks};
use crate::body::is_same;
use memchr::memchr2;

/// Blanks before a tag that are passed over here; more are counted by [`Xml::next`].
const FEW_BLANKS: usize = 256;
/// Bytes of a text that are looked at one by one.
const SHORT: usize = 24;

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
        let is_it = name.get(prefix.len()..).is_some_and(|own| is_same(own, local)) && (prefix.is_empty() || name.starts_with(prefix));
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
        let len = text_len(rest).filter(|len| *len <= MAX_TEXT)?;
        let after = rest.get(len..)?.strip_prefix(b"</")?.strip_prefix(name.as_bytes())?;
        if after.first() != Some(&b'>') {
            return None;
        }
        let end = self.at + len;
        let text = self.src.get(self.at..end)?;
        (self.last, self.at) = (end, end + 2 + name.len() + 1);
        self.pop();
        Some(text)
    }
}

/// How many bytes stand before the next `<`, if all of them are text as it is written: no `&`, and neither `>` nor CR, which need a look.
fn text_len(rest: &[u8]) -> Option<usize> {
    // Most texts are short: a search for a sign in many bytes at once is dearer than they are.
    let short = rest.iter().take(SHORT).position(|b| matches!(b, b'<' | b'&' | b'>' | b'\r'));
    let len = match short {
        Some(len) => len,
        None => memchr2(b'<', b'&', rest)?,
    };
    let odd = || rest.iter().take(len).fold(false, |odd, b| odd | (*b == b'>') | (*b == b'\r'));
    (rest.get(len) == Some(&b'<') && (short.is_some() || !odd())).then_some(len)
}

//! Contents and documents on their way out: plain, left out for later, or in an archive of one entry; bytes are made while they are written.

use super::{Cursor, Run, Wire, Written, get, write};
use crate::body::Value;
use crate::mapping::api::Hole;
use crate::mapping::archive::{is_entry_name, pack};
use crate::mapping::base64_stream::{Encoder, encode};
use crate::mapping::convert::{Chain, Entry, Lex};
use crate::mapping::fault::{Both, WriteFaultKind};
use crate::mapping::plan::{Compiled, Node, To};
use std::io;

/// Room is made ahead for no more of one content than this, bytes: its size is only what its message says.
const MOST_EXPECTED: u64 = 64 << 20;
/// Room for what stands around contents, bytes.
const AROUND: usize = 16 << 10;

impl<'w, W: Wire> Run<'w, W> {
    pub(super) fn content(
        &mut self,
        value: &'w Value,
        to: &To,
        chain: &Chain,
        node: &Node,
        here: bool,
        at: Cursor<'w, '_>,
    ) -> Written<()> {
        let blob = value.get("blob").and_then(Value::as_str).unwrap_or("");
        let said = value.get("size").and_then(Value::as_u64);
        let entry = self.entry(chain, node, at)?;
        let unread = |why: &str| self.fault(to, Some(node), at, WriteFaultKind::Content, broken(why));
        let (size, mut from) = self.contents.open(blob).map_err(|e| unread(&e.kind().to_string()))?;
        let said = said.unwrap_or(size);
        if size != said {
            return Err(unread(&format!("{size} bytes, not {said}")));
        }
        if self.large < u64::MAX && self.is_short() {
            self.large = u64::MAX;
        }
        if entry.is_none() && size >= self.large {
            let len = text_len(size);
            let later = self.wire.content(node, here, |text, holes| {
                holes.push(Hole { at: text.len(), len, from: Box::new(Encoder::new(from)) });
                Ok(size)
            });
            return later
                .map(|_| ())
                .map_err(|e| self.fault(to, Some(node), at, WriteFaultKind::Content, broken(&e.kind().to_string())));
        }
        self.make_room(size);
        let written = match &entry {
            None => self.wire.content(node, here, |text, _| encode(&mut *from, text)),
            Some(name) => self.wire.content(node, here, |text, _| packed(name, &mut *from, text)),
        };
        let text = match written {
            Ok(0) if node.empty_is_none && entry.is_none() => broken("0 bytes would read as none"),
            Ok(written) if written == said => return Ok(()),
            Ok(written) => broken(&format!("{written} bytes, not {said}")),
            Err(e) => broken(&e.kind().to_string()),
        };
        Err(self.fault(to, Some(node), at, WriteFaultKind::Content, text))
    }

    /// Whether the contents are together so short that the document is written whole.
    fn is_short(&mut self) -> bool {
        let whole = std::mem::take(&mut self.whole);
        whole > 0 && self.bodies.iter().map(|body| encoded_len(body, u64::MAX) as u64).sum::<u64>() < whole
    }

    /// With the first content that is not left out: room for all such, so that a long document is not copied while it grows. A large one
    /// stays only where it is packed, and has room made for itself.
    fn make_room(&mut self, size: u64) {
        let first = !std::mem::replace(&mut self.roomy, true);
        let own = if size >= self.large { expected(size) } else { 0 };
        if first || own > 0 {
            let all: usize = if first { self.bodies.iter().map(|body| encoded_len(body, self.large)).sum() } else { 0 };
            let bytes = all + own;
            // And for the lines around them: one byte too few would double it all.
            self.wire.expect(bytes + bytes / 64 + AROUND);
        }
    }

    /// The whole message by another mapping, as bytes or as text.
    pub(super) fn inner_document(
        &mut self,
        map: &Compiled,
        value: &'w Value,
        chain: &Chain,
        node: &Node,
        here: bool,
        at: Cursor<'w, '_>,
    ) -> Written<()> {
        let bytes = write(map, (&[value], &[]), self.ctx, self.contents, None).map_err(|mut fault| {
            fault.wire = format!("{} » {}", node.path, fault.wire);
            fault
        })?;
        let root = To::Own(Box::new([]));
        let entry = self.entry(chain, node, at)?;
        let written = match (&entry, chain.is_content()) {
            (Some(name), _) => self.wire.content(node, here, |text, _| packed(name, &mut bytes.as_slice(), text)),
            (None, true) => self.wire.content(node, here, |text, _| encode(&mut bytes.as_slice(), text)),
            (None, false) => {
                let text = String::from_utf8_lossy(&bytes);
                if !self.wire.carries(&text) {
                    let text = Both::new("văn bản bên trong không viết được ở đây", "the document inside cannot be written here");
                    return Err(self.fault(&root, Some(node), at, WriteFaultKind::Value, text));
                }
                self.scalar(node, &Lex::text(text), here);
                Ok(0)
            }
        };
        let told = |e: io::Error| self.fault(&root, Some(node), at, WriteFaultKind::Content, broken(&e.kind().to_string()));
        written.map(|_| ()).map_err(told)
    }

    /// What the entry of the archive is called; none: there is no archive.
    fn entry(&self, chain: &Chain, node: &Node, at: Cursor<'w, '_>) -> Written<Option<String>> {
        let (name, to) = match chain.entry() {
            None => return Ok(None),
            Some(Entry::Named(name)) => return Ok(Some(name.clone())),
            Some(Entry::Field(path)) => (get(at.frame.body, path).and_then(Value::as_str), To::Own(path.clone())),
        };
        match name {
            Some(name) if is_entry_name(name) => Ok(Some(name.to_owned())),
            Some(_) => {
                let text = Both::new(
                    "tên tệp không dùng được trong tệp zip (không được chứa / \\ : hay quá 255 byte)",
                    "not a name for a file in a zip (no / \\ : in it, 255 bytes at most)",
                );
                Err(self.fault(&to, Some(node), at, WriteFaultKind::Value, text))
            }
            None => Err(self.missing(&to, Some(node), at)),
        }
    }
}

/// An archive of one entry in base64, made while it is written; how many bytes the content had.
fn packed(name: &str, from: &mut dyn io::Read, text: &mut Vec<u8>) -> io::Result<u64> {
    let mut to = base64::write::EncoderWriter::new(text, &base64::engine::general_purpose::STANDARD);
    let size = pack(name, from, &mut to)?;
    to.finish()?;
    Ok(size)
}

/// The bytes of all contents in a value that are smaller than `large`, in base64.
fn encoded_len(value: &Value, large: u64) -> usize {
    match value {
        Value::Object(map) => match (map.get("blob"), map.get("size").and_then(Value::as_u64)) {
            (Some(_), Some(size)) => {
                if size < large {
                    expected(size)
                } else {
                    0
                }
            }
            _ => map.values().map(|value| encoded_len(value, large)).sum(),
        },
        Value::Array(rows) => rows.iter().map(|row| encoded_len(row, large)).sum(),
        _ => 0,
    }
}

/// How long a content's text will be, as far as room is made ahead.
fn expected(size: u64) -> usize {
    usize::try_from(text_len(size.min(MOST_EXPECTED))).unwrap_or(0)
}

/// How long so many bytes are in base64.
fn text_len(size: u64) -> u64 {
    size.div_ceil(3).saturating_mul(4)
}

fn broken(why: &str) -> Both {
    Both::new(format!("không đọc được nội dung tệp: {why}"), format!("the content cannot be read: {why}"))
}

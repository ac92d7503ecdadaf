//! Contents and documents on their way out: plain, or in an archive of one entry; bytes are made while they are written.

use super::{Cursor, Run, Wire, Written, get, write};
use crate::body::Value;
use crate::mapping::archive::{is_entry_name, pack};
use crate::mapping::convert::{Chain, Entry, Lex};
use crate::mapping::fault::{Both, WriteFaultKind};
use crate::mapping::plan::{Compiled, Node, To};
use std::io;

/// Room is made ahead for no more of one content than this, bytes: its size is only what its message says.
const MOST_EXPECTED: u64 = 64 << 20;
/// Room for what stands around contents, bytes.
const AROUND: usize = 16 << 10;

/// Writes bytes and tells how many the content had.
pub(super) type Fill<'f> = dyn FnMut(&mut dyn io::Write) -> io::Result<u64> + 'f;

/// Bytes in base64, made while they are written.
pub(super) fn encoded(out: &mut Vec<u8>, fill: &mut Fill<'_>) -> io::Result<u64> {
    let mut to = base64::write::EncoderWriter::new(out, &base64::engine::general_purpose::STANDARD);
    let size = fill(&mut to)?;
    to.finish()?;
    Ok(size)
}

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
        let size = value.get("size").and_then(Value::as_u64);
        let entry = self.entry(chain, node, at)?;
        let mut from = match self.contents.open(blob) {
            Ok(from) => from,
            Err(e) => return Err(self.fault(to, Some(node), at, WriteFaultKind::Content, broken(&e.kind().to_string()))),
        };
        self.make_room();
        let written = match &entry {
            None => self.wire.content(node, &mut *from, here),
            Some(name) => self.wire.packed(node, here, &mut |out| pack(name, &mut *from, out)),
        };
        let text = match written {
            Ok(0) if node.empty_is_none && entry.is_none() => broken("0 bytes would read as none"),
            Ok(written) if size.is_none_or(|size| size == written) => return Ok(()),
            Ok(written) => broken(&format!("{written} bytes, not {}", size.unwrap_or(0))),
            Err(e) => broken(&e.kind().to_string()),
        };
        Err(self.fault(to, Some(node), at, WriteFaultKind::Content, text))
    }

    /// With the first content: room for all of them, so that a long document is not copied while it grows.
    fn make_room(&mut self) {
        if !std::mem::replace(&mut self.roomy, true) {
            let bytes: usize = self.bodies.iter().map(|body| encoded_len(body)).sum();
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
            (Some(name), _) => self.wire.packed(node, here, &mut |out| pack(name, &mut bytes.as_slice(), out)),
            (None, true) => self.wire.content(node, &mut bytes.as_slice(), here),
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

/// The bytes of all contents in a value, in base64.
fn encoded_len(value: &Value) -> usize {
    match value {
        Value::Object(map) => match (map.get("blob"), map.get("size").and_then(Value::as_u64)) {
            (Some(_), Some(size)) => usize::try_from(size.min(MOST_EXPECTED)).unwrap_or(0).div_ceil(3) * 4,
            _ => map.values().map(encoded_len).sum(),
        },
        Value::Array(rows) => rows.iter().map(encoded_len).sum(),
        _ => 0,
    }
}

fn broken(why: &str) -> Both {
    Both::new(format!("không đọc được nội dung tệp: {why}"), format!("the content cannot be read: {why}"))
}

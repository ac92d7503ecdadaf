//! Archives and documents of a reading, once the rest of their frame is known.
//!
//! An archive counts when it has exactly one entry that is called as the mapping says; where the line also takes the content as it is, any
//! other bytes are that. A document is read by its own mapping into the same message: what both say must agree.

use super::eval::Eval;
use super::join::merge;
use super::{MOST_FAULTS, inside, store_takes};
use crate::body::Value;
use crate::mapping::archive::{self, LONGEST_DOCUMENT, Refused, is_entry_name, only_entry};
use crate::mapping::convert::{Chain, Entry};
use crate::mapping::fault::{Both, FaultKind, Found, Place, WireFault};
use crate::mapping::plan::To;
use crate::mapping::write::get;
use std::rc::Rc;

/// Bytes that stand for a content or a document.
pub(super) struct Packed<'a> {
    pub(super) to: &'a To,
    pub(super) alts: &'a [Chain],
    pub(super) bytes: Rc<Vec<u8>>,
    pub(super) path: &'a str,
    pub(super) at: usize,
}

/// What a chain finds in bytes.
enum Inside<'z> {
    /// The entry of an archive.
    Entry(archive::Entry<'z>),
    /// The bytes themselves.
    Plain,
}

impl<'a> Eval<'_, '_, 'a> {
    /// Contents whose archive's entry is called as another line of the frame says.
    pub(super) fn unpack(&mut self) {
        for packed in std::mem::take(&mut self.packed) {
            let Some((_, found)) = self.chosen(&packed) else { continue };
            let (sink, left) = (&mut *self.run.sink, &mut self.run.unpack);
            let taken = sink.begin().map_err(Refused::Taker).and_then(|()| match found {
                Inside::Entry(entry) => entry.unpack(left, &mut |piece| sink.piece(piece)),
                Inside::Plain => sink.piece(&packed.bytes).map_err(Refused::Taker),
            });
            match taken.and_then(|()| sink.end().map_err(Refused::Taker)) {
                Ok(content) => self.put(packed.to, content.value(), packed.path, packed.at),
                Err(refused) => self.refused(&packed, &refused),
            }
        }
    }

    /// Reads a document inside this one; what it says is of the same message.
    pub(super) fn document(&mut self, packed: &Packed<'a>) {
        let Some((chain, found)) = self.chosen(packed) else { return };
        let Some(map) = chain.document() else { return };
        let mut bytes = Vec::new();
        let mut left = self.run.unpack.min(LONGEST_DOCUMENT);
        let read = match found {
            Inside::Plain => Ok(&*packed.bytes),
            Inside::Entry(entry) => entry
                .unpack(&mut left, &mut |piece| {
                    bytes.extend_from_slice(piece);
                    Ok(())
                })
                .map(|()| &bytes),
        };
        let long = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.run.unpack = self.run.unpack.saturating_sub(long);
        let read = match read {
            Ok(bytes) => inside(map, bytes, self.run.ctx, &mut *self.run.sink, &mut self.run.unpack),
            Err(refused) => return self.refused(packed, &refused),
        };
        let outer = self.run.pointer(packed.path);
        match read {
            Ok((said, reported)) => {
                let named = reported.into_iter().map(|mut r| {
                    r.pointer = format!("{outer} » {}", r.pointer);
                    r
                });
                self.run.reported.extend(named);
                if !merge(&mut self.body, said.body) {
                    self.disagrees(packed.path, packed.at);
                }
                for (name, value) in said.context {
                    self.put(&To::Context(name), value, packed.path, packed.at);
                }
            }
            Err(faults) => {
                let room = MOST_FAULTS.saturating_sub(self.run.faults.len());
                let named: Vec<WireFault> =
                    faults.into_iter().take(room).map(|fault| self.within(&outer, packed.at, fault)).collect();
                self.run.faults.extend(named);
            }
        }
    }

    /// The chain by which the bytes are read; none: none fits, which is told.
    fn chosen<'z>(&mut self, packed: &'z Packed<'a>) -> Option<(&'a Chain, Inside<'z>)> {
        let mut fixed = String::new();
        for chain in packed.alts {
            let Some(entry) = chain.entry() else {
                // A document is no archive: one that is not as agreed is told as that.
                if chain.document().is_some() && packed.bytes.starts_with(b"PK") {
                    break;
                }
                return Some((chain, Inside::Plain));
            };
            let name = match entry {
                Entry::Named(name) => {
                    fixed = format!(" `{name}`");
                    Some(name.as_str())
                }
                Entry::Field(path) => get(&self.body, path).and_then(Value::as_str),
            };
            if name.is_some_and(|name| !is_entry_name(name)) {
                let expected = Both::new("tên tệp không có thư mục, dài tối đa 255 byte", "a plain file name, 255 bytes at most");
                self.run.fault(packed.path, packed.at, FaultKind::Content, expected, Found::Unsaid);
                return None;
            }
            if let Some(found) = only_entry(&packed.bytes).filter(|entry| name.is_some_and(|name| entry.is_called(name))) {
                return Some((chain, Inside::Entry(found)));
            }
        }
        let expected = Both::new(
            format!("tệp zip chỉ chứa đúng một tệp{fixed} mang tên đã khai ở đây"),
            format!("a zip of exactly one file{fixed}, called as it is said here"),
        );
        self.run.fault(packed.path, packed.at, FaultKind::Content, expected, Found::Unsaid);
        None
    }

    fn refused(&mut self, packed: &Packed<'a>, refused: &Refused) {
        let expected = match refused {
            Refused::Method => {
                Both::new("tệp zip không mã hóa, nén bằng deflate", "a zip that is not encrypted, packed by deflate")
            }
            Refused::Broken => Both::new("tệp zip nguyên vẹn", "a zip that is whole"),
            Refused::TooMuch => {
                Both::new("tệp zip có dung lượng giải nén trong giới hạn", "a zip that unpacks to no more than is allowed")
            }
            Refused::Taker(error) => store_takes(error),
        };
        self.run.fault(packed.path, packed.at, FaultKind::Content, expected, Found::Unsaid);
    }

    /// A fault of a document inside: at the place where that document stands, with its own place behind it.
    fn within(&self, outer: &str, at: usize, mut fault: WireFault) -> WireFault {
        let (line, column) = (fault.place.line, fault.place.column);
        let pointer = format!("{outer} » {} ({line}:{column})", fault.place.pointer);
        fault.place = Place::at(self.run.src, at, pointer);
        fault
    }
}

//! Zip archives of one entry, as contents travel in them: `… : zip(name) : base64`.
//!
//! An archive counts only when it has exactly one entry, a file; what that is called is text to compare, never a path. Unpacking is
//! bounded: by the ratio to what was sent, and by what its document may still unpack. Nothing here touches a file.

use super::convert::nfc;
use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::{CompressionMethod, Crc32Option, ZipArchive, ZipArchiveWriter, ZipDataWriterConfig};
use std::io::{self, Read, Write};

/// Unpacked, an entry may be so many times as long as packed, or [`SMALL`]: XML of much alike packs to a fiftieth, a bomb to a thousandth.
const RATIO: u64 = 200;
/// What may always be unpacked, bytes.
const SMALL: u64 = 1024 * 1024;
/// What one document may unpack in all, bytes.
pub(crate) const MOST_UNPACKED: u64 = 256 * 1024 * 1024;
/// How long a document inside may be unpacked, bytes: it is read in memory.
pub(crate) const LONGEST_DOCUMENT: u64 = 32 * 1024 * 1024;
const PIECE: usize = 32 * 1024;

/// The entry of an archive that has exactly one.
pub(crate) struct Entry<'z> {
    /// Its name as text; none: not UTF-8.
    pub(crate) name: Option<String>,
    packed: &'z [u8],
    method: CompressionMethod,
    encrypted: bool,
    claims: rawzip::ZipVerification,
}

/// Why an entry is not unpacked.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Encrypted, or packed by another method than deflate.
    Method,
    /// Not what its checksum says, or cut off.
    Broken,
    /// More than may be unpacked.
    TooMuch,
    /// Whoever takes the bytes does not.
    Taker(io::Error),
}

/// The only entry of an archive; none: this is no zip, or not of exactly one file.
pub(crate) fn only_entry(bytes: &[u8]) -> Option<Entry<'_>> {
    let archive = ZipArchive::from_slice(bytes).ok()?;
    let mut entries = archive.entries();
    let header = entries.next_entry().ok()??;
    if archive.entries_hint() != 1 || header.is_dir() || !matches!(entries.next_entry(), Ok(None)) {
        return None;
    }
    let name = std::str::from_utf8(header.file_path().as_bytes()).ok().map(|name| nfc(name).into_owned());
    let (method, encrypted) = (header.compression_method(), header.flags().is_encrypted());
    let entry = ZipArchive::from_slice(bytes).ok()?;
    let entry = entry.get_entry(header.wayfinder()).ok()?;
    let (from, to) = entry.compressed_data_range();
    let packed = bytes.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
    Some(Entry { name, packed, method, encrypted, claims: entry.claim_verifier() })
}

/// Whether a name can name an entry: a plain file name, no path.
pub(crate) fn is_entry_name(name: &str) -> bool {
    let plain = !name.contains(['/', '\\', ':', '\0']) && name.len() <= 255;
    plain && !name.is_empty() && !matches!(name, "." | "..") && ZipFilePath::from_str(name).as_str() == name
}

/// Packs a content into an archive of one entry; tells how many bytes the content had. Equal contents give equal archives: no times.
pub(crate) fn pack(name: &str, from: &mut dyn Read, to: &mut dyn Write) -> io::Result<u64> {
    let mut archive = ZipArchiveWriter::new(to);
    let entry = archive.new_file(EntryPath::conformant(name)).compression_method(CompressionMethod::DEFLATE);
    let (mut entry, config) = entry.crc32(Crc32Option::Calculate).start().map_err(io::Error::other)?;
    let (size, descriptor) = deflate(from, &mut entry, config)?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    archive.finish().map_err(io::Error::other)?;
    Ok(size)
}

fn deflate(
    from: &mut dyn Read,
    to: &mut dyn Write,
    config: ZipDataWriterConfig,
) -> io::Result<(u64, rawzip::DataDescriptorOutput)> {
    let encoder = flate2::write::DeflateEncoder::new(to, flate2::Compression::fast());
    let mut writer = config.wrap(encoder);
    let size = io::copy(from, &mut writer)?;
    let (encoder, descriptor) = writer.finish().map_err(io::Error::other)?;
    encoder.finish()?;
    Ok((size, descriptor))
}

// === impl Entry ===

impl Entry<'_> {
    /// Whether it is called so.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name.as_deref() == Some(&*nfc(name))
    }

    /// Gives its bytes in pieces; `left` is what may still be unpacked, and becomes less.
    pub(crate) fn unpack(&self, left: &mut u64, give: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), Refused> {
        if self.encrypted {
            return Err(Refused::Method);
        }
        let mut reader: Box<dyn Read + '_> = match self.method {
            CompressionMethod::STORE => Box::new(self.packed),
            CompressionMethod::DEFLATE => Box::new(flate2::bufread::DeflateDecoder::new(self.packed)),
            _ => return Err(Refused::Method),
        };
        let packed = u64::try_from(self.packed.len()).unwrap_or(u64::MAX);
        let most = packed.saturating_mul(RATIO).max(SMALL).min(*left);
        let (mut size, mut crc) = (0_u64, rawzip::Crc32::new());
        let mut piece = vec![0; PIECE];
        loop {
            let read = reader.read(&mut piece).map_err(|_| Refused::Broken)?;
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            size += u64::try_from(read).unwrap_or(u64::MAX);
            if size > most {
                return Err(Refused::TooMuch);
            }
            crc.update(bytes);
            give(bytes).map_err(Refused::Taker)?;
        }
        *left = left.saturating_sub(size);
        let found = rawzip::ZipVerification { crc: crc.checksum(), uncompressed_size: size };
        self.claims.valid(found).map_err(|_| Refused::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(pack(name, &mut &*bytes, &mut out).unwrap(), bytes.len() as u64);
        out
    }

    fn unpacked(zip: &[u8], mut left: u64) -> Result<Vec<u8>, Refused> {
        let mut out = Vec::new();
        let give = &mut |piece: &[u8]| {
            out.extend_from_slice(piece);
            Ok(())
        };
        only_entry(zip).unwrap().unpack(&mut left, give)?;
        Ok(out)
    }

    #[test]
    fn what_is_packed_is_unpacked_and_packed_again_the_same() {
        for bytes in [&b""[..], b"a", "Học bạ.pdf".repeat(9_000).as_bytes(), &[0x50, 0x4b, 5, 6, 0, 0]] {
            let zip = packed("học bạ 1.pdf", bytes);
            assert_eq!(packed("học bạ 1.pdf", bytes), zip);
            assert!(only_entry(&zip).unwrap().is_called("ho\u{323}c ba\u{323} 1.pdf"), "names are compared in their normal form");
            assert_eq!(unpacked(&zip, u64::MAX).unwrap(), bytes);
        }
    }

    #[test]
    fn only_an_archive_of_exactly_one_file_counts() {
        let two = {
            let mut out = Vec::new();
            let mut archive = ZipArchiveWriter::new(&mut out);
            for name in ["a", "b"] {
                let (mut entry, config) = archive.new_file(name).start().unwrap();
                let mut writer = config.wrap(&mut entry);
                writer.write_all(b"x").unwrap();
                let (_, descriptor) = writer.finish().unwrap();
                entry.finish(descriptor).unwrap();
            }
            archive.finish().unwrap();
            out
        };
        let empty = {
            let mut out = Vec::new();
            ZipArchiveWriter::new(&mut out).finish().unwrap();
            out
        };
        let folder = {
            let mut out = Vec::new();
            let mut archive = ZipArchiveWriter::new(&mut out);
            archive.new_dir("a/").create().unwrap();
            archive.finish().unwrap();
            out
        };
        for bytes in [&b""[..], b"%PDF-1.4", &two, &empty, &folder] {
            assert!(only_entry(bytes).is_none());
        }
        assert!(only_entry(&packed("a", b"x")).is_some());
    }

    #[test]
    fn a_bomb_is_not_unpacked_and_what_is_broken_is_refused() {
        let bomb = packed("a", &vec![0; 4 * 1024 * 1024]);
        assert!(bomb.len() < 32 * 1024, "{}", bomb.len());
        let mut most = 0;
        let mut left = u64::MAX;
        let refused = only_entry(&bomb).unwrap().unpack(&mut left, &mut |piece| {
            most += piece.len();
            Ok(())
        });
        let bound = (bomb.len() * 200).max(1024 * 1024);
        assert!(most <= bound && (bound >= 4 * 1024 * 1024 || matches!(refused, Err(Refused::TooMuch))), "{most} {bound}");
        assert!(
            matches!(unpacked(&packed("a", &[7; 1000]), 999), Err(Refused::TooMuch)),
            "what the document may unpack is used up"
        );
        let good = packed("a", b"a text that is long enough to be cut somewhere in its middle");
        for at in 0..good.len() {
            let mut broken = good.clone();
            broken[at] ^= 0x41;
            if let Some(entry) = only_entry(&broken) {
                let mut out = Vec::new();
                let told = entry.unpack(&mut u64::MAX.clone(), &mut |piece| {
                    out.extend_from_slice(piece);
                    Ok(())
                });
                assert!(told.is_err() || out == b"a text that is long enough to be cut somewhere in its middle", "byte {at}");
            }
        }
    }

    #[test]
    fn a_name_is_never_a_path() {
        for name in ["học bạ.pdf", "a b (1).docx", "..a", "a.", "🙂"] {
            assert!(is_entry_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "../a", "/etc/passwd", "a\\b", "C:a", "a\0", &"a".repeat(256)] {
            assert!(!is_entry_name(name), "{name}");
        }
    }
}

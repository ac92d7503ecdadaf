//! Base64 in pieces: text in, bytes out, and back. Standard alphabet with padding; blanks between are passed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const CHUNK: usize = 8 * 1024;

/// Decodes text that comes in pieces.
#[derive(Default)]
pub(crate) struct Decoder {
    held: Vec<u8>,
    out: Vec<u8>,
    closed: bool,
}

/// The text is not base64.
#[derive(Debug)]
pub(crate) struct NotBase64;

// === impl Decoder ===

impl Decoder {
    /// Takes a piece; gives the bytes decoded so far to `give`.
    pub(crate) fn piece<E>(
        &mut self,
        text: &str,
        give: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, NotBase64> {
        for byte in text.bytes().filter(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t')) {
            self.held.push(byte);
            if self.held.len() >= CHUNK
                && let Err(error) = self.flush(give)?
            {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// The end: everything held is decoded.
    pub(crate) fn end<E>(&mut self, give: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<Result<(), E>, NotBase64> {
        self.flush(give)
    }

    fn flush<E>(&mut self, give: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<Result<(), E>, NotBase64> {
        if self.held.is_empty() {
            return Ok(Ok(()));
        }
        // After padding nothing may follow.
        if self.closed {
            return Err(NotBase64);
        }
        self.closed = self.held.last() == Some(&b'=');
        self.out.clear();
        STANDARD.decode_vec(&self.held, &mut self.out).map_err(|_| NotBase64)?;
        self.held.clear();
        Ok(give(&self.out))
    }
}

/// Encodes a content into `out`, piece by piece.
pub(crate) fn encode(from: &mut dyn std::io::Read, out: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut buffer = vec![0; 3 * CHUNK];
    let mut text = String::new();
    let (mut filled, mut size) = (0, 0);
    loop {
        let room = buffer.get_mut(filled..).unwrap_or(&mut []);
        let read = from.read(room)?;
        filled += read;
        size += u64::try_from(read).unwrap_or(0);
        let whole = if read == 0 { filled } else { filled - filled % 3 };
        text.clear();
        STANDARD.encode_string(buffer.get(..whole).unwrap_or(&[]), &mut text);
        out.extend_from_slice(text.as_bytes());
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
        if read == 0 {
            return Ok(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&str]) -> Result<Vec<u8>, NotBase64> {
        let mut decoder = Decoder::default();
        let mut bytes = Vec::new();
        let mut give = |piece: &[u8]| -> Result<(), ()> {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        for piece in pieces {
            decoder.piece(piece, &mut give)?.unwrap();
        }
        decoder.end(&mut give)?.unwrap();
        Ok(bytes)
    }

    #[test]
    fn what_is_encoded_decodes_however_it_is_cut() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
        for len in [0, 1, 2, 3, 4, 8191, 8192, 8193, 24_576, 24_577, 100_000] {
            let mut text = Vec::new();
            assert_eq!(encode(&mut &bytes[..len], &mut text).unwrap(), len as u64);
            let text = String::from_utf8(text).unwrap();
            for cut in [1, 5, 1000, 100_000] {
                let pieces: Vec<&str> = text.as_bytes().chunks(cut).map(|c| std::str::from_utf8(c).unwrap()).collect();
                assert_eq!(decode(&pieces).unwrap(), bytes[..len], "{len} {cut}");
            }
        }
    }

    #[test]
    fn sloppy_base64_is_refused() {
        for text in ["A", "AA", "AAA", "AA=", "A===", "AAAA=", "AB==", "AA==AAAA", "A*==", "-_==", "AA==="] {
            assert!(decode(&[text]).is_err(), "{text}");
        }
        assert_eq!(decode(&[" QU\n", "JD "]).unwrap(), b"ABC");
    }
}

//! Base64 in pieces: text in, bytes out, and back. Standard alphabet with padding; blanks between are passed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;

const CHUNK: usize = 8 * 1024;

/// Decodes text that comes in pieces.
#[derive(Default)]
pub(crate) struct Decoder {
    held: Vec<u8>,
    out: Vec<u8>,
    closed: bool,
}

/// A content as its text, made while it is read; what it holds is made with the first piece.
pub(crate) struct Encoder<R> {
    from: R,
    raw: Vec<u8>,
    filled: usize,
    text: String,
    given: usize,
    size: u64,
    over: bool,
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

// === impl Encoder ===

impl<R: io::Read> Encoder<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, raw: Vec::new(), filled: 0, text: String::new(), given: 0, size: 0, over: false }
    }

    /// Makes the next piece of text; false: there is none.
    fn more(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.given = 0;
        self.raw.resize(3 * CHUNK, 0);
        while self.text.is_empty() && !self.over {
            let room = self.raw.get_mut(self.filled..).unwrap_or(&mut []);
            let read = self.from.read(room)?;
            self.filled += read;
            self.size += u64::try_from(read).unwrap_or(0);
            self.over = read == 0;
            let whole = if self.over { self.filled } else { self.filled - self.filled % 3 };
            STANDARD.encode_string(self.raw.get(..whole).unwrap_or(&[]), &mut self.text);
            self.raw.copy_within(whole..self.filled, 0);
            self.filled -= whole;
        }
        Ok(!self.text.is_empty())
    }
}

impl<R: io::Read> io::Read for Encoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() && !self.more()? {
            return Ok(0);
        }
        let mut rest = self.text.as_bytes().get(self.given..).unwrap_or(&[]);
        let given = rest.read(into)?;
        self.given += given;
        Ok(given)
    }
}

// === functions ===

/// Encodes a content into `out`, piece by piece; how many bytes it had.
pub(crate) fn encode(from: &mut dyn io::Read, out: &mut Vec<u8>) -> io::Result<u64> {
    let mut encoder = Encoder::new(from);
    while encoder.more()? {
        out.extend_from_slice(encoder.text.as_bytes());
    }
    Ok(encoder.size)
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
            let mut read = Vec::new();
            io::Read::read_to_end(&mut Encoder::new(&bytes[..len]), &mut read).unwrap();
            assert_eq!(read, text, "{len}");
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

//! Values as JSON text, straight into memory: what `Serialize` makes of them, byte for byte (a property says so), without a call for each
//! part of it.

use super::{Map, Value};

impl Value {
    /// Its text at the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => by_serde(number, out),
            Self::String(text) => write_text(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(map) => write_map(map, out),
        }
    }

    /// Its text; `room` is how many bytes it may be.
    #[must_use]
    pub fn written(&self, room: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(room);
        self.write(&mut out);
        out
    }
}

fn write_map(map: &Map, out: &mut Vec<u8>) {
    out.push(b'{');
    for (n, (name, value)) in map.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_text(name, out);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

/// Most texts have nothing to escape, which is seen many bytes at a time.
fn write_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().fold(false, |found, b| found | (b < b' ') | (b == b'"') | (b == b'\\')) {
        return by_serde(text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Texts and finite numbers into memory: cannot fail.
fn by_serde<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

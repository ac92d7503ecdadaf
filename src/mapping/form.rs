//! application/x-www-form-urlencoded, strictly: each name once, every `%` with two hex digits, UTF-8, nothing empty between `&`.

use super::fault::{FaultKind, Found, short};
use super::json::Keys;
use super::slip::{Lexed, MAX_TEXT, Slip};
use std::borrow::Cow;

/// One field with the offsets of its name and value.
pub(crate) struct Field<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
    pub(crate) at: usize,
    pub(crate) value_at: usize,
}

/// Decodes all fields.
pub(crate) fn decode(src: &str) -> Lexed<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut keys = Keys::default();
    let mut at = 0;
    if src.is_empty() {
        return Ok(fields);
    }
    for pair in src.split('&') {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Slip::syntax(at, "tên=giá trị", "name=value"));
        };
        let value_at = at + name.len() + 1;
        let field = Field { name: unescape(name, at)?, value: unescape(value, value_at)?, at, value_at };
        if field.value.len() > MAX_TEXT {
            return Err(Slip::too_long(value_at).under(|| short(&field.name).into()));
        }
        keys.add(field.name.clone(), at)?;
        fields.push(field);
        at += pair.len() + 1;
    }
    Ok(fields)
}

/// A form as an object of texts, as a JSON Schema of a form describes it; none: it is no form.
#[must_use]
pub fn form_object(bytes: &[u8]) -> Option<serde_json::Value> {
    let fields = decode(std::str::from_utf8(bytes).ok()?).ok()?;
    Some(fields.into_iter().map(|field| (field.name.into_owned(), serde_json::Value::from(field.value.into_owned()))).collect())
}

fn unescape(text: &str, at: usize) -> Lexed<Cow<'_, str>> {
    if let Some(odd) = text.bytes().position(|b| b <= b' ' || b == 0x7f) {
        return Err(Slip::syntax(at + odd, "ký tự đã mã hóa %", "characters encoded with %"));
    }
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes().enumerate();
    while let Some((n, byte)) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |c: Option<(usize, u8)>| c.and_then(|(_, c)| char::from(c).to_digit(16));
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let value = high.zip(low).and_then(|(h, l)| u8::try_from(h * 16 + l).ok());
                value.ok_or_else(|| Slip::syntax(at + n, "% và hai chữ số thập lục phân", "% and two hex digits"))?
            }
            other => other,
        });
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| Slip::found(at, FaultKind::Encoding, "UTF-8 hợp lệ", "valid UTF-8", Found::Unsaid))
}

/// Encodes one name or value.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(byte),
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["", "a b+c%&=é", "Phạm Thị", "🙂\n\t"] {
            let mut out = b"x=".to_vec();
            escape(text, &mut out);
            let out = String::from_utf8(out).unwrap();
            let fields = decode(&out).unwrap();
            assert_eq!((fields.len(), fields[0].value.as_ref()), (1, text), "{out}");
        }
    }

    #[test]
    fn a_sloppy_form_is_refused_at_its_place() {
        for (text, offset, kind) in [
            ("a=1&a=2", 4, FaultKind::Duplicate),
            ("a=1&%61=2", 4, FaultKind::Duplicate),
            ("a=1&&b=2", 4, FaultKind::Syntax),
            ("a=1&", 4, FaultKind::Syntax),
            ("=1", 0, FaultKind::Syntax),
            ("a", 0, FaultKind::Syntax),
            ("a=%4", 2, FaultKind::Syntax),
            ("a=%zz", 2, FaultKind::Syntax),
            ("a=%ff", 2, FaultKind::Encoding),
            ("a=b c", 3, FaultKind::Syntax),
        ] {
            let slip = decode(text).map(|_| ()).unwrap_err();
            assert_eq!((slip.0.offset, slip.0.kind), (offset, kind), "{text}");
        }
    }
}

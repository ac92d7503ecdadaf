//! Texts of an XML document as they are meant: line ends, attribute values; and what a comment may hold.

use super::slip::{Lexed, MAX_TEXT, Slip};
use super::xml_chars::entity;
use std::borrow::Cow;

/// Refuses a comment with `--` in it.
pub(super) fn comment(raw: &str, at: usize) -> Lexed<()> {
    let inside = raw.strip_prefix("<!--").and_then(|r| r.strip_suffix("-->"));
    match inside {
        Some(text) if !text.contains("--") && !text.ends_with('-') => Ok(()),
        _ => Err(Slip::syntax(at, "chú thích không chứa --", "a comment without --")),
    }
}

/// CR LF and CR become LF.
pub(super) fn line_ends(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') { Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(raw) }
}

/// Normalises an attribute's value: references resolved, blanks to spaces.
pub(super) fn attribute_value(raw: &str, at: usize) -> Lexed<Cow<'_, str>> {
    if raw.len() > MAX_TEXT {
        return Err(Slip::too_long(at));
    }
    if !raw.bytes().fold(false, |odd, b| odd | (b < b' ') | (b == b'&') | (b == b'<')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let here = at + raw.len() - rest.len();
        let mut used = c.len_utf8();
        match c {
            '<' => return Err(Slip::syntax(here, "&lt; thay cho < trong thuộc tính", "&lt; instead of < in an attribute")),
            '&' => {
                let name = rest.get(1..).and_then(|r| r.split_once(';')).map(|(name, _)| name);
                let resolved = name.and_then(|n| entity(n).map(|c| (n, c)));
                let Some((name, c)) = resolved else {
                    return Err(Slip::syntax(
                        here,
                        "amp, lt, gt, apos, quot hoặc tham chiếu ký tự",
                        "amp, lt, gt, apos, quot or a character reference",
                    ));
                };
                value.push(c);
                used = name.len() + 2;
            }
            '\r' if rest.starts_with("\r\n") => {
                value.push(' ');
                used = 2;
            }
            '\t' | '\n' | '\r' => value.push(' '),
            c => value.push(c),
        }
        rest = rest.get(used..).unwrap_or("");
    }
    Ok(Cow::Owned(value))
}

//! An XML document's bytes as text: its encoding, its declaration, characters that XML can carry.

use super::fault::{FaultKind, Found, short};
use super::slip::{Lexed, Slip, utf8};
use super::xml_chars::{bad_char, is_blank};
use std::borrow::Cow;

/// The document as UTF-8 text: from UTF-16 by its mark; a UTF-8 mark is cut off.
pub(crate) fn decode(bytes: &[u8]) -> Lexed<Cow<'_, str>> {
    let pairs = |rest: &[u8], little: bool| {
        let units: Vec<u16> = rest
            .chunks(2)
            .map(|pair| match pair {
                [a, b] if little => u16::from_le_bytes([*a, *b]),
                [a, b] => u16::from_be_bytes([*a, *b]),
                _ => 0xdfff,
            })
            .collect();
        String::from_utf16(&units).map_err(|_| Slip::new(0, FaultKind::Encoding, "UTF-16 hợp lệ", "valid UTF-16"))
    };
    let (text, wide) = match bytes {
        [0xff, 0xfe, rest @ ..] => (Cow::Owned(pairs(rest, true)?), true),
        [0xfe, 0xff, rest @ ..] => (Cow::Owned(pairs(rest, false)?), true),
        [0xef, 0xbb, 0xbf, rest @ ..] => (Cow::Borrowed(utf8(rest)?), false),
        _ => (Cow::Borrowed(utf8(bytes)?), false),
    };
    // First: a document that names another encoding is told that, not that its bytes look odd.
    declaration(&text, wide)?;
    if let Some(at) = bad_char(&text) {
        return Err(Slip::syntax(at, "ký tự mà XML mang được", "characters that XML can carry"));
    }
    Ok(text)
}

/// Checks `<?xml …?>` where it stands at the start.
fn declaration(text: &str, wide: bool) -> Lexed<()> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|r| r.starts_with(|c| is_blank(c) || c == '?')) else { return Ok(()) };
    let slip = || Slip::syntax(0, "khai báo <?xml version=\"1.0\"?> hợp lệ", "a valid declaration <?xml version=\"1.0\"?>");
    let (inside, _) = rest.split_once("?>").ok_or_else(slip)?;
    let mut rest = inside;
    let mut order = ["version", "encoding", "standalone"].into_iter();
    let mut seen_version = false;
    while !rest.trim_matches(is_blank).is_empty() {
        let trimmed = rest.trim_start_matches(is_blank);
        if trimmed.len() == rest.len() {
            return Err(slip());
        }
        let (name, after) = trimmed.split_once('=').ok_or_else(slip)?;
        let name = name.trim_end_matches(is_blank);
        order.find(|word| *word == name).ok_or_else(slip)?;
        let after = after.trim_start_matches(is_blank);
        let quote = after.chars().next().filter(|c| "'\"".contains(*c)).ok_or_else(slip)?;
        let (value, next) = after.get(1..).and_then(|a| a.split_once(quote)).ok_or_else(slip)?;
        let fits = match name {
            "version" => {
                seen_version = true;
                value.strip_prefix("1.").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            }
            "standalone" => matches!(value, "yes" | "no"),
            _ => {
                let known = if wide { "utf-16" } else { "utf-8" };
                if !value.eq_ignore_ascii_case(known) {
                    let found = Found::Name(short(value));
                    return Err(Slip::found(
                        0,
                        FaultKind::Encoding,
                        "UTF-8, hoặc UTF-16 có dấu BOM",
                        "UTF-8, or UTF-16 by its mark",
                        found,
                    ));
                }
                true
            }
        };
        if !fits {
            return Err(slip());
        }
        rest = next;
    }
    if seen_version { Ok(()) } else { Err(slip()) }
}

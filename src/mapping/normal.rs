//! The canonical normal form of scalars: text that is NFC and that every wire can carry, whole numbers and decimals in their one spelling.

use super::convert::Tag;
use super::json::number_len;
use super::pattern::{canonical_date, canonical_time};
use super::shapes::{Leaf, LeafKind};
use super::xml_chars::bad_char;
use crate::body::Value;
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// What is known of a text because its whole document was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// It has only characters that XML can carry.
    pub(super) carried: bool,
    /// It is NFC.
    pub(super) composed: bool,
}

/// A lexical text as the canonical value of a leaf.
pub(super) fn finish(leaf: &Leaf, tag: Tag, text: &str, known: Known) -> Option<Value> {
    Some(match leaf.kind {
        LeafKind::Integer => Value::from(whole(text)?),
        LeafKind::Boolean => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return None,
        },
        LeafKind::Decimal => decimal(text)?.into(),
        LeafKind::Time => canonical_time(text)?.into(),
        LeafKind::Date => canonical_date(text).map(|_| text.into())?,
        LeafKind::Content => return None,
        LeafKind::Text => {
            if leaf.words.as_ref().is_some_and(|words| !words.iter().any(|w| w == text)) {
                return None;
            }
            plain(text, known)?
        }
        LeafKind::Any => match tag {
            Tag::Bool => Value::Bool(text == "true"),
            Tag::Number => whole(text).map_or_else(|| text.into(), Value::from),
            Tag::Text => plain(text, known)?,
        },
    })
}

/// A whole number in its one spelling.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let one_spelling = digits.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !digits.starts_with('0'));
    if one_spelling { text.parse().ok() } else { None }
}

/// A decimal without trailing zeros; no exponent, no leading zeros.
fn decimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && number_len(digits.as_bytes()) == Some(digits.len());
    if !plain {
        return None;
    }
    let short = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let sign = if text.starts_with('-') && short != "0" { "-" } else { "" };
    Some(format!("{sign}{short}"))
}

/// NFC text that every wire can carry.
fn plain(text: &str, known: Known) -> Option<Value> {
    if text.is_empty() || !known.carried && bad_char(text).is_some() {
        return None;
    }
    Some(if known.composed || is_nfc(text) { Value::from(text) } else { text.nfc().collect::<String>().into() })
}

/// Canonical text is NFC.
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

fn is_nfc(text: &str) -> bool {
    text.is_ascii() || is_vietnamese(text) || is_nfc_quick(text.chars()) == IsNormalized::Yes
}

/// Whether a text has only characters below U+0300 and of U+1E00–U+1EFF, as Vietnamese in its composed form has: all of them are NFC.
pub(super) fn is_vietnamese(text: &str) -> bool {
    let bytes = text.as_bytes();
    // UTF-8: C2…CB begin U+0080–U+02FF, E1 B8…BB U+1E00–U+1EFF; 80…BF are what follows, so no text ends with what begins a character.
    // Without a branch, so that many bytes are looked at together.
    let other = |(byte, next): (&u8, &u8)| (*byte >= 0xcc) & !((*byte == 0xe1) & (*next & 0xfc == 0xb8));
    !bytes.iter().zip(bytes.get(1..).unwrap_or_default()).fold(false, |found, pair| found | other(pair))
}

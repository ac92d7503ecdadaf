//! Characters and names of XML 1.0 (5th edition): tables and scans, nothing else.

/// Whether XML may carry the character.
pub(crate) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// The offset of the first character that XML cannot carry.
pub(crate) fn bad_char(text: &str) -> Option<usize> {
    const CHUNK: usize = 64;
    let bytes = text.as_bytes();
    // Most chunks have nothing that could be bad: that is seen without a branch a byte.
    let odd = |chunk: &[u8]| chunk.iter().fold(false, |odd, b| odd | (*b < 0x20) | (*b == 0xef));
    let suspicious = bytes.chunks(CHUNK).enumerate().filter(|(_, chunk)| odd(chunk));
    suspicious.flat_map(|(n, chunk)| (n * CHUNK..).zip(chunk)).find_map(|(at, byte)| match byte {
        0..=8 | 11 | 12 | 14..=31 => Some(at),
        // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
        0xef if matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) => Some(at),
        _ => None,
    })
}

pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn goes_on_name(c: char) -> bool {
    starts_name(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// A name without a colon.
pub(crate) fn is_ncname(name: &str) -> bool {
    // Names of wires are mostly of plain letters.
    if let [first, rest @ ..] = name.as_bytes()
        && (first.is_ascii_alphabetic() || *first == b'_')
        && rest.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(goes_on_name)
}

/// `prefix:local` or `local`, both names without colon.
pub(crate) fn split_qname(name: &str) -> Option<(&str, &str)> {
    let colon = name.bytes().position(|b| b == b':');
    match colon.and_then(|at| Some((name.get(..at)?, name.get(at + 1..)?))) {
        None => is_ncname(name).then_some(("", name)),
        Some((prefix, local)) => (is_ncname(prefix) && is_ncname(local)).then_some((prefix, local)),
    }
}

/// The character of `&name;` or `&#…;`: one of the five, or a reference to a character XML may carry.
pub(crate) fn entity(name: &str) -> Option<char> {
    let code = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => name.strip_prefix('#')?,
    };
    let value = match code.strip_prefix('x') {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()) => code.parse(),
        _ => return None,
    };
    value.ok().and_then(char::from_u32).filter(|c| is_char(*c))
}

//! Where one piece of an XML document ends and the next begins. Pure cutting: what a piece may hold is [`super::xml`]'s matter.
//!
//! A library's events (quick-xml) stood here before; the strict reader had to go over each of them again for what it does not check.
//! One pass instead of two takes a fifth off a reading (docs/performance.md). Against whom it is held: the W3C suite, roxmltree, uppsala.

use memchr::{memchr, memchr2, memchr3, memmem};

/// What begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// `<` and no sign that makes it something else.
    Start,
    /// `</`
    End,
    /// Up to the next `<` or `&`.
    Text,
    CData,
    /// `&…;`; a lone `&` is one too.
    Reference,
    Comment,
    Instruction,
    /// `<?xml `, wherever it stands.
    Declaration,
    DocType,
    /// Something that begins with `<!` or `<?` and does not end, or is nothing of XML.
    Broken,
    Eof,
}

/// The token at the start of `rest`, and its length in bytes; of start and end tags that of the sign alone.
pub(crate) fn token(rest: &[u8]) -> (Token, usize) {
    match rest {
        [] => (Token::Eof, 0),
        [b'<', b'/', ..] => (Token::End, 2),
        [b'<', b'!', ..] => declared(rest),
        [b'<', b'?', inside @ ..] => {
            let is_declaration = matches!(inside, [b'x', b'm', b'l', b' ' | b'\t' | b'\r' | b'\n' | b'?', ..]);
            closed(rest, 2, b"?>", if is_declaration { Token::Declaration } else { Token::Instruction })
        }
        [b'<', ..] => (Token::Start, 1),
        [b'&', name @ ..] => match memchr3(b';', b'<', b'&', name) {
            Some(end) if name.get(end) == Some(&b';') => (Token::Reference, end + 2),
            _ => (Token::Reference, 1),
        },
        _ => (Token::Text, memchr2(b'<', b'&', rest).unwrap_or(rest.len())),
    }
}

fn declared(rest: &[u8]) -> (Token, usize) {
    if rest.starts_with(b"<!--") {
        return closed(rest, 4, b"-->", Token::Comment);
    }
    if rest.starts_with(b"<![CDATA[") {
        return closed(rest, 9, b"]]>", Token::CData);
    }
    let is_doctype = rest.get(2..9).is_some_and(|word| word.eq_ignore_ascii_case(b"DOCTYPE"));
    (if is_doctype { Token::DocType } else { Token::Broken }, 2)
}

/// Up to and with `end`, looked for after the first `from` bytes.
fn closed(rest: &[u8], from: usize, end: &[u8], token: Token) -> (Token, usize) {
    match rest.get(from..).and_then(|inside| memmem::find(inside, end)) {
        Some(len) => (token, from + len + end.len()),
        None => (Token::Broken, rest.len()),
    }
}

/// How many bytes could be a name with its prefix, and whether they are a plain one: ASCII letters, digits, `_ - .`, and no colon.
pub(crate) fn name_run(rest: &[u8]) -> (usize, bool) {
    let mut all = 0;
    let mut len = 0;
    for byte in rest {
        match CLASS.get(usize::from(*byte)) {
            Some(class) if *class != 0 => all |= class,
            _ => break,
        }
        len += 1;
    }
    let starts = rest.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    (len, all == PLAIN && starts)
}

/// How many blanks stand first.
pub(crate) fn blanks(rest: &[u8]) -> usize {
    rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// The text up to a quote, if one follows.
pub(crate) fn until(rest: &str, quote: u8) -> Option<&str> {
    memchr(quote, rest.as_bytes()).and_then(|end| rest.get(..end))
}

const PLAIN: u8 = 1;
/// A colon, or a piece of a character beyond ASCII: the name is to be looked at closely.
const CLOSELY: u8 = 2;

/// Bytes that can stand in a name.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let b = byte as u8;
        #[expect(clippy::indexing_slicing, reason = "below 256; evaluated by the compiler")]
        {
            table[byte] = if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.') {
                PLAIN
            } else if b == b':' || b >= 0x80 {
                CLOSELY
            } else {
                0
            };
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_sign_begins_what_it_begins_and_ends_where_that_ends() {
        for (text, want, len) in [
            ("", Token::Eof, 0),
            ("abc<d>", Token::Text, 3),
            ("ế & x", Token::Text, 4),
            ("no mark at all", Token::Text, 14),
            ("<a>", Token::Start, 1),
            ("</a>", Token::End, 2),
            ("&amp;x", Token::Reference, 5),
            ("&amp", Token::Reference, 1),
            ("&a<b>;", Token::Reference, 1),
            ("<!-- a > b --> c", Token::Comment, 14),
            ("<!-->-->", Token::Comment, 8),
            ("<!-->", Token::Broken, 5),
            ("<![CDATA[<a>]] ]]>x", Token::CData, 18),
            ("<![CDATA[]]", Token::Broken, 11),
            ("<![cdata[]]>", Token::Broken, 2),
            ("<?a b?>c", Token::Instruction, 7),
            ("<?xml-stylesheet?>", Token::Instruction, 18),
            ("<?xml version='1.0'?>", Token::Declaration, 21),
            ("<?xml ", Token::Broken, 6),
            ("<!DOCTYPE a>", Token::DocType, 2),
            ("<!doctype a>", Token::DocType, 2),
            ("<!ELEMENT a>", Token::Broken, 2),
        ] {
            assert_eq!(token(text.as_bytes()), (want, len), "{text}");
        }
    }

    #[test]
    fn a_plain_name_needs_no_closer_look_and_any_other_does() {
        for (text, want) in [
            ("Ten>", (3, true)),
            ("_a-b.c9=", (7, true)),
            ("p:Ten>", (5, false)),
            ("đây>", ("đây".len(), false)),
            ("1a", (2, false)),
            ("-a", (2, false)),
            ("", (0, false)),
            (" a", (0, false)),
        ] {
            assert_eq!(name_run(text.as_bytes()), want, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever stands there: reading goes on, stays inside, and never cuts a character.
        #[test]
        fn tokens_go_on_and_end_between_characters(text in "[<>&;!?/=\"'\\-\\[\\]a-cCDAT ếđ\u{1f600}]{0,40}") {
            let mut at = 0;
            loop {
                let (kind, len) = token(&text.as_bytes()[at..]);
                if kind == Token::Eof {
                    prop_assert_eq!(at, text.len());
                    break;
                }
                prop_assert!(len > 0 && text.is_char_boundary(at + len), "{:?} of {} at {}", kind, len, at);
                at += len;
            }
        }
    }
}

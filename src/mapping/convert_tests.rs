//! Conversions: hard values keep their spelling or are refused.

use super::*;
use crate::body::json;
use crate::mapping::normal::is_vietnamese;
use unicode_normalization::{IsNormalized, is_nfc_quick};

fn chain(kind: LeafKind, links: Vec<Conv>, typing: Typing) -> Chain {
    Chain { links, leaf: Leaf { kind, ..Leaf::default() }, lossy: false, typing }
}

fn lex(tag: Tag, text: &str) -> Lex<'_> {
    Lex { tag, text: Cow::Borrowed(text) }
}

#[test]
fn hard_values_keep_their_spelling_or_are_refused() {
    use LeafKind::{Boolean, Date, Decimal, Integer, Text};
    use Tag::{Bool, Number};
    let json = Typing::Json;
    for (kind, links, tag, wire, want) in [
        (Text, vec![], Tag::Text, "0004521", Some(json!("0004521"))),
        (Text, vec![], Number, "4521", None),
        (Text, vec![], Bool, "true", None),
        (Text, vec![], Tag::Text, "true", Some(json!("true"))),
        (Text, vec![], Tag::Text, "5237E8", Some(json!("5237E8"))),
        (Text, vec![], Tag::Text, "a\u{0}b", None),
        (Text, vec![], Tag::Text, " a ", Some(json!(" a "))),
        (Text, vec![], Tag::Text, "Pha\u{323}m Thi\u{323}", Some(json!("Phạm Thị"))),
        (Integer, vec![], Number, "9007199254740993", Some(json!(9_007_199_254_740_993_i64))),
        (Integer, vec![], Number, "9223372036854775808", None),
        (Integer, vec![], Number, "1.0", None),
        (Integer, vec![], Number, "1.5e5", None),
        (Integer, vec![], Tag::Text, "150000", None),
        (Integer, vec![Conv::Text], Tag::Text, "150000", Some(json!(150_000))),
        (Integer, vec![Conv::Text], Tag::Text, "0150000", None),
        (Integer, vec![Conv::Text], Number, "150000", None),
        (Integer, vec![Conv::Number], Number, "150000", Some(json!(150_000))),
        (Decimal, vec![], Tag::Text, "1.10", Some(json!("1.1"))),
        (Decimal, vec![], Tag::Text, "25.0000", Some(json!("25"))),
        (Decimal, vec![], Tag::Text, "-0.0", Some(json!("0"))),
        (Decimal, vec![], Tag::Text, "5237E8", None),
        (Decimal, vec![], Tag::Text, "01.5", None),
        (Decimal, vec![Conv::Number], Number, "8.250", Some(json!("8.25"))),
        (Decimal, vec![Conv::Number], Number, "12345678901234567890.5", Some(json!("12345678901234567890.5"))),
        (Boolean, vec![], Bool, "true", Some(json!(true))),
        (Boolean, vec![], Tag::Text, "true", None),
        (Date, vec![], Tag::Text, "2001-02-29", None),
        (Boolean, vec![Conv::Flag(Lit::Integer("1".into()), Lit::Integer("0".into()))], Number, "0", Some(json!(false))),
        (Boolean, vec![Conv::Flag(Lit::Integer("1".into()), Lit::Integer("0".into()))], Tag::Text, "0", None),
    ] {
        let got = chain(kind, links, json).back(&lex(tag, wire)).ok();
        assert_eq!(got, want, "{kind:?} {wire}");
    }
}

#[test]
fn in_xml_blanks_around_numbers_do_not_count_but_in_text_they_do() {
    let read = |kind, text| chain(kind, vec![], Typing::Xml).back(&lex(Tag::Text, text)).ok();
    assert_eq!(read(LeafKind::Integer, " 5\n"), Some(json!(5)));
    assert_eq!(read(LeafKind::Text, " 5 "), Some(json!(" 5 ")));
    assert_eq!(read(LeafKind::Boolean, "1"), None);
}

#[test]
fn the_quick_look_at_vietnamese_takes_only_characters_that_are_nfc() {
    let mut taken = 0;
    for c in '\u{1}'..=char::MAX {
        let text = c.to_string();
        if is_vietnamese(&text) {
            taken += 1;
            assert_eq!(is_nfc_quick(text.chars()), IsNormalized::Yes, "{c:?}");
        }
    }
    assert_eq!(taken, 0x2ff + 0x100);
    assert!(is_vietnamese("Nguyễn Thị Bích Ngọc, phường Láng Thượng, 12 Đường Đê"));
    assert!(!is_vietnamese("e\u{301}") && !is_vietnamese("\u{1100}") && !is_vietnamese("🙂"));
}

#[test]
fn what_is_written_reads_back() {
    let join = chain(LeafKind::Text, vec![Conv::Join(",".into())], Typing::Json);
    let value = json!(["a", "b"]);
    assert_eq!(join.out(&value), Some(Lex::text("a,b")));
    assert_eq!(join.back(&Lex::text("a,b")).unwrap(), value);
    assert_eq!(join.out(&json!(["a,b"])), None);
    let number = chain(LeafKind::Decimal, vec![Conv::Number], Typing::Json);
    assert_eq!(number.out(&json!("8.25")), Some(lex(Tag::Number, "8.25")));
}

//! The tokenizer of JSON: what it takes, what it refuses, and where.

use super::*;

fn check(text: &str) -> Result<(), (usize, FaultKind)> {
    let mut json = Json::new(text);
    json.skip().and_then(|()| json.end()).map_err(|slip| (slip.0.offset, slip.0.kind))
}

#[test]
fn everything_serde_json_takes_without_duplicates_is_taken() {
    let long = format!("[{}]", vec!["1"; 1000].join(","));
    for text in [
        "{}",
        "[]",
        " [ 1 , -0.5e+3 , \"a\\u00e9\\ud83d\\ude00\\n\" , true , false , null ] ",
        "{\"a\":{\"a\":1},\"b\":[{}]}",
        &long,
        "0",
        "\"x\"",
    ] {
        assert!(serde_json::from_str::<crate::body::Value>(text).is_ok(), "{text}");
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused_at_its_place() {
    let deep = "[".repeat(65);
    let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    let many = format!("{{{},\"k7\":0}}", many.join(","));
    for (text, offset, kind) in [
        ("", 0, FaultKind::Syntax),
        ("{\"a\":1,\"a\":2}", 7, FaultKind::Duplicate),
        ("{\"a\":1,\"\\u0061\":2}", 7, FaultKind::Duplicate),
        ("[{\"x\":{\"b\":1,\"b\":1}}]", 13, FaultKind::Duplicate),
        (&many, many.len() - 7, FaultKind::Duplicate),
        ("{} x", 3, FaultKind::Syntax),
        ("{\"a\":1,}", 7, FaultKind::Syntax),
        ("[1,]", 3, FaultKind::Syntax),
        ("[1 2]", 3, FaultKind::Syntax),
        ("{a:1}", 1, FaultKind::Syntax),
        ("{\"a\" 1}", 5, FaultKind::Syntax),
        ("01", 1, FaultKind::Syntax),
        ("[01]", 1, FaultKind::Syntax),
        ("[1.]", 1, FaultKind::Syntax),
        ("[.5]", 1, FaultKind::Syntax),
        ("[+1]", 1, FaultKind::Syntax),
        ("[NaN]", 1, FaultKind::Syntax),
        ("[truex]", 1, FaultKind::Syntax),
        ("\"\\ud800\"", 1, FaultKind::Syntax),
        ("\"\\udc00\\ud800\"", 1, FaultKind::Syntax),
        ("\"\\ud800\\u0041\"", 1, FaultKind::Syntax),
        ("\"\\u12g4\"", 1, FaultKind::Syntax),
        ("\"\\x\"", 1, FaultKind::Syntax),
        ("\"a\nb\"", 2, FaultKind::Syntax),
        ("\"open", 5, FaultKind::Syntax),
        ("\u{feff}{}", 0, FaultKind::Syntax),
        (&deep, 64, FaultKind::Limit),
    ] {
        assert!(serde_json::from_str::<crate::body::Value>(text).is_err() || kind != FaultKind::Syntax, "{text}");
        let want = if text == "01" { Err((0, kind)) } else { Err((offset, kind)) };
        assert_eq!(check(text), want, "{text}");
    }
}

#[test]
fn a_number_keeps_its_token_and_a_text_its_characters() {
    let mut json = Json::new("1234567890123456789.10e5");
    assert_eq!(json.number().unwrap(), "1234567890123456789.10e5");
    let mut json = Json::new("\"\\u1ea1\\\"\\/\"");
    assert_eq!(json.text().unwrap(), "ạ\"/");
}

#[test]
fn a_text_is_bounded_but_pieces_are_not() {
    let long = format!("\"{}\"", "x".repeat(MAX_TEXT + 1));
    assert_eq!(Json::new(&long).text().unwrap_err().0.kind, FaultKind::Limit);
    let mut size = 0;
    let escaped = format!("\"{}\\/{}\"", "x".repeat(70_000), "y".repeat(70_000));
    Json::new(&escaped)
        .text_pieces(&mut |_, piece| {
            size += piece.len();
            Ok(())
        })
        .unwrap();
    assert_eq!(size, 140_001);
}

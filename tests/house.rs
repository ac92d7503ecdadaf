//! The house rules as a test: who may import whom, and what may not stand in `src/`.
//!
//! Always holds: every rule is a pure function from a file's path and text to findings, and has a self-test on a planted text, so that
//! it is known to be able to fail. The table below is the one of ARCHITECTURE.md; a room not in it is a finding, and so is an arrow that
//! does not go down. Not here: what a room does (its own tests), style (rustfmt, clippy).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test: what cannot be read is a failure"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The table of arrows: floor, room, and the rooms it imports. All of them stand on floors below its own (rooms of one floor do not know
/// each other), and each arrow is used: a new one is added here on purpose, with a thought. `simulator` is a stranger and has no floor.
const ROOMS: &[(u8, &str, &[&str])] = &[
    (9, "cli", &["app", "body", "catalogue", "clock", "config", "journal", "mapping", "model", "planted", "seal", "simulator"]),
    (
        8,
        "app",
        &[
            "body",
            "catalogue",
            "clock",
            "config",
            "delivery",
            "dispatch",
            "exchange",
            "http",
            "intake",
            "journal",
            "model",
            "partner",
            "planted",
            "seal",
            "settlement",
        ],
    ),
    (
        7,
        "http",
        &["body", "catalogue", "clock", "config", "delivery", "exchange", "intake", "journal", "model", "seal", "settlement"],
    ),
    (6, "intake", &["body", "catalogue", "clock", "config", "exchange", "journal", "mapping", "model", "seal"]),
    (6, "settlement", &["body", "catalogue", "clock", "exchange", "journal", "model", "seal"]),
    (
        6,
        "dispatch",
        &["body", "catalogue", "clock", "delivery", "exchange", "journal", "mapping", "model", "partner", "planted", "seal"],
    ),
    (5, "exchange", &["body", "catalogue", "clock", "journal", "model", "planted", "seal"]),
    (4, "catalogue", &["body", "clock", "config", "delivery", "mapping", "model", "seal"]),
    (4, "journal", &["body", "clock", "delivery", "model", "planted", "seal"]),
    (4, "partner", &["clock", "seal"]),
    (3, "mapping", &["body", "clock", "seal"]),
    (3, "delivery", &["clock", "planted"]),
    (3, "config", &["seal"]),
    (2, "model", &["body", "clock", "seal"]),
    (1, "body", &[]),
    (1, "clock", &[]),
    (1, "seal", &[]),
    (1, "planted", &[]),
];

/// Arrows that would go down and are forbidden all the same.
const NEVERS: &[(&str, &str, &str)] = &[
    ("http", "dispatch", "a request waits for the journal, never for another partner"),
    ("http", "partner", "a request waits for the journal, never for another partner"),
    ("intake", "partner", "only dispatch calls a partner"),
    ("exchange", "partner", "exchange is pure"),
    ("exchange", "mapping", "exchange sees canonical messages, never a wire"),
];

/// The stranger: what it may import, and who may import it.
const SIMULATOR_KNOWS: &[&str] = &["clock", "seal"];
const SIMULATOR_KNOWN_TO: &[&str] = &["app", "cli"];

/// Words that only some rooms may have in their code: (tokens, rooms, why).
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (&["rusqlite"], &["journal"], "only journal holds SQL"),
    (&["SystemTime", "::", "now"], &["clock"], "only clock reads the wall"),
    (&["Instant", "::", "now"], &["clock"], "only clock reads the wall"),
    (&["Timestamp", "::", "now"], &["clock"], "only clock reads the wall"),
    (&["Zoned", "::", "now"], &["clock"], "only clock reads the wall"),
    (&["now_v7"], &[], "ids are made of given time and randomness"),
    (&["env", "::", "var"], &["config"], "only config reads the environment"),
    (&["env", "::", "vars"], &["config"], "only config reads the environment"),
    (&["env", "::", "var_os"], &["config"], "only config reads the environment"),
    (
        &["tokio"],
        &["journal", "partner", "intake", "dispatch", "settlement", "http", "app", "cli", "simulator"],
        "the floors below 4, exchange and catalogue are pure",
    ),
    (&["axum"], &["http", "app", "cli", "simulator"], "only the door speaks HTTP to callers"),
    (&["hyper"], &["http", "app", "simulator"], "only the door speaks HTTP to callers"),
    (&["reqwest"], &["partner", "cli", "simulator"], "only partner calls out; cli calls the running gateway"),
    (&["fs"], &["config", "catalogue", "journal", "http", "app", "cli", "simulator"], "files are read at the edges"),
    (&["unsafe"], &[], "unsafe is forbidden"),
];

/// Names of public standards: a wire name that is one of these may stand in `src/`.
const STANDARDS: &[&str] = &[
    "client_id",
    "client_secret",
    "access_token",
    "token_type",
    "expires_in",
    "grant_type",
    "client_credentials",
    "mustUnderstand",
];

// ---- the rules on the real house

#[test]
fn every_arrow_goes_down_and_stands_in_the_table() {
    assert_none(sources().iter().flat_map(|f| arrow_findings(&f.path, &f.text)).collect());
}

#[test]
fn every_arrow_of_the_table_is_used_and_every_room_is_there() {
    let used: BTreeSet<(String, String)> = sources()
        .iter()
        .flat_map(|f| imports(&f.path, &f.text).into_iter().map(|(_, to)| (room(&f.path), to)).collect::<Vec<_>>())
        .collect();
    let rows = ROOMS.iter().flat_map(|(_, from, known)| known.iter().map(move |to| ((*from).to_owned(), (*to).to_owned())));
    assert_none(
        rows.filter(|arrow| !used.contains(arrow))
            .map(|(a, b)| format!("{a} → {b} stands in the table and in no file"))
            .collect(),
    );
    let rooms: BTreeSet<String> = sources().iter().map(|f| room(&f.path)).collect();
    assert_none(ROOMS.iter().filter(|(_, r, _)| !rooms.contains(*r)).map(|(_, r, _)| format!("there is no room {r}")).collect());
}

#[test]
fn the_table_itself_goes_down_only() {
    for (up, from, known) in ROOMS {
        for to in known.iter().filter(|to| **to != "simulator") {
            assert!(floor(to).is_some_and(|down| down < *up), "{from} → {to}");
        }
        for (_, never, why) in NEVERS.iter().filter(|(a, _, _)| a == from) {
            assert!(!known.contains(never), "{from} → {never}: {why}");
        }
    }
}

#[test]
fn reserved_words_stand_only_where_they_belong() {
    assert_none(sources().iter().flat_map(|f| reserved_findings(&f.path, &f.text)).collect());
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    assert_none(sources().iter().filter_map(|f| head_finding(&f.path, &f.text)).collect());
}

#[test]
fn no_file_is_called_utils() {
    assert_none(sources().iter().filter_map(|f| name_finding(&f.path)).collect());
}

#[test]
fn no_partners_word_stands_in_src_outside_the_simulators() {
    let words = Forbidden::gather(&root());
    assert!(words.folders.len() >= 3 && words.names.len() >= 80, "the words were not found: {words:?}");
    assert!(words.names.contains("MaHoSo") && words.names.contains("check_sum"), "the best-known words are missing");
    assert_none(sources().iter().flat_map(|f| word_findings(&f.path, &f.text, &words)).collect());
}

#[test]
fn the_nevers_are_arrows_that_would_otherwise_be_allowed() {
    for (from, to, _) in NEVERS {
        assert!(floor(from).unwrap() > floor(to).unwrap(), "{from} → {to} needs no mention: it does not go down");
    }
}

#[test]
fn the_package_forbids_unsafe_and_its_lints_are_strict() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for line in
        ["unsafe_code = \"forbid\"", "unwrap_used = \"deny\"", "indexing_slicing = \"deny\"", "allow_attributes = \"deny\""]
    {
        assert!(manifest.contains(line), "Cargo.toml lacks {line}");
    }
}

#[test]
fn every_direct_dependency_has_a_comment_why_and_they_are_few() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (count, silent) = dependency_findings(&manifest);
    assert_none(silent);
    assert!(count <= 45, "{count} direct dependencies");
}

#[test]
fn the_fuzz_package_has_what_its_rooms_use() {
    let [own, fuzz] = ["Cargo.toml", "fuzz/Cargo.toml"].map(|path| fs::read_to_string(root().join(path)).unwrap());
    let rooms = fs::read_to_string(root().join("fuzz/src/lib.rs")).unwrap();
    let taken: Vec<&str> = rooms.lines().filter_map(|l| l.strip_prefix("#[path = \"../../")?.strip_suffix("\"]")).collect();
    assert!(taken.len() > 3, "the rooms were not found");
    let is_taken = |path: &str| taken.iter().any(|t| t.strip_suffix("mod.rs").map_or(*t == path, |room| path.starts_with(room)));
    let texts: Vec<Source> = sources().into_iter().filter(|s| is_taken(&s.path) && !s.path.ends_with("tests.rs")).collect();
    assert_none(lacking(&own, &fuzz, &texts));
}

// ---- self-tests: each rule fails on a planted text

#[test]
fn an_arrow_up_sideways_or_to_a_stranger_is_found() {
    let bad = [
        ("src/model/x.rs", "use crate::journal::Journal;", "model → journal"),
        ("src/intake/mod.rs", "fn f() { crate::dispatch::run() }", "intake → dispatch"),
        ("src/journal/blobs.rs", "use crate::{clock::Clock, partner::{self, Route}};", "journal → partner"),
        ("src/http/mod.rs", "use crate::dispatch;", "http → dispatch"),
        ("src/http/mod.rs", "pub(crate) use crate::partner::Transport as T;", "http → partner"),
        ("src/http/v1/mod.rs", "use super::super::partner::Transport;", "http → partner"),
        ("src/http/mod.rs", "use super::cli;", "http → cli"),
        ("src/mapping/mod.rs", "#[cfg(test)] mod tests { use super::super::catalogue::Catalogue; }", "mapping → catalogue"),
        ("src/simulator/portal.rs", "use crate::mapping::read;", "simulator → mapping"),
        ("src/dispatch/mod.rs", "use crate::simulator::Ministry;", "dispatch → simulator"),
        ("src/delivery/mod.rs", "use crate::model::Money;", "a new arrow"),
        ("src/attic/mod.rs", "use crate::model::Money;", "attic is not in the table"),
        ("src/main.rs", "use lienthong::journal::Journal;", "main → journal"),
    ];
    for (path, text, expected) in bad {
        let found = arrow_findings(path, text);
        assert!(found.iter().any(|f| f.contains(expected)), "{path}: {text}: expected {expected:?}, found {found:?}");
    }
    let good = [
        ("src/journal/mod.rs", "use crate::{clock::Clock, model::{Money, Status}};"),
        ("src/journal/sqlite/lane.rs", "use super::super::{record::Row, writer};"),
        ("src/simulator/mod.rs", "mod tests { use super::seal::sign; use super::mapping; }"),
        (
            "src/model/x.rs",
            "// crate::journal\n/* crate::http */ const S: &str = \"crate::app\"; const R: &str = r#\"crate::app\"#; const C: char = '\"';",
        ),
        ("src/app/mod.rs", "use crate::simulator::Ministry; use crate::dispatch;"),
        ("src/main.rs", "fn main() { lienthong::cli::run() }"),
    ];
    for (path, text) in good {
        assert_none(arrow_findings(path, text));
    }
}

#[test]
fn a_reserved_word_out_of_its_room_is_found() {
    let bad = [
        ("src/http/mod.rs", "use rusqlite::Connection;"),
        ("src/dispatch/mod.rs", "let t = tokio::time::Instant::now();"),
        ("src/model/id.rs", "let t = std::time::SystemTime :: now();"),
        ("src/cli/mod.rs", "let v = std::env::var(\"X\");"),
        ("src/mapping/mod.rs", "use tokio::sync::mpsc;"),
        ("src/exchange/mod.rs", "use tokio::sync::mpsc;"),
        ("src/dispatch/mod.rs", "reqwest::Client::new()"),
        ("src/mapping/mod.rs", "std::fs::read(path)"),
        ("src/journal/mod.rs", "unsafe { x() }"),
    ];
    for (path, text) in bad {
        assert_eq!(reserved_findings(path, text).len(), 1, "{path}: {text}");
    }
    assert_none(reserved_findings(
        "src/http/mod.rs",
        "// rusqlite, unsafe\nlet a = \"unsafe\"; let b = env!(\"CARGO_PKG_VERSION\");",
    ));
    assert_none(reserved_findings("src/model/id.rs", "#[cfg(test)]\nmod tests { use std::fs; }"));
    assert_none(reserved_findings("src/clock.rs", "Instant::now(); SystemTime::now();"));
}

#[test]
fn a_file_without_a_head_or_called_utils_is_found() {
    assert!(head_finding("src/model/x.rs", "use std::fmt;\n//! late").is_some());
    assert!(head_finding("src/model/x.rs", "// a comment is no head").is_some());
    assert!(head_finding("src/model/x.rs", "//!\nuse std::fmt;").is_some(), "an empty head says nothing");
    assert!(head_finding("src/model/x.rs", "//! What it is.\n").is_none());
    for path in ["src/http/utils.rs", "src/util/mod.rs", "src/model/helpers.rs"] {
        assert!(name_finding(path).is_some(), "{path}");
    }
    assert!(name_finding("src/model/money.rs").is_none());
}

#[test]
fn a_partners_word_is_found_even_in_a_comment() {
    let names = ["MaHoSo", "check_sum", "TrangThai"].map(str::to_owned).into();
    let words = Forbidden { folders: ["hanoi".to_owned()].into(), names };
    let bad =
        ["// for Hanoi", "let hanoi_url = 1;", "\"/MaHoSo\"", "fn check_sum() {}", "struct TrangThai;", "adapters/hanoi/x.map"];
    for text in bad {
        assert_eq!(word_findings("src/intake/mod.rs", text, &words).len(), 1, "{text}");
        assert_none(word_findings("src/simulator/portal.rs", text, &words));
    }
    assert_none(word_findings("src/intake/mod.rs", "let checksum = 1; // shanoir, check_summary, MaHoSoX", &words));
}

#[test]
fn wire_names_are_read_from_maps_and_samples() {
    let map = "message: dossier.submit\nroot:   NopHoSo\nformat: xml\n\n# MaBinhLuan\nHoSo = .\n    use head\n    when kind = SoMot\n        \
               Nhom/SoDienThoai = phone : text # TenKhac\n        @MaCon[] = a.b_c[]\n        . = x ?\n        `Ten-Le_Che` = 'chu = ThuongThoi'\n";
    let mut names = BTreeSet::new();
    map_names(map, &mut names);
    assert_eq!(names, ["NopHoSo", "HoSo", "Nhom", "SoDienThoai", "MaCon", "Ten", "Le_Che"].map(str::to_owned).into());

    let mut names = BTreeSet::new();
    json_names(&serde_json::json!({"MaHoSo": [{"check_sum": {"Email": 1}}]}), &mut names);
    assert_eq!(names, ["MaHoSo", "check_sum", "Email"].map(str::to_owned).into());

    let mut names = BTreeSet::new();
    xml_names("<a:NopHoSo xmlns:a='urn:x'><MaHoSo soLan='1'>x</MaHoSo></a:NopHoSo>", &mut names);
    assert_eq!(names, ["NopHoSo", "MaHoSo", "soLan"].map(str::to_owned).into());

    assert!(telling("MaHoSo") && telling("check_sum") && !telling("Email") && !telling("status"));
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let (count, silent) =
        dependency_findings("[dependencies]\na = \"1\" # why\nb = \"2\"\n[dev-dependencies]\nc = \"1\"\n[lints]\nd = 1\n");
    assert_eq!((count, silent.len()), (2, 2));
}

#[test]
fn a_library_that_a_fuzzed_room_uses_and_fuzz_lacks_is_found() {
    let file = |text: &str| Source { path: "src/mapping/a.rs".to_owned(), text: text.to_owned() };
    let own = "[dependencies]\na-b = \"1\" # why\nc = \"2\" # why\n[dev-dependencies]\nd = \"1\" # why\n";
    let fuzz = "[dependencies]\nc = \"2\"\n";
    assert_eq!(lacking(own, fuzz, &[file("use a_b::X;\n")]).len(), 1);
    assert!(lacking(own, fuzz, &[file("use c::X; // a_b::Y\nuse crate::a_b;\nd::x();\n")]).is_empty());
}

// ---- arrows

/// The room of a file: the first segment under src/.
fn room(path: &str) -> String {
    let inside = path.strip_prefix("src/").expect("a path under src/");
    inside.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

fn floor(room: &str) -> Option<u8> {
    ROOMS.iter().find(|(_, name, _)| *name == room).map(|(floor, _, _)| *floor)
}

fn knows(from: &str, to: &str) -> bool {
    ROOMS.iter().any(|(_, name, known)| *name == from && known.contains(&to))
}

fn arrow_findings(path: &str, text: &str) -> Vec<String> {
    let from = room(path);
    if from == "lib" {
        return Vec::new();
    }
    if from != "main" && from != "simulator" && floor(&from).is_none() {
        return vec![format!("{path}: the room {from} is not in the table of floors")];
    }
    imports(path, text)
        .into_iter()
        .filter(|(_, to)| *to != from)
        .filter_map(|(line, to)| refused(&from, &to).map(|why| format!("{path}:{line}: {from} → {to}: {why}")))
        .collect()
}

/// Why this arrow is not allowed; `None`: it is.
fn refused(from: &str, to: &str) -> Option<String> {
    if from == "main" {
        return (to != "cli").then(|| "main only calls cli".to_owned());
    }
    if from == "simulator" {
        return (!SIMULATOR_KNOWS.contains(&to)).then(|| "the simulator is a stranger".to_owned());
    }
    if to == "simulator" {
        return (!SIMULATOR_KNOWN_TO.contains(&from)).then(|| "the simulator is a stranger".to_owned());
    }
    if let Some((_, _, why)) = NEVERS.iter().find(|(a, b, _)| *a == from && *b == to) {
        return Some((*why).to_owned());
    }
    match (floor(from), floor(to)) {
        _ if knows(from, to) => None,
        (Some(a), Some(b)) if a > b => Some("a new arrow: add it to the table if it is meant".to_owned()),
        (Some(a), Some(b)) => Some(format!("floor {a} must not know floor {b}")),
        _ => Some(format!("{to} is not in the table of floors")),
    }
}

/// What a file's code names of the crate's rooms, with lines: by `crate::`, by `lienthong::`, by `super::` chains that leave the room.
fn imports(path: &str, text: &str) -> Vec<(usize, String)> {
    let tokens = tokens(text);
    let mut depth = module_depth(path);
    let mut braces: Vec<bool> = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let word = tokens[at].word.as_str();
        match word {
            "{" => {
                let opens = at >= 2 && tokens[at - 2].word == "mod";
                depth += usize::from(opens);
                braces.push(opens);
            }
            "}" => depth -= usize::from(braces.pop().unwrap_or(false)),
            "crate" | "lienthong" if is(&tokens, at + 1, "::") => {
                heads(&tokens, at + 2, &mut found);
            }
            "super" if at == 0 || !is(&tokens, at - 1, "::") => {
                let mut up = 1;
                let mut next = at + 1;
                while is(&tokens, next, "::") && is(&tokens, next + 1, "super") {
                    up += 1;
                    next += 2;
                }
                if up >= depth && is(&tokens, next, "::") {
                    heads(&tokens, next + 1, &mut found);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first segments of the path, or of the group of paths, that begins at `at`. Words that are no rooms (a macro, `*`) are left out.
fn heads(tokens: &[Token], at: usize, found: &mut Vec<(usize, String)>) {
    let Some(first) = tokens.get(at) else { return };
    if first.word != "{" {
        if first.word.starts_with(|c: char| c.is_ascii_lowercase()) && !is(tokens, at + 1, "!") {
            found.push((first.line, first.word.clone()));
        }
        return;
    }
    let mut depth = 0;
    for i in at..tokens.len() {
        match tokens[i].word.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return,
            "}" => depth -= 1,
            _ if depth == 1 && (is(tokens, i - 1, "{") || is(tokens, i - 1, ",")) => heads(tokens, i, found),
            _ => {}
        }
    }
}

fn is(tokens: &[Token], at: usize, word: &str) -> bool {
    tokens.get(at).is_some_and(|t| t.word == word)
}

/// How many `super` lead from a file's module to the crate's root.
fn module_depth(path: &str) -> usize {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let segments = inside.split('/').count();
    if inside.ends_with("/mod") { segments - 1 } else { segments }
}

// ---- reserved words

/// Tests may read files and run a runtime; what a program does is judged up to `mod tests`.
fn reserved_findings(path: &str, text: &str) -> Vec<String> {
    if path.ends_with("tests.rs") {
        return Vec::new();
    }
    let room = room(path);
    let mut tokens = tokens(text);
    if let Some(end) = tokens.windows(3).position(|w| w[0].word == "mod" && w[1].word == "tests" && w[2].word == "{") {
        tokens.truncate(end);
    }
    let mut found = Vec::new();
    for (words, rooms, why) in RESERVED {
        if rooms.contains(&room.as_str()) || room == "main" && words == &["tokio"] {
            continue;
        }
        let hit = tokens.windows(words.len()).find(|w| w.iter().map(|t| t.word.as_str()).eq(words.iter().copied()));
        if let Some(hit) = hit {
            found.push(format!("{path}:{}: `{}`: {why}", hit[0].line, words.concat()));
        }
    }
    found
}

// ---- heads and names

fn head_finding(path: &str, text: &str) -> Option<String> {
    let first = text.lines().next().unwrap_or_default();
    let said = first.strip_prefix("//!").is_some_and(|rest| rest.trim().len() > 10);
    (!said).then(|| format!("{path}: begins without a `//!` head"))
}

fn name_finding(path: &str) -> Option<String> {
    let bad = path
        .split('/')
        .find(|s| ["util", "utils", "helper", "helpers", "common", "misc"].contains(&s.trim_end_matches(".rs")))?;
    Some(format!("{path}: {bad} says nothing: name the thing"))
}

fn dependency_findings(manifest: &str) -> (usize, Vec<String>) {
    let (mut section, mut count, mut silent) = ("", 0, Vec::new());
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if matches!(section, "[dependencies]" | "[dev-dependencies]") && line.contains('=') && !line.starts_with('#') {
            count += usize::from(section == "[dependencies]");
            if !line.contains(" # ") {
                silent.push(format!("Cargo.toml: no reason: {line}"));
            }
        }
    }
    (count, silent)
}

/// The names of a manifest's section.
fn names<'m>(manifest: &'m str, section: &str) -> BTreeSet<&'m str> {
    let lines = manifest.lines().skip_while(|l| *l != section).skip(1).take_while(|l| !l.starts_with('['));
    lines.filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('=')).map(|(name, _)| name.trim()).collect()
}

/// Libraries of ours that the files name and the other manifest has not.
fn lacking(own: &str, other: &str, files: &[Source]) -> Vec<String> {
    let ours = names(own, "[dependencies]");
    let has = names(other, "[dependencies]");
    let mut found = BTreeSet::new();
    for file in files {
        for line in file.text.lines().map(|l| l.split("//").next().unwrap_or("")) {
            for name in &ours {
                let word = format!("{}::", name.replace('-', "_"));
                let used = line
                    .match_indices(&word)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c)));
                if used && !has.contains(name) {
                    found.insert(format!("fuzz/Cargo.toml lacks {name}: {} uses it", file.path));
                }
            }
        }
    }
    found.into_iter().collect()
}

// ---- forbidden words

/// The words of partners: folder names under adapters/, and wire names that cannot be mistaken for another word.
#[derive(Debug)]
struct Forbidden {
    folders: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Forbidden {
    fn gather(root: &Path) -> Self {
        let (mut folders, mut names) = (BTreeSet::new(), BTreeSet::new());
        for entry in fs::read_dir(root.join("adapters")).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.insert(entry.file_name().into_string().unwrap());
            }
        }
        for path in walk(&root.join("adapters")) {
            let file = path.file_name().unwrap().to_str().unwrap();
            let ours = file.ends_with(".canonical.json") || file.ends_with(".context.json");
            match path.extension().and_then(|e| e.to_str()) {
                Some("map") => map_names(&fs::read_to_string(&path).unwrap(), &mut names),
                Some("json") if !ours => {
                    if let Ok(sample) = serde_json::from_slice(&fs::read(&path).unwrap()) {
                        json_names(&sample, &mut names);
                    }
                }
                Some("xml") => xml_names(&fs::read_to_string(&path).unwrap(), &mut names),
                _ => {}
            }
        }
        let ours = canonical_names(root);
        names.retain(|n| telling(n) && !ours.contains(n) && !STANDARDS.contains(&n.as_str()));
        Self { folders, names }
    }
}

/// An inner capital or an underscore.
fn telling(name: &str) -> bool {
    name.contains('_') || name.chars().skip(1).any(char::is_uppercase)
}

/// The wire side of every line, and the root.
fn map_names(text: &str, names: &mut BTreeSet<String>) {
    for line in text.lines() {
        let bare = line.trim();
        if let Some(root) = bare.strip_prefix("root:") {
            names.extend(words(root).map(str::to_owned));
        }
        if bare.starts_with('#') || bare.starts_with("use ") || bare.starts_with("when ") {
            continue;
        }
        if let Some((wire, _)) = bare.split_once(" = ") {
            names.extend(words(wire).map(str::to_owned));
        }
    }
}

fn json_names(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, inner) in members {
                names.insert(name.clone());
                json_names(inner, names);
            }
        }
        serde_json::Value::Array(rows) => rows.iter().for_each(|row| json_names(row, names)),
        _ => {}
    }
}

fn xml_names(text: &str, names: &mut BTreeSet<String>) {
    let Ok(document) = roxmltree::Document::parse(text) else { return };
    for node in document.descendants().filter(|n| n.is_element()) {
        names.insert(node.tag_name().name().to_owned());
        names.extend(node.attributes().map(|a| a.name().to_owned()));
    }
}

/// The property names of our own schemas: they may stand in `src/`.
fn canonical_names(root: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in walk(&root.join("schemas/canonical")) {
        if path.extension().is_some_and(|e| e == "json") {
            properties(&serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(), &mut names);
        }
    }
    names
}

fn properties(schema: &serde_json::Value, names: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            for (key, inner) in members {
                if let ("properties", serde_json::Value::Object(inner)) = (key.as_str(), inner) {
                    names.extend(inner.keys().cloned());
                }
                properties(inner, names);
            }
        }
        serde_json::Value::Array(rows) => rows.iter().for_each(|row| properties(row, names)),
        _ => {}
    }
}

fn word_findings(path: &str, text: &str, forbidden: &Forbidden) -> Vec<String> {
    if room(path) == "simulator" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let folder = line.split(|c: char| !c.is_alphanumeric()).find(|w| forbidden.folders.contains(&w.to_lowercase()));
        let name = words(line).find(|w| forbidden.names.contains(*w));
        if let Some(word) = folder.or(name) {
            found.push(format!("{path}:{}: a partner's word: {word}", number + 1));
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty())
}

// ---- reading Rust

struct Token {
    line: usize,
    word: String,
}

/// Words, `::` and single signs of the code; comments, texts and characters are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at, mut line) = (Vec::new(), 0, 1);
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    while at < chars.len() {
        let from = at;
        let c = chars[at];
        if starts(at, "//") {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            while at < chars.len() {
                if starts(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if starts(at, "*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
        } else if let Some(end) = raw_text(&chars, at) {
            at = end;
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += 1 + usize::from(chars[at] == '\\');
            }
            at += 1;
        } else if c == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            at += 2 + usize::from(chars.get(at + 1) == Some(&'\\'));
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else if c.is_alphanumeric() || c == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            out.push(Token { line, word: chars[from..at].iter().collect() });
        } else if starts(at, "::") {
            at += 2;
            out.push(Token { line, word: "::".to_owned() });
        } else {
            at += 1;
            if !c.is_whitespace() {
                out.push(Token { line, word: c.to_string() });
            }
        }
        at = at.min(chars.len());
        line += chars[from..at].iter().filter(|c| **c == '\n').count();
    }
    out
}

/// The end of a raw text (`r"…"`, `br#"…"#`) that begins here.
fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    if at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_') {
        return None;
    }
    let mut next = at + usize::from(chars.get(at) == Some(&'b'));
    if chars.get(next) != Some(&'r') {
        return None;
    }
    next += 1;
    let hashes = chars[next..].iter().take_while(|c| **c == '#').count();
    next += hashes;
    if chars.get(next) != Some(&'"') {
        return None;
    }
    next += 1;
    while next < chars.len() {
        if chars[next] == '"' && chars[next + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return Some(next + 1 + hashes);
        }
        next += 1;
    }
    Some(next)
}

// ---- files

struct Source {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let found: Vec<Source> = walk(&root().join("src"))
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .map(|p| Source {
            path: p.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&p).unwrap(),
        })
        .collect();
    assert!(found.len() > 50, "src/ was not found");
    found
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

//! What `check` lets pass keeps the laws: mappings are invented line by line, well or badly, and each that compiles must read back what it
//! writes and write the same bytes again. So a premise of the laws that the compiler does not look at is found here.

use super::laws::{Fixed, note, shapes};
use super::*;
use crate::body::Value;
use crate::seal::Chance;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// How many mappings are invented from which seed on, and how many documents go through each that compiles.
const FIRST: u64 = 0;
const MAPPINGS: u64 = 800;
const DOCUMENTS: usize = 3;

const CODES: &str = "[k]\none = 1\ntwo = [2, \"II\"]\nthree = \"c\"\n[t]\none = 1\ntwo = \"1\"\nthree = 3\n[f]\none = \"1\"\ntwo = { as = \"one\" }\nthree = \"3\"\n";

/// The note's places: name, chains that fit, and chains that do not, or only on some wire.
const NOTE: &[(&str, &[&str], &[&str])] = &[
    ("code", &["", "text"], &["~upper", "~cut(3)"]),
    ("procedure", &["", "text"], &["number"]),
    (
        "submitted_at",
        &["", "time(yyyyMMddHHmmss)", "time(dd/MM/yyyy HH:mm:ss)", "time(yyyy-MM-dd'T'HH:mm:ss.SSSXXX)"],
        &["~date(dd/MM/yyyy)", "~time(dd/MM/yyyy HH:mm)"],
    ),
    ("kind", &["", "code(k)", "code(k) | text"], &["code(t)"]),
    ("count", &["", "number | text", "text", "text | number"], &["flag(1,0)"]),
    ("done", &["", "flag(1,0)", "flag('1','0')", "flag(True,False)", "text"], &["flag(1,'1')"]),
    ("mark", &["", "number", "text | number"], &["text"]),
    ("day", &["", "date(yyyyMMdd)", "date(yyyyMMdd'000000')"], &["date(dd/MM/yyyy HH:mm)"]),
    ("title", &["", "text"], &["~upper"]),
    ("grade_a", &["", "text"], &["~cut(2)"]),
    ("grade_b", &["", "text"], &["~upper"]),
];
const OBJECTS: &[(&str, &[&str])] =
    &[("person", &["name", "city", "nick"]), ("home", &["street", "zone"]), ("paper", &["kind", "number"])];
const TEMPLATES: &[&str] = &[
    "'{code}-{title}'",
    "'{count}/{title}'",
    "'No {grade_a}'",
    "'{grade_b}{submitted_at : time(yyyyMMddHHmmss)}'",
    "'{day};{grade_a}'",
    "'{title}/{grade_a}'",
];

/// Invents the text of a mapping.
struct Making {
    chance: Chance,
    format: Format,
    names: usize,
    /// Attributes are put on elements of other lines too.
    daring: bool,
    attributes: bool,
    text: String,
}

// === impl Making ===

impl Making {
    fn one_in(&mut self, n: u64) -> bool {
        self.chance.below(n) == 0
    }

    fn pick<'p>(&mut self, list: &[&'p str]) -> &'p str {
        self.chance.pick(list).copied().unwrap_or_default()
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.text.push_str(&format!("{}{text}\n", "    ".repeat(depth)));
    }

    /// Whether the next choice is a bad one, or one that is bad on some wires.
    fn dares(&mut self) -> bool {
        self.one_in(30)
    }

    /// A wire name that is new, or, badly, one that is there.
    fn name(&mut self) -> String {
        if !self.one_in(150) {
            self.names += 1;
        }
        let name = format!("w{}", self.names);
        let before = self.names.saturating_sub(1);
        match (self.format, self.chance.below(12)) {
            (Format::Form, _) => name,
            (Format::Xml, 0 | 1) if self.attributes => format!("@{name}"),
            (Format::Xml, 2) if self.daring => format!("w{before}/@{name}"),
            (_, 3) => format!("in0/{name}"),
            (_, 4) => format!("in1/{name}"),
            _ => name,
        }
    }

    /// What follows a value: most often it may be missing.
    fn opt(&mut self) -> &'static str {
        if self.dares() {
            return self
                .chance
                .pick(&["", " ? '§'", " ? ''", " ? 0", " ? null", " ? []", " ? {}", " ? false", " ? '1'"])
                .unwrap_or(&"");
        }
        self.chance.pick(&["", " ?", " ?", " ?", " ?", " ?", " ?", " ?"]).unwrap_or(&"")
    }

    fn value(&mut self, depth: usize, place: &str, chains: &[&str], bad: &[&str]) {
        let chain = if self.dares() { self.pick(bad) } else { self.pick(chains) };
        let chain = if chain.is_empty() { String::new() } else { format!(" : {chain}") };
        let (name, opt) = (self.name(), self.opt());
        self.line(depth, &format!("{name} = {place}{chain}{opt}"));
        if self.one_in(20) && !["done", "count", "mark", "day", "submitted_at"].contains(&place) {
            let (name, opt) = (self.name(), self.opt());
            self.line(depth, &format!("{name} = {place} : ~upper{opt}"));
        }
    }

    fn constant(&mut self, depth: usize) {
        let right = if self.dares() {
            self.pick(&["null", "[]", "{}", "'1' ? '1'", "'c' | * ? 'c'"])
        } else {
            self.pick(&["'c'", "'c' | 'd'", "'c' | *", "*", "5", "true", "'1' ? '0'", "* ?", "$partner.client"])
        };
        let name = self.name();
        self.line(depth, &format!("{name} = {right}"));
    }

    fn object(&mut self, depth: usize, place: &str, fields: &[&str]) {
        let opt = self.opt();
        if self.format == Format::Form || self.one_in(3) {
            self.line(depth, &format!(". = {place}{opt}"));
        } else {
            self.names += 1;
            let name = format!("w{}", self.names);
            self.line(depth, &format!("{name} = {place}{opt}"));
        }
        let before = self.text.len();
        if place == "paper" && self.one_in(2) {
            self.branches(depth + 1, "kind", &["red", "blue"], &[("number", &[""], &["~upper"])]);
        } else {
            for field in fields {
                if !self.one_in(6) {
                    self.value(depth + 1, field, &["", "text"], &["~upper"]);
                }
            }
        }
        if self.one_in(6) {
            self.constant(depth + 1);
        }
        if self.one_in(8) {
            self.value(depth + 1, "^title", &[""], &["~upper"]);
        }
        if self.format == Format::Xml && self.one_in(40) {
            let (field, opt) = (self.pick(fields), self.opt());
            self.line(depth + 1, &format!(". = {field}{opt}"));
        }
        if self.text.len() == before {
            self.line(depth + 1, "x = *");
        }
    }

    fn branches(&mut self, depth: usize, on: &str, words: &[&str], fields: &[(&str, &[&str], &[&str])]) {
        let line = self.chance.below(4);
        if line == 0 {
            self.value(depth, on, &[""], &["text"]);
        }
        for word in words {
            if self.one_in(8) {
                continue;
            }
            self.line(depth, &format!("when {on} = {word}"));
            let (field, chains, bad) = *self.chance.pick(fields).unwrap_or(&("code", &[""], &[""]));
            self.value(depth + 1, field, chains, bad);
            if line > 1 && !self.dares() {
                self.names += 1;
                let name = format!("w{}", self.names);
                self.line(depth + 1, &format!("{name} = 'b'"));
            }
        }
        if line == 1 {
            self.value(depth, on, &[""], &["text"]);
        }
    }

    fn rows(&mut self, depth: usize) {
        let (name, opt) = (format!("r{}", self.names), if self.one_in(3) { " ?" } else { "" });
        self.line(depth, &format!("{name}[] = rows[]{opt}"));
        self.value(depth + 1, "id", &["", "text"], &["~upper"]);
        if self.one_in(2) {
            let outer = self.pick(&["^code", "^kind : ~code(f)", "^kind : code(k)", "^title", "^code : ~upper"]);
            let (name, opt) = (self.name(), self.opt());
            self.line(depth + 1, &format!("{name} = {outer}{opt}"));
        }
        if !self.one_in(4) {
            let opt = self.opt();
            self.line(depth + 1, &format!("t[] = tags[]{opt}"));
        }
    }

    fn tags(&mut self, depth: usize) {
        let (name, opt) = (self.name(), self.opt());
        let bare = name.rsplit(['/', '@']).next().unwrap_or_default().to_owned();
        if self.format == Format::Form || self.one_in(3) {
            let chain = if self.dares() { "~upper : join('|')" } else { "join('|')" };
            self.line(depth, &format!("{name} = tags[] : {chain}{opt}"));
        } else {
            self.line(depth, &format!("{bare}[] = tags[]{opt}"));
        }
    }

    fn body(&mut self) {
        if self.one_in(3) {
            self.branches(0, "kind", &["one", "two", "three"], NOTE.get(4..).unwrap_or_default());
        }
        for (place, chains, bad) in NOTE {
            if !self.one_in(4) {
                self.value(0, place, chains, bad);
            }
        }
        for (place, fields) in OBJECTS {
            if !self.one_in(3) {
                self.object(0, place, fields);
            }
        }
        if self.one_in(3) {
            let sound = if self.dares() { TEMPLATES } else { TEMPLATES.get(1..4).unwrap_or_default() };
            let template = self.pick(sound);
            let (name, opt) = (self.name(), self.opt());
            self.line(0, &format!("{name} = {template}{opt}"));
        }
        if self.format == Format::Xml && self.one_in(4) {
            let opt = self.opt();
            self.line(0, &format!("G[@k=1] = grade_a{opt}\nG[@k='2'] = grade_b{opt}"));
        }
        if self.format != Format::Form && !self.one_in(3) {
            self.rows(0);
        }
        if !self.one_in(3) {
            self.tags(0);
        }
        while self.one_in(3) {
            self.constant(0);
        }
    }
}

/// A mapping's text without its `without`, head and body apart.
fn invented(seed: u64) -> (String, String) {
    let mut chance = Chance::new(seed);
    let format = *chance.pick(&[Format::Json, Format::Json, Format::Xml, Format::Xml, Format::Form]).unwrap_or(&Format::Json);
    let absents: &[&str] = match format {
        Format::Json => &["omit", "''", "null", "'' | omit | null", "omit | null | ''", "null | omit"],
        Format::Xml => &["omit", "omit", "''", "null", "'' | omit | null", "omit | null | ''", "omit | ''"],
        Format::Form => &["omit", "''", "'' | omit", "omit | ''"],
    };
    let absent = *chance.pick(absents).unwrap_or(&"omit");
    let head = match format {
        Format::Json if chance.below(4) == 0 => "format: json\nscalars: text",
        Format::Json => "format: json",
        Format::Xml => "format: xml\nroot: Note\nnamespace: urn:a",
        Format::Form => "format: form",
    };
    let daring = chance.below(3) == 0;
    let mut making = Making { chance, format, names: 0, daring, attributes: !absent.starts_with("null"), text: String::new() };
    making.body();
    (format!("message: note\n{head}\nabsent: {absent}\n"), making.text)
}

/// The mapping, when it compiles; what it does not carry is said as the compiler asks for it.
fn compiled(head: &str, body: &str) -> Option<Book> {
    let source = |without: &str| Source::new("p").with("m.map", format!("{head}{without}\n{body}")).with("codes.toml", CODES);
    let unused = |f: &SourceFault| f.text.contains("nothing uses");
    let (_, faults) = Book::draft(&source(""), &shapes());
    let said = faults.iter().find(|f| f.text.starts_with("`without`")).and_then(|f| f.hint.clone());
    let (book, faults) = Book::draft(&source(&said.map_or_else(String::new, |h| format!("{h}\n"))), &shapes());
    faults.iter().all(unused).then_some(book)
}

/// Without what a dotted path names, and without objects that are empty then.
fn drop_path(value: &mut Value, path: &str) {
    if let Value::Array(rows) = value {
        return rows.iter_mut().for_each(|row| drop_path(row, path));
    }
    let Some(map) = value.as_object_mut() else { return };
    match path.split_once('.') {
        None => drop(map.remove(path)),
        Some((first, rest)) => {
            let Some(inner) = map.get_mut(first) else { return };
            drop_path(inner, rest);
            if inner.as_object().is_some_and(crate::body::Map::is_empty) {
                map.remove(first);
            }
        }
    }
}

/// One document through one mapping; `Err`: a law does not hold, and how.
fn holds(map: &Mapping, body: &Value) -> Result<bool, String> {
    let mut carried = body.clone();
    map.without().iter().for_each(|path| drop_path(&mut carried, path));
    for list in ["rows", "tags"] {
        if carried.get(list).is_none() {
            carried[list] = Value::Array(Vec::new());
        }
    }
    for row in carried["rows"].as_array_mut().into_iter().flatten() {
        if row.get("tags").is_none() {
            row["tags"] = Value::Array(Vec::new());
        }
    }
    let context = Context::new().with("partner.client", "HN");
    // What the wire has no form for is refused, never lost.
    let Ok(bytes) = map.write(&carried, &context, &NoContents, Some(&Fixed)) else { return Ok(false) };
    let shown = format!("{carried}\n{}", String::from_utf8_lossy(&bytes));
    let readings = map.read(&bytes, &context, &mut MemoryContents::default());
    let readings = readings.map_err(|f| format!("it is not read: {}\n{shown}", f[0].text_en()))?;
    if readings[0].body != carried {
        return Err(format!("it is read as another\n{shown}\n{}", readings[0].body));
    }
    match map.write(&readings[0].body, &context, &NoContents, Some(&Fixed)) {
        Ok(again) if again == bytes => Ok(true),
        _ => Err(format!("it is not written alike\n{shown}")),
    }
}

#[test]
fn what_compiles_reads_back_what_it_writes() {
    let mut runner = TestRunner::deterministic();
    let (mut all, mut right, mut held, mut broken) = ([0; 3], [0; 3], 0, Vec::new());
    for seed in FIRST..FIRST + MAPPINGS {
        let (head, lines) = invented(seed);
        let format = usize::from(head.contains("format: xml")) + 2 * usize::from(head.contains("format: form"));
        all[format] += 1;
        let Some(book) = compiled(&head, &lines) else { continue };
        right[format] += 1;
        for _ in 0..DOCUMENTS {
            let (body, _) = note().new_tree(&mut runner).unwrap().current();
            match holds(book.map("m").unwrap(), &body) {
                Ok(written) => held += usize::from(written),
                Err(how) => {
                    broken.push(format!("seed {seed}: {how}\n{head}\n{lines}"));
                    break;
                }
            }
        }
    }
    assert!(
        broken.is_empty(),
        "{} of {held}:\n{}",
        broken.len(),
        broken.iter().take(14).cloned().collect::<Vec<_>>().join("\n\n")
    );
    // Most invented mappings are wrong, enough are not, in each format; of their documents enough are written.
    assert!((0..3).all(|n| right[n] * 20 > all[n]) && held > 300, "{right:?} of {all:?}, {held} written");
}

//! The laws of the mapping grammar for every mapping of every shipped adapter, over invented documents.
//!
//! - L1 nothing lost: `read(write(c)) = carried(c)`; `carried` drops what the head's `without` lists, nothing else.
//! - L2 one spelling: for another spelling `w` of what was written, `read(w)` is the same and `write(read(w))` is what was written.
//! - L3 same bytes: written twice, the same bytes.
//!
//! The documents are made from the canonical schemas by [`Inventor`], without a hand that narrows them: each message, each form in each
//! edition. What a wire refuses to say is listed below, by mapping, place and reason; a new refusal is a failure, and so is one that
//! does not come up any more. Every line of every mapping is reached by some document (`tried` tells how, and of the seeds).

use super::respell::respell;
use super::rig::{StandIn, context, files, general, head, payload, schemas};
use super::tried::{Entry, Tried, Wanted, chance_of, seeds};
use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Partner, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{Context, Format, Invented, Inventor, Keeping, Kept, Mapping, MemoryContents, Source};
use lienthong::seal::Chance;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Documents that get through the laws, of each mapping and form.
const DOCUMENTS: usize = 16;

/// What the wires refuse of documents that the canonical schemas allow: mapping, canonical place (`*` alone: any), kind. `Missing`: the
/// schema has it optional, the wire needs it. `Branch`: the wire has a place for it only in another case (`when`). `Value`: a word that this
/// partner's list has not (another platform's notice may tell `failed`, this one's tells paid or unclear), a file name that is a path (`zip`). Each is a message that
/// the use cases do not make, or that is refused at the door of the other side.
const REFUSED: &[Entry] = &[
    ("hanoi/accepted", "/at", "Missing"),
    ("hanoi/accepted", "/dossier", "Missing"),
    ("hanoi/accepted", "/reference", "Missing"),
    ("hanoi/code-issued", "/dossier", "Missing"),
    ("hanoi/link", "/transaction", "Missing"),
    ("hanoi/link", "/url", "Missing"),
    ("hanoi/progress", "/documents", "Branch"),
    ("hanoi/status", "/documents", "Branch"),
    ("hanoi/status", "/sequence", "Missing"),
    ("hanoi/waited", "/dossier", "Missing"),
    ("keypay/bill-answer", "*", "Branch"),
    ("keypay/notice", "/extra_fee", "Missing"),
    ("keypay/notice", "/state", "Value"),
    ("moet/dossier-file", "/agency/name", "Missing"),
    ("moet/dossier-file", "/form", "Missing"),
    ("moet/fee-paid-reply", "/note", "Missing"),
    ("moet/letter", "/agency/name", "Missing"),
    ("moet/letter", "/form", "Missing"),
    ("moet/letter", "/papers/*/files/*/name", "Value"),
    ("moet/status", "/at", "Missing"),
    ("moet/status", "/id", "Missing"),
    ("moet/submit", "/agency/name", "Missing"),
    ("moet/submit", "/form", "Missing"),
    ("moet/submit-reply", "/note", "Missing"),
    ("moet/supplement-reply", "/note", "Missing"),
    ("moet/withdraw-reply", "/note", "Missing"),
];

/// The same where two invented texts must be the same for it: two files of one dossier with one id, which the schema says in words only.
const BY_CHANCE: &[Entry] = &[("moet/letter", "/papers/*/files/*/id", "Value")];

/// What a wire refuses: canonical place (`*` for a row), kind, and why.
type Refused = (String, String, String);

/// One mapping with all that a round needs.
struct Setting<'s> {
    map: &'s Mapping,
    sealer: StandIn<'s>,
    without: Vec<String>,
    /// How many documents were spelled as the mapping declares.
    declared: Cell<u64>,
    /// The head's word for what stands for none.
    absent: &'s str,
    lines: Vec<Kept>,
    /// Canonical places whose words are folded: word and what it is told as.
    folds: Vec<(String, BTreeMap<String, String>)>,
    /// The right sides of lines inside a `when`.
    branches: BTreeSet<String>,
    lists: &'s dyn Fn(&str, &mut Value),
    xsd: Option<&'s uppsala::XsdValidator>,
}

/// One mapping with all that its documents are made from.
struct Subject<'s> {
    title: String,
    partner: &'s Partner,
    setting: Setting<'s>,
    inventor: &'s Inventor,
    /// The canonical place of each line.
    leads: BTreeMap<String, String>,
    forms: Vec<Option<&'s str>>,
    chance: Chance,
}

/// A line of a mapping, as the lists name it.
fn line(file: &str, text: &str) -> String {
    format!("{file}: {text}")
}

/// Takes away what a dotted path names, in every row on the way, and objects that are empty then.
fn drop_path(value: &mut Value, path: &str) {
    if let Value::Array(rows) = value {
        return rows.iter_mut().for_each(|row| drop_path(row, path));
    }
    let Some(map) = value.as_object_mut() else { return };
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (rest, map.get_mut(first)) {
        (None, _) => drop(map.remove(first)),
        (Some(rest), Some(inner)) => {
            drop_path(inner, rest);
            if inner.as_object().is_some_and(lienthong::body::Map::is_empty) {
                map.remove(first);
            }
        }
        (Some(_), None) => {}
    }
}

/// Puts for a word what it is told as, in every row on the way.
fn fold(value: &mut Value, path: &str, words: &BTreeMap<String, String>) {
    if let Value::Array(rows) = value {
        return rows.iter_mut().for_each(|row| fold(row, path, words));
    }
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (rest, value.get_mut(first)) {
        (Some(rest), Some(inner)) => fold(inner, rest, words),
        (None, Some(word)) => {
            if let Some(other) = word.as_str().and_then(|word| words.get(word)) {
                *word = json!(other);
            }
        }
        _ => {}
    }
}

/// What the lines with `~code(list)` fold, by the partner's own list: `word = { as = "other" }`.
fn folds(lines: &[Kept], source: &Source) -> Vec<(String, BTreeMap<String, String>)> {
    let codes: toml::Table = source.files.get("codes.toml").map(|text| text.parse().unwrap()).unwrap_or_default();
    let words = |line: &Kept| {
        let (_, list) = line.text.split_once("~code(")?;
        let list = codes.get(list.split_once(')')?.0)?.as_table()?;
        let told = |(word, wire): (&String, &toml::Value)| Some((word.clone(), wire.get("as")?.as_str()?.to_owned()));
        Some((line.canonical.clone(), list.iter().filter_map(told).collect()))
    };
    lines.iter().filter(|line| line.how == Keeping::Folded).filter_map(words).collect()
}

/// The right sides of all lines that stand deeper than a `when`, in any file of the partner.
fn branches(source: &Source) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in source.files.iter().filter(|(file, _)| file.ends_with(".map")).map(|(_, text)| text) {
        let mut when: Option<usize> = None;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            let depth = line.len() - line.trim_start().len();
            when = when.filter(|w| depth > *w).or_else(|| line.trim_start().starts_with("when ").then_some(depth));
            if let (true, Some((_, right))) = (when.is_some_and(|w| depth > w), line.split_once(" = ")) {
                found.insert(right.split(" #").next().unwrap().trim().to_owned());
            }
        }
    }
    found
}

// === impl Setting ===

impl Setting<'_> {
    /// The laws for one document. `Ok(Some(…))`: the wire refuses to say it.
    fn round(&self, made: &Invented, context: &Context, chance: &mut Chance) -> Result<Option<Refused>, String> {
        let write = |body: &Value, contents: &MemoryContents| self.map.write(body, context, contents, Some(&self.sealer));
        let bytes = match write(&made.body, &made.contents) {
            Ok(bytes) => bytes,
            Err(fault) => return Ok(Some((general(&fault.pointer), format!("{:?}", fault.kind), fault.to_string()))),
        };
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        if write(&made.body, &made.contents).as_ref() != Ok(&bytes) {
            return Err(format!("written twice, two texts\n{shown}"));
        }
        self.strangers(&shown)?;
        let mut carried = made.body.clone();
        self.without.iter().for_each(|path| drop_path(&mut carried, path));
        self.folds.iter().for_each(|(path, words)| fold(&mut carried, path, words));
        (self.lists)(self.map.message(), &mut carried);
        let mut kept = MemoryContents::default();
        let again = self.read(&bytes, context, &mut kept)?;
        if again != carried {
            return Err(format!("L1: read back\n{again:#}\nnot\n{carried:#}\n{shown}"));
        }
        if kept.kept.iter().any(|(name, bytes)| made.contents.kept.get(name) != Some(bytes)) {
            return Err(format!("L1: a content came back as another\n{shown}"));
        }
        for _ in 0..3 {
            let other = respell(&shown, self.map.format(), chance);
            let read =
                self.read(&other, context, &mut kept).map_err(|why| format!("L2: {why}\n{}", String::from_utf8_lossy(&other)))?;
            if read != carried {
                return Err(format!("L2: read\n{read:#}\nnot\n{carried:#}\n{}", String::from_utf8_lossy(&other)));
            }
        }
        if self.map.format() == Format::Json {
            let other = self.as_declared(&shown, &made.body, context, chance);
            self.declared.set(self.declared.get() + u64::from(other != serde_json::from_str::<Value>(&shown).unwrap()));
            let told = || format!("L2, as declared: {other}\n{shown}");
            let read = self.read(other.to_string().as_bytes(), context, &mut kept).map_err(|why| format!("{why}\n{}", told()))?;
            if read != carried {
                return Err(format!("read\n{read:#}\nnot\n{carried:#}\n{}", told()));
            }
        }
        // What the wire does not carry may be needed by nobody: what was read writes the same bytes.
        if write(&again, &kept).as_ref() != Ok(&bytes) {
            return Err(format!("L2: written from what was read, another text\n{shown}"));
        }
        Ok(None)
    }

    /// Another spelling that the mapping itself declares to mean the same: other absent forms, second alternatives, anything for `*`.
    fn as_declared(&self, shown: &str, body: &Value, context: &Context, chance: &mut Chance) -> Value {
        let mut wire: Value = serde_json::from_str(shown).unwrap();
        for field in self.map.explain(&[body], context) {
            let Some(value) = wire.pointer_mut(&field.wire).filter(|_| chance.hits(0.5)) else { continue };
            if field.text.contains("number | text") || field.text.contains("text | number") {
                *value = match value.as_str() {
                    Some(text) => text.parse::<serde_json::Number>().unwrap().into(),
                    None => json!(value.to_string()),
                };
            } else if field.canonical.is_empty() && field.how == Keeping::Spellings {
                let second = field.text.split('|').nth(1).unwrap().trim();
                *value = match second {
                    "*" => json!("bất kỳ"),
                    text if text.starts_with('\'') => json!(text.trim_matches('\'')),
                    token => serde_json::from_str(token).unwrap(),
                };
            }
        }
        let forms = [("null", Value::Null), ("''", json!(""))];
        let declared: Vec<Value> =
            forms.into_iter().filter(|(word, _)| self.absent.contains(word)).map(|(_, form)| form).collect();
        // Lines of forms and branches need not be this message's; rows need not be there.
        let own = |line: &&Kept| !line.file.contains('/') && !line.wire.contains("[]") && !self.branches.contains(&line.text);
        for line in self.lines.iter().filter(own) {
            if chance.hits(0.5) {
                continue;
            }
            let (place, name) = line.wire.rsplit_once('/').unwrap_or(("", &line.wire));
            let place = if place.is_empty() { String::new() } else { format!("/{place}") };
            let Some(parent) = wire.pointer_mut(&place).and_then(Value::as_object_mut) else { continue };
            if line.how == Keeping::Dropped {
                parent.insert(name.to_owned(), json!({ "bất": ["kỳ", 1, null] }));
            } else if line.text.ends_with(" ?")
                && !parent.contains_key(name)
                && let Some(form) = chance.pick(&declared)
            {
                parent.insert(name.to_owned(), form.clone());
            }
        }
        wire
    }

    fn read(&self, bytes: &[u8], context: &Context, kept: &mut MemoryContents) -> Result<Value, String> {
        let readings = self.map.read(bytes, context, kept);
        let mut readings =
            readings.map_err(|f| format!("does not read: {}", f.iter().map(ToString::to_string).collect::<String>()))?;
        if readings.len() == 1 { Ok(readings.remove(0).body) } else { Err(format!("{} messages", readings.len())) }
    }

    /// Others take what we write: serde_json, roxmltree, the partner's XSD.
    fn strangers(&self, shown: &str) -> Result<(), String> {
        match self.map.format() {
            Format::Json => serde_json::from_str::<Value>(shown).map(|_| ()).map_err(|e| format!("serde_json: {e}\n{shown}")),
            Format::Form => Ok(()),
            Format::Xml => {
                roxmltree::Document::parse(shown).map_err(|e| format!("roxmltree: {e}\n{shown}"))?;
                let Some(xsd) = self.xsd else { return Ok(()) };
                // uppsala counts lengths in bytes: a character of one byte that no class holds stands for each that takes more.
                let text: String = payload(shown).chars().map(|c| if c.is_ascii() { c } else { '\u{7f}' }).collect();
                let faults = xsd.validate(&uppsala::parse(&text).map_err(|e| format!("uppsala: {e}\n{shown}"))?);
                faults.first().map_or(Ok(()), |f| Err(format!("XSD: {}\n{shown}", f.message)))
            }
        }
    }
}

/// Puts empty lists where the schema knows a list and the body has none.
fn fill(schema: &serde_json::Value, root: &serde_json::Value, body: &mut Value) {
    let schema = match schema.get("$ref").and_then(|r| r.as_str()) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    if let (Some(rows), Some(items)) = (body.as_array_mut(), schema.get("items")) {
        rows.iter_mut().for_each(|row| fill(items, root, row));
    }
    let (Some(map), Some(properties)) = (body.as_object_mut(), schema.get("properties").and_then(|p| p.as_object())) else {
        return;
    };
    for (name, inner) in properties {
        let shape =
            inner.get("$ref").and_then(|r| r.as_str()).and_then(|r| root.pointer(r.trim_start_matches('#'))).unwrap_or(inner);
        if shape.get("type").is_some_and(|t| t == "array") {
            map.entry(name.clone()).or_insert(json!([]));
        }
        map.get_mut(name).into_iter().for_each(|value| fill(shape, root, value));
    }
}

// === impl Subject ===

impl Subject<'_> {
    /// A document; whether it got through.
    fn one(&mut self, form: Option<&str>, wanted: &Wanted, tried: &mut Tried) -> bool {
        let context = context(self.partner, form);
        let (map, chance) = (self.setting.map, &mut self.chance);
        let toward: Option<Vec<&str>> =
            wanted.place().and_then(|(line, _)| self.leads.get(line)).map(|to| to.split('.').collect());
        let toward = toward.as_deref().map(|place| (place, true));
        let made = self.inventor.document_with(map.message(), form, toward, chance).unwrap();
        match self.setting.round(&made, &context, chance) {
            Ok(None) => {
                tried.hold(&self.title, map.explain(&[&made.body], &context).into_iter().map(|f| line(&f.file, &f.text)));
                return true;
            }
            Ok(Some((place, kind, why))) => tried.refuse(&self.title, place, kind, || why),
            Err(why) => tried.complain(format!("{} {form:?}: {why}", self.title)),
        }
        false
    }
}

#[test]
fn nothing_is_lost_there_is_one_spelling_and_the_same_bytes_come_again() {
    let files = files();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
    let schemas = schemas(&files);
    let inventor = Inventor::new(&schemas, catalogue.shapes.editions()).unwrap();
    assert!(inventor.unread().is_empty(), "the inventor does not follow {:?}", inventor.unread());
    let lists = |message: &str, body: &mut Value| fill(&schemas[message], &schemas[message], body);
    let xsds: BTreeMap<&str, uppsala::XsdValidator> = files
        .under("schemas/")
        .filter(|(path, _)| path.ends_with(".xsd"))
        .map(|(path, text)| (path, uppsala::XsdValidator::from_schema(&uppsala::parse(text).unwrap()).unwrap()))
        .collect();
    for seed in seeds() {
        let mut tried = Tried::new(seed, REFUSED, &[]).and_by_chance(BY_CHANCE);
        let mut all: Vec<Subject<'_>> = Vec::new();
        for partner in catalogue.all_partners() {
            for name in partner.book.names() {
                let map = partner.book.map(name).unwrap();
                let title = format!("{}/{name}", partner.name);
                let without = head(&files, &partner.name, name, "without").unwrap_or("");
                let without = without.split(',').map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
                let source = files.source(&partner.name);
                let setting = Setting {
                    map,
                    declared: Cell::new(0),
                    absent: head(&files, &partner.name, name, "absent").unwrap_or("omit"),
                    folds: folds(&map.fidelity(&source).lines, &source),
                    lines: map.fidelity(&source).lines,
                    branches: branches(&source),
                    sealer: StandIn(partner.seal_of(name)),
                    without,
                    lists: &lists,
                    xsd: head(&files, &partner.name, name, "schema").and_then(|path| xsds.get(path)),
                };
                let kept = setting.lines.iter().filter(|k| k.how != Keeping::Dropped);
                let leads: BTreeMap<String, String> = kept.map(|k| (line(&k.file, &k.text), k.canonical.clone())).collect();
                tried.knows(&title, leads.keys().cloned());
                let has_form = schemas[map.message()].pointer("/properties/form").is_some();
                let forms = inventor.forms().filter(|_| has_form).map(Some).chain([None]).collect();
                let chance = chance_of(seed, &title);
                all.push(Subject { title, partner, setting, inventor: &inventor, leads, forms, chance });
            }
        }
        for subject in &mut all {
            let mut through = 0;
            // Refused ones do not count: each form of each mapping gets its documents through the laws.
            for form in subject.forms.clone() {
                let held = (0..DOCUMENTS * 10).filter(|_| subject.one(form, &Wanted::Any, &mut tried));
                through += held.take(DOCUMENTS).count();
            }
            assert!(through >= DOCUMENTS || tried.complains(), "{}: only {through} documents got through", subject.title);
        }
        tried.pursue(
            &mut all,
            |subject| subject.title.clone(),
            |tried, subject, n, wanted| {
                subject.one(subject.forms[n % subject.forms.len()], wanted, tried);
            },
        );
        tried.is_as_listed();
        let declared: u64 = all.iter().map(|subject| subject.setting.declared.get()).sum();
        assert!(declared > 100, "only {declared} documents were spelled as their mapping declares");
    }
}

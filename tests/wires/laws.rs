//! The laws of the mapping grammar for every mapping of every shipped adapter, over invented documents.
//!
//! - L1 nothing lost: `read(write(c)) = carried(c)`; `carried` drops what the head's `without` lists, nothing else.
//! - L2 one spelling: for another spelling `w` of what was written, `read(w)` is the same and `write(read(w))` is what was written.
//! - L3 same bytes: written twice, the same bytes.
//!
//! The documents are made from the canonical schemas by [`Inventor`], without a hand that narrows them: each message, each form in each
//! edition. What a wire refuses to say is listed below, by mapping, place and reason; a new refusal is a failure, and so is one that
//! does not come up any more. The seed is printed and can be set (`LIENTHONG_FUZZ_SEED`).

use super::respell::respell;
use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Files, Partner, Seal, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{
    Context, Format, Invented, Inventor, Keeping, Kept, Mapping, MemoryContents, RawFields, Sealer, Source,
};
use lienthong::seal::Chance;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SEED: u64 = 20_261_125;

/// Documents that get through the laws, of each mapping and form.
const DOCUMENTS: u64 = 16;

/// What the wires refuse of documents that the canonical schemas allow: mapping, canonical place (`*` alone: any), kind. `Missing`: the
/// schema has it optional, the wire needs it. `Branch`: the wire has a place for it only in another case (`when`). `Value`: a word that this
/// partner's list has not (another platform's notice may tell `failed`, this one's tells paid or unclear), a file name that is a path (`zip`). Each is a message that
/// the use cases do not make, or that is refused at the door of the other side.
const REFUSED: &[(&str, &str, &str)] = &[
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

/// Lines that no invented document of this seed gets to: partner, file, line's right side.
const UNREACHED: &[(&str, &str, &str)] = &[];

/// What a wire refuses: mapping, canonical place (`*` for a row), kind.
type Refused = (String, String, String);

/// Fills a seal's hole with a stand-in key.
pub(crate) struct StandIn<'s>(pub(crate) Option<&'s Seal>);

impl Sealer for StandIn<'_> {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        self.0.map_or_else(|| Ok("0".repeat(64)), |seal| seal.text(raw))
    }
}

/// One mapping with all that a round needs.
struct Setting<'s> {
    title: String,
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

pub(crate) fn files() -> Files {
    Files::folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub(crate) fn schemas(files: &Files) -> BTreeMap<String, serde_json::Value> {
    let json = |(path, text): (&str, &str)| {
        path.strip_suffix(".json").map(|name| (name.to_owned(), serde_json::from_str(text).unwrap()))
    };
    files.under("schemas/canonical/").filter_map(json).collect()
}

/// A key of a mapping's head.
pub(crate) fn head<'f>(files: &'f Files, partner: &str, map: &str, key: &str) -> Option<&'f str> {
    let text = files.text(&format!("adapters/{partner}/{map}.map")).unwrap();
    text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
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

/// A canonical pointer with `*` for indices.
pub(crate) fn general(pointer: &str) -> String {
    let steps =
        pointer.split('/').map(|step| if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) { "*" } else { step });
    steps.collect::<Vec<_>>().join("/")
}

/// The body of a SOAP call, or the document itself, as a document of its own.
pub(crate) fn payload(xml: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    let soap = root.tag_name().namespace().is_some_and(|ns| ns.contains("soap"));
    let node = if soap {
        let body = root.children().find(|n| n.tag_name().name() == "Body").unwrap();
        body.children().find(roxmltree::Node::is_element).unwrap()
    } else {
        root
    };
    xml[node.range()].to_owned()
}

// === impl Setting ===

impl Setting<'_> {
    /// The laws for one document. `Ok(Some(…))`: the wire refuses to say it.
    fn round(&self, made: &Invented, context: &Context, chance: &mut Chance) -> Result<Option<Refused>, String> {
        let write = |body: &Value, contents: &MemoryContents| self.map.write(body, context, contents, Some(&self.sealer));
        let bytes = match write(&made.body, &made.contents) {
            Ok(bytes) => bytes,
            Err(fault) => return Ok(Some((self.title.clone(), general(&fault.pointer), format!("{:?}", fault.kind)))),
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

/// The values a mapping needs besides the body; made up, but always the same.
pub(crate) fn context(partner: &Partner, form: Option<&str>) -> Context {
    let mut context = Context::new()
        .with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000001")
        .with("message.time", "2026-04-20T08:00:00+07:00")
        .with("session", "s-1")
        .with("asked.exists", true);
    for (name, value) in &partner.values {
        context.set(format!("partner.{name}"), value.as_str());
    }
    if let Some((procedure, edition)) = form.and_then(|f| f.split_once('@')) {
        context.set("dossier.procedure", procedure);
        context.set("dossier.edition", edition);
    }
    context
}

#[test]
fn nothing_is_lost_there_is_one_spelling_and_the_same_bytes_come_again() {
    let files = files();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
    let schemas = schemas(&files);
    let inventor = Inventor::new(&schemas, catalogue.shapes.editions()).unwrap();
    assert!(inventor.unread().is_empty(), "the inventor does not follow {:?}", inventor.unread());
    let lists = |message: &str, body: &mut Value| fill(&schemas[message], &schemas[message], body);
    let seed = super::mutants::number("LIENTHONG_FUZZ_SEED", SEED);
    println!("seed {seed}");
    let (mut complaints, mut refused, mut written, mut declared) = (Vec::new(), BTreeMap::<Refused, u64>::new(), 0_u64, 0_u64);
    let (mut lines, mut reached) = (BTreeSet::new(), BTreeSet::new());
    for partner in catalogue.all_partners() {
        for name in partner.book.names() {
            let map = partner.book.map(name).unwrap();
            let title = format!("{}/{name}", partner.name);
            let mut chance = Chance::new(seed ^ title.bytes().fold(0_u64, |n, b| n.wrapping_mul(31).wrapping_add(b.into())));
            let text = head(&files, &partner.name, name, "schema")
                .filter(|path| path.ends_with(".xsd"))
                .map(|path| files.text(&format!("schemas/{path}")).unwrap());
            let schema = text.map(|text| uppsala::parse(text).unwrap());
            let xsd = schema.as_ref().map(|schema| uppsala::XsdValidator::from_schema(schema).unwrap());
            let without = head(&files, &partner.name, name, "without").unwrap_or("");
            let without = without.split(',').map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
            let source = files.source(&partner.name);
            let setting = Setting {
                title: title.clone(),
                map,
                declared: Cell::new(0),
                absent: head(&files, &partner.name, name, "absent").unwrap_or("omit"),
                folds: folds(&map.fidelity(&source).lines, &source),
                lines: map.fidelity(&source).lines,
                branches: branches(&source),
                sealer: StandIn(partner.seal_of(name)),
                without,
                lists: &lists,
                xsd: xsd.as_ref(),
            };
            let has_form = schemas[map.message()].pointer("/properties/form").is_some();
            let kept = map.fidelity(&source).lines.into_iter().filter(|k| k.how != Keeping::Dropped);
            lines.extend(kept.map(|k| (partner.name.clone(), k.file, k.text)));
            let mut all_through = 0;
            let forms = inventor.forms().filter(|_| has_form).map(Some).chain([None]);
            for form in forms {
                let context = context(partner, form);
                let mut through = 0;
                // Refused ones do not count: each form of each mapping gets its documents through the laws.
                for n in 0..DOCUMENTS * 10 {
                    let made = inventor.document(map.message(), form, &mut chance).unwrap();
                    match setting.round(&made, &context, &mut chance) {
                        Ok(None) => {
                            through += 1;
                            let told = map.explain(&[&made.body], &context);
                            reached.extend(told.into_iter().map(|f| (partner.name.clone(), f.file, f.text)));
                        }
                        Ok(Some(key)) => *refused.entry(key).or_default() += 1,
                        Err(why) => complaints.push(format!("{title} {form:?} {n}: {why}")),
                    }
                    if through == DOCUMENTS {
                        break;
                    }
                }
                all_through += through;
                written += through;
            }
            declared += setting.declared.get();
            assert!(all_through >= DOCUMENTS || !complaints.is_empty(), "{title}: only {all_through} documents got through");
        }
    }
    assert!(declared > 100, "only {declared} documents were spelled as their mapping declares");
    println!("{declared} spelled as declared");
    println!("{written} documents through the laws, {} refused", refused.values().sum::<u64>());
    for ((map, place, kind), n) in &refused {
        println!("    (\"{map}\", \"{place}\", \"{kind}\"), // {n}");
    }
    let unreached: Vec<_> = lines.difference(&reached).map(|(p, f, t)| (p.as_str(), f.as_str(), t.as_str())).collect();
    unreached.iter().for_each(|line| println!("    {line:?},"));
    let shown: Vec<String> = complaints.iter().take(5).map(|t| t.chars().take(3000).collect()).collect();
    assert!(complaints.is_empty(), "seed {seed}: {} complaints, such as\n{}", complaints.len(), shown.join("\n\n"));
    let listed =
        |(map, place, kind): &Refused| REFUSED.iter().any(|(m, p, k)| m == map && k == kind && (*p == "*" || p == place));
    let new: Vec<&Refused> = refused.keys().filter(|key| !listed(key)).collect();
    assert!(new.is_empty(), "seed {seed}: refused, and not on the list: {new:?}");
    let idle =
        REFUSED.iter().filter(|(m, p, k)| !refused.keys().any(|key| key.0 == *m && (*p == "*" || key.1 == *p) && key.2 == *k));
    let idle: Vec<_> = idle.collect();
    assert!(seed != SEED || idle.is_empty(), "no document is refused for this any more, take it off the list: {idle:?}");
    assert!(seed != SEED || unreached == UNREACHED, "the lines no document gets to are not those on the list: {unreached:?}");
}

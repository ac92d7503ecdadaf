//! L2 (one spelling) over JSON wires and forms made from the wire's own JSON Schema: as in `from_schemas`, for every mapping whose head names
//! one. A form is described as an object of texts; it is spelled in the ways that forms have.
//!
//! A document is a cross of one that we write (so that what must agree in it does) and one that is invented from the wire's schema alone, at
//! every distance between the two; it must be valid by that schema (judged by jsonschema) before it counts. Then: what is read is written, valid
//! again, read as the same, written as the same bytes, and every text and number of it stands in it again.

use super::respell::{form_of, respell};
use super::rig::{StandIn, described, files, head, known, loose, schemas};
use super::tried::{Entry, Tried, Wanted, chance_of, seeds};
use lienthong::body;
use lienthong::catalogue::{Catalogue, Partner, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{Context, Format, Inventor, JsonSchema, Mapping, MemoryContents, WireFault, form_object};
use lienthong::seal::Chance;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization as _;

/// Documents of each mapping, with each form of its own.
const DOCUMENTS: u64 = 40;

/// Documents of a mapping that has no forms.
const ALONE: u64 = 60;

/// How near to the document that we write.
const NEAR: &[f64] = &[0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98];

/// The same where a place is wanted.
const NEARER: &[f64] = &[0.9, 0.98, 1.0, 1.0];

/// What the readers refuse of documents that the schema allows.
const REFUSED: &[Entry] = &[
    // Whose messages they are is known: another's are refused.
    ("*", "client_id", "Disagrees"),
    ("keypay/bill-answer", "message/client_id", "Disagrees"),
    ("*", "madonvi", "Disagrees"),
    ("*", "merchant_code", "Disagrees"),
    ("*", "session", "Disagrees"),
    ("dvcqg/sync", "isUpdating", "Disagrees"),
    // The dossier's code twice the same.
    ("keypay/bill-answer", "message/MaHoSo", "Disagrees"),
    // What belongs together: documents with a status that has some; an address whole or not at all; the owner's name twice the same.
    ("hanoi/progress", "GiayToKetQua", "Branch"),
    ("hanoi/progress", "GiayToKetQua", "Missing"),
    ("hanoi/status", "GiayToKetQua", "Branch"),
    ("hanoi/status", "GiayToKetQua", "Missing"),
    ("hanoi/submit", "…/MaTinhChuHs", "Missing"),
    ("hanoi/submit", "…/MaXaChuHs", "Missing"),
    ("hanoi/submit", "…/TenChuHs", "Disagrees"),
    // A form that is not the procedure's on that day.
    ("*", "ToKhai", "Form"),
    ("*", "ToKhai/…", "Missing"),
    ("*", "ToKhai/…", "Unknown"),
    ("*", "ToKhai/…", "Code"),
];

/// Optional places that tell what another place tells too: where only one of them does, both are written.
const SAID_TWICE: &[(&str, &str)] = &[("hanoi/submit", "ThongTinNguoiNop/ThongTinChiTiet/TenChuHs")];

/// Decimals as texts: their value counts, not their spelling.
const DECIMALS: &[&str] = &["/diem"];

/// What is known before a message is read: another value is refused.
const FIXED: &[&str] = &["$partner.", "$session", "$asked."];

/// One mapping with what a round needs.
struct Setting<'s> {
    map: &'s Mapping,
    sealer: StandIn<'s>,
    validator: jsonschema::Validator,
    /// Places whose text need not come back as it was.
    loose: BTreeSet<String>,
}

/// One mapping with all that its documents are made from.
struct Subject<'s> {
    title: String,
    partner: &'s Partner,
    setting: Setting<'s>,
    inventor: &'s Inventor,
    wires: Inventor,
    /// Where on the wire stands what is known beside a message.
    fixed: Vec<String>,
    forms: Vec<Option<&'s str>>,
    chance: Chance,
}

/// What became of a document.
enum Round {
    Held,
    Refused(Vec<WireFault>),
    Broken(String),
}

/// A document between two; what stands at `toward` in the made one is there (or, `false`, what does not is not), as the names lead to it.
fn cross(ours: &Value, made: &Value, near: f64, toward: Option<(&[&str], bool)>, chance: &mut Chance) -> Value {
    match (ours, made) {
        (Value::Object(a), Value::Object(b)) => {
            let inside = |name: &str| {
                let (place, there) = toward?;
                place.split_first().filter(|(first, _)| **first == name).map(|(_, rest)| (rest, there))
            };
            let shunned = |name: &str| inside(name).is_some_and(|(rest, there)| rest.is_empty() && !there);
            let mut map = Map::new();
            for (name, value) in a {
                match b.get(name) {
                    Some(other) => drop(map.insert(name.clone(), cross(value, other, near, inside(name), chance))),
                    None if !shunned(name) && chance.hits(near) => drop(map.insert(name.clone(), value.clone())),
                    None => {}
                }
            }
            for (name, value) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                if inside(name).is_some() || !chance.hits(near) {
                    map.insert(name.clone(), value.clone());
                }
            }
            Value::Object(map)
        }
        (Value::Array(a), Value::Array(b)) => {
            let ours = if toward.is_some() { !a.is_empty() } else { chance.hits(near) };
            let rows = if ours { a } else { b };
            rows.iter()
                .enumerate()
                .map(|(n, row)| b.get(n).map_or_else(|| row.clone(), |other| cross(row, other, near, toward, chance)))
                .collect()
        }
        (Value::Null, _) if toward.is_some() => made.clone(),
        (Value::String(none), _) if toward.is_some() && none.is_empty() => made.clone(),
        _ if chance.hits(near) => ours.clone(),
        _ => made.clone(),
    }
}

/// What is written, as the schema describes it.
fn document(map: &Mapping, bytes: &[u8]) -> Value {
    match map.format() {
        Format::Form => form_object(bytes).unwrap(),
        _ => serde_json::from_slice(bytes).unwrap(),
    }
}

/// Puts what is known beside a message as we write it, so that documents differ in what is theirs.
fn configured(made: &mut Value, ours: &Value, places: &[String]) {
    for place in places {
        if let (Some(to), Some(from)) = (made.pointer_mut(place), ours.pointer(place)) {
            *to = from.clone();
        }
    }
}

/// Every scalar with its place; null, empty texts and empty lists are spellings of nothing.
fn leaves(value: &Value, path: &str, to: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(map) => map.iter().for_each(|(name, inner)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            leaves(inner, &path, to);
        }),
        Value::Array(rows) => rows.iter().for_each(|row| leaves(row, path, to)),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => to.push((path.to_owned(), text.nfc().collect())),
        other => to.push((path.to_owned(), other.to_string())),
    }
}

/// Every scalar's place that a schema knows.
fn places(schema: &Value, whole: &Value, path: &str, depth: usize, to: &mut BTreeSet<String>) {
    if depth > 30 {
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| whole.pointer(r.trim_start_matches('#'))) {
        return places(target, whole, path, depth + 1, to);
    }
    // What stands for none has no place of its own, and nothing stands in a list that is always empty.
    let words = schema.get("enum").and_then(Value::as_array);
    if words.is_some_and(|words| words.contains(&Value::Null))
        || schema.get("const") == Some(&json!(""))
        || schema.get("maxItems") == Some(&json!(0))
    {
        return;
    }
    if let Some(list) = schema.get("anyOf").and_then(Value::as_array) {
        return list.iter().for_each(|one| places(one, whole, path, depth + 1, to));
    }
    match (schema.get("properties").and_then(Value::as_object), schema.get("items")) {
        (Some(properties), _) => properties.iter().for_each(|(name, inner)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            places(inner, whole, &path, depth + 1, to);
        }),
        (None, Some(items)) => places(items, whole, path, depth + 1, to),
        (None, None) => drop(to.insert(path.to_owned())),
    }
}

// === impl Setting ===

impl Setting<'_> {
    /// An invented document as the mapping's format spells it.
    fn spelled(&self, made: &Value, chance: &mut Chance) -> String {
        if self.map.format() != Format::Form {
            return made.to_string();
        }
        let fields = made.as_object().unwrap().iter();
        form_of(fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(), chance)
    }

    fn round(&self, made: &Value, ctx: &Context, chance: &mut Chance) -> Round {
        let wire = self.spelled(made, chance);
        let readings = match self.map.read(wire.as_bytes(), ctx, &mut MemoryContents::default()) {
            Ok(readings) if readings.is_empty() => return Round::Held,
            Ok(readings) => readings,
            Err(faults) => return Round::Refused(faults),
        };
        let mut known = ctx.clone();
        readings[0].context.iter().for_each(|(name, value)| known.set(name.clone(), value.clone()));
        let bodies: Vec<&body::Value> = readings.iter().map(|r| &r.body).collect();
        self.law(&wire, made, &bodies, (ctx, &known), chance)
            .map_or_else(|why| Round::Broken(format!("{why}\n{wire}")), |()| Round::Held)
    }

    fn law(
        &self,
        wire: &str,
        made: &Value,
        bodies: &[&body::Value],
        (ctx, known): (&Context, &Context),
        chance: &mut Chance,
    ) -> Result<(), String> {
        let write = |bodies: &[&body::Value]| {
            let bytes = self.map.write_batch(bodies, known, &MemoryContents::default(), Some(&self.sealer));
            String::from_utf8(bytes.map_err(|f| format!("read, and not written: {f}"))?).map_err(|e| e.to_string())
        };
        let normal = write(bodies)?;
        let document = document(self.map, normal.as_bytes());
        if let Some(fault) = self.validator.iter_errors(&document).next() {
            return Err(format!("what is written of it is not valid: {} {fault}\n{normal}", fault.instance_path()));
        }
        for (bytes, what) in [
            (normal.clone().into_bytes(), "what is written of it"),
            (respell(wire, self.map.format(), chance), "another spelling"),
            (respell(&normal, self.map.format(), chance), "another spelling of what is written of it"),
        ] {
            let again = self.map.read(&bytes, ctx, &mut MemoryContents::default());
            let again = again.map_err(|f| format!("{what} does not read: {f:?}\n{normal}"))?;
            let again: Vec<&body::Value> = again.iter().map(|r| &r.body).collect();
            if again != bodies {
                return Err(format!("{what} reads otherwise: {again:?}\n{normal}"));
            }
            if write(&again)? != normal {
                return Err(format!("{what}, read and written, is another text than\n{normal}"));
            }
        }
        let (was, is) = (self.texts(made), self.texts(&document));
        let only = |a: &BTreeMap<(String, String), i64>, b: &BTreeMap<(String, String), i64>| {
            a.iter().filter(|(k, n)| b.get(*k) != Some(n)).map(|(k, _)| format!("{} {:?}", k.0, k.1)).collect::<Vec<_>>()
        };
        if was == is {
            Ok(())
        } else {
            Err(format!("not all of it comes back: was {:?}, is {:?}\n{normal}", only(&was, &is), only(&is, &was)))
        }
    }

    fn texts(&self, document: &Value) -> BTreeMap<(String, String), i64> {
        let (mut all, mut found) = (Vec::new(), BTreeMap::new());
        leaves(document, "", &mut all);
        for (path, text) in all.into_iter().filter(|(path, _)| !self.loose.contains(path)) {
            let decimal = DECIMALS.iter().any(|end| path.ends_with(end)) && text.contains('.');
            let text = if decimal { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
            *found.entry((path, text)).or_default() += 1;
        }
        found
    }
}

// === impl Subject ===

impl Subject<'_> {
    fn one(&mut self, form: Option<&str>, wanted: &Wanted, tried: &mut Tried) {
        let (writing, reading) = known(self.partner, form);
        let (setting, chance) = (&self.setting, &mut self.chance);
        // Some messages the wire cannot say.
        let ours = (0..8).find_map(|_| {
            let ours = self.inventor.document(setting.map.message(), form, chance).unwrap();
            setting.map.write(&ours.body, &writing, &ours.contents, Some(&setting.sealer)).ok()
        });
        let place: Option<(Vec<&str>, bool)> = wanted.place().map(|(place, there)| (place.split('/').collect(), there));
        let toward = place.as_ref().map(|(place, there)| (&place[..], *there));
        let mut made: Value = self.wires.document_with("wire", None, toward, chance).unwrap().body.into();
        if let Some(ours) = ours {
            let near = *chance.pick(if toward.is_some() { NEARER } else { NEAR }).unwrap();
            let ours = document(setting.map, &ours);
            made = cross(&ours, &made, near, toward, chance);
            if !self.fixed.is_empty() && chance.hits(0.9) {
                configured(&mut made, &ours, &self.fixed);
            }
        }
        if !setting.validator.is_valid(&made) {
            return tried.pass();
        }
        let mut all = Vec::new();
        leaves(&made, "", &mut all);
        match setting.round(&made, &reading, chance) {
            Round::Held => tried.hold(&self.title, all.into_iter().map(|(path, _)| path)),
            Round::Refused(faults) => tried.refuse_all(&self.title, &faults, |place| {
                all.iter().filter(|(path, _)| path == place).map(|(_, text)| text.clone()).collect()
            }),
            Round::Broken(why) => tried.complain(format!("{} {form:?}: {why}", self.title)),
        }
    }
}

#[test]
fn a_json_wire_or_form_of_the_schema_is_read_and_has_one_spelling() {
    let files = files();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
    let canonical = schemas(&files);
    let inventor = Inventor::new(&canonical, catalogue.shapes.editions()).unwrap();
    let described = described(&catalogue, &files, ".json");
    for seed in seeds() {
        let mut tried = Tried::new(seed, REFUSED, &[]);
        let mut all: Vec<Subject<'_>> = Vec::new();
        for (partner, name, path) in &described {
            let schema = JsonSchema::load(path, files.text(&format!("schemas/{path}")).unwrap()).unwrap();
            let own = schema.of(head(&files, &partner.name, name, "root"));
            let wires = Inventor::of_wire(&own).unwrap();
            assert!(wires.unread().is_empty(), "{path}: the inventor does not follow {:?}", wires.unread());
            let title = format!("{}/{name}", partner.name);
            let map = partner.book.map(name).unwrap();
            let validator = jsonschema::options().with_pattern_options(jsonschema::PatternOptions::regex()).build(&own).unwrap();
            let loose = loose(&files, partner, (map, &title), SAID_TWICE);
            let setting = Setting { map, sealer: StandIn(partner.seal_of(name)), validator, loose };
            let lines = map.fidelity(&files.source(&partner.name)).lines;
            let fixed = lines.iter().filter(|l| FIXED.iter().any(|name| l.text.starts_with(name)));
            let fixed = fixed.map(|l| format!("/{}", l.wire)).collect();
            let mut places_of = BTreeSet::new();
            places(&own, &own, "", 0, &mut places_of);
            tried.knows(&title, places_of);
            let has_form = canonical[map.message()].pointer("/properties/form").is_some();
            let forms = inventor.forms().filter(|_| has_form).map(Some).chain([None]).collect();
            let chance = chance_of(seed, &title);
            all.push(Subject { title, partner, setting, inventor: &inventor, wires, fixed, forms, chance });
        }
        for subject in &mut all {
            for form in subject.forms.clone() {
                let documents = if subject.forms.len() > 1 { DOCUMENTS } else { ALONE };
                (0..documents).for_each(|_| subject.one(form, &Wanted::Any, &mut tried));
            }
        }
        tried.pursue(
            &mut all,
            |subject| subject.title.clone(),
            |tried, subject, n, wanted| subject.one(subject.forms[n % subject.forms.len()], wanted, tried),
        );
        tried.is_as_listed();
        let (held, passed) = (tried.held, tried.passed);
        let forms = all.iter().filter(|subject| subject.setting.map.format() == Format::Form).count();
        assert!(forms > 4 && tried.mappings() > 10 && held > 500 && passed < held, "{held} held, {passed} not of the schema");
        assert!(tried.excused("days that are none") > 0);
    }
}

//! V12: every sample of every adapter both ways, and invented documents of every message and form through every mapping: written, read
//! again, written again; what comes back is what the wire carries; what is written is valid by the wire's XSD.
//!
//! Only in `check` and before a reload: it takes longer than a start should. A fault tells places, never values.

use super::files::Files;
use super::partner::Partner;
use super::seal::Seal;
use super::validate::wire_validator;
use crate::body::{Text, Value};
use crate::mapping::{
    Check, Context, Format, Inventor, JsonSchema, Keeping, Mapping, MemoryContents, RawFields, Reading, Sealer, SourceFault,
    WireSchema, WriteFaultKind, form_object,
};
use crate::seal::Chance;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Documents invented of each message (and form) for each mapping.
const ROUNDS: usize = 8;

/// A seal that says what the sample said: keys are not needed to prove a mapping.
struct Same(String);

impl Sealer for Same {
    fn seal(&self, _: &RawFields) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

/// The route's own seal, so that it has the form the schema says; where a field of it is one that only the other side writes, any text.
struct Own<'p>(Option<&'p Seal>);

impl Sealer for Own<'_> {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        Ok(self.0.and_then(|seal| seal.text(raw).ok()).unwrap_or_else(|| "seal".to_owned()))
    }
}

/// What a partner is proven with.
pub(super) struct Proof<'p> {
    pub(super) files: &'p Files,
    pub(super) partner: &'p Partner,
    pub(super) xsds: &'p BTreeMap<String, WireSchema>,
    pub(super) inventor: &'p Inventor,
    /// Validators of JSON wires by mapping, made when they are first asked for.
    pub(super) validators: RefCell<BTreeMap<String, Result<jsonschema::Validator, String>>>,
}

// === impl Proof ===

impl Proof<'_> {
    /// Every fault; files are named under the partner's folder.
    pub(super) fn faults(&self) -> Vec<SourceFault> {
        let mut found = self.samples();
        for map in self.partner.book.names().filter_map(|name| self.partner.map(name)) {
            found.extend(self.invented(map));
        }
        found
    }

    // --- samples

    fn samples(&self) -> Vec<SourceFault> {
        let folder = format!("adapters/{}/samples/", self.partner.name);
        let mut found = Vec::new();
        for (path, wire) in self.files.under(&folder) {
            if path.ends_with(".canonical.json") || path.ends_with(".context.json") {
                continue;
            }
            if let Err(text) = self.sample(&folder, path, wire) {
                found.push(fault(format!("samples/{path}"), text));
            }
        }
        found
    }

    fn sample(&self, folder: &str, path: &str, wire: &str) -> Result<(), String> {
        let (name, file) = path.rsplit_once('/').ok_or("a sample stands in the folder of its mapping: samples/<mapping>/")?;
        let map = self.partner.map(name).ok_or_else(|| format!("there is no mapping `{name}.map` for this sample"))?;
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let beside = |ending: &str| self.files.text(&format!("{folder}{name}/{stem}.{ending}.json"));
        let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|e| format!("{stem}: {e}"));
        let canonical = parse(beside("canonical").ok_or_else(|| format!("{stem}.canonical.json is missing beside it"))?)?;
        let mut context = Context::new();
        for (key, value) in beside("context").map(parse).transpose()?.and_then(|v| v.as_object().cloned()).unwrap_or_default() {
            context.set(key, value);
        }
        let mut contents = MemoryContents::default();
        let readings = map
            .read(wire.as_bytes(), &context, &mut contents)
            .map_err(|faults| format!("it is not read: {}", faults.first().map(ToString::to_string).unwrap_or_default()))?;
        let read = bodies(&readings, canonical.is_array());
        if let Some(place) = differs(&read, &canonical, "") {
            return Err(format!("it is not read as {stem}.canonical.json says, at {place}"));
        }
        let sealer = Same(readings.first().and_then(|r| r.raw.seal.clone()).unwrap_or_default());
        let list: Vec<&Value> = canonical.as_array().map_or_else(|| vec![&canonical], |list| list.iter().collect());
        let write = || map.write_batch(&list, &context, &contents, Some(&sealer));
        let bytes = write().map_err(|f| format!("what it says is not written: {f}"))?;
        if write().ok().as_ref() != Some(&bytes) {
            return Err("written twice it gives two texts".to_owned());
        }
        let again = map.read(&bytes, &context, &mut MemoryContents::default());
        let again = again.map_err(|_| "what is written of it is not read again".to_owned())?;
        if let Some(place) = differs(&bodies(&again, canonical.is_array()), &canonical, "") {
            return Err(format!("what is written of it is read as another message, at {place}"));
        }
        let valid = if file.starts_with("also-") { vec![&bytes[..]] } else { vec![&bytes[..], wire.as_bytes()] };
        valid.into_iter().try_for_each(|document| self.valid(map, document))
    }

    // --- invented documents

    fn invented(&self, map: &Mapping) -> Vec<SourceFault> {
        let forms: Vec<Option<String>> = match map.message() {
            "dossier.submit" | "dossier.supplement" => self.inventor.forms().map(|f| Some(f.to_owned())).collect(),
            _ => vec![None],
        };
        let lossy: BTreeSet<String> = map
            .fidelity(&self.files.source(&self.partner.name))
            .lines
            .into_iter()
            .filter(|k| k.how == Keeping::Folded || k.in_branch)
            .map(|k| k.canonical)
            .collect();
        let needs: BTreeSet<String> = map.needs().map(|n| n.field).collect();
        let mut told = BTreeSet::new();
        for form in forms.iter().filter(|form| self.partner.takes(form.as_deref())) {
            let mut chance = Chance::new(0x5eed);
            for _ in 0..ROUNDS {
                let Some(mut made) = self.inventor.document(map.message(), form.as_deref(), &mut chance) else { continue };
                // Canonical text is what every wire can carry; what XML cannot is refused by the readers.
                scrub(&mut made.body);
                if let Err(text) = self.document(map, &made.body, &made.contents, form.as_deref(), (&lossy, &needs)) {
                    told.insert(text);
                }
            }
        }
        told.into_iter().map(|text| fault(format!("{}.map", map.name()), text)).collect()
    }

    fn document(
        &self,
        map: &Mapping,
        body: &Value,
        contents: &MemoryContents,
        form: Option<&str>,
        (lossy, needs): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Result<(), String> {
        let context = self.context(form);
        let of = form.map_or_else(String::new, |f| format!(" (form {f})"));
        let sealer = Own(self.partner.seal_of(map.name()));
        let write = |body: &Value| map.write(body, &context, contents, Some(&sealer));
        let bytes = match write(body) {
            Ok(bytes) => bytes,
            // What the wire cannot say is refused with its place: a precondition, or a joined list that holds its own separator.
            Err(f) if needs.contains(&dotted(&f.pointer)) || body.pointer(&f.pointer).is_some_and(Value::is_array) => {
                return Ok(());
            }
            Err(f) if f.kind == WriteFaultKind::Form => {
                let form = form.unwrap_or_default();
                return Err(format!(
                    "it has no form/{form}.map (or schemas/canonical/forms/editions.toml no row of {form}): a dossier with this form cannot pass"
                ));
            }
            Err(f) => {
                return Err(format!(
                    "an invented {}{of} is not written: `{}`: {}",
                    map.message(),
                    dotted(&f.pointer),
                    f.text_en()
                ));
            }
        };
        let read = |bytes: &[u8]| map.read(bytes, &context, &mut MemoryContents::default());
        let readings = read(&bytes).map_err(|faults| {
            let places: Vec<&str> = faults.iter().map(|f| f.pointer()).take(3).collect();
            format!("what is written of an invented {}{of} is not read again: {}", map.message(), places.join(", "))
        })?;
        let back = bodies(&readings, false);
        let mut lost = BTreeSet::new();
        missing(body, &back, "", &mut lost);
        let said = |place: &String| map.without().iter().any(|w| place == w || place.starts_with(&format!("{w}.")));
        lost.retain(|place| !said(place) && !lossy.contains(place));
        if !lost.is_empty() {
            let lost: Vec<&str> = lost.iter().map(String::as_str).take(5).collect();
            return Err(format!("an invented {}{of} does not come back whole: {}", map.message(), lost.join(", ")));
        }
        // `$` values that the wire does not carry are those of the first writing.
        if write(&back).ok().as_deref() != Some(&bytes[..]) && lossy.is_empty() {
            return Err(format!("an invented {}{of}, read and written again, gives other bytes", map.message()));
        }
        self.valid(map, &bytes).map_err(|text| format!("{text}{of}"))
    }

    /// Everything a mapping may ask of what is around a message.
    fn context(&self, form: Option<&str>) -> Context {
        let mut context = Context::new()
            .with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000001")
            .with("message.time", "2026-04-20T08:00:00+07:00")
            .with("session", "phien")
            .with("asked.exists", true)
            .with("from.code", "a")
            .with("from.name", "a")
            .with("to.code", "b")
            .with("to.name", "b");
        for (name, value) in &self.partner.values {
            context.set(format!("partner.{name}"), value.as_str());
        }
        if let Some((code, edition)) = form.and_then(|f| f.split_once('@')) {
            context.set("dossier.procedure", code);
            context.set("dossier.edition", edition);
        }
        context
    }

    fn valid_json(&self, map: &Mapping, schema: &JsonSchema, document: &[u8]) -> Result<(), String> {
        let mut validators = self.validators.borrow_mut();
        let own = validators.entry(map.name().to_owned());
        let own = own.or_insert_with(|| wire_validator(&schema.of(map.definition())));
        let document = match map.format() {
            Format::Form => form_object(document),
            _ => serde_json::from_slice(document).ok(),
        };
        let validator = own.as_ref().map_err(|why| format!("{} cannot be used: {why}", map.schema().unwrap_or("")))?;
        let Some(document) = document else { return Ok(()) };
        match validator.iter_errors(&document).next() {
            None => Ok(()),
            Some(e) => Err(format!("not valid by {}: {}: {}", map.schema().unwrap_or(""), e.instance_path(), e.masked())),
        }
    }

    fn valid(&self, map: &Mapping, document: &[u8]) -> Result<(), String> {
        let Some(schema) = map.schema().and_then(|path| self.xsds.get(path)) else { return Ok(()) };
        let Ok(validator) = (match schema {
            WireSchema::Xsd(xsd) => xsd.validator(),
            WireSchema::Json(json) => return self.valid_json(map, json, document),
        }) else {
            return Ok(());
        };
        match validator.faults(document, map.envelope()).first() {
            None => Ok(()),
            Some(f) => Err(format!("not valid by {}: {}: {}", map.schema().unwrap_or(""), f.place, f.rule.en)),
        }
    }
}

// === words ===

fn fault(file: String, text: String) -> SourceFault {
    SourceFault { file, start: 0, len: 0, line: 1, column: 1, text, hint: None, check: Check::Samples }
}

fn bodies(readings: &[Reading], list: bool) -> Value {
    match readings {
        [one] if !list => one.body.clone(),
        many => many.iter().map(|r| r.body.clone()).collect(),
    }
}

/// A pointer as the canonical name it stands for: indices left out.
fn dotted(pointer: &str) -> String {
    let words: Vec<&str> = pointer.split('/').filter(|w| !w.is_empty() && !w.bytes().all(|b| b.is_ascii_digit())).collect();
    words.join(".")
}

/// Without the characters that XML cannot carry: some patterns of the canonical schemas let them pass.
fn scrub(value: &mut Value) {
    let bad = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}') || c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    match value {
        Value::String(text) if text.contains(bad) => *text = text.replace(bad, "x").into(),
        Value::Array(list) => list.iter_mut().for_each(scrub),
        Value::Object(map) => map.values_mut().for_each(scrub),
        _ => {}
    }
}

/// The first place where two values differ.
fn differs(a: &Value, b: &Value, at: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&Text> = a.keys().chain(b.keys()).collect();
            names.into_iter().find_map(|n| {
                let at = format!("{at}/{n}");
                match (a.get(n), b.get(n)) {
                    (Some(a), Some(b)) => differs(a, b, &at),
                    _ => Some(at),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| differs(a, b, &format!("{at}/{n}")))
        }
        _ => (a != b).then(|| if at.is_empty() { "/".to_owned() } else { at.to_owned() }),
    }
}

/// The dotted places of scalars that are in `a` and not the same in `b`.
fn missing(a: &Value, b: &Value, at: &str, out: &mut BTreeSet<String>) {
    let inside = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match (a, b) {
        (Value::Object(a), _) => {
            for (name, inner) in a {
                missing(inner, b.get(name).unwrap_or(&Value::Null), &inside(name), out);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for (n, inner) in a.iter().enumerate() {
                missing(inner, b.get(n).unwrap_or(&Value::Null), at, out);
            }
        }
        (Value::Array(a), _) => a.iter().for_each(|inner| missing(inner, &Value::Null, at, out)),
        _ if a != b => drop(out.insert(at.to_owned())),
        _ => {}
    }
}

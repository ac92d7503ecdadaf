//! Invents canonical documents from their JSON Schema: for `check`, for the laws as property tests, for whoever needs a message to try.
//!
//! Always: the same seed gives the same document; what is invented is valid by the schema and, but for wires, in the canonical normal form
//! (NFC, no empty texts or objects, lists never absent). Small and full documents, edges of ranges and hard characters come more often than by chance.
//! Not reached: texts nearer to a long `maxLength` than one in forty, of wires those that are longer than it in NFC, and what [`Inventor::unread`] lists.

use super::api::{ContentSink as _, MemoryContents};
use super::editions::Editions;
use super::invent_texts::{by_pattern, day, hard, time};
use crate::seal::Chance;
use jiff::civil::Date;
use regex_syntax::hir::Hir;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization as _;

/// Keywords of JSON Schema that are read here, or say nothing about the instance.
const READ: &str = " $schema $id $comment $defs $ref title description type properties required additionalProperties items minItems \
    maxItems uniqueItems minProperties enum const pattern format minLength maxLength minimum maximum anyOf allOf if then x-public x-key x-form ";

/// Schemas that hold themselves are looked into so deep.
const DEEPEST: usize = 40;

/// Makes documents out of schemas.
#[derive(Debug)]
pub struct Inventor {
    schemas: BTreeMap<String, Value>,
    patterns: BTreeMap<String, Hir>,
    editions: Editions,
    unread: BTreeSet<String>,
    /// Documents are in the canonical normal form.
    normal: bool,
}

/// A document and the contents it names.
#[derive(Debug, Default)]
pub struct Invented {
    /// The canonical body.
    pub body: crate::body::Value,
    /// Its contents by their blob names.
    pub contents: MemoryContents,
}

/// One document while it is made.
struct Making<'m> {
    inventor: &'m Inventor,
    chance: &'m mut Chance,
    /// The schema file that references are relative to.
    file: &'m str,
    contents: MemoryContents,
    /// How likely an optional field is there.
    full: f64,
    /// The names that lead from here to the place that was asked for; lists are passed through.
    toward: Option<&'m [&'m str]>,
    /// Whether that place must be there, or not.
    there: bool,
}

// === impl Inventor ===

impl Inventor {
    /// Takes the schemas by name, as [`super::Shapes`] does. The error names a pattern that no text can be made from.
    pub fn new(schemas: &BTreeMap<String, Value>, editions: &Editions) -> Result<Self, String> {
        let (schemas, editions) = (schemas.clone(), editions.clone());
        let mut made = Self { schemas, patterns: BTreeMap::new(), editions, unread: BTreeSet::new(), normal: true };
        for (name, schema) in made.schemas.clone() {
            made.gather(&name, &schema)?;
        }
        Ok(made)
    }

    /// Of a wire's own schema, known by the name `wire`: nobody promises a normal form there.
    pub fn of_wire(schema: &Value) -> Result<Self, String> {
        let made = Self::new(&BTreeMap::from([("wire".to_owned(), schema.clone())]), &Editions::default())?;
        Ok(Self { normal: false, ..made })
    }

    /// Keywords that the schemas use and that are not followed here.
    #[must_use]
    pub fn unread(&self) -> &BTreeSet<String> {
        &self.unread
    }

    /// The forms of all editions that have a schema, as `procedure@edition`.
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        self.schemas.keys().filter_map(|name| name.strip_prefix("forms/"))
    }

    /// A document of a message; `form` is `procedure@edition` (the document's procedure and day are made to fit it), none: without a
    /// form. `None`: there is no such schema.
    #[must_use]
    pub fn document(&self, message: &str, form: Option<&str>, chance: &mut Chance) -> Option<Invented> {
        self.document_with(message, form, None, chance)
    }

    /// The same with one place there for certain (`true`), or what it stands in there and the place left out (`false`): the names that lead
    /// to it, lists passed through. Where the schema decides otherwise (`required`, an `if`), or has no such place, that counts.
    #[must_use]
    pub fn document_with(
        &self,
        message: &str,
        form: Option<&str>,
        place: Option<(&[&str], bool)>,
        chance: &mut Chance,
    ) -> Option<Invented> {
        let (file, schema) = self.schemas.get_key_value(message)?;
        let full = *chance.pick(&[0.0, 0.5, 0.5, 0.5, 1.0])?;
        let mut making = Making {
            inventor: self,
            chance,
            file,
            contents: MemoryContents::default(),
            full,
            toward: place.map(|p| p.0),
            there: place.is_none_or(|p| p.1),
        };
        let mut body = making.value(schema);
        if let Some(form) = form {
            let (file, schema) = self.schemas.get_key_value(&format!("forms/{form}"))?;
            let properties = self.schemas.get(message)?.get("properties").and_then(Value::as_object)?;
            let holder = properties.iter().find(|(_, p)| p.get("x-form").is_some()).map(|(name, _)| name.clone())?;
            making.file = file;
            making.toward = inside(place.map(|p| p.0), &holder);
            let made = making.value(schema);
            let map = body.as_object_mut()?;
            map.insert(holder, made);
            let (procedure, edition) = form.split_once('@')?;
            if properties.contains_key("procedure") {
                map.insert("procedure".to_owned(), json!(procedure));
            }
            if properties.contains_key("submitted_at") {
                let day = making.day_of(procedure, edition)?;
                map.insert("submitted_at".to_owned(), json!(format!("{day}T{}+07:00", time(making.chance))));
            }
        }
        Some(Invented { body: body.into(), contents: making.contents })
    }

    /// All patterns and keywords of a schema.
    fn gather(&mut self, name: &str, schema: &Value) -> Result<(), String> {
        let Some(map) = schema.as_object() else { return Ok(()) };
        for (key, inner) in map {
            match (key.as_str(), inner) {
                ("properties" | "$defs", Value::Object(inner)) => inner.values().try_for_each(|v| self.gather(name, v))?,
                ("allOf" | "anyOf", Value::Array(list)) => list.iter().try_for_each(|v| self.gather(name, v))?,
                ("items" | "if" | "then", inner) => self.gather(name, inner)?,
                ("pattern", Value::String(pattern)) => {
                    let hir = regex_syntax::parse(&ecma(pattern)).map_err(|e| format!("{name}: `{pattern}`: {e}"))?;
                    self.patterns.insert(pattern.clone(), hir);
                }
                (key, _) if !READ.contains(&format!(" {key} ")) => drop(self.unread.insert(format!("{name}: {key}"))),
                _ => {}
            }
        }
        Ok(())
    }
}

// === impl Making ===

impl<'m> Making<'m> {
    /// A value of a schema.
    fn value(&mut self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        let mut value = self.plain(&schema);
        let conditions = std::iter::once(&schema).chain(schema.get("allOf").and_then(Value::as_array).into_iter().flatten());
        for (when, then) in conditions.filter_map(|c| c.get("if").zip(c.get("then"))) {
            if holds(when, &value) {
                self.amend(&schema, then, &mut value);
            }
        }
        value
    }

    /// What `then` demands: its fields are made anew under both schemas.
    fn amend(&mut self, schema: &Value, then: &Value, value: &mut Value) {
        let Some(map) = value.as_object_mut() else { return };
        let narrowed = then.get("properties").and_then(Value::as_object);
        let required = then.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let names: BTreeSet<&str> = required
            .filter(|n| !map.contains_key(*n))
            .chain(narrowed.into_iter().flat_map(Map::keys).map(String::as_str))
            .collect();
        for name in names {
            let Some(base) = schema.pointer(&format!("/properties/{name}")) else { continue };
            let mut both = self.resolved(base);
            let extra = narrowed.and_then(|n| n.get(name)).and_then(Value::as_object);
            if let (Some(both), Some(extra)) = (both.as_object_mut(), extra) {
                both.extend(extra.clone());
            }
            let made = self.member(name, &both);
            map.insert(name.to_owned(), made);
        }
    }

    /// The value of a member.
    fn member(&mut self, name: &str, schema: &Value) -> Value {
        let toward = self.toward;
        self.toward = inside(toward, name);
        let value = self.value(schema);
        self.toward = toward;
        value
    }

    /// Whether the place that must be there is this value or can lie inside of it.
    fn leads(&self, schema: &Value, toward: &[&str], depth: usize) -> bool {
        let schema = self.resolved(schema);
        let is = |key: &str, value: Value| schema.get(key) == Some(&value);
        if depth > DEEPEST || is("const", json!("")) || is("type", json!("null")) || is("maxItems", json!(0)) {
            return false;
        }
        if schema.get("enum").and_then(Value::as_array).is_some_and(|words| words.iter().all(|w| w.is_null() || w == "")) {
            return false;
        }
        if let Some(list) = schema.get("anyOf").and_then(Value::as_array) {
            return list.iter().any(|one| self.leads(one, toward, depth + 1));
        }
        match (schema.get("items"), toward) {
            (Some(items), _) => self.leads(items, toward, depth + 1),
            (None, []) => true,
            (None, [name, rest @ ..]) => {
                let member = schema.get("properties").and_then(|p| p.get(*name));
                member.is_some_and(|member| self.leads(member, rest, depth + 1))
            }
        }
    }

    /// A schema with its reference put in its place; words beside the reference stay.
    fn resolved(&self, schema: &Value) -> Value {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema.clone() };
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = file.trim_end_matches(".json").trim_start_matches("./").trim_start_matches("../");
        let source = self.inventor.schemas.get(if file.is_empty() { self.file } else { file });
        let mut target = source.and_then(|s| s.pointer(fragment)).map_or(Value::Null, |s| self.resolved(s));
        if let (Some(target), Some(own)) = (target.as_object_mut(), schema.as_object()) {
            target.extend(own.iter().filter(|(key, _)| *key != "$ref").map(|(k, v)| (k.clone(), v.clone())));
        }
        target
    }

    fn plain(&mut self, schema: &Value) -> Value {
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return self.chance.pick(words).cloned().unwrap_or_default();
        }
        if let Some(word) = schema.get("const") {
            return word.clone();
        }
        if let Some(list) = schema.get("anyOf").and_then(Value::as_array) {
            let leading = |one: &&Value| self.toward.is_none_or(|toward| self.leads(one, toward, 0));
            let some: Vec<Value> = list.iter().filter(leading).cloned().collect();
            let one = self.chance.pick(if some.is_empty() { list } else { &some }).cloned().unwrap_or_default();
            return self.value(&one);
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => {
                let some: Vec<&Value> = kinds.iter().filter(|k| self.toward.is_none() || **k != "null").collect();
                self.chance.pick(&some).and_then(|k| k.as_str())
            }
            kind => kind.and_then(Value::as_str),
        };
        match kind {
            Some("null") => Value::Null,
            Some("number") => json!(self.chance.below(100_000)),
            Some("object") => self.object(schema),
            Some("array") => self.list(schema),
            Some("integer") => self.integer(schema),
            Some("boolean") => json!(self.chance.hits(0.5)),
            _ => json!(self.text(schema)),
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return json!({}) };
        if properties.len() == 2 && properties.contains_key("blob") && properties.contains_key("size") {
            return self.content();
        }
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut map = Map::new();
        for (name, inner) in properties {
            // A form is put in by `document`; a canonical list is never absent.
            let list = self.inventor.normal && self.resolved(inner).get("type").is_some_and(|t| t == "array");
            let leads = inside(self.toward, name);
            let shunned = !self.there && leads.is_some_and(<[_]>::is_empty);
            let wanted = list || required.contains(&name.as_str()) || leads.is_some() && !shunned;
            if inner.get("x-form").is_some() || !(wanted || !shunned && self.chance.hits(self.full)) {
                continue;
            }
            let value = self.member(name, inner);
            if !self.inventor.normal || !value.as_object().is_some_and(Map::is_empty) {
                map.insert(name.clone(), value);
            }
        }
        Value::Object(map)
    }

    fn list(&mut self, schema: &Value) -> Value {
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
        let (least, most) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(4));
        let wanted = if self.chance.hits(self.full.max(0.2)) { self.chance.between((1, 4)) } else { 0 };
        let wanted = wanted.max(self.toward.is_some().into()).clamp(least, most);
        let Some(items) = schema.get("items") else { return json!([]) };
        let key = schema.get("x-key").and_then(Value::as_str);
        let single = schema.get("uniqueItems").is_some_and(|u| u == true);
        let (mut rows, mut tries): (Vec<Value>, _) = (Vec::new(), 0);
        while u64::try_from(rows.len()).unwrap_or(u64::MAX) < wanted && tries < 40 {
            tries += 1;
            let row = self.value(items);
            let twice = |other: &Value| match key {
                Some(key) => other.get(key) == row.get(key),
                None => single && *other == row,
            };
            if !rows.iter().any(twice) {
                rows.push(row);
            }
        }
        Value::Array(rows)
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
        let (least, most) = (bound("minimum").unwrap_or(-1_000_000), bound("maximum").unwrap_or(1_000_000));
        let wide = most.saturating_sub(least).unsigned_abs();
        let by = match self.chance.below(6) {
            0 => 0,
            1 => wide,
            2 => self.chance.below(wide.saturating_add(1)),
            _ => self.chance.below(wide.min(500_000).saturating_add(1)),
        };
        json!(least.saturating_add_unsigned(by))
    }

    fn content(&mut self) -> Value {
        let length = *self.chance.pick(&[0, 1, 2, 3, 57, 200]).unwrap_or(&1);
        let bytes: Vec<u8> = (0..length).map(|_| self.chance.draw().to_be_bytes()[0]).collect();
        let kept = self.contents.begin().and_then(|()| self.contents.piece(&bytes)).and_then(|()| self.contents.end());
        kept.map(|content| content.value().into()).unwrap_or_default()
    }

    fn text(&mut self, schema: &Value) -> String {
        match schema.get("format").and_then(Value::as_str) {
            Some("date") => return day(self.chance),
            Some("date-time") => return format!("{}T{}+07:00", day(self.chance), time(self.chance)),
            Some("uri") => {
                return format!("https://cong.vidu.example/{}?x=%20&y={}#z", self.chance.draw(), self.chance.below(100));
            }
            _ => {}
        }
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let (least, most) = (bound("minLength").unwrap_or(1).max(1), bound("maxLength").unwrap_or(60));
        let inventor = self.inventor;
        let hir = schema.get("pattern").and_then(Value::as_str).and_then(|p| inventor.patterns.get(p));
        let mut text = String::new();
        for attempt in 0..60 {
            text.clear();
            let long = attempt == 0 && self.chance.hits(0.025);
            match hir {
                Some(hir) => by_pattern(self.chance, hir, if long { most } else { most.min(12) }, &mut text),
                None => (0..self.chance.between((1, 12))).for_each(|_| text.push(hard(self.chance, |_| true))),
            }
            if inventor.normal {
                text = text.nfc().collect();
            }
            // A text that NFC makes longer than its bound is not taken in: the canonical schema refuses it.
            if (least..=most).contains(&text.chars().count()) && (inventor.normal || text.nfc().count() <= most) {
                break;
            }
        }
        text
    }

    /// A day on which the edition is in force, its first one among them.
    fn day_of(&mut self, procedure: &str, edition: &str) -> Option<Date> {
        let editions: Vec<(Date, &str)> =
            self.inventor.editions.iter().filter(|(p, _, _)| *p == procedure).map(|(_, from, name)| (from, name)).collect();
        let from = editions.iter().find(|(_, name)| *name == edition)?.0;
        let end = editions.iter().map(|(day, _)| *day).filter(|day| *day > from).min();
        let most = end.and_then(|end| (end - from).get_days().checked_sub(1)).unwrap_or(700);
        let by = if self.chance.hits(0.3) { 0 } else { self.chance.below(u64::from(most.unsigned_abs()) + 1) };
        Some(from.saturating_add(jiff::Span::new().days(i64::try_from(by).unwrap_or(0))))
    }
}

/// The names that lead on from a member; none: they do not lead through it.
fn inside<'n>(toward: Option<&'n [&'n str]>, name: &str) -> Option<&'n [&'n str]> {
    toward?.split_first().filter(|(first, _)| **first == name).map(|(_, rest)| rest)
}

/// A pattern of JSON Schema in the words of this crate: ECMA-262 counts U+FEFF among the blanks.
fn ecma(pattern: &str) -> String {
    pattern.replace("\\s", "[\\s\\x{feff}]")
}

/// Whether an `if` holds: the required fields are there and the constants are theirs.
fn holds(when: &Value, value: &Value) -> bool {
    let required = when.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let properties = when.get("properties").and_then(Value::as_object).into_iter().flatten();
    let there = required.into_iter().all(|name| value.get(name).is_some());
    there && properties.filter_map(|(n, p)| p.get("const").zip(value.get(n))).all(|(want, is)| want == is)
}

#[cfg(test)]
#[path = "invent_tests.rs"]
mod tests;

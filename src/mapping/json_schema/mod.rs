//! The JSON Schema of a wire: what it says of each place, and a mapping held against it (V1 to V4).
//!
//! Understood: `type` (one or several), `properties`, `required`, `additionalProperties`, `items`, `minItems`, `maxItems`, `enum`, `const`,
//! `pattern`, lengths, bounds, `anyOf` and `oneOf`, `$ref` to `#/$defs/…`. A keyword that is not is a fault of the schema: what is not looked at
//! would be a proof left out in silence. A form is an object of texts (`type: string`), whatever they mean. Documents are validated by the engine of the canonical schemas (`catalogue`).

mod against;
#[cfg(test)]
mod tests;

pub(super) use against::against;

use super::fault::Place;
use super::source::{Check, SourceFault};
use super::xsd::simple::{Bound, Facets, Simple};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Keywords that are understood, or say nothing about the instance.
const READ: &str = " $schema $id $comment $defs $ref title description type properties required additionalProperties items minItems \
    maxItems enum const pattern format minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum anyOf oneOf examples ";

/// References may not nest deeper: no schema of a person's does.
const DEEPEST: usize = 64;

/// A JSON Schema.
#[derive(Debug)]
pub struct JsonSchema {
    path: String,
    whole: Value,
}

/// One thing that may stand at a place.
#[derive(Clone, Debug)]
pub(super) enum May<'s> {
    Object(&'s Map<String, Value>),
    Array(&'s Map<String, Value>),
    /// A text, a number or a boolean: its JSON type, its words and facets.
    Scalar(&'static str, Box<Simple>),
    Null,
    /// The schema says nothing.
    Anything,
}

// === impl JsonSchema ===

impl JsonSchema {
    /// Reads a schema; faults name its file.
    pub fn load(path: &str, text: &str) -> Result<Self, Vec<SourceFault>> {
        let whole: Value = serde_json::from_str(text).map_err(|e| {
            let before: usize = text.split_inclusive('\n').take(e.line().saturating_sub(1)).map(str::len).sum();
            vec![fault(path, text, before + e.column().saturating_sub(1), e.to_string())]
        })?;
        let schema = Self { path: path.to_owned(), whole };
        let mut wrong = BTreeSet::new();
        schema.gather(&schema.whole, &mut wrong);
        let told =
            |(word, why): &(String, String)| fault(path, text, text.find(&format!("\"{word}\"")).unwrap_or(0), why.clone());
        if wrong.is_empty() { Ok(schema) } else { Err(wrong.iter().map(told).collect()) }
    }

    /// The schema of one message, whole in itself: of a definition, or of the file.
    #[must_use]
    pub fn of(&self, definition: Option<&str>) -> Value {
        match definition {
            None => self.whole.clone(),
            Some(name) => {
                let mut own = json!({ "$ref": format!("#/$defs/{name}") });
                for key in ["$schema", "$defs"] {
                    if let (Some(value), Some(own)) = (self.whole.get(key), own.as_object_mut()) {
                        own.insert(key.to_owned(), value.clone());
                    }
                }
                own
            }
        }
    }

    /// The names of its definitions.
    pub fn definitions(&self) -> impl Iterator<Item = &str> {
        self.whole.get("$defs").and_then(Value::as_object).into_iter().flat_map(Map::keys).map(String::as_str)
    }

    fn top(&self, definition: Option<&str>) -> Option<&Value> {
        definition.map_or(Some(&self.whole), |name| self.whole.get("$defs")?.get(name))
    }

    /// Keywords that are not understood, and references to nothing.
    fn gather(&self, at: &Value, to: &mut BTreeSet<(String, String)>) {
        let Some(map) = at.as_object() else { return };
        for (key, inner) in map {
            match (key.as_str(), inner) {
                ("properties" | "$defs", Value::Object(inner)) => inner.values().for_each(|v| self.gather(v, to)),
                ("items" | "additionalProperties", inner) => self.gather(inner, to),
                ("anyOf" | "oneOf", Value::Array(list)) => list.iter().for_each(|v| self.gather(v, to)),
                ("$ref", Value::String(name)) if self.referred(name).is_none() => {
                    to.insert((name.clone(), format!("`{name}` is not there: a reference is `#/$defs/NAME` in this file")));
                }
                ("pattern", Value::String(pattern)) => {
                    if let Err(why) = uppsala::XsdRegex::compile(&anchored(pattern)) {
                        to.insert((key.clone(), format!("the pattern `{pattern}` cannot be read: {why}")));
                    }
                }
                (key, _) if !READ.contains(&format!(" {key} ")) => {
                    to.insert((key.to_owned(), format!("`{key}` is not read here: say it by{READ}")));
                }
                _ => {}
            }
        }
    }

    fn referred(&self, name: &str) -> Option<&Value> {
        self.whole.pointer(name.strip_prefix('#')?)
    }

    /// What may stand at a place, one by one.
    pub(super) fn may<'s>(&'s self, at: &'s Value) -> Vec<May<'s>> {
        let mut found = Vec::new();
        self.may_at(at, 0, &mut found);
        found
    }

    fn may_at<'s>(&'s self, at: &'s Value, depth: usize, to: &mut Vec<May<'s>>) {
        let Some(map) = at.as_object().filter(|_| depth < DEEPEST) else { return to.push(May::Anything) };
        if let Some(target) = map.get("$ref").and_then(Value::as_str).and_then(|name| self.referred(name)) {
            return self.may_at(target, depth + 1, to);
        }
        if let Some(list) = map.get("anyOf").or_else(|| map.get("oneOf")).and_then(Value::as_array) {
            return list.iter().for_each(|one| self.may_at(one, depth + 1, to));
        }
        for kind in kinds(map) {
            to.push(match kind {
                "object" => May::Object(map),
                "array" => May::Array(map),
                "null" => May::Null,
                "string" | "integer" | "number" | "boolean" => May::Scalar(kind, Box::new(simple(map, kind))),
                _ => May::Anything,
            });
        }
    }
}

/// The JSON types a schema allows.
fn kinds(map: &Map<String, Value>) -> Vec<&'static str> {
    const KINDS: [&str; 7] = ["object", "array", "null", "string", "integer", "number", "boolean"];
    let named = |name: &str| KINDS.iter().find(|k| **k == name).copied().unwrap_or("");
    let of = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let mut found: Vec<&'static str> = match (map.get("type"), map.get("enum"), map.get("const")) {
        (Some(Value::String(name)), ..) => vec![named(name)],
        (Some(Value::Array(names)), ..) => names.iter().filter_map(Value::as_str).map(named).collect(),
        (_, Some(Value::Array(words)), _) => words.iter().map(of).collect(),
        (.., Some(word)) => vec![of(word)],
        _ if map.contains_key("properties") => vec!["object"],
        _ => vec![""],
    };
    found.dedup();
    found
}

/// Words and facets of a scalar of one type.
fn simple(map: &Map<String, Value>, kind: &str) -> Simple {
    let base = match kind {
        "integer" => "integer",
        "number" => "decimal",
        "boolean" => "boolean",
        _ => "string",
    };
    let fits = |value: &&Value| match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        _ => value.is_number(),
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let words = map.get("enum").and_then(Value::as_array).map(|list| list.iter().filter(fits).map(text).collect());
    let words = words.or_else(|| map.get("const").filter(|c| fits(c)).map(|c| vec![text(c)]));
    let size = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let bound = |key: &str, itself| map.get(key).map(|n| Bound { number: n.to_string(), itself });
    let numeric = kind != "string";
    let facets = Facets {
        least: size("minLength").filter(|_| !numeric),
        most: size("maxLength").filter(|_| !numeric),
        low: bound("minimum", true).or_else(|| bound("exclusiveMinimum", false)).filter(|_| numeric),
        high: bound("maximum", true).or_else(|| bound("exclusiveMaximum", false)).filter(|_| numeric),
        patterns: map.get("pattern").and_then(Value::as_str).filter(|_| !numeric).map(anchored).into_iter().collect(),
        ..Facets::default()
    };
    Simple { base: base.to_owned(), words, facets }
}

/// A pattern of JSON Schema, which finds its like anywhere, as one that holds for the whole text.
fn anchored(pattern: &str) -> String {
    let (from, pattern) = pattern.strip_prefix('^').map_or((".*", pattern), |rest| ("", rest));
    let (pattern, to) = match pattern.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => (rest, ""),
        _ => (pattern, ".*"),
    };
    format!("{from}({pattern}){to}")
}

fn fault(path: &str, text: &str, at: usize, why: String) -> SourceFault {
    let place = Place::at(text, at, String::new());
    let number = |n: u32| usize::try_from(n).unwrap_or(1);
    let (line, column) = (number(place.line), number(place.column));
    SourceFault { file: path.to_owned(), start: at, len: 1, line, column, text: why, hint: None, check: Check::Schemas }
}

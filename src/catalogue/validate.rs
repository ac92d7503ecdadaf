//! Canonical bodies against their JSON Schemas (draft 2020-12), compiled once.
//!
//! Always: formats are asserted; nothing is fetched; patterns run in linear time; a fault tells the place, the keyword and what was
//! expected in both languages, and of a value kind and length only, unless the schema marks the field `x-public` (promise 8).

use super::canonical::Canonical;
use super::words;
use crate::body::Value;
use crate::mapping::{Found, Shapes, bare};
use crate::model::Kind;
use jiff::civil::Date;
use jsonschema::json::Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most faults told of one body.
const MOST: usize = 20;

/// The compiled schemas.
pub struct Validators {
    schemas: BTreeMap<String, jsonschema::Validator<Canonical>>,
    shapes: Arc<Shapes>,
}

/// One fault of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    /// JSON pointer into the body.
    pub pointer: String,
    /// The schema's keyword that refuses it.
    pub keyword: String,
    /// In Vietnamese.
    pub text_vi: String,
    /// In English.
    pub text_en: String,
}

// === impl Validators ===

impl Validators {
    /// Compiles the schemas, by message name or `forms/<code>@<edition>`; each fault names its schema.
    pub(super) fn compile(
        schemas: &BTreeMap<String, serde_json::Value>,
        shapes: Arc<Shapes>,
    ) -> Result<Self, Vec<(String, String)>> {
        let options = options::<Canonical>();
        let (mut compiled, mut faults) = (BTreeMap::new(), Vec::new());
        for (name, schema) in schemas {
            match options.build(schema) {
                Ok(validator) => {
                    compiled.insert(name.clone(), validator);
                }
                Err(error) => faults.push((name.clone(), error.to_string())),
            }
        }
        if faults.is_empty() { Ok(Self { schemas: compiled, shapes }) } else { Err(faults) }
    }

    /// What is wrong with a body; empty: nothing. `edition` is the dossier's, where it is known already; a submission's is the one in
    /// force on its day. The form is checked against its own schema, its faults under `/form`.
    #[must_use]
    pub fn validate(&self, kind: Kind, body: &Value, edition: Option<&str>) -> Vec<SchemaFault> {
        let mut faults = self.against(kind.name(), body, "");
        let procedure = body.get("procedure").and_then(Value::as_str).map(bare);
        let form = body.get("form");
        if let (Some(procedure), true) = (procedure, matches!(kind, Kind::DossierSubmit | Kind::DossierSupplement)) {
            let edition = edition.or_else(|| self.edition_of(procedure, body));
            match (edition, form) {
                (Some(edition), Some(form)) => {
                    faults.extend(self.against(&format!("forms/{procedure}@{edition}"), form, "/form"))
                }
                (Some(_), None) if kind == Kind::DossierSubmit => {
                    faults.push(words::fault("/form", "required", words::required("form"), &Found::Nothing))
                }
                (None, Some(_)) => faults.push(words::fault("/form", "x-form", words::no_form(), &Found::Unsaid)),
                _ => {}
            }
        }
        faults.truncate(MOST);
        faults
    }

    fn edition_of(&self, procedure: &str, body: &Value) -> Option<&str> {
        let day = body.get("submitted_at").and_then(Value::as_str).and_then(|t| t.get(..10))?;
        self.shapes.editions().edition_on(procedure, day.parse::<Date>().ok()?)
    }

    fn against(&self, name: &str, body: &Value, under: &str) -> Vec<SchemaFault> {
        let Some(validator) = self.schemas.get(name) else {
            return vec![words::fault(under, "x-form", words::no_form(), &Found::Unsaid)];
        };
        // The short question first: nearly every body is valid, and gathering what is not costs several times as much.
        if validator.is_valid(body) {
            return Vec::new();
        }
        validator
            .iter_errors(body)
            .take(MOST)
            .map(|error| {
                let pointer = error.instance_path().as_str();
                let public = self.shapes.is_public(name, pointer);
                words::told(&error, &format!("{under}{pointer}"), public)
            })
            .collect()
    }
}

impl std::fmt::Debug for Validators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.schemas.keys()).finish()
    }
}

/// How schemas are read, whatever JSON they are to judge.
pub(super) fn options<'o, F: Json>() -> jsonschema::ValidationOptions<'o, Arc<dyn jsonschema::Retrieve>, F> {
    jsonschema::options_for::<F>()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("decimal", decimal)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .offline()
}

/// Decimal digits as text, without trailing zeros or a needless sign.
fn decimal(text: &str) -> bool {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(|f| digits(f) && !f.ends_with('0'))
}

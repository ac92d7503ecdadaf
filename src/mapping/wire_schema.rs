//! The schema of a wire, whatever language it is written in: an XSD, or a JSON Schema (a file that ends in `.json`).

use super::json_schema::{self, JsonSchema};
use super::plan::Compiled;
use super::source::{Check, Faults, SourceFault};
use super::xsd::{self, Xsd};

/// The schema that a mapping's head names.
#[derive(Debug)]
pub enum WireSchema {
    /// Of an XML wire.
    Xsd(Box<Xsd>),
    /// Of a JSON wire.
    Json(JsonSchema),
}

// === impl WireSchema ===

impl WireSchema {
    /// Reads a schema with what belongs to it; `text` gives files by their path under `schemas/`. All faults of all its files.
    pub fn load<'t>(path: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Result<Self, Vec<SourceFault>> {
        if path.ends_with(".json") {
            return JsonSchema::load(path, text(path).unwrap_or_default()).map(Self::Json);
        }
        Xsd::load(path, text).map(|xsd| Self::Xsd(Box::new(xsd)))
    }

    /// The XSD, if it is one.
    #[must_use]
    pub fn xsd(&self) -> Option<&Xsd> {
        if let Self::Xsd(xsd) = self { Some(xsd) } else { None }
    }

    /// The JSON Schema, if it is one.
    #[must_use]
    pub fn json(&self) -> Option<&JsonSchema> {
        if let Self::Json(json) = self { Some(json) } else { None }
    }

    /// What is no fault but worth telling.
    #[must_use]
    pub fn notes(&self) -> &[SourceFault] {
        self.xsd().map_or(&[], |xsd| &xsd.notes)
    }
}

/// Holds a mapping against the schema its head names.
pub(super) fn against(map: &Compiled, schema: &WireSchema, reads: bool, faults: &mut Faults) {
    match schema {
        WireSchema::Xsd(xsd) if map.is_xml() => xsd::against(map, xsd, reads, faults),
        WireSchema::Json(json) if !map.is_xml() => json_schema::against(map, json, reads, faults),
        _ => {
            let Some((path, at)) = &map.schema else { return };
            let (text, hint) = (format!("`{path}` is no schema of this format"), "an .xsd for xml, a .json for json");
            xsd::against::by(faults, Check::Names, at, text, hint.to_owned());
        }
    }
}

//! XSD: what a schema says of a wire, a mapping held against it, documents validated by it.
//!
//! | file | what |
//! |---|---|
//! | `tree` | an XSD as a small tree |
//! | `load` | trees → components, with what is included and imported |
//! | `model` | the nouns; what may stand next in a content model, whether it is ambiguous |
//! | `said` | what a mapping writes inside an element, as a language |
//! | `against` | the one held against the other |
//! | `validate` | documents against a schema, behind a trait |

mod against;
mod load;
mod model;
mod said;
#[cfg(test)]
mod tests;
mod tree;
mod validate;

pub use validate::{XsdFault, XsdValidator};

use super::fault::Place;
use super::plan::Compiled;
use super::source::{Check, Faults, SourceFault};
use load::SchemaWrong;
use model::Schema;
use std::sync::Arc;

/// The schema of a contract: components for the checks, the text for a validator.
#[derive(Debug)]
pub struct Xsd {
    schema: Schema,
    text: String,
    /// Of several files: these can be held against, and not validated by.
    whole: bool,
    /// What is no fault but worth telling: places where a reader cannot tell which of two particles is meant.
    pub notes: Vec<SourceFault>,
}

// === impl Xsd ===

impl Xsd {
    /// Reads a schema with what it includes and imports; `text` gives files by their path under `schemas/`. All faults of all its files.
    pub fn load<'t>(path: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Result<Self, Vec<SourceFault>> {
        let told = |wrong: SchemaWrong| fault(text(&wrong.file).unwrap_or(""), wrong);
        let schema = load::load(path, text).map_err(|all| all.into_iter().map(told).collect::<Vec<_>>())?;
        let notes = schema.ambiguous().into_iter().map(|(one, other)| {
            let name = &one.name.local;
            let line = Place::at(text(&other.at.0).unwrap_or(""), other.at.1, String::new()).line;
            let said = format!("ambiguous: a `{name}` may be this one or that of line {line} (XSD: unique particle attribution)");
            told(SchemaWrong { file: one.at.0.to_string(), at: one.at.1, text: said })
        });
        let notes = notes.collect();
        let own = text(path).unwrap_or("").to_owned();
        Ok(Self { schema, whole: !own.contains(":include") && !own.contains("schemaLocation"), text: own, notes })
    }

    /// A validator of it; the error is a sentence for whoever wrote the schema.
    pub fn validator(&self) -> Result<Arc<dyn XsdValidator>, String> {
        if !self.whole {
            return Err("a schema of several files cannot be validated by; put it into one file".to_owned());
        }
        validate::xsd_validator(&self.text).map(Arc::from)
    }
}

/// Holds a mapping against the schema its head names.
pub(super) fn against(map: &Compiled, xsd: &Xsd, reads: bool, faults: &mut Faults) {
    against::against(map, &xsd.schema, reads, faults);
}

fn fault(text: &str, wrong: SchemaWrong) -> SourceFault {
    let place = Place::at(text, wrong.at, String::new());
    let number = |n: u32| usize::try_from(n).unwrap_or(1);
    SourceFault {
        file: wrong.file,
        start: wrong.at,
        len: text.get(wrong.at..).and_then(|rest| rest.find('>')).map_or(0, |n| n + 1),
        line: number(place.line),
        column: number(place.column),
        text: wrong.text,
        hint: None,
        check: Check::Schemas,
    }
}

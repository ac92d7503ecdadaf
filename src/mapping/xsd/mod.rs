//! XSD: what a schema says of a wire, a mapping held against it, documents validated by it.
//!
//! | file | what |
//! |---|---|
//! | `tree` | an XSD as a small tree |
//! | `documents` | the trees of a schema with all it includes and imports |
//! | `load`, `load_values` | trees → components; attributes and simple types |
//! | `model` | the nouns; what may stand next in a content model, whether it is ambiguous |
//! | `simple` | simple types: a text held against words and facets |
//! | `element` | an element of a wire, and as a document |
//! | `invent` | documents made up from a schema |
//! | `said` | what a mapping writes inside an element, as a language |
//! | `against`, `order`, `values` | the one held against the other: names; order and occurrence; words and facets |
//! | `witness` | a canonical decimal, day or time that the wire would refuse |
//! | `validate` | documents against a schema, behind a trait |
//! | `rows` | the same row by row, where rows are messages |

pub(super) mod against;
mod documents;
mod element;
mod invent;
mod load;
mod load_values;
mod model;
mod order;
mod rows;
pub(super) mod said;
pub(super) mod simple;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
pub(super) mod values;
mod witness;

pub use element::WireElement;
pub use invent::XsdInventor;
pub use rows::{Judged, RowsAt};
pub use validate::{XsdFault, XsdValidator};

use super::fault::Place;
use super::plan::Compiled;
use super::source::{Check, Faults, SourceFault};
use documents::SchemaWrong;
use model::Schema;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tree::QName;

/// The schema of a contract: components for the checks, the text for a validator.
#[derive(Debug)]
pub struct Xsd {
    schema: Schema,
    /// Its own path and the texts of all its files, by path under `schemas/`.
    path: String,
    texts: BTreeMap<String, String>,
    validator: OnceLock<Result<Arc<dyn XsdValidator>, String>>,
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
        let texts = schema.files.iter().filter_map(|file| Some((file.to_string(), text(file)?.to_owned()))).collect();
        Ok(Self { schema, path: path.to_owned(), texts, validator: OnceLock::new(), notes })
    }

    /// Its files when there are several: paths under `schemas/` and texts. The engine takes what a schema includes from a folder only, so
    /// whoever reads files lays them out and calls [`Self::laid_out`] before a validator is asked for.
    #[must_use]
    pub fn several(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.texts).filter(|texts| texts.len() > 1)
    }

    /// Compiles the validator from a folder that holds all its files by their paths; it is not needed afterwards.
    pub fn laid_out(&self, folder: &Path) {
        let base = folder.join(&self.path);
        self.validator.get_or_init(|| self.compiled(base.parent()));
    }

    /// A validator of it, compiled once; the error is a sentence for whoever wrote the schema.
    pub fn validator(&self) -> Result<Arc<dyn XsdValidator>, String> {
        let alone = || match self.several() {
            None => self.compiled(None),
            Some(_) => Err("its files were not laid out in a folder".to_owned()),
        };
        self.validator.get_or_init(alone).clone()
    }

    fn compiled(&self, folder: Option<&Path>) -> Result<Arc<dyn XsdValidator>, String> {
        let own = self.texts.get(&self.path).map_or("", String::as_str);
        validate::xsd_validator(own, folder).map(Arc::from)
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

//! What is compiled: one partner's texts, and the faults found in them.
//!
//! Texts are given, never read from disk here. All faults of all files are told at once, each with file, line and column.

use std::collections::BTreeMap;

/// One partner's mapping texts.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The partner's folder name.
    pub name: String,
    /// Texts by path under the folder: `submit.map`, `form/1.005142@2019.map`, `codes.toml`. Other names are ignored.
    pub files: BTreeMap<String, String>,
}

/// One fault in a partner's texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFault {
    /// The file under the partner's folder.
    pub file: String,
    /// Byte offset of its start in the file.
    pub start: usize,
    /// Length in bytes, at least 1 unless at the end of the file.
    pub len: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
    /// What helps.
    pub hint: Option<String>,
}

/// A piece of a file: where something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) file: std::sync::Arc<str>,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// Collects faults while compiling.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<SourceFault>,
}

// === impl Source ===

impl Source {
    /// An empty partner.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), files: BTreeMap::new() }
    }

    /// With one more file.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

// === impl SourceFault ===

impl std::fmt::Display for SourceFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.text)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

// === impl Faults ===

impl Faults {
    pub(crate) fn add(&mut self, span: &Span, text: impl Into<String>) {
        self.push(span, text.into(), None);
    }

    pub(crate) fn hint(&mut self, span: &Span, text: impl Into<String>, hint: impl Into<String>) {
        self.push(span, text.into(), Some(hint.into()));
    }

    fn push(&mut self, span: &Span, text: String, hint: Option<String>) {
        let fault = SourceFault { file: span.file.to_string(), start: span.start, len: span.len, line: 0, column: 0, text, hint };
        // A part taken in by several mappings shows its faults once.
        if !self.list.contains(&fault) {
            self.list.push(fault);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults in order of file and place, with lines and columns.
    pub(crate) fn finish(mut self, source: &Source) -> Vec<SourceFault> {
        for fault in &mut self.list {
            let text = source.files.get(&fault.file).map_or("", String::as_str);
            let place = super::fault::Place::at(text, fault.start, String::new());
            fault.line = usize::try_from(place.line).unwrap_or(1);
            fault.column = usize::try_from(place.column).unwrap_or(1);
        }
        self.list.sort();
        self.list
    }
}

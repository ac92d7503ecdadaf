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
    /// Which check tells it.
    pub check: Check,
}

/// What `lienthong check` proves, one by one; a fault names the check that found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// A text cannot be read: not a line, a head, a literal of the language.
    #[default]
    Grammar,
    /// V1: names exist on both sides; so do codes, parts, conversions, contexts.
    Names,
    /// V2: a wire place is mapped once a branch; order, occurrence and required elements are those of the wire's schema.
    Places,
    /// V3: types meet along a chain; what stands for none is no value; what is written is a value of the wire's schema.
    Types,
    /// V4: code lists.
    Codes,
    /// V5: templates can be cut apart again.
    Templates,
    /// V6: branches are disjoint and told apart.
    Branches,
    /// V7: whether an optional scope is there can be seen.
    Presence,
    /// V8: joins and flattened lists.
    Joins,
    /// V9: each loss is said.
    Losses,
    /// V10: seals.
    Seals,
    /// V11: what one side needs, the other gives.
    Flow,
    /// V12: samples and invented documents, both ways.
    Samples,
    /// partner.toml: what it refers to is there, what it promises can be kept.
    Routes,
    /// Schemas can be read and are clear.
    Schemas,
    /// Procedures, agencies, services.
    Catalogue,
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

// === impl Check ===

impl Check {
    /// Its stable code, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Grammar => "grammar",
            Self::Names => "V1",
            Self::Places => "V2",
            Self::Types => "V3",
            Self::Codes => "V4",
            Self::Templates => "V5",
            Self::Branches => "V6",
            Self::Presence => "V7",
            Self::Joins => "V8",
            Self::Losses => "V9",
            Self::Seals => "V10",
            Self::Flow => "V11",
            Self::Samples => "V12",
            Self::Routes => "routes",
            Self::Schemas => "schemas",
            Self::Catalogue => "catalogue",
        }
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
        let (file, check) = (span.file.to_string(), Check::Grammar);
        let fault = SourceFault { file, start: span.start, len: span.len, line: 0, column: 0, text, hint, check };
        // A part taken in by several mappings shows its faults once.
        let same = |f: &SourceFault| (&f.file, f.start, &f.text) == (&fault.file, fault.start, &fault.text);
        if !self.list.iter().any(same) {
            self.list.push(fault);
        }
    }

    /// Takes in what was found aside.
    pub(crate) fn take_in(&mut self, other: Self) {
        for fault in other.list {
            let same = |f: &SourceFault| (&f.file, f.start, &f.text) == (&fault.file, fault.start, &fault.text);
            if !self.list.iter().any(same) {
                self.list.push(fault);
            }
        }
    }

    /// Whether a check has told something of this very place.
    pub(crate) fn has(&self, span: &Span, check: Check) -> bool {
        let here = |f: &SourceFault| f.file == *span.file && f.start == span.start && f.len == span.len;
        self.list.iter().any(|f| here(f) && f.check == check)
    }

    /// How many there are by now.
    pub(crate) fn mark(&self) -> usize {
        self.list.len()
    }

    /// What has been told since the mark was found by this check, unless an inner one claimed it.
    pub(crate) fn since(&mut self, mark: usize, check: Check) {
        for fault in self.list.iter_mut().skip(mark).filter(|f| f.check == Check::Grammar) {
            fault.check = check;
        }
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

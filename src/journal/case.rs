//! Cases as they are written and read: matters for a person, with their history. Plain data, no SQL, no decision.

use crate::body::Value;
use crate::clock::Time;
use crate::model::CaseKind;

/// The names of a case's facts that say what it is about: with kind and dossier they are its key.
const ABOUT: [&str; 7] = ["partner", "transaction", "refund", "movement", "message", "day", "nth"];

/// A matter for a person. Met again while it is open it is not opened twice: the case counts it, and takes the newest facts.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCase {
    /// What kind.
    pub kind: CaseKind,
    /// The dossier.
    pub dossier: Option<String>,
    /// Public facts.
    pub data: Value,
    /// When.
    pub at: Time,
}

/// A person's word on a case, or the gateway's own note. Written only if the case is still the one it was computed from.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseStep {
    /// The case.
    pub case: u64,
    /// Its version after this step; closing or deciding also demands that it is still open.
    pub version: u64,
    /// What is done.
    pub what: CaseWord,
    /// By whom.
    pub who: String,
    /// When.
    pub at: Time,
    /// Why, in the person's own words.
    pub reason: String,
    /// Public facts.
    pub data: Value,
}

/// What is done to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseWord {
    /// Something is noted; it stays as it is.
    Noted,
    /// It is closed with a reason; nothing else is caused.
    Closed,
    /// It is closed by one of its kind's decisions.
    Decided(String),
}

/// A case as operators see it.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseView {
    /// Sequence number.
    pub case: u64,
    /// What kind; none: a word of a newer or older program, kept as it is in `word`.
    pub kind: Option<CaseKind>,
    /// The kind's word.
    pub word: String,
    /// The dossier.
    pub dossier: Option<String>,
    /// Public facts, the newest.
    pub data: Value,
    /// When it arose.
    pub at: Time,
    /// How often it arose.
    pub met: u64,
    /// When last.
    pub met_at: Time,
    /// When it was closed; none: it is open.
    pub closed_at: Option<Time>,
    /// The word that closed it (`closed`: with a reason only).
    pub decision: Option<String>,
    /// Changes of this case, from 1.
    pub version: u64,
}

/// A line of a case's history.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseEntry {
    /// When.
    pub at: Time,
    /// Who: `gateway` or an operator.
    pub who: String,
    /// `opened`, `again`, `noted`, `decided`, `closed`.
    pub what: String,
    /// Why.
    pub reason: Option<String>,
    /// Public facts.
    pub data: Value,
}

/// A case with its history, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseDetail {
    /// The case.
    pub view: CaseView,
    /// Its history.
    pub history: Vec<CaseEntry>,
}

/// Which cases to list.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Only of this kind.
    pub kind: Option<CaseKind>,
    /// Only about this dossier.
    pub dossier: Option<String>,
    /// Open ones, closed ones, or (none) both.
    pub open: Option<bool>,
    /// Only those after this number.
    pub after: u64,
    /// At most this many.
    pub limit: u32,
}

// === impl NewCase ===

impl NewCase {
    /// What it is met again by.
    #[must_use]
    pub fn key(&self) -> String {
        let facts = ABOUT.iter().filter_map(|name| self.data.get(name).map(|v| format!("{name}={v}")));
        let parts: Vec<String> =
            [self.kind.word().to_owned(), self.dossier.clone().unwrap_or_default()].into_iter().chain(facts).collect();
        parts.join("/")
    }
}

// === impl CaseWord ===

impl CaseWord {
    /// Its word in the history.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Closed => "closed",
            Self::Decided(_) => "decided",
        }
    }

    /// The decision a closed case bears; none: it stays open.
    #[must_use]
    pub fn decision(&self) -> Option<&str> {
        match self {
            Self::Noted => None,
            Self::Closed => Some("closed"),
            Self::Decided(word) => Some(word),
        }
    }
}

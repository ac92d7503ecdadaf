//! Reconciliation as it is written and read: what our books say, statements compared with them, line by line. Plain data, no SQL.

use crate::body::Value;
use crate::clock::Time;
use crate::model::{Class, Vnd, Way};

/// A movement of our books that a statement tells of: money that came in from a citizen or went back to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Its number in the books.
    pub movement: u64,
    /// The transaction.
    pub transaction: String,
    /// The dossier.
    pub dossier: String,
    /// Which way.
    pub way: Way,
    /// Whole VND.
    pub amount: Vnd,
    /// When we booked it.
    pub at: Time,
    /// The platform's own code of the transaction, as far as it told us.
    pub code: Option<String>,
    /// The day of another statement, in force, in which a row met it.
    pub stated: Option<String>,
}

/// A statement that was compared, with its sums; its lines are kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewStatement {
    /// The partner.
    pub partner: String,
    /// Its day, `2026-06-09`.
    pub day: String,
    /// SHA-256 of the file, lower-case hex.
    pub digest: String,
    /// When it was compared.
    pub at: Time,
    /// By whom.
    pub who: String,
    /// Sums by class, settlements, columns passed over.
    pub data: Value,
}

/// A statement as read.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementView {
    /// Its number.
    pub statement: u64,
    /// What it is.
    pub told: NewStatement,
    /// A later one of the same partner and day has taken its place.
    pub replaced: bool,
    /// When its lines were removed by retention; its sums and digest stay.
    pub lines_gone: Option<Time>,
}

/// A line of a comparison: a row of the statement, a movement of our books, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// How the two stand to each other.
    pub class: Class,
    /// Which way money went.
    pub way: Way,
    /// The transaction.
    pub transaction: String,
    /// The dossier, when our books know it.
    pub dossier: Option<String>,
    /// VND by the statement; none: it has no such row.
    pub theirs: Option<u64>,
    /// VND by our books; none: they have no such movement.
    pub ours: Option<u64>,
    /// The movement of our books that the row met.
    pub movement: Option<u64>,
    /// The rest.
    pub more: LineFacts,
}

/// What else a line knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct LineFacts {
    /// The row's line in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its status word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The platform's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The platform's fee, VND.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<u64>,
    /// When it was paid by the statement, or booked by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// The bank transfer that settles it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Option<String>,
    /// Which of several alike it is, from 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// How the transaction stands with us, when it is not in our books that way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Fields that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// `amount`, `status`, `code`, `fee` or `day`.
    pub field: String,
    /// By the statement.
    pub theirs: Value,
    /// By our books.
    pub ours: Value,
}

/// A payment or a message about one, for the two further lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The transaction.
    pub transaction: String,
    /// The dossier.
    pub dossier: String,
    /// VND.
    pub amount: u64,
    /// When it was paid, or told.
    pub at: Time,
    /// Whom it is about: the partner that is (or was) to be told.
    pub partner: String,
    /// The delivery; none: there is none.
    pub delivery: Option<u64>,
    /// How that stands: `waiting`, …; `none`.
    pub state: String,
}

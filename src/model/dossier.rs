//! What the gateway remembers of a dossier (hồ sơ) between two messages; its payments stand in `payment`, its costs in `fee`.
//!
//! These are plain values: `exchange` computes the next one, `journal` keeps it. `version` counts every change of a row, from 1;
//! a writer that meets another version than the one a change was computed from refuses the change as stale.

use crate::body::Value;
use crate::clock::Time;
use crate::model::{Charge, Dispute, Fee, Status, Vnd};
use serde::{Deserialize, Serialize};

/// A dossier's present state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// Dossier code (mã hồ sơ).
    pub code: String,
    /// National procedure code, bare.
    pub procedure: String,
    /// Edition of the form, fixed by the first submission day; supplements and corrections keep it.
    pub edition: Option<String>,
    /// Receiving agency's code.
    pub agency: String,
    /// The portal partner that handed it in and is told about it.
    pub portal: String,
    /// The caller that handed it in: only it (and those it was addressed to) sees it.
    pub caller: String,
    /// The ministry partner that works on it; none: hosted by the city, never sent to a ministry.
    pub ministry: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// The partner's time of the status last applied; none while no partner's status was applied.
    pub since: Option<Time>,
    /// When the citizen handed it in, by the portal's word; its day fixes procedure row and edition.
    pub submitted_at: Time,
    /// When we took it in.
    pub registered_at: Time,
    /// The date it is promised for.
    pub due_at: Option<Time>,
    /// Sequence number of the last thing the portal was told about it.
    pub told: u64,
    /// The ministry's own reference.
    pub reference: Option<String>,
    /// Supplements handed in.
    pub rounds: u32,
    /// The fee, once one is owed: the latest.
    pub fee: Option<Fee>,
    /// What it costs by the catalogue's rule of its day, from form and papers as handed in and corrected; none: of an older journal.
    #[serde(default)]
    pub charge: Option<Charge>,
    /// A fee two sides tell differently, or that only a person can settle: nothing is asked of the citizen until one has decided.
    #[serde(default)]
    pub dispute: Option<Dispute>,
    /// Told sums a person has overruled: told again they change nothing.
    #[serde(default)]
    pub overruled: Vec<Vnd>,
    /// All fees paid for it so far, refunds not taken off.
    #[serde(default)]
    pub fee_paid: Vnd,
    /// Keys of the items (wishes) that are paid for.
    #[serde(default)]
    pub covered: Vec<String>,
    /// Result documents handed to the portal.
    pub documents: Vec<Document>,
    /// What portals that keep a copy of it were told (a dossier.sync); none: nobody keeps one, or retention removed it. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Value>,
    /// Name and identity of the payer as handed in (for the payment request only; never shown).
    pub payer: Payer,
    /// Changes of this row.
    pub version: u64,
}

/// Who pays: the owner of the dossier. Personal data: never in a log, event or reason.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// Full name.
    pub name: String,
    /// Identity number.
    pub identity: Option<String>,
    /// Address line.
    pub address: Option<String>,
    /// Province code.
    pub province: Option<String>,
}

/// A document of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its id at our file door.
    pub id: String,
    /// File name.
    pub name: String,
    /// SHA-256, lower-case hex.
    pub digest: String,
}

// === impl Dossier ===

impl Dossier {
    /// The time its present status is told with: the partner's, or that of our taking it in.
    #[must_use]
    pub fn told_as_of(&self) -> Time {
        self.since.unwrap_or(self.registered_at)
    }
}

// === impl Payer ===

impl std::fmt::Debug for Payer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payer(…)")
    }
}

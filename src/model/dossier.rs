//! What the gateway remembers of a dossier (hồ sơ), its fee and its payments between two messages.
//!
//! These are plain values: `exchange` computes the next one, `journal` keeps it. `version` counts every change of a row, from 1;
//! a writer that meets another version than the one a change was computed from refuses the change as stale.

use crate::clock::Time;
use crate::model::{Status, Vnd};
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
    /// The fee, once one is owed.
    pub fee: Option<Fee>,
    /// Result documents handed to the portal.
    pub documents: Vec<Document>,
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

/// A fee a dossier owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// Whole VND.
    pub amount: Vnd,
    /// The fee's code at whoever set it.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Where it stands.
    pub state: FeeState,
    /// The open (or paid) transaction.
    pub transaction: Option<String>,
}

/// Owed → Requested → Paid | (Failed | Expired, then Owed again).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeState {
    /// To be paid; nothing asked of the platform.
    Owed,
    /// A transaction is open.
    Requested,
    /// Paid, by the platform's own sealed word.
    Paid,
}

/// One attempt to pay a fee: one transaction at the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Our transaction id (20 characters), stored before the platform is called.
    pub transaction: String,
    /// The dossier.
    pub dossier: String,
    /// The payment partner.
    pub partner: String,
    /// Whole VND asked for.
    pub amount: Vnd,
    /// Where it stands.
    pub state: PaymentState,
    /// The link the citizen follows.
    pub link: Option<String>,
    /// Where the citizen comes back to.
    pub return_url: String,
    /// When the request was made.
    pub requested_at: Time,
    /// When an unpaid transaction counts as expired.
    pub expires_at: Time,
    /// When we last asked the platform about it.
    pub asked_at: Option<Time>,
    /// When a notice first said that it is paid; the platform's sealed word is then waited for.
    #[serde(default)]
    pub noticed_at: Option<Time>,
    /// The platform's own transaction code.
    pub platform_transaction: Option<String>,
    /// Changes of this row.
    pub version: u64,
}

/// Where a transaction stands. Paid is reachable from every other state; nothing undoes Paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentState {
    /// Asked for (the call may still be on its way).
    Requested,
    /// Paid.
    Paid,
    /// The platform says it failed or refused it.
    Failed,
    /// Unpaid past its time.
    Expired,
}

/// One movement of money, append-only; both sides named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The transaction that moved it.
    pub transaction: String,
    /// From whom: `citizen`, `platform`, `agency`.
    pub debit: String,
    /// To whom.
    pub credit: String,
    /// Whole VND.
    pub amount: Vnd,
    /// `payment`, `overpayment`, `refund`.
    pub kind: String,
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

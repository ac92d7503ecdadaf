//! What a message leaves behind: itself, and what it causes.

use super::super::{Blob, CaseStep, NewCase};
use super::{DeliveryState, DeliveryView};
use crate::body::Value;
use crate::clock::Time;
use crate::model::{Dossier, Kind, Movement, Payment, Receipt, Refund};
use bytes::Bytes;

/// A message to keep: the raw bytes as received, the canonical form as accepted, the adapter set that read it.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Our message id (UUID v7), constant for ever.
    pub id: String,
    /// Who it came from: a partner's name, or `v1`.
    pub partner: String,
    /// The in-route's name.
    pub route: String,
    /// What it says.
    pub kind: Kind,
    /// The dossier it is about.
    pub dossier: Option<String>,
    /// The authenticated caller.
    pub caller: String,
    /// When it was received.
    pub received_at: Time,
    /// Digest of the adapter set that read it.
    pub adapters: String,
    /// Canonical body, serialised once.
    pub body: Vec<u8>,
    /// The bytes as received, held once however often the message is decided anew; of several messages in one request the first that was
    /// taken holds them for all.
    pub raw: Raw,
}

/// The bytes of a request as received.
#[derive(Clone, Debug)]
pub enum Raw {
    /// In memory, kept in the message's row.
    Here(Bytes),
    /// In the store already, synced, under their digest.
    Stored(Blob),
}

/// The idempotency record of a message.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// Whose keys: caller and route.
    pub scope: String,
    /// Keyed digest of the dedupe data.
    pub key: [u8; 32],
    /// Keyed digest of the canonical meaning.
    pub fingerprint: [u8; 32],
}

/// A message with all it causes: one transaction.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// None only for messages whose route needs no dedupe key.
    pub idempotency: Option<Idempotency>,
    /// The message.
    pub message: NewMessage,
    /// What it causes.
    pub effects: Effects,
    /// The receipt (canonical body) that the same message gets again.
    pub receipt: Value,
}

/// What became of an acceptance. Once this is returned it is on disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// Written; its sequence number.
    New {
        /// The message's sequence number.
        message: u64,
    },
    /// The key was there already: nothing was written.
    Known(Known),
    /// A row it was computed from has changed: nothing was written; compute again.
    Stale,
}

/// An earlier message under the same key.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Its sequence number.
    pub message: u64,
    /// Its id.
    pub id: String,
    /// Its fingerprint.
    pub fingerprint: [u8; 32],
    /// The receipt it got.
    pub receipt: Value,
}

/// What a message causes. Rows carry the version after the change: the writer demands that the stored one is one less
/// (or that none is stored, for version 1), else the whole is stale.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// The dossier's new state.
    pub dossier: Option<Dossier>,
    /// New or changed payments.
    pub payments: Vec<Payment>,
    /// Movements of money, appended.
    pub movements: Vec<Movement>,
    /// New or changed refunds.
    pub refunds: Vec<Refund>,
    /// Receipts, appended; their numbers are given when they are written.
    pub receipts: Vec<Receipt>,
    /// What the timeline says.
    pub events: Vec<NewEvent>,
    /// What is to be delivered, in this order per lane.
    pub deliveries: Vec<NewDelivery>,
    /// Deliveries that must still be in this state (else stale) and are closed with a reason.
    pub closes: Vec<Close>,
    /// Early moves to keep.
    pub early: Vec<Early>,
    /// Early moves taken out (by their message id) because they were applied or judged.
    pub early_done: Vec<String>,
    /// Files that become part of a dossier or were received.
    pub files: Vec<FileRow>,
    /// Matters a person has to decide.
    pub cases: Vec<NewCase>,
    /// What is done to cases; one that has changed meanwhile makes the whole stale.
    pub case_steps: Vec<CaseStep>,
    /// Audit entries.
    pub audit: Vec<NewAudit>,
}

/// A line of a dossier's timeline. `data` holds public facts only (promise 8).
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// The dossier.
    pub dossier: String,
    /// Our time.
    pub at: Time,
    /// What happened, a word: `accepted`, `status`, `late`, `note`, `early`, `delivered`, `parked`, `fee.owed`, `paid`, ….
    pub kind: String,
    /// Public facts: status, partner, message id, amount, sequence.
    pub data: Value,
}

/// Something to deliver.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Receiving partner.
    pub partner: String,
    /// Its out-route.
    pub route: String,
    /// The lane's key at that partner: dossier code, or transaction id for payments. One delivery in flight per lane.
    pub lane: String,
    /// The dossier it is about.
    pub dossier: Option<String>,
    /// Class of the lane at the partner (`citizen`, `payment`, `ministry`).
    pub class: String,
    /// Whose message caused it (fairness).
    pub caller: String,
    /// Statutory deadline, for the order.
    pub deadline: Option<Time>,
    /// Not before this time.
    pub not_before: Option<Time>,
    /// Message id, constant over all attempts.
    pub id: String,
    /// The message's own time, constant over all attempts.
    pub at: Time,
    /// What it says.
    pub kind: Kind,
    /// Canonical body; none: the accepted message's own body.
    pub body: Option<Value>,
    /// W3C Trace Context: the trace id (32 hex digits) of the request that caused it, sent on with every attempt.
    pub trace: Option<String>,
}

/// Ends a waiting, parked or doubtful delivery without a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Close {
    /// The delivery's sequence number.
    pub delivery: u64,
    /// The state it was seen in.
    pub seen: DeliveryState,
    /// Why (our code word).
    pub reason: String,
    /// Evidence shows that the other side has it: it ends as done, not as closed.
    pub proven: bool,
}

/// A status told before its time, kept to be tried again after each applied move.
#[derive(Clone, Debug, PartialEq)]
pub struct Early {
    /// The dossier.
    pub dossier: String,
    /// Our id of the message that told it.
    pub message: String,
    /// The partner's time.
    pub at: Time,
    /// When it came.
    pub kept_at: Time,
    /// The canonical body of the message.
    pub body: Value,
    /// What the message said (a status or a result).
    pub kind: Kind,
}

/// A file at our door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Random id, per caller: the digest is never a key to read by.
    pub id: String,
    /// Who handed it in; empty: made by us.
    pub caller: String,
    /// Callers that may read it besides (the portal a result is addressed to).
    pub reader: Option<String>,
    /// The dossier it belongs to.
    pub dossier: Option<String>,
    /// SHA-256, lower-case hex; also the content's address.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// File name.
    pub name: String,
    /// Media type.
    pub media: Option<String>,
    /// When it came.
    pub at: Time,
}

/// An audit entry: who did what to what, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    /// When.
    pub at: Time,
    /// Caller, operator or `gateway`.
    pub who: String,
    /// What was done, a word.
    pub what: String,
    /// The dossier, delivery or partner.
    pub about: String,
    /// Public facts and the reason given.
    pub data: Value,
}

/// All that `exchange` looks at, read in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The dossier.
    pub dossier: Option<Dossier>,
    /// Its payments, oldest first.
    pub payments: Vec<Payment>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Early moves kept for it, in the partner's order of time.
    pub early: Vec<Early>,
    /// Its unfinished deliveries, oldest first.
    pub open: Vec<DeliveryView>,
}

// === impl Raw ===

impl Raw {
    /// What is kept in the message's row.
    #[must_use]
    pub fn here(&self) -> &[u8] {
        match self {
            Self::Here(bytes) => bytes,
            Self::Stored(_) => &[],
        }
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::Here(Bytes::new())
    }
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Here(bytes.into())
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Nothing is known of the dossier.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { dossier, payments, refunds, early, open } = self;
        dossier.is_none() && payments.is_empty() && refunds.is_empty() && early.is_empty() && open.is_empty()
    }
}

//! What is written and read: the values that cross the journal's seam. Plain data, no SQL, no decision.
//!
//! [`Effects`] is what a message causes, computed by `exchange` from a [`Snapshot`]; the journal writes it whole or not at all.

use super::{Blob, CaseStep, Gone, NewCase};
use crate::body::Value;
use crate::clock::Time;
use crate::delivery::{Feed, Waiting};
use crate::model::{Dossier, Kind, Movement, Payment, Receipt, Refund, RefundState};
use bytes::Bytes;
use std::collections::BTreeMap;

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

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits its turn (or for its time).
    Waiting,
    /// A call is under way in this run.
    Claimed,
    /// A call's outcome is not known: the other side is asked before anything else on the lane.
    Unknown,
    /// Kept for a person, with its reason.
    Parked,
    /// Delivered.
    Done,
    /// The partner refused this message.
    Rejected,
    /// Closed without delivery, with its reason.
    Closed,
}

/// What a partner's dispatcher asks for.
#[derive(Clone, Debug)]
pub struct Take {
    /// The partner.
    pub partner: String,
    /// At most so many calls.
    pub max: u32,
    /// When.
    pub now: Time,
    /// How the partner is fed: chooses, and is charged for what it chose.
    pub feed: Feed,
    /// One call to see whether the partner is back: a pending inquiry first.
    pub probe: bool,
    /// Today's adapter set: what is claimed for the first time is bound to it.
    pub adapters: String,
    /// Out-routes whose calls carry several deliveries, and how many at most.
    pub batches: BTreeMap<String, u32>,
}

/// What it gets.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The claims, in their order.
    pub claims: Vec<Claim>,
    /// The feed, charged for them.
    pub feed: Feed,
    /// When more may be taken, as far as time decides it; none: not before a wake-up.
    pub next: Option<Time>,
    /// Something that is due was left.
    pub left: bool,
}

/// A delivery taken by the dispatcher. The claim is on disk before it is handed out.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The delivery's sequence number.
    pub delivery: u64,
    /// The run that claimed it; a settlement of another run is refused.
    pub run: u64,
    /// The call it goes with, counted from 0 in its round: deliveries of one number go together, one after the other.
    pub call: u32,
    /// Receiving partner.
    pub partner: String,
    /// Out-route.
    pub route: String,
    /// The lane's key.
    pub lane: String,
    /// The dossier.
    pub dossier: Option<String>,
    /// Caller that caused it.
    pub caller: String,
    /// Message id.
    pub id: String,
    /// The message's time.
    pub at: Time,
    /// What it says.
    pub kind: Kind,
    /// Canonical body, serialised.
    pub body: Vec<u8>,
    /// Attempts used up (an outage uses up none).
    pub attempts: u32,
    /// The adapter set an earlier claim bound it to; none: this is the first, it is bound to the claimer's.
    pub adapters: Option<String>,
    /// Set when an earlier call's outcome is not known.
    pub doubt: Option<Doubt>,
    /// Trace id of the request that caused it.
    pub trace: Option<String>,
}

/// What is known about a call whose outcome is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// When the doubtful call was made.
    pub called_at: Time,
    /// Our code word: `timeout`, `cut`, `crash`, `server-fault`, ….
    pub why: String,
    /// Inquiries made since.
    pub asked: u32,
}

/// One attempt, as the delivery's history keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When the call began.
    pub at: Time,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// `call` or `inquiry`.
    pub what: String,
    /// `done`, `retry`, `unknown`, `reject`, `park`, `not-sent`.
    pub outcome: String,
    /// Our reason and the partner's code, never its free text.
    pub why: Option<String>,
    /// The adapter set used.
    pub adapters: String,
}

/// The end of a claim: the delivery's next state with all it causes, one transaction.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The delivery.
    pub delivery: u64,
    /// The run that claimed it.
    pub run: u64,
    /// When.
    pub at: Time,
    /// What was attempted.
    pub attempt: Attempt,
    /// What is next.
    pub next: Next,
    /// What the outcome causes.
    pub effects: Effects,
}

/// What is next for a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Delivered: the lane goes on.
    Done,
    /// Again at this time; one attempt is used up. A doubt stays.
    Retry {
        /// Not before.
        at: Time,
    },
    /// Again at this time; no attempt is used up (nothing was sent, or the partner is out). A doubt stays.
    Later {
        /// Not before.
        at: Time,
    },
    /// Outcome not known: asked at this time.
    Ask {
        /// When to ask.
        at: Time,
        /// When the doubtful call was made.
        called_at: Time,
        /// Why it is not known.
        why: String,
        /// Inquiries made so far.
        asked: u32,
        /// A call was made to a partner in its senses: one attempt is used up. An inquiry uses none, nor does an outage.
        used: bool,
    },
    /// Asked and answered "not received": sent again at this time, no longer in doubt.
    Clear {
        /// Not before.
        at: Time,
    },
    /// Kept for a person. A doubt stays with it.
    Park {
        /// Our code word and the partner's code.
        reason: String,
    },
    /// Refused by the partner: the delivery ends.
    Reject {
        /// Our code word and the partner's code.
        reason: String,
    },
}

/// What became of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Written.
    Written,
    /// A row the effects were computed from has changed: nothing was written; compute again.
    Stale,
    /// The claim is no longer this run's (released or closed meanwhile): nothing was written.
    Gone,
}

/// An operator's act; one transaction with its audit entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Nothing is sent to the partner until it is resumed.
    Pause {
        /// The partner.
        partner: String,
        /// Why.
        reason: String,
    },
    /// Ends a pause.
    Resume {
        /// The partner.
        partner: String,
    },
    /// A parked delivery is tried again, or an unknown one gets a verdict.
    Release {
        /// The delivery.
        delivery: u64,
        /// What the operator states of an unknown one.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// Parked and unknown deliveries of a partner are released together, oldest first; they go out at the partner's pace.
    ReleaseAll {
        /// Which.
        which: Which,
        /// What the operator states of all of them; none: only those that never left are released.
        verdict: Option<Verdict>,
        /// Why.
        reason: String,
        /// Only told how many it would be: nothing is released, nothing stands in the audit.
        dry: bool,
    },
    /// A parked, waiting or unknown delivery is closed without delivery.
    Close {
        /// The delivery.
        delivery: u64,
        /// Why.
        reason: String,
    },
}

/// Which deliveries are released together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// The receiving partner.
    pub partner: String,
    /// Why they are kept: the whole reason, or its word before a colon. None: whatever it is.
    pub reason: Option<String>,
    /// The message's kind. None: whatever it is.
    pub kind: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What an operator states when releasing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The other side has it: done. (A parked one that cannot have been received waits again.)
    Received,
    /// The other side has it not: sent (first time for them), by the newest adapter set.
    NotReceived,
    /// Sent again whatever was.
    SendAgain,
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// Written.
    Written,
    /// There is no such delivery.
    Missing,
    /// It is not in a state in which this can be done (a call is under way, or it has ended).
    Refused,
    /// Several were released; how many fit besides, and how many of these wait for the operator's word because they may have been received.
    Released {
        /// Released now.
        released: u64,
        /// Fit too, and were not.
        left: u64,
        /// Of these, those that may have been received: a verdict is needed.
        doubtful: u64,
    },
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

/// A delivery as operators see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DeliveryView {
    /// Sequence number.
    pub delivery: u64,
    /// Receiving partner.
    pub partner: String,
    /// Out-route.
    pub route: String,
    /// Lane key.
    pub lane: String,
    /// The dossier.
    pub dossier: Option<String>,
    /// Message id.
    pub id: String,
    /// Canonical name of what it says.
    pub kind: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts used up.
    pub attempts: u32,
    /// When it was taken in.
    pub created_at: Time,
    /// When it is due next.
    pub ready_at: Option<Time>,
    /// Last reason (our code word, the partner's code).
    pub reason: Option<String>,
    /// Whether it may have been received: done, rejected, or a call's outcome is not known (`Ask`, a crash, an attempt whose outcome
    /// is `unknown`) and no inquiry or operator has said since that it was not.
    pub sent: bool,
}

/// A delivery with its history.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryDetail {
    /// The delivery.
    pub view: DeliveryView,
    /// Its attempts, oldest first (the last hundred).
    pub attempts: Vec<Attempt>,
    /// The canonical body; null when it is gone.
    pub body: Value,
    /// What is left of the body, where it was removed by retention.
    pub gone: Option<Gone>,
}

/// A timeline line as read.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct EventView {
    /// Sequence number over all dossiers; a reader who saw n never sees one below n appear later.
    pub event: u64,
    /// The dossier.
    pub dossier: String,
    /// Our time.
    pub at: Time,
    /// What happened.
    pub kind: String,
    /// Public facts.
    pub data: Value,
}

/// A partner's queue as operators see it.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct QueueView {
    /// The partner.
    pub partner: String,
    /// Waiting deliveries (heads and those behind them).
    pub waiting: u64,
    /// Calls under way.
    pub claimed: u64,
    /// Unknown ones.
    pub unknown: u64,
    /// Parked ones.
    pub parked: u64,
    /// Time of the oldest undelivered one.
    pub oldest: Option<Time>,
    /// Why it is paused; none: it is not.
    pub paused: Option<String>,
}

/// The shape of a partner's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Unfinished deliveries that are not held, by what is alike.
    pub waiting: Vec<Waiting>,
    /// Those that are held: parked heads and what waits behind them, as far as they were counted.
    pub held: u64,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only this partner's.
    pub partner: Option<String>,
    /// Only this dossier's.
    pub dossier: Option<String>,
    /// Only in this state; none: all unfinished.
    pub state: Option<DeliveryState>,
    /// Only those after this sequence number.
    pub after: u64,
    /// At most this many.
    pub limit: u32,
}

/// Which refunds to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct RefundFilter {
    /// Only this dossier's.
    pub dossier: Option<String>,
    /// Only in this state.
    pub state: Option<RefundState>,
    /// At most this many.
    pub limit: u32,
}

/// A movement as read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MovementView {
    /// Its number, from 1 without gaps.
    pub movement: u64,
    /// The transaction whose money it is.
    pub transaction: String,
    /// The dossier.
    pub dossier: String,
    /// From.
    pub debit: String,
    /// To.
    pub credit: String,
    /// Whole VND.
    pub amount: u64,
    /// Why.
    pub kind: String,
    /// Our time.
    pub at: Time,
    /// The refund that moved it.
    pub refund: Option<String>,
}

/// The books, added up. They are in order when `faults` is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Movements there are.
    pub movements: u64,
    /// Payments compared with them.
    pub payments: u64,
    /// Every account that moved.
    pub balances: Vec<Balance>,
    /// All that citizens paid, VND.
    pub paid_in: u64,
    /// All that is held, promised back or not, VND.
    pub held: i128,
    /// All that went back, VND.
    pub refunded: u64,
    /// What does not add up: the first hundred of each kind.
    pub faults: Vec<AccountFault>,
    /// How much does not add up.
    pub faults_found: u64,
}

/// An account's sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Its word.
    pub account: String,
    /// All that left it, VND.
    pub debit: u64,
    /// All that came to it, VND.
    pub credit: u64,
}

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFault {
    /// What, a word: `total`, `payment`, `refund`, `refund-reserved`, `below-zero`, `receipt`, `fee`, `movement-gone`, ….
    pub what: String,
    /// The transaction.
    pub transaction: Option<String>,
    /// In a sentence, with both figures.
    pub text: String,
}

/// Told after each commit that changed something somebody may wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The dossier, when there is one.
    pub dossier: Option<String>,
    /// The settled delivery, when it was a settlement.
    pub delivery: Option<u64>,
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

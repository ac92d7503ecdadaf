//! A delivery's way: taken, tried, settled.

use super::Effects;
use crate::clock::Time;
use crate::delivery::Feed;
use crate::model::Kind;
use std::collections::BTreeMap;

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

/// Told after each commit that changed something somebody may wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The dossier, when there is one.
    pub dossier: Option<String>,
    /// The settled delivery, when it was a settlement.
    pub delivery: Option<u64>,
}

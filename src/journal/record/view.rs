//! What is shown: deliveries, events, queues, accounts.

use super::super::Gone;
use super::{Attempt, DeliveryState};
use crate::body::Value;
use crate::clock::Time;
use crate::delivery::Waiting;
use crate::model::RefundState;

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

//! Payments: the attempts to pay a fee, what each moved, and the receipt (biên lai) of what was paid.
//!
//! Always: a transaction's id is stored before the platform hears of it; nothing undoes Paid; every movement names both its sides, and none
//! is ever changed or taken out.

use crate::clock::Time;
use crate::model::{FeeItem, Vnd};
use serde::{Deserialize, Serialize};

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
    /// When a sealed notice last told another sum than was asked for.
    #[serde(default)]
    pub differed_at: Option<Time>,
    /// The platform's own transaction code.
    pub platform_transaction: Option<String>,
    /// The platform was told of it when it looked up what the dossier owes, so it may know it without our request.
    #[serde(default)]
    pub billed: bool,
    /// When we learnt that it is paid.
    #[serde(default)]
    pub paid_at: Option<Time>,
    /// Where its money is held once it is paid.
    #[serde(default = "Account::of_fees")]
    pub held_in: Account,
    /// What was asked for and for whom, as told to the platform; none: of an older journal.
    #[serde(default)]
    pub terms: Option<Terms>,
    /// Sums of refunds under way.
    #[serde(default)]
    pub reserved: Vnd,
    /// Sums of refunds done.
    #[serde(default)]
    pub refunded: Vnd,
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

/// What a transaction is for, fixed when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The procedure's name.
    pub procedure: String,
    /// The agency's name.
    pub agency: String,
    /// The fee's code.
    pub code: Option<String>,
    /// The fee's name.
    pub name: String,
    /// What it is counted by, where it is.
    pub items: Vec<FeeItem>,
    /// Where the money goes; none: the catalogue named no account.
    pub beneficiary: Option<Beneficiary>,
}

/// An account money goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beneficiary {
    /// Account number.
    pub account: String,
    /// Bank.
    pub bank: String,
    /// Name of the account's holder.
    pub name: String,
}

/// A side of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Account {
    /// Outside: where money comes from and where refunds go.
    Citizen,
    /// Held by the platform, for a fee.
    Platform,
    /// Held by the platform, for nothing that was owed.
    Overpaid,
    /// Held, and promised back.
    RefundReserved,
}

/// One movement of money, append-only; both sides named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The transaction whose money it is.
    pub transaction: String,
    /// The dossier.
    pub dossier: String,
    /// The refund that moved it.
    pub refund: Option<String>,
    /// From.
    pub debit: Account,
    /// To.
    pub credit: Account,
    /// Whole VND, above zero.
    pub amount: Vnd,
    /// `payment`, `overpayment`, `refund-reserve`, `refund-release`, `refund`.
    pub kind: String,
    /// Our time.
    pub at: Time,
}

/// What was paid, by whom, for what and to whom: the data of a receipt (biên lai), as it stood when it was paid. Personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its number, without gaps, given by the journal when it is written; 0 before.
    #[serde(default)]
    pub number: u64,
    /// The dossier.
    pub dossier: String,
    /// Our transaction.
    pub transaction: String,
    /// The platform's code of it.
    pub platform_transaction: Option<String>,
    /// Who paid: the owner of the dossier.
    pub payer: String,
    /// Whole VND.
    pub amount: Vnd,
    /// The sum in Vietnamese words.
    pub words: String,
    /// When we learnt that it is paid.
    pub at: Time,
    /// National procedure code.
    pub procedure: String,
    /// Receiving agency's code.
    pub agency: String,
    /// For what and for whom.
    pub terms: Terms,
}

// === impl PaymentState ===

impl PaymentState {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

// === impl Payment ===

impl Payment {
    /// What of it is neither given back nor promised back; nothing while it is not paid.
    #[must_use]
    pub fn refundable(&self) -> Vnd {
        let held = self.amount.checked_sub(self.reserved).and_then(|n| n.checked_sub(self.refunded));
        held.filter(|_| self.state == PaymentState::Paid).unwrap_or(Vnd::ZERO)
    }

    /// Its state with what became of the money after it was paid: `requested`, `paid`, `failed`, `expired`, `refund-requested`,
    /// `refunded` (all of it).
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.state {
            PaymentState::Paid if self.refunded == self.amount => "refunded",
            PaymentState::Paid if self.reserved > Vnd::ZERO => "refund-requested",
            state => state.word(),
        }
    }
}

// === impl Account ===

impl Account {
    /// Every account with its word.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Citizen, "citizen"),
        (Self::Platform, "platform"),
        (Self::Overpaid, "overpaid"),
        (Self::RefundReserved, "refund-reserved"),
    ];

    /// Where the money of fees is held.
    #[must_use]
    pub fn of_fees() -> Self {
        Self::Platform
    }

    /// The account of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(a, _)| *a)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(a, _)| *a == self).map_or("", |(_, w)| w)
    }
}

// === impl Receipt ===

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipt({}, …)", self.transaction)
    }
}

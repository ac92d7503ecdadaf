//! Refunds: money that goes back to the citizen. Asked for by an operator, reserved before anybody acts, settled by what the bank says.
//!
//! Always: what is reserved and given back for a transaction never exceeds what was paid under it (the payment's row carries both sums, and
//! its version guards them); what ended stays as it ended.

use crate::clock::Time;
use crate::model::{Account, Vnd};
use serde::{Deserialize, Serialize};

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id: `R` and nine characters, to be said on the telephone.
    pub id: String,
    /// The transaction whose money goes back.
    pub transaction: String,
    /// The dossier.
    pub dossier: String,
    /// Whole VND.
    pub amount: Vnd,
    /// Where it is taken from: [`Account::Platform`] or [`Account::Overpaid`].
    pub from: Account,
    /// Where it stands.
    pub state: RefundState,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub at: Time,
    /// Paid out by the payment platform, through the journal; else by a person, at the bank.
    #[serde(default)]
    pub by_platform: bool,
    /// The bank's or the platform's reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// When its state last changed.
    pub changed_at: Time,
    /// Changes of this row.
    pub version: u64,
}

/// Created → Sent → Done | Refused | Unknown. An unknown one is settled by what is found out; also that the platform is at it (Sent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefundState {
    /// Asked for; the sum is reserved.
    Created,
    /// Handed to whoever pays it out.
    Sent,
    /// Paid out.
    Done,
    /// Not paid out: the sum is free again.
    Refused,
    /// Handed over, and nobody knows whether it was paid out: the sum stays reserved.
    Unknown,
}

// === impl RefundState ===

impl RefundState {
    /// Every state with its word.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Created, "created"),
        (Self::Sent, "sent"),
        (Self::Done, "done"),
        (Self::Refused, "refused"),
        (Self::Unknown, "unknown"),
    ];

    /// The state of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(s, _)| *s)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(s, _)| *s == self).map_or("", |(_, w)| w)
    }

    /// Whether it may become `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Created => matches!(next, Self::Sent | Self::Done | Self::Refused | Self::Unknown),
            Self::Sent => matches!(next, Self::Done | Self::Refused | Self::Unknown),
            Self::Unknown => matches!(next, Self::Sent | Self::Done | Self::Refused),
            Self::Done | Self::Refused => false,
        }
    }

    /// Whether its sum is still promised.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Sent | Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_stays_as_it_ended_and_every_open_one_can_end_both_ways() {
        for (state, word) in RefundState::ALL {
            let next: Vec<RefundState> = RefundState::ALL.iter().map(|(s, _)| *s).filter(|s| state.may_become(*s)).collect();
            assert_eq!(next.is_empty(), !state.is_open(), "{word}");
            assert!(!state.is_open() || next.contains(&RefundState::Done) && next.contains(&RefundState::Refused), "{word}");
            assert_eq!(RefundState::of_word(word), Some(state));
        }
    }
}

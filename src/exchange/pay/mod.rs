//! The fee and its payment: owed, started, told of, decided by the platform's own sealed answer, told on, given back.
//!
//! Paid is decided by one thing only: the platform's answer to our query, whose reply seals its status (a notice's checksum does not
//! cover its status, so a notice is a hint); where a platform has no query its data says so, and there the notice decides. Nothing undoes
//! Paid. One transaction is open per fee; a click while one is open gets its link. A transaction id is stored before the platform is called.
//!
//! | file | what |
//! |---|---|
//! | `due` | what is owed: by the rule, by a push, by a person's word |
//! | `start` | a click on "pay": the open transaction, or a new attempt |
//! | `notice` | what the platform tells of itself; when it is asked |
//! | `settle` | the platform's word: paid, failed, over; a second attempt |
//! | `bill` | what a dossier owes, asked by the platform |
//! | `refund` | money that goes back |
//! | `payout` | … by the platform's own route |

mod bill;
mod due;
mod notice;
mod payout;
mod refund;
mod settle;
mod start;

pub use bill::bill;
pub use due::{Figure, decide_fee};
pub(super) use due::{charge_again, decide_figure, owe_by_rule, take_fee_due};
pub use notice::{notice_in_doubt, noticed};
pub use payout::refund_cases;
pub(super) use payout::{refund_closed, refund_doubted, refund_ended, refund_received};
pub use refund::{RefundStep, refund, refund_step};
pub use settle::expired;
pub(super) use settle::{again, decide, reopen, unanswered};
pub use start::{Start, start};

use super::refusal::Refusal;
use crate::model::{Dossier, Status};

/// A dossier that was refused or withdrawn owes nothing any more; what was paid for it is a person's matter.
fn owes(dossier: &Dossier) -> bool {
    !matches!(dossier.status, Status::Refused | Status::Withdrawn)
}

fn no_payment() -> Refusal {
    Refusal::new("payment-unavailable", 503, "Chưa kết nối nền tảng thanh toán.", "No payment platform is connected.")
}

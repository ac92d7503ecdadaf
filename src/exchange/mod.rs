//! What a message causes. Pure: (message, snapshot of the dossier and its payments, what the catalogue says) → [`Effects`](crate::journal::Effects).
//!
//! What always holds: a dossier's status changes only here, through one judgement ([`crate::model::Status::judge`]); a message that
//! came by the door and content that came as a synchronous reply go the same way; nothing here waits, reads or writes. A refusal
//! changes nothing (at most it leaves an audit entry).
//!
//! | file | what |
//! |---|---|
//! | `scene` | what the decisions look at besides the snapshot |
//! | `knowledge` | the scene's facts, from the catalogue |
//! | `current` | the set of adapters in force |
//! | `submit` | a dossier, its supplement, its withdrawal |
//! | `moves` | status pushes and results: judged, applied, kept for later |
//! | `tell` | what the portal and the ministry are told |
//! | `copies` | what portals that keep a copy of every dossier are told |
//! | `pay` | fee owed, payment started, notice, the platform's answer, bill, refund |
//! | `outcome` | what the end of a delivery causes |
//! | `operator` | an operator's word on a delivery |
//! | `case` | a person's word on a case, the cases' texts |

mod case;
mod copies;
mod current;
mod knowledge;
mod moves;
mod operator;
mod outcome;
mod pay;
mod refusal;
mod scene;
mod submit;
mod tell;
#[cfg(test)]
mod tests;

pub use case::{Choice, Told, case_step, told};
pub use current::{Current, Known};
pub use knowledge::unusable;
pub use moves::{early_waits, pushed};
pub use operator::{closed_by_operator, received_by_operator};
pub use outcome::{Ended, Evidence, answered, doubted, ended, proven};
pub use pay::{
    Figure, RefundStep, Start, bill, decide_fee, expired, notice_in_doubt, noticed, refund, refund_cases, refund_step, start,
};
pub use refusal::{Fault, Refusal};
pub use scene::{Files, Guide, Origin, Scene, Service, Target};
pub use submit::{correct, submit, supplement, withdraw, withdrawal_came_to_nothing};

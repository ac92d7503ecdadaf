//! The nouns: message, dossier status, money, cases, identifiers. No I/O, no partner's word, no clock of its own.

mod case;
mod dossier;
mod id;
mod message;
mod money;
mod status;

pub use case::CaseKind;
pub use dossier::{Document, Dossier, Fee, FeeState, Movement, Payer, Payment, PaymentState};
pub use id::{AgencyCode, DossierCode, Mint, ProcedureCode};
pub use message::{Kind, Message};
pub use money::{Vnd, VndError};
pub use status::{Judgement, Status};

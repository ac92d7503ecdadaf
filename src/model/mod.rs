//! The nouns: message, dossier status, money, identifiers. No I/O, no partner's word, no clock of its own.

mod id;
mod message;
mod money;
mod status;

pub use id::{AgencyCode, DossierCode, Mint, ProcedureCode};
pub use message::{Kind, Message};
pub use money::{Vnd, VndError};
pub use status::{Judgement, Status};

//! The nouns: message, dossier status, money, cases, identifiers. No I/O, no partner's word, no clock of its own.

mod case;
mod dossier;
mod fee;
mod id;
mod message;
mod money;
mod payment;
mod refund;
mod statement;
mod status;
mod words;

pub use case::CaseKind;
pub use dossier::{Document, Dossier, Payer};
pub use fee::{Charge, Dispute, Fee, FeeItem, FeeState};
pub use id::{AgencyCode, DossierCode, Mint, ProcedureCode};
pub(crate) use message::to_pay;
pub use message::{Kind, Message, has};
pub use money::{Vnd, VndError};
pub use payment::{Account, Beneficiary, Movement, Payment, PaymentState, Receipt, Terms};
pub use refund::{Refund, RefundState};
pub use statement::{Class, Way};
pub use status::{Judgement, Status};
pub use words::vietnamese;

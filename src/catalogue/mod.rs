//! What the gateway knows: procedures, agencies, partners, schemas. Immutable; a reload builds a new one and swaps an `Arc`.
//!
//! Always: everything here is data (`adapters/`, `schemas/`), read once; all faults of all files are told at once; a fact no source
//! gives is `unknown`, never filled in. It decides nothing about a message: that is `exchange`'s.

mod agency;
mod fee;
mod files;
mod plan;
mod procedure;
pub mod report;
mod table;
#[cfg(test)]
mod tests;

pub use agency::{Agencies, Agency};
pub use fee::{FeeDue, FeeRule};
pub use files::{Files, FilesError};
pub use plan::{PlanLine, PlanRow};
pub use procedure::{Beneficiary, Filter, Host, Level, NotFound, Procedure, Procedures, Term, Tier};

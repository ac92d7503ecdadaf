//! What the gateway knows: procedures, agencies, partners, schemas. Immutable; a reload builds a new one and swaps an `Arc`.
//!
//! Always: everything here is data (`adapters/`, `schemas/`), read once; all faults of all files are told at once; a fact no source
//! gives is `unknown`, never filled in. It decides nothing about a message: that is `exchange`'s.

mod agency;
mod callers;
mod canonical;
mod compare;
mod fee;
mod files;
mod flow;
mod holidays;
mod load;
mod made;
mod partner;
#[cfg(test)]
mod partner_tests;
mod plan;
mod procedure;
mod proof;
mod read;
mod read_around;
mod read_batch;
mod read_first;
mod read_limits;
mod read_route;
mod read_rule;
pub mod report;
mod route;
mod seal;
mod shelf;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod validate;
#[cfg(test)]
mod validate_tests;
mod words;

pub use crate::mapping::SourceFault as FileFault;
pub use agency::{Agencies, Agency};
pub use callers::check_callers;
pub use compare::{Becomes, Difference, compare};
pub use fee::{Alternative, Exemption, FeeBy, FeeRule, When};
pub use files::{Files, FilesError};
pub use holidays::Holidays;
pub use load::{Catalogue, LoadFaults, Settings};
pub(crate) use made::keeps_its_word;
pub use partner::{Limits, Partner, Role, SignIn, Wsdl};
pub use plan::{PlanLine, PlanRow};
pub use procedure::{Beneficiary, Filter, Host, Level, NotFound, Procedure, Procedures, Term, Tier};
pub use read_batch::MOST as MOST_OF_A_BATCH;
pub use route::{Auth, InKind, InRoute, Items, OutRoute, Repeat, Replies, RowBy, SOAP_FAULT};
pub use seal::{Over, Seal};
pub use shelf::Shelf;
pub use statement::{Columns, StatementForm};
pub use validate::{SchemaFault, Validators};

//! What is written and read: the values that cross the journal's seam. Plain data, no SQL, no decision.
//!
//! [`Effects`] is what a message causes, computed by `exchange` from a [`Snapshot`]; the journal writes it whole or not at all.

mod accepted;
mod attempt;
mod operator;
mod view;

pub use accepted::*;
pub use attempt::*;
pub use operator::*;
pub use view::*;

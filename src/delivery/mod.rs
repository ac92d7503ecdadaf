//! Policies of delivery as values and pure functions: what an answer means, when to try again, how fast, when to pause.
//!
//! What always holds: nothing here waits, sends, reads a clock or rolls a die; `now` and `chance` are arguments, every decision
//! carries its reason. The waiting is done in `dispatch`.

mod breaker;
mod judge;
mod pace;
mod retry;

pub use breaker::{Breaker, BreakerPolicy, Gate};
pub use judge::{Codes, Fact, Facts, Judge, Outcome, Rule, Then, Trouble};
pub use pace::{Pace, Quota};
pub use retry::RetryPolicy;

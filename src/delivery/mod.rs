//! Policies of delivery as values and pure functions: what an answer means, when to try again, how fast, when to pause.
//!
//! What always holds: nothing here waits, sends, reads a clock or rolls a die; `now` and `chance` are arguments, every decision
//! carries its reason. The waiting is done in `dispatch`.

mod breaker;
mod budget;
mod fair;
mod feed;
mod forecast;
mod inbound;
mod judge;
mod pace;
mod retry;
mod windows;

pub use breaker::{Breaker, BreakerPolicy, Gate};
pub use budget::RetryBudget;
pub use fair::{Fair, Shares};
pub use feed::{AHEAD, Feed, LONGEST_WAIT, Limit, Saved, Shut, Step, Stream, Terms, urgency};
pub use forecast::{ClassForecast, Forecast, Outlook, Waiting, forecast};
pub use inbound::{Exceeded, Windowed};
pub use judge::{Codes, Fact, Facts, Judge, Outcome, Rule, Then, Trouble};
pub use pace::{Pace, Quota};
pub use retry::RetryPolicy;
pub use windows::{Window, Windows};

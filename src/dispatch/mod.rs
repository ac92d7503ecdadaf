//! From a due lane to a settled delivery: claim, write, call, judge, settle. One loop per partner; nobody calls it, it looks at the
//! journal when the journal says that something changed.
//!
//! What always holds: a claim is synced before the first byte leaves; one delivery in flight per lane; no more calls begin than the
//! partner's pace and breaker allow, an inquiry counts like any other call; the answer is judged once and everybody reads that one
//! judgement; an outcome that is not known is asked after before anything else on its lane.
//!
//! | file | what |
//! |---|---|
//! | `loops` | which partners have a loop |
//! | `lanes` | a partner's loop: feed, breaker, claims |
//! | `board` | how the loops stand, for operators and forecasts |
//! | `attempt` | one claim from its start to its settlement |
//! | `together` | the same for a call of several deliveries |
//! | `turns` | the moment a call begins, taken last before it is sent |
//! | `sign_in` | what signs a call in: a header, or a session in the body |
//! | `wire` | canonical → call, reply → facts, outcome, content |
//! | `next` | outcome → what is next, pure |

mod attempt;
mod board;
mod lanes;
mod loops;
mod next;
mod sign_in;
#[cfg(test)]
pub(crate) mod tests;
mod together;
mod turns;
mod wire;

pub use board::{Board, Standing};

use crate::catalogue::Shelf;
use crate::clock::Clock;
use crate::delivery::BreakerPolicy;
use crate::exchange::Current;
use crate::journal::{BlobStore, Journal};
use crate::partner::{Tokens, Transport};
use crate::seal::Random;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the dispatcher works with.
#[derive(Clone)]
pub struct Parts {
    /// The adapters and procedures in force.
    pub current: Arc<Current>,
    /// Earlier adapter sets, for deliveries attempted before.
    pub shelf: Arc<Shelf>,
    /// The memory.
    pub journal: Arc<dyn Journal>,
    /// Contents.
    pub blobs: Arc<BlobStore>,
    /// The hands.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The dice.
    pub random: Arc<dyn Random>,
    /// When a partner counts as out.
    pub breaker: BreakerPolicy,
}

/// The running dispatcher.
pub struct Dispatcher {
    stop: watch::Sender<bool>,
    news: watch::Sender<()>,
    keeper: JoinHandle<()>,
    board: Board,
}

/// Tells the dispatcher that another set is in force.
#[derive(Clone, Debug)]
pub struct Renewal(watch::Sender<()>);

/// What every attempt shares.
pub(crate) struct Shared {
    parts: Parts,
    tokens: Tokens,
    board: Board,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Starts one loop per partner that takes calls; partners that come and go with a new set get theirs and lose it.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let ((stop, stopped), (news, heard)) = (watch::channel(false), watch::channel(()));
        let board = Board::default();
        let shared = Arc::new(Shared { parts, tokens: Tokens::default(), board: board.clone() });
        let keeper = tokio::spawn(loops::keep(shared, heard, stopped));
        Self { stop, news, keeper, board }
    }

    /// By which the dispatcher is told that another set is in force.
    #[must_use]
    pub fn renewal(&self) -> Renewal {
        Renewal(self.news.clone())
    }

    /// How the loops stand.
    #[must_use]
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// Begins no new call and waits for those under way, each bounded by its own time-out.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.keeper.await;
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("board", &self.board).finish_non_exhaustive()
    }
}

// === impl Renewal ===

impl Renewal {
    /// It is looked who needs a loop; tokens held for partners are signed in for anew.
    pub fn tell(&self) {
        self.0.send_replace(());
    }
}

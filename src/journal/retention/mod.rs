//! Retention: what is removed when its dossier has ended long enough, and what of it is remembered.
//!
//! What always holds: nothing is removed that was not asked for by its class; nothing of a dossier that has not ended (final, and no
//! delivery, case, payment, refund or early status of it open), so nothing that could still be sent; movements, payments, receipts, cases,
//! timeline, audit, idempotency keys with their receipts are never touched; of what goes, time, digest and size stay. Everything is
//! computed by a reader, checked again and done by the writer in small pieces, each whole; a run that a crash cut goes on, and has one
//! audit entry. Running it twice changes nothing.
//! It does not decide when to run nor how fast (`app`).
//!
//! | file | what |
//! |---|---|
//! | `terms` | the classes and how long each is kept |
//! | `walk` | messages by dossier, contents by dossier: written behind the journal's end |
//! | `standing` | whether and when a dossier ended |
//! | `remove` | bodies, received bytes, attempts |
//! | `contents` | files: which content nobody needs, and its two-step end |
//! | `strays` | files that no message names |
//! | `settled` | rows of statements; how far back events are paged |
//! | `run` | a run's row, its tallies, its audit entry, what is shown of it |

mod contents;
mod remove;
mod run;
mod settled;
mod standing;
mod strays;
mod terms;
#[cfg(test)]
mod tests;
mod walk;

pub use run::{RetentionRun, RetentionView};
pub use terms::{Gone, Removed, RetentionClass, RetentionTally, RetentionTerms};

pub(super) use contents::{content_gone, is_gone};
pub(super) use run::{begin, gone, view};
pub(super) use settled::{events_floor, settled};
pub(super) use standing::removed;

use super::writer::{Fault, Made};
use super::{BlobStore, JournalError, SqliteJournal};
use crate::clock::{DAY_MS, Time};
use run::Run;
use rusqlite::Connection;

/// Dossiers dealt with in one piece at most.
const DOSSIERS: u32 = 16;
/// Rows changed in one piece at most, for each dossier of it.
const ROWS: u32 = 64;
/// Messages the walk passes in one piece.
const STRIDE: u32 = 200;
/// Bytes of bodies hashed for one piece at most, before the last one.
const BYTES: u64 = 2 << 20;
/// A content younger than this may belong to a message on its way in.
const YOUNG_MS: i64 = DAY_MS;
/// How long a dossier that is open is not looked at again outside a run.
const AGAIN_MS: i64 = DAY_MS;

/// What a piece of work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionStep {
    /// There is more to do.
    More,
    /// There is nothing to do now.
    Idle,
}

/// What a run does, in this order. The walk comes first: what it has not passed is not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Walk,
    Open,
    Of(RetentionClass),
    Loose,
    Strays,
    Finish,
}

/// The order of a run's phases; their place in it is what the run's row says.
const PHASES: [Phase; 11] = [
    Phase::Walk,
    Phase::Open,
    Phase::Of(RetentionClass::Bodies),
    Phase::Of(RetentionClass::Received),
    Phase::Of(RetentionClass::Attempts),
    Phase::Of(RetentionClass::Files),
    Phase::Loose,
    Phase::Strays,
    Phase::Of(RetentionClass::Statements),
    Phase::Of(RetentionClass::Events),
    Phase::Finish,
];

/// One piece: of the run under way, else of the walk behind the journal's end. A few milliseconds of the writer.
pub(super) async fn step(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    terms: &RetentionTerms,
    now: Time,
) -> Result<RetentionStep, JournalError> {
    if contents::finish_doomed(journal, blobs, now).await? {
        return Ok(RetentionStep::More);
    }
    let Some(run) = journal.asked(run::under_way).await? else {
        return Ok(if terms.follows() && (walk::pass(journal).await? || standing::look(journal, now, AGAIN_MS).await?) {
            RetentionStep::More
        } else {
            RetentionStep::Idle
        });
    };
    let phase = usize::try_from(run.phase).ok().and_then(|n| PHASES.get(n)).copied().unwrap_or(Phase::Finish);
    let more = match phase {
        Phase::Walk => terms.follows() && walk::pass(journal).await?,
        Phase::Open => terms.follows() && standing::look(journal, run.began, 0).await?,
        Phase::Of(class) => match terms.cutoff(class, run.began) {
            None => false,
            Some(cutoff) => piece(journal, blobs, (class, cutoff), &run, now).await?,
        },
        Phase::Loose => match terms.cutoff(RetentionClass::Files, run.began) {
            None => false,
            Some(cutoff) => contents::loose(journal, blobs, cutoff, &run, now).await?,
        },
        Phase::Strays => match terms.cutoff(RetentionClass::Files, run.began) {
            None => false,
            Some(_) => strays::piece(journal, blobs, &run, now).await?,
        },
        Phase::Finish => {
            let shown = terms.shown();
            journal.told(move |conn| run::finish(conn, &run, &shown, now)).await?;
            return Ok(RetentionStep::More);
        }
    };
    if !more {
        journal.told(move |conn| run::next_phase(conn, &run)).await?;
    }
    Ok(RetentionStep::More)
}

async fn piece(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    (class, cutoff): (RetentionClass, Time),
    run: &Run,
    now: Time,
) -> Result<bool, JournalError> {
    match class {
        RetentionClass::Bodies | RetentionClass::Received | RetentionClass::Attempts => {
            remove::piece(journal, blobs, (class, cutoff), run.number, now).await
        }
        RetentionClass::Files => contents::piece(journal, blobs, cutoff, run.number, now).await,
        RetentionClass::Statements => settled::statements(journal, cutoff, run, now).await,
        RetentionClass::Events => settled::events(journal, cutoff, run.number).await,
    }
}

/// How much would go now, by class: what the walk has passed. Reads a page at a time; costs what would go.
pub(super) async fn due(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    terms: &RetentionTerms,
    now: Time,
) -> Result<Vec<RetentionTally>, JournalError> {
    let mut all = Vec::new();
    for class in RetentionClass::ALL {
        let Some(cutoff) = terms.cutoff(class, now) else { continue };
        let tally = match class {
            RetentionClass::Bodies | RetentionClass::Received | RetentionClass::Attempts => {
                remove::due(journal, class, cutoff).await?
            }
            RetentionClass::Files => contents::due(journal, blobs, cutoff, now).await?,
            RetentionClass::Statements => journal.asked(move |conn| settled::due_statements(conn, cutoff)).await?,
            RetentionClass::Events => journal.asked(move |conn| settled::due_events(conn, cutoff)).await?,
        };
        all.push(tally);
    }
    Ok(all)
}

// === impl SqliteJournal ===

impl SqliteJournal {
    /// A question of retention: one read transaction on a reader's thread.
    async fn asked<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.ask(question).await
    }

    /// A piece of retention: one command of the writer, overwriting with zeros what it removes.
    async fn told<T: Send + 'static>(
        &self,
        piece: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.write(move |conn, _| {
            let zeros = |on: bool| conn.pragma_update_and_check(None, "secure_delete", on, |_| Ok(()));
            zeros(true)?;
            let made = piece(conn);
            zeros(false)?;
            made.map(Made::Kept)
        })
        .await
    }
}

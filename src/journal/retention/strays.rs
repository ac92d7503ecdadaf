//! Contents that no message names: stored, and then their message was not taken after all (what it was judged from had changed, the journal
//! could not write, a crash in between). They are found from the disk's side, a sixteenth of the store a step.
//!
//! Always: one goes only when it is older than a week, and no upload, no message that the walk has passed and none behind it names it; a
//! message on its way in makes its contents anew, so they are young. It ends as any content does: decided by the writer, then removed.

use super::super::writer::Fault;
use super::super::{BlobStore, JournalError, SqliteJournal};
use super::contents::{self, Old};
use super::run::{self, Run};
use super::{RetentionClass, RetentionTally, walk};
use crate::clock::{DAY_MS, Time};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// A content nobody names goes after this: time enough to put a journal right that was restored from a backup.
const STRAY_MS: i64 = 7 * DAY_MS;
/// The parts of the store: the first digit of a digest.
const PARTS: [&str; 16] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];
/// Contents, and rows of uploads, looked at in one question.
const PAGE: usize = 2_000;
/// Ends decided in one piece.
const DOOMED: usize = 64;

/// Contents of a part of the store that nobody names, by digest: size and when it came.
type Strays = BTreeMap<String, (u64, Time)>;

/// Some dossier holds it, or a message without one; or a message came as it.
const HELD: &str =
    "SELECT EXISTS (SELECT 1 FROM retention_content WHERE digest = ?1) OR EXISTS (SELECT 1 FROM received WHERE digest = ?1)";

/// Decides the end of the next part's strays; false: all parts were looked at.
pub(super) async fn piece(journal: &SqliteJournal, blobs: &BlobStore, run: &Run, now: Time) -> Result<bool, JournalError> {
    let next = PARTS.iter().position(|part| *part == run.cursor).map_or(0, |done| done + 1);
    let Some(part) = PARTS.get(next).copied() else { return Ok(false) };
    let found: Vec<Old> = of_part(journal, blobs, part, now).await?.into_iter().map(|(d, (size, at))| (d, size, at)).collect();
    let of = run.number;
    for some in found.chunks(DOOMED) {
        let some = some.to_vec();
        let done = journal.told(move |conn| {
            if contents::behind(conn)? {
                return Ok(false);
            }
            let mut tally = RetentionTally::of(RetentionClass::Files);
            for content in &some {
                if !conn.prepare_cached(HELD)?.query_row([&content.0], |r| r.get::<_, bool>(0))? {
                    contents::doom(conn, content, "", now, &mut tally)?;
                }
            }
            run::count(conn, of, &tally)?;
            Ok(true)
        });
        if !done.await? {
            walk::pass(journal).await?;
            return Ok(true);
        }
    }
    journal.told(move |conn| run::reached(conn, of, part)).await?;
    Ok(true)
}

/// How many would go now, added to a count.
pub(super) async fn due(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    now: Time,
    tally: &mut RetentionTally,
) -> Result<(), JournalError> {
    for part in PARTS {
        for (size, at) in of_part(journal, blobs, part, now).await?.into_values() {
            tally.add(at, size);
        }
    }
    Ok(())
}

/// The strays of a part of the store.
async fn of_part(journal: &SqliteJournal, blobs: &BlobStore, part: &'static str, now: Time) -> Result<Strays, JournalError> {
    let store = blobs.clone();
    let old = tokio::task::spawn_blocking(move || store.older(part, now.plus_ms(-STRAY_MS)));
    let old = old.await.map_err(|_| JournalError::Closed)?.map_err(|e| JournalError::Store(e.to_string()))?;
    let mut strays = Strays::new();
    for page in old.chunks(PAGE) {
        let page = page.to_vec();
        strays.extend(journal.asked(move |conn| unheld(conn, page)).await?);
    }
    let mut after = Some(String::new());
    while let Some(from) = after.filter(|_| !strays.is_empty()) {
        let (last, named) = journal.asked(move |conn| uploads(conn, &from, part)).await?;
        strays.retain(|digest, _| !named.contains(digest));
        after = last;
    }
    Ok(strays)
}

fn unheld(conn: &Connection, page: Vec<Old>) -> Result<Strays, Fault> {
    let mut read = conn.prepare_cached(HELD)?;
    let mut free = Strays::new();
    for (digest, size, at) in page {
        if !read.query_row([&digest], |r| r.get::<_, bool>(0))? {
            free.insert(digest, (size, at));
        }
    }
    Ok(free)
}

/// The contents of a part that the next rows of uploads name, and the last of these rows; none: there are no more.
fn uploads(conn: &Connection, after: &str, part: &str) -> Result<(Option<String>, BTreeSet<String>), Fault> {
    let mut read = conn.prepare_cached("SELECT id, digest FROM file WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
    let rows = read.query_map(rusqlite::params![after, limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    let last = rows.last().map(|(id, _)| id.clone());
    Ok((last, rows.into_iter().map(|(_, digest)| digest).filter(|digest| digest.starts_with(part)).collect()))
}

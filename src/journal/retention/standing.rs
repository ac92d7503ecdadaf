//! Whether and when a dossier ended: the one rule of it, asked by a reader to find what is due and by the writer before it removes.

use super::super::lane::positive;
use super::super::writer::Fault;
use super::super::{JournalError, SqliteJournal};
use super::{Removed, STRIDE};
use crate::clock::Time;
use crate::model::Status;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Something of a dossier is open. A status that came before its time is, until it was judged.
const OPEN: &str = "SELECT EXISTS (SELECT 1 FROM delivery WHERE dossier = ?1 AND state = 0)
   OR EXISTS (SELECT 1 FROM matter WHERE dossier = ?1 AND closed_at IS NULL)
   OR EXISTS (SELECT 1 FROM payment WHERE dossier = ?1 AND expires_at IS NOT NULL)
   OR EXISTS (SELECT 1 FROM refund WHERE dossier = ?1 AND state NOT IN ('done', 'refused'))
   OR EXISTS (SELECT 1 FROM early WHERE dossier = ?1)";

/// The last thing that happened to it.
const LAST: &str = "SELECT max(coalesce((SELECT at FROM event WHERE dossier = ?1 ORDER BY seq DESC LIMIT 1), 0),
     coalesce((SELECT max(ended_at) FROM delivery WHERE dossier = ?1), 0),
     coalesce((SELECT max(closed_at) FROM matter WHERE dossier = ?1), 0))";

/// When a dossier ended: the last thing that happened to it, once its status is final and nothing of it is open. None: it has not, or it
/// is not in the books.
pub(super) fn ended(conn: &Connection, dossier: &str) -> Result<Option<Time>, Fault> {
    let status: Option<Option<String>> = conn
        .prepare_cached("SELECT json_extract(data, '$.status') FROM dossier WHERE code = ?1")?
        .query_row([dossier], |r| r.get(0))
        .optional()?;
    let ended = status.flatten().and_then(|word| Status::of_word(&word)).is_some_and(Status::is_final);
    if !ended || conn.prepare_cached(OPEN)?.query_row([dossier], |r| r.get::<_, bool>(0))? {
        return Ok(None);
    }
    Ok(Some(Time(conn.prepare_cached(LAST)?.query_row([dossier], |r| r.get(0))?)))
}

/// Whether it still stands as it was found: ended before the cutoff. If not, that is written down.
pub(super) fn still(conn: &Connection, dossier: &str, cutoff: Time) -> Result<bool, Fault> {
    let ended = ended(conn, dossier)?;
    if ended.is_some_and(|at| at < cutoff) {
        return Ok(true);
    }
    conn.prepare_cached("UPDATE retention_dossier SET ended_at = ?2 WHERE dossier = ?1")?
        .execute(params![dossier, ended.map(|t| t.0)])?;
    Ok(false)
}

/// Looks at dossiers that were open when they were looked at last, so long ago: a piece of them. False: there are none.
pub(super) async fn look(journal: &SqliteJournal, now: Time, ago_ms: i64) -> Result<bool, JournalError> {
    let before = now.plus_ms(-ago_ms);
    let found = journal
        .asked(move |conn| {
            let mut read = conn.prepare_cached(
                "SELECT dossier FROM retention_dossier WHERE ended_at IS NULL AND looked_at < ?1 ORDER BY looked_at LIMIT ?2",
            )?;
            let codes: Vec<String> = read.query_map(params![before.0, STRIDE], |r| r.get(0))?.collect::<Result<_, _>>()?;
            codes.into_iter().map(|code| Ok((ended(conn, &code)?, code))).collect::<Result<Vec<_>, Fault>>()
        })
        .await?;
    if found.is_empty() {
        return Ok(false);
    }
    journal
        .told(move |conn| {
            let mut write =
                conn.prepare_cached("UPDATE retention_dossier SET looked_at = ?2, ended_at = ?3 WHERE dossier = ?1")?;
            for (ended, code) in &found {
                write.execute(params![code, now.0, ended.map(|t| t.0)])?;
            }
            Ok(true)
        })
        .await
}

/// What of a dossier was removed.
pub(crate) fn removed(conn: &Connection, dossier: &str) -> Result<Removed, Fault> {
    let mut removed = conn
        .prepare_cached(
            "SELECT count(m.body_gone), count(m.raw_gone), max(m.body_gone), max(m.raw_gone)
             FROM retention_message r JOIN message m ON m.seq = r.message WHERE r.dossier = ?1",
        )?
        .query_row([dossier], |r| {
            let last: (Option<i64>, Option<i64>) = (r.get(2)?, r.get(3)?);
            let at = last.0.max(last.1).map(Time);
            Ok(Removed { bodies: positive(r.get(0)?), received: positive(r.get(1)?), at, files_at: None })
        })?;
    let (bodies, at): (i64, Option<i64>) = conn
        .prepare_cached(
            "SELECT count(o.gone), max(o.gone) FROM delivery d JOIN outgoing o ON o.delivery = d.seq WHERE d.dossier = ?1",
        )?
        .query_row([dossier], |r| Ok((r.get(0)?, r.get(1)?)))?;
    removed.bodies += positive(bodies);
    removed.at = removed.at.max(at.map(Time));
    let files: Option<Option<i64>> = conn
        .prepare_cached("SELECT files FROM retention_dossier WHERE dossier = ?1")?
        .query_row([dossier], |r| r.get(0))
        .optional()?;
    removed.files_at = files.flatten().map(Time);
    Ok(removed)
}

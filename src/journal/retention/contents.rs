//! Files: a content goes when no dossier that has not ended holds it and no upload of late. Two steps: the writer decides it and writes it
//! down (doomed), then the file is removed and that is written down too (struck). A crash between leaves an orphan, which the next step
//! of this or a later run removes.
//!
//! Always: a content that came again meanwhile is younger than a day and stays; messages that the walk has not passed are looked through
//! by the writer before it decides.

use super::super::effects::number;
use super::super::writer::Fault;
use super::super::{BlobStore, JournalError, SqliteJournal};
use super::run::{self, Run};
use super::{Gone, RetentionClass, RetentionTally, YOUNG_MS, remove, standing, strays, walk};
use crate::clock::Time;
use rusqlite::{Connection, OptionalExtension as _, params};

const FILES: RetentionClass = RetentionClass::Files;
/// Unpassed messages that the writer looks through at most; more: the walk comes first.
const UNPASSED: i64 = 256;
/// Dossiers whose contents are decided in one step, and contents of each at most: more than a dossier can have.
const DOSSIERS: u32 = 4;
const CONTENTS: u32 = 5_000;
/// Contents removed from the disk in one step.
const STRIKES: u32 = 32;
/// Rows of uploads looked at in one step.
const UPLOADS: u32 = 2_000;

/// A content that may go, with its size and the time it came.
pub(super) type Old = (String, u64, Time);

/// A dossier's contents.
struct Held {
    dossier: String,
    digests: Vec<String>,
    old: Vec<Old>,
    /// One of them came a short while ago.
    young: bool,
}

/// Another dossier than this holds a content, and its contents were not dealt with yet; or it is also what a message came as.
const ELSEWHERE: &str = "SELECT EXISTS (SELECT 1 FROM retention_content c LEFT JOIN retention_dossier r ON r.dossier = c.dossier
   WHERE c.digest = ?1 AND c.dossier <> ?2 AND r.files IS NULL) OR EXISTS (SELECT 1 FROM received WHERE digest = ?1)";

/// Removes the files whose end was decided. False: there are none.
pub(super) async fn finish_doomed(journal: &SqliteJournal, blobs: &BlobStore, now: Time) -> Result<bool, JournalError> {
    let doomed: Vec<String> = journal
        .asked(|conn| {
            let mut read = conn.prepare_cached("SELECT digest FROM retention_gone WHERE struck = 0 ORDER BY digest LIMIT ?1")?;
            Ok(read.query_map([STRIKES], |r| r.get(0))?.collect::<Result<_, _>>()?)
        })
        .await?;
    if doomed.is_empty() {
        return Ok(false);
    }
    let blobs = blobs.clone();
    let young = now.plus_ms(-YOUNG_MS);
    let struck = tokio::task::spawn_blocking(move || {
        doomed.into_iter().map(|d| Ok((blobs.strike(&d, young)?, d))).collect::<Result<Vec<_>, super::super::BlobError>>()
    });
    let struck = struck.await.map_err(|_| JournalError::Closed)?.map_err(|e| JournalError::Store(e.to_string()))?;
    journal
        .told(move |conn| {
            for (gone, digest) in &struck {
                // One that came again meanwhile is here: nothing was removed.
                let sql = if *gone {
                    "UPDATE retention_gone SET struck = 1 WHERE digest = ?1"
                } else {
                    "DELETE FROM retention_gone WHERE digest = ?1"
                };
                conn.prepare_cached(sql)?.execute([digest])?;
            }
            Ok(true)
        })
        .await
}

/// Decides the end of the next dossiers' contents; false: there are none.
pub(super) async fn piece(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    cutoff: Time,
    of: i64,
    now: Time,
) -> Result<bool, JournalError> {
    let mut held = journal.asked(move |conn| find(conn, cutoff)).await?;
    if held.is_empty() {
        return Ok(false);
    }
    for dossier in &mut held {
        (dossier.old, dossier.young) = old(blobs, std::mem::take(&mut dossier.digests), now).await?;
    }
    let done = journal
        .told(move |conn| {
            if behind(conn)? {
                return Ok(false);
            }
            let mut tally = RetentionTally::of(FILES);
            for h in &held {
                h.doom(conn, (cutoff, now), &mut tally)?;
            }
            run::count(conn, of, &tally)?;
            Ok(true)
        })
        .await?;
    if !done {
        walk::pass(journal).await?;
    }
    Ok(true)
}

/// Decides the end of uploads that no dossier used; false: all were looked at.
pub(super) async fn loose(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    cutoff: Time,
    run: &Run,
    now: Time,
) -> Result<bool, JournalError> {
    let after = run.cursor.clone();
    let (last, digests) = journal.asked(move |conn| uploads(conn, &after, cutoff)).await?;
    let Some(last) = last else { return Ok(false) };
    let (old, _) = old(blobs, digests, now).await?;
    let of = run.number;
    let done = journal
        .told(move |conn| {
            if behind(conn)? {
                return Ok(false);
            }
            let mut tally = RetentionTally::of(FILES);
            for content in &old {
                doom(conn, content, "", now, &mut tally)?;
            }
            run::count(conn, of, &tally)?;
            run::reached(conn, of, &last)?;
            Ok(true)
        })
        .await?;
    if !done {
        walk::pass(journal).await?;
    }
    Ok(true)
}

/// How many contents would go now, with their bytes.
pub(super) async fn due(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    cutoff: Time,
    now: Time,
) -> Result<RetentionTally, JournalError> {
    let mut all = std::collections::BTreeSet::new();
    let mut after = (i64::MIN, String::new());
    loop {
        let from = after.clone();
        let (last, digests) = journal.asked(move |conn| held_by(conn, cutoff, &from)).await?;
        let Some(last) = last else { break };
        after = last;
        all.extend(digests);
    }
    let mut after = String::new();
    loop {
        let from = after.clone();
        let (last, digests) = journal
            .asked(move |conn| {
                let (last, digests) = uploads(conn, &from, cutoff)?;
                let mut free = Vec::new();
                for digest in digests {
                    if !conn.prepare_cached(ELSEWHERE)?.query_row([&digest, ""], |r| r.get::<_, bool>(0))? {
                        free.push(digest);
                    }
                }
                Ok((last, free))
            })
            .await?;
        let Some(last) = last else { break };
        after = last;
        all.extend(digests);
    }
    let mut tally = RetentionTally::of(FILES);
    for (_, size, at) in old(blobs, all.into_iter().collect(), now).await?.0 {
        tally.add(at, size);
    }
    strays::due(journal, blobs, now, &mut tally).await?;
    Ok(tally)
}

/// What is left of a content that was removed; none: nobody removed it.
pub(crate) fn content_gone(conn: &Connection, digest: &str) -> Result<Option<Gone>, Fault> {
    let found = conn
        .prepare_cached("SELECT at, digest, size FROM retention_gone WHERE digest = ?1")?
        .query_row([digest], |r| Ok(run::gone(r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    Ok(found.flatten())
}

/// Whether the end of a content was decided: nothing new may name it, before it comes again.
pub(crate) fn is_gone(conn: &Connection, digest: &str) -> Result<bool, Fault> {
    Ok(conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM retention_gone WHERE digest = ?1)")?
        .query_row([digest], |r| r.get(0))?)
}

/// Those of these contents that are here and old enough, and whether some are here and young.
pub(super) async fn old(blobs: &BlobStore, digests: Vec<String>, now: Time) -> Result<(Vec<Old>, bool), JournalError> {
    let blobs = blobs.clone();
    let young = now.plus_ms(-YOUNG_MS);
    let looked = tokio::task::spawn_blocking(move || {
        let (mut old, mut some_young) = (Vec::new(), false);
        for digest in digests {
            match blobs.came(&digest)? {
                Some((size, at)) if at < young => old.push((digest, size, at)),
                Some(_) => some_young = true,
                None => {}
            }
        }
        Ok::<_, super::super::BlobError>((old, some_young))
    });
    looked.await.map_err(|_| JournalError::Closed)?.map_err(|e| JournalError::Store(e.to_string()))
}

fn find(conn: &Connection, cutoff: Time) -> Result<Vec<Held>, Fault> {
    let mut held = Vec::new();
    for dossier in remove::dossiers(conn, FILES, cutoff, DOSSIERS)? {
        let digests = contents_of(conn, &dossier, CONTENTS)?;
        held.push(Held { dossier, digests, old: Vec::new(), young: false });
    }
    Ok(held)
}

fn contents_of(conn: &Connection, dossier: &str, limit: u32) -> Result<Vec<String>, Fault> {
    let mut read = conn.prepare_cached("SELECT digest FROM retention_content WHERE dossier = ?1 LIMIT ?2")?;
    Ok(read.query_map(params![dossier, limit], |r| r.get(0))?.collect::<Result<_, _>>()?)
}

/// Contents that a page of dossiers holds and no dossier that is not due; and the page's last.
#[expect(clippy::type_complexity, reason = "where the page ends, and its contents")]
fn held_by(conn: &Connection, cutoff: Time, after: &(i64, String)) -> Result<(Option<(i64, String)>, Vec<String>), Fault> {
    const NOT_DUE: &str =
        "SELECT EXISTS (SELECT 1 FROM retention_content c LEFT JOIN retention_dossier r ON r.dossier = c.dossier
       WHERE c.digest = ?1 AND r.files IS NULL AND (r.ended_at IS NULL OR r.ended_at >= ?2))
       OR EXISTS (SELECT 1 FROM received WHERE digest = ?1)";
    let page = remove::dossiers_after(conn, FILES, cutoff, after)?;
    let mut digests = Vec::new();
    for (_, dossier) in &page {
        for digest in contents_of(conn, dossier, CONTENTS)? {
            if !conn.prepare_cached(NOT_DUE)?.query_row(params![digest, cutoff.0], |r| r.get::<_, bool>(0))? {
                digests.push(digest);
            }
        }
    }
    Ok((page.last().cloned(), digests))
}

/// Old uploads without a dossier in the next rows, and the last of these rows.
fn uploads(conn: &Connection, after: &str, cutoff: Time) -> Result<(Option<String>, Vec<String>), Fault> {
    let mut read = conn.prepare_cached(
        "SELECT id, CASE WHEN dossier IS NULL AND at < ?2 THEN digest END FROM file WHERE id > ?1 ORDER BY id LIMIT ?3",
    )?;
    let rows = read.query_map(params![after, cutoff.0, UPLOADS], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let rows: Vec<(String, Option<String>)> = rows.collect::<Result<_, _>>()?;
    Ok((rows.last().map(|(id, _)| id.clone()), rows.into_iter().filter_map(|(_, digest)| digest).collect()))
}

/// The walk is behind by more messages than the writer looks through.
pub(super) fn behind(conn: &Connection) -> Result<bool, Fault> {
    let position = walk::position(conn)?;
    let unpassed: i64 =
        conn.prepare_cached("SELECT coalesce(max(seq), 0) - ?1 FROM message")?.query_row([position], |r| r.get(0))?;
    Ok(unpassed > UNPASSED)
}

/// Decides the end of one content, unless something holds it.
pub(super) fn doom(
    conn: &Connection,
    (digest, size, came): &Old,
    dossier: &str,
    now: Time,
    tally: &mut RetentionTally,
) -> Result<(), Fault> {
    let elsewhere: bool = conn.prepare_cached(ELSEWHERE)?.query_row([digest, dossier], |r| r.get(0))?;
    let coming: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM message WHERE seq > ?1 AND instr(body, ?2) > 0)")?
        .query_row(params![walk::position(conn)?, digest.as_bytes()], |r| r.get(0))?;
    if elsewhere || coming {
        return Ok(());
    }
    conn.prepare_cached("INSERT OR REPLACE INTO retention_gone (digest, at, size) VALUES (?1, ?2, ?3)")?.execute(params![
        digest,
        now.0,
        number(*size)
    ])?;
    conn.prepare_cached("DELETE FROM retention_content WHERE digest = ?1")?.execute([digest])?;
    tally.add(*came, *size);
    Ok(())
}

// === impl Held ===

impl Held {
    fn doom(&self, conn: &Connection, (cutoff, now): (Time, Time), tally: &mut RetentionTally) -> Result<(), Fault> {
        if !standing::still(conn, &self.dossier, cutoff)? {
            return Ok(());
        }
        for content in &self.old {
            doom(conn, content, &self.dossier, now, tally)?;
        }
        if self.young {
            // Looked at again by the next run.
            conn.prepare_cached("UPDATE retention_dossier SET ended_at = NULL WHERE dossier = ?1")?.execute([&self.dossier])?;
            return Ok(());
        }
        // What stays because another dossier needs it is that one's to remove.
        remove::dealt(conn, FILES, &self.dossier, now)
    }
}

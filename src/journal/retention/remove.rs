//! Bodies, received bytes and tries of dossiers that ended. Of a body its time, digest and size stay in its row.
//!
//! What told somebody of a paid fee stays: it holds no personal datum, and reconciliation's lists are made of it.

use super::super::BlobStore;
use super::super::effects::number;
use super::super::lane::positive;
use super::super::writer::Fault;
use super::super::{JournalError, SqliteJournal};
use super::{BYTES, DOSSIERS, ROWS, RetentionClass, RetentionTally, contents, run, standing};
use crate::clock::Time;
use crate::seal::sha256_hex;
use rusqlite::{Connection, Params, params};

/// Whose body it is.
#[derive(Clone, Copy)]
enum Of {
    Message,
    Received,
    /// Received bytes that stand in the store.
    Stored,
    Outgoing,
    Attempt,
}

/// One that goes.
struct Piece {
    of: Of,
    seq: i64,
    /// The number of a try.
    nth: i64,
    at: Time,
    digest: String,
    size: u64,
    /// Received bytes that stand in the store: since when, by the file system's word.
    came: Option<Time>,
}

/// A dossier with what goes of it.
struct Due {
    dossier: String,
    pieces: Vec<Piece>,
    /// These are all.
    whole: bool,
    /// Something of it stands in the store for so short a while that it must stay (a backup that was restored).
    young: bool,
}

/// Removes the next of a class; false: there are none.
pub(super) async fn piece(
    journal: &SqliteJournal,
    blobs: &BlobStore,
    (class, cutoff): (RetentionClass, Time),
    of: i64,
    now: Time,
) -> Result<bool, JournalError> {
    let mut due = journal.asked(move |conn| find(conn, class, cutoff)).await?;
    if due.is_empty() {
        return Ok(false);
    }
    for dossier in &mut due {
        dossier.stored(blobs, now).await?;
    }
    journal
        .told(move |conn| {
            let mut tally = RetentionTally::of(class);
            for dossier in &due {
                dossier.remove(conn, class, (cutoff, now), &mut tally)?;
            }
            run::count(conn, of, &tally)?;
            Ok(true)
        })
        .await
}

/// How much of a class would go now.
pub(super) async fn due(journal: &SqliteJournal, class: RetentionClass, cutoff: Time) -> Result<RetentionTally, JournalError> {
    let mut tally = RetentionTally::of(class);
    let mut after = (i64::MIN, String::new());
    loop {
        let from = after.clone();
        let page = journal.asked(move |conn| sizes(conn, class, cutoff, &from)).await?;
        let Some((last, counted)) = page else { return Ok(tally) };
        after = last;
        if let (Some(oldest), Some(newest)) = (counted.oldest, counted.newest) {
            tally.add_many(counted.rows, counted.bytes, oldest, newest);
        }
    }
}

/// The column that says that a class of a dossier was dealt with.
fn column(class: RetentionClass) -> &'static str {
    match class {
        RetentionClass::Bodies => "bodies",
        RetentionClass::Received => "received",
        RetentionClass::Attempts => "attempts",
        RetentionClass::Files | RetentionClass::Statements | RetentionClass::Events => "files",
    }
}

/// Dossiers of which a class may go, the longest ended first: by its partial index, whatever else is kept.
pub(super) fn dossiers(conn: &Connection, class: RetentionClass, cutoff: Time, limit: u32) -> Result<Vec<String>, Fault> {
    let column = column(class);
    let sql = format!(
        "SELECT dossier FROM retention_dossier WHERE {column} IS NULL AND ended_at IS NOT NULL AND ended_at < ?1
         ORDER BY ended_at LIMIT ?2"
    );
    let mut read = conn.prepare_cached(&sql)?;
    Ok(read.query_map(params![cutoff.0, limit], |r| r.get(0))?.collect::<Result<_, _>>()?)
}

/// How many of them there are, up to a bound.
pub(super) fn due_count(conn: &Connection, class: RetentionClass, cutoff: Time, most: i64) -> Result<u64, Fault> {
    let column = column(class);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM retention_dossier WHERE {column} IS NULL AND ended_at IS NOT NULL AND ended_at < ?1
           LIMIT ?2)"
    );
    Ok(positive(conn.prepare_cached(&sql)?.query_row(params![cutoff.0, most], |r| r.get(0))?))
}

/// The same after one of them, for a count.
pub(super) fn dossiers_after(
    conn: &Connection,
    class: RetentionClass,
    cutoff: Time,
    (ended, dossier): &(i64, String),
) -> Result<Vec<(i64, String)>, Fault> {
    let column = column(class);
    let sql = format!(
        "SELECT ended_at, dossier FROM retention_dossier WHERE {column} IS NULL AND ended_at IS NOT NULL AND ended_at < ?1
           AND ended_at >= ?2 AND (ended_at > ?2 OR dossier > ?3) ORDER BY ended_at, dossier LIMIT 500"
    );
    let mut read = conn.prepare_cached(&sql)?;
    Ok(read.query_map(params![cutoff.0, ended, dossier], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?)
}

/// What others were told of a dossier is a body too, kept in its row. The version moves, so that nobody writes it back.
fn forget_copy(conn: &Connection, dossier: &str) -> Result<(), Fault> {
    let sql = "UPDATE dossier SET version = version + 1, data = json_set(json_remove(data, '$.copy'), '$.version', version + 1)
               WHERE code = ?1 AND json_type(data, '$.copy') IS NOT NULL";
    conn.prepare_cached(sql)?.execute([dossier])?;
    Ok(())
}

/// Says that a class of a dossier was dealt with.
pub(super) fn dealt(conn: &Connection, class: RetentionClass, dossier: &str, now: Time) -> Result<(), Fault> {
    let sql = format!("UPDATE retention_dossier SET {} = ?2 WHERE dossier = ?1", column(class));
    conn.prepare_cached(&sql)?.execute(params![dossier, now.0])?;
    Ok(())
}

/// A dossier that is none.
const NOBODY: &str = "-";
const MESSAGES: &str = "FROM retention_message r JOIN message m ON m.seq = r.message WHERE r.dossier = ?1 AND m.body IS NOT NULL";
const RECEIVED: &str = "FROM retention_message r JOIN message m ON m.seq = r.message LEFT JOIN received s ON s.message = m.seq
   WHERE r.dossier = ?1 AND (length(m.raw) > 0 OR s.digest IS NOT NULL)";
const OUTGOING: &str = "FROM delivery d JOIN outgoing o ON o.delivery = d.seq
   WHERE d.dossier = ?1 AND o.body IS NOT NULL AND d.kind NOT IN ('fee.change', 'fee.paid')";
const ATTEMPTS: &str = "FROM delivery d JOIN attempt a ON a.delivery = d.seq WHERE d.dossier = ?1";

fn find(conn: &Connection, class: RetentionClass, cutoff: Time) -> Result<Vec<Due>, Fault> {
    let mut found = Vec::new();
    let mut bytes = 0;
    for dossier in dossiers(conn, class, cutoff, DOSSIERS)? {
        let mut pieces = Vec::new();
        let parts: &[(Of, &str, &str)] = match class {
            RetentionClass::Bodies => &[
                (Of::Message, "m.seq, 0, m.received_at, m.body, NULL, NULL", MESSAGES),
                (Of::Outgoing, "d.seq, 0, d.created_at, o.body, NULL, NULL", OUTGOING),
            ],
            RetentionClass::Received => &[(Of::Received, "m.seq, 0, m.received_at, m.raw, s.digest, s.size", RECEIVED)],
            _ => &[(Of::Attempt, "d.seq, a.try, a.at, NULL, NULL, NULL", ATTEMPTS)],
        };
        for (of, columns, from) in parts {
            let mut read = conn.prepare_cached(&format!("SELECT {columns} {from} LIMIT ?2"))?;
            let mut rows = read.query(params![dossier, ROWS])?;
            while bytes < BYTES
                && let Some(r) = rows.next()?
            {
                let body: Option<Vec<u8>> = r.get(3)?;
                let size = body.as_ref().map_or(0, |b| b.len() as u64);
                bytes += size;
                let (of, (digest, size)) = match r.get::<_, Option<String>>(4)? {
                    Some(digest) => (Of::Stored, (digest, positive(r.get(5)?))),
                    None => (*of, (body.map(|b| sha256_hex(&b)).unwrap_or_default(), size)),
                };
                let (seq, nth, at) = (r.get(0)?, r.get(1)?, Time(r.get(2)?));
                pieces.push(Piece { of, seq, nth, at, digest, size, came: None });
            }
        }
        let whole = bytes < BYTES && pieces.len() < ROWS as usize;
        found.push(Due { dossier, pieces, whole, young: false });
        if bytes >= BYTES {
            break;
        }
    }
    Ok(found)
}

/// What a page of dossiers would give, and the last of them; none: there is no more.
#[expect(clippy::type_complexity, reason = "where the page ends, and its sum")]
fn sizes(
    conn: &Connection,
    class: RetentionClass,
    cutoff: Time,
    after: &(i64, String),
) -> Result<Option<((i64, String), RetentionTally)>, Fault> {
    let page = dossiers_after(conn, class, cutoff, after)?;
    let Some(last) = page.last().cloned() else { return Ok(None) };
    let mut tally = RetentionTally::of(class);
    let parts: &[(&str, &str)] = match class {
        RetentionClass::Bodies => &[("m.received_at", "length(m.body)"), ("d.created_at", "length(o.body)")],
        RetentionClass::Received => &[("m.received_at", "coalesce(s.size, length(m.raw))")],
        _ => &[("a.at", "0")],
    };
    for (n, (at, size)) in parts.iter().enumerate() {
        let from = match (class, n) {
            (RetentionClass::Bodies, 0) => MESSAGES,
            (RetentionClass::Bodies, _) => OUTGOING,
            (RetentionClass::Received, _) => RECEIVED,
            _ => ATTEMPTS,
        };
        let sql = format!("SELECT count(*), coalesce(sum({size}), 0), min({at}), max({at}) {from}");
        for (_, dossier) in &page {
            count(conn, &sql, [dossier], &mut tally)?;
        }
    }
    Ok(Some((last, tally)))
}

/// Adds what a statement of rows, bytes, oldest and newest says.
pub(super) fn count(conn: &Connection, sql: &str, of: impl Params, tally: &mut RetentionTally) -> Result<(), Fault> {
    let (rows, bytes, oldest, newest): (i64, i64, Option<i64>, Option<i64>) =
        conn.prepare_cached(sql)?.query_row(of, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
    if let (Some(oldest), Some(newest)) = (oldest, newest) {
        tally.add_many(positive(rows), positive(bytes), Time(oldest), Time(newest));
    }
    Ok(())
}

// === impl Due ===

impl Due {
    /// Looks at what of it stands in the store.
    async fn stored(&mut self, blobs: &BlobStore, now: Time) -> Result<(), JournalError> {
        let stored = |p: &&mut Piece| matches!(p.of, Of::Stored);
        let digests: Vec<String> = self.pieces.iter_mut().filter(stored).map(|p| p.digest.clone()).collect();
        if digests.is_empty() {
            return Ok(());
        }
        let (old, young) = contents::old(blobs, digests, now).await?;
        for piece in self.pieces.iter_mut().filter(stored) {
            piece.came = old.iter().find(|(digest, ..)| *digest == piece.digest).map(|(.., at)| *at);
        }
        if young {
            self.pieces.retain(|p| !matches!(p.of, Of::Stored) || p.came.is_some());
            self.young = true;
        }
        Ok(())
    }

    fn remove(
        &self,
        conn: &Connection,
        class: RetentionClass,
        (cutoff, now): (Time, Time),
        tally: &mut RetentionTally,
    ) -> Result<(), Fault> {
        if !standing::still(conn, &self.dossier, cutoff)? {
            return Ok(());
        }
        for p in &self.pieces {
            if p.remove(conn, now)? == 1 {
                tally.add(p.at, p.size);
            }
        }
        if self.young {
            // Looked at again by the next run.
            conn.prepare_cached("UPDATE retention_dossier SET ended_at = NULL WHERE dossier = ?1")?.execute([&self.dossier])?;
        } else if self.whole {
            if class == RetentionClass::Bodies {
                forget_copy(conn, &self.dossier)?;
            }
            dealt(conn, class, &self.dossier, now)?;
        }
        Ok(())
    }
}

// === impl Piece ===

impl Piece {
    fn remove(&self, conn: &Connection, now: Time) -> Result<usize, Fault> {
        let sql = match self.of {
            Of::Message => {
                "UPDATE message SET body = NULL, body_gone = ?2, body_digest = ?3, body_size = ?4 WHERE seq = ?1 AND body IS NOT NULL"
            }
            Of::Received | Of::Stored => {
                "UPDATE message SET raw = NULL, raw_gone = ?2, raw_digest = ?3, raw_size = ?4 WHERE seq = ?1 AND raw IS NOT NULL"
            }
            Of::Outgoing => {
                "UPDATE outgoing SET body = NULL, gone = ?2, digest = ?3, size = ?4 WHERE delivery = ?1 AND body IS NOT NULL"
            }
            Of::Attempt => {
                let mut gone = conn.prepare_cached("DELETE FROM attempt WHERE delivery = ?1 AND try = ?2")?;
                return Ok(gone.execute(params![self.seq, self.nth])?);
            }
        };
        let done = conn.prepare_cached(sql)?.execute(params![self.seq, now.0, self.digest, number(self.size)])?;
        if matches!(self.of, Of::Stored) {
            conn.prepare_cached("DELETE FROM received WHERE message = ?1")?.execute([self.seq])?;
            if let Some(came) = self.came {
                // Not where it is also a content, or another message's.
                let mut own = RetentionTally::of(RetentionClass::Received);
                contents::doom(conn, &(self.digest.clone(), self.size, came), NOBODY, now, &mut own)?;
            }
        }
        Ok(done)
    }
}

//! Rows of statements whose day is settled, and how far back events are paged.
//!
//! A day is settled when it, the next one and the one before (unless it is the first) have a statement in force and no case about any of
//! them is open: then no later statement can need its rows to tell a payment near midnight from a missing one. A settled day is not
//! reconciled again, nor is one beside it ([`settled`]).

use super::super::effects::number;
use super::super::lane::positive;
use super::super::writer::Fault;
use super::super::{JournalError, SqliteJournal};
use super::run::{self, Run};
use super::{RetentionClass, RetentionTally, remove};
use crate::clock::Time;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Rows removed in one piece.
const PIECE: u32 = 500;
/// Events looked at in one piece.
const EVENTS: u32 = 5_000;

/// Statements after one, of days before a day, whose rows may go: replaced ones, and those of settled days.
const NEXT: &str = "SELECT s.seq, s.at FROM statement s WHERE s.seq > ?1 AND s.day < ?2 AND s.state > 0
   AND EXISTS (SELECT 1 FROM statement_line l WHERE l.statement = s.seq)
   AND (s.state = 2 OR (
     EXISTS (SELECT 1 FROM statement n WHERE n.partner = s.partner AND n.day = date(s.day, '+1 day') AND n.state = 1)
     AND (EXISTS (SELECT 1 FROM statement b WHERE b.partner = s.partner AND b.day = date(s.day, '-1 day') AND b.state = 1)
       OR NOT EXISTS (SELECT 1 FROM statement b WHERE b.partner = s.partner AND b.day < s.day))))
   AND NOT EXISTS (SELECT 1 FROM matter c WHERE c.closed_at IS NULL AND json_extract(c.data, '$.partner') = s.partner
     AND json_extract(c.data, '$.day') IN (s.day, date(s.day, '+1 day'), date(s.day, '-1 day')))
   ORDER BY s.seq LIMIT 1";

/// Removes the next rows; false: there are none.
pub(super) async fn statements(journal: &SqliteJournal, cutoff: Time, run: &Run, now: Time) -> Result<bool, JournalError> {
    let (of, after) = (run.number, run.cursor.parse::<i64>().unwrap_or(0));
    journal
        .told(move |conn| {
            let next: Option<(i64, i64)> = conn
                .prepare_cached(NEXT)?
                .query_row(params![after, day(cutoff)], |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()?;
            let Some((statement, at)) = next else { return Ok(false) };
            let bytes: i64 = conn
                .prepare_cached("SELECT coalesce(sum(length(data)), 0) FROM (SELECT data FROM statement_line WHERE statement = ?1 ORDER BY n LIMIT ?2)")?
                .query_row(params![statement, PIECE], |r| r.get(0))?;
            let rows = conn
                .prepare_cached(
                    "DELETE FROM statement_line WHERE statement = ?1
                     AND n IN (SELECT n FROM statement_line WHERE statement = ?1 ORDER BY n LIMIT ?2)",
                )?
                .execute(params![statement, PIECE])?;
            conn.prepare_cached("UPDATE statement SET lines_gone = ?2 WHERE seq = ?1")?.execute(params![statement, now.0])?;
            let mut tally = RetentionTally::of(RetentionClass::Statements);
            tally.add_many(rows as u64, positive(bytes), Time(at), Time(at));
            run::count(conn, of, &tally)?;
            Ok(true)
        })
        .await
}

/// How many rows of statements would go.
pub(super) fn due_statements(conn: &Connection, cutoff: Time) -> Result<RetentionTally, Fault> {
    let mut tally = RetentionTally::of(RetentionClass::Statements);
    let mut after = 0_i64;
    loop {
        let next: Option<i64> = conn.prepare_cached(NEXT)?.query_row(params![after, day(cutoff)], |r| r.get(0)).optional()?;
        let Some(statement) = next else { return Ok(tally) };
        after = statement;
        let sql = "SELECT count(*), coalesce(sum(length(l.data)), 0), min(s.at), max(s.at) FROM statement_line l
                   JOIN statement s ON s.seq = l.statement WHERE l.statement = ?1";
        remove::count(conn, sql, [statement], &mut tally)?;
    }
}

/// Whether a day of a partner's statements, or one beside it, is settled and its rows removed: that day.
pub(crate) fn settled(conn: &Connection, partner: &str, day: &str) -> Result<Option<String>, Fault> {
    Ok(conn
        .prepare_cached(
            "SELECT day FROM statement WHERE partner = ?1 AND day IN (?2, date(?2, '-1 day'), date(?2, '+1 day'))
             AND lines_gone IS NOT NULL AND state = 1 ORDER BY day = ?2 DESC LIMIT 1",
        )?
        .query_row([partner, day], |r| r.get(0))
        .optional()?)
}

/// Moves the number up to which events are no longer paged; false: it is where it must be. The lines stay: they are the timelines.
pub(super) async fn events(journal: &SqliteJournal, cutoff: Time, of: i64) -> Result<bool, JournalError> {
    let floor = journal
        .asked(move |conn| {
            let floor = events_floor(conn)?;
            Ok((floor, passed(conn, floor, cutoff, EVENTS)?))
        })
        .await?;
    let (was, Some(next)) = floor else { return Ok(false) };
    journal
        .told(move |conn| {
            if events_floor(conn)? != was {
                return Ok(true);
            }
            conn.prepare_cached(
                "INSERT INTO meta (name, value) VALUES ('events-floor', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute([number(next.floor)])?;
            run::count(conn, of, &next.tally)?;
            Ok(true)
        })
        .await
}

/// Events that are too old.
struct Aged {
    floor: u64,
    tally: RetentionTally,
}

/// The events after a floor that are older than the cutoff, up to the first that is not.
fn passed(conn: &Connection, floor: u64, cutoff: Time, limit: u32) -> Result<Option<Aged>, Fault> {
    let mut read = conn.prepare_cached("SELECT seq, at FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = read.query(params![number(floor), limit])?;
    let mut aged = Aged { floor, tally: RetentionTally::of(RetentionClass::Events) };
    while let Some(r) = rows.next()? {
        let at = Time(r.get(1)?);
        if at >= cutoff {
            break;
        }
        aged.floor = positive(r.get(0)?);
        aged.tally.add(at, 0);
    }
    Ok((aged.floor > floor).then_some(aged))
}

/// How many events would no longer be paged.
pub(super) fn due_events(conn: &Connection, cutoff: Time) -> Result<RetentionTally, Fault> {
    Ok(passed(conn, events_floor(conn)?, cutoff, u32::MAX)?
        .map_or_else(|| RetentionTally::of(RetentionClass::Events), |a| a.tally))
}

/// Events up to this number are no longer paged.
pub(crate) fn events_floor(conn: &Connection) -> Result<u64, Fault> {
    let found: Option<i64> =
        conn.prepare_cached("SELECT value FROM meta WHERE name = 'events-floor'")?.query_row([], |r| r.get(0)).optional()?;
    Ok(found.map_or(0, positive))
}

/// A time's day in Việt Nam, as statements name theirs.
fn day(at: Time) -> String {
    at.civil().map(|c| c.date().to_string()).unwrap_or_default()
}

//! A run: its row, what it removed by class, its one audit entry; what is shown of the last one.

use super::super::effects::{AuditRow, number};
use super::super::lane::positive;
use super::super::writer::Fault;
use super::super::{Gone, NewAudit};
use super::{RetentionClass, RetentionTally, RetentionTerms, remove, walk};
use crate::clock::Time;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

/// A run that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) number: i64,
    pub(super) began: Time,
    pub(super) phase: i64,
    pub(super) cursor: String,
    who: String,
    reason: Option<String>,
}

/// A run as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRun {
    /// Its number.
    pub run: u64,
    /// When it began: what counts as due is due by this time.
    pub began: Time,
    /// Who began it: `gateway`, or an operator.
    pub who: String,
    /// When it ended; none: it is under way.
    pub ended: Option<Time>,
    /// What it removed (so far), by class.
    pub removed: Vec<RetentionTally>,
}

/// How retention stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionView {
    /// The last run.
    pub last: Option<RetentionRun>,
    /// Dossiers of which a class is due now, as far as they were looked at; classes that do not go by dossiers are left out.
    pub due: Vec<(RetentionClass, u64)>,
    /// Messages that the walk has not passed yet: what they are about is not counted as due.
    pub unread: u64,
    /// Events up to this number are no longer paged.
    pub events_floor: u64,
}

/// Dossiers that are counted as due at most.
const MOST_DUE: i64 = 1_000_000;

// === functions ===

/// Begins a run, unless one is under way; its number.
pub(crate) fn begin(conn: &Connection, who: &str, reason: Option<&str>, now: Time) -> Result<u64, Fault> {
    if let Some(run) = under_way(conn)? {
        return Ok(positive(run.number));
    }
    conn.prepare_cached("INSERT INTO retention_run (began, who, reason) VALUES (?1, ?2, ?3)")?
        .execute(params![now.0, who, reason])?;
    Ok(positive(conn.last_insert_rowid()))
}

/// The run under way.
pub(super) fn under_way(conn: &Connection) -> Result<Option<Run>, Fault> {
    let found = conn
        .prepare_cached(
            "SELECT seq, began, phase, cursor, who, reason FROM retention_run WHERE ended IS NULL ORDER BY seq LIMIT 1",
        )?
        .query_row([], |r| {
            Ok(Run {
                number: r.get(0)?,
                began: Time(r.get(1)?),
                phase: r.get(2)?,
                cursor: r.get(3)?,
                who: r.get(4)?,
                reason: r.get(5)?,
            })
        });
    Ok(found.optional()?)
}

/// The run goes on with its next phase.
pub(super) fn next_phase(conn: &Connection, run: &Run) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE retention_run SET phase = phase + 1, cursor = '' WHERE seq = ?1 AND phase = ?2")?
        .execute(params![run.number, run.phase])?;
    Ok(())
}

/// The run is so far within its phase.
pub(super) fn reached(conn: &Connection, run: i64, cursor: &str) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE retention_run SET cursor = ?2 WHERE seq = ?1")?.execute(params![run, cursor])?;
    Ok(())
}

/// Adds what a piece removed.
pub(super) fn count(conn: &Connection, run: i64, t: &RetentionTally) -> Result<(), Fault> {
    if t.rows == 0 {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO retention_tally (run, class, rows, bytes, oldest, newest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (run, class) DO UPDATE SET rows = rows + excluded.rows, bytes = bytes + excluded.bytes,
           oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)",
    )?
    .execute(params![run, t.class, number(t.rows), number(t.bytes), t.oldest.map(|x| x.0), t.newest.map(|x| x.0)])?;
    Ok(())
}

/// Ends a run: its one audit entry is written with it.
pub(super) fn finish(conn: &Connection, run: &Run, terms: &Value, now: Time) -> Result<(), Fault> {
    let ended = conn
        .prepare_cached("UPDATE retention_run SET ended = ?2 WHERE seq = ?1 AND ended IS NULL")?
        .execute(params![run.number, now.0])?;
    if ended == 0 {
        return Ok(());
    }
    let removed: serde_json::Map<String, Value> =
        tallies(conn, run.number)?.into_iter().map(|t| (t.class.clone(), shown(&t))).collect();
    let data = json!({
        "run": run.number, "began": run.began.rfc3339(), "days": terms, "removed": removed, "reason": run.reason,
    });
    let who = run.who.clone();
    AuditRow::new(NewAudit { at: now, who, what: "retention".into(), about: "journal".into(), data: data.into() }).write(conn)
}

fn shown(t: &RetentionTally) -> Value {
    let time = |t: Option<Time>| t.map(Time::rfc3339);
    json!({ "rows": t.rows, "bytes": t.bytes, "oldest": time(t.oldest), "newest": time(t.newest) })
}

fn tallies(conn: &Connection, run: i64) -> Result<Vec<RetentionTally>, Fault> {
    let mut read =
        conn.prepare_cached("SELECT class, rows, bytes, oldest, newest FROM retention_tally WHERE run = ?1 ORDER BY class")?;
    let rows = read.query_map([run], |r| {
        let time = |t: Option<i64>| t.map(Time);
        Ok(RetentionTally {
            class: r.get(0)?,
            rows: positive(r.get(1)?),
            bytes: positive(r.get(2)?),
            oldest: time(r.get(3)?),
            newest: time(r.get(4)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How retention stands by these terms.
pub(crate) fn view(conn: &Connection, terms: &RetentionTerms, now: Time) -> Result<RetentionView, Fault> {
    let last = conn
        .prepare_cached("SELECT seq, began, who, ended FROM retention_run ORDER BY seq DESC LIMIT 1")?
        .query_row([], |r| Ok((r.get::<_, i64>(0)?, Time(r.get(1)?), r.get::<_, String>(2)?, r.get::<_, Option<i64>>(3)?)))
        .optional()?;
    let last = match last {
        None => None,
        Some((number, began, who, ended)) => {
            Some(RetentionRun { run: positive(number), began, who, ended: ended.map(Time), removed: tallies(conn, number)? })
        }
    };
    let mut due = Vec::new();
    for class in RetentionClass::ALL.into_iter().filter(|c| RetentionTerms::by_dossier(*c)) {
        let Some(cutoff) = terms.cutoff(class, now) else { continue };
        due.push((class, remove::due_count(conn, class, cutoff, MOST_DUE)?));
    }
    let end: i64 = conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM message")?.query_row([], |r| r.get(0))?;
    let unread = if terms.follows() { positive(end - walk::position(conn)?) } else { 0 };
    Ok(RetentionView { last, due, unread, events_floor: super::events_floor(conn)? })
}

/// What is left of a body of which the columns say that it was removed.
pub(crate) fn gone(at: Option<i64>, digest: Option<String>, size: Option<i64>) -> Option<Gone> {
    Some(Gone { at: Time(at?), digest: digest.unwrap_or_default(), size: positive(size.unwrap_or(0)) })
}

//! Cases in the store: opened, met again, stepped; listed and shown.
//!
//! What always holds: one open case a key; a history line is never changed; a step that was computed from another version than the
//! stored one writes nothing.

use super::effects::number;
use super::lane::positive;
use super::view::{MOST, parse};
use super::writer::Fault;
use super::{CaseDetail, CaseEntry, CaseFilter, CaseStep, CaseView, NewCase};
use crate::clock::Time;
use crate::model::CaseKind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// History lines that the gateway itself adds to one case at most; a person's words are always kept.
const MOST_AGAIN: i64 = 200;

const CASE: &str = "SELECT seq, kind, dossier, data, at, met, coalesce(met_at, at), closed_at, decision, version FROM matter";

/// A case, serialised.
pub(super) struct CaseRow {
    case: NewCase,
    key: String,
    data: String,
}

/// A step, serialised.
pub(super) struct StepRow {
    step: CaseStep,
    data: String,
}

// === impl CaseRow ===

impl CaseRow {
    pub(super) fn new(case: NewCase) -> Self {
        Self { key: case.key(), data: case.data.to_string(), case }
    }

    /// Opens it, or counts it at the case that it is already.
    pub(super) fn write(&self, conn: &Connection) -> Result<(), Fault> {
        let (case, at) = (&self.case, self.case.at.0);
        let met: Option<(i64, bool, String)> = conn
            .prepare_cached("SELECT seq, closed_at IS NULL, data FROM matter WHERE key = ?1 ORDER BY seq DESC LIMIT 1")?
            .query_row([&self.key], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        match met {
            Some((seq, open, data)) if data == self.data && (open || case.kind.stands()) => {
                conn.prepare_cached("UPDATE matter SET met = met + 1, met_at = ?2 WHERE seq = ?1")?.execute(params![seq, at])?;
                Ok(())
            }
            Some((seq, true, _)) => {
                conn.prepare_cached(
                    "UPDATE matter SET met = met + 1, met_at = ?2, data = ?3, version = version + 1 WHERE seq = ?1",
                )?
                .execute(params![seq, at, self.data])?;
                self.entry(conn, seq, "again")
            }
            _ => {
                conn.prepare_cached("INSERT INTO matter (at, kind, dossier, data, key, met_at) VALUES (?1, ?2, ?3, ?4, ?5, ?1)")?
                    .execute(params![at, case.kind.word(), case.dossier, self.data, self.key])?;
                self.entry(conn, conn.last_insert_rowid(), "opened")
            }
        }
    }

    fn entry(&self, conn: &Connection, seq: i64, what: &str) -> Result<(), Fault> {
        conn.prepare_cached(
            "INSERT INTO matter_entry (matter, n, at, who, what, data)
             SELECT ?1, coalesce(max(n), 0) + 1, ?2, 'gateway', ?3, ?4 FROM matter_entry WHERE matter = ?1 HAVING count(*) < ?5",
        )?
        .execute(params![seq, self.case.at.0, what, self.data, MOST_AGAIN])?;
        Ok(())
    }
}

// === impl StepRow ===

impl StepRow {
    pub(super) fn new(step: CaseStep) -> Self {
        Self { data: step.data.to_string(), step }
    }

    /// Does it; `false`: the case has changed, or is closed.
    pub(super) fn write(&self, conn: &Connection) -> Result<bool, Fault> {
        let s = &self.step;
        let (case, version) = (number(s.case), number(s.version));
        let changed = match s.what.decision() {
            None => conn
                .prepare_cached("UPDATE matter SET version = ?2 WHERE seq = ?1 AND version = ?2 - 1")?
                .execute(params![case, version])?,
            Some(decision) => conn
                .prepare_cached(
                    "UPDATE matter SET version = ?2, closed_at = ?3, decision = ?4
                     WHERE seq = ?1 AND version = ?2 - 1 AND closed_at IS NULL",
                )?
                .execute(params![case, version, s.at.0, decision])?,
        };
        if changed != 1 {
            return Ok(false);
        }
        conn.prepare_cached(
            "INSERT INTO matter_entry (matter, n, at, who, what, reason, data)
             SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM matter_entry WHERE matter = ?1",
        )?
        .execute(params![case, s.at.0, s.who, s.what.word(), s.reason, self.data])?;
        Ok(true)
    }
}

// === reads ===

/// Cases by number.
pub(super) fn cases(conn: &Connection, f: &CaseFilter) -> Result<Vec<CaseView>, Fault> {
    let open = match f.open {
        Some(true) => " AND closed_at IS NULL",
        Some(false) => " AND closed_at IS NOT NULL",
        None => "",
    };
    let (after, limit) = (number(f.after), f.limit.min(MOST));
    let (kind, dossier) = (f.kind.map(CaseKind::word), f.dossier.as_deref());
    let of = match (kind, dossier) {
        (_, Some(_)) => " AND dossier = ?3 AND (?4 IS NULL OR kind = ?4)",
        (Some(_), None) => " AND kind = ?4 AND ?3 IS NULL",
        (None, None) => " AND ?3 IS NULL AND ?4 IS NULL",
    };
    let sql = format!("{CASE} WHERE seq > ?1{open}{of} ORDER BY seq LIMIT ?2");
    let mut read = conn.prepare_cached(&sql)?;
    let rows = read.query_map(params![after, limit, dossier, kind], view)?;
    rows.map(|row| finish(row?)).collect()
}

/// One case with its history.
pub(super) fn case(conn: &Connection, seq: u64) -> Result<Option<CaseDetail>, Fault> {
    let seq = number(seq);
    let found = conn.prepare_cached(&format!("{CASE} WHERE seq = ?1"))?.query_row([seq], view).optional()?;
    let Some(found) = found else { return Ok(None) };
    let mut read =
        conn.prepare_cached("SELECT at, who, what, reason, data FROM matter_entry WHERE matter = ?1 ORDER BY n LIMIT ?2")?;
    let rows =
        read.query_map(params![seq, MOST], |r| Ok((Time(r.get(0)?), r.get(1)?, r.get(2)?, r.get(3)?, r.get::<_, String>(4)?)))?;
    let history = rows.map(|row| {
        let (at, who, what, reason, data) = row?;
        Ok(CaseEntry { at, who, what, reason, data: parse(&data, "matter_entry")? })
    });
    Ok(Some(CaseDetail { view: finish(found)?, history: history.collect::<Result<_, Fault>>()? }))
}

/// How many are open, by the kind's word.
pub(super) fn open_cases(conn: &Connection) -> Result<Vec<(String, u64)>, Fault> {
    let mut read =
        conn.prepare_cached("SELECT kind, count(*) FROM matter WHERE closed_at IS NULL GROUP BY kind ORDER BY kind")?;
    let rows = read.query_map([], |r| Ok((r.get(0)?, positive(r.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn view(r: &Row<'_>) -> rusqlite::Result<(CaseView, String)> {
    let word: String = r.get(1)?;
    let view = CaseView {
        case: positive(r.get(0)?),
        kind: CaseKind::of_word(&word),
        word,
        dossier: r.get(2)?,
        data: crate::body::Value::Null,
        at: Time(r.get(4)?),
        met: positive(r.get(5)?),
        met_at: Time(r.get(6)?),
        closed_at: r.get::<_, Option<i64>>(7)?.map(Time),
        decision: r.get(8)?,
        version: positive(r.get(9)?),
    };
    Ok((view, r.get(3)?))
}

fn finish((view, data): (CaseView, String)) -> Result<CaseView, Fault> {
    Ok(CaseView { data: parse(&data, "matter")?, ..view })
}

//! The walk behind the journal's end: which messages a dossier has, which contents they name. It goes by number and remembers where it
//! is, so that taking a message in costs nothing more; a dossier about which something comes or goes out after it was dealt with is open
//! again.
//!
//! A message about no dossier is passed by: nothing of it is ever removed (no route of today makes one), nor a content it names.

use super::super::writer::Fault;
use super::super::{JournalError, SqliteJournal};
use super::STRIDE;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeSet;

/// How a body names a content: the mark, then 64 digits.
const MARK: &[u8] = b"\"blob\":\"sha256:";
const DIGITS: usize = 64;

/// A dossier is to be looked at anew.
const ANEW: &str =
    "UPDATE retention_dossier SET looked_at = 0, ended_at = NULL, bodies = NULL, received = NULL, attempts = NULL, files = NULL";

/// A message that was passed.
struct Passed {
    seq: i64,
    dossier: Option<String>,
    contents: BTreeSet<String>,
}

/// Where the walks remember how far they are.
const MESSAGES: &str = "retention-messages";
const DELIVERIES: &str = "retention-deliveries";
/// Deliveries passed in one piece.
const LEAP: i64 = 2_000;

/// The last message passed.
pub(super) fn position(conn: &Connection) -> Result<i64, Fault> {
    position_of(conn, MESSAGES)
}

fn position_of(conn: &Connection, walk: &str) -> Result<i64, Fault> {
    let found = conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?.query_row([walk], |r| r.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

fn remember(conn: &Connection, walk: &str, position: i64) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![walk, position])?;
    Ok(())
}

/// Passes the next messages, then the next deliveries; false: there are none.
pub(super) async fn pass(journal: &SqliteJournal) -> Result<bool, JournalError> {
    Ok(messages(journal).await? || deliveries(journal).await?)
}

/// A delivery that arose after its dossier was dealt with has a body of its own: the dossier is looked at anew.
async fn deliveries(journal: &SqliteJournal) -> Result<bool, JournalError> {
    let (from, to) = journal
        .asked(|conn| {
            let from = position_of(conn, DELIVERIES)?;
            let end: i64 = conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM delivery")?.query_row([], |r| r.get(0))?;
            Ok((from, end.min(from + LEAP)))
        })
        .await?;
    if to <= from {
        return Ok(false);
    }
    journal
        .told(move |conn| {
            let sql = format!(
                "{ANEW} WHERE dossier IN (SELECT dossier FROM delivery WHERE seq > ?1 AND seq <= ?2)
                   AND coalesce(bodies, received, attempts, files) IS NOT NULL"
            );
            conn.prepare_cached(&sql)?.execute(params![from, to])?;
            remember(conn, DELIVERIES, to)?;
            Ok(true)
        })
        .await
}

async fn messages(journal: &SqliteJournal) -> Result<bool, JournalError> {
    let (from, passed) = journal.asked(next).await?;
    let Some(to) = passed.last().map(|p| p.seq) else { return Ok(false) };
    journal.told(move |conn| if position(conn)? == from { note(conn, to, &passed) } else { Ok(true) }).await
}

fn next(conn: &Connection) -> Result<(i64, Vec<Passed>), Fault> {
    let from = position(conn)?;
    let mut read = conn.prepare_cached(
        "SELECT seq, dossier, CASE WHEN instr(body, ?3) > 0 THEN body END FROM message WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let passed = read.query_map(params![from, STRIDE, MARK], |r| {
        let body: Option<Vec<u8>> = r.get(2)?;
        Ok(Passed { seq: r.get(0)?, dossier: r.get(1)?, contents: body.as_deref().map(contents).unwrap_or_default() })
    })?;
    let passed = passed.collect::<Result<_, _>>()?;
    Ok((from, passed))
}

/// The digests of the contents a body names.
fn contents(body: &[u8]) -> BTreeSet<String> {
    let digest = |at: usize| {
        let digits = body.get(at + MARK.len()..at + MARK.len() + DIGITS)?;
        std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit())).map(str::to_owned)
    };
    let marks = body.windows(MARK.len()).enumerate().filter(|(_, w)| *w == MARK).map(|(at, _)| at);
    marks.filter_map(digest).collect()
}

fn note(conn: &Connection, to: i64, passed: &[Passed]) -> Result<bool, Fault> {
    let mut message = conn.prepare_cached("INSERT OR IGNORE INTO retention_message (dossier, message) VALUES (?1, ?2)")?;
    let mut content = conn.prepare_cached("INSERT OR IGNORE INTO retention_content (digest, dossier) VALUES (?1, ?2)")?;
    let mut here = conn.prepare_cached("DELETE FROM retention_gone WHERE digest = ?1 AND struck = 1")?;
    let mut dossier = conn
        .prepare_cached("INSERT INTO retention_dossier (dossier, looked_at) VALUES (?1, 0) ON CONFLICT (dossier) DO NOTHING")?;
    let again = format!("{ANEW} WHERE dossier = ?1 AND (looked_at > 0 OR ended_at IS NOT NULL)");
    let mut again = conn.prepare_cached(&again)?;
    for p in passed {
        for digest in &p.contents {
            content.execute([digest.as_str(), p.dossier.as_deref().unwrap_or_default()])?;
            // It came (again) with this message.
            here.execute([digest])?;
        }
        let Some(code) = &p.dossier else { continue };
        message.execute(params![code, p.seq])?;
        if dossier.execute([code])? == 0 {
            again.execute([code])?;
        }
    }
    remember(conn, MESSAGES, to)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_found_by_their_mark_and_their_digits() {
        let (a, b) = ("a".repeat(64), "0123456789abcdef".repeat(4));
        let body = format!(
            r#"{{"files":[{{"content":{{"blob":"sha256:{a}","size":1}}}},{{"content":{{"blob":"sha256:{b}"}}}},{{"blob":"sha256:{}"}},{{"blob":"sha256:ab"#,
            "g".repeat(64)
        );
        assert_eq!(contents(body.as_bytes()), BTreeSet::from([a, b]));
        assert!(contents(b"").is_empty());
    }
}

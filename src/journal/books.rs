//! Reconciliation in the store: movements that a statement tells of, statements kept with their lines, what was paid and not told.
//!
//! What always holds: a statement is in force only when all its lines are written; lines come in pieces, so that no statement, however
//! long, keeps the writer from its other work.

use super::effects::number;
use super::lane::positive;
use super::view::{MOST, parse};
use super::writer::Fault;
use super::{Booked, NewStatement, StatementLine, StatementView, Told};
use crate::clock::Time;
use crate::model::{Class, Vnd, Way};
use rusqlite::{Connection, Params, Row, params};
use std::collections::BTreeSet;

/// Movements with the citizen on one side, of one partner's payments; the day of another statement in force that met it.
const BOOKED: &str =
    "SELECT m.seq, m.payment, p.dossier, m.debit = 'citizen', m.amount, m.at, json_extract(p.data, '$.platform_transaction'),
   (SELECT s.day FROM statement_line l JOIN statement s ON s.seq = l.statement
     WHERE l.movement = m.seq AND s.state = 1 AND s.day <> ?2 LIMIT 1)
 FROM movement m JOIN payment p ON p.id = m.payment
 WHERE json_extract(p.data, '$.partner') = ?1 AND (m.debit = 'citizen' OR m.credit = 'citizen')";

/// A delivery's state in words, when `l` is its lane as its head.
const STATE: &str = "CASE d.state WHEN 4 THEN 'done' WHEN 5 THEN 'rejected' WHEN 6 THEN 'closed' ELSE
   CASE coalesce(l.state, 0) WHEN 1 THEN 'claimed' WHEN 2 THEN 'unknown' WHEN 3 THEN 'parked' ELSE 'waiting' END END";
/// The transaction a message about a paid fee names.
const NAMED: &str = "json_extract(CAST(o.body AS TEXT), '$.transaction')";

/// Movements booked in `[from, until)`, and all of these transactions; each once, by number.
pub(super) fn booked(
    conn: &Connection,
    partner: &str,
    day: &str,
    (from, until): (Time, Time),
    transactions: &BTreeSet<String>,
) -> Result<Vec<Booked>, Fault> {
    let mut found = Vec::new();
    {
        let mut read = conn.prepare_cached(&format!("{BOOKED} AND m.at >= ?3 AND m.at < ?4 ORDER BY m.at, m.seq"))?;
        let rows = read.query_map(params![partner, day, from.0, until.0], booking)?;
        found.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    let mut read = conn.prepare_cached(&format!("{BOOKED} AND m.payment = ?3 AND NOT (m.at >= ?4 AND m.at < ?5)"))?;
    for transaction in transactions {
        let rows = read.query_map(params![partner, day, transaction, from.0, until.0], booking)?;
        found.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    found.sort_by_key(|b| b.movement);
    Ok(found)
}

fn booking(r: &Row<'_>) -> rusqlite::Result<Booked> {
    Ok(Booked {
        movement: positive(r.get(0)?),
        transaction: r.get(1)?,
        dossier: r.get(2)?,
        way: if r.get(3)? { Way::Payment } else { Way::Refund },
        amount: Vnd::new(positive(r.get(4)?)).unwrap_or_default(),
        at: Time(r.get(5)?),
        code: r.get(6)?,
        stated: r.get(7)?,
    })
}

// === statements ===

/// Begins a statement; its lines follow. One that was begun before and never came to its end is taken away.
pub(super) fn begin(conn: &Connection, s: &NewStatement, data: &str) -> Result<u64, Fault> {
    let cut = "(SELECT seq FROM statement WHERE partner = ?1 AND day = ?2 AND state = 0 AND at < ?3)";
    // An hour: whoever still writes has long been done.
    let old = s.at.plus_ms(-3_600_000).0;
    conn.execute(&format!("DELETE FROM statement_line WHERE statement IN {cut}"), params![s.partner, s.day, old])?;
    conn.execute(&format!("DELETE FROM statement WHERE seq IN {cut}"), params![s.partner, s.day, old])?;
    conn.prepare_cached("INSERT INTO statement (partner, day, digest, at, who, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![s.partner, s.day, s.digest, s.at.0, s.who, data])?;
    Ok(positive(conn.last_insert_rowid()))
}

/// Adds lines from number `first`; `facts` is each line's rest, serialised.
pub(super) fn add(conn: &Connection, statement: u64, first: u64, lines: &[(StatementLine, String)]) -> Result<(), Fault> {
    let mut write = conn.prepare_cached(
        "INSERT INTO statement_line (statement, n, class, way, payment, dossier, theirs, ours, movement, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for (n, (l, facts)) in (first..).zip(lines) {
        let (theirs, ours, movement) = (l.theirs.map(number), l.ours.map(number), l.movement.map(number));
        let (class, way) = (l.class.word(), l.way.word());
        write.execute(params![
            number(statement),
            number(n),
            class,
            way,
            l.transaction,
            l.dossier,
            theirs,
            ours,
            movement,
            facts
        ])?;
    }
    Ok(())
}

/// Puts a statement in force, in the place of an earlier one of its partner and day. `false`: it is not being written.
pub(super) fn finish(conn: &Connection, statement: u64) -> Result<bool, Fault> {
    conn.prepare_cached(
        "UPDATE statement SET state = 2 WHERE state = 1
         AND (partner, day) = (SELECT partner, day FROM statement WHERE seq = ?1)",
    )?
    .execute([number(statement)])?;
    let changed =
        conn.prepare_cached("UPDATE statement SET state = 1 WHERE seq = ?1 AND state = 0")?.execute([number(statement)])?;
    Ok(changed == 1)
}

/// Statements that came to their end, newest first, before a number (0: from the newest).
pub(super) fn statements(conn: &Connection, partner: Option<&str>, before: u64, limit: u32) -> Result<Vec<StatementView>, Fault> {
    let before = if before == 0 { i64::MAX } else { number(before) };
    let sql = "SELECT seq, partner, day, digest, at, who, data, state, lines_gone FROM statement
               WHERE state > 0 AND seq < ?1 AND (?2 IS NULL OR partner = ?2) ORDER BY seq DESC LIMIT ?3";
    views(conn, sql, params![before, partner, limit.min(MOST)])
}

/// One statement.
pub(super) fn statement(conn: &Connection, seq: u64) -> Result<Option<StatementView>, Fault> {
    let sql = "SELECT seq, partner, day, digest, at, who, data, state, lines_gone FROM statement WHERE seq = ?1 AND state > 0";
    Ok(views(conn, sql, [number(seq)])?.pop())
}

fn views(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<StatementView>, Fault> {
    let mut read = conn.prepare_cached(sql)?;
    let rows = read.query_map(which, |r| {
        let told = NewStatement {
            partner: r.get(1)?,
            day: r.get(2)?,
            digest: r.get(3)?,
            at: Time(r.get(4)?),
            who: r.get(5)?,
            data: crate::body::Value::Null,
        };
        let replaced = r.get::<_, i64>(7)? == 2;
        let lines_gone = r.get::<_, Option<i64>>(8)?.map(Time);
        Ok((StatementView { statement: positive(r.get(0)?), told, replaced, lines_gone }, r.get::<_, String>(6)?))
    })?;
    rows.map(|row| {
        let (mut view, data) = row?;
        view.told.data = parse(&data, "statement")?;
        Ok(view)
    })
    .collect()
}

/// A statement's lines after a number, each with its number; of one class, or all.
pub(super) fn lines(
    conn: &Connection,
    statement: u64,
    class: Option<Class>,
    after: u64,
    limit: u32,
) -> Result<Vec<(u64, StatementLine)>, Fault> {
    let mut read = conn.prepare_cached(
        "SELECT n, class, way, payment, dossier, theirs, ours, movement, data FROM statement_line
         WHERE statement = ?1 AND n > ?2 AND (?3 IS NULL OR class = ?3) ORDER BY n LIMIT ?4",
    )?;
    let which = params![number(statement), number(after), class.map(Class::word), limit.min(MOST)];
    let rows = read.query_map(which, |r| {
        let some = |n: Option<i64>| n.map(positive);
        let words: (String, String) = (r.get(1)?, r.get(2)?);
        Ok((
            positive(r.get(0)?),
            words,
            (r.get::<_, String>(3)?, r.get::<_, Option<String>>(4)?),
            (some(r.get(5)?), some(r.get(6)?), some(r.get(7)?)),
            r.get::<_, String>(8)?,
        ))
    })?;
    rows.map(|row| {
        let (n, (class, way), (transaction, dossier), (theirs, ours, movement), data) = row?;
        let class = Class::of_word(&class).ok_or(Fault::Row("statement_line"))?;
        let way = Way::of_word(&way).ok_or(Fault::Row("statement_line"))?;
        let more = parse(&data, "statement_line")?;
        Ok((n, StatementLine { class, way, transaction, dossier, theirs, ours, movement, more }))
    })
    .collect()
}

// === paid and told ===

/// Fees paid in `[from, until)` of which somebody was not (yet) told, by the partner that was to be; `none` where nobody is to be told at all.
pub(super) fn paid_not_told(conn: &Connection, from: Time, until: Time, limit: u32) -> Result<Vec<Told>, Fault> {
    let sql = format!(
        "SELECT m.payment, p.dossier, m.amount, m.at, coalesce(d.partner, ''), d.seq,
           CASE WHEN d.seq IS NULL THEN 'none' ELSE {STATE} END
         FROM movement m JOIN payment p ON p.id = m.payment
         LEFT JOIN (delivery d JOIN outgoing o ON o.delivery = d.seq AND d.kind IN ('fee.change', 'fee.paid'))
           ON d.dossier = p.dossier AND {NAMED} = m.payment
         LEFT JOIN lane l ON l.partner = d.partner AND l.key = d.lane AND l.head = d.seq
         WHERE m.at >= ?1 AND m.at < ?2 AND m.debit = 'citizen' AND m.kind = 'payment' AND coalesce(d.state, 0) <> 4
         ORDER BY m.seq LIMIT ?3"
    );
    told(conn, &sql, params![from.0, until.0, limit.min(MOST)])
}

/// Messages of `[from, until)` that told somebody of a paid fee, delivered, whose transaction our books do not know as paid.
pub(super) fn told_not_paid(conn: &Connection, from: Time, until: Time, limit: u32) -> Result<Vec<Told>, Fault> {
    let sql = format!(
        "SELECT coalesce({NAMED}, ''), coalesce(d.dossier, ''), coalesce(json_extract(CAST(o.body AS TEXT), '$.amount'), 0),
           d.created_at, d.partner, d.seq, 'done'
         FROM delivery d JOIN outgoing o ON o.delivery = d.seq
         WHERE d.kind IN ('fee.change', 'fee.paid') AND d.created_at >= ?1 AND d.created_at < ?2 AND d.state = 4
           AND (d.kind = 'fee.paid' OR json_extract(CAST(o.body AS TEXT), '$.paid') = 1)
           AND NOT EXISTS (SELECT 1 FROM movement m WHERE m.payment = {NAMED} AND m.debit = 'citizen')
         ORDER BY d.seq LIMIT ?3"
    );
    told(conn, &sql, params![from.0, until.0, limit.min(MOST)])
}

fn told(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<Told>, Fault> {
    let mut read = conn.prepare_cached(sql)?;
    let rows = read.query_map(which, |r| {
        Ok(Told {
            transaction: r.get(0)?,
            dossier: r.get(1)?,
            amount: positive(r.get(2)?),
            at: Time(r.get(3)?),
            partner: r.get(4)?,
            delivery: r.get::<_, Option<i64>>(5)?.map(positive),
            state: r.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

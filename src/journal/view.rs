//! Reads: each answers from one committed state of the journal, on a reader's thread.
//!
//! What always holds: nothing here writes; every list is bounded; a question costs what it answers, not what waits.

use super::lane::{code, positive, state};
use super::writer::Fault;
use super::{
    Attempt, Backlog, DeliveryDetail, DeliveryFilter, DeliveryState, DeliveryView, Early, EventView, FileRow, QueueView, Snapshot,
};
use crate::clock::Time;
use crate::delivery::Waiting;
use crate::model::{Dossier, Kind, Payment};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde::de::DeserializeOwned;
use std::sync::LazyLock;

/// Rows a list holds at most, whatever was asked for.
pub(super) const MOST: u32 = 10_000;

/// A delivery with its lane, when it is its lane's head.
const DELIVERY: &str = "SELECT d.seq, d.partner, d.route, d.lane, d.dossier, d.id, d.kind, CASE d.state WHEN 0 THEN coalesce(l.state, 0) ELSE d.state END,
   CASE d.state WHEN 0 THEN coalesce(l.attempts, 0) ELSE d.attempts END, d.created_at,
   CASE WHEN d.state <> 0 THEN NULL WHEN l.head IS NULL THEN d.not_before ELSE l.ready_at END,
   CASE d.state WHEN 0 THEN l.reason ELSE d.reason END, CASE d.state WHEN 0 THEN coalesce(l.sent, 0) ELSE d.sent END";
const FROM: &str = "FROM delivery d LEFT JOIN lane l ON l.partner = d.partner AND l.key = d.lane AND l.head = d.seq";
/// The same, led by lanes that are claimed, unknown or parked.
const FROM_HELD: &str = "FROM lane l JOIN delivery d ON d.seq = l.head";

/// A dossier's unfinished deliveries.
static OPEN: LazyLock<String> =
    LazyLock::new(|| format!("{DELIVERY} {FROM} WHERE d.dossier = ?1 AND d.state = 0 ORDER BY d.seq"));
/// Held deliveries that are counted at most.
const MOST_HELD: i64 = 50_000;

/// Parked heads of a partner and what waits behind them, by what is alike.
const HELD: &str = "SELECT class, caller, route, CASE WHEN deadline = 9223372036854775807 THEN 0 ELSE (deadline + 25200000) / 86400000 END AS due,
     count(*) FROM (SELECT d.class, d.caller, d.route, d.deadline FROM lane l JOIN delivery d ON d.partner = l.partner AND d.lane = l.key
       WHERE l.state > 0 AND l.state = 3 AND l.partner = ?1 AND d.state = 0 LIMIT ?2) GROUP BY 1, 2, 3, 4";

/// All that is known about a dossier.
pub(super) fn snapshot(conn: &Connection, code: &str) -> Result<Snapshot, Fault> {
    let dossier: Option<String> =
        conn.prepare_cached("SELECT data FROM dossier WHERE code = ?1")?.query_row([code], |r| r.get(0)).optional()?;
    let dossier = dossier.map(|d| parse::<Dossier>(&d, "dossier")).transpose()?;
    let payments = payments(conn, "SELECT data FROM payment WHERE dossier = ?1 ORDER BY requested_at, id", [code])?;
    let early = early(conn, code)?;
    let open = views(conn, &OPEN, [code])?;
    // No refund without a payment: most dossiers are not looked up there.
    let refunds = if payments.is_empty() { Vec::new() } else { super::money::refunds_of(conn, code)? };
    Ok(Snapshot { dossier, payments, refunds, early, open })
}

/// A payment by transaction id.
pub(super) fn payment(conn: &Connection, transaction: &str) -> Result<Option<Payment>, Fault> {
    Ok(payments(conn, "SELECT data FROM payment WHERE id = ?1", [transaction])?.pop())
}

/// Open payments that expire before a time.
pub(super) fn expiring(conn: &Connection, before: Time, limit: u32) -> Result<Vec<Payment>, Fault> {
    payments(
        conn,
        "SELECT data FROM payment WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2",
        params![before.0, limit.min(MOST)],
    )
}

/// A dossier's timeline.
pub(super) fn timeline(conn: &Connection, dossier: &str) -> Result<Vec<EventView>, Fault> {
    events_of(conn, "SELECT seq, dossier, at, kind, data FROM event WHERE dossier = ?1 ORDER BY seq", [dossier])
}

/// Events after a number, of one caller's dossiers or of all.
pub(super) fn events(conn: &Connection, after: u64, limit: u32, caller: Option<&str>) -> Result<Vec<EventView>, Fault> {
    let (after, limit) = (super::effects::number(after), limit.min(MOST));
    match caller {
        None => events_of(
            conn,
            "SELECT seq, dossier, at, kind, data FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            params![after, limit],
        ),
        Some(caller) => events_of(
            conn,
            "SELECT seq, dossier, at, kind, data FROM event WHERE caller = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2",
            params![after, limit, caller],
        ),
    }
}

/// A file by id.
pub(super) fn file(conn: &Connection, id: &str) -> Result<Option<FileRow>, Fault> {
    let found = conn
        .prepare_cached("SELECT id, caller, reader, dossier, digest, size, name, media, at FROM file WHERE id = ?1")?
        .query_row([id], |r| {
            Ok(FileRow {
                id: r.get(0)?,
                caller: r.get(1)?,
                reader: r.get(2)?,
                dossier: r.get(3)?,
                digest: r.get(4)?,
                size: positive(r.get(5)?),
                name: r.get(6)?,
                media: r.get(7)?,
                at: Time(r.get(8)?),
            })
        });
    Ok(found.optional()?)
}

/// Deliveries as operators see them, by number.
pub(super) fn deliveries(conn: &Connection, f: &DeliveryFilter) -> Result<Vec<DeliveryView>, Fault> {
    let limit = f.limit.min(MOST);
    let (partner, after) = (f.partner.as_deref(), super::effects::number(f.after));
    if let Some(dossier) = &f.dossier {
        return views(
            conn,
            &listing(f.state, "d.dossier = ?3 AND (?4 IS NULL OR d.partner = ?4)"),
            params![after, limit, dossier, partner],
        );
    }
    let sql = listing(f.state, if held(f.state) { "l.partner = ?3" } else { "d.partner = ?3" });
    if let Some(partner) = partner {
        return views(conn, &sql, params![after, limit, partner]);
    }
    // All partners: each one's list by its index, then merged; there are few partners and many deliveries.
    let mut all = Vec::new();
    for partner in partners(conn)? {
        all.extend(views(conn, &sql, params![after, limit, partner])?);
    }
    all.sort_by_key(|v| v.delivery);
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(all)
}

/// The statement that lists deliveries in a state (none: unfinished) and of something: after ?1, at most ?2. Each state's words
/// are those of its partial index.
pub(super) fn listing(state: Option<DeliveryState>, of: &str) -> String {
    let which = match state {
        None => "d.state = 0".to_owned(),
        Some(DeliveryState::Waiting) => "d.state = 0 AND coalesce(l.state, 0) = 0".to_owned(),
        Some(s) if held(state) => format!("l.state > 0 AND l.state = {}", code(s)),
        Some(s @ (DeliveryState::Rejected | DeliveryState::Closed)) => format!("d.state > 4 AND d.state = {}", code(s)),
        Some(s) => format!("d.state = {}", code(s)),
    };
    let from = if held(state) { FROM_HELD } else { FROM };
    format!("{DELIVERY} {from} WHERE {which} AND {of} AND d.seq > ?1 ORDER BY d.seq LIMIT ?2")
}

/// States that only a head has, and that have an index of their own.
fn held(state: Option<DeliveryState>) -> bool {
    matches!(state, Some(DeliveryState::Claimed | DeliveryState::Unknown | DeliveryState::Parked))
}

/// One delivery with its history.
pub(super) fn delivery(conn: &Connection, seq: u64) -> Result<Option<DeliveryDetail>, Fault> {
    let seq = super::effects::number(seq);
    let Some(view) = views(conn, &format!("{DELIVERY} {FROM} WHERE d.seq = ?1"), [seq])?.pop() else { return Ok(None) };
    let (body, gone): (Option<Vec<u8>>, _) = conn
        .prepare_cached(
            "SELECT coalesce(o.body, m.body), coalesce(o.gone, m.body_gone), coalesce(o.digest, m.body_digest),
               coalesce(o.size, m.body_size)
             FROM delivery d LEFT JOIN outgoing o ON o.delivery = d.seq LEFT JOIN message m ON m.seq = d.message WHERE d.seq = ?1",
        )?
        .query_row([seq], |r| Ok((r.get(0)?, super::retention::gone(r.get(1)?, r.get(2)?, r.get(3)?))))?;
    let body = serde_json::from_slice(&body.unwrap_or_else(|| b"null".to_vec())).map_err(|_| Fault::Row("outgoing"))?;
    let mut read = conn.prepare_cached(
        "SELECT at, ms, what, outcome, why, adapters FROM (
           SELECT try, at, ms, what, outcome, why, adapters FROM attempt WHERE delivery = ?1
           UNION ALL SELECT 9223372036854775807, last_at, last_ms, last_what, last_outcome, last_why, adapters
             FROM delivery WHERE seq = ?1 AND last_at IS NOT NULL) ORDER BY try",
    )?;
    let attempts = read.query_map([seq], |r| {
        Ok(Attempt {
            at: Time(r.get(0)?),
            ms: positive(r.get(1)?),
            what: r.get(2)?,
            outcome: r.get(3)?,
            why: r.get(4)?,
            adapters: r.get(5)?,
        })
    })?;
    let attempts = attempts.collect::<Result<_, _>>()?;
    Ok(Some(DeliveryDetail { view, attempts, body, gone }))
}

/// Every partner's queue.
pub(super) fn queues(conn: &Connection) -> Result<Vec<QueueView>, Fault> {
    let mut read = conn.prepare_cached(
        "SELECT p.name, (SELECT coalesce(sum(open), 0) FROM backlog WHERE partner = p.name),
           (SELECT paused FROM partner WHERE name = p.name),
           (SELECT count(*) FROM lane WHERE state > 0 AND state = 1 AND partner = p.name),
           (SELECT count(*) FROM lane WHERE state > 0 AND state = 2 AND partner = p.name),
           (SELECT count(*) FROM lane WHERE state > 0 AND state = 3 AND partner = p.name),
           (SELECT created_at FROM delivery WHERE state = 0 AND partner = p.name ORDER BY seq LIMIT 1)
         FROM (SELECT name FROM partner UNION SELECT partner FROM backlog) p ORDER BY p.name",
    )?;
    let rows = read.query_map([], |r| {
        let (open, claimed, unknown, parked) =
            (positive(r.get(1)?), positive(r.get(3)?), positive(r.get(4)?), positive(r.get(5)?));
        Ok(QueueView {
            partner: r.get(0)?,
            waiting: open.saturating_sub(claimed + unknown + parked),
            claimed,
            unknown,
            parked,
            oldest: r.get::<_, Option<i64>>(6)?.map(Time),
            paused: r.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The shape of a partner's queue.
pub(super) fn backlog(conn: &Connection, partner: &str) -> Result<Backlog, Fault> {
    let row = |r: &Row<'_>| {
        let due = Some(r.get::<_, i64>(3)?).filter(|day| *day != 0);
        Ok(Waiting { class: r.get(0)?, caller: r.get(1)?, route: r.get(2)?, due, count: positive(r.get(4)?) })
    };
    let mut read = conn.prepare_cached("SELECT class, caller, route, due, open FROM backlog WHERE partner = ?1 AND open > 0")?;
    let mut waiting: Vec<Waiting> = read.query_map([partner], row)?.collect::<Result<_, _>>()?;
    let mut read = conn.prepare_cached(HELD)?;
    let held: Vec<Waiting> = read.query_map(params![partner, MOST_HELD], row)?.collect::<Result<_, _>>()?;
    for h in &held {
        let alike = |w: &&mut Waiting| (&w.class, &w.caller, &w.route, w.due) == (&h.class, &h.caller, &h.route, h.due);
        if let Some(w) = waiting.iter_mut().find(alike) {
            w.count = w.count.saturating_sub(h.count);
        }
    }
    waiting.retain(|w| w.count > 0);
    Ok(Backlog { waiting, held: held.iter().map(|h| h.count).sum() })
}

/// The feed's state saved for a partner.
pub(super) fn limits(conn: &Connection, partner: &str) -> Result<Option<String>, Fault> {
    let found =
        conn.prepare_cached("SELECT limits FROM partner WHERE name = ?1")?.query_row([partner], |r| r.get(0)).optional()?;
    Ok(found.flatten())
}

fn partners(conn: &Connection) -> Result<Vec<String>, Fault> {
    let mut read = conn.prepare_cached("SELECT name FROM partner UNION SELECT partner FROM backlog ORDER BY 1")?;
    Ok(read.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
}

fn payments(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<Payment>, Fault> {
    let mut read = conn.prepare_cached(sql)?;
    let rows = read.query_map(which, |r| r.get::<_, String>(0))?;
    rows.map(|row| parse(&row?, "payment")).collect()
}

/// Early moves kept since before a time, longest first.
pub(super) fn early_since(conn: &Connection, before: Time, limit: u32) -> Result<Vec<Early>, Fault> {
    let sql = "SELECT dossier, message, at, kept_at, body, kind FROM early WHERE kept_at < ?1 ORDER BY kept_at LIMIT ?2";
    early_of(conn, sql, params![before.0, limit.min(MOST)])
}

fn early(conn: &Connection, dossier: &str) -> Result<Vec<Early>, Fault> {
    let sql = "SELECT dossier, message, at, kept_at, body, kind FROM early WHERE dossier = ?1 ORDER BY at, message";
    early_of(conn, sql, [dossier])
}

fn early_of(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<Early>, Fault> {
    let mut read = conn.prepare_cached(sql)?;
    let rows = read.query_map(which, |r| {
        Ok((r.get(0)?, r.get(1)?, Time(r.get(2)?), Time(r.get(3)?), r.get::<_, String>(4)?, r.get::<_, String>(5)?))
    })?;
    rows.map(|row| {
        let (dossier, message, at, kept_at, body, kind) = row?;
        let kind = Kind::of_name(&kind).ok_or(Fault::Row("early"))?;
        Ok(Early { dossier, message, at, kept_at, body: parse(&body, "early")?, kind })
    })
    .collect()
}

fn events_of(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<EventView>, Fault> {
    let mut read = conn.prepare_cached(sql)?;
    let rows =
        read.query_map(which, |r| Ok((positive(r.get(0)?), r.get(1)?, Time(r.get(2)?), r.get(3)?, r.get::<_, String>(4)?)))?;
    rows.map(|row| {
        let (event, dossier, at, kind, data) = row?;
        Ok(EventView { event, dossier, at, kind, data: parse(&data, "event")? })
    })
    .collect()
}

fn views(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<DeliveryView>, Fault> {
    Ok(conn.prepare_cached(sql)?.query_map(which, view)?.collect::<Result<_, _>>()?)
}

fn view(r: &Row<'_>) -> rusqlite::Result<DeliveryView> {
    Ok(DeliveryView {
        delivery: positive(r.get(0)?),
        partner: r.get(1)?,
        route: r.get(2)?,
        lane: r.get(3)?,
        dossier: r.get(4)?,
        id: r.get(5)?,
        kind: r.get(6)?,
        state: state(r.get(7)?),
        attempts: r.get(8)?,
        created_at: Time(r.get(9)?),
        ready_at: r.get::<_, Option<i64>>(10)?.map(Time),
        reason: r.get(11)?,
        sent: r.get(12)?,
    })
}

/// A value of the store.
pub(super) fn parse<T: DeserializeOwned>(text: &str, table: &'static str) -> Result<T, Fault> {
    // The error of serde_json may carry a value: only the table is told.
    serde_json::from_str(text).map_err(|_| Fault::Row(table))
}

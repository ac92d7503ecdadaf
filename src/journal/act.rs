//! An operator's acts: pause, resume, release, close; each with its audit entry.
//!
//! What always holds: a delivery under way is never touched; an unknown one is not sent again unless the operator says so; that something was
//! received is not said here of what moves its dossier or money then (`exchange::received_by_operator` does), so not of many together.

use super::effects::AuditRow;
use super::lane::{End, Found, Open, code, positive};
use super::writer::{Fault, Made, Marks};
use super::{Act, Acted, DeliveryState, NewAudit, Verdict, Which};
use crate::body::{Value, json};
use crate::clock::Time;
use rusqlite::{Connection, params};

/// Does it.
pub(super) fn act(conn: &Connection, marks: &mut Marks, act: &Act, who: &str, at: Time) -> Result<Made<Acted>, Fault> {
    let audit = |what: &str, about: String, data: Value| {
        AuditRow::new(NewAudit { at, who: who.to_owned(), what: what.to_owned(), about, data }).write(conn)
    };
    match act {
        Act::Pause { partner, reason } => {
            pause(conn, partner, Some(reason))?;
            audit("pause", partner.clone(), json!({ "reason": reason }))?;
        }
        Act::Resume { partner } => {
            pause(conn, partner, None)?;
            marks.due(partner);
            audit("resume", partner.clone(), json!({}))?;
        }
        Act::Release { delivery, verdict, reason } => {
            let open = match Open::find(conn, *delivery)? {
                Found::Open(open) => open,
                Found::Ended => return Ok(Made::Dropped(Acted::Refused)),
                Found::Missing => return Ok(Made::Dropped(Acted::Missing)),
            };
            let Some(data) = release(conn, marks, &open, *verdict, (reason, who, at))? else {
                return Ok(Made::Dropped(Acted::Refused));
            };
            audit("release", delivery.to_string(), data)?;
        }
        Act::ReleaseAll { which, verdict, dry: true, .. } => {
            let fit = number(fitting(conn, which, *verdict)?.len());
            let (all, doubtful) = left(conn, which)?;
            return Ok(Made::Dropped(Acted::Released { released: fit, left: all.saturating_sub(fit), doubtful }));
        }
        Act::ReleaseAll { which, verdict, reason, dry: false } => {
            let mut released = Vec::new();
            for delivery in fitting(conn, which, *verdict)? {
                let Found::Open(open) = Open::find(conn, delivery)? else { continue };
                if release(conn, marks, &open, verdict.unwrap_or(Verdict::NotReceived), (reason, who, at))?.is_some() {
                    released.push(delivery);
                }
            }
            let (left, doubtful) = left(conn, which)?;
            if released.is_empty() {
                return Ok(Made::Dropped(Acted::Released { released: 0, left, doubtful }));
            }
            let data = json!({
                "reason": reason, "verdict": verdict, "reason_is": which.reason, "kind": which.kind, "deliveries": released,
            });
            audit("release-all", which.partner.clone(), data)?;
            return Ok(Made::Kept(Acted::Released { released: number(released.len()), left, doubtful }));
        }
        Act::Close { delivery, reason } => {
            let open = match Open::find(conn, *delivery)? {
                Found::Open(open) if open.state() != DeliveryState::Claimed => open,
                Found::Open(_) | Found::Ended => return Ok(Made::Dropped(Acted::Refused)),
                Found::Missing => return Ok(Made::Dropped(Acted::Missing)),
            };
            let was = open.state();
            let closed = End { state: code(DeliveryState::Closed), at: Some(at), reason: Some(reason), last: None };
            open.end(conn, marks, &closed)?;
            marks.tell(open.dossier.as_deref(), Some(*delivery));
            let data = json!({ "reason": reason, "was": was, "partner": open.partner, "dossier": open.dossier });
            timeline(conn, &open, "closed", (*delivery, None), who, at)?;
            audit("close", delivery.to_string(), data)?;
        }
    }
    Ok(Made::Kept(Acted::Written))
}

/// Releases one; the public facts of it for the audit. None: it is not in a state for that.
fn release(
    conn: &Connection,
    marks: &mut Marks,
    open: &Open,
    verdict: Verdict,
    (reason, who, at): (&str, &str, Time),
) -> Result<Option<Value>, Fault> {
    let was = open.state();
    let done = End { state: code(DeliveryState::Done), at: Some(at), reason: Some(reason), last: None };
    match (was, verdict) {
        (DeliveryState::Unknown, Verdict::Received) => open.end(conn, marks, &done)?,
        (DeliveryState::Parked, Verdict::Received) if open.sent() => open.end(conn, marks, &done)?,
        (DeliveryState::Unknown | DeliveryState::Parked, v) => open.renew(conn, marks, at, v == Verdict::NotReceived)?,
        _ => return Ok(None),
    }
    marks.tell(open.dossier.as_deref(), Some(open.number()));
    timeline(conn, open, "released", (open.number(), Some(verdict)), who, at)?;
    Ok(Some(json!({ "reason": reason, "verdict": verdict, "was": was, "partner": open.partner, "dossier": open.dossier })))
}

/// Which held deliveries are meant, by the index on held lanes.
const HELD: &str = "FROM lane l JOIN delivery d ON d.seq = l.head
     WHERE l.state IN (2, 3) AND l.partner = ?1 AND (?2 IS NULL OR l.reason = ?2 OR substr(l.reason, 1, length(?2) + 1) = ?2 || ':')
       AND (?3 IS NULL OR d.kind = ?3)";

/// The oldest of those that fit; only those that certainly never left, where no verdict is given, and only those that just end, where it is
/// that they were received.
fn fitting(conn: &Connection, which: &Which, verdict: Option<Verdict>) -> Result<Vec<u64>, Fault> {
    let sql = format!(
        "SELECT l.head {HELD} AND (?4 = 0 OR (l.state = 3 AND l.sent = 0))
           AND (?5 = 0 OR (l.state = 3 AND l.sent = 0) OR d.kind NOT IN ('dossier.withdraw', 'refund.request', 'refund.query'))
         ORDER BY l.head LIMIT ?6"
    );
    let (never_left, received) = (verdict.is_none(), verdict == Some(Verdict::Received));
    let mut read = conn.prepare_cached(&sql)?;
    let rows =
        read.query_map(params![which.partner, which.reason, which.kind, never_left, received, which.limit], |r| r.get(0))?;
    Ok(rows.map(|n| n.map(positive)).collect::<Result<_, _>>()?)
}

/// How many fit still, and how many of these may have been received.
fn left(conn: &Connection, which: &Which) -> Result<(u64, u64), Fault> {
    let sql = format!("SELECT count(*), coalesce(sum(l.state = 2 OR l.sent), 0) {HELD}");
    let mut read = conn.prepare_cached(&sql)?;
    let (all, doubtful) = read.query_row(params![which.partner, which.reason, which.kind], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok((positive(all), positive(doubtful)))
}

fn number(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// The dossier's timeline tells that a person acted, and with which verdict; the reason given stands in the audit only.
fn timeline(
    conn: &Connection,
    open: &Open,
    kind: &str,
    (delivery, verdict): (u64, Option<Verdict>),
    who: &str,
    at: Time,
) -> Result<(), Fault> {
    let Some(dossier) = &open.dossier else { return Ok(()) };
    let mut data = json!({ "delivery": delivery, "partner": open.partner, "by": who });
    if let (Some(verdict), Some(map)) = (verdict, data.as_object_mut()) {
        map.insert("verdict", json!(verdict));
    }
    conn.prepare_cached(
        "INSERT INTO event (dossier, caller, at, kind, data)
         VALUES (?1, coalesce((SELECT caller FROM dossier WHERE code = ?1), ''), ?2, ?3, ?4)",
    )?
    .execute(params![dossier, at.0, kind, data.to_string()])?;
    Ok(())
}

fn pause(conn: &Connection, partner: &str, reason: Option<&str>) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO partner (name, paused) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused",
    )?
    .execute(params![partner, reason])?;
    Ok(())
}

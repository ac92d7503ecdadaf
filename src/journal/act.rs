//! An operator's acts: pause, resume, release, close; each with its audit entry.
//!
//! What always holds: a delivery under way is never touched; an unknown one is not sent again unless the operator says so.

use super::effects::AuditRow;
use super::lane::{End, Found, Open, code};
use super::writer::{Fault, Made, Marks};
use super::{Act, Acted, DeliveryState, NewAudit, Verdict};
use crate::clock::Time;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

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
            let was = open.state();
            let done = End { state: code(DeliveryState::Done), at: Some(at), reason: Some(reason), last: None };
            match (was, verdict) {
                (DeliveryState::Unknown, Verdict::Received) => open.end(conn, marks, &done)?,
                (DeliveryState::Parked, Verdict::Received) if open.sent() => open.end(conn, marks, &done)?,
                (DeliveryState::Unknown | DeliveryState::Parked, v) => open.renew(conn, marks, at, *v == Verdict::NotReceived)?,
                _ => return Ok(Made::Dropped(Acted::Refused)),
            }
            marks.tell(open.dossier.as_deref(), Some(*delivery));
            let data =
                json!({ "reason": reason, "verdict": verdict, "was": was, "partner": open.partner, "dossier": open.dossier });
            timeline(conn, &open, "released", *delivery, who, at)?;
            audit("release", delivery.to_string(), data)?;
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
            timeline(conn, &open, "closed", *delivery, who, at)?;
            audit("close", delivery.to_string(), data)?;
        }
    }
    Ok(Made::Kept(Acted::Written))
}

/// The dossier's timeline tells that a person acted; the reason given stands in the audit only.
fn timeline(conn: &Connection, open: &Open, kind: &str, delivery: u64, who: &str, at: Time) -> Result<(), Fault> {
    let Some(dossier) = &open.dossier else { return Ok(()) };
    let data = json!({ "delivery": delivery, "partner": open.partner, "by": who });
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

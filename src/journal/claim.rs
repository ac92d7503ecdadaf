//! Claiming due heads and settling them: the two ends of a call.
//!
//! What always holds: a claim costs what it takes, whatever waits behind the heads; a claim is of this run, and only a
//! settlement of this run ends it; a doubt stays until it is cleared by name or the delivery ends.

use super::effects::{Ready, number};
use super::lane::{End, Found, Head, Open, Stay, code, positive};
use super::writer::{Fault, Made, Marks};
use super::{Attempt, Claim, DeliveryState, Doubt, Next, Settled};
use crate::clock::Time;
use crate::model::Kind;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Tries a delivery's history keeps, besides the one that ended it.
const HISTORY: i64 = 99;

/// A settlement, serialised.
pub(super) struct ReadySettlement {
    /// The delivery.
    pub(super) delivery: u64,
    /// The run that claimed it.
    pub(super) run: u64,
    /// When.
    pub(super) at: Time,
    /// What was attempted.
    pub(super) attempt: Attempt,
    /// What is next.
    pub(super) next: Next,
    /// What it causes.
    pub(super) effects: Ready,
}

/// Who claims, when, with what.
pub(super) struct By {
    /// The partner whose lanes are looked at.
    pub(super) partner: String,
    /// When.
    pub(super) now: Time,
    /// The pacing state to save with the claims.
    pub(super) tat: Option<i64>,
    /// The run that claims.
    pub(super) run: i64,
    /// The adapter set a delivery claimed for the first time is bound to.
    pub(super) adapters: String,
}

// === functions ===

/// Takes due heads of a partner, earliest first, then by deadline.
pub(super) fn claim(conn: &Connection, by: &By, max: u32) -> Result<Made<Vec<Claim>>, Fault> {
    let By { partner, now, tat, run, adapters } = by;
    let paused: Option<Option<String>> =
        conn.prepare_cached("SELECT paused FROM partner WHERE name = ?1")?.query_row([partner], |r| r.get(0)).optional()?;
    if matches!(paused, Some(Some(_))) {
        return Ok(Made::Dropped(Vec::new()));
    }
    let claims = due(conn, partner, max, *now, *run)?;
    for (lane, ..) in &claims {
        conn.prepare_cached(
            "UPDATE lane SET state = 1, ready_at = NULL, run = ?3, claimed_at = ?4, adapters = coalesce(adapters, ?5)
             WHERE partner = ?1 AND key = ?2",
        )?
        .execute(params![partner, lane, run, now.0, adapters])?;
    }
    if claims.is_empty() && max > 0 {
        return Ok(Made::Dropped(Vec::new()));
    }
    if let Some(tat) = tat {
        conn.prepare_cached(
            "INSERT INTO partner (name, tat) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET tat = excluded.tat",
        )?
        .execute(params![partner, tat])?;
    }
    let claims = claims.into_iter().map(|(_, kind, claim)| match Kind::of_name(&kind) {
        Some(kind) => Ok(Claim { kind, ..claim }),
        None => Err(Fault::Row("delivery")),
    });
    Ok(Made::Kept(claims.collect::<Result<_, _>>()?))
}

/// The due heads with what is to be sent: lane key, kind's name, claim (whose kind is still to be set).
fn due(conn: &Connection, partner: &str, max: u32, now: Time, run: i64) -> Result<Vec<(String, String, Claim)>, Fault> {
    let mut read = conn.prepare_cached(DUE)?;
    let rows = read.query_map(params![partner, now.0, max], |r| {
        let called_at: Option<i64> = r.get(10)?;
        let doubt = match called_at {
            Some(at) => {
                Some(Doubt { called_at: Time(at), why: r.get::<_, Option<String>>(11)?.unwrap_or_default(), asked: r.get(12)? })
            }
            None => None,
        };
        let lane: String = r.get(1)?;
        let claim = Claim {
            delivery: positive(r.get(0)?),
            run: positive(run),
            partner: partner.to_owned(),
            route: r.get(2)?,
            lane: lane.clone(),
            dossier: r.get(3)?,
            caller: r.get(4)?,
            id: r.get(5)?,
            at: Time(r.get(6)?),
            kind: Kind::Receipt,
            body: r.get::<_, Option<Vec<u8>>>(13)?.unwrap_or_default(),
            attempts: r.get(8)?,
            adapters: r.get(9)?,
            doubt,
            trace: r.get(14)?,
        };
        Ok((lane, r.get(7)?, claim))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ready heads by the partial index on (partner, ready_at, deadline); what waits behind them is not looked at.
pub(super) const DUE: &str = "SELECT d.seq, d.lane, d.route, d.dossier, d.caller, d.id, d.at, d.kind, l.attempts, l.adapters, l.called_at, l.why, l.asked,
         CASE WHEN d.message IS NULL THEN (SELECT body FROM outgoing WHERE delivery = d.seq) ELSE (SELECT body FROM message WHERE seq = d.message) END, d.trace
       FROM lane l JOIN delivery d ON d.seq = l.head
       WHERE l.partner = ?1 AND l.ready_at <= ?2 ORDER BY l.ready_at, l.deadline LIMIT ?3";

/// Ends a claim of this run.
pub(super) fn settle(conn: &Connection, marks: &mut Marks, s: &ReadySettlement, run: i64) -> Result<Made<Settled>, Fault> {
    let Found::Open(mut open) = Open::find(conn, s.delivery)? else { return Ok(Made::Dropped(Settled::Gone)) };
    let Some(mut head) = open.head.take() else { return Ok(Made::Dropped(Settled::Gone)) };
    if head.state != DeliveryState::Claimed || head.run != Some(run) || s.run != positive(run) {
        return Ok(Made::Dropped(Settled::Gone));
    }
    head.tries += 1;
    head.sent |= s.attempt.outcome == "unknown" && s.attempt.what == "call";
    if head.adapters.is_none() {
        head.adapters = Some(s.attempt.adapters.clone());
    }
    match standing(s, &mut head) {
        Ok(stay) => {
            remember(conn, s.delivery, head.tries, &s.attempt)?;
            open.stay(conn, &head, &stay)?;
            marks.due |= stay.ready.is_some();
        }
        Err((state, reason)) => {
            head.sent = true;
            open.head = Some(head);
            open.end(conn, marks, &End { state: code(state), at: Some(s.at), reason, last: Some(&s.attempt) })?;
        }
    }
    if !s.effects.write(conn, marks, None, Some(s.at))? {
        return Ok(Made::Dropped(Settled::Stale));
    }
    marks.tell(open.dossier.as_deref(), Some(s.delivery));
    Ok(Made::Kept(Settled::Written))
}

/// How the head stands after the try, or (`Err`) the state it ends in and why.
fn standing<'s>(s: &'s ReadySettlement, head: &mut Head) -> Result<Stay, (DeliveryState, Option<&'s str>)> {
    let why = s.attempt.why.clone();
    let again =
        |head: &Head, at| Stay { state: if head.doubt { 2 } else { 0 }, ready: Some(at), reason: why.clone(), doubt: None };
    Ok(match &s.next {
        Next::Done => return Err((DeliveryState::Done, None)),
        Next::Reject { reason } => return Err((DeliveryState::Rejected, Some(reason))),
        Next::Retry { at } => {
            head.attempts += 1;
            again(head, *at)
        }
        Next::Later { at } => again(head, *at),
        Next::Ask { at, called_at, why, asked } => {
            head.sent = true;
            let doubt = Doubt { called_at: *called_at, why: why.clone(), asked: *asked };
            Stay { state: 2, ready: Some(*at), reason: Some(why.clone()), doubt: Some(Some(doubt)) }
        }
        Next::Clear { at } => {
            head.sent = false;
            Stay { state: 0, ready: Some(*at), reason: why, doubt: Some(None) }
        }
        Next::Park { reason } => Stay { state: 3, ready: None, reason: Some(reason.clone()), doubt: None },
    })
}

fn remember(conn: &Connection, delivery: u64, tries: i64, a: &Attempt) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO attempt (delivery, try, at, ms, what, outcome, why, adapters) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![number(delivery), tries, a.at.0, number(a.ms), a.what, a.outcome, a.why, a.adapters])?;
    if tries > HISTORY {
        conn.prepare_cached("DELETE FROM attempt WHERE delivery = ?1 AND try <= ?2")?
            .execute(params![number(delivery), tries - HISTORY])?;
    }
    Ok(())
}

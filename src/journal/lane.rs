//! Lanes: one delivery in flight per (partner, key). Claiming, settling and the way a lane goes on to its next delivery.
//!
//! What always holds: a lane's row is its head's state; whatever waits behind a head costs nothing until the head ends; only a
//! head is ever claimed, unknown or parked; a delivery's own row is written when it arises and when it ends, never in between.
//! State numbers: the lane's 0 waiting, 1 claimed, 2 unknown, 3 parked; the delivery's 0 open, 4 done, 5 rejected, 6 closed.

use super::effects::Ready;
use super::writer::{Fault, Made, Marks};
use super::{Attempt, Claim, Close, DeliveryState, Doubt, NewDelivery, Next, Settled};
use crate::clock::Time;
use crate::model::Kind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Stands for "no deadline" in the order of lanes.
const NO_DEADLINE: i64 = i64::MAX;
/// Tries a delivery's history keeps.
const HISTORY: i64 = 100;

/// A new delivery, serialised.
pub(super) struct NewRow {
    new: NewDelivery,
    body: Option<Vec<u8>>,
}

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

/// An unfinished delivery and how it stands.
pub(super) struct Open {
    seq: i64,
    pub(super) partner: String,
    lane: String,
    pub(super) dossier: Option<String>,
    /// The lane's columns, when it is the head.
    head: Option<Head>,
}

/// How a head stands.
struct Head {
    state: DeliveryState,
    run: Option<i64>,
    attempts: i64,
    tries: i64,
    sent: bool,
    doubt: bool,
    adapters: Option<String>,
}

// === impl NewRow ===

impl NewRow {
    pub(super) fn new(new: NewDelivery) -> Self {
        Self { body: new.body.as_ref().map(|b| b.to_string().into_bytes()), new }
    }

    /// Writes it at the end of its lane.
    pub(super) fn write(
        &self,
        conn: &Connection,
        marks: &mut Marks,
        message: Option<i64>,
        at: Option<Time>,
    ) -> Result<(), Fault> {
        let d = &self.new;
        if message.is_none() && self.body.is_none() {
            return Err(Fault::Refused("a delivery without a body, caused by no accepted message"));
        }
        let created = at.unwrap_or(d.at);
        let deadline = d.deadline.map_or(NO_DEADLINE, |t| t.0);
        let of = if self.body.is_some() { None } else { message };
        conn.prepare_cached(
            "INSERT INTO delivery (partner, lane, route, dossier, class, caller, deadline, not_before, id, at, kind, created_at, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            d.partner,
            d.lane,
            d.route,
            d.dossier,
            d.class,
            d.caller,
            deadline,
            d.not_before.map(|t| t.0),
            d.id,
            d.at.0,
            d.kind.name(),
            created.0,
            of
        ])?;
        let seq = conn.last_insert_rowid();
        if let Some(body) = &self.body {
            conn.prepare_cached("INSERT INTO outgoing (delivery, body) VALUES (?1, ?2)")?.execute(params![seq, body])?;
        }
        conn.prepare_cached(
            "INSERT INTO lane (partner, key, dossier, class, caller, deadline, ready_at, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (partner, key) DO NOTHING",
        )?
        .execute(params![d.partner, d.lane, d.dossier, d.class, d.caller, deadline, d.not_before.unwrap_or(created).0, seq])?;
        marks.count(&d.partner, 1);
        marks.due = true;
        Ok(())
    }
}

// === impl Open ===

impl Open {
    /// An unfinished delivery; none: there is none of this number (`Ok(Err(true))`: it has ended).
    pub(super) fn find(conn: &Connection, seq: i64) -> Result<Result<Self, bool>, Fault> {
        let found = conn
            .prepare_cached(
                "SELECT d.state, d.partner, d.lane, d.dossier, l.head, l.state, l.run, l.attempts, l.tries, l.sent, l.called_at IS NOT NULL,
                        l.adapters
                 FROM delivery d LEFT JOIN lane l ON l.partner = d.partner AND l.key = d.lane AND l.head = d.seq WHERE d.seq = ?1",
            )?
            .query_row([seq], |r| Ok((r.get::<_, i64>(0)?, Self { seq, partner: r.get(1)?, lane: r.get(2)?, dossier: r.get(3)?, head: Head::of(r)? })))
            .optional()?;
        Ok(match found {
            None => Err(false),
            Some((0, open)) => Ok(open),
            Some(_) => Err(true),
        })
    }

    /// Its state: a head's is its lane's, any other waits.
    pub(super) fn state(&self) -> DeliveryState {
        self.head.as_ref().map_or(DeliveryState::Waiting, |h| h.state)
    }

    /// Whether an earlier call's outcome is not known.
    pub(super) fn doubtful(&self) -> bool {
        self.head.as_ref().is_some_and(|h| h.doubt)
    }

    /// Ends it; if it was the head, the lane goes on.
    pub(super) fn end(
        &self,
        conn: &Connection,
        marks: &mut Marks,
        state: i64,
        at: Option<Time>,
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        let head = self.head.as_ref();
        let (attempts, sent) = head.map_or((0, false), |h| (h.attempts, h.sent));
        conn.prepare_cached(
            "UPDATE delivery SET state = ?2, ended_at = ?3, attempts = ?4, sent = ?5, adapters = ?6, reason = ?7 WHERE seq = ?1",
        )?
        .execute(params![
            self.seq,
            state,
            at.map(|t| t.0),
            attempts,
            sent,
            head.and_then(|h| h.adapters.as_deref()),
            reason
        ])?;
        marks.count(&self.partner, -1);
        if head.is_some() {
            self.go_on(conn)?;
            marks.due = true;
        }
        Ok(())
    }

    /// Sets the next open delivery of the lane at its head, or removes the lane.
    fn go_on(&self, conn: &Connection) -> Result<(), Fault> {
        let moved = conn
            .prepare_cached(
                "UPDATE lane SET head = n.seq, dossier = n.dossier, class = n.class, caller = n.caller, deadline = n.deadline,
                   ready_at = coalesce(n.not_before, n.created_at), state = 0, run = NULL, claimed_at = NULL, attempts = 0, tries = 0,
                   sent = 0, called_at = NULL, why = NULL, asked = 0, adapters = NULL, reason = NULL
                 FROM (SELECT seq, dossier, class, caller, deadline, not_before, created_at FROM delivery
                       WHERE partner = ?1 AND lane = ?2 AND state = 0 ORDER BY seq LIMIT 1) AS n
                 WHERE lane.partner = ?1 AND lane.key = ?2",
            )?
            .execute(params![self.partner, self.lane])?;
        if moved == 0 {
            conn.prepare_cached("DELETE FROM lane WHERE partner = ?1 AND key = ?2")?.execute(params![self.partner, self.lane])?;
        }
        Ok(())
    }

    /// Lets a held head wait again, as new: no attempts, no doubt. One that cannot have been received forgets its adapter set.
    pub(super) fn renew(&self, conn: &Connection, marks: &mut Marks, at: Time, not_received: bool) -> Result<(), Fault> {
        conn.prepare_cached(
            "UPDATE lane SET state = 0, ready_at = ?3, attempts = 0, called_at = NULL, why = NULL, asked = 0, reason = NULL,
               sent = sent AND NOT ?4, adapters = CASE WHEN sent AND NOT ?4 THEN adapters ELSE NULL END WHERE partner = ?1 AND key = ?2",
        )?
        .execute(params![self.partner, self.lane, at.0, not_received])?;
        marks.due = true;
        Ok(())
    }

    /// Writes how the head stands after a try that did not end it.
    fn stay(&self, conn: &Connection, head: &Head, stay: &Stay) -> Result<(), Fault> {
        conn.prepare_cached(
            "UPDATE lane SET state = ?3, ready_at = ?4, attempts = ?5, tries = ?6, sent = ?7, adapters = ?8, reason = ?9, run = NULL,
               claimed_at = NULL,
               called_at = CASE ?10 WHEN 0 THEN called_at ELSE ?11 END, why = CASE ?10 WHEN 0 THEN why ELSE ?12 END,
               asked = CASE ?10 WHEN 0 THEN asked ELSE ?13 END
             WHERE partner = ?1 AND key = ?2",
        )?
        .execute(params![
            self.partner,
            self.lane,
            stay.state,
            stay.ready.map(|t| t.0),
            head.attempts,
            head.tries,
            head.sent,
            head.adapters,
            stay.reason,
            stay.doubt.is_some(),
            stay.doubt.as_ref().and_then(|d| d.as_ref()).map(|d| d.called_at.0),
            stay.doubt.as_ref().and_then(|d| d.as_ref()).map(|d| d.why.as_str()),
            stay.doubt.as_ref().and_then(|d| d.as_ref()).map_or(0, |d| d.asked),
        ])?;
        Ok(())
    }
}

/// What a try leaves behind when it did not end the delivery.
struct Stay {
    state: i64,
    ready: Option<Time>,
    reason: Option<String>,
    /// `None`: as it was; `Some(None)`: no doubt any more.
    doubt: Option<Option<Doubt>>,
}

// === impl Head ===

impl Head {
    /// From columns 4 to 11 of [`Open::find`].
    fn of(r: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        if r.get::<_, Option<i64>>(4)?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            state: state(r.get(5)?),
            run: r.get(6)?,
            attempts: r.get(7)?,
            tries: r.get(8)?,
            sent: r.get(9)?,
            doubt: r.get(10)?,
            adapters: r.get(11)?,
        }))
    }
}

// === functions ===

/// The state of a number, the lane's or the delivery's.
pub(super) fn state(n: i64) -> DeliveryState {
    match n {
        1 => DeliveryState::Claimed,
        2 => DeliveryState::Unknown,
        3 => DeliveryState::Parked,
        4 => DeliveryState::Done,
        5 => DeliveryState::Rejected,
        6 => DeliveryState::Closed,
        _ => DeliveryState::Waiting,
    }
}

/// The number of a state.
pub(super) fn code(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Waiting => 0,
        DeliveryState::Claimed => 1,
        DeliveryState::Unknown => 2,
        DeliveryState::Parked => 3,
        DeliveryState::Done => 4,
        DeliveryState::Rejected => 5,
        DeliveryState::Closed => 6,
    }
}

/// Takes due heads of a partner, earliest first, then by deadline.
pub(super) fn claim(
    conn: &Connection,
    partner: &str,
    max: u32,
    now: Time,
    tat: Option<i64>,
    run: i64,
) -> Result<Made<Vec<Claim>>, Fault> {
    let paused: Option<Option<String>> =
        conn.prepare_cached("SELECT paused FROM partner WHERE name = ?1")?.query_row([partner], |r| r.get(0)).optional()?;
    if matches!(paused, Some(Some(_))) {
        return Ok(Made::Dropped(Vec::new()));
    }
    let claims = due(conn, partner, max, now, run)?;
    for (lane, ..) in &claims {
        conn.prepare_cached(
            "UPDATE lane SET state = 1, ready_at = NULL, run = ?3, claimed_at = ?4 WHERE partner = ?1 AND key = ?2",
        )?
        .execute(params![partner, lane, run, now.0])?;
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
        };
        Ok((lane, r.get(7)?, claim))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ready heads by the partial index on (partner, ready_at, deadline); what waits behind them is not looked at.
pub(super) const DUE: &str = "SELECT d.seq, d.lane, d.route, d.dossier, d.caller, d.id, d.at, d.kind, l.attempts, l.adapters, l.called_at, l.why, l.asked,
         CASE WHEN d.message IS NULL THEN (SELECT body FROM outgoing WHERE delivery = d.seq) ELSE (SELECT body FROM message WHERE seq = d.message) END
       FROM lane l JOIN delivery d ON d.seq = l.head
       WHERE l.partner = ?1 AND l.ready_at <= ?2 ORDER BY l.ready_at, l.deadline LIMIT ?3";

/// Ends a claim of this run.
pub(super) fn settle(conn: &Connection, marks: &mut Marks, s: &ReadySettlement, run: i64) -> Result<Made<Settled>, Fault> {
    let seq = super::effects::number(s.delivery);
    let Ok(mut open) = Open::find(conn, seq)? else { return Ok(Made::Dropped(Settled::Gone)) };
    let Some(mut head) = open.head.take() else { return Ok(Made::Dropped(Settled::Gone)) };
    if head.state != DeliveryState::Claimed || head.run != Some(run) || super::effects::number(s.run) != run {
        return Ok(Made::Dropped(Settled::Gone));
    }
    head.tries += 1;
    head.sent |= s.attempt.outcome == "unknown" && s.attempt.what == "call";
    if head.adapters.is_none() {
        head.adapters = Some(s.attempt.adapters.clone());
    }
    remember(conn, seq, head.tries, &s.attempt)?;
    match standing(s, &mut head) {
        Ok(stay) => {
            open.stay(conn, &head, &stay)?;
            marks.due |= stay.ready.is_some();
        }
        Err((state, reason)) => {
            head.sent = true;
            open.head = Some(head);
            open.end(conn, marks, state, Some(s.at), reason)?;
        }
    }
    if !s.effects.write(conn, marks, None, Some(s.at))? {
        return Ok(Made::Dropped(Settled::Stale));
    }
    marks.tell(open.dossier.as_deref(), Some(s.delivery));
    Ok(Made::Kept(Settled::Written))
}

/// How the head stands after the try, or (`Err`) the state it ends in and why.
fn standing<'s>(s: &'s ReadySettlement, head: &mut Head) -> Result<Stay, (i64, Option<&'s str>)> {
    let why = s.attempt.why.clone();
    let again =
        |head: &Head, at| Stay { state: if head.doubt { 2 } else { 0 }, ready: Some(at), reason: why.clone(), doubt: None };
    Ok(match &s.next {
        Next::Done => return Err((4, None)),
        Next::Reject { reason } => return Err((5, Some(reason))),
        Next::Retry { at } => {
            head.attempts += 1;
            again(head, *at)
        }
        Next::Later { at } => again(head, *at),
        Next::Ask { at, called_at, why, asked } => {
            head.attempts += i64::from(s.attempt.what == "call");
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

fn remember(conn: &Connection, seq: i64, tries: i64, a: &Attempt) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO attempt (delivery, try, at, ms, what, outcome, why, adapters) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![seq, tries, a.at.0, super::effects::number(a.ms), a.what, a.outcome, a.why, a.adapters])?;
    if tries > HISTORY {
        conn.prepare_cached("DELETE FROM attempt WHERE delivery = ?1 AND try <= ?2")?.execute(params![seq, tries - HISTORY])?;
    }
    Ok(())
}

/// Closes a delivery that must still be in the state it was seen in; `false`: it is not.
pub(super) fn close_seen(conn: &Connection, marks: &mut Marks, close: &Close, at: Option<Time>) -> Result<bool, Fault> {
    if !matches!(close.seen, DeliveryState::Waiting | DeliveryState::Unknown | DeliveryState::Parked) {
        return Err(Fault::Refused("only a waiting, unknown or parked delivery is closed"));
    }
    let Ok(open) = Open::find(conn, super::effects::number(close.delivery))? else { return Ok(false) };
    if open.state() != close.seen {
        return Ok(false);
    }
    open.end(conn, marks, 6, at, Some(&close.reason))?;
    marks.tell(open.dossier.as_deref(), Some(close.delivery));
    Ok(true)
}

/// A row number as the trait speaks of it.
pub(super) fn positive(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

//! Lanes: one delivery in flight per (partner, key), and the way a lane goes on to its next delivery.
//!
//! What always holds: a lane's row is its head's state; whatever waits behind a head costs nothing until the head ends; only a
//! head is ever claimed, unknown or parked; a delivery's own row is written when it arises and when it ends, never in between.
//! `step` and `turn` say what the head does next and when it is its turn; they are there exactly while it waits for something to be done.
//! State numbers: the lane's 0 waiting, 1 claimed, 2 unknown, 3 parked; the delivery's 0 open, 4 done, 5 rejected, 6 closed.

use super::effects::number;
use super::writer::{Fault, Kept, Marks};
use super::{Attempt, Close, DeliveryState, Doubt, NewDelivery};
use crate::clock::Time;
use crate::delivery::{Step, urgency};
use crate::planted::{Plant, planted};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Stands for "no deadline is known" in the store.
const NO_DEADLINE: i64 = i64::MAX;

/// A new delivery, serialised.
pub(super) struct NewRow {
    new: NewDelivery,
    body: Option<Vec<u8>>,
}

/// What a delivery's number leads to.
pub(super) enum Found {
    /// An unfinished one.
    Open(Box<Open>),
    /// One that has ended.
    Ended,
    /// None.
    Missing,
}

/// An unfinished delivery and how it stands.
pub(super) struct Open {
    seq: i64,
    /// Receiving partner.
    pub(super) partner: String,
    lane: String,
    class: String,
    caller: String,
    route: String,
    deadline: Option<Time>,
    /// The dossier it is about.
    pub(super) dossier: Option<String>,
    /// The lane's columns, when it is the head.
    pub(super) head: Option<Head>,
}

/// How a head stands.
pub(super) struct Head {
    /// Its state.
    pub(super) state: DeliveryState,
    /// The run that claimed it.
    pub(super) run: Option<i64>,
    /// Attempts used up.
    pub(super) attempts: i64,
    /// Tries settled, inquiries among them.
    pub(super) tries: i64,
    /// It may have been received.
    pub(super) sent: bool,
    /// An earlier call's outcome is not known.
    pub(super) doubt: bool,
    /// The adapter set of the first try.
    pub(super) adapters: Option<String>,
}

/// What a try leaves behind when it did not end the delivery.
pub(super) struct Stay {
    /// The lane's state.
    pub(super) state: i64,
    /// What it does next, and when it is due; none: nothing.
    pub(super) ready: Option<(Step, Time)>,
    /// Why it stands so.
    pub(super) reason: Option<String>,
    /// `None`: as it was; `Some(None)`: no doubt any more.
    pub(super) doubt: Option<Option<Doubt>>,
}

/// How a delivery ends.
pub(super) struct End<'e> {
    /// 4 done, 5 rejected, 6 closed.
    pub(super) state: i64,
    /// When.
    pub(super) at: Option<Time>,
    /// Why.
    pub(super) reason: Option<&'e str>,
    /// The try that ended it, kept in the delivery's own row.
    pub(super) last: Option<&'e Attempt>,
}

// === impl NewRow ===

impl NewRow {
    pub(super) fn new(new: NewDelivery) -> Self {
        Self { body: new.body.as_ref().map(|b| b.written(512)), new }
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
            "INSERT INTO delivery (partner, lane, route, dossier, class, caller, deadline, not_before, id, at, kind, created_at, message,
               trace)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
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
            of,
            d.trace
        ])?;
        let seq = conn.last_insert_rowid();
        if let Some(body) = &self.body {
            conn.prepare_cached("INSERT INTO outgoing (delivery, body) VALUES (?1, ?2)")?.execute(params![seq, body])?;
        }
        let (step, ready, turn) = first(d.deadline, d.not_before, created);
        conn.prepare_cached(
            "INSERT INTO lane (partner, key, dossier, class, caller, deadline, ready_at, head, route, step, turn)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (partner, key) DO NOTHING",
        )?
        .execute(params![d.partner, d.lane, d.dossier, d.class, d.caller, deadline, ready.0, seq, d.route, step, turn])?;
        let kept = Kept {
            partner: d.partner.clone(),
            class: d.class.clone(),
            caller: d.caller.clone(),
            route: d.route.clone(),
            due: due_day(d.deadline),
        };
        marks.count(kept, 1);
        marks.due(&d.partner);
        Ok(())
    }
}

// === impl Open ===

impl Open {
    /// The delivery of a number.
    pub(super) fn find(conn: &Connection, seq: u64) -> Result<Found, Fault> {
        let found = conn
            .prepare_cached(
                "SELECT d.state, d.partner, d.lane, d.dossier, l.head, l.state, l.run, l.attempts, l.tries, l.sent,
                   l.called_at IS NOT NULL, l.adapters, d.class, d.caller, d.deadline, d.route
                 FROM delivery d LEFT JOIN lane l ON l.partner = d.partner AND l.key = d.lane AND l.head = d.seq WHERE d.seq = ?1",
            )?
            .query_row([number(seq)], |r| {
                let open = Self {
                    seq: number(seq),
                    partner: r.get(1)?,
                    lane: r.get(2)?,
                    dossier: r.get(3)?,
                    head: Head::of(r)?,
                    class: r.get(12)?,
                    caller: r.get(13)?,
                    deadline: deadline(r.get(14)?),
                    route: r.get(15)?,
                };
                Ok((r.get::<_, i64>(0)?, open))
            })
            .optional()?;
        Ok(match found {
            None => Found::Missing,
            Some((0, open)) => Found::Open(Box::new(open)),
            Some(_) => Found::Ended,
        })
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        positive(self.seq)
    }

    /// Its state: a head's is its lane's, any other waits.
    pub(super) fn state(&self) -> DeliveryState {
        self.head.as_ref().map_or(DeliveryState::Waiting, |h| h.state)
    }

    /// Whether it may have been received.
    pub(super) fn sent(&self) -> bool {
        self.head.as_ref().is_some_and(|h| h.sent)
    }

    /// Ends it; if it was the head, the lane goes on. One that is done has been received, whoever says so.
    pub(super) fn end(&self, conn: &Connection, marks: &mut Marks, end: &End<'_>) -> Result<(), Fault> {
        let head = self.head.as_ref();
        let (attempts, sent) = head.map_or((0, false), |h| (h.attempts, h.sent));
        conn.prepare_cached(
            "UPDATE delivery SET state = ?2, ended_at = ?3, attempts = ?4, sent = ?5, adapters = ?6, reason = ?7,
               last_at = ?8, last_ms = ?9, last_what = ?10, last_outcome = ?11, last_why = ?12 WHERE seq = ?1",
        )?
        .execute(params![
            self.seq,
            end.state,
            end.at.map(|t| t.0),
            attempts,
            sent || end.state == code(DeliveryState::Done),
            head.and_then(|h| h.adapters.as_deref()),
            end.reason,
            end.last.map(|a| a.at.0),
            end.last.map(|a| number(a.ms)),
            end.last.map(|a| a.what.as_str()),
            end.last.map(|a| a.outcome.as_str()),
            end.last.and_then(|a| a.why.as_deref()),
        ])?;
        let kept = Kept {
            partner: self.partner.clone(),
            class: self.class.clone(),
            caller: self.caller.clone(),
            route: self.route.clone(),
            due: due_day(self.deadline),
        };
        marks.count(kept, -1);
        if head.is_some() && self.go_on(conn)? {
            marks.due(&self.partner);
        }
        Ok(())
    }

    /// Sets the next open delivery of the lane at its head (`true`), or removes the lane.
    fn go_on(&self, conn: &Connection) -> Result<bool, Fault> {
        let order = if planted(Plant::NewestFirst) { "DESC" } else { "ASC" };
        let next = conn
            .prepare_cached(&format!(
                "SELECT seq, deadline, not_before, created_at FROM delivery WHERE partner = ?1 AND lane = ?2 AND state = 0
                 ORDER BY seq {order} LIMIT 1",
            ))?
            .query_row([&self.partner, &self.lane], |r| {
                let not_before = r.get::<_, Option<i64>>(2)?.map(Time);
                Ok((r.get::<_, i64>(0)?, first(deadline(r.get(1)?), not_before, Time(r.get(3)?))))
            })
            .optional()?;
        let Some((seq, (step, ready, turn))) = next else {
            conn.prepare_cached("DELETE FROM lane WHERE partner = ?1 AND key = ?2")?.execute(params![self.partner, self.lane])?;
            return Ok(false);
        };
        conn.prepare_cached(
            "UPDATE lane SET head = n.seq, dossier = n.dossier, class = n.class, caller = n.caller, deadline = n.deadline,
               route = n.route, ready_at = ?4, step = ?5, turn = ?6, state = 0, run = NULL, claimed_at = NULL, attempts = 0, tries = 0,
               sent = 0, called_at = NULL, why = NULL, asked = 0, adapters = NULL, reason = NULL
             FROM (SELECT seq, dossier, class, caller, deadline, route FROM delivery WHERE seq = ?3) AS n
             WHERE lane.partner = ?1 AND lane.key = ?2",
        )?
        .execute(params![self.partner, self.lane, seq, ready.0, step, turn])?;
        Ok(true)
    }

    /// Lets a held head wait again, as new: no attempts, no doubt. One that cannot have been received forgets its adapter set.
    pub(super) fn renew(&self, conn: &Connection, marks: &mut Marks, at: Time, not_received: bool) -> Result<(), Fault> {
        conn.prepare_cached(
            "UPDATE lane SET state = 0, ready_at = ?3, step = ?5, turn = ?6, attempts = 0, called_at = NULL, why = NULL, asked = 0,
               reason = NULL, sent = sent AND NOT ?4, adapters = CASE WHEN sent AND NOT ?4 THEN adapters ELSE NULL END WHERE partner = ?1 AND key = ?2",
        )?
        .execute(params![self.partner, self.lane, at.0, not_received, number_of(Step::First), urgency(self.deadline, at)])?;
        marks.due(&self.partner);
        Ok(())
    }

    /// Writes how the head stands after a try that did not end it.
    pub(super) fn stay(&self, conn: &Connection, head: &Head, stay: &Stay) -> Result<(), Fault> {
        let turn = stay.ready.map_or(0, |(step, at)| if step == Step::First { urgency(self.deadline, at) } else { at.0 });
        conn.prepare_cached(
            "UPDATE lane SET state = ?3, ready_at = ?4, attempts = ?5, tries = ?6, sent = ?7, adapters = ?8, reason = ?9, run = NULL,
               claimed_at = NULL,
               step = ?14, turn = ?15, called_at = CASE ?10 WHEN 0 THEN called_at ELSE ?11 END, why = CASE ?10 WHEN 0 THEN why ELSE ?12 END,
               asked = CASE ?10 WHEN 0 THEN asked ELSE ?13 END
             WHERE partner = ?1 AND key = ?2",
        )?
        .execute(params![
            self.partner,
            self.lane,
            stay.state,
            stay.ready.map(|(_, t)| t.0),
            head.attempts,
            head.tries,
            head.sent,
            head.adapters,
            stay.reason,
            stay.doubt.is_some(),
            stay.doubt.as_ref().and_then(|d| d.as_ref()).map(|d| d.called_at.0),
            stay.doubt.as_ref().and_then(|d| d.as_ref()).map(|d| d.why.as_str()),
            stay.doubt.as_ref().and_then(|d| d.as_ref()).map_or(0, |d| d.asked),
            stay.ready.map(|(step, _)| number_of(step)),
            turn,
        ])?;
        Ok(())
    }
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

/// How a delivery that becomes head waits: step, from when, its turn. One that must not go before a time waits like a further attempt.
fn first(deadline: Option<Time>, not_before: Option<Time>, created: Time) -> (i64, Time, i64) {
    match not_before {
        Some(at) => (number_of(Step::Again), at, at.0),
        None => (number_of(Step::First), created, urgency(deadline, created)),
    }
}

fn deadline(stored: i64) -> Option<Time> {
    (stored != NO_DEADLINE).then_some(Time(stored))
}

fn due_day(deadline: Option<Time>) -> i64 {
    deadline.map_or(0, Time::day)
}

/// The number of a step.
pub(super) fn number_of(step: Step) -> i64 {
    match step {
        Step::First => 0,
        Step::Again => 1,
        Step::Inquiry => 2,
    }
}

/// The step of a number.
pub(super) fn step(n: i64) -> Step {
    match n {
        0 => Step::First,
        2 => Step::Inquiry,
        _ => Step::Again,
    }
}

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

/// Closes a delivery that must still be in the state it was seen in; `false`: it is not.
pub(super) fn close_seen(conn: &Connection, marks: &mut Marks, close: &Close, at: Option<Time>) -> Result<bool, Fault> {
    if !matches!(close.seen, DeliveryState::Waiting | DeliveryState::Unknown | DeliveryState::Parked) {
        return Err(Fault::Refused("only a waiting, unknown or parked delivery is closed"));
    }
    let Found::Open(open) = Open::find(conn, close.delivery)? else { return Ok(false) };
    if open.state() != close.seen {
        return Ok(false);
    }
    let state = code(if close.proven { DeliveryState::Done } else { DeliveryState::Closed });
    open.end(conn, marks, &End { state, at, reason: Some(&close.reason), last: None })?;
    marks.tell(open.dossier.as_deref(), Some(close.delivery));
    Ok(true)
}

/// Moves the times before which deliveries may not begin; by their index, whatever else waits.
pub(super) const LATER: &str = "UPDATE delivery SET not_before = not_before + ?1 WHERE state = 0 AND not_before > ?2";

/// The wall was set by `ms` at `now`: what waits for a time still to come waits as long as before; so does what was due before the wall went
/// back. Doubts and the pacing move with it.
pub(super) fn shift(conn: &Connection, now: Time, ms: i64) -> Result<(), rusqlite::Error> {
    // A first attempt waits for no time.
    let after = now.plus_ms(ms.min(0));
    conn.execute(
        "UPDATE lane SET ready_at = ready_at + ?1, turn = turn + ?1 WHERE step > 0 AND turn > ?2",
        params![ms, after.0],
    )?;
    // Of heads the lane's row counts; what waits behind one keeps its time in its own.
    conn.execute(LATER, params![ms, after.0])?;
    conn.execute("UPDATE lane SET called_at = called_at + ?1 WHERE state > 0 AND called_at IS NOT NULL", [ms])?;
    conn.execute("UPDATE lane SET claimed_at = claimed_at + ?1 WHERE state = 1", [ms])?;
    Ok(())
}

/// A row number as the trait speaks of it.
pub(super) fn positive(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

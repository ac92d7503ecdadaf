//! Claiming due heads and settling them: the two ends of a call.
//!
//! What always holds: which heads are claimed is the policy's choice (`delivery::Feed`), and its state is saved with the claims; a claim
//! costs what it takes, whatever waits, and a little per class, caller and route; what goes together in one call is one stream's, of one
//! adapter set, and used up no attempt before; a claim is of this run, and only a settlement of this run ends it; a doubt stays until it is cleared by name or the delivery ends.

use super::effects::{Ready, number};
use super::lane::{self, End, Found, Head, Open, Stay, code, positive};
use super::writer::{Fault, Made, Marks};
use super::{Attempt, Claim, DeliveryState, Doubt, Next, Settled, Take, Taken};
use crate::clock::Time;
use crate::delivery::{Step, Stream};
use crate::model::Kind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Tries a delivery's history keeps, besides the one that ended it.
const HISTORY: i64 = 99;

/// Deliveries after which a claim takes no further call: one transaction stays short.
const ENOUGH: usize = 256;

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

/// The lanes of a stream that go next, and where the next of them stands.
struct Front {
    stream: Stream,
    /// The lanes still to be given, the next one last; none: not looked up yet.
    lanes: Option<Vec<Coming>>,
}

/// A lane that may be given next.
struct Coming {
    key: String,
    turn: i64,
    attempts: i64,
    adapters: Option<String>,
}

// === functions ===

/// Takes heads of a partner in the order of the feed, and saves the feed's state with them.
pub(super) fn claim(conn: &Connection, take: &Take, run: i64) -> Result<Made<Taken>, Fault> {
    let mut taken = Taken { claims: Vec::new(), feed: take.feed.clone(), next: None, left: false };
    let paused: Option<Option<String>> =
        conn.prepare_cached("SELECT paused FROM partner WHERE name = ?1")?.query_row([&take.partner], |r| r.get(0)).optional()?;
    if matches!(paused, Some(Some(_))) {
        return Ok(Made::Dropped(taken));
    }
    let mut fronts = fronts(conn, &take.partner)?;
    let mut streams: Vec<Stream> = fronts.iter().map(|f| f.stream.clone()).collect();
    for call in 0..take.max {
        if taken.claims.len() >= ENOUGH {
            break;
        }
        let Some(n) = taken.feed.choose(&streams, take.now, take.probe) else { break };
        let keys = fronts.get_mut(n).map(|f| f.pull(conn, take)).transpose()?.unwrap_or_default();
        if keys.is_empty() {
            return Err(Fault::Row("lane"));
        }
        for key in keys {
            taken.claims.push(one(conn, take, (&key, call), run)?);
        }
        match fronts.get(n).and_then(Front::turn) {
            Some(turn) => streams.iter_mut().skip(n).take(1).for_each(|s| s.turn = turn),
            None => {
                fronts.remove(n);
                streams.remove(n);
            }
        }
    }
    (taken.next, taken.left) = (taken.feed.next(&streams, take.now), taken.feed.left(&streams, take.now));
    if taken.claims.is_empty() {
        return Ok(Made::Dropped(taken));
    }
    conn.prepare_cached(
        "INSERT INTO partner (name, limits) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET limits = excluded.limits",
    )?
    .execute(params![take.partner, taken.feed.saved().text()])?;
    Ok(Made::Kept(taken))
}

/// The streams of a partner's waiting lanes: the first lane of each by the partial index; what waits behind it is not looked at.
/// Four seeks, the nearest first: for one comparison of the whole row, (class, caller, route, step) > (…), SQLite would walk through
/// all lanes of the stream before it, and a claim would cost what waits.
pub(super) const STREAM: &str = "SELECT * FROM (SELECT class, caller, route, step, turn FROM lane
       WHERE partner = ?1 AND step IS NOT NULL AND class = ?2 AND caller = ?3 AND route = ?4 AND step > ?5
       ORDER BY step, turn LIMIT 1)
     UNION ALL SELECT * FROM (SELECT class, caller, route, step, turn FROM lane
       WHERE partner = ?1 AND step IS NOT NULL AND class = ?2 AND caller = ?3 AND route > ?4 ORDER BY route, step, turn LIMIT 1)
     UNION ALL SELECT * FROM (SELECT class, caller, route, step, turn FROM lane
       WHERE partner = ?1 AND step IS NOT NULL AND class = ?2 AND caller > ?3 ORDER BY caller, route, step, turn LIMIT 1)
     UNION ALL SELECT * FROM (SELECT class, caller, route, step, turn FROM lane
       WHERE partner = ?1 AND step IS NOT NULL AND class > ?2 ORDER BY class, caller, route, step, turn LIMIT 1)
     LIMIT 1";

/// The next lanes of a stream, in their order.
pub(super) const LANES: &str = "SELECT key, turn, attempts, adapters FROM lane
     WHERE partner = ?1 AND class = ?2 AND caller = ?3 AND route = ?4 AND step = ?5 ORDER BY turn, head LIMIT ?6";

/// A lane's head with what is to be sent.
const HEAD: &str = "SELECT d.seq, d.route, d.dossier, d.caller, d.id, d.at, d.kind, l.attempts, l.adapters, l.called_at, l.why, l.asked,
         CASE WHEN d.message IS NULL THEN (SELECT body FROM outgoing WHERE delivery = d.seq) ELSE (SELECT body FROM message WHERE seq = d.message) END, d.trace
       FROM lane l JOIN delivery d ON d.seq = l.head WHERE l.partner = ?1 AND l.key = ?2";

fn fronts(conn: &Connection, partner: &str) -> Result<Vec<Front>, Fault> {
    let mut read = conn.prepare_cached(STREAM)?;
    let mut fronts: Vec<Front> = Vec::new();
    loop {
        let next = match fronts.last().map(|f| &f.stream) {
            Some(s) => read.query_row(params![partner, s.class, s.caller, s.route, lane::number_of(s.step)], stream),
            None => read.query_row(params![partner, "", "", "", -1], stream),
        };
        match next.optional()? {
            Some(stream) => fronts.push(Front { stream, lanes: None }),
            None => return Ok(fronts),
        }
    }
}

fn stream(r: &Row<'_>) -> rusqlite::Result<Stream> {
    Ok(Stream { class: r.get(0)?, caller: r.get(1)?, route: r.get(2)?, step: lane::step(r.get(3)?), turn: r.get(4)? })
}

/// Marks a lane's head as claimed and reads it.
fn one(conn: &Connection, take: &Take, (key, call): (&str, u32), run: i64) -> Result<Claim, Fault> {
    let (kind, claim) = conn.prepare_cached(HEAD)?.query_row([&take.partner, key], |r| {
        let called_at: Option<i64> = r.get(9)?;
        let why = r.get::<_, Option<String>>(10)?;
        let asked = r.get(11)?;
        let claim = Claim {
            delivery: positive(r.get(0)?),
            run: positive(run),
            call,
            partner: take.partner.clone(),
            route: r.get(1)?,
            lane: key.to_owned(),
            dossier: r.get(2)?,
            caller: r.get(3)?,
            id: r.get(4)?,
            at: Time(r.get(5)?),
            kind: Kind::Receipt,
            body: r.get::<_, Option<Vec<u8>>>(12)?.unwrap_or_default(),
            attempts: r.get(7)?,
            adapters: r.get(8)?,
            doubt: called_at.map(|at| Doubt { called_at: Time(at), why: why.unwrap_or_default(), asked }),
            trace: r.get(13)?,
        };
        Ok((r.get::<_, String>(6)?, claim))
    })?;
    conn.prepare_cached(
        "UPDATE lane SET state = 1, ready_at = NULL, step = NULL, run = ?3, claimed_at = ?4, adapters = coalesce(adapters, ?5)
         WHERE partner = ?1 AND key = ?2",
    )?
    .execute(params![take.partner, key, run, take.now.0, take.adapters])?;
    let kind = Kind::of_name(&kind).ok_or(Fault::Row("delivery"))?;
    Ok(Claim { kind, ..claim })
}

// === impl Front ===

impl Front {
    /// The keys of the next call's lanes: one, or as many as the route's calls carry. Looked up once a claim, as many as the claim may
    /// take and one more.
    fn pull(&mut self, conn: &Connection, take: &Take) -> Result<Vec<String>, Fault> {
        let size = match self.stream.step {
            Step::First | Step::Again => take.batches.get(&self.stream.route).map_or(1, |n| usize::try_from(*n).unwrap_or(1)),
            Step::Inquiry => 1,
        };
        if self.lanes.is_none() {
            self.lanes = Some(self.look(conn, take, size)?);
        }
        let lanes = self.lanes.get_or_insert_default();
        let mut keys = Vec::new();
        let mut first: Option<Coming> = None;
        while keys.len() < size {
            let goes = |next: &Coming| first.as_ref().is_none_or(|first| next.goes_with(first, &self.stream, take));
            let Some(next) = lanes.pop_if(|next| goes(next)) else { break };
            keys.push(next.key.clone());
            first.get_or_insert(next);
        }
        Ok(keys)
    }

    fn look(&self, conn: &Connection, take: &Take, size: usize) -> Result<Vec<Coming>, Fault> {
        let s = &self.stream;
        let calls = usize::try_from(take.max).unwrap_or(usize::MAX);
        // The last call may begin just below the bound.
        let most = calls.saturating_mul(size).min(ENOUGH.saturating_add(size)).saturating_add(1);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let which = params![take.partner, s.class, s.caller, s.route, lane::number_of(s.step), most];
        let mut read = conn.prepare_cached(LANES)?;
        let rows =
            read.query_map(which, |r| Ok(Coming { key: r.get(0)?, turn: r.get(1)?, attempts: r.get(2)?, adapters: r.get(3)? }))?;
        let mut lanes: Vec<Coming> = rows.collect::<Result<_, _>>()?;
        lanes.reverse();
        Ok(lanes)
    }

    fn turn(&self) -> Option<i64> {
        self.lanes.as_ref()?.last().map(|next| next.turn)
    }
}

// === impl Coming ===

impl Coming {
    /// Whether it goes in one call with the first of it: due, written by the same adapter set, and neither was refused or left open
    /// before (such a one goes alone, so that it is told apart from its company).
    fn goes_with(&self, first: &Self, stream: &Stream, take: &Take) -> bool {
        let set = |of: &Self| of.adapters.clone().unwrap_or_else(|| take.adapters.clone());
        let due = stream.step == Step::First || self.turn <= take.now.0;
        due && first.attempts == 0 && self.attempts == 0 && set(self) == set(first)
    }
}

/// Ends a claim of this run.
pub(super) fn settle(conn: &Connection, marks: &mut Marks, s: &ReadySettlement, run: i64) -> Result<Made<Settled>, Fault> {
    let Found::Open(mut open) = Open::find(conn, s.delivery)? else { return Ok(Made::Dropped(Settled::Gone)) };
    let Some(mut head) = open.head.take() else { return Ok(Made::Dropped(Settled::Gone)) };
    if head.state != DeliveryState::Claimed || head.run != Some(run) || s.run != positive(run) {
        return Ok(Made::Dropped(Settled::Gone));
    }
    if !s.effects.write_versions(conn)? {
        return Ok(Made::Dropped(Settled::Stale));
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
            if stay.ready.is_some() {
                marks.due(&open.partner);
            }
        }
        Err((state, reason)) => {
            head.sent = true;
            open.head = Some(head);
            open.end(conn, marks, &End { state: code(state), at: Some(s.at), reason, last: Some(&s.attempt) })?;
        }
    }
    if !s.effects.write_rest(conn, marks, None, Some(s.at))? {
        return Ok(Made::Dropped(Settled::Stale));
    }
    marks.tell(open.dossier.as_deref(), Some(s.delivery));
    Ok(Made::Kept(Settled::Written))
}

/// How the head stands after the try, or (`Err`) the state it ends in and why.
fn standing<'s>(s: &'s ReadySettlement, head: &mut Head) -> Result<Stay, (DeliveryState, Option<&'s str>)> {
    let why = s.attempt.why.clone();
    let again = |head: &Head, at| {
        let (state, step) = if head.doubt { (2, Step::Inquiry) } else { (0, Step::Again) };
        Stay { state, ready: Some((step, at)), reason: why.clone(), doubt: None }
    };
    Ok(match &s.next {
        Next::Done => return Err((DeliveryState::Done, None)),
        Next::Reject { reason } => return Err((DeliveryState::Rejected, Some(reason))),
        Next::Retry { at } => {
            head.attempts += 1;
            again(head, *at)
        }
        Next::Later { at } => again(head, *at),
        Next::Ask { at, called_at, why, asked, used } => {
            head.sent = true;
            head.attempts += i64::from(*used);
            let doubt = Doubt { called_at: *called_at, why: why.clone(), asked: *asked };
            Stay { state: 2, ready: Some((Step::Inquiry, *at)), reason: Some(why.clone()), doubt: Some(Some(doubt)) }
        }
        // They never had it: for them it is a first attempt.
        Next::Clear { at } => {
            head.sent = false;
            let step = if *at > s.at { Step::Again } else { Step::First };
            Stay { state: 0, ready: Some((step, *at)), reason: why, doubt: Some(None) }
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

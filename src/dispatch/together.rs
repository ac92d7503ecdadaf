//! One call for several deliveries of a route, each of another lane: written as rows, each settled by its own row of the answer.
//!
//! What always holds: a message that cannot be written spoils no other; what the answer does not tell of a message is unknown for that
//! message; a call that is cut leaves each of its messages as unknown as if it had gone alone, and each is asked after (or repeated, or
//! shown to a person) by the route's own rule. Where an answer is one word for all and the word is no, nobody knows whom it meant:
//! each goes again, alone, and is told for itself.

use super::Shared;
use super::attempt::{Ending, LIGHT, chance, fetch, here, light, ms, not_sent, parked, proven, set_of, snapshot};
use super::first::session;
use super::next::{Standing, after_call};
use super::turns::Turns;
use super::wire::{Outgoing, Renewed, Unwritable};
use crate::body::Value;
use crate::catalogue::{OutRoute, Partner, Repeat, RowBy};
use crate::clock::Time;
use crate::delivery::{Fact, Facts, Judge, Outcome};
use crate::exchange::{self, Known};
use crate::journal::{Claim, Next, Snapshot};
use crate::mapping::{Context, MemoryContents, Reading, Unread, WireFault};
use crate::partner::{Body, Reply};
use crate::planted::{Plant, planted};
use std::time::Duration;

/// One message of the call.
struct Item<'a> {
    claim: &'a Claim,
    body: Value,
    snapshot: Snapshot,
}

/// The call's rows as bytes.
struct Written<'a> {
    /// Why a row could not be written, row by row.
    unwritable: Vec<Option<String>>,
    /// The rows that go.
    going: Vec<Outgoing<'a>>,
    /// None: no row goes.
    body: Option<Result<Body, Unwritable>>,
}

/// How the call went for each of its messages.
struct Gone {
    outcomes: Vec<Outcome>,
    /// The answer was one word for all of them.
    one_word: bool,
    called: bool,
    /// How long the call took.
    took: Duration,
    left: Option<(u32, Duration)>,
}

// === functions ===

/// What one call came to, claim by claim, in their order.
pub(super) async fn attempt(
    shared: &Shared,
    known: &Known,
    claims: &[Claim],
    (began, turns): (Time, &Turns),
    healthy: bool,
) -> Vec<Ending> {
    let all = |ending: &dyn Fn() -> Ending| claims.iter().map(|_| ending()).collect();
    // They were claimed together because one set writes them.
    let Some(set) = claims.first().and_then(|claim| set_of(shared, known, claim)) else {
        let digest = claims.first().and_then(|c| c.adapters.clone()).unwrap_or_default();
        return all(&|| parked("adapter-set-missing", digest.clone()));
    };
    let digest = &set.digest;
    let Some(partner) = claims.first().and_then(|c| set.partners.get(&c.partner)) else {
        return all(&|| parked("partner-missing", digest.clone()));
    };
    let Some(route) = claims.first().and_then(|c| partner.outs.get(&c.route)) else {
        return all(&|| parked("route-missing", digest.clone()));
    };
    let mut items = Vec::new();
    let mut endings: Vec<Option<Ending>> = Vec::new();
    for claim in claims {
        match item(shared, claim, digest).await {
            Ok(item) => {
                items.push(item);
                endings.push(None);
            }
            Err(ending) => endings.push(Some(ending)),
        }
    }
    let gone = send(shared, (partner, route), &items, (began, turns)).await;
    let now = shared.parts.clock.now();
    let alone = gone.one_word && items.len() > 1;
    // One throw for all: what failed together comes due together, and goes together again.
    let chance = chance(shared);
    let sent = items.iter().zip(&gone.outcomes).map(|(item, outcome)| {
        let standing = Standing {
            attempts: item.claim.attempts,
            repeat: if planted(Plant::BlindRepeat) { Repeat::Safe } else { route.repeat },
            policy: partner.retry_of(route),
            quiet: route.quiet,
            schedule: &route.ask_schedule,
            healthy,
            // Measured, not remembered: the wall may have been set since.
            began: now.plus_ms(-ms(gone.took)),
            now,
            chance,
        };
        let next = match outcome {
            // It was not processed: to whom the no was meant is seen when each goes alone.
            Outcome::Reject { .. } if alone => Next::Retry { at: now },
            _ => after_call(outcome, &standing),
        };
        // What the adapter could not write was no call.
        let called = gone.called && !outcome.why().is_some_and(unwritten);
        Ending { outcome: outcome.clone(), next, content: None, what: "call", adapters: digest.clone(), called, left: gone.left }
    });
    let mut sent: Vec<Ending> = sent.collect();
    sent.reverse();
    let ending = |kept: Option<Ending>| kept.or_else(|| sent.pop()).unwrap_or_else(|| parked("route-missing", digest.clone()));
    endings.into_iter().map(ending).collect()
}

/// A claim with what is needed to send it; `Err`: there is nothing to send.
async fn item<'a>(shared: &Shared, claim: &'a Claim, digest: &str) -> Result<Item<'a>, Ending> {
    let body = serde_json::from_slice(&claim.body).map_err(|_| parked("body-unreadable", digest.to_owned()))?;
    let Ok(snapshot) = snapshot(shared, claim).await else {
        return Err(not_sent("journal-unreadable", digest.to_owned(), shared.parts.clock.now()));
    };
    if exchange::proven(claim, &snapshot) {
        return Err(proven(digest.to_owned()));
    }
    Ok(Item { claim, body, snapshot })
}

/// Writes what can be written, calls, judges each.
async fn send(
    shared: &Shared,
    (partner, route): (&Partner, &OutRoute),
    items: &[Item<'_>],
    (began, turns): (Time, &Turns),
) -> Gone {
    let mut rows: Vec<Outgoing<'_>> = items.iter().map(|item| item.row((partner, route))).collect();
    let held = match rows.first() {
        Some(first) => session(shared, first, (began, turns)).await,
        None => Ok(None),
    };
    match held {
        Ok(session) => rows.iter_mut().for_each(|row| row.renewed.session.clone_from(&session)),
        Err(outcome) => {
            let outcomes = vec![outcome; rows.len()];
            return Gone { outcomes, one_word: false, called: true, took: Duration::ZERO, left: None };
        }
    }
    let light =
        items.iter().all(|item| light(&item.claim.body)) && items.iter().map(|i| i.claim.body.len()).sum::<usize>() <= LIGHT;
    let Written { unwritable, going, body } = write(shared, &rows, light);
    let id = call_id(&going);
    let mut gone = Gone { outcomes: Vec::new(), one_word: false, called: false, took: Duration::ZERO, left: None };
    match (body, call(&going, &id)) {
        (Some(Ok(body)), Some(message)) => {
            gone.called = true;
            match fetch(shared, &message, body, (began, (turns, &route.name))).await {
                Err(outcome) => gone.outcomes = vec![outcome; going.len()],
                Ok((reply, took)) => {
                    let now = shared.parts.clock.now();
                    let told = match &reply {
                        Ok(reply) if route.items.is_some() => {
                            message.judge_call(reply, now).map(|()| message.judge_rows(&going, reply, now))
                        }
                        _ => Err(message.judge(&reply, now).0),
                    };
                    gone.one_word = told.is_err() && going.len() > 1;
                    gone.outcomes = told.unwrap_or_else(|outcome| vec![outcome; going.len()]);
                    (gone.took, gone.left) = (took, reply.ok().and_then(|r| r.advice.left));
                }
            }
        }
        (Some(Err(Unwritable(why))), _) => gone.outcomes = vec![Outcome::Park { why }; going.len()],
        _ => {}
    }
    gone.outcomes.reverse();
    let missing = || Outcome::Unknown { why: "answer-missing".to_owned() };
    let mut next = || gone.outcomes.pop().unwrap_or_else(missing);
    let outcomes = unwritable.into_iter().map(|why| why.map_or_else(&mut next, |why| Outcome::Park { why })).collect();
    Gone { outcomes, ..gone }
}

/// Writes the rows. A row's own fault is told of it alone, and the others go without it.
fn write<'a>(shared: &Shared, rows: &[Outgoing<'a>], light: bool) -> Written<'a> {
    let all = |going: &[Outgoing<'_>]| {
        let id = call_id(going);
        here(light, || call(going, &id).map(|call| call.write_rows(going, &shared.parts.blobs)))
    };
    let body = all(rows);
    let Some(Err(Unwritable(why))) = &body else {
        return Written { unwritable: rows.iter().map(|_| None).collect(), going: rows.to_vec(), body };
    };
    let alone = |row: &Outgoing<'_>| here(light, || row.write(&shared.parts.blobs)).err().map(|Unwritable(why)| why);
    let mut unwritable: Vec<Option<String>> = rows.iter().map(alone).collect();
    // Each can be written and all of them cannot: no row is to blame, so none is let go.
    if unwritable.iter().all(Option::is_none) {
        unwritable = rows.iter().map(|_| Some(why.clone())).collect();
    }
    let going: Vec<Outgoing<'a>> =
        rows.iter().zip(&unwritable).filter(|(_, why)| why.is_none()).map(|(row, _)| row.clone()).collect();
    let body = all(&going);
    Written { unwritable, going, body }
}

/// Whether a reason says that the adapter could not write the message.
fn unwritten(why: &str) -> bool {
    why.starts_with("not-writable") || why.starts_with("not-valid-by-xsd")
}

/// What a call of these rows is called: a single one by its own id; of several by all of theirs, so that the same company has the same id.
fn call_id(rows: &[Outgoing<'_>]) -> String {
    match rows {
        [row] => row.id.to_owned(),
        several => {
            let ids: Vec<&str> = several.iter().map(|row| row.id).collect();
            crate::seal::sha256_hex(ids.join(" ").as_bytes()).chars().take(32).collect()
        }
    }
}

/// The call around the rows; none without any.
fn call<'a>(rows: &[Outgoing<'a>], id: &'a str) -> Option<Outgoing<'a>> {
    rows.first().map(|first| Outgoing { id, dossier: if rows.len() == 1 { first.dossier } else { None }, ..first.clone() })
}

// === impl Item ===

impl<'a> Item<'a> {
    fn row(&'a self, (partner, route): (&'a Partner, &'a OutRoute)) -> Outgoing<'a> {
        Outgoing {
            partner,
            route,
            id: &self.claim.id,
            at: self.claim.at,
            body: &self.body,
            dossier: self.snapshot.dossier.as_ref(),
            trace: self.claim.trace.as_deref(),
            renewed: Renewed::default(),
        }
    }
}

// === impl Outgoing ===

impl Outgoing<'_> {
    /// Whether the answer as a whole tells of its rows; `Err`: it is one word for all.
    fn judge_call(&self, reply: &Reply, now: Time) -> Result<(), Outcome> {
        match self.judged(reply, now) {
            Outcome::Done { .. } => Ok(()),
            other => Err(other),
        }
    }

    /// What the rows of an answer judged done say of each message. Of whom no row tells, or several that differ, nothing is known.
    pub(super) fn judge_rows(&self, rows: &[Self], reply: &Reply, now: Time) -> Vec<Outcome> {
        let unknown = |why: &str| vec![Outcome::Unknown { why: why.to_owned() }; rows.len()];
        let Some(items) = &self.route.items else { return unknown("no-judge") };
        let Some(mapping) = self.partner.book.map(&items.map) else { return unknown("mapping-missing") };
        let mut context = Context::new();
        for (name, value) in &self.partner.values {
            context.set(format!("partner.{name}"), value.as_str());
        }
        let unreadable = |faults: &[WireFault]| {
            let place = faults.first().map_or(String::new(), |f| format!(" at {}", f.pointer()));
            format!("answer-unreadable{place}")
        };
        let told = match mapping.read_each(&reply.body, &context, &mut MemoryContents::default()) {
            Ok(told) => told,
            Err(faults) => return unknown(&unreadable(&faults)),
        };
        if items.by == RowBy::Order && told.len() != rows.len() {
            return unknown("answer-rows-differ");
        }
        let judge = items.judge.as_ref().and_then(|name| self.partner.judges.get(name));
        let of = |n: usize, row: &Self| {
            let is_mine = |(at, told): &(usize, &Result<Reading, Unread>)| {
                let receipt = told.as_ref().map_or_else(|unread| &unread.read.body, |reading| &reading.body);
                match items.by {
                    RowBy::Order => *at == n,
                    RowBy::Dossier => row.code().is_some() && receipt.get("dossier").and_then(Value::as_str) == row.code(),
                    RowBy::Reference => receipt.get("reference").and_then(Value::as_str) == Some(row.id),
                }
            };
            let mut said = told.iter().enumerate().filter(is_mine).map(|(_, told)| match told {
                Ok(reading) => judged_row(judge, &reading.body, reply, now),
                Err(unread) => Outcome::Unknown { why: unreadable(&unread.faults) },
            });
            let shared = items.by == RowBy::Dossier && rows.iter().filter(|other| other.code() == row.code()).count() > 1;
            match said.next() {
                None => Outcome::Unknown { why: "answer-missing".to_owned() },
                Some(_) if shared => Outcome::Unknown { why: "answer-ambiguous".to_owned() },
                Some(first) if said.any(|other| other != first) => {
                    Outcome::Unknown { why: "answer-contradicts-itself".to_owned() }
                }
                Some(first) => first,
            }
        };
        rows.iter().enumerate().map(|(n, row)| of(n, row)).collect()
    }

    fn code(&self) -> Option<&str> {
        self.body.get("code").and_then(Value::as_str)
    }
}

/// What one row says, by the rules of its judge; without one by its outcome, accepted or refused.
fn judged_row(judge: Option<&Judge>, receipt: &Value, reply: &Reply, now: Time) -> Outcome {
    let fact = |place: &str| match receipt.pointer(place)? {
        Value::Null => Some(Fact::Null),
        Value::Bool(b) => Some(Fact::Bool(*b)),
        Value::Number(n) => Some(Fact::Number(n.to_string())),
        Value::String(text) => Some(Fact::Text(text.to_string())),
        Value::Array(_) | Value::Object(_) => Some(Fact::Node),
    };
    let facts = |places: &[&str]| Facts {
        http: reply.status,
        values: places.iter().map(|place| ((*place).to_owned(), fact(place))).collect(),
        retry_after: reply.advice.after.map(|after| after.wait(now)),
        ..Facts::default()
    };
    match judge {
        Some(judge) => judge.decide(&facts(&judge.places())),
        None => Judge::of_receipts().decide(&facts(&["/outcome", "/reason"])),
    }
}

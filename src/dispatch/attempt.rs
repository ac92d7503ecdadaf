//! What goes in one call, from its start to its settlement: the message itself (several of them: `together`), or the question what
//! became of it.

use super::Shared;
use super::first::{not_signed_in, renewed};
use super::next::{Standing, after_call, after_inquiry};
use super::together;
use super::turns::Turns;
use super::wire::{Outgoing, Renewed, Unwritable};
use crate::body::{Value, json};
use crate::catalogue::{Catalogue, OutRoute, Partner, Repeat};
use crate::clock::Time;
use crate::delivery::{Outcome, Trouble};
use crate::exchange::{self, Ended, Evidence, Known, Origin, Scene, Service};
use crate::journal::{Attempt, CaseFilter, Claim, Effects, JournalError, Next, Settled, Settlement, Snapshot};
use crate::model::{Kind, Message, Mint};
use crate::partner::{Body, Reply, SendError};
use crate::planted::{Plant, planted};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Open cases of a dossier that a call's end may settle.
const MOST_CASES: u32 = 100;
/// Bytes up to which a message is written, and an answer read, where it is: handing it over would take longer.
pub(super) const LIGHT: usize = 64 << 10;
/// How a body names a content.
const CONTENT: &[u8] = b"\"blob\":";

/// What one attempt came to.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) next: Next,
    pub(super) content: Option<Message>,
    pub(super) what: &'static str,
    pub(super) adapters: String,
    /// A call was tried: the outcome says something about the partner, not only about us.
    pub(super) called: bool,
    /// Calls the partner says it still takes, and for how long.
    pub(super) left: Option<(u32, Duration)>,
}

/// What a call says about the partner.
pub(super) struct Told {
    /// How it ended.
    pub(super) outcome: Outcome,
    /// So many messages are done with: no further call of theirs is to come.
    pub(super) over: u32,
    /// Calls the partner says it still takes, and for how long.
    pub(super) left: Option<(u32, Duration)>,
}

/// How a call went.
struct Sent {
    outcome: Outcome,
    content: Option<Message>,
    called: bool,
    /// From the call's begin to its end: measured, not remembered, for the wall may be set meanwhile.
    took: Duration,
    left: Option<(u32, Duration)>,
}

/// The claims of a round by the calls they go with.
pub(super) fn calls(claims: Vec<Claim>) -> Vec<Vec<Claim>> {
    let mut calls: Vec<Vec<Claim>> = Vec::new();
    for claim in claims {
        match calls.last_mut().filter(|call| call.last().is_some_and(|last| last.call == claim.call)) {
            Some(call) => call.push(claim),
            None => calls.push(vec![claim]),
        }
    }
    calls
}

/// Waits for the planned moment of the call, makes it in its turn, judges it, settles each of its deliveries, all with the set it was claimed with; answers what
/// it says about the partner (none: no call was tried).
pub(super) async fn run(
    shared: Arc<Shared>,
    known: Arc<Known>,
    claims: Vec<Claim>,
    (wait, turns): (Duration, Arc<Turns>),
    healthy: bool,
) -> Option<Told> {
    tokio::time::sleep(wait).await;
    let began = shared.parts.clock.now();
    let partner = claims.first()?.partner.clone();
    shared.board.update(&partner, |s| s.calls += 1);
    let results = match claims.as_slice() {
        [claim] => vec![attempt(&shared, &known, claim, (began, &turns), healthy).await],
        several => together::attempt(&shared, &known, several, (began, &turns), healthy).await,
    };
    if results.iter().any(|r| matches!(r.outcome, Outcome::SignIn { .. }))
        && let Some(partner) = known.catalogue.partners.get(&partner)
    {
        for name in partner.sign_in.keys() {
            shared.tokens.forget(&partner.name, name).await;
        }
    }
    let told = told(&results);
    let mut each: Vec<(Claim, Ending)> = claims.into_iter().zip(results).collect();
    // The last one here: most calls carry one message, and a task of its own would cost it more than it saves.
    let last = each.pop();
    let mut settling = JoinSet::new();
    for (claim, result) in each {
        let (shared, known) = (shared.clone(), known.clone());
        settling.spawn(async move { settle(&shared, &known, &claim, began, &result).await });
    }
    if let Some((claim, result)) = &last {
        settle(&shared, &known, claim, began, result).await;
    }
    settling.join_all().await;
    told
}

/// What a call says about the partner: in its senses when it dealt with one of its messages.
fn told(results: &[Ending]) -> Option<Told> {
    let called = || results.iter().filter(|r| r.called);
    let said = called().find(|r| r.outcome.trouble() == Trouble::None).or_else(|| called().next())?;
    let over = called().filter(|r| matches!(r.next, Next::Done | Next::Reject { .. } | Next::Park { .. })).count();
    Some(Told { outcome: said.outcome.clone(), over: u32::try_from(over).unwrap_or(u32::MAX), left: said.left })
}

/// The set a claim goes with: a delivery attempted before goes on with that of its first attempt, so that its body stays the same bytes.
pub(super) fn set_of(shared: &Shared, known: &Known, claim: &Claim) -> Option<Arc<Catalogue>> {
    match &claim.adapters {
        Some(digest) => shared.parts.shelf.set(digest),
        None => Some(known.catalogue.clone()),
    }
}

async fn attempt(shared: &Shared, known: &Known, claim: &Claim, (began, turns): (Time, &Turns), healthy: bool) -> Ending {
    let set = set_of(shared, known, claim);
    let Some(set) = set else { return parked("adapter-set-missing", claim.adapters.clone().unwrap_or_default()) };
    let digest = set.digest.clone();
    let Some(partner) = set.partners.get(&claim.partner).cloned() else { return parked("partner-missing", digest) };
    let Some(route) = partner.outs.get(&claim.route) else { return parked("route-missing", digest) };
    let Ok(body) = serde_json::from_slice::<Value>(&claim.body) else { return parked("body-unreadable", digest) };
    let Ok(snapshot) = snapshot(shared, claim).await else {
        return not_sent("journal-unreadable", digest, shared.parts.clock.now());
    };
    if exchange::proven(claim, &snapshot) {
        return proven(digest);
    }
    let repeat = if planted(Plant::BlindRepeat) { Repeat::Safe } else { route.repeat };
    let standing = |now: Time, took: Duration| Standing {
        attempts: claim.attempts,
        repeat,
        policy: partner.retry_of(route),
        quiet: route.quiet,
        schedule: &route.ask_schedule,
        healthy,
        began: now.plus_ms(-ms(took)),
        now,
        chance: chance(shared),
    };
    let message = Outgoing {
        partner: &partner,
        route,
        id: &claim.id,
        at: claim.at,
        body: &body,
        dossier: snapshot.dossier.as_ref(),
        trace: claim.trace.as_deref(),
        renewed: Renewed::default(),
    };
    match (&claim.doubt, repeat) {
        (Some(doubt), Repeat::Ask) => {
            let Some((ask, question)) = question(&partner, route, claim, &body) else { return parked("no-inquiry", digest) };
            let inquiry_id = Mint::new(&*shared.parts.random, began).message_id();
            let inquiry = Outgoing {
                partner: &partner,
                route: ask,
                id: &inquiry_id,
                at: began,
                body: &question,
                dossier: None,
                trace: claim.trace.as_deref(),
                renewed: Renewed::default(),
            };
            let Sent { outcome, content, called, took, left } =
                send(shared, &inquiry, (began, (turns, &claim.route)), true).await;
            let evidence: Option<Evidence> =
                matches!(outcome, Outcome::Done { .. }).then(|| exchange::answered(claim, content.as_ref()));
            let next = after_inquiry(&outcome, evidence, doubt, &standing(shared.parts.clock.now(), took));
            Ending { outcome, next, content, what: "inquiry", adapters: digest, called, left }
        }
        (Some(doubt), Repeat::Never) => parked(&format!("outcome-unknown: {}", doubt.why), digest),
        _ => {
            let Sent { outcome, content, called, took, left } =
                send(shared, &message, (began, (turns, &claim.route)), light(&claim.body)).await;
            let next = after_call(&outcome, &standing(shared.parts.clock.now(), took));
            Ending { outcome, next, content, what: "call", adapters: digest, called, left }
        }
    }
}

/// Asks first where the route says so, writes, signs in, waits for the call's turn, calls, judges.
async fn send(shared: &Shared, message: &Outgoing<'_>, at: (Time, (&Turns, &str)), light: bool) -> Sent {
    let unsent = |outcome, called| Sent { outcome, content: None, called, took: Duration::ZERO, left: None };
    let message = match renewed(shared, message, at).await {
        Ok(renewed) => &Outgoing { renewed, ..message.clone() },
        Err(outcome) => return unsent(outcome, true),
    };
    let written = here(light, || message.write(&shared.parts.blobs));
    let body = match written {
        Ok(body) => body,
        Err(Unwritable(why)) => return unsent(Outcome::Park { why }, false),
    };
    let (reply, took) = match fetch(shared, message, body, at).await {
        Ok(fetched) => fetched,
        Err(outcome) => return unsent(outcome, true),
    };
    let answered = shared.parts.clock.now();
    let short = reply.as_ref().map_or(true, |r| r.body.len() <= LIGHT);
    let (outcome, content) = here(short, || message.judge(&reply, answered));
    Sent { outcome, content, called: true, took, left: reply.ok().and_then(|r| r.advice.left) }
}

/// Signs in where that is needed, waits for the call's turn, and calls: what came back, and how long it took; the outcome where it did
/// not come to a call.
pub(super) async fn fetch(
    shared: &Shared,
    message: &Outgoing<'_>,
    body: Body,
    (now, (turns, route)): (Time, (&Turns, &str)),
) -> Result<(Result<Reply, SendError>, Duration), Outcome> {
    let call = message.call(shared, body, (now, turns)).await.map_err(not_signed_in)?;
    turns.pass(route, &*shared.parts.clock).await;
    let start = shared.parts.clock.since_start();
    let reply = shared.parts.transport.send(call).await;
    Ok((reply, shared.parts.clock.since_start().saturating_sub(start)))
}

/// Whether a message is written in well under a millisecond: it is short and names no content to be read from disk.
pub(super) fn light(body: &[u8]) -> bool {
    body.len() <= LIGHT && !body.windows(CONTENT.len()).any(|w| w == CONTENT)
}

/// Does short work here; long work (contents from disk, megabytes) not on the threads that carry everybody's sockets.
pub(super) fn here<T>(light: bool, work: impl FnOnce() -> T) -> T {
    if light { work() } else { tokio::task::block_in_place(work) }
}

/// Writes down how it ended, with all it causes; computed anew when a row has changed meanwhile. While the store cannot be read or
/// written nothing is lost: the claim stays this run's, and the next start would ask after it.
async fn settle(shared: &Shared, known: &Known, claim: &Claim, began: Time, result: &Ending) {
    for tries in 1_u64.. {
        match try_settle(shared, known, claim, began, result).await {
            Ok(Settled::Written | Settled::Gone) | Err(JournalError::Closed) => return,
            Ok(Settled::Stale) => {}
            Err(error) => tracing::error!(delivery = claim.delivery, %error, "a settlement could not be written; trying again"),
        }
        tokio::time::sleep(Duration::from_millis((tries * 2).min(1000))).await;
    }
}

async fn try_settle(
    shared: &Shared,
    known: &Known,
    claim: &Claim,
    began: Time,
    result: &Ending,
) -> Result<Settled, JournalError> {
    let now = shared.parts.clock.now();
    let snapshot = snapshot(shared, claim).await?;
    let (next, mut effects) = consequences(shared, known, claim, now, (result, &snapshot));
    if let (Some(dossier), false) = (&claim.dossier, effects.refunds.is_empty()) {
        // A refund that has ended settles the cases about it.
        let open = CaseFilter { dossier: Some(dossier.clone()), open: Some(true), limit: MOST_CASES, ..CaseFilter::default() };
        let cases = shared.parts.journal.cases(open).await?;
        effects.case_steps.extend(exchange::refund_cases(now, &effects, &cases));
    }
    if let Next::Park { reason } = &next {
        tracing::warn!(partner = %claim.partner, delivery = claim.delivery, dossier = claim.dossier, reason, "parked: needs a person");
    }
    let attempt = Attempt {
        at: began,
        ms: u64::try_from(now.ms_since(began)).unwrap_or(0),
        what: result.what.to_owned(),
        outcome: result.outcome.word().to_owned(),
        why: result.outcome.why().map(str::to_owned),
        adapters: result.adapters.clone(),
    };
    shared.parts.journal.settle(Settlement { delivery: claim.delivery, run: claim.run, at: now, attempt, next, effects }).await
}

fn consequences(
    shared: &Shared,
    known: &Known,
    claim: &Claim,
    now: Time,
    (result, snapshot): (&Ending, &Snapshot),
) -> (Next, Effects) {
    let mint = Mint::new(&*shared.parts.random, now);
    let origin =
        Origin { partner: claim.partner.clone(), caller: claim.caller.clone(), trace: claim.trace.clone(), ..Origin::default() };
    let service = snapshot.dossier.as_ref().and_then(|d| Service::of_dossier(&known.catalogue, d));
    let files = exchange::Files::new();
    let scene = Scene { now, mint: &mint, origin: &origin, guide: known.guide(), service: service.as_ref(), files: &files };
    // A push that came while the call was under way shows that they have it, whatever the call itself came to.
    let next = if exchange::proven(claim, snapshot) { Next::Done } else { result.next.clone() };
    let how = match &next {
        Next::Done => Ended::Done,
        Next::Reject { reason } => Ended::Rejected(reason),
        Next::Park { reason } => Ended::Parked(reason),
        Next::Ask { .. } => {
            let effects = exchange::doubted(&scene, claim, snapshot);
            return (next, effects);
        }
        Next::Retry { .. } | Next::Later { .. } | Next::Clear { .. } => return (next, Effects::default()),
    };
    match exchange::ended(&scene, claim, how, result.content.as_ref(), snapshot) {
        Some(effects) => (next, effects),
        None => {
            // What only informs is not ended by a refusal: a person sees it.
            let reason = result.outcome.why().unwrap_or("refused-by-partner").to_owned();
            let effects = exchange::ended(&scene, claim, Ended::Parked(&reason), None, snapshot).unwrap_or_default();
            (Next::Park { reason }, effects)
        }
    }
}

/// The question about a doubtful call, in the words of the inquiry's message.
fn question<'p>(partner: &'p Partner, route: &OutRoute, claim: &Claim, sent: &Value) -> Option<(&'p OutRoute, Value)> {
    let ask = partner.outs.get(route.ask.as_ref()?)?;
    let body = match ask.message {
        Kind::PaymentQuery => json!({ "transaction": claim.lane }),
        Kind::RefundQuery => json!({ "refund": claim.lane, "transaction": sent.get("transaction")? }),
        _ => json!({ "code": claim.dossier.clone()?, "message": claim.id }),
    };
    debug_assert!(ask.message.is_whole(&body), "{} as Kind::made_with promises it", ask.message.name());
    Some((ask, body))
}

pub(super) async fn snapshot(shared: &Shared, claim: &Claim) -> Result<Snapshot, JournalError> {
    match &claim.dossier {
        Some(dossier) => shared.parts.journal.snapshot(dossier).await,
        None => Ok(Snapshot::default()),
    }
}

pub(super) fn parked(why: &str, adapters: String) -> Ending {
    let outcome = Outcome::Park { why: why.to_owned() };
    Ending {
        outcome,
        next: Next::Park { reason: why.to_owned() },
        content: None,
        what: "call",
        adapters,
        called: false,
        left: None,
    }
}

/// They have it already: nothing is sent or asked.
pub(super) fn proven(adapters: String) -> Ending {
    let outcome = Outcome::Done { find: Vec::new() };
    Ending { outcome, next: Next::Done, content: None, what: "evidence", adapters, called: false, left: None }
}

/// Nothing left us, and no attempt is used up.
pub(super) fn not_sent(why: &str, adapters: String, now: Time) -> Ending {
    let next = Next::Later { at: now.plus(Duration::from_secs(1)) };
    Ending {
        outcome: Outcome::NotSent { why: why.to_owned() },
        next,
        content: None,
        what: "call",
        adapters,
        called: false,
        left: None,
    }
}

pub(super) fn ms(of: Duration) -> i64 {
    i64::try_from(of.as_millis()).unwrap_or(i64::MAX)
}

/// 0 to 1, from the given randomness.
pub(super) fn chance(shared: &Shared) -> f64 {
    let mut bytes = [0; 4];
    shared.parts.random.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

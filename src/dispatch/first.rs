//! What comes before a message is written: the session it is sent in, and the question whether they have its dossier (`first`).
//!
//! Always: until both are there the message has not left, so whatever became of them is no doubt about it.

use super::Shared;
use super::attempt::fetch;
use super::sign_in;
use super::turns::Turns;
use super::wire::{Outgoing, Renewed, Unwritable};
use crate::body::json;
use crate::clock::Time;
use crate::delivery::Outcome;
use crate::model::Mint;
use crate::partner::SignInError;
use crate::seal::Secret;

/// What a message is written with that is made anew for each attempt: a session, and what is found by asking first. `Err`: the message
/// itself has not left.
pub(super) async fn renewed(shared: &Shared, message: &Outgoing<'_>, at: (Time, (&Turns, &str))) -> Result<Renewed, Outcome> {
    let mut renewed = Renewed { session: session(shared, message, (at.0, at.1.0)).await?, asked: Vec::new() };
    let Some(first) = &message.route.first else { return Ok(renewed) };
    let outcome = ask_first(shared, message, first, at).await?;
    match outcome {
        Outcome::Done { find } => renewed.asked = find.into_iter().map(|(name, value)| (name, value.into())).collect(),
        // Whatever became of the question, the message was not processed.
        Outcome::Unknown { why } => return Err(Outcome::Retry { why: format!("asked-first: {why}"), not_before: None }),
        Outcome::Reject { why } | Outcome::Park { why } => return Err(Outcome::Park { why: format!("asked-first: {why}") }),
        other => return Err(other),
    }
    Ok(renewed)
}

/// Asks whether they have the dossier, before its message goes; a call with a turn of its own.
async fn ask_first(shared: &Shared, message: &Outgoing<'_>, first: &str, at: (Time, (&Turns, &str))) -> Result<Outcome, Outcome> {
    let parked = |why: &str| Outcome::Park { why: why.to_owned() };
    let route = message.partner.outs.get(first).ok_or_else(|| parked("no-inquiry"))?;
    let code = message.body.get("code").ok_or_else(|| parked("no-inquiry"))?;
    let question = json!({ "code": code, "message": message.id });
    let id = Mint::new(&*shared.parts.random, at.0).message_id();
    let mut inquiry = Outgoing { route, id: &id, at: at.0, body: &question, dossier: None, ..message.clone() };
    inquiry.renewed.session = session(shared, &inquiry, (at.0, at.1.0)).await?;
    let body = inquiry.write(&shared.parts.blobs).map_err(|Unwritable(why)| Outcome::Park { why })?;
    let (reply, _) = fetch(shared, &inquiry, body, at).await?;
    Ok(inquiry.judge(&reply, shared.parts.clock.now()).0)
}

/// The session a message is sent in, where its route wants one.
pub(super) async fn session(shared: &Shared, message: &Outgoing<'_>, at: (Time, &Turns)) -> Result<Option<Secret>, Outcome> {
    sign_in::session(shared, (message.partner, message.route), at).await.map_err(not_signed_in)
}

/// A sign-in that gave nothing, as the outcome of the call it was for.
pub(super) fn not_signed_in(error: SignInError) -> Outcome {
    match error {
        SignInError::Send(_) => Outcome::NotSent { why: "sign-in-not-reached".to_owned() },
        refused @ SignInError::Refused(_) => Outcome::SignIn { why: refused.to_string() },
    }
}

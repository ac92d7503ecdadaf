//! Signing in with a partner: what a call bears in its headers, or, where the partner wants it so, a session inside the body.
//!
//! Always: a token or session is asked for once and kept until it is over or refused; it shows itself nowhere but in the call; asking for it
//! takes its turn at the partner's rate like any other call.

use super::Shared;
use super::turns::Turns;
use super::wire::{Outgoing, facts};
use crate::catalogue::{OutRoute, Partner, SignIn};
use crate::clock::{DAY_MS, Time};
use crate::delivery::Outcome;
use crate::mapping::{Envelope, Format, Scalar, peek};
use crate::partner::{Call, SignInError};
use crate::seal::Secret;
use base64::Engine as _;
use bytes::Bytes;
use serde_json::Value;

/// The session that a route's messages are written with (`$session`); none: it signs in otherwise.
pub(super) async fn session(
    shared: &Shared,
    (partner, route): (&Partner, &OutRoute),
    (now, turns): (Time, &Turns),
) -> Result<Option<Secret>, SignInError> {
    let Some(name) = &route.sign_in else { return Ok(None) };
    let Some(way @ SignIn::Post { .. }) = partner.sign_in.get(name) else { return Ok(None) };
    shared.tokens.get(&partner.name, name, now, || post(shared, partner, way, (now, turns))).await.map(Some)
}

/// Signs in by a JSON call whose reply holds the session.
async fn post(
    shared: &Shared,
    partner: &Partner,
    way: &SignIn,
    (now, turns): (Time, &Turns),
) -> Result<(Secret, i64), SignInError> {
    let SignIn::Post { post, body, judge, token } = way else { return Err(SignInError::Refused(0)) };
    let fields: serde_json::Map<String, Value> = body.iter().map(|(name, word)| (name.clone(), word.expose().into())).collect();
    let mut headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    headers.extend(partner.headers.iter().map(|(n, v)| (n.clone(), v.clone())));
    let call = Call {
        partner: partner.name.clone(),
        url: format!("{}{post}", partner.base.trim_end_matches('/')),
        headers,
        body: Bytes::from(Value::Object(fields).to_string()).into(),
        timeout: partner.timeout,
    };
    turns.sign_in(&*shared.parts.clock).await;
    let reply = shared.parts.transport.send(call).await?;
    let taken = match judge.as_ref().and_then(|name| partner.judges.get(name)) {
        Some(judge) => {
            let seen = facts((Format::Json, Envelope::None), &judge.places(), &reply, now);
            matches!(judge.decide(&seen), Outcome::Done { .. })
        }
        None => (200..300).contains(&reply.status),
    };
    let seen = peek(Format::Json, Envelope::None, &reply.body, &[token]);
    match seen.ok().and_then(|seen| seen.values.into_iter().next().flatten()).filter(|_| taken) {
        Some(Scalar::Text(session) | Scalar::Number(session)) if !session.is_empty() =>
        // Its reply does not say how long it holds: a day, if it is not refused before.
        {
            Ok((Secret::new(session), DAY_MS))
        }
        _ => Err(SignInError::Refused(reply.status)),
    }
}

// === impl Outgoing ===

impl Outgoing<'_> {
    /// The header that signs a call in; none where the route needs none, or its session stands in the body.
    pub(super) async fn authorization(
        &self,
        shared: &Shared,
        (now, turns): (Time, &Turns),
    ) -> Result<Option<String>, SignInError> {
        let Some(name) = &self.route.sign_in else { return Ok(None) };
        match self.partner.sign_in.get(name) {
            Some(SignIn::Basic { user, password }) => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.expose()));
                Ok(Some(format!("Basic {pair}")))
            }
            Some(SignIn::OAuth2 { post, id, secret, token }) => {
                let ask = || self.oauth2((shared, turns), post, id, secret, token);
                let held = shared.tokens.get(&self.partner.name, name, now, ask).await?;
                Ok(Some(format!("Bearer {}", held.expose())))
            }
            _ => Ok(None),
        }
    }

    /// OAuth 2.0 client credentials (RFC 6749, section 4.4), the credentials in the body.
    async fn oauth2(
        &self,
        (shared, turns): (&Shared, &Turns),
        post: &str,
        id: &str,
        secret: &Secret,
        place: &str,
    ) -> Result<(Secret, i64), SignInError> {
        let form = form_body(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret.expose())]);
        let call = Call {
            partner: self.partner.name.clone(),
            url: format!("{}{post}", self.partner.base.trim_end_matches('/')),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: Bytes::from(form).into(),
            timeout: self.partner.timeout,
        };
        turns.sign_in(&*shared.parts.clock).await;
        let reply = shared.parts.transport.send(call).await?;
        let seen = peek(Format::Json, Envelope::None, &reply.body, &[place, "/expires_in"])
            .map_err(|_| SignInError::Refused(reply.status))?;
        let mut values = seen.values.into_iter();
        let (Some(Some(Scalar::Text(token))), true) = (values.next(), (200..300).contains(&reply.status)) else {
            return Err(SignInError::Refused(reply.status));
        };
        let seconds = match values.next() {
            Some(Some(Scalar::Number(n))) => n.parse::<i64>().unwrap_or(300),
            _ => 300,
        };
        Ok((Secret::new(token), seconds.clamp(1, 86_400) * 1000))
    }
}

// === functions ===

/// An application/x-www-form-urlencoded body.
fn form_body(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut out, b| {
            if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(b));
            } else {
                out.push_str(&format!("%{b:02X}"));
            }
            out
        })
    };
    fields.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect::<Vec<_>>().join("&")
}

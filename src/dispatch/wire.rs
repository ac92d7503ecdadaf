//! Canonical → call, and reply → facts, outcome, content. The only place where dispatch touches bytes.

use super::Shared;
use super::turns::Turns;
use crate::body::Value;
use crate::catalogue::{OutRoute, Partner, Seal};
use crate::clock::Time;
use crate::delivery::{Fact, Facts, Outcome};
use crate::journal::BlobStore;
use crate::mapping::{ContentSource, Context, Envelope, Format, Mapping, OpenContent, Scalar, Sealer, Sparse, WriteFault, peek};
use crate::model::{Dossier, Kind, Message};
use crate::partner::{Body, Call, Later, Reply, SendError, SignInError};
use crate::seal::Secret;
use bytes::Bytes;
use std::sync::Arc;

/// A call whose contents are together shorter than this on the wire is one text: to read pieces on other threads while it leaves costs more than
/// that memory (measured with 500 KB files: a third of the throughput).
const WHOLE: u64 = 1 << 20;

/// A message on its way out.
#[derive(Clone)]
pub(super) struct Outgoing<'a> {
    /// The receiving partner.
    pub(super) partner: &'a Partner,
    /// The route.
    pub(super) route: &'a OutRoute,
    /// The constant message id.
    pub(super) id: &'a str,
    /// The message's own constant time.
    pub(super) at: Time,
    /// What it says.
    pub(super) body: &'a Value,
    /// The dossier it is about.
    pub(super) dossier: Option<&'a Dossier>,
    /// The trace of the request that caused it.
    pub(super) trace: Option<&'a str>,
    /// What is made anew for each attempt.
    pub(super) renewed: Renewed,
}

/// What a message is written with besides what stays the same over its attempts.
#[derive(Clone, Default)]
pub(super) struct Renewed {
    /// The session it is sent in (`$session`).
    pub(super) session: Option<Secret>,
    /// What was found by asking before it (`$asked`).
    pub(super) asked: Vec<(String, Value)>,
}

/// Why a message cannot be written to its wire: what the adapter cannot do with it parks it.
pub(super) struct Unwritable(pub(super) String);

/// Reads contents for a mapping.
struct Contents(Arc<BlobStore>);

// === impl Outgoing ===

impl Outgoing<'_> {
    /// The body: the same bytes for every attempt. Its large contents are open, and read while it leaves.
    pub(super) fn write(&self, blobs: &Arc<BlobStore>) -> Result<Body, Unwritable> {
        self.write_rows(std::slice::from_ref(self), blobs)
    }

    /// The same for a call of several messages: `self` is the call, each row is written with what it knows for itself.
    pub(super) fn write_rows(&self, rows: &[Self], blobs: &Arc<BlobStore>) -> Result<Body, Unwritable> {
        let mapping = self.mapping()?;
        let sealer = self.seals().find(|s| matches!(s, Seal::Hmac { .. })).map(|s| s as &dyn Sealer);
        let contents = Contents(blobs.clone());
        let bodies: Vec<&Value> = rows.iter().map(|row| row.body).collect();
        let contexts: Vec<Context> = rows.iter().map(Outgoing::context).collect();
        let (what, context) = ((bodies.as_slice(), contexts.as_slice()), self.context());
        let told = |fault: WriteFault| Unwritable(format!("not-writable at {}: {}", fault.pointer, fault.text_en()));
        if self.is_looked_at() {
            let bytes = mapping.write_rows(what, &context, &contents, sealer).map_err(told)?;
            self.valid(mapping, &bytes)?;
            return Ok(Bytes::from(bytes).into());
        }
        let Sparse { text, holes } = mapping.write_sparse(what, &context, &contents, (sealer, WHOLE)).map_err(told)?;
        let later = holes.into_iter().map(|hole| Later { at: hole.at, len: hole.len, from: hole.from }).collect();
        Ok(Body::new(text.into(), later))
    }

    /// Whether all its bytes are looked at before it leaves: to be judged by an XSD, or signed in the headers.
    fn is_looked_at(&self) -> bool {
        self.route.validate || self.seals().any(|seal| matches!(seal, Seal::Webhook { .. }))
    }

    /// What its mapping may know besides the body.
    fn context(&self) -> Context {
        let mut context = Context::new().with("message.id", self.id).with("message.time", self.at.rfc3339());
        for (name, value) in &self.partner.values {
            context.set(format!("partner.{name}"), value.as_str());
        }
        if let Some(dossier) = self.dossier {
            context.set("dossier.procedure", dossier.procedure.as_str());
            context.set("dossier.edition", dossier.edition.clone().unwrap_or_default());
        }
        if let Some(session) = &self.renewed.session {
            context.set("session", session.expose());
        }
        for (name, value) in &self.renewed.asked {
            context.set(format!("asked.{name}"), value.clone());
        }
        context
    }

    /// Where the route asks for it, what leaves is valid by the wire's XSD: place and rule are told, no value.
    fn valid(&self, mapping: &Mapping, bytes: &[u8]) -> Result<(), Unwritable> {
        let Some(validator) = self.partner.validators.get(&self.route.map).filter(|_| self.route.validate) else { return Ok(()) };
        match validator.faults(bytes, mapping.envelope()).first() {
            None => Ok(()),
            Some(fault) => Err(Unwritable(format!("not-valid-by-xsd at {}: {}", fault.place, fault.rule.en))),
        }
    }

    /// Address and headers. Those of one attempt (token, signature time) are made anew each time.
    pub(super) async fn call(&self, shared: &Shared, body: Body, (now, turns): (Time, &Turns)) -> Result<Call, SignInError> {
        let mut headers = Vec::new();
        if let Ok(mapping) = self.mapping() {
            headers
                .push(("content-type".to_owned(), format!("{}; charset=utf-8", mapping.format().media_type(mapping.envelope()))));
        }
        headers.extend(self.partner.headers.iter().chain(&self.route.headers).map(|(n, v)| (n.clone(), v.clone())));
        headers.push(("traceparent".to_owned(), traceparent(self.trace, self.id)));
        if let Some(value) = self.authorization(shared, (now, turns)).await? {
            headers.push(("authorization".to_owned(), value));
        }
        // A body that is signed is whole (`is_looked_at`).
        let signed = body.whole().and_then(|body| self.seals().find_map(|s| s.headers(self.id, now.0.div_euclid(1000), body)));
        headers.extend(signed.into_iter().flatten().map(|(n, v)| (n.to_owned(), v)));
        let url = format!("{}{}", self.partner.base.trim_end_matches('/'), self.route.post);
        Ok(Call { partner: self.partner.name.clone(), url, headers, body, timeout: self.partner.timeout })
    }

    fn seals(&self) -> impl Iterator<Item = &Seal> {
        self.route.seals.iter().filter_map(|n| self.partner.seals.get(n))
    }

    fn mapping(&self) -> Result<&Mapping, Unwritable> {
        self.partner.book.map(&self.route.map).ok_or_else(|| Unwritable("mapping-missing".to_owned()))
    }

    /// What the reply means, and the content it carries. Judged once, here.
    pub(super) fn judge(&self, reply: &Result<Reply, SendError>, now: Time) -> (Outcome, Option<Message>) {
        let reply = match reply {
            Ok(reply) => reply,
            Err(SendError::NotSent(why)) => return (Outcome::NotSent { why: (*why).to_owned() }, None),
            Err(SendError::Lost(why)) => return (Outcome::Unknown { why: (*why).to_owned() }, None),
        };
        let outcome = self.judged(reply, now);
        if !matches!(outcome, Outcome::Done { .. }) {
            return (outcome, None);
        }
        if self.route.items.is_some() {
            let mut rows = self.judge_rows(std::slice::from_ref(self), reply, now);
            return (rows.pop().unwrap_or(outcome), None);
        }
        match self.content(reply) {
            Ok(content) => (outcome, content),
            Err(why) => (Outcome::Unknown { why }, None),
        }
    }

    /// What an answer means as a whole.
    pub(super) fn judged(&self, reply: &Reply, now: Time) -> Outcome {
        match self.partner.judges.get(&self.route.judge) {
            Some(judge) => judge.decide(&self.facts(&judge.places(), reply, now)),
            None => Outcome::Unknown { why: "no-judge".to_owned() },
        }
    }

    fn facts(&self, places: &[&str], reply: &Reply, now: Time) -> Facts {
        match self.mapping() {
            Ok(mapping) => facts((mapping.format(), mapping.envelope()), places, reply, now),
            Err(_) => Facts { http: reply.status, ..Facts::default() },
        }
    }

    /// The content of a reply judged done. A reply that says done and cannot be read, or whose seal is wrong, is an unknown outcome.
    fn content(&self, reply: &Reply) -> Result<Option<Message>, String> {
        let Some(name) = &self.route.content else { return Ok(None) };
        let mapping = self.partner.book.map(name).ok_or("mapping-missing")?;
        let mut context = Context::new();
        for (name, value) in &self.partner.values {
            context.set(format!("partner.{name}"), value.as_str());
        }
        let readings = mapping.read(&reply.body, &context, &mut crate::mapping::MemoryContents::default()).map_err(|faults| {
            format!("answer-unreadable{}", faults.first().map_or(String::new(), |f| format!(" at {}", f.pointer())))
        })?;
        let Some(reading) = readings.into_iter().next() else { return Ok(None) };
        let mut seals = self.route.content_seals.iter().filter_map(|n| self.partner.seals.get(n));
        if !seals.all(|seal| seal.verify(&reading.raw)) {
            return Err("answer-seal-wrong".to_owned());
        }
        let kind = Kind::of_name(mapping.message()).ok_or("message-unknown")?;
        Ok(Some(Message { kind, body: reading.body }))
    }
}

// === impl Contents ===

impl ContentSource for Contents {
    fn open(&self, blob: &str) -> std::io::Result<(u64, OpenContent)> {
        let found = self.0.open_blob(blob.trim_start_matches("sha256:")).map_err(std::io::Error::other)?;
        let file = found.ok_or(std::io::ErrorKind::NotFound)?;
        Ok((file.metadata()?.len(), Box::new(file)))
    }
}

/// What a judge looks at, read from a reply.
pub(super) fn facts((format, envelope): (Format, Envelope), places: &[&str], reply: &Reply, now: Time) -> Facts {
    let retry_after = reply.advice.after.map(|after| after.wait(now));
    let mut facts = Facts { http: reply.status, retry_after, ..Facts::default() };
    match peek(format, envelope, &reply.body, places) {
        Ok(seen) => {
            facts.values = places.iter().map(|p| (*p).to_owned()).zip(seen.values.into_iter().map(|v| v.map(fact))).collect();
            facts.fault = seen.fault.map(|f| f.code);
        }
        Err(_) => facts.unreadable = true,
    }
    facts
}

fn fact(value: Scalar) -> Fact {
    match value {
        Scalar::Text(t) => Fact::Text(t),
        Scalar::Number(n) => Fact::Number(n),
        Scalar::Bool(b) => Fact::Bool(b),
        Scalar::Null => Fact::Null,
        Scalar::Object | Scalar::Array => Fact::Node,
    }
}

/// W3C Trace Context: the trace of the request that caused the message, else one of the message's own; the span is the message's, the
/// same over all attempts, so that both sides' logs of one message meet.
fn traceparent(trace: Option<&str>, id: &str) -> String {
    let own = crate::seal::sha256_hex(id.as_bytes());
    let (head, tail) = own.split_at_checked(32).unwrap_or((&own, ""));
    format!("00-{}-{}-01", trace.unwrap_or(head), tail.get(..16).unwrap_or(tail))
}

//! The way of a message as a whole: read, sealed, checked; known already? else decided, accepted, answered. Stale: again.
//!
//! A second request with the same key that meets the first before its commit waits for that commit (the journal does that). A message that
//! starts a payment has no key of its own: the open transaction is its key.

use super::body::Received;
use super::decide::Decision;
use super::read::{No, Unfit, named_by_wire, overloaded, unkept};
use super::reply::broken_adapter;
use super::stage::Stages;
use super::{Call, Intake, Reply};
use crate::body::{Value, json};
use crate::catalogue::{InKind, InRoute};
use crate::clock::Time;
use crate::exchange::{self, Refusal};
use crate::journal::{Acceptance, Accepted, BlobError, Idempotency, Known, NewMessage, Raw, Stage};
use crate::mapping::{Mapping, Reading};
use crate::model::{AgencyCode, DossierCode, Kind, Message, Mint, PaymentState};
use std::time::Duration;

/// How often a message is decided anew because what it was decided from has changed.
pub(super) const ROUNDS: usize = 10;

/// What became of one message.
pub(super) struct Taken {
    /// The canonical receipt.
    pub(super) receipt: Value,
    /// The dossier.
    pub(super) dossier: Option<String>,
    /// Ids of the deliveries it caused.
    pub(super) caused: Vec<String>,
    /// The payment is asked for and its link is not there yet.
    pub(super) pending: bool,
}

/// What came beside the messages of a request.
pub(super) struct Carried {
    /// Contents, each kept with the first message that is taken and names it.
    pub(super) contents: Option<Stages>,
    /// The body, kept as received once, with the first message that is taken.
    pub(super) raw: Received,
}

// === impl Intake ===

impl Intake {
    /// Takes a call in, whatever its route's kind (tokens and uploads are the door's own).
    pub async fn take(&self, call: &Call) -> Reply {
        let Some(route) = call.in_route() else { return lost() };
        let mut round = 1;
        loop {
            let No { mut refusal, level } = match self.tried(call, route).await {
                Ok(reply) => return reply,
                Err(no) => no,
            };
            let written = match refusal.left.take() {
                Some(left) => self.journal.apply(*left).await,
                None => Ok(true),
            };
            match written {
                Ok(true) => {}
                // What it was judged from has changed: judged anew, so that nothing a refusal leaves is lost.
                Ok(false) if round < ROUNDS => {
                    round += 1;
                    continue;
                }
                Ok(false) => {
                    tracing::warn!(code = refusal.code, "what a refusal leaves could not be written: its rows keep changing")
                }
                Err(error) => refusal = super::read::unavailable(&error),
            }
            return self.refuse(&call.partner, route, &refusal, level);
        }
    }

    async fn tried(&self, call: &Call, route: &InRoute) -> Result<Reply, No> {
        match route.kind {
            InKind::Message => self.message(call, route).await,
            InKind::Question => self.question(call, route).await,
            InKind::Issue => self.issue(call, route).await,
            InKind::Token | InKind::Upload => Err(broken_adapter().into()),
        }
    }

    async fn message(&self, call: &Call, route: &InRoute) -> Result<Reply, No> {
        let kind = route.message.ok_or_else(broken_adapter)?;
        let read = self.read(call, route).await?;
        let known = (read.edition.as_deref(), read.procedure.as_deref());
        for (reading, _) in &read.readings {
            if !self.sealed(call, route, reading) {
                return Err(self.wrong_seal(call, kind, &reading.body).await?.into());
            }
        }
        if route.map.as_ref().and_then(|name| call.partner.map(name)).is_some_and(Mapping::is_batch) {
            let (known, contents) = ((read.edition.clone(), read.procedure.clone()), Some(read.contents));
            return self.batch(call, route, kind, (read.readings, contents), (known.0.as_deref(), known.1.as_deref())).await;
        }
        let mut carried = Carried { contents: Some(read.contents), raw: call.body.received() };
        let reading = first(read.readings);
        let form = self.form_of(call, &reading.body, known);
        let told = |no: No| named_by_wire(call, route, form.as_ref(), 0, no);
        let message = self.checked(call, kind, reading, known).map_err(|refusal| told(refusal.into()))?;
        // Interest in the outcome is registered before the message is written, so that no notice is lost.
        let notices = self.patience(call, route).map(|_| self.journal.notices());
        let taken = self.one(call, route, message, &mut carried).await.map_err(&told)?;
        call.place.leave();
        self.outcome(call, route, taken, notices).await
    }

    /// One message: the first receipt again, or decided and accepted.
    pub(super) async fn one(
        &self,
        call: &Call,
        route: &InRoute,
        mut message: Message,
        carried: &mut Carried,
    ) -> Result<Taken, No> {
        let fingerprint = self.keys.fingerprint(&message);
        let scope = format!("{}/{}/{}", call.partner.name, route.name, call.origin.caller);
        let mut first = None;
        if message.kind != Kind::PaymentStart {
            first = Some(self.keys.key(&route.dedupe, &message).map_err(|path| no_key().at(path))?);
        }
        for round in 0..ROUNDS {
            // A submission is first decided as if nothing were known of its dossier, which holds as a rule. Where it does not, the writer
            // finds the twin or the dossier, and it is looked at what is there. Contents are not kept on a guess.
            let bare = carried.contents.as_ref().is_none_or(Stages::is_empty) && !carried.raw.is_cut();
            let blind = round == 0 && message.kind == Kind::DossierSubmit && bare;
            let sight = self.sight(&call.known, &message, blind).await;
            let (mut key, mut correcting) = (first, false);
            if let Some(first) = first.filter(|_| !blind)
                && let Some((known, after)) = self.in_effect(&scope, first, message.kind).await?
            {
                match (known.fingerprint == fingerprint, message.kind) {
                    (true, Kind::DossierWithdraw) if self.came_to_nothing(&message).await? => {}
                    (true, _) => return Ok(again(known)),
                    // Another body under the key of a submission: perhaps a correction.
                    (false, Kind::DossierSubmit) => correcting = true,
                    (false, _) => return Err(other_meaning().into()),
                }
                key = Some(after);
            }
            let sight = match sight {
                Err(_) if blind => continue,
                sight => sight?,
            };
            let id = Mint::new(self.random.as_ref(), sight.now).message_id();
            let decision =
                if correcting { self.correct(call, &mut message, &sight) } else { self.decide(call, &id, &mut message, &sight) };
            let decision = match (decision, key) {
                (Ok(decision), _) => decision,
                (Err(_), _) if blind => continue,
                // What refuses it may be its own twin, committed since the look above: then it gets the twin's receipt.
                (Err(_), Some(key)) if self.journal.known(&scope, key).await?.is_some() => continue,
                (Err(refusal), _) => return Err(refusal.into()),
            };
            let (effects, dossier, transaction) = match decision {
                Decision::Open(payment) => return Ok(open(*payment, &id, sight.now.rfc3339())),
                Decision::Take { effects, dossier, transaction } => (effects, dossier, transaction),
            };
            let own = carried.contents.as_mut().map(|staged| staged.named_in(&message.body)).unwrap_or_default();
            if !own.is_empty() {
                keep(own).await?;
            }
            let raw = carried.raw.kept().await?;
            let receipt = accepted(&id, sight.now, dossier.as_deref(), transaction.as_deref());
            let acceptance = Acceptance {
                idempotency: key.map(|key| Idempotency { scope: scope.clone(), key, fingerprint }),
                message: kept(call, route, &message, (id, sight.now), dossier.clone(), raw),
                receipt: receipt.clone(),
                effects: *effects,
            };
            let caused = acceptance.effects.deliveries.iter().map(|d| d.id.clone()).collect();
            match self.journal.accept(acceptance).await? {
                Accepted::New { .. } => {
                    carried.raw = Received::Raw(Raw::default());
                    return Ok(Taken { receipt, dossier, caused, pending: transaction.is_some() });
                }
                Accepted::Known(known) if !blind && known.fingerprint == fingerprint => return Ok(again(known)),
                // Another meaning won the race, a row has changed, or something may have followed the twin: look again.
                Accepted::Known(_) | Accepted::Stale => {}
            }
        }
        Err(overloaded().into())
    }

    /// What is in effect under a key, the first message or the last of those that followed it, and the key of what would follow that one.
    async fn in_effect(&self, scope: &str, first: [u8; 32], kind: Kind) -> Result<Option<(Known, [u8; 32])>, No> {
        let Some(mut known) = self.journal.known(scope, first).await? else { return Ok(None) };
        loop {
            let after = self.keys.after(&first, &known.id);
            let follows = matches!(kind, Kind::DossierSubmit | Kind::DossierWithdraw);
            match if follows { self.journal.known(scope, after).await? } else { None } {
                Some(later) => known = later,
                None => return Ok(Some((known, after))),
            }
        }
    }

    /// A withdrawal that is over and did not take: the citizen may ask again, with the same words.
    async fn came_to_nothing(&self, message: &Message) -> Result<bool, No> {
        let snapshot = self.journal.snapshot(message.text("code").unwrap_or_default()).await?;
        Ok(exchange::withdrawal_came_to_nothing(&snapshot))
    }

    /// A wrong seal: refused and counted, written nowhere; for one of our open transactions the platform is asked, at most once in ten
    /// minutes.
    async fn wrong_seal(&self, call: &Call, kind: Kind, body: &Value) -> Result<Refusal, No> {
        let message = Message { kind, body: body.clone() };
        if kind == Kind::PaymentNotice
            && let Some(payment) = self.journal.payment(message.text("transaction").unwrap_or_default()).await?
            && payment.partner == call.partner.name
        {
            let sight = self.sight(&call.known, &message, false).await?;
            if let Some(effects) = self.scene(call, &sight, |scene| exchange::notice_in_doubt(scene, &payment)) {
                // Stale means that somebody else has just done so.
                self.journal.apply(effects).await?;
            }
        }
        Ok(Refusal::new(
            "seal-wrong",
            401,
            "Chữ ký (mã kiểm tra) của thông điệp không đúng; thông điệp không được nhận.",
            "The message's seal (check sum) is wrong; the message is not taken.",
        ))
    }

    /// A question is answered from our own state; what an answer promises is written before it leaves.
    async fn question(&self, call: &Call, route: &InRoute) -> Result<Reply, No> {
        let kind = route.message.ok_or_else(broken_adapter)?;
        let read = self.read(call, route).await?;
        let known = (read.edition.as_deref(), read.procedure.as_deref());
        let reading = first(read.readings);
        if !self.sealed(call, route, &reading) {
            return Err(self.wrong_seal(call, kind, &reading.body).await?.into());
        }
        let message = self.checked(call, kind, reading, known)?;
        if kind != Kind::BillQuery {
            return Err(broken_adapter().into());
        }
        for _ in 0..ROUNDS {
            let sight = self.sight(&call.known, &message, false).await?;
            let (answer, effects) = self.scene(call, &sight, |scene| exchange::bill(scene, &sight.snapshot));
            let written = match effects {
                Some(effects) => self.journal.apply(*effects).await?,
                None => true,
            };
            if written {
                return Ok(self.answer(&call.partner, (route, "answer"), &[&answer], 200)?);
            }
        }
        Err(overloaded().into())
    }

    /// The next dossier code of an agency.
    async fn issue(&self, call: &Call, route: &InRoute) -> Result<Reply, No> {
        let read = self.read(call, route).await?;
        let reading = first(read.readings);
        if !self.sealed(call, route, &reading) {
            return Err(self.wrong_seal(call, Kind::Receipt, &reading.body).await?.into());
        }
        let code = reading.body.pointer("/agency/code").and_then(Value::as_str).unwrap_or_default();
        let agency = AgencyCode::parse(code).ok_or_else(|| {
            Refusal::new(
                "agency-code-form",
                422,
                "Mã đơn vị phải có dạng 000.00.15.H26 hoặc H26.15.",
                "An agency code has the form 000.00.15.H26 or H26.15.",
            )
            .at("/agency/code")
        })?;
        let newer = agency.newer_form();
        let under = |p: &String| newer == *p || newer.strip_prefix(p.as_str()).is_some_and(|rest| rest.starts_with('.'));
        if !(call.origin.agencies.is_empty() || call.origin.agencies.iter().any(under)) {
            return Err(Refusal::new(
                "agency-not-allowed",
                403,
                "Đơn vị gọi không được nộp hồ sơ cho cơ quan này.",
                "This caller may not hand in dossiers for this agency.",
            )
            .at("/agency/code")
            .into());
        }
        let now = self.clock.now();
        let day = now.civil().map(|c| c.strftime("%Y%m%d").to_string()).unwrap_or_default();
        let number = self.journal.next_number(&newer, &day).await?;
        let code = DossierCode::newer(&agency, &day, number).ok_or_else(broken_adapter)?;
        let receipt = json!({ "outcome": "accepted", "dossier": code.as_str(), "at": now.rfc3339() });
        Ok(self.answer(&call.partner, (route, "answer"), &[&receipt], 200)?)
    }

    /// How long this call waits for its outcome.
    pub(super) fn patience(&self, call: &Call, route: &InRoute) -> Option<Duration> {
        let wait = call.wait.or(route.wait).filter(|w| !w.is_zero())?;
        Some(wait.min(self.gateway.limits.longest_wait))
    }
}

// === small words ===

/// The message of a request that is to hold one.
fn first(readings: Vec<(Reading, Option<Unfit>)>) -> Reading {
    readings.into_iter().find(|(_, unfit)| unfit.is_none()).map(|(reading, _)| reading).unwrap_or_default()
}

/// Once this answers, every content and its name is on disk.
async fn keep(own: Vec<Stage>) -> Result<(), No> {
    blocking(move || own.into_iter().try_for_each(|stage| stage.finish().map(drop))).await
}

/// What writes to the store, on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(finish: impl FnOnce() -> Result<T, BlobError> + Send + 'static) -> Result<T, No> {
    match tokio::task::spawn_blocking(finish).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(unkept(&error).into()),
        Err(_) => Err(broken_adapter().into()),
    }
}

/// The canonical receipt of a message that is taken.
fn accepted(id: &str, at: Time, dossier: Option<&str>, transaction: Option<&str>) -> Value {
    let mut receipt = json!({ "outcome": "accepted", "reference": id, "at": at.rfc3339() });
    if let Some(map) = receipt.as_object_mut() {
        map.extend(dossier.map(|d| ("dossier".to_owned(), json!(d))));
        map.extend(transaction.map(|t| ("transaction".to_owned(), json!(t))));
    }
    receipt
}

/// A message as it is kept.
fn kept(
    call: &Call,
    route: &InRoute,
    message: &Message,
    (id, at): (String, Time),
    dossier: Option<String>,
    raw: Raw,
) -> NewMessage {
    NewMessage {
        id,
        partner: call.partner.name.clone(),
        route: route.name.clone(),
        kind: message.kind,
        dossier,
        caller: call.origin.caller.clone(),
        received_at: at,
        adapters: call.known.catalogue.digest.clone(),
        body: message.body.written(raw.here().len().min(8_192) + 512),
        raw,
    }
}

fn again(known: Known) -> Taken {
    let dossier = known.receipt.get("dossier").and_then(Value::as_str).map(str::to_owned);
    Taken { receipt: known.receipt, dossier, caused: Vec::new(), pending: false }
}

fn open(payment: crate::model::Payment, id: &str, at: String) -> Taken {
    let mut receipt = json!({
        "outcome": "accepted", "reference": id, "at": at, "dossier": payment.dossier, "transaction": payment.transaction,
    });
    // One that has just run out gives no link any more: while its last word is awaited there is nothing to wait for here.
    let open = payment.state == PaymentState::Requested;
    let link = payment.link.filter(|_| open);
    let pending = link.is_none();
    if let (Some(link), Some(map)) = (link, receipt.as_object_mut()) {
        map.insert("url", link.into());
    }
    Taken { receipt, dossier: open.then_some(payment.dossier), caused: Vec::new(), pending }
}

fn no_key() -> Refusal {
    Refusal::new(
        "key-missing",
        422,
        "Thiếu trường dùng để nhận biết thông điệp gửi lặp.",
        "A field by which a repeat of this message is recognised is missing.",
    )
}

fn other_meaning() -> Refusal {
    Refusal::new(
        "key-reused",
        422,
        "Mã này đã được dùng cho một nội dung khác; nội dung mới không được nhận.",
        "This key was used with another content before; the new content is not taken.",
    )
}

fn lost() -> Reply {
    Reply {
        status: 404,
        media: "application/json; charset=utf-8",
        bytes: b"{}".to_vec(),
        refused: Some("not-found"),
        dossier: None,
        waited: None,
    }
}

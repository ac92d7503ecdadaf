//! The fee and its payment: owed, started, told of, decided by the platform's own sealed answer, told on.
//!
//! Paid is decided by one thing only: the platform's answer to our query, whose reply seals its status (a notice's checksum does not
//! cover its status, so a notice is a hint). Nothing undoes Paid. One transaction is open per fee; a click while one is open gets
//! its link. A transaction id is stored before the platform is called.

use super::refusal::Refusal;
use super::scene::Scene;
use super::submit::owned;
use super::tell;
use crate::clock::Time;
use crate::journal::{DeliveryState, Effects, NewCase, NewDelivery, Snapshot};
use crate::model::{CaseKind, Dossier, Fee, FeeState, Kind, Message, Movement, Payment, PaymentState, Status, Vnd};
use crate::planted::{Plant, planted};
use serde_json::{Value, json};

/// An inquiry caused by a bad notice comes at most once in this time per open transaction.
const ASK_AGAIN_MS: i64 = 10 * 60 * 1000;

/// A paid notice that the platform's own answer does not bear out yet is asked after for so long; then a person decides.
const UNBORNE_MS: i64 = 24 * 60 * 60 * 1000;

/// The waits between these questions.
const UNBORNE_WAIT_MS: (i64, i64) = (30 * 1000, 60 * 60 * 1000);

/// Open transactions a dossier has at most by links that were lost: then a person looks.
const MOST_OPEN: usize = 3;

/// What a click on "pay" finds or causes.
#[derive(Debug)]
pub enum Start {
    /// A transaction is open already.
    Open(Payment),
    /// A new one.
    New(Box<Effects>, String),
}

/// The citizen clicks "pay".
pub fn start(scene: &Scene<'_>, message: &Message, snapshot: &Snapshot) -> Result<Start, Refusal> {
    let mut dossier = owned(scene, snapshot)?;
    let Some(fee) = dossier.fee.clone().filter(|_| owes(&dossier)) else {
        return Err(Refusal::new(
            "fee-not-owed",
            409,
            "Hồ sơ này chưa có khoản phí, lệ phí phải nộp.",
            "This dossier owes no fee.",
        )
        .at("/code"));
    };
    if fee.state == FeeState::Paid {
        return Err(Refusal::new(
            "fee-paid",
            409,
            "Phí, lệ phí của hồ sơ này đã được nộp.",
            "The fee of this dossier is already paid.",
        )
        .at("/code"));
    }
    let open = snapshot
        .payments
        .iter()
        .rev()
        .filter(|_| !planted(Plant::SecondTransaction))
        .find(|p| p.state == PaymentState::Requested && p.expires_at > scene.now);
    let return_url = message.text("return_url").unwrap_or_default().to_owned();
    let mut effects = Effects::default();
    let payment = match open {
        // Opened by the platform's look-up: there is no link yet, now one is asked for, under the same id.
        Some(open) if open.return_url.is_empty() => {
            call(scene, &dossier, &fee, &open.partner, &open.transaction, &return_url, &mut effects)?;
            Payment { return_url, version: open.version + 1, ..open.clone() }
        }
        Some(open) => return Ok(Start::Open(open.clone())),
        None => attempt(scene, &mut dossier, &fee, return_url, &mut effects)?,
    };
    let transaction = payment.transaction.clone();
    effects.payments.push(payment);
    effects.audit.push(scene.audit(
        "payment.start",
        &dossier.code,
        json!({ "transaction": transaction, "amount": fee.amount.amount() }),
    ));
    dossier.version += 1;
    effects.dossier = Some(dossier);
    Ok(Start::New(Box::new(effects), transaction))
}

/// A sealed notice of the platform about one of our transactions: the platform is asked, nothing else changes.
pub fn noticed(scene: &Scene<'_>, message: &Message, payment: Option<&Payment>) -> Result<Effects, Refusal> {
    let transaction = message.text("transaction").unwrap_or_default();
    let mut effects = Effects::default();
    let about = json!({ "transaction": public_id(transaction), "amount": message.number("amount") });
    let Some(payment) = payment.filter(|p| p.partner == scene.origin.partner) else {
        let case = NewCase { kind: CaseKind::NoticeUnknown, dossier: None, data: about.clone(), at: scene.now };
        effects.cases.push(case);
        effects.audit.push(scene.audit("payment.notice-unknown", &public_id(transaction), about));
        return Ok(effects);
    };
    if message.number("amount") != Some(payment.amount.amount()) {
        let mut refusal = Refusal::new(
            "amount-differs",
            422,
            "Số tiền trong thông báo khác với số tiền đã yêu cầu.",
            "The amount of the notice is not the amount that was asked for.",
        )
        .at("/amount");
        refusal.audit = Some(Box::new(scene.audit("payment.notice-differs", &payment.transaction, about)));
        return Err(refusal);
    }
    effects.events.push(scene.event(&payment.dossier, "payment.notice", json!({ "transaction": payment.transaction })));
    if payment.state != PaymentState::Paid {
        ask(scene, payment, scene.now, &mut effects);
        if message.text("state") == Some("paid") && payment.noticed_at.is_none() {
            effects.payments.push(Payment { noticed_at: Some(scene.now), version: payment.version + 1, ..payment.clone() });
        }
    }
    Ok(effects)
}

/// A notice whose seal is wrong: nothing changes, but an open transaction of that id is asked after, at most once in ten minutes.
#[must_use]
pub fn notice_in_doubt(scene: &Scene<'_>, payment: &Payment) -> Option<Effects> {
    let fresh = payment.asked_at.is_some_and(|at| scene.now.ms_since(at) < ASK_AGAIN_MS);
    if payment.state == PaymentState::Paid || fresh {
        return None;
    }
    let mut effects = Effects::default();
    effects.payments.push(Payment { asked_at: Some(scene.now), version: payment.version + 1, ..payment.clone() });
    ask(scene, payment, scene.now, &mut effects);
    Some(effects)
}

/// The platform's own word about a transaction.
pub(super) fn decide(scene: &Scene<'_>, message: &Message, snapshot: &Snapshot) -> Effects {
    let mut effects = Effects::default();
    let transaction = message.text("transaction").unwrap_or_default();
    let Some(payment) = snapshot.payments.iter().find(|p| p.transaction == transaction) else { return effects };
    let Some(mut dossier) = snapshot.dossier.clone() else { return effects };
    let mut payment = payment.clone();
    payment.asked_at = Some(scene.now);
    if let Some(code) = message.text("platform_transaction") {
        payment.platform_transaction = Some(code.to_owned());
    }
    match message.text("state").filter(|_| !planted(Plant::DropPayment)) {
        Some("paid") if payment.state != PaymentState::Paid => paid(scene, message, &mut payment, &mut dossier, &mut effects),
        Some("failed") if payment.state == PaymentState::Requested => {
            payment.state = PaymentState::Failed;
            reopen(&payment, &mut dossier);
            effects.events.push(scene.event(&dossier.code, "payment.failed", json!({ "transaction": payment.transaction })));
        }
        Some("pending" | "missing") if payment.state != PaymentState::Paid => unborne(scene, &payment, snapshot, &mut effects),
        _ => {}
    }
    payment.version += 1;
    dossier.version += 1;
    effects.payments.push(payment);
    effects.dossier = Some(dossier);
    effects
}

/// A notice said paid and the platform's own answer does not say so yet. We have answered the notice, so none may come again: asked
/// again, at growing waits, also past its time.
fn unborne(scene: &Scene<'_>, payment: &Payment, snapshot: &Snapshot, effects: &mut Effects) {
    let Some(noticed) = payment.noticed_at else { return };
    let lane = query_lane(payment, true);
    if snapshot.open.iter().any(|d| d.lane == lane && d.state == DeliveryState::Waiting) {
        return;
    }
    let waited = scene.now.ms_since(noticed);
    if waited < UNBORNE_MS {
        let (least, most) = UNBORNE_WAIT_MS;
        ask(scene, payment, scene.now.plus_ms(waited.clamp(least, most)), effects);
    } else {
        let data = json!({ "transaction": payment.transaction, "amount": payment.amount.amount() });
        let dossier = Some(payment.dossier.clone());
        effects.cases.push(NewCase { kind: CaseKind::NoticeUnconfirmed, dossier, data, at: scene.now });
    }
}

/// A transaction whose time is over: asked after one last time; what the platform then says counts. Called by the clock.
#[must_use]
pub fn expired(scene: &Scene<'_>, payment: &Payment, snapshot: &Snapshot) -> Effects {
    let mut effects = Effects::default();
    let Some(mut dossier) = snapshot.dossier.clone() else { return effects };
    let mut payment = payment.clone();
    payment.state = PaymentState::Expired;
    reopen(&payment, &mut dossier);
    effects.events.push(scene.event(&dossier.code, "payment.expired", json!({ "transaction": payment.transaction })));
    ask(scene, &payment, scene.now, &mut effects);
    payment.version += 1;
    dossier.version += 1;
    effects.payments.push(payment);
    effects.dossier = Some(dossier);
    effects
}

/// Our answer to the platform's question what a dossier owes; the canonical `bill.answer`. Where no transaction is open one is opened: the
/// effects, written before the answer leaves, so that no citizen pays under an id we do not know.
#[must_use]
pub fn bill(scene: &Scene<'_>, snapshot: &Snapshot) -> (Value, Option<Box<Effects>>) {
    let fee = snapshot.dossier.as_ref().and_then(|d| d.fee.as_ref().map(|f| (d, f)));
    match (&snapshot.dossier, fee) {
        (None, _) => (json!({ "outcome": "unknown" }), None),
        (Some(dossier), Some((_, fee))) if fee.state != FeeState::Paid && owes(dossier) => {
            let (transaction, effects) = match &fee.transaction {
                Some(open) => (open.clone(), None),
                None => {
                    let (mut dossier, mut effects) = (dossier.clone(), Effects::default());
                    let payment = open(scene, &mut dossier, fee, scene.origin.partner.clone(), String::new(), &mut effects);
                    dossier.version += 1;
                    let transaction = payment.transaction.clone();
                    effects.payments.push(payment);
                    effects.dossier = Some(dossier);
                    (transaction, Some(Box::new(effects)))
                }
            };
            let mut body = request(scene, dossier, fee, &transaction, "");
            if let Some(map) = body.as_object_mut() {
                for name in ["amount", "extra_fee", "description", "device", "return_url"] {
                    map.remove(name);
                }
                map.insert("outcome".into(), "owed".into());
                map.insert("asked_at".into(), scene.now.rfc3339().into());
            }
            (body, effects)
        }
        _ => (json!({ "outcome": "settled" }), None),
    }
}

/// A status push that carries a fee makes it owed. Where the catalogue has a rule and it differs, a person decides.
pub(super) fn take_fee_due(scene: &Scene<'_>, message: &Message, dossier: &mut Dossier, effects: &mut Effects) {
    let Some(amount) = message.number("fee_due.amount").and_then(|n| Vnd::new(n).ok()).filter(|a| *a > Vnd::ZERO) else { return };
    let ours = scene.service.and_then(|s| s.fee);
    if ours.is_some_and(|ours| ours != amount) {
        let data = json!({ "ministry": amount.amount(), "catalogue": ours.map(Vnd::amount) });
        effects.events.push(scene.event(&dossier.code, "fee.differs", data.clone()));
        effects.cases.push(NewCase { kind: CaseKind::FeeDiffers, dossier: Some(dossier.code.clone()), data, at: scene.now });
        return;
    }
    let own = |path: &str| message.text(path).map(str::to_owned);
    owe(scene, amount, own("fee_due.code"), own("fee_due.name"), dossier, effects);
}

/// A city-hosted dossier owes what the catalogue's rule says.
pub(super) fn owe_by_rule(scene: &Scene<'_>, dossier: &mut Dossier, effects: &mut Effects) {
    if let Some(amount) = scene.service.and_then(|s| s.fee).filter(|a| *a > Vnd::ZERO) {
        owe(scene, amount, None, scene.service.map(|s| s.name.clone()), dossier, effects);
    }
}

/// The reply to a create whose link was lost, while the platform knows the transaction as unpaid: a new attempt with its own id;
/// the first one is watched until it expires.
pub(super) fn again(scene: &Scene<'_>, first: &Payment, snapshot: &Snapshot, effects: &mut Effects) {
    // Without a change of the dossier by the answer itself there is nothing to go on from.
    let Some(mut dossier) = effects.dossier.take() else { return };
    // Only while it is this one that is open: another may have been begun since, or its time may be over.
    let ours = |f: &Fee| f.state == FeeState::Requested && f.transaction.as_ref() == Some(&first.transaction);
    let open = snapshot.payments.iter().filter(|p| p.state == PaymentState::Requested).count();
    if let Some(fee) = dossier.fee.clone().filter(|f| ours(f) && first.state == PaymentState::Requested) {
        if open >= MOST_OPEN {
            let data = json!({ "transaction": first.transaction, "open": open });
            effects.cases.push(NewCase { kind: CaseKind::LinkLost, dossier: Some(dossier.code.clone()), data, at: scene.now });
        } else if let Ok(payment) = attempt(scene, &mut dossier, &fee, first.return_url.clone(), effects) {
            effects.payments.push(payment);
        }
    }
    effects.dossier = Some(dossier);
}

fn owe(scene: &Scene<'_>, amount: Vnd, code: Option<String>, name: Option<String>, dossier: &mut Dossier, effects: &mut Effects) {
    if !owes(dossier) || dossier.fee.as_ref().is_some_and(|f| f.amount == amount) {
        return;
    }
    // A fee that is already asked for or paid is not changed under the citizen's hands: a person decides.
    if let Some(fee) = dossier.fee.as_ref().filter(|f| f.state != FeeState::Owed) {
        let data = json!({ "ministry": amount.amount(), "asked": fee.amount.amount(), "transaction": fee.transaction });
        effects.events.push(scene.event(&dossier.code, "fee.differs", data.clone()));
        effects.cases.push(NewCase { kind: CaseKind::FeeDiffers, dossier: Some(dossier.code.clone()), data, at: scene.now });
        return;
    }
    dossier.fee = Some(Fee { amount, code, name, state: FeeState::Owed, transaction: None });
    effects.events.push(scene.event(&dossier.code, "fee.owed", json!({ "amount": amount.amount() })));
    tell::fee(scene, dossier, amount, false, None, effects);
}

fn paid(scene: &Scene<'_>, message: &Message, payment: &mut Payment, dossier: &mut Dossier, effects: &mut Effects) {
    let said = message.number("amount");
    if said.is_some_and(|n| n != payment.amount.amount()) {
        let data = json!({ "transaction": payment.transaction, "asked": payment.amount.amount(), "paid": said });
        effects.cases.push(NewCase { kind: CaseKind::AmountDiffers, dossier: Some(dossier.code.clone()), data, at: scene.now });
        return;
    }
    let twice = dossier.fee.as_ref().is_some_and(|f| f.state == FeeState::Paid);
    let late = payment.state != PaymentState::Requested;
    payment.state = PaymentState::Paid;
    let kind = if twice { "overpayment" } else { "payment" };
    effects.movements.push(Movement {
        transaction: payment.transaction.clone(),
        debit: "citizen".into(),
        credit: "platform".into(),
        amount: payment.amount,
        kind: kind.into(),
    });
    let data = json!({ "transaction": payment.transaction, "amount": payment.amount.amount() });
    effects.events.push(scene.event(&dossier.code, "paid", data.clone()));
    effects.audit.push(scene.audit("payment.paid", &dossier.code, data.clone()));
    if twice || late {
        effects.cases.push(NewCase { kind: CaseKind::Overpayment, dossier: Some(dossier.code.clone()), data, at: scene.now });
    }
    if twice {
        return;
    }
    // An earlier attempt over another amount does not pay the fee as it stands now.
    if let Some(fee) = dossier.fee.as_ref().filter(|f| f.amount != payment.amount) {
        let data = json!({ "transaction": payment.transaction, "paid": payment.amount.amount(), "owed": fee.amount.amount() });
        effects.cases.push(NewCase { kind: CaseKind::AmountDiffers, dossier: Some(dossier.code.clone()), data, at: scene.now });
        return;
    }
    if let Some(fee) = &mut dossier.fee {
        fee.state = FeeState::Paid;
        fee.transaction = Some(payment.transaction.clone());
    }
    tell::fee(scene, dossier, payment.amount, true, Some(&payment.transaction), effects);
    tell::fee_paid(scene, dossier, payment.amount, &payment.transaction, effects);
}

/// A dossier that was refused or withdrawn owes nothing any more; what was paid for it is a person's matter.
fn owes(dossier: &Dossier) -> bool {
    !matches!(dossier.status, Status::Refused | Status::Withdrawn)
}

/// The fee is owed again, if it was this transaction that was open.
pub(super) fn reopen(payment: &Payment, dossier: &mut Dossier) {
    if let Some(fee) =
        dossier.fee.as_mut().filter(|f| f.state == FeeState::Requested && f.transaction.as_ref() == Some(&payment.transaction))
    {
        fee.state = FeeState::Owed;
        fee.transaction = None;
    }
}

fn attempt(
    scene: &Scene<'_>,
    dossier: &mut Dossier,
    fee: &Fee,
    return_url: String,
    effects: &mut Effects,
) -> Result<Payment, Refusal> {
    let partner = scene.guide.payment.clone().ok_or_else(no_payment)?;
    let payment = open(scene, dossier, fee, partner.clone(), return_url.clone(), effects);
    call(scene, dossier, fee, &partner, &payment.transaction, &return_url, effects)?;
    Ok(payment)
}

/// The call that asks the platform for a transaction's link.
fn call(
    scene: &Scene<'_>,
    dossier: &Dossier,
    fee: &Fee,
    partner: &str,
    transaction: &str,
    return_url: &str,
    effects: &mut Effects,
) -> Result<(), Refusal> {
    // Whom the money goes to must be known.
    scene.service.ok_or_else(no_payment)?;
    let body = request(scene, dossier, fee, transaction, return_url);
    let delivery =
        scene.delivery(partner, Kind::PaymentRequest, transaction, &dossier.code, Some(body)).ok_or_else(no_payment)?;
    effects.deliveries.push(delivery);
    Ok(())
}

fn no_payment() -> Refusal {
    Refusal::new("payment-unavailable", 503, "Chưa kết nối nền tảng thanh toán.", "No payment platform is connected.")
}

/// Opens a transaction for a fee: its id is ours and stored before anybody hears of it.
fn open(
    scene: &Scene<'_>,
    dossier: &mut Dossier,
    fee: &Fee,
    partner: String,
    return_url: String,
    effects: &mut Effects,
) -> Payment {
    let transaction = scene.mint.payment_id();
    effects.events.push(scene.event(
        &dossier.code,
        "payment.requested",
        json!({ "transaction": transaction, "amount": fee.amount.amount() }),
    ));
    dossier.fee = Some(Fee { state: FeeState::Requested, transaction: Some(transaction.clone()), ..fee.clone() });
    Payment {
        transaction,
        dossier: dossier.code.clone(),
        partner,
        amount: fee.amount,
        state: PaymentState::Requested,
        link: None,
        return_url,
        requested_at: scene.now,
        expires_at: scene.now.plus_ms(scene.guide.payment_ms),
        asked_at: None,
        noticed_at: None,
        platform_transaction: None,
        version: 1,
    }
}

/// The canonical `payment.request`. The beneficiary is the catalogue's of the day the request is made, and is kept with it.
fn request(scene: &Scene<'_>, dossier: &Dossier, fee: &Fee, transaction: &str, return_url: &str) -> Value {
    let procedure_name = scene.service.map_or_else(|| dossier.procedure.clone(), |s| s.name.clone());
    let fee_name = fee.name.clone().unwrap_or_else(|| "Phí, lệ phí".to_owned());
    let agency_name = scene.service.and_then(|s| s.agency_name.clone()).unwrap_or_else(|| dossier.agency.clone());
    let none = || json!({ "account": "0", "bank": "0", "name": "0" });
    let mut payer = serde_json::Map::from_iter([("name".to_owned(), Value::from(dossier.payer.name.clone()))]);
    for (name, value) in
        [("identity", &dossier.payer.identity), ("address", &dossier.payer.address), ("province", &dossier.payer.province)]
    {
        if let Some(value) = value {
            payer.insert(name.to_owned(), value.clone().into());
        }
    }
    json!({
        "transaction": transaction,
        "dossier": dossier.code,
        "procedure": dossier.procedure,
        "procedure_name": procedure_name,
        "agency": { "code": dossier.agency, "name": agency_name },
        "amount": fee.amount.amount(),
        "extra_fee": 0,
        "description": format!("Nop phi ho so {}", dossier.code),
        "device": "web",
        "return_url": return_url,
        "fees": [{ "code": fee.code.clone().unwrap_or_else(|| "LP".to_owned()), "name": fee_name, "kind": "charge", "amount": fee.amount.amount() }],
        "beneficiary": scene.service.and_then(|s| s.beneficiary.clone()).unwrap_or_else(none),
        "purpose": format!("Nop phi ho so {}", dossier.code),
        "payer": payer,
        "items": [{ "text": fee_name, "amount": fee.amount.amount() }],
    })
}

/// Asks the platform about a transaction, at `at`.
fn ask(scene: &Scene<'_>, payment: &Payment, at: Time, effects: &mut Effects) {
    let body = json!({ "transaction": payment.transaction });
    let later = at > scene.now;
    let lane = query_lane(payment, later);
    let delivery = scene.delivery(&payment.partner, Kind::PaymentQuery, &lane, &payment.dossier, Some(body));
    effects.deliveries.extend(delivery.map(|d| NewDelivery { not_before: later.then_some(at), ..d }));
}

/// Questions have lanes of their own: a request that is parked, or a question that is to wait, holds up none that is asked now.
fn query_lane(payment: &Payment, later: bool) -> String {
    format!("{}/{}", payment.transaction, if later { "later" } else { "query" })
}

/// An id told from outside, only when it has the form of one of ours; else it may be anybody's text.
fn public_id(text: &str) -> String {
    let plain = text.len() == 20 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { text.to_owned() } else { format!("text, {} characters", text.chars().count()) }
}

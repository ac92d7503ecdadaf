//! The citizen clicks "pay": the open transaction's link, or a new attempt.
//!
//! Always: one transaction is open per fee; while a fee waits for a person's decision nothing is asked for; while it is being asked whether
//! an attempt that has just run out was paid after all, no second one is opened.

use super::super::refusal::Refusal;
use super::super::scene::Scene;
use super::super::submit::owned;
use super::notice::query_lane;
use super::{no_payment, owes};
use crate::body::{Value, json};
use crate::journal::{DeliveryState, Effects, Snapshot};
use crate::model::{Account, Beneficiary, Dossier, Fee, FeeState, Kind, Message, Payment, PaymentState, Terms, Vnd};
use crate::planted::{Plant, planted};

/// How long a click waits for the platform's word about an attempt that has run out, milliseconds from its end.
const LAST_WORD_MS: i64 = 60 * 1000;

/// Lines of a bill at most; more items are told in one line.
const MOST_LINES: usize = 50;

/// What a click on "pay" finds or causes.
#[derive(Debug)]
pub enum Start {
    /// A transaction is open already.
    Open(Box<Payment>),
    /// A new one.
    New(Box<Effects>, String),
}

/// The citizen clicks "pay".
pub fn start(scene: &Scene<'_>, message: &Message, snapshot: &Snapshot) -> Result<Start, Refusal> {
    let mut dossier = owned(scene, snapshot)?;
    let fee = payable(&dossier)?;
    let return_url = message.text("return_url").unwrap_or_default().to_owned();
    let mut effects = Effects::default();
    let open = open_of(&fee, snapshot).filter(|p| p.expires_at > scene.now && !planted(Plant::SecondTransaction));
    let payment = match open {
        // Opened by the platform's look-up: there is no link yet, now one is asked for, under the same id.
        Some(open) if open.return_url.is_empty() => {
            call(scene, &dossier, open, &return_url, &mut effects)?;
            Payment { return_url, version: open.version + 1, ..open.clone() }
        }
        Some(open) => return Ok(Start::Open(Box::new(open.clone()))),
        None => match last_word_awaited(scene, snapshot) {
            Some(over) => return Ok(Start::Open(Box::new(over.clone()))),
            None => attempt(scene, &mut dossier, &fee, return_url, &mut effects)?,
        },
    };
    let transaction = payment.transaction.clone();
    effects.audit.push(scene.audit(
        "payment.start",
        &dossier.code,
        json!({ "transaction": transaction, "amount": payment.amount.amount() }),
    ));
    effects.payments.push(payment);
    dossier.version += 1;
    effects.dossier = Some(dossier);
    Ok(Start::New(Box::new(effects), transaction))
}

/// The fee that can be paid now.
fn payable(dossier: &Dossier) -> Result<Fee, Refusal> {
    if dossier.dispute.is_some() && owes(dossier) {
        return Err(Refusal::new(
            "fee-undecided",
            409,
            "Mức phí, lệ phí của hồ sơ này đang được cán bộ xác định; xin quay lại sau.",
            "The fee of this dossier is being settled by an officer; come back later.",
        )
        .at("/code"));
    }
    let Some(fee) = dossier.fee.clone().filter(|_| owes(dossier)) else {
        return Err(Refusal::new(
            "fee-not-owed",
            409,
            "Hồ sơ này chưa có khoản phí, lệ phí phải nộp.",
            "This dossier owes no fee.",
        )
        .at("/code"));
    };
    if fee.state == FeeState::Paid {
        return Err(Refusal::fee_paid());
    }
    Ok(fee)
}

/// The fee's open transaction, whatever its time.
pub(super) fn open_of<'s>(fee: &Fee, snapshot: &'s Snapshot) -> Option<&'s Payment> {
    let ours = |p: &&Payment| Some(&p.transaction) == fee.transaction.as_ref() && p.state == PaymentState::Requested;
    snapshot.payments.iter().find(ours).filter(|p| p.amount == fee.amount)
}

/// The attempt that has just run out while its link may have been paid: the platform is being asked for its last word.
fn last_word_awaited<'s>(scene: &Scene<'_>, snapshot: &'s Snapshot) -> Option<&'s Payment> {
    let over = snapshot.payments.last().filter(|p| p.state == PaymentState::Expired && p.link.is_some())?;
    let asked = query_lane(over, false);
    let under_way = |s: DeliveryState| matches!(s, DeliveryState::Waiting | DeliveryState::Claimed | DeliveryState::Unknown);
    let waits = snapshot.open.iter().any(|d| d.lane == asked && under_way(d.state));
    (waits && scene.now.ms_since(over.expires_at) < LAST_WORD_MS).then_some(over)
}

/// A new attempt: opened, and its link asked for.
pub(super) fn attempt(
    scene: &Scene<'_>,
    dossier: &mut Dossier,
    fee: &Fee,
    return_url: String,
    effects: &mut Effects,
) -> Result<Payment, Refusal> {
    let partner = scene.guide.payment.clone().ok_or_else(no_payment)?;
    // Whom the money goes to must be known.
    scene.service.ok_or_else(no_payment)?;
    let payment = open(scene, dossier, fee, partner, return_url.clone(), effects);
    call(scene, dossier, &payment, &return_url, effects)?;
    Ok(payment)
}

/// The call that asks the platform for a transaction's link.
fn call(scene: &Scene<'_>, dossier: &Dossier, payment: &Payment, return_url: &str, effects: &mut Effects) -> Result<(), Refusal> {
    let body = request(scene, dossier, payment, return_url);
    let delivery = scene
        .delivery(&payment.partner, Kind::PaymentRequest, &payment.transaction, &dossier.code, Some(body))
        .ok_or_else(no_payment)?;
    effects.deliveries.push(delivery);
    Ok(())
}

/// Opens a transaction for a fee: its id is ours and stored before anybody hears of it.
pub(super) fn open(
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
        differed_at: None,
        platform_transaction: None,
        billed: false,
        paid_at: None,
        held_in: Account::Platform,
        terms: Some(terms(scene, dossier, fee)),
        reserved: Vnd::ZERO,
        refunded: Vnd::ZERO,
        version: 1,
    }
}

/// What a transaction is for. The beneficiary is the catalogue's of the day the request is made, and is kept with it.
pub(super) fn terms(scene: &Scene<'_>, dossier: &Dossier, fee: &Fee) -> Terms {
    let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let beneficiary = scene.service.and_then(|s| s.beneficiary.as_ref());
    Terms {
        procedure: scene.service.map_or_else(|| dossier.procedure.clone(), |s| s.name.clone()),
        agency: scene.service.and_then(|s| s.agency_name.clone()).unwrap_or_else(|| dossier.agency.clone()),
        code: fee.code.clone(),
        name: fee.name.clone().unwrap_or_else(|| "Phí, lệ phí".to_owned()),
        items: fee.items.clone(),
        beneficiary: beneficiary.map(|b| Beneficiary {
            account: text(b, "account"),
            bank: text(b, "bank"),
            name: text(b, "name"),
        }),
    }
}

/// The canonical `payment.request`.
pub(super) fn request(scene: &Scene<'_>, dossier: &Dossier, payment: &Payment, return_url: &str) -> Value {
    let fee = dossier.fee.clone().unwrap_or_else(|| Fee {
        amount: payment.amount,
        code: None,
        name: None,
        state: FeeState::Requested,
        transaction: None,
        items: Vec::new(),
    });
    let terms = payment.terms.clone().unwrap_or_else(|| terms(scene, dossier, &fee));
    let none = || json!({ "account": "0", "bank": "0", "name": "0" });
    let beneficiary = terms.beneficiary.as_ref();
    let mut payer = crate::body::Map::from_iter([("name".to_owned(), Value::from(dossier.payer.name.clone()))]);
    for (name, value) in
        [("identity", &dossier.payer.identity), ("address", &dossier.payer.address), ("province", &dossier.payer.province)]
    {
        if let Some(value) = value {
            payer.insert(name.to_owned(), value.clone().into());
        }
    }
    json!({
        "transaction": payment.transaction,
        "dossier": dossier.code,
        "procedure": dossier.procedure,
        "procedure_name": terms.procedure,
        "agency": { "code": dossier.agency, "name": terms.agency },
        "amount": payment.amount.amount(),
        "extra_fee": 0,
        "description": format!("Nop phi ho so {}", dossier.code),
        "device": "web",
        "return_url": return_url,
        "fees": [{ "code": terms.code.clone().unwrap_or_else(|| "LP".to_owned()), "name": terms.name, "kind": "charge", "amount": payment.amount.amount() }],
        "beneficiary": beneficiary.map_or_else(none, |b| json!({ "account": b.account, "bank": b.bank, "name": b.name })),
        "purpose": format!("Nop phi ho so {}", dossier.code),
        "payer": payer,
        "items": lines(&terms, payment.amount),
    })
}

/// The lines of a bill: each item with its price, or the fee as one; their sum is the sum asked for.
fn lines(terms: &Terms, amount: Vnd) -> Value {
    let sum = terms.items.iter().try_fold(Vnd::ZERO, |sum, i| sum.checked_add(i.amount));
    if terms.items.is_empty() || terms.items.len() > MOST_LINES || sum != Some(amount) {
        return json!([{ "text": terms.name, "amount": amount.amount() }]);
    }
    terms.items.iter().map(|i| json!({ "text": i.text, "amount": i.amount.amount() })).collect()
}

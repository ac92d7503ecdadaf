//! Money that goes back to the citizen: asked for by an operator, reserved at once, settled by what the bank says.
//!
//! Always: the sum is reserved in the payment's own row, whose version the journal checks, so that two requests at once can never promise
//! more than was paid; every step moves the money between accounts and stands in the audit. Where the platform has a route for refunds it is
//! handed over through the journal (`payout`); where it has none the refund is a case for a person, who hands it to the bank and tells how it
//! ended.

use super::super::case;
use super::super::refusal::Refusal;
use super::super::scene::Scene;
use super::super::submit;
use super::super::tell::{self, Words};
use super::payout::{handed, is_about, settles};
use crate::body::{Value, json};
use crate::journal::{CaseView, DeliveryState, DeliveryView, Effects, NewCase, Snapshot};
use crate::model::{Account, CaseKind, Dossier, Kind, Movement, Payment, PaymentState, Refund, RefundState, Vnd};

/// What an operator tells of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundStep {
    /// What became of it.
    pub to: RefundState,
    /// The bank's or the platform's reference; needed for done.
    pub reference: Option<String>,
    /// Why; needed for refused and unknown.
    pub reason: Option<String>,
}

/// An operator asks for a refund; none: all that is left of it. Its sum is reserved.
pub fn refund(
    scene: &Scene<'_>,
    transaction: &str,
    amount: Option<Vnd>,
    reason: &str,
    snapshot: &Snapshot,
) -> Result<(Effects, Refund), Refusal> {
    let (mut dossier, mut payment) = found(transaction, snapshot)?;
    if payment.state != PaymentState::Paid {
        let text = "Giao dịch này chưa được thanh toán; không có gì để hoàn trả.";
        return Err(Refusal::new("payment-not-paid", 409, text, "This transaction is not paid; there is nothing to give back."));
    }
    let left = payment.refundable();
    let amount = amount.unwrap_or(left);
    if amount == Vnd::ZERO || amount > left {
        return Err(Refusal::new(
            "refund-too-much",
            409,
            format!("Số tiền hoàn trả phải từ 1 đến {left} đồng (phần còn lại của giao dịch)."),
            format!("A refund is 1 to {left} VND: what is left of this transaction."),
        )
        .at("/amount"));
    }
    let mut refund = Refund {
        id: scene.mint.refund_id(),
        transaction: transaction.to_owned(),
        dossier: dossier.code.clone(),
        amount,
        from: payment.held_in,
        state: RefundState::Created,
        by: scene.origin.caller.clone(),
        reason: reason.to_owned(),
        at: scene.now,
        by_platform: false,
        reference: None,
        changed_at: scene.now,
        version: 1,
    };
    payment.reserved = payment.reserved.checked_add(amount).unwrap_or(payment.reserved);
    let mut effects = Effects::default();
    moved(scene, &refund, (refund.from, Account::RefundReserved), "refund-reserve", &mut effects);
    match handed(scene, &refund, &payment) {
        Some(call) => {
            refund.by_platform = true;
            effects.deliveries.push(call);
        }
        None => {
            let (dossier, data) = (Some(dossier.code.clone()), about(&refund));
            effects.cases.push(NewCase { kind: CaseKind::Refund, dossier, data, at: scene.now });
        }
    }
    told(scene, "refund.requested", &refund, Some(reason), &mut effects);
    written(payment, &mut dossier, &refund, &mut effects);
    effects.dossier = Some(dossier);
    Ok((effects, refund))
}

/// An operator tells what became of a refund; these open cases about it are settled when it has ended. One that the platform pays out ends by
/// the platform's word: a person speaks only where nothing is under way, and ends what still waits to be sent or asked.
pub fn refund_step(
    scene: &Scene<'_>,
    id: &str,
    step: &RefundStep,
    snapshot: &Snapshot,
    cases: &[CaseView],
) -> Result<(Effects, Refund), Refusal> {
    let before = snapshot.refunds.iter().find(|r| r.id == id).ok_or_else(Refusal::no_refund)?;
    if before.by_platform {
        by_a_person(id, step.to, snapshot)?;
    }
    let (mut effects, refund) = become_of(scene, before, step.to, (step.reference.clone(), step.reason.as_deref()), snapshot)?;
    let open = |d: &&DeliveryView| before.by_platform && is_about(d, id) && d.state != DeliveryState::Claimed;
    effects.closes.extend(snapshot.open.iter().filter(open).map(|d| submit::close(d, "refund-ended")));
    let back = effects.payments.iter().any(|p| p.refunded == p.amount);
    let why = step.reason.as_deref().or(step.reference.as_deref()).unwrap_or("…");
    for case in cases.iter().filter(|c| settles(c, &refund, back)) {
        effects.case_steps.push(case::settled(scene, case, step.to.word(), why));
    }
    Ok((effects, refund))
}

/// What a person may say of a refund that the platform pays out.
fn by_a_person(id: &str, to: RefundState, snapshot: &Snapshot) -> Result<(), Refusal> {
    if !matches!(to, RefundState::Done | RefundState::Refused) {
        return Err(Refusal::new(
            "refund-by-platform",
            409,
            "Khoản hoàn trả này do nền tảng thanh toán chi trả; cổng kết nối tự ghi nhận khi chuyển và khi chưa rõ kết quả.",
            "The payment platform pays this refund out; that it was sent, or is not known, is recorded by the gateway itself.",
        ));
    }
    let at_work = |d: &&DeliveryView| {
        d.lane == id && d.kind == Kind::RefundRequest.name() && matches!(d.state, DeliveryState::Claimed | DeliveryState::Unknown)
    };
    if snapshot.open.iter().any(|d| at_work(&d)) {
        return Err(Refusal::new(
            "refund-under-way",
            409,
            "Khoản hoàn trả này đang được gửi hoặc đang được hỏi kết quả ở nền tảng; hãy chờ kết quả hoặc việc “refund-unanswered”.",
            "This refund is on its way to the platform, or being asked after; wait for its end, or for its case `refund-unanswered`.",
        ));
    }
    Ok(())
}

/// A refund becomes another state, whoever says so: the money moves between accounts, the timeline and the audit tell it.
pub(super) fn become_of(
    scene: &Scene<'_>,
    before: &Refund,
    to: RefundState,
    (reference, reason): (Option<String>, Option<&str>),
    snapshot: &Snapshot,
) -> Result<(Effects, Refund), Refusal> {
    let (mut dossier, mut payment) = found(&before.transaction, snapshot)?;
    if !before.state.may_become(to) {
        return Err(Refusal::new(
            "refund-state",
            409,
            format!("Khoản hoàn trả này đang ở trạng thái “{}”, không thể chuyển sang “{}”.", before.state.word(), to.word()),
            format!("This refund is {}; it cannot become {}.", before.state.word(), to.word()),
        ));
    }
    let refund = Refund {
        state: to,
        reference: reference.or_else(|| before.reference.clone()),
        changed_at: scene.now,
        version: before.version + 1,
        ..before.clone()
    };
    let mut effects = Effects::default();
    match to {
        RefundState::Done => {
            payment.reserved = less(payment.reserved, refund.amount);
            payment.refunded = payment.refunded.checked_add(refund.amount).unwrap_or(payment.refunded);
            moved(scene, &refund, (Account::RefundReserved, Account::Citizen), "refund", &mut effects);
            let text = format!("Đã hoàn trả {} đồng cho giao dịch {}.", refund.amount, refund.transaction);
            let at = dossier.told_as_of();
            tell::status(scene, &mut dossier, at, &Words::say(&text), &mut effects);
        }
        RefundState::Refused => {
            payment.reserved = less(payment.reserved, refund.amount);
            moved(scene, &refund, (Account::RefundReserved, refund.from), "refund-release", &mut effects);
        }
        RefundState::Created | RefundState::Sent | RefundState::Unknown => {}
    }
    told(scene, &format!("refund.{}", to.word()), &refund, reason, &mut effects);
    written(payment, &mut dossier, &refund, &mut effects);
    effects.dossier = Some(dossier);
    Ok((effects, refund))
}

fn found(transaction: &str, snapshot: &Snapshot) -> Result<(Dossier, Payment), Refusal> {
    let payment = snapshot.payments.iter().find(|p| p.transaction == transaction);
    match (&snapshot.dossier, payment) {
        (Some(dossier), Some(payment)) => Ok((dossier.clone(), payment.clone())),
        _ => Err(Refusal::new("payment-unknown", 404, "Không có giao dịch với mã này.", "There is no transaction with this id.")),
    }
}

fn less(sum: Vnd, amount: Vnd) -> Vnd {
    sum.checked_sub(amount).unwrap_or(Vnd::ZERO)
}

fn moved(scene: &Scene<'_>, refund: &Refund, (debit, credit): (Account, Account), kind: &str, effects: &mut Effects) {
    effects.movements.push(Movement {
        transaction: refund.transaction.clone(),
        dossier: refund.dossier.clone(),
        refund: Some(refund.id.clone()),
        debit,
        credit,
        amount: refund.amount,
        kind: kind.to_owned(),
        at: scene.now,
    });
}

pub(super) fn about(refund: &Refund) -> Value {
    json!({ "refund": refund.id, "transaction": refund.transaction, "amount": refund.amount.amount() })
}

/// The timeline and the audit; the reason stands in the audit only.
fn told(scene: &Scene<'_>, what: &str, refund: &Refund, reason: Option<&str>, effects: &mut Effects) {
    effects.events.push(scene.event(&refund.dossier, what, about(refund)));
    let mut data = about(refund);
    let more = [("reason", reason), ("reference", refund.reference.as_deref())];
    if let Some(map) = data.as_object_mut() {
        map.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    effects.audit.push(scene.audit(what, &refund.id, data));
}

fn written(payment: Payment, dossier: &mut Dossier, refund: &Refund, effects: &mut Effects) {
    effects.payments.push(Payment { version: payment.version + 1, ..payment });
    effects.refunds.push(refund.clone());
    dossier.version += 1;
}

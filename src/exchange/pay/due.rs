//! What a dossier owes: by the catalogue's rule, by the ministry's push, by a person's word where the two do not agree.
//!
//! Always: where the rule settles the sum, a push that tells another one makes nothing owed: it becomes a case with both figures, and nothing
//! is asked of the citizen until a person has decided. Where the rule is silent the ministry's figure counts. What was paid is not owed
//! again: a supplement with more items owes the new ones only.

use super::super::case;
use super::super::copies;
use super::super::refusal::Refusal;
use super::super::scene::Scene;
use super::super::tell::{self, Words};
use super::owes;
use crate::body::json;
use crate::journal::{CaseView, Effects, NewCase, Snapshot};
use crate::model::{CaseKind, Charge, Dispute, Dossier, Fee, FeeItem, FeeState, Message, Vnd};

/// Which figure a person decides for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// What the ministry told.
    Ministry,
    /// What we have: the rule's sum, or the one already asked for.
    Catalogue,
    /// This one.
    Amount(Vnd),
    /// Nothing is owed.
    Nothing,
}

// === impl Figure ===

impl Figure {
    /// Its word: `ministry`, `catalogue`, `amount`, `none`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ministry => "ministry",
            Self::Catalogue => "catalogue",
            Self::Amount(_) => "amount",
            Self::Nothing => "none",
        }
    }

    /// The figure of a decision's word; an amount is none of them.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Ministry, Self::Catalogue, Self::Nothing].into_iter().find(|f| f.word() == word)
    }
}

/// A sum with the words and items it is owed for.
struct Due {
    amount: Vnd,
    code: Option<String>,
    name: Option<String>,
    items: Vec<FeeItem>,
}

/// A status push that carries a fee makes it owed. Where the catalogue has a rule and it differs, a person decides.
pub(in crate::exchange) fn take_fee_due(scene: &Scene<'_>, message: &Message, dossier: &mut Dossier, effects: &mut Effects) {
    let Some(amount) = message.number("fee_due.amount").and_then(|n| Vnd::new(n).ok()).filter(|a| *a > Vnd::ZERO) else { return };
    if !owes(dossier) || dossier.overruled.contains(&amount) || dossier.dispute.as_ref().is_some_and(|d| d.told == Some(amount)) {
        return;
    }
    let own = |path: &str| message.text(path).map(str::to_owned);
    let (code, name) = (own("fee_due.code"), own("fee_due.name"));
    let rule = dossier.charge.clone().unwrap_or(Charge::Unknown);
    let owed = rule.owed(dossier.fee_paid, &dossier.covered);
    let due = |items| Due { amount, code: code.clone(), name: name.clone(), items };
    let standing = dossier.fee.clone();
    let agrees = match (&rule, &owed) {
        (Charge::OneOf(sums), _) => sums.contains(&amount),
        (_, Some((sum, _))) => *sum == amount,
        (_, None) => true,
    };
    match standing {
        _ if dossier.dispute.is_some() => {}
        None if agrees => return owe(scene, due(owed.unwrap_or_default().1), dossier, effects),
        // Told again.
        Some(fee) if fee.amount == amount && fee.state != FeeState::Paid => return,
        Some(fee) if fee.state == FeeState::Owed && agrees => {
            return owe(scene, due(owed.unwrap_or_default().1), dossier, effects);
        }
        // Paid, and now there is more of it.
        Some(fee) if fee.state == FeeState::Paid && agrees && owed.as_ref().is_some_and(|(sum, _)| *sum > Vnd::ZERO) => {
            return owe(scene, due(owed.unwrap_or_default().1), dossier, effects);
        }
        // Paid, and told again.
        Some(fee) if fee.state == FeeState::Paid && (fee.amount == amount || dossier.fee_paid == amount) => return,
        _ => {}
    }
    // A fee that is already asked for or paid is not changed under the citizen's hands either.
    let ours = owed.map(|(sum, _)| sum).or_else(|| dossier.fee.as_ref().map(|f| f.amount));
    let choices = if let Charge::OneOf(sums) = &rule { sums.clone() } else { Vec::new() };
    dispute(scene, Dispute { told: Some(amount), ours, choices, code, name, since: scene.now }, dossier, effects);
}

/// A city-hosted dossier owes what the catalogue's rule says; where the rule leaves a choice, a person says which.
pub(in crate::exchange) fn owe_by_rule(scene: &Scene<'_>, dossier: &mut Dossier, effects: &mut Effects) {
    let rule = dossier.charge.clone().unwrap_or(Charge::Unknown);
    let name = scene.service.map(|s| format!("Phí, lệ phí: {}", s.name).chars().take(200).collect());
    match rule.owed(dossier.fee_paid, &dossier.covered) {
        Some((amount, items)) if amount > Vnd::ZERO => owe(scene, Due { amount, code: None, name, items }, dossier, effects),
        Some(_) => {}
        None => {
            if let Charge::OneOf(choices) = rule.clone()
                && dossier.fee.is_none()
                && dossier.dispute.is_none()
            {
                dispute(scene, Dispute { told: None, ours: None, choices, code: None, name, since: scene.now }, dossier, effects);
            }
        }
    }
    if let Charge::Exempt(why) = &rule {
        effects.events.push(scene.event(&dossier.code, "fee.exempt", json!({ "why": why })));
    }
}

/// A supplement corrects the form or adds papers: the charge is made anew. The dossier's host decides who makes the rest owed: the city at
/// once, the ministry by its push. A fee that is only owed follows the new charge.
pub(in crate::exchange) fn charge_again(scene: &Scene<'_>, charge: Charge, dossier: &mut Dossier, effects: &mut Effects) {
    if dossier.charge.as_ref() == Some(&charge) {
        return;
    }
    dossier.charge = Some(charge);
    if dossier.ministry.is_none() && dossier.dispute.is_none() && owes(dossier) {
        match dossier.fee.as_ref().map(|f| f.state) {
            // Under the citizen's hands: what is asked for stays; the rest is owed once that is paid, and a person sees it.
            Some(FeeState::Requested) => {
                let owed = dossier.charge.as_ref().and_then(|c| c.owed(dossier.fee_paid, &dossier.covered)).map(|(sum, _)| sum);
                if owed.is_some() && owed != dossier.fee.as_ref().map(|f| f.amount) {
                    let of = Dispute { told: None, ours: owed, choices: Vec::new(), code: None, name: None, since: scene.now };
                    dispute(scene, of, dossier, effects);
                }
            }
            _ => owe_by_rule(scene, dossier, effects),
        }
    }
}

/// A person decides what is owed, with a reason: the portal is told, and these cases about it are settled.
pub fn decide_fee(
    scene: &Scene<'_>,
    figure: Figure,
    reason: &str,
    snapshot: &Snapshot,
    cases: &[CaseView],
) -> Result<Effects, Refusal> {
    let mut effects = Effects::default();
    decide_figure(scene, figure, reason, snapshot, &mut effects)?;
    for case in cases.iter().filter(|c| matches!(c.kind, Some(CaseKind::FeeDiffers | CaseKind::FeeChoice))) {
        effects.case_steps.push(case::settled(scene, case, figure.word(), reason));
    }
    copies::tell(scene, snapshot, &mut effects);
    Ok(effects)
}

/// What a person's figure causes. It is what is to be paid from now on: what was paid before is not in it.
pub(in crate::exchange) fn decide_figure(
    scene: &Scene<'_>,
    figure: Figure,
    reason: &str,
    snapshot: &Snapshot,
    effects: &mut Effects,
) -> Result<(), Refusal> {
    let Some(mut dossier) = snapshot.dossier.clone() else { return Err(Refusal::no_dossier()) };
    let dispute = dossier.dispute.take();
    let asked = dossier.fee.as_ref().is_some_and(|f| f.state != FeeState::Owed);
    if dispute.is_none() && asked {
        return Err(Refusal::new(
            "fee-settled",
            409,
            "Khoản phí, lệ phí này đã được yêu cầu hoặc đã nộp và không có tranh chấp; không thể thay đổi.",
            "This fee has been asked for or paid, and nothing about it is in dispute; it cannot be changed.",
        ));
    }
    let amount = chosen(figure, dispute.as_ref())?;
    let about = json!({
        "amount": amount.amount(), "ministry": dispute.as_ref().and_then(|d| d.told).map(Vnd::amount),
        "catalogue": dispute.as_ref().and_then(|d| d.ours).map(Vnd::amount),
    });
    effects.events.push(scene.event(&dossier.code, "fee.decided", about.clone()));
    let mut kept = about;
    if let Some(map) = kept.as_object_mut() {
        map.insert("reason", reason.into());
    }
    effects.audit.push(scene.audit("fee.decide", &dossier.code, kept));
    if let Some(told) = dispute.as_ref().and_then(|d| d.told).filter(|told| *told != amount) {
        dossier.overruled.push(told);
    }
    settle(scene, amount, dispute.as_ref(), &mut dossier, effects);
    dossier.version += 1;
    effects.dossier = Some(dossier);
    Ok(())
}

/// The sum a figure means.
fn chosen(figure: Figure, dispute: Option<&Dispute>) -> Result<Vnd, Refusal> {
    let none = || {
        Refusal::new(
            "figure-missing",
            422,
            "Hồ sơ này không có mức phí, lệ phí đó; hãy nêu số tiền.",
            "This dossier has no such figure; name the amount.",
        )
        .at("/figure")
    };
    match figure {
        Figure::Ministry => dispute.and_then(|d| d.told).ok_or_else(none),
        Figure::Catalogue => dispute.and_then(|d| d.ours).ok_or_else(none),
        Figure::Nothing => Ok(Vnd::ZERO),
        Figure::Amount(amount) => match dispute.filter(|d| d.told.is_none() && !d.choices.is_empty()) {
            Some(d) if !d.choices.contains(&amount) => Err(Refusal::new(
                "figure-not-a-choice",
                422,
                format!("Mức phí phải là một trong: {} đồng.", sums(&d.choices)),
                format!("The fee is one of: {} VND.", sums(&d.choices)),
            )
            .at("/amount")),
            _ => Ok(amount),
        },
    }
}

fn sums(list: &[Vnd]) -> String {
    list.iter().map(Vnd::to_string).collect::<Vec<_>>().join(", ")
}

/// The decided sum becomes what the dossier owes; what was paid of this fee counts.
fn settle(scene: &Scene<'_>, amount: Vnd, dispute: Option<&Dispute>, dossier: &mut Dossier, effects: &mut Effects) {
    let by_rule = dossier.charge.as_ref().and_then(|c| c.owed(dossier.fee_paid, &dossier.covered));
    let items = match &by_rule {
        Some((sum, items)) if *sum == amount => items.clone(),
        // Another sum for the same things: they are paid for with it.
        Some((_, items)) => items.iter().map(|i| FeeItem { amount: Vnd::ZERO, ..i.clone() }).collect(),
        None => Vec::new(),
    };
    if by_rule.as_ref().map(|(sum, _)| *sum) != Some(amount) && !matches!(dossier.charge, Some(Charge::Items(_))) {
        dossier.charge = Some(dossier.fee_paid.checked_add(amount).map_or(Charge::Unknown, Charge::Sum));
    }
    let code = dispute.and_then(|d| d.code.clone()).or_else(|| dossier.fee.as_ref().and_then(|f| f.code.clone()));
    let name = dispute.and_then(|d| d.name.clone()).or_else(|| dossier.fee.as_ref().and_then(|f| f.name.clone()));
    match dossier.fee.clone() {
        // The open transaction asks for just that.
        Some(fee) if fee.state == FeeState::Requested && fee.amount == amount => {}
        _ if amount == Vnd::ZERO => {
            dossier.covered.extend(items.into_iter().map(|i| i.key));
            // An open transaction is watched on; what is paid under it is too much.
            dossier.fee = dossier.fee.take().filter(|f| f.state == FeeState::Paid);
            if owes(dossier) {
                let at = dossier.told_as_of();
                tell::status(scene, dossier, at, &Words::say("Hồ sơ không phải nộp thêm phí, lệ phí."), effects);
            }
        }
        _ => owe(scene, Due { amount, code, name, items }, dossier, effects),
    }
}

fn dispute(scene: &Scene<'_>, of: Dispute, dossier: &mut Dossier, effects: &mut Effects) {
    let choice = of.told.is_none() && !of.choices.is_empty();
    let kind = if choice { CaseKind::FeeChoice } else { CaseKind::FeeDiffers };
    let data = json!({
        "ministry": of.told.map(Vnd::amount), "catalogue": of.ours.map(Vnd::amount),
        "choices": Some(sums(&of.choices)).filter(|c| !c.is_empty()),
        "asked": dossier.fee.as_ref().filter(|f| f.state == FeeState::Requested).map(|f| f.amount.amount()),
        "paid": Some(dossier.fee_paid.amount()).filter(|n| *n > 0),
    });
    effects.events.push(scene.event(&dossier.code, if choice { "fee.choice" } else { "fee.differs" }, data.clone()));
    effects.cases.push(NewCase { kind, dossier: Some(dossier.code.clone()), data, at: scene.now });
    dossier.dispute = Some(of);
}

fn owe(scene: &Scene<'_>, due: Due, dossier: &mut Dossier, effects: &mut Effects) {
    if !owes(dossier) || due.amount == Vnd::ZERO {
        return;
    }
    let Due { amount, code, name, items } = due;
    let same = |f: &Fee| f.amount == amount && f.state == FeeState::Owed && f.items == items;
    if dossier.fee.as_ref().is_some_and(same) {
        return;
    }
    dossier.fee = Some(Fee { amount, code, name, state: FeeState::Owed, transaction: None, items });
    effects.events.push(scene.event(&dossier.code, "fee.owed", json!({ "amount": amount.amount() })));
    tell::fee(scene, dossier, amount, false, None, effects);
}

//! The books of all sides, and what is wrong when they are set beside each other. Pure: [`Books::findings`] looks at nothing else.
//!
//! Four hands wrote them and none copied from another: the load (what it was acknowledged), each partner (what came, in which order, what
//! took effect), the gateway (what it says of itself), and the follower of its events.

use super::ledger::Entry;
use super::limits;
use super::plan::{Course, Place};
use super::storm::Record;
use crate::simulator::{Call, Stall};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// From so many lost links on a person is told.
const LINKS_LOST: usize = 3;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) load: Vec<Entry>,
    pub(super) portal: BTreeMap<String, Filed>,
    pub(super) ministry: BTreeMap<String, Held>,
    pub(super) payment: Vec<Transaction>,
    pub(super) calls: BTreeMap<Place, Vec<Call>>,
    pub(super) stalls: BTreeMap<Place, Vec<Stall>>,
    pub(super) gateway: BTreeMap<String, Known>,
    /// The gateway's own accounts, added up by itself; none: it has no book.
    pub(super) accounts: Option<Accounts>,
    /// Deliveries that wait, are under way or in doubt at the end.
    pub(super) waiting: u64,
    /// Deliveries kept for a person: number and reason.
    pub(super) parked: Vec<(u64, String)>,
    /// Open matters for a person.
    pub(super) cases: Vec<Case>,
    /// Events as the follower saw them, and as they stand.
    pub(super) followed: Vec<u64>,
    pub(super) events: Vec<u64>,
    pub(super) record: Record,
}

/// A dossier at the portal.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Filed {
    pub(super) code: String,
    pub(super) status: u8,
    pub(super) fee: Option<FeeTold>,
}

/// A fee as the portal was told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct FeeTold {
    pub(super) paid: bool,
    pub(super) amount: u64,
}

/// A dossier at the Ministry.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Held {
    pub(super) code: String,
    pub(super) status: u8,
    /// Message ids that took effect, with their operation.
    pub(super) messages: Vec<(String, String)>,
    pub(super) supplements: u32,
    pub(super) fee_paid: Option<u64>,
    pub(super) withdrawn: bool,
}

/// A transaction of the platform.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Transaction {
    pub(super) dossier: String,
    pub(super) amount: u64,
    pub(super) state: String,
}

/// A dossier as the gateway tells it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Known {
    pub(super) status_code: u8,
    pub(super) fee: Option<FeeKnown>,
}

/// A fee as the gateway tells it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct FeeKnown {
    pub(super) amount: u64,
    pub(super) state: String,
}

/// An open matter for a person, as the gateway tells it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Case {
    pub(super) case: u64,
    pub(super) kind: String,
    pub(super) dossier: Option<String>,
}

/// The gateway's movements of money, added up.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Accounts {
    /// What came in by its movements, VND.
    pub(super) paid_in: u64,
    /// What does not agree with what.
    pub(super) faults_found: u64,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wrong {
    /// Acknowledged, and nowhere to be found.
    Lost,
    /// Done or sent twice where that does harm.
    Repeated,
    /// Against the order within a dossier.
    OutOfOrder,
    /// More calls in a second than agreed.
    OverLimit,
    /// Paid, and not known or not told as paid.
    PaymentLost,
    /// Paid twice by our doing, or shown paid without a payment.
    PaymentDouble,
    /// The sums of the books differ.
    Sums,
    /// Two books say different things of a dossier.
    Unlike,
    /// A right request was refused.
    Refused,
    /// Kept for a person although nothing needed one.
    Parked,
    /// A matter for a person is open, and nothing in the books explains it.
    Case,
    /// An event the follower never saw.
    EventMissed,
    /// The gateway did not come back, or did not come to the end of its work.
    NotRecovered,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) wrong: Wrong,
    pub(super) what: String,
}

/// Sums of money in the four books, VND.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) platform: u64,
    pub(super) gateway: u64,
    pub(super) portal: u64,
    pub(super) ministry: u64,
}

// === impl Wrong ===

impl Wrong {
    pub(super) const ALL: [Self; 13] = [
        Self::Lost,
        Self::Repeated,
        Self::OutOfOrder,
        Self::OverLimit,
        Self::PaymentLost,
        Self::PaymentDouble,
        Self::Sums,
        Self::Unlike,
        Self::Refused,
        Self::Parked,
        Self::Case,
        Self::EventMissed,
        Self::NotRecovered,
    ];

    /// Its name for programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Repeated => "repeated_with_effect",
            Self::OutOfOrder => "out_of_order",
            Self::OverLimit => "over_limit",
            Self::PaymentLost => "payments_lost",
            Self::PaymentDouble => "payments_double",
            Self::Sums => "sums_differ",
            Self::Unlike => "books_differ",
            Self::Refused => "refused",
            Self::Parked => "parked",
            Self::Case => "cases_unexplained",
            Self::EventMissed => "events_missed",
            Self::NotRecovered => "not_recovered",
        }
    }
}

impl Finding {
    /// It will not go away by waiting.
    pub(super) fn is_for_good(&self) -> bool {
        use Wrong::{OutOfOrder, OverLimit, Refused, Repeated};
        matches!(self.wrong, Repeated | OutOfOrder | OverLimit | Refused)
    }

    fn new(wrong: Wrong, what: impl Into<String>) -> Self {
        Self { wrong, what: what.into() }
    }
}

// === impl Books ===

impl Books {
    /// Everything that is wrong; empty: all is well.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.load.iter().flat_map(|e| self.of_dossier(e)).collect();
        all.extend(self.codes_given_twice());
        for (place, calls) in &self.calls {
            all.extend(calls.iter().filter(|c| !c.outgoing).flat_map(|c| of_call(*place, c)));
            let stalls = self.stalls.get(place).map_or(&[][..], Vec::as_slice);
            let over = limits::over(&limits::arrivals(calls), place.limit(), stalls);
            all.extend(over.iter().map(|at| {
                let text = format!("{}: more than {} calls in the second before {at} ms", place.word(), place.limit());
                Finding::new(Wrong::OverLimit, text)
            }));
        }
        all.extend(self.of_payments());
        all.extend(self.parked.iter().map(|(n, why)| Finding::new(Wrong::Parked, format!("delivery {n}: {why}"))));
        let unexplained = self.cases.iter().filter(|c| !self.explain(c));
        all.extend(unexplained.map(|c| {
            let about = c.dossier.as_deref().unwrap_or("-");
            Finding::new(Wrong::Case, format!("case {} ({}, {about}): nothing in the books explains it", c.case, c.kind))
        }));
        let followed: BTreeSet<u64> = self.followed.iter().copied().collect();
        let missed = self.events.iter().filter(|e| !followed.contains(e));
        all.extend(missed.map(|e| Finding::new(Wrong::EventMissed, format!("event {e} was never seen by the follower"))));
        if !self.followed.is_sorted_by(|a, b| a < b) {
            all.push(Finding::new(Wrong::EventMissed, "the follower saw a number twice, or a lower one after a higher"));
        }
        if self.waiting > 0 {
            let text = format!("{} deliveries still wait although every partner is well", self.waiting);
            all.push(Finding::new(Wrong::NotRecovered, text));
        }
        all.extend(self.record.failed.iter().map(|why| Finding::new(Wrong::NotRecovered, why.clone())));
        all
    }

    /// Submissions that took effect at the Ministry.
    pub(super) fn delivered(&self) -> usize {
        self.ministry.values().filter(|d| d.messages.iter().any(|(_, operation)| operation == "submit")).count()
    }

    /// Webhooks that came again after they had taken effect: allowed, and without effect.
    pub(super) fn repeated_without_effect(&self) -> usize {
        self.calls.get(&Place::Portal).map_or(0, |calls| calls.iter().filter(|c| c.repeat).count())
    }

    /// The sums of what was paid.
    pub(super) fn sums(&self) -> Sums {
        let known = |f: &FeeKnown| if f.state == "paid" { f.amount } else { 0 };
        let told = |f: &FeeTold| if f.paid { f.amount } else { 0 };
        Sums {
            platform: self.paid().map(|t| t.amount).sum(),
            gateway: self.gateway.values().filter_map(|d| d.fee.as_ref()).map(known).sum(),
            portal: self.portal.values().filter_map(|d| d.fee.as_ref()).map(told).sum(),
            ministry: self.ministry.values().filter_map(|d| d.fee_paid).sum(),
        }
    }

    /// Transactions paid at the platform.
    pub(super) fn paid(&self) -> impl Iterator<Item = &Transaction> {
        self.payment.iter().filter(|t| t.state == "paid")
    }

    /// Whether what the platform and the dossier came to is a reason for a person to look. Kinds that nothing in the storm is a reason for
    /// are not explained.
    fn explain(&self, case: &Case) -> bool {
        let Some(code) = &case.dossier else { return false };
        let own = |t: &&Transaction| t.dossier == *code;
        let paid = self.paid().filter(own).count();
        match case.kind.as_str() {
            // So many links were lost on their way: as many transactions were begun.
            "link-lost" => self.payment.iter().filter(own).count() >= LINKS_LOST,
            // It was paid twice, or when the dossier was not to be paid for any more.
            "overpayment" => paid > 1 || (paid == 1 && self.gateway.get(code).is_some_and(|d| matches!(d.status_code, 3 | 7))),
            _ => false,
        }
    }

    /// What is wrong with one dossier of the load.
    fn of_dossier(&self, entry: &Entry) -> Vec<Finding> {
        let code = entry.code.clone().unwrap_or_else(|| format!("dossier {} (no code)", entry.number));
        let mut all = Vec::new();
        let mut found = |wrong, what: &str| all.push(Finding::new(wrong, format!("{code} ({:?}): {what}", entry.part.course)));
        if !entry.over {
            found(Wrong::NotRecovered, "its course did not come to its end");
        }
        let (known, held, filed) = (self.gateway.get(&code), self.ministry.get(&code), self.portal.get(&code));
        let at = known.map_or(0, |k| k.status_code);
        for why in &entry.refused {
            // Who withdraws too late is refused, and rightly.
            if !(matches!(entry.part.course, Course::Regretted) && matches!(at, 9 | 10)) {
                found(Wrong::Refused, why);
            }
        }
        if entry.receipts.len() > 1 {
            found(Wrong::Repeated, "one submission has two receipts");
        }
        if !entry.acknowledged {
            return all;
        }
        if known.is_none() {
            found(Wrong::Lost, "acknowledged, and the gateway does not know it");
            return all;
        }
        match held {
            // Withdrawn before it left us: the Ministry never heard of it.
            None if at == 7 && entry.part.course == Course::Regretted => {}
            None => found(Wrong::Lost, "acknowledged, and the Ministry never got it"),
            Some(held) => {
                if held.status != at {
                    found(Wrong::Unlike, &format!("status {at} at the gateway, {} at the Ministry", held.status));
                }
                if entry.supplemented && held.supplements == 0 {
                    found(Wrong::Lost, "its supplement was acknowledged, and the Ministry never got it");
                }
                if entry.withdrawn && !held.withdrawn && at != 10 {
                    found(Wrong::Lost, "its withdrawal was acknowledged, and the Ministry never got it");
                }
            }
        }
        match filed.map(|f| f.status) {
            // Nothing was ever told of it.
            None if at == 1 => {}
            told if told == Some(at) => {}
            told => found(Wrong::Unlike, &format!("status {at} at the gateway, {told:?} at the portal")),
        }
        if !ends(entry.part.course).contains(&at) {
            found(Wrong::Unlike, &format!("it ended in status {at}, which is no end of its course"));
        }
        all
    }

    fn codes_given_twice(&self) -> Vec<Finding> {
        let mut seen = BTreeSet::new();
        let codes = self.load.iter().filter_map(|e| e.code.as_ref());
        codes
            .filter(|c| !seen.insert(*c))
            .map(|c| Finding::new(Wrong::Repeated, format!("the code {c} was given twice")))
            .collect()
    }

    fn of_payments(&self) -> Vec<Finding> {
        let mut all = Vec::new();
        let mut by_dossier: BTreeMap<&str, Vec<&Transaction>> = BTreeMap::new();
        self.paid().for_each(|t| by_dossier.entry(t.dossier.as_str()).or_default().push(t));
        for (code, paid) in &by_dossier {
            let known = self.gateway.get(*code).and_then(|d| d.fee.as_ref());
            if paid.len() > 1 {
                all.push(Finding::new(Wrong::PaymentDouble, format!("{code}: one fee, paid by {} transactions", paid.len())));
            }
            if known.is_none_or(|f| f.state != "paid") {
                all.push(Finding::new(Wrong::PaymentLost, format!("{code}: paid at the platform, not at the gateway")));
            }
            if !self.portal.get(*code).and_then(|d| d.fee.as_ref()).is_some_and(|f| f.paid) {
                all.push(Finding::new(Wrong::PaymentLost, format!("{code}: paid, and the portal was not told")));
            }
            if self.ministry.get(*code).is_none_or(|d| d.fee_paid.is_none()) {
                all.push(Finding::new(Wrong::PaymentLost, format!("{code}: paid, and the Ministry was not told")));
            }
        }
        let shown = self.gateway.iter().filter(|(_, d)| d.fee.as_ref().is_some_and(|f| f.state == "paid"));
        let unpaid = shown.filter(|(code, _)| !by_dossier.contains_key(code.as_str()));
        all.extend(unpaid.map(|(code, _)| Finding::new(Wrong::PaymentDouble, format!("{code}: shown paid, and nobody paid"))));
        let sums = self.sums();
        if [sums.gateway, sums.portal, sums.ministry].iter().any(|s| *s != sums.platform) {
            let Sums { platform, gateway, portal, ministry } = sums;
            let text = format!("paid: platform {platform}, gateway {gateway}, portal {portal}, Ministry {ministry} VND");
            all.push(Finding::new(Wrong::Sums, text));
        }
        if let Some(Accounts { paid_in, faults_found }) = &self.accounts {
            if *paid_in != sums.platform {
                let text = format!("paid: platform {}, the gateway's movements {paid_in} VND", sums.platform);
                all.push(Finding::new(Wrong::Sums, text));
            }
            if *faults_found > 0 {
                all.push(Finding::new(Wrong::Sums, format!("the gateway's accounts do not add up: {faults_found} faults")));
            }
        }
        all
    }
}

/// Where a course may end: national status codes.
fn ends(course: Course) -> &'static [u8] {
    match course {
        Course::Plain | Course::Fee | Course::Supplement | Course::Shuffled => &[10],
        Course::Refused => &[3],
        Course::Withdrawn => &[7],
        // As quick as the citizen was, or not.
        Course::Regretted => &[7, 10],
    }
}

/// What a partner's book says of one call.
fn of_call(place: Place, call: &Call) -> Vec<Finding> {
    let about = |what: &str| {
        let Call { number, operation, dossier, .. } = call;
        format!("{} call {number} ({operation}, {}): {what}", place.word(), dossier.as_deref().unwrap_or("-"))
    };
    let mut all = Vec::new();
    // A webhook may come again. Elsewhere the other side is to be asked first.
    if call.repeat && place != Place::Portal {
        all.push(Finding::new(Wrong::Repeated, about("it had taken effect, and came again unasked")));
    }
    if call.overlap && place == Place::Ministry {
        all.push(Finding::new(Wrong::OutOfOrder, about("it met another call about its dossier under way")));
    }
    let told = call.violations.iter().filter(|v| !(call.repeat && v.starts_with("message id repeated")));
    all.extend(told.map(|violation| {
        let wrong = match violation.as_str() {
            v if v.starts_with("order:") => Wrong::OutOfOrder,
            v if v.contains("twice") || v.contains("repeated") || v.contains("used before") => Wrong::Repeated,
            _ => Wrong::Unlike,
        };
        Finding::new(wrong, about(violation))
    }));
    all
}

#[cfg(test)]
#[path = "books_tests.rs"]
mod tests;

//! V11 for what the gateway makes itself, messages of its own and answers at a door: it always puts there what the mapping that writes it
//! needs, and says no word that the mapping has no wire value for. Nothing of it can be refused at a door: what is not proven here would be
//! found when a status is to be told or a caller waits for its receipt.

use super::files::Files;
use super::flow::outs;
use super::partner::Partner;
use super::route::{InKind, InRoute};
use crate::body::Value;
use crate::mapping::{Mapping, Needed, Source, SourceFault, Wants};
use crate::model::{Kind, has, to_pay};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The word by which an answer tells what became of a message.
const OUTCOME: &str = "outcome";

/// One case of a body of our own: the outcome it tells (none: it tells none, or any), and the dotted canonical names that are always there.
pub(crate) type Case = (Option<&'static str>, &'static [&'static str]);

const TAKEN: Case = (Some("accepted"), &["outcome", "reference", "at"]);
const TAKEN_OF_A_DOSSIER: Case = (Some("accepted"), &["outcome", "reference", "at", "dossier"]);
const OPENED: Case = (Some("accepted"), &["outcome", "reference", "at", "dossier", "transaction"]);
const LINKED: Case = (Some("accepted"), &["outcome", "reference", "at", "dossier", "transaction", "url"]);
const ISSUED: Case = (Some("accepted"), &["outcome", "dossier", "at"]);
const NOT_TAKEN: Case = (Some("refused"), &["outcome", "reason", "note", "note_en"]);
const REFUSAL: Case = (None, &["status", "reason", "text", "text_en", "faults.text", "faults.text_en"]);
const STORED: Case = (None, &["id", "digest"]);
const BILL: [Case; 3] =
    [(Some("owed"), to_pay!["outcome", "asked_at"]), (Some("settled"), &["outcome"]), (Some("unknown"), &["outcome"])];

/// The cases of an answer at this door by the mapping named `key` there, which carries this message; `batch`: it answers row by row. None:
/// the gateway makes no such message there.
pub(crate) fn answers(door: &InRoute, key: &str, message: Kind, batch: bool) -> Option<Vec<Case>> {
    let paying = door.message == Some(Kind::PaymentStart);
    let of_dossier =
        matches!(door.message, Some(Kind::DossierSubmit | Kind::DossierSupplement | Kind::DossierWithdraw | Kind::PaymentStart));
    let taken = if of_dossier { TAKEN_OF_A_DOSSIER } else { TAKEN };
    Some(match (key, message, door.kind) {
        ("refused" | "broken", Kind::Receipt, _) => vec![NOT_TAKEN],
        ("refused" | "broken", Kind::Refusal, _) => vec![REFUSAL],
        ("accepted", Kind::Receipt, InKind::Message) if paying => vec![LINKED],
        ("accepted", Kind::Receipt, InKind::Message) if batch => vec![taken, NOT_TAKEN],
        ("accepted", Kind::Receipt, InKind::Message) => vec![taken],
        ("waited", Kind::Receipt, InKind::Message) => vec![if paying { OPENED } else { taken }],
        ("answer", Kind::Receipt, InKind::Issue) => vec![ISSUED],
        ("answer", Kind::FileStored, InKind::Upload) => vec![STORED],
        ("answer", Kind::BillAnswer, InKind::Question) => BILL.to_vec(),
        _ => return None,
    })
}

/// Every need of a mapping that a body of our own making does not meet, by partner.
pub(super) fn check(partners: &BTreeMap<String, Arc<Partner>>, files: &Files) -> Vec<(String, Vec<SourceFault>)> {
    // One mapping may write several: each need is held against all of them, and told once.
    let mut written: BTreeMap<(&str, &str), (&Mapping, Vec<Case>)> = BTreeMap::new();
    for (kind, always) in Kind::ALL.iter().filter_map(|(kind, _)| Some((*kind, kind.made_with()?))) {
        for (to, _, map) in outs(partners, kind) {
            written.entry((&to.name, map.name())).or_insert_with(|| (map, Vec::new())).1.push((None, always));
        }
    }
    for partner in partners.values() {
        for door in partner.ins.values() {
            for (key, name) in door.replies.named() {
                // A SOAP fault is no mapping, and one of a message that is not told there is a fault of the route.
                let Some(map) = partner.map(name) else { continue };
                let cases = Kind::of_name(map.message()).and_then(|kind| answers(door, key, kind, in_rows(partner, door)));
                written.entry((&partner.name, name)).or_insert_with(|| (map, Vec::new())).1.extend(cases.unwrap_or_default());
            }
        }
    }
    let told = |((partner, _), (map, cases)): ((&str, &str), (&Mapping, Vec<Case>))| {
        (partner.to_owned(), unmet(map, &cases, map.message(), &files.source(partner)))
    };
    written.into_iter().map(told).collect()
}

fn unmet(map: &Mapping, cases: &[Case], name: &str, source: &Source) -> Vec<SourceFault> {
    let mut found = Vec::new();
    for need in map.needs() {
        let written = || cases.iter().filter(|(outcome, _)| stands(&need, *outcome));
        if need.wants == Wants::Value && written().any(|(_, always)| !gives(always, &need.field)) {
            let told = written().map(|(outcome, always)| match outcome {
                Some(word) if cases.len() > 1 => format!("where {OUTCOME} is {word}: {}", always.join(", ")),
                _ => always.join(", "),
            });
            let hint = format!("`?` at this line; it always has: {}", told.collect::<Vec<_>>().join("; "));
            let text =
                format!("`{}` is needed here, and a {name} of the gateway's own making does not always have it", need.field);
            found.extend(map.fault_at_need(&need, text, hint, source));
        }
        if let Wants::Words(_) = need.wants {
            let said: Vec<&str> = need.lacks.iter().map(String::as_str).filter(|word| says(&need, word, cases)).collect();
            if !said.is_empty() {
                let text = format!(
                    "`{}` of a {name} of the gateway's own making may be {}, for which the list has no wire value",
                    need.field,
                    said.join(", ")
                );
                let hint = "a wire value for each in codes.toml, or `when` lines that leave them out".to_owned();
                found.extend(map.fault_at_need(&need, text, hint, source));
            }
        }
    }
    found
}

/// Whether the line of a need is written in a case.
fn stands(need: &Needed, outcome: Option<&str>) -> bool {
    let Some(outcome) = outcome else { return true };
    need.cases.iter().filter(|(place, _)| place == OUTCOME).all(|(_, words)| words.iter().any(|w| w == outcome))
}

/// Whether a line may come to write this word: it stands in no branch of others, and of an outcome it is one that is told.
fn says(need: &Needed, word: &str, cases: &[Case]) -> bool {
    let told = |(outcome, _): &Case| stands(need, *outcome) && (need.field != OUTCOME || outcome.is_none_or(|o| o == word));
    let branches = need.cases.iter().filter(|(place, _)| *place == need.field);
    cases.iter().any(told) && branches.into_iter().all(|(_, words)| words.iter().any(|w| w == word))
}

/// Whether a field is among them, itself or as what is in it.
fn gives(always: &[&str], field: &str) -> bool {
    always.iter().any(|made| made.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Whether a body of an answer has what is promised of it, in each row of a list. Whoever makes an answer asserts it.
#[must_use]
pub(crate) fn keeps_its_word(partner: &Partner, door: &InRoute, key: &str, map: &Mapping, body: &Value) -> bool {
    let outcome = body.get(OUTCOME).and_then(Value::as_str);
    let cases = Kind::of_name(map.message()).and_then(|kind| answers(door, key, kind, in_rows(partner, door)));
    let kept = |(own, always): &Case| own.is_none_or(|own| outcome == Some(own)) && always.iter().all(|field| has(body, field));
    cases.is_some_and(|cases| cases.iter().any(kept))
}

/// Whether a door answers row by row.
fn in_rows(partner: &Partner, door: &InRoute) -> bool {
    door.map.as_ref().and_then(|m| partner.map(m)).is_some_and(Mapping::is_batch)
}

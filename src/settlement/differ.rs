//! Differences as cases: one each, the same again not opened twice; an open case whose difference is gone says so and is closed.
//!
//! Pure. Closing adjusts nothing: it says in the case's history which statement no longer has the difference.

use crate::body::{Map, Value, json};
use crate::journal::{CaseStep, CaseView, CaseWord, Effects, NewAudit, NewCase, NewStatement, StatementLine};
use crate::model::{CaseKind, Class};
use std::collections::{BTreeMap, BTreeSet};

/// The decision a case bears whose difference is gone.
const RESOLVED: &str = "resolved";

/// The cases of a statement's lines, and what becomes of the partner's open ones.
pub(super) fn effects(new: &NewStatement, lines: &[StatementLine], open: &[CaseView]) -> Effects {
    let cases: Vec<NewCase> = lines.iter().filter_map(|l| case(new, l)).collect();
    let asserted: BTreeSet<String> = cases.iter().map(NewCase::key).collect();
    let mut seen: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for line in lines {
        *seen.entry((&line.transaction, line.way.word())).or_default() |= line.theirs.is_some() && line.ours.is_some();
    }
    let case_steps: Vec<CaseStep> = open.iter().filter_map(|c| gone(new, c, &asserted, &seen)).collect();
    let data = json!({ "partner": new.partner, "day": new.day, "digest": new.digest, "cases": cases.len(), "resolved": case_steps.len() });
    let audit = NewAudit { at: new.at, who: new.who.clone(), what: "reconcile".into(), about: new.partner.clone(), data };
    Effects { cases, case_steps, audit: vec![audit], ..Effects::default() }
}

/// The case of a line that differs.
fn case(new: &NewStatement, line: &StatementLine) -> Option<NewCase> {
    let kind = match line.class {
        Class::Mismatched => CaseKind::StatementMismatch,
        Class::MissingOurs => CaseKind::StatementMissingOurs,
        Class::MissingTheirs => CaseKind::StatementMissingTheirs,
        Class::Matched | Class::Expected => return None,
    };
    let mut data = Map::from_iter([
        ("partner".to_owned(), json!(new.partner)),
        ("day".to_owned(), json!(new.day)),
        ("transaction".to_owned(), json!(public(&line.transaction))),
        ("movement".to_owned(), json!(line.way.word())),
    ]);
    let mut add = |name: &str, value: Option<Value>| data.extend(value.map(|v| (name.to_owned(), v)));
    add("nth", line.more.nth.map(Into::into));
    match line.more.differences.first() {
        Some(first) => {
            add("field", Some(first.field.clone().into()));
            add("theirs", Some(first.theirs.clone()));
            add("ours", Some(first.ours.clone()));
            let fields: Vec<&str> = line.more.differences.iter().map(|d| d.field.as_str()).collect();
            add("fields", (fields.len() > 1).then(|| fields.join(", ").into()));
        }
        None => add("amount", line.theirs.or(line.ours).map(Into::into)),
    }
    add("state", line.more.state.clone().map(Into::into));
    Some(NewCase { kind, dossier: line.dossier.clone(), data: Value::Object(data), at: new.at })
}

/// The step that closes an open case whose difference this statement no longer has; none: it still has it, or says nothing about it. A
/// statement of the case's own day speaks of the whole day: a row it no longer has is no difference any more.
fn gone(
    new: &NewStatement,
    case: &CaseView,
    asserted: &BTreeSet<String>,
    seen: &BTreeMap<(&str, &str), bool>,
) -> Option<CaseStep> {
    let fact = |name: &str| case.data.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = NewCase { kind: case.kind?, dossier: case.dossier.clone(), data: case.data.clone(), at: case.at }.key();
    // Of another day's statement only this can be said: what it lacked stands in this one.
    let both = || seen.get(&(fact("transaction"), fact("movement"))) == Some(&true);
    let speaks = fact("day") == new.day || (case.kind == Some(CaseKind::StatementMissingTheirs) && both());
    if asserted.contains(&key) || !speaks {
        return None;
    }
    let reason = format!(
        "Sao kê ngày {} (đối soát lúc {}) không còn khác biệt này. / The statement of {} no longer has this difference.",
        new.day, new.at, new.day
    );
    Some(CaseStep {
        case: case.case,
        version: case.version + 1,
        what: CaseWord::Decided(RESOLVED.to_owned()),
        who: "gateway".to_owned(),
        at: new.at,
        reason,
        data: json!({ "day": new.day, "digest": new.digest }),
    })
}

/// An id told from outside, only when it looks like an id; else it may be anybody's text.
fn public(text: &str) -> String {
    let plain = text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if plain { text.to_owned() } else { format!("text, {} characters", text.chars().count()) }
}

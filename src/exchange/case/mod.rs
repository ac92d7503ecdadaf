//! A person's word on a case: noted, closed with a reason, or decided, and what the decision causes.
//!
//! What always holds: only an open case is closed or decided, once; a decision is one of its kind's own words; what it causes is written
//! in the same transaction as the word itself. To add a decision: a row at its kind in `table`, an arm in [`caused`].

mod table;
mod texts;

pub use texts::{Choice, Told, told};

use super::copies;
use super::pay::{self, Figure};
use super::refusal::Refusal;
use super::scene::Scene;
use crate::body::json;
use crate::journal::{CaseStep, CaseView, CaseWord, Effects, Snapshot};
use crate::model::CaseKind;

/// What a person's word on a case causes. `snapshot` is the case's dossier (empty when it has none).
pub fn case_step(
    scene: &Scene<'_>,
    case: &CaseView,
    word: &CaseWord,
    reason: &str,
    snapshot: &Snapshot,
) -> Result<Effects, Refusal> {
    let mut effects = Effects::default();
    if *word != CaseWord::Noted && case.closed_at.is_some() {
        return Err(Refusal::new(
            "case-closed",
            409,
            "Việc này đã được giải quyết; xem lịch sử để biết ai đã quyết định và vì sao.",
            "This case is closed already; its history says by whom and why.",
        ));
    }
    if let CaseWord::Decided(decision) = word {
        let known = case.kind.filter(|k| texts::decisions(*k).iter().any(|c| c.word == decision)).ok_or_else(|| unknown(case))?;
        caused(scene, known, decision, reason, snapshot, &mut effects)?;
        copies::tell(scene, snapshot, &mut effects);
    }
    let data = word.decision().map_or_else(|| json!({}), |decision| json!({ "decision": decision }));
    effects.audit.push(scene.audit(
        &format!("case.{}", word.word()),
        &case.case.to_string(),
        json!({ "kind": case.word, "dossier": case.dossier, "reason": reason, "decision": word.decision() }),
    ));
    effects.case_steps.push(CaseStep {
        case: case.case,
        version: case.version + 1,
        what: word.clone(),
        who: scene.origin.caller.clone(),
        at: scene.now,
        reason: reason.to_owned(),
        data,
    });
    Ok(effects)
}

/// What a decision causes, by kind of case. A kind whose decisions cause nothing but its closing needs no arm.
fn caused(
    scene: &Scene<'_>,
    kind: CaseKind,
    decision: &str,
    reason: &str,
    snapshot: &Snapshot,
    effects: &mut Effects,
) -> Result<(), Refusal> {
    match (kind, Figure::of_word(decision)) {
        (CaseKind::FeeDiffers | CaseKind::FeeChoice, Some(figure)) => {
            pay::decide_figure(scene, figure, reason, snapshot, effects)
        }
        _ => Ok(()),
    }
}

/// The step that settles a case by what was done about its matter elsewhere.
pub(super) fn settled(scene: &Scene<'_>, case: &CaseView, decision: &str, reason: &str) -> CaseStep {
    CaseStep {
        case: case.case,
        version: case.version + 1,
        what: CaseWord::Decided(decision.to_owned()),
        who: scene.origin.caller.clone(),
        at: scene.now,
        reason: reason.to_owned(),
        data: json!({ "decision": decision }),
    }
}

fn unknown(case: &CaseView) -> Refusal {
    let words: Vec<&str> = case.kind.map(texts::decisions).unwrap_or_default().iter().map(|c| c.word).collect();
    let (vi, en) = if words.is_empty() {
        (
            "Loại việc này không có quyết định riêng: hãy đóng với lý do.".to_owned(),
            "This kind of case has no decisions of its own: close it with a reason.".to_owned(),
        )
    } else {
        (
            format!("Loại việc này chỉ nhận một trong các quyết định: {}.", words.join(", ")),
            format!("This kind of case takes one of these decisions: {}.", words.join(", ")),
        )
    };
    Refusal::new("decision-unknown", 422, vi, en).at("/decision")
}

//! What the commands print: the catalogue as a table or as JSON, the plan beside it. Texts and values only; printing is `cli`'s.

use super::fee::FeeBy;
use super::plan::PlanLine;
use super::procedure::Procedure;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The rows as a table for people.
#[must_use]
pub fn list<'p>(rows: impl Iterator<Item = &'p Procedure>) -> String {
    let cells = |p: &Procedure| -> Vec<String> {
        let to = p.valid_to.map_or_else(|| "…".to_owned(), |d| d.to_string());
        vec![
            p.era.clone(),
            p.code.clone().unwrap_or_else(|| "(no code)".to_owned()),
            p.tier.to_string(),
            p.level.to_string(),
            p.host.to_string(),
            p.fee_rule.text(),
            p.days.map_or_else(|| "-".to_owned(), |t| t.to_string()),
            format!("{}..{to}", p.valid_from),
            p.confidence.clone(),
            p.name_vi.clone(),
        ]
    };
    let head = ["list", "code", "tier", "level", "host", "fee (VND)", "term", "valid", "confidence", "name"];
    let mut rows: Vec<Vec<String>> = rows.map(cells).collect();
    let count = rows.len();
    rows.insert(0, head.map(str::to_owned).to_vec());
    format!("{}{count} rows\n", align(&rows))
}

/// The rows as JSON.
#[must_use]
pub fn list_json<'p>(rows: impl Iterator<Item = &'p Procedure>) -> Value {
    rows.map(row_json).collect()
}

/// The plan beside the catalogue, as a table for people.
#[must_use]
pub fn plan(lines: &[PlanLine]) -> String {
    let cells = |l: &PlanLine| -> Vec<String> {
        let figure = l.plan.map_or_else(|| "-".to_owned(), |n| if l.at_least { format!("at least {n}") } else { n.to_string() });
        let unknown = if l.unknown == 0 { "-".to_owned() } else { l.unknown.to_string() };
        let difference = l.difference.map_or_else(|| "-".to_owned(), |d| if d > 0 { format!("+{d}") } else { d.to_string() });
        vec![l.tier.to_owned(), l.column.to_owned(), figure, l.catalogue.to_string(), unknown, difference]
    };
    let mut rows = vec![["tier", "column", "plan", "catalogue 2019", "unknown", "difference"].map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(cells));
    let mut text = align(&rows);
    text.push_str(
        "The plan is Hà Nội's of March 2019; the catalogue's list of 2019 is put together from several provinces.\n\
         Level 3 counts level 4 too. A level that no source gives is unknown and is not counted as either.\n",
    );
    text
}

/// The plan beside the catalogue, as JSON.
#[must_use]
pub fn plan_json(lines: &[PlanLine]) -> Value {
    lines.iter().map(|l| serde_json::to_value(l).unwrap_or_default()).collect()
}

fn row_json(p: &Procedure) -> Value {
    let mut fee = match &p.fee_rule.by {
        FeeBy::None => json!({"kind": "none"}),
        FeeBy::Unknown => json!({"kind": "unknown"}),
        FeeBy::Amount(amount) => json!({"kind": "amount", "amount": amount}),
        FeeBy::PerItem { list, amount, unless, key, .. } => {
            json!({"kind": "per-item", "list": list, "amount": amount, "unless": unless, "key": key})
        }
        FeeBy::PerPaper { papers, amount } => json!({"kind": "per-paper", "papers": papers, "amount": amount}),
        FeeBy::Alternatives(list) => {
            let names: Vec<Option<&str>> = list.iter().map(|a| a.name.as_deref()).collect();
            json!({"kind": "alternatives", "amounts": list.iter().map(|a| a.amount).collect::<Vec<_>>(), "names": names})
        }
    };
    if let Some(map) = fee.as_object_mut().filter(|_| !p.fee_rule.exempt.is_empty()) {
        let exempt = p.fee_rule.exempt.iter().map(|e| json!({"name": e.name, "confidence": e.confidence}));
        map.insert("exempt".into(), exempt.collect());
    }
    json!({
        "era": p.era,
        "code": p.code,
        "name_vi": p.name_vi,
        "name_en": p.name_en,
        "tier": p.tier.word(),
        "level": p.level.word(),
        "host": p.host.word(),
        "fee": fee,
        "fee_note": p.fee_note,
        "beneficiary": p.beneficiary,
        "valid_from": p.valid_from.to_string(),
        "valid_to": p.valid_to.map(|d| d.to_string()),
        "field": p.field,
        "confidence": p.confidence,
        "added_confidence": p.added_confidence,
        "term": p.days.map(|t| json!({"days": t.days, "working": t.working})),
    })
}

/// Columns padded to their widest cell, the last one left as it is.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

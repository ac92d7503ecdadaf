//! `lienthong check --fidelity [PARTNER]`: what each wire keeps of each message, as a table for people or as JSON.

use super::super::{Failed, screen};
use crate::catalogue::{Catalogue, Files, Partner};
use crate::mapping::{Fidelity, Keeping};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What is told of a kind of keeping, and whether each of its lines is shown.
const ORDER: [(Keeping, &str, bool); 6] = [
    (Keeping::Exact, "exactly", false),
    (Keeping::Spellings, "in several spellings, the first is written", true),
    (Keeping::Folded, "folded: something of it is lost", true),
    (Keeping::Constant, "constant", true),
    (Keeping::Context, "from around the message", true),
    (Keeping::Dropped, "known and not carried", true),
];

/// Prints the report of one partner, or of all (`of` is empty).
pub(super) fn show(catalogue: &Catalogue, files: &Files, of: &str, json: bool) -> Result<(), Failed> {
    let partners: Vec<&Partner> = catalogue.all_partners().map(AsRef::as_ref).filter(|p| of.is_empty() || p.name == of).collect();
    if partners.is_empty() {
        let known: Vec<&str> = catalogue.all_partners().map(|p| p.name.as_str()).collect();
        return Err(Failed::because(format!("there is no partner `{of}`; there are: {}", known.join(", "))));
    }
    let mut list = Vec::new();
    for partner in partners {
        let source = files.source(&partner.name);
        for map in partner.book.names().filter_map(|name| partner.map(name)) {
            let report = map.fidelity(&source);
            if json {
                list.push(as_json(&partner.name, map.name(), &report));
            } else {
                screen::out(&as_text(&partner.name, map.name(), &report));
            }
        }
    }
    if json {
        screen::json(&json!({ "fidelity": list }));
    }
    Ok(())
}

fn as_text(partner: &str, map: &str, report: &Fidelity) -> String {
    let unknown = if report.reports_unknown { "reported and passed over" } else { "refused" };
    let without = if report.without.is_empty() { "everything is carried".to_owned() } else { report.without.join(", ") };
    let mut text =
        format!("{partner}/{map}.map  {}\n  not carried    {without}\n  what is unknown is {unknown}\n", report.message);
    for (how, title, each) in ORDER {
        let lines: Vec<_> = report.lines.iter().filter(|k| k.how == how).collect();
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  {} {title}", lines.len());
        let cells = |k: &&crate::mapping::Kept| {
            let branch = if k.in_branch { " (in its branch)" } else { "" };
            vec![format!("    {}", k.wire), format!("{}{branch}", k.text), format!("{}:{}", k.file, k.line)]
        };
        let rows: Vec<Vec<String>> = lines.iter().map(cells).collect();
        if let (true, Some((first, rest))) = (each, rows.split_first()) {
            text.push_str(&screen::table(&first.iter().map(String::as_str).collect::<Vec<_>>(), rest));
        }
    }
    text.push('\n');
    text
}

fn as_json(partner: &str, map: &str, report: &Fidelity) -> Value {
    let lines: Vec<Value> = report
        .lines
        .iter()
        .map(|k| {
            json!({ "wire": k.wire, "canonical": k.canonical, "how": k.how.word(), "text": k.text, "in_branch": k.in_branch, "file": k.file, "line": k.line })
        })
        .collect();
    json!({
        "partner": partner,
        "mapping": map,
        "message": report.message,
        "without": report.without,
        "unknown": if report.reports_unknown { "report" } else { "refuse" },
        "lines": lines,
    })
}

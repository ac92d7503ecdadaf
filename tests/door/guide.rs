//! The worked example of adapters/README.md, built from its text: it compiles, its samples hold, and it runs.

use crate::rig::{CODE, Gate, basic};
use lienthong::catalogue::{Catalogue, Files, Settings};
use lienthong::config::Placeholders;
use lienthong::journal::Journal as _;
use lienthong::mapping::{Context, NoContents, tidy};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const GUIDE: &str = include_str!("../../adapters/README.md");

/// The files that stand in the guide, in order: "```language path" opens one.
fn blocks() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in GUIDE.lines() {
        match line.strip_prefix("```").map(|rest| rest.split_once(' ')) {
            Some(Some((_, path))) => {
                found.push((path.to_owned(), String::new()));
                open = true;
            }
            Some(None) => open = false,
            None if open => found.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    found
}

/// The shipped set with the guide's partner; of two blocks for one file the later one counts.
fn files() -> Files {
    let own = blocks().into_iter().filter(|(path, _)| path.starts_with("adapters/"));
    own.fold(Files::embedded(), |files, (path, text)| files.with(path, text))
}

#[test]
fn the_guides_partner_compiles_and_its_first_try_is_refused_in_the_guides_words() {
    let catalogue = Catalogue::load(&files(), &Settings::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
    assert!(catalogue.partners.contains_key("quan"));
    let (path, first) = blocks().into_iter().find(|(path, _)| path.ends_with("dossier.map")).unwrap();
    let faults =
        Catalogue::load(&files().with(path, first), &Settings::new(), &Placeholders).expect_err("the first try has a fault");
    let shown = |text: &str| GUIDE.contains(&format!("error: {text}\n"));
    assert!(faults.iter().any(|(_, fault)| shown(&fault.text)), "the guide shows none of: {faults}");
}

#[test]
fn the_guides_sample_holds_in_both_directions() {
    let files = files();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
    let samples: BTreeMap<&str, &str> = files.under("adapters/quan/samples/dossier/").collect();
    let map = catalogue.partners["quan"].book.map("dossier").unwrap();
    let canonical: lienthong::body::Value = serde_json::from_str(samples["two-papers.canonical.json"]).unwrap();
    let wire = samples["two-papers.json"];
    let read = map.read(wire.as_bytes(), &Context::new(), &mut NoContents).unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(read[0].body, canonical);
    let written = map.write(&canonical, &Context::new(), &NoContents, None).unwrap();
    let (written, wire): (Value, Value) = (serde_json::from_slice(&written).unwrap(), serde_json::from_str(wire).unwrap());
    assert_eq!(written, wire);
    let laid = |(path, text): &(&str, &str)| path.ends_with(".map") && tidy(path, text).as_deref() != Ok(*text);
    let untidy: Vec<&str> = files.under("adapters/quan/").filter(laid).map(|(path, _)| path).collect();
    assert!(untidy.is_empty(), "`lienthong fmt` would change {untidy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_partner_hands_in_a_dossier_at_the_door() {
    let callers = blocks().into_iter().find(|(path, _)| path == "callers.toml").unwrap().1;
    let gate = Gate::with(&files(), &callers).await;
    let (_, dossier) = blocks().into_iter().find(|(path, _)| path.ends_with("two-papers.json")).unwrap();
    let auth = basic("quan-thu-nghiem", "vi-du-quan");
    let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
    let answer = gate.send("/quan/ho-so", &headers, dossier.clone()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "KetQua": 0, "SoHoSo": CODE })), "{}", answer.text);
    let kept = gate.journal.snapshot(CODE).await.unwrap().dossier.expect("it is kept");
    assert_eq!((kept.caller.as_str(), kept.procedure.as_str()), ("mot-cua-quan", "1.004889"));
    let rows = gate.rows();
    let again = gate.send("/quan/ho-so", &headers, dossier.clone()).await;
    assert_eq!((again.text, gate.rows()), (answer.text, rows), "the same dossier again gets the same answer");
    let wrong = gate.send("/quan/ho-so", &headers, dossier.replace("\"Ban\": \"G\"", "\"Ban\": \"X\"")).await;
    assert_eq!((wrong.json()["KetQua"].clone(), gate.rows()), (json!(1), rows), "{}", wrong.text);
    assert!(wrong.json()["Loi"].as_str().is_some_and(|text| !text.is_empty()), "{}", wrong.text);
}

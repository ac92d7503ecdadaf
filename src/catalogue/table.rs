//! Reading `schemas/catalogue/`: the lists (procedures.csv) and our own table beside them (services.toml), joined by (era, code).
//!
//! Always: every row of the list becomes a procedure; what our table adds must name a row that exists; all faults at once.

use super::fee::{Alternative, Exemption, FeeBy, FeeRule, When};
use super::plan::PlanRow;
use super::procedure::{Beneficiary, Host, Level, Procedure, Procedures, Term, Tier};
use crate::config::reader::{Doc, Fault, Faults, Item, Table};
use crate::model::{ProcedureCode, Vnd};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// A row of procedures.csv.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    era: String,
    code: String,
    name_vi: String,
    name_en: String,
    tier: String,
    field: String,
    fee_vnd: String,
    time_note: String,
    confidence: String,
}

/// What services.toml says.
#[derive(Default)]
struct Services {
    eras: BTreeMap<String, (Date, Option<Date>)>,
    accounts: BTreeMap<String, Beneficiary>,
    tier_accounts: BTreeMap<&'static str, String>,
    plan: Vec<PlanRow>,
    services: BTreeMap<(String, String), Service>,
}

struct Service {
    level: Level,
    host: Host,
    fee: FeeRule,
    account: Option<String>,
    confidence: Option<String>,
    used: bool,
}

/// The rows of a CSV text with a head, each with its line.
pub(super) fn rows<T: serde::de::DeserializeOwned>(text: &str) -> Vec<(Result<T, String>, usize)> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let line = |record: &csv::StringRecord| record.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
    reader
        .records()
        .map(|record| match record {
            Ok(record) => (record.deserialize(Some(&headers)).map_err(|e| e.to_string()), line(&record)),
            Err(e) => {
                let at = e.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
                (Err(e.to_string()), at)
            }
        })
        .collect()
}

/// Reads both files.
pub(super) fn read(csv: &str, services: &str) -> Result<(Procedures, Vec<PlanRow>), Vec<Fault>> {
    let faults = Faults::new("schemas/catalogue/services.toml", services);
    let doc = Doc::parse(services, &faults);
    let root = doc.table(&faults);
    let mut table = services_of(&root);
    let list_faults = Faults::new("schemas/catalogue/procedures.csv", csv);
    let mut procedures = Procedures::default();
    let mut seen = BTreeSet::new();
    for (row, line) in rows::<Row>(csv) {
        let start = csv.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        let fault = |text: String| list_faults.add(&(start..start), text, None);
        match row.and_then(|row| join(row, &mut table, &mut seen)) {
            Ok(procedure) => procedures.list.push(procedure),
            Err(text) => fault(text),
        }
    }
    for ((era, code), service) in &table.services {
        if !service.used {
            root.fault_at("service", format!("there is no row ({era}, {code}) in procedures.csv"), None);
        }
    }
    let mut all = faults.finish();
    all.extend(list_faults.finish());
    if all.is_empty() { Ok((procedures, table.plan)) } else { Err(all) }
}

fn join(row: Row, table: &mut Services, seen: &mut BTreeSet<(String, String)>) -> Result<Procedure, String> {
    let (valid_from, valid_to) = *table.eras.get(&row.era).ok_or(format!("services.toml has no era `{}`", row.era))?;
    let tier = Tier::of_word(&row.tier).ok_or(format!("unknown tier `{}`", row.tier))?;
    let days = match row.time_note.as_str() {
        "" => None,
        note => Some(Term::parse(note).ok_or(format!("a term is not written `{note}`"))?),
    };
    let key = (row.era.clone(), row.code.clone());
    if !row.code.is_empty() {
        if ProcedureCode::parse(&row.code).is_none_or(|c| c.national() != row.code) {
            return Err(format!("`{}` is not a bare national code", row.code));
        }
        if !seen.insert(key.clone()) {
            return Err(format!("({}, {}) is given twice", row.era, row.code));
        }
    }
    let tier_account = table.tier_accounts.get(tier.word()).cloned();
    let service = table.services.get_mut(&key);
    let account = service.as_ref().and_then(|s| s.account.clone()).or(tier_account).unwrap_or_default();
    let beneficiary = table.accounts.get(&account).cloned().ok_or(format!("no account `{account}` for this row"))?;
    let mut procedure = Procedure {
        era: row.era,
        code: Some(row.code).filter(|c| !c.is_empty()),
        name_vi: row.name_vi,
        name_en: row.name_en,
        tier,
        level: Level::Unknown,
        host: Host::City,
        fee_rule: FeeRule::plain(FeeBy::Unknown),
        fee_note: row.fee_vnd,
        beneficiary,
        valid_from,
        valid_to,
        field: row.field,
        confidence: row.confidence,
        added_confidence: None,
        days,
    };
    if let Some(service) = service {
        service.used = true;
        procedure.level = service.level;
        procedure.host = service.host;
        procedure.fee_rule = service.fee.clone();
        procedure.added_confidence = service.confidence.clone();
    }
    Ok(procedure)
}

fn services_of(root: &Table<'_>) -> Services {
    root.only(&["era", "plan", "account", "tier-account", "service"]);
    let mut table = Services::default();
    for t in root.tables("era") {
        t.only(&["name", "from", "to", "confidence"]);
        let from = t.need("from").and_then(|i| date(&i)).unwrap_or_default();
        table.eras.insert(t.need_text("name"), (from, t.get("to").and_then(|i| date(&i))));
    }
    for t in root.tables("account") {
        t.only(&["id", "account", "bank", "name"]);
        let beneficiary = Beneficiary { account: t.need_text("account"), bank: t.need_text("bank"), name: t.need_text("name") };
        table.accounts.insert(t.need_text("id"), beneficiary);
    }
    if let Some(t) = root.table("tier-account") {
        t.only(&Tier::ALL.iter().map(|(_, w)| *w).collect::<Vec<_>>());
        table.tier_accounts = Tier::ALL.iter().filter_map(|(_, w)| Some((*w, t.text(w)?))).collect();
    }
    table.plan = root.tables("plan").iter().filter_map(plan).collect();
    for t in root.tables("service") {
        let (key, service) = service(&t);
        if service.account.as_ref().is_some_and(|a| !table.accounts.contains_key(a)) {
            t.fault_at("account", "no account of this id", None);
        }
        if table.services.insert(key, service).is_some() {
            t.fault_at("code", "this row is given twice", None);
        }
    }
    table
}

fn service(t: &Table<'_>) -> ((String, String), Service) {
    t.only(&["era", "code", "level", "host", "fee", "account", "confidence"]);
    let level = t.parsed("level", "\"3\", \"4\", \"partial\", \"full\" or \"unknown\"", Level::of_word).unwrap_or(Level::Unknown);
    let host = t.parsed("host", "\"city\" or \"ministry\"", Host::of_word).unwrap_or(Host::City);
    let confidence = t.parsed("confidence", "V, M or G", |w| ["V", "M", "G"].contains(&w).then(|| w.to_owned()));
    let fee = t.get("fee").and_then(|i| fee(&i)).unwrap_or_else(|| FeeRule::plain(FeeBy::Unknown));
    ((t.need_text("era"), t.need_text("code")), Service { level, host, fee, account: t.text("account"), confidence, used: false })
}

fn fee(item: &Item<'_>) -> Option<FeeRule> {
    if item.value().is_str() {
        let by = item.parsed("\"none\", \"unknown\" or a table", |w| match w {
            "none" => Some(FeeBy::None),
            "unknown" => Some(FeeBy::Unknown),
            _ => None,
        })?;
        return Some(FeeRule::plain(by));
    }
    let t = item.table()?;
    t.only(&["amount", "per", "unless", "key", "name", "number", "per-paper", "alternatives", "exempt"]);
    let exempt = t.tables("exempt").iter().filter_map(exemption).collect();
    Some(FeeRule { by: fee_by(&t)?, exempt })
}

fn fee_by(t: &Table<'_>) -> Option<FeeBy> {
    if let Some(list) = t.get("alternatives") {
        return Some(FeeBy::Alternatives(list.list().iter().filter_map(alternative).collect()));
    }
    let amount = t.need("amount").and_then(|i| vnd(&i))?;
    if t.get("per-paper").is_some() {
        return Some(FeeBy::PerPaper { papers: t.texts("per-paper"), amount });
    }
    Some(match t.text("per") {
        Some(list) => {
            let name = t.text("name").map(|name| (name, t.text("number").unwrap_or_default()));
            FeeBy::PerItem { list, amount, unless: t.text("unless"), key: t.texts("key"), name }
        }
        None => FeeBy::Amount(amount),
    })
}

fn alternative(item: &Item<'_>) -> Option<Alternative> {
    if item.value().is_integer() {
        return Some(Alternative { amount: vnd(item)?, name: None, when: None });
    }
    let t = item.table()?;
    t.only(&["amount", "name", "field", "is", "paper"]);
    let amount = t.need("amount").and_then(|i| vnd(&i))?;
    Some(Alternative { amount, name: t.text("name"), when: when(&t) })
}

fn exemption(t: &Table<'_>) -> Option<Exemption> {
    t.only(&["name", "field", "is", "paper", "confidence"]);
    let confidence = t.parsed("confidence", "V, M or G", |w| ["V", "M", "G"].contains(&w).then(|| w.to_owned()));
    if t.get("confidence").is_none() {
        t.fault("an exemption says how sure it is: `confidence` V, M or G");
    }
    let when = when(t);
    if when.is_none() {
        t.fault("an exemption needs `field` with `is`, or `paper`");
    }
    Some(Exemption { name: t.need_text("name"), when: when?, confidence: confidence? })
}

fn when(t: &Table<'_>) -> Option<When> {
    match t.text("field") {
        Some(field) => Some(When::Field { field, is: t.texts("is") }),
        None => t.get("paper").is_some().then(|| When::Paper(t.texts("paper"))),
    }
}

fn vnd(item: &Item<'_>) -> Option<Vnd> {
    item.whole(1).and_then(|n| Vnd::new(n).ok())
}

pub(super) fn date(item: &Item<'_>) -> Option<Date> {
    let found = item.value().as_datetime().and_then(|d| d.date);
    let date =
        found.and_then(|d| Date::new(i16::try_from(d.year).ok()?, i8::try_from(d.month).ok()?, i8::try_from(d.day).ok()?).ok());
    if date.is_none() {
        item.fault(format!("`{}` must be a date such as 2019-01-01", item.name()), None);
    }
    date
}

fn plan(t: &Table<'_>) -> Option<PlanRow> {
    t.only(&["tier", "procedures", "level_3", "level_4", "level_4_at_least", "ministry"]);
    let number = |key: &str| t.whole(key, 0).and_then(|n| u32::try_from(n).ok());
    let _ = t.need("tier");
    Some(PlanRow {
        tier: t.parsed("tier", "department, district or commune", Tier::of_word)?,
        procedures: number("procedures"),
        level_3: number("level_3"),
        level_4: number("level_4"),
        level_4_at_least: t.flag("level_4_at_least", false),
        ministry: number("ministry"),
    })
}

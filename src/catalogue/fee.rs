//! What a procedure costs: the rule as data, and what a dossier costs by it.
//!
//! Always: money is whole VND and never wraps; a rule that does not settle the sum says so ([`Charge::Unknown`], [`Charge::OneOf`]), never
//! zero. The rule looks at the form and the papers as handed in; what was paid before is none of its business ([`Charge::owed`]).

use crate::body::Value;
use crate::model::{Charge, FeeItem, Vnd};
use std::collections::BTreeMap;

/// The rule of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRule {
    /// How the sum is made.
    pub by: FeeBy,
    /// Who owes nothing, the first that fits.
    pub exempt: Vec<Exemption>,
}

/// How a sum is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeeBy {
    /// Nothing is owed.
    None,
    /// No source gives it. Not free: unknown.
    Unknown,
    /// Always the same.
    Amount(Vnd),
    /// So much for each item of a list of the form.
    PerItem {
        /// The list's field in the form.
        list: String,
        /// For each.
        amount: Vnd,
        /// Not for items where this field is true.
        unless: Option<String>,
        /// The fields that make an item this one, wherever it stands in the list; none: all fields but `unless`.
        key: Vec<String>,
        /// What an item is called, and the field with its number: `Nguyện vọng`, `rank`.
        name: Option<(String, String)>,
    },
    /// So much for each copy of a paper.
    PerPaper {
        /// Codes of the papers that count; none: all.
        papers: Vec<String>,
        /// For each copy.
        amount: Vnd,
    },
    /// One of these.
    Alternatives(Vec<Alternative>),
}

/// One of several sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The sum.
    pub amount: Vnd,
    /// When it is owed, in the authority's words.
    pub name: Option<String>,
    /// By the form; none: nothing handed in tells, the authority does.
    pub when: Option<When>,
}

/// Somebody owes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// Who, in the authority's words.
    pub name: String,
    /// By what is known.
    pub when: When,
    /// V, M or G.
    pub confidence: String,
}

/// What a form or the papers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// A field of the form has one of these values.
    Field {
        /// The field, with dots between names.
        field: String,
        /// Its values; a boolean as `true` or `false`.
        is: Vec<String>,
    },
    /// A paper with one of these codes is handed in.
    Paper(Vec<String>),
}

// === impl FeeRule ===

impl FeeRule {
    /// A rule without exemptions.
    #[must_use]
    pub fn plain(by: FeeBy) -> Self {
        Self { by, exempt: Vec::new() }
    }

    /// What a dossier with this form and these papers costs.
    #[must_use]
    pub fn charge(&self, form: &Value, papers: &[Value]) -> Charge {
        if let Some(exempt) = self.exempt.iter().find(|e| e.when.fits(form, papers)) {
            return Charge::Exempt(exempt.name.clone());
        }
        match &self.by {
            FeeBy::None => Charge::Nothing,
            FeeBy::Unknown => Charge::Unknown,
            FeeBy::Amount(amount) => Charge::Sum(*amount),
            FeeBy::PerItem { list, .. } => match form.get(list).and_then(Value::as_array) {
                Some(list) => settled(self.by.items(list)),
                None => Charge::Unknown,
            },
            FeeBy::PerPaper { papers: codes, amount } => settled(copies(codes, *amount, papers)),
            FeeBy::Alternatives(list) => match list.iter().find(|a| a.when.as_ref().is_some_and(|w| w.fits(form, papers))) {
                Some(chosen) => Charge::Sum(chosen.amount),
                None => Charge::OneOf(list.iter().map(|a| a.amount).collect()),
            },
        }
    }

    /// The list of the form that is counted, and the field that says of an item that it is paid.
    #[must_use]
    pub fn marks(&self) -> Option<(&str, &str)> {
        match &self.by {
            FeeBy::PerItem { list, unless: Some(unless), .. } => Some((list, unless)),
            _ => None,
        }
    }

    /// Whether it looks at what stands in the form or among the papers.
    #[must_use]
    pub fn looks(&self) -> bool {
        !self.exempt.is_empty() || !matches!(self.by, FeeBy::None | FeeBy::Unknown | FeeBy::Amount(_))
    }

    /// In a few words, for a table.
    #[must_use]
    pub fn text(&self) -> String {
        let by = match &self.by {
            FeeBy::None => "none".to_owned(),
            FeeBy::Unknown => "unknown".to_owned(),
            FeeBy::Amount(amount) => amount.to_string(),
            FeeBy::PerItem { list, amount, .. } => format!("{amount} each of {list}"),
            FeeBy::PerPaper { papers, amount } if papers.is_empty() => format!("{amount} each paper"),
            FeeBy::PerPaper { papers, amount } => format!("{amount} each of paper {}", papers.join(", ")),
            FeeBy::Alternatives(list) => list.iter().map(|a| a.amount.to_string()).collect::<Vec<_>>().join(" or "),
        };
        if self.exempt.is_empty() { by } else { format!("{by}, {} exempt", self.exempt.len()) }
    }
}

// === impl FeeBy ===

impl FeeBy {
    /// The items of a list, each with its key; what is free costs nothing.
    fn items(&self, list: &[Value]) -> Vec<FeeItem> {
        let Self::PerItem { amount, unless, key, name, list: called } = self else { return Vec::new() };
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let item = |(n, item): (usize, &Value)| {
            let own = if key.is_empty() { all_but(item, unless.as_deref()) } else { named(item, key) };
            let times = seen.entry(own.clone()).or_default();
            *times += 1;
            // The very same item twice is two items.
            let key = if *times == 1 { own } else { format!("{own}#{times}") };
            let number = name.as_ref().and_then(|(_, field)| item.get(field)).map_or((n + 1).to_string(), plain);
            let text = format!("{} {number}", name.as_ref().map_or(called.as_str(), |(name, _)| name));
            let free = unless.as_ref().is_some_and(|u| item.get(u) == Some(&Value::Bool(true)));
            FeeItem { key, text, amount: if free { Vnd::ZERO } else { *amount } }
        };
        list.iter().enumerate().map(item).collect()
    }
}

// === impl When ===

impl When {
    fn fits(&self, form: &Value, papers: &[Value]) -> bool {
        match self {
            Self::Field { field, is } => {
                let found = field.split('.').try_fold(form, |v, name| v.get(name));
                found.is_some_and(|v| is.contains(&plain(v)))
            }
            Self::Paper(codes) => papers.iter().any(|p| codes.contains(&code_of(p).to_owned())),
        }
    }
}

// === functions ===

/// Items as a charge: none of them is nothing owed; more than money can count settles nothing.
fn settled(items: Vec<FeeItem>) -> Charge {
    let charge = Charge::Items(items);
    match charge.sum() {
        Some(_) => charge,
        None => Charge::Unknown,
    }
}

fn copies(codes: &[String], amount: Vnd, papers: &[Value]) -> Vec<FeeItem> {
    let counts = |p: &&Value| codes.is_empty() || codes.iter().any(|c| c == code_of(p));
    let each = |p: &Value| {
        let copies = p.get("copies").and_then(Value::as_u64).unwrap_or(1);
        let name = p.get("name").and_then(Value::as_str).unwrap_or("Giấy tờ").to_owned();
        let code = code_of(p).to_owned();
        (1..=copies).map(move |n| FeeItem { key: format!("{code}#{n}"), text: format!("{name} ({n}/{copies})"), amount })
    };
    papers.iter().filter(counts).flat_map(each).collect()
}

fn code_of(paper: &Value) -> &str {
    paper.get("code").and_then(Value::as_str).unwrap_or_default()
}

fn named(item: &Value, key: &[String]) -> String {
    key.iter().map(|name| item.get(name).map_or_else(String::new, plain)).collect::<Vec<_>>().join("/")
}

fn all_but(item: &Value, unless: Option<&str>) -> String {
    let Some(map) = item.as_object() else { return plain(item) };
    let fields = map.iter().filter(|(name, _)| Some(name.as_str()) != unless);
    fields.map(|(_, v)| plain(v)).collect::<Vec<_>>().join("/")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::json;

    fn vnd(n: u64) -> Vnd {
        Vnd::new(n).unwrap()
    }

    fn each(unless: Option<&str>, key: &[&str]) -> FeeRule {
        FeeRule::plain(FeeBy::PerItem {
            list: "items".into(),
            amount: vnd(20_000),
            unless: unless.map(str::to_owned),
            key: key.iter().map(|k| (*k).to_owned()).collect(),
            name: Some(("Nguyện vọng".into(), "rank".into())),
        })
    }

    fn field(field: &str, is: &[&str]) -> When {
        When::Field { field: field.into(), is: is.iter().map(|v| (*v).to_owned()).collect() }
    }

    #[test]
    fn a_rule_settles_the_sum_or_says_that_it_does_not() {
        let form = json!({"items": [{"paid": false, "a": 1}, {"paid": true, "a": 2}, {"a": 3}], "school": {"abroad": true}});
        let alternatives = |when: Option<When>| {
            let first = Alternative { amount: vnd(250_000), name: None, when: None };
            FeeRule::plain(FeeBy::Alternatives(vec![first, Alternative { amount: vnd(500_000), name: None, when }]))
        };
        let papers = [json!({"code": "VB", "name": "Văn bằng", "copies": 2}), json!({"code": "CC", "name": "Khác", "copies": 1})];
        let per_paper = |codes: &[&str]| {
            let papers = codes.iter().map(|c| (*c).to_owned()).collect();
            FeeRule::plain(FeeBy::PerPaper { papers, amount: vnd(7) })
        };
        for (rule, form, want) in [
            (FeeRule::plain(FeeBy::None), &json!({}), Some(0)),
            (FeeRule::plain(FeeBy::Unknown), &json!({}), None),
            (FeeRule::plain(FeeBy::Amount(vnd(5))), &json!({}), Some(5)),
            (alternatives(None), &form, None),
            (alternatives(Some(field("school.abroad", &["true"]))), &form, Some(500_000)),
            (alternatives(Some(field("school.abroad", &["false"]))), &form, None),
            (each(None, &[]), &form, Some(60_000)),
            (each(Some("paid"), &[]), &form, Some(40_000)),
            (each(Some("paid"), &[]), &json!({"items": [{"paid": true}]}), Some(0)),
            (each(None, &[]), &json!({}), None),
            (each(None, &[]), &json!(null), None),
            (per_paper(&[]), &form, Some(21)),
            (per_paper(&["VB"]), &form, Some(14)),
            (per_paper(&["XX"]), &form, Some(0)),
        ] {
            assert_eq!(rule.charge(form, &papers).sum().map(Vnd::amount), want, "{rule:?}");
        }
        let huge = FeeBy::PerItem { list: "items".into(), amount: vnd(Vnd::MAX), unless: None, key: Vec::new(), name: None };
        assert_eq!(FeeRule::plain(huge).charge(&form, &[]), Charge::Unknown);
    }

    #[test]
    fn an_item_keeps_its_key_wherever_it_stands_and_twice_is_two() {
        let rule = each(Some("paid"), &["school", "major"]);
        let item = |rank: u8, school: &str| json!({"rank": rank, "school": school, "major": "M", "paid": false});
        let keys = |list: Value| match rule.charge(&json!({ "items": list }), &[]) {
            Charge::Items(items) => items.into_iter().map(|i| (i.key, i.text)).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let told = |key: &str, n: u8| (key.to_owned(), format!("Nguyện vọng {n}"));
        assert_eq!(keys(json!([item(1, "A"), item(2, "B")])), [told("A/M", 1), told("B/M", 2)]);
        assert_eq!(keys(json!([item(1, "B"), item(2, "A")])), [told("B/M", 1), told("A/M", 2)]);
        assert_eq!(keys(json!([item(1, "A"), item(2, "A")])), [told("A/M", 1), told("A/M#2", 2)]);
    }

    #[test]
    fn who_is_exempt_owes_nothing_by_form_or_by_paper() {
        let exempt = |when| Exemption { name: "Diện ưu tiên".into(), when, confidence: "G".into() };
        let rule = FeeRule {
            by: FeeBy::Amount(vnd(5)),
            exempt: vec![exempt(field("priority", &["01", "02"])), exempt(When::Paper(vec!["HN".into()]))],
        };
        let poor = [json!({"code": "HN", "copies": 1})];
        for (form, papers, want) in [
            (json!({"priority": "01"}), &[][..], 0),
            (json!({"priority": "03"}), &[], 5),
            (json!({}), &[], 5),
            (json!({}), &poor, 0),
        ] {
            assert_eq!(rule.charge(&form, papers).sum(), Some(vnd(want)), "{form}");
        }
    }
}

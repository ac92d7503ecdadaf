//! What a procedure costs: the rule as data, and what a dossier owes by it.
//!
//! Always: money is whole VND and never wraps; a rule that does not settle the amount says [`FeeDue::Unknown`], never zero.

use crate::model::Vnd;
use serde_json::Value;

/// The rule of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeeRule {
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
    },
    /// One of these; nothing we hold tells which, an officer does.
    Alternatives(Vec<Vnd>),
}

/// What a dossier owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeDue {
    /// Nothing.
    None,
    /// This much.
    Amount(Vnd),
    /// The catalogue does not settle it.
    Unknown,
}

// === impl FeeRule ===

impl FeeRule {
    /// What a dossier with this form owes.
    #[must_use]
    pub fn due(&self, form: &Value) -> FeeDue {
        match self {
            Self::None => FeeDue::None,
            Self::Unknown | Self::Alternatives(_) => FeeDue::Unknown,
            Self::Amount(amount) => FeeDue::Amount(*amount),
            Self::PerItem { list, amount, unless } => {
                let Some(items) = form.get(list).and_then(Value::as_array) else { return FeeDue::Unknown };
                let counts = |item: &&Value| unless.as_ref().is_none_or(|u| item.get(u) != Some(&Value::Bool(true)));
                let times = u64::try_from(items.iter().filter(counts).count()).unwrap_or(u64::MAX);
                match amount.checked_mul(times) {
                    Some(Vnd::ZERO) => FeeDue::None,
                    Some(sum) => FeeDue::Amount(sum),
                    None => FeeDue::Unknown,
                }
            }
        }
    }

    /// In a few words, for a table.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Unknown => "unknown".to_owned(),
            Self::Amount(amount) => amount.to_string(),
            Self::PerItem { list, amount, .. } => format!("{amount} each of {list}"),
            Self::Alternatives(list) => list.iter().map(Vnd::to_string).collect::<Vec<_>>().join(" or "),
        }
    }
}

impl FeeDue {
    /// The amount, where the catalogue settles one: zero for nothing owed.
    #[must_use]
    pub fn amount(self) -> Option<Vnd> {
        match self {
            Self::None => Some(Vnd::ZERO),
            Self::Amount(amount) => Some(amount),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_settles_the_amount_or_says_unknown() {
        let vnd = |n| Vnd::new(n).unwrap();
        let each = |unless: Option<&str>| FeeRule::PerItem {
            list: "items".into(),
            amount: vnd(20_000),
            unless: unless.map(str::to_owned),
        };
        let form = json!({"items": [{"paid": false}, {"paid": true}, {}]});
        for (rule, form, want) in [
            (FeeRule::None, &json!({}), FeeDue::None),
            (FeeRule::Unknown, &json!({}), FeeDue::Unknown),
            (FeeRule::Amount(vnd(5)), &json!({}), FeeDue::Amount(vnd(5))),
            (FeeRule::Alternatives(vec![vnd(1), vnd(2)]), &json!({}), FeeDue::Unknown),
            (each(None), &form, FeeDue::Amount(vnd(60_000))),
            (each(Some("paid")), &form, FeeDue::Amount(vnd(40_000))),
            (each(Some("paid")), &json!({"items": [{"paid": true}]}), FeeDue::None),
            (each(None), &json!({}), FeeDue::Unknown),
            (each(None), &json!(null), FeeDue::Unknown),
            (FeeRule::PerItem { list: "items".into(), amount: vnd(Vnd::MAX), unless: None }, &form, FeeDue::Unknown),
        ] {
            assert_eq!(rule.due(form), want, "{rule:?}");
        }
    }
}

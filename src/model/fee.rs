//! What a dossier costs (phí, lệ phí): what the catalogue's rule gives for it, what is owed now, what two sides tell differently.
//!
//! Always: sums are whole VND and never wrap; a rule that does not settle the sum says so, it never says zero; an item that is paid for is
//! never owed again, and one that a payment covered and that was taken back later frees another one.

use crate::clock::Time;
use crate::model::Vnd;
use serde::{Deserialize, Serialize};

/// A fee a dossier owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// Whole VND.
    pub amount: Vnd,
    /// The fee's code at whoever set it.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Where it stands.
    pub state: FeeState,
    /// The open (or paid) transaction.
    pub transaction: Option<String>,
    /// The items it is for, where it is counted by items.
    #[serde(default)]
    pub items: Vec<FeeItem>,
}

/// Owed → Requested → Paid | (Failed | Expired, then Owed again).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeState {
    /// To be paid; nothing asked of the platform.
    Owed,
    /// A transaction is open.
    Requested,
    /// Paid, by the platform's own word.
    Paid,
}

/// One of the things a fee is counted by: a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeItem {
    /// What makes it this one, whatever its place in the list.
    pub key: String,
    /// As the payer knows it: `Nguyện vọng 2`.
    pub text: String,
    /// Its price; 0: free, or paid elsewhere.
    pub amount: Vnd,
}

/// What a dossier costs as a whole, by the catalogue's rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charge {
    /// Nothing.
    Nothing,
    /// Nothing, by this exemption (its word in the catalogue).
    Exempt(String),
    /// This sum.
    Sum(Vnd),
    /// The prices of these items.
    Items(Vec<FeeItem>),
    /// One of these sums; which one, the authority says.
    OneOf(Vec<Vnd>),
    /// The catalogue does not settle it: whoever works on the dossier says.
    Unknown,
}

/// A fee that only a person can settle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// What the ministry told; none: the rule leaves a choice and nobody has told a sum.
    pub told: Option<Vnd>,
    /// What we have: the sum owed by the rule, or already asked for; none: the rule leaves a choice.
    pub ours: Option<Vnd>,
    /// The sums the rule leaves to choose from.
    #[serde(default)]
    pub choices: Vec<Vnd>,
    /// The fee's code, as told.
    #[serde(default)]
    pub code: Option<String>,
    /// The fee's name, as told.
    #[serde(default)]
    pub name: Option<String>,
    /// Since when.
    pub since: Time,
}

// === impl Charge ===

impl Charge {
    /// The whole sum; none: the rule does not settle it.
    #[must_use]
    pub fn sum(&self) -> Option<Vnd> {
        match self {
            Self::Nothing | Self::Exempt(_) => Some(Vnd::ZERO),
            Self::Sum(sum) => Some(*sum),
            Self::Items(items) => total(items),
            Self::OneOf(_) | Self::Unknown => None,
        }
    }

    /// What is still owed when `paid` has been paid, and these items are paid for: the sum with its items; none: the rule does not
    /// settle it.
    #[must_use]
    pub fn owed(&self, paid: Vnd, covered: &[String]) -> Option<(Vnd, Vec<FeeItem>)> {
        match self {
            Self::Items(items) => {
                let due = due_items(items, covered);
                total(&due).map(|sum| (sum, due))
            }
            _ => self.sum().map(|sum| (sum.checked_sub(paid).unwrap_or(Vnd::ZERO), Vec::new())),
        }
    }

    /// Which of its items, by their place in the list, owe nothing any more.
    #[must_use]
    pub fn paid_places(&self, covered: &[String]) -> Vec<bool> {
        let Self::Items(items) = self else { return Vec::new() };
        let due = due_items(items, covered);
        items.iter().map(|i| !due.iter().any(|d| d.key == i.key)).collect()
    }
}

// === functions ===

/// The items that are not paid for. A price is paid for a number of items: for each one that was paid for and taken back, the first new one
/// counts as paid.
fn due_items(items: &[FeeItem], covered: &[String]) -> Vec<FeeItem> {
    let taken_back = covered.iter().filter(|c| !items.iter().any(|i| i.key == **c)).count();
    items.iter().filter(|i| i.amount > Vnd::ZERO && !covered.contains(&i.key)).skip(taken_back).cloned().collect()
}

fn total(items: &[FeeItem]) -> Option<Vnd> {
    items.iter().try_fold(Vnd::ZERO, |sum, i| sum.checked_add(i.amount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vnd(n: u64) -> Vnd {
        Vnd::new(n).unwrap()
    }

    fn items(keys: &str) -> Vec<FeeItem> {
        keys.chars().map(|k| FeeItem { key: k.into(), text: format!("Mục {k}"), amount: vnd(20_000) }).collect()
    }

    fn keys(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn only_what_is_new_is_owed() {
        for (now, covered, owed) in [
            ("ab", "", "ab"),
            ("ab", "ab", ""),
            ("cab", "ab", "c"),
            ("ba", "ab", ""),
            // One taken back and another put in its place: the price of two was paid.
            ("ac", "ab", ""),
            ("acd", "ab", "d"),
            ("", "ab", ""),
        ] {
            let (sum, due) = Charge::Items(items(now)).owed(Vnd::ZERO, &keys(covered)).unwrap();
            assert_eq!(due.iter().map(|i| i.key.as_str()).collect::<String>(), owed, "{now} after {covered}");
            assert_eq!(sum.amount(), 20_000 * owed.len() as u64);
        }
    }

    #[test]
    fn a_sum_is_owed_less_what_was_paid_and_an_open_rule_never_says_zero() {
        for (charge, paid, owed) in [
            (Charge::Sum(vnd(50)), 0, Some(50)),
            (Charge::Sum(vnd(50)), 20, Some(30)),
            (Charge::Sum(vnd(50)), 70, Some(0)),
            (Charge::Nothing, 0, Some(0)),
            (Charge::Exempt("poor-household".into()), 0, Some(0)),
            (Charge::OneOf(vec![vnd(1), vnd(2)]), 0, None),
            (Charge::Unknown, 0, None),
        ] {
            assert_eq!(charge.owed(vnd(paid), &[]).map(|(sum, _)| sum.amount()), owed, "{charge:?}");
        }
        let free = FeeItem { amount: Vnd::ZERO, ..items("a")[0].clone() };
        let told_as_paid = Charge::Items([vec![free], items("b")].concat());
        assert_eq!(told_as_paid.owed(Vnd::ZERO, &keys("a")).unwrap().0, vnd(20_000), "what is told as paid is still there");
        assert_eq!(told_as_paid.paid_places(&keys("a")), [true, false]);
        let huge = vec![FeeItem { key: "a".into(), text: "a".into(), amount: vnd(Vnd::MAX) }; 2];
        assert_eq!(Charge::Items(huge).sum(), None, "a sum that is too large settles nothing");
    }

    proptest! {
        /// However often the list is changed and paid in between, exactly the largest number of items there ever was at a payment is paid for.
        #[test]
        fn nobody_pays_twice_for_a_number_of_items(lists in prop::collection::vec("[a-h]{0,6}", 1..8)) {
            let (mut covered, mut paid, mut most) = (Vec::new(), 0_u64, 0);
            for list in lists {
                let mut list: Vec<char> = list.chars().collect();
                list.sort_unstable();
                list.dedup();
                let list: String = list.into_iter().collect();
                let (sum, due) = Charge::Items(items(&list)).owed(Vnd::ZERO, &covered).unwrap();
                paid += sum.amount();
                covered.extend(due.into_iter().map(|i| i.key));
                most = most.max(list.len() as u64);
            }
            prop_assert_eq!(paid, most * 20_000);
        }
    }
}

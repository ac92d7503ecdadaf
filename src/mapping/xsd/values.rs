//! A mapping held against the XSD of its wire, continued: the values (V3, V4). What is written is a word of the schema and within its facets.

use super::against::{Beside, by};
use super::simple::Simple;
use super::witness::witness;
use crate::mapping::convert::{Chain, Conv};
use crate::mapping::grammar::Lit;
use crate::mapping::plan::{Act, Opt, Rule, To};
use crate::mapping::shapes::LeafKind;
use crate::mapping::source::{Check, Faults, Span};
use std::cmp::Ordering;

// === impl Beside ===

impl Beside<'_, '_> {
    pub(super) fn value(&mut self, rule: &Rule, simple: &Simple, fixed: Option<&str>) {
        let fixed = fixed.map(|f| Simple { words: Some(vec![f.to_owned()]), ..simple.clone() });
        let simple = fixed.as_ref().unwrap_or(simple);
        match &rule.what {
            Act::Const { lits, .. } => {
                if let Some(lit) = lits.first() {
                    self.word(&rule.at.right, Check::Types, &lit.to_string(), lit, simple);
                }
            }
            Act::Value { to, alts } => {
                if let Opt::Literal(lit) = &rule.opt {
                    self.word(&rule.at.right, Check::Types, &format!("{lit} for none"), lit, simple);
                }
                if let Some(chain) = alts.first().filter(|_| !matches!(to, To::Context(_))) {
                    self.chain(rule, chain, simple);
                }
            }
            _ => {}
        }
    }

    fn chain(&mut self, rule: &Rule, chain: &Chain, simple: &Simple) {
        let at = &rule.at.right;
        match chain.links.last() {
            Some(Conv::Code(codes)) => {
                for entry in &codes.entries {
                    let what = format!("`{}` of the list `{}`, written {},", entry.word, codes.name, entry.written);
                    self.word(at, Check::Codes, &what, &entry.written, simple);
                }
            }
            Some(Conv::Flag(yes, no)) => {
                for lit in [yes, no] {
                    self.word(at, Check::Types, &lit.to_string(), lit, simple);
                }
            }
            None if chain.leaf.words.is_some() || (chain.leaf.kind == LeafKind::Boolean && simple.words.is_some()) => {
                let own = chain.leaf.words.clone().unwrap_or_else(|| vec!["true".to_owned(), "false".to_owned()]);
                for word in own {
                    self.word(at, Check::Types, &format!("`{word}`"), &Lit::Text(word.clone()), simple);
                }
            }
            Some(Conv::Date(_) | Conv::Time(..)) => facets(self.faults, at, chain, simple),
            None if simple.words.is_none() => {
                let kind = chain.leaf.kind;
                let fits = match simple.base.as_str() {
                    "boolean" => matches!(kind, LeafKind::Boolean | LeafKind::Any),
                    "date" => matches!(kind, LeafKind::Date | LeafKind::Any),
                    "dateTime" => matches!(kind, LeafKind::Time | LeafKind::Any),
                    "int" | "integer" | "long" | "short" | "nonNegativeInteger" | "positiveInteger" => {
                        matches!(kind, LeafKind::Integer | LeafKind::Any)
                    }
                    "decimal" | "double" | "float" => matches!(kind, LeafKind::Integer | LeafKind::Decimal | LeafKind::Any),
                    _ => true,
                };
                if fits {
                    facets(self.faults, at, chain, simple);
                } else {
                    let own = format!("{kind:?}").to_lowercase();
                    let text = format!("the schema wants xs:{} here; the canonical place is of kind {own}", simple.base);
                    self.tell(Check::Types, at, text, "a conversion, or another canonical field".to_owned());
                }
            }
            _ => {}
        }
    }

    fn word(&mut self, at: &Span, check: Check, what: &str, lit: &Lit, simple: &Simple) {
        if let Some(why) = simple.refuses(lit.text()) {
            self.tell(check, at, format!("{what} is no value of the schema"), why);
        }
    }
}

/// A number, text, day or time of the canonical schema held against the facets of its place on the wire (V3).
pub(in super::super) fn facets(faults: &mut Faults, at: &Span, chain: &Chain, simple: &Simple) {
    if let Some((value, why)) = witness(chain, simple) {
        let text = format!("the canonical place may hold {value}, which is no value of the schema");
        return by(faults, Check::Types, at, text, format!("{why}; `pattern` in the canonical schema bounds it"));
    }
    let unchanged = |link: &Conv| matches!(link, Conv::Text | Conv::Number);
    if chain.lossy || !chain.links.iter().all(unchanged) || chain.leaf.words.is_some() || simple.words.is_some() {
        return;
    }
    let limits = &chain.leaf.limits;
    let mut tell = |what: &str, own: Option<&str>, wanted: &str, key: &str| {
        let has = own.map_or_else(|| "no bound".to_owned(), |own| format!("{what} {own}"));
        let text = format!("the schema wants {wanted} here; the canonical place has {has}");
        by(faults, Check::Types, at, text, format!("`{key}` in the canonical schema"));
    };
    match chain.leaf.kind {
        LeafKind::Integer => {
            let (low, high) = simple.range();
            if let Some(low) = low.filter(|b| limits.least.as_ref().is_none_or(|n| b.keeps(n, Ordering::Greater) != Some(true))) {
                tell("at least", limits.least.as_deref(), &format!("at least {}", low.number), "minimum");
            }
            if let Some(high) = high.filter(|b| limits.most.as_ref().is_none_or(|n| b.keeps(n, Ordering::Less) != Some(true))) {
                tell("at most", limits.most.as_deref(), &format!("at most {}", high.number), "maximum");
            }
        }
        LeafKind::Text => {
            // A canonical text is never empty.
            let shortest = limits.shortest.unwrap_or(0).max(1);
            if let Some(least) = simple.facets.least.filter(|least| *least > shortest) {
                tell("at least", Some(&shortest.to_string()), &format!("at least {least} characters"), "minLength");
            }
            let longest = limits.longest;
            if let Some(most) = simple.facets.most.filter(|most| longest.is_none_or(|own| own > *most)) {
                tell("at most", longest.map(|n| n.to_string()).as_deref(), &format!("at most {most} characters"), "maxLength");
            }
        }
        _ => {}
    }
}

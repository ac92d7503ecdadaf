//! Whether a canonical schema takes a scalar at a place: by its words, bounds, lengths and pattern.

use super::shapes::{Leaf, LeafKind};
use crate::body::Value;
use regex::Regex;

/// What the canonical schema takes.
pub(super) struct Takes<'l> {
    leaf: &'l Leaf,
    pattern: Option<Regex>,
}

// === impl Takes ===

impl<'l> Takes<'l> {
    pub(super) fn new(leaf: &'l Leaf) -> Self {
        Self { leaf, pattern: leaf.limits.pattern.as_deref().and_then(|p| Regex::new(p).ok()) }
    }

    /// A text, or what is written as one (a decimal, a day, a time).
    pub(super) fn takes(&self, value: &str) -> bool {
        let limits = &self.leaf.limits;
        let length = value.chars().count();
        limits.shortest.is_none_or(|n| length >= n)
            && limits.longest.is_none_or(|n| length <= n)
            && self.leaf.words.as_ref().is_none_or(|words| words.iter().any(|w| w == value))
            && self.pattern.as_ref().is_none_or(|p| p.is_match(value))
    }

    /// A canonical scalar of the place's kind. Of a place without a declared kind nothing is known.
    pub(super) fn takes_value(&self, value: &Value) -> bool {
        match (self.leaf.kind, value) {
            (LeafKind::Any | LeafKind::Content, _) => false,
            (_, Value::String(text)) => self.takes(text),
            (_, Value::Number(n)) => {
                let bound = |limit: &Option<String>| limit.as_deref().and_then(|text| text.parse::<i64>().ok());
                let n = n.as_i64().unwrap_or_default();
                bound(&self.leaf.limits.least).is_none_or(|least| n >= least)
                    && bound(&self.leaf.limits.most).is_none_or(|most| n <= most)
            }
            (_, Value::Array(items)) => items.iter().all(|item| self.takes_value(item)),
            _ => true,
        }
    }
}

//! What a wire does not carry must stand in `without`, exactly: a new canonical field stops every adapter until it takes a stand.

use super::Compiler;
use crate::mapping::shapes::{Shape, ShapeId};
use std::collections::BTreeSet;

impl Compiler<'_> {
    /// Compares `without` with what the lines carry.
    pub(super) fn check_without(&mut self) {
        let mut missing = BTreeSet::new();
        let root = self.message_shape;
        self.uncovered(root, "", &self.covered, &mut missing);
        let said: BTreeSet<String> = self.head.without.iter().cloned().collect();
        if said == missing {
            return;
        }
        let list = |set: &BTreeSet<&String>| set.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ");
        let told = |place: &&String| !self.unclear.iter().any(|u| u.is_empty() || is_under(place, u));
        let unsaid: BTreeSet<&String> = missing.difference(&said).filter(told).collect();
        let surplus: BTreeSet<&String> = said.difference(&missing).filter(told).collect();
        if unsaid.is_empty() && surplus.is_empty() {
            return;
        }
        let whole: BTreeSet<&String> = said.iter().filter(|p| !surplus.contains(p)).chain(unsaid.iter().copied()).collect();
        let unsaid_places = unsaid.clone();
        let (unsaid, surplus, whole) = (list(&unsaid), list(&surplus), list(&whole));
        let mut text = Vec::new();
        if !unsaid.is_empty() {
            let hinted = unsaid_places.iter().any(|p| self.hinted.contains(*p));
            let why =
                if hinted { " (a line with `~` alone gives nothing back, nor does `^` in what may not be there)" } else { "" };
            text.push(format!("not carried and not said: {unsaid}{why}"));
        }
        if !surplus.is_empty() {
            text.push(format!("said to be missing, but carried or unknown: {surplus}"));
        }
        let hint =
            if whole.is_empty() { "this wire carries all: no `without` line".to_owned() } else { format!("without: {whole}") };
        let at = self.head.without_at.clone().unwrap_or_else(|| self.head.first.clone());
        self.hint(&at, format!("`without`: {}", text.join("; ")), hint);
    }

    /// Adds what is not carried at or under a place; true when nothing under it is carried.
    fn uncovered(&self, shape: ShapeId, dotted: &str, carried: &BTreeSet<String>, out: &mut BTreeSet<String>) -> bool {
        let mut formed = false;
        for (_, form, carried) in self.forms.iter().filter(|(at, ..)| at == dotted) {
            formed = true;
            self.fields(*form, dotted, carried, out);
        }
        if formed {
            return false;
        }
        let bare = match self.shapes.get(shape) {
            Shape::Object(_) => {
                let mut inner = BTreeSet::new();
                // Of rows that are carried with nothing in them, each field is missing.
                let bare = self.fields(shape, dotted, carried, &mut inner) && !carried.contains(dotted);
                if !bare {
                    out.extend(inner);
                }
                bare
            }
            Shape::List(item) if matches!(self.shapes.get(*item), Shape::Object(_)) => {
                return self.uncovered(*item, dotted, carried, out);
            }
            _ => !carried.contains(dotted),
        };
        if bare && !dotted.is_empty() {
            out.insert(dotted.to_owned());
        }
        if bare && dotted.is_empty() {
            self.fields(shape, dotted, carried, out);
        }
        bare
    }

    fn fields(&self, shape: ShapeId, dotted: &str, carried: &BTreeSet<String>, out: &mut BTreeSet<String>) -> bool {
        let Shape::Object(fields) = self.shapes.get(shape) else { return true };
        let mut bare = true;
        for (name, inner) in &fields.all {
            let inner_dotted = if dotted.is_empty() { name.clone() } else { format!("{dotted}.{name}") };
            bare &= self.uncovered(*inner, &inner_dotted, carried, out);
        }
        bare
    }
}

/// Whether a dotted place is another or stands under it.
pub(super) fn is_under(place: &str, other: &str) -> bool {
    place.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

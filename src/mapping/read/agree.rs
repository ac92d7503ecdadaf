//! The canonical side of a reading: values are put into the body once, and must agree with what is there.

use super::eval::{Eval, Lossy};
use super::{MOST_FAULTS, Outward};
use crate::body::{Entry, Text};
use crate::body::{Map, Value};
use crate::mapping::convert::{Lex, Tag, Typing};
use crate::mapping::fault::{Both, FaultKind, Found, Place, WireFault};
use crate::mapping::normal::nfc;
use crate::mapping::plan::To;
use crate::mapping::write::get;

impl Eval<'_, '_, '_> {
    /// Puts a value; one that is there already must be equal.
    pub(super) fn put(&mut self, to: &To, value: Value, path: &str, at: usize) {
        let equal = match to {
            To::Own(own) => put_at(&mut self.body, own, value),
            To::Outer(out, own) => {
                let pointer = self.run.pointer(path);
                self.outer.push(Outward { out: *out, path: own.clone(), value, at, pointer });
                true
            }
            To::Context(name) => match self.run.ctx.get(name).or_else(|| self.context.get(name)) {
                Some(known) => same_scalar(known, &value),
                None => {
                    self.context.insert(name.clone(), value);
                    true
                }
            },
        };
        if !equal {
            self.disagrees(path, at);
        }
    }

    pub(super) fn disagrees(&mut self, path: &str, at: usize) {
        let expected = Both::new("giá trị như trường liên quan", "the same value as the related field");
        self.run.fault(path, at, FaultKind::Disagrees, expected, Found::Unsaid);
    }

    /// What rows said about this frame or one further out.
    pub(super) fn inward(&mut self, inward: Vec<Outward>) {
        for mut said in inward {
            if said.out > 1 {
                said.out -= 1;
                self.outer.push(said);
                continue;
            }
            let equal = put_at(&mut self.body, &said.path, said.value);
            if !equal && self.run.faults.len() < MOST_FAULTS {
                let mut place = Place::at(self.run.src, said.at, String::new());
                place.pointer = said.pointer;
                let expected = Both::new("giá trị như trường liên quan", "the same value as the related field");
                self.run.faults.push(WireFault { place, kind: FaultKind::Disagrees, expected, found: Found::Unsaid });
            }
        }
    }

    /// Lines with `~`: checked by writing what is known; else they give what they can, of several times the finest.
    pub(super) fn lossy(&mut self) {
        let mut lossy = std::mem::take(&mut self.lossy);
        lossy.sort_by_key(|line| line.chain.finest());
        for Lossy { to, chain, wire, found, path, at } in lossy {
            let known = match to {
                To::Own(own) => get(&self.body, own).cloned(),
                To::Outer(..) => None,
                To::Context(name) => self.run.ctx.get(name).or_else(|| self.context.get(name)).cloned(),
            };
            match known {
                Some(known) => {
                    let written = chain.out(&known);
                    if written.is_none_or(|lex| nfc(&lex.text) != nfc(&wire)) {
                        let expected = Both::new("giá trị hợp với trường liên quan", "what the related field gives");
                        self.run.fault(path, at, FaultKind::Disagrees, expected, found);
                    }
                }
                None if chain.gives() => {
                    let tag = if chain.typing == Typing::Json { self.tag_of(&found) } else { Tag::Text };
                    match chain.back(&Lex { tag, text: wire.as_str().into() }) {
                        Ok(value) => self.put(to, value, path, at),
                        Err(miss) => self.run.fault(path, at, miss.kind, miss.expected, found),
                    }
                }
                None => {}
            }
        }
    }

    fn tag_of(&self, found: &Found) -> Tag {
        match found {
            Found::Number(_) => Tag::Number,
            Found::Boolean => Tag::Bool,
            _ => Tag::Text,
        }
    }
}

/// Puts a value at its place, made with its objects; false when another value is there.
pub(super) fn put_at(body: &mut Value, path: &[Text], value: Value) -> bool {
    let Some((word, rest)) = path.split_first() else {
        if body.is_null() {
            *body = value;
            return true;
        }
        return *body == value;
    };
    if body.is_null() {
        *body = Value::Object(Map::new());
    }
    let Some(map) = body.as_object_mut() else { return false };
    // An object on the way is mostly there, a field at its end is nearly always new: one search for both.
    if !rest.is_empty()
        && let Some(inner) = map.get_mut(word)
    {
        return put_at(inner, rest, value);
    }
    match (map.entry(word.clone()), rest.is_empty()) {
        (Entry::Vacant(slot), true) => {
            slot.insert(value);
            true
        }
        (Entry::Vacant(slot), false) => put_at(slot.insert(Value::Null), rest, value),
        (Entry::Occupied(slot), _) => put_at(slot.into_mut(), rest, value),
    }
}

/// The place in a body, made with its objects; null when nothing is there yet.
pub(super) fn place<'b>(body: &'b mut Value, path: &[Text]) -> Option<&'b mut Value> {
    let mut at = body;
    for word in path {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let map = at.as_object_mut()?;
        at = map.entry(word.clone()).or_insert(Value::Null);
    }
    Some(at)
}

pub(super) fn get_mut<'b>(body: &'b mut Value, path: &[Text]) -> Option<&'b mut Value> {
    path.iter().try_fold(body, |at, word| at.get_mut(&**word))
}

fn same_scalar(a: &Value, b: &Value) -> bool {
    match (Lex::of(a), Lex::of(b)) {
        (Some(a), Some(b)) => a.text == b.text,
        _ => a == b,
    }
}

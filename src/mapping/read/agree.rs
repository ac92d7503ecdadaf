//! The canonical side of a reading: values are put into the body once, and must agree with what is there.

use super::eval::{Eval, Lossy};
use super::{MOST_FAULTS, Outward, Said};
use crate::body::{Entry, Text};
use crate::body::{Map, Value};
use crate::mapping::convert::{Chain, Lex, Miss, Tag};
use crate::mapping::fault::{Both, FaultKind, Found, Place, WireFault};
use crate::mapping::normal::nfc;
use crate::mapping::plan::To;
use crate::mapping::write::get;

/// What a line with `~` of a row said about an object further out.
pub(super) struct Doubt {
    chain: Chain,
    wire: String,
    tag: Tag,
}

// === impl Doubt ===

impl Doubt {
    fn weigh(&self, known: Option<&Value>) -> Result<Option<Value>, Box<Miss>> {
        weigh(&self.chain, (self.tag, &self.wire), known)
    }
}

/// What a line with `~` said, against the value that is known: a fault if it would be written otherwise; the value, where none is known and
/// reading gives one.
fn weigh(chain: &Chain, (tag, wire): (Tag, &str), known: Option<&Value>) -> Result<Option<Value>, Box<Miss>> {
    let Some(known) = known else {
        return if chain.gives() { chain.back(&Lex { tag, text: wire.into() }).map(Some) } else { Ok(None) };
    };
    if chain.out(known).is_some_and(|lex| nfc(&lex.text) == nfc(wire)) {
        return Ok(None);
    }
    let expected = Both::new("giá trị hợp với trường liên quan", "what the related field gives");
    Err(Box::new(Miss { kind: FaultKind::Disagrees, expected }))
}

impl Eval<'_, '_, '_> {
    /// Puts a value; one that is there already must be equal.
    pub(super) fn put(&mut self, to: &To, value: Value, path: &str, at: usize) {
        let equal = match to {
            To::Own(own) => put_at(&mut self.body, own, value),
            To::Outer(out, own) => {
                let pointer = self.run.pointer(path);
                self.outer.push(Outward { out: *out, path: own.clone(), value, doubt: None, at, pointer });
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
        let (own, further): (Vec<Outward>, Vec<Outward>) = inward.into_iter().partition(|said| said.out <= 1);
        self.outer.extend(further.into_iter().map(|said| Outward { out: said.out - 1, ..said }));
        for (said, miss) in take_in(&mut self.body, own) {
            if self.run.faults.len() < MOST_FAULTS {
                let mut place = Place::at(self.run.src, said.at, String::new());
                place.pointer = said.pointer;
                self.run.faults.push(WireFault { place, kind: miss.kind, expected: miss.expected, found: Found::Unsaid });
            }
        }
    }

    /// Lines with `~`: checked by writing what is known; else they give what they can, of several times the finest.
    pub(super) fn lossy(&mut self) {
        let mut lossy = std::mem::take(&mut self.lossy);
        lossy.sort_by_key(|line| line.chain.finest());
        for Lossy { to, chain, wire, tag, found, path, at } in lossy {
            let known = match to {
                To::Own(own) => get(&self.body, own),
                To::Outer(out, own) => {
                    let (pointer, path) = (self.run.pointer(path), own.clone());
                    let doubt = Some(Box::new(Doubt { chain: chain.clone(), wire, tag }));
                    self.outer.push(Outward { out: *out, path, value: Value::Null, doubt, at, pointer });
                    continue;
                }
                To::Context(name) => self.run.ctx.get(name).or_else(|| self.context.get(name)),
            };
            match weigh(chain, (tag, &wire), known) {
                Ok(Some(value)) => self.put(to, value, path, at),
                Ok(None) => {}
                Err(miss) => self.run.fault(path, at, miss.kind, miss.expected, found),
            }
        }
    }
}

/// Puts what rows said about an object, first what they said exactly; what contradicts it comes back.
pub(super) fn take_in(body: &mut Value, said: Vec<Outward>) -> Vec<(Outward, Box<Miss>)> {
    let (mut doubtful, exact): (Vec<Outward>, Vec<Outward>) = said.into_iter().partition(|said| said.doubt.is_some());
    let disagrees = || {
        let expected = Both::new("giá trị như trường liên quan", "the same value as the related field");
        Box::new(Miss { kind: FaultKind::Disagrees, expected })
    };
    let mut missed = Vec::new();
    for mut said in exact {
        if !put_at(body, &said.path, std::mem::take(&mut said.value)) {
            missed.push((said, disagrees()));
        }
    }
    doubtful.sort_by_key(|said| said.doubt.as_ref().and_then(|doubt| doubt.chain.finest()));
    for said in doubtful {
        let weighed = said.doubt.as_ref().map_or(Ok(None), |doubt| doubt.weigh(get(body, &said.path)));
        match weighed {
            Ok(Some(value)) => {
                if !put_at(body, &said.path, value) {
                    missed.push((said, disagrees()));
                }
            }
            Ok(None) => {}
            Err(miss) => missed.push((said, miss)),
        }
    }
    missed
}

/// What stands outside a batch's rows is shared by all its messages; a message that says something else is at fault.
pub(super) fn merge(shared: &Said, mut row: Said) -> Said {
    let mut differs = Vec::new();
    merge_values(&mut row.body, &shared.body, "", &mut differs);
    for (name, value) in &shared.context {
        let own = row.context.entry(name.clone()).or_insert_with(|| value.clone());
        if !same_scalar(own, value) {
            differs.push(format!("${name}"));
        }
    }
    if row.faults.is_empty() {
        row.faults.extend(differs.into_iter().map(|name| {
            let (vi, en) = (format!("`{name}` như ở ngoài danh sách"), format!("`{name}` as it stands outside of the rows"));
            WireFault { place: Place::default(), kind: FaultKind::Disagrees, expected: Both::new(vi, en), found: Found::Unsaid }
        }));
    }
    row
}

fn merge_values(into: &mut Value, from: &Value, at: &str, differs: &mut Vec<String>) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(name) {
                    Some(own) => merge_values(own, value, &format!("{at}.{name}"), differs),
                    None => {
                        into.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (own, shared) if own == shared => {}
        _ => differs.push(at.trim_start_matches('.').to_owned()),
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

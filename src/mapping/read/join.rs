//! Rows of a join find their elements: at a frame's end, when the line that places them has been evaluated.
//!
//! Always: each element has exactly one row in each list (a list with `?`: at most one), and what several lists say of an element is the
//! same. The order is that of the list which places; rows come in any order.

use super::agree::{get_mut, put_at};
use super::eval::Eval;
use super::{Frame, Seen};
use crate::body::{Entry, Text};
use crate::body::{Map, Value};
use crate::mapping::fault::{Both, FaultKind, Found, short};
use crate::mapping::plan::{Act, By, CPath, Join, Plan, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of one list line.
pub(super) struct Joined<'a> {
    /// Of a row.
    pub(super) plan: &'a Plan,
    /// The canonical list (flattened: the outer one).
    pub(super) to: &'a [Text],
    pub(super) rows: Vec<Value>,
    pub(super) path: &'a str,
    pub(super) at: usize,
}

/// What is wrong with the rows of a list: of which row (from 0; none: of the list), how, and the key.
struct Wrong {
    row: Option<usize>,
    kind: FaultKind,
    expected: Both,
    key: Option<String>,
}

/// Where an element stands: place in the list, place in its inner list.
type At = (usize, usize);

impl<'a> Eval<'_, '_, 'a> {
    /// Lists of a join that are not there at all, or stand in a scope that is not there, have no rows; that is told too.
    pub(super) fn unseen_joins(&mut self, plan: &'a Plan, frame: &Frame<'a>, rules: &'a [Rule]) {
        for rule in rules {
            match (&rule.what, rule.node.and_then(|id| plan.node(id))) {
                (Act::Scope { rules, .. }, _) => self.unseen_joins(plan, frame, rules),
                (Act::List { to }, Some(node)) => {
                    let Some(rows) = node.rows.as_deref().filter(|rows| rows.join.is_some()) else { continue };
                    let slot = rule.node.map(|id| frame.slot(id));
                    let untold = slot.is_some_and(|slot| !matches!(slot.seen, Seen::Passed));
                    if untold && !self.joined.iter().any(|j| std::ptr::eq(j.plan, rows)) {
                        let at = frame.slot(node.parent).at;
                        self.joined.push(Joined { plan: rows, to, rows: Vec::new(), path: &node.path, at });
                    }
                }
                _ => {}
            }
        }
    }

    /// All joins of the frame. After another fault nothing is looked for: what it left out would be missed here a second time.
    pub(super) fn joins(&mut self) {
        let mut all = std::mem::take(&mut self.joined);
        // What is placed comes before what is added to it.
        all.sort_by_key(|j| match (&j.plan.join, &j.plan.flat) {
            (Some(Join { by: By::Outer, .. }), _) => 1,
            (_, Some(_)) => 2,
            (_, None) => 0,
        });
        for joined in all {
            let Some(join) = joined.plan.join.as_ref().filter(|_| self.run.faults.is_empty()) else { return };
            if get_mut(&mut self.body, joined.to).is_none() && !joined.rows.is_empty() {
                put_at(&mut self.body, joined.to, Value::Array(Vec::new()));
            }
            let mut none = Vec::new();
            let elements = get_mut(&mut self.body, joined.to).and_then(Value::as_array_mut).unwrap_or(&mut none);
            let wrong = match (join.by, &joined.plan.flat) {
                (By::Outer, Some(inner)) => place(elements, inner, joined.rows, join),
                (_, inner) => add(elements, inner.as_ref(), joined.rows, join),
            };
            for Wrong { row, kind, expected, key } in wrong {
                let path = match row {
                    None => joined.path.to_owned(),
                    Some(n) if self.run.map.is_xml() => format!("{}[{}]", joined.path, n + 1),
                    Some(n) => format!("{}/{n}", joined.path),
                };
                let found = key.filter(|_| join.public).map_or(Found::Unsaid, |key| Found::Value(short(&key)));
                self.run.fault(&path, joined.at, kind, expected, found);
            }
        }
    }
}

/// Adds what the rows say to the elements they belong to.
fn add(elements: &mut [Value], inner: Option<&CPath>, rows: Vec<Value>, join: &Join) -> Vec<Wrong> {
    let (known, mut wrong) = known(elements, inner, join);
    let mut told = BTreeSet::new();
    for (n, (around, row)) in unfolded(rows, inner).into_iter().enumerate() {
        let key = join.key_of(&row).unwrap_or_default();
        let Some((outer, own)) = known.get(&key).copied() else {
            wrong.push(Wrong::of_row(n, FaultKind::Disagrees, unknown(), key));
            continue;
        };
        if !told.insert((outer, own)) {
            wrong.push(Wrong::of_row(
                n,
                FaultKind::Duplicate,
                Both::new("mỗi phần tử một dòng", "one row for each element"),
                key,
            ));
            continue;
        }
        let Some(element) = elements.get_mut(outer) else { continue };
        let agrees = match inner {
            None => merge(element, row),
            Some(inner) => {
                let list = get_mut(element, inner).and_then(|list| list.get_mut(own));
                list.is_some_and(|element| merge(element, row)) && merge(element, around)
            }
        };
        if !agrees {
            let expected = Both::new("giá trị như ở danh sách kia", "the same values as in the other list");
            wrong.push(Wrong::of_row(n, FaultKind::Disagrees, expected, key));
        }
    }
    if join.only.is_none() {
        let left: Vec<String> = known.into_iter().filter(|(_, at)| !told.contains(at)).map(|(key, _)| key).collect();
        wrong.extend(left.into_iter().map(|key| Wrong {
            row: None,
            kind: FaultKind::Missing,
            expected: Both::new(
                "mỗi phần tử của danh sách kia có một dòng ở đây",
                "a row here for each element of the other list",
            ),
            key: Some(key),
        }));
    }
    wrong
}

/// Puts the rows into the outer elements whose keys they tell.
fn place(elements: &mut [Value], inner: &CPath, rows: Vec<Value>, join: &Join) -> Vec<Wrong> {
    let (known, mut wrong) = known(elements, None, join);
    for (n, (around, row)) in unfolded(rows, Some(inner)).into_iter().enumerate() {
        let key = join.key_of(&around).unwrap_or_default();
        let Some(element) = known.get(&key).and_then(|(outer, _)| elements.get_mut(*outer)) else {
            wrong.push(Wrong::of_row(n, FaultKind::Disagrees, unknown(), key));
            continue;
        };
        if !merge(element, around) {
            let expected = Both::new("giá trị như ở danh sách kia", "the same values as in the other list");
            wrong.push(Wrong::of_row(n, FaultKind::Disagrees, expected, key));
            continue;
        }
        if get_mut(element, inner).is_none() {
            put_at(element, inner, Value::Array(Vec::new()));
        }
        if let Some(Value::Array(list)) = get_mut(element, inner) {
            list.push(row);
        }
    }
    wrong
}

/// The elements by their keys; two of one key cannot be told apart.
fn known(elements: &[Value], inner: Option<&CPath>, join: &Join) -> (BTreeMap<String, At>, Vec<Wrong>) {
    let (mut known, mut wrong) = (BTreeMap::new(), Vec::new());
    let mut note = |element: &Value, at: At| {
        let key = join.key_of(element).unwrap_or_default();
        match known.entry(key) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(at);
            }
            std::collections::btree_map::Entry::Occupied(slot) => wrong.push(Wrong {
                row: None,
                kind: FaultKind::Duplicate,
                expected: Both::new("các phần tử có khóa khác nhau", "elements with different keys"),
                key: Some(slot.key().clone()),
            }),
        }
    };
    for (n, element) in elements.iter().enumerate() {
        match inner {
            None => note(element, (n, 0)),
            Some(inner) => {
                let rows = inner.iter().try_fold(element, |at, word| at.get(&**word)).and_then(Value::as_array);
                rows.into_iter().flatten().enumerate().for_each(|(m, row)| note(row, (n, m)));
            }
        }
    }
    (known, wrong)
}

/// Rows as they came: of a flattened list, with what each says of its outer element.
fn unfolded(rows: Vec<Value>, inner: Option<&CPath>) -> Vec<(Value, Value)> {
    let Some(inner) = inner else { return rows.into_iter().map(|row| (Value::Null, row)).collect() };
    let mut all = Vec::new();
    for mut element in rows {
        let own = get_mut(&mut element, inner).map(Value::take);
        prune(&mut element, inner);
        if let Some(Value::Array(own)) = own {
            all.extend(own.into_iter().map(|row| (element.clone(), row)));
        }
    }
    all
}

/// Takes a place out of an object.
fn prune(object: &mut Value, path: &[Text]) {
    let Some((last, before)) = path.split_last() else { return };
    if let Some(Value::Object(map)) = get_mut(object, before) {
        map.remove(last);
    }
}

/// Adds values; false when another value is there.
pub(super) fn merge(into: &mut Value, from: Value) -> bool {
    match (into, from) {
        (_, Value::Null) => true,
        (Value::Object(into), Value::Object(from)) => merge_fields(into, from),
        (into, from) => *into == from,
    }
}

fn merge_fields(into: &mut Map, from: Map) -> bool {
    let mut agrees = true;
    for (name, value) in from {
        match into.entry(name) {
            Entry::Vacant(slot) => {
                slot.insert(value);
            }
            Entry::Occupied(slot) => agrees &= merge(slot.into_mut(), value),
        }
    }
    agrees
}

fn unknown() -> Both {
    Both::new("khóa của một phần tử ở danh sách kia", "the key of an element of the other list")
}

// === impl Wrong ===

impl Wrong {
    fn of_row(row: usize, kind: FaultKind, expected: Both, key: String) -> Self {
        Self { row: Some(row), kind, expected, key: Some(key) }
    }
}

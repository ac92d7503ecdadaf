//! Whether the elements of a list can be written into rows that find each other again: each has the list's key, and no two the same. Pure.

use crate::body::Value;
use crate::mapping::fault::Both;
use crate::mapping::plan::{By, CPath, Join};
use crate::mapping::write::get;
use std::collections::BTreeSet;

/// The first element that would not be found again: its place from the list, and why.
pub(super) fn unfit(elements: &[Value], inner: Option<&CPath>, join: &Join) -> Option<(Vec<String>, Both)> {
    let mut keys = BTreeSet::new();
    for (n, element) in elements.iter().enumerate() {
        let Some(inner) = inner.filter(|_| join.by == By::Own) else {
            if let Some(why) = wrong(element, join, &mut keys) {
                return Some((vec![n.to_string(), join.key.to_string()], why));
            }
            continue;
        };
        let rows = get(element, inner).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (m, row) in rows.iter().enumerate() {
            if let Some(why) = wrong(row, join, &mut keys) {
                let inner = inner.iter().map(ToString::to_string);
                return Some((
                    [n.to_string()].into_iter().chain(inner).chain([m.to_string(), join.key.to_string()]).collect(),
                    why,
                ));
            }
        }
    }
    None
}

fn wrong(element: &Value, join: &Join, keys: &mut BTreeSet<String>) -> Option<Both> {
    match join.key_of(element) {
        None => Some(Both::new(
            "thiếu khóa mà các danh sách trên đường truyền dùng để ghép",
            "the key by which this wire's lists meet is missing",
        )),
        Some(key) if !keys.insert(key.clone()) => Some(Both::new(
            "khóa trùng: hai phần tử sẽ không ghép lại được",
            "a key that another element has: the two could not be told apart",
        )),
        Some(_) => None,
    }
}

//! Items of a JSON array, some chosen by the value of a member (`W[k='v']`), the rest rows of a list (`W[]`) or one item (`W`).

use super::json::value;
use super::{Frame, Run, Seen, eval, flat};
use crate::body::Value;
use crate::mapping::convert::{Lex, Tag};
use crate::mapping::fault::{Both, FaultKind, Found};
use crate::mapping::json::{Json, Kind};
use crate::mapping::plan::{Key, Node, NodeId, Plan};
use crate::mapping::slip::{Lexed, Slip};
use std::borrow::Cow;

/// Reads the member whose items `first` and its neighbours are.
pub(super) fn read<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    first: &'a Node,
    at: usize,
) -> Lexed<()> {
    let all: Vec<(NodeId, &'a Node)> =
        plan.nodes.iter().enumerate().filter(|(_, n)| n.array == first.array && n.parent == first.parent).collect();
    let list = array_path(first);
    if json.kind()? != Kind::Array {
        let list = list.to_owned();
        run.fault(&list, at, FaultKind::Type, Both::new("mảng", "an array"), Found::Unsaid);
        all.iter().for_each(|(id, _)| frame.see(*id, at, Seen::Passed));
        return json.skip();
    }
    json.open().map_err(|slip| slip.under(|| run.pointer(list)))?;
    let rest = all.iter().find(|(_, n)| n.key.is_none()).copied();
    let mut rows = Vec::new();
    let mut index = 0;
    while json.item(index == 0).map_err(|slip| slip.under(|| run.pointer(list)))? {
        let kind = json.kind()?;
        let here = json.offset();
        let chosen = if kind == Kind::Object { chosen(run, json, &all) } else { None };
        match (chosen, rest) {
            (Some(id), _) => once(run, json, plan, frame, id, here)?,
            (None, Some((id, node))) => match &node.rows {
                Some(row) => rows.push(self::row(run, json, frame, row, list, index)?),
                None => once(run, json, plan, frame, id, here)?,
            },
            (None, None) => {
                let parent = plan.node(first.parent).unwrap_or(first);
                run.unknown(parent, &format!("{}/{index}", first.local), here);
                json.skip()?;
            }
        }
        index += 1;
    }
    if let Some((id, node)) = rest
        && let Some(row) = &node.rows
    {
        let seen = match &row.flat {
            None => rows.into_iter().map(|(body, _)| body).collect(),
            Some(inner) => {
                let mut elements = Vec::new();
                for (body, outer) in rows {
                    let outer = flat::take(run, &mut elements, inner, body, outer);
                    frame.hear(outer, &std::collections::BTreeMap::new(), at);
                }
                elements
            }
        };
        frame.see(id, at, Seen::Rows(seen));
    }
    Ok(())
}

/// The array's own path: that of its items without what chooses them.
fn array_path(node: &Node) -> &str {
    node.path.rfind('[').filter(|_| node.key.is_some()).map_or(&node.path, |end| node.path.get(..end).unwrap_or(&node.path))
}

fn once<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    at: usize,
) -> Lexed<()> {
    if frame.is_seen(id) {
        let path = plan.node(id).map_or("", |n| &n.path);
        let slip = Slip::found(at, FaultKind::Duplicate, "mỗi phần tử một lần", "each item once", Found::Unsaid);
        return Err(slip.under(|| run.pointer(path)));
    }
    value(run, json, plan, frame, id)
}

/// One row; of a flattened list, with what it says of frames further out.
fn row<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    frame: &mut Frame<'a>,
    plan: &'a Plan,
    list: &'a str,
    index: usize,
) -> Lexed<(Value, Vec<super::Outward>)> {
    let at = json.offset();
    run.rows.push((list, index));
    let mut inner = Frame::new(plan);
    value(run, json, plan, &mut inner, 0)?;
    let (said, outer) = eval::row(run, plan, inner);
    run.rows.pop();
    if plan.flat.is_some() {
        frame.hear(Vec::new(), &said.context, at);
        return Ok((said.body, outer));
    }
    frame.hear(outer, &said.context, at);
    Ok((said.body, Vec::new()))
}

/// The line that the item is chosen by: its members are looked at ahead of reading.
fn chosen<'a>(run: &Run<'_, 'a>, json: &Json<'a>, all: &[(NodeId, &'a Node)]) -> Option<NodeId> {
    let keys = || all.iter().filter_map(|(id, n)| n.key.as_ref().map(|key| (*id, key)));
    let mut ahead = Json::resume(run.src, json.offset(), json.depth());
    // What is wrong there is told when it is read.
    ahead.open().ok()?;
    let mut first = true;
    while let Ok(Some((name, _))) = ahead.key(first) {
        first = false;
        let named = |key: &Key| *key.local == *name;
        if !keys().any(|(_, key)| named(key)) {
            ahead.skip().ok()?;
            continue;
        }
        let lex = scalar(run, &mut ahead)?;
        let found = keys().find(|(_, key)| named(key) && lex.as_ref().is_some_and(|lex| run.map.typing.same(lex, &key.lit)));
        if let Some((id, _)) = found {
            return Some(id);
        }
    }
    None
}

/// A scalar, or nothing where something else stands.
fn scalar<'a>(run: &Run<'_, 'a>, ahead: &mut Json<'a>) -> Option<Option<Lex<'a>>> {
    let kind = ahead.kind().ok()?;
    let at = ahead.offset();
    Some(match kind {
        Kind::Text => Some(Lex { tag: Tag::Text, text: ahead.text().ok()? }),
        Kind::Number => Some(Lex { tag: Tag::Number, text: Cow::Borrowed(ahead.number().ok()?) }),
        Kind::True | Kind::False => {
            ahead.word().ok()?;
            Some(Lex { tag: Tag::Bool, text: Cow::Borrowed(run.src.get(at..ahead.offset()).unwrap_or("")) })
        }
        Kind::Null | Kind::Object | Kind::Array => {
            ahead.skip().ok()?;
            None
        }
    })
}

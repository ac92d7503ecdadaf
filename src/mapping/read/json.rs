//! JSON events into slots.

use super::{Frame, Held, Run, Seen, eval, flat, items, lex, select};
use crate::mapping::convert::Tag;
use crate::mapping::fault::{Both, FaultKind, Found};
use crate::mapping::json::{Json, Keys, Kind};
use crate::mapping::plan::{Node, NodeId, Plan};
use crate::mapping::slip::{Lexed, MAX_HELD, Slip};
use crate::mapping::xml::Around;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Reads the whole document into the root frame.
pub(super) fn document<'a>(run: &mut Run<'_, 'a>) -> Lexed<Frame<'a>> {
    let mut json = Json::new(run.src);
    let plan = &run.map.root;
    let mut frame = Frame::new(plan);
    value(run, &mut json, plan, &mut frame, 0)?;
    json.end()?;
    Ok(frame)
}

/// Reads a held form.
pub(super) fn held<'a>(run: &mut Run<'_, 'a>, plan: &'a Plan, held: &Held<'a>) -> Lexed<Frame<'a>> {
    let mut json = Json::resume(run.src, held.span.start, held.depth);
    let mut frame = Frame::new(plan);
    value(run, &mut json, plan, &mut frame, 0)?;
    Ok(frame)
}

pub(super) fn value<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
) -> Lexed<()> {
    let kind = json.kind()?;
    let at = json.offset();
    let Some(node) = plan.node(id) else { return json.skip() };
    if node.any {
        json.skip()?;
        if node.root_level && run.map.sealed {
            let text = raw_scalar(run, json, kind, at)?;
            text.into_iter().for_each(|text| run.raw_field(node, &node.local, &text));
        }
        frame.see(id, at, Seen::Passed);
        return Ok(());
    }
    match kind {
        Kind::Null => {
            json.word()?;
            frame.see(id, at, Seen::Null);
        }
        Kind::Text if node.content => {
            let gaps = run.gaps;
            let content = run.content(node, at, |take| json.text_pieces(&mut |at, piece| gaps.fill(at, piece, take)));
            frame.see(id, at, content.map_err(|slip| slip.under(|| run.pointer(&node.path)))?);
        }
        Kind::Text => {
            let text = json.text().map_err(|slip| slip.under(|| run.pointer(&node.path)))?;
            scalar(run, frame, node, id, at, Tag::Text, text);
        }
        Kind::Number => {
            let text = json.number()?;
            scalar(run, frame, node, id, at, Tag::Number, Cow::Borrowed(text));
        }
        Kind::True | Kind::False => {
            json.word()?;
            let text = if kind == Kind::True { "true" } else { "false" };
            scalar(run, frame, node, id, at, Tag::Bool, Cow::Borrowed(text));
        }
        Kind::Object => {
            if let Some(index) = node.fork {
                return fork(run, json, plan, frame, id, index, at);
            }
            if !node.object {
                return wrong(run, json, frame, node, id, at, Found::Object);
            }
            frame.see(id, at, Seen::Object);
            object(run, json, plan, frame, id)?;
        }
        Kind::Array => return array(run, json, frame, node, id, at),
    }
    Ok(())
}

fn scalar<'a>(run: &mut Run<'_, 'a>, frame: &mut Frame<'a>, node: &'a Node, id: NodeId, at: usize, tag: Tag, text: Cow<'a, str>) {
    if node.root_level {
        run.raw_field(node, &node.local, &text);
    }
    let lex = lex(tag, text);
    // An empty text may stand for an absent object or list; any other scalar may not.
    if node.scalar || lex.text.is_empty() {
        frame.see(id, at, Seen::Scalar(lex));
    } else {
        let expected =
            if node.rows.is_some() { Both::new("mảng", "an array") } else { Both::new("đối tượng", "an object") };
        run.fault(&node.path, at, FaultKind::Type, expected, lex.found(false));
        frame.see(id, at, Seen::Passed);
    }
}

fn wrong<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    frame: &mut Frame<'a>,
    node: &'a Node,
    id: NodeId,
    at: usize,
    found: Found,
) -> Lexed<()> {
    let expected = match (node.rows.is_some(), node.object) {
        (true, _) => Both::new("mảng", "an array"),
        (false, true) => Both::new("đối tượng", "an object"),
        (false, false) => Both::new("một giá trị đơn", "a scalar"),
    };
    run.fault(&node.path, at, FaultKind::Type, expected, found);
    frame.see(id, at, Seen::Passed);
    json.skip()
}

fn object<'a>(run: &mut Run<'_, 'a>, json: &mut Json<'a>, plan: &'a Plan, frame: &mut Frame<'a>, id: NodeId) -> Lexed<()> {
    let Some(node) = plan.node(id) else { return json.skip() };
    json.open().map_err(|slip| slip.under(|| run.pointer(&node.path)))?;
    let mut unknown = Keys::default();
    let mut first = true;
    // Members mostly come in the file's order: look from the last one on.
    let mut hint = 0;
    while let Some((key, at)) = json.key(first).map_err(|slip| slip.under(|| run.pointer(&node.path)))? {
        first = false;
        match find(plan, node, &key, hint) {
            Some((place, child)) => {
                hint = place + 1;
                if frame.is_seen(child) {
                    let path = plan.node(child).map_or("", |n| &n.path);
                    let slip = Slip::found(at, FaultKind::Duplicate, "mỗi tên một lần", "each name once", Found::Unsaid);
                    return Err(slip.under(|| run.pointer(path)));
                }
                match plan.node(child).filter(|n| n.array > 0) {
                    Some(own) => {
                        // Not each of its items need come: that the name came is noted by itself.
                        unknown.add(key.clone(), at).map_err(|slip| slip.under(|| run.pointer(&node.path)))?;
                        items::read(run, json, plan, frame, own, at)?;
                    }
                    None => value(run, json, plan, frame, child)?,
                }
            }
            None => {
                unknown.add(key.clone(), at).map_err(|slip| slip.under(|| run.pointer(&node.path)))?;
                run.unknown(node, &key, at);
                unknown_value(run, json, node, &key)?;
            }
        }
    }
    Ok(())
}

/// Passes over an unknown member; a root-level scalar still counts for seals.
fn unknown_value<'a>(run: &mut Run<'_, 'a>, json: &mut Json<'a>, parent: &Node, key: &str) -> Lexed<()> {
    let kind = json.kind()?;
    let at = json.offset();
    json.skip().map_err(|slip| slip.under(|| run.pointer(&parent.path)))?;
    let is_root = parent.path.is_empty() && run.rows.is_empty() && run.map.sealed;
    if is_root {
        let text = raw_scalar(run, json, kind, at)?;
        text.into_iter().for_each(|text| run.raw.fields.push((key.to_owned(), text.into_owned())));
    }
    Ok(())
}

/// The raw text of a scalar that began at `at` and was just passed over.
fn raw_scalar<'a>(run: &Run<'_, 'a>, json: &Json<'a>, kind: Kind, at: usize) -> Lexed<Option<Cow<'a, str>>> {
    Ok(match kind {
        Kind::Text => Some(Json::resume(run.src, at, 0).text()?),
        Kind::Number | Kind::True | Kind::False => Some(Cow::Borrowed(run.src.get(at..json.offset()).unwrap_or(""))),
        Kind::Null | Kind::Object | Kind::Array => None,
    })
}

fn find(plan: &Plan, node: &Node, key: &str, hint: usize) -> Option<(usize, NodeId)> {
    let fits = |place: usize| {
        let id = *node.children.get(place)?;
        (*plan.node(id)?.local == *key).then_some((place, id))
    };
    fits(hint).or_else(|| (0..node.children.len()).find_map(fits))
}

fn array<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    frame: &mut Frame<'a>,
    node: &'a Node,
    id: NodeId,
    at: usize,
) -> Lexed<()> {
    let Some(row_plan) = &node.rows else {
        if node.empty_list {
            json.open()?;
            if !json.item(true)? {
                frame.see(id, at, Seen::EmptyList);
                return Ok(());
            }
            run.fault(&node.path, at, FaultKind::Constant, Both::same("[]"), Found::Array);
            frame.see(id, at, Seen::Passed);
            return finish_array(json);
        }
        return wrong(run, json, frame, node, id, at, Found::Array);
    };
    json.open().map_err(|slip| slip.under(|| run.pointer(&node.path)))?;
    let (mut values, mut messages) = (Vec::new(), Vec::new());
    let mut index = 0;
    while json.item(index == 0).map_err(|slip| slip.under(|| run.pointer(&node.path)))? {
        let (start, depth) = (json.offset(), json.depth());
        run.rows.push((&node.path, index));
        let before = (run.faults.len(), run.rows.len());
        let mut row = Frame::over(row_plan, run.spare.pop().unwrap_or_default());
        let read = value(run, json, row_plan, &mut row, 0);
        if node.batch {
            let (said, outer) = match read {
                Ok(()) => run.message(row_plan, row, before),
                Err(slip) => {
                    let said = run.lost(slip, before);
                    *json = Json::resume(run.src, start, depth);
                    json.pass().map_err(|slip| slip.under(|| run.pointer("")))?;
                    (said, Vec::new())
                }
            };
            run.bearable(start)?;
            frame.hear(outer, &BTreeMap::new(), at);
            messages.push(said);
        } else {
            read?;
            let (mut said, mut outer) = eval::row(run, row_plan, row);
            match &row_plan.flat {
                Some(inner) => outer = flat::take(run, &mut values, inner, std::mem::take(&mut said.body), outer),
                None => values.push(std::mem::take(&mut said.body)),
            }
            frame.hear(outer, &said.context, at);
        }
        run.rows.pop();
        index += 1;
    }
    frame.see(id, at, if node.batch { Seen::Messages(messages) } else { Seen::Rows(values) });
    Ok(())
}

fn finish_array(json: &mut Json<'_>) -> Lexed<()> {
    loop {
        json.skip()?;
        if !json.item(false)? {
            return Ok(());
        }
    }
}

fn fork<'a>(
    run: &mut Run<'_, 'a>,
    json: &mut Json<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    index: usize,
    at: usize,
) -> Lexed<()> {
    let Some(fork) = plan.forks.get(index) else { return json.skip() };
    if let Some((key, variant)) = select::early(run, frame, fork) {
        let mut inner = Frame::new(&variant.plan);
        value(run, json, &variant.plan, &mut inner, 0)?;
        frame.see(id, at, Seen::Form(key, Box::new(inner)));
        return Ok(());
    }
    let depth = json.depth();
    json.skip()?;
    let span = at..json.offset();
    if span.len() + run.gaps.missing(span.clone()) > MAX_HELD {
        return Err(select::too_long(at, fork).under(|| run.pointer(plan.node(id).map_or("", |n| &n.path))));
    }
    frame.see(id, at, Seen::Held(Box::new(Held { span, depth, around: Around::default() })));
    Ok(())
}

//! XML events into slots. Names are compared by namespace and local name, never by prefix.

use super::{Frame, Held, Outward, Run, Said, Seen, eval, flat, lex, select};
use crate::body;
use crate::mapping::convert::{Lex, Tag};
use crate::mapping::cut::Gaps;
use crate::mapping::fault::{Both, FaultKind, Found, short};
use crate::mapping::plan::{Key, Node, NodeId, Plan};
use crate::mapping::slip::{Lexed, MAX_HELD, Slip};
use crate::mapping::soap;
use crate::mapping::xml::{Event, Name, Ns, Xml};
use crate::mapping::xml_chars::is_blank;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Reads the whole document into the root frame.
pub(super) fn document<'a>(run: &mut Run<'_, 'a>) -> Lexed<Frame<'a>> {
    let plan = &run.map.root;
    let mut frame = Frame::new(plan);
    let mut xml = Xml::knowing(run.src, &run.map.namespaces);
    soap::enter(&mut xml, run.map.envelope)?;
    let name = soap::start(&mut xml)?;
    let at = xml.last();
    if let Some(root) = plan.node(0) {
        check_root(&xml, &name, root, at)?;
    }
    element(run, &mut xml, plan, &mut frame, 0, at)?;
    soap::leave(&mut xml, run.map.envelope)?;
    Ok(frame)
}

/// Reads a held form.
pub(super) fn held<'a>(run: &mut Run<'_, 'a>, plan: &'a Plan, held: &Held<'a>) -> Lexed<Frame<'a>> {
    let mut xml = Xml::fragment(run.src, held.span.clone(), held.around.clone());
    let mut frame = Frame::new(plan);
    soap::start(&mut xml)?;
    element(run, &mut xml, plan, &mut frame, 0, held.span.start)?;
    Ok(frame)
}

fn check_root(xml: &Xml<'_>, name: &Name<'_>, root: &Node, at: usize) -> Lexed<()> {
    if is_named(root, name) {
        return Ok(());
    }
    let kind = if *name.local == *root.local { FaultKind::Namespace } else { FaultKind::Unknown };
    let want = format!("{{{}}}{}", root.ns, root.local);
    Err(Slip::found(at, kind, want.clone(), want, Found::Name(short(&xml.clark(name)))))
}

fn is_named(node: &Node, name: &Name<'_>) -> bool {
    node.ns_id == name.ns && body::is_same(&node.local, name.local)
}

/// Reads the element whose start tag was just read, up to its end tag.
fn element<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    at: usize,
) -> Lexed<()> {
    let Some(node) = plan.node(id) else { return xml.skip() };
    if node.any {
        frame.see(id, at, Seen::Passed);
        return xml.skip();
    }
    if let Some(index) = node.fork {
        return fork(run, xml, plan, frame, id, index, at);
    }
    let attributes = attributes(run, xml, plan, frame, node);
    if node.content {
        xml.long_text = true;
        let (src, gaps) = (run.src, run.gaps);
        let content = run.content(node, at, |take| text_of(xml, src, gaps, take));
        xml.long_text = false;
        frame.see(id, at, content.map_err(|slip| slip.under(|| run.pointer(&node.path)))?);
        return Ok(());
    }
    if node.scalar
        && matches!(attributes, Attributes::None)
        && let Some(text) = xml.plain_text()
    {
        if node.root_level {
            run.raw_field(node, &node.local, text);
        }
        frame.see(id, at, Seen::Scalar(lex(Tag::Text, Cow::Borrowed(text))));
        return Ok(());
    }
    let (text, children) = inside(run, xml, plan, frame, id, node)?;
    let is_blank_text = text.as_deref().is_none_or(|t| t.chars().all(is_blank));
    if !node.scalar && !is_blank_text {
        let found = Lex::text(text.clone().unwrap_or_default()).found(false);
        run.fault(&node.path, at, FaultKind::Type, Both::new("không có văn bản ở đây", "no text here"), found);
    }
    let seen = match (node.scalar, attributes) {
        (_, Attributes::Nil) => {
            if children || !is_blank_text {
                run.fault(
                    &node.path,
                    at,
                    FaultKind::Type,
                    Both::new("phần tử rỗng (xsi:nil)", "an empty element (xsi:nil)"),
                    Found::Unsaid,
                );
            }
            Seen::Null
        }
        (true, Attributes::Some) if text.as_deref().is_none_or(str::is_empty) => Seen::Textless,
        (true, _) if !children => Seen::Scalar(lex(Tag::Text, text.unwrap_or_default())),
        (true, _) if !is_blank_text => Seen::Scalar(lex(Tag::Text, text.unwrap_or_default())),
        (_, Attributes::None) if !children && is_blank_text => Seen::Blank,
        _ => Seen::Object,
    };
    if let (true, Seen::Scalar(lex)) = (node.root_level, &seen) {
        run.raw_field(node, &node.local, &lex.text);
    }
    frame.see(id, at, seen);
    Ok(())
}

/// What the attributes of an element say.
enum Attributes {
    None,
    Some,
    Nil,
}

fn attributes<'a>(run: &mut Run<'_, 'a>, xml: &mut Xml<'a>, plan: &'a Plan, frame: &mut Frame<'a>, node: &'a Node) -> Attributes {
    if xml.attributes().is_empty() {
        return Attributes::None;
    }
    let mut said = Attributes::None;
    let mut buffer = xml.take_attributes();
    for attribute in buffer.drain(..) {
        let mut known = node.attributes.iter().filter_map(|id| plan.node(*id).map(|n| (*id, n)));
        if let Some((id, own)) = known.find(|(_, n)| is_named(n, &attribute.name)) {
            if run.map.sealed && node.path.matches('/').count() == 1 && run.rows.is_empty() {
                run.raw_field(own, &format!("@{}", own.local), &attribute.value);
            }
            let seen = if own.any { Seen::Passed } else { Seen::Scalar(lex(Tag::Text, attribute.value)) };
            frame.see(id, attribute.at, seen);
            if !matches!(said, Attributes::Nil) {
                said = Attributes::Some;
            }
            continue;
        }
        match (attribute.name.ns, attribute.name.local) {
            (Ns::XSI, "nil") if matches!(&*attribute.value, "true" | "1") => {
                said = Attributes::Nil;
            }
            (Ns::XSI, "nil" | "schemaLocation" | "noNamespaceSchemaLocation") => {}
            (_, local) => run.unknown(node, &format!("@{local}"), attribute.at),
        }
    }
    xml.reuse(buffer);
    said
}

/// The pieces of text of an element without children.
fn text_of<'a>(xml: &mut Xml<'a>, src: &'a str, gaps: Gaps<'a>, take: &mut dyn FnMut(&str) -> Lexed<()>) -> Lexed<()> {
    loop {
        match xml.next()? {
            Event::Text(text) => match gaps.raw(src, xml.last()..xml.offset()) {
                None => take(&text)?,
                Some((at, raw)) => gaps.fill(at, raw, take)?,
            },
            Event::End | Event::Eof => return Ok(()),
            Event::Start(_) => {
                return Err(Slip::found(xml.last(), FaultKind::Type, "chỉ văn bản base64", "base64 text only", Found::Object));
            }
        }
    }
}

/// Reads children and text up to the end tag.
fn inside<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    node: &'a Node,
) -> Lexed<(Option<Cow<'a, str>>, bool)> {
    let mut text: Option<Cow<'a, str>> = None;
    let mut children = false;
    let mut hint = 0;
    loop {
        if let Some((place, child)) = expected(xml, plan, node, hint) {
            children = true;
            hint = place;
            let at = xml.last();
            child_element(run, xml, plan, frame, child, at)?;
            continue;
        }
        match xml.next().map_err(|slip| slip.under(|| run.pointer(&node.path)))? {
            Event::End | Event::Eof => return Ok((text, children)),
            Event::Text(piece) => match &mut text {
                Some(text) => text.to_mut().push_str(&piece),
                None => text = Some(piece),
            },
            Event::Start(name) => {
                children = true;
                let at = xml.last();
                match find(run, plan, node, &name, xml, hint) {
                    Some((place, child)) => {
                        // Rows come again; anything else does not.
                        hint = if plan.node(child).is_some_and(|n| n.rows.is_some()) { place } else { place + 1 };
                        child_element(run, xml, plan, frame, child, at)?;
                    }
                    None => {
                        unknown(run, xml, plan, node, &name, at);
                        xml.skip().map_err(|slip| {
                            slip.under(|| run.pointer(&plan.node(id).map_or(String::new(), |n| n.path.to_string())))
                        })?;
                    }
                }
            }
        }
    }
}

fn unknown(run: &mut Run<'_, '_>, xml: &Xml<'_>, plan: &Plan, node: &Node, name: &Name<'_>, at: usize) {
    let alike = node.children.iter().filter_map(|id| plan.node(*id)).find(|n| *n.local == *name.local && n.ns_id != name.ns);
    match alike {
        Some(alike) if !run.map.report_unknown => {
            let want = format!("{{{}}}{}", alike.ns, alike.local);
            let found = Found::Name(short(&xml.clark(name)));
            run.fault(&format!("{}/{}", node.path, name.local), at, FaultKind::Namespace, Both::same(want), found);
        }
        _ => run.unknown(node, name.local, at),
    }
}

/// The child that comes next, if it is the one that the file has next, and plain; its start tag is read then. And where to look from on.
fn expected(xml: &mut Xml<'_>, plan: &Plan, node: &Node, hint: usize) -> Option<(usize, NodeId)> {
    for place in hint..hint + 2 {
        let id = *node.children.get(place)?;
        let child = plan.node(id)?;
        if !child.alike && xml.expected(child.ns_id, &child.local, !node.scalar) {
            // Rows come again; anything else does not.
            return Some((if child.rows.is_some() { place } else { place + 1 }, id));
        }
    }
    None
}

/// The place of an element among its parent's children. Elements mostly come in the file's order: looked for from the last one on.
fn find(run: &Run<'_, '_>, plan: &Plan, node: &Node, name: &Name<'_>, xml: &Xml<'_>, hint: usize) -> Option<(usize, NodeId)> {
    let named = |place: usize| {
        let id = *node.children.get(place)?;
        plan.node(id).filter(|child| is_named(child, name)).map(|child| (place, id, child))
    };
    let count = node.children.len();
    let (place, id, first) = (hint..count).find_map(named).or_else(|| (0..hint.min(count)).find_map(named))?;
    if !first.alike {
        return Some((place, id));
    }
    let alike = || (hint..count).chain(0..hint.min(count)).filter_map(named);
    let by_child: Vec<&Key> = alike().filter_map(|(_, _, n)| n.key.as_ref()).filter(|key| !key.attribute).collect();
    let ahead = if by_child.is_empty() { Vec::new() } else { told_ahead(run, xml, &by_child) };
    let chosen = |key: &Key| {
        let is = |text: &str| run.map.typing.same(&Lex::text(text), &key.lit);
        if key.attribute {
            xml.attributes().iter().any(|a| a.name.ns == key.ns_id && *a.name.local == *key.local && is(&a.value))
        } else {
            ahead.iter().any(|(ns, local, text)| *ns == key.ns_id && **local == *key.local && is(text))
        }
    };
    // An element chosen by its key goes before the rest of that name.
    let found = alike().find(|(_, _, n)| n.key.as_ref().is_some_and(&chosen));
    found.or_else(|| alike().find(|(_, _, n)| n.key.is_none())).map(|(place, id, _)| (place, id))
}

/// The texts of the children that choose, looked for ahead of reading: as far as the last of them, which senders write early.
fn told_ahead<'a>(run: &Run<'_, 'a>, xml: &Xml<'a>, wanted: &[&Key]) -> Vec<(Ns, &'a str, String)> {
    let mut ahead = Xml::fragment(run.src, xml.last()..run.src.len(), xml.around());
    // What is too long or wrong is told when it is read.
    ahead.long_text = true;
    let mut told: Vec<(Ns, &'a str, String)> = Vec::new();
    let (mut depth, mut open) = (0, None);
    while let Ok(event) = ahead.next() {
        match event {
            Event::Start(name) => {
                depth += 1;
                let is_wanted = wanted.iter().any(|key| key.ns_id == name.ns && *key.local == *name.local);
                open = (depth == 2 && is_wanted && !told.iter().any(|(ns, local, _)| *ns == name.ns && *local == name.local))
                    .then(|| (name.ns, name.local, String::new()));
            }
            Event::Text(text) => {
                if let Some((.., own)) = &mut open {
                    own.push_str(&text);
                }
            }
            Event::End => {
                depth -= 1;
                told.extend(open.take());
                let all = wanted.iter().all(|key| told.iter().any(|(ns, local, _)| key.ns_id == *ns && *key.local == **local));
                if depth == 0 || all {
                    break;
                }
            }
            Event::Eof => break,
        }
    }
    told
}

fn child_element<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    at: usize,
) -> Lexed<()> {
    let Some(node) = plan.node(id) else { return xml.skip() };
    let Some(row_plan) = &node.rows else {
        if frame.is_seen(id) {
            let slip = Slip::new(at, FaultKind::Duplicate, "mỗi phần tử một lần", "each element once");
            return Err(slip.under(|| run.pointer(&node.path)));
        }
        return element(run, xml, plan, frame, id, at);
    };
    let index = frame.slot(id).rows;
    if let Some(slot) = frame.slots.get_mut(id) {
        slot.rows += 1;
    }
    run.rows.push((&node.path, index));
    let mut row = Frame::over(row_plan, run.spare.pop().unwrap_or_default());
    if node.batch {
        let (said, outer) = message(run, xml, row_plan, row, at)?;
        run.bearable(at)?;
        run.rows.pop();
        frame.hear(outer, &BTreeMap::new(), at);
        if let Some(slot) = frame.slots.get_mut(id) {
            match &mut slot.seen {
                Seen::Messages(messages) => messages.push(said),
                _ => (slot.at, slot.seen) = (at, Seen::Messages(vec![said])),
            }
        }
        return Ok(());
    }
    element(run, xml, row_plan, &mut row, 0, at)?;
    let (mut said, mut outer) = eval::row(run, row_plan, row);
    if let (Some(inner), Some(slot)) = (&row_plan.flat, frame.slots.get_mut(id)) {
        if !matches!(slot.seen, Seen::Rows(_)) {
            slot.at = at;
            slot.seen = Seen::Rows(Vec::new());
        }
        if let Seen::Rows(elements) = &mut slot.seen {
            outer = flat::take(run, elements, inner, std::mem::take(&mut said.body), outer);
        }
        run.rows.pop();
        frame.hear(outer, &said.context, at);
        return Ok(());
    }
    run.rows.pop();
    frame.hear(outer, &said.context, at);
    let Some(slot) = frame.slots.get_mut(id) else { return Ok(()) };
    match &mut slot.seen {
        Seen::Rows(rows) => rows.push(said.body),
        _ => (slot.at, slot.seen) = (at, Seen::Rows(vec![said.body])),
    }
    Ok(())
}

/// A message of a batch, whose start tag was just read; what is wrong in it is its own as long as its end is found.
fn message<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &'a Plan,
    mut row: Frame<'a>,
    at: usize,
) -> Lexed<(Said, Vec<Outward>)> {
    let before = (run.faults.len(), run.rows.len());
    let start = xml.clone();
    let Err(slip) = element(run, xml, plan, &mut row, 0, at) else { return Ok(run.message(plan, row, before)) };
    let said = run.lost(slip, before);
    *xml = start;
    xml.long_text = true;
    xml.skip().map_err(|slip| slip.under(|| run.pointer("")))?;
    xml.long_text = false;
    Ok((said, Vec::new()))
}

fn fork<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &'a Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    index: usize,
    at: usize,
) -> Lexed<()> {
    let Some(fork) = plan.forks.get(index) else { return xml.skip() };
    if let Some((key, variant)) = select::early(run, frame, fork) {
        let mut inner = Frame::new(&variant.plan);
        element(run, xml, &variant.plan, &mut inner, 0, at)?;
        frame.see(id, at, Seen::Form(key, Box::new(inner)));
        return Ok(());
    }
    let around = xml.around();
    xml.skip().map_err(|slip| slip.under(|| run.pointer(plan.node(id).map_or("", |n| &n.path))))?;
    let span = at..xml.offset();
    if span.len() + run.gaps.missing(span.clone()) > MAX_HELD {
        return Err(select::too_long(at, fork).under(|| run.pointer(plan.node(id).map_or("", |n| &n.path))));
    }
    frame.see(id, at, Seen::Held(Box::new(Held { span, depth: 0, around })));
    Ok(())
}

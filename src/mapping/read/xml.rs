//! XML events into slots. Names are compared by namespace and local name, never by prefix.

use super::{Frame, Held, Run, Seen, eval, lex, select};
use crate::mapping::convert::{Lex, Tag};
use crate::mapping::fault::{Both, FaultKind, Found, short};
use crate::mapping::plan::{Node, NodeId, Plan};
use crate::mapping::slip::{Lexed, MAX_HELD, Slip};
use crate::mapping::soap;
use crate::mapping::xml::{Event, Name, Xml};
use crate::mapping::xml_chars::is_blank;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The namespace of `xsi:nil`.
pub(crate) const XSI_NS: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Reads the whole document into the root frame.
pub(super) fn document<'a>(run: &mut Run<'_, 'a>) -> Lexed<Frame<'a>> {
    let plan = &run.map.root;
    let mut frame = Frame::new(plan);
    let mut xml = Xml::new(run.src);
    soap::enter(&mut xml, run.map.envelope)?;
    let name = soap::start(&mut xml)?;
    let at = xml.last();
    if let Some(root) = plan.node(0) {
        check_root(&name, root, at)?;
    }
    element(run, &mut xml, plan, &mut frame, 0, at)?;
    soap::leave(&mut xml, run.map.envelope)?;
    Ok(frame)
}

/// Reads a held form.
pub(super) fn held<'a>(run: &mut Run<'_, 'a>, plan: &Plan, held: &Held<'a>) -> Lexed<Frame<'a>> {
    let mut xml = Xml::fragment(run.src, held.span.clone(), held.bindings.clone(), held.depth);
    let mut frame = Frame::new(plan);
    soap::start(&mut xml)?;
    element(run, &mut xml, plan, &mut frame, 0, held.span.start)?;
    Ok(frame)
}

fn check_root(name: &Name<'_>, root: &Node, at: usize) -> Lexed<()> {
    if *name.local == *root.local && *name.ns == *root.ns {
        return Ok(());
    }
    let kind = if *name.local == *root.local { FaultKind::Namespace } else { FaultKind::Unknown };
    let want = format!("{{{}}}{}", root.ns, root.local);
    Err(Slip::found(at, kind, want.clone(), want, Found::Name(short(&format!("{{{}}}{}", name.ns, name.local)))))
}

/// Reads the element whose start tag was just read, up to its end tag.
fn element<'a>(run: &mut Run<'_, 'a>, xml: &mut Xml<'a>, plan: &Plan, frame: &mut Frame<'a>, id: NodeId, at: usize) -> Lexed<()> {
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
        let content = run.content(node, at, |take| text_of(xml, take));
        xml.long_text = false;
        let content = content.map_err(|slip| slip.under(|| run.pointer(&node.path)))?;
        frame.see(id, at, content.map_or_else(|| Seen::Scalar(lex(Tag::Text, Cow::Borrowed(""))), Seen::Content));
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

fn attributes<'a>(run: &mut Run<'_, 'a>, xml: &mut Xml<'a>, plan: &Plan, frame: &mut Frame<'a>, node: &Node) -> Attributes {
    if xml.attributes().is_empty() {
        return Attributes::None;
    }
    let mut said = Attributes::None;
    let mut buffer = xml.take_attributes();
    for attribute in buffer.drain(..) {
        let fits = |id: &NodeId| plan.node(*id).is_some_and(|n| *n.local == *attribute.name.local && *n.ns == *attribute.name.ns);
        if let Some((id, own)) = node.attributes.iter().copied().find(|id| fits(id)).and_then(|id| plan.node(id).map(|n| (id, n)))
        {
            if node.path.matches('/').count() == 1 && run.rows.is_empty() {
                run.raw_field(own, &format!("@{}", own.local), &attribute.value);
            }
            let seen = if own.any { Seen::Passed } else { Seen::Scalar(lex(Tag::Text, attribute.value)) };
            frame.see(id, attribute.at, seen);
            if !matches!(said, Attributes::Nil) {
                said = Attributes::Some;
            }
            continue;
        }
        match (&*attribute.name.ns, attribute.name.local) {
            (XSI_NS, "nil") if matches!(&*attribute.value, "true" | "1") => {
                said = Attributes::Nil;
            }
            (XSI_NS, "nil" | "schemaLocation" | "noNamespaceSchemaLocation") => {}
            (_, local) => run.unknown(node, &format!("@{local}"), attribute.at),
        }
    }
    xml.reuse(buffer);
    said
}

/// The pieces of text of an element without children.
fn text_of<'a>(xml: &mut Xml<'a>, take: &mut dyn FnMut(&str) -> Lexed<()>) -> Lexed<()> {
    loop {
        match xml.next()? {
            Event::Text(text) => take(&text)?,
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
    plan: &Plan,
    frame: &mut Frame<'a>,
    id: NodeId,
    node: &Node,
) -> Lexed<(Option<Cow<'a, str>>, bool)> {
    let mut text: Option<Cow<'a, str>> = None;
    let mut children = false;
    let mut hint = 0;
    loop {
        match xml.next().map_err(|slip| slip.under(|| run.pointer(&node.path)))? {
            Event::End | Event::Eof => return Ok((text, children)),
            Event::Text(piece) => match &mut text {
                Some(text) => text.to_mut().push_str(&piece),
                None => text = Some(piece),
            },
            Event::Start(name) => {
                children = true;
                let at = xml.last();
                match find(plan, node, &name, xml, hint) {
                    Some((place, child)) => {
                        hint = place;
                        child_element(run, xml, plan, frame, child, at)?;
                    }
                    None => {
                        unknown(run, plan, node, &name, at);
                        xml.skip().map_err(|slip| {
                            slip.under(|| run.pointer(&plan.node(id).map_or(String::new(), |n| n.path.to_string())))
                        })?;
                    }
                }
            }
        }
    }
}

fn unknown(run: &mut Run<'_, '_>, plan: &Plan, node: &Node, name: &Name<'_>, at: usize) {
    let alike = node.children.iter().filter_map(|id| plan.node(*id)).find(|n| *n.local == *name.local && *n.ns != *name.ns);
    match alike {
        Some(alike) if !run.map.report_unknown => {
            let want = format!("{{{}}}{}", alike.ns, alike.local);
            let found = Found::Name(short(&format!("{{{}}}{}", name.ns, name.local)));
            run.fault(&format!("{}/{}", node.path, name.local), at, FaultKind::Namespace, Both::same(want), found);
        }
        _ => run.unknown(node, name.local, at),
    }
}

fn find(plan: &Plan, node: &Node, name: &Name<'_>, xml: &Xml<'_>, hint: usize) -> Option<(usize, NodeId)> {
    let named = |place: usize| {
        let id = *node.children.get(place)?;
        let child = plan.node(id)?;
        (*child.local == *name.local && *child.ns == *name.ns).then_some((place, id, child))
    };
    let keyed = |child: &Node| match &child.key {
        None => true,
        Some((key, lit)) => {
            xml.attributes().iter().any(|a| a.name.ns.is_empty() && *a.name.local == **key && a.value == lit.text())
        }
    };
    let count = node.children.len();
    // An element chosen by its key goes before the rest of that name.
    let order = || (hint..count).chain(0..hint.min(count)).filter_map(named);
    let found = order()
        .find(|(_, _, child)| child.key.is_some() && keyed(child))
        .or_else(|| order().find(|(_, _, child)| child.key.is_none()));
    found.map(|(place, id, _)| (place, id))
}

fn child_element<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &Plan,
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
    let index = match &frame.slot(id).seen {
        Seen::Rows(rows) => rows.len(),
        Seen::Messages(rows) => rows.len(),
        _ => 0,
    };
    run.rows.push((node.path.to_string(), index));
    let mut row = Frame::new(row_plan);
    element(run, xml, row_plan, &mut row, 0, at)?;
    let (said, outer) = eval::row(run, row_plan, row);
    run.rows.pop();
    let is_batch = run.map.batch && run.rows.is_empty() && eval::is_batch(&run.map.root, id);
    if is_batch {
        frame.hear(outer, &BTreeMap::new(), at);
    } else {
        frame.hear(outer, &said.context, at);
    }
    let Some(slot) = frame.slots.get_mut(id) else { return Ok(()) };
    match &mut slot.seen {
        Seen::Rows(rows) => rows.push(said.body),
        Seen::Messages(rows) => rows.push(said),
        _ => {
            slot.at = at;
            slot.seen = if is_batch { Seen::Messages(vec![said]) } else { Seen::Rows(vec![said.body]) };
        }
    }
    Ok(())
}

fn fork<'a>(
    run: &mut Run<'_, 'a>,
    xml: &mut Xml<'a>,
    plan: &Plan,
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
    let depth = xml.depth().saturating_sub(1);
    let bindings = xml.bindings();
    xml.skip().map_err(|slip| slip.under(|| run.pointer(plan.node(id).map_or("", |n| &n.path))))?;
    let span = at..xml.offset();
    if span.len() > MAX_HELD {
        return Err(select::too_long(at, fork).under(|| run.pointer(plan.node(id).map_or("", |n| &n.path))));
    }
    frame.see(id, at, Seen::Held(Held { span, depth, bindings }));
    Ok(())
}

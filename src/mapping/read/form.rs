//! Form fields into slots.

use super::{Frame, Run, Seen, lex};
use crate::mapping::convert::Tag;
use crate::mapping::form::decode;
use crate::mapping::slip::Lexed;

/// Reads the whole form into the root frame.
pub(super) fn document<'a>(run: &mut Run<'_, 'a>) -> Lexed<Frame<'a>> {
    let plan = &run.map.root;
    let mut frame = Frame::new(plan);
    frame.see(0, 0, Seen::Object);
    let Some(root) = plan.node(0) else { return Ok(frame) };
    for field in decode(run.src)? {
        let found = root.children.iter().copied().find(|id| plan.node(*id).is_some_and(|n| *n.local == *field.name));
        match found.and_then(|id| plan.node(id).map(|node| (id, node))) {
            Some((id, node)) => {
                run.raw_field(node, &node.local, &field.value);
                let seen = if node.any { Seen::Passed } else { Seen::Scalar(lex(Tag::Text, field.value)) };
                frame.see(id, field.value_at, seen);
            }
            None => {
                run.unknown(root, &field.name, field.at);
                if run.map.sealed {
                    run.raw.fields.push((field.name.into_owned(), field.value.into_owned()));
                }
            }
        }
    }
    Ok(frame)
}

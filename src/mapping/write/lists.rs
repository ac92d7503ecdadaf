//! Lists on their way out: rows, flattened rows, the messages of a batch.

use super::{Cursor, Frame, Run, Wire, Written, get, join};
use crate::body::{Text, Value};
use crate::mapping::fault::WriteFaultKind;
use crate::mapping::plan::{Node, Opt, Plan, Rule, To};

impl<'w, W: Wire> Run<'w, W> {
    pub(super) fn list(&mut self, rule: &Rule, to: &[Text], node: &Node, at: Cursor<'w, '_>) -> Written<()> {
        let rows = self.body(at).and_then(|b| get(b, to)).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let Some(plan) = &node.rows else { return Ok(()) };
        if let Some((place, text)) = plan.join.as_ref().and_then(|join| join::unfit(rows, plan.flat.as_ref(), join)) {
            let place: Vec<Text> = to.iter().cloned().chain(place.into_iter().map(Text::from)).collect();
            return Err(self.fault(&To::Own(place.into()), Some(node), at, WriteFaultKind::Value, text));
        }
        let takes = |row: &Value| plan.join.as_ref().is_none_or(|join| join.takes(row));
        if let Some(inner) = &plan.flat {
            return self.flat(rule, to, rows, inner, plan, node, at);
        }
        if rule.opt != Opt::Required && !rows.iter().any(takes) {
            self.none(rule, node, false);
            return Ok(());
        }
        self.wire.list_open(node);
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| takes(row)) {
            let frame = Frame { body: row, outer: Some((at.frame, to, index)) };
            self.wire.row_open(plan, node);
            self.lines(plan, &plan.rules, Cursor { frame: &frame, open: 0 })?;
            self.wire.row_close(plan, node);
        }
        self.wire.list_close(node);
        Ok(())
    }

    /// The rows of an inner list, of one outer element after the other.
    #[expect(clippy::too_many_arguments, reason = "the parts of one rule, taken apart by its only caller")]
    fn flat(
        &mut self,
        rule: &Rule,
        to: &[Text],
        elements: &'w [Value],
        inner: &[Text],
        plan: &Plan,
        node: &Node,
        at: Cursor<'w, '_>,
    ) -> Written<()> {
        let takes = |row: &Value| plan.join.as_ref().is_none_or(|join| join.takes(row));
        let rows_of = |element: &'w Value| get(element, inner).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if rule.opt != Opt::Required && !elements.iter().any(|e| rows_of(e).iter().any(takes)) {
            self.none(rule, node, false);
            return Ok(());
        }
        self.wire.list_open(node);
        for (n, element) in elements.iter().enumerate() {
            let between = Frame { body: element, outer: Some((at.frame, to, n)) };
            for (index, row) in rows_of(element).iter().enumerate().filter(|(_, row)| takes(row)) {
                let frame = Frame { body: row, outer: Some((&between, inner, index)) };
                self.wire.row_open(plan, node);
                self.lines(plan, &plan.rules, Cursor { frame: &frame, open: 0 })?;
                self.wire.row_close(plan, node);
            }
        }
        self.wire.list_close(node);
        Ok(())
    }

    pub(super) fn batch(&mut self, node: &Node) -> Written<()> {
        let Some(plan) = &node.rows else { return Ok(()) };
        self.wire.list_open(node);
        let shared = self.ctx;
        for (n, body) in self.bodies.iter().enumerate() {
            self.ctx = self.rows.get(n).unwrap_or(shared);
            self.wire.row_open(plan, node);
            let frame = Frame { body, outer: None };
            self.lines(plan, &plan.rules, Cursor { frame: &frame, open: 0 })?;
            self.wire.row_close(plan, node);
        }
        self.ctx = shared;
        self.wire.list_close(node);
        Ok(())
    }
}

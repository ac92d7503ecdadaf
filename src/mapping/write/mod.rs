//! Canonical → wire: the lines in order, straight into bytes. The canonical body is the only tree.
//!
//! Same body, context and contents give the same bytes: nothing here reads a clock, a random source or a map without order.

mod form;
mod join;
mod json;
mod left;
mod lists;
mod packed;
mod scalars;
mod xml;

pub(crate) use xml::escape_text;

use super::api::{ContentSource, Context, Format, Hole, RawFields, Sealer, Sparse};
use super::convert::Lex;
use super::fault::{Both, WriteFault, WriteFaultKind};
use super::grammar::Lit;
use super::plan::{Act, Branch, Compiled, Node, NodeId, Opt, Plan, Rule, To};
use super::read::form_key_of;
use crate::body::{Text, Value};

/// From this many bytes on a content is large: it can be left out, to be read when the document leaves.
const LARGE: u64 = 64 << 10;

/// What a format's writer can do. Nodes tell names; `here` means the own text of the open element (or the row itself).
trait Wire {
    fn open(&mut self, node: &Node);
    fn close(&mut self, node: &Node);
    /// Where writing stands, to go back to.
    fn mark(&self) -> Mark;
    fn back_to(&mut self, mark: Mark);
    fn scalar(&mut self, node: &Node, lex: &Lex<'_>, here: bool);
    fn null(&mut self, node: &Node, here: bool);
    fn empty(&mut self, node: &Node, lit: &Lit);
    fn list_open(&mut self, node: &Node);
    fn list_close(&mut self, node: &Node);
    fn row_open(&mut self, plan: &Plan, list: &Node);
    fn row_close(&mut self, plan: &Plan, list: &Node);
    /// So many bytes more are to come: room is made for them at once.
    fn expect(&mut self, bytes: usize);
    /// A content's place: `fill` writes its text, or notes that it is left out there, and tells how many bytes the content has.
    fn content(
        &mut self,
        node: &Node,
        here: bool,
        fill: impl FnOnce(&mut Vec<u8>, &mut Vec<Hole>) -> std::io::Result<u64>,
    ) -> std::io::Result<u64>;
    fn hole(&mut self, node: &Node);
    /// Whether the format can carry the text.
    fn carries(&self, text: &str) -> bool;
    /// The document, the seal's text in its hole; contents that were left out are missing still.
    fn finish(self, seal: Option<&str>) -> Sparse;
}

/// A place in the output.
#[derive(Clone, Copy)]
struct Mark {
    len: usize,
    flag: bool,
    depth: usize,
    /// An array of chosen items that ends here (JSON): which, and where.
    array: Option<(usize, usize)>,
    /// How many contents were left out before it.
    holes: usize,
}

/// One writing.
struct Run<'w, W> {
    map: &'w Compiled,
    ctx: &'w Context,
    contents: &'w dyn ContentSource,
    bodies: &'w [&'w Value],
    /// What each row of a batch knows for itself; none: what the document knows.
    rows: &'w [Context],
    wire: W,
    /// Room for the contents of all bodies was made.
    roomy: bool,
    /// A content of as many bytes is left out.
    large: u64,
    /// Unless all contents together are shorter on the wire than this; asked at the first one, zero then.
    whole: u64,
    raw: RawFields,
}

/// Where in the canonical body a rule stands.
#[derive(Clone, Copy)]
struct Cursor<'w, 'p> {
    frame: &'p Frame<'w, 'p>,
    /// The wire node that is open.
    open: NodeId,
}

/// A frame's canonical object: the message, or a row of a list. It lives on the stack of the writing; nothing is kept of it.
struct Frame<'w, 'p> {
    body: &'w Value,
    /// The frame around it, the list in it and this row's place there.
    outer: Option<(&'p Frame<'w, 'p>, &'p [Text], usize)>,
}

type Written<T> = Result<T, WriteFault>;

/// Writes one document; `rows`: what each row of a batch knows for itself, in the order of `bodies`, or nothing.
pub(crate) fn write(
    map: &Compiled,
    what: (&[&Value], &[Context]),
    ctx: &Context,
    contents: &dyn ContentSource,
    sealer: Option<&dyn Sealer>,
) -> Written<Vec<u8>> {
    written(map, what, (ctx, contents), sealer, (u64::MAX, 0)).map(|document| document.text)
}

/// The same without its large contents: with them in their places it is that document, byte for byte. A sealed one is whole: its seal
/// would move them. So is one whose contents are together shorter on the wire than `whole` bytes.
pub(crate) fn write_sparse(
    map: &Compiled,
    what: (&[&Value], &[Context]),
    ctx: &Context,
    contents: &dyn ContentSource,
    (sealer, whole): (Option<&dyn Sealer>, u64),
) -> Written<Sparse> {
    written(map, what, (ctx, contents), sealer, if map.sealed { (u64::MAX, 0) } else { (LARGE, whole) })
}

fn written(
    map: &Compiled,
    (bodies, rows): (&[&Value], &[Context]),
    (ctx, contents): (&Context, &dyn ContentSource),
    sealer: Option<&dyn Sealer>,
    large: (u64, u64),
) -> Written<Sparse> {
    if bodies.is_empty() || (bodies.len() > 1 && !map.batch) {
        let text = Both::new("đặc tả này chỉ cho phép đúng một bản tin", "this wire carries exactly one message");
        return Err(WriteFault { pointer: String::new(), wire: String::new(), kind: WriteFaultKind::Value, text });
    }
    if let Some(place) = left::differs(&map.root, bodies) {
        let text = Both::new(
            "các bản tin trong một lô phải có cùng giá trị này, vì nó chỉ đứng một lần",
            "all messages of a batch must have this value alike, for it stands there once",
        );
        return Err(WriteFault {
            pointer: format!("/{}", place.join("/")),
            wire: String::new(),
            kind: WriteFaultKind::Value,
            text,
        });
    }
    match map.format {
        Format::Json => Run::new(map, (bodies, rows), (ctx, contents), large, json::Out::new()).document(sealer),
        Format::Xml => Run::new(map, (bodies, rows), (ctx, contents), large, xml::Out::new(map)).document(sealer),
        Format::Form => Run::new(map, (bodies, rows), (ctx, contents), large, form::Out::new()).document(sealer),
    }
}

/// The value at a path; null counts as nothing.
pub(crate) fn get<'v>(body: &'v Value, path: &[Text]) -> Option<&'v Value> {
    path.iter().try_fold(body, |at, word| at.get(&**word)).filter(|v| !v.is_null())
}

// === impl Frame ===

impl<'w, 'p> Frame<'w, 'p> {
    /// The frame that many further out.
    fn further(&self, out: usize) -> Option<&Self> {
        if out == 0 { Some(self) } else { self.outer.and_then(|(outer, ..)| outer.further(out - 1)) }
    }

    /// The JSON pointer of its object: made only when a fault wants it.
    fn pointer(&self) -> String {
        self.outer.map_or_else(String::new, |(outer, list, index)| format!("{}/{}/{index}", outer.pointer(), list.join("/")))
    }
}

// === impl Run ===

impl<'w, W: Wire> Run<'w, W> {
    fn new(
        map: &'w Compiled,
        (bodies, rows): (&'w [&'w Value], &'w [Context]),
        (ctx, contents): (&'w Context, &'w dyn ContentSource),
        (large, whole): (u64, u64),
        wire: W,
    ) -> Self {
        Self { map, ctx, contents, bodies, rows, wire, roomy: false, large, whole, raw: RawFields::default() }
    }

    fn document(mut self, sealer: Option<&dyn Sealer>) -> Written<Sparse> {
        let plan = &self.map.root;
        let nothing = || Sparse { text: Vec::new(), holes: Vec::new() };
        let Some(body) = self.bodies.first() else { return Ok(nothing()) };
        let frame = Frame { body, outer: None };
        let at = Cursor { frame: &frame, open: 0 };
        let Some(root) = plan.node(0) else { return Ok(nothing()) };
        // A batch that is the whole document (`[] = .`) has no object around it.
        let bare = root.rows.is_some();
        if !bare {
            self.wire.open(root);
        }
        self.lines(plan, &plan.rules, at)?;
        if !bare {
            self.wire.close(root);
        }
        let seal = match (self.map.sealed, sealer) {
            (false, _) => None,
            (true, Some(sealer)) => Some(sealer.seal(&self.raw).map_err(|why| self.seal_fault(&why))?),
            (true, None) => return Err(self.seal_fault("no seal is given")),
        };
        Ok(self.wire.finish(seal.as_deref()))
    }

    fn seal_fault(&self, why: &str) -> WriteFault {
        let text = Both::new(format!("không ký được: {why}"), format!("cannot be sealed: {why}"));
        WriteFault { pointer: "$seal".to_owned(), wire: String::new(), kind: WriteFaultKind::Seal, text }
    }

    fn lines(&mut self, plan: &Plan, rules: &[Rule], at: Cursor<'w, '_>) -> Written<()> {
        rules.iter().try_for_each(|rule| self.line(plan, rule, at))
    }

    fn line(&mut self, plan: &Plan, rule: &Rule, at: Cursor<'w, '_>) -> Written<()> {
        let node = rule.node.and_then(|id| plan.node(id));
        let here = rule.node == Some(at.open);
        match (&rule.what, node) {
            (Act::Scope { at: object, rules, lazy }, node) => self.scope(plan, rule, object.as_deref(), rules, *lazy, node, at),
            (Act::When { on, branches, told, .. }, _) => {
                let word = self.body(at).and_then(|b| get(b, on)).and_then(Value::as_str);
                let holding = branches.iter().find(|b| word.is_some_and(|w| b.words.iter().any(|own| own == w)));
                if word.is_some() && holding.is_none() && !told {
                    return Err(self.no_branch(on, at));
                }
                self.nothing_left(plan, holding, branches, at)?;
                holding.map_or(Ok(()), |b| self.lines(plan, &b.rules, at))
            }
            (Act::Fork(index), _) => self.fork(plan, *index, Cursor { open: 0, ..at }),
            (_, None) => Ok(()),
            (Act::Value { to, alts }, Some(node)) => self.value(rule, to, alts, node, here, at),
            (Act::Const { lits, .. }, Some(node)) => {
                match lits.first() {
                    Some(lit) => self.literal(node, lit, here),
                    None => self.none(rule, node, here),
                }
                Ok(())
            }
            (Act::Dropped, Some(node)) => {
                self.none(rule, node, here);
                Ok(())
            }
            (Act::Seal, Some(node)) => {
                self.wire.hole(node);
                Ok(())
            }
            (Act::Template { pieces }, Some(node)) => self.template((plan, rule), pieces, node, here, at),
            (Act::List { to }, Some(node)) => self.list(rule, to, node, at),
            (Act::Batch, Some(node)) => self.batch(node),
        }
    }

    fn body(&self, at: Cursor<'w, '_>) -> Option<&'w Value> {
        Some(at.frame.body)
    }

    fn known(&self, to: &To, at: Cursor<'w, '_>) -> Option<&'w Value> {
        match to {
            To::Own(path) => get(at.frame.body, path),
            To::Outer(out, path) => get(at.frame.further(*out)?.body, path),
            To::Context(name) => self.ctx.get(name),
        }
    }

    // --- scopes

    #[expect(clippy::too_many_arguments, reason = "the parts of one rule, taken apart by its only caller")]
    fn scope(
        &mut self,
        plan: &Plan,
        rule: &Rule,
        object: Option<&[Text]>,
        rules: &[Rule],
        lazy: bool,
        node: Option<&Node>,
        at: Cursor<'w, '_>,
    ) -> Written<()> {
        if let Some(path) = object
            && self.body(at).and_then(|b| get(b, path)).is_none()
        {
            return match (&rule.opt, node) {
                (Opt::Required, _) => Err(self.missing(&To::Own(path.into()), node, at)),
                (_, Some(node)) => {
                    self.none(rule, node, false);
                    Ok(())
                }
                (_, None) => self.absent(plan, rules, at.open),
            };
        }
        let Some(node) = node else { return self.lines(plan, rules, at) };
        let at = Cursor { open: rule.node.unwrap_or(0), ..at };
        let before = self.wire.mark();
        self.wire.open(node);
        let inside = self.wire.mark();
        self.lines(plan, rules, at)?;
        if lazy && self.wire.mark().len == inside.len {
            self.wire.back_to(before);
        } else {
            self.wire.close(node);
        }
        Ok(())
    }

    /// The absent form of each line of an optional scope that is not there.
    fn absent(&mut self, plan: &Plan, rules: &[Rule], open: NodeId) -> Written<()> {
        for rule in rules {
            let node = rule.node.and_then(|id| plan.node(id));
            match (&rule.what, node) {
                (Act::Scope { rules, .. }, None) => self.absent(plan, rules, open)?,
                (Act::Scope { rules, lazy: true, .. }, Some(node)) => {
                    let before = self.wire.mark();
                    self.wire.open(node);
                    let inside = self.wire.mark();
                    self.absent(plan, rules, rule.node.unwrap_or(0))?;
                    if self.wire.mark().len == inside.len {
                        self.wire.back_to(before);
                    } else {
                        self.wire.close(node);
                    }
                }
                (Act::When { .. } | Act::Fork(_) | Act::Batch, _) | (_, None) => {}
                (_, Some(node)) => self.none(rule, node, rule.node == Some(open)),
            }
        }
        Ok(())
    }

    fn fork(&mut self, plan: &Plan, index: usize, at: Cursor<'w, '_>) -> Written<()> {
        let Some(fork) = plan.forks.get(index) else { return Ok(()) };
        let body = self.body(at).unwrap_or(&Value::Null);
        let fault = |why: Both| {
            let text = Both::new(format!("không có mẫu tờ khai: {}", why.vi), format!("no form: {}", why.en));
            WriteFault { pointer: format!("/{}", fork.at.join("/")), wire: String::new(), kind: WriteFaultKind::Form, text }
        };
        let key = form_key_of(self.map, self.ctx, body, fork).map_err(fault)?;
        let variant = fork.variants.get(&key).ok_or_else(|| fault(Both::same(key)))?;
        self.lines(&variant.plan, &variant.plan.rules, at)
    }

    /// A value that only a branch carries which does not hold would be lost unseen.
    fn nothing_left(&self, plan: &Plan, holding: Option<&Branch>, branches: &[Branch], at: Cursor<'w, '_>) -> Written<()> {
        let Some(path) = self.body(at).and_then(|body| left::out(plan, holding, branches, body)) else { return Ok(()) };
        let text = Both::new(
            "giá trị này chỉ truyền được trong trường hợp khác (`when`)",
            "this wire carries the value only in another case (`when`)",
        );
        Err(self.fault(&To::Own(path.into()), None, at, WriteFaultKind::Branch, text))
    }

    /// Neither a branch nor a line would tell the word.
    fn no_branch(&self, on: &[Text], at: Cursor<'w, '_>) -> WriteFault {
        let text = Both::new("bên nhận không có trường hợp này (`when`)", "this wire has no case for this word (`when`)");
        self.fault(&To::Own(on.into()), None, at, WriteFaultKind::Branch, text)
    }

    fn missing(&self, to: &To, node: Option<&Node>, at: Cursor<'w, '_>) -> WriteFault {
        self.fault(
            to,
            node,
            at,
            WriteFaultKind::Missing,
            Both::new("thiếu giá trị mà bên nhận cần", "a value this wire needs is missing"),
        )
    }

    fn fault(&self, to: &To, node: Option<&Node>, at: Cursor<'w, '_>, kind: WriteFaultKind, text: Both) -> WriteFault {
        let pointer = match to {
            To::Own(path) => format!("{}/{}", at.frame.pointer(), path.join("/")),
            To::Outer(_, path) => format!("/{}", path.join("/")),
            To::Context(name) => format!("${name}"),
        };
        let wire = node.map_or_else(String::new, |n| if n.path.is_empty() { n.qname.to_string() } else { n.path.to_string() });
        WriteFault { pointer: pointer.trim_end_matches('/').to_owned(), wire, kind, text }
    }
}

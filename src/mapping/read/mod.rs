//! Wire → canonical: a driver per format fills the slots of a frame from events; at a frame's end its lines are evaluated.
//!
//! Held back, and nothing else: slots of open frames, and a form's raw span when its code has not been read yet.

mod agree;
mod branches;
mod eval;
mod flat;
mod form;
mod items;
mod join;
mod json;
mod packed;
mod select;
mod xml;

pub(crate) use eval::cut;
pub(crate) use select::key as form_key_of;

use super::api::{Content, ContentSink, Context, Format, RawFields, Reading, Reported, Unread};
use super::archive::MOST_UNPACKED;
use super::base64_stream::Decoder;
use super::convert::{Lex, Tag};
use super::cut::{Gaps, Wire};
use super::fault::{Both, Counted, FaultKind, Found, WireFault};
use super::grammar::Lit;
use super::normal::is_vietnamese;
use super::plan::{AbsentForm, Compiled, Node, NodeId, Opt, Plan};
use super::slip::{Lexed, Slip, lossy_fault, utf8};
use crate::body::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

/// The most faults told of one document, or of one row of a batch.
const MOST_FAULTS: usize = 20;
/// The most faults of all messages of a batch; one with more is refused whole.
const MOST_OF_BATCH: usize = 4000;

/// What a reading carries along.
struct Run<'r, 'a> {
    map: &'a Compiled,
    ctx: &'r Context,
    sink: &'r mut dyn ContentSink,
    src: &'a str,
    /// What is missing in it.
    gaps: Gaps<'a>,
    /// All of it is NFC, and so is whatever is cut from it.
    composed: bool,
    faults: Vec<WireFault>,
    reported: Vec<Reported>,
    raw: RawFields,
    /// How much may still be unpacked, bytes.
    unpack: u64,
    /// Open rows: pointer of the list within its frame, index of the row.
    rows: Vec<(&'a str, usize)>,
    /// Slots of frames that are done with, for the next row.
    spare: Vec<Vec<Slot<'a>>>,
    /// How many faults messages of a batch took with them.
    of_batch: usize,
    /// Behind all messages of a batch that had faults so far.
    counted: Counted,
}

/// One frame while it is read.
struct Frame<'a> {
    slots: Vec<Slot<'a>>,
    /// What rows said about objects further out.
    outer: Vec<Outward>,
    /// Context values that rows said, with their place.
    said: Vec<(String, Value, usize)>,
}

/// What was seen at a node.
#[derive(Default)]
struct Slot<'a> {
    seen: Seen<'a>,
    at: usize,
    /// How many rows came (XML: they come one by one).
    rows: usize,
}

#[derive(Default)]
enum Seen<'a> {
    /// Nothing yet.
    #[default]
    No,
    Scalar(Lex<'a>),
    Null,
    /// An object, or an element with something in it.
    Object,
    /// An element with nothing in it where no text is expected.
    Blank,
    /// An element that is there for its attributes: it has no text.
    Textless,
    /// `[]` where it is a literal.
    EmptyList,
    Rows(Vec<Value>),
    Messages(Vec<Said>),
    Content(Content),
    /// Bytes of an archive or a document; never more than the body they came in.
    Packed(Rc<Vec<u8>>),
    /// A form whose code was not known yet.
    Held(Box<Held<'a>>),
    /// A form, by its key.
    Form(String, Box<Frame<'a>>),
    /// Passed over (`*`), or already refused.
    Passed,
}

/// A form's raw span.
struct Held<'a> {
    span: std::ops::Range<usize>,
    around: super::xml::Around<'a>,
    /// How deep it lies (JSON).
    depth: usize,
}

/// What a frame came to.
#[derive(Default)]
struct Said {
    body: Value,
    context: BTreeMap<String, Value>,
    /// A message of a batch: why it cannot be read.
    faults: Vec<WireFault>,
}

/// What a row says about a frame further out.
struct Outward {
    out: usize,
    path: super::plan::CPath,
    value: Value,
    /// A line with `~`: `value` is nothing yet, it is weighed against what the frame further out knows.
    doubt: Option<Box<agree::Doubt>>,
    at: usize,
    pointer: String,
}

/// Whether a line's value is there.
#[derive(Debug, PartialEq, Eq)]
enum Presence {
    Given,
    Absent,
    Missing,
}

/// Reads one document, whole or not at all.
pub(crate) fn read(
    map: &Compiled,
    bytes: &[u8],
    ctx: &Context,
    sink: &mut dyn ContentSink,
) -> Result<Vec<Reading>, Vec<WireFault>> {
    let (mut readings, mut faults) = (Vec::new(), Vec::new());
    for item in read_each(map, bytes, ctx, sink)? {
        match item {
            Ok(reading) => readings.push(reading),
            Err(unread) => faults.extend(unread.faults),
        }
    }
    faults.truncate(MOST_FAULTS);
    if faults.is_empty() { Ok(readings) } else { Err(faults) }
}

/// Reads one document; a message of a batch that cannot be read stands in its place with its own faults. `Err`: faults of what the messages
/// share, or the messages cannot be told apart.
pub(crate) fn read_each(
    map: &Compiled,
    bytes: &[u8],
    ctx: &Context,
    sink: &mut dyn ContentSink,
) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
    each(map, bytes, Gaps::NONE, ctx, sink)
}

/// The same of a body that was cut.
pub(crate) fn read_cut(
    map: &Compiled,
    wire: &Wire<'_>,
    ctx: &Context,
    sink: &mut dyn ContentSink,
) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
    let mut read = each(map, wire.text, wire.gaps(), ctx, sink);
    let faults: Vec<&mut WireFault> = match &mut read {
        Ok(items) => items.iter_mut().filter_map(|item| item.as_mut().err()).flat_map(|unread| &mut unread.faults).collect(),
        Err(faults) => faults.iter_mut().collect(),
    };
    faults.into_iter().for_each(|fault| wire.mend(fault));
    read
}

fn each(
    map: &Compiled,
    bytes: &[u8],
    gaps: Gaps<'_>,
    ctx: &Context,
    sink: &mut dyn ContentSink,
) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
    let text = decoded(map, bytes)?;
    let mut run = Run::new(map, ctx, sink, (&text, gaps), MOST_UNPACKED);
    let frame = run.document().map_err(|fault| vec![fault])?;
    run.finish(frame)
}

/// Reads a document that stands inside another; `unpack` is what may still be unpacked, and what is left of it then.
fn inside(
    map: &Compiled,
    bytes: &[u8],
    ctx: &Context,
    sink: &mut dyn ContentSink,
    unpack: &mut u64,
) -> Result<(Said, Vec<Reported>), Vec<WireFault>> {
    let text = decoded(map, bytes)?;
    let mut run = Run::new(map, ctx, sink, (&text, Gaps::NONE), *unpack);
    let frame = run.document().map_err(|fault| vec![fault])?;
    let (said, _) = eval::root(&mut run, &map.root, frame);
    *unpack = run.unpack;
    if run.faults.is_empty() { Ok((said, run.reported)) } else { Err(run.faults) }
}

fn decoded<'b>(map: &Compiled, bytes: &'b [u8]) -> Result<Cow<'b, str>, Vec<WireFault>> {
    let text = if map.format == Format::Xml { super::xml::decode(bytes) } else { utf8(bytes).map(Cow::Borrowed) };
    text.map_err(|slip| vec![lossy_fault(slip, bytes)])
}

// === impl Frame ===

impl<'a> Frame<'a> {
    fn new(plan: &Plan) -> Self {
        Self::over(plan, Vec::new())
    }

    /// Takes slots that are not needed any more.
    fn over(plan: &Plan, mut slots: Vec<Slot<'a>>) -> Self {
        slots.clear();
        slots.resize_with(plan.nodes.len(), Slot::default);
        Self { slots, outer: Vec::new(), said: Vec::new() }
    }

    fn slot(&self, node: NodeId) -> &Slot<'a> {
        const NONE: &Slot<'static> = &Slot { seen: Seen::No, at: 0, rows: 0 };
        self.slots.get(node).unwrap_or(NONE)
    }

    fn see(&mut self, node: NodeId, at: usize, seen: Seen<'a>) {
        if let Some(slot) = self.slots.get_mut(node) {
            *slot = Slot { seen, at, rows: 0 };
        }
    }

    /// Takes in what a row said beside its own value.
    fn hear(&mut self, outer: Vec<Outward>, context: &BTreeMap<String, Value>, at: usize) {
        self.outer.extend(outer);
        self.said.extend(context.iter().map(|(name, value)| (name.clone(), value.clone(), at)));
    }

    /// An empty object with room for what the frame's own lines were told.
    fn object(&self, plan: &Plan) -> Map {
        let seen = self.slots.iter().skip(1).filter(|slot| !matches!(slot.seen, Seen::No)).count();
        Map::with_capacity(seen.min(plan.rules.len()))
    }

    fn is_seen(&self, node: NodeId) -> bool {
        !matches!(self.slot(node).seen, Seen::No)
    }
}

// === impl Run ===

impl<'r, 'a> Run<'r, 'a> {
    fn new(
        map: &'a Compiled,
        ctx: &'r Context,
        sink: &'r mut dyn ContentSink,
        (src, gaps): (&'a str, Gaps<'a>),
        unpack: u64,
    ) -> Self {
        Self {
            map,
            ctx,
            sink,
            src,
            gaps,
            composed: is_vietnamese(src),
            faults: Vec::new(),
            reported: Vec::new(),
            raw: RawFields::default(),
            unpack,
            rows: Vec::new(),
            spare: Vec::new(),
            of_batch: 0,
            counted: Counted::default(),
        }
    }

    /// Reads to the document's end. If it cannot be, what was found so far may follow from that: one fault.
    fn document(&mut self) -> Result<Frame<'a>, WireFault> {
        let result = match self.map.format {
            Format::Json => json::document(self),
            Format::Xml => xml::document(self),
            Format::Form => form::document(self),
        };
        result.map_err(|slip| slip.into_fault(self.src))
    }

    /// The faults found since there were `before` of them belong to a message of a batch, and to no other.
    fn of_message(&mut self, before: usize) -> Vec<WireFault> {
        let own = self.faults.split_off(before.min(self.faults.len()));
        if let Some(first) = own.iter().map(|fault| fault.place.offset).min() {
            self.counted = self.counted.on(self.src, first);
        }
        self.of_batch += own.len();
        own
    }

    /// Whether a batch is worth reading on.
    fn bearable(&self, at: usize) -> Lexed<()> {
        if self.of_batch <= MOST_OF_BATCH {
            return Ok(());
        }
        let (vi, en) =
            (format!("nhiều nhất {MOST_OF_BATCH} lỗi trong một lô"), format!("at most {MOST_OF_BATCH} faults in a batch"));
        Err(Slip::new(at, FaultKind::Limit, vi, en))
    }

    /// A message of a batch that was read to its end; nothing of one with faults is heard further out.
    fn message(&mut self, plan: &'a Plan, row: Frame<'a>, before: (usize, usize)) -> (Said, Vec<Outward>) {
        let (mut said, outer) = eval::row(self, plan, row);
        said.faults = self.of_message(before.0);
        if said.faults.is_empty() { (said, outer) } else { (said, Vec::new()) }
    }

    /// A message of a batch that could not be read to its end: one fault, as what was found so far may follow from it.
    fn lost(&mut self, slip: Slip, before: (usize, usize)) -> Said {
        let (faults, rows) = before;
        self.faults.truncate(faults);
        self.rows.truncate(rows);
        let fault = slip.under(|| self.pointer("")).fault_after(self.counted, self.src);
        self.faults.push(fault);
        Said { faults: self.of_message(faults), ..Said::default() }
    }

    fn finish(mut self, frame: Frame<'a>) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
        let map = self.map;
        let (said, messages) = eval::root(&mut self, &map.root, frame);
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let mut readings = Vec::new();
        let all = match messages {
            None => vec![said],
            Some(rows) => rows.into_iter().map(|row| agree::merge(&said, row)).collect(),
        };
        for Said { mut body, context, faults } in all {
            map.shapes.fill_lists(map.shape, &mut body);
            let reading = Reading { body, context, reported: self.reported.clone(), raw: self.raw.clone() };
            readings.push(if faults.is_empty() { Ok(reading) } else { Err(Unread { faults, read: reading }) });
        }
        Ok(readings)
    }

    /// A node's pointer in the document.
    fn pointer(&self, path: &str) -> String {
        let mut pointer = String::new();
        for (list, index) in &self.rows {
            pointer.push_str(list);
            if self.map.is_xml() {
                pointer.push_str(&format!("[{}]", index + 1));
            } else {
                pointer.push_str(&format!("/{index}"));
            }
        }
        pointer.push_str(path);
        match self.map.format {
            Format::Json => pointer,
            _ => pointer.trim_start_matches('/').to_owned(),
        }
    }

    fn fault(&mut self, path: &str, at: usize, kind: FaultKind, expected: Both, found: Found) {
        if self.faults.len() < MOST_FAULTS {
            let place = self.counted.place(self.src, at, self.pointer(path));
            self.faults.push(WireFault { place, kind, expected, found });
        }
    }

    /// Something unknown: refused or reported, by the mapping's word.
    fn unknown(&mut self, parent: &Node, name: &str, at: usize) {
        let path = format!("{}/{name}", parent.path);
        if self.map.report_unknown {
            if self.reported.len() < 1000 {
                let pointer = self.pointer(&path);
                self.reported.push(Reported { pointer });
            }
        } else {
            let expected = Both::new("các trường đã thống nhất", "the agreed fields");
            self.fault(&path, at, FaultKind::Unknown, expected, Found::Name(super::fault::short(name)));
        }
    }

    fn raw_field(&mut self, node: &Node, name: &str, text: &str) {
        if !self.map.sealed {
            return;
        }
        if node.seal {
            self.raw.seal = Some(text.to_owned());
        } else {
            self.raw.fields.push((name.to_owned(), text.to_owned()));
        }
    }

    /// Whether an optional line's value is there.
    fn presence(&self, slot: &Slot<'_>, opt: &Opt) -> Presence {
        let typing = self.map.typing;
        let form = match &slot.seen {
            Seen::No => AbsentForm::Omit,
            Seen::Null => AbsentForm::Null,
            Seen::Textless if self.map.takes(AbsentForm::Empty) => AbsentForm::Empty,
            Seen::Textless if matches!(opt, Opt::Literal(lit) if lit.text().is_empty()) => AbsentForm::Empty,
            Seen::Textless => AbsentForm::Omit,
            // An element that is there, though empty, is a scope that is there, unless that stands for none.
            Seen::Blank => {
                let is_none = match opt {
                    Opt::Required => false,
                    Opt::Absent => self.map.takes(AbsentForm::Empty),
                    Opt::Literal(lit) => lit.text().is_empty(),
                };
                return if is_none { Presence::Absent } else { Presence::Given };
            }
            Seen::Scalar(lex) if lex.text.is_empty() => AbsentForm::Empty,
            Seen::Scalar(lex) => {
                let is_literal = matches!(opt, Opt::Literal(lit) if typing.same(lex, lit));
                return if is_literal { Presence::Absent } else { Presence::Given };
            }
            Seen::EmptyList if *opt == Opt::Literal(Lit::EmptyList) => return Presence::Absent,
            Seen::Object if *opt == Opt::Literal(Lit::EmptyObject) && !self.map.is_xml() => return Presence::Absent,
            _ => return Presence::Given,
        };
        let allowed = match opt {
            Opt::Required => false,
            Opt::Absent => self.map.takes(form),
            Opt::Literal(lit) => {
                form == AbsentForm::Empty && lit.text().is_empty() && !matches!(lit, Lit::Null)
                    || form == AbsentForm::Null && *lit == Lit::Null
            }
        };
        if allowed { Presence::Absent } else { Presence::Missing }
    }

    /// A content: its text in pieces goes to the sink, or, where it has to be unpacked first, into memory.
    fn content<F>(&mut self, node: &Node, at: usize, feed: F) -> Lexed<Seen<'a>>
    where
        F: FnOnce(&mut dyn FnMut(&str) -> Lexed<()>) -> Lexed<()>,
    {
        let mut decoder = Decoder::default();
        let mut begun = false;
        let mut packed = node.packed.then(Vec::new);
        let sink = &mut *self.sink;
        let stored = |e: io::Error| not_stored(at, &e);
        let base64 = || Slip::new(at, FaultKind::Content, "văn bản base64 chuẩn", "standard base64 text");
        feed(&mut |piece| {
            if !begun && piece.bytes().any(|b| !b.is_ascii_whitespace()) {
                begun = true;
                if packed.is_none() {
                    sink.begin().map_err(stored)?;
                }
            }
            decoder.piece(piece, &mut |bytes| keep(sink, &mut packed, bytes)).map_err(|_| base64())?.map_err(stored)
        })?;
        if !begun && node.empty_is_none {
            return Ok(Seen::Scalar(lex(Tag::Text, Cow::Borrowed(""))));
        }
        if !begun && packed.is_none() {
            sink.begin().map_err(stored)?;
        }
        decoder.end(&mut |bytes| keep(sink, &mut packed, bytes)).map_err(|_| base64())?.map_err(stored)?;
        match packed {
            Some(bytes) => Ok(Seen::Packed(Rc::new(bytes))),
            None => sink.end().map(Seen::Content).map_err(stored),
        }
    }
}

fn keep(sink: &mut dyn ContentSink, packed: &mut Option<Vec<u8>>, bytes: &[u8]) -> io::Result<()> {
    match packed {
        Some(packed) => {
            packed.extend_from_slice(bytes);
            Ok(())
        }
        None => sink.piece(bytes),
    }
}

/// The store does not take a content.
fn not_stored(at: usize, error: &io::Error) -> Slip {
    let Both { vi, en } = store_takes(error);
    Slip::new(at, FaultKind::Content, vi, en)
}

fn store_takes(error: &io::Error) -> Both {
    let kind = error.kind();
    Both::new(format!("kho tệp nhận được nội dung ({kind:?})"), format!("a content that the store takes ({kind:?})"))
}

/// Found, of a slot.
fn found(slot: &Slot<'_>, public: bool) -> Found {
    match &slot.seen {
        Seen::No | Seen::Blank | Seen::Textless => Found::Nothing,
        Seen::Scalar(lex) if lex.text.is_empty() => Found::Text(0),
        Seen::Scalar(lex) => lex.found(public),
        Seen::Null => Found::Null,
        Seen::Rows(_) | Seen::Messages(_) | Seen::EmptyList => Found::Array,
        Seen::Object | Seen::Held(_) | Seen::Form(..) => Found::Object,
        Seen::Content(_) | Seen::Packed(_) | Seen::Passed => Found::Unsaid,
    }
}

fn lex(tag: Tag, text: Cow<'_, str>) -> Lex<'_> {
    Lex { tag, text }
}

//! A partner's compiled mappings.
//!
//! A [`Book`] exists only when every text of its partner compiled without a fault; it is immutable and shared.

use super::api::{ContentSink, ContentSource, Context, Envelope, Format, Reading, Sealer, Sparse, Unread};
use super::compile::compile;
use super::cut::Wire;
use super::explain::{Explained, explain};
use super::fault::{WireFault, WriteFault};
use super::fidelity::{Fidelity, fidelity};
use super::needs::{Need, Unmet, Wants, needs};
use super::place;
use super::plan::{Act, Compiled, Opt, Plan, Rule};
use super::read;
use super::shapes::Shapes;
use super::source::{Check, Faults, Source, SourceFault};
use super::wire_schema::{self, WireSchema};
use super::write;
use crate::body::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All mappings of one partner, by name (`submit` of `submit.map`).
#[derive(Debug)]
pub struct Book {
    maps: BTreeMap<String, Mapping>,
    notes: Vec<SourceFault>,
}

/// One mapping: a wire ⇄ a canonical message.
#[derive(Debug)]
pub struct Mapping {
    name: String,
    compiled: Compiled,
    /// The texts of the partner, for showing lines.
    texts: Arc<Source>,
    needs: Vec<Need>,
    carries: bool,
}

/// What a mapping needs beyond the canonical schema's promise, as a checker looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The canonical field, dotted.
    pub field: String,
    /// What is wanted there.
    pub wants: Wants,
    /// The canonical words of the place that its code list lacks.
    pub lacks: Vec<String>,
    /// The branches of the message that the line stands in: the place that decides, dotted, and its words.
    pub cases: Vec<(String, Vec<String>)>,
}

/// A field of the wire's root level, as seals look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootField {
    /// It is in every message.
    pub required: bool,
    /// It is a scalar.
    pub plain: bool,
}

// === impl Book ===

impl Book {
    /// Compiles all texts of a partner; every fault of every file at once.
    pub fn compile(source: &Source, shapes: &Arc<Shapes>) -> Result<Self, Vec<SourceFault>> {
        let (book, faults) = Self::draft(source, shapes);
        if faults.is_empty() { Ok(book) } else { Err(faults) }
    }

    /// The mappings without a fault, and the faults of the others: so that what is sound is checked further all the same. Nothing may be
    /// done with such a book but to check it.
    #[must_use]
    pub fn draft(source: &Source, shapes: &Arc<Shapes>) -> (Self, Vec<SourceFault>) {
        let (output, faults) = compile(source, shapes);
        let texts = Arc::new(source.clone());
        let maps = output
            .maps
            .into_iter()
            .map(|(name, compiled)| {
                let (needs, carries) = (needs(&compiled), carries(&compiled));
                (name.clone(), Mapping { name, needs, compiled, texts: Arc::clone(&texts), carries })
            })
            .collect();
        (Self { maps, notes: output.notes }, faults)
    }

    /// Every difference between the mappings and the schemas their heads name (paths under schemas/); `reads`: the mappings by which others'
    /// messages are read. A schema that is named and not given is not looked at: whoever loads the schemas tells why.
    #[must_use]
    pub fn against(&self, schemas: &BTreeMap<String, WireSchema>, reads: &BTreeSet<String>, source: &Source) -> Vec<SourceFault> {
        let mut faults = Faults::default();
        for map in self.maps.values() {
            let named = map.compiled.schema.as_ref().and_then(|(path, _)| schemas.get(path));
            if let Some(schema) = named {
                wire_schema::against(&map.compiled, schema, reads.contains(&map.name), &mut faults);
            }
        }
        faults.finish(source)
    }

    /// What is no fault but worth telling: canonical words without a wire value.
    #[must_use]
    pub fn notes(&self) -> &[SourceFault] {
        &self.notes
    }

    /// A mapping by its file's name without `.map`.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&Mapping> {
        self.maps.get(name)
    }

    /// The names of all mappings.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.maps.keys().map(String::as_str)
    }
}

// === impl Mapping ===

impl Mapping {
    /// The file's name without `.map`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The canonical message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.compiled.message
    }

    /// The wire's format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.compiled.format
    }

    /// Whether one wire document carries several messages (`[] = .`).
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.compiled.batch
    }

    /// The way to the rows of a batch from the root of an XML document: namespace and local name of each element; empty: it has none.
    #[must_use]
    pub fn rows_at(&self) -> Vec<(Box<str>, Box<str>)> {
        let plan = &self.compiled.root;
        let mut here = plan.nodes.iter().find(|node| node.batch);
        let mut way = Vec::new();
        while let Some(node) = here {
            way.push((node.ns.clone(), node.local.clone()));
            let top = plan.node(0).is_some_and(|root| std::ptr::eq(root, node));
            here = if top { None } else { plan.node(node.parent) };
        }
        way.reverse();
        way
    }

    /// The wire's own place of a canonical pointer, for refusals of what a message says: a JSON pointer, an XML path or a form field.
    /// `form`: procedure and edition whose form was read; `row`: which message of a batch it is, from 0 (else 0). None: nothing of the
    /// place stands on this wire.
    #[must_use]
    pub fn wire_place(&self, pointer: &str, form: Option<(&str, &str)>, row: usize) -> Option<String> {
        place::wire_place(&self.compiled, pointer, form, row)
    }

    /// What this wire keeps of the message, line by line; `source` holds the texts it was compiled from.
    #[must_use]
    pub fn fidelity(&self, source: &Source) -> Fidelity {
        fidelity(&self.compiled, source)
    }

    /// For the messages of one wire document: which field on the wire comes from which canonical field, by which line. Values stand beside: those that are not public are for the user's own terminal.
    #[must_use]
    pub fn explain(&self, bodies: &[&Value], ctx: &Context) -> Vec<Explained> {
        explain(&self.compiled, bodies, ctx, &self.texts)
    }

    /// Names of the values from around the message (`$name`) that its lines use.
    pub fn around(&self) -> impl Iterator<Item = &str> {
        self.compiled.around.iter().map(String::as_str)
    }

    /// Canonical fields that it does not carry.
    #[must_use]
    pub fn without(&self) -> &[String] {
        &self.compiled.without
    }

    /// The schema its head names, under schemas/.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.compiled.schema.as_ref().map(|(path, _)| path.as_str())
    }

    /// JSON: the definition of that schema which the message is (`root`).
    #[must_use]
    pub fn definition(&self) -> Option<&str> {
        self.compiled.definition.as_deref()
    }

    /// What it needs of a message in order to write it, beyond what the canonical schema promises.
    pub fn needs(&self) -> impl Iterator<Item = Needed> {
        let needed =
            |n: &Need| Needed { field: n.dotted(), wants: n.wants().clone(), lacks: n.lacks().to_vec(), cases: n.cases() };
        self.needs.iter().map(needed)
    }

    /// The places of a body that would keep it from being written; `form`: procedure and edition of its form.
    #[must_use]
    pub fn unmet(&self, body: &Value, form: Option<(&str, &str)>) -> Vec<Unmet> {
        let mut out = Vec::new();
        self.needs.iter().for_each(|need| need.unmet(body, form, &mut out));
        out
    }

    /// A fault at the line of a need.
    #[must_use]
    pub fn fault_at_need(&self, needed: &Needed, text: String, hint: String, source: &Source) -> Vec<SourceFault> {
        let mut faults = Faults::default();
        if let Some(need) = self.needs.iter().find(|n| n.dotted() == needed.field && *n.wants() == needed.wants) {
            faults.hint(&need.at.right, text, hint);
            faults.since(0, Check::Flow);
        }
        faults.finish(source)
    }

    /// A field of the root level by its name (`@name`: an attribute); none: there is no such field.
    #[must_use]
    pub fn root_field(&self, name: &str) -> Option<RootField> {
        let root = &self.compiled.root;
        let mut open: Vec<(&[Rule], bool)> = vec![(&root.rules, true)];
        let mut found = None;
        while let Some((rules, always)) = open.pop() {
            for rule in rules {
                let node = rule.node.and_then(|id| root.node(id));
                match (&rule.what, node) {
                    (Act::Scope { rules, .. }, None) => open.push((rules, always && rule.opt == Opt::Required)),
                    (Act::When { branches, .. }, _) => open.extend(branches.iter().map(|b| (&*b.rules, false))),
                    (what, Some(node)) if node.root_level => {
                        let own = if node.attribute { name.strip_prefix('@') } else { Some(name) };
                        if own != Some(&*node.local) {
                            continue;
                        }
                        // A field that is known and not carried (`*`) is sealed as it stands.
                        let plain = matches!(what, Act::Value { .. } | Act::Const { .. } | Act::Template { .. } | Act::Dropped);
                        found = Some(RootField { required: always && rule.opt == Opt::Required, plain });
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Whether the wire has a seal's hole (`= $seal`).
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.compiled.sealed
    }

    /// The wire's envelope.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        self.compiled.envelope
    }

    /// Wire → canonical: one reading, or one a row where the mapping is a batch (`[] = .`). All semantic faults at once (at most
    /// 20); a fault of syntax stands alone. Nothing is changed anywhere except that contents were handed to `sink`.
    pub fn read(&self, bytes: &[u8], ctx: &Context, sink: &mut dyn ContentSink) -> Result<Vec<Reading>, Vec<WireFault>> {
        read::read(&self.compiled, bytes, ctx, sink)
    }

    /// The same, where a row of a batch that cannot be read spoils no other: it stands in its place with its faults. `Err`: the document is
    /// not well-formed, a fault stands outside the rows, or where a row ends cannot be told.
    pub fn read_each(
        &self,
        bytes: &[u8],
        ctx: &Context,
        sink: &mut dyn ContentSink,
    ) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
        read::read_each(&self.compiled, bytes, ctx, sink)
    }

    /// The same of a body that was cut: as if it were whole.
    pub fn read_cut(
        &self,
        wire: &Wire<'_>,
        ctx: &Context,
        sink: &mut dyn ContentSink,
    ) -> Result<Vec<Result<Reading, Unread>>, Vec<WireFault>> {
        read::read_cut(&self.compiled, wire, ctx, sink)
    }

    /// Whether its wire carries contents that go to the sink as they come, so that a large body is worth cutting. Not one that has to be
    /// unpacked in memory.
    #[must_use]
    pub fn carries_contents(&self) -> bool {
        self.carries
    }

    /// Canonical → wire. The same body, context and contents give the same bytes.
    pub fn write(
        &self,
        body: &Value,
        ctx: &Context,
        contents: &dyn ContentSource,
        sealer: Option<&dyn Sealer>,
    ) -> Result<Vec<u8>, WriteFault> {
        self.write_batch(&[body], ctx, contents, sealer)
    }

    /// Several canonical messages in one wire document; the mapping must be a batch, unless there is exactly one.
    pub fn write_batch(
        &self,
        bodies: &[&Value],
        ctx: &Context,
        contents: &dyn ContentSource,
        sealer: Option<&dyn Sealer>,
    ) -> Result<Vec<u8>, WriteFault> {
        write::write(&self.compiled, (bodies, &[]), ctx, contents, sealer)
    }

    /// The same, each row with what it knows for itself (its message's id and time, its dossier's form): as many `rows` as bodies.
    /// What stands outside the rows knows `ctx`.
    pub fn write_rows(
        &self,
        (bodies, rows): (&[&Value], &[Context]),
        ctx: &Context,
        contents: &dyn ContentSource,
        sealer: Option<&dyn Sealer>,
    ) -> Result<Vec<u8>, WriteFault> {
        write::write(&self.compiled, (bodies, rows), ctx, contents, sealer)
    }

    /// The same without its large contents (64 KiB and more): they are open, of the size their message says, and read when the document
    /// leaves. With them in their places it is what [`Self::write_rows`] gives. Packed contents, and all of a sealed document, are in it; so is
    /// all of one whose contents are together shorter on the wire than `whole` bytes.
    pub fn write_sparse(
        &self,
        (bodies, rows): (&[&Value], &[Context]),
        ctx: &Context,
        contents: &dyn ContentSource,
        (sealer, whole): (Option<&dyn Sealer>, u64),
    ) -> Result<Sparse, WriteFault> {
        write::write_sparse(&self.compiled, (bodies, rows), ctx, contents, (sealer, whole))
    }
}

fn carries(map: &Compiled) -> bool {
    let contents = contents(&map.root);
    contents.contains(&false) && !contents.contains(&true)
}

/// Of each place of a content in a frame, and in the frames inside it: whether it is to be unpacked.
fn contents(plan: &Plan) -> Vec<bool> {
    let own = plan.nodes.iter().filter(|node| node.content || node.packed).map(|node| node.packed);
    let rows = plan.nodes.iter().filter_map(|node| node.rows.as_deref()).flat_map(contents);
    let forms = plan.forks.iter().flat_map(|fork| fork.variants.values()).flat_map(|variant| contents(&variant.plan));
    own.chain(rows).chain(forms).collect()
}

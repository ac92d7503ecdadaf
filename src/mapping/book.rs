//! A partner's compiled mappings.
//!
//! A [`Book`] exists only when every text of its partner compiled without a fault; it is immutable and shared.

use super::api::{ContentSink, ContentSource, Context, Envelope, Format, Reading, Sealer};
use super::compile::compile;
use super::explain::{Explained, explain};
use super::fault::{WireFault, WriteFault};
use super::fidelity::{Fidelity, fidelity};
use super::place;
use super::plan::Compiled;
use super::read;
use super::shapes::Shapes;
use super::source::{Source, SourceFault};
use super::write;
use serde_json::Value;
use std::collections::BTreeMap;
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
}

// === impl Book ===

impl Book {
    /// Compiles all texts of a partner; every fault of every file at once.
    pub fn compile(source: &Source, shapes: &Arc<Shapes>) -> Result<Self, Vec<SourceFault>> {
        let output = compile(source, shapes)?;
        let texts = Arc::new(source.clone());
        let mapping =
            |(name, compiled): (String, Compiled)| (name.clone(), Mapping { name, compiled, texts: Arc::clone(&texts) });
        let maps = output.maps.into_iter().map(mapping).collect();
        Ok(Self { maps, notes: output.notes })
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

    /// The wire's own place of a canonical pointer, for refusals of what a message says: a JSON pointer, an XML path or a form field.
    /// `form`: procedure and edition whose form was read. None: nothing of the place stands on this wire.
    #[must_use]
    pub fn wire_place(&self, pointer: &str, form: Option<(&str, &str)>) -> Option<String> {
        place::wire_place(&self.compiled, pointer, form)
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
        write::write(&self.compiled, bodies, ctx, contents, sealer)
    }
}

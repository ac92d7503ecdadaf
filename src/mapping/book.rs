//! A partner's compiled mappings.
//!
//! A [`Book`] exists only when every text of its partner compiled without a fault; it is immutable and shared.

use super::api::{ContentSink, ContentSource, Context, Envelope, Format, Reading, Sealer};
use super::fault::{WireFault, WriteFault};
use super::shapes::Shapes;
use super::source::{Source, SourceFault};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All mappings of one partner, by name (`submit` of `submit.map`).
#[derive(Debug)]
pub struct Book {
    maps: BTreeMap<String, Mapping>,
}

/// One mapping: a wire ⇄ a canonical message.
#[derive(Debug)]
pub struct Mapping {
    name: String,
    message: String,
    format: Format,
    envelope: Envelope,
}

// === impl Book ===

impl Book {
    /// Compiles all texts of a partner; every fault of every file at once.
    pub fn compile(_source: &Source, _shapes: &Arc<Shapes>) -> Result<Self, Vec<SourceFault>> {
        Ok(Self { maps: BTreeMap::new() })
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
        &self.message
    }

    /// The wire's format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The wire's envelope.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        self.envelope
    }

    /// Wire → canonical: one reading, or one a row where the mapping is a batch (`[] = .`). All semantic faults at once (at most
    /// 20); a fault of syntax stands alone. Nothing is changed anywhere except that contents were handed to `sink`.
    pub fn read(&self, _bytes: &[u8], _ctx: &Context, _sink: &mut dyn ContentSink) -> Result<Vec<Reading>, Vec<WireFault>> {
        Err(Vec::new())
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
        _bodies: &[&Value],
        _ctx: &Context,
        _contents: &dyn ContentSource,
        _sealer: Option<&dyn Sealer>,
    ) -> Result<Vec<u8>, WriteFault> {
        Ok(Vec::new())
    }
}

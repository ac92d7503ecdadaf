//! The words by which other rooms speak to the engine: context, contents, seals, what a reading gives.
//!
//! Contents never stand in a body: they are handed over in pieces to a [`ContentSink`] and fetched from a [`ContentSource`].

use super::fault::WireFault;
use crate::body::Value;
use std::collections::BTreeMap;
use std::io;

/// Values known beside the body, by dotted name (`message.id`, `partner.client_id`, `dossier.procedure`), never null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    values: BTreeMap<String, Value>,
}

/// A content as the canonical form carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The store's name of it.
    pub blob: String,
    /// Its length in bytes.
    pub size: u64,
}

/// Takes contents out of a wire, piece by piece; `begin`, pieces, `end` for each. A content that is not ended was refused.
pub trait ContentSink {
    /// A content starts.
    fn begin(&mut self) -> io::Result<()>;
    /// Its next bytes.
    fn piece(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// It is complete.
    fn end(&mut self) -> io::Result<Content>;
}

/// A content that is open: what reads it, here or later on another thread.
pub type OpenContent = Box<dyn io::Read + Send + Sync>;

/// Gives contents to a wire.
pub trait ContentSource {
    /// Opens a content by its blob name; its size in bytes beside.
    fn open(&self, blob: &str) -> io::Result<(u64, OpenContent)>;
}

/// A document on its way out without its large contents.
#[derive(Debug)]
pub struct Sparse {
    /// What there is of it.
    pub text: Vec<u8>,
    /// What is missing, in order.
    pub holes: Vec<Hole>,
}

/// A content left out of a document.
pub struct Hole {
    /// Where in the text, bytes.
    pub at: usize,
    /// How long what belongs there is, bytes.
    pub len: u64,
    /// Reads that, as it stands on the wire.
    pub from: OpenContent,
}

/// Root-level scalar wire fields exactly as they stand: text after unescaping, numbers and booleans as their literal token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawFields {
    /// Fields in wire order, without the seal. XML: children of the root element by local name, its attributes with `@`.
    pub fields: Vec<(String, String)>,
    /// The text in the seal's hole, when reading; `None` when it is not there.
    pub seal: Option<String>,
}

/// Makes the text that fills the hole `= $seal`.
pub trait Sealer {
    /// The seal over these fields; the error is an operator's sentence.
    fn seal(&self, raw: &RawFields) -> Result<String, String>;
}

/// Something on the wire that the mapping does not know and, by its own word (`unknown: report`), may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Where it stands.
    pub pointer: String,
}

/// One canonical message read from a wire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The body in the canonical normal form.
    pub body: Value,
    /// Context values the wire said.
    pub context: BTreeMap<String, Value>,
    /// What was passed over.
    pub reported: Vec<Reported>,
    /// Raw fields; filled only when the mapping has a seal hole.
    pub raw: RawFields,
}

/// One message of a batch that cannot be read, while the others can.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// Why, at its own place of the document; never empty, at most 20.
    pub faults: Vec<WireFault>,
    /// What could be read all the same: to tell whom it is about, never to be taken.
    pub read: Reading,
}

/// The wire formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// XML.
    Xml,
    /// JSON.
    Json,
    /// application/x-www-form-urlencoded.
    Form,
}

/// What an XML document is wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// Nothing.
    #[default]
    None,
    /// SOAP 1.1.
    Soap11,
    /// SOAP 1.2.
    Soap12,
}

/// A sink for wires without contents: refuses them.
#[derive(Debug, Default)]
pub struct NoContents;

/// Keeps contents in memory: tests, commands on a user's own terminal.
#[derive(Debug, Default)]
pub struct MemoryContents {
    /// Bytes by blob name (`sha256:…`).
    pub kept: BTreeMap<String, Vec<u8>>,
    open: Vec<u8>,
}

// === impl Context ===

impl Context {
    /// Nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a value; null and empty text take it away.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        if value.is_null() || value.as_str() == Some("") {
            self.values.remove(&name);
        } else {
            self.values.insert(name, value);
        }
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }
}

// === impl Content ===

impl Content {
    /// As it stands in a body.
    #[must_use]
    pub fn value(&self) -> Value {
        crate::body::json!({ "blob": self.blob, "size": self.size })
    }
}

// === impl Format ===

impl Format {
    /// The media type on the wire, without parameters.
    #[must_use]
    pub fn media_type(self, envelope: Envelope) -> &'static str {
        match (self, envelope) {
            (Self::Json, _) => "application/json",
            (Self::Form, _) => "application/x-www-form-urlencoded",
            (Self::Xml, Envelope::Soap12) => "application/soap+xml",
            (Self::Xml, Envelope::None) => "application/xml",
            (Self::Xml, Envelope::Soap11) => "text/xml",
        }
    }
}

// === impl NoContents ===

impl ContentSink for NoContents {
    fn begin(&mut self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "contents are not taken here"))
    }

    fn piece(&mut self, _: &[u8]) -> io::Result<()> {
        self.begin()
    }

    fn end(&mut self) -> io::Result<Content> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "contents are not taken here"))
    }
}

impl ContentSource for NoContents {
    fn open(&self, _: &str) -> io::Result<(u64, OpenContent)> {
        Err(io::Error::new(io::ErrorKind::NotFound, "there are no contents here"))
    }
}

// === impl Hole ===

impl std::fmt::Debug for Hole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hole").field("at", &self.at).field("len", &self.len).finish_non_exhaustive()
    }
}

// === impl MemoryContents ===

impl ContentSink for MemoryContents {
    fn begin(&mut self) -> io::Result<()> {
        self.open.clear();
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> io::Result<Content> {
        let bytes = std::mem::take(&mut self.open);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let blob = format!("sha256:{}", crate::seal::sha256_hex(&bytes));
        self.kept.insert(blob.clone(), bytes);
        Ok(Content { blob, size })
    }
}

impl ContentSource for MemoryContents {
    fn open(&self, blob: &str) -> io::Result<(u64, OpenContent)> {
        match self.kept.get(blob) {
            Some(bytes) => Ok((u64::try_from(bytes.len()).unwrap_or(u64::MAX), Box::new(io::Cursor::new(bytes.clone())))),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such content")),
        }
    }
}

//! The mapping engine: partners' wires ⇄ canonical documents, both directions from the one line.
//!
//! How other rooms use it:
//!
//! - [`Shapes::new`] takes the canonical JSON Schemas (and the [`Editions`] of forms) once.
//! - [`Book::compile`] takes one partner's texts ([`Source`]); it gives all faults at once ([`render`] shows them) or a `Book`.
//! - [`Book::map`] gives a [`Mapping`]; [`Mapping::read`] and [`Mapping::write`] are its two directions.
//! - [`lint()`] reads a whole document strictly, without a mapping.
//! - [`peek()`] reads single values for reply judges and `about`, without a mapping.
//!
//! Always: reading goes over events and writing straight into bytes, no tree of the wire is built; a reading is in the canonical
//! normal form; `read(write(c)) = carried(c)`; equal input gives equal bytes; a fault tells no value that is not public.
//! Deliberately not here: sockets, files, tokio, partners' words, what a reply means, idempotency.

mod api;
mod archive;
mod base64_stream;
#[cfg(test)]
mod batch_tests;
mod book;
mod cells;
mod codes;
mod compile;
mod convert;
mod cut;
#[cfg(test)]
mod cut_tests;
mod editions;
mod explain;
mod fault;
mod fidelity;
mod form;
mod grammar;
mod invent;
mod invent_texts;
#[cfg(test)]
mod joins_tests;
mod json;
mod json_schema;
#[cfg(test)]
mod keyed_tests;
#[cfg(test)]
mod laws;
mod lint;
mod needs;
mod normal;
#[cfg(test)]
mod packed_tests;
mod parser;
mod pattern;
mod peek;
mod place;
mod plan;
#[cfg(test)]
mod premises_tests;
#[cfg(test)]
mod premises_told;
mod read;
#[cfg(test)]
mod refusals;
mod report;
mod shapes;
mod slip;
mod soap;
mod source;
#[cfg(test)]
mod sparse_tests;
mod takes;
mod tidy;
mod wire_schema;
mod write;
mod xml;
mod xml_chars;
mod xml_decode;
mod xml_texts;
mod xml_tokens;
mod xsd;

pub use api::{
    Content, ContentSink, ContentSource, Context, Envelope, Format, Hole, MemoryContents, NoContents, OpenContent, RawFields,
    Reading, Reported, Sealer, Sparse, Unread,
};
pub use book::{Book, Mapping, Needed, RootField};
pub use compile::nearest;
pub use cut::{Cutter, Gap, Spool, Wire};
pub use editions::{Editions, bare};
pub use explain::Explained;
pub use fault::{Both, FaultKind, Found, Place, WireFault, WriteFault, WriteFaultKind};
pub use fidelity::{Fidelity, Keeping, Kept};
pub use form::form_object;
pub use invent::{Invented, Inventor};
pub use json_schema::JsonSchema;
pub use lint::lint;
pub use needs::{Unmet, Wants};
pub use peek::{Peeked, Scalar, SoapFault, peek};
pub use report::render;
pub use shapes::Shapes;
pub use soap::{FaultCode, soap_fault};
pub use source::{Check, Source, SourceFault};
pub use tidy::tidy;
pub use wire_schema::WireSchema;
pub use xsd::{Judged, RowsAt, WireElement, Xsd, XsdFault, XsdInventor, XsdValidator};

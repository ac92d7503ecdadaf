//! What may stand on a wire, judged by strangers: the W3C's XML test suite, other parsers, hard
//! values, invented documents through every mapping, the fuzzers' corpus.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod allocations;
#[path = "../../fuzz/src/checks.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets call it from their own crates")]
mod checks;
mod corpus;
mod from_json_schemas;
mod from_schemas;
mod hard;
mod json;
mod laws;
mod mutants;
mod respell;
mod rig;
mod strangers;
mod suite;
mod sync;
mod tried;
#[path = "../door/vidientu.rs"]
mod vidientu;

//! What may stand on a wire, judged by strangers: the W3C's XML test suite, other parsers, hard values.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod laws;
mod mutants;
mod respell;
mod suite;

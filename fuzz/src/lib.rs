//! The engine's rooms as source, and what must hold for any bytes.
#![allow(dead_code, reason = "only a part of the rooms is called here")]

extern crate self as lienthong;

#[path = "../../src/body/mod.rs"]
pub mod body;
pub mod checks;
#[path = "../../src/clock.rs"]
pub mod clock;
#[path = "../../src/mapping/mod.rs"]
pub mod mapping;
#[path = "../../src/seal/mod.rs"]
pub mod seal;

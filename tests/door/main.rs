//! The door with the shipped adapters on the real journal: what goes in, what is refused, in the caller's own format.
//!
//! Every bad input of the list gets a clear refusal and changes nothing: the journal's own count of written rows stands still. No socket,
//! no partner: the routers are called directly, the clock is turned by hand.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test: what is not there is a failure")]

mod axis;
mod batches;
mod books;
mod events;
mod forecast;
mod guide;
mod large;
mod letters;
mod matrix;
mod ministry;
mod money;
mod national;
mod operators;
mod overload;
mod payment;
mod portal;
mod retention;
mod rig;
mod second;
mod tls;
mod together;
mod vidientu;

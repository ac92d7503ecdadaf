//! lienthong: the gateway between a city's public service portal, the Ministry of Education's
//! software and the national payment platform.
//!
//! The tour, floor by floor (a room imports only from floors below its own; `tests/house.rs` holds the table):
//!
//! | floor | rooms | what they are |
//! |---|---|---|
//! | 9 | [`cli`] | commands |
//! | 8 | [`app`] | composition root: the only place where things are built and handed to each other |
//! | 7 | [`http`] | the door: bytes and caller in; receipt, answer or problem out |
//! | 6 | [`intake`] [`dispatch`] [`settlement`] | use cases; they do not know each other |
//! | 5 | [`exchange`] | pure: (message, snapshot, catalogue) → effects |
//! | 4 | [`catalogue`] [`journal`] [`partner`] | knowledge, memory, hands |
//! | 3 | [`mapping`] [`delivery`] [`config`] | pure: no tokio, no sockets, no clock of their own (config alone reads files and environment) |
//! | 2 | [`model`] | dossier, status, message, money, ids |
//! | 1 | [`body`] [`clock`] [`seal`] [`planted`] | what canonical bodies are made of; time as an argument; HMAC, digests, secrets; faults that test builds plant |
//! | – | [`simulator`] | a stranger: knows the wire contracts, never our mapping |

pub mod app;
pub mod body;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod dispatch;
pub mod exchange;
pub mod http;
pub mod intake;
pub mod journal;
pub mod mapping;
pub mod model;
pub mod partner;
pub mod planted;
pub mod seal;
pub mod settlement;
pub mod simulator;

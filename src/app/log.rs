//! Logs: tracing to stderr, a line for people or a JSON object for programs. What is logged is decided where it is said; nothing personal
//! is said anywhere (promise 8).

use crate::config::{Format, Log};
use std::io::IsTerminal as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Starts logging for the whole process; a second call changes nothing.
pub fn log(settings: &Log) {
    let level = settings.level.parse().unwrap_or(LevelFilter::INFO);
    // The libraries speak up only when something is wrong.
    let filter = Targets::new().with_target("lienthong", level).with_default(level.min(LevelFilter::WARN));
    let registry = tracing_subscriber::registry().with(filter);
    let writer = std::io::stderr;
    let colour = writer().is_terminal();
    let _ = match settings.format {
        Format::Human => {
            registry.with(tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour).with_target(false)).try_init()
        }
        Format::Json => registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer)).try_init(),
    };
}

//! `lienthong check`: are the adapters sound? All faults of all files at once.

use super::{Failed, screen};
use crate::catalogue::{self, Catalogue, Files, LoadFaults, Settings};
use crate::config::Placeholders;
use std::path::PathBuf;

const ABOUT: &str = "\
Compiles every adapter, code list, schema and the catalogue of procedures, and tells all faults at once, each with file, line and column. \
No secret is needed: references are followed to stand-ins.

Run it after every change in adapters/ or schemas/, before the gateway is restarted with them.";

const EXAMPLES: &str = "\
Examples:
  lienthong check                     those inside the program
  lienthong check adapters            those of this folder (schemas/ is taken from beside it)
  lienthong check /etc/lienthong      a folder that holds adapters/ and schemas/
  lienthong check adapters --json     one object a fault, for editors and CI";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The folder; left out: the adapters inside the program.
    adapters_dir: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let report = catalogue::check(&super::files(arguments.adapters_dir.as_deref())?);
    if json {
        screen::json(&report.json());
    } else if report.is_good() {
        screen::out(&report.text(false));
    } else {
        screen::note(report.faults.render(screen::colour()).trim_end());
    }
    match report.faults.count() {
        0 => Ok(()),
        1 => Err(Failed::because("1 fault")),
        count => Err(Failed::because(format!("{count} faults"))),
    }
}

/// Compiles a set with stand-ins for secrets.
pub(super) fn compile(files: &Files) -> Result<Catalogue, LoadFaults> {
    Catalogue::load(files, &Settings::new(), &Placeholders)
}

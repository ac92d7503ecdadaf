//! `lienthong check`: are the adapters sound? All faults of all files at once.

mod fidelity;
mod queued;

use super::{Failed, remote, screen};
use crate::catalogue::{Catalogue, Files, LoadFaults, Settings};
use crate::clock::{Clock as _, Time, Wall};
use crate::config::Placeholders;
use serde_json::json;
use std::path::PathBuf;

pub(super) const ABOUT: &str = "\
Compiles every adapter, code list, schema and the catalogue of procedures and proves them: names, order and required elements against \
the partners' XSD, seals, what one route needs and another gives, every sample both ways, invented documents through every mapping. All \
faults are told at once, each with file, line and column (the checks' codes V1 to V12 stand in --json). No secret is needed: references \
are followed to stand-ins.

Run it after every change in adapters/ or schemas/, before the gateway is restarted with them.";

const EXAMPLES: &str = "\
Examples:
  lienthong check                     those inside the program
  lienthong check adapters            those of this folder (schemas/ is taken from beside it)
  lienthong check /etc/lienthong      a folder that holds adapters/ and schemas/
  lienthong check adapters --json     one object a fault, for editors and CI
  lienthong check adapters --queued   before a reload: which waiting deliveries could this set not write?
  lienthong check --fidelity          what each wire keeps, folds, drops, and does not carry";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The folder; left out: the adapters inside the program.
    adapters_dir: Option<PathBuf>,
    /// Shows what each wire keeps of each message, of one partner or of all.
    #[arg(long, value_name = "PARTNER", num_args = 0..=1, default_missing_value = "")]
    fidelity: Option<String>,
    /// Asks the running gateway which waiting deliveries this set could not write.
    #[arg(long)]
    queued: bool,
    #[command(flatten)]
    gateway: remote::Reach,
}

/// Runs it.
pub(super) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let files = super::files(arguments.adapters_dir.as_deref())?;
    match Catalogue::prove(&files, &Settings::new(), &Placeholders) {
        Ok(catalogue) => match &arguments.fidelity {
            Some(partner) => fidelity::show(&catalogue, &files, partner, json),
            None if arguments.queued => queued::ask(&files, &arguments.gateway, json).await,
            None => {
                sound(&catalogue, json);
                if let (false, Some(told)) = (json, calendar(&catalogue, Wall::new().now())) {
                    screen::note(told);
                }
                // Whoever has just changed a folder must not take the word about another set for one about his.
                if !json && arguments.adapters_dir.is_none() {
                    screen::note("these are the adapters inside the program; a folder's: lienthong check FOLDER");
                }
                Ok(())
            }
        },
        Err(faults) => {
            if json {
                screen::json(&as_json(&faults));
            } else {
                screen::note(faults.render(screen::colour()).trim_end());
            }
            let count = faults.count();
            Err(Failed::because(if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") }))
        }
    }
}

/// Compiles a set with stand-ins for secrets.
pub(super) fn compile(files: &Files) -> Result<Catalogue, LoadFaults> {
    Catalogue::load(files, &Settings::new(), &Placeholders)
}

/// A calendar of holidays that ends soon is no fault of the set, and worth a word in time.
fn calendar(catalogue: &Catalogue, now: Time) -> Option<String> {
    let today = now.civil()?.date();
    let until = catalogue.holidays.until().map_or_else(|| "no year".to_owned(), |day| day.to_string());
    let text = format!(
        "warning: schemas/catalogue/holidays.toml knows holidays until {until} only: add the next year's, or deadlines beyond will be wrong"
    );
    catalogue.holidays.end_soon(today).then_some(text)
}

fn sound(catalogue: &Catalogue, json: bool) {
    let row = |p: &crate::catalogue::Partner| {
        let (maps, outs, ins) = (p.book.names().count(), p.outs.len(), p.ins.len());
        let name = if p.enabled { p.name.clone() } else { format!("{} (off)", p.name) };
        (name, p.role.word(), maps, outs, ins)
    };
    let rows: Vec<_> = catalogue.all_partners().map(|p| row(p)).collect();
    let procedures = catalogue.procedures.list().len();
    if json {
        let partners: Vec<_> = rows
            .iter()
            .map(|(name, role, maps, outs, ins)| json!({"partner": name, "role": role, "mappings": maps, "out": outs, "in": ins}))
            .collect();
        let notes: Vec<_> = catalogue.notes().map(|(folder, n)| one(folder, n)).collect();
        screen::json(&json!({
            "faults": [],
            "notes": notes,
            "preconditions": catalogue.preconditions(),
            "partners": partners,
            "procedures": procedures,
            "digest": catalogue.digest,
        }));
        return;
    }
    let cells = |(name, role, maps, outs, ins): &(String, &str, usize, usize, usize)| {
        vec![name.clone(), (*role).to_owned(), maps.to_string(), outs.to_string(), ins.to_string()]
    };
    let table: Vec<Vec<String>> = rows.iter().map(cells).collect();
    screen::out(&screen::table(&["partner", "role", "mappings", "routes out", "routes in"], &table));
    for (folder, note) in catalogue.notes() {
        screen::note(format!("note: {folder}/{note}"));
    }
    for told in catalogue.preconditions() {
        screen::note(format!("tested at the door: {told}"));
    }
    screen::line(format!("\nno faults: {} partners, {procedures} procedures, adapter set {}", rows.len(), catalogue.digest));
}

fn as_json(faults: &LoadFaults) -> serde_json::Value {
    json!({ "faults": faults.iter().map(|(folder, f)| one(folder, f)).collect::<Vec<_>>() })
}

fn one(folder: &str, f: &crate::catalogue::FileFault) -> serde_json::Value {
    let file = format!("{folder}/{}", f.file);
    json!({ "file": file, "line": f.line, "column": f.column, "check": f.check.code(), "text": f.text, "hint": f.hint })
}

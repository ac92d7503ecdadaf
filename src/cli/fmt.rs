//! `lienthong fmt`: the one layout of mapping files.

use super::{Failed, screen};
use crate::mapping::{Source, render, tidy};
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) const ABOUT: &str = "\
Lays out mapping files (.map): four blanks a level, the columns of `=` and of comments under each other, one empty line at most. Nothing \
else changes: the text is parsed before and after, and both must say the same.";

const EXAMPLES: &str = "\
Examples:
  lienthong fmt adapters                    every .map under this folder, in place
  lienthong fmt --check adapters            changes nothing; exit code 1 if a file would change
  lienthong fmt - < submit.map              stdin to stdout, for editors";

/// Arguments of `fmt`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files, or folders with .map files; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing; tell which files would change.
    #[arg(long)]
    check: bool,
}

/// Runs it.
pub(super) fn run(a: &Arguments, json: bool) -> Result<(), Failed> {
    if a.files.iter().any(|f| f == Path::new("-")) {
        let (bytes, _) = super::wire::input(None)?;
        screen::out(&laid("stdin.map", &String::from_utf8_lossy(&bytes)).map_err(Failed::because)?);
        return Ok(());
    }
    let mut paths = Vec::new();
    a.files.iter().try_for_each(|path| maps(path, &mut paths))?;
    let (mut changed, mut broken) = (Vec::new(), 0);
    for path in &paths {
        let told = |e: std::io::Error| Failed::because(format!("{}: {e}", path.display()));
        let text = std::fs::read_to_string(path).map_err(told)?;
        match laid(&path.display().to_string(), &text) {
            Ok(new) if new == text => {}
            Ok(new) => {
                if !a.check {
                    std::fs::write(path, new).map_err(told)?;
                }
                changed.push(path.display().to_string());
            }
            Err(told) => {
                broken += 1;
                screen::note(told.trim_end());
            }
        }
    }
    if json {
        screen::json(&json!({ "files": paths.len(), "changed": changed, "broken": broken }));
    } else {
        let word = if a.check { "would change" } else { "laid out" };
        changed.iter().for_each(|path| screen::line(format!("{path}: {word}")));
    }
    match (broken, a.check && !changed.is_empty()) {
        (0, false) => Ok(()),
        (0, true) => {
            Err(Failed::because(format!("{} of {} files would change; `lienthong fmt` does it", changed.len(), paths.len())))
        }
        (n, _) => Err(Failed::because(format!("{n} of {} files cannot be read and were left as they are", paths.len()))),
    }
}

fn laid(file: &str, text: &str) -> Result<String, String> {
    tidy(file, text).map_err(|faults| render(&faults, &Source::new(".").with(file, text), screen::colour()))
}

/// A file, or all `.map` files under a folder, in order.
fn maps(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failed> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let told = |e: std::io::Error| Failed::because(format!("cannot read {}: {e}", path.display()));
    let mut inside =
        std::fs::read_dir(path).map_err(told)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(told)?;
    inside.sort();
    inside.iter().filter(|p| p.is_dir() || p.extension().is_some_and(|e| e == "map")).try_for_each(|p| maps(p, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_checked_then_laid_out_and_then_nothing_would_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("form/a.map");
        std::fs::create_dir(folder.path().join("form")).unwrap();
        std::fs::write(&path, "a=b\nbcd =c\n").unwrap();
        let ask = |check| run(&Arguments { files: vec![folder.path().to_owned()], check }, true);
        assert!(ask(true).unwrap_err().text.starts_with("1 of 1 files would change"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a=b\nbcd =c\n");
        assert!(ask(false).is_ok() && ask(true).is_ok());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a   = b\nbcd = c\n");
        std::fs::write(&path, "a = 'open\n").unwrap();
        assert!(ask(false).unwrap_err().text.contains("left as they are"));
    }
}

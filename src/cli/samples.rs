//! Messages in their partners' wire form, out of files: the adapters' samples, or a folder of a user's own.

use super::Failed;
use crate::catalogue::Files;
use crate::mapping::Context;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A message on a wire.
pub(super) struct Sample {
    pub(super) partner: String,
    pub(super) map: String,
    pub(super) file: String,
    pub(super) wire: Vec<u8>,
    pub(super) context: Context,
}

/// Those of the adapters.
pub(super) fn shipped_samples(files: &Files) -> Vec<Sample> {
    let rows = files.under("adapters/").filter_map(|(path, text)| {
        let (partner, rest) = path.split_once("/samples/")?;
        let (map, file) = rest.split_once('/')?;
        let beside = |ending: &str| files.text(&format!("adapters/{partner}/samples/{map}/{ending}"));
        sample(partner, map, file, text.as_bytes().to_vec(), &|name| beside(name).map(str::to_owned))
    });
    rows.collect()
}

/// Those of a folder: DIR/PARTNER/MESSAGE/FILE.
pub(super) fn own_samples(folder: &Path) -> Result<Vec<Sample>, Failed> {
    let mut samples = Vec::new();
    for (partner, partners) in folders(folder)? {
        for (map, maps) in folders(&partners)? {
            for path in inside(&maps)?.into_iter().filter(|p| p.is_file()) {
                let bytes = std::fs::read(&path).map_err(|e| Failed::because(format!("{}: {e}", path.display())))?;
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let beside = |name: &str| std::fs::read_to_string(maps.join(name)).ok();
                samples.extend(sample(&partner, &map, &file, bytes, &beside));
            }
        }
    }
    Ok(samples)
}

/// `None` for what stands beside a sample.
fn sample(partner: &str, map: &str, file: &str, wire: Vec<u8>, beside: &dyn Fn(&str) -> Option<String>) -> Option<Sample> {
    if file.ends_with(".canonical.json") || file.ends_with(".context.json") {
        return None;
    }
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut context = Context::new();
    let given =
        beside(&format!("{stem}.context.json")).and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(&text).ok());
    given.into_iter().flatten().for_each(|(name, value)| context.set(name, value));
    Some(Sample { partner: partner.to_owned(), map: map.to_owned(), file: file.to_owned(), wire, context })
}

fn folders(of: &Path) -> Result<Vec<(String, PathBuf)>, Failed> {
    let named = |p: PathBuf| p.is_dir().then(|| (p.file_name().unwrap_or_default().to_string_lossy().into_owned(), p));
    Ok(inside(of)?.into_iter().filter_map(named).collect())
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let told = |e: std::io::Error| Failed::because(format!("cannot read {}: {e}", folder.display()));
    let mut paths =
        std::fs::read_dir(folder).map_err(told)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(told)?;
    paths.sort();
    Ok(paths)
}

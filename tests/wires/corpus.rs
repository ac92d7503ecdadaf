//! The corpus of the fuzz targets (fuzz/corpus), replayed: what must hold for any bytes holds for these.

use super::checks;
use std::fs;
use std::path::Path;

/// A target, what must hold, and the fewest inputs.
type Target = (&'static str, fn(&[u8]), usize);

#[test]
fn what_must_hold_for_any_bytes_holds_for_the_fuzzers_corpus() {
    let targets: [Target; 4] =
        [("xml", checks::xml, 9), ("json", checks::json, 8), ("form", checks::form, 3), ("map", checks::map, 3)];
    for (target, check, floor) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(files.len() >= floor, "{}: {} files", folder.display(), files.len());
        files.iter().for_each(|path| check(&fs::read(path).unwrap()));
    }
}

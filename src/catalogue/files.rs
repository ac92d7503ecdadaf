//! The data files: those inside the program, or a folder of an operator's. Read once, as texts; the digest of all of them is the name
//! of the adapter set.

use crate::mapping::Source;
use crate::seal::Sha256;
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::path::Path;

static ADAPTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/adapters");
static SCHEMAS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// Texts by path: `adapters/<partner>/partner.toml`, `schemas/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    texts: BTreeMap<String, String>,
}

/// Why the files cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {why}")]
pub struct FilesError {
    /// The file or folder.
    pub path: String,
    /// What the system says.
    pub why: String,
}

// === impl Files ===

impl Files {
    /// Those inside the program.
    #[must_use]
    pub fn embedded() -> Self {
        let mut files = Self::default();
        embed(&ADAPTERS, "adapters", &mut files.texts);
        embed(&SCHEMAS, "schemas", &mut files.texts);
        files
    }

    /// Those of a folder that holds `adapters/` and `schemas/`. Hidden files and those of editors are left out.
    pub fn folder(root: &Path) -> Result<Self, FilesError> {
        let mut files = Self::default();
        for name in ["adapters", "schemas"] {
            walk(&root.join(name), name, &mut files.texts)?;
        }
        Ok(files)
    }

    /// With one more text, or another one in its place.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.insert(path.into(), text.into());
        self
    }

    /// All paths and texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of a path.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// All texts under a folder (`adapters/one/`), the folder's path cut off, in order of their paths.
    pub fn under<'f>(&'f self, folder: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.texts
            .range(folder.to_owned()..)
            .map_while(move |(path, text)| path.strip_prefix(folder).map(|rest| (rest, text.as_str())))
    }

    /// A partner's texts, samples left out.
    #[must_use]
    pub fn source(&self, partner: &str) -> Source {
        let folder = format!("adapters/{partner}/");
        let mut source = Source::new(partner);
        source.files = self
            .under(&folder)
            .filter(|(path, _)| !path.starts_with("samples/"))
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        source
    }

    /// The names of the partners: the folders under `adapters/`.
    #[must_use]
    pub fn partners(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.under("adapters/").filter_map(|(path, _)| path.split_once('/').map(|(name, _)| name)).collect();
        names.dedup();
        names
    }

    /// SHA-256 over all paths and texts but samples, lower-case hex: the adapter set's name.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut sum = Sha256::new();
        for (path, text) in self.texts.iter().filter(|(path, _)| !path.contains("/samples/")) {
            for piece in [path, text] {
                sum.update(&u64::try_from(piece.len()).unwrap_or(u64::MAX).to_be_bytes());
                sum.update(piece.as_bytes());
            }
        }
        sum.hex()
    }
}

/// Writes texts by their paths into a folder of their own, which is gone after `then`.
pub(super) fn laid_out(texts: &BTreeMap<String, String>, then: impl FnOnce(&Path)) -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    for (path, text) in texts {
        let place = folder.path().join(path);
        place.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(place, text)?;
    }
    then(folder.path());
    folder.close()
}

fn embed(dir: &Dir<'static>, prefix: &str, to: &mut BTreeMap<String, String>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        if let Some(text) = file.contents_utf8().filter(|_| wanted(&path)) {
            to.insert(format!("{prefix}/{path}"), text.to_owned());
        }
    }
    for inner in dir.dirs() {
        embed(inner, prefix, to);
    }
}

fn walk(folder: &Path, prefix: &str, to: &mut BTreeMap<String, String>) -> Result<(), FilesError> {
    let told = |path: &Path| {
        let path = path.display().to_string();
        move |e: std::io::Error| FilesError { path, why: e.to_string() }
    };
    for entry in std::fs::read_dir(folder).map_err(told(folder))? {
        let entry = entry.map_err(told(folder))?;
        let path = entry.path();
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if !wanted(&name) {
            continue;
        }
        if path.is_dir() {
            walk(&path, &name, to)?;
        } else if let Ok(text) = String::from_utf8(std::fs::read(&path).map_err(told(&path))?) {
            to.insert(name, text);
        }
    }
    Ok(())
}

fn wanted(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !name.starts_with('.') && !name.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_inside_the_program_are_those_of_the_folder() {
        let folder = Files::folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(Files::embedded().digest(), folder.digest());
    }

    #[test]
    fn the_digest_changes_with_every_text_and_path_but_not_with_samples() {
        let one = Files::default().with("adapters/a/x", "1");
        assert_ne!(one.digest(), one.clone().with("adapters/a/x", "2").digest());
        assert_ne!(one.digest(), Files::default().with("adapters/b/x", "1").digest());
        assert_eq!(one.digest(), one.clone().with("adapters/a/samples/s", "s").digest());
    }

    #[test]
    fn partners_are_the_folders_under_adapters() {
        let files =
            Files::default().with("adapters/b/partner.toml", "").with("adapters/a/x.map", "").with("adapters/a/y.map", "");
        assert_eq!(files.partners(), ["a", "b"]);
        assert_eq!(files.under("adapters/a/").count(), 2);
    }
}

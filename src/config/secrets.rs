//! Secrets by reference: `secret:NAME` in a file means "whatever the secrets' source calls NAME".
//!
//! Always: a name is a plain relative path (letters, digits, `.`, `_`, `-`, `/`, no `..`), so no reference reads outside the folder;
//! a value never appears in an error or a log ([`Secret`] does not show itself).

use super::env::Env;
use crate::seal::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where secrets come from.
pub trait Secrets {
    /// The secret of a name; none when there is none.
    fn get(&self, name: &str) -> Option<Secret>;
}

/// A folder with a file a name, then the environment (`LIENTHONG_SECRET_<NAME>`, upper case, other characters as `_`).
pub struct FolderSecrets<'e> {
    /// The folder; none: only the environment.
    pub folder: Option<PathBuf>,
    /// The environment.
    pub env: &'e dyn Env,
}

/// A fixed map: demo and tests.
#[derive(Clone, Debug, Default)]
pub struct FixedSecrets(pub BTreeMap<String, Secret>);

/// Something for every name: for `check`, which needs no real secret.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placeholders;

// === impl Secrets ===

impl Secrets for FolderSecrets<'_> {
    fn get(&self, name: &str) -> Option<Secret> {
        if !plain(name) {
            return None;
        }
        let file = self.folder.as_ref().and_then(|folder| std::fs::read_to_string(folder.join(name)).ok());
        let value = file.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()).filter(|text| !text.is_empty());
        value.or_else(|| self.env.get(&variable(name))).map(Secret::new)
    }
}

impl std::fmt::Debug for FolderSecrets<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FolderSecrets({:?})", self.folder)
    }
}

impl FixedSecrets {
    /// A map of plain texts.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), Secret::new(value))).into())
    }
}

impl Secrets for FixedSecrets {
    fn get(&self, name: &str) -> Option<Secret> {
        self.0.get(name).cloned()
    }
}

impl Secrets for Placeholders {
    fn get(&self, _name: &str) -> Option<Secret> {
        // Valid base64, so that a signing key made of it can be used.
        Some(Secret::new("cGxhY2Vob2xkZXI="))
    }
}

fn plain(name: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    name.split('/').all(word)
}

/// The environment variable of a secret's name.
#[must_use]
pub fn variable(name: &str) -> String {
    let upper = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("LIENTHONG_SECRET_{}", upper.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_the_folder_then_from_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("one")).unwrap();
        std::fs::write(dir.path().join("one/key"), "mo-cua\n").unwrap();
        let env: BTreeMap<String, String> = [("LIENTHONG_SECRET_ONE_OTHER".to_owned(), "khac".to_owned())].into();
        let secrets = FolderSecrets { folder: Some(dir.path().to_owned()), env: &env };
        assert_eq!(secrets.get("one/key").unwrap().expose(), "mo-cua");
        assert_eq!(secrets.get("one/other").unwrap().expose(), "khac");
        assert!(secrets.get("one/none").is_none());
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("outside"), "x").unwrap();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let env = BTreeMap::<String, String>::new();
        let secrets = FolderSecrets { folder: Some(inner), env: &env };
        for name in ["../outside", "/etc/hostname", "a/../../outside", "", ".", "a//b"] {
            assert!(secrets.get(name).is_none(), "{name}");
        }
    }
}

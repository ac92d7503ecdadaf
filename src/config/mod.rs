//! Configuration: what an operator may set. The only room that reads the environment and configuration files.
//!
//! Always: unknown keys are refused; defaults stand in the types; every fault of a file is told at once with line and column; secrets
//! are given by reference and never shown. It does not know partners' wires: `partner.toml` is read by `catalogue`, with [`reader`].
//!
//! What the environment may say: `LIENTHONG_CONFIG`, `LIENTHONG_DATA`, `LIENTHONG_LISTEN`, and `LIENTHONG_SECRET_<NAME>`.

mod allow;
mod callers;
mod env;
mod gateway;
pub mod reader;
mod retention;
mod secrets;
mod units;

pub use callers::{Caller, Callers, Credential, Network, Role};
pub use env::{Env, ProcessEnv};
pub use gateway::{Format, Gateway, Limits, Log, PartnerSettings, Rate, RetrySettings, Tls};
pub use reader::Fault;
pub use retention::Retention;
pub use secrets::{FixedSecrets, FolderSecrets, Placeholders, Secrets, variable};

use std::path::{Path, PathBuf};

/// Everything an operator configures.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// gateway.toml.
    pub gateway: Gateway,
    /// callers.toml.
    pub callers: Callers,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has faults: all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults(Vec<Fault>),
}

// === impl Config ===

impl Config {
    /// Where gateway.toml stands.
    #[must_use]
    pub fn file(path: Option<&Path>, env: &dyn Env) -> PathBuf {
        let named = env.get("LIENTHONG_CONFIG").map(PathBuf::from);
        path.map(Path::to_path_buf).or(named).unwrap_or_else(|| PathBuf::from("config/gateway.toml"))
    }

    /// Reads gateway.toml at `path` (else `LIENTHONG_CONFIG`, else `config/gateway.toml`), the callers file it names, and lays the
    /// environment over them. Relative paths count from the folder of gateway.toml.
    pub fn load(path: Option<&Path>, env: &dyn Env) -> Result<Self, ConfigError> {
        let path = Self::file(path, env);
        let parsed = Gateway::parse(&path.display().to_string(), &read(&path)?);
        let (mut gateway, mut faults) = match parsed {
            Ok(gateway) => (gateway, Vec::new()),
            Err(faults) => (Gateway::default(), faults),
        };
        faults.extend(gateway.overlay(env));
        gateway.anchor(path.parent().unwrap_or(Path::new("")));
        let mut callers = Callers::default();
        if faults.is_empty() {
            let file = gateway.callers.display().to_string();
            match Callers::parse(&file, &read(&gateway.callers)?) {
                Ok(read) => callers = read,
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(Self { gateway, callers }) } else { Err(ConfigError::Faults(faults)) }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_shipped_examples_can_be_loaded() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/gateway.toml");
        let config = Config::load(Some(&path), &BTreeMap::<String, String>::new()).unwrap();
        assert!(!config.callers.list.is_empty());
        assert!(config.gateway.callers.ends_with("config/callers.toml"));
    }

    #[test]
    fn the_environment_lies_over_the_file() {
        let path = format!("{}/config/gateway.toml", env!("CARGO_MANIFEST_DIR"));
        let env: BTreeMap<String, String> =
            [("LIENTHONG_CONFIG", path.as_str()), ("LIENTHONG_DATA", "/srv/lt"), ("LIENTHONG_LISTEN", "127.0.0.1:9999")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into();
        let config = Config::load(None, &env).unwrap();
        assert_eq!(config.gateway.data, Path::new("/srv/lt"));
        assert_eq!(config.gateway.listen.to_string(), "127.0.0.1:9999");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Config::load(Some(Path::new("/nowhere/gateway.toml")), &BTreeMap::<String, String>::new()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/gateway.toml"), "{error}");
    }
}

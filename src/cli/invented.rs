//! What an invented world needs, for `demo` and `torture`: the partners' names by role, credentials, a folder.
//!
//! Partners are found by their role, never by a name. Credentials are made anew for each run, both sides take them from here. A folder
//! is removed at the end, however it ends short of a kill.

use super::Failed;
use crate::catalogue::{Auth, Catalogue, Role};
use crate::clock::{Clock as _, Wall};
use crate::config::Secrets;
use crate::model::Mint;
use crate::seal::{Secret, SystemRandom};
use crate::simulator::Credentials;
use base64::Engine as _;
use std::path::{Path, PathBuf};

/// A folder of ours, removed when dropped unless it is kept.
pub(super) struct Folder {
    path: PathBuf,
    keep: bool,
}

/// Invented words, one a credential.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) portal: String,
    pub(super) callback: String,
    pub(super) webhook: String,
    pub(super) ministry: String,
    pub(super) service: String,
    pub(super) key_1: String,
    pub(super) key_2: String,
    pub(super) operator: String,
}

/// The partners' names by role, and the seal of the payment platform's notices.
pub(super) struct Names {
    pub(super) portal: String,
    pub(super) ministry: String,
    pub(super) payment: String,
    pub(super) notice: String,
}

// === impl Names ===

impl Names {
    pub(super) fn of(catalogue: &Catalogue) -> Result<Self, Failed> {
        let find = |role: Role| {
            let none = || Failed::because(format!("no adapter plays the role {}", role.word()));
            catalogue.partner_of_role(role).ok_or_else(none)
        };
        let payment = find(Role::Payment)?;
        let sealed = payment.ins.values().find(|r| r.auth == Some(Auth::Seal));
        Ok(Self {
            portal: find(Role::Portal)?.name.clone(),
            ministry: find(Role::Ministry)?.name.clone(),
            payment: payment.name.clone(),
            notice: sealed.and_then(|r| r.seals.first()).cloned().unwrap_or_default(),
        })
    }
}

// === impl Words ===

impl Words {
    /// Who the portal is at the gateway.
    pub(super) const PORTAL: &str = "city-portal";
    /// Who the Ministry's software is at the gateway.
    pub(super) const MINISTRY: &str = "ministry-software";

    pub(super) fn invent() -> Self {
        let mint = Mint::new(&SystemRandom, Wall::new().now());
        let word = || mint.opaque();
        let webhook = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(word()));
        Self {
            portal: word(),
            callback: word(),
            webhook,
            ministry: word(),
            service: word(),
            key_1: word(),
            key_2: word(),
            operator: word(),
        }
    }

    pub(super) fn portal(&self) -> Credentials {
        Credentials {
            password: Some(self.callback.clone()),
            gateway_username: Some(Self::PORTAL.to_owned()),
            gateway_password: Some(self.portal.clone()),
            webhook: Some(self.webhook.clone()),
            ..Credentials::default()
        }
    }

    pub(super) fn ministry(&self) -> Credentials {
        Credentials {
            password: Some(self.service.clone()),
            gateway_username: Some(Self::MINISTRY.to_owned()),
            gateway_password: Some(self.ministry.clone()),
            ..Credentials::default()
        }
    }

    pub(super) fn payment(&self) -> Credentials {
        Credentials { key_1: Some(self.key_1.clone()), key_2: Some(self.key_2.clone()), ..Credentials::default() }
    }
}

impl Secrets for Words {
    /// By the last word of the reference: the folder before it is a partner's name.
    fn get(&self, name: &str) -> Option<Secret> {
        let word = match name.rsplit('/').next().unwrap_or(name) {
            "client" => &self.callback,
            "webhook" => &self.webhook,
            "password" => &self.service,
            key if key.ends_with('1') => &self.key_1,
            key if key.ends_with('2') => &self.key_2,
            _ => return None,
        };
        Some(Secret::new(word.clone()))
    }
}

// === impl Folder ===

impl Folder {
    pub(super) fn make(what: &str, keep: bool) -> Result<Self, Failed> {
        let id = Mint::new(&SystemRandom, Wall::new().now()).opaque();
        let path = std::env::temp_dir().join(format!("lienthong-{what}-{id}"));
        std::fs::create_dir(&path).map_err(|e| Failed::because(format!("cannot make {}: {e}", path.display())))?;
        Ok(Self { path, keep })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_kept(&self) -> bool {
        self.keep
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed lies in the system's temporary folder.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

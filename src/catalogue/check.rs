//! `lienthong check`: every adapter and schema compiled, every fault of every file at once. Needs no secret and changes nothing.

use super::files::Files;
use super::load::{Catalogue, LoadFaults, Settings};
use super::route::{Auth, InRoute};
use crate::config::{Callers, Credential, Placeholders};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What `check` found.
#[derive(Debug)]
pub struct Report {
    /// The adapter set's digest.
    pub digest: String,
    /// One line a partner.
    pub partners: Vec<PartnerLine>,
    /// Canonical schemas and forms.
    pub schemas: usize,
    /// Rows of the catalogue; none when it has faults.
    pub procedures: usize,
    /// All faults.
    pub faults: LoadFaults,
}

/// What there is of a partner.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PartnerLine {
    /// Its name.
    pub name: String,
    /// Its title; empty when partner.toml has faults.
    pub title: String,
    /// Its role; empty when partner.toml has faults.
    pub role: String,
    /// Mapping files, parts among them.
    pub maps: usize,
    /// Doors.
    pub ins: usize,
    /// Calls.
    pub outs: usize,
    /// Samples.
    pub samples: usize,
}

/// Compiles everything.
#[must_use]
pub fn check(files: &Files) -> Report {
    let loaded = Catalogue::load(files, &Settings::new(), &Placeholders);
    let line = |name: &str| {
        let partner = loaded.as_ref().ok().and_then(|c| c.partners.get(name));
        let folder = format!("adapters/{name}/");
        let count = |fits: &dyn Fn(&str) -> bool| files.under(&folder).filter(|(path, _)| fits(path)).count();
        PartnerLine {
            name: name.to_owned(),
            title: partner.map(|p| p.title.clone()).unwrap_or_default(),
            role: partner.map(|p| p.role.word().to_owned()).unwrap_or_default(),
            maps: count(&|path| path.ends_with(".map")),
            ins: partner.map_or(0, |p| p.ins.len()),
            outs: partner.map_or(0, |p| p.outs.len()),
            samples: count(&|path| path.starts_with("samples/")),
        }
    };
    let partners = files.partners().into_iter().map(line).collect();
    let schemas = files.under("schemas/canonical/").filter(|(path, _)| path.ends_with(".json")).count();
    let procedures = loaded.as_ref().map_or(0, |c| c.procedures.list().len());
    Report { digest: files.digest(), partners, schemas, procedures, faults: loaded.err().unwrap_or_default() }
}

/// What of the callers does not fit the partners: a partner, seal or role that is not there, a door nobody can pass. Sentences for the
/// operator, in order of the callers.
#[must_use]
pub fn check_callers(catalogue: &Catalogue, callers: &Callers) -> Vec<String> {
    let mut told = Vec::new();
    for caller in &callers.list {
        let Some(name) = &caller.partner else { continue };
        let Some(partner) = catalogue.partners.get(name) else {
            told.push(format!("caller `{}`: there is no partner `{name}`", caller.name));
            continue;
        };
        let word = partner.role.word();
        if !caller.roles.iter().any(|r| r.word() == word) {
            told.push(format!("caller `{}` speaks for `{name}`, a {word}, without the role {word}", caller.name));
        }
        if let Credential::Seal { seal } = &caller.credential
            && !partner.seals.contains_key(seal)
        {
            told.push(format!("caller `{}`: partner `{name}` has no seal `{seal}`", caller.name));
        }
    }
    for partner in catalogue.partners.values() {
        for route in partner.ins.values() {
            let can = |c: &&crate::config::Caller| c.partner.as_deref() == Some(&partner.name) && passes(route, &c.credential);
            if !callers.list.iter().any(|c| can(&c)) {
                told.push(format!(
                    "nobody can pass the door `{}` of `{}`: no caller has a credential for it",
                    route.name, partner.name
                ));
            }
        }
    }
    told
}

fn passes(route: &InRoute, credential: &Credential) -> bool {
    match (route.auth, credential) {
        (None, Credential::Client { .. }) | (Some(Auth::Bearer), Credential::Client { .. } | Credential::Token { .. }) => true,
        (Some(Auth::Basic), Credential::Basic { .. }) | (Some(Auth::Network), Credential::Networks(_)) => true,
        (Some(Auth::Seal), Credential::Seal { seal }) => route.seals.contains(seal),
        _ => false,
    }
}

// === impl Report ===

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.count() == 0
    }

    /// For people: what there is, or every fault in rustc's manner.
    #[must_use]
    pub fn text(&self, color: bool) -> String {
        if !self.is_good() {
            let count = self.faults.count();
            let files =
                self.faults.iter().map(|(folder, f)| (folder, f.file.as_str())).collect::<std::collections::BTreeSet<_>>().len();
            return format!("{}{count} faults in {files} files\n", self.faults.render(color));
        }
        let mut out = String::new();
        for p in &self.partners {
            let _ = writeln!(
                out,
                "{:<12} {:<9} {:>3} maps {:>3} doors {:>3} calls {:>4} samples  {}",
                p.name, p.role, p.maps, p.ins, p.outs, p.samples, p.title
            );
        }
        let _ = writeln!(
            out,
            "{} schemas, {} procedures, adapter set {}",
            self.schemas,
            self.procedures,
            self.digest.get(..12).unwrap_or(&self.digest)
        );
        out.push_str("no faults\n");
        out
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let faults: Vec<Value> = self
            .faults
            .iter()
            .map(|(folder, f)| json!({"file": format!("{folder}/{}", f.file), "line": f.line, "column": f.column, "text": f.text, "hint": f.hint}))
            .collect();
        json!({
            "good": self.is_good(),
            "digest": self.digest,
            "partners": self.partners,
            "schemas": self.schemas,
            "procedures": self.procedures,
            "faults": faults,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_has_no_faults_and_is_counted() {
        let report = check(&Files::embedded());
        assert!(report.is_good(), "{}", report.faults);
        assert_eq!((report.partners.len(), report.procedures), (3, 243));
        assert!(report.text(false).ends_with("no faults\n"), "{}", report.text(false));
        assert_eq!(report.json()["good"], true);
    }

    #[test]
    fn the_shipped_callers_fit_the_shipped_partners() {
        let catalogue = Catalogue::load(&Files::embedded(), &Settings::new(), &Placeholders).unwrap();
        let text = include_str!("../../config/callers.toml");
        let callers = Callers::parse("callers.toml", text).unwrap();
        assert_eq!(check_callers(&catalogue, &callers), Vec::<String>::new());
        let mut wrong = callers.clone();
        wrong.list[0].partner = Some("x".into());
        let told = check_callers(&catalogue, &wrong);
        assert!(
            told[0].contains("there is no partner `x`") && told.iter().any(|t| t.contains("nobody can pass the door")),
            "{told:#?}"
        );
    }

    #[test]
    fn faults_of_several_files_are_told_at_once() {
        let files = Files::embedded()
            .with("adapters/x/partner.toml", "name = 'x'\nrolle = 'portal'\n")
            .with("schemas/catalogue/services.toml", "[[era]]\nname = 1\n")
            .with("schemas/canonical/receipt.json", "{");
        let report = check(&files);
        let text = report.text(false);
        for want in ["adapters/x/partner.toml:2:1", "unknown key `rolle`", "services.toml:2:8", "receipt.json"] {
            assert!(text.contains(want), "{want}: {text}");
        }
        assert_eq!(report.json()["good"], false);
        assert!(report.json()["faults"].as_array().is_some_and(|f| f.len() > 3));
    }
}

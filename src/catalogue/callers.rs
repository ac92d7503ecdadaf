//! Do the callers of callers.toml fit the partners of the adapters? Asked at start; what is told is for the operator's log.

use super::load::Catalogue;
use super::route::{Auth, InRoute};
use crate::config::{Callers, Credential};

/// What of the callers does not fit the partners: a partner, seal or role that is not there, a door nobody can pass. Sentences for the
/// operator, in order of the callers.
#[must_use]
pub fn check_callers(catalogue: &Catalogue, callers: &Callers) -> Vec<String> {
    let mut told = Vec::new();
    for caller in &callers.list {
        let Some(name) = &caller.partner else { continue };
        let Some(partner) = catalogue.partners.get(name) else {
            let what = if catalogue.off.contains_key(name) { "is off" } else { "is not there" };
            told.push(format!("caller `{}`: its partner `{name}` {what}", caller.name));
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
            let can = |c: &crate::config::Caller| c.partner.as_deref() == Some(&partner.name) && passes(route, &c.credential);
            if !callers.list.iter().any(|c| can(c)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Files, Settings};
    use crate::config::Placeholders;

    #[test]
    fn the_shipped_callers_fit_the_shipped_partners() {
        let catalogue = Catalogue::load(&Files::embedded(), &Settings::new(), &Placeholders).unwrap();
        let text = include_str!("../../config/callers.toml");
        let callers = Callers::parse("callers.toml", text).unwrap();
        assert_eq!(check_callers(&catalogue, &callers), Vec::<String>::new());
        let mut wrong = callers.clone();
        std::sync::Arc::make_mut(&mut wrong.list[0]).partner = Some("x".into());
        let told = check_callers(&catalogue, &wrong);
        assert!(
            told[0].contains("its partner `x` is not there") && told.iter().any(|t| t.contains("nobody can pass the door")),
            "{told:#?}"
        );
    }
}

//! Reading what a call asks before it leaves (`first`), and what its mapping takes from around the message:
//!
//! - `first` names an inquiry about a dossier, itself safe to repeat, whose judge finds something (`find`) whenever it says done;
//! - a call of several messages asks nothing first: what is found is one message's;
//! - a mapping reads `$asked.x` only where every answer to that inquiry finds `x`, and `$session` only where the route signs in for one.

use super::partner::SignIn;
use super::read::{Parts, known};
use super::route::{OutRoute, Repeat};
use crate::config::reader::Table;
use crate::delivery::{Judge, Then};
use crate::model::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// The rules of `first`, `$asked` and `$session` of one call.
pub(super) fn check(t: &Table<'_>, route: &OutRoute, routes: &BTreeMap<String, OutRoute>, parts: &Parts<'_>) {
    if route.first.is_some() && route.batch > 1 {
        let hint = "leave `batch` out: what is found beforehand is one message's".to_owned();
        t.fault_at("first", "a call of several messages asks nothing first", Some(hint));
    }
    let found = route.first.as_deref().map(|first| inquiry(t, first, routes).map(|asks| findings(t, asks, parts)));
    // A set read back was proven when it came into force.
    let Some(map) = parts.book.map(&route.map).filter(|_| parts.setting.held) else { return };
    let file = map.name();
    let signs_in = || route.sign_in.as_ref().and_then(|name| parts.signing.get(name));
    for name in map.around() {
        if name == "session" && !matches!(signs_in(), Some(SignIn::Post { .. })) {
            let hint = "`sign-in = \"name\"`, and [sign-in.name] with kind = \"post\"".to_owned();
            t.fault_at("map", format!("`{file}.map` uses `$session`, and this route signs in for none"), Some(hint));
        }
        let Some(asked) = name.strip_prefix("asked.") else { continue };
        match &found {
            None => {
                let hint = "`first = \"name\"`: the route that asks before each message".to_owned();
                t.fault_at("map", format!("`{file}.map` uses `${name}`, and this route asks nothing first"), Some(hint));
            }
            Some(Some(found)) if !found.contains(asked) => {
                let hint =
                    format!("`find = {{ {asked} = … }}` in each rule that says done, of the judge of the route asked first");
                t.fault_at("first", format!("`{file}.map` uses `${name}`, which not every answer finds"), Some(hint));
            }
            Some(_) => {}
        }
    }
}

/// The route that is asked first.
fn inquiry<'r>(t: &Table<'_>, first: &str, routes: &'r BTreeMap<String, OutRoute>) -> Option<&'r OutRoute> {
    let text = match routes.get(first) {
        None => format!("there is no route `out.{first}`"),
        Some(asks) if asks.message != Kind::DossierQuery => {
            format!("`out.{first}` carries {}: before a message a dossier is asked after, by dossier.query", asks.message.name())
        }
        Some(asks) if asks.repeat != Repeat::Safe => format!("`out.{first}` asks, so it must be `repeat = \"safe\"`"),
        Some(asks) => return Some(asks),
    };
    t.fault_at("first", text, known(routes.keys()));
    None
}

/// What every answer to an inquiry finds.
fn findings(t: &Table<'_>, asks: &OutRoute, parts: &Parts<'_>) -> BTreeSet<String> {
    let names = |judge: &Judge| {
        let done = judge.rules.iter().filter(|rule| rule.then == Then::Done);
        let each = done.map(|rule| rule.find.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<String>>());
        each.reduce(|all, more| all.intersection(&more).cloned().collect())
    };
    // A judge that is not there is told at its own place.
    let Some(judge) = parts.judges.get(&asks.judge) else { return BTreeSet::new() };
    let found = names(judge).unwrap_or_default();
    if found.is_empty() {
        let hint = "`find = { exists = true }` in one rule that says done, `find = { exists = false }` in the other".to_owned();
        t.fault_at("first", format!("judge `{}` of `out.{}` finds nothing", asks.judge, asks.name), Some(hint));
    }
    found
}

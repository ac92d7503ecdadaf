//! V11, flow: what an out-route's mapping needs of a message that comes in by a door and goes on as it is, the door's mapping or the
//! catalogue gives. A need that nothing can ever give is a fault; one that a message may or may not meet is tested at the door (intake),
//! so that it is refused there and does not get stuck. What the gateway makes itself is in `made`.

use super::files::Files;
use super::partner::Partner;
use super::route::OutRoute;
use crate::mapping::{Mapping, Needed, SourceFault, Wants};
use crate::model::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Messages that go on as they came in. What else goes out is made by the use cases, of what they know.
const PASSED_ON: [Kind; 3] = [Kind::DossierSubmit, Kind::DossierSupplement, Kind::DossierWithdraw];

/// What is put into such a message on its way: names from the catalogue, contents and their types from the files handed in before.
const COMPLETED: [&str; 5] = ["procedure_name", "agency.name", "due_at", "papers.files.content", "papers.files.type"];

/// Every need that no message can meet, by partner. A route that takes some procedures only is no such need: the door may hand in others.
pub(super) fn check(partners: &BTreeMap<String, Arc<Partner>>, files: &Files) -> Vec<(String, Vec<SourceFault>)> {
    let told = |l: Lack<'_>| {
        let hint = "`?` at this line, or a line for it there".to_owned();
        let found = l.map.fault_at_need(&l.need, l.text(), hint, &files.source(&l.to.name));
        (l.to.name.clone(), found)
    };
    lacks(partners).into_iter().filter(|l| !l.some_procedures).map(told).collect()
}

/// A field that a door's mapping never gives and an out-route's mapping needs.
struct Lack<'p> {
    from: &'p Partner,
    given: &'p Mapping,
    to: &'p Partner,
    map: &'p Mapping,
    need: Needed,
    some_procedures: bool,
}

impl Lack<'_> {
    fn text(&self) -> String {
        format!(
            "`{}` is needed by {}/{}.map, and neither {}/{}.map carries it nor the catalogue gives it: every such message is refused",
            self.need.field,
            self.to.name,
            self.map.name(),
            self.from.name,
            self.given.name()
        )
    }
}

fn lacks(partners: &BTreeMap<String, Arc<Partner>>) -> Vec<Lack<'_>> {
    let mut found = Vec::new();
    for kind in PASSED_ON {
        let doors = partners.values().flat_map(|p| p.ins.values().filter(|r| r.message == Some(kind)).map(move |r| (p, r)));
        for (from, door) in doors {
            let Some(given) = door.map.as_deref().and_then(|name| from.map(name)) else { continue };
            for (to, route, map) in outs(partners, kind).filter(|(to, ..)| to.name != from.name) {
                for need in map.needs().filter(|n| n.wants == Wants::Value && !COMPLETED.contains(&n.field.as_str())) {
                    if given.without().iter().any(|w| need.field == *w || need.field.starts_with(&format!("{w}."))) {
                        let some_procedures = route.procedures.is_some();
                        found.push(Lack { from, given, to, map, need, some_procedures });
                    }
                }
            }
        }
    }
    found
}

/// What is tested at the door, a sentence each: for whoever runs `check`.
pub(super) fn preconditions(partners: &BTreeMap<String, Arc<Partner>>) -> Vec<String> {
    let mut told = Vec::new();
    for kind in PASSED_ON {
        for (to, _, map) in outs(partners, kind) {
            for need in map.needs() {
                let what = match need.wants {
                    Wants::Value => "must be there",
                    Wants::Words(_) => "must be a word that its list has",
                    Wants::FileName => "must be a plain file name",
                    Wants::OwnKey => "must differ from row to row",
                };
                told.push(format!(
                    "{}/{}.map: `{}` {what}; a {} without it is refused at the door",
                    to.name,
                    map.name(),
                    need.field,
                    kind.name()
                ));
            }
        }
    }
    told.extend(lacks(partners).iter().map(Lack::text));
    told.sort();
    told.dedup();
    told
}

/// The calls that carry a message, of all partners.
pub(super) fn outs(
    partners: &BTreeMap<String, Arc<Partner>>,
    kind: Kind,
) -> impl Iterator<Item = (&Arc<Partner>, &OutRoute, &Mapping)> {
    let routes = partners.values().flat_map(|p| p.outs.values().map(move |r| (p, r)));
    routes.filter(move |(_, r)| r.enabled && r.message == kind).filter_map(|(p, r)| Some((p, r, p.map(&r.map)?)))
}

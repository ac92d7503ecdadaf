//! What another set of adapters would write otherwise for a message of an out-route. Places are told, never values: the answer may leave
//! the gateway.

use super::partner::Partner;
use crate::body::Value;
use crate::mapping::{Explained, Mapping, NoContents, WriteFaultKind};
use std::collections::{BTreeMap, BTreeSet};

/// One place on the wire where the two sets differ.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The place on the wire; of a refusal the canonical one.
    pub place: String,
    /// What becomes of it.
    pub how: Becomes,
}

/// What becomes of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Becomes {
    /// Nothing is written there any more.
    Gone,
    /// Something is written where nothing was.
    New,
    /// Something else is written.
    Changed,
    /// The changed set cannot write the message.
    Refused,
    /// The changed set has no such route.
    NoRoute,
}

/// Compares what both sets make of a message; `form` is procedure and edition of its dossier. Context values and contents do not count.
#[must_use]
pub fn compare(
    present: &Partner,
    changed: Option<&Partner>,
    route: &str,
    id: &str,
    body: &Value,
    form: Option<(&str, &str)>,
) -> Vec<Difference> {
    let Some(was) = fields(present, route, id, body, form) else { return Vec::new() };
    let Some(is) = changed.and_then(|p| fields(p, route, id, body, form)) else {
        return vec![Difference { place: String::new(), how: Becomes::NoRoute }];
    };
    let (was, is) = match (was, is) {
        (Ok(was), Ok(is)) => (was, is),
        (Ok(_), Err(place)) => return vec![Difference { place, how: Becomes::Refused }],
        // What the present set cannot write is not made worse.
        (Err(_), _) => return Vec::new(),
    };
    let places: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let difference = |place: &String| {
        let how = match (was.get(place), is.get(place)) {
            (Some(_), None) => Becomes::Gone,
            (None, Some(_)) => Becomes::New,
            (before, after) if before != after => Becomes::Changed,
            _ => return None,
        };
        Some(Difference { place: place.clone(), how })
    };
    places.into_iter().filter_map(difference).collect()
}

/// Wire places and their texts, or the canonical place that cannot be written; `None`: no such route.
fn fields(
    partner: &Partner,
    route: &str,
    id: &str,
    body: &Value,
    form: Option<(&str, &str)>,
) -> Option<Result<BTreeMap<String, Option<String>>, String>> {
    let map: &Mapping = partner.book.map(&partner.outs.get(route)?.map)?;
    let context = partner.context(id, form);
    // Contents are not opened and nothing is sealed here: only what a mapping refuses by itself counts.
    if let Err(fault) = map.write(body, &context, &NoContents, None)
        && !matches!(fault.kind, WriteFaultKind::Content | WriteFaultKind::Seal)
    {
        return Some(Err(fault.pointer));
    }
    let own = |f: &Explained| !f.canonical.starts_with('$');
    Some(Ok(map.explain(&[body], &context).into_iter().filter(own).map(|f| (f.wire, f.wire_value)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, Files, Settings};
    use crate::config::Placeholders;

    #[test]
    fn a_changed_line_is_told_by_its_place_without_a_value_and_the_same_set_differs_in_nothing() {
        let files = Files::embedded();
        let load = |files: &Files| Catalogue::revive(files, &Settings::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
        let present = load(&files);
        // A route out that carries a note, found in the data.
        let (partner, route) = present
            .partners
            .values()
            .find_map(|p| p.outs.iter().find(|(_, r)| r.message.name() == "dossier.withdraw").map(|(name, _)| (p, name)))
            .expect("a withdrawal goes out");
        let body = crate::body::json!({ "code": "H26.15-20260720-0000117", "reason": "Đổi ý" });
        let changed = |from: &str, to: &str| {
            let path = format!("adapters/{}/{}.map", partner.name, partner.outs[route].map);
            let text = files.text(&path).unwrap();
            assert!(text.contains(from), "{path} holds {from}");
            load(&files.clone().with(path.clone(), text.replacen(from, to, 1)))
        };
        let told = |set: &Catalogue| compare(partner, set.partners.get(&partner.name).map(|p| &**p), route, "m-1", &body, None);
        assert_eq!(told(&present), []);
        let line = files
            .text(&format!("adapters/{}/{}.map", partner.name, partner.outs[route].map))
            .and_then(|t| t.lines().find(|l| l.ends_with("= reason")).map(str::to_owned))
            .expect("a reason is carried");
        let renamed = told(&changed(&line, &format!("X{line}")));
        assert_eq!(renamed.iter().map(|d| d.how).collect::<BTreeSet<_>>().len(), 2, "{renamed:?}");
        assert!(renamed.iter().all(|d| !d.place.contains("Đổi")));
        assert_eq!(compare(partner, None, route, "m-1", &body, None)[0].how, Becomes::NoRoute);
    }
}

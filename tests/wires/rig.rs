//! What is shipped, as the proofs over invented documents take it: files, schemas, mappings with their heads, a context, a stand-in for seals.

use lienthong::catalogue::{Catalogue, Files, Partner, Seal};
use lienthong::mapping::{Context, Keeping, Mapping, RawFields, Sealer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Fills a seal's hole with a stand-in key; where a field under the seal is one that only the other side writes, with a stand-in for all of it.
pub(crate) struct StandIn<'s>(pub(crate) Option<&'s Seal>);

impl Sealer for StandIn<'_> {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        Ok(self.0.and_then(|seal| seal.text(raw).ok()).unwrap_or_else(|| "0".repeat(64)))
    }
}

/// What is shipped, and beside it, shipped off, a platform that speaks in forms: none of the shipped ones does.
pub(crate) fn files() -> Files {
    let shipped = Files::folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let own = super::vidientu::refunding();
    let with = |files: Files, folder: &str| {
        own.under(folder).fold(files, |files, (path, text)| files.with(format!("{folder}{path}"), text))
    };
    let files = with(with(shipped, "adapters/vidientu/"), "schemas/vidientu/");
    let partner = "adapters/vidientu/partner.toml";
    files.with(partner, format!("enabled = false\n{}", own.text(partner).unwrap()))
}

pub(crate) fn schemas(files: &Files) -> BTreeMap<String, serde_json::Value> {
    let json = |(path, text): (&str, &str)| {
        path.strip_suffix(".json").map(|name| (name.to_owned(), serde_json::from_str(text).unwrap()))
    };
    files.under("schemas/canonical/").filter_map(json).collect()
}

/// A key of a mapping's head.
pub(crate) fn head<'f>(files: &'f Files, partner: &str, map: &str, key: &str) -> Option<&'f str> {
    let text = files.text(&format!("adapters/{partner}/{map}.map")).unwrap();
    text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

/// The values a mapping needs besides the body; made up, but always the same.
pub(crate) fn context(partner: &Partner, form: Option<&str>) -> Context {
    let mut context = Context::new()
        .with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000001")
        .with("message.time", "2026-04-20T08:00:00+07:00")
        .with("session", "s-1")
        .with("asked.exists", true);
    for (name, value) in &partner.values {
        context.set(format!("partner.{name}"), value.as_str());
    }
    if let Some((procedure, edition)) = form.and_then(|f| f.split_once('@')) {
        context.set("dossier.procedure", procedure);
        context.set("dossier.edition", edition);
    }
    context
}

/// The mappings whose head names a schema that ends so: the partner, the name, the schema's path.
pub(crate) fn described<'c>(catalogue: &'c Catalogue, files: &'c Files, ending: &str) -> Vec<(&'c Partner, &'c str, &'c str)> {
    let mut all = Vec::new();
    for partner in catalogue.all_partners() {
        for name in partner.book.names() {
            if let Some(path) = head(files, &partner.name, name, "schema").filter(|p| p.ends_with(ending)) {
                all.push((&**partner, name, path));
            }
        }
    }
    all
}

/// Places of a mapping whose text need not come back: what it drops, folds, spells otherwise, or `twice` says of it.
pub(crate) fn loose(
    files: &Files,
    partner: &Partner,
    (map, title): (&Mapping, &str),
    twice: &[(&str, &str)],
) -> BTreeSet<String> {
    let lines = map.fidelity(&files.source(&partner.name)).lines;
    // A seal that was made up is written anew.
    let other = |how| matches!(how, Keeping::Dropped | Keeping::Folded | Keeping::Spellings);
    let loose = lines.iter().filter(|l| other(l.how) || l.text == "$seal");
    let twice = twice.iter().filter(|(map, _)| *map == title).map(|(_, place)| (*place).to_owned());
    loose.map(|l| place(&l.wire)).chain(twice).collect()
}

/// What a message of the wire knows beside itself; what it tells itself is not known before.
pub(crate) fn known(partner: &Partner, form: Option<&str>) -> (Context, Context) {
    let writing = context(partner, form);
    let mut reading = writing.clone();
    ["message.id", "message.time"].iter().for_each(|name| reading.set(*name, ""));
    (writing, reading)
}

/// A canonical pointer with `*` for indices.
pub(crate) fn general(pointer: &str) -> String {
    let steps =
        pointer.split('/').map(|step| if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) { "*" } else { step });
    steps.collect::<Vec<_>>().join("/")
}

/// A wire place without indices and choosers: `/A/B[1]/@c` and `A/B[]/@c` are one.
pub(crate) fn place(pointer: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in pointer.trim_start_matches('/').chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let step = |s: &str| s.rsplit(':').next().unwrap_or(s).to_owned();
    let steps = out.split('/').filter(|s| !s.bytes().all(|b| b.is_ascii_digit()));
    steps
        .map(|s| if s.starts_with('@') { format!("@{}", step(s.trim_start_matches('@'))) } else { step(s) })
        .collect::<Vec<_>>()
        .join("/")
}

/// The body of a SOAP call, or the document itself, as a document of its own.
pub(crate) fn payload(xml: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    let soap = root.tag_name().namespace().is_some_and(|ns| ns.contains("soap"));
    let node = if soap {
        let body = root.children().find(|n| n.tag_name().name() == "Body").unwrap();
        body.children().find(roxmltree::Node::is_element).unwrap()
    } else {
        root
    };
    xml[node.range()].to_owned()
}

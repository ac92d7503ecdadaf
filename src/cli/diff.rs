//! `lienthong diff`: what a changed set of adapters would do otherwise, message by message and field by field, before it is in force.
//!
//! Each sample is read by both sets and compared in the canonical form; what the present one understood is written by both and compared on
//! the wire. A refusal of one side is a difference like another. Values are shown: it is the user's own folder on the user's own terminal.

use super::remote::{Reach, Remote, list, number, text};
use super::samples::{Sample, own_samples, shipped_samples};
use super::{Failed, check, screen};
use crate::body::Value as Body;
use crate::catalogue::{Catalogue, Files};
use crate::mapping::{Context, Mapping, MemoryContents, WireFault};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) const ABOUT: &str = "\
Runs messages through the present adapters and through a changed folder, and tells what would differ: in what is understood of each wire \
(read), and in what is written for each message (write). Exit code 1 if anything differs.

The messages are the samples of the present adapters, or a folder of your own, laid out as PARTNER/MESSAGE/FILE with FILE in the \
partner's wire form (FILE.context.json beside it for what a mapping takes from the context). With --deliveries: what the running gateway \
has taken in between two times; it compares by itself and tells places, no values leave it, nothing is put in force.";

const EXAMPLES: &str = "\
Examples:
  lienthong diff new/                          the adapters inside the program against new/adapters and new/schemas
  lienthong diff new/ --present /etc/lienthong
  lienthong diff new/ --samples yesterday/ --only PARTNER/submit
  lienthong diff new/ --deliveries --from 2026-07-20T00:00:00+07:00
  lienthong diff new/ --json                   for programs";

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The changed folder (it holds adapters/ and schemas/).
    changed: PathBuf,
    /// The present folder; left out: the adapters inside the program.
    #[arg(long, value_name = "DIR")]
    present: Option<PathBuf>,
    /// Messages of your own: DIR/PARTNER/MESSAGE/FILE; left out: the present adapters' samples.
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
    /// Only these messages: PARTNER or PARTNER/MESSAGE; may be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The deliveries of the running gateway instead of samples.
    #[arg(long, conflicts_with_all = ["present", "samples", "only"])]
    deliveries: bool,
    /// With --deliveries: taken in at this time (RFC 3339) or later.
    #[arg(long, value_name = "TIME", requires = "deliveries")]
    from: Option<String>,
    /// With --deliveries: taken in before this time.
    #[arg(long, value_name = "TIME", requires = "deliveries")]
    until: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

/// One place where the two sets differ.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    direction: &'static str,
    place: String,
    before: Option<String>,
    after: Option<String>,
}

/// Places and what stands there; a refusal stands at its own place.
type Fields = BTreeMap<String, String>;

/// Both sets.
struct Sets {
    present: (Files, Catalogue),
    changed: (Files, Catalogue),
}

/// Runs it.
pub(super) async fn run(a: &Arguments, json: bool) -> Result<(), Failed> {
    if a.deliveries { running(a, json).await } else { samples(a, json) }
}

/// The deliveries of the running gateway, compared there.
async fn running(a: &Arguments, json: bool) -> Result<(), Failed> {
    let (files, _) = compiled(Some(&a.changed))?;
    let texts: BTreeMap<&str, &str> = files.iter().filter(|(path, _)| !path.contains("/samples/")).collect();
    let asked = json!({ "files": texts, "from": a.from, "until": a.until });
    let answer = super::remote::compared(&Remote::new(&a.reach)?, asked).await?;
    let (compared, differ) = (number(&answer, "compared"), number(&answer, "differ"));
    if json {
        screen::json(&answer);
    } else {
        for delivery in list(&answer, "deliveries") {
            screen::line(format!("{} {} {}", text(delivery, "delivery"), text(delivery, "partner"), text(delivery, "route")));
            for found in list(delivery, "differences") {
                screen::line(format!("  {} {}", text(found, "how"), text(found, "place")));
            }
        }
        screen::line(format!("{compared} deliveries compared, {differ} would be written otherwise"));
        let instead = number(&answer, "instead");
        if instead > 0 {
            screen::note(format!(
                "note: {instead} of them beside the set in force: the one they were sent by is not to be had any more"
            ));
        }
        let gone = number(&answer, "gone");
        if gone > 0 {
            screen::note(format!("note: {gone} more could not be compared: their bodies were removed by retention"));
        }
    }
    if differ == 0 {
        Ok(())
    } else {
        Err(Failed::because(format!("{differ} of {compared} deliveries would be written otherwise")))
    }
}

fn samples(a: &Arguments, json: bool) -> Result<(), Failed> {
    let sets = Sets { present: compiled(a.present.as_deref())?, changed: compiled(Some(&a.changed))? };
    let own = match &a.samples {
        Some(folder) => own_samples(folder)?,
        None => shipped_samples(&sets.present.0),
    };
    let wanted =
        |s: &&Sample| a.only.is_empty() || a.only.iter().any(|o| *o == s.partner || *o == format!("{}/{}", s.partner, s.map));
    let samples: Vec<&Sample> = own.iter().filter(wanted).collect();
    if samples.is_empty() {
        return Err(Failed::because("there are no messages to compare: look at --samples and --only"));
    }
    let found: Vec<(&Sample, Vec<Change>)> = samples.iter().map(|s| (*s, sets.compare(s))).collect();
    let differ = found.iter().filter(|(_, changes)| !changes.is_empty()).count();
    if json {
        let rows: Vec<Value> = found.iter().flat_map(|(s, changes)| changes.iter().map(|c| c.json(s))).collect();
        screen::json(&json!({ "messages": samples.len(), "differ": differ, "changes": rows }));
    } else {
        found.iter().filter(|(_, changes)| !changes.is_empty()).for_each(|(s, changes)| show(s, changes));
        screen::line(format!("{} messages compared, {differ} would differ", samples.len()));
    }
    if differ == 0 { Ok(()) } else { Err(Failed::because(format!("{differ} of {} messages would differ", samples.len()))) }
}

fn compiled(from: Option<&Path>) -> Result<(Files, Catalogue), Failed> {
    let files = super::files(from)?;
    match check::compile(&files) {
        Ok(catalogue) => Ok((files, catalogue)),
        Err(faults) => {
            screen::note(faults.render(screen::colour()).trim_end());
            let name = from.map_or("the adapters inside the program".to_owned(), |p| p.display().to_string());
            Err(Failed::because(format!(
                "{name}: faults (see above); nothing can be compared with a set that would not be taken"
            )))
        }
    }
}

// === impl Sets ===

impl Sets {
    fn compare(&self, sample: &Sample) -> Vec<Change> {
        let (old, new) = (self.mapping(&self.present, sample), self.mapping(&self.changed, sample));
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return Vec::new(),
            (old, _) => {
                let words = if old.is_some() { "is not in the changed set" } else { "is new in the changed set" };
                return vec![Change { direction: "mapping", place: words.to_owned(), before: None, after: None }];
            }
        };
        let mut contents = MemoryContents::default();
        let (was, understood) = read(old, sample, &mut contents);
        let (is, _) = read(new, sample, &mut contents);
        let mut changes = changes("read", &was, &is);
        if !understood.is_empty() {
            let was = self.written(&self.present, old, sample, &understood, &contents);
            let is = self.written(&self.changed, new, sample, &understood, &contents);
            changes.extend(self::changes("write", &was, &is));
        }
        changes
    }

    fn mapping<'s>(&self, set: &'s (Files, Catalogue), sample: &Sample) -> Option<&'s Mapping> {
        set.1.any_partner(&sample.partner)?.book.map(&sample.map)
    }

    /// What a set writes for these messages, field by field, and the whole text.
    fn written(
        &self,
        set: &(Files, Catalogue),
        map: &Mapping,
        sample: &Sample,
        bodies: &[Body],
        contents: &MemoryContents,
    ) -> Fields {
        let context = known(set, sample);
        let bodies: Vec<&Body> = bodies.iter().collect();
        match map.write_batch(&bodies, &context, contents, Some(&super::wire::StandIn::none())) {
            Err(fault) => BTreeMap::from([("(refused)".to_owned(), fault.text_en())]),
            Ok(bytes) => {
                let fields = map.explain(&bodies, &context);
                let mut fields: Fields = fields.into_iter().map(|f| (f.wire, f.wire_value.unwrap_or_default())).collect();
                // What no line tells (order, absent forms, contents) still is a difference.
                fields.insert("(bytes)".to_owned(), String::from_utf8_lossy(&bytes).into_owned());
                fields
            }
        }
    }
}

// === comparing ===

/// What a mapping knows beside the body.
fn known(set: &(Files, Catalogue), sample: &Sample) -> Context {
    let mut context = sample.context.clone();
    let values = set.1.any_partner(&sample.partner).map(|p| &p.values).into_iter().flatten();
    for (name, value) in values {
        let name = format!("partner.{name}");
        if context.get(&name).is_none() {
            context.set(name, value.as_str());
        }
    }
    if context.get("message.id").is_none() {
        context.set("message.id", "019a0000-0000-7000-8000-000000000000");
    }
    context
}

fn read(map: &Mapping, sample: &Sample, contents: &mut MemoryContents) -> (Fields, Vec<Body>) {
    match map.read(&sample.wire, &sample.context, contents) {
        Err(faults) => {
            let told = faults.iter().map(WireFault::text_en).collect::<Vec<_>>().join("; ");
            (BTreeMap::from([("(refused)".to_owned(), told)]), Vec::new())
        }
        Ok(readings) => {
            let mut fields = Fields::new();
            for (n, reading) in readings.iter().enumerate() {
                let base = if readings.len() > 1 { format!("/{n}") } else { String::new() };
                flatten(&reading.body, &base, &mut fields);
                fields.extend(reading.context.iter().map(|(name, value)| (format!("${name}"), value.to_string())));
            }
            (fields, readings.into_iter().map(|r| r.body).collect())
        }
    }
}

fn flatten(value: &Body, at: &str, fields: &mut Fields) {
    match value {
        Body::Object(map) => map.iter().for_each(|(name, inner)| flatten(inner, &format!("{at}/{name}"), fields)),
        Body::Array(rows) if !rows.is_empty() => {
            rows.iter().enumerate().for_each(|(n, row)| flatten(row, &format!("{at}/{n}"), fields));
        }
        Body::String(text) => drop(fields.insert(at.to_owned(), text.to_string())),
        other => drop(fields.insert(at.to_owned(), other.to_string())),
    }
}

fn changes(direction: &'static str, was: &Fields, is: &Fields) -> Vec<Change> {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let change = |name: &String| {
        let (before, after) = (was.get(name).cloned(), is.get(name).cloned());
        (before != after).then(|| Change { direction, place: name.clone(), before, after })
    };
    let mut changes: Vec<Change> = names.into_iter().filter_map(change).collect();
    // The whole text is told only when no field says it.
    if changes.len() > 1 {
        changes.retain(|c| c.place != "(bytes)");
    }
    changes
}

// === impl Change ===

impl Change {
    fn json(&self, sample: &Sample) -> Value {
        json!({
            "message": format!("{}/{}", sample.partner, sample.map),
            "file": sample.file,
            "direction": self.direction,
            "place": self.place,
            "before": self.before,
            "after": self.after,
        })
    }
}

fn show(sample: &Sample, changes: &[Change]) {
    screen::line(format!("{}/{} {}", sample.partner, sample.map, sample.file));
    for change in changes {
        screen::line(format!("  {} {}", change.direction, change.place));
        for (mark, side) in [("-", &change.before), ("+", &change.after)] {
            side.iter().for_each(|value| screen::line(format!("    {mark} {value}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shipped set with one text replaced in one mapping, as a folder; that mapping is of an agreement that has no schema yet.
    fn changed(path: &str, from: &str, to: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut met = false;
        for (name, text) in Files::embedded().iter() {
            let schemaless = |text: &str| {
                let lines = text.split_inclusive('\n').filter(|l| !l.starts_with("schema:") && !l.starts_with("root:"));
                lines.collect::<String>()
            };
            let text = if name == path { schemaless(text).replacen(from, to, 1) } else { text.to_owned() };
            met |= name == path && text.contains(to);
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        assert!(met, "{path} holds {from}");
        folder
    }

    fn compare(folder: &Path, samples: Option<PathBuf>) -> Vec<Change> {
        let sets = Sets { present: compiled(None).unwrap(), changed: compiled(Some(folder)).unwrap() };
        let samples = samples.map_or_else(|| shipped_samples(&sets.present.0), |f| own_samples(&f).unwrap());
        assert!(!samples.is_empty());
        samples.iter().flat_map(|s| sets.compare(s)).collect()
    }

    /// A map with a line that carries a plain text, found in the data.
    fn plain_line() -> (String, String, String) {
        let files = Files::embedded();
        let (path, line) = files
            .iter()
            .filter(|(path, text)| {
                path.ends_with(".map") && text.contains("message: dossier.withdraw") && text.contains("format:  json")
            })
            .find_map(|(path, text)| text.lines().find(|l| l.contains(" = reason")).map(|l| (path.to_owned(), l.to_owned())))
            .expect("a withdrawal in JSON");
        let name = line.split_whitespace().next().unwrap().to_owned();
        (path, line, name)
    }

    #[test]
    fn the_same_set_differs_in_nothing() {
        let (path, line, _) = plain_line();
        let folder = changed(&path, &line, &format!("{line} # said"));
        assert_eq!(compare(folder.path(), None), []);
    }

    #[test]
    fn a_renamed_field_is_told_on_both_sides_and_the_exit_is_one() {
        let (path, line, name) = plain_line();
        let folder = changed(&path, &line, &line.replacen(&name, "Renamed", 1));
        let found = compare(folder.path(), None);
        let told = |direction: &str, place: &str| found.iter().any(|c| c.direction == direction && c.place == place);
        assert!(told("read", "(refused)") && told("write", &format!("/{name}")) && told("write", "/Renamed"), "{found:?}");
        let reach = Reach::default();
        let ask = Arguments {
            changed: folder.path().to_owned(),
            present: None,
            samples: None,
            only: Vec::new(),
            deliveries: false,
            from: None,
            until: None,
            reach,
        };
        assert!(samples(&ask, true).unwrap_err().text.ends_with("would differ"));
        let nothing = Arguments { only: vec!["nobody".to_owned()], ..ask };
        assert!(samples(&nothing, true).unwrap_err().text.contains("no messages"));
    }

    #[test]
    fn a_folder_of_ones_own_is_compared_too() {
        let (path, line, name) = plain_line();
        let folder = changed(&path, &line, &line.replacen(&name, "Renamed", 1));
        let own = tempfile::tempdir().unwrap();
        let (partner, map) = path.trim_start_matches("adapters/").trim_end_matches(".map").split_once('/').unwrap();
        let place = own.path().join(partner).join(map);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("bad.json"), "{\"x\": ").unwrap();
        assert_eq!(compare(folder.path(), Some(own.path().to_owned())), [], "what both refuse alike is no difference");
    }
}

//! What the proofs over invented documents have in common: seeds, the lists of what is refused, and the pursuit of what no document met yet.
//!
//! A list must hold for every seed, so it is not left to luck what a run meets: after the usual documents a run goes on, bounded, until every
//! place of a schema stood in a document that was read and every refusal of the list was met. The inventor is told a place of the schema
//! that shall be there, or shall not (a refusal of what is missing); it knows nothing of a mapping. What is then still missing is a failure, unless it is listed as a
//! place that is never read (and one of those that is reached is a failure too).
//!
//! `LIENTHONG_FUZZ_SEED` sets the first seed, `LIENTHONG_FUZZ_SEEDS` how many one after the other.

use super::rig::place;
use lienthong::mapping::WireFault;
use lienthong::seal::Chance;
use std::collections::{BTreeMap, BTreeSet};

const SEED: u64 = 20_261_126;

/// Rounds of a pursuit: in each, one document for each mapping and place that is still wanted.
const ROUNDS: usize = 600;

/// Rounds in which places that are never read are tried all the same.
const NEVER: usize = 21;

/// What the readers refuse, as the lists have it: mapping (`*`: any), place (`…`: its end or its start; `*`: any), kind.
pub(crate) type Entry = (&'static str, &'static str, &'static str);

/// A class of values that are refused for themselves, and whether a text is one.
type Excuse = (&'static str, fn(&str) -> bool);

/// What came of the documents of all mappings of one test and seed.
pub(crate) struct Tried {
    seed: u64,
    listed: &'static [Entry],
    /// Refusals that need what is made up to be just so (two texts the same, bytes that are UTF-8): a run may meet them.
    by_chance: &'static [Entry],
    never: &'static [(&'static str, &'static str)],
    pub(crate) held: u64,
    /// Documents that were not of the schema.
    pub(crate) passed: u64,
    complaints: Vec<String>,
    refused: BTreeMap<(String, String, String), u64>,
    /// One document's word for each refusal.
    shown: BTreeMap<(String, String, String), String>,
    excused: BTreeMap<&'static str, u64>,
    places: BTreeMap<String, BTreeSet<String>>,
    reached: BTreeMap<String, BTreeSet<String>>,
}

/// What the next document of a mapping is wanted for.
pub(crate) enum Wanted {
    /// This place: that it is there, or (`false`) that it is not.
    Place(String, bool),
    /// A refusal of the list, wherever it comes from.
    Any,
}

// === impl Wanted ===

impl Wanted {
    pub(crate) fn place(&self) -> Option<(&str, bool)> {
        if let Self::Place(place, there) = self { Some((place, *there)) } else { None }
    }
}

// === impl Tried ===

impl Tried {
    pub(crate) fn new(seed: u64, listed: &'static [Entry], never: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            seed,
            listed,
            by_chance: &[],
            never,
            held: 0,
            passed: 0,
            complaints: Vec::new(),
            refused: BTreeMap::new(),
            shown: BTreeMap::new(),
            excused: BTreeMap::new(),
            places: BTreeMap::new(),
            reached: BTreeMap::new(),
        }
    }

    /// With refusals that a run may meet and need not.
    pub(crate) fn and_by_chance(self, by_chance: &'static [Entry]) -> Self {
        Self { by_chance, ..self }
    }

    /// A mapping with the places of its schema.
    pub(crate) fn knows(&mut self, title: &str, places: impl IntoIterator<Item = String>) {
        self.places.insert(title.to_owned(), places.into_iter().collect());
    }

    pub(crate) fn mappings(&self) -> usize {
        self.places.len()
    }

    /// A document got through, which has these places.
    pub(crate) fn hold(&mut self, title: &str, places: impl IntoIterator<Item = String>) {
        self.held += 1;
        self.reached.entry(title.to_owned()).or_default().extend(places);
    }

    /// A document was not of the schema.
    pub(crate) fn pass(&mut self) {
        self.passed += 1;
    }

    pub(crate) fn complain(&mut self, why: String) {
        self.complaints.push(why);
    }

    pub(crate) fn complains(&self) -> bool {
        !self.complaints.is_empty()
    }

    pub(crate) fn refuse(&mut self, title: &str, place: String, kind: String, why: impl FnOnce() -> String) {
        let key = (title.to_owned(), place, kind);
        self.shown.entry(key.clone()).or_insert_with(why);
        *self.refused.entry(key).or_default() += 1;
    }

    /// A document was refused for these faults; `texts` gives what stands at a place of it. What has a reason in the value itself needs no entry.
    pub(crate) fn refuse_all(&mut self, title: &str, faults: &[WireFault], texts: impl Fn(&str) -> Vec<String>) {
        for fault in faults {
            let place = place(&fault.place.pointer);
            let kind = format!("{:?}", fault.kind);
            let excuse: Option<Excuse> = match kind.as_str() {
                "Type" => Some(("numbers spelled otherwise", odd_number)),
                "Time" => Some(("days that are none", no_day)),
                _ => None,
            };
            match excuse.filter(|(_, odd)| texts(&place).iter().any(|text| odd(text))) {
                Some((class, _)) => *self.excused.entry(class).or_default() += 1,
                None => self.refuse(title, place, kind, || fault.to_string()),
            }
        }
    }

    /// How often a class of values was refused that needs no entry.
    pub(crate) fn excused(&self, class: &str) -> u64 {
        self.excused.get(class).copied().unwrap_or(0)
    }

    /// What documents of a mapping are still wanted for in this round.
    pub(crate) fn wanted(&self, title: &str, round: usize) -> Vec<Wanted> {
        let places = self.places.get(title).into_iter().flatten();
        let never = |place: &str| round >= NEVER && self.never.contains(&(title, place));
        let missing = places.clone().filter(|p| !self.reached.get(title).is_some_and(|r| r.contains(*p)) && !never(p));
        let mut wanted: Vec<Wanted> = missing.map(|place| Wanted::Place(place.clone(), true)).collect();
        for entry in self.listed.iter().filter(|entry| (entry.0 == "*" || entry.0 == title) && !self.met(entry)) {
            let there = |place: &&String| covers(entry, &(title.to_owned(), (*place).clone(), entry.2.to_owned()));
            let fitting: Vec<&String> = places.clone().filter(there).collect();
            if fitting.is_empty() && entry.0 == "*" {
                continue;
            }
            match fitting.get(round / 2 % fitting.len().max(1)) {
                Some(place) if round.is_multiple_of(2) => wanted.push(Wanted::Place((*place).clone(), entry.2 != "Missing")),
                _ => wanted.push(Wanted::Any),
            }
        }
        wanted
    }

    fn met(&self, entry: &Entry) -> bool {
        self.refused.keys().any(|key| covers(entry, key))
    }

    /// Goes on until nothing is wanted any more: `one` makes a document of a mapping in a round.
    pub(crate) fn pursue<S>(
        &mut self,
        all: &mut [S],
        title: impl Fn(&S) -> String,
        mut one: impl FnMut(&mut Self, &mut S, usize, &Wanted),
    ) {
        for round in 0..ROUNDS {
            let mut busy = false;
            for subject in &mut *all {
                for (n, wanted) in self.wanted(&title(subject), round).iter().enumerate() {
                    busy = true;
                    one(self, subject, round + n, wanted);
                }
            }
            if !busy || !self.complaints.is_empty() {
                return;
            }
        }
    }

    /// Nothing was wrong, and the lists say what was refused and what is never read: no more and no less.
    pub(crate) fn is_as_listed(&self) {
        let seed = self.seed;
        let key = |(map, place, kind): &(String, String, String)| format!("    (\"{map}\", \"{place}\", \"{kind}\"),");
        self.refused.iter().for_each(|(k, n)| println!("{} // {n}", key(k)));
        println!("seed {seed}: {} mappings, {} documents held; not counted: {:?}", self.mappings(), self.held, self.excused);
        assert!(
            self.complaints.is_empty(),
            "seed {seed}: {} complaints, such as\n{}",
            self.complaints.len(),
            some(&self.complaints)
        );
        let new = self.refused.keys().filter(|key| !self.listed.iter().chain(self.by_chance).any(|entry| covers(entry, key)));
        let new: Vec<String> = new.map(|k| format!("{} // {}", key(k), self.shown[k])).collect();
        assert!(new.is_empty(), "seed {seed}: refused, and not on the list:\n{}", new.join("\n"));
        let idle: Vec<&Entry> = self.listed.iter().filter(|entry| !self.met(entry)).collect();
        assert!(idle.is_empty(), "seed {seed}: no document is refused for this any more, take it off the list: {idle:?}");
        let missed: Vec<(&str, &str)> = self
            .places
            .iter()
            .flat_map(|(title, all)| all.iter().map(move |place| (title.as_str(), place.as_str())))
            .filter(|(title, place)| !self.reached.get(*title).is_some_and(|r| r.contains(*place)))
            .collect();
        let never: BTreeSet<_> = self.never.iter().copied().collect();
        assert_eq!(
            missed.into_iter().collect::<BTreeSet<_>>(),
            never,
            "seed {seed}: the places that no document gets to are not those on the list"
        );
    }
}

// === functions ===

/// The seeds of a run, one after the other.
pub(crate) fn seeds() -> impl Iterator<Item = u64> {
    let first = super::mutants::number("LIENTHONG_FUZZ_SEED", SEED);
    (0..super::mutants::number("LIENTHONG_FUZZ_SEEDS", 1))
        .map(move |n| first.wrapping_add(n))
        .inspect(|seed| println!("seed {seed}"))
}

/// Each mapping's own chance of a seed.
pub(crate) fn chance_of(seed: u64, title: &str) -> Chance {
    Chance::new(seed ^ title.bytes().fold(0_u64, |n, b| n.wrapping_mul(31).wrapping_add(b.into())))
}

/// The first of a list, each cut.
fn some(list: &[String]) -> String {
    list.iter().take(4).map(|t| t.chars().take(3500).collect()).collect::<Vec<String>>().join("\n\n")
}

/// Whether an entry of a list speaks of a refusal.
fn covers((map, place, kind): &Entry, key: &(String, String, String)) -> bool {
    let there = match (place.strip_prefix('…'), place.strip_suffix('…')) {
        (Some(end), _) => key.1.ends_with(end),
        (_, Some(start)) => key.1.starts_with(start),
        (None, None) => *place == "*" || *place == key.1,
    };
    (*map == "*" || *map == key.0) && *kind == key.2 && there
}

/// `+5`, `007`, `.5`: schemas let numbers be spelled so, no software that we know does; a number has one spelling here.
fn odd_number(text: &str) -> bool {
    let digits = text.trim().trim_start_matches('-');
    let leading = digits.strip_prefix('0').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    leading || digits.starts_with(['+', '.']) || digits.ends_with('.')
}

/// A day that is none (31 February): a schema's pattern says how many digits there are.
fn no_day(text: &str) -> bool {
    let groups: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let parts = match groups.iter().rev().find(|g| g.len() >= 8) {
        Some(group) => {
            let last = &group[group.len().saturating_sub(14)..];
            [&last[..4], &last[4..6], &last[6..8]]
        }
        None if groups.len() >= 3 && groups[2].len() == 4 => [groups[2], groups[1], groups[0]],
        None if groups.len() >= 3 => [groups[0], groups[1], groups[2]],
        None => return false,
    };
    let [year, month, day] = parts.map(|part| part.parse::<i16>().unwrap_or(-1));
    jiff::civil::Date::new(year, i8::try_from(month).unwrap_or(-1), i8::try_from(day).unwrap_or(-1)).is_err()
}

#[test]
fn excuses_are_for_odd_values_only() {
    for (text, odd) in [
        ("+5", true),
        ("007", true),
        (".5", true),
        ("5.", true),
        ("-05", true),
        ("0", false),
        ("0.5", false),
        ("-5", false),
        ("100", false),
    ] {
        assert_eq!(odd_number(text), odd, "{text}");
    }
    for (text, none) in [
        ("20260231000000", true),
        ("20260228000000", false),
        ("2026-02-31T00:00:00+07:00", true),
        ("2024-02-29", false),
        ("31/04/2026", true),
        ("30/04/2026", false),
        ("G22.99.06-20260609-000000120260231000000", true),
        ("G22.99.06-20260231-000000120260228000000", false),
        ("x", false),
    ] {
        assert_eq!(no_day(text), none, "{text}");
    }
}

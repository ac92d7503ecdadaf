//! Parts and code lists that nothing uses are most likely misspelt somewhere. Looked at in the texts, not in the plans: a line with a fault
//! of its own still uses what it names, and a name that a misspelt one may mean is told there and not here. Words of code lists that are
//! no canonical words are as surely misspelt.

use super::Texts;
use super::paths::{distance, nearest};
use crate::mapping::grammar::{CONVERSIONS, Chain, Line, Piece, Right, What};
use crate::mapping::source::Faults;
use std::collections::BTreeSet;

/// What lines name.
#[derive(Default)]
struct Named<'t> {
    parts: BTreeSet<&'t str>,
    /// `use stem/{path}`: the folders.
    folders: BTreeSet<&'t str>,
    codes: BTreeSet<&'t str>,
}

/// Tells each part and each code list that no line of any text names.
pub(super) fn check(texts: &Texts, faults: &mut Faults) {
    let mut named = Named::default();
    texts.files.values().for_each(|text| named.lines(&text.lines));
    // What a line says that could not be read is not known.
    if !texts.unread.is_empty() {
        return;
    }
    let parts: BTreeSet<&str> = texts.files.iter().filter(|(_, t)| t.head.is_none()).map(|(f, _)| f.as_str()).collect();
    let stems: BTreeSet<&str> = parts.iter().filter_map(|p| p.rsplit_once('/')).map(|(stem, _)| stem).collect();
    for name in &parts {
        let stem = name.rsplit_once('/').map_or("", |(stem, _)| stem);
        let used = means(&named.parts, name, &parts) || (stems.contains(stem) && means(&named.folders, stem, &stems));
        if !used {
            let at = texts.files.get(*name).map(|t| t.first.clone()).unwrap_or_default();
            let hint = "a file with a head (`message: …`) is a mapping of its own";
            faults.hint(&at, format!("nothing uses the part `{name}`"), hint);
        }
    }
    let lists: BTreeSet<&str> = texts.codes.keys().map(String::as_str).collect();
    for (name, list) in texts.codes.iter().filter(|(name, _)| !means(&named.codes, name, &lists)) {
        faults.add(&list.at, format!("nothing uses the code list `{name}`"));
    }
}

/// Tells each word of a code list that is no canonical word in any line that uses the list: it would never be written.
pub(super) fn words(texts: &Texts, faults: &mut Faults) {
    for (name, words) in texts.words.borrow().iter() {
        let (Some(list), Some(words)) = (texts.codes.get(name), words) else { continue };
        for entry in list.entries.iter().filter(|e| !words.contains(&e.word)) {
            let known = || words.iter().map(String::as_str);
            let hint = match known().find(|word| *word == entry.written.text()) {
                _ if entry.word == "*" => "any other value stands in the list of a word: word = [\"written\", \"*\"]".to_owned(),
                Some(word) => format!("the canonical word stands on the left: {word} = \"{}\"", entry.word),
                None => nearest(&entry.word, known())
                    .unwrap_or_else(|| format!("the schema allows: {}", known().collect::<Vec<_>>().join(", "))),
            };
            faults.hint(&entry.at, format!("`{}` is no canonical word where the list `{name}` is used", entry.word), hint);
        }
    }
}

/// Whether one of the names used is this one, or one that does not exist and is near to it, or near to none.
fn means(used: &BTreeSet<&str>, name: &str, known: &BTreeSet<&str>) -> bool {
    let near = |a: &str, b: &str| distance(a, b) <= 2;
    let may = |wrong: &&&str| near(wrong, name) || !known.iter().any(|k| near(wrong, k));
    used.contains(name) || used.iter().filter(|u| !known.contains(**u)).any(|wrong| may(&wrong))
}

// === impl Named ===

impl<'t> Named<'t> {
    fn lines(&mut self, lines: &'t [Line]) {
        for line in lines {
            match &line.what {
                What::Rule { right: Right::Value { chains, .. }, .. } => chains.iter().for_each(|c| self.chain(c)),
                What::Rule { right: Right::Template(pieces), .. } => pieces.iter().for_each(|p| {
                    if let Piece::Hole { chain, .. } = p {
                        self.chain(chain);
                    }
                }),
                What::Use { stem, select: Some(_), .. } => drop(self.folders.insert(stem.trim_end_matches('/'))),
                What::Use { stem, .. } => drop(self.parts.insert(stem)),
                What::Rule { .. } | What::When { .. } => {}
            }
            self.lines(&line.below);
        }
    }

    fn chain(&mut self, chain: &'t Chain) {
        // A misspelt `code(…)` names its list all the same, and one without it may mean any.
        let lists = chain.links.iter().filter_map(|link| match (link.name.as_str(), link.arguments.as_deref()) {
            ("code", list) => Some(list.unwrap_or_default()),
            (name, Some(list)) if !CONVERSIONS.iter().any(|(known, _)| *known == name) => Some(list),
            _ => None,
        });
        self.codes.extend(lists.map(str::trim));
    }
}

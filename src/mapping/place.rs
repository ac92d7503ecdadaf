//! From a canonical place to the wire's own: so that a refusal of what a message says names the place in the sender's words.
//!
//! A walk of the compiled lines; the longest known part of the place counts, of several lines the first. Pure.

use super::compile::form_key;
use super::convert::Chain;
use super::plan::{Act, Compiled, Piece, Plan, Rule, To};
use crate::body::Text;

/// A walk for one place.
struct Walk<'w> {
    xml: bool,
    /// `code@edition` of the form, where it is known.
    form: Option<String>,
    /// How many words of the place are known so far, and where they stand on the wire.
    best: Option<(usize, String)>,
    words: &'w [&'w str],
    /// Which message of a batch it is.
    message: usize,
}

/// The wire's place of a canonical pointer (`/papers/0/files/0/id`): a JSON pointer, an XML path or a form field. `form` is the
/// procedure and edition whose form was read; `row`: which message of a batch it is, from 0. None: nothing of it stands on this wire.
pub(super) fn wire_place(map: &Compiled, pointer: &str, form: Option<(&str, &str)>, row: usize) -> Option<String> {
    let words: Vec<&str> = pointer.split('/').skip(1).collect();
    let form = form.map(|(code, edition)| form_key(code, edition));
    let mut walk = Walk { xml: map.is_xml(), form, best: None, words: &words, message: row };
    walk.rules(&map.root, &map.root.rules, "", 0);
    let (_, place) = walk.best?;
    Some(if map.format == super::api::Format::Json { place } else { place.trim_start_matches('/').to_owned() })
}

// === impl Walk ===

impl Walk<'_> {
    /// The lines of a frame that stands at `frame` on the wire, its canonical object after `known` words of the place.
    fn rules(&mut self, plan: &Plan, rules: &[Rule], frame: &str, known: usize) {
        for rule in rules {
            let at = || rule.node.and_then(|id| plan.node(id)).map(|node| format!("{frame}{}", node.path));
            match &rule.what {
                Act::Value { alts, .. } if alts.iter().any(|c| c.document().is_some()) => {
                    let Some(map) = alts.first().and_then(Chain::document) else { continue };
                    let form = self.form.clone();
                    let mut inside = Walk { xml: map.is_xml(), form, best: None, words: self.words, message: 0 };
                    inside.rules(&map.root, &map.root.rules, "", 0);
                    if let (Some((known, place)), Some(at)) = (inside.best, at()) {
                        self.better(known, format!("{at} » {}", place.trim_start_matches('/')));
                    }
                }
                Act::Value { to: To::Own(path), .. } => self.found(path, known, at()),
                Act::Template { pieces } => {
                    for piece in pieces {
                        if let Piece::Hole { to: To::Own(path), .. } = piece {
                            self.found(path, known, at());
                        }
                    }
                }
                Act::Scope { at: path, rules, .. } => {
                    if let Some(path) = path {
                        self.found(path, known, at());
                    }
                    self.rules(plan, rules, frame, known);
                }
                Act::List { to } => self.list(plan, rule, to, frame, known),
                Act::When { branches, .. } => branches.iter().for_each(|b| self.rules(plan, &b.rules, frame, known)),
                Act::Fork(index) => self.form(plan, *index, frame, known),
                Act::Batch => {
                    let Some(node) = rule.node.and_then(|id| plan.node(id)) else { continue };
                    let place = row_place(self.xml, &format!("{frame}{}", node.path), self.message);
                    if let Some(rows) = &node.rows {
                        self.rules(rows, &rows.rules, &place, known);
                    }
                }
                Act::Value { .. } | Act::Const { .. } | Act::Dropped | Act::Seal => {}
            }
        }
    }

    fn list(&mut self, plan: &Plan, rule: &Rule, to: &[Text], frame: &str, known: usize) {
        let Some(node) = rule.node.and_then(|id| plan.node(id)) else { return };
        let list = format!("{frame}{}", node.path);
        self.found(to, known, Some(list.clone()));
        let index = self.words.get(known + to.len()).and_then(|w| w.parse::<usize>().ok());
        let (true, Some(index), Some(rows)) = (self.fits(to, known), index, &node.rows) else { return };
        // Which row of a flattened list, or of one that leaves rows out, it is cannot be told without the message.
        if rows.flat.is_some() || rows.join.as_ref().is_some_and(|join| join.only.is_some()) {
            return;
        }
        let row = row_place(self.xml, &list, index);
        let inside = known + to.len() + 1;
        self.better(inside, row.clone());
        self.rules(rows, &rows.rules, &row, inside);
    }

    fn form(&mut self, plan: &Plan, index: usize, frame: &str, known: usize) {
        let Some(fork) = plan.forks.get(index).filter(|f| self.fits(&f.at, known)) else { return };
        let Some(node) = plan.node(fork.node) else { return };
        let here = format!("{frame}{}", node.path);
        let inside = known + fork.at.len();
        self.better(inside, here.clone());
        if let Some(variant) = self.form.as_ref().and_then(|key| fork.variants.get(key)) {
            // The lines of a form start at the message's object; their places hold the form's element already.
            self.rules(&variant.plan, &variant.plan.rules, frame, known);
        }
    }

    fn found(&mut self, path: &[Text], known: usize, place: Option<String>) {
        if let (true, Some(place)) = (self.fits(path, known), place) {
            self.better(known + path.len(), place);
        }
    }

    /// Whether the place goes on, after `known` words, with this path.
    fn fits(&self, path: &[Text], known: usize) -> bool {
        let rest = self.words.get(known..).unwrap_or_default();
        rest.len() >= path.len() && path.iter().zip(rest).all(|(a, b)| **a == **b)
    }

    fn better(&mut self, known: usize, place: String) {
        if known > self.best.as_ref().map_or(0, |(n, _)| *n) && !place.is_empty() {
            self.best = Some((known, place));
        }
    }
}

/// A row of the list at `list`, as the wire counts.
fn row_place(xml: bool, list: &str, index: usize) -> String {
    if xml { format!("{list}[{}]", index + 1) } else { format!("{list}/{index}") }
}

#[cfg(test)]
mod tests {
    use crate::body::json;
    use crate::mapping::{Book, Editions, Shapes, Source};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn book(map: &str) -> Book {
        let text = json!({ "type": "string" });
        let item = json!({ "type": "object", "additionalProperties": false, "required": ["id"], "properties": { "id": text } });
        let row = json!({ "type": "object", "additionalProperties": false, "required": ["code"],
            "properties": { "code": text, "files": { "type": "array", "items": item } } });
        let note = json!({ "type": "object", "additionalProperties": false, "required": ["code", "who"], "properties": {
            "code": text, "who": { "type": "object", "additionalProperties": false, "required": ["name"], "properties": { "name": text } },
            "papers": { "type": "array", "items": row } } });
        let shapes = Shapes::new(BTreeMap::from([("note".to_owned(), note.into())]), Editions::default()).unwrap();
        Book::compile(&Source::new("p").with("m.map", map), &Arc::new(shapes)).unwrap_or_else(|f| panic!("{f:?}"))
    }

    #[test]
    fn a_canonical_place_is_named_in_the_words_of_the_wire() {
        let lines = "Code = code\nPerson = who\n    FullName = name\nPaper[] = papers[]\n    Kind = code\n    File[] = files[]\n        No = id\n";
        let wires = [
            (
                "message: note\nformat: json\n\n".to_owned(),
                ["/Code", "/Person/FullName", "/Paper/1/File/0/No", "/Paper/1", "/Paper", "/Person"],
            ),
            (
                "message: note\nformat: xml\nnamespace: urn:a\nroot: Note\n\n".to_owned(),
                ["Code", "Person/FullName", "Paper[2]/File[1]/No", "Paper[2]", "Paper", "Person"],
            ),
        ];
        let places = ["/code", "/who/name", "/papers/1/files/0/id", "/papers/1/unknown", "/papers", "/who/x"];
        for (head, wanted) in wires {
            let book = book(&format!("{head}{lines}"));
            let map = book.map("m").unwrap();
            let found: Vec<String> = places.iter().map(|p| map.wire_place(p, None, 0).unwrap_or_default()).collect();
            assert_eq!(found.iter().map(|p| p.trim_start_matches("Note/")).collect::<Vec<_>>(), wanted);
            assert_eq!(map.wire_place("/elsewhere", None, 0), None);
        }
    }
}

//! What a wire keeps of a canonical message, line by line: carried exactly, folded (`~`), constant, dropped (`*`), in several spellings;
//! and what it does not carry at all. Read off the compiled plan, so that the report cannot say other than what is done. Pure.

use super::codes::CodeList;
use super::convert::{Chain, Conv};
use super::plan::{Act, Compiled, Piece, Plan, Rule, Site, To};
use super::source::Source;
use crate::body::Text;
use std::collections::BTreeSet;

/// The report of one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fidelity {
    /// The canonical message.
    pub message: String,
    /// Canonical fields this wire does not carry (the head's `without`).
    pub without: Vec<String>,
    /// What nobody agreed on is reported and passed over (`unknown: report`); else it is refused.
    pub reports_unknown: bool,
    /// The lines, in the order of the wire.
    pub lines: Vec<Kept>,
}

/// One line: a wire place and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The wire place: a path, `[]` after what repeats, `@` before an attribute.
    pub wire: String,
    /// The canonical field, dotted; empty for a constant, `$name` for a context value.
    pub canonical: String,
    /// How it is kept.
    pub how: Keeping,
    /// The line's right side as it is written.
    pub text: String,
    /// It is kept only where its branch (`when`) holds.
    pub in_branch: bool,
    /// The file under the partner's folder.
    pub file: String,
    /// Its line.
    pub line: usize,
}

/// How a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeping {
    /// The value itself; reading gives back what was written.
    Exact,
    /// The value itself; several spellings are read, the first is written.
    Spellings,
    /// Something of it is lost, by the file's own word (`~`).
    Folded,
    /// The same text in every message.
    Constant,
    /// From or to what is known beside the body (`$name`, seals).
    Context,
    /// Known and not carried (`*`).
    Dropped,
}

/// A walk through the frames.
struct Walk<'w> {
    source: &'w Source,
    lines: Vec<Kept>,
    branches: usize,
    seen: BTreeSet<(String, String, String, usize)>,
}

// === impl Keeping ===

impl Keeping {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Spellings => "spellings",
            Self::Folded => "folded",
            Self::Constant => "constant",
            Self::Context => "context",
            Self::Dropped => "dropped",
        }
    }
}

/// The report of a compiled mapping; `source` holds the texts it was compiled from.
pub(super) fn fidelity(map: &Compiled, source: &Source) -> Fidelity {
    let mut walk = Walk { source, lines: Vec::new(), branches: 0, seen: BTreeSet::new() };
    walk.rules(&map.root, &map.root.rules, "", "");
    Fidelity {
        message: map.message.clone(),
        without: map.without.clone(),
        reports_unknown: map.report_unknown,
        lines: walk.lines,
    }
}

// === impl Walk ===

impl Walk<'_> {
    /// The lines of a frame that stands at `frame` on the wire and at `object` in the canonical message.
    fn rules(&mut self, plan: &Plan, rules: &[Rule], frame: &str, object: &str) {
        for rule in rules {
            match &rule.what {
                Act::Value { alts, .. } if alts.iter().any(|c| c.document().is_some()) => {
                    let here = place(plan, rule, frame);
                    let inside = alts.first().and_then(Chain::document).map(|map| fidelity(map, self.source).lines);
                    let named = |kept: Kept| Kept { wire: format!("{} » {}", here.trim_start_matches('/'), kept.wire), ..kept };
                    self.lines.extend(inside.into_iter().flatten().map(named));
                }
                Act::Value { to, alts } => self.keep(plan, rule, frame, &named(object, to), keeping(to, alts)),
                Act::Const { lits, any } => {
                    let how = if *any || lits.len() > 1 { Keeping::Spellings } else { Keeping::Constant };
                    self.keep(plan, rule, frame, "", how);
                }
                Act::Dropped => self.keep(plan, rule, frame, "", Keeping::Dropped),
                Act::Seal => self.keep(plan, rule, frame, "$seal", Keeping::Context),
                Act::Template { pieces } => {
                    for piece in pieces {
                        if let Piece::Hole { to, chain, .. } = piece {
                            self.keep(plan, rule, frame, &named(object, to), keeping(to, std::slice::from_ref(chain)));
                        }
                    }
                }
                Act::Scope { rules, .. } => self.rules(plan, rules, frame, object),
                Act::When { branches, .. } => {
                    self.branches += 1;
                    branches.iter().for_each(|b| self.rules(plan, &b.rules, frame, object));
                    self.branches -= 1;
                }
                Act::List { to } => self.rows(plan, rule, frame, &named(object, &To::Own(to.clone()))),
                Act::Batch => self.rows(plan, rule, frame, object),
                Act::Fork(index) => {
                    let Some(fork) = plan.forks.get(*index) else { continue };
                    // The lines of a form start at the message's object; their places hold the form's element already.
                    for variant in fork.variants.values() {
                        self.rules(&variant.plan, &variant.plan.rules, frame, object);
                    }
                }
            }
        }
    }

    fn rows(&mut self, plan: &Plan, rule: &Rule, frame: &str, object: &str) {
        let Some(rows) = rule.node.and_then(|id| plan.node(id)).and_then(|n| n.rows.as_ref()) else { return };
        let object = rows.flat.as_ref().map_or_else(|| object.to_owned(), |inner| named(object, &To::Own(inner.clone())));
        self.rules(rows, &rows.rules, &format!("{}[]", place(plan, rule, frame)), &object);
    }

    fn keep(&mut self, plan: &Plan, rule: &Rule, frame: &str, canonical: &str, how: Keeping) {
        let (text, file, line) = cell(self.source, &rule.at);
        let wire = place(plan, rule, frame).trim_start_matches('/').to_owned();
        let in_branch = self.branches > 0;
        let kept = Kept { wire, canonical: canonical.to_owned(), how, text, in_branch, file, line };
        // Branches may map one place each; a line is told once.
        if self.seen.insert((kept.wire.clone(), kept.canonical.clone(), kept.file.clone(), line)) {
            self.lines.push(kept);
        }
    }
}

/// A line's right side as it is written, its file and its number.
pub(super) fn cell(source: &Source, site: &Site) -> (String, String, usize) {
    let text = source.files.get(&*site.right.file).map_or("", String::as_str);
    let cell = text.get(site.right.start..site.right.start + site.right.len).unwrap_or("").trim();
    let line = 1 + text.get(..site.wire.start).map_or(0, |before| before.matches('\n').count());
    (cell.to_owned(), site.wire.file.to_string(), line)
}

fn place(plan: &Plan, rule: &Rule, frame: &str) -> String {
    let path = rule.node.and_then(|id| plan.node(id)).map_or("", |node| &node.path);
    format!("{frame}{path}")
}

/// The canonical name of a place in `object`.
fn named(object: &str, to: &To) -> String {
    let join = |base: &str, path: &[Text]| {
        let path = path.join(".");
        if base.is_empty() || path.is_empty() { format!("{base}{path}") } else { format!("{base}.{path}") }
    };
    match to {
        To::Own(path) => join(object, path),
        To::Outer(_, path) => join("^", path),
        To::Context(name) => format!("${name}"),
    }
}

/// How a value's line keeps it.
pub(super) fn keeping(to: &To, alts: &[Chain]) -> Keeping {
    let folds = |list: &CodeList| list.loses();
    let spells = |list: &CodeList| list.entries.iter().any(|e| !e.also.is_empty());
    let lists = || alts.iter().flat_map(|c| &c.links).filter_map(|l| if let Conv::Code(list) = l { Some(list) } else { None });
    if matches!(to, To::Context(_)) {
        Keeping::Context
    } else if alts.iter().any(|c| c.lossy) || lists().any(|l| folds(l)) {
        Keeping::Folded
    } else if alts.len() > 1 || lists().any(|l| spells(l)) {
        Keeping::Spellings
    } else {
        Keeping::Exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Book;
    use crate::mapping::laws::shapes;

    const MAP: &str = "message: note
format: json
unknown: report
without: day, done, form, grade_a, grade_b, home, mark, paper, person, procedure, rows.file, rows.tags, submitted_at, tags

code = code
name = code : ~upper
n = count : number | text ?
k = kind : ~code(kind)
fix = 'c'
was = 'c' | 'd'
extra = *
client = $partner.client
title = title ?
row[] = rows[]
    id = id
";

    #[test]
    fn each_line_says_how_it_keeps_its_value() {
        let source = Source::new("p").with("m.map", MAP).with("codes.toml", "[kind]\none = 1\ntwo = [2, \"*\"]\n");
        let book = Book::compile(&source, &shapes()).unwrap_or_else(|f| panic!("{f:?}"));
        let report = book.map("m").unwrap().fidelity(&source);
        let told: Vec<String> =
            report.lines.iter().map(|k| format!("{} {} {} {}", k.line, k.wire, k.canonical, k.how.word())).collect();
        assert_eq!(
            told,
            [
                "6 code code exact",
                "7 name code folded",
                "8 n count spellings",
                "9 k kind folded",
                "10 fix  constant",
                "11 was  spellings",
                "12 extra  dropped",
                "13 client $partner.client context",
                "14 title title exact",
                "16 row[]/id rows.id exact",
            ]
        );
        assert!(report.reports_unknown && report.without.contains(&"rows.file".to_owned()));
        assert_eq!(report.lines[3].text, "kind : ~code(kind)");
    }
}

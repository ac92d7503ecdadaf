//! A mapping held against the XSD of its wire, continued: order, occurrence, required elements. Two languages walked at once: what is
//! written inside an element, and what its content model allows.

use super::against::{Beside, list};
use super::model::{Declared, Model};
use super::said::{Leaf, Lines, Said};
use super::tree::QName;
use crate::mapping::plan::Opt;
use crate::mapping::source::{Check, Span};
use std::collections::{BTreeSet, VecDeque};

/// The most faults told of one element.
const MOST: usize = 20;
/// The most states looked at for one element: no contract of a person's comes near.
const STATES: usize = 20_000;

enum Differs {
    /// These must come, and do not: at the end, or before a leaf. A group of several is a choice.
    Missing { groups: Vec<Vec<String>>, before: Option<usize> },
    /// This leaf cannot stand where it does.
    Misplaced { leaf: usize, wanted: Vec<String> },
}

// === impl Beside ===

impl<'p> Beside<'p, '_> {
    pub(super) fn order(&mut self, at: &Span, lines: &Lines<'p>, mut said: Said, mut model: Model, declared: &Declared) {
        for _ in 0..MOST {
            match differs(&said, &model, lines) {
                None => return,
                Some(Differs::Missing { groups, before }) => {
                    for names in &groups {
                        let late = |name: &String| lines.leaves.iter().position(|l| *l.node.local == **name) > before;
                        if names.len() > 1 && !(before.is_some() && names.iter().any(late)) {
                            self.one_of(at, lines, names, declared);
                        } else {
                            names.iter().for_each(|name| self.missing(at, lines, name, before, declared, &mut said));
                        }
                        model = names.iter().fold(model, |m, name| m.without(name));
                    }
                }
                Some(Differs::Misplaced { leaf, wanted }) => {
                    if let Some(found) = lines.leaves.get(leaf) {
                        let here =
                            if wanted.is_empty() { "nothing more".to_owned() } else { list(wanted.iter().map(String::as_str)) };
                        let text = format!("`{}` cannot stand here: the schema wants {here} at this place", found.node.local);
                        let hint =
                            "the order of the lines is the order on the wire; what repeats in the schema may stand several times"
                                .to_owned();
                        self.tell(Check::Places, &found.rule.at.wire, text, hint);
                    }
                    said = said.without(leaf);
                }
            }
        }
    }

    /// None of a choice is there for sure.
    fn one_of(&mut self, at: &Span, lines: &Lines<'p>, names: &[String], declared: &Declared) {
        let own = |l: &&Leaf<'p>| l.rule.opt != Opt::Required && names.iter().any(|n| **n == *l.node.local);
        let place = lines.leaves.iter().find(own).map_or(at, |l| &l.rule.at.wire).clone();
        let (own, names) = (&declared.name.local, names.join(", "));
        let text = format!("`{own}` may be written without any of {names}, of which the schema demands one");
        self.tell(Check::Places, &place, text, "each branch has one of them, without `?`".to_owned());
    }

    fn missing(&mut self, at: &Span, lines: &Lines<'p>, name: &str, before: Option<usize>, declared: &Declared, said: &mut Said) {
        let own = lines.leaves.iter().enumerate().find(|(_, l)| *l.node.local == *name);
        match own {
            Some((n, leaf)) if before.is_some_and(|b| n > b) => {
                let other = before.and_then(|b| lines.leaves.get(b)).map_or("", |l| &l.node.local);
                let text = format!("`{name}` stands too late: the schema wants it before `{other}`");
                let hint = "the order of the lines is the order on the wire".to_owned();
                self.tell(Check::Places, &leaf.rule.at.wire, text, hint);
                *said = said.without(n);
            }
            Some((_, leaf)) => {
                let why = if leaf.rows.is_some() { "the canonical list may be empty" } else { "it may be left out here" };
                let text = format!("`{name}` must stand in `{}` by the schema, and {why}", declared.name.local);
                let hint = if leaf.rows.is_some() {
                    "minItems in the canonical schema"
                } else {
                    "take the `?` away, or say a literal for none"
                };
                self.tell(Check::Places, &leaf.rule.at.wire, text, hint.to_owned());
            }
            None => {
                let text = format!("`{}` is written without `{name}`, which the schema demands", declared.name.local);
                self.tell(Check::Places, at, text, format!("a line `{name} = …` inside it, in the schema's order"));
            }
        }
    }
}

// === two languages, walked at once ===

/// The first difference on a shortest way; none: everything said is in the model's language.
fn differs(said: &Said, model: &Model, lines: &Lines<'_>) -> Option<Differs> {
    let mut seen = BTreeSet::new();
    let mut open: VecDeque<(Said, BTreeSet<Model>)> = VecDeque::from([(said.clone(), BTreeSet::from([model.clone()]))]);
    while let Some((said, models)) = open.pop_front() {
        if seen.len() > STATES || !seen.insert((said.clone(), models.clone())) {
            continue;
        }
        if said.ends() && !models.iter().any(Model::ends) {
            return Some(Differs::Missing { groups: vec![wants(&models)], before: None });
        }
        for (leaf, rest) in said.next() {
            let Some(name) = lines.leaves.get(leaf).map(Leaf::name) else { continue };
            let after = step(&models, &name);
            if after.is_empty() {
                return Some(stuck(&models, &name, leaf));
            }
            open.push_back((rest, after));
        }
    }
    None
}

/// Why a leaf does not fit: perhaps only because something is missing before it.
fn stuck(models: &BTreeSet<Model>, name: &QName, leaf: usize) -> Differs {
    let (mut relaxed, mut missing) = (models.clone(), Vec::new());
    for _ in 0..MOST {
        let wanted = wants(&relaxed);
        if wanted.is_empty() {
            break;
        }
        for name in &wanted {
            relaxed = relaxed.iter().map(|m| m.without(name)).collect();
        }
        missing.push(wanted);
        if !step(&relaxed, name).is_empty() {
            return Differs::Missing { groups: missing, before: Some(leaf) };
        }
    }
    let wanted: BTreeSet<String> = models.iter().flat_map(Model::firsts).map(str::to_owned).collect();
    Differs::Misplaced { leaf, wanted: wanted.into_iter().collect() }
}

fn step(models: &BTreeSet<Model>, name: &QName) -> BTreeSet<Model> {
    models.iter().flat_map(|m| m.after(name)).map(|(_, rest)| rest).collect()
}

fn wants(models: &BTreeSet<Model>) -> Vec<String> {
    let all: BTreeSet<String> = models.iter().flat_map(Model::wants).map(str::to_owned).collect();
    all.into_iter().collect()
}

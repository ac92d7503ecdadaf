//! Code lists: canonical word ⇄ what stands on the wire, from `codes.toml`.
//!
//! `word = wire`; `word = [written, also read…]`; `"*"` = any other; `word = { as = "other" }` = a fold. The last two lose and
//! demand `~`. Wire values keep their JSON type. First words are distinct, so that a list without losses is a bijection.

use super::grammar::Lit;
use super::source::{Faults, Span};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// One list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeList {
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) at: Span,
}

/// One canonical word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) word: String,
    /// Where the word stands.
    pub(crate) at: Span,
    /// What is written; for a fold, what the other word writes.
    pub(crate) written: Lit,
    /// What else is read.
    pub(crate) also: Vec<Lit>,
    /// Any other value reads as this word.
    pub(crate) any: bool,
    /// Written as another word; never read.
    pub(crate) fold: bool,
}

type Key<'t> = toml::Spanned<std::borrow::Cow<'t, str>>;
type Cell<'t> = toml::Spanned<DeValue<'t>>;

/// Reads `codes.toml`; faults go to `faults`.
pub(crate) fn parse(file: &str, text: &str, faults: &mut Faults) -> BTreeMap<String, Arc<CodeList>> {
    let file: Arc<str> = Arc::from(file);
    let span = |range: std::ops::Range<usize>| Span { file: Arc::clone(&file), start: range.start, len: range.len() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        faults.add(&span(error.span().unwrap_or(0..0)), error.message());
    }
    let mut lists = BTreeMap::new();
    for (name, value) in table.get_ref() {
        let DeValue::Table(rows) = value.get_ref() else {
            faults.hint(
                &span(name.span()),
                format!("`{}` is not a list", name.get_ref()),
                "a list is a table: [name] and lines `word = \"wire\"`",
            );
            continue;
        };
        let list = list(name, rows, &span, faults);
        lists.insert(list.name.clone(), Arc::new(list));
    }
    lists
}

fn list(name: &Key<'_>, rows: &DeTable<'_>, span: &impl Fn(std::ops::Range<usize>) -> Span, faults: &mut Faults) -> CodeList {
    let mut list = CodeList { name: name.get_ref().to_string(), entries: Vec::new(), at: span(name.span()) };
    let mut rows: Vec<(&Key<'_>, &Cell<'_>)> = rows.iter().collect();
    rows.sort_by_key(|(word, _)| word.span().start);
    let mut folds = Vec::new();
    for (word, value) in rows {
        let at = span(value.span());
        let word_at = span(word.span());
        let word = word.get_ref().to_string();
        let values: Vec<&DeValue<'_>> = match value.get_ref() {
            DeValue::Table(fold) => {
                match fold.iter().next() {
                    Some((key, other)) if fold.len() == 1 && key.get_ref() == "as" => {
                        folds.push((word, word_at, other.get_ref().as_str().unwrap_or("").to_owned(), at))
                    }
                    _ => faults.hint(&at, "not a fold", "`word = { as = \"other\" }`"),
                }
                continue;
            }
            DeValue::Array(many) => many.iter().map(toml::Spanned::get_ref).collect(),
            one => vec![one],
        };
        let mut literals = values.into_iter().map(literal).collect::<Option<Vec<Lit>>>().unwrap_or_default();
        let any = literals.iter().any(is_star);
        literals.retain(|l| !is_star(l));
        if literals.is_empty() {
            faults.hint(
                &at,
                format!("`{word}` has no wire value"),
                "a text, a whole number or a boolean, or a list of them with at most one \"*\"",
            );
            continue;
        }
        if literals.iter().any(|lit| lit.text().is_empty()) {
            let hint = "take it away; on the line `?` with `absent: ''` in the head, or `? ''`, reads and writes it";
            faults.hint(&at, format!("`{word}` has an empty text, which stands for none on every wire"), hint);
        }
        let written = literals.remove(0);
        list.check_new(&written, &literals, any, &at, faults);
        list.entries.push(Entry { word, at: word_at, written, also: literals, any, fold: false });
    }
    for (word, word_at, other, at) in folds {
        match list.entries.iter().find(|e| e.word == other && !e.fold).map(|e| e.written.clone()) {
            Some(written) => list.entries.push(Entry { word, at: word_at, written, also: Vec::new(), any: false, fold: true }),
            None => faults.add(&at, format!("`{other}` is not a word of this list")),
        }
    }
    list
}

fn is_star(lit: &Lit) -> bool {
    matches!(lit, Lit::Text(t) if t == "*")
}

fn literal(value: &DeValue<'_>) -> Option<Lit> {
    match value {
        DeValue::String(text) => Some(Lit::Text(text.to_string())),
        DeValue::Integer(n) if n.radix() == 10 => n.as_str().parse::<i64>().ok().map(|n| Lit::Integer(n.to_string())),
        DeValue::Boolean(true) => Some(Lit::True),
        DeValue::Boolean(false) => Some(Lit::False),
        _ => None,
    }
}

// === impl CodeList ===

impl CodeList {
    fn check_new(&self, written: &Lit, also: &[Lit], any: bool, at: &Span, faults: &mut Faults) {
        for lit in std::iter::once(written).chain(also) {
            if let Some(other) = self.entries.iter().find(|e| e.written == *lit || e.also.contains(lit)) {
                faults.hint(
                    at,
                    format!("{lit} already stands for `{}`", other.word),
                    "each wire value is read as one word; a word written like another is a fold: { as = \"other\" }",
                );
            }
        }
        if any && self.entries.iter().any(|e| e.any) {
            faults.add(at, "\"*\" stands twice in this list");
        }
    }

    /// Whether writing or reading loses something.
    pub(crate) fn loses(&self) -> bool {
        self.entries.iter().any(|e| e.any || e.fold)
    }

    /// What a word is written as.
    pub(crate) fn write(&self, word: &str) -> Option<&Lit> {
        self.entries.iter().find(|e| e.word == word).map(|e| &e.written)
    }

    /// The word of a wire value; `same` compares.
    pub(crate) fn read(&self, same: impl Fn(&Lit) -> bool) -> Option<&str> {
        let exact = self.entries.iter().find(|e| !e.fold && (same(&e.written) || e.also.iter().any(&same)));
        exact.or_else(|| self.entries.iter().find(|e| e.any)).map(|e| e.word.as_str())
    }

    /// The list cut to these canonical words.
    pub(crate) fn only(&self, words: &[String]) -> Self {
        let entries = self.entries.iter().filter(|e| words.contains(&e.word)).cloned().collect();
        Self { name: self.name.clone(), entries, at: self.at.clone() }
    }

    /// The wire values, for a refusal.
    pub(crate) fn told(&self) -> String {
        const MOST: usize = 24;
        let words: Vec<&str> = self.entries.iter().filter(|e| !e.fold).map(|e| e.written.text()).collect();
        let dots = if words.len() > MOST { ", …" } else { "" };
        format!("{}{dots}", words.iter().take(MOST).copied().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::source::Source;

    fn parsed(text: &str) -> (BTreeMap<String, Arc<CodeList>>, Vec<String>) {
        let mut faults = Faults::default();
        let lists = parse("codes.toml", text, &mut faults);
        let source = Source::new("p").with("codes.toml", text);
        (lists, faults.finish(&source).iter().map(|f| format!("{}:{}: {}", f.line, f.column, f.text)).collect())
    }

    #[test]
    fn a_list_reads_what_it_writes_and_keeps_the_json_type() {
        let (lists, faults) =
            parsed("[a]\none = 1\nodd = \"x y\"\ntwo = [\"2\", 2, true]\nrest = [9, \"*\"]\nlike = { as = \"one\" }\n");
        assert!(faults.is_empty(), "{faults:?}");
        let list = &lists["a"];
        assert!(list.loses());
        assert_eq!(list.write("two"), Some(&Lit::Text("2".into())));
        assert_eq!(list.write("like"), Some(&Lit::Integer("1".into())));
        let read = |lit: Lit| list.read(|own| *own == lit).map(str::to_owned);
        assert_eq!(read(Lit::Integer("1".into())).as_deref(), Some("one"));
        assert_eq!(read(Lit::Text("1".into())).as_deref(), Some("rest"));
        assert_eq!(read(Lit::True).as_deref(), Some("two"));
    }

    #[test]
    fn faults_of_lists_are_told_at_once() {
        let (_, faults) = parsed("x = 1\n[a]\none = 1\nuno = 1\nlike = { as = \"none\" }\nf = 1.5\n");
        assert_eq!(
            faults,
            [
                "1:1: `x` is not a list",
                "4:7: 1 already stands for `one`",
                "5:8: `none` is not a word of this list",
                "6:5: `f` has no wire value"
            ]
        );
    }
}

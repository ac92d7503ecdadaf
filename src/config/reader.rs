//! Reading a TOML file with every fault told at once, each with line and column.
//!
//! Always: an unknown key is a fault; a value is taken only by a word that says what it must be; reading goes on after a fault, with
//! a harmless stand-in, and whoever reads asks [`Faults::is_empty`] at the end. Serde stops at the first fault, which is why it is
//! not used here. No value is printed in a fault of a table called `credentials`: credentials stand there only by reference anyway.

pub use super::units::{duration, size};
use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One fault in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, as it was named to us.
    pub file: String,
    /// Byte offset of its start.
    pub start: usize,
    /// Length in bytes.
    pub len: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
    /// What helps.
    pub hint: Option<String>,
    /// Which check of the reader's user found it; empty: none of its own.
    pub tag: &'static str,
}

/// The faults of one file, collected while it is read.
#[derive(Debug)]
pub struct Faults {
    file: String,
    text: String,
    list: RefCell<Vec<Fault>>,
}

/// A table of the file.
#[derive(Clone, Copy, Debug)]
pub struct Table<'d> {
    table: &'d DeTable<'d>,
    start: usize,
    len: usize,
    faults: &'d Faults,
}

/// A value of the file, under its key.
#[derive(Clone, Copy, Debug)]
pub struct Item<'d> {
    name: &'d str,
    value: &'d Spanned<DeValue<'d>>,
    faults: &'d Faults,
}

/// A parsed file.
#[derive(Debug)]
pub struct Doc<'t> {
    root: Spanned<DeTable<'t>>,
}

// === impl Fault ===

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.text)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

// === impl Faults ===

impl Faults {
    /// No faults yet, in this file with this text.
    #[must_use]
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into(), list: RefCell::default() }
    }

    /// Notes a fault at a place.
    pub fn add(&self, span: &Range<usize>, text: impl Into<String>, hint: Option<String>) {
        self.add_tagged(span, text, hint, "");
    }

    fn add_tagged(&self, span: &Range<usize>, text: impl Into<String>, hint: Option<String>, tag: &'static str) {
        let start = (0..=span.start.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        let len = span.end.saturating_sub(span.start);
        let fault = Fault { file: self.file.clone(), start, len, line, column, text: text.into(), hint, tag };
        let mut list = self.list.borrow_mut();
        if !list.contains(&fault) {
            list.push(fault);
        }
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// The faults, in order of their place.
    #[must_use]
    pub fn finish(self) -> Vec<Fault> {
        let mut list = self.list.into_inner();
        list.sort();
        list
    }
}

// === impl Doc ===

impl<'t> Doc<'t> {
    /// Parses a text; every fault of the syntax is noted, what could be parsed is kept.
    #[must_use]
    pub fn parse(text: &'t str, faults: &Faults) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            faults.add(&error.span().unwrap_or(0..0), error.message(), None);
        }
        Self { root }
    }

    /// The whole file as a table.
    #[must_use]
    pub fn table<'d>(&'d self, faults: &'d Faults) -> Table<'d>
    where
        't: 'd,
    {
        Table { table: self.root.get_ref(), start: 0, len: 0, faults }
    }
}

// === impl Table ===

impl<'d> Table<'d> {
    /// Only these keys may stand here; any other is a fault.
    pub fn only(&self, keys: &[&str]) -> &Self {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let near = keys.iter().find(|k| distance(k, name) <= 2);
                let hint = near.map_or_else(|| format!("known here: {}", keys.join(", ")), |k| format!("did you mean `{k}`?"));
                self.faults.add(&key.span(), format!("unknown key `{name}`"), Some(hint));
            }
        }
        self
    }

    /// The value of a key, if it is there.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Item<'d>> {
        let (name, value) = self.table.get_key_value(key)?;
        Some(Item { name: name.get_ref(), value, faults: self.faults })
    }

    /// The value of a key that must be there.
    #[must_use]
    pub fn need(&self, key: &str) -> Option<Item<'d>> {
        let item = self.get(key);
        if item.is_none() {
            self.fault(format!("`{key}` is missing"));
        }
        item
    }

    /// All keys with their values, in order of their names.
    pub fn items(&self) -> impl Iterator<Item = Item<'d>> + use<'d> {
        let faults = self.faults;
        self.table.iter().map(move |(name, value)| Item { name: name.get_ref(), value, faults })
    }

    /// The text of a key, if it is there.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.text().map(str::to_owned)
    }

    /// The text of a key that must be there; empty after a fault.
    #[must_use]
    pub fn need_text(&self, key: &str) -> String {
        self.need(key).and_then(|i| i.text()).unwrap_or_default().to_owned()
    }

    /// A text read by `parse`; `what` says what it must be.
    #[must_use]
    pub fn parsed<T>(&self, key: &str, what: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.get(key)?.parsed(what, parse)
    }

    /// A length of time (`20s`, `2m`, `500ms`, `1h`), or the default.
    #[must_use]
    pub fn duration(&self, key: &str, default: Duration) -> Duration {
        self.parsed(key, "a length of time such as \"20s\", \"500ms\", \"2m\", \"1h\", \"3d\"", duration).unwrap_or(default)
    }

    /// A size in bytes (`64KB`, `1MB`, or a whole number), or the default.
    #[must_use]
    pub fn size(&self, key: &str, default: u64) -> u64 {
        self.parsed(key, "a size such as \"64KB\", \"1MB\"", size).unwrap_or(default)
    }

    /// A truth value, or the default.
    #[must_use]
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(|i| i.flag()).unwrap_or(default)
    }

    /// A whole number from `least`, if it is there.
    #[must_use]
    pub fn whole(&self, key: &str, least: u64) -> Option<u64> {
        self.get(key)?.whole(least)
    }

    /// A list of texts, empty when it is not there.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.get(key).map(|i| i.texts()).unwrap_or_default()
    }

    /// A table under a key, if it is there.
    #[must_use]
    pub fn table(&self, key: &str) -> Option<Table<'d>> {
        self.get(key)?.table()
    }

    /// The tables of a list of tables (`[[key]]`), empty when it is not there.
    #[must_use]
    pub fn tables(&self, key: &str) -> Vec<Table<'d>> {
        self.get(key).map(|i| i.list().into_iter().filter_map(|i| i.table()).collect()).unwrap_or_default()
    }

    /// The tables under a table (`[key.x]`, `[key.y]`), empty when it is not there.
    #[must_use]
    pub fn named(&self, key: &str) -> Vec<(&'d str, Table<'d>)> {
        let Some(outer) = self.table(key) else { return Vec::new() };
        outer.items().filter_map(|i| Some((i.name, i.table()?))).collect()
    }

    /// Notes a fault at this table.
    pub fn fault(&self, text: impl Into<String>) {
        self.faults.add(&(self.start..self.start + self.len), text, None);
    }

    /// Notes a fault at a key's value, or at the table when the key is not there.
    pub fn fault_at(&self, key: &str, text: impl Into<String>, hint: Option<String>) {
        self.fault_of("", key, text, hint);
    }

    /// The same, found by a check of the reader's user.
    pub fn fault_of(&self, tag: &'static str, key: &str, text: impl Into<String>, hint: Option<String>) {
        let span = self.get(key).map_or(self.start..self.start + self.len, |i| i.value.span());
        self.faults.add_tagged(&span, text, hint, tag);
    }
}

// === impl Item ===

impl<'d> Item<'d> {
    /// Its key.
    #[must_use]
    pub fn name(&self) -> &'d str {
        self.name
    }

    /// Its bare value.
    #[must_use]
    pub fn value(&self) -> &'d DeValue<'d> {
        self.value.get_ref()
    }

    /// Notes a fault here.
    pub fn fault(&self, text: impl Into<String>, hint: Option<String>) {
        self.faults.add(&self.value.span(), text, hint);
    }

    fn wrong<T>(&self, what: &str) -> Option<T> {
        let found = self.value().type_str();
        self.fault(format!("`{}` must be {what}, found {} {found}", self.name, article(found)), None);
        None
    }

    /// It as text.
    #[must_use]
    pub fn text(&self) -> Option<&'d str> {
        self.value().as_str().map_or_else(|| self.wrong("text"), Some)
    }

    /// Its text, read by `parse`.
    #[must_use]
    pub fn parsed<T>(&self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Some(text) = self.value().as_str() else { return self.wrong(what) };
        let value = parse(text);
        if value.is_none() {
            self.fault(format!("`{}` must be {what}", self.name), None);
        }
        value
    }

    /// It as a truth value.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        self.value().as_bool().map_or_else(|| self.wrong("true or false"), Some)
    }

    /// It as a whole number from `least`.
    #[must_use]
    pub fn whole(&self, least: u64) -> Option<u64> {
        let digits = self.value().as_integer().filter(|i| i.radix() == 10);
        let number = digits.and_then(|i| i.as_str().parse::<u64>().ok()).filter(|n| *n >= least);
        number.map_or_else(|| self.wrong(&format!("a whole number from {least}")), Some)
    }

    /// It as a number, whole or with a fraction.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let value = self.value();
        let text = value.as_integer().map(|i| i.as_str()).or_else(|| value.as_float().map(|f| f.as_str()));
        let number = text.and_then(|t| t.parse::<f64>().ok()).filter(|n| n.is_finite());
        number.map_or_else(|| self.wrong("a number"), Some)
    }

    /// It as a table.
    #[must_use]
    pub fn table(&self) -> Option<Table<'d>> {
        let span = self.value.span();
        match self.value().as_table() {
            Some(table) => {
                Some(Table { table, start: span.start, len: span.end.saturating_sub(span.start), faults: self.faults })
            }
            None => self.wrong("a table"),
        }
    }

    /// It as a list; empty after a fault.
    #[must_use]
    pub fn list(&self) -> Vec<Item<'d>> {
        match self.value().as_array() {
            Some(list) => list.iter().map(|value| Item { name: self.name, value, faults: self.faults }).collect(),
            None => self.wrong("a list").unwrap_or_default(),
        }
    }

    /// It as a list of texts.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.list().iter().filter_map(|i| i.text().map(str::to_owned)).collect()
    }
}

// === small words ===

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// How many letters differ (Levenshtein), for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let cost = |v: &[usize], k: usize| v.get(k).copied().unwrap_or(usize::MAX - 1);
            let best = (cost(&row, j) + usize::from(x != *y)).min(cost(&row, j + 1) + 1).min(cost(&next, j) + 1);
            next.push(best);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once_with_line_and_column() {
        let text = "naem = 'x'\ncount = 'many'\nwait = '20'\n[deep]\nunknown = 1\n";
        let faults = Faults::new("a.toml", text);
        let doc = Doc::parse(text, &faults);
        let root = doc.table(&faults);
        root.only(&["name", "count", "wait", "deep"]);
        let _ = (root.need_text("name"), root.whole("count", 1), root.duration("wait", Duration::ZERO));
        root.table("deep").unwrap().only(&["other"]);
        let told: Vec<String> = faults.finish().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "a.toml:1:1: `name` is missing",
                "a.toml:1:1: unknown key `naem` (did you mean `name`?)",
                "a.toml:2:9: `count` must be a whole number from 1, found a string",
                "a.toml:3:8: `wait` must be a length of time such as \"20s\", \"500ms\", \"2m\", \"1h\", \"3d\"",
                "a.toml:5:1: unknown key `unknown` (known here: other)",
            ]
        );
    }

    #[test]
    fn broken_syntax_is_a_fault_with_its_place() {
        let faults = Faults::new("a.toml", "a = 1\nb = = 2\n");
        let _ = Doc::parse("a = 1\nb = = 2\n", &faults);
        assert!(faults.finish().iter().any(|f| f.line == 2));
    }
}

//! Which edition of a procedure's form is in force on a day. Data: `schemas/canonical/forms/editions.toml`.
//!
//! One edition's end is the next one's start. Codes are the bare national ones (`3.000181` of `3.000181.000.00.00.H22`).

use jiff::civil::Date;
use std::collections::BTreeMap;

/// The editions of all procedures, in order of their first day.
#[derive(Clone, Debug, Default)]
pub struct Editions {
    by_procedure: BTreeMap<String, Vec<(Date, String)>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    edition: Vec<Row>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    procedure: String,
    name: String,
    from: String,
}

// === impl Editions ===

impl Editions {
    /// Reads the table `[[edition]] procedure name from`; the error is a sentence with line and column where toml knows them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut editions = Self::default();
        for row in file.edition {
            let from: Date =
                row.from.parse().map_err(|_| format!("{}@{}: `from` is not a date: {}", row.procedure, row.name, row.from))?;
            editions.insert(&row.procedure, from, &row.name);
        }
        Ok(editions)
    }

    /// Adds an edition in force from that day.
    pub fn insert(&mut self, procedure: &str, from: Date, name: &str) {
        let list = self.by_procedure.entry(bare(procedure).to_owned()).or_default();
        list.push((from, name.to_owned()));
        list.sort();
    }

    /// The edition in force on `day`, if any.
    #[must_use]
    pub fn edition_on(&self, procedure: &str, day: Date) -> Option<&str> {
        let list = self.by_procedure.get(bare(procedure))?;
        list.iter().rev().find(|(from, _)| *from <= day).map(|(_, name)| name.as_str())
    }

    /// All editions as (procedure, first day, name).
    pub fn iter(&self) -> impl Iterator<Item = (&str, Date, &str)> {
        self.by_procedure
            .iter()
            .flat_map(|(code, list)| list.iter().map(move |(from, name)| (code.as_str(), *from, name.as_str())))
    }
}

/// The bare national code: the first two groups of `3.000181.000.00.00.H22`.
#[must_use]
pub fn bare(procedure: &str) -> &str {
    procedure.match_indices('.').nth(1).and_then(|(at, _)| procedure.get(..at)).unwrap_or(procedure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_is_in_force_from_its_first_day_until_the_next_one() {
        let text = "[[edition]]\nprocedure='1.2'\nname='b'\nfrom='2025-01-01'\n[[edition]]\nprocedure='1.2'\nname='a'\nfrom='2019-01-01'\n";
        let editions = Editions::parse(text).unwrap();
        for (procedure, day, want) in [
            ("1.2", "2018-12-31", None),
            ("1.2", "2019-01-01", Some("a")),
            ("1.2", "2024-12-31", Some("a")),
            ("1.2.000.00.00.X22", "2025-01-01", Some("b")),
            ("1.3", "2025-01-01", None),
        ] {
            assert_eq!(editions.edition_on(procedure, day.parse().unwrap()), want, "{procedure} {day}");
        }
    }
}

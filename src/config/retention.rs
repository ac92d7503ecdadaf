//! `[retention]` of gateway.toml: how many days each class of what is kept stays, and at what hour it is looked. What is not named is kept
//! for ever: removing is never a default.

use super::reader::Table;
use std::collections::BTreeMap;

/// Classes by their words, as the journal knows them.
const CLASSES: [&str; 6] = ["bodies", "received", "attempts", "files", "statements", "events"];

/// The terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days by class; a class that is not in it is kept for ever.
    pub days: BTreeMap<String, u32>,
    /// Minutes after midnight, Việt Nam's, at which the daily run begins.
    pub at: u16,
}

// === impl Retention ===

impl Default for Retention {
    fn default() -> Self {
        Self { days: BTreeMap::new(), at: 2 * 60 }
    }
}

pub(super) fn retention(t: &Table<'_>) -> Retention {
    t.only(&["bodies", "received", "attempts", "files", "statements", "events", "at"]);
    let days = |class: &&str| Some(((*class).to_owned(), u32::try_from(t.whole(class, 1)?).unwrap_or(u32::MAX)));
    let at = t.parsed("at", "a time of day such as \"02:00\"", minutes);
    Retention { days: CLASSES.iter().filter_map(days).collect(), at: at.unwrap_or(Retention::default().at) }
}

/// Reads `02:30`.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let part = |t: &str, most: u16| {
        let digits = t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
        t.parse::<u16>().ok().filter(|n| digits && *n < most)
    };
    Some(part(hour, 24)? * 60 + part(minute, 60)?)
}

#[cfg(test)]
mod tests {
    use super::super::Gateway;
    use super::*;

    #[test]
    fn what_is_not_named_is_kept_and_a_day_is_the_least() {
        let read = |text: &str| Gateway::parse("gateway.toml", text);
        assert_eq!(read("").unwrap().retention, Retention::default());
        let told = read("[retention]\nbodies = 365\nevents = 90\nat = '23:59'").unwrap().retention;
        assert_eq!(told.days, BTreeMap::from([("bodies".to_owned(), 365), ("events".to_owned(), 90)]));
        assert_eq!(told.at, 23 * 60 + 59);
        for wrong in ["bodies = 0", "bodies = '90d'", "bodys = 90", "audit = 90", "at = '24:00'", "at = '2:00'", "at = '02:60'"] {
            assert_eq!(read(&format!("[retention]\n{wrong}")).unwrap_err().len(), 1, "{wrong}");
        }
    }
}

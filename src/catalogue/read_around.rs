//! Reading what a route's mappings take from around a message (`$name`), held against what is there when the route uses them:
//!
//! - a call of ours is written with its own id and time, its dossier, the partner's `[values]`, and what it asks for beforehand (`read_first`);
//! - an answer at a door is written with whom it is for and the partner's `[values]`, and bears no seal;
//! - what a mapping only reads it may find on the wire itself; but a `$partner` value that is not there would be compared with nothing.

use super::read::{Parts, known};
use crate::config::reader::Table;

/// How a route uses a mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It writes a call.
    Call,
    /// It writes an answer of ours.
    Answer,
    /// It reads.
    Reading,
}

/// What a call is written with. A session, findings and a seal have rules of their own.
const CALL: [&str; 5] = ["message.id", "message.time", "dossier.procedure", "dossier.edition", "seal"];

/// What an answer is written with.
const ANSWER: [&str; 2] = ["to.code", "to.name"];

/// Each `$name` of the mapping that is named at `key` and will not be there.
pub(super) fn check(t: &Table<'_>, key: &str, name: &str, used: Use, parts: &Parts<'_>) {
    // A set read back was proven when it came into force.
    let Some(map) = parts.book.map(name).filter(|_| parts.setting.held) else { return };
    for around in map.around() {
        if let Some(value) = around.strip_prefix("partner.") {
            if !parts.values.contains_key(value) {
                t.fault_at(
                    key,
                    format!("`{name}.map` uses `${around}`, which is not among [values]"),
                    known(parts.values.keys()),
                );
            }
            continue;
        }
        let own = |name: &str| name == "session" || name.starts_with("asked.");
        let (there, what, all): (bool, &str, &[&str]) = match used {
            Use::Call => (CALL.contains(&around) || own(around), "a call", &CALL),
            Use::Answer => (ANSWER.contains(&around), "an answer", &ANSWER),
            Use::Reading => (true, "", &[]),
        };
        if !there {
            let names: Vec<String> = all.iter().map(|name| format!("${name}")).collect();
            let hint = format!("there are: {}, $partner.… ([values])", names.join(", "));
            t.fault_at(key, format!("`{name}.map` uses `${around}`, which is not there when {what} is written"), Some(hint));
        }
    }
}

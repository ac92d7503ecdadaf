//! Reading what a partner.toml says of batches, and the rules they must keep:
//!
//! - a call of several messages has a mapping of rows (`[] = .`), and no answer whose content belongs to one message;
//! - it is not signed as one message: a webhook's id is its message's, the same at each attempt, and a batch is put together anew;
//! - rows of an answer are receipts, read by a mapping of rows; a door that takes rows answers in rows.

use super::read::{Parts, count};
use super::read_around::{self, Use};
use super::read_route::{check_judge, map_message};
use super::route::{InKind, InRoute, Items, Repeat, RowBy};
use super::seal::Seal;
use crate::config::reader::Table;
use crate::mapping::Mapping;
use crate::model::Kind;

/// The most messages of one call, in either direction.
pub const MOST: u32 = 200;

/// `batch` and `items` of a call.
pub(super) fn sent(t: &Table<'_>, map: &str, repeat: Option<Repeat>, parts: &Parts<'_>) -> (u32, Option<Items>) {
    let batch = count(t, "batch").unwrap_or(1);
    let items = t.table("items").map(|i| items(&i, repeat, parts));
    if batch > MOST {
        t.fault_at("batch", format!("a call carries at most {MOST} messages"), None);
    }
    if batch == 1 {
        if items.is_some() {
            t.fault_at("items", "`items` is the answer to a batch, and this route sends none", Some("`batch = 50`".into()));
        }
        return (1, None);
    }
    let webhook = |n: &String| matches!(parts.sealing.get(n.as_str()), Some(Seal::Webhook { .. }));
    let signed = t.texts("seal").iter().any(webhook);
    // A set of a time when `batch` was read and not acted on: as it was then.
    if !parts.setting.held && (signed || t.get("content").is_some() || parts.book.map(map).is_some_and(|m| !m.is_batch())) {
        return (1, None);
    }
    rows(t, "batch", map, parts);
    if t.get("content").is_some() {
        t.fault_at("content", "`content` reads the answer to one message; of a batch each has its row: `items`", None);
    }
    if signed {
        let hint =
            "leave `batch` out: its id stays the message's own at each attempt, which a receiver knows repeats by".to_owned();
        t.fault_at("batch", "a call signed as a webhook carries one message", Some(hint));
    }
    (batch, items)
}

/// A door whose mapping reads rows answers in rows, and at once.
pub(super) fn received(t: &Table<'_>, route: &InRoute, parts: &Parts<'_>) {
    let reads_rows = route.map.as_ref().and_then(|map| parts.book.map(map)).is_some_and(Mapping::is_batch);
    if route.kind != InKind::Message || !reads_rows || !parts.setting.held {
        return;
    }
    if let (Some(reply), Some(accepted)) = (t.table("reply"), &route.replies.accepted) {
        rows(&reply, "accepted", accepted, parts);
    }
    if route.wait.is_some() {
        t.fault_at("wait", "a door for batches answers at once: there is no one outcome to wait for", None);
    }
}

fn items(t: &Table<'_>, repeat: Option<Repeat>, parts: &Parts<'_>) -> Items {
    t.only(&["map", "by", "judge"]);
    let _ = t.need("by");
    let map = t.need_text("map");
    if map_message(t, "map", &map, parts).is_some_and(|kind| kind != Kind::Receipt) {
        t.fault_at("map", format!("`{map}.map` must carry receipt: what became of a message"), None);
    }
    rows(t, "map", &map, parts);
    read_around::check(t, "map", &map, Use::Reading, parts);
    let judge = t.text("judge");
    if let Some(judge) = &judge {
        check_judge(t, judge, repeat, parts);
    }
    let by = t.parsed("by", "order, dossier or reference", RowBy::of_word).unwrap_or(RowBy::Reference);
    Items { map, by, judge }
}

/// A mapping that is named for several messages has rows. (One that cannot be read is told at its own place.)
fn rows(t: &Table<'_>, key: &str, map: &str, parts: &Parts<'_>) {
    if parts.book.map(map).is_some_and(|m| !m.is_batch()) {
        let hint = Some("`rows[] = .` with the lines of one message below it".to_owned());
        t.fault_at(key, format!("`{map}.map` carries one message, not rows of them"), hint);
    }
}

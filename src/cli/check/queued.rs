//! `lienthong check --queued`: which waiting deliveries this set could not write, asked of the running gateway before a reload. The set goes
//! there and the messages stay: what comes back are numbers and places.

use super::super::remote::{self, Remote, list, number, text};
use super::super::{Failed, screen};
use crate::catalogue::Files;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Asks and tells; an error when there is one such delivery.
pub(super) async fn ask(files: &Files, reach: &remote::Reach, json: bool) -> Result<(), Failed> {
    let texts: BTreeMap<&str, &str> = files.iter().filter(|(path, _)| !path.contains("/samples/")).collect();
    let answer = remote::compared(&Remote::new(reach)?, json!({ "files": texts, "queued": true })).await?;
    let hard = |d: &Value| matches!(text(d, "how").as_str(), "refused" | "no-route");
    let stuck: Vec<&Value> = list(&answer, "deliveries").iter().filter(|d| list(d, "differences").iter().any(hard)).collect();
    let compared = number(&answer, "compared");
    if json {
        screen::json(&json!({ "compared": compared, "unwritable": stuck }));
    }
    for delivery in stuck.iter().filter(|_| !json) {
        for found in list(delivery, "differences").iter().filter(|d| hard(d)) {
            let what = match text(found, "how").as_str() {
                "no-route" => format!("there is no route `{}` any more", text(delivery, "route")),
                _ => format!("`{}` cannot be written", text(found, "place")),
            };
            screen::line(format!("delivery {} to {}: {what}", text(delivery, "delivery"), text(delivery, "partner")));
        }
    }
    if !stuck.is_empty() {
        return Err(Failed::because(format!(
            "{} of {compared} waiting deliveries could not be written by this set",
            stuck.len()
        )));
    }
    if !json {
        screen::line(format!("{compared} waiting deliveries could be written by this set"));
    }
    Ok(())
}

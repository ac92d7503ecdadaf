//! The result: a table for people, one line for programs.

use super::books::{Books, Finding, Sums, Wrong};
use super::ledger::Counts;
use super::limits::JITTER_MS;
use crate::cli::screen;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was done, and what came of it.
pub(super) struct Report<'b> {
    pub(super) seed: u64,
    pub(super) seconds: u64,
    pub(super) books: &'b Books,
    pub(super) counts: &'b Counts,
    pub(super) findings: &'b [Finding],
}

// === impl Report ===

impl Report<'_> {
    /// For people.
    pub(super) fn table(&self) -> String {
        let (b, counts) = (self.books, self.counts);
        let acknowledged = b.load.iter().filter(|e| e.acknowledged).count();
        let (_, p50, most) = spread(&b.record.answered);
        let (n, ack_50, ack_most) = spread(&b.record.acknowledged);
        let Sums { platform, gateway, portal, ministry } = b.sums();
        let stalls: Vec<i64> = b.stalls.values().flatten().map(|s| s.ms).collect();
        let mut rows = vec![
            vec!["dossiers".to_owned(), b.load.len().to_string(), "handed in by the load".to_owned()],
            vec!["acknowledged".into(), acknowledged.to_string(), "submissions answered 2xx".into()],
            vec![
                "delivered".into(),
                b.delivered().to_string(),
                "took effect at the Ministry; the rest was withdrawn before".into(),
            ],
            vec![
                "calls".into(),
                format!("{} / {} / {}", counts.acknowledged, counts.put_off, counts.unanswered),
                "of the load: acknowledged / put off (429, 5xx) / without an answer".into(),
            ],
            vec![
                "repeated, no effect".into(),
                b.repeated_without_effect().to_string(),
                "webhooks that came again: allowed".into(),
            ],
        ];
        rows.extend(Wrong::ALL.iter().map(|wrong| vec![wrong.name().to_owned(), self.count(*wrong).to_string(), about(*wrong)]));
        rows.extend([
            vec!["paid".into(), b.paid().count().to_string(), "transactions at the platform".into()],
            vec![
                "sums".into(),
                screen::money(platform),
                format!(
                    "gateway {}, portal {}, Ministry {}",
                    screen::money(gateway),
                    screen::money(portal),
                    screen::money(ministry)
                ),
            ],
            vec!["events".into(), b.events.len().to_string(), format!("{} seen by the follower", b.followed.len())],
            vec!["kills".into(), b.record.kills.to_string(), "kill -9 of the gateway".into()],
            vec!["quotas".into(), b.record.quotas.to_string(), "times no file of the gateway could grow for a while".into()],
            vec!["answers again".into(), format!("{p50} / {most} ms"), "from a start: p50 / longest".into()],
            vec![
                "acknowledges again".into(),
                format!("{ack_50} / {ack_most} ms"),
                format!("from a start to the load's first acknowledgement: p50 / longest, of {n} lives that came so far"),
            ],
            vec![
                "stalls".into(),
                stalls.len().to_string(),
                format!("times the machine held up a partner; longest {} ms", stalls.iter().max().unwrap_or(&0)),
            ],
        ]);
        screen::table(&["what", "count", ""], &rows)
    }

    /// For programs: one object.
    pub(super) fn json(&self) -> Value {
        let (b, counts) = (self.books, self.counts);
        let (_, p50, most) = spread(&b.record.answered);
        let (_, ack_50, ack_most) = spread(&b.record.acknowledged);
        let Sums { platform, gateway, portal, ministry } = b.sums();
        let mut all = json!({
            "seed": self.seed, "seconds": self.seconds, "kills": b.record.kills, "quotas": b.record.quotas, "dossiers": b.load.len(),
            "acknowledged": b.load.iter().filter(|e| e.acknowledged).count(), "delivered": b.delivered(),
            "calls": { "acknowledged": counts.acknowledged, "put_off": counts.put_off, "unanswered": counts.unanswered },
            "repeated_without_effect": b.repeated_without_effect(), "paid": b.paid().count(),
            "sums": { "platform": platform, "gateway": gateway, "portal": portal, "ministry": ministry },
            "events": b.events.len(), "followed": b.followed.len(),
            "answers_again_ms": { "p50": p50, "max": most }, "acknowledges_again_ms": { "p50": ack_50, "max": ack_most },
            "jitter_tolerance_ms": JITTER_MS,
        });
        if let Some(map) = all.as_object_mut() {
            map.extend(Wrong::ALL.iter().map(|wrong| (wrong.name().to_owned(), self.count(*wrong).into())));
            map.insert("green".to_owned(), self.findings.is_empty().into());
        }
        all
    }

    /// What is wrong, some of each kind.
    pub(super) fn wrongs(&self) -> Vec<String> {
        let mut shown: BTreeMap<Wrong, usize> = BTreeMap::new();
        let mut lines = Vec::new();
        for finding in self.findings {
            let n = shown.entry(finding.wrong).or_default();
            *n += 1;
            if *n <= 8 {
                lines.push(format!("{}: {}", finding.wrong.name(), finding.what));
            }
        }
        lines
    }

    fn count(&self, wrong: Wrong) -> usize {
        self.findings.iter().filter(|f| f.wrong == wrong).count()
    }
}

fn about(wrong: Wrong) -> String {
    match wrong {
        Wrong::Lost => "acknowledged, and nowhere to be found".to_owned(),
        Wrong::Repeated => "sent or done again where that does harm".to_owned(),
        Wrong::OutOfOrder => "within a dossier, at the Ministry or the portal".to_owned(),
        Wrong::OverLimit => format!("arrivals at a partner; {JITTER_MS} ms of jitter are allowed"),
        Wrong::PaymentLost => "paid, and not known or not told".to_owned(),
        Wrong::PaymentDouble => "paid twice by our doing, or shown paid and not paid".to_owned(),
        Wrong::Sums => "the four books' sums of what was paid".to_owned(),
        Wrong::Unlike => "a dossier stands differently in two books".to_owned(),
        Wrong::Refused => "right requests that were refused".to_owned(),
        Wrong::Case => "open matters for a person that nothing in the books explains".to_owned(),
        Wrong::Parked => "kept for a person although nothing needed one".to_owned(),
        Wrong::EventMissed => "of /v1/events?after=, followed over all restarts".to_owned(),
        Wrong::NotRecovered => "did not come back, or did not finish".to_owned(),
    }
}

/// How many, the middle one and the longest, in milliseconds.
fn spread(of: &[Duration]) -> (usize, u128, u128) {
    let mut sorted = of.to_vec();
    sorted.sort_unstable();
    let ms = |d: Option<&Duration>| d.map_or(0, Duration::as_millis);
    (sorted.len(), ms(sorted.get(sorted.len() / 2)), ms(sorted.last()))
}

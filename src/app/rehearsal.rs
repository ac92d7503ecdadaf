//! What is done to a running gateway on purpose, so that its promises can be tried by anyone without root: its clock is stepped, its disk
//! is full for a while. Given to `serve` by a hidden option; used by `lienthong torture`.
//!
//! A step moves the wall only, as an administrator's `date` would. A full disk is the journal's `max_page_count` at its present size and a
//! small quota on the file store; both end by themselves.

use crate::clock::{Clock, Stepped, Wall};
use crate::journal::{BlobStore, SqliteJournal};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Bytes of files that still find room while the disk is full.
const LAST_BYTES: u64 = 64 << 10;

/// More pages than a journal ever has.
const ALL_PAGES: u32 = u32::MAX - 1;

/// See the head of this file. Times are since the process's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// From when the wall shows so many milliseconds more (or less) than the machine's.
    pub clock: Vec<(Duration, i64)>,
    /// From when until when the disk is full.
    pub full: Vec<(Duration, Duration)>,
}

/// A text that is no rehearsal.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no rehearsal: write clock=AT:OFFSET,… and full=FROM-TO,…, in milliseconds, with `;` between them")]
pub struct NoRehearsal(String);

// === impl Rehearsal ===

impl FromStr for Rehearsal {
    type Err = NoRehearsal;

    /// `clock=0:90000,2500:-30000;full=3000-6000`; the empty text is nothing.
    fn from_str(text: &str) -> Result<Self, NoRehearsal> {
        let unclear = || NoRehearsal(text.to_owned());
        let ms = |t: &str| t.parse().map(Duration::from_millis).map_err(|_| unclear());
        let mut all = Self::default();
        for part in text.split(';').filter(|p| !p.is_empty()) {
            let (what, list) = part.split_once('=').ok_or_else(unclear)?;
            for one in list.split(',') {
                match what {
                    "clock" => {
                        let (at, by) = one.split_once(':').ok_or_else(unclear)?;
                        all.clock.push((ms(at)?, by.parse().map_err(|_| unclear())?));
                    }
                    "full" => {
                        let (from, to) = one.split_once('-').ok_or_else(unclear)?;
                        all.full.push((ms(from)?, ms(to)?));
                    }
                    _ => return Err(unclear()),
                }
            }
        }
        Ok(all)
    }
}

impl std::fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clock: Vec<String> = self.clock.iter().map(|(at, by)| format!("{}:{by}", at.as_millis())).collect();
        let full: Vec<String> = self.full.iter().map(|(from, to)| format!("{}-{}", from.as_millis(), to.as_millis())).collect();
        let parts = [("clock", clock), ("full", full)];
        let parts: Vec<String> =
            parts.iter().filter(|(_, l)| !l.is_empty()).map(|(w, l)| format!("{w}={}", l.join(","))).collect();
        f.write_str(&parts.join(";"))
    }
}

impl Rehearsal {
    /// The machine's clock with the steps asked for.
    pub(super) fn wall(&self) -> Box<dyn Clock> {
        if self.clock.is_empty() { Box::new(Wall::new()) } else { Box::new(Stepped::new(self.clock.clone())) }
    }

    /// Fills the disk and frees it again, as asked for; ends when it has, or when told to stop.
    pub(super) async fn fill(self, journal: Arc<SqliteJournal>, blobs: BlobStore, mut stopped: watch::Receiver<bool>) {
        let start = Wall::new();
        for (from, to) in self.full {
            for (at, pages, bytes) in [(from, 1, LAST_BYTES), (to, ALL_PAGES, u64::MAX)] {
                tokio::select! {
                    () = tokio::time::sleep(at.saturating_sub(start.since_start())) => {}
                    _ = stopped.wait_for(|s| *s) => return,
                }
                blobs.limit(bytes);
                if let Err(error) = journal.limit_pages(pages).await {
                    tracing::error!(%error, "the rehearsal could not change the journal's limit");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_read_as_it_is_written() {
        for text in ["", "clock=0:90000,2500:-30000", "full=3000-6000", "clock=5:-1;full=0-1,2-3"] {
            assert_eq!(text.parse::<Rehearsal>().unwrap().to_string(), text);
        }
        for text in ["clock", "clock=5", "full=5", "full=a-b", "flood=1", "clock=0:x"] {
            assert!(text.parse::<Rehearsal>().is_err(), "{text}");
        }
    }
}

//! Retention as it runs: once a day at its hour, and when an operator asks; a piece at a time, and never beside a flood. What goes is the
//! journal's matter ([`crate::journal::RetentionTerms`]); here is only when, and how fast.

use crate::clock::{Clock, DAY_MS, OFFSET_SECONDS, Time};
use crate::config::Retention;
use crate::journal::{BlobStore, Journal, JournalError, RetentionStep, RetentionTerms};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two pieces: a piece is a few milliseconds of the writer.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is looked when there is nothing to do.
const IDLE: Duration = Duration::from_secs(5);
/// After an error.
const AGAIN: Duration = Duration::from_secs(60);
/// How long it is looked whether others write, while they did.
const LOOK: Duration = Duration::from_secs(1);
/// Commands a second from which nothing is removed: our own are at most a hundred.
const FLOOD: u64 = 300;

/// What retention works with.
pub(super) struct Parts {
    pub(super) journal: Arc<dyn Journal>,
    /// Commands that the journal's writer has committed so far.
    pub(super) commands: Box<dyn Fn() -> u64 + Send + Sync>,
    pub(super) blobs: BlobStore,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Retention,
}

/// Whether others write much: their commands since it was looked last.
struct Watch {
    commands: u64,
    at: Duration,
    flood: bool,
}

// === impl Watch ===

impl Watch {
    fn new(commands: u64, at: Duration) -> Self {
        Self { commands, at, flood: false }
    }

    /// Whether there is a flood now; told anew at most so often, for a rate over a moment says nothing.
    fn flood(&mut self, commands: u64, at: Duration) -> bool {
        let ms = u64::try_from(at.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        if ms >= 250 {
            self.flood = commands.saturating_sub(self.commands).saturating_mul(1_000) / ms > FLOOD;
            (self.commands, self.at) = (commands, at);
        }
        self.flood
    }
}

// === functions ===

/// The terms in the journal's words.
fn terms(retention: &Retention) -> RetentionTerms {
    RetentionTerms::of(|class| retention.days.get(class).copied())
}

/// Runs until stopped.
pub(super) async fn run(parts: Parts, mut stopped: watch::Receiver<bool>) {
    let terms = terms(&parts.retention);
    let mut watch = Watch::new((parts.commands)(), parts.clock.since_start());
    let mut pause = PAUSE;
    loop {
        tokio::select! {
            _ = stopped.wait_for(|s| *s) => return,
            () = tokio::time::sleep(pause) => {}
        }
        if watch.flood((parts.commands)(), parts.clock.since_start()) {
            pause = LOOK;
            continue;
        }
        pause = match round(&parts, &terms, pause != PAUSE).await {
            Ok(RetentionStep::More) => PAUSE,
            Ok(RetentionStep::Idle) => IDLE,
            Err(JournalError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "retention could not go on; trying again");
                AGAIN
            }
        };
    }
}

/// One piece; where there was nothing to do, the daily run is begun at its hour.
async fn round(parts: &Parts, terms: &RetentionTerms, rested: bool) -> Result<RetentionStep, JournalError> {
    let now = parts.clock.now();
    if rested && terms.any() {
        let last = parts.journal.retention(&RetentionTerms::default(), now).await?.last;
        if last.as_ref().is_none_or(|run| run.ended.is_some()) && is_hour(last.map(|run| run.began), parts.retention.at, now) {
            let run = parts.journal.begin_retention("gateway", None, now).await?;
            tracing::info!(run, "retention begins");
        }
    }
    parts.journal.retain(&parts.blobs, terms, now).await
}

/// Whether the hour of the daily run has come since the last one began. The first run of a journal waits for its hour too.
fn is_hour(last: Option<Time>, at: u16, now: Time) -> bool {
    let offset = i64::from(OFFSET_SECONDS) * 1_000;
    let hour = now.day().saturating_mul(DAY_MS) - offset + i64::from(at) * 60_000;
    let last_hour = if hour <= now.0 { hour } else { hour - DAY_MS };
    match last {
        Some(began) => began.0 < last_hour,
        None => hour <= now.0 && now.0 - hour < 3_600_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::simulated::Simulated;

    #[test]
    fn the_daily_run_begins_once_at_its_hour_and_is_made_up_for_when_it_was_missed() {
        let at = |text: &str| Time::parse(text).unwrap();
        let cases = [
            (None, "2026-07-21T01:59:59+07:00", false),
            (None, "2026-07-21T02:00:00+07:00", true),
            (None, "2026-07-21T15:00:00+07:00", false),
            (Some("2026-07-21T02:00:01+07:00"), "2026-07-21T23:00:00+07:00", false),
            (Some("2026-07-21T02:00:01+07:00"), "2026-07-22T01:59:59+07:00", false),
            (Some("2026-07-21T02:00:01+07:00"), "2026-07-22T02:00:00+07:00", true),
            (Some("2026-07-21T16:00:00+07:00"), "2026-07-22T02:00:00+07:00", true),
            (Some("2026-07-18T02:00:01+07:00"), "2026-07-21T01:00:00+07:00", true),
        ];
        for (last, now, want) in cases {
            assert_eq!(is_hour(last.map(at), 120, at(now)), want, "{last:?} {now}");
        }
    }

    #[test]
    fn a_flood_is_a_rate_and_is_over_when_it_has_gone_down() {
        let ms = Duration::from_millis;
        let mut watch = Watch::new(1_000, ms(0));
        assert!(!watch.flood(1_100, ms(10)), "a rate over a moment says nothing");
        assert!(!watch.flood(1_300, ms(1_000)), "three hundred in a second");
        assert!(watch.flood(1_500, ms(1_500)), "four hundred a second");
        assert!(watch.flood(1_500, ms(1_600)), "as it was looked last");
        assert!(!watch.flood(1_510, ms(2_500)));
    }

    /// An ended dossier, so many days ago.
    async fn ended(journal: &dyn Journal, n: usize, at: Time) {
        let mut acceptance = crate::journal::ended_dossier(&format!("D{n}"), at);
        acceptance.effects.deliveries.clear();
        assert!(matches!(journal.accept(acceptance).await.unwrap(), crate::journal::Accepted::New { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_removed_beside_a_flood_and_all_of_it_in_small_pieces_afterwards() {
        const DOSSIERS: usize = 200;
        let dir = tempfile::tempdir().unwrap();
        let store = crate::journal::SqliteJournal::open(dir.path(), crate::journal::Options::default()).unwrap();
        let base = Time::parse("2100-07-21T01:59:00+07:00").unwrap();
        for n in 0..DOSSIERS {
            ended(&*store, n, base.plus_ms(-3 * DAY_MS)).await;
        }
        let clock = Arc::new(Simulated::at(base));
        let begin = clock.begin();
        let days = [("bodies".to_owned(), 1)].into();
        let terms = terms(&Retention { days, at: 120 });
        // Five hundred commands a second for an hour, then silence.
        let flood = Duration::from_secs(3_600);
        let parts = Parts {
            journal: store.clone(),
            commands: Box::new(move || u64::try_from(begin.elapsed().min(flood).as_millis()).unwrap() / 2),
            blobs: BlobStore::open(&dir.path().join("files")).unwrap(),
            clock: clock.clone(),
            retention: Retention { days: [("bodies".to_owned(), 1)].into(), at: 120 },
        };
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(run(parts, stopped));
        tokio::time::sleep(flood - Duration::from_secs(10)).await;
        assert_eq!(store.retention(&terms, clock.now()).await.unwrap().last, None, "the hour came and went in the flood");
        let before = store.written().0;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(store.written().0, before, "not a row is written beside the flood");
        tokio::time::sleep(Duration::from_secs(120)).await;
        let run = store.retention(&terms, clock.now()).await.unwrap().last.unwrap();
        assert!(run.ended.is_some(), "{run:?}");
        assert_eq!(run.removed.iter().map(|t| (t.class.as_str(), t.rows)).collect::<Vec<_>>(), [("bodies", DOSSIERS as u64)]);
        let (_, commits, _) = store.written();
        assert!(commits > DOSSIERS as u64 + 12, "in pieces of some dossiers, each a commit of its own: {commits}");
        tokio::time::sleep(Duration::from_secs(20 * 3_600)).await;
        assert_eq!(store.retention(&terms, clock.now()).await.unwrap().last.unwrap().run, run.run, "once a day");
        stop.send(true).unwrap();
        running.await.unwrap();
    }
}

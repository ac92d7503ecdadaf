//! What is looked up when the metrics are read: the journal's health and the partners' queues. Labels are words of our own tables.

use crate::clock::Time;
use crate::journal::{Health, QueueView, RetentionView, Room};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

type Float = Gauge<f64, AtomicU64>;

/// A partner and the state of its deliveries.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Standing {
    partner: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Partner {
    partner: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Class {
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Share {
    quantile: &'static str,
}

/// Gauges that are set when they are read; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Vitals {
    deliveries: Family<Standing, Gauge>,
    oldest: Family<Partner, Float>,
    sync: Float,
    commit: Family<Share, Float>,
    wait: Family<Share, Float>,
    batch: Float,
    queue: Gauge,
    commits: Gauge,
    commands: Gauge,
    rows: Gauge,
    wal: Gauge,
    free: Gauge,
    reserve: Gauge,
    room: Gauge,
    suspect: Gauge,
    retention_due: Family<Class, Gauge>,
    retention_ended: Float,
    retention_running: Gauge,
}

// === impl Vitals ===

impl Vitals {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let v = Self::default();
        let seconds = || Unit::Seconds;
        registry.register(
            "deliveries",
            "Unfinished deliveries by partner and state; unknown and parked ones hold their lane",
            v.deliveries.clone(),
        );
        registry.register_with_unit(
            "oldest_undelivered",
            "Age of the oldest unfinished delivery by partner",
            seconds(),
            v.oldest.clone(),
        );
        registry.register_with_unit(
            "disk_sync",
            "Median of a synced append to the data folder, measured at start",
            seconds(),
            v.sync.clone(),
        );
        registry.register_with_unit("journal_commit", "Commits of late, sync included", seconds(), v.commit.clone());
        registry.register_with_unit(
            "journal_wait",
            "What the oldest command of a commit had waited for the writer",
            seconds(),
            v.wait.clone(),
        );
        registry.register("journal_batch", "Commands in a commit, on average of late", v.batch.clone());
        registry.register("journal_queue", "Commands that wait for the writer", v.queue.clone());
        registry.register("journal_commits", "Commits of this run", v.commits.clone());
        registry.register("journal_commands", "Commands committed in this run", v.commands.clone());
        registry.register("journal_rows", "Rows written in this run", v.rows.clone());
        registry.register_with_unit("journal_wal", "The write-ahead log", Unit::Bytes, v.wal.clone());
        registry.register_with_unit("disk_free", "Free on the data folder's disk", Unit::Bytes, v.free.clone());
        registry.register_with_unit(
            "disk_reserve",
            "Kept free: below it nothing new is taken in",
            Unit::Bytes,
            v.reserve.clone(),
        );
        registry.register(
            "disk_room",
            "2 enough, 1 below the reserve (intake refuses), 0 below a quarter of it (no calls)",
            v.room.clone(),
        );
        registry.register("disk_suspect", "1 where the disk is slow or its sync suspiciously quick", v.suspect.clone());
        registry.register("retention_due_dossiers", "Dossiers of which a class may be removed now", v.retention_due.clone());
        registry.register_with_unit(
            "retention_ended",
            "Unix time at which the last run of retention ended; 0: none has",
            seconds(),
            v.retention_ended.clone(),
        );
        registry.register("retention_running", "1 while a run of retention is under way", v.retention_running.clone());
        v
    }

    /// How retention stands.
    pub(super) fn retention(&self, view: &RetentionView) {
        for (class, n) in &view.due {
            let labels = Class { class: class.word() };
            self.retention_due.get_or_create(&labels).set(i64::try_from(*n).unwrap_or(i64::MAX));
        }
        let ended = view.last.as_ref().map(|run| run.ended);
        self.retention_running.set(i64::from(ended == Some(None)));
        if let Some(Some(at)) = ended {
            self.retention_ended.set(float(u64::try_from(at.0).unwrap_or(0)) / 1e3);
        }
    }

    /// How the journal fares.
    pub(super) fn journal(&self, h: &Health) {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.sync.set(micros(h.sync_us));
        for (family, (half, most)) in
            [(&self.commit, (h.commit_p50_us, h.commit_p99_us)), (&self.wait, (h.wait_p50_us, h.wait_p99_us))]
        {
            family.get_or_create(&Share { quantile: "0.5" }).set(micros(half));
            family.get_or_create(&Share { quantile: "0.99" }).set(micros(most));
        }
        self.batch.set(float(h.batch_milli) / 1e3);
        for (gauge, n) in [
            (&self.queue, h.queue),
            (&self.commits, h.commits),
            (&self.commands, h.commands),
            (&self.rows, h.rows),
            (&self.wal, h.wal_bytes),
            (&self.free, h.free_bytes.unwrap_or(0)),
            (&self.reserve, h.reserve_bytes),
        ] {
            gauge.set(whole(n));
        }
        self.room.set(match h.room {
            Room::Last => 0,
            Room::Reserve => 1,
            Room::Plenty => 2,
        });
        self.suspect.set(i64::from(h.disk.is_some()));
    }

    /// How the partners' queues stand.
    pub(super) fn queues(&self, queues: &[QueueView], now: Time) {
        for q in queues {
            for (state, n) in [("waiting", q.waiting), ("claimed", q.claimed), ("unknown", q.unknown), ("parked", q.parked)] {
                let standing = Standing { partner: q.partner.clone(), state };
                self.deliveries.get_or_create(&standing).set(i64::try_from(n).unwrap_or(i64::MAX));
            }
            let age = q.oldest.map_or(0, |at| now.ms_since(at));
            self.oldest.get_or_create(&Partner { partner: q.partner.clone() }).set(float(u64::try_from(age).unwrap_or(0)) / 1e3);
        }
    }
}

fn micros(n: u64) -> f64 {
    float(n) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a figure to be looked at: 53 bits are enough")]
fn float(n: u64) -> f64 {
    n as f64
}

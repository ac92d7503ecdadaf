//! The storm: the gateway's lives and kills, the gusts at the partners, and a follower of the event stream. Waits by the wall; everything
//! it does was planned.

use super::Voice;
use super::ledger::Ledger;
use super::plan::{Life, Plan, calm};
use super::stage::{Process, Stage};
use crate::app::Rehearsal;
use crate::clock::{Clock as _, Wall};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Files that are no longer than this still grow under a quota, bytes.
const LAST_BYTES: u64 = 64 << 10;

/// Events read at a time.
const PAGE: usize = 500;

/// What the storm saw of the gateway's starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Kills, those before it answered among them.
    pub(super) kills: u32,
    /// Quotas that held, each a while.
    pub(super) quotas: u32,
    /// From a start to the first answer.
    pub(super) answered: Vec<Duration>,
    /// From a start to the first acknowledgement the load got.
    pub(super) acknowledged: Vec<Duration>,
    /// A start that never answered, a life that ended by itself, a quota that could not be set.
    pub(super) failed: Vec<String>,
}

/// Lives through the plan; the last life is a fair one and goes on: it is handed back.
pub(super) async fn lives(stage: &Stage, plan: &Plan, ledger: &Ledger, clock: &Wall, record: &mut Record) -> Option<Process> {
    for life in &plan.lives {
        let alive = live(stage, life, ledger, clock, record).await;
        record.kills += 1;
        tokio::time::sleep(life.dead).await;
        alive?;
    }
    let mut gateway = begin(stage, &Rehearsal::default(), ledger, record)?;
    let answered = stage.answered(&mut gateway).await;
    if answered.is_none() {
        record.failed.push("the gateway did not come back after the last kill".to_owned());
    }
    record.answered.extend(answered);
    answered.map(|_| gateway)
}

/// One life; none: it did not come to its kill.
async fn live(stage: &Stage, life: &Life, ledger: &Ledger, clock: &Wall, record: &mut Record) -> Option<()> {
    let began = clock.since_start();
    let mut gateway = begin(stage, &life.rehearsal, ledger, record)?;
    let kill = began + life.runs;
    // Ends with this life, before its process does.
    let mut quota = tokio::task::JoinSet::new();
    let held = Arc::new(Mutex::new(Ok(false)));
    quota.spawn(hold(gateway.id(), life.quota, Arc::clone(&held)));
    tokio::select! {
        () = tokio::time::sleep(kill.saturating_sub(clock.since_start())) => {}
        answered = stage.answered(&mut gateway) => {
            record.answered.extend(answered);
            // A start that never answers is seen only where the life is longer than its bound: it is waited for to the end.
            if answered.is_none() {
                record.failed.push(format!("life {}: the gateway did not answer after its start", record.kills + 1));
                return None;
            }
            tokio::time::sleep(kill.saturating_sub(clock.since_start())).await;
        }
    }
    quota.shutdown().await;
    if gateway.is_gone() {
        record.failed.push(format!("life {}: the gateway ended by itself", record.kills + 1));
        return None;
    }
    match &*held.lock().unwrap_or_else(PoisonError::into_inner) {
        Ok(held) => record.quotas += u32::from(*held),
        Err(why) => record.failed.push(format!("life {}: no quota could be set on the gateway: {why}", record.kills + 1)),
    }
    gateway.kill();
    record.acknowledged.extend(ledger.counts().first_since.map(|at| at.saturating_sub(began)));
    Some(())
}

/// Lets no file of a process grow for a while, as a disk's quota would: what finds no room is refused, and goes on when there is room.
/// `held` is told whether it could be set.
async fn hold(gateway: u32, quota: Option<(Duration, Duration)>, held: Arc<Mutex<Result<bool, String>>>) {
    let Some((from, to)) = quota else { return };
    tokio::time::sleep(from).await;
    let set = limit_files(gateway, Some(LAST_BYTES)).map(|()| true).map_err(|e| e.to_string());
    *held.lock().unwrap_or_else(PoisonError::into_inner) = set;
    tokio::time::sleep(to.saturating_sub(from)).await;
    let _ = limit_files(gateway, None);
}

/// No file of a process may grow beyond so many bytes; none: as far as this process's own may.
fn limit_files(process: u32, bytes: Option<u64>) -> std::io::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let own = getrlimit(Resource::Fsize);
    let current = bytes.or(own.current);
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).ok_or(std::io::ErrorKind::NotFound)?;
    prlimit(Some(pid), Resource::Fsize, Rlimit { current, maximum: own.maximum })?;
    Ok(())
}

fn begin(stage: &Stage, rehearsal: &Rehearsal, ledger: &Ledger, record: &mut Record) -> Option<Process> {
    ledger.started();
    stage.start_gateway(rehearsal).map_err(|failed| record.failed.push(failed.text)).ok()
}

/// Brings the gusts, each at its time; ends after the last one, or when told to stop, with fair weather everywhere.
pub(super) async fn gusts(stage: &Stage, plan: &Plan, voice: &Voice, mut stopped: watch::Receiver<bool>) {
    for place in super::plan::Place::ALL {
        stage.weather(place, &calm()).await;
    }
    for gust in &plan.gusts {
        tokio::select! {
            _ = stopped.wait_for(|s| *s) => break,
            () = voice.until(gust.at) => {}
        }
        stage.weather(gust.place, &gust.kind.climate()).await;
        tokio::select! {
            _ = stopped.wait_for(|s| *s) => {}
            () = voice.until(gust.at + gust.lasts) => {}
        }
        stage.weather(gust.place, &calm()).await;
    }
    for place in super::plan::Place::ALL {
        stage.weather(place, &calm()).await;
    }
}

/// Follows `/v1/events?after=` as a receiver would, over all restarts, until told to stop; the numbers it saw, in order.
pub(super) async fn follow(stage: Arc<Stage>, seen: Arc<Mutex<Vec<u64>>>, stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let after = seen.lock().unwrap_or_else(PoisonError::into_inner).last().copied().unwrap_or(0);
        let numbers = page(&stage, after).await.unwrap_or_default();
        let full = numbers.len() >= PAGE;
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend(numbers);
        if !full {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// All events from the first on.
pub(super) async fn all_events(stage: &Stage) -> Option<Vec<u64>> {
    let mut all = Vec::new();
    loop {
        let numbers = page(stage, all.last().copied().unwrap_or(0)).await?;
        let full = numbers.len() >= PAGE;
        all.extend(numbers);
        if !full {
            return Some(all);
        }
    }
}

async fn page(stage: &Stage, after: u64) -> Option<Vec<u64>> {
    let answer = stage.operator.get(&format!("/v1/events?after={after}&limit={PAGE}")).await.ok()?;
    let events = answer.get("events").and_then(Value::as_array)?;
    Some(events.iter().filter_map(|e| e.get("event").and_then(Value::as_u64)).collect())
}

//! A load on a gateway's doors, for `scripts/bench`: dossiers of a fixed size with a new code each, over kept connections, as fast as
//! they are answered or held at a backlog.
//!
//! Always holds: it speaks to loopback only and ends after its seconds; every answer is counted, refusals by their status; it is one
//! thread with as little work a request as it can do with, because it shares the machine with what it measures. It shares no code with
//! the gateway. Not here: what the numbers mean (`scripts/bench`).
//!
//! | file | what |
//! |---|---|
//! | `shot` | what is sent: submission, file, status push |
//! | `wire` | one kept HTTP/1.1 connection, by hand |
//! | `tally` | what came back, and how long it took |

mod shot;
mod tally;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::Failure;
use crate::clock::{Clock as _, Wall};
use shot::{Shots, Spoken};
use tally::Tally;
use wire::Wire;

/// The longest run.
const LONGEST: u64 = 3600;
/// A refused connection, or one that was told to come again, waits so long before it asks again.
const REFUSED: Duration = Duration::from_millis(20);
/// How often the queue is looked at where a backlog is kept.
const LOOK: Duration = Duration::from_millis(25);
/// A status is pushed for the dossier submitted so many before: what is in flight is not overtaken.
const LAG: u64 = 2_000;

/// What is sent, where, how much.
#[derive(Clone, Debug, clap::Args)]
pub struct LoadOptions {
    /// Where it goes, `http://ADDRESS:PORT` on loopback: a gateway, or a proxy to compare it with.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub gateway: String,
    /// Connections at once.
    #[arg(long, default_value_t = 64)]
    pub connections: u32,
    /// Seconds to run (at most 3600).
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// The number of the first dossier: runs against one journal must not share numbers.
    #[arg(long, default_value_t = 1)]
    pub first: u64,
    /// Bytes of a submission, about.
    #[arg(long, default_value_t = 3_000)]
    pub size: usize,
    /// Upload a file of so many bytes before each submission, and name it there (0: none).
    #[arg(long, default_value_t = 0)]
    pub file: usize,
    /// After each submission push a status of an earlier dossier, as the Ministry does.
    #[arg(long)]
    pub push: bool,
    /// A bearer token; left out: the portal signs in for one.
    #[arg(long)]
    pub token: Option<String>,
    /// Client id and secret of the portal, user and password of the Ministry at the gateway.
    #[arg(long, num_args = 4, value_names = ["ID", "SECRET", "USER", "PASSWORD"],
          default_values = ["cong-dvc-thu-nghiem", "vi-du-cong", "bo-gddt-thu-nghiem", "vi-du-bo"])]
    pub credentials: Vec<String>,
    /// Send nothing new while more deliveries wait than this, and wait at the end until none does (0: no look at the queue).
    #[arg(long, default_value_t = 0)]
    pub backlog: u64,
    /// Deliveries that wait for good, behind stuck heads: not counted to the backlog.
    #[arg(long, default_value_t = 0)]
    pub stuck: u64,
    /// The gateway's operators' address, for `--backlog`.
    #[arg(long, default_value = "http://127.0.0.1:8081")]
    pub admin: String,
    /// An operator's token, for `--backlog`.
    #[arg(long, default_value = "vi-du-van-hanh")]
    pub operator: String,
}

/// What every connection shares.
struct Run {
    shots: Shots,
    clock: Wall,
    next: AtomicU64,
    first: u64,
    over: AtomicBool,
    /// True while something new may be sent.
    gate: watch::Receiver<bool>,
    gateway: SocketAddr,
}

// === functions ===

/// Runs it; the figures as one JSON object: seconds (with and without the time to drain), and per kind of request how many were taken,
/// refused (by status), lost, and percentiles of the answer time of those taken, in microseconds.
pub async fn load(options: LoadOptions) -> Result<Value, Failure> {
    let (gateway, admin) = (loopback(&options.gateway)?, loopback(&options.admin)?);
    let seconds = Duration::from_secs(options.seconds.min(LONGEST));
    let spoken = speak(&options, gateway).await?;
    let (open, gate) = watch::channel(true);
    let run = Arc::new(Run {
        shots: Shots::new(&spoken, options.size, options.file, crate::clock::Clock::now(&Wall::new()).0),
        clock: Wall::new(),
        next: AtomicU64::new(options.first),
        first: options.first,
        over: AtomicBool::new(false),
        gate,
        gateway,
    });
    let watcher = (options.backlog > 0).then(|| {
        tokio::spawn(watch_queue(
            Arc::clone(&run),
            admin,
            options.operator.clone(),
            (options.backlog, options.stuck),
            open.clone(),
        ))
    });
    let workers: Vec<_> =
        (0..options.connections.clamp(1, 4096)).map(|_| tokio::spawn(work(Arc::clone(&run), options.push))).collect();
    tokio::time::sleep(seconds).await;
    run.over.store(true, Ordering::Relaxed);
    open.send_replace(true);
    let mut tally = Tally::default();
    for worker in workers {
        if let Ok(one) = worker.await {
            tally.add(one);
        }
    }
    let sent = run.clock.since_start();
    let deepest = match watcher {
        Some(watcher) => watcher.await.unwrap_or(0),
        None => 0,
    };
    let mut figures = tally.figures();
    if let Some(all) = figures.as_object_mut() {
        all.insert("seconds".to_owned(), json!(sent.as_secs_f64()));
        all.insert("seconds_with_drain".to_owned(), json!(run.clock.since_start().as_secs_f64()));
        all.insert("deepest_queue".to_owned(), json!(deepest));
        all.insert("next".to_owned(), json!(run.next.load(Ordering::Relaxed)));
        all.insert("body_bytes".to_owned(), json!(run.shots.submission_bytes()));
    }
    Ok(figures)
}

/// Only this machine is put under load.
fn loopback(url: &str) -> Result<SocketAddr, Failure> {
    let address = url.trim_end_matches('/').strip_prefix("http://").and_then(|a| a.parse::<SocketAddr>().ok());
    address.filter(|a| a.ip().is_loopback()).ok_or_else(|| {
        Failure::Role(format!(
            "`{url}`: a load is put on http://ADDRESS:PORT of this machine only, such as http://127.0.0.1:8080"
        ))
    })
}

/// The words that go with every request.
async fn speak(options: &LoadOptions, gateway: SocketAddr) -> Result<Spoken, Failure> {
    let word = |n: usize| options.credentials.get(n).map(String::as_str).unwrap_or_default();
    let basic = super::seal::base64(format!("{}:{}", word(2), word(3)).as_bytes());
    if let Some(token) = &options.token {
        return Ok(Spoken { token: token.clone(), basic });
    }
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", word(0), word(1));
    let request = shot::request("/hanoi/token", &[("Content-Type", "application/x-www-form-urlencoded")], form.as_bytes());
    let mut wire = Wire::new(gateway);
    let status = wire.ask(&request).await?;
    let answer: Value = serde_json::from_slice(wire.body()).unwrap_or_default();
    match answer.get("access_token").and_then(Value::as_str) {
        Some(token) => Ok(Spoken { token: token.to_owned(), basic }),
        None => Err(Failure::Answer { status, body: String::from_utf8_lossy(wire.body()).into_owned() }),
    }
}

/// One connection, until the time is over.
async fn work(run: Arc<Run>, push: bool) -> Tally {
    let (mut wire, mut gate, mut request, mut tally) = (Wire::new(run.gateway), run.gate.clone(), Vec::new(), Tally::default());
    while !run.over.load(Ordering::Relaxed) {
        if gate.wait_for(|open| *open).await.is_err() || run.over.load(Ordering::Relaxed) {
            break;
        }
        let number = run.next.fetch_add(1, Ordering::Relaxed);
        let stored = if run.shots.has_file() {
            run.shots.file(number, &mut request);
            if !fire(&run, &mut wire, &request, &mut tally.file).await {
                continue;
            }
            shot::stored(wire.body())
        } else {
            None
        };
        run.shots.submission(number, stored.as_ref(), &mut request);
        if fire(&run, &mut wire, &request, &mut tally.submit).await
            && let Some(earlier) = number.checked_sub(LAG).filter(|e| push && *e >= run.first)
        {
            run.shots.push(earlier, &mut request);
            fire(&run, &mut wire, &request, &mut tally.push).await;
        }
    }
    tally
}

/// One request; true: it was taken.
async fn fire(run: &Run, wire: &mut Wire, request: &[u8], line: &mut tally::Line) -> bool {
    let began = run.clock.since_start();
    let status = wire.ask(request).await.ok();
    let taken = line.count(status, run.clock.since_start().saturating_sub(began));
    if !taken {
        tokio::time::sleep(REFUSED).await;
    }
    taken
}

/// Shuts the gate while too much waits, and at the end waits until nothing does; the deepest queue seen. A gateway that does not answer
/// any more, or a queue that does not get shorter, ends it.
async fn watch_queue(
    run: Arc<Run>,
    admin: SocketAddr,
    operator: String,
    (most, behind): (u64, u64),
    gate: watch::Sender<bool>,
) -> u64 {
    let request = shot::get("/v1/partners", &operator);
    let (mut wire, mut deepest, mut stuck, mut last) = (Wire::new(admin), 0, 0_u32, 0);
    while stuck < 1_200 {
        let waiting = match wire.ask(&request).await {
            Ok(200) => waiting(wire.body()).saturating_sub(behind),
            _ => break,
        };
        deepest = waiting.max(deepest);
        let over = run.over.load(Ordering::Relaxed);
        if over && waiting == 0 {
            break;
        }
        stuck = if over && waiting >= last { stuck + 1 } else { 0 };
        last = waiting;
        if !over {
            gate.send_if_modified(|open| std::mem::replace(open, waiting <= most) != (waiting <= most));
        }
        tokio::time::sleep(LOOK).await;
    }
    gate.send_replace(true);
    deepest
}

/// All deliveries that are not settled yet.
fn waiting(body: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let partners = answer.get("partners").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of = |p: &Value, name: &str| p.get(name).and_then(Value::as_u64).unwrap_or(0);
    partners.iter().map(|p| of(p, "waiting") + of(p, "claimed") + of(p, "unknown")).sum()
}

//! The payment window of one evening: how long a citizen waits for the payment link while tens of thousands of submissions wait and the
//! Ministry is paused, beside what the payment platform itself takes to answer, measured in the same run.
//!
//! Gateway and simulated partners run in this process, over real HTTP on loopback; the journal syncs. Dossiers that owe a fee get it on the
//! whole way (submitted, accepted by the Ministry, fee told); the backlog is written into the journal as the door would have written it.
//! Clicks arrive evenly, whatever the answers do (open loop); each is paid at once, so that notices, queries and callbacks run beside.
//! Between two clicks the platform is asked directly, with the same latency.
//!
//!     cargo bench --profile dist --bench payments -- [--seconds N] [--per-minute N] [--waiting N] [--latency MS] [--submissions N/s] [--json]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark: it measures, prints and may fail"
)]

mod stage;

use serde_json::json;
use stage::{RETURN_URL, Stage};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The ratio that must not be exceeded.
const MOST: f64 = 1.5;

/// What is measured.
struct Arguments {
    seconds: u64,
    per_minute: u64,
    waiting: u64,
    latency: u64,
    submissions: u64,
    json: bool,
}

/// What came of it; times in milliseconds.
struct Measured {
    link: Vec<f64>,
    platform: Vec<f64>,
    unanswered: usize,
    paid: usize,
    told: usize,
    settled: f64,
    submitted: usize,
    late_submissions: usize,
}

fn arguments() -> Arguments {
    let mut found = Arguments { seconds: 60, per_minute: 200, waiting: 50_000, latency: 200, submissions: 20, json: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|w| w.parse().ok()).unwrap_or_else(|| panic(&format!("{word} wants a number")));
        match word.as_str() {
            "--seconds" => found.seconds = number(),
            "--per-minute" => found.per_minute = number(),
            "--waiting" => found.waiting = number(),
            "--latency" => found.latency = number(),
            "--submissions" => found.submissions = number(),
            "--json" => found.json = true,
            // What `cargo bench` itself gives.
            "--bench" => {}
            _ => panic(&format!("unknown argument {word}")),
        }
    }
    found
}

fn panic(why: &str) -> ! {
    eprintln!("bench payments: {why}");
    std::process::exit(2)
}

fn main() -> ExitCode {
    let a = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (staged, measured) = runtime.block_on(async {
        let begun = Instant::now();
        let clicks = a.seconds * a.per_minute / 60;
        let stage = Stage::build(a.latency, clicks, a.waiting).await;
        let staged = begun.elapsed();
        let measured = evening(&stage, &a).await;
        stage.end().await;
        (staged, measured)
    });
    tell(&a, staged, measured)
}

/// Clicks and questions, evenly, for the time asked for; then until everything paid is told.
async fn evening(stage: &Arc<Stage>, a: &Arguments) -> Measured {
    let between = Duration::from_secs_f64(60.0 / a.per_minute as f64);
    let start = tokio::time::Instant::now();
    let (mut clicks, mut probes) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    let submitting = tokio::spawn(submissions(stage.clone(), a.submissions, Duration::from_secs(a.seconds)));
    for (n, code) in (0..).zip(stage.owing.clone()) {
        tokio::time::sleep_until(start + between * n).await;
        let there = stage.clone();
        clicks.spawn(async move {
            let begun = Instant::now();
            let link = there.portal.pay(&code, RETURN_URL).await;
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            let link = link.ok().filter(|l| l.url.is_some())?;
            let paid = there.payment.pay(&link.transaction?);
            paid.then_some(took)
        });
        let there = stage.clone();
        probes.spawn(async move {
            tokio::time::sleep(between / 2).await;
            there.ask_platform().await
        });
    }
    let link: Vec<Option<f64>> = clicks.join_all().await;
    let platform: Vec<f64> = probes.join_all().await.into_iter().map(|d| d.as_secs_f64() * 1000.0).collect();
    let last = Instant::now();
    let told = stage.until_told(Duration::from_secs(60)).await;
    let (submitted, late_submissions) = submitting.await.unwrap();
    Measured {
        unanswered: link.iter().filter(|t| t.is_none()).count(),
        link: link.into_iter().flatten().collect(),
        platform,
        paid: stage.paid().await,
        told,
        settled: last.elapsed().as_secs_f64() * 1000.0,
        submitted,
        late_submissions,
    }
}

/// Other citizens hand in meanwhile: accepted, and accepted later than a second.
async fn submissions(stage: Arc<Stage>, per_second: u64, time: Duration) -> (usize, usize) {
    let mut all = tokio::task::JoinSet::new();
    let start = tokio::time::Instant::now();
    let total = u32::try_from(per_second * time.as_secs()).unwrap();
    for n in 0..total {
        tokio::time::sleep_until(start + Duration::from_secs_f64(f64::from(n) / per_second as f64)).await;
        let stage = stage.clone();
        all.spawn(async move {
            let begun = Instant::now();
            stage.submit_plain(n).await.then(|| begun.elapsed() > Duration::from_secs(1))
        });
    }
    let taken: Vec<bool> = all.join_all().await.into_iter().flatten().collect();
    (taken.len(), taken.iter().filter(|late| **late).count())
}

fn tell(a: &Arguments, staged: Duration, mut m: Measured) -> ExitCode {
    let (link, platform) = (spread(&mut m.link), spread(&mut m.platform));
    let ratio = link.1 / platform.1;
    let clicks = m.link.len() + m.unanswered;
    let good = m.unanswered == 0 && m.paid == clicks && m.told == clicks && ratio < MOST;
    if a.json {
        let of = |s: (f64, f64, f64)| json!({ "p50": s.0, "p95": s.1, "max": s.2 });
        let told = json!({
            "good": good, "clicks": clicks, "unanswered": m.unanswered, "paid": m.paid, "told": m.told,
            "link_ms": of(link), "platform_ms": of(platform), "ratio_p95": ratio, "must_be_below": MOST,
            "settled_after_last_click_ms": m.settled, "submitted": m.submitted, "submissions_over_1s": m.late_submissions,
            "per_minute": a.per_minute, "waiting": a.waiting, "latency_ms": a.latency, "seconds": a.seconds, "staged_s": staged.as_secs_f64(),
        });
        println!("{told}");
    } else {
        println!(
            "{} payments a minute for {} s, {} submissions waiting, {} handed in meanwhile, Ministry paused",
            a.per_minute, a.seconds, a.waiting, m.submitted
        );
        println!("                       p50       p95       max   (ms)");
        for (name, (p50, p95, max)) in [("click → link", link), ("platform alone", platform)] {
            println!("{name:<18} {p50:>9.1} {p95:>9.1} {max:>9.1}");
        }
        println!(
            "p95 ratio {ratio:.2} (must be below {MOST}); clicks {clicks}, without link {}, paid {}, portal told {}",
            m.unanswered, m.paid, m.told
        );
        println!("all told {:.0} ms after the last link; submissions that took over 1 s: {}", m.settled, m.late_submissions);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Median, 95th percentile, largest.
fn spread(times: &mut [f64]) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get(((times.len() as f64 * part).ceil() as usize).saturating_sub(1)).copied().unwrap_or(f64::NAN);
    (at(0.5), at(0.95), at(1.0))
}

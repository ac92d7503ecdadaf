//! `lienthong torture`: the gateway is mistreated for a while, then the books of all sides are compared.
//!
//! Gateway, partners and load are processes of their own on loopback (the program starts itself); the gateway is killed at random
//! instants, its clock stepped, its disk filled; partners go out, cut calls before and after processing, answer late and wrong, tell
//! things twice and in any order. Nothing here knows the mapping: what the load was told, what the partners took and what the gateway says
//! of itself were written by different hands.
//!
//! | file | what |
//! |---|---|
//! | `plan` | what will be done, from a seed; pure |
//! | `stage` | the processes |
//! | `storm` | kills, gusts, the follower of events |
//! | `hands` `ledger` | the load, and its own book |
//! | `reading` `books` `limits` | the books, and what is wrong with them; the last two pure |
//! | `table` | the result |

mod books;
mod hands;
mod ledger;
mod limits;
mod plan;
mod reading;
mod stage;
mod storm;
mod table;

use super::{Failed, screen};
use crate::clock::{Clock as _, Wall};
use books::Books;
use hands::Hands;
use ledger::Ledger;
use plan::Plan;
use stage::Stage;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storm::Record;
use table::Report;
use tokio::sync::watch;

pub(super) const ABOUT: &str = "\
Mistreats the gateway for a while and then compares the books of all sides. Anyone can run it; it needs no root and nothing configured.

Gateway, simulated partners and load run as processes of their own on loopback. The gateway is killed (kill -9) at random instants, its \
clock is stepped, its disk is full for a while, or a quota lets no file grow. Partners refuse connections, cut calls before and after processing, answer 503, 500 and \
502, late, half and garbled, tell things twice and in any order. Citizens hand in dossiers, some twice at once, some with files, withdraw, \
supplement and pay. Then the weather turns fair, what was put off is asked again, and the books are compared.

Exit code 0: nothing was lost, nothing repeated with effect, nothing out of order, no limit exceeded, every payment once, the sums alike. \
The storm lasts --seconds; the calm after it at most as long again and two minutes.";

const EXAMPLES: &str = "\
Examples:
  lienthong torture                             a minute
  lienthong torture --seconds 600 --seed 7
  lienthong torture --seconds 30 --json         the last line of stdout is one object
  lienthong torture --keep                      the folder with journal, logs and books stays

What each line of the table means: docs/reliability.md";

/// The calm after the storm lasts at most this long, and the storm's length.
const CALM: Duration = Duration::from_secs(120);

/// Between two looks at the books in the calm.
const LOOK: Duration = Duration::from_millis(500);

/// Arguments of `torture`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// How long the storm lasts.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    seconds: u64,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Dossiers handed in a second.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=200))]
    rate: u32,
    /// Keep the folder and tell where it is; else it is removed at the end.
    #[arg(long)]
    keep: bool,
    /// For tests of this command: a fault planted in the gateway (test builds). The torture must fail.
    #[arg(long, hide = true)]
    plant: Option<String>,
}

/// The storm's clock, and where progress goes.
#[derive(Clone)]
struct Voice {
    clock: Arc<Wall>,
    aside: bool,
}

// === impl Voice ===

impl Voice {
    fn say(&self, text: impl AsRef<str>) {
        let line = format!("{:6.1} s  {}", self.clock.since_start().as_secs_f64(), text.as_ref());
        if self.aside { screen::note(line) } else { screen::line(line) }
    }

    /// Waits until so long after the storm's begin.
    async fn until(&self, at: Duration) {
        tokio::time::sleep(at.saturating_sub(self.clock.since_start())).await;
    }
}

// === functions ===

/// Runs it.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failed> {
    tokio::select! {
        done = storm_and_calm(&arguments, json) => done,
        () = crate::app::told_to_stop() => Err(Failed::because("stopped before the end; nothing was compared")),
    }
}

async fn storm_and_calm(arguments: &Arguments, json: bool) -> Result<(), Failed> {
    let length = Duration::from_secs(arguments.seconds);
    let plan = Arc::new(Plan::new(arguments.seed, length));
    let stage = Arc::new(Stage::build(arguments.seed, arguments.keep, arguments.plant.clone()).await?);
    let voice = Voice { clock: Arc::new(Wall::new()), aside: json };
    voice.say(format!(
        "seed {}: {} kills and {} gusts in {} s, {} dossiers a second; folder {}",
        arguments.seed,
        plan.lives.len(),
        plan.gusts.len(),
        arguments.seconds,
        arguments.rate,
        stage.folder.path().display()
    ));
    let ledger = Arc::new(Ledger::default());
    let (stop, stopped) = watch::channel(false);
    let hands = Hands {
        stage: Arc::clone(&stage),
        plan: Arc::clone(&plan),
        ledger: Arc::clone(&ledger),
        clock: Arc::clone(&voice.clock),
        rate: arguments.rate,
    };
    // Ended with this function, however it ends.
    let mut work = tokio::task::JoinSet::new();
    let followed = Arc::new(Mutex::new(Vec::new()));
    let (unfollow, unfollowed) = watch::channel(false);
    work.spawn(Arc::new(hands).work(stopped.clone()));
    work.spawn(storm::follow(Arc::clone(&stage), Arc::clone(&followed), unfollowed));
    work.spawn({
        let (stage, plan, voice) = (Arc::clone(&stage), Arc::clone(&plan), voice.clone());
        async move { storm::gusts(&stage, &plan, &voice, stopped).await }
    });
    work.spawn({
        let (ledger, voice) = (Arc::clone(&ledger), voice.clone());
        async move { tell(&ledger, &voice).await }
    });
    let mut record = Record::default();
    let gateway = storm::lives(&stage, &plan, &ledger, &voice.clock, &mut record).await;
    let _ = stop.send(true);
    voice.say("the storm is over; what was put off is asked again");
    let books = settled(arguments, &stage, &ledger, &followed, &record).await?;
    let _ = unfollow.send(true);
    drop(gateway);
    told(arguments, &voice, &books, &ledger, json)
}

/// Says now and then how it goes.
async fn tell(ledger: &Ledger, voice: &Voice) {
    loop {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let (counts, entries) = (ledger.counts(), ledger.entries());
        voice.say(format!(
            "{} dossiers, {} courses open; calls acknowledged {}, put off {}, unanswered {}",
            entries.len(),
            ledger.open_courses(),
            counts.acknowledged,
            counts.put_off,
            counts.unanswered
        ));
    }
}

/// Reads the books until nothing is wrong any more, or nothing will get better, or for a bounded time. A gateway with a planted fault is
/// not given much: what is wrong for good ends it.
async fn settled(
    arguments: &Arguments,
    stage: &Arc<Stage>,
    ledger: &Ledger,
    followed: &Mutex<Vec<u64>>,
    record: &Record,
) -> Result<Books, Failed> {
    let (most, patience) = match arguments.plant {
        None => (Duration::from_secs(arguments.seconds) + CALM, 40),
        Some(_) => (CALM, 10),
    };
    let clock = Wall::new();
    // Counted in looks, not in seconds: a machine that stalls looks more rarely too.
    let (mut last, mut same) = ((0, 0), 0);
    // Reading all books is work for the machine: first the courses, then the books.
    while record.failed.is_empty() && ledger.open_courses() > 0 && clock.since_start() < most && same < patience {
        let now = (ledger.open_courses(), ledger.counts().acknowledged);
        same = if now == last { same + 1 } else { 0 };
        last = now;
        tokio::time::sleep(LOOK).await;
    }
    let (mut last, mut same) = (Vec::new(), 0);
    loop {
        let books = reading::read(stage, ledger, followed, record).await?;
        let wrong = books.findings();
        let for_good = arguments.plant.is_some() && wrong.iter().any(books::Finding::is_for_good);
        if wrong.is_empty() || for_good || !record.failed.is_empty() || clock.since_start() > most {
            return Ok(books);
        }
        same = if wrong == last { same + 1 } else { 0 };
        last = wrong;
        // What partners and gateway repeat comes within seconds: what has not moved for long will not.
        if same > patience {
            return Ok(books);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn told(arguments: &Arguments, voice: &Voice, books: &Books, ledger: &Ledger, json: bool) -> Result<(), Failed> {
    let (findings, counts) = (books.findings(), ledger.counts());
    let report = Report { seed: arguments.seed, seconds: arguments.seconds, books, counts: &counts, findings: &findings };
    let show = |text: String| if json { screen::note(text) } else { screen::line(text) };
    voice.say("the books of the load, the partners and the gateway, set beside each other:");
    show(format!("\n{}", report.table()));
    report.wrongs().into_iter().for_each(show);
    if json {
        screen::line(report.json().to_string());
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failed::because(format!(
        "{} things are wrong (see above); --keep leaves journal, logs and books to look at",
        findings.len()
    )))
}

//! `lienthong demo`: the main job end to end on one machine, nothing to configure.
//!
//! Gateway and the three simulated partners run in this process on loopback, on free ports, with a journal in a temporary folder. The
//! end is judged from the books of all four sides, never from what the demo itself believes.
//!
//! | file | what |
//! |---|---|
//! | `stage` | gateway and partners, built and ended |
//! | `cast` | which dossier takes which course, and the citizen's part in it |
//! | `tally` | the books of all sides set beside each other |

mod cast;
mod stage;
mod tally;

use super::{Failed, screen};
use crate::clock::{Clock as _, Wall};
use cast::Cast;
use stage::Stage;
use std::sync::Arc;
use std::time::Duration;
use tally::Tally;

pub(super) const ABOUT: &str = "\
Runs the main job end to end on this machine, with nothing to configure: the gateway and all three partners in one process, on loopback \
and free ports, with a journal on disk in a temporary folder.

The city's portal hands in dossiers of the three services that run on the Ministry's software; the Ministry receives them, asks one for \
papers, refuses one, has one withdrawn; fees are asked for, paid at the payment platform and told to everybody; results come back with \
their documents. At the end the books of all four sides are set beside each other.

Exit code 0: every dossier is where it should be, every fee that was asked for is paid, nothing is parked, nothing is lost.";

const EXAMPLES: &str = "\
Examples:
  lienthong demo                      runs, shows what to look at, stays until Ctrl-C
  lienthong demo --exit               runs and ends
  lienthong demo --exit --json        the last line of stdout is {\"dossiers\":…,\"final\":…,\"paid\":…,\"parked\":…,\"lost\":…}
  lienthong demo --dossiers 200 --seed 7";

/// How long the whole may take.
const BOUND: Duration = Duration::from_secs(120);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// How many dossiers are handed in.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(6..=2000))]
    dossiers: u64,
    /// End when the dossiers have; else gateway and partners stay until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Seed of the invented people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the journal and tell where it is; else it is removed at the end.
    #[arg(long)]
    keep: bool,
    /// What the gateway logs to stderr: error, warn, info, debug.
    #[arg(long, default_value = "error", value_parser = ["error", "warn", "info", "debug"])]
    log: String,
    /// For tests of this command: the Ministry's book misses one dossier. The demo must fail.
    #[arg(long, hide = true)]
    hide_dossier: bool,
    /// For tests of this command: the platform's book misses one payment. The demo must fail.
    #[arg(long, hide = true)]
    hide_payment: bool,
}

/// Where progress goes, with the time since the start.
#[derive(Clone, Debug)]
struct Voice {
    clock: Arc<Wall>,
    /// Progress to stderr: stdout is a program's.
    aside: bool,
}

// === impl Voice ===

impl Voice {
    fn say(&self, text: impl AsRef<str>) {
        let seconds = self.clock.since_start().as_secs_f64();
        self.plain(format!("{seconds:6.1} s  {}", text.as_ref()));
    }

    fn plain(&self, text: impl AsRef<str>) {
        if self.aside { screen::note(text) } else { screen::line(text) }
    }
}

// === functions ===

/// Runs it.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failed> {
    let voice = Voice { clock: Arc::new(Wall::new()), aside: json };
    voice.plain("lienthong demo: gateway, city portal, Ministry and payment platform are being started in this process.");
    crate::app::log(&crate::config::Log { level: arguments.log.clone(), ..crate::config::Log::default() });
    let stage = Stage::build(arguments.seed, arguments.keep).await?;
    voice.say(format!("the gateway listens on http://{}; journal in {}", stage.gateway.addr, stage.folder.path().display()));
    let done = tokio::select! {
        done = play(&stage, &arguments, &voice, json) => done,
        () = crate::app::told_to_stop() => Err(Failed::because("stopped before the end")),
    };
    if done.is_ok() && !arguments.exit {
        crate::app::told_to_stop().await;
    }
    stage.end().await;
    done
}

async fn play(stage: &Stage, arguments: &Arguments, voice: &Voice, json: bool) -> Result<(), Failed> {
    let cast = Arc::new(Cast::new(arguments.dossiers, arguments.seed));
    voice.say(format!("{} dossiers of three services are handed in", arguments.dossiers));
    let late = tokio::time::timeout(BOUND, cast::perform(stage, &cast, voice)).await.is_err();
    // The gateway hears of an end a moment before the others do, or after: the books are read until they agree.
    let tally = Tally::settled(stage, &cast, arguments).await?;
    voice.plain("");
    voice.plain(tally.table().trim_end());
    voice.plain("");
    tally.remarks(stage).iter().for_each(|r| voice.plain(r));
    if !arguments.exit {
        voice.plain(stage.look_around(cast.first_code().as_deref()));
    }
    if json {
        screen::line(tally.json());
    } else {
        screen::line(tally.summary());
    }
    let missing = tally.missing();
    if missing.is_empty() && !late {
        return Ok(());
    }
    let late = if late { format!("not done within {} s", BOUND.as_secs()) } else { "the books do not agree".to_owned() };
    Err(Failed::because(format!("{late}:\n  {}", missing.join("\n  "))))
}

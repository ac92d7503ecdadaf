//! The commands. Results on stdout, diagnostics on stderr; exit code 0 only for success, 1 when it did not succeed, 2 for wrong usage.
//!
//! Commands that change anything speak to the running gateway over its operators' address; none opens its journal. On a user's own
//! terminal values are shown (`read`, `write`, `translate`), nowhere else.
//!
//! | file | command |
//! |---|---|
//! | `serve` `demo` `simulate` `load` `torture` | run something |
//! | `check` `lint` `read` and `write` and `translate` (`wire`) `catalogue` | work on adapters and files, no gateway needed |
//! | `fmt` `explain` `diff` | for adapter authors, no gateway needed (`explain --delivery` asks one) |
//! | `status` `forecast` `deliveries` `cases` `reconcile` `dossier` `fees` `refunds` `accounts` `retention` `pause` | ask the running gateway (`remote`) |
//! | `invented` | an invented world for `demo` and `torture` |
//! | `screen` | what the terminal gets |

mod accounts;
mod cases;
mod catalogue;
mod check;
mod deliveries;
mod demo;
mod diff;
mod dossier;
mod explain;
mod fees;
mod fmt;
mod forecast;
mod invented;
mod lint;
mod load;
mod pause;
mod reconcile;
mod refunds;
mod reload;
mod remote;
mod retention;
mod samples;
mod screen;
mod serve;
mod simulate;
mod status;
mod torture;
mod wire;

use crate::catalogue::{Catalogue, Files};
use clap::Parser as _;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

const ABOUT: &str = "\
lienthong (liên thông) carries dossiers between a city's public service portal, the Ministry's software and the national payment \
platform: it takes a dossier in one system's words, keeps it safe, turns it into another's, delivers it no faster than it may, and \
brings status, result and payment back.";

const EXAMPLES: &str = "\
Start here:
  lienthong demo                     the whole main job on this machine, nothing to configure
  lienthong check                    are the adapters sound?
  lienthong serve --config config/gateway.toml
  lienthong status                   how does the running gateway stand?
  lienthong forecast --rate 40/s     when are the queues drained, and how many dossiers miss their date?

Every command explains itself with --help. Exit code 0 means success and nothing else.";

/// The program's arguments.
#[derive(Debug, clap::Parser)]
#[command(name = "lienthong", version, about = "A gateway for public service dossiers", long_about = ABOUT, after_help = EXAMPLES)]
struct Cli {
    /// Print the result as JSON on stdout, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the gateway.
    #[command(long_about = serve::ABOUT)]
    Serve(serve::Arguments),
    /// Run the main job end to end on this machine: gateway and all three partners, nothing to configure.
    #[command(long_about = demo::ABOUT)]
    Demo(demo::Arguments),
    /// Mistreat the gateway for a while, then compare the books of all sides.
    #[command(long_about = torture::ABOUT)]
    Torture(torture::Arguments),
    /// Compile every adapter and tell all faults at once.
    #[command(long_about = check::ABOUT)]
    Check(check::Arguments),
    /// Tell whether documents are well-formed as the gateway reads them.
    #[command(long_about = lint::ABOUT)]
    Lint(lint::Arguments),
    /// Put other adapters in force, without a restart.
    #[command(long_about = reload::ABOUT)]
    Reload(reload::Arguments),
    /// Read a partner's message from its wire form into the canonical JSON.
    #[command(long_about = wire::READ)]
    Read(wire::ReadArguments),
    /// Write a canonical message in a partner's wire form.
    #[command(long_about = wire::WRITE)]
    Write(wire::WriteArguments),
    /// Read one partner's message and write it as another's.
    #[command(long_about = wire::TRANSLATE)]
    Translate(wire::TranslateArguments),
    /// Show which field on the wire comes from which canonical field, by which line.
    #[command(long_about = explain::ABOUT)]
    Explain(Box<explain::Arguments>),
    /// Tell what a changed set of adapters would do otherwise.
    #[command(long_about = diff::ABOUT)]
    Diff(Box<diff::Arguments>),
    /// Lay out mapping files.
    #[command(long_about = fmt::ABOUT)]
    Fmt(fmt::Arguments),
    /// List the procedures; set the plan beside them.
    #[command(long_about = catalogue::ABOUT)]
    Catalogue(catalogue::Arguments),
    /// Run one simulated partner.
    #[command(long_about = simulate::ABOUT)]
    Simulate(Box<simulate::Arguments>),
    /// Put a load on a gateway of this machine (for scripts/bench).
    #[command(long_about = load::ABOUT, hide = true)]
    Load(Box<load::Arguments>),
    /// Every partner's queue, oldest message, pace, breaker and parked messages.
    #[command(long_about = status::ABOUT)]
    Status(status::Arguments),
    /// When are the queues drained, and how many dossiers miss their date?
    #[command(long_about = forecast::ABOUT)]
    Forecast(forecast::Arguments),
    /// Deliveries: list, show, release, close.
    #[command(long_about = deliveries::ABOUT)]
    Deliveries(deliveries::Arguments),
    /// Cases: what a person has to decide; list, show, note, close, decide.
    #[command(long_about = cases::ABOUT)]
    Cases(cases::Arguments),
    /// Set a payment platform's daily statement against our books.
    #[command(long_about = reconcile::ABOUT)]
    Reconcile(Box<reconcile::Arguments>),
    /// A dossier's state and timeline.
    #[command(long_about = dossier::ABOUT)]
    Dossier(dossier::Arguments),
    /// What a dossier owes where a person has to say it; receipts.
    #[command(long_about = fees::ABOUT)]
    Fees(fees::Arguments),
    /// Money that goes back: list, request, tell what became of it.
    #[command(long_about = refunds::ABOUT)]
    Refunds(refunds::Arguments),
    /// Whether the books add up; movements.
    #[command(long_about = accounts::ABOUT)]
    Accounts(accounts::Arguments),
    /// What is removed when its dossier has ended long enough.
    #[command(long_about = retention::ABOUT)]
    Retention(retention::Arguments),
    /// Send nothing to a partner until it is resumed.
    #[command(long_about = pause::PAUSE)]
    Pause(pause::PauseArguments),
    /// End a pause.
    #[command(long_about = pause::RESUME)]
    Resume(pause::ResumeArguments),
}

/// Why a command did not succeed: what stderr says.
#[derive(Debug)]
struct Failed {
    text: String,
}

// === impl Failed ===

impl Failed {
    fn because(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

// === functions ===

/// Runs the program with these arguments (the first is its own name).
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0, wrong usage to stderr with 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // A partner under torture runs on one thread: when that one is held up, its watch over itself is held up with it and says so.
    let mut runtime = match &cli.command {
        Command::Simulate(a) if a.is_watched() => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let done = match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(obey(cli.command, cli.json)),
        Err(error) => Err(Failed::because(format!("the runtime cannot be started: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            screen::note(format!("error: {}", failed.text));
            ExitCode::FAILURE
        }
    }
}

async fn obey(command: Command, json: bool) -> Result<(), Failed> {
    match command {
        Command::Serve(a) => serve::run(&a).await,
        Command::Demo(a) => demo::run(a, json).await,
        Command::Torture(a) => torture::run(a, json).await,
        Command::Check(a) => check::run(&a, json).await,
        Command::Lint(a) => lint::run(&a, json),
        Command::Reload(a) => reload::run(&a, json).await,
        Command::Read(a) => wire::read(&a),
        Command::Write(a) => wire::write(&a),
        Command::Translate(a) => wire::translate(&a),
        Command::Explain(a) => explain::run(&a, json).await,
        Command::Diff(a) => diff::run(&a, json).await,
        Command::Fmt(a) => fmt::run(&a, json),
        Command::Catalogue(a) => catalogue::run(&a, json),
        Command::Simulate(a) => simulate::run(*a).await,
        Command::Load(a) => load::run(*a).await,
        Command::Status(a) => status::run(&a, json).await,
        Command::Forecast(a) => forecast::run(&a, json).await,
        Command::Deliveries(a) => deliveries::run(a, json).await,
        Command::Cases(a) => cases::run(a, json).await,
        Command::Reconcile(a) => reconcile::run(&a, json).await,
        Command::Dossier(a) => dossier::run(&a, json).await,
        Command::Fees(a) => fees::run(a, json).await,
        Command::Refunds(a) => refunds::run(a, json).await,
        Command::Accounts(a) => accounts::run(a, json).await,
        Command::Retention(a) => retention::run(&a, json).await,
        Command::Pause(a) => pause::pause(&a, json).await,
        Command::Resume(a) => pause::resume(&a, json).await,
    }
}

/// The data files of a folder (none: those inside the program), compiled without anybody's real secrets.
fn load(from: Option<&Path>) -> Result<(Files, Catalogue), Failed> {
    let files = files(from)?;
    match check::compile(&files) {
        Ok(catalogue) => Ok((files, catalogue)),
        Err(faults) => {
            screen::note(faults.render(screen::colour()).trim_end());
            Err(Failed::because("the adapters have faults (see above); `lienthong check` shows them again"))
        }
    }
}

/// The texts of a folder that holds `adapters/` and `schemas/`, or that is such an `adapters/` itself.
fn files(from: Option<&Path>) -> Result<Files, Failed> {
    let Some(folder) = from else { return Ok(Files::embedded()) };
    let inside = folder.file_name().is_some_and(|n| n == "adapters") && !folder.join("adapters").is_dir();
    let root = if inside { folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")) } else { folder };
    Files::folder(root)
        .map_err(|e| Failed::because(format!("{e}\n  the folder must hold adapters/ and schemas/, as this program's sources do")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_command_is_well_formed_and_teaches() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        for command in cli.get_subcommands_mut().filter(|c| c.get_name() != "help") {
            let help = command.render_long_help().to_string();
            let about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            let first: String = about.chars().take(40).collect();
            assert!(about.len() > 50 && help.starts_with(&first), "{} does not explain itself", command.get_name());
            assert!(help.contains("Example"), "{} shows no example", command.get_name());
        }
    }

    #[test]
    fn wrong_usage_is_two_and_help_is_zero() {
        let code = |words: &[&str]| format!("{:?}", run(words.iter().map(OsString::from)));
        assert_eq!(code(&["lienthong", "--help"]), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(&["lienthong", "nonsense"]), format!("{:?}", ExitCode::from(2)));
        assert_eq!(code(&["lienthong", "read", "no/such"]), format!("{:?}", ExitCode::FAILURE));
    }
}

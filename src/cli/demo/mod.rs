//! `lienthong demo`.
use super::Failed;
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lienthong demo --exit")]
pub(super) struct Arguments {}
pub(super) async fn run(_: Arguments, _: bool) -> Result<(), Failed> {
    Ok(())
}

//! The program: hands its arguments to `cli` and its exit code to the system. Nothing is decided here.

use std::process::ExitCode;

fn main() -> ExitCode {
    lienthong::cli::run(std::env::args_os())
}

//! The program: hands its arguments to `cli` and its exit code to the system, and names the allocator. Nothing is decided here.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lienthong::cli::run(std::env::args_os())
}

//! Developer tasks: `cargo xtask NAME`. One file each; this is only the table of them.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool that is never shipped: it prints and starts programs"
)]

mod bench;
mod capabilities;
mod chaos;
mod gen_cdp;
mod walls;

use std::process::ExitCode;

use clap::Parser;

/// A developer's task.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
enum Task {
    /// Checks who may use whom, and what clippy can't see.
    Walls,
    /// Checks that docs/capabilities.md has every row, and that the tests it names exist.
    Capabilities,
    /// Measures browserd beside raw CDP, and holds it to its bars.
    Bench(bench::Arguments),
    /// Does terrible things to browserd and checks that nothing acknowledged is lost.
    Chaos(chaos::Arguments),
    /// Generates cdp's protocol types from the npm package `devtools-protocol`.
    GenCdp(gen_cdp::Arguments),
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Walls => walls::run(),
        Task::Capabilities => capabilities::run(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Chaos(arguments) => chaos::chaos(&arguments),
        Task::GenCdp(arguments) => gen_cdp::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // Its backtrace would hide the lines that say what is wrong.
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask bench`: browserd beside raw CDP over a pipe, in one run.
//!
//! Each number is had twice in turn, from a Chromium that nothing stands before and from
//! browserd, so that a slow moment of the machine hits both. Ratios matter, not decimals. The
//! bars are those of SPECIFICATION.md; a bar that isn't met is printed, and fails with `--check`.

mod calls;
mod lifecycle;
mod memory;
mod overhead;
mod peers;
mod report;
mod restart;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};

use report::Report;

/// A part of the bench.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What captures cost the page.
    Captures,
    /// One call, beside raw CDP.
    Calls,
    /// Opening a session.
    Open,
    /// The death of a browser.
    Recovery,
    /// The death of the daemon.
    Restart,
    /// What the processes take.
    Memory,
}

/// What to measure, and where to write it.
#[derive(Args)]
pub struct Arguments {
    /// The browserd to measure; a release build.
    #[arg(long, default_value = "target/release/browserd")]
    program: PathBuf,
    /// Where the numbers go as JSON.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// How often each call is made.
    #[arg(long, default_value_t = 1000)]
    calls: usize,
    /// How often a browser is killed, and opened.
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// How long the daemon stands idle before its memory is read, in seconds.
    #[arg(long, default_value_t = 60)]
    idle: u64,
    /// How often pages work with captures and without.
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    /// Measure only this.
    #[arg(long)]
    only: Option<Part>,
    /// Fail if a bar isn't met.
    #[arg(long)]
    check: bool,
}

/// Measures everything, prints it and writes it down.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let program = &arguments.program;
    ensure!(
        program.is_file(),
        "{} isn't there; `make bench` builds it",
        program.display()
    );
    let program = program.canonicalize()?;
    let mut report = Report::default();

    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    if wanted(Part::Captures) {
        println!("captures: {} rounds with and without", arguments.rounds);
        overhead::measure(&program, arguments.rounds, &mut report)?;
    }
    if wanted(Part::Calls) {
        println!("calls: {} of each, in turn", arguments.calls);
        calls::measure(&program, arguments.calls, &mut report)?;
    }
    if wanted(Part::Open) {
        println!("opening: {} sessions", arguments.kills);
        lifecycle::open(&program, arguments.kills, &mut report)?;
    }
    if wanted(Part::Recovery) {
        println!("recovery: {} kills", arguments.kills);
        lifecycle::recover(&program, arguments.kills, &mut report)?;
    }
    if wanted(Part::Restart) {
        println!("restart: 50 empty and 20 real pages");
        restart::measure(&program, &mut report)?;
    }
    if wanted(Part::Memory) {
        println!("memory: after {} s without sessions", arguments.idle);
        memory::measure(&program, arguments.idle, &mut report)?;
    }

    report.print();
    report
        .write(&arguments.json)
        .with_context(|| arguments.json.display().to_string())?;
    println!("written to {}", arguments.json.display());
    ensure!(!arguments.check || report.all_met(), "a bar isn't met");
    Ok(())
}

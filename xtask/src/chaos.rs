//! `cargo xtask chaos`: terrible things done to the real binary, and what came of it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use testkit::chaos::{Fault, Settings, run};

/// How many bare starts of Chromium the replacement of a browser may take, p99 against p99.
const MOST_BARE_STARTS: f64 = 4.0;

/// What to run.
#[derive(Args)]
pub struct Arguments {
    /// The browserd to run.
    #[arg(long, default_value = "target/debug/browserd")]
    program: PathBuf,
    /// How many minutes.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The most faults.
    #[arg(long, default_value_t = 100_000)]
    most: usize,
    /// How many sessions.
    #[arg(long, default_value_t = 8)]
    sessions: usize,
    /// What the schedule follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which faults, by their words in the table; all if none is given.
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// Copies the daemon's logs into this folder at the end.
    #[arg(long)]
    logs: Option<PathBuf>,
    /// Writes what came of it into this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs it and prints the table; an error if anything was lost, doubled or left.
pub fn chaos(arguments: &Arguments) -> anyhow::Result<()> {
    let program = arguments.program.canonicalize();
    let program = program.with_context(|| arguments.program.display().to_string())?;
    let mut kinds = Vec::new();
    for word in &arguments.faults {
        kinds.push(Fault::of(word).with_context(|| format!("there is no fault {word}"))?);
    }
    if kinds.is_empty() {
        kinds = Fault::ALL.to_vec();
    }
    let settings = Settings {
        program,
        time: Duration::from_secs_f64(arguments.minutes * 60.0),
        faults: arguments.most,
        sessions: arguments.sessions.max(1),
        seed: arguments.seed,
        kinds,
        logs: arguments.logs.clone(),
    };
    let summary = run(&settings).map_err(|err| anyhow!(err))?;
    println!("\n{summary}");
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&summary)?;
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    ensure!(0 < summary.faults, "no fault was done");
    let (recovery, bare) = (summary.recovery.p99, summary.bare.p99);
    ensure!(
        recovery <= MOST_BARE_STARTS * bare,
        "p99 of a replaced browser is {recovery} ms, that of a bare start {bare} ms"
    );
    ensure!(
        summary.wrong.is_empty(),
        "the same again: --seed {} --sessions {}",
        settings.seed,
        settings.sessions
    );
    Ok(())
}

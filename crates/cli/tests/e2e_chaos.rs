//! A short chaos run with a fixed seed: each fault once, and everything acknowledged is there.
//! `make chaos` runs it at full length; `docs/chaos.md` tells how to read it.

#![allow(clippy::print_stdout, reason = "the table is what the run is for")]

use std::path::PathBuf;
use std::time::Duration;

use testkit::chaos::{Fault, Settings, run};

#[test]
fn nothing_acknowledged_is_lost_while_one_fault_follows_the_other() {
    // Each of these takes longer than a test may, and has a test of its own.
    let slow = [Fault::FreezeBrowser, Fault::SecondDaemon];
    let kinds: Vec<Fault> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| !slow.contains(fault))
        .collect();
    let settings = Settings {
        program: PathBuf::from(env!("CARGO_BIN_EXE_browserd")),
        time: Duration::from_secs(100),
        faults: kinds.len(),
        sessions: 2,
        seed: 1,
        kinds,
        logs: None,
    };

    let summary = run(&settings).expect("the sessions are opened");

    println!("{summary}");
    assert!(summary.wrong.is_empty(), "{:#?}", summary.wrong);
    assert!(10 < summary.faults, "{summary}");
    assert!(0 < summary.recovered, "no browser was replaced");
}

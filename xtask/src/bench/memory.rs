//! What the daemon and a keeper weigh when there is nothing to do.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use testkit::harness::Harness;
use testkit::process;

use super::lifecycle::as_mib;
use super::report::Report;

/// Measures a keeper beside its idle browser, then the daemon after `idle` seconds without one.
pub fn measure(program: &Path, idle: u64, report: &mut Report) -> anyhow::Result<()> {
    let mut harness = Harness::new(program);
    harness.serve();
    harness.watch_rarely(true);
    let opened = harness.http().post("/v1/sessions", &json!({}))?.body;
    let id = opened["session_id"]
        .as_str()
        .with_context(|| opened.to_string())?
        .to_owned();
    // Idle is what it is after a while, so the time itself is what is waited for.
    std::thread::sleep(Duration::from_secs(2));
    let keeper = process::pss(&harness.keepers());
    harness.http().delete(&format!("/v1/sessions/{id}"))?;
    std::thread::sleep(Duration::from_secs(idle));
    let daemon = process::pss(&[harness.daemon()]);
    harness.watch_rarely(false);
    harness.finish();
    report.bar(
        "keeper beside an idle browser, PSS",
        as_mib(keeper),
        4.0,
        "MiB",
    );
    report.bar(
        "daemon without sessions, PSS",
        as_mib(daemon) * 1.048_576,
        20.0,
        "MB",
    );
    Ok(())
}

/// Returns the memory that is free for new processes, in bytes.
pub fn free() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .context("MemAvailable")?;
    Ok(kib.parse::<u64>()? * 1024)
}

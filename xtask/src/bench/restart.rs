//! What a restart of the daemon costs those who wait for their sessions.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testkit::harness::{Harness, Http, SOON};
use testkit::process::{self, Signal};
use testkit::site::Site;

use super::calls::size;
use super::lifecycle::as_mib;
use super::memory::free;
use super::report::Report;

/// How often the daemon is killed over the same sessions.
const TIMES: usize = 5;
/// How long those who wait may have to, in milliseconds.
const MOST: f64 = 500.0;

/// Kills the daemon over empty pages and over real ones, and lets one client a session ask at
/// once: until all of them have their first answer.
pub fn measure(program: &Path, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::start();
    over(program, 50, "about:blank", "empty", report)?;
    over(program, 20, &site.url("/controls"), "real", report)
}

fn over(
    program: &Path,
    wanted: usize,
    url: &str,
    kind: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut harness = Harness::new(program).with("MAX_SESSIONS", &wanted.to_string());
    harness.serve();
    harness.watch_rarely(true);
    let before = free()?;
    let mut sessions: Vec<String> = Vec::new();
    while sessions.len() < wanted {
        let opened = harness
            .unix_http()
            .post("/v1/sessions", &json!({ "url": url }))?;
        let id = opened.body["session_id"].as_str().map(str::to_owned);
        let id = id.with_context(|| format!("{opened:?}"))?;
        ensure!(mark(&harness.unix_http(), &id, "window.mark = 42")? == 42);
        sessions.push(id);
        // A quarter stays free for everything else: what fits is measured, and said.
        if free()? < before / 4 {
            break;
        }
    }
    let (mut listens, mut usable) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let (first, last) = restart(&mut harness, &sessions)?;
        listens.push(first);
        usable.push(last);
    }
    let name = format!("daemon restart with {} {kind} pages", sessions.len());
    report.samples(&format!("{name}, first session's answer"), &listens);
    let usable = report.samples(&format!("{name}, every session's answer"), &usable);
    report.bar(&format!("{name}, p50"), usable.p50, MOST, "ms");
    let pss = process::pss(&[harness.daemon()]);
    let each = as_mib(pss) * 1024.0 / size(sessions.len());
    report.value(&format!("daemon PSS a session, {kind} pages"), each, "KiB");
    for id in &sessions {
        harness.unix_http().delete(&format!("/v1/sessions/{id}"))?;
    }
    harness.watch_rarely(false);
    harness.finish();
    Ok(())
}

/// Returns how long it took from the kill until one session answered, and until all did.
fn restart(harness: &mut Harness, sessions: &[String]) -> anyhow::Result<(Duration, Duration)> {
    let daemon = harness.daemon();
    let http = harness.unix_http();
    let start = Instant::now();
    process::kill(daemon, Signal::KILL);
    // By its id alone: looking through all the browsers' processes would be part of the time.
    ensure!(
        process::until(SOON, || !process::runs(daemon)),
        "the daemon lives on"
    );
    harness.spawn_serve(&[]);
    let answers = std::thread::scope(|scope| {
        let ask = |id: &str| -> anyhow::Result<Duration> {
            let mut value = Value::Null;
            let there = process::until(SOON, || {
                let found = mark(&http, id, "window.mark");
                found.is_ok_and(|found| {
                    value = found;
                    true
                })
            });
            let took = start.elapsed();
            ensure!(there && value == 42, "session {id} lost its page: {value}");
            Ok(took)
        };
        let asking: Vec<_> = sessions
            .iter()
            .map(|id| scope.spawn(move || ask(id)))
            .collect();
        let answers = asking.into_iter().map(|thread| match thread.join() {
            Ok(answer) => answer,
            Err(_) => Err(anyhow::anyhow!("a client failed")),
        });
        answers.collect::<anyhow::Result<Vec<Duration>>>()
    })?;
    let first = answers.iter().min().copied().unwrap_or_default();
    let last = answers.iter().max().copied().unwrap_or_default();
    Ok((first, last))
}

fn mark(http: &Http, session: &str, expression: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/sessions/{session}/evaluate");
    let answer = http.post(&path, &json!({ "expression": expression }))?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(answer.body["value"].clone())
}

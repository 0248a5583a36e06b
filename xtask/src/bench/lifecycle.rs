//! What it costs to open a session, to lose its browser and to lose the daemon.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testkit::harness::{Do, Harness};
use testkit::process::{self, Signal};
use testkit::site::Site;

use super::calls::{size, timed};
use super::memory::free;
use super::peers::{Mcp, Raw};
use super::report::Report;

/// Opens a session until its page answers, in turn with a bare Chromium until its page does.
pub fn open(program: &Path, times: usize, report: &mut Report) -> anyhow::Result<()> {
    let mut harness = Harness::new(program);
    harness.serve();
    harness.watch_rarely(true);
    let mut mcp = Mcp::start(&harness)?;
    let (mut bare, mut opened) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let (_, time) = timed(|| Raw::start("about:blank")?.evaluate("1"))?;
        bare.push(time);
        let mut session = Value::Null;
        let ((), time) = timed(|| {
            session = mcp.call("open_session", &json!({}))?["session_id"].take();
            let arguments = json!({ "session_id": session, "expression": "1" });
            ensure!(mcp.call("evaluate", &arguments)?["value"] == 1, "evaluate");
            Ok(())
        })?;
        opened.push(time);
        mcp.call("close_session", &json!({ "session_id": session }))?;
    }
    drop(mcp);
    harness.watch_rarely(false);
    harness.finish();
    let bare = report.samples("start to first evaluate, raw CDP", &bare);
    let opened = report.samples("open_session to first evaluate, MCP", &opened);
    report.value("open_session / raw start", opened.p50 / bare.p50, "x");
    Ok(())
}

/// Kills the browser again and again on a page behind a login; the next call's time.
pub fn recover(program: &Path, kills: usize, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::start();
    let mut harness = Harness::new(program);
    harness.serve();
    harness.watch_rarely(true);
    let mut agent = testkit::harness::Agent::open(harness.mcp(), Some("bench"), &site.url("/"));
    agent.log_in(&site);
    agent.click("button \"Dark theme\"");
    agent.click("button \"Add to cart\"");
    let mut times = Vec::new();
    for _ in 0..kills {
        agent.settle();
        harness.fault(Do::KillBrowser);
        let start = Instant::now();
        let answer = agent.call("snapshot", json!({}));
        times.push(start.elapsed());
        let shown = answer["snapshot"].as_str().context("no snapshot")?;
        ensure!(
            shown.contains("Hello, ada") && shown.contains("Cart: 1"),
            "lost: {answer}"
        );
    }
    ensure!(site.counts().logins == 1, "logged in again");
    drop(agent);
    harness.watch_rarely(false);
    harness.finish();
    let times = report.samples("browser SIGKILL to the next call's answer", &times);
    report.bar(
        "recovery after browser SIGKILL, p50",
        times.p50,
        1500.0,
        "ms",
    );
    Ok(())
}

/// Kills the daemon over 1, 10 and as many sessions as fit; until each has answered the next.
pub fn re_attach(program: &Path, most: usize, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::start();
    let limit = most.to_string();
    let mut harness = Harness::new(program).with("MAX_SESSIONS", &limit);
    harness.serve();
    harness.watch_rarely(true);
    let mut sessions: Vec<String> = Vec::new();
    let before = free()?;
    let url = site.url("/controls");
    for wanted in [1, 10, most] {
        let wanted = if wanted == most {
            // What the first ten took tells how many fit in half of what was free.
            let each = before.saturating_sub(free()?).max(1 << 20) / size_of(&sessions);
            usize::try_from(before / 2 / each)?.clamp(sessions.len(), most)
        } else {
            wanted
        };
        while sessions.len() < wanted {
            let opened = harness
                .http()
                .post("/v1/sessions", &json!({ "url": url }))?;
            let id = opened.body["session_id"].as_str().map(str::to_owned);
            let id = id.with_context(|| format!("{opened:?}"))?;
            mark(&harness, &id, "window.mark = 42")?;
            sessions.push(id);
        }
        let (killed, usable) = kill_and_ask(&mut harness, &sessions)?;
        let name = format!(
            "daemon SIGKILL + start to {} sessions usable",
            sessions.len()
        );
        report.samples(&name, &[usable]);
        report.value(
            &format!("{name}, until it listens"),
            killed.as_secs_f64() * 1e3,
            "ms",
        );
    }
    let daemon = harness.daemon();
    let pss = process::pss(&[daemon]);
    report.value(
        "daemon PSS a session",
        as_mib(pss) * 1024.0 / size(sessions.len()),
        "KiB",
    );
    for id in &sessions {
        harness.http().delete(&format!("/v1/sessions/{id}"))?;
    }
    harness.watch_rarely(false);
    harness.finish();
    Ok(())
}

/// Returns how long it took until the daemon answered at all, and until every session did.
fn kill_and_ask(
    harness: &mut Harness,
    sessions: &[String],
) -> anyhow::Result<(Duration, Duration)> {
    process::kill(harness.daemon(), Signal::KILL);
    let start = Instant::now();
    harness.kill_seen();
    harness.serve();
    let listens = start.elapsed();
    for id in sessions {
        ensure!(
            mark(harness, id, "window.mark")? == 42,
            "session {id} lost its page"
        );
    }
    Ok((listens, start.elapsed()))
}

fn mark(harness: &Harness, session: &str, expression: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/sessions/{session}/evaluate");
    let answer = harness
        .unix_http()
        .post(&path, &json!({ "expression": expression }))?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(answer.body["value"].clone())
}

fn size_of(sessions: &[String]) -> u64 {
    u64::try_from(sessions.len()).unwrap_or(u64::MAX).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "no size here comes near 2^52")]
pub fn as_mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

//! What it costs to open a session, to lose its browser and to lose the daemon.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testkit::harness::{Do, Harness};
use testkit::site::Site;

use super::calls::timed;
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

#[expect(clippy::cast_precision_loss, reason = "no size here comes near 2^52")]
pub fn as_mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

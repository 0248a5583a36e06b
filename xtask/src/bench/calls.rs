//! What one call costs, on a page of 200 links and 200 buttons.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use testkit::harness::Harness;
use testkit::process;
use testkit::site::Site;

use super::peers::{Mcp, Raw};
use super::report::Report;

/// Calls that warm both sides up and aren't counted.
const WARM_UP: usize = 20;

/// Measures evaluate, snapshot and the command line, in turn with raw calls.
pub fn measure(program: &Path, calls: usize, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::start();
    let url = site.url("/controls");
    let mut harness = Harness::new(program);
    harness.serve();
    harness.watch_rarely(true);
    let mut mcp = Mcp::start(&harness)?;
    let opened = mcp.call("open_session", &json!({ "key": "bench", "url": url }))?;
    // All of it, as the raw tree is: else MCP would give the head of a large one.
    let whole = json!({ "session_id": opened["session_id"], "max_bytes": 1 << 20 });
    let evaluate = json!({ "session_id": opened["session_id"], "expression": "1 + 1" });
    let mut raw = Raw::start(&url)?;
    raw.wait_loaded("Controls")?;
    raw.call::<Value>("Accessibility.enable", &json!({}))?;

    let [
        mut raw_evaluate,
        mut mcp_evaluate,
        mut raw_tree,
        mut mcp_snapshot,
        mut cli,
    ] = std::array::from_fn::<_, 5, _>(|_| Vec::with_capacity(calls));
    let (mut tree_bytes, mut snapshot_bytes) = (0, 0);
    for n in 0..WARM_UP + calls {
        let kept = WARM_UP <= n;
        let note = |samples: &mut Vec<Duration>, time| {
            if kept {
                samples.push(time);
            }
        };
        let (value, time) = timed(|| raw.evaluate("1 + 1"))?;
        ensure!(value == 2, "raw evaluate: {value}");
        note(&mut raw_evaluate, time);

        let (answer, time) = timed(|| mcp.call("evaluate", &evaluate))?;
        ensure!(answer["value"] == 2, "mcp evaluate: {answer}");
        note(&mut mcp_evaluate, time);

        let (bytes, time) = timed(|| {
            Ok(raw
                .call_raw("Accessibility.getFullAXTree", &json!({}))?
                .len())
        })?;
        tree_bytes = bytes;
        note(&mut raw_tree, time);

        let (answer, time) = timed(|| mcp.call("snapshot", &whole))?;
        snapshot_bytes = answer["snapshot"].as_str().map_or(0, str::len);
        note(&mut mcp_snapshot, time);

        let mut command = harness.command(&["eval", "1 + 1", "-s", "bench"]);
        let (output, time) = timed(|| Ok(process::output(&mut command)?))?;
        ensure!(output.status.success(), "cli eval: {output:?}");
        note(&mut cli, time);
    }
    let tools = mcp.request("tools/list", &json!({}))?["result"]
        .to_string()
        .len();
    drop(mcp);
    harness.watch_rarely(false);
    harness.finish();

    let raw_evaluate = report.samples("evaluate, raw CDP", &raw_evaluate);
    let mcp_evaluate = report.samples("evaluate, MCP", &mcp_evaluate);
    let raw_tree = report.samples("getFullAXTree, raw CDP", &raw_tree);
    let snapshot = report.samples("snapshot, MCP", &mcp_snapshot);
    let cli = report.samples("eval, command line, whole process", &cli);
    report.value(
        "evaluate, MCP / raw",
        mcp_evaluate.p50 / raw_evaluate.p50,
        "x",
    );
    report.value(
        "snapshot, MCP / raw getFullAXTree",
        snapshot.p50 / raw_tree.p50,
        "x",
    );
    report.value("size of the snapshot", size(snapshot_bytes), "bytes");
    report.value("size of getFullAXTree", size(tree_bytes), "bytes");
    report.value("tool list", size(tools) / 4.0, "tokens");
    report.bar(
        "MCP evaluate over raw evaluate, p50",
        mcp_evaluate.p50 - raw_evaluate.p50,
        1.0,
        "ms",
    );
    report.bar(
        "MCP snapshot over raw getFullAXTree, p50",
        snapshot.p50 / raw_tree.p50,
        0.5,
        "x",
    );
    report.bar("command line eval, p50", cli.p50, 15.0, "ms");
    Ok(())
}

/// Does `work` and says how long it took.
pub fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}

#[expect(clippy::cast_precision_loss, reason = "no size here comes near 2^52")]
pub fn size(bytes: usize) -> f64 {
    bytes as f64
}

//! `browserd mcp` without a browser: it outlives daemons and ends only itself.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::process::Stdio;

use serde_json::json;
use testkit::harness::{Harness, Mcp};
use testkit::process::{self, Signal};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn harness() -> Harness {
    Harness::new(BROWSERD).with("BROWSERD_LISTEN", "127.0.0.1:0")
}

#[test]
fn the_same_client_goes_on_with_the_next_daemon() {
    let test = harness();
    let mut mcp = test.mcp();
    assert_eq!(
        mcp.call("list_sessions", json!({})).unwrap()["sessions"],
        json!([])
    );
    let first = test.daemon();
    process::kill(first, Signal::KILL);
    assert_eq!(
        mcp.call("list_sessions", json!({})).unwrap()["sessions"],
        json!([])
    );
    assert_ne!(test.daemon(), first);
    drop(mcp);
    test.finish();
}

#[test]
fn a_daemon_that_cant_start_keeps_nobody_from_shaking_hands() {
    let test = harness();
    std::fs::create_dir(test.home()).unwrap();
    let file = test.home().join("config.toml");
    std::fs::write(&file, "nonsense = 1\n").unwrap();
    let mut mcp = Mcp::start(&mut test.command(&["mcp"]));
    assert_eq!(mcp.initialize()["serverInfo"]["name"], "browserd");
    assert!(
        mcp.tools()
            .iter()
            .any(|tool| tool["name"] == "open_session")
    );
    let refusal = mcp.call("list_sessions", json!({})).unwrap_err();
    assert_eq!(refusal.code(), "invalid_argument", "{refusal:?}");
    // What was in the way can be put right without a new client.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        mcp.call("list_sessions", json!({})).unwrap()["sessions"],
        json!([])
    );
    drop(mcp);
    test.finish();
}

#[test]
fn the_end_of_stdin_ends_the_client_and_not_the_daemon() {
    let test = harness();
    test.cli(&["list-sessions"]).done();
    let daemon = test.daemon();
    let mut command = test.command(&["mcp"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut mcp = process::spawn(&mut command).unwrap();
    assert!(mcp.wait().unwrap().success());
    process::forget(mcp.id());
    assert_eq!(test.daemon(), daemon);
    test.finish();
}

#[test]
fn a_daemon_that_ends_is_no_zombie_of_the_client_that_started_it() {
    let test = harness();
    let mcp = test.mcp();
    assert!(process::until(
        testkit::harness::SOON,
        || test.status()["running"] == true
    ));
    let daemon = test.daemon();
    process::kill(daemon, Signal::KILL);
    let entry = format!("/proc/{daemon}");
    assert!(
        process::until(testkit::harness::SOON, || !std::path::Path::new(&entry)
            .exists()),
        "{entry} is still there"
    );
    drop(mcp);
    // The next daemon takes away the socket that the killed one left.
    test.cli(&["list-sessions"]).done();
    test.finish();
}

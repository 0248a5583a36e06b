//! Sessions that nobody uses: parked with everything stored, and back on demand.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Door, Harness, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn kept<D: Door>(agent: &mut Agent<D>, cause: &str) -> Vec<Value> {
    let listed = agent.call("list_session_checkpoints", json!({}));
    let all = listed["checkpoints"].as_array().expect("a list").clone();
    all.into_iter().filter(|it| it["cause"] == cause).collect()
}

#[test]
fn an_idle_session_is_parked_and_comes_back_logged_in_on_demand() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD).with("BROWSERD_IDLE_TIMEOUT", "2s");
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada:park"), &site.url("/"));
    agent.log_in(&site);

    // Looking at a session is no use of it.
    let parked = agent.wait_state("recoverable");
    assert_eq!(parked["state_cause"], "parked");
    assert_eq!(parked["session_id"], json!(agent.session));
    assert!(
        process::until(SOON, || test.browsers().is_empty()),
        "a parked session holds its browser"
    );
    let last = kept(&mut agent, "park");
    assert_eq!(last.len(), 1);
    assert_eq!(last[0]["name"], "Autosave · park");

    let back = agent.call("snapshot", json!({}));
    assert_eq!(back["recovered"]["cause"], "resumed");
    agent.expect_text("Hello, ada");

    // A call that runs is no idleness, however long it takes.
    let slow = "await new Promise(done => setTimeout(() => done('whole'), 4000))";
    assert_eq!(agent.evaluate(slow), "whole");

    // Nor is a page that waits for an answer to its dialog.
    agent.evaluate("setTimeout(() => { window.answer = confirm('Sure?') }, 0); 1");
    assert!(process::until(SOON, || {
        let refused = agent.attempt("snapshot", json!({})).err();
        refused.is_some_and(|refused| refused.code() == "dialog_open")
    }));
    let parks = kept(&mut agent, "park").len();
    assert!(
        !process::until(std::time::Duration::from_secs(4), || {
            agent.show()["state"] != "alive"
        }),
        "a session with an open dialog was parked"
    );
    agent.call("handle_dialog", json!({ "accept": true }));
    assert_eq!(agent.evaluate("window.answer"), true);
    assert_eq!(kept(&mut agent, "park").len(), parks);
    test.finish();
}

#[test]
fn a_version_is_kept_by_the_timer_only_if_something_has_changed() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD).with("BROWSERD_CHECKPOINT_INTERVAL", "1s");
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    let mut count = 0;
    let mut grows = |agent: &mut Agent<_>| {
        let before = count;
        process::until(SOON, || {
            count = kept(agent, "timer").len();
            before < count
        })
    };
    agent.evaluate("localStorage.setItem('n', 1); 1");
    assert!(grows(&mut agent), "no version was kept");
    assert_eq!(kept(&mut agent, "timer")[0]["name"], "Autosave · timer");
    agent.settle();
    let rest = kept(&mut agent, "timer").len();
    assert!(
        !process::until(std::time::Duration::from_secs(3), || {
            rest + 1 < kept(&mut agent, "timer").len()
        }),
        "versions are kept of what doesn't change"
    );
    agent.evaluate("localStorage.setItem('n', 2); 1");
    let newer = kept(&mut agent, "timer").len();
    assert!(
        process::until(SOON, || newer < kept(&mut agent, "timer").len()),
        "a change was not kept"
    );
    test.finish();
}

//! The daemon dies or is replaced, and nothing in the page has changed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness, SOON};
use testkit::process::{self, Signal};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// What must be the same after the daemon has gone and another one has come.
#[derive(PartialEq, Debug)]
struct Place {
    generation: Value,
    tabs: Value,
    mark: Value,
    snapshot: String,
}

fn place<D: Door>(agent: &mut Agent<D>) -> Place {
    let answer = agent.call("snapshot", json!({}));
    assert!(
        answer.get("recovered").is_none_or(Value::is_null),
        "{answer}"
    );
    Place {
        generation: answer["generation"].clone(),
        tabs: agent.call("list_tabs", json!({}))["tabs"].clone(),
        mark: agent.evaluate("window.mark"),
        snapshot: answer["snapshot"].as_str().expect("text").to_owned(),
    }
}

fn nothing_changes_after(faults: &[Do]) {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada:1"), &site.url("/"));
    agent.log_in(&site);
    agent.call("new_tab", json!({ "url": site.url("/form") }));
    agent.fill("textbox \"Name\"", "half typed");
    agent.evaluate("window.mark = { made: performance.timeOrigin }");
    let send = agent.find("button \"Send\"");
    let before = place(&mut agent);
    let (requests, browsers) = (site.counts(), test.browsers());

    for &fault in faults {
        test.fault(fault);
        agent.door = test.http();
        assert_eq!(place(&mut agent), before, "after {fault:?}");
    }

    assert_eq!(test.browsers(), browsers, "the same browsers");
    assert_eq!(
        site.counts().requests,
        requests.requests,
        "something was loaded again"
    );
    // A ref given out before still names its element.
    agent.call("interact", json!({ "action": "click", "ref": send }));
    agent.expect_text("Sent 1: half typed");
    test.finish();
}

#[test]
fn a_killed_daemon_changes_nothing_in_the_page() {
    nothing_changes_after(&[Do::KillDaemon, Do::KillDaemon]);
}

#[test]
fn a_stopped_and_started_daemon_changes_nothing_in_the_page() {
    nothing_changes_after(&[Do::RestartDaemon]);
}

#[test]
fn a_cut_link_to_the_keeper_changes_nothing_in_the_page() {
    nothing_changes_after(&[Do::DropLink]);
}

#[test]
fn an_mcp_client_goes_on_after_the_daemon_was_killed() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    // No daemon is started here: the client's own child starts the first and the next one.
    let mut agent = Agent::open(test.mcp(), Some("ada:mcp"), &site.url("/"));
    agent.log_in(&site);
    agent.evaluate("window.mark = 42");
    let (daemon, client) = (test.daemon(), agent.door.pid());

    test.kill_daemon();

    assert_eq!(agent.evaluate("window.mark"), 42);
    assert_ne!(test.daemon(), daemon);
    assert_eq!(agent.door.pid(), client);
    let answer = agent.expect_text("Hello, ada");
    assert_eq!(answer["generation"], agent.opened["generation"]);
    drop(agent);
    test.finish();
}

#[test]
fn a_call_cut_off_by_the_daemons_death_has_an_outcome_and_ran_once() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    let call = "k_01hzy3v7q8e9rs0t1vwxyz2345";
    let expression =
        "window.ran = (window.ran ?? 0) + 1; await new Promise(done => { window.release = done })";
    let (http, path) = (
        test.http(),
        format!("/v1/sessions/{}/evaluate", agent.session),
    );
    let body = json!({ "expression": expression }).to_string();
    let cut = std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let headers = [("browserd-call-id", call)];
            http.send_with("POST", &path, &headers, Some(body.as_bytes()))
        });
        let sent = process::until(SOON, || state_of(&test, call) == "sent");
        assert!(sent, "the call is {}", state_of(&test, call));
        test.kill_daemon();
        caller.join().expect("the caller ends")
    });
    assert!(cut.is_err(), "the daemon's death cut the call: {cut:?}");

    test.serve();
    agent.door = test.http();
    assert_eq!(agent.evaluate("window.ran"), 1);
    agent.evaluate("window.release('late')");
    let settled = process::until(SOON, || {
        matches!(&*state_of(&test, call), "done" | "unknown")
    });
    assert!(settled, "the call is {}", state_of(&test, call));
    assert_eq!(agent.evaluate("window.ran"), 1, "it was not sent twice");
    test.finish();
}

#[test]
fn a_call_that_ended_while_no_daemon_was_there_is_done() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let agent = Agent::open(test.http(), None, &site.url("/form"));
    let call = "k_01hzy3v7q8e9rs0t1vwxyz2346";
    // It ends when the request does, which no daemon is needed for.
    let slow = site.url("/slow?ms=2000");
    let expression = format!("fetch('{slow}', {{ mode: 'no-cors' }}).then(() => 'fetched')");
    let (http, path) = (
        test.http(),
        format!("/v1/sessions/{}/evaluate", agent.session),
    );
    let body = json!({ "expression": expression }).to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let headers = [("browserd-call-id", call)];
            drop(http.send_with("POST", &path, &headers, Some(body.as_bytes())));
        });
        assert!(process::until(SOON, || site.counts().of("/slow") == 1));
        test.kill_daemon();
    });
    test.serve();
    let done = process::until(SOON, || state_of(&test, call) == "done");
    assert!(done, "the call is {}", state_of(&test, call));
    assert_eq!(site.counts().of("/slow"), 1);
    test.finish();
}

fn state_of(test: &Harness, call: &str) -> String {
    let answer = test
        .unix_http()
        .get(&format!("/v1/calls/{call}"))
        .expect("the daemon answers");
    answer.body["state"].as_str().unwrap_or("gone").to_owned()
}

#[test]
fn pages_that_crash_while_their_daemon_dies_are_brought_back_by_the_next_one() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.call("new_tab", json!({ "url": site.url("/form") }));
    agent.settle();
    let tabs = agent.call("list_tabs", json!({}));

    // The news reaches a daemon that does nothing with it any more.
    process::kill(test.daemon(), Signal::STOP);
    let pages = test.renderers();
    test.fault(Do::KillRenderer);
    let gone = || pages.iter().all(|&pid| !process::runs(pid));
    assert!(process::until(SOON, gone), "a page's process lives on");
    test.kill_daemon();
    test.serve();
    agent.door = test.http();

    let answer = agent.notice();
    assert_eq!(answer["recovered"]["cause"], "renderer_crashed", "{answer}");
    agent.expect_text("Form");
    let back = agent.call("list_tabs", json!({}));
    let urls = |tabs: &Value| -> Vec<(Value, Value)> {
        let tabs = tabs["tabs"].as_array().expect("tabs");
        tabs.iter()
            .map(|tab| (tab["tab_id"].clone(), tab["url"].clone()))
            .collect()
    };
    assert_eq!(urls(&back), urls(&tabs));
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

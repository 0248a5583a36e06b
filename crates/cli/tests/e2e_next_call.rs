//! The next call after a loss: it runs on what came back, once, or it says what is unknown.

use serde_json::json;
use testkit::harness::{Agent, Do, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// A killed browser reads nothing any more, so a call sent into it can't have done anything.
#[test]
fn a_call_that_changes_the_page_runs_on_the_restored_one_right_after_the_kill() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();
    for round in 2..5 {
        test.fault(Do::KillBrowser);
        let answer = agent.call("evaluate", json!({ "expression": "location.pathname" }));
        assert_eq!(answer["value"], "/home", "{answer}");
        assert_eq!(answer["generation"], round, "{answer}");
    }
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_session_that_went_nowhere_comes_back_there() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, "about:blank");
    test.fault(Do::KillBrowser);
    let answer = agent.call("snapshot", json!({}));
    assert_eq!(answer["url"], "about:blank", "{answer}");
    assert_eq!(answer["generation"], 2, "{answer}");
    test.finish();
}

/// Chromium gives up a profile with its last window, and its session cookies with it.
#[test]
fn a_login_survives_the_close_of_the_last_tab() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.call("close_tab", json!({}));
    let refused = agent.refused("snapshot", json!({}));
    assert_eq!(refused.code(), "tab_not_found");
    agent.call("new_tab", json!({ "url": site.url("/home") }));
    agent.expect_text("Hello, ada");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

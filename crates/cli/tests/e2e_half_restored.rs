//! A tab whose page crashed is brought back in steps: an empty page, stubs, its own page. Until
//! it is there, nothing of what is shown may be taken for the tab's.

#![allow(clippy::expect_used, reason = "helpers of tests fail tests")]

use serde_json::json;
use testkit::harness::{Agent, Do, Door, Harness, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
/// A page that takes this long to answer.
const SLOW: &str = "/slow?ms=1500";

/// Crashes the page, and returns as it is asked for again.
fn crash(test: &mut Harness, site: &Site) {
    let asked = site.count_of("/slow");
    test.fault(Do::KillRenderer);
    let again = process::until(SOON, || asked < site.count_of("/slow"));
    assert!(again, "the page is not loaded again");
}

/// Checks that the page is where it was, with what it held.
fn is_as_it_was<D: Door>(agent: &mut Agent<D>, url: &str) {
    let read = "[location.href, sessionStorage.getItem('mark')]";
    assert_eq!(agent.evaluate(read), json!([url, "S1"]));
    let tabs = agent.call("list_tabs", json!({}));
    let tabs = tabs["tabs"].as_array().expect("tabs");
    let urls: Vec<_> = tabs.iter().map(|tab| &tab["url"]).collect();
    assert_eq!(urls, [url]);
}

#[test]
fn a_tab_that_is_being_brought_back_is_to_checkpoints_and_daemons_what_it_was() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let url = site.url(SLOW);
    let mut agent = Agent::open(test.http(), None, &url);
    agent.evaluate("sessionStorage.setItem('mark', 'S1')");
    agent.settle();

    crash(&mut test, &site);
    agent.call("save_session_checkpoint", json!({ "name": "amid" }));
    test.fault(Do::KillBrowser);
    agent.notice();
    is_as_it_was(&mut agent, &url);

    crash(&mut test, &site);
    test.kill_daemon();
    test.serve();
    agent.door = test.http();
    agent.notice();
    is_as_it_was(&mut agent, &url);

    crash(&mut test, &site);
    test.fault(Do::KillRenderer);
    agent.notice();
    is_as_it_was(&mut agent, &url);
    test.finish();
}

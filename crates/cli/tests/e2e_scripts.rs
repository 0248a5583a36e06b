//! Init scripts: in every frame of every tab, over the loss of the browser and of the daemon.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// Notes in each document, before its own scripts, which of the scripts ran and how often.
fn script(name: &str) -> String {
    format!("(window.ran ??= []).push('{name}'); window.first ??= document.scripts.length;")
}

/// Returns what ran in the page and in its frame of another site.
fn ran(agent: &mut Agent<impl Door>) -> [Value; 2] {
    let there = json!({ "function": "Object.keys(seen).length === 1" });
    agent.call("wait_for", there);
    let page = agent.evaluate("window.ran ?? null");
    let frame = agent.evaluate("await tell(frames[0], 'window.ran ?? null')");
    [page, frame]
}

fn both(expect: Value) -> [Value; 2] {
    [expect.clone(), expect]
}

#[test]
fn scripts_run_before_those_of_every_document_and_survive_browser_and_daemon() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let far = format!("{}?name=far", site.other_origin("/embeds"));
    let url = format!("{}?name=page&frame={far}", site.url("/embeds"));
    let opened = json!({ "url": url, "init_scripts": [script("opened")] });
    let mut agent = Agent::open_with(test.http(), opened);
    assert_eq!(
        ran(&mut agent),
        both(json!(["opened"])),
        "from the first page on"
    );
    assert_eq!(agent.evaluate("window.first"), 0, "before the page's own");

    // What is added holds for documents from now on, in every tab.
    let added = agent.call(
        "add_script",
        json!({ "source": script("added"), "name": "second" }),
    );
    assert_eq!(added["script_id"], "i2", "{added}");
    assert_eq!(agent.evaluate("window.ran"), json!(["opened"]));
    agent.call("interact", json!({ "action": "reload" }));
    assert_eq!(ran(&mut agent), both(json!(["opened", "added"])));
    agent.call("new_tab", json!({ "url": url }));
    assert_eq!(ran(&mut agent), both(json!(["opened", "added"])));
    // A window that a page opens has them before it runs a line.
    agent.evaluate("window.open(location.href) !== null");
    let three = |agent: &mut Agent<_>| {
        let tabs = agent.call("list_tabs", json!({}));
        tabs["tabs"].as_array().map(Vec::len) == Some(3)
    };
    while !three(&mut agent) {}
    agent.call("activate_tab", json!({ "tab_id": "t3" }));
    agent.call("wait_for", json!({ "load": "load" }));
    assert_eq!(ran(&mut agent), both(json!(["opened", "added"])));
    for tab in ["t3", "t2"] {
        agent.call("close_tab", json!({ "tab_id": tab }));
    }

    // The browser is lost, and the daemon, and both; the stubs of a restore run none of them.
    for fault in [
        &[Do::KillBrowser][..],
        &[Do::KillDaemon],
        &[Do::KillBrowser],
    ] {
        for fault in fault {
            test.fault(*fault);
        }
        agent.door = test.http();
        agent.notice();
        agent.call("interact", json!({ "action": "reload" }));
        assert_eq!(
            ran(&mut agent),
            both(json!(["opened", "added"])),
            "{fault:?}"
        );
    }

    // One that is removed runs no more, whoever installed it.
    test.fault(Do::KillDaemon);
    agent.door = test.http();
    let left = agent.call("remove_script", json!({ "script_id": "i1" }));
    assert_eq!(left["scripts"][0]["script_id"], "i2", "{left}");
    agent.call("interact", json!({ "action": "reload" }));
    assert_eq!(ran(&mut agent), both(json!(["added"])));
    let again = agent.refused("remove_script", json!({ "script_id": "i1" }));
    assert_eq!(again.code(), "invalid_argument");

    // A fork has them, and a session that comes back from rest.
    let fork = agent.call("fork_session", json!({ "key": "fork" }));
    agent.call("park_session", json!({}));
    agent.call("remove_script", json!({ "script_id": "i2" }));
    assert_eq!(
        agent.evaluate("window.ran ?? null"),
        Value::Null,
        "set at rest"
    );
    let listed = agent.call("list_scripts", json!({}));
    assert_eq!(listed["scripts"], json!([]));
    agent.session = fork["session_id"].as_str().expect("an id").to_owned();
    let listed = agent.call("list_scripts", json!({ "include_source": true }));
    assert_eq!(listed["scripts"][0]["source"], script("added"), "{listed}");
    agent.notice();
    assert_eq!(ran(&mut agent), both(json!(["added"])));
    test.finish();
}

#[test]
fn scripts_that_are_too_many_or_too_long_are_refused() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let long = "1;".repeat(10_241);
    let refused = test
        .http()
        .post("/v1/sessions", &json!({ "init_scripts": [long] }));
    let refused = refused.expect("an answer").body;
    assert_eq!(refused["code"], "invalid_argument", "{refused}");
    let fifty: Vec<_> = (0..50).map(|n| format!("window.n = {n}")).collect();
    let mut agent = Agent::open_with(test.http(), json!({ "init_scripts": fifty }));
    let full = agent.refused("add_script", json!({ "source": "1" }));
    assert_eq!(full.code(), "limit_reached");
    agent.call("navigate", json!({ "url": "data:text/html,hello" }));
    assert_eq!(agent.evaluate("window.n"), 49, "in their order");
    test.finish();
}

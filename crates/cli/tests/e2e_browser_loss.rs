//! The browser dies, freezes or loses a part of itself, and the session goes on.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness, SOON};
use testkit::process::{self, Signal};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn words<'a>(recovered: &'a Value, list: &str) -> Vec<&'a str> {
    recovered[list]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Logs in, and leaves marks in local and session storage.
fn at_home<D: Door>(agent: &mut Agent<D>, site: &Site) {
    agent.log_in(site);
    agent.click("button \"Dark theme\"");
    agent.click("button \"Add to cart\"");
    agent.expect_text("Cart: 1");
    agent.settle();
}

#[test]
fn a_login_survives_a_killed_browser_and_the_loss_is_told_once() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("shop:1"), &site.url("/"));
    at_home(&mut agent, &site);
    let before = agent.show();
    let tabs = agent.call("list_tabs", json!({}));
    agent.evaluate("window.mark = 42");
    let requests = site.counts();

    test.fault(Do::KillBrowser);

    let answer = agent.expect_text("Hello, ada");
    let shown = answer["snapshot"].as_str().expect("text");
    assert!(
        shown.contains("Cart: 1") && shown.contains("Theme: dark"),
        "{shown}"
    );
    assert_eq!(answer["session_id"], before["session_id"]);
    assert_eq!(
        answer["generation"].as_u64(),
        before["generation"].as_u64().map(|n| n + 1)
    );
    let recovered = &answer["recovered"];
    assert_eq!(recovered["generation"], answer["generation"], "{answer}");
    assert!(words(recovered, "lost").contains(&"js_heap"), "{recovered}");
    for kept in ["cookies", "local_storage", "session_storage"] {
        assert!(words(recovered, "restored").contains(&kept), "{recovered}");
        assert!(!words(recovered, "lost").contains(&kept), "{recovered}");
    }
    assert!(recovered["checkpoint_age_ms"].is_u64(), "{recovered}");

    let next = agent.call(
        "evaluate",
        json!({ "expression": "window.mark === undefined" }),
    );
    assert_eq!(next["value"], true);
    assert!(
        next.get("recovered").is_none_or(Value::is_null),
        "told twice: {next}"
    );
    assert_eq!(
        agent.show()["recovered"],
        *recovered,
        "the session keeps the last report"
    );
    let ids = |tabs: &Value| -> Vec<Value> {
        tabs["tabs"]
            .as_array()
            .expect("tabs")
            .iter()
            .map(|tab| tab["tab_id"].clone())
            .collect()
    };
    assert_eq!(ids(&agent.call("list_tabs", json!({}))), ids(&tabs));

    let counts = site.counts();
    assert_eq!(counts.logins, 1);
    assert_eq!(
        counts.turned_away, requests.turned_away,
        "a protected page came without its cookie"
    );
    test.finish();
}

#[test]
fn two_tabs_come_back_in_order_with_the_active_one_and_its_place() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.click("button \"Write\"");
    let second = agent.call("new_tab", json!({ "url": site.url("/long") }));
    agent.call("interact", json!({ "action": "scroll", "dy": 1500 }));
    agent.settle();
    let place = agent.evaluate("scrollY");
    let before = agent.call("list_tabs", json!({}));

    test.fault(Do::KillBrowser);
    agent.notice();

    assert_eq!(agent.evaluate("scrollY"), place);
    let after = agent.call("list_tabs", json!({}));
    for (old, new) in before["tabs"]
        .as_array()
        .expect("tabs")
        .iter()
        .zip(after["tabs"].as_array().expect("tabs"))
    {
        assert_eq!(
            (&old["tab_id"], &old["url"], &old["active"]),
            (&new["tab_id"], &new["url"], &new["active"])
        );
    }
    assert_eq!(after["tabs"].as_array().map(Vec::len), Some(2));
    assert_eq!(after["tabs"][1]["tab_id"], second["tab_id"]);
    let first = agent.call("snapshot", json!({ "tab_id": after["tabs"][0]["tab_id"] }));
    assert!(
        first["snapshot"]
            .as_str()
            .is_some_and(|text| text.contains("local L1 session S1")),
        "{first}"
    );
    test.finish();
}

#[test]
fn a_killed_keeper_takes_its_browser_along_and_the_session_goes_on() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();
    let browsers = test.browsers();

    test.fault(Do::KillKeeper);

    let answer = agent.expect_text("Hello, ada");
    assert!(answer["recovered"].is_object(), "{answer}");
    assert!(
        !browsers.iter().any(|&pid| process::runs(pid)),
        "the old browser lives"
    );
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_frozen_browser_is_found_out_by_asking_it_and_is_replaced() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();

    test.fault(Do::StopBrowser);

    // Calls wait until their deadline while the browser is given its time to come back.
    let mut told = Vec::new();
    let back = process::until(std::time::Duration::from_secs(90), || {
        match agent.attempt("snapshot", json!({})) {
            Ok(answer) => {
                assert!(answer["recovered"].is_object(), "{answer}");
                assert!(
                    answer["snapshot"]
                        .as_str()
                        .is_some_and(|text| text.contains("Hello, ada"))
                );
                true
            }
            Err(refusal) => {
                told.push(refusal.code().to_owned());
                false
            }
        }
    });
    assert!(back, "the session doesn't come back: {told:?}");
    assert!(told.iter().all(|code| code == "deadline"), "{told:?}");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_killed_page_is_brought_back_in_its_tab() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();
    let tabs = agent.call("list_tabs", json!({}));

    test.fault(Do::KillRenderer);

    let answer = agent.expect_text("Hello, ada");
    assert_eq!(answer["tab_id"], tabs["tabs"][0]["tab_id"]);
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_call_that_is_running_when_its_browser_dies_is_not_left_hanging() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.mcp(), None, &site.url("/form"));
    agent.settle();
    let session = agent.session.clone();
    let expression = "fetch('/status/204'); await new Promise(() => {})";
    let pending = agent.door.begin(
        "evaluate",
        json!({ "session_id": session, "expression": expression }),
    );
    // The site sees the effect, so the call is in the page.
    assert!(process::until(testkit::harness::SOON, || site
        .counts()
        .of("/status/204")
        == 1));

    test.fault(Do::KillBrowser);

    let refusal = agent.door.end(pending).expect_err("its browser died");
    assert_eq!(refusal.code(), "outcome_unknown", "{refusal:?}");
    agent.expect_text("Form");
    drop(agent);
    test.finish();
}

#[test]
fn a_login_survives_every_fault_after_each_other() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.mcp(), Some("ada:all"), &site.url("/"));
    at_home(&mut agent, &site);
    let session = agent.session.clone();
    let faults = [
        Do::KillBrowser,
        Do::DropLink,
        Do::KillDaemon,
        Do::KillBrowser,
        Do::RestartDaemon,
        Do::KillKeeper,
        Do::KillRenderer,
        Do::KillDaemon,
    ];
    test.after_each(&faults, &mut agent, |fault, _, agent| {
        let answer = agent.expect_text("Hello, ada");
        assert_eq!(answer["session_id"], session.as_str(), "after {fault:?}");
        let shown = answer["snapshot"].as_str().expect("text");
        assert!(
            shown.contains("Cart: 1") && shown.contains("Theme: dark"),
            "after {fault:?}: {shown}"
        );
        agent.settle();
    });
    assert_eq!(site.counts().logins, 1);
    drop(agent);
    test.finish();
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "how long a caller waits is what is tested"
)]
fn a_call_that_waits_for_a_new_page_hears_of_its_browsers_death() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    agent.settle();
    // Nothing that could show a page runs: the new one is announced and never answers.
    let makers = || {
        let kinds = ["--type=renderer", "--type=zygote"];
        let is_one = |seen: &process::Seen| kinds.iter().any(|kind| seen.command.contains(kind));
        let family = test.family().into_iter().filter(is_one);
        family.map(|seen| seen.pid).collect::<Vec<_>>()
    };
    for pid in makers() {
        process::kill(pid, Signal::STOP);
    }
    let mut looks = Agent {
        door: test.http(),
        session: agent.session.clone(),
        opened: Value::Null,
    };
    let (refused, took) = std::thread::scope(|scope| {
        let opened = scope.spawn(|| agent.attempt("new_tab", json!({ "url": site.url("/form") })));
        let there = process::until(SOON, || {
            let tabs = looks.call("list_tabs", json!({}));
            tabs["tabs"].as_array().is_some_and(|tabs| tabs.len() == 2)
        });
        assert!(there, "no second tab");
        let since = Instant::now();
        test.fault(Do::KillBrowser);
        (opened.join().expect("the caller ends"), since.elapsed())
    });
    // It is made again, or nobody knows what became of it; but nobody waits for a dead browser.
    let known = refused.as_ref().err().map(|refusal| refusal.code());
    assert!(
        matches!(known, None | Some("outcome_unknown")),
        "{refused:?}"
    );
    assert!(took < Duration::from_secs(15), "it took {took:?}");
    looks.expect_text("Form");
    test.finish();
}

#[test]
fn a_call_is_not_done_on_an_earlier_page_than_it_was_sent_for() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    let mut refused = 0;
    for turn in 0..5 {
        let url = site.url(&format!("/form?turn={turn}"));
        agent.call("navigate", json!({ "url": site.url("/") }));
        agent.settle();
        agent.call("navigate", json!({ "url": url }));
        test.fault(Do::KillBrowser);
        let script = json!({ "expression": "window.done = location.href" });
        match agent.attempt("evaluate", script.clone()) {
            // It was captured in time, or is refused.
            Ok(answer) => assert_eq!(answer["value"], url.as_str(), "{answer}"),
            Err(refusal) if refusal.code() == "outcome_unknown" => {}
            Err(refusal) => {
                refused += 1;
                assert_eq!(refusal.code(), "page_moved", "{refusal:?}");
                let answer = agent.notice();
                assert_eq!(answer["url"], site.url("/"), "{answer}");
                assert_eq!(answer["recovered"]["cause"], "browser_killed", "{answer}");
                assert_eq!(agent.evaluate("window.done ?? 'nothing'"), "nothing");
            }
        }
        agent.notice();
    }
    assert!(0 < refused, "the page was always captured in time");
    test.finish();
}

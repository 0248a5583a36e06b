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
    let newer = kept(&mut agent, "timer").len();
    agent.evaluate("localStorage.setItem('n', 2); 1");
    assert!(
        process::until(SOON, || newer < kept(&mut agent, "timer").len()),
        "a change was not kept"
    );
    test.finish();
}

#[test]
fn a_session_is_parked_on_request_and_a_call_that_comes_meanwhile_brings_it_back() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada:park"), &site.url("/"));
    agent.log_in(&site);
    // A page that never stops to change is parked all the same.
    agent.evaluate("setInterval(() => localStorage.setItem('n', Date.now()), 20); 1");
    let parked = test.cli(&["session", "park", "ada:park", "--json"]).json();
    assert_eq!(
        (&parked["state"], &parked["state_cause"]),
        (&json!("recoverable"), &json!("parked"))
    );
    assert_eq!(parked["expires_at"], Value::Null);
    assert_eq!(
        agent.call("park_session", json!({}))["state"],
        "recoverable"
    );
    assert!(process::until(SOON, || test.browsers().is_empty()));
    assert_eq!(kept(&mut agent, "park").len(), 1);
    let back = agent.expect_text("Hello, ada");
    assert_eq!(
        (&back["generation"], &back["recovered"]["cause"]),
        (&json!(2), &json!("resumed"))
    );
    assert_ne!(agent.evaluate("localStorage.getItem('n')"), Value::Null);

    // What runs ends first; what comes later waits for the end of the parking.
    let slow = site.url("/slow?ms=700");
    let slow = format!("await fetch('{slow}', {{ mode: 'no-cors' }}); 'whole'");
    let (http, session) = (test.http(), agent.session.clone());
    let again = || Agent {
        door: http.clone(),
        session: session.clone(),
        opened: Value::Null,
    };
    std::thread::scope(|scope| {
        let runs = scope.spawn(|| again().evaluate(&slow));
        assert!(process::until(SOON, || site.count_of("/slow") == 1));
        let parks = scope.spawn(|| again().call("park_session", json!({})));
        // The two of them, and the question itself.
        let taken = || {
            test.status()["calls"]
                .as_u64()
                .is_some_and(|calls| 2 < calls)
        };
        assert!(process::until(SOON, taken), "the parking doesn't come");
        let comes = scope.spawn(|| again().evaluate("2 + 2"));
        assert_eq!(runs.join().expect("it ends"), "whole");
        assert_eq!(parks.join().expect("it ends")["session_id"], json!(session));
        assert_eq!(comes.join().expect("it ends"), 4);
    });
    assert_eq!(agent.expect_text("Hello, ada")["generation"], 3);
    assert_eq!(site.counts().logins, 1);

    // A dialog would be lost.
    agent.evaluate("setTimeout(() => confirm('Sure?'), 0); 1");
    assert!(process::until(SOON, || {
        let refused = agent.attempt("snapshot", json!({})).err();
        refused.is_some_and(|refused| refused.code() == "dialog_open")
    }));
    assert_eq!(
        agent.refused("park_session", json!({})).code(),
        "dialog_open"
    );
    agent.call("handle_dialog", json!({ "accept": true }));
    agent.close();
    assert_eq!(agent.refused("park_session", json!({})).code(), "closed");
    assert_eq!(agent.refused("keepalive", json!({})).code(), "closed");
    test.finish();
}

#[test]
fn the_clocks_outlive_the_daemon_and_a_session_over_its_time_is_closed() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let ends = json!({ "url": site.url("/form"), "max_lifetime_ms": 3_000_000 });
    let mut ends = Agent::open_with(test.http(), ends);
    let idles = json!({ "url": site.url("/form"), "idle_timeout_ms": 3_600_000 });
    let mut idles = Agent::open_with(test.http(), idles);
    let time = |shown: &Value| {
        let text = shown["expires_at"].as_str().unwrap_or_default().to_owned();
        let parsed = text.parse::<base::Timestamp>();
        parsed.unwrap_or_else(|err| panic!("{err}: {shown}"))
    };
    let first = time(&idles.show());
    assert!(time(&ends.show()) < first, "{:?} {first}", ends.show());
    assert!(first < time(&idles.call("keepalive", json!({}))));

    test.fault(testkit::harness::Do::KillDaemon);
    (ends.door, idles.door) = (test.http(), test.http());
    time(&idles.wait_state("alive"));
    // It has lived for longer than that, under both daemons.
    ends.call("keepalive", json!({ "max_lifetime_ms": 1000 }));
    let closed = ends.wait_state("closed");
    assert_eq!(closed["state_cause"], "lifetime_over");
    assert_eq!(closed["expires_at"], Value::Null);
    assert!(closed["checkpoint"].is_object(), "{closed}");

    let kept = idles.call("keepalive", json!({ "idle_timeout_ms": 0 }));
    assert_eq!(kept["expires_at"], Value::Null, "never");
    let soon = idles.call("keepalive", json!({ "idle_timeout_ms": 500 }));
    time(&soon);
    assert_eq!(idles.wait_state("recoverable")["state_cause"], "parked");
    test.finish();
}

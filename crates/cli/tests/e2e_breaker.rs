//! What goes wrong again and again: it is given up at some time, or told, and stays repairable.

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

/// Checks that a session was given up, and comes back when it is asked to.
fn given_up<D: Door>(agent: &mut Agent<D>) {
    agent.wait_state("failed");
    let refused = agent.refused("snapshot", json!({}));
    assert_eq!(refused.code(), "failed");
    assert!(
        refused.0["hint"].to_string().contains("session resume"),
        "{refused:?}"
    );
    let back = agent.call("resume_session", json!({}));
    assert_eq!(back["state"], "alive");
    agent.expect_text("Hello, ada");
}

#[test]
fn a_session_whose_browser_crashes_again_and_again_is_given_up_until_somebody_resumes_it() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut other = Agent::open(test.http(), None, &site.url("/form"));
    let others = test.browsers();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();
    for round in 2..=6 {
        let own = |pid: &u32| !others.contains(pid);
        let browser = test.browsers().into_iter().find(own).expect("its browser");
        process::kill(browser, Signal::SEGV);
        let gone = process::until(SOON, || !process::runs(browser));
        assert!(gone, "the browser doesn't die of it");
        if round == 6 {
            break;
        }
        let answer = agent.notice();
        assert_eq!(answer["generation"], round, "{answer}");
        assert_eq!(answer["recovered"]["cause"], "browser_crashed");
    }
    let failed = agent.wait_state("failed");
    assert_eq!(failed["state_cause"], "browser_dies_again");
    let detail = failed["state_detail"].as_str().unwrap_or_default();
    assert!(detail.contains("browser_crashed"), "{failed}");
    given_up(&mut agent);
    assert_eq!(other.show()["generation"], 1);

    // What somebody else kills counts for nothing, and all come back at once.
    test.fault(Do::KillBrowser);
    for session in [&mut other, &mut agent] {
        assert_eq!(session.notice()["recovered"]["cause"], "browser_killed");
    }
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_session_whose_pages_crash_again_and_again_is_given_up_until_somebody_resumes_it() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();
    let gave_up = process::until(3 * SOON, || {
        for renderer in test.renderers() {
            process::kill(renderer, Signal::KILL);
        }
        agent.show()["state"] == "failed"
    });
    assert!(gave_up, "{}", agent.show());
    given_up(&mut agent);
    test.finish();
}

#[test]
fn checkpoints_that_keep_failing_are_told_and_the_last_one_stays_until_they_succeed() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate("localStorage.setItem('n', 1)");
    agent.settle();
    let (good, shown) = (agent.checkpoint(), agent.show());
    assert!(shown.get("capture_failing").is_none(), "{shown}");

    let parts = test.home().join("blobs").join(&agent.session);
    let aside = parts.with_extension("aside");
    std::fs::rename(&parts, &aside).expect("the folder can be moved");
    std::fs::write(&parts, "in the way").expect("a file in its place");
    agent.evaluate("localStorage.setItem('n', 2)");
    let mut failing = Value::Null;
    let told = process::until(SOON, || {
        failing = agent.show()["capture_failing"].clone();
        failing.is_object()
    });
    assert!(told, "nothing is told: {}", agent.show());
    assert!(failing["times"].as_u64() >= Some(2), "{failing}");
    assert!(!failing["reason"].as_str().unwrap_or_default().is_empty());
    assert_eq!(agent.checkpoint(), good, "the last good one stays");

    std::fs::remove_file(&parts).expect("the file goes");
    std::fs::rename(&aside, &parts).expect("the folder comes back");
    let saved = agent.call("save_session_checkpoint", json!({}));
    assert_ne!(saved["checkpoint"]["id"].as_str(), good.as_deref());
    assert!(agent.show().get("capture_failing").is_none());
    test.fault(Do::KillBrowser);
    agent.notice();
    assert_eq!(agent.evaluate("localStorage.getItem('n')"), "2");
    test.finish();
}

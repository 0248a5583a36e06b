//! What is kept of a session: checkpoints, closing, resuming, services that lose state.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::json;
use testkit::harness::{Agent, Do, Harness, SOON};
use testkit::process::{self, Signal};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// Lets a script count up in `place`, with no call that could be what makes a checkpoint, and
/// returns whether what stood there before two more checkpoints came back after a crash.
fn comes_back(write: &str, read: &str) {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate(&format!(
        "n = 0; setInterval(() => {{ n += 1; {write} }}, 200); 1"
    ));
    let mut seen = 0;
    let written = process::until(SOON, || {
        seen = agent.evaluate(read).as_u64().unwrap_or(0);
        0 < seen
    });
    assert!(written);
    // The first may have been begun before we looked; the one after it was not.
    let first = agent.checkpoint();
    let second = agent.wait_checkpoint(first.as_deref());
    agent.wait_checkpoint(Some(&second));

    test.fault(Do::KillBrowser);
    agent.notice();

    let back = agent.evaluate(read).as_u64();
    assert!(
        back.is_some_and(|back| seen <= back),
        "{back:?} came back, {seen} was there"
    );
    test.finish();
}

#[test]
fn a_cookie_set_by_a_script_is_in_a_checkpoint_soon() {
    comes_back(
        "document.cookie = `n=${n}; path=/; max-age=9999`",
        "Number(document.cookie.match(/n=(\\d+)/)?.[1] ?? 0)",
    );
}

#[test]
fn local_storage_written_by_a_script_is_in_a_checkpoint_soon() {
    comes_back(
        "localStorage.setItem('n', n)",
        "Number(localStorage.getItem('n') ?? 0)",
    );
}

#[test]
fn a_closed_session_is_resumed_logged_in_and_at_its_place() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada:close"), &site.url("/"));
    agent.log_in(&site);
    agent.close();
    assert_eq!(agent.show()["state"], "closed");
    assert!(
        process::until(SOON, || test.browsers().is_empty()),
        "the browser outlives its session"
    );
    assert_eq!(agent.refused("snapshot", json!({})).code(), "closed");

    let resumed = agent.call("resume_session", json!({}));

    assert_eq!(resumed["session_id"], agent.session.as_str());
    agent.expect_text("Hello, ada");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_daemon_stopped_with_its_browsers_leaves_sessions_that_come_back_on_demand() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    test.cli(&["stop", "--browsers"]).done();
    assert!(
        process::until(SOON, || test.family().is_empty()),
        "{:?}",
        test.family()
    );

    test.serve();
    agent.door = test.http();

    assert_eq!(agent.show()["state"], "recoverable");
    let answer = agent.expect_text("Hello, ada");
    assert!(answer["recovered"].is_object(), "{answer}");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_named_checkpoint_is_kept_and_listed_newest_first() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    let saved = agent.call("save_session_checkpoint", json!({ "name": "before" }));
    agent.click("button \"Write\"");
    agent.call("save_session_checkpoint", json!({ "name": "after" }));
    let listed = agent.call("list_session_checkpoints", json!({}));
    let names: Vec<_> = listed["checkpoints"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["name"].as_str())
        .collect();
    assert_eq!(names, ["after", "before"]);
    assert!(
        saved["checkpoint"]["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("c_")),
        "{saved}"
    );
    test.finish();
}

#[test]
fn a_killed_storage_service_costs_no_local_storage_and_its_emptiness_is_not_kept() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.click("button \"Write\"");
    agent.settle();
    let service = test
        .service("storage.mojom.StorageService")
        .expect("a storage service");
    process::kill(service, Signal::KILL);
    assert!(process::until(SOON, || !process::runs(service)));

    // Re-seeded in the browser that lives on.
    let same = process::until(SOON, || {
        agent
            .attempt(
                "evaluate",
                json!({ "expression": "localStorage.getItem('mark')" }),
            )
            .is_ok_and(|answer| answer["value"] == "L1")
    });
    assert!(same, "localStorage is lost in the live page");
    agent.call(
        "save_session_checkpoint",
        json!({ "name": "after the loss" }),
    );

    test.fault(Do::KillBrowser);
    agent.notice();

    assert_eq!(agent.evaluate("localStorage.getItem('mark')"), "L1");
    test.finish();
}

#[test]
fn a_storage_service_that_dies_while_no_daemon_is_there_is_noticed_by_the_next_one() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.click("button \"Write\"");
    agent.settle();
    let service = test
        .service("storage.mojom.StorageService")
        .expect("a storage service");
    test.kill_daemon();
    process::kill(service, Signal::KILL);
    assert!(process::until(SOON, || !process::runs(service)));
    // A browser begins another one as soon as a page wants something of it.
    test.serve();
    agent.door = test.http();

    let answer = agent.notice();
    assert_eq!(answer["recovered"]["cause"], "state_lost", "{answer}");
    assert_eq!(agent.evaluate("localStorage.getItem('mark')"), "L1");
    test.finish();
}

#[test]
fn what_a_page_wrote_right_before_its_dialog_is_kept_whole() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.click("button \"Write\"");
    agent.settle();
    agent.evaluate(
        "setTimeout(() => { \
           document.cookie = 'mark=C2; path=/; max-age=9999'; \
           sessionStorage.setItem('mark', 'S2'); \
           localStorage.setItem('mark', 'L2'); \
           alert('saved'); }, 0)",
    );
    let open = process::until(SOON, || {
        let refusal = agent.attempt("evaluate", json!({ "expression": "1" }));
        refusal.is_err_and(|refusal| refusal.code() == "dialog_open")
    });
    assert!(open, "no dialog opens");
    agent.call("save_session_checkpoint", json!({ "name": "held" }));

    test.fault(Do::KillBrowser);
    // Until its end is heard of, the dialog is what a call is told of.
    let back = process::until(SOON, || agent.attempt("snapshot", json!({})).is_ok());
    assert!(back, "the session isn't back");

    let read = "[document.cookie.match(/mark=(\\w+)/)?.[1], sessionStorage.getItem('mark'), \
                localStorage.getItem('mark')]";
    assert_eq!(agent.evaluate(read), json!(["C2", "S2", "L2"]));
    test.finish();
}

#[test]
fn a_storage_service_that_dies_behind_a_dialog_holds_up_nothing_and_costs_nothing() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.click("button \"Write\"");
    agent.settle();
    agent.evaluate("setTimeout(() => alert('wait'), 0)");
    let open = process::until(SOON, || {
        let refusal = agent.attempt("evaluate", json!({ "expression": "1" }));
        refusal.is_err_and(|refusal| refusal.code() == "dialog_open")
    });
    assert!(open, "no dialog opens");
    let service = test
        .service("storage.mojom.StorageService")
        .expect("a storage service");
    process::kill(service, Signal::KILL);
    assert!(process::until(SOON, || !process::runs(service)));

    // Another tab answers, by this browser: it was not replaced.
    let tab = agent.call("new_tab", json!({ "url": site.url("/storage") }));
    let mark = json!({ "tab_id": tab["tab_id"], "expression": "localStorage.getItem('mark')" });
    assert_eq!(agent.call("evaluate", mark)["value"], "L1");
    assert_eq!(agent.show()["generation"], 1);

    let answer = json!({ "tab_id": "t1", "accept": true });
    agent.call("handle_dialog", answer);
    let read = json!({ "tab_id": "t1", "expression": "localStorage.getItem('mark')" });
    let same = process::until(SOON, || {
        let answer = agent.attempt("evaluate", read.clone());
        answer.is_ok_and(|answer| answer["value"] == "L1")
    });
    assert!(same, "localStorage is lost behind the dialog");
    agent.call("save_session_checkpoint", json!({ "name": "after" }));
    test.fault(Do::KillBrowser);
    agent.notice();
    assert_eq!(agent.call("evaluate", read)["value"], "L1");
    test.finish();
}

#[test]
fn a_killed_network_service_costs_no_login() {
    let site = Site::start();
    // Its own process again, as in browsers whose makers or users say so.
    let mut test = Harness::new(BROWSERD).with(
        "BROWSERD_CHROME_ARGS",
        "--disable-features=NetworkServiceInProcess2",
    );
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.settle();
    let service = test
        .service("network.mojom.NetworkService")
        .expect("a network service");
    process::kill(service, Signal::KILL);
    assert!(process::until(SOON, || !process::runs(service)));

    agent.call("navigate", json!({ "url": site.url("/home") }));

    agent.expect_text("Hello, ada");
    assert_eq!(site.counts().logins, 1);
    assert_eq!(
        site.counts().turned_away,
        0,
        "a protected page came without its cookie"
    );
    test.finish();
}

#[test]
fn secure_and_partitioned_cookies_of_localhost_come_back() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.other_origin("/storage"));
    let set = "document.cookie = 'plain=1; Secure; Path=/'; \
        document.cookie = 'chip=1; Secure; Partitioned; SameSite=None; Path=/'";
    agent.evaluate(set);
    let cookies = "document.cookie.split('; ').sort().join(' ')";
    assert_eq!(agent.evaluate(cookies), "chip=1 plain=1");
    agent.call("save_session_checkpoint", json!({ "name": "both" }));

    // The second time what comes back is what was restored before.
    for _ in 0..2 {
        test.fault(Do::KillBrowser);
        let answer = agent.expect_text("Storage");
        let lost = answer["recovered"]["lost"].as_array().expect("a list");
        assert!(!lost.contains(&json!("cookies")), "{answer}");
        assert_eq!(agent.evaluate(cookies), "chip=1 plain=1");
        agent.call("save_session_checkpoint", json!({ "name": "again" }));
    }
    test.finish();
}

#[test]
fn a_failed_restore_keeps_the_checkpoint() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.close();
    test.cli(&["stop", "--browsers"]).done();
    let listed = |agent: &mut Agent<_>| agent.call("list_session_checkpoints", json!({}));

    // A Chromium that can't start: the restore fails, and nothing that was kept is touched.
    let broken = test.folder().join("broken-chromium");
    std::fs::write(&broken, "#!/bin/sh\nexit 1\n").expect("a program");
    make_executable(&broken);
    test = test.with("BROWSERD_CHROME", broken.to_str().expect("a path"));
    test.serve();
    agent.door = test.http();
    let before = listed(&mut agent);
    let refusal = agent.refused("resume_session", json!({}));
    assert_ne!(refusal.code(), "internal", "{refusal:?}");
    assert_eq!(listed(&mut agent), before);
    test.cli(&["stop", "--browsers"]).done();

    let chromium = testkit::raw::find().expect("a chromium");
    test = test.with("BROWSERD_CHROME", chromium.to_str().expect("a path"));
    test.serve();
    agent.door = test.http();
    agent.call("resume_session", json!({}));
    agent.expect_text("Hello, ada");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

//! The command line as people and scripts use it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use testkit::harness::{Harness, SOON, reference};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

#[test]
fn asking_after_the_daemon_starts_none() {
    let test = Harness::new(BROWSERD);
    let status = test.cli(&["status", "--json"]);
    assert_eq!(status.code, Some(1));
    assert_eq!(status.json()["running"], false);
    assert!(status.json()["version"].is_string());
    assert_ne!(test.cli(&["doctor"]).code, Some(2));
    assert_ne!(test.cli(&["stop"]).code, Some(2));
    assert!(test.family().is_empty(), "{:?}", test.family());
    test.finish();
}

#[test]
fn a_command_starts_the_daemon_and_the_session_is_driven_word_by_word() {
    let site = Site::start();
    let test = Harness::new(BROWSERD).with("BROWSERD_LISTEN", "127.0.0.1:0");
    test.cli(&["open", &site.url("/form")]).done();
    let status = test.status();
    for field in ["version", "pid", "http_url", "socket", "sessions"] {
        assert!(!status[field].is_null(), "{field} in {status}");
    }
    let snapshot = test.cli(&["snapshot"]).done().stdout;
    let reference =
        |what: &str| reference(&snapshot, what).unwrap_or_else(|| panic!("{what}: {snapshot}"));
    test.cli(&["fill", &reference("textbox \"Name\""), "Ada"])
        .done();
    test.cli(&["type", &reference("textbox \"Notes\""), "typed"])
        .done();
    test.cli(&["select", &reference("combobox \"Colour\""), "blue"])
        .done();
    test.cli(&["check", &reference("checkbox \"Agree\"")])
        .done();
    test.cli(&["hover", &reference("button \"Send\"")]).done();
    test.cli(&["click", &reference("button \"Send\"")]).done();
    let text = test.cli(&["text"]).done().stdout;
    assert!(
        text.contains("Sent 1: Ada, typed, blue, true, trusted true"),
        "{text}"
    );
    let value = test.cli(&["eval", "1 + 1", "--json"]).done().json();
    assert_eq!(value["value"], 2);

    test.cli(&["tab", "new", &site.url("/long")]).done();
    test.cli(&["scroll", "400"]).done();
    test.cli(&["press", "End"]).done();
    let tabs = test.cli(&["tabs", "--json"]).done().json();
    assert_eq!(tabs["tabs"].as_array().map(Vec::len), Some(2));
    test.cli(&["tab", "activate", "t1"]).done();
    test.cli(&["tab", "close", "t2"]).done();
    test.cli(&["reload"]).done();
    let shot = test.folder().join("shot.png");
    test.cli(&["screenshot", shot.to_str().expect("a path")])
        .done();
    assert!(
        std::fs::read(&shot)
            .expect("the shot")
            .starts_with(b"\x89PNG")
    );
    std::fs::remove_file(shot).expect("the shot");
    test.cli(&["session", "checkpoint", "by hand"]).done();
    let kept = test
        .cli(&["session", "checkpoints", "--json"])
        .done()
        .json();
    assert_eq!(kept["checkpoints"][0]["name"], "by hand", "{kept}");
    test.finish();
}

#[test]
fn only_open_makes_a_session() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    test.cli(&["snapshot"]).refused("session_not_found");
    test.cli(&["click", "@e1", "-s", "nobody"])
        .refused("session_not_found");
    assert_eq!(
        test.cli(&["session", "list", "--json"]).done().json()["sessions"],
        serde_json::json!([])
    );
    test.finish();
}

#[test]
fn wrong_usage_ends_with_two() {
    let test = Harness::new(BROWSERD);
    for wrong in [&["no-such-command"][..], &["click"], &["fill", "@e1"]] {
        assert_eq!(test.cli(wrong).code, Some(2), "{wrong:?}");
    }
    test.finish();
}

#[test]
fn the_home_and_what_is_in_it_are_the_users_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mode = |name: &str| {
        let metadata = std::fs::metadata(test.home().join(name)).expect(name);
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    for secret in ["token", "key", "browserd.sock"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    test.finish();
}

#[test]
fn neither_daemon_nor_browsers_end_with_the_group_of_their_client() {
    let site = Site::start();
    let test = Harness::new(BROWSERD).with("BROWSERD_LISTEN", "127.0.0.1:0");
    // A client that starts its server in a group of its own and kills the group at its end.
    let mut command = test.command(&["open", &site.url("/")]);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut client = process::spawn(&mut command).expect("it starts");
    let group = client.id();
    assert!(client.wait().expect("it ends").success());
    process::forget(group);
    process::kill_group(group);
    let status = test.status();
    assert!(status["pid"].is_u64(), "{status}");
    assert!(process::until(SOON, || test.browsers().len() == 1));
    test.finish();
}

#[test]
fn a_keeper_is_not_hit_by_a_kill_that_means_the_daemon() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    test.cli(&["open", &site.url("/")]).done();
    let keepers = test.keepers();
    assert_eq!(keepers.len(), 1);
    for keeper in keepers {
        let command = process::seen(keeper).expect("it runs").command;
        assert!(
            !command.contains("browserd daemon") && !command.contains("browserd serve"),
            "{command}"
        );
    }
    test.finish();
}

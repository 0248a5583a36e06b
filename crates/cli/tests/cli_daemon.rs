//! The daemon from outside, without a browser: how it starts, is found, refuses and ends.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use testkit::harness::{Harness, SOON};
use testkit::process::{self, Signal};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// A harness whose daemons, also those that commands start, take any free port.
fn harness() -> Harness {
    Harness::new(BROWSERD).with("BROWSERD_LISTEN", "127.0.0.1:0")
}

#[test]
fn commands_at_once_make_one_daemon() {
    let test = harness();
    let mut running: Vec<_> = (0..6)
        .map(|_| {
            process::spawn(
                test.command(&["list-sessions", "--json"])
                    .stdout(std::process::Stdio::null()),
            )
            .unwrap()
        })
        .collect();
    for child in &mut running {
        assert!(child.wait().unwrap().success(), "{}", test.words());
        process::forget(child.id());
    }
    let log = std::fs::read_to_string(test.home().join("daemon.log")).unwrap();
    assert_eq!(log.matches(" ready ").count(), 1, "{log}");
    test.finish();
}

#[test]
fn a_daemon_that_was_killed_is_replaced_by_the_next_command() {
    let test = harness();
    test.cli(&["list-sessions"]).done();
    let first = test.daemon();
    process::kill(first, Signal::KILL);
    // Until it is gone its socket takes one more call and drops it.
    assert!(process::until(SOON, || !process::runs(first)));
    assert_eq!(test.status()["running"], false);
    test.cli(&["list-sessions"]).done();
    assert_ne!(test.daemon(), first);
    test.finish();
}

#[test]
fn status_tells_where_the_daemon_is_reached() {
    let test = harness();
    test.cli(&["list-sessions"]).done();
    let status = test.status();
    assert_eq!(status["running"], true);
    assert_eq!(status["pid"], test.daemon());
    assert_eq!(status["sessions"], 0);
    assert_eq!(status["socket"], json!(test.home().join("browserd.sock")));
    assert!(
        status["http_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{status}"
    );
    assert_eq!(
        test.http().get("/v1/status").unwrap().body["pid"],
        status["pid"]
    );
    let people = test.cli(&["status"]).done().stdout;
    assert!(
        people.contains("http_url") && !people.contains('\x1b'),
        "{people}"
    );
    test.finish();
}

#[test]
fn the_usual_port_is_given_up_when_it_is_taken() {
    // Whoever has the usual port, both daemons run, and not at the same one.
    let [one, two] = [Harness::new(BROWSERD), Harness::new(BROWSERD)];
    for test in [&one, &two] {
        test.cli(&["list-sessions"]).done();
    }
    assert_ne!(one.status()["http_url"], two.status()["http_url"]);
    one.finish();
    two.finish();
}

#[test]
fn a_daemon_that_cant_start_tells_the_command_that_needs_it() {
    let test = harness();
    std::fs::create_dir(test.home()).unwrap();
    let file = test.home().join("config.toml");
    std::fs::write(
        &file,
        "[log]\nlevel = 'info'\n[sessions]\nmax_sesions = 3\n",
    )
    .unwrap();
    let told = test.cli(&["list-sessions"]).refused("invalid_argument");
    assert!(
        told.stderr.contains("line 4") && told.stderr.contains("max_sesions"),
        "{told:?}"
    );
    assert!(
        !test.home().join("browserd.db").exists(),
        "nothing is made by a refused start"
    );
    std::fs::remove_file(&file).unwrap();
    test.cli(&["list-sessions"]).done();
    test.finish();
}

#[test]
fn the_first_signal_ends_the_daemon_in_order() {
    let mut test = harness();
    test.serve();
    process::kill(test.daemon(), Signal::TERM);
    assert!(test.wait_served().success(), "{}", test.words());
    assert!(!test.home().join("browserd.sock").exists());
    test.finish();
}

#[test]
fn stop_without_a_daemon_is_done_already() {
    let test = harness();
    let told = test.cli(&["stop", "--json"]).done().json();
    assert_eq!(told["stopped"], false);
    assert!(!test.home().exists(), "asking makes no home");
    test.finish();
}

#[test]
fn a_home_that_others_can_read_is_shut() {
    let test = harness();
    std::fs::create_dir(test.home()).unwrap();
    std::fs::set_permissions(test.home(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let found = test.cli(&["doctor", "--json"]).json();
    let home = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|each| each["what"] == "home");
    assert_eq!(home.unwrap()["health"], "warning", "{found}");
    test.cli(&["list-sessions"]).done();
    let mode = std::fs::metadata(test.home()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    test.finish();
}

#[test]
fn a_database_without_its_key_is_refused_and_doctor_says_why() {
    let test = harness();
    test.cli(&["list-sessions"]).done();
    test.cli(&["stop"]).done();
    let key = test.home().join("key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    test.cli(&["list-sessions"]).refused("wrong_key");
    assert!(!key.exists(), "no new key hides that the old one is gone");
    let found = test.cli(&["doctor", "--json"]).json();
    assert_eq!(found["ok"], false);
    let bad = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|each| each["what"] == "key");
    assert_eq!(bad.unwrap()["health"], "bad", "{found}");
    std::fs::write(&key, kept).unwrap();
    test.cli(&["list-sessions"]).done();
    test.finish();
}

#[test]
fn a_stopped_daemon_that_hangs_is_not_taken_for_none() {
    let mut test = harness();
    test.serve();
    let daemon = test.daemon();
    process::kill(daemon, Signal::STOP);
    let told = test.cli(&["list-sessions", "--timeout", "500ms"]);
    process::kill(daemon, Signal::CONT);
    told.refused("deadline");
    assert_eq!(test.daemon(), daemon);
    test.finish();
}

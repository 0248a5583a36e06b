//! The home's key: where it comes from, another one in its place, and what a wrong one does.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testkit::harness::{Agent, Harness};
use testkit::process::{self, Signal};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const WORDS: &str = "four words nobody guesses";

fn shown(test: &Harness) -> Value {
    test.cli(&["key", "show", "--json"]).json()
}

fn stop(test: &mut Harness) {
    test.cli(&["stop", "--browsers"]).done();
    test.wait_served();
}

/// Runs `key rotate` with a new secret in its environment.
fn rotate(test: &Harness, arguments: &[&str], secret: (&str, &str)) -> Value {
    let mut command = test.command(&["key", "rotate", "--json"]);
    command.args(arguments).env(secret.0, secret.1);
    let output = process::output(&mut command).expect("it runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn comes_back(test: &mut Harness, agent: &mut Agent<testkit::harness::Http>) {
    test.serve();
    agent.door = test.http();
    agent.expect_text("Hello, ada");
}

#[test]
fn a_session_outlives_every_change_of_the_key_and_its_source() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    assert_eq!(shown(&test)["fingerprint"], Value::Null);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada:payroll"), &site.url("/"));
    agent.log_in(&site);
    let first = shown(&test);
    assert_eq!(
        (&first["source"], &first["opens_home"]),
        (&"file".into(), &true.into())
    );
    let running = test.cli(&["key", "rotate"]).refused("home_locked");
    assert!(running.stderr.contains("browserd stop"), "{running:?}");
    stop(&mut test);

    // A new key in the file; the old one opens nothing any more.
    let file = test.home().join("key");
    let old = std::fs::read(&file).expect("the key");
    let rotated = rotate(&test, &[], ("NOTHING", "1"));
    assert_eq!(rotated["from"]["fingerprint"], first["fingerprint"]);
    assert_eq!(shown(&test)["fingerprint"], rotated["to"]["fingerprint"]);
    let new = std::fs::read(&file).expect("the key");
    std::fs::write(&file, old).expect("the old key");
    assert_eq!(shown(&test)["opens_home"], false);
    test.cli(&["serve", "--listen", "127.0.0.1:0"])
        .refused("wrong_key");
    std::fs::write(&file, new).expect("the new key");
    comes_back(&mut test, &mut agent);
    stop(&mut test);

    // From the environment; the home keeps nothing of it.
    let rotated = rotate(&test, &["--to", "environment"], ("BROWSERD_NEW_KEY", KEY));
    assert_eq!(rotated["to"]["source"], "environment");
    assert!(!file.exists());
    test.cli(&["serve", "--listen", "127.0.0.1:0"])
        .refused("wrong_key");
    assert!(!file.exists(), "a key was made beside a database");
    let mut test = test.with("BROWSERD_KEY", KEY);
    comes_back(&mut test, &mut agent);
    is_known_to_no_browser(&test);
    stop(&mut test);

    // From a passphrase; a wrong one is refused.
    rotate(
        &test,
        &["--to", "passphrase"],
        ("BROWSERD_NEW_PASSPHRASE", WORDS),
    );
    let test = test
        .with("BROWSERD_KEY", "")
        .with("BROWSERD_PASSPHRASE", "other words");
    assert_eq!(shown(&test)["opens_home"], false);
    test.cli(&["serve", "--listen", "127.0.0.1:0"])
        .refused("wrong_key");
    let mut test = test.with("BROWSERD_PASSPHRASE", WORDS);
    comes_back(&mut test, &mut agent);
    let found = test
        .cli(&["session", "show", "ada:payroll", "--json"])
        .json();
    assert_eq!(found["session_id"], agent.session.as_str(), "{found}");
    assert_eq!(site.counts().logins, 1);
    is_in_no_file(&test.home(), &["ada:payroll", KEY, WORDS]);
    test.finish();
}

#[test]
fn a_rotation_that_is_killed_leaves_a_home_that_opens() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    stop(&mut test);
    for pause in [0, 1, 2, 4, 6, 8, 10, 15, 20, 30, 50] {
        let mut command = test.command(&["key", "rotate"]);
        let mut child = process::spawn(&mut command).expect("it starts");
        // Wherever it is by then; nothing is to be waited for.
        process::pause(Duration::from_millis(pause));
        process::kill(child.id(), Signal::KILL);
        child.wait().expect("it ends");
        process::forget(child.id());
        test.cli(&["key", "rotate"]).done();
        assert_eq!(shown(&test)["opens_home"], true, "killed after {pause} ms");
        assert!(!test.home().join("key.next").exists());
    }
    test.serve();
    test.finish();
}

/// The daemon has the key in its environment; those it starts have not.
fn is_known_to_no_browser(test: &Harness) {
    let family = test.family();
    let daemon = test.daemon();
    assert!(2 < family.len(), "{family:?}");
    for seen in family {
        // One that has ended meanwhile has nothing to tell.
        let told = std::fs::read(format!("/proc/{}/environ", seen.pid)).unwrap_or_default();
        let told = told.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        assert_eq!(told, seen.pid == daemon, "{seen:?}");
    }
}

/// The live profile of a browser is Chromium's, and the logs may name a session.
fn is_in_no_file(home: &Path, names: &[&str]) {
    for entry in std::fs::read_dir(home).expect("the home").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if name == "blobs" {
                is_in_no_file(&path, names);
            }
            continue;
        }
        if name.starts_with("daemon.log") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        for name in names {
            let found = bytes
                .windows(name.len())
                .any(|part| part == name.as_bytes());
            assert!(!found, "`{name}` stands in {}", path.display());
        }
    }
}

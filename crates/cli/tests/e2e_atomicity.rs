//! Damage and half-done work: what is restored is the last good state, and what isn't is told.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Harness};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const MARK: &str = "localStorage.getItem('mark')";

fn has_lost(recovered: &Value, part: &str) -> bool {
    let lost = recovered["lost"].as_array();
    let mut lost = lost.unwrap_or_else(|| panic!("{recovered}")).iter();
    lost.any(|word| word == part)
}

#[test]
fn a_damaged_newest_checkpoint_is_passed_over_kept_and_told() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.evaluate("localStorage.setItem('mark', 'one')");
    agent.call("save_session_checkpoint", json!({ "name": "one" }));
    let before = blobs(&test.home());
    agent.until_checkpointed(|agent| {
        agent.evaluate("localStorage.setItem('mark', 'two')");
    });
    test.cli(&["stop", "--browsers"]).done();
    test.wait_served();
    // Every part that came since: one is torn, the others have one bit turned over.
    let since: Vec<_> = blobs(&test.home())
        .into_iter()
        .filter(|path| !before.contains(path))
        .collect();
    assert!(!since.is_empty(), "nothing was written for it");
    for (place, path) in since.iter().enumerate() {
        let mut bytes = std::fs::read(path).expect("a blob");
        let middle = bytes.len() / 2;
        match place {
            0 => bytes.truncate(middle),
            _ => bytes[middle] ^= 1,
        }
        std::fs::write(path, bytes).expect("the damage is written");
    }

    test.serve();
    agent.door = test.http();
    let answer = agent.expect_text("Hello, ada");

    assert!(
        has_lost(&answer["recovered"], "newest_checkpoint"),
        "{answer}"
    );
    assert_eq!(agent.evaluate(MARK), "one");
    let damaged = blobs(&test.home());
    let kept = |path: &PathBuf| path.extension().is_some_and(|end| end == "damaged");
    assert!(
        damaged.iter().any(kept),
        "nothing was kept aside: {damaged:?}"
    );

    // From here on it goes on as ever.
    agent.evaluate("localStorage.setItem('mark', 'three')");
    agent.call("save_session_checkpoint", json!({ "name": "three" }));
    test.fault(Do::KillBrowser);
    let notice = agent.notice();
    assert!(
        !has_lost(&notice["recovered"], "newest_checkpoint"),
        "{notice}"
    );
    assert_eq!(agent.evaluate(MARK), "three");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn a_daemon_killed_in_the_middle_of_a_restore_leaves_a_session_that_is_restored_whole() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.until_checkpointed(|agent| {
        agent.evaluate("localStorage.setItem('mark', 'whole')");
    });
    let url = agent.show()["url"].clone();
    test.cli(&["stop", "--browsers"]).done();
    test.wait_served();

    // As soon as there is a browser, and as soon as there is a page in it.
    let seen: [fn(&Harness) -> bool; 2] = [
        |test| !test.browsers().is_empty(),
        |test| !test.renderers().is_empty(),
    ];
    for seen in seen {
        test.serve();
        let path = format!("/v1/sessions/{}/resume", agent.session);
        std::thread::scope(|scope| {
            let door = test.http();
            // Cut off by the death of its daemon, or answered just before it.
            scope.spawn(move || drop(door.post(&path, &json!({}))));
            process::wait_until("the restore has begun", || seen(&test));
            test.kill_daemon();
        });
    }

    test.serve();
    agent.door = test.http();
    agent.expect_text("Hello, ada");
    assert_eq!(agent.evaluate(MARK), "whole");
    assert_eq!(agent.show()["url"], url);
    assert_eq!(site.counts().logins, 1);
    let tabs = agent.call("list_tabs", json!({}));
    assert_eq!(tabs["tabs"].as_array().map(Vec::len), Some(1), "{tabs}");
    test.finish();
}

/// Returns the files of the parts that are stored, those kept aside with them.
fn blobs(home: &Path) -> Vec<PathBuf> {
    let mut folders = vec![home.join("blobs")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(_) => files.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    files
}

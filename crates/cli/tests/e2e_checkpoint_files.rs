//! Checkpoints as things of their own: restored when somebody asks for one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const MARK: &str = "localStorage.getItem('mark')";

fn id(answer: &Value) -> String {
    let id = answer["checkpoint"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn named(listed: &Value, name: &str) -> Option<String> {
    let all = listed["checkpoints"].as_array().expect("a list");
    let found = all.iter().find(|each| each["name"] == name)?;
    found["id"].as_str().map(str::to_owned)
}

#[test]
fn a_restore_goes_back_stays_there_after_a_kill_and_can_be_undone() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.evaluate("localStorage.setItem('mark', 'before')");
    let before = id(&agent.call("save_session_checkpoint", json!({ "name": "before" })));
    let generation = agent.show()["generation"].as_u64().expect("a number");
    agent.evaluate("localStorage.setItem('mark', 'after')");
    agent.call("navigate", json!({ "url": site.url("/storage") }));

    let restored = agent.call("restore_session_checkpoint", json!({}));

    assert_eq!(
        restored["restored_from"]["id"],
        before.as_str(),
        "{restored}"
    );
    assert_eq!(restored["generation"], generation + 1, "{restored}");
    assert_eq!(
        restored["recovered"]["cause"], "restore_asked",
        "{restored}"
    );
    agent.expect_text("Hello, ada");
    assert_eq!(agent.evaluate(MARK), "before");
    // Told once.
    assert_eq!(agent.call("list_tabs", json!({}))["recovered"], Value::Null);

    // What was restored is what the session comes back to.
    test.fault(Do::KillBrowser);
    agent.notice();
    assert_eq!(agent.evaluate(MARK), "before");

    // And what it was before the restore is kept.
    let listed = agent.call("list_session_checkpoints", json!({}));
    let kept = named(&listed, "Autosave · before restore").unwrap_or_else(|| panic!("{listed}"));
    let resumed = agent.call("resume_session", json!({ "checkpoint_id": kept }));
    assert_eq!(resumed["session_id"], agent.session.as_str());
    assert_eq!(agent.evaluate(MARK), "after");
    assert_eq!(agent.show()["url"], site.url("/storage"));
    assert_eq!(site.counts().logins, 1);

    // Nothing is changed by asking for what isn't there.
    let stranger = "c_00000000000000000000000000";
    let refusal = agent.attempt(
        "restore_session_checkpoint",
        json!({ "checkpoint_id": stranger }),
    );
    assert!(refusal.is_err(), "{refusal:?}");
    assert_eq!(agent.evaluate(MARK), "after");
    test.finish();
}

#[test]
fn a_closed_session_is_restored_from_the_checkpoint_named_and_a_damaged_one_is_refused() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate("localStorage.setItem('mark', 'one')");
    let one = id(&agent.call("save_session_checkpoint", json!({ "name": "one" })));
    let before = blobs(&test);
    agent.evaluate("localStorage.setItem('mark', 'two')");
    let two = id(&agent.call("save_session_checkpoint", json!({ "name": "two" })));
    let of_two: Vec<_> = blobs(&test)
        .into_iter()
        .filter(|path| !before.contains(path))
        .collect();
    agent.call("navigate", json!({ "url": site.url("/") }));
    agent.evaluate("localStorage.setItem('mark', 'three')");
    agent.close();
    let closed = agent.call("list_session_checkpoints", json!({}));
    let last = named(&closed, "Autosave · close").unwrap_or_else(|| panic!("{closed}"));

    // One bit of each part that only "two" may have.
    assert!(!of_two.is_empty(), "nothing was written for it");
    for path in &of_two {
        if let Ok(mut bytes) = std::fs::read(path) {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).expect("the damage is written");
        }
    }
    let refusal = agent.refused(
        "restore_session_checkpoint",
        json!({ "checkpoint_id": two }),
    );
    assert_eq!(refusal.code(), "corrupt", "{refusal:?}");
    assert_eq!(agent.show()["state"], "closed", "a refused restore woke it");

    let restored = agent.call(
        "restore_session_checkpoint",
        json!({ "checkpoint_id": one }),
    );
    assert_eq!(restored["restored_from"]["id"], one.as_str());
    assert_eq!(agent.evaluate(MARK), "one");
    let back = agent.call(
        "restore_session_checkpoint",
        json!({ "checkpoint_id": last }),
    );
    assert_eq!(
        back["generation"],
        restored["generation"].as_u64().expect("a number") + 1
    );
    assert_eq!(agent.evaluate(MARK), "three");
    assert_eq!(agent.show()["url"], site.url("/"));
    test.finish();
}

#[test]
fn the_version_that_is_restored_is_never_the_one_too_many() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD).with("BROWSERD_MAX_SNAPSHOT_VERSIONS", "1");
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate("localStorage.setItem('mark', 'closed')");
    agent.close();
    let closed = agent.call("list_session_checkpoints", json!({}));
    let only = named(&closed, "Autosave · close").unwrap_or_else(|| panic!("{closed}"));
    agent.call("resume_session", json!({}));
    agent.evaluate("localStorage.setItem('mark', 'later')");

    let restored = agent.call(
        "restore_session_checkpoint",
        json!({ "checkpoint_id": only }),
    );

    assert_eq!(restored["restored_from"]["id"], only.as_str());
    assert_eq!(agent.evaluate(MARK), "closed");
    test.finish();
}

/// Returns the files of the parts that are stored.
fn blobs(test: &Harness) -> Vec<std::path::PathBuf> {
    let mut folders = vec![test.home().join("blobs")];
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

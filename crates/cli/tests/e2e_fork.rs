//! Forks, and checkpoints that are deleted: what one session loses or does is no other's.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness, Http, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const MARK: &str = "localStorage.getItem('mark')";
/// Puts a record into IndexedDB, and reads it.
const PUT: &str = "await new Promise((done, fail) => { const o = indexedDB.open('d', 1); \
    o.onupgradeneeded = () => o.result.createObjectStore('s'); o.onerror = () => fail(o.error); \
    o.onsuccess = () => { const t = o.result.transaction('s', 'readwrite'); \
    t.objectStore('s').put('kept', 1); t.oncomplete = () => { o.result.close(); done(1); } } })";
const GET: &str = "await new Promise((done, fail) => { const o = indexedDB.open('d', 1); \
    o.onerror = () => fail(o.error); o.onsuccess = () => { \
    const g = o.result.transaction('s').objectStore('s').get(1); \
    g.onsuccess = () => { o.result.close(); done(g.result); } } })";

fn id(answer: &Value) -> String {
    let id = answer["checkpoint"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn ids(agent: &mut Agent<Http>) -> Vec<String> {
    let listed = agent.call("list_session_checkpoints", json!({}));
    let all = listed["checkpoints"].as_array().expect("a list");
    let ids = all.iter().filter_map(|each| each["id"].as_str());
    ids.map(str::to_owned).collect()
}

fn agent_of(test: &Harness, session: &Value) -> Agent<Http> {
    Agent {
        door: test.http(),
        session: session["session_id"].as_str().expect("an id").to_owned(),
        opened: session.clone(),
    }
}

/// Counts the files below a folder.
fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let count = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => files(&path),
        _ => 1,
    };
    entries.flatten().map(count).sum()
}

#[test]
fn a_fork_starts_out_as_the_session_is_and_each_goes_its_own_way() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada:1"), &site.url("/"));
    agent.log_in(&site);
    agent.evaluate("localStorage.setItem('mark', 'then'); sessionStorage.setItem('s', 'tab')");
    agent.evaluate(PUT);
    let then = id(&agent.call("save_session_checkpoint", json!({ "name": "then" })));
    // Younger than any capture: a fork of what is now has it all the same.
    agent.evaluate("localStorage.setItem('mark', 'now')");

    let fork = agent.call(
        "fork_session",
        json!({ "key": "ada:2", "labels": { "of": "ada" } }),
    );

    assert_ne!(fork["session_id"], agent.session.as_str());
    assert_eq!(fork["forked_from"], agent.session.as_str(), "{fork}");
    assert_eq!(fork["state"], "recoverable", "{fork}");
    assert_eq!(fork["url"], site.url("/home"), "{fork}");
    assert_eq!(fork["labels"]["of"], "ada", "{fork}");
    assert_eq!(fork["from_checkpoint"]["cause"], "fork", "{fork}");
    let mut twin = agent_of(&test, &fork);
    twin.expect_text("Hello, ada");
    assert_eq!(twin.evaluate(MARK), "now");
    assert_eq!(twin.evaluate("sessionStorage.getItem('s')"), "tab");
    assert_eq!(twin.evaluate(GET), "kept");
    assert_eq!(site.counts().logins, 1);

    // Each has its own storage from here on, through crashes too.
    twin.evaluate("localStorage.setItem('mark', 'twin')");
    twin.settle();
    agent.settle();
    test.fault(Do::KillBrowser);
    agent.notice();
    twin.notice();
    assert_eq!(agent.evaluate(MARK), "now");
    assert_eq!(twin.evaluate(MARK), "twin");

    // The key of an open session isn't given twice, and the refused fork leaves no session.
    let count = |agent: &mut Agent<Http>| {
        let listed = agent.door.call("list_sessions", json!({})).expect("a list");
        listed["sessions"].as_array().expect("a list").len()
    };
    let before = count(&mut agent);
    let refused = agent.refused("fork_session", json!({ "key": "ada:2" }));
    assert_eq!(refused.code(), "key_taken");
    assert_eq!(count(&mut agent), before);

    // From an older checkpoint of a session that is closed, and then gone from its own home.
    agent.close();
    let shown = test.cli(&["--json", "session", "fork", &then, "-s", &agent.session]);
    let mut old = agent_of(&test, &shown.done().json());
    assert_eq!(old.evaluate(MARK), "then");
    assert_eq!(old.evaluate(GET), "kept");
    let stranger = "c_00000000000000000000000000";
    let refused = old.refused("fork_session", json!({ "checkpoint_id": stranger }));
    assert_eq!(refused.code(), "checkpoint_not_found");
    test.finish();
}

#[test]
fn a_fork_is_whole_or_not_there_whenever_the_daemon_dies() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate("for (let n = 0; n < 200; n++) localStorage.setItem('k' + n, 'x'.repeat(999))");
    agent.evaluate("localStorage.setItem('mark', 'whole')");
    agent.call("save_session_checkpoint", json!({ "name": "whole" }));
    agent.close();
    let session = agent.session.clone();
    let blobs = test.home().join("blobs");
    for parts in [1, 3, 9] {
        let door = test.http();
        let before = files(&blobs);
        let (source, over) = (session.clone(), AtomicBool::new(false));
        let answered = std::thread::scope(|scope| {
            let caller = scope.spawn(|| {
                // Cut off or answered, by where the kill falls.
                let answer = door.post(&format!("/v1/sessions/{source}/fork"), &json!({}));
                over.store(true, Ordering::SeqCst);
                answer.is_ok_and(|answer| answer.status == 200)
            });
            // Killed with so many parts on disk, or right after the answer.
            let reached = process::until(SOON, || {
                over.load(Ordering::SeqCst) || before + parts <= files(&blobs)
            });
            assert!(reached, "the fork neither goes on nor ends");
            test.kill_daemon();
            caller.join().expect("a caller")
        });
        test.serve();
        agent.door = test.http();
        let listed = agent.door.call("list_sessions", json!({})).expect("a list");
        assert_eq!(listed["damaged"], Value::Null, "{listed}");
        let forks = listed["sessions"].as_array().expect("a list").clone();
        assert!(forks.len() <= 1, "{listed}");
        assert!(!answered || forks.len() == 1, "an answered fork is gone");
        for fork in forks {
            let mut fork = agent_of(&test, &fork);
            let resumed = fork.call("resume_session", json!({}));
            assert_eq!(resumed["opened"], "resumed", "{resumed}");
            assert_eq!(fork.evaluate(MARK), "whole");
            assert_eq!(fork.evaluate("localStorage.length"), 201);
            fork.close();
        }
    }
    // Whatever a kill left half made goes with a collection, and nothing else does.
    test.cli(&["status", "--gc"]).done();
    let listed = agent
        .door
        .get("/v1/sessions?state=all")
        .expect("a list")
        .body;
    let known: Vec<_> = listed["sessions"].as_array().expect("a list").clone();
    let folders = std::fs::read_dir(&blobs).expect("blobs");
    for folder in folders.flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let is_known = known.iter().any(|each| each["session_id"] == name.as_str());
        assert!(is_known || files(&folder.path()) == 0, "{name} is left");
    }
    agent.call("resume_session", json!({}));
    assert_eq!(agent.evaluate(MARK), "whole");
    test.finish();
}

#[test]
fn a_deleted_checkpoint_costs_a_session_nothing_it_would_come_back_to() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate("localStorage.setItem('mark', 'one')");
    let one = id(&agent.call("save_session_checkpoint", json!({ "name": "one" })));
    agent.evaluate("localStorage.setItem('mark', 'two')");
    agent.evaluate(PUT);
    let two = id(&agent.call("save_session_checkpoint", json!({ "name": "two" })));

    // The newest of a living session: what it holds is captured anew first, databases too.
    let deleted = agent.call("delete_session_checkpoint", json!({ "checkpoint_id": two }));
    assert_eq!(deleted["deleted"]["name"], "two", "{deleted}");
    let newest = id(&deleted);
    assert_ne!(newest, two);
    assert!(!ids(&mut agent).contains(&two));
    test.fault(Do::KillBrowser);
    agent.notice();
    assert_eq!(agent.evaluate(MARK), "two");
    assert_eq!(agent.evaluate(GET), "kept");

    // An older one, by the command line; then there is none of that id.
    let ran = test.cli(&[
        "--json",
        "session",
        "delete-checkpoint",
        &one,
        "-s",
        &agent.session,
    ]);
    assert_eq!(ran.done().json()["deleted"]["id"], one.as_str());
    let refused = agent.refused("delete_session_checkpoint", json!({ "checkpoint_id": one }));
    assert_eq!(refused.code(), "checkpoint_not_found");

    // One of another session isn't this one's to delete.
    let mut other = Agent::open(test.http(), None, "about:blank");
    let theirs = id(&other.call("save_session_checkpoint", json!({})));
    let refused = agent.refused(
        "delete_session_checkpoint",
        json!({ "checkpoint_id": theirs }),
    );
    assert_eq!(refused.code(), "checkpoint_not_found");
    assert!(ids(&mut other).contains(&theirs));
    other.close();

    // At rest: the newest goes only by force, and the last not at all.
    agent.evaluate("localStorage.setItem('mark', 'three')");
    agent.call("save_session_checkpoint", json!({ "name": "three" }));
    agent.evaluate("localStorage.setItem('mark', 'four')");
    agent.close();
    let all = ids(&mut agent);
    let ask = |id: &str, force: bool| json!({ "checkpoint_id": id, "force": force });
    let refused = agent.refused("delete_session_checkpoint", ask(&all[0], false));
    assert_eq!(refused.code(), "conflict", "{refused:?}");
    for id in all[1..].iter().rev() {
        agent.call("delete_session_checkpoint", ask(id, false));
    }
    let refused = agent.refused("delete_session_checkpoint", ask(&all[0], true));
    assert_eq!(refused.code(), "conflict", "{refused:?}");
    agent.call("resume_session", json!({}));
    assert_eq!(agent.evaluate(MARK), "four");

    // By force, it comes back to what is older.
    let four = id(&agent.call("save_session_checkpoint", json!({ "name": "four" })));
    agent.evaluate("localStorage.setItem('mark', 'five')");
    agent.close();
    // Of the close, and perhaps the rolling one before it.
    let mut newest = ids(&mut agent)[0].clone();
    while newest != four {
        let deleted = agent.call("delete_session_checkpoint", ask(&newest, true));
        newest = id(&deleted);
    }
    agent.call("resume_session", json!({}));
    assert_eq!(agent.evaluate(MARK), "four");
    test.finish();
}

//! Bad input and bad surroundings: a clear error with a code and a hint, and nothing lost.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use testkit::disk::SmallDisk;
use testkit::harness::{Agent, Answer, Harness, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.body["code"].as_str()),
        (status, Some(code)),
        "{answer:?}"
    );
    assert!(answer.body["detail"].is_string(), "{answer:?}");
    assert!(
        answer
            .head
            .to_lowercase()
            .contains("application/problem+json"),
        "{answer:?}"
    );
}

#[test]
fn unknown_sessions_tabs_and_refs_are_named() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let http = test.http();
    let get = |path: &str| http.get(path).expect("an answer");
    check(&get("/v1/sessions/nobody"), 404, "session_not_found");
    check(
        &get("/v1/sessions/s_01hzy3v7q8e9rs0t1vwxyz2345"),
        404,
        "session_not_found",
    );
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    assert_eq!(
        agent.refused("snapshot", json!({ "tab_id": "t99" })).code(),
        "tab_not_found"
    );
    let stale = agent.refused("interact", json!({ "action": "click", "ref": "@e999" }));
    assert_eq!(stale.code(), "ref_stale");
    assert!(stale.0["hint"].is_string(), "{stale:?}");
    let shapeless = agent.refused(
        "interact",
        json!({ "action": "click", "ref": "everything" }),
    );
    assert_eq!(shapeless.code(), "invalid_argument");
    test.finish();
}

#[test]
fn bodies_that_are_malformed_or_too_large_are_refused() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let http = test.http();
    let post = |body: &[u8]| {
        http.send("POST", "/v1/sessions", Some(body))
            .expect("an answer")
    };
    check(&post(b"{"), 400, "invalid_argument");
    check(&post(b"[]"), 400, "invalid_argument");
    check(&post(b"\xff\xfe"), 400, "invalid_argument");
    check(&post(br#"{"labels": 7}"#), 400, "invalid_argument");
    check(
        &post(br#"{"no_such_argument": 1}"#),
        400,
        "invalid_argument",
    );
    let large = vec![b' '; 65 << 20];
    check(&post(&large), 413, "body_too_large");
    test.finish();
}

#[test]
fn a_request_without_the_token_or_from_a_web_page_is_refused() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let http = test.http();
    for token in [None, Some("wrong")] {
        let answer = http
            .with_token(token)
            .get("/v1/sessions")
            .expect("an answer");
        check(&answer, 401, "unauthorized");
    }
    let from_a_page = [("origin", "http://evil.example")];
    let answer = http
        .send_with("GET", "/v1/sessions", &from_a_page, None)
        .expect("an answer");
    assert!(matches!(answer.status, 401 | 403), "{answer:?}");
    assert_eq!(
        test.unix_http()
            .get("/v1/sessions")
            .expect("an answer")
            .status,
        200
    );
    let health = http.with_token(None).get("/healthz").expect("an answer");
    assert_eq!(health.status, 200);
    test.finish();
}

#[test]
fn a_missing_chromium_is_told_with_a_hint_and_the_daemon_lives() {
    let mut test = Harness::new(BROWSERD).with("BROWSERD_CHROME", "/no/such/chromium");
    test.serve();
    let refused = test
        .http()
        .post("/v1/sessions", &json!({}))
        .expect("an answer");
    check(&refused, 503, "browser_missing");
    assert!(refused.body["hint"].is_string(), "{refused:?}");
    assert_eq!(test.http().get("/healthz").expect("an answer").status, 200);
    test.finish();
}

#[test]
fn a_home_held_by_another_daemon_is_refused_and_the_holder_named() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let holder = test.daemon();
    let second = test
        .cli(&["serve", "--listen", "127.0.0.1:0"])
        .refused("home_locked");
    assert!(second.stderr.contains(&holder.to_string()), "{second:?}");
    test.finish();
}

#[test]
fn a_daemon_waits_for_one_that_is_stopping() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let first = test.daemon();
    process::kill(first, process::Signal::TERM);
    // As a person would write it: kill, and start the next in the same line.
    let mut next = process::spawn(&mut test.command(&["serve", "--listen", "127.0.0.1:0"]))
        .expect("it starts");
    let ready = process::until(SOON, || {
        !process::runs(first)
            && test
                .unix_http()
                .get("/readyz")
                .is_ok_and(|answer| answer.status == 200)
    });
    assert!(ready, "{}", test.words());
    assert!(matches!(next.try_wait(), Ok(None)), "the next one runs");
    test.cli(&["stop"]).done();
    next.wait().expect("it ends");
    process::forget(next.id());
    test.wait_served();
    test.finish();
}

#[test]
fn a_port_in_use_is_told_when_it_was_asked_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let test = Harness::new(BROWSERD);
    let refused = test
        .cli(&["serve", "--listen", &address])
        .refused("port_in_use");
    assert!(refused.stderr.contains(&address), "{refused:?}");
    test.finish();
}

#[test]
fn a_wrong_key_opens_nothing_and_writes_nothing() {
    let site = Site::start();
    let mut test = with_a_closed_session(&site);
    let key = test.home().join("key");
    let good = std::fs::read(&key).expect("the key");
    let database = test.home().join("browserd.db");
    let before = std::fs::read(&database).expect("the database");

    for bad in [Some(another_homes_key()), None] {
        match &bad {
            Some(bytes) => std::fs::write(&key, bytes).expect("a wrong key"),
            None => std::fs::remove_file(&key).expect("no key"),
        }
        test.cli(&["serve", "--listen", "127.0.0.1:0"])
            .refused("wrong_key");
        assert_eq!(std::fs::read(&database).expect("the database"), before);
        assert_eq!(
            key.exists(),
            bad.is_some(),
            "a key was made beside a database"
        );
    }

    std::fs::write(&key, &good).expect("the key again");
    comes_back(&mut test);
    test.finish();
}

#[test]
fn damaged_blobs_are_told_and_kept_and_whole_ones_are_as_good_as_before() {
    let site = Site::start();
    let mut test = with_a_closed_session(&site);
    let blobs: Vec<(PathBuf, Vec<u8>)> = files(&test.home().join("blobs"))
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).expect("a blob")))
        .collect();
    assert!(!blobs.is_empty());
    for (path, good) in &blobs {
        let mut bytes = good.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).expect("a blob");
    }
    test.serve();
    test.cli(&["session", "resume", "ada"]).refused("corrupt");
    let kept = files(&test.home().join("blobs")).len();
    assert_eq!(kept, blobs.len(), "what was damaged is kept");

    for (path, good) in &blobs {
        std::fs::write(path, good).expect("a blob");
    }
    test.cli(&["session", "resume", "ada"]).done();
    test.on("ada", &["wait", "--text", "Hello, ada"]);
    test.finish();
}

#[test]
fn a_damaged_row_costs_its_own_session_and_no_other() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut hurt = Agent::open(test.http(), Some("hurt"), &site.url("/"));
    let mut well = Agent::open(test.http(), Some("well"), &site.url("/"));
    well.log_in(&site);
    hurt.until_checkpointed(|agent| {
        agent.evaluate("localStorage.setItem('a', 1)");
    });
    test.cli(&["stop", "--browsers"]).done();
    let statement = format!(
        "UPDATE sessions SET private = x'00' WHERE id = '{}'",
        hurt.session
    );
    sql(&test.home(), &statement);

    test.serve();
    (hurt.door, well.door) = (test.http(), test.http());

    assert_eq!(hurt.refused("snapshot", json!({})).code(), "corrupt");
    well.expect_text("Hello, ada");
    let rows = sql(&test.home(), "SELECT count(*) FROM sessions");
    assert_eq!(rows, "[(2,)]", "the damaged row is kept");
    test.finish();
}

#[test]
fn a_full_disk_is_told_and_what_was_stored_is_still_there() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    let Some(disk) = SmallDisk::mount(&test.home(), 24) else {
        // Only root may mount; the store's own tests cover the error itself.
        println!("no small disk can be mounted here: not tested");
        test.finish();
        return;
    };
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada"), &site.url("/"));
    agent.log_in(&site);
    let saved = agent.call("save_session_checkpoint", json!({ "name": "before" }));
    disk.fill();
    let noise = "localStorage.setItem('big', Array.from({length: 400000}, Math.random).join('').slice(0, 4e6))";
    drop(agent.attempt("evaluate", json!({ "expression": noise })));
    let refusal = agent.refused("save_session_checkpoint", json!({ "name": "full" }));
    assert_eq!(refusal.code(), "disk_full", "{refusal:?}");
    disk.empty();
    let listed = agent.call("list_session_checkpoints", json!({}));
    let kept = listed["checkpoints"].as_array().into_iter().flatten();
    assert!(
        kept.into_iter()
            .any(|each| each["id"] == saved["checkpoint"]["id"]),
        "{listed}"
    );
    agent.call("save_session_checkpoint", json!({ "name": "after" }));
    test.finish_before(|| drop(disk));
}

/// Returns a stopped home with one closed session, `ada`, that is logged in.
fn with_a_closed_session(site: &Site) -> Harness {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("ada"), &site.url("/"));
    agent.log_in(site);
    agent.close();
    test.cli(&["stop", "--browsers"]).done();
    test.wait_served();
    test
}

/// Returns a key that is whole, and another home's.
fn another_homes_key() -> Vec<u8> {
    let mut other = Harness::new(BROWSERD);
    other.serve();
    let key = std::fs::read(other.home().join("key")).expect("its key");
    other.finish();
    key
}

fn comes_back(test: &mut Harness) {
    test.serve();
    test.cli(&["session", "resume", "ada"]).done();
    test.on("ada", &["wait", "--text", "Hello, ada"]);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found
}

/// Runs one statement on the home's database, with Python's own SQLite.
fn sql(home: &Path, statement: &str) -> String {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
        print(db.execute(sys.argv[2]).fetchall(), end=''); db.commit()";
    #[allow(
        clippy::disallowed_methods,
        reason = "a test damages a database from outside"
    )]
    let mut python = Command::new("python3");
    python
        .args(["-c", script])
        .arg(home.join("browserd.db"))
        .arg(statement);
    let output = process::output(&mut python).expect("python3 runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

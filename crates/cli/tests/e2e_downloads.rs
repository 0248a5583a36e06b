//! Downloads: kept in the session's own folder, listed and read, waited for, bounded, and over
//! the loss of browser and daemon.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::process;
use testkit::site::{BEFORE_GATE, GATED, Site};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// Has the page follow a link that is a download, and does not wait for it.
fn follow(agent: &mut Agent<impl Door>, url: &str, name: Option<&str>) -> Value {
    let name = name.map_or_else(String::new, |name| format!("a.download = {};", json!(name)));
    let expression = format!(
        "(() => {{ const a = document.createElement('a'); a.href = {}; {name}
           document.body.append(a); a.click(); }})()",
        json!(url)
    );
    agent.call("evaluate", json!({ "expression": expression }))
}

fn wait(agent: &mut Agent<impl Door>, what: &str) -> Value {
    let waited = agent.call(
        "wait_for",
        json!({ "download": what, "timeout_ms": 20_000 }),
    );
    assert_eq!(waited["download"]["state"], "completed", "{waited}");
    waited["download"].clone()
}

fn list(agent: &mut Agent<impl Door>) -> Vec<Value> {
    let listed = agent.call("list_downloads", json!({}));
    listed["downloads"].as_array().expect("a list").clone()
}

/// Waits until a download stands so, and returns it.
fn until(agent: &mut Agent<impl Door>, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    process::wait_until(id, || {
        let all = list(agent);
        let of_id = all.iter().find(|it| it["download_id"] == id);
        found = of_id.cloned().unwrap_or_default();
        !found.is_null() && holds(&found)
    });
    found
}

/// Returns the names of what lies in a folder, and below it.
fn files(folder: &Path) -> Vec<String> {
    let mut names = vec![];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names
}

fn folder(test: &Harness, agent: &Agent<impl Door>) -> PathBuf {
    test.home().join("downloads").join(&agent.session)
}

#[test]
fn what_pages_download_is_kept_under_harmless_names_and_told_waited_for_read_and_removed() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    assert_eq!(list(&mut agent), Vec::<Value>::new());

    // A navigation that is a download: told as what it is, and the page is still there.
    let refused = agent.refused("navigate", json!({ "url": site.url("/file/report.txt") }));
    assert_eq!(refused.code(), "navigation_failed");
    let message = refused.0["message"].as_str().expect("a message");
    assert!(message.contains("begun as d1"), "{message}");
    let report = wait(&mut agent, "d1");
    assert_eq!(agent.evaluate("location.pathname"), "/form");
    assert_eq!(
        (&report["name"], &report["bytes"]),
        (&json!("report.txt"), &json!(18))
    );
    assert_eq!(report["mime_type"], "text/x-test", "{report}");
    assert_eq!(report["sha256"].as_str().expect("a hash").len(), 64);
    let path = PathBuf::from(report["path"].as_str().expect("a path"));
    assert_eq!(path, folder(&test, &agent).join("report.txt"));
    assert_eq!(
        std::fs::read(&path).expect("the file"),
        b"file of report.txt"
    );
    let mode = |path: &Path| std::fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(
        (mode(&path), mode(path.parent().expect("it"))),
        (0o600, 0o700)
    );

    // Links, blobs, data, a frame and a window that is nothing but a download.
    follow(&mut agent, "/file/report.txt?token=abc", None);
    let second = wait(&mut agent, "*");
    assert_eq!(second["name"], "report (2).txt", "no file is written over");
    assert!(
        second["url"]
            .as_str()
            .expect("a URL")
            .contains("[redacted]"),
        "{second}"
    );
    agent.evaluate(
        "(() => { const a = document.createElement('a'); a.download = 'blob.txt';
           a.href = URL.createObjectURL(new Blob(['abc'])); a.click(); })()",
    );
    assert_eq!(wait(&mut agent, "*")["name"], "blob.txt");
    follow(&mut agent, "data:text/csv,a%2Cb", Some("table.csv"));
    let table = wait(&mut agent, "*");
    assert_eq!(
        (&table["name"], &table["mime_type"]),
        (&json!("table.csv"), &json!("text/csv"))
    );
    agent.evaluate(
        "(() => { const f = document.createElement('iframe'); f.src = '/file/framed.txt';
           document.body.append(f); })()",
    );
    assert_eq!(wait(&mut agent, "*")["name"], "framed.txt");
    agent.evaluate(
        "(() => { const a = document.createElement('a'); a.href = '/file/popped.txt';
           a.target = '_blank'; a.textContent = 'Get it'; document.body.prepend(a); })()",
    );
    agent.click("link \"Get it\"");
    assert_eq!(wait(&mut agent, "pop*.txt")["name"], "popped.txt");

    // Names that would lead elsewhere, hide the file, or show what it is not.
    let folder = folder(&test, &agent);
    let long = format!("{}.txt", "é".repeat(400));
    for (name, expect) in [
        ("../../../../etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        (".bashrc", ".txt"),
        ("con.txt", "_con.txt"),
        ("invoice\u{202e}fdp.exe", "fdp.exe"),
        ("line\nbreak\u{0}.txt", ".txt"),
        (long.as_str(), ".txt"),
    ] {
        follow(&mut agent, "data:text/plain,x", Some(name));
        let odd = wait(&mut agent, "*");
        let told = odd["name"].as_str().expect("a name");
        assert!(told.ends_with(expect), "{name:?}: {told:?}");
        assert!(told.len() <= 255 && !told.starts_with('.'), "{told:?}");
        assert!(
            !told.chars().any(|it| it.is_control() || it == '\u{202e}'),
            "{told:?}"
        );
        let path = PathBuf::from(odd["path"].as_str().expect("a path"));
        assert_eq!(path.parent(), Some(&*folder), "{name:?}");
        assert!(path.is_file(), "{name:?}");
    }
    let odd = "/attached?header=attachment;%20filename*=UTF-8''..%252F..%252Fup.sh";
    follow(&mut agent, odd, None);
    assert!(
        wait(&mut agent, "*")["path"]
            .as_str()
            .expect("a path")
            .ends_with("up.sh")
    );

    // Small text is in the answer; of the rest as much as is asked for.
    let read = agent.call("get_download", json!({ "download_id": "d1" }));
    assert_eq!(
        (&read["text"], &read["next_offset"]),
        (&json!("file of report.txt"), &Value::Null)
    );
    let untrusted = read["untrusted"].as_array().expect("a list");
    assert!(
        untrusted.contains(&json!("text")) && untrusted.contains(&json!("name")),
        "{read}"
    );
    let part = json!({ "download_id": "d1", "offset": 5, "limit": 2, "format": "base64" });
    let part = agent.call("get_download", part);
    assert_eq!(
        (&part["data"], &part["next_offset"]),
        (&json!("b2Y="), &json!(7)),
        "{part}"
    );
    follow(&mut agent, "/large/100000", None);
    let large = wait(&mut agent, "*");
    let id = large["download_id"].clone();
    let brief = agent.call("get_download", json!({ "download_id": id }));
    assert!(
        brief["text"].is_null() && brief["data"].is_null(),
        "no bill: {brief}"
    );
    assert_eq!(brief["next_offset"], 0);
    let whole = json!({ "download_id": id, "limit": 4_000_000, "format": "base64" });
    let whole = agent.call("get_download", whole);
    let data = BASE64_STANDARD.decode(whole["data"].as_str().expect("base64"));
    assert_eq!(data.expect("base64"), vec![b'x'; 100_000]);
    // As a file, for programs that take files.
    let id = id.as_str().expect("an id");
    let place = format!("/v1/sessions/{}/downloads/{id}/content", agent.session);
    let fetched = agent.door.get(&place).expect("an answer");
    assert_eq!(
        (fetched.status, fetched.body.as_str().map(str::len)),
        (200, Some(100_000))
    );
    let range = [("Range", "bytes=10-19")];
    let ranged = agent.door.send_with("GET", &place, &range, None);
    let ranged = ranged.expect("an answer");
    assert_eq!(
        (ranged.status, ranged.body.as_str().map(str::len)),
        (206, Some(10))
    );
    let nobody = test.http().with_token(None).get(&place).expect("an answer");
    assert_eq!(nobody.status, 401);
    let refused = agent.refused("get_download", json!({ "download_id": "d99" }));
    assert_eq!(refused.code(), "download_not_found");

    // News of one that nobody asked for stands in the next answer, once.
    agent.call("snapshot", json!({}));
    let began = follow(&mut agent, "/gated/late.bin", None);
    let late = until(&mut agent, "d16", |it| it["bytes"] == BEFORE_GATE);
    assert_eq!(
        (&late["state"], &late["total_bytes"]),
        (&json!("in_progress"), &json!(GATED))
    );
    let next = [
        began,
        agent.call("snapshot", json!({})),
        agent.call("snapshot", json!({})),
    ];
    let told = next
        .iter()
        .filter(|answer| answer.get("downloaded").is_some());
    let told: Vec<_> = told.collect();
    assert!(
        matches!(&told[..], [it] if it["downloaded"][0]["download_id"] == "d16"),
        "{told:?}"
    );
    let untrusted = told[0]["untrusted"].as_array().expect("a list");
    assert!(
        untrusted.contains(&json!("downloaded[].name")),
        "{untrusted:?}"
    );

    // What is under way can be waited for in vain, isn't read or removed, and is ended.
    let vain = json!({ "download": "d16", "timeout_ms": 300 });
    let refused = agent.refused("wait_for", vain);
    assert_eq!(
        (refused.code(), refused.0["retry"].as_str()),
        ("deadline", Some("same"))
    );
    let message = refused.0["message"].as_str().expect("a message");
    assert!(message.contains("4000 of 10000 bytes"), "{message}");
    let refused = agent.refused("get_download", json!({ "download_id": "d16" }));
    assert_eq!(refused.code(), "download_incomplete");
    agent.refused("delete_download", json!({ "download_id": "d16" }));
    let ended = agent.call("cancel_download", json!({ "download_id": "d16" }));
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("canceled"), &json!("on request"))
    );
    let refused = agent.refused("wait_for", json!({ "download": "d16" }));
    assert_eq!(refused.code(), "download_incomplete");
    process::wait_until("nothing to be left of it", || {
        !files(&folder)
            .iter()
            .any(|name| name.contains("crdownload"))
    });

    // Removed is removed, and its number is not given again.
    let deleted = agent.call("delete_download", json!({ "download_id": "d1" }));
    assert_eq!(deleted["deleted"], true);
    assert!(!path.exists());
    let refused = agent.refused("get_download", json!({ "download_id": "d1" }));
    assert_eq!(refused.code(), "download_not_found");
    let refused = agent.refused("wait_for", json!({ "download": "*", "text": "x" }));
    assert_eq!(refused.code(), "invalid_argument");

    // What reveals something is in no file of the database's.
    let database = std::fs::read(test.home().join("browserd.db-wal")).expect("the WAL");
    for word in ["popped.txt", "table.csv"] {
        let shown = database.windows(word.len()).any(|it| it == word.as_bytes());
        assert!(!shown, "{word} stands in the database");
    }

    agent.close();
    assert!(!folder.exists(), "{:?}", files(&folder));
    test.finish();
}

#[test]
fn a_download_over_a_bound_is_ended_and_says_which() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD)
        .with("BROWSERD_DOWNLOADS_MAX_FILE_BYTES", "20000")
        .with("BROWSERD_DOWNLOADS_MAX_SESSION_BYTES", "30000")
        .with("BROWSERD_DOWNLOADS_MAX_COUNT", "3");
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    let refused = |agent: &mut Agent<_>, path: &str, setting: &str| {
        follow(agent, path, None);
        let refusal = agent.refused("wait_for", json!({ "download": "*", "timeout_ms": 20_000 }));
        assert_eq!(refusal.code(), "download_incomplete", "{path}");
        let message = refusal.0["message"].as_str().expect("a message");
        assert!(message.contains(setting), "{path}: {message}");
    };
    // Announced, and found out on the way.
    refused(&mut agent, "/large/30000", "max_file_bytes");
    refused(&mut agent, "/unbounded", "max_file_bytes");
    follow(&mut agent, "/large/18000", None);
    wait(&mut agent, "*");
    refused(&mut agent, "/large/18001", "max_session_bytes");
    for path in ["/file/a.txt", "/file/b.txt"] {
        follow(&mut agent, path, None);
        wait(&mut agent, "*");
    }
    refused(&mut agent, "/file/c.txt", "max_count");
    agent.call("delete_download", json!({ "download_id": "d5" }));
    follow(&mut agent, "/file/d.txt", None);
    wait(&mut agent, "*");

    let states: Vec<_> = list(&mut agent)
        .iter()
        .map(|it| it["state"].clone())
        .collect();
    let canceled = states.iter().filter(|state| **state == "canceled").count();
    assert_eq!((states.len(), canceled), (7, 4), "{states:?}");
    let folder = folder(&test, &agent);
    process::wait_until("only whole files to be left", || {
        files(&folder) == ["b.txt", "d.txt", "large.bin"]
    });
    test.finish();
}

#[test]
fn a_download_under_way_outlives_the_daemon_and_ends_with_its_browser() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/form"));
    let folder = folder(&test, &agent);
    let begun = |it: &Value| it["bytes"] == BEFORE_GATE;
    follow(&mut agent, "/file/first.txt", None);
    wait(&mut agent, "*");

    // The daemon is killed; the next one hears the end.
    follow(&mut agent, "/gated/heard.bin", None);
    until(&mut agent, "d2", begun);
    test.fault(Do::KillDaemon);
    agent.door = test.http();
    let known = until(&mut agent, "d2", |it| it["state"] == "in_progress");
    assert_eq!(known["name"], "heard.bin", "{known}");
    site.open_gate("heard.bin");
    assert_eq!(wait(&mut agent, "heard*")["bytes"], GATED);

    // It comes to its end while no daemon is there.
    follow(&mut agent, "/gated/alone.bin", None);
    until(&mut agent, "d3", begun);
    test.kill_daemon();
    site.open_gate("alone.bin");
    let partial = |name: &String| name.ends_with(".crdownload");
    process::wait_until("the browser to have the whole file", || {
        !files(&folder).iter().any(partial)
    });
    test.serve();
    agent.door = test.http();
    assert_eq!(wait(&mut agent, "d3")["bytes"], GATED);
    let alone = std::fs::metadata(folder.join("alone.bin")).expect("the file");
    assert_eq!(alone.permissions().mode() & 0o777, 0o600);

    // The browser is killed: what was whole stays, what was not is told as cut off.
    follow(&mut agent, "/gated/lost.bin", None);
    until(&mut agent, "d4", begun);
    test.fault(Do::KillBrowser);
    let told = agent.notice();
    let lost = told["recovered"]["lost"].as_array().expect("a list");
    assert!(lost.contains(&json!("downloads")), "{told}");
    let lost = until(&mut agent, "d4", |it| it["state"] != "in_progress");
    assert_eq!(lost["state"], "interrupted", "{lost}");
    assert!(
        lost["reason"]
            .as_str()
            .expect("a reason")
            .contains("browser ended"),
        "{lost}"
    );
    let refused = agent.refused("get_download", json!({ "download_id": "d4" }));
    assert_eq!(refused.code(), "download_incomplete");
    let whole = ["alone.bin", "first.txt", "heard.bin"];
    process::wait_until("nothing to be left of it", || files(&folder) == whole);

    // The next browser downloads to the same folder.
    follow(&mut agent, "/file/first.txt", None);
    assert_eq!(wait(&mut agent, "*")["name"], "first (2).txt");

    // Both are killed at once.
    follow(&mut agent, "/gated/both.bin", None);
    until(&mut agent, "d6", begun);
    test.kill_daemon();
    test.fault(Do::KillBrowser);
    test.serve();
    agent.door = test.http();
    until(&mut agent, "d6", |it| it["state"] == "interrupted");

    // At rest they stay, are listed and read, and nothing goes on.
    agent.notice();
    follow(&mut agent, "/gated/parked.bin", None);
    until(&mut agent, "d7", begun);
    agent.call("park_session", json!({}));
    until(&mut agent, "d7", |it| it["state"] == "interrupted");
    let read = agent.call("get_download", json!({ "download_id": "d1" }));
    assert_eq!(read["text"], "file of first.txt");
    assert_eq!(agent.show()["state"], "recoverable");
    agent.notice();
    assert_eq!(list(&mut agent).len(), 7);
    process::wait_until("nothing half to be left", || {
        files(&folder) == ["alone.bin", "first (2).txt", "first.txt", "heard.bin"]
    });
    test.finish();
}

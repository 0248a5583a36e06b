//! Logins: kept from one session, put in place in another, in versions, and through every door.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a call is cut off while another thread waits for it"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness, SOON};
use testkit::process::{self, Signal};
use testkit::site::{PASSWORD, Site, USER};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const STORAGE_SERVICE: &str = "storage.mojom.StorageService";

/// Puts one record into a database of the page's origin.
fn put_record(value: &str) -> String {
    format!(
        "await new Promise((done, failed) => {{
           const open = indexedDB.open('cart', 1);
           open.onupgradeneeded = () => open.result.createObjectStore('items');
           open.onerror = () => failed(open.error);
           open.onsuccess = () => {{
             const write = open.result.transaction('items', 'readwrite');
             write.objectStore('items').put('{value}', 1);
             write.oncomplete = () => {{ open.result.close(); done(1); }};
           }};
         }})"
    )
}

/// Returns the databases' names, and that record.
const GET_RECORD: &str = "await (async () => {
  const there = await indexedDB.databases();
  if (there.length === 0) return null;
  const open = indexedDB.open('cart', 1);
  const db = await new Promise((done, failed) => { open.onsuccess = () => done(open.result); open.onerror = failed; });
  const get = db.transaction('items').objectStore('items').get(1);
  const value = await new Promise(done => { get.onsuccess = () => done(get.result); });
  db.close();
  return value;
})()";

/// A site of its own below `localhost`: names there have parents, and may have Secure cookies.
fn at(site: &Site, name: &str, path: &str) -> String {
    site.other_origin(path)
        .replace("//localhost:", &format!("//{name}.site.localhost:"))
}

fn log_in(agent: &mut Agent<impl Door>, login: &str) {
    agent.call("navigate", json!({ "url": login }));
    agent.fill("textbox \"User\"", USER);
    agent.fill("textbox \"Password\"", PASSWORD);
    agent.click("button \"Log in\"");
    agent.call("wait_for", json!({ "text": "Hello, ada" }));
}

fn words(answer: &Value, list: &str) -> Vec<String> {
    let words = answer[list].as_array().into_iter().flatten();
    words
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

fn has_all(answer: &Value) {
    let restored = words(answer, "restored");
    for part in ["cookies", "local_storage", "session_storage", "indexed_db"] {
        assert!(restored.iter().any(|word| word == part), "{part}: {answer}");
    }
    assert_eq!(answer["expired_cookies"], 0);
}

fn is_logged_in(agent: &mut Agent<impl Door>, home: &str) {
    agent.call("navigate", json!({ "url": home }));
    let shown = agent.snapshot();
    for text in ["Hello, ada", "Cart: 1", "Theme: dark"] {
        assert!(shown.contains(text), "{text:?} is not in\n{shown}");
    }
    let cookies = agent.evaluate("document.cookie");
    let cookies = cookies.as_str().expect("cookies");
    assert!(
        cookies.contains("whole=1") && cookies.contains("safe=1"),
        "{cookies}"
    );
    assert!(!cookies.contains("old="), "{cookies}");
    assert_eq!(agent.evaluate("localStorage.getItem('old')"), Value::Null);
    assert_eq!(agent.evaluate(GET_RECORD), "tea");
}

#[test]
fn a_login_moves_to_another_session_at_once_and_for_good_and_other_origins_stay() {
    let site = Site::start();
    let app = |path: &str| at(&site, "app", path);
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut from = Agent::open(test.http(), None, "about:blank");
    let refused = from.refused("save_snapshot", json!({}));
    assert_eq!(refused.code(), "invalid_argument", "{refused:?}");
    log_in(&mut from, &app("/login"));
    from.click("button \"Dark theme\"");
    from.click("button \"Add to cart\"");
    from.evaluate("document.cookie = 'whole=1; path=/; domain=site.localhost'");
    from.evaluate("document.cookie = 'safe=1; path=/; secure'");
    from.evaluate(&put_record("tea"));

    // What another origin holds isn't kept under its name, nor under the wrong one.
    let other = at(&site, "shop", "");
    let refused = from.refused("save_snapshot", json!({ "origin": other }));
    assert_eq!(refused.code(), "invalid_argument", "{refused:?}");
    let hint = refused.0["hint"].as_str().expect("a hint");
    assert!(hint.contains(&other), "{hint}");
    let none = test.http().get("/v1/snapshots").expect("an answer").body;
    assert_eq!(none["snapshots"], json!([]));

    let saved = from.call("save_snapshot", json!({ "origin": app("/home") }));
    assert_eq!(
        (&saved["origin"], &saved["profile"], &saved["cookies"]),
        (&app("").into(), &"default".into(), &3.into()),
        "{saved}"
    );
    from.close();

    let mut to = Agent::open(test.http(), None, &app("/storage"));
    to.evaluate("document.cookie = 'old=1; path=/', localStorage.setItem('old', '1')");
    to.evaluate(&put_record("old"));
    for (place, name) in [
        (at(&site, "shop", "/storage"), "shop"),
        (site.url("/storage"), "host"),
    ] {
        to.call("navigate", json!({ "url": place }));
        to.evaluate(&format!(
            "document.cookie = 'own={name}; path=/', localStorage.setItem('own', '{name}'), \
             sessionStorage.setItem('own', '{name}')"
        ));
        to.evaluate(&put_record(name));
    }
    let asked = site.counts().total();
    let answer = to.call("restore_snapshot", json!({ "origin": app("") }));
    has_all(&answer);
    assert_eq!(words(&answer, "reloaded_tabs"), ["t1"]);
    assert_eq!(
        site.counts().total(),
        asked + 1,
        "only the tab's own page was asked for"
    );
    assert_eq!(to.evaluate("location.href"), site.url("/storage"));
    is_logged_in(&mut to, &app("/home"));
    assert_eq!(site.counts().logins, 1);

    // Once more, over itself and from a page of the origin; the browser dies as it is done.
    to.evaluate("localStorage.setItem('old', 'again')");
    let answer = to.call("restore_snapshot", json!({ "origin": app("") }));
    test.fault(Do::KillBrowser);
    has_all(&answer);
    is_logged_in(&mut to, &app("/home"));

    for (place, name) in [
        (at(&site, "shop", "/storage"), "shop"),
        (site.url("/storage"), "host"),
    ] {
        to.call("navigate", json!({ "url": place }));
        let cookies = to.evaluate("document.cookie");
        let cookies = cookies.as_str().expect("cookies");
        assert!(cookies.contains(&format!("own={name}")), "{cookies}");
        for storage in ["localStorage", "sessionStorage"] {
            assert_eq!(to.evaluate(&format!("{storage}.getItem('own')")), name);
        }
        assert_eq!(to.evaluate(GET_RECORD), name);
    }
    assert_eq!(site.counts().logins, 1);
    let kept = to.call("list_session_checkpoints", json!({}));
    let before = kept["checkpoints"].as_array().expect("checkpoints");
    let before = before
        .iter()
        .filter(|it| it["name"] == "Autosave · before login");
    assert_eq!(before.count(), 2, "{kept}");
    test.finish();
}

/// The commands that the documentation gives, one a line.
fn documented() -> Vec<String> {
    let text = include_str!("../../../docs/logins.md");
    let (_, block) = text.split_once("```sh\n").expect("an example");
    let (block, _) = block.split_once("```").expect("its end");
    let lines = block.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn the_documented_commands_carry_a_login_from_one_session_to_another() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    for line in documented() {
        let line = line.replace("https://shop.example", &site.url(""));
        match line.strip_prefix("browserd ") {
            Some(words) => {
                let words: Vec<_> = words.split(' ').collect();
                test.cli(&words).done();
            }
            None => {
                let first = json!({ "key": "first" });
                let mut agent = Agent::open_with(test.http(), first);
                log_in(&mut agent, &site.url("/login"));
            }
        }
    }
    let shown = test.cli(&["snapshot", "-s", "second"]).done();
    assert!(shown.stdout.contains("Hello, ada"), "{shown:?}");
    assert_eq!(site.counts().logins, 1);
    test.finish();
}

#[test]
fn the_newest_ten_stay_and_named_ones_too_until_they_are_deleted_with_all_they_had() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.mcp(), None, &site.url("/storage"));
    let save = |agent: &mut Agent<_>, value: &str, arguments: Value| {
        agent.evaluate(&format!("localStorage.setItem('version', '{value}')"));
        let saved = agent.call("save_snapshot", arguments);
        saved["snapshot_id"].as_str().expect("an id").to_owned()
    };
    let named = save(&mut agent, "named", json!({ "name": "first" }));
    let versions: Vec<String> = (0..11)
        .map(|n| save(&mut agent, &n.to_string(), json!({})))
        .collect();
    let listed = agent
        .door
        .call("list_snapshots", json!({ "origin": site.url("/") }));
    let listed = listed.expect("a list");
    let ids = listed["snapshots"].as_array().expect("a list").iter();
    let ids: Vec<_> = ids
        .map(|login| login["snapshot_id"].as_str().expect("an id"))
        .collect();
    let newest_first = versions[1..].iter().rev().chain([&named]);
    assert_eq!(ids, newest_first.collect::<Vec<_>>(), "{listed}");

    let origin = site.url("");
    for (id, value) in [
        (Some(&named), "named"),
        (Some(&versions[5]), "5"),
        (None, "10"),
    ] {
        let mut arguments = json!({ "origin": origin });
        if let Some(id) = id {
            arguments["snapshot_id"] = json!(id);
        }
        let answer = agent.call("restore_snapshot", arguments);
        assert_eq!(
            words(&answer, "reloaded_tabs"),
            ["t1"],
            "it shows the origin"
        );
        assert_eq!(agent.evaluate("localStorage.getItem('version')"), value);
    }
    let gone = json!({ "origin": origin, "snapshot_id": versions[0] });
    assert_eq!(
        agent.refused("restore_snapshot", gone).code(),
        "checkpoint_not_found"
    );

    // A session's checkpoint is no login.
    let checkpoint = agent.call("save_session_checkpoint", json!({}))["checkpoint"]["id"].clone();
    let delete = |agent: &mut Agent<testkit::harness::Mcp>, id: &str| {
        agent
            .door
            .call("delete_snapshot", json!({ "snapshot_id": id }))
    };
    let refused = delete(&mut agent, checkpoint.as_str().expect("an id")).expect_err("refused");
    assert_eq!(refused.code(), "checkpoint_not_found");
    for id in versions[1..].iter().chain([&named]) {
        delete(&mut agent, id).expect("it is deleted");
    }
    assert_eq!(
        delete(&mut agent, &named).expect_err("gone").code(),
        "checkpoint_not_found"
    );
    let refused = agent.refused("restore_snapshot", json!({ "origin": origin }));
    assert_eq!(refused.code(), "checkpoint_not_found", "{refused:?}");
    test.cli(&["status", "--gc"]).done();
    let folders = std::fs::read_dir(test.home().join("blobs")).expect("the folder");
    let folders = folders.map(|entry| entry.expect("an entry").file_name().into_string());
    let folders: Vec<_> = folders.map(|name| name.expect("a name")).collect();
    assert_eq!(
        folders,
        [agent.session.as_str()],
        "only the session has parts"
    );
    drop(agent);
    test.finish();
}

#[test]
fn a_login_outlives_the_daemon_and_its_key_and_goes_from_profile_to_profile_by_command() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let work = json!({ "profile": "work", "url": site.url("/storage") });
    let mut agent = Agent::open_with(test.http(), work);
    log_in(&mut agent, &site.url("/login"));
    agent.click("button \"Dark theme\"");
    let saved = agent.call("save_snapshot", json!({}));
    assert_eq!(saved["profile"], "work");
    // The profile's own folder is cleared of what the checkpoint knows, and filled again.
    agent.settle();
    test.fault(Do::KillBrowser);
    agent.expect_text("Theme: dark");
    test.kill_daemon();
    test.serve();
    test.cli(&["stop", "--browsers"]).done();
    test.wait_served();
    test.cli(&["key", "rotate"]).done();
    test.serve();

    test.cli(&["open", &site.url("/"), "-s", "mine"]).done();
    let origin = site.url("");
    test.cli(&["login", "restore", &origin, "-s", "mine"])
        .refused("checkpoint_not_found");
    let listed = test.cli(&["login", "list", "--json"]).json();
    assert_eq!(listed["snapshots"][0]["snapshot_id"], saved["snapshot_id"]);
    assert_eq!(listed["snapshots"][0]["profile"], "work");
    let told = test
        .cli(&[
            "login",
            "restore",
            &origin,
            "-s",
            "mine",
            "--from-profile",
            "work",
        ])
        .done();
    assert!(told.stdout.contains("Restored: cookies"), "{told:?}");
    test.cli(&["open", &site.url("/home"), "-s", "mine", "--navigate"])
        .done();
    let shown = test.cli(&["snapshot", "-s", "mine"]).done();
    assert!(shown.stdout.contains("Hello, ada"), "{shown:?}");
    assert_eq!(site.counts().logins, 1);

    // It is kept under the other session's own name only when that is asked for.
    let kept = test
        .cli(&["login", "save", &origin, "-s", "mine", "--json"])
        .json();
    assert_eq!(kept["profile"], "default");
    let id = kept["snapshot_id"].as_str().expect("an id");
    test.cli(&["login", "delete", id]).done();
    let listed = test.cli(&["login", "list", &origin, "--profile", "default", "--json"]);
    assert_eq!(listed.json()["snapshots"], json!([]));
    test.finish();
}

#[test]
fn a_daemon_that_dies_with_half_a_login_in_place_leaves_the_session_as_it_was() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/storage"));
    agent.evaluate("localStorage.setItem('who', 'bob'), document.cookie = 'who=bob; path=/'");
    agent.call("save_snapshot", json!({}));
    agent.evaluate("localStorage.setItem('who', 'ada'), document.cookie = 'who=ada; path=/'");
    agent.evaluate("sessionStorage.setItem('cart', '1')");
    agent.settle();

    // The service that has the storage doesn't answer: what comes after the page's end waits.
    let storage = test.service(STORAGE_SERVICE).expect("a storage service");
    process::kill(storage, Signal::STOP);
    let (door, session, origin) = (test.http(), agent.session.clone(), site.url(""));
    let call = std::thread::spawn(move || {
        let arguments = json!({ "origin": origin, "timeout_ms": 60_000 });
        door.post(
            &format!("/v1/sessions/{session}/restore_snapshot"),
            &arguments,
        )
    });
    let mut tabs = Value::Null;
    let begun = process::until(SOON, || {
        tabs = agent.call("list_tabs", json!({}));
        tabs["tabs"][0]["url"] == "about:blank"
    });
    assert!(begun, "it didn't begin: {tabs}{}", test.words());
    test.kill_daemon();
    let cut_off = call.join().expect("the call ends");
    assert!(cut_off.is_err(), "{cut_off:?}");
    process::kill(storage, Signal::CONT);

    test.serve();
    agent.door = test.http();
    let answer = agent.expect_text("Storage");
    assert_eq!(answer["recovered"]["cause"], "login_not_placed", "{answer}");
    assert_eq!(agent.evaluate("localStorage.getItem('who')"), "ada");
    assert_eq!(agent.evaluate("document.cookie"), "who=ada");
    assert_eq!(agent.evaluate("sessionStorage.getItem('cart')"), "1");
    agent.call("restore_snapshot", json!({ "origin": site.url("") }));
    assert_eq!(agent.evaluate("localStorage.getItem('who')"), "bob");
    assert_eq!(agent.evaluate("document.cookie"), "who=bob");
    assert_eq!(
        agent.evaluate("sessionStorage.getItem('cart')"),
        Value::Null
    );
    test.finish();
}

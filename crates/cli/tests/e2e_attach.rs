//! Sessions attached to a browser that somebody else started: driven, linked to again after
//! every kind of cut, and left as it was.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door as _, Harness, Http, Refusal, SOON};
use testkit::link::Link;
use testkit::process::{self, Signal};
use testkit::site::Site;
use testkit::somebody::Somebody;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn tabs(agent: &mut Agent<Http>) -> Vec<String> {
    let listed = agent.call("list_tabs", json!({}));
    let tabs = listed["tabs"].as_array().expect("tabs").iter();
    tabs.map(|tab| tab["tab_id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Attaches with an empty page of somebody's beside the session's own at `url`.
fn attach(test: &Harness, endpoint: &str, key: &str, url: &str) -> Agent<Http> {
    let open = json!({ "cdp_url": endpoint, "key": key, "url": url });
    let agent = Agent::open_with(test.http(), open);
    assert_eq!(agent.opened["attached"], true, "{}", agent.opened);
    agent
}

fn refused(http: &mut Http, open: Value) -> Refusal {
    let told = open.to_string();
    match http.call("open_session", open) {
        Ok(answer) => panic!("{told} was not refused: {answer}"),
        Err(refusal) => refusal,
    }
}

/// Calls with a deadline of its own.
fn within(test: &Harness, ms: u32, path: &str, body: &Value) -> Value {
    let ms = ms.to_string();
    let headers = [("browserd-deadline-ms", ms.as_str())];
    let body = body.to_string();
    let answer = test
        .http()
        .send_with("POST", path, &headers, Some(body.as_bytes()));
    answer.expect("the daemon answers").body
}

#[test]
fn somebodys_browser_is_driven_and_left_as_it_was() {
    let site = Site::start();
    let somebody = Somebody::start();
    let theirs = site.url("/storage");
    somebody.open(&theirs);
    somebody.wait_urls(&[&theirs]);
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let endpoint = format!("http://{}", somebody.address());

    let mut agent = attach(&test, &endpoint, "ada:attach", &site.url("/"));

    assert_eq!(agent.opened["opened"], "created");
    assert_eq!(tabs(&mut agent), ["t1", "t2"]);
    agent.log_in(&site);
    agent.expect_text("Hello, ada");
    let shown = agent.call("snapshot", json!({ "tab_id": "t1" }));
    assert_eq!(shown["url"], theirs.as_str(), "{shown}");

    // Nothing of the owner's is kept, and what needs keeping says so.
    assert_eq!(agent.show()["checkpoint"], Value::Null);
    for (operation, arguments) in [
        ("checkpoints", json!({})),
        ("park", json!({})),
        ("fork", json!({})),
        ("keepalive", json!({ "idle_timeout_ms": 1000 })),
        ("save_snapshot", json!({})),
        ("list_downloads", json!({})),
        ("wait_for", json!({ "download": "*" })),
    ] {
        let refusal = agent.refused(operation, arguments);
        assert_eq!(refusal.code(), "not_available", "{operation}: {refusal:?}");
    }

    // One browser has one driver, and only what is here is attached to.
    let mut http = test.http();
    let ws = |id: &str| format!("ws://{}/devtools/browser/{id}", somebody.address());
    for (open, code) in [
        (json!({ "cdp_url": endpoint }), "profile_busy"),
        (json!({ "cdp_url": ws("9f-other") }), "conflict"),
        (
            json!({ "cdp_url": "http://10.0.0.1:9222" }),
            "invalid_argument",
        ),
        (
            json!({ "cdp_url": "http://example.org:9222" }),
            "invalid_argument",
        ),
        (
            json!({ "cdp_url": "wss://127.0.0.1:9222/" }),
            "invalid_argument",
        ),
        (
            json!({ "cdp_url": endpoint, "profile": "work" }),
            "not_available",
        ),
        (
            json!({ "cdp_url": endpoint, "idle_timeout_ms": 5 }),
            "not_available",
        ),
    ] {
        let refusal = refused(&mut http, open.clone());
        assert_eq!(refusal.code(), code, "{open}: {refusal:?}");
        assert!(refusal.0["hint"].is_string(), "{refusal:?}");
    }
    let joined = attach(&test, &ws(somebody.id()), "ada:attach", &site.url("/"));
    assert_eq!(joined.opened["opened"], "joined");
    assert_eq!(joined.session, agent.session);

    // A dialog that nobody has answered would hold its page for ever.
    agent.call(
        "evaluate",
        json!({ "tab_id": "t1", "expression": "kept = 1; setTimeout(() => alert('hold'), 0); 1" }),
    );
    let held = process::until(SOON, || {
        let tried = agent.attempt("snapshot", json!({ "tab_id": "t1" }));
        tried.is_err_and(|refusal| refusal.code() == "dialog_open")
    });
    assert!(held);
    agent.close();

    assert!(process::runs(somebody.pid()), "the browser was ended");
    somebody.wait_urls(&[&theirs]);
    for operation in ["snapshot", "resume_session"] {
        let refusal = agent.refused(operation, json!({}));
        assert_eq!(refusal.code(), "closed", "{refusal:?}");
    }
    let mut again = Agent::open_with(test.http(), json!({ "cdp_url": endpoint }));
    assert_eq!(again.evaluate("kept"), 1, "the page is theirs, and goes on");
    again.close();

    // A browser without a page gets one of the session's own.
    let empty = Somebody::start();
    let open = json!({ "cdp_url": format!("http://{}", empty.address()) });
    let mut alone = Agent::open_with(test.http(), open);
    alone.call("navigate", json!({ "url": site.url("/") }));
    assert_eq!(tabs(&mut alone), ["t1"]);
    test.finish();
    empty.wait_urls(&[]);
    assert!(process::runs(empty.pid()), "the browser was ended");
}

#[test]
fn a_cut_link_is_made_again_to_the_same_pages() {
    let site = Site::start();
    let somebody = Somebody::start();
    somebody.open(&site.url("/storage"));
    let link = Link::to(somebody.address());
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let endpoint = format!("http://{}", link.address());
    let mut agent = attach(&test, &endpoint, "ada:cut", &site.url("/storage"));
    agent.evaluate("heap = { n: 42 }; 1");
    let (before, write) = (tabs(&mut agent), agent.find("button \"Write\""));
    let loads = site.count_of("/storage");

    for round in 0..3_u64 {
        // A call that may have taken effect when the link went is never repeated.
        let cut_off = {
            let (mut http, session) = (test.http(), agent.session.clone());
            let script = "await fetch('/'); await new Promise(() => {})";
            let call = json!({ "session_id": session, "expression": script });
            thread::spawn(move || http.call("evaluate", call))
        };
        let begun = process::until(SOON, || site.count_of("/") == round + 1);
        assert!(begun);
        link.cut();
        let outcome = cut_off.join().expect("the caller lives");
        let refusal = outcome.expect_err("it never ends");
        assert_eq!(refusal.code(), "outcome_unknown", "{refusal:?}");
        agent.wait_state("reconnecting");

        // One that comes meanwhile waits; with too little time it may be tried again.
        let path = format!("/v1/sessions/{}/snapshot", agent.session);
        let late = within(&test, 300, &path, &json!({}));
        assert_eq!(
            (&late["code"], &late["retry"]),
            (&json!("deadline"), &json!("same")),
            "{late}"
        );
        let waiting = {
            let (mut http, session) = (test.http(), agent.session.clone());
            let call = json!({ "session_id": session, "expression": "heap.n" });
            thread::spawn(move || http.call("evaluate", call))
        };
        link.restore();
        let waited = waiting
            .join()
            .expect("the caller lives")
            .expect("the link is back");
        assert_eq!(waited["value"], 42, "{waited}");
        assert_eq!(waited["generation"], 1);
        assert_eq!(waited.get("recovered"), None, "nothing was lost: {waited}");
    }

    assert_eq!(tabs(&mut agent), before);
    assert_eq!(site.count_of("/storage"), loads, "a page was loaded again");
    // Refs given before the cuts are still those elements', and new documents are heard of.
    agent.call("interact", json!({ "action": "click", "ref": write }));
    agent.call("navigate", json!({ "url": site.url("/") }));
    agent.log_in(&site);

    // A socket that fell silent is given up for a new one as soon as there is one.
    agent.evaluate("heap = 7; 1");
    let path = format!("/v1/sessions/{}/snapshot", agent.session);
    link.silence();
    let late = within(&test, 300, &path, &json!({}));
    assert_eq!(late["code"], "deadline", "{late}");
    link.restore();
    assert_eq!(agent.evaluate("heap"), 7);

    // A page that crashes is loaded again where it is: it is not ours to close.
    let targets = somebody.urls().len();
    kill_renderers(&somebody);
    let told = agent.call("snapshot", json!({}));
    assert_eq!(told["recovered"]["cause"], "renderer_crashed", "{told}");
    assert_eq!(tabs(&mut agent), before);
    assert_eq!(somebody.urls().len(), targets);
    test.finish();
    assert!(process::runs(somebody.pid()), "the browser was ended");
}

#[test]
fn the_next_daemon_links_to_the_same_pages() {
    let site = Site::start();
    let somebody = Somebody::start();
    let theirs = site.url("/storage");
    somebody.open(&theirs);
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let endpoint = format!("http://{}", somebody.address());
    let mut agent = attach(&test, &endpoint, "ada:restart", &site.url("/"));
    agent.evaluate("heap = 42; 1");
    let before = tabs(&mut agent);

    for fault in [Do::KillDaemon, Do::RestartDaemon] {
        test.fault(fault);
        agent.door = test.http();
        assert_eq!(agent.evaluate("heap"), 42, "after {fault:?}");
        assert_eq!(tabs(&mut agent), before);
        assert_eq!(agent.show()["generation"], 1);
    }
    // Not even a daemon that is to take its browsers along ends this one.
    test.cli(&["stop", "--browsers"]).done();
    test.serve();
    agent.door = test.http();
    assert_eq!(agent.evaluate("heap"), 42);

    // What its owner opens and closes meanwhile is as he left it.
    test.kill_daemon();
    somebody.open(&site.url("/storage?new"));
    test.serve();
    agent.door = test.http();
    assert_eq!(agent.evaluate("heap"), 42);
    let come = process::until(SOON, || tabs(&mut agent).len() == 3);
    assert!(come, "{:?}", tabs(&mut agent));

    // The last daemon's tabs are still the session's own.
    agent.close();
    somebody.wait_urls(&[&theirs, &site.url("/storage?new")]);
    test.finish();
    assert!(process::runs(somebody.pid()), "the browser was ended");
}

#[test]
fn another_browser_behind_the_address_is_never_driven() {
    let site = Site::start();
    let (somebody, other) = (Somebody::start(), Somebody::start());
    let theirs = site.url("/storage");
    other.open(&theirs);
    let link = Link::to(somebody.address());
    let mut test = Harness::new(BROWSERD).with("BROWSERD_RECONNECT_WINDOW", "5s");
    test.serve();
    let endpoint = format!("http://{}", link.address());
    let mut agent = attach(&test, &endpoint, "ada:other", &site.url("/"));
    agent.evaluate("heap = 42; 1");

    link.lead_to(other.address());
    link.cut();
    link.restore();

    let shown = agent.wait_state("failed");
    assert_eq!(shown["state_cause"], "attached_browser_gone", "{shown}");
    let refusal = agent.refused("navigate", json!({ "url": site.url("/") }));
    assert_eq!(refusal.code(), "failed", "{refusal:?}");
    assert!(refusal.0["hint"].is_string(), "{refusal:?}");
    assert_eq!(agent.refused("resume_session", json!({})).code(), "failed");
    assert_eq!(
        other.urls(),
        [theirs.as_str()],
        "the other browser was touched"
    );

    // The same one answers again, with everything in it.
    link.lead_to(somebody.address());
    link.cut();
    link.restore();
    let resumed = agent.call("resume_session", json!({}));
    assert_eq!(resumed["opened"], "resumed", "{resumed}");
    assert_eq!(agent.evaluate("heap"), 42);

    // Cut for longer than it is waited for: the caller is told, and nothing is ended.
    link.cut();
    let shown = agent.wait_state("failed");
    assert_eq!(shown["state_cause"], "browser_unresponsive", "{shown}");
    assert_eq!(agent.refused("snapshot", json!({})).code(), "failed");
    link.restore();
    let mut again = attach(&test, &endpoint, "ada:other", &site.url("/"));
    assert_eq!(again.session, agent.session);
    assert_eq!(again.opened["opened"], "resumed");
    assert_eq!(again.evaluate("heap"), 42);

    // A browser that is frozen is waited for, never ended.
    process::kill(somebody.pid(), Signal::STOP);
    let late = {
        let path = format!("/v1/sessions/{}/evaluate", agent.session);
        within(&test, 500, &path, &json!({ "expression": "heap" }))
    };
    // Whether its script had been sent by then depends on when the page last answered.
    let code = late["code"].as_str().unwrap_or_default();
    assert!(["deadline", "outcome_unknown"].contains(&code), "{late}");
    process::kill(somebody.pid(), Signal::CONT);
    let back = process::until(SOON, || {
        again
            .attempt("evaluate", json!({ "expression": "heap" }))
            .or_else(|_| again.attempt("resume_session", json!({})))
            .is_ok_and(|answer| answer["value"] == 42)
    });
    assert!(back, "{:?}", again.show());

    // With its own browser gone, the key is free for another one.
    let failed = {
        drop(somebody);
        again.wait_state("failed")
    };
    assert_eq!(failed["attached"], true);
    link.lead_to(other.address());
    let mut new = attach(&test, &endpoint, "ada:other", &site.url("/"));
    assert_ne!(new.session, agent.session);
    assert_eq!(tabs(&mut new), ["t1", "t2"]);
    test.finish();
    other.wait_urls(&[&theirs]);
}

#[test]
fn whoever_is_no_browser_is_found_out_soon() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let listed = |test: &Harness| {
        let sessions = test
            .http()
            .get("/v1/sessions?state=all")
            .expect("a list")
            .body;
        sessions["sessions"].as_array().map_or(0, Vec::len)
    };
    // Nobody at all.
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = free.local_addr().expect("an address");
    drop(free);
    let mut http = test.http();
    let refusal = refused(&mut http, json!({ "cdp_url": format!("http://{nobody}") }));
    assert_eq!(refusal.code(), "browser_missing", "{refusal:?}");

    // Garbage, an answer without end, another service, a browser that is only said to be one.
    let id = "11111111-2222-3333-4444-555555555555";
    let version =
        json!({ "webSocketDebuggerUrl": format!("ws://evil.test/devtools/browser/{id}") });
    let version = version.to_string();
    let version = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{version}",
        version.len()
    );
    for answer in [
        "\0\u{1}garbage\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nx: ".to_owned() + &"y".repeat(1 << 20),
        "HTTP/1.1 302 Found\r\nlocation: http://evil.test/\r\n\r\n".to_owned(),
        version,
    ] {
        let address = answers(answer.clone());
        let refusal = refused(&mut http, json!({ "cdp_url": format!("http://{address}") }));
        assert_eq!(refusal.code(), "browser_missing", "{refusal:?}");
        assert!(!refusal.0.to_string().contains(id), "{refusal:?}");
    }

    // Whoever takes the call and says nothing costs no more than the caller's time.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("an address");
    let open = json!({ "cdp_url": format!("http://{address}") });
    let late = within(&test, 500, "/v1/sessions", &open);
    assert_eq!(
        (&late["code"], &late["retry"]),
        (&json!("deadline"), &json!("same")),
        "{late}"
    );
    // Of all these only the one that said it was a browser has left a session.
    assert_eq!(listed(&test), 1);
    let log = std::fs::read_to_string(test.home().join("daemon.log")).unwrap_or_default();
    assert!(!log.contains(id), "the browser's id is in the log");
    test.finish();
}

/// Answers every connection with the same words, for as long as the test process lives.
fn answers(words: String) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let words = words.clone();
            thread::spawn(move || {
                let mut asked = [0; 1024];
                // Whoever hung up doesn't hear it.
                if stream.read(&mut asked).is_ok() {
                    stream.write_all(words.as_bytes()).ok();
                    std::io::copy(&mut stream, &mut std::io::sink()).ok();
                }
            });
        }
    });
    address
}

/// Kills the processes of the browser's pages.
fn kill_renderers(somebody: &Somebody) {
    let renderers: Vec<u32> = process::tree(somebody.pid())
        .into_iter()
        .filter(|pid| process::seen(*pid).is_some_and(|it| it.command.contains("--type=renderer")))
        .collect();
    assert!(!renderers.is_empty());
    for pid in renderers {
        process::kill(pid, Signal::KILL);
    }
}

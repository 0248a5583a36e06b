//! Requests: headers that are added, names and passwords, and routes; over the loss of browser
//! and daemon.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a proxy of the test's own runs on a thread"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// What a page gets when it asks, as a text.
fn fetched(agent: &mut Agent<impl Door>, url: &str) -> String {
    let ask = format!(
        "await fetch('{url}').then(async it => it.status + ' ' + await it.text(), () => 'refused')"
    );
    let told = agent.evaluate(&ask);
    told.as_str().expect("a text").to_owned()
}

/// The headers with which a request came.
fn headers(agent: &mut Agent<impl Door>, url: &str) -> Value {
    let ask = format!("await (await fetch('{url}', {{ headers: {{ 'x-page': '1' }} }})).json()");
    agent.evaluate(&ask)
}

#[test]
fn headers_and_passwords_go_to_their_origin_only_and_are_never_shown() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let opened = json!({
        "url": site.url("/guarded"), "headers": { "x-tenant": "seven" },
        "http_credentials": { "username": "ada", "password": "engine" },
    });
    let mut agent = Agent::open_with(test.http(), opened);
    agent.expect_text("Hello, ada");
    agent.call(
        "set_headers",
        json!({ "headers": { "x-all": "s3cr3t" }, "origin": "*" }),
    );
    let shown = agent.call("get_settings", json!({}));
    let origin = site.url("");
    let names = json!([
        { "origin": "*", "names": ["x-all"] }, { "origin": origin, "names": ["x-tenant"] },
    ]);
    assert_eq!(shown["headers"], names, "{shown}");
    assert_eq!(shown["http_credentials"], json!([origin]), "{shown}");
    for secret in ["s3cr3t", "seven", "engine"] {
        assert!(!shown.to_string().contains(secret), "{shown}");
    }
    agent.call("set_headers", json!({ "headers": {}, "origin": "*" }));

    let (own, other) = (site.url("/headers"), site.other_origin("/headers"));
    for fault in [None, Some(Do::KillBrowser), Some(Do::KillDaemon)] {
        if let Some(fault) = fault {
            agent.settle();
            test.fault(fault);
            agent.door = test.http();
        }
        agent.expect_text("Hello, ada");
        let seen = headers(&mut agent, &own);
        assert_eq!(seen["x-tenant"], "seven", "{fault:?} {seen}");
        assert!(seen["x-all"].is_null(), "{fault:?} {seen}");
        let seen = headers(&mut agent, &other);
        assert!(seen["x-tenant"].is_null(), "{fault:?} {seen}");
    }

    // A wrong password is told once, and is no endless question.
    agent.call(
        "set_http_credentials",
        json!({ "username": "ada", "password": "wrong" }),
    );
    test.fault(Do::KillBrowser);
    let went = agent.call("navigate", json!({ "url": site.url("/guarded") }));
    assert_eq!(went["http_status"], 401, "{went}");
    agent.call("set_http_credentials", json!({}));
    agent.call("navigate", json!({ "url": "about:blank" }));
    let nowhere = agent.refused("set_headers", json!({ "headers": { "x-a": "1" } }));
    assert_eq!(nowhere.code(), "invalid_argument");
    test.finish();
}

#[test]
fn routes_block_answer_and_change_requests_and_survive_browser_and_daemon() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let far = format!("{}?name=far", site.other_origin("/embeds"));
    let url = format!("{}?name=page&frame={far}", site.url("/embeds"));
    let mut agent = Agent::open(test.http(), None, &url);
    agent.call("route", json!({ "url": "*/home", "action": "block" }));
    let mock = json!({
        "url": "*/made-up*", "action": "mock", "status": 418, "body": "short and stout",
        "headers": { "content-type": "text/plain" }, "method": "get",
    });
    let mock = agent.call("route", mock);
    assert_eq!(mock["route_id"], "q2", "{mock}");
    let change = json!({
        "url": "*/headers", "action": "headers", "headers": { "x-routed": "yes" },
        "remove_headers": ["X-Page"],
    });
    agent.call("route", change);
    let before = site.count_of("/home");
    for fault in [None, Some(Do::KillBrowser), Some(Do::KillDaemon)] {
        if let Some(fault) = fault {
            agent.settle();
            test.fault(fault);
            agent.door = test.http();
            agent.notice();
        }
        agent.call(
            "wait_for",
            json!({ "function": "Object.keys(seen).length === 1" }),
        );
        assert_eq!(fetched(&mut agent, "/home"), "refused", "{fault:?}");
        assert_eq!(
            fetched(&mut agent, "/made-up?x"),
            "418 short and stout",
            "{fault:?}"
        );
        let seen = headers(&mut agent, "/headers");
        assert_eq!(seen["x-routed"], "yes", "{fault:?} {seen}");
        assert!(seen["x-page"].is_null(), "{fault:?} {seen}");
        // In a frame of another site, too.
        let there = "fetch('/made-up').then(it => it.status, () => 'refused')";
        let there = agent.evaluate(&format!("await tell(frames[0], \"{there}\")"));
        assert_eq!(there, 418, "{fault:?}");
    }
    assert_eq!(
        site.count_of("/home"),
        before,
        "what is blocked reaches nobody"
    );

    // A request that waits when the daemon dies is answered by the next one.
    test.kill_daemon();
    test.serve();
    agent.door = test.http();
    assert_eq!(fetched(&mut agent, "/made-up"), "418 short and stout");

    let left = agent.call("unroute", json!({ "route_id": "q1" }));
    assert_eq!(left["routes"].as_array().map(Vec::len), Some(2), "{left}");
    assert!(fetched(&mut agent, "/home").starts_with("200"));
    let none = agent.call("unroute", json!({}));
    assert_eq!(none["routes"], json!([]));
    assert!(fetched(&mut agent, "/made-up").starts_with("404"));
    for wrong in [
        json!({ "url": "", "action": "block" }),
        json!({ "url": "*", "action": "block", "body": "x" }),
        json!({ "url": "*", "action": "mock", "status": 99 }),
        json!({ "url": "*", "action": "headers" }),
        json!({ "url": "*", "action": "block", "resource": "thing" }),
    ] {
        assert_eq!(agent.refused("route", wrong).code(), "invalid_argument");
    }
    test.finish();
}

/// A proxy that answers everything itself, once it was told who is there; for two pages.
fn proxy() -> (String, std::thread::JoinHandle<()>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the address").to_string();
    let serving = std::thread::spawn(move || {
        let mut answered = 0;
        while answered < 2 {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            let (mut head, mut byte) = (vec![], [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            // ada:engine
            let known = head.contains("proxy-authorization: basic ywrhomvuz2luzq==");
            let page = known && head.contains("/page ");
            answered += usize::from(page);
            let answer: &[u8] = match (page, known) {
                (true, _) => b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 14\r\nconnection: close\r\n\r\n<p>Through</p>",
                (_, true) => b"HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                _ => b"HTTP/1.1 407 Who\r\nproxy-authenticate: Basic realm=\"proxy\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            };
            // Whoever asked may have left.
            stream.write_all(answer).ok();
        }
    });
    (address, serving)
}

#[test]
fn a_proxy_that_asks_for_a_password_is_told_it_again_after_the_browsers_death() {
    let (address, serving) = proxy();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let proxy = json!({
        "server": format!("http://{address}"), "bypass": ["<-loopback>"],
        "username": "ada", "password": "engine",
    });
    let opened = json!({ "url": "http://far.localhost/page", "proxy": proxy });
    let mut agent = Agent::open_with(test.http(), opened);
    agent.expect_text("Through");
    let shown = agent.call("get_settings", json!({}));
    assert_eq!(shown["proxy"]["has_credentials"], true, "{shown}");
    assert!(!shown.to_string().contains("engine"), "{shown}");
    agent.settle();
    test.fault(Do::KillBrowser);
    agent.notice();
    agent.expect_text("Through");

    // Another one for an open session is refused, and so are passwords that nobody would tell.
    agent.close();
    let socks = json!({ "proxy": { "server": "socks5://127.0.0.1:9", "username": "ada" } });
    let refused = test
        .http()
        .post("/v1/sessions", &socks)
        .expect("an answer")
        .body;
    assert_eq!(refused["code"], "not_available", "{refused}");
    let keyed = json!({ "key": "proxied", "proxy": { "server": "http://127.0.0.1:9" } });
    let mut keyed = Agent::open_with(test.http(), keyed);
    let other = json!({ "key": "proxied", "proxy": { "server": "http://127.0.0.1:10" } });
    let refused = test
        .http()
        .post("/v1/sessions", &other)
        .expect("an answer")
        .body;
    assert_eq!(refused["code"], "invalid_argument", "{refused}");
    keyed.close();
    serving.join().expect("the proxy's end");
    test.finish();
}

//! What pages said and asked for: bounded, filtered, without secrets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// Asks until there are entries, as events come when they come.
fn until(
    agent: &mut Agent<impl Door>,
    operation: &str,
    arguments: &Value,
    list: &str,
) -> Vec<Value> {
    let mut found = vec![];
    let came = testkit::process::until(std::time::Duration::from_secs(20), || {
        let told = agent.call(operation, arguments.clone());
        found = told[list].as_array().cloned().unwrap_or_default();
        !found.is_empty()
    });
    assert!(came, "{operation} {arguments}: nothing came");
    found
}

#[test]
fn requests_and_the_console_are_told_without_what_could_let_somebody_in() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let far = format!("{}?name=far", site.other_origin("/embeds"));
    let url = format!("{}?name=page&frame={far}", site.url("/embeds"));
    let mut agent = Agent::open(test.http(), None, &url);
    agent.call(
        "wait_for",
        json!({ "function": "Object.keys(seen).length === 1" }),
    );
    agent.call("record_bodies", json!({ "on": true }));
    agent.evaluate(
        "console.warn('careful', { a: 1 }); setTimeout(() => { throw new Error('thrown away') });
         await fetch('/headers?token=abcdef', { headers: { authorization: 'Bearer abcdef' } });
         await fetch('/status/404'); await fetch('/login', { method: 'POST' });
         await fetch('http://127.0.0.1:1/').catch(() => 0); 0",
    );
    agent.evaluate("await tell(frames[0], \"fetch('/headers?of=frame').then(() => 1)\")");

    let warned = until(
        &mut agent,
        "console_log",
        &json!({ "level": "warning" }),
        "entries",
    );
    assert!(
        warned[0]["text"]
            .as_str()
            .is_some_and(|it| it.contains("careful")),
        "{warned:?}"
    );
    let thrown = until(
        &mut agent,
        "console_log",
        &json!({ "text": "thrown away" }),
        "entries",
    );
    assert_eq!(thrown[0]["level"], "exception", "{thrown:?}");

    let told = json!({ "url": "/headers?token", "include_headers": true, "include_bodies": true });
    let with_body = |agent: &mut Agent<_>| {
        let found = until(agent, "network_log", &told, "requests");
        found[0]["body"].is_string().then(|| found[0].clone())
    };
    let mut found = None;
    while found.is_none() {
        found = with_body(&mut agent);
    }
    let found = found.expect("a request with its body");
    assert_eq!(found["status"], 200, "{found}");
    assert_eq!(found["resource"], "fetch", "{found}");
    assert!(
        found["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("token=[redacted]")),
        "{found}"
    );
    assert_eq!(
        found["request_headers"]["authorization"], "[redacted]",
        "{found}"
    );
    // What the site itself says is told as it is.
    assert!(
        found["body"]
            .as_str()
            .is_some_and(|body| body.contains("Bearer")),
        "{found}"
    );
    for (filter, path) in [
        (json!({ "status": "404", "url": "/status" }), "/status/404"),
        (json!({ "method": "post" }), "/login"),
        (json!({ "status": "failed" }), "127.0.0.1:1/"),
        (json!({ "url": "*of=frame" }), "of=frame"),
        (
            json!({ "resource": "document", "url": "name=page" }),
            "name=page",
        ),
    ] {
        let found = until(&mut agent, "network_log", &filter, "requests");
        assert!(
            found[0]["url"]
                .as_str()
                .is_some_and(|url| url.contains(path)),
            "{filter} {found:?}"
        );
        assert!(found[0]["request_headers"].is_null(), "{found:?}");
    }
    let none = agent.call("network_log", json!({ "since_ms": 0 }));
    assert_eq!(none["requests"], json!([]), "{none}");
    let wrong = agent.refused("network_log", json!({ "status": "odd" }));
    assert_eq!(wrong.code(), "invalid_argument");

    let har = agent.call("export_har", json!({ "include_bodies": true }));
    assert_eq!(har["har"]["log"]["version"], "1.2", "{har}");
    let entries = har["har"]["log"]["entries"].as_array().expect("entries");
    let of = |part: &str| {
        let has = |it: &&Value| {
            it["request"]["url"]
                .as_str()
                .is_some_and(|url| url.contains(part))
        };
        entries.iter().find(has).cloned()
    };
    let missing = of("/status/404").expect("the request");
    assert_eq!(missing["response"]["status"], 404, "{missing}");
    assert!(of("/headers?token").is_some_and(|it| it["response"]["content"]["text"].is_string()));
    assert!(!har.to_string().contains("token=abcdef"), "{har}");

    // A noisy page keeps what is newest, and no more than so much.
    agent.evaluate("for (let n = 0; n < 3000; n++) console.log('line ' + n); 0");
    let last = json!({ "text": "line 2999" });
    until(&mut agent, "console_log", &last, "entries");
    let all = agent.call("console_log", json!({ "limit": 100_000 }));
    let entries = all["entries"].as_array().expect("entries");
    assert!(
        entries.len() <= 1000 && all["dropped"].as_u64() >= Some(2000),
        "{}",
        entries.len()
    );

    // Another browser goes on with the same session's records; another daemon begins anew, and
    // bodies are still recorded.
    agent.settle();
    test.fault(Do::KillBrowser);
    agent.notice();
    until(
        &mut agent,
        "network_log",
        &json!({ "status": "404" }),
        "requests",
    );
    let stubs = agent.call("network_log", json!({ "url": "browserd-restores" }));
    assert_eq!(
        stubs["requests"],
        json!([]),
        "what is ours is nobody's request"
    );
    test.fault(Do::KillDaemon);
    agent.door = test.http();
    let gone = agent.call("network_log", json!({}));
    assert_eq!(gone["requests"], json!([]), "{gone}");
    agent.evaluate("await fetch('/headers?again'); 0");
    let again = json!({ "url": "?again", "include_bodies": true });
    while until(&mut agent, "network_log", &again, "requests")[0]["body"].is_null() {}
    let off = agent.call("record_bodies", json!({ "on": false }));
    assert_eq!(off["record_bodies"], false, "{off}");
    test.finish();
}

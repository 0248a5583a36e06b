//! Checkpoints as files: from one home into another, and whatever else a file may be.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Harness, Http};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const MARK: &str = "localStorage.getItem('mark')";
const WORDS: &str = "correct horse battery";
const PUT: &str = "await new Promise((done, fail) => { const o = indexedDB.open('d', 1); \
    o.onupgradeneeded = () => o.result.createObjectStore('s'); o.onerror = () => fail(o.error); \
    o.onsuccess = () => { const t = o.result.transaction('s', 'readwrite'); \
    t.objectStore('s').put('kept', 1); t.oncomplete = () => { o.result.close(); done(1); } } })";
const GET: &str = "await new Promise((done, fail) => { const o = indexedDB.open('d', 1); \
    o.onerror = () => fail(o.error); o.onsuccess = () => { \
    const g = o.result.transaction('s').objectStore('s').get(1); \
    g.onsuccess = () => { o.result.close(); done(g.result); } } })";

fn agent_of(test: &Harness, session: &Value) -> Agent<Http> {
    Agent {
        door: test.http(),
        session: session["session_id"].as_str().expect("an id").to_owned(),
        opened: session.clone(),
    }
}

/// Hands a file in and returns the status and the answer.
fn hand_in(test: &Harness, file: &[u8], more: Value) -> (u16, Value) {
    let mut body = more;
    body["file"] = STANDARD.encode(file).into();
    let answer = test.http().post("/v1/import", &body).expect("an answer");
    (answer.status, answer.body)
}

#[test]
fn a_session_moves_into_another_home_in_one_sealed_file() {
    let site = Site::start();
    let mut one = Harness::new(BROWSERD).with("BROWSERD_EXPORT_PASSPHRASE", WORDS);
    one.serve();
    let opened = json!({ "key": "ada:1", "url": site.url("/"), "labels": { "of": "ada" } });
    let mut agent = Agent::open_with(one.http(), opened);
    agent.log_in(&site);
    agent.evaluate(PUT);
    // Younger than any capture.
    agent.evaluate("localStorage.setItem('mark', 'moved'); sessionStorage.setItem('s', 'tab')");
    let file = one.folder().join("ada.brwd");
    let path = file.to_str().expect("a path");

    let ran = one.cli(&["--json", "session", "export", path, "-s", "ada:1"]);

    let told = ran.done().json();
    assert_eq!(told["sealed"], true, "{told}");
    assert_eq!(told["file"], Value::Null, "{told}");
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = std::fs::read(&file).expect("a file");
    for secret in ["moved", "ada:1", "session", "127.0.0.1"] {
        let found = bytes
            .windows(secret.len())
            .any(|at| at == secret.as_bytes());
        assert!(!found, "{secret} can be read in the file");
    }
    // What is there isn't written over unasked.
    let again = one.cli(&["session", "export", path, "-s", "ada:1"]);
    assert_ne!(again.code, Some(0));
    assert_eq!(std::fs::read(&file).expect("a file"), bytes);
    agent.close();

    // Another home, with another key; the first one's daemon isn't asked.
    let mut two = Harness::new(BROWSERD).with("BROWSERD_EXPORT_PASSPHRASE", WORDS);
    two.serve();
    let made = two
        .cli(&["--json", "session", "import", path, "--key", "ada:2"])
        .done()
        .json();
    assert_eq!(made["state"], "recoverable", "{made}");
    assert_eq!(made["labels"]["of"], "ada", "{made}");
    assert_eq!(made["url"], site.url("/home"), "{made}");
    let mut twin = agent_of(&two, &made);
    twin.expect_text("Hello, ada");
    assert_eq!(twin.evaluate(MARK), "moved");
    assert_eq!(twin.evaluate("sessionStorage.getItem('s')"), "tab");
    assert_eq!(twin.evaluate(GET), "kept");
    assert_eq!(site.counts().logins, 1);

    // Into a session that is there: it goes on as it is, and comes back to what it is.
    twin.evaluate("localStorage.setItem('mark', 'on')");
    twin.settle();
    let added = two
        .cli(&["--json", "session", "import", path, "--into", "-s", "ada:2"])
        .done()
        .json();
    let imported = added["imported"]["id"].as_str().expect("an id").to_owned();
    two.fault(Do::KillBrowser);
    twin.notice();
    assert_eq!(twin.evaluate(MARK), "on");
    twin.call(
        "restore_session_checkpoint",
        json!({ "checkpoint_id": imported }),
    );
    assert_eq!(twin.evaluate(MARK), "moved");
    two.finish();
    one.finish();
}

#[test]
fn a_file_that_is_anything_else_is_refused_and_makes_nothing() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, "about:blank");
    let refused = agent.refused("export_checkpoint", json!({}));
    assert_eq!(refused.code(), "invalid_argument", "{refused:?}");
    let refused = agent.refused("export_checkpoint", json!({ "passphrase": "short" }));
    assert_eq!(refused.code(), "invalid_argument", "{refused:?}");
    let answer = agent.call("export_checkpoint", json!({ "passphrase": WORDS }));
    let text = answer["file"].as_str().expect("a file");
    let sealed = STANDARD.decode(text).expect("base64");
    let answer = agent.call("export_checkpoint", json!({ "unsealed": true }));
    assert!(answer["warning"].is_string(), "{answer}");
    let text = answer["file"].as_str().expect("a file");
    let bare = STANDARD.decode(text).expect("base64");

    let check = |what: &str, file: &[u8], more: Value, code: &str| {
        let (status, answer) = hand_in(&test, file, more);
        assert_eq!(answer["code"], code, "{what}: {status} {answer}");
    };
    let words = || json!({ "passphrase": WORDS });
    let open = || json!({ "unsealed": true });
    let flip = |file: &[u8], at: usize| {
        let mut bent = file.to_vec();
        bent[at] ^= 0x10;
        bent
    };
    check("no cover said", &sealed, json!({}), "invalid_argument");
    check(
        "another passphrase",
        &sealed,
        json!({ "passphrase": "wrong horse battery" }),
        "wrong_key",
    );
    check(
        "sealed, taken for bare",
        &sealed,
        open(),
        "invalid_argument",
    );
    check("bare, taken for sealed", &bare, words(), "invalid_argument");
    check("bent", &flip(&sealed, 90), words(), "invalid_argument");
    let cut = &sealed[..sealed.len() - 1];
    check("cut", cut, words(), "invalid_argument");
    check("empty", b"", open(), "invalid_argument");
    check(
        "a picture",
        b"\x89PNG\r\n\x1a\n",
        open(),
        "invalid_argument",
    );
    check("newer", &flip(&bare, 8), open(), "not_available");
    for at in (0..bare.len()).step_by(bare.len() / 20 + 1) {
        let (status, answer) = hand_in(&test, &flip(&bare, at), open());
        assert!((400..=501).contains(&status), "bit at {at}: {answer}");
        assert_ne!(answer["code"], "internal", "bit at {at}: {answer}");
    }
    check("large", &vec![0; 24 << 20], open(), "body_too_large");
    let not_base64 = json!({ "file": "?", "unsealed": true });
    let answer = test
        .http()
        .post("/v1/import", &not_base64)
        .expect("an answer");
    assert_eq!(answer.body["code"], "invalid_argument", "{}", answer.body);

    // None of these made a session, and the daemon goes on.
    let listed = test.http().get("/v1/sessions?state=all").expect("a list");
    let sessions = listed.body["sessions"].as_array().expect("a list").len();
    assert_eq!(sessions, 1, "{}", listed.body);
    let (status, made) = hand_in(&test, &bare, open());
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["url"], "about:blank", "{made}");
    test.finish();
}

/// Written as Playwright 1.65 writes it, with a database that is none.
#[test]
fn a_storage_state_makes_a_session_that_is_logged_in_and_says_what_it_lacks() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/"));
    agent.log_in(&site);
    agent.evaluate("localStorage.setItem('mark', 'state')");
    agent.evaluate(PUT);
    let answer = agent.call("export_storage_state", json!({}));
    let told = answer["left_out"].to_string();
    assert!(
        !told.contains("atabase") && told.contains("tab 1"),
        "{told}"
    );
    let mut state = answer["storage_state"].clone();
    agent.close();

    let databases = state["origins"][0]["indexedDB"].as_array_mut();
    let odd = json!({ "name": "odd", "version": 1, "stores": [{ "name": "s" }] });
    databases.expect("a list").push(odd);
    let body = json!({ "storage_state": state, "key": "from:state" });
    let made = test.http().post("/v1/import_storage_state", &body);
    let made = made.expect("an answer").body;
    let told = made["left_out"].to_string();
    assert!(
        told.contains("odd") && !told.contains("\\\"d\\\""),
        "{made}"
    );
    let mut twin = agent_of(&test, &made);
    twin.call("navigate", json!({ "url": site.url("/home") }));
    twin.expect_text("Hello, ada");
    assert_eq!(twin.evaluate(MARK), "state");
    assert_eq!(twin.evaluate(GET), "kept");
    assert_eq!(site.counts().logins, 1);

    let body = json!({ "storage_state": { "cookies": "none" } });
    let refused = test.http().post("/v1/import_storage_state", &body);
    assert_eq!(refused.expect("an answer").body["code"], "invalid_argument");
    test.finish();
}

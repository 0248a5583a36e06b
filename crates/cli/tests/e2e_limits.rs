//! Keys, profiles and limits: who gets a session and who is refused.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Answer, Harness, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

fn open(test: &Harness, arguments: &Value) -> Answer {
    test.http()
        .post("/v1/sessions", arguments)
        .expect("the daemon answers")
}

#[test]
fn the_session_over_the_limit_is_refused_and_a_closed_one_makes_room() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD).with("MAX_SESSIONS", "2");
    test.serve();
    let mut first = Agent::open(test.http(), None, &site.url("/"));
    let _second = Agent::open(test.http(), None, &site.url("/"));

    let refused = open(&test, &json!({}));
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (429, Some("limit_reached"))
    );
    assert_eq!(refused.body["retry"], "after");
    assert!(refused.body["retry_after_ms"].is_u64(), "{refused:?}");

    first.close();
    assert_eq!(open(&test, &json!({})).status / 100, 2);
    test.finish();
}

#[test]
fn a_key_joins_its_session_and_starts_anew_after_close() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut first = Agent::open(test.http(), Some("owner:run"), &site.url("/form"));
    assert_eq!(first.opened["opened"], "created");

    let joined = open(&test, &json!({ "key": "owner:run" })).body;
    assert_eq!(
        (&joined["opened"], &joined["session_id"]),
        (&json!("joined"), &json!(first.session))
    );
    // With a URL, a joined session's tab goes there.
    let moved = open(
        &test,
        &json!({ "key": "owner:run", "url": site.url("/long") }),
    )
    .body;
    assert_eq!(moved["url"], site.url("/long"));
    // The key is as good as the id.
    let by_key = test
        .http()
        .get("/v1/sessions/owner:run")
        .expect("an answer");
    assert_eq!(by_key.body["session_id"], first.session.as_str());

    first.close();
    let again = open(&test, &json!({ "key": "owner:run" })).body;
    assert_eq!(again["opened"], "created");
    assert_ne!(again["session_id"], first.session.as_str());
    // The closed one's key is held by another now.
    let refusal = first.refused("resume_session", json!({}));
    assert_eq!(refusal.code(), "key_taken", "{refusal:?}");
    test.finish();
}

#[test]
fn a_resumed_session_stays_at_its_place_unless_told_to_go() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), Some("place"), &site.url("/form"));
    agent.until_checkpointed(|agent| {
        agent.fill("textbox \"Name\"", "x");
    });
    test.cli(&["stop", "--browsers"]).done();
    test.serve();

    let resumed = open(&test, &json!({ "key": "place", "url": site.url("/long") })).body;
    assert_eq!(
        (&resumed["opened"], &resumed["url"]),
        (&json!("resumed"), &json!(site.url("/form")))
    );

    test.cli(&["stop", "--browsers"]).done();
    test.serve();
    let sent = json!({ "key": "place", "url": site.url("/long"), "navigate": true });
    assert_eq!(open(&test, &sent).body["url"], site.url("/long"));
    test.finish();
}

#[test]
fn keys_that_could_be_mistaken_are_refused() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let long = "k".repeat(129);
    for key in [
        "",
        "new",
        "all",
        "create",
        "with blank",
        "slash/es",
        "ümlaut",
        &long,
        "s_01hzy3v7q8e9rs0t1vwxyz2345",
    ] {
        let refused = open(&test, &json!({ "key": key }));
        let code = refused.body["code"].as_str();
        assert_eq!(
            (refused.status, code),
            (400, Some("invalid_argument")),
            "{key:?}"
        );
    }
    test.finish();
}

#[test]
fn a_named_profile_in_use_is_refused() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let first = open(&test, &json!({ "profile": "work" }));
    assert_eq!(first.status / 100, 2, "{first:?}");
    let second = open(&test, &json!({ "profile": "work" }));
    assert_eq!(
        (second.status, second.body["code"].as_str()),
        (409, Some("profile_busy"))
    );
    let other = open(&test, &json!({ "profile": "play" }));
    assert_eq!(other.status / 100, 2, "{other:?}");
    test.finish();
}

#[test]
fn sessions_are_listed_by_state_without_the_closed() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut closed = Agent::open_with(test.http(), json!({ "key": "gone" }));
    let living = Agent::open_with(test.http(), json!({ "key": "here" }));
    closed.close();
    let ids = |state: &str| -> Vec<String> {
        let answer = test
            .http()
            .get(&format!("/v1/sessions{state}"))
            .expect("an answer");
        let sessions = answer.body["sessions"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| panic!("{answer:?}"));
        sessions
            .iter()
            .filter_map(|each| each["id"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(ids(""), [&*living.session]);
    assert_eq!(ids("?state=active"), [&*living.session]);
    assert_eq!(ids("?state=closed"), [&*closed.session]);
    assert_eq!(ids("?state=all").len(), 2);
    assert!(ids("?state=error").is_empty());
    test.finish();
}

#[test]
fn parallel_sessions_never_see_each_others_pages() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let doors: Vec<_> = (0..3).map(|_| test.http()).collect();
    std::thread::scope(|scope| {
        for (n, door) in doors.into_iter().enumerate() {
            let url = site.url("/form");
            scope.spawn(move || {
                let mut agent = Agent::open(door, Some(&format!("worker:{n}")), &url);
                for round in 0..5 {
                    let mark = format!("worker {n} round {round}");
                    agent.fill("textbox \"Name\"", &mark);
                    agent.click("button \"Send\"");
                    agent.expect_text(&mark);
                }
            });
        }
    });
    assert!(process::until(SOON, || test.browsers().len() == 3));
    test.finish();
}

//! Idempotency keys: a call that carries one is done once, whoever repeats it, and whenever.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Door, Harness, Http, Refusal, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
const PRESS: &str = "/mark/ada/press";

/// Calls an operation by HTTP with a key in its header and perhaps an id of its own.
fn keyed(
    http: &Http,
    session: &str,
    operation: &str,
    arguments: &Value,
    headers: &[(&str, &str)],
) -> std::io::Result<Result<Value, Refusal>> {
    let path = format!("/v1/sessions/{session}/{operation}");
    let body = arguments.to_string();
    let answer = http.send_with("POST", &path, headers, Some(body.as_bytes()))?;
    Ok(if answer.status < 300 {
        Ok(answer.body)
    } else {
        Err(Refusal(answer.body))
    })
}

fn key(key: &str) -> [(&'static str, &str); 1] {
    [("idempotency-key", key)]
}

/// Returns an expression that counts at the site once, and then waits as `then` says.
fn count_and(then: &str) -> Value {
    json!({ "expression": format!("await fetch('{PRESS}', {{ method: 'POST' }}); {then}") })
}

fn under_way(test: &Harness, call: &str) -> bool {
    let answer = test.unix_http().get(&format!("/v1/calls/{call}"));
    answer.expect("the daemon answers").body["state"] == "sent"
}

#[test]
fn a_call_with_a_key_is_done_once_through_every_door() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/work?who=ada"));
    let session = agent.session.clone();
    let pressed = || site.count_of(PRESS);
    let click = json!({ "action": "click", "selector": "#count" });
    let interact = |arguments: &Value, name: &str| {
        keyed(&test.http(), &session, "interact", arguments, &key(name)).expect("an answer")
    };
    let first = interact(&click, "order 7").expect("it is done");
    assert_eq!(pressed(), 1);

    assert_eq!(interact(&click, "\"order 7\"").expect("the outcome"), first);
    let mut mcp = test.mcp();
    let mut same = click.clone();
    (same["session_id"], same["idempotency_key"]) = (json!(session), json!("order 7"));
    same["timeout_ms"] = json!(20_000);
    let by_mcp = Door::call(&mut mcp, "interact", same.clone()).expect("the outcome");
    assert_eq!(by_mcp["url"], first["url"]);
    let flag = ["--idempotency-key", "order 7", "-s", &session, "--json"];
    let by_hand = test.cli(&[&["click", "#count"][..], &flag[..]].concat());
    assert_eq!(by_hand.json(), first);
    assert_eq!(pressed(), 1, "it was done again");

    // Another call under the same key is somebody's mistake.
    let other = json!({ "action": "click", "selector": "#pop" });
    let refused = interact(&other, "order 7").expect_err("another call");
    assert_eq!(refused.code(), "idempotency_mismatch");
    // Of what was refused nothing was sent, so its key is free.
    let gone = json!({ "action": "click", "ref": "@e999" });
    let refused = interact(&gone, "order 8").expect_err("a stale ref");
    assert_eq!(refused.code(), "ref_stale");
    interact(&click, "order 8").expect("it is done");
    assert_eq!(pressed(), 2);

    // Several at once are one, and so is what its caller didn't wait for.
    let slow = count_and("await new Promise(done => setTimeout(() => done(Math.random()), 800))");
    let http = test.http();
    std::thread::scope(|scope| {
        let ask = || keyed(&http, &session, "evaluate", &slow, &key("order 9"));
        let all: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        let mut answers = all.into_iter().map(|asked| {
            let answer = asked.join().expect("the caller ends").expect("an answer");
            answer.expect("the outcome")["value"].clone()
        });
        let first = answers.next().expect("three answers");
        assert!(answers.all(|other| other == first));
    });
    assert_eq!(pressed(), 3);
    let leaves = [
        ("idempotency-key", "order 10"),
        ("browserd-call-id", "k_01hzy3v7q8e9rs0t1vwxyz2341"),
    ];
    let left = std::thread::scope(|scope| {
        let asked =
            scope.spawn(|| http.leave("evaluate", &session, &slow, &leaves, || pressed() == 4));
        asked.join().expect("the caller ends")
    });
    assert!(left, "it began");
    let outcome = keyed(&http, &session, "evaluate", &slow, &key("order 10"));
    assert!(outcome.expect("an answer").expect("the outcome")["value"].is_number());
    assert_eq!(pressed(), 4);

    // Outside of pages, too.
    let set = json!({ "namespace": "n", "key": "k", "value": 1, "idempotency_key": "kv" });
    let mut set = || Door::call(&mut mcp, "kv_set", set.clone()).expect("it is stored");
    assert_eq!(set()["version"], set()["version"]);
    let open = json!({ "url": site.url("/form"), "idempotency_key": "open" });
    let one = agent
        .door
        .call("open_session", open.clone())
        .expect("a session");
    let two = agent.door.call("open_session", open).expect("the outcome");
    assert_eq!(one["session_id"], two["session_id"]);
    assert_eq!(test.browsers().len(), 2);
    let save = json!({ "name": "mine", "idempotency_key": "save" });
    let (one, two) = (
        agent.call("save_session_checkpoint", save.clone()),
        agent.call("save_session_checkpoint", save),
    );
    assert_eq!(one["checkpoint"]["id"], two["checkpoint"]["id"]);
    drop(mcp);
    test.finish();
}

#[test]
fn a_daemon_killed_at_any_point_never_has_a_call_with_a_key_done_twice() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &site.url("/work?who=ada"));
    let session = agent.session.clone();
    let pressed = || site.count_of(PRESS);
    let click = json!({ "action": "click", "selector": "#count" });

    // Done and answered: the outcome is stored before the answer leaves.
    let ask = |test: &Harness, operation: &str, arguments: &Value, name: &str| {
        keyed(&test.http(), &session, operation, arguments, &key(name)).expect("an answer")
    };
    let first = ask(&test, "interact", &click, "done").expect("it is done");
    test.kill_daemon();
    test.serve();
    assert_eq!(
        ask(&test, "interact", &click, "done").expect("the outcome"),
        first
    );
    assert_eq!(pressed(), 1);

    // Sent, and cut off.
    let hang = count_and("await new Promise(() => {})");
    let call = "k_01hzy3v7q8e9rs0t1vwxyz2342";
    cut_off(
        &mut test,
        &session,
        "evaluate",
        &hang,
        &[("idempotency-key", "sent"), ("browserd-call-id", call)],
        |_| pressed() == 2,
    );
    test.serve();
    for _ in 0..2 {
        let unknown = ask(&test, "evaluate", &hang, "sent").expect_err("nobody saw its end");
        assert_eq!(unknown.code(), "outcome_unknown");
        assert_eq!(unknown.0["retry"], "check_first");
    }
    assert_eq!(pressed(), 2, "it was done again");

    // Taken, and waiting behind another call: nothing of it was sent, so it is done now.
    let http = test.http();
    let wait = json!({ "expression": "await new Promise(() => {})" });
    std::thread::scope(|scope| {
        let blocks = scope.spawn(|| {
            let id = [("browserd-call-id", "k_01hzy3v7q8e9rs0t1vwxyz2343")];
            keyed(&http, &session, "evaluate", &wait, &id).is_err()
        });
        assert!(process::until(SOON, || under_way(
            &test,
            "k_01hzy3v7q8e9rs0t1vwxyz2343"
        )));
        let headers = [
            ("idempotency-key", "taken"),
            ("browserd-call-id", "k_01hzy3v7q8e9rs0t1vwxyz2344"),
        ];
        cut_off(&mut test, &session, "interact", &click, &headers, |test| {
            under_way(test, "k_01hzy3v7q8e9rs0t1vwxyz2344")
        });
        assert!(blocks.join().expect("the caller ends"));
    });
    assert_eq!(pressed(), 2);
    test.serve();
    ask(&test, "interact", &click, "taken").expect("it is done now");
    ask(&test, "interact", &click, "taken").expect("the outcome");
    assert_eq!(pressed(), 3);

    // At whatever moment: what says that it was done was done, and nothing is done twice.
    for round in 0_u32..5 {
        let (before, name) = (pressed(), format!("any {round}"));
        let http = test.http();
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| keyed(&http, &session, "interact", &click, &key(&name)));
            // Each question takes it a little further.
            for _ in 0..round * 4 {
                test.unix_http().get("/readyz").expect("the daemon answers");
            }
            test.kill_daemon();
            drop(asked.join().expect("the caller ends"));
        });
        test.serve();
        let outcome = ask(&test, "interact", &click, &name);
        // Input that was on its way when the daemon died may still arrive.
        agent.door = test.http();
        agent.evaluate("1");
        let times = pressed() - before;
        match outcome {
            Ok(_) => assert_eq!(times, 1, "round {round}"),
            Err(err) => {
                assert_eq!(err.code(), "outcome_unknown", "round {round}: {err:?}");
                assert!(times <= 1, "round {round}");
            }
        }
    }
    test.finish();
}

/// Sends a call, waits until it is as far as `far` says, and kills the daemon.
fn cut_off(
    test: &mut Harness,
    session: &str,
    operation: &str,
    arguments: &Value,
    headers: &[(&str, &str)],
    far: impl Fn(&Harness) -> bool,
) {
    let http = test.http();
    let cut = std::thread::scope(|scope| {
        let caller = scope.spawn(|| keyed(&http, session, operation, arguments, headers));
        let reached = process::until(SOON, || far(test));
        test.kill_daemon();
        let cut = caller.join().expect("the caller ends");
        assert!(reached, "{operation} {cut:?}");
        cut
    });
    assert!(cut.is_err(), "the daemon's death cut the call: {cut:?}");
}

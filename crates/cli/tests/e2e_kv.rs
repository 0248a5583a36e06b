//! The KV store through every door, and through the death of whoever uses or keeps it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests and say why"
)]
#![allow(clippy::disallowed_methods, reason = "workers are processes")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::harness::{Do, Harness, Http, SOON};
use testkit::process::{self, Signal};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// A worker as people write them: claim, work, finish; what it did is in its log.
const WORKER: &str = r#"
while :; do
    item=$("$0" kv claim jobs --prefix item/ --lease 1s --wait 500ms --json 2>/dev/null) || continue
    set -- "$1" $(printf '%s' "$item" | sed -n 's/.*"key":"\([^"]*\)".*"epoch":\([0-9]*\).*/\1 \2/p')
    [ $# -eq 3 ] || continue
    echo "claimed $2 $3" >>"$1"
    "$0" kv finish jobs "$2" "$3" --json >/dev/null 2>&1 && echo "finished $2 $3" >>"$1"
done
"#;

fn worker(test: &Harness, log: &Path) -> Child {
    let mut command = Command::new("sh");
    test.seal(&mut command);
    command
        .args(["-c", WORKER, BROWSERD])
        .arg(log)
        .stdin(Stdio::null());
    process::spawn(&mut command).expect("a worker starts")
}

fn kill(mut worker: Child) {
    for pid in process::tree(worker.id()) {
        process::kill(pid, Signal::KILL);
    }
    worker.wait().expect("it was killed");
    process::forget(worker.id());
}

fn left(test: &Harness) -> usize {
    let listed = test.cli(&["kv", "list", "jobs", "--keys", "--json"]).done();
    listed.json()["entries"].as_array().expect("a list").len()
}

#[test]
fn two_workers_never_both_finish_an_item_through_kills_of_each_and_of_the_daemon() {
    const ITEMS: usize = 12;
    let test = Harness::new(BROWSERD);
    for number in 0..ITEMS {
        let key = format!("item/{number:02}");
        test.cli(&["kv", "set", "jobs", &key, "{}"]).done();
    }
    let logs = ["a.log", "b.log"].map(|name| test.folder().join(name));
    let mut workers = logs.each_ref().map(|log| Some(worker(&test, log)));
    let mut kills = 0;
    let mut before = ITEMS + 1;
    let finished = process::until(3 * SOON, || {
        let now = left(&test);
        // One after the other dies whenever something was done, in the middle of the next.
        if now < before && 0 < now {
            before = now;
            match kills % 3 {
                0 => {
                    if let Some(daemon) = test.daemon_if_any() {
                        process::kill(daemon, Signal::KILL);
                    }
                }
                which => {
                    let at = which - 1;
                    if let Some(old) = workers[at].take() {
                        kill(old);
                    }
                    workers[at] = Some(worker(&test, &logs[at]));
                }
            }
            kills += 1;
        }
        now == 0
    });
    for old in workers.into_iter().flatten() {
        kill(old);
    }
    // A daemon that a worker had just started was killed with it; whoever asks starts the next.
    let now = left(&test);
    assert!(finished && now == 0, "{now} items are left");
    assert!(3 <= kills, "{kills} kills");
    let read = |log| std::fs::read_to_string(log).unwrap_or_default();
    let told: Vec<String> = logs.iter().map(read).collect();
    let of = |word: &str, log: &str| -> Vec<String> {
        let lines = log.lines().filter_map(|line| line.strip_prefix(word));
        lines.map(str::to_owned).collect()
    };
    // A claim and its epoch are one worker's, and what is finished was claimed by who says so.
    let claims: Vec<String> = told.iter().flat_map(|log| of("claimed ", log)).collect();
    assert_eq!(claims.len(), claims.iter().collect::<BTreeSet<_>>().len());
    let mut items = BTreeSet::new();
    for log in &told {
        let claimed = of("claimed ", log);
        for done in of("finished ", log) {
            assert!(claimed.contains(&done), "{done}");
            let item = done.split(' ').next().unwrap_or_default().to_owned();
            assert!(items.insert(item), "{done} was finished twice");
        }
    }
    assert!(!items.is_empty());
    test.finish();
}

fn set(http: &Http, body: &Value) -> Option<(u16, Value)> {
    let answer = http.post("/v1/kv/count/entries/n", body).ok()?;
    Some((answer.status, answer.body))
}

#[test]
fn acknowledged_values_outlive_kills_and_counters_that_compare_lose_nothing() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    // Whatever was answered is there after a SIGKILL, and nothing older.
    let mut next = 1;
    for _ in 0..3 {
        let http = test.unix_http();
        let from = next;
        let writer = std::thread::spawn(move || {
            let mut acknowledged = 0;
            for value in from.. {
                match set(&http, &json!({ "value": value })) {
                    Some((200, _)) => acknowledged = value,
                    _ => break,
                }
            }
            acknowledged
        });
        let grown = process::until(SOON, || {
            let seen = value(&test.unix_http());
            seen.as_u64().is_some_and(|seen| from + 5 < seen)
        });
        assert!(grown);
        test.kill_daemon();
        let acknowledged: u64 = writer.join().expect("the writer ends");
        test.serve();
        let kept = value(&test.unix_http()).as_u64().expect("a number");
        assert!(
            kept == acknowledged || kept == acknowledged + 1,
            "{kept}, and {acknowledged} was acknowledged"
        );
        next = kept + 1;
    }
    // Four add at once, each by version.
    let start = value(&test.unix_http()).as_u64().expect("a number");
    let adders = [0; 4].map(|_| {
        let http = test.unix_http();
        std::thread::spawn(move || {
            for _ in 0..8 {
                while !added(&http) {}
            }
        })
    });
    for adder in adders {
        adder.join().expect("it adds");
    }
    assert_eq!(value(&test.unix_http()), start + 32);
    test.finish();
}

fn value(http: &Http) -> Value {
    let answer = http.get("/v1/kv/count/entries/n").expect("an answer");
    assert_eq!(answer.status, 200);
    answer.body["value"].clone()
}

fn added(http: &Http) -> bool {
    let answer = http.get("/v1/kv/count/entries/n").expect("an answer").body;
    let value = answer["value"].as_u64().unwrap_or(0) + 1;
    let body = json!({ "value": value, "if_version": answer["version"] });
    match set(http, &body).expect("an answer") {
        (200, _) => true,
        (409, error) => {
            assert_eq!(error["code"], "conflict");
            false
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_door_has_the_same_store_and_a_watch_goes_on_with_the_next_daemon() {
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut mcp = test.mcp();
    let stored = mcp.call(
        "kv_set",
        json!({ "namespace": "doors", "key": "a/1", "value": { "by": "mcp" } }),
    );
    let version = stored.expect("it is stored")["version"].clone();
    let read = test.cli(&["kv", "get", "doors", "a/1", "--json"]).done();
    assert_eq!(read.json()["value"], json!({ "by": "mcp" }));
    assert_eq!(read.json()["version"], version);
    let http = test.http();
    let listed = http.get("/v1/kv/doors?prefix=a/&include_values=false");
    let listed = listed.expect("an answer").body;
    assert_eq!(listed["entries"][0]["key"], "a/1");
    assert!(listed["entries"][0]["value"].is_null());
    let nothing = http.get("/v1/kv/doors/entries/none").expect("an answer");
    assert_eq!(
        (nothing.status, nothing.body),
        (200, json!({ "value": null }))
    );

    // A claim holds others off; nonsense is refused by name.
    let claimed = test.cli(&["kv", "claim", "doors", "--json"]).done().json();
    let epoch = claimed["lease"]["epoch"].to_string();
    test.cli(&["kv", "set", "doors", "a/1", "1"])
        .refused("conflict");
    test.cli(&["kv", "renew", "doors", "a/1", &epoch, "--lease", "60s"])
        .done();
    test.cli(&["kv", "finish", "doors", "a/1", "1"])
        .refused("lease_lost");
    test.cli(&["kv", "set", "doors", "a/1", "2", "--lease", &epoch])
        .done();
    test.cli(&["kv", "release", "doors", "a/1", &epoch]).done();
    test.cli(&["kv", "delete", "doors", "a/1"]).done();
    let long = "k".repeat(513);
    for words in [
        ["kv", "set", "", "k", "1"],
        ["kv", "set", "doors", &long, "1"],
        ["kv", "set", "doors", "k", "null"],
    ] {
        test.cli(&words).refused("invalid_argument");
    }
    let large = json!({ "value": "x".repeat(1 << 20) });
    let refused = http.post("/v1/kv/doors/entries/large", &large);
    assert_eq!(refused.expect("an answer").status, 400);
    test.cli(&["kv", "set", "doors", "short", "1", "--ttl", "1ms"])
        .done();
    let over = process::until(SOON, || {
        let read = test.cli(&["kv", "get", "doors", "short", "--json"]);
        read.done().json()["value"].is_null()
    });
    assert!(over);

    // Who waits is woken by a change, told by the daemon after the next.
    let start = test.cli(&["kv", "watch", "doors", "--json"]).done().json();
    let since = start["revision"].to_string();
    test.fault(Do::KillDaemon);
    test.fault(Do::RestartDaemon);
    let words = ["kv", "watch", "doors", "--prefix", "w/", "--since", &since];
    let mut watch = test.command(&words);
    watch
        .args(["--wait", "60s", "--timeout", "60s", "--json"])
        .stdout(Stdio::piped());
    let watch = process::spawn(&mut watch).expect("it starts");
    let pid = watch.id();
    // The question is a call itself.
    let waits = || {
        test.status()["calls"]
            .as_u64()
            .is_some_and(|calls| 1 < calls)
    };
    assert!(process::until(SOON, waits), "nobody waits");
    test.cli(&["kv", "set", "doors", "other", "1"]).done();
    test.cli(&["kv", "set", "doors", "w/1", "2"]).done();
    let told = watch.wait_with_output().expect("it ends");
    process::forget(pid);
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(told["changes"][0]["key"], "w/1", "{told}");
    assert_eq!(told["gap"], false);
    test.cli(&["kv", "clear", "doors"]).done();
    let cut = ["kv", "watch", "doors", "--since", &since, "--json"];
    assert_eq!(test.cli(&cut).done().json()["gap"], true);
    // A wait doesn't hold the daemon's end up.
    let now = test.cli(&["kv", "watch", "doors", "--json"]).done().json();
    let path = format!("/v1/kv/doors/watch?since={}&wait_ms=60000", now["revision"]);
    let http = test.unix_http();
    let waits = std::thread::spawn(move || http.get(&path).expect("an answer").status);
    let waiting = process::until(SOON, || {
        test.status()["calls"]
            .as_u64()
            // The question is a call itself.
            .is_some_and(|calls| 1 < calls)
    });
    assert!(waiting);
    let began = std::time::Instant::now();
    test.cli(&["stop"]).done();
    assert_eq!(waits.join().expect("it ends"), 503);
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(mcp);
    test.finish();
}

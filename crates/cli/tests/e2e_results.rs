//! Answers that are too large for a model: their heads, and how the rest is read.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests and say why"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Harness, Mcp, SOON};
use testkit::process;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// Fills the page with what no model wants to read whole.
const FILL: &str = "void (document.body.innerHTML = '<h1>Stock</h1>' + Array.from({ length: 4000 },
    (_, n) => `<p>Item ${n}: a tin of Grünkohl, shelf ${n % 7}</p>`).join(''))";

/// Calls a tool and returns what a model reads of its answer.
fn told(mcp: &mut Mcp, tool: &str, arguments: Value) -> String {
    let answer = mcp.request(
        "tools/call",
        json!({ "name": tool, "arguments": arguments }),
    );
    let content = answer["result"]["content"].as_array().expect("content");
    let texts = content.iter().filter_map(|block| block["text"].as_str());
    texts.collect()
}

fn handle(cut: &Value) -> String {
    cut["handle"].as_str().expect("a handle").to_owned()
}

/// Reads a result on from an offset to its end.
fn read_on(mcp: &mut Agent<Mcp>, handle: &str, from: u64, limit: u64) -> String {
    let (mut whole, mut offset) = (String::new(), Some(from));
    while let Some(at) = offset {
        let arguments = json!({ "handle": handle, "offset": at, "limit": limit });
        let part = mcp.call("read_result", arguments);
        assert_eq!(part["offset"], at);
        assert_eq!(part["untrusted"], json!(["text"]));
        let text = part["text"].as_str().expect("a text");
        assert!(text.len() as u64 <= limit, "no more than was asked for");
        whole.push_str(text);
        offset = part["next_offset"].as_u64();
    }
    whole
}

#[test]
fn a_large_answer_is_a_head_and_a_handle_that_outlives_the_daemon() {
    let site = Site::start();
    // However slow the machine is.
    let mut test = Harness::new(BROWSERD).with("BROWSERD_RESULTS_TTL", "1h");
    test.serve();
    let mut mcp = Agent::open(test.mcp(), None, &site.url("/"));
    mcp.call("evaluate", json!({ "expression": FILL }));

    // HTTP has all of it, MCP its head; what is read on is the same, byte by byte.
    let mut http = Agent {
        door: test.unix_http(),
        session: mcp.session.clone(),
        opened: Value::Null,
    };
    let whole = http.call("get_content", json!({ "format": "text" }));
    let whole = whole["content"].as_str().expect("content").to_owned();
    assert!(150_000 < whole.len(), "{}", whole.len());
    let answer = mcp.call("get_content", json!({ "format": "text" }));
    let head = answer["content"].as_str().expect("content");
    let cut = &answer["cut"][0];
    assert!(whole.starts_with(head) && head.len() <= 8192);
    assert_eq!(cut["bytes"], whole.len());
    assert_eq!(cut["shown"], head.len());
    let text = handle(cut);
    let rest = read_on(&mut mcp, &text, head.len() as u64, 60_000);
    assert!(
        format!("{head}{rest}") == whole,
        "the head and the rest are the whole"
    );

    // A search tells where a line stands, and what is around it.
    let arguments = json!({ "handle": text, "search": "ITEM 2017: A TIN OF GRÜNKOHL", "before": 2, "after": 2 });
    let found = mcp.call("read_result", arguments.clone());
    assert_eq!(found["matches"], 1);
    let lines = found["text"].as_str().expect("a text");
    assert!(lines.contains(": Item 2017: a tin"), "{lines}");
    assert!(lines.contains("- Item 2018: a tin"), "{lines}");
    assert!(!lines.contains("Item 2020"), "{lines}");

    // What a model reads of all this: the page's words within a boundary, ours outside of it.
    let session = json!({ "session_id": mcp.session, "format": "text" });
    let read = told(&mut mcp.door, "get_content", session);
    let nonce = read.split("--- page content ").nth(1).expect("a boundary");
    let end = format!("--- end of page content {} ---", &nonce[..16]);
    let (inside, outside) = read.split_once(&end).expect("its end");
    assert!(inside.contains("Item 3:") && !inside.contains("read_result"));
    assert!(
        outside.contains("read_result {\"handle\": \"r_"),
        "{outside}"
    );
    assert!(read.len() < 12_000, "{}", read.len());
    let read = told(&mut mcp.door, "read_result", arguments);
    assert!(
        read.find("--- page content") < read.find("Item 2017"),
        "{read}"
    );

    // A snapshot is cut like anything else, unless so much of it was asked for.
    let cut = mcp.call("snapshot", json!({}));
    assert_eq!(cut["cut"][0]["field"], "snapshot");
    let snapshot = mcp.call("snapshot", json!({ "max_bytes": 1_000_000 }));
    assert_eq!(snapshot.get("cut"), None);
    assert!(50_000 < snapshot["snapshot"].as_str().expect("a text").len());
    // Lists are cut to their first entries; values of the KV store never are.
    let list = "Array.from({ length: 5000 }, (_, n) => ({ n, name: 'x'.repeat(20) }))";
    let list = mcp.call("evaluate", json!({ "expression": list }));
    let value = list["value"].as_array().expect("a list");
    assert!(10 < value.len() && value.len() < 5000);
    let kept = handle(&list["cut"][0]);
    let kept = read_on(&mut mcp, &kept, 0, 1 << 20);
    let kept: Vec<Value> = serde_json::from_str(&kept).expect("JSON");
    assert_eq!((kept.len(), &kept[..value.len()]), (5000, &value[..]));
    let large = json!({ "namespace": "n", "key": "k", "value": "v".repeat(100_000) });
    mcp.door
        .call("kv_set", large.clone())
        .expect("it is stored");
    let got = mcp
        .door
        .call("kv_get", json!({ "namespace": "n", "key": "k" }));
    assert_eq!(got.expect("it is there")["value"], large["value"]);

    // The handle is good with the next daemon, and only with its own session.
    test.kill_daemon();
    test.serve();
    assert!(
        read_on(&mut mcp, &text, 0, 1 << 20) == whole,
        "it outlives the daemon"
    );
    let other = Agent::open(test.unix_http(), Some("other"), "about:blank");
    let refused = mcp.door.call(
        "read_result",
        json!({ "handle": text, "session_id": "other" }),
    );
    assert_eq!(
        refused.expect_err("another session").code(),
        "result_not_found"
    );

    // One more than there may be costs the oldest; a handle that never was is told apart.
    let part = json!({ "parts": [{ "field": "f", "text": "t" }], "session_id": mcp.session });
    let http = test.unix_http();
    let before = |count: usize| {
        for _ in 0..count {
            assert_eq!(
                http.post("/v1/results", &part).expect("an answer").status,
                200
            );
        }
        http.get(&format!("/v1/results/{text}")).expect("an answer")
    };
    // The first text, the one that was read as a model does, the snapshot and the list are four.
    assert_eq!(before(96).status, 200);
    let gone = before(1);
    assert_eq!(
        (gone.status, &gone.body["code"]),
        (410, &json!("result_expired"))
    );
    assert!(
        gone.body["detail"]
            .as_str()
            .expect("a message")
            .contains("room")
    );
    let unknown = http
        .get("/v1/results/r_01hzy3v7q8e9rs0t1vwxyz2345")
        .expect("an answer");
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (404, &json!("result_not_found"))
    );
    let wrong = mcp.refused("read_result", json!({ "handle": "r_1" }));
    assert_eq!(wrong.code(), "invalid_argument");

    // What is kept goes with its session.
    let kept = handle(&mcp.call("snapshot", json!({}))["cut"][0]);
    mcp.close();
    let gone = mcp.door.call("read_result", json!({ "handle": kept }));
    assert_eq!(gone.expect_err("it is closed").code(), "result_expired");
    drop((mcp, other));
    test.finish();
}

#[test]
fn a_result_is_gone_when_its_time_is_over() {
    let mut test = Harness::new(BROWSERD).with("RESPONSE_STORE_TTL", "1");
    test.serve();
    let http = test.unix_http();
    let part = json!({ "parts": [{ "field": "f", "text": "t" }] });
    let kept = http.post("/v1/results", &part).expect("an answer").body;
    let path = format!(
        "/v1/results/{}",
        kept["handles"][0].as_str().expect("a handle")
    );
    let mut last = Value::Null;
    let gone = process::until(SOON, || {
        let answer = http.get(&path).expect("an answer");
        last = answer.body;
        answer.status == 410
    });
    assert!(gone, "{last}");
    assert_eq!(last["code"], "result_expired");
    assert!(
        last["detail"]
            .as_str()
            .expect("a message")
            .contains("its time is over")
    );
    test.finish();
}

/// The calls of the page on results, each as it stands there.
#[test]
fn the_documented_reading_of_results_does_what_the_page_says() {
    let site = Site::start();
    // However slow the machine is.
    let mut test = Harness::new(BROWSERD).with("BROWSERD_RESULTS_TTL", "1h");
    test.serve();
    let mut mcp = Agent::open(test.mcp(), Some("shop:1"), &site.url("/"));
    mcp.call("evaluate", json!({ "expression": FILL }));
    let page = include_str!("../../../docs/results.md");
    let blocks = page.split("```json calls\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().expect("a block").lines());
    let (mut calls, mut last) = (0, String::new());
    for line in lines {
        let call: Value =
            serde_json::from_str(&line.replace("r_01hzy3v7q8e9rs0t1vwxyz2345", &last))
                .unwrap_or_else(|err| panic!("{line}: {err}"));
        let tool = call["tool"].as_str().expect("a tool");
        let answer = mcp.door.call(tool, call["arguments"].clone());
        let answer = answer.unwrap_or_else(|refused| panic!("{line}: {refused:?}"));
        if let Some(cut) = answer["cut"].get(0) {
            last = handle(cut);
        } else {
            assert!(
                !answer["text"].as_str().expect("a text").is_empty(),
                "{line}"
            );
        }
        calls += 1;
    }
    assert!(4 <= calls, "{calls}");
    mcp.close();
    drop(mcp);
    test.finish();
}

//! MCP as clients speak it, line by line: with `initialize` and without.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "the test plays the client beside the server"
)]

mod support;

use std::sync::Arc;

use api::{ApiError, Caller, Invoke};
use base::Ctx;
use browserd_server::{Settings, mcp};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::io::{DuplexStream, duplex, split};
use tokio::task::JoinHandle;

/// An MCP client that writes and reads JSON lines.
struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    server: JoinHandle<Result<(), mcp::Error>>,
}

impl Peer {
    fn of(invoke: Arc<dyn Invoke>) -> Self {
        let (near, far) = duplex(1 << 20);
        let (reader, writer) = split(far);
        let server = tokio::spawn(async move {
            mcp::serve(invoke, "1.2.3", mcp::LARGEST_ANSWER, reader, writer).await
        });
        let (reader, writer) = split(near);
        Self {
            lines: BufReader::new(reader).lines(),
            writer,
            server,
        }
    }

    async fn send(&mut self, message: Value) {
        self.writer
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
            .await;
        let answer = self.next().await;
        assert_eq!(answer["id"], 7, "{answer}");
        answer
    }

    async fn initialize(&mut self) -> Value {
        let client = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let answer = self.ask("initialize", client).await;
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        answer
    }

    async fn call(&mut self, name: &str, arguments: Value) -> Value {
        let answer = self
            .ask("tools/call", json!({"name": name, "arguments": arguments}))
            .await;
        answer["result"].clone()
    }

    async fn hang_up(mut self) {
        self.writer.shutdown().await.unwrap();
        self.server.await.unwrap().unwrap();
    }
}

/// What a client of 2026-07-28 sends with every request instead of `initialize`.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[tokio::test]
async fn a_client_of_2025_initializes_lists_and_calls() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    let hello = peer.initialize().await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25", "{hello}");
    assert_eq!(hello["result"]["serverInfo"]["name"], "browserd");
    let list = peer.ask("tools/list", json!({})).await;
    let tools = list["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 18, "{list}");
    let bytes = list["result"].to_string().len();
    assert!(bytes / 4 <= 2500, "{bytes} bytes");
    let result = peer
        .call(
            "navigate",
            json!({"session_id": "a", "url": "https://example.org/"}),
        )
        .await;
    assert_eq!(
        result["structuredContent"]["operation"], "navigate",
        "{result}"
    );
    assert_ne!(result["isError"], true);
    peer.hang_up().await;
}

#[tokio::test]
async fn a_client_of_2026_lists_and_calls_without_initialize() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    let found = peer.ask("server/discover", json!({"_meta": meta()})).await;
    assert!(
        found["result"]["supportedVersions"]
            .to_string()
            .contains("2026-07-28"),
        "{found}"
    );
    let list = peer.ask("tools/list", json!({"_meta": meta()})).await;
    assert_eq!(
        list["result"]["tools"].as_array().map(Vec::len),
        Some(18),
        "{list}"
    );
    let params = json!({"_meta": meta(), "name": "list_sessions", "arguments": {"state": "all"}});
    let answer = peer.ask("tools/call", params).await;
    assert_eq!(
        answer["result"]["structuredContent"]["arguments"]["state"], "all",
        "{answer}"
    );
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    peer.hang_up().await;
}

#[tokio::test]
async fn a_client_may_begin_with_a_call() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    let params = json!({"_meta": meta(), "name": "list_sessions", "arguments": {}});
    let answer = peer.ask("tools/call", params).await;
    assert_eq!(
        answer["result"]["structuredContent"]["operation"], "list_sessions",
        "{answer}"
    );
    peer.hang_up().await;
}

#[tokio::test]
async fn what_is_not_listed_may_be_called_all_the_same() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    peer.initialize().await;
    let result = peer
        .call("click", json!({"session_id": "a", "ref": "@e3"}))
        .await;
    let arguments = &result["structuredContent"]["arguments"];
    assert_eq!(
        *arguments,
        json!({"session_id": "a", "ref": "@e3", "action": "click"}),
        "{result}"
    );
    for name in [
        "fill",
        "type_text",
        "select",
        "scroll",
        "session_resume",
        "activate_tab",
        "get_session",
    ] {
        let result = peer
            .call(name, json!({"session_id": "a", "selector": "#q"}))
            .await;
        assert_ne!(
            result["structuredContent"]["message"]
                .as_str()
                .map(|m| m.contains("no operation")),
            Some(true)
        );
    }
    let status = peer.call("get_status", json!({})).await;
    assert_eq!(status["structuredContent"]["pid"], 42, "{status}");
    peer.hang_up().await;
}

#[tokio::test]
async fn an_error_is_a_result_that_says_what_to_do() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    peer.initialize().await;
    for (name, arguments, code, retry) in [
        (
            "evaluate",
            json!({"session_id": "a", "expression": "refuse"}),
            "ref_stale",
            "after_snapshot",
        ),
        ("navigtae", json!({}), "invalid_argument", "never"),
        ("run_task", json!({}), "not_available", "never"),
    ] {
        let result = peer.call(name, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        let error = &result["structuredContent"];
        assert_eq!(
            (error["code"].as_str(), error["retry"].as_str()),
            (Some(code), Some(retry)),
            "{result}"
        );
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(
            text.contains(code) && text.contains(error["hint"].as_str().unwrap()),
            "{text}"
        );
    }
    peer.hang_up().await;
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_below_and_the_next_one_answers() {
    let (dispatch, mut news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    peer.initialize().await;
    let params =
        json!({"name": "evaluate", "arguments": {"session_id": "a", "expression": "hang"}});
    peer.send(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
        .await;
    assert_eq!(news.recv().await, Some("hangs"));
    let cancel = json!({"requestId": 1, "reason": "the user changed their mind"});
    peer.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}))
        .await;
    let told = news.recv().await;
    assert!(told == Some("ended") || told == Some("dropped"), "{told:?}");
    peer.call("list_sessions", json!({})).await;
    peer.hang_up().await;
}

#[tokio::test]
async fn a_client_that_leaves_at_once_is_no_error() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    Peer::of(dispatch).hang_up().await;
}

#[tokio::test]
async fn a_line_that_is_not_json_costs_that_line_only() {
    let (dispatch, _news) = support::dispatch(Settings::default());
    let mut peer = Peer::of(dispatch);
    peer.initialize().await;
    peer.writer.write_all(b"{not json\n").await.unwrap();
    let result = peer.call("list_sessions", json!({})).await;
    assert_eq!(result["structuredContent"]["operation"], "list_sessions");
    peer.hang_up().await;
}

/// Answers every call with the same page.
struct Canned(Value);

impl Invoke for Canned {
    fn invoke<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a Caller,
        _: &'a str,
        _: Value,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

#[tokio::test]
async fn a_snapshot_is_text_within_a_boundary_and_a_flat_object() {
    let page = json!({
        "snapshot": "heading \"Shop\" @e1\nbutton \"Buy\" @e2", "url": "https://example.org/", "title": "Shop",
        "truncated": false, "session_id": "s_1", "tab_id": "t1", "generation": 2,
        "recovered": {"generation": 2, "cause": "browser_gone", "checkpoint_age_ms": 12,
            "restored": ["cookies"], "lost": ["js_heap"]},
        "untrusted": ["snapshot", "url", "title"],
    });
    let mut peer = Peer::of(Arc::new(Canned(page.clone())));
    peer.initialize().await;
    let result = peer.call("snapshot", json!({"session_id": "s_1"})).await;
    assert_eq!(result["structuredContent"], page);
    let text = result["content"][0]["text"].as_str().unwrap();
    let nonce = text
        .split("--- page content ")
        .nth(1)
        .unwrap()
        .split(':')
        .next()
        .unwrap();
    let plain = text.replace(nonce, "NONCE");
    insta::assert_snapshot!(plain);
    peer.hang_up().await;
}

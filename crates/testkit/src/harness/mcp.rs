//! MCP over stdio as a way in: a `browserd mcp` child, one JSON message a line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Harness, Refusal};
use crate::process::{self, Signal};

/// Lines that may wait to be read: far more than one call's answer and its notifications.
const WAITING: usize = 10_000;

/// The revision that is spoken by handshake.
const HANDSHAKE: &str = "2025-11-25";

/// A running `browserd mcp` and us as its client. Dropping it ends it.
#[derive(Debug)]
pub struct Mcp {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<String>,
    next: u64,
    /// The longest a call may take.
    pub limit: Duration,
}

impl Harness {
    /// Starts `browserd mcp` and shakes hands.
    #[must_use]
    pub fn mcp(&self) -> Mcp {
        let mut mcp = Mcp::start(&mut self.command(&["mcp"]));
        mcp.initialize();
        mcp
    }
}

impl Mcp {
    /// Starts a prepared command as MCP server; says nothing to it yet.
    #[must_use]
    pub fn start(command: &mut std::process::Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = process::spawn(command).expect("the MCP server starts");
        let to = child.stdin.take();
        let out = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (tell, from) = sync_channel(WAITING);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            to,
            from,
            next: 1,
            limit: Duration::from_secs(60),
        }
    }

    /// Shakes hands as a client of 2025-11-25 does, and returns the server's answer.
    pub fn initialize(&mut self) -> Value {
        let client = json!({ "name": "testkit", "version": "1" });
        let params =
            json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client });
        let answer = self.request("initialize", params);
        self.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer["result"].clone()
    }

    /// Lists the tools.
    pub fn tools(&mut self) -> Vec<Value> {
        let answer = self.request("tools/list", json!({}));
        answer["result"]["tools"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| panic!("{answer}"))
    }

    /// Calls a tool; its structured content, or the error as the same object.
    ///
    /// # Errors
    /// What the tool refused with.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, Refusal> {
        let id = self.begin(tool, arguments);
        self.end(id)
    }

    /// Sends a tool call and doesn't wait for its answer.
    pub fn begin(&mut self, tool: &str, arguments: Value) -> u64 {
        self.send(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
    }

    /// Waits for the answer to a call begun before.
    ///
    /// # Errors
    /// What the tool refused with.
    pub fn end(&mut self, id: u64) -> Result<Value, Refusal> {
        let answer = self.receive(id);
        if let Some(error) = answer.get("error") {
            return Err(Refusal(error.clone()));
        }
        let result = &answer["result"];
        let content = match result.get("structuredContent") {
            Some(content) => content.clone(),
            None => json!({ "content": result["content"] }),
        };
        if result["isError"] == true {
            Err(Refusal(content))
        } else {
            Ok(content)
        }
    }

    /// Sends a request and waits for its whole answer.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.receive(id)
    }

    /// Writes one message as a line.
    pub fn write(&mut self, message: &Value) {
        let to = self.to.as_mut().expect("its input is open");
        let mut line = message.to_string();
        line.push('\n');
        to.write_all(line.as_bytes()).expect("the MCP server reads");
    }

    /// Returns the id of the `browserd mcp` process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn send(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    fn receive(&mut self, id: u64) -> Value {
        let end = Instant::now() + self.limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.from.recv_timeout(left) {
                Ok(line) => {
                    let message: Value = serde_json::from_str(&line).expect("a line is JSON");
                    if message["id"] == id {
                        return message;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no answer to call {id} in {:?}", self.limit)
                }
                Err(RecvTimeoutError::Disconnected) => panic!("the MCP server ended"),
            }
        }
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        // As MCP clients do: the end of its input asks it to end; then it is killed.
        self.to = None;
        let child = &mut self.child;
        let ended = process::until(Duration::from_secs(5), || {
            matches!(child.try_wait(), Ok(Some(_)))
        });
        if !ended {
            process::kill(child.id(), Signal::KILL);
        }
        child.wait().expect("the MCP server can be waited for");
        process::forget(child.id());
    }
}

//! An MCP client over the stdio of a `browserd mcp` child: JSON lines, one call at a time.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base::Ctx;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// No step of the demo may take longer.
const LIMIT: Duration = Duration::from_secs(60);
/// What the client speaks.
const PROTOCOL: &str = "2025-11-25";

/// The child, and the line to it.
pub struct Mcp {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    last_id: u64,
}

impl Mcp {
    /// Starts the child on a home.
    #[allow(
        clippy::disallowed_methods,
        reason = "the demo is a client like any other: it starts its server"
    )]
    pub fn start(program: &Path, home: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg("mcp")
            .env("BROWSERD_HOME", home)
            .env_remove("BROWSERD_LISTEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("the child has no pipes"));
        };
        Ok(Self {
            child,
            to,
            from: BufReader::new(from).lines(),
            last_id: 0,
        })
    }

    /// Says hello and returns the names of the tools.
    pub async fn greet(&mut self) -> Result<Vec<String>, String> {
        let client = json!({ "name": "browserd-demo", "version": env!("CARGO_PKG_VERSION") });
        let hello =
            json!({ "protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client });
        self.request("initialize", hello).await?;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await?;
        let list = self.request("tools/list", json!({})).await?;
        let tools = list["tools"]
            .as_array()
            .ok_or("there is no list of tools")?;
        Ok(tools
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .map(str::to_owned)
            .collect())
    }

    /// Calls a tool and returns what it answered.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let call = json!({ "name": tool, "arguments": arguments });
        let result = self.request("tools/call", call).await?;
        let answer = result["structuredContent"].clone();
        if result["isError"] == true {
            let (code, message) = (&answer["code"], &answer["message"]);
            return Err(format!("{tool} failed with {code}: {message}"));
        }
        Ok(answer)
    }

    /// Hangs up, and waits until the child has ended by itself.
    pub async fn end(mut self) {
        drop(self.to);
        let ended = Ctx::within(Duration::from_secs(10))
            .race(self.child.wait())
            .await;
        // It is killed when it is dropped, if it hasn't ended.
        drop(ended);
    }

    async fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await?;
        let answer = Ctx::within(LIMIT).race(self.answer(id)).await;
        answer.map_err(|_| format!("{method} got no answer in {} s", LIMIT.as_secs()))?
    }

    async fn send(&mut self, message: &Value) -> Result<(), String> {
        let mut line = message.to_string();
        line.push('\n');
        self.to
            .write_all(line.as_bytes())
            .await
            .map_err(|err| format!("the server is gone: {err}"))
    }

    async fn answer(&mut self, id: u64) -> Result<Value, String> {
        loop {
            let line = self.from.next_line().await.map_err(|err| err.to_string())?;
            let line = line.ok_or("the server has ended")?;
            let mut message: Value =
                serde_json::from_str(&line).map_err(|err| format!("a line is no JSON: {err}"))?;
            // Notifications and answers to nobody are passed over.
            if message["id"] != id {
                continue;
            }
            return match message["error"]["message"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(message["result"].take()),
            };
        }
    }
}

//! The two that are compared, each driven by a plain blocking loop that adds next to nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use testkit::harness::Harness;
use testkit::process;
use testkit::raw::RawChromium;

/// A Chromium over its pipe, and the session of one page in it.
pub struct Raw {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    next: u32,
    line: Vec<u8>,
    // Last: it is killed after the pipe is closed.
    _chromium: RawChromium,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<u32>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Raw {
    /// Starts a Chromium and opens a page at `url` in it.
    pub fn start(url: &str) -> anyhow::Result<Self> {
        let mut chromium = RawChromium::start()?;
        let (to, from) = chromium.pipe()?;
        let from = BufReader::with_capacity(256 << 10, from);
        let mut raw = Self {
            to,
            from,
            session: None,
            next: 1,
            line: Vec::new(),
            _chromium: chromium,
        };
        let created: Value = raw.call("Target.createTarget", &json!({ "url": url }))?;
        let attach = json!({ "targetId": created["targetId"], "flatten": true });
        let attached: Value = raw.call("Target.attachToTarget", &attach)?;
        raw.session = attached["sessionId"].as_str().map(str::to_owned);
        Ok(raw)
    }

    /// Makes one call and decodes its result.
    pub fn call<T: serde::de::DeserializeOwned>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> anyhow::Result<T> {
        let result = self.call_raw(method, params)?;
        Ok(serde_json::from_str(result)?)
    }

    /// Makes one call and leaves its result as it came: the least that any client must do.
    pub fn call_raw(&mut self, method: &str, params: &Value) -> anyhow::Result<&str> {
        let id = self.next;
        self.next += 1;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.to.write_all(&bytes)?;
        loop {
            self.line.clear();
            self.from.read_until(0, &mut self.line)?;
            let text = self.line.strip_suffix(&[0]).context("chromium ended")?;
            let envelope: Envelope<'_> = serde_json::from_slice(text)?;
            if envelope.id == Some(id) {
                break;
            }
        }
        // Read again from the kept line: a borrow can't leave the loop above.
        let text = self.line.strip_suffix(&[0]).context("chromium ended")?;
        let envelope: Envelope<'_> = serde_json::from_slice(text)?;
        match (envelope.result, envelope.error) {
            (Some(result), None) => Ok(result.get()),
            (_, error) => bail!("{method}: {error:?}"),
        }
    }

    /// Evaluates an expression in the page.
    pub fn evaluate(&mut self, expression: &str) -> anyhow::Result<Value> {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer: Value = self.call("Runtime.evaluate", &params)?;
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until the page has loaded.
    pub fn wait_loaded(&mut self, title: &str) -> anyhow::Result<()> {
        let expression =
            format!("document.readyState === 'complete' && document.title === '{title}'");
        while self.evaluate(&expression)? != true {}
        Ok(())
    }
}

/// `browserd mcp`, and us writing lines of JSON to it.
pub struct Mcp {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    next: u32,
    line: String,
}

impl Mcp {
    /// Starts it and shakes hands.
    pub fn start(harness: &Harness) -> anyhow::Result<Self> {
        let mut command = harness.command(&["mcp"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = process::spawn(&mut command)?;
        let to = child.stdin.take();
        let from = child.stdout.take().context("its output is a pipe")?;
        let from = BufReader::with_capacity(256 << 10, from);
        let mut mcp = Self {
            child,
            to,
            from,
            next: 1,
            line: String::new(),
        };
        let client = json!({ "name": "bench", "version": "1" });
        let hello =
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        mcp.request("initialize", &hello)?;
        mcp.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(mcp)
    }

    /// Calls a tool and returns its structured content.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> anyhow::Result<Value> {
        let params = json!({ "name": tool, "arguments": arguments });
        let mut answer = self.request("tools/call", &params)?;
        if answer["result"]["isError"] == true || !answer["error"].is_null() {
            bail!("{tool}: {answer}");
        }
        Ok(answer["result"]["structuredContent"].take())
    }

    /// Sends a request and reads lines until its answer has come.
    pub fn request(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let id = self.next;
        self.next += 1;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            self.line.clear();
            if self.from.read_line(&mut self.line)? == 0 {
                bail!("browserd mcp ended");
            }
            let message: Value = serde_json::from_str(&self.line)?;
            if message["id"] == id {
                return Ok(message);
            }
        }
    }

    fn write(&mut self, message: &Value) -> anyhow::Result<()> {
        let mut bytes = serde_json::to_vec(message)?;
        bytes.push(b'\n');
        self.to
            .as_mut()
            .context("its input is open")?
            .write_all(&bytes)?;
        Ok(())
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        self.to = None;
        if let Err(err) = self.child.wait() {
            eprintln!("browserd mcp can't be waited for: {err}");
        }
        process::forget(self.child.id());
    }
}

//! An agent at work in one session, through whichever door it has.

use serde_json::{Value, json};

use super::{Http, Mcp, SOON};
use crate::process;
use crate::site::{PASSWORD, Site, USER};

/// What an operation was refused with: the error object of REQUIREMENTS.
#[derive(Clone, Debug)]
pub struct Refusal(pub Value);

impl Refusal {
    /// Returns the error's code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }
}

/// A way to call operations.
pub trait Door {
    /// Calls one operation with flat arguments.
    ///
    /// # Errors
    /// What it was refused with.
    fn call(&mut self, operation: &str, arguments: Value) -> Result<Value, Refusal>;
}

impl Door for Mcp {
    fn call(&mut self, operation: &str, arguments: Value) -> Result<Value, Refusal> {
        Mcp::call(self, operation, arguments)
    }
}

impl Door for Http {
    fn call(&mut self, operation: &str, mut arguments: Value) -> Result<Value, Refusal> {
        let session = arguments["session_id"].as_str().map(str::to_owned);
        if let Some(map) = arguments.as_object_mut() {
            map.remove("session_id");
        }
        let session = session.unwrap_or_default();
        let answer = match operation {
            "open_session" => self.post("/v1/sessions", &arguments),
            "list_sessions" => self.get("/v1/sessions"),
            "get_session" => self.get(&format!("/v1/sessions/{session}")),
            "close_session" => self.delete(&format!("/v1/sessions/{session}")),
            "resume_session" => self.post(&format!("/v1/sessions/{session}/resume"), &arguments),
            "list_tabs" => self.get(&format!("/v1/sessions/{session}/tabs")),
            other => self.post(&format!("/v1/sessions/{session}/{other}"), &arguments),
        };
        let answer = answer.unwrap_or_else(|err| panic!("{operation}: the daemon is away: {err}"));
        if answer.status < 300 {
            Ok(answer.body)
        } else {
            Err(Refusal(answer.body))
        }
    }
}

/// An agent in one session.
#[derive(Debug)]
pub struct Agent<D> {
    /// Its way in.
    pub door: D,
    /// The session's id.
    pub session: String,
    /// What opening the session answered.
    pub opened: Value,
}

impl<D: Door> Agent<D> {
    /// Opens a session, under `key` if one is given, at `url`.
    #[must_use]
    pub fn open(door: D, key: Option<&str>, url: &str) -> Self {
        Self::open_with(door, json!({ "key": key, "url": url }))
    }

    /// Opens a session with the given arguments; those that are null are left out.
    #[must_use]
    pub fn open_with(mut door: D, mut arguments: Value) -> Self {
        if let Some(map) = arguments.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        let opened = door
            .call("open_session", arguments)
            .unwrap_or_else(|refusal| panic!("open_session: {refusal:?}"));
        let session = opened["session_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id: {opened}"));
        Self {
            door,
            session: session.to_owned(),
            opened: opened.clone(),
        }
    }

    /// Calls an operation on the session.
    ///
    /// # Errors
    /// What it was refused with.
    pub fn attempt(&mut self, operation: &str, mut arguments: Value) -> Result<Value, Refusal> {
        arguments["session_id"] = json!(self.session);
        self.door.call(operation, arguments)
    }

    /// Calls an operation on the session that must succeed.
    pub fn call(&mut self, operation: &str, arguments: Value) -> Value {
        let told = format!("{operation} {arguments}");
        self.attempt(operation, arguments)
            .unwrap_or_else(|refusal| panic!("{told}: {refusal:?}"))
    }

    /// Calls an operation on the session that must be refused, and returns with what code.
    pub fn refused(&mut self, operation: &str, arguments: Value) -> Refusal {
        let told = format!("{operation} {arguments}");
        match self.attempt(operation, arguments) {
            Ok(answer) => panic!("{told} was not refused: {answer}"),
            Err(refusal) => refusal,
        }
    }

    /// Takes a snapshot and returns its text.
    pub fn snapshot(&mut self) -> String {
        let answer = self.call("snapshot", json!({}));
        answer["snapshot"]
            .as_str()
            .unwrap_or_else(|| panic!("no snapshot: {answer}"))
            .to_owned()
    }

    /// Returns the ref of the element that the snapshot shows as `role "name"`.
    pub fn find(&mut self, what: &str) -> String {
        let snapshot = self.snapshot();
        reference(&snapshot, what).unwrap_or_else(|| panic!("no {what} in:\n{snapshot}"))
    }

    /// Clicks the element that the snapshot shows as `role "name"`.
    pub fn click(&mut self, what: &str) -> Value {
        let target = self.find(what);
        self.call("interact", json!({ "action": "click", "ref": target }))
    }

    /// Fills the element that the snapshot shows as `role "name"`.
    pub fn fill(&mut self, what: &str, text: &str) -> Value {
        let target = self.find(what);
        self.call(
            "interact",
            json!({ "action": "fill", "ref": target, "text": text }),
        )
    }

    /// Evaluates an expression and returns its value.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        self.call("evaluate", json!({ "expression": expression }))["value"].clone()
    }

    /// Takes a snapshot that must show `text`, and returns the whole answer.
    pub fn expect_text(&mut self, text: &str) -> Value {
        let answer = self.call("snapshot", json!({}));
        let shown = answer["snapshot"]
            .as_str()
            .is_some_and(|snapshot| snapshot.contains(text));
        assert!(shown, "{text:?} is not in the snapshot: {answer}");
        answer
    }

    /// Logs in to the test site, as a person would, and waits for its home page.
    pub fn log_in(&mut self, site: &Site) {
        self.call("navigate", json!({ "url": site.url("/login") }));
        self.fill("textbox \"User\"", USER);
        self.fill("textbox \"Password\"", PASSWORD);
        self.click("button \"Log in\"");
        self.call("wait_for", json!({ "text": "Hello, ada" }));
    }

    /// Returns the session as `get_session` tells it.
    pub fn show(&mut self) -> Value {
        self.call("get_session", json!({}))
    }

    /// Returns the id of the session's newest checkpoint, if it has one.
    pub fn checkpoint(&mut self) -> Option<String> {
        self.show()["checkpoint"]["id"].as_str().map(str::to_owned)
    }

    /// Does `work` and waits until the session has another checkpoint than before.
    pub fn until_checkpointed(&mut self, work: impl FnOnce(&mut Self)) -> String {
        let before = self.checkpoint();
        work(self);
        self.wait_checkpoint(before.as_deref())
    }

    /// Waits until the session's newest checkpoint is another than `before`.
    pub fn wait_checkpoint(&mut self, before: Option<&str>) -> String {
        let mut now = None;
        let changed = process::until(SOON, || {
            now = self.checkpoint();
            now.is_some() && now.as_deref() != before
        });
        assert!(changed, "no checkpoint after {before:?} in {SOON:?}");
        now.expect("it changed to something")
    }

    /// Waits until everything up to now is in a checkpoint.
    ///
    /// Captures follow changes within a second, so what is younger may be lost by right. Two
    /// changes of our own: the capture of the second was begun after the first was published.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            self.until_checkpointed(|agent| {
                // A new mark each time: one that a restore brought back would be no change.
                agent.evaluate("sessionStorage.setItem('settled', crypto.randomUUID())");
            });
        }
        self.evaluate("sessionStorage.removeItem('settled')");
    }

    /// Reads from the page, so that a loss just caused has been noticed.
    ///
    /// A call that changes the page may be sent in the moment before the daemon hears of its
    /// browser's death, and is then rightly of unknown outcome; a read is repeated by browserd.
    pub fn notice(&mut self) -> Value {
        self.call("snapshot", json!({}))
    }

    /// Waits until the session is in `state`.
    pub fn wait_state(&mut self, state: &str) -> Value {
        let mut shown = Value::Null;
        let reached = process::until(SOON, || {
            shown = self.show();
            shown["state"] == state
        });
        assert!(reached, "the session doesn't become {state}: {shown}");
        shown
    }

    /// Closes the session.
    pub fn close(&mut self) -> Value {
        self.call("close_session", json!({}))
    }
}

/// Finds the ref on the snapshot line that shows `what`, such as `button "Log in"`.
#[must_use]
pub fn reference(snapshot: &str, what: &str) -> Option<String> {
    let line = snapshot
        .lines()
        .find(|line| line.trim_start().trim_start_matches("- ").starts_with(what))?;
    let word = line[line.find(what)? + what.len()..]
        .split_whitespace()
        .find(|word| word.starts_with("@e"))?;
    Some(
        word.trim_end_matches(|last: char| !last.is_ascii_digit())
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_found_by_role_and_name() {
        let snapshot = "main\n  textbox \"User\" @e3\n  button \"Log in\" @e12 [disabled]\n";
        assert_eq!(
            reference(snapshot, "button \"Log in\"").as_deref(),
            Some("@e12")
        );
        assert_eq!(
            reference(snapshot, "textbox \"User\"").as_deref(),
            Some("@e3")
        );
        assert_eq!(reference(snapshot, "link"), None);
    }
}

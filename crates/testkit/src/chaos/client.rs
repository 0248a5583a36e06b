//! A client that knows what became of each of its calls, through three doors.
//!
//! Over HTTP it sends its own call ids and looks a cut-off call up in the journal; behind
//! `browserd mcp` that is done for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::CallId;
use serde_json::{Value, json};

use crate::harness::{Harness, Http, Mcp};

/// What became of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was done once.
    Done(Value),
    /// Nothing of it was begun; why.
    NotStarted(Value),
    /// It was done once or never; why that isn't known.
    Unknown(Value),
}

/// How long a cut-off call may be looked for.
const LOOK_UP: Duration = Duration::from_secs(60);

/// A way in.
pub enum Client {
    /// HTTP on the unix socket.
    Unix(Http),
    /// HTTP on loopback with the token.
    Tcp(Http, PathBuf),
    /// A `browserd mcp` child.
    Mcp(Box<Mcp>),
}

impl Client {
    /// Returns the door whose turn it is: of every three clients each has another one.
    #[must_use]
    pub fn of_turn(harness: &Harness, turn: usize) -> Self {
        match turn % 3 {
            0 => Self::Unix(harness.unix_http()),
            1 => Self::Tcp(harness.unix_http(), harness.home()),
            _ => {
                let mut mcp = harness.mcp();
                mcp.limit = Duration::from_secs(150);
                Self::Mcp(Box::new(mcp))
            }
        }
    }

    /// Returns the door's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(..) => "tcp",
            Self::Mcp(_) => "mcp",
        }
    }

    /// Calls an operation and finds out what became of it.
    pub fn call(&mut self, operation: &str, arguments: Value) -> Outcome {
        match self {
            Self::Mcp(mcp) => match mcp.call(operation, arguments) {
                Ok(answer) => Outcome::Done(answer),
                Err(refusal) => refused(refusal.0),
            },
            Self::Unix(http) => over_http(http, http, operation, &arguments),
            Self::Tcp(unix, home) => match loopback(unix, home) {
                Some(tcp) => over_http(&tcp, unix, operation, &arguments),
                None => Outcome::NotStarted(json!({ "code": "no_daemon" })),
            },
        }
    }
}

fn loopback(unix: &Http, home: &Path) -> Option<Http> {
    let status = unix.get("/v1/status").ok()?.body;
    let address = status["http_url"]
        .as_str()?
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let token = std::fs::read_to_string(home.join("token")).ok()?;
    Some(Http::tcp(address, Some(token.trim())))
}

fn over_http(to: &Http, unix: &Http, operation: &str, arguments: &Value) -> Outcome {
    let call = CallId::new().to_string();
    let body = arguments.to_string();
    let headers = [("browserd-call-id", call.as_str())];
    let path = format!("/v1/operations/{operation}");
    match to.send_with("POST", &path, &headers, Some(body.as_bytes())) {
        Ok(answer) if answer.status < 300 => Outcome::Done(answer.body),
        Ok(answer) => refused(answer.body),
        // Nobody listens: no byte of it was read.
        Err(err)
            if matches!(
                err.kind(),
                std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound
            ) =>
        {
            Outcome::NotStarted(json!({ "code": "no_daemon", "message": err.to_string() }))
        }
        Err(err) => look_up(unix, &call, &err.to_string()),
    }
}

/// Asks the journal of the next daemon until it knows how a call ended.
pub fn look_up(unix: &Http, call: &str, why: &str) -> Outcome {
    let end = Instant::now() + LOOK_UP;
    let mut last = Value::Null;
    while Instant::now() < end {
        if let Ok(answer) = unix.get(&format!("/v1/calls/{call}")) {
            last = answer.body;
            match last["state"].as_str() {
                Some("done") => return Outcome::Done(last["outcome"]["answer"].clone()),
                Some("not_started") => {
                    return Outcome::NotStarted(json!({ "code": "cut", "message": why }));
                }
                Some("unknown") => {
                    return Outcome::Unknown(json!({ "code": "outcome_unknown", "journal": last }));
                }
                Some("failed") => return refused(last["outcome"]["error"].clone()),
                _ => {}
            }
        }
        // Nothing tells a client that a daemon is back, or that it has settled a call.
        std::thread::sleep(Duration::from_millis(20));
    }
    Outcome::Unknown(json!({ "code": "never_settled", "call": call, "journal": last }))
}

fn refused(error: Value) -> Outcome {
    match error["retry"].as_str() {
        Some("check_first") | None => Outcome::Unknown(error),
        Some(_) => Outcome::NotStarted(error),
    }
}

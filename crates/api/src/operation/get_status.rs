//! `get_status`: what runs, and where.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `get_status`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetStatus {}

impl Operation for GetStatus {
    const NAME: &'static str = "get_status";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "The daemon's version, addresses, sessions and limits.";
    const ROUTE: Route = Route::get("/v1/status");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{}"#];
    type Output = DaemonStatus;
}

/// Answer of `get_status`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DaemonStatus {
    /// The daemon's version.
    pub version: String,
    /// True: a daemon answered.
    pub running: bool,
    /// Its process id.
    pub pid: u32,
    /// Where it serves HTTP; null if it doesn't.
    pub http_url: Option<String>,
    /// Its unix socket.
    pub socket: String,
    /// The folder that holds its state.
    pub home: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// How many sessions there are that aren't closed.
    pub sessions: u64,
    /// How many there are in each state.
    pub sessions_by_state: BTreeMap<String, u64>,
    /// Calls running now.
    pub calls: u64,
    /// The limits in force.
    pub limits: Limits,
}

/// The limits in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Sessions that may hold a browser at one time.
    pub max_sessions: u64,
    /// Calls that may run at one time.
    pub max_calls: u64,
    /// The largest body a request may have.
    pub max_body_bytes: u64,
    /// The time a call has unless it asks for another.
    pub call_limit_ms: u64,
}

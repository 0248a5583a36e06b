//! `keepalive`: counts as a use of a session, and may give it limits of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route, Session};

/// Arguments of `keepalive`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Keepalive {
    /// Session id or key
    pub session_id: String,
    /// Park it after so much time without a call; 0 for never
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
    /// Close it when it has held a browser for so long; 0 for never
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime_ms: Option<u64>,
}

impl Operation for Keepalive {
    const NAME: &'static str = "keepalive";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str =
        "Counts as a use of a session, so that it isn't parked; tells when it would be.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/keepalive");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "idle_timeout_ms": 3600000}"#];
    type Output = Session;
}

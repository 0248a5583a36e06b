//! `close_session`: closes a session and ends its browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route, Session};

/// Arguments of `close_session`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CloseSession {
    /// Session id or key
    pub session_id: String,
}

impl Operation for CloseSession {
    const NAME: &'static str = "close_session";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Closes a session. A last checkpoint is kept.";
    const ROUTE: Route = Route::delete("/v1/sessions/{session_id}");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = Session;
}

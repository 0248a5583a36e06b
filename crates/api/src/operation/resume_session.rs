//! `resume_session`: brings a session back from its checkpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, OpenedSession, Operation, Route};

/// Arguments of `resume_session`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ResumeSession {
    /// Session id or key
    pub session_id: String,
    /// Checkpoint
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<String>,
}

impl Operation for ResumeSession {
    const NAME: &'static str = "resume_session";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str =
        "Brings a parked, stale, failed or closed session back from its last checkpoint.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/resume");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = OpenedSession;
}

//! `list_session_checkpoints`: lists the checkpoints of a session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, Operation, Route};

/// Arguments of `list_session_checkpoints`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListSessionCheckpoints {
    /// Session id or key
    pub session_id: String,
}

impl Operation for ListSessionCheckpoints {
    const NAME: &'static str = "list_session_checkpoints";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Lists the session's checkpoints, newest first.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/checkpoints");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = Checkpoints;
}

/// Answer of `list_session_checkpoints`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoints {
    /// The newest first.
    pub checkpoints: Vec<Checkpoint>,
    /// The session's id.
    pub session_id: String,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
}

//! `delete_session_checkpoint`: removes one of a session's checkpoints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, LatestCheckpoint, Operation, Route};

/// Arguments of `delete_session_checkpoint`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteSessionCheckpoint {
    /// Session id or key
    pub session_id: String,
    /// The checkpoint
    pub checkpoint_id: String,
    /// Also if a session without a browser comes back to an older one then
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

impl Operation for DeleteSessionCheckpoint {
    const NAME: &'static str = "delete_session_checkpoint";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Deletes a checkpoint. A live session is captured first if it would come back to that one; the last one of a session at rest stays.";
    const ROUTE: Route = Route::delete("/v1/sessions/{session_id}/checkpoints/{checkpoint_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "checkpoint_id": "c_01j9zq4m7hxk2v5t8w3n6r1p0c"}"#];
    type Output = DeletedCheckpoint;
}

/// Answer of `delete_session_checkpoint`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedCheckpoint {
    /// What was deleted.
    pub deleted: Checkpoint,
    /// The checkpoint the session would come back to now.
    pub checkpoint: Option<LatestCheckpoint>,
    /// The session's id.
    pub session_id: String,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
}

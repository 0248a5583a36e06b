//! `save_session_checkpoint`: takes a checkpoint that is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, InTab, Operation, Route};

/// Arguments of `save_session_checkpoint`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SaveSessionCheckpoint {
    /// Session id or key
    pub session_id: String,
    /// Name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Operation for SaveSessionCheckpoint {
    const NAME: &'static str = "save_session_checkpoint";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Saves a checkpoint of the whole session: logins, storage, tabs.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/checkpoints");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "name": "logged in"}"#];
    type Output = InTab<SavedCheckpoint>;
}

/// The checkpoint that was taken.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SavedCheckpoint {
    /// It.
    pub checkpoint: Checkpoint,
}

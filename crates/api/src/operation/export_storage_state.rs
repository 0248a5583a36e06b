//! `export_storage_state`: gives what of a checkpoint Playwright can take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Checkpoint, Effect, Operation, Route};

/// Arguments of `export_storage_state`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportStorageState {
    /// Session id or key
    pub session_id: String,
    /// The checkpoint; without it what the session is now
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<String>,
}

impl Operation for ExportStorageState {
    const NAME: &'static str = "export_storage_state";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Gives cookies, localStorage and IndexedDB as Playwright's storageState, and says what has no place in it.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/storage_state");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = ExportedStorageState;
}

/// Answer of `export_storage_state`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportedStorageState {
    /// The document, as Playwright reads it. It is not sealed.
    pub storage_state: Value,
    /// What of the checkpoint has no place in it.
    pub left_out: Vec<String>,
    /// The checkpoint it is from.
    pub checkpoint: Checkpoint,
    /// The session's id.
    pub session_id: String,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
}

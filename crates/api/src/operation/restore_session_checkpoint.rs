//! `restore_session_checkpoint`: makes a session what one of its checkpoints says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, Operation, Route, Session};

/// Arguments of `restore_session_checkpoint`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoreSessionCheckpoint {
    /// Session id or key
    pub session_id: String,
    /// The checkpoint; without it the newest kept one that isn't damaged
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<String>,
}

impl Operation for RestoreSessionCheckpoint {
    const NAME: &'static str = "restore_session_checkpoint";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Makes the session what a kept checkpoint says. What it is now is kept first, as \"Autosave · before restore\".";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/restore");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1"}"#,
        r#"{"session_id": "shop:1", "checkpoint_id": "c_01j9zq4m7hxk2v5t8w3n6r1p0c"}"#,
    ];
    type Output = RestoredSession;
}

/// Answer of `restore_session_checkpoint`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoredSession {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// The checkpoint it was restored from.
    pub restored_from: Checkpoint,
    /// Newer ones that are damaged and were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

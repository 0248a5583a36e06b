//! `export_checkpoint`: gives a checkpoint as one file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, Operation, Passphrase, Route};

/// Arguments of `export_checkpoint`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportCheckpoint {
    /// Session id or key
    pub session_id: String,
    /// The checkpoint; without it what the session is now
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<String>,
    /// What the file is sealed under; at least 8 characters
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Passphrase>,
    /// Instead of a passphrase: leave it unsealed. Whoever has the file has every login in it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsealed: Option<bool>,
}

impl Operation for ExportCheckpoint {
    const NAME: &'static str = "export_checkpoint";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Gives a checkpoint as one file, sealed under a passphrase.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/export");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "passphrase": "correct horse battery"}"#];
    type Output = ExportedCheckpoint;
}

/// Answer of `export_checkpoint`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportedCheckpoint {
    /// The file, in base64.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is sealed under the passphrase.
    pub sealed: bool,
    /// What to know about a file that isn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The checkpoint in it.
    pub checkpoint: Checkpoint,
    /// The session's id.
    pub session_id: String,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
}

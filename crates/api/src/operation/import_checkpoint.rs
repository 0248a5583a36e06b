//! `import_checkpoint`: makes a session, or a checkpoint of one, from a file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, Operation, Passphrase, Route, Session};

/// Arguments of `import_checkpoint`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportCheckpoint {
    /// The file, in base64
    pub file: String,
    /// What it is sealed under
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Passphrase>,
    /// The file isn't sealed, and you trust whoever had it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsealed: Option<bool>,
    /// Add it to the checkpoints of this session instead of making a new one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Your name for the new session
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Labels of the new session; without them those in the file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

impl Operation for ImportCheckpoint {
    const NAME: &'static str = "import_checkpoint";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Makes a new session from a file of export_checkpoint; its first call brings it up. With session_id: adds it to that session's checkpoints.";
    const ROUTE: Route = Route::post("/v1/import");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"file": "QlJXREZJTEU=", "passphrase": "correct horse battery", "key": "shop:2"}"#];
    type Output = ImportedCheckpoint;
}

/// Answer of `import_checkpoint`: the session, and the checkpoint it has now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportedCheckpoint {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// The checkpoint that came from the file, if it was added to a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Checkpoint>,
}

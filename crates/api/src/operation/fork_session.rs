//! `fork_session`: makes a new session from a checkpoint of another one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Effect, Operation, Route, Session};

/// Arguments of `fork_session`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForkSession {
    /// Session id or key
    pub session_id: String,
    /// The checkpoint; without it what the session is now
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<String>,
    /// Your name for the new session
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Labels of the new session; without them those of the old one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

impl Operation for ForkSession {
    const NAME: &'static str = "fork_session";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Makes a new session that starts out as this one is, or as one of its checkpoints says. It is at rest; its first call brings it up.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/fork");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "key": "shop:2"}"#,
        r#"{"session_id": "shop:1", "checkpoint_id": "c_01j9zq4m7hxk2v5t8w3n6r1p0c"}"#,
    ];
    type Output = ForkedSession;
}

/// Answer of `fork_session`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForkedSession {
    /// The new session.
    #[serde(flatten)]
    pub session: Session,
    /// The session it was made from.
    pub forked_from: String,
    /// The checkpoint it was made from.
    pub from_checkpoint: Checkpoint,
    /// Newer ones that are damaged and were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

//! `add_script`: adds an init script.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Script};

/// Arguments of `add_script`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddScript {
    /// Session id or key
    pub session_id: String,
    /// Its text, at most 20480 bytes
    pub source: String,
    /// What it is for
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Operation for AddScript {
    const NAME: &'static str = "add_script";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Has a script run in every document of the session before the document's own scripts, in every frame; it survives navigation, recovery and resume.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/scripts");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "source": "window.quiet = true", "name": "quiet"}"#];
    type Output = InTab<Script>;
}

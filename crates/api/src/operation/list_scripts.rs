//! `list_scripts`: lists init scripts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Script};

/// Arguments of `list_scripts`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListScripts {
    /// Session id or key
    pub session_id: String,
    /// Show their texts, too
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_source: Option<bool>,
}

impl Operation for ListScripts {
    const NAME: &'static str = "list_scripts";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Lists the session's init scripts in the order they run.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/scripts");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = InTab<Scripts>;
}

/// The init scripts of a session.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Scripts {
    /// In the order they run.
    pub scripts: Vec<Script>,
}

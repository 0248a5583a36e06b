//! `snapshot`: the page as text for a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `snapshot`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Only what can be used
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactive_only: Option<bool>,
    /// Levels shown
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u32>,
    /// CSS selector: only this part
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Cut the text there
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

impl Operation for Snapshot {
    const NAME: &'static str = "snapshot";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "The page as compact text: roles, names, states, and refs (@e1) to use in interact. Take one before acting and after the page changed.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/snapshot");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1"}"#,
        r#"{"session_id": "shop:1", "interactive_only": true, "max_bytes": 8000}"#,
    ];
    const LATER: &'static [&'static str] = &["diff", "since", "frame", "format"];
    type Output = InTab<Shot>;
}

/// The page as text.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Shot {
    /// One node a line: `role "name" @e1 [state, …]`.
    pub snapshot: String,
    /// The page's URL.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// Whether the text was cut at `max_bytes`.
    pub truncated: bool,
}

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
    /// Only what changed since the last one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<bool>,
    /// Only what changed since the snapshot of this snapshot_id
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Ref: only this part
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
    /// Also what is not drawn, marked hidden
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Where links lead, shortened
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<bool>,
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
        r#"{"session_id": "shop:1", "diff": true}"#,
        r#"{"session_id": "shop:1", "ref": "@e7", "urls": true, "hidden": true}"#,
    ];
    const LATER: &'static [&'static str] = &["frame", "format"];
    const UNLISTED: &'static [&'static str] = &["since", "ref", "hidden", "urls"];
    type Output = InTab<Shot>;
}

/// The page as text.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Shot {
    /// One node a line: `role "name" @e1 [state, …]`. With `since` what changed: `+` is there now,
    /// `~` is so now, `-` is gone with all that was in it.
    pub snapshot: String,
    /// Its number in the tab, for `since` of a later one.
    pub snapshot_id: u64,
    /// The snapshot that this tells the changes since; absent if it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The page's URL.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// Whether the text was cut at `max_bytes`.
    pub truncated: bool,
}

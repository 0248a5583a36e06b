//! `close_tab`: closes a tab.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `close_tab`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CloseTab {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
}

impl Operation for CloseTab {
    const NAME: &'static str = "close_tab";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Closes a tab.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/close_tab");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "tab_id": "t2"}"#];
    type Output = InTab<ClosedTab>;
}

/// What `close_tab` says.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClosedTab {
    /// True: it is gone, and its id with it.
    pub closed: bool,
}

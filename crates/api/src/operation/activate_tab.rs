//! `activate_tab`: makes a tab the active one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, TabFields};

/// Arguments of `activate_tab`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ActivateTab {
    /// Session id or key
    pub session_id: String,
    /// Tab
    pub tab_id: String,
}

impl Operation for ActivateTab {
    const NAME: &'static str = "activate_tab";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Makes a tab the one that calls without a tab_id mean.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/activate_tab");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "tab_id": "t1"}"#];
    type Output = InTab<TabFields>;
}

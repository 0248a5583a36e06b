//! `new_tab`: opens a tab.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `new_tab`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewTab {
    /// Session id or key
    pub session_id: String,
    /// URL to open
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Operation for NewTab {
    const NAME: &'static str = "new_tab";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Opens a tab and makes it the active one.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/new_tab");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "url": "https://example.org/"}"#];
    type Output = InTab<TabFields>;
}

/// A tab, beside whose fields its `tab_id` stands already.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TabFields {
    /// The same as `tab_id`.
    pub target_id: String,
    /// Its URL.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether calls without a `tab_id` mean it.
    pub active: bool,
}

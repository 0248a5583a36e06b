//! `navigate`: opens a URL in a tab.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, View};

/// Arguments of `navigate`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Navigate {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// URL
    pub url: String,
    /// Return one after it: diff or full
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

impl Operation for Navigate {
    const NAME: &'static str = "navigate";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Opens a URL in the tab and waits until it has loaded.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/navigate");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "url": "https://example.org/"}"#];
    const LATER: &'static [&'static str] = &["wait_until", "referer"];
    type Output = InTab<Navigated>;
}

/// Where `navigate` came to.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Navigated {
    /// The URL after redirects.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// The HTTP status of the document, if there was one.
    pub http_status: Option<u16>,
    /// The page after it, if `snapshot` asked for that.
    #[serde(flatten)]
    pub view: View,
}

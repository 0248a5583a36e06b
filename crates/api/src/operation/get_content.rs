//! `get_content`: the text, main content, links or HTML of a page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `get_content`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetContent {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// markdown (main content), text, html or links
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// CSS selector: only this part
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Cut it there
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

impl Operation for GetContent {
    const NAME: &'static str = "get_content";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "The page's text, its main content, links or HTML.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/get_content");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1"}"#,
        r#"{"session_id": "shop:1", "format": "markdown"}"#,
        r#"{"session_id": "shop:1", "format": "html", "selector": "main", "max_bytes": 20000}"#,
    ];
    const UNLISTED: &'static [&'static str] = &["selector", "max_bytes"];
    type Output = InTab<Content>;
}

/// The page's content.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// The text, Markdown, links or HTML.
    pub content: String,
    /// Whether it was cut, being too large.
    pub truncated: bool,
    /// The page's URL.
    pub url: String,
    /// The page's title.
    pub title: String,
}

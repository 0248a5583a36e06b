//! `wait_for`: waits until something holds on the page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Download, Effect, InTab, Operation, Route, Target};

/// Arguments of `wait_for`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaitFor {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// The element
    #[serde(flatten)]
    pub target: Target,
    /// With an element: visible, hidden, attached or detached
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// With selector: until it is hidden
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Text on the page
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Substring, or pattern with *
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Load state
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
    /// The same as load = networkidle
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_idle: Option<bool>,
    /// JS that becomes truthy
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// A download that is complete: its id, a part or pattern of its name, or * for any
    #[serde(
        default,
        deserialize_with = "text_or_flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub download: Option<String>,
    /// Time; beside a condition its limit
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Limit
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl Operation for WaitFor {
    const NAME: &'static str = "wait_for";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Waits for one condition: selector, text, url (substring or pattern), load (load, domcontentloaded, networkidle), function (JS), or just ms.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/wait_for");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "text": "Welcome"}"#,
        r#"{"session_id": "shop:1", "selector": ".done", "timeout_ms": 5000}"#,
        r#"{"session_id": "shop:1", "ms": 500}"#,
    ];
    const UNLISTED: &'static [&'static str] = &[
        "ref",
        "xpath",
        "role",
        "name",
        "label",
        "placeholder",
        "test_id",
        "nth",
        "state",
        "network_idle",
        "download",
    ];
    type Output = InTab<Waited>;
}

/// Takes `true` for any download, as a text.
fn text_or_flag<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Flag(bool),
    }
    Ok(match Option::<Given>::deserialize(from)? {
        Some(Given::Text(text)) => Some(text),
        Some(Given::Flag(true)) => Some("*".to_owned()),
        Some(Given::Flag(false)) | None => None,
    })
}

/// Where the page was when the condition held.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Waited {
    /// The page's URL.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// The download that was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
}

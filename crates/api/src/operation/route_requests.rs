//! `route`: blocks, answers or changes requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, RouteAction, RouteShown};

/// Arguments of `route`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RouteRequests {
    /// Session id or key
    pub session_id: String,
    /// URL; `*` is any text, `?` one character, `\\` takes the next one as it is
    pub url: String,
    /// Only this method
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only this kind: document, stylesheet, image, media, font, script, xhr, fetch, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What is done
    pub action: RouteAction,
    /// Status of the answer; 200 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers of the answer, or those that are added to the request
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Headers that are taken from the request
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_headers: Option<Vec<String>>,
    /// Body of the answer, as text
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Body of the answer, in base64
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

impl Operation for RouteRequests {
    const NAME: &'static str = "route";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Blocks, answers or changes the session's requests to a URL pattern. The first route that matches counts.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/routes");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "url": "*/ads/*", "action": "block"}"#];
    type Output = InTab<RouteShown>;
}

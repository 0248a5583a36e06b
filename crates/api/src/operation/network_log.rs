//! `network_log`: shows what pages asked for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `network_log`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NetworkLog {
    /// Session id or key
    pub session_id: String,
    /// Only this tab
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Only URLs with this text, or that match it if it has a `*`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Only this method
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only this status: `404`, `4xx`, or `failed`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Only this kind: document, xhr, fetch, script, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Only of the last so many milliseconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// At most so many, the newest; 50 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// With headers
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_headers: Option<bool>,
    /// With bodies, of those that were recorded (record_bodies)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_bodies: Option<bool>,
}

impl Operation for NetworkLog {
    const NAME: &'static str = "network_log";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Shows the requests of the session's pages, newest last. Cookies, authorization and tokens are taken out.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/network");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "status": "4xx"}"#];
    type Output = InTab<NetworkEntries>;
}

/// What pages asked for.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NetworkEntries {
    /// Oldest first.
    pub requests: Vec<NetworkEntry>,
    /// How many older ones were dropped: 1,000, 4 MiB and an hour are kept.
    pub dropped: u64,
}

/// A request of a page, and what came of it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NetworkEntry {
    /// When it was made.
    pub at: String,
    /// In which tab.
    pub tab_id: String,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The kind of resource.
    pub resource: String,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The kind of content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mime_type: String,
    /// How much came over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Headers of the request, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<BTreeMap<String, String>>,
    /// Headers of the response, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<BTreeMap<String, String>>,
    /// The response's body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The response's body in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

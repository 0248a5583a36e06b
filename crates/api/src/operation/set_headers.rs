//! `set_headers`: adds headers to requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Settings};

/// Arguments of `set_headers`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetHeaders {
    /// Session id or key
    pub session_id: String,
    /// By name
    pub headers: BTreeMap<String, String>,
    /// Where they go to, such as `https://example.org`; `*` for everywhere
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Operation for SetHeaders {
    const NAME: &'static str = "set_headers";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Adds headers to every request the session makes to an origin: that of the active tab unless another is named. They replace those set for it before; none takes them away.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/set_headers");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "headers": {"x-tenant": "7"}, "origin": "https://example.org"}"#,
    ];
    type Output = InTab<Settings>;
}

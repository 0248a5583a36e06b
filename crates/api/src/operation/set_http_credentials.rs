//! `set_http_credentials`: says what is told to a site that asks who is there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Settings};

/// Arguments of `set_http_credentials`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetHttpCredentials {
    /// Session id or key
    pub session_id: String,
    /// The name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Which origin; that of the active tab if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Operation for SetHttpCredentials {
    const NAME: &'static str = "set_http_credentials";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Says what is told to an origin that asks for a name and password (HTTP authentication); without a username nothing any more.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/set_http_credentials");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "username": "ada", "password": "engine", "origin": "https://example.org"}"#,
    ];
    type Output = InTab<Settings>;
}

//! `export_har`: returns requests as HAR.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `export_har`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExportHar {
    /// Session id or key
    pub session_id: String,
    /// Only this tab
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Only URLs with this text, or that match it if it has a `*`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// With bodies, of those that were recorded (record_bodies)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_bodies: Option<bool>,
}

impl Operation for ExportHar {
    const NAME: &'static str = "export_har";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Returns the requests of the session's pages as HAR 1.2, without cookies, authorization and tokens.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/har");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = InTab<Har>;
}

/// Requests as HAR.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Har {
    /// HAR 1.2: `{log: {version, creator, entries}}`.
    pub har: serde_json::Value,
}

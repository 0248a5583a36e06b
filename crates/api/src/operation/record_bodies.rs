//! `record_bodies`: has bodies of responses recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Settings};

/// Arguments of `record_bodies`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordBodies {
    /// Session id or key
    pub session_id: String,
    /// Whether they are
    pub on: bool,
}

impl Operation for RecordBodies {
    const NAME: &'static str = "record_bodies";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Has the bodies of the session's responses recorded, for network_log and export_har, or no longer.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/record_bodies");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "on": true}"#];
    type Output = InTab<Settings>;
}

//! `get_settings`: shows what the session was told to be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Settings};

/// Arguments of `get_settings`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetSettings {
    /// Session id or key
    pub session_id: String,
}

impl Operation for GetSettings {
    const NAME: &'static str = "get_settings";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str =
        "Shows what the session was told to be; secrets only as being set.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/settings");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = InTab<Settings>;
}

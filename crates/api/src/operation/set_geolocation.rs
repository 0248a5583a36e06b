//! `set_geolocation`: sets where the browser is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Settings};

/// Arguments of `set_geolocation`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetGeolocation {
    /// Session id or key
    pub session_id: String,
    /// In degrees
    pub latitude: f64,
    /// In degrees
    pub longitude: f64,
    /// In metres; 10 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
}

impl Operation for SetGeolocation {
    const NAME: &'static str = "set_geolocation";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Sets where the session's browser is; pages may ask for it then.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/set_geolocation");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "latitude": 47.37, "longitude": 8.54}"#];
    type Output = InTab<Settings>;
}

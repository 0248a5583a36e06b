//! `emulate`: sets what the browser looks like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Emulation, InTab, Operation, Route, Settings};

/// Arguments of `emulate`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Emulate {
    /// Session id or key
    pub session_id: String,
    /// What it is to be.
    #[serde(flatten)]
    pub emulation: Emulation,
    /// What is the browser's own again, such as `timezone`; `all` for everything
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Vec<String>>,
}

impl Operation for Emulate {
    const NAME: &'static str = "emulate";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Sets what the session's browser looks like: device, user agent, locale, time zone, place, colours, network, permissions. What isn't named stays.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/emulate");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "device": "Pixel 8", "timezone": "Europe/Zurich", "color_scheme": "dark"}"#,
    ];
    type Output = InTab<Settings>;
}

//! `set_viewport`: sets the screen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Settings};

/// Arguments of `set_viewport`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetViewport {
    /// Session id or key
    pub session_id: String,
    /// In CSS pixels
    pub width: u32,
    /// In CSS pixels
    pub height: u32,
    /// Device pixels to a CSS pixel; 1 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Laid out as on a phone
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<bool>,
    /// Touched
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<bool>,
}

impl Operation for SetViewport {
    const NAME: &'static str = "set_viewport";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Sets the size and kind of the session's screen, in every tab.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/set_viewport");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "width": 390, "height": 844, "scale": 3.0, "mobile": true}"#];
    type Output = InTab<Settings>;
}

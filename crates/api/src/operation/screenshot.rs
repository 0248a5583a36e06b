//! `screenshot`: a picture of the page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `screenshot`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Screenshot {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// The whole page, not only what is in view
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_page: Option<bool>,
    /// Element
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
    /// CSS selector of an element
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// png, jpeg or webp
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// 1 to 100
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// Draw the refs into it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotate: Option<bool>,
    /// Pixels for one of the page's, 0.1 to 4
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

impl Operation for Screenshot {
    const NAME: &'static str = "screenshot";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "A picture of the page or of one element.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/screenshot");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1"}"#,
        r#"{"session_id": "shop:1", "full_page": true, "format": "jpeg", "quality": 60}"#,
        r#"{"session_id": "shop:1", "annotate": true, "scale": 0.5}"#,
    ];
    const UNLISTED: &'static [&'static str] = &["placeholder", "test_id", "nth", "scale"];
    type Output = InTab<Picture>;
}

/// A picture.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Picture {
    /// The bytes, in base64.
    pub data: String,
    /// Its type.
    pub mime_type: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

//! `pdf`: the page as it would be printed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `pdf`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pdf {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Broad rather than high
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landscape: Option<bool>,
    /// With the backgrounds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// 0.1 to 2
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// a3, a4, a5, letter, legal or tabloid
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
    /// Of the paper, in inches; with height, instead of paper
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Of the paper, in inches
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
    /// All four margins, in inches
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Which pages, as 1-3, 5
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
    /// HTML at the head of each page
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// HTML at the foot of each page
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The size that the page's style sheet asks for
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub css_page_size: Option<bool>,
}

impl Operation for Pdf {
    const NAME: &'static str = "pdf";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "The page as a PDF, as it would be printed.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/pdf");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1"}"#,
        r#"{"session_id": "shop:1", "paper": "a4", "landscape": true, "background": true, "pages": "1-3"}"#,
    ];
    type Output = InTab<Printed>;
}

/// A PDF.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Printed {
    /// The bytes, in base64.
    pub data: String,
    /// Its type.
    pub mime_type: String,
    /// How many bytes it has.
    pub bytes: usize,
}

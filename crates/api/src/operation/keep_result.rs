//! `keep_result`: keeps texts for some minutes, as MCP's front does with the parts it cuts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `keep_result`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeepResult {
    /// The texts, all kept or none
    pub parts: Vec<ResultText>,
    /// Session id or key: whose they are
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// A text to be kept.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ResultText {
    /// What it is called
    pub field: String,
    /// The text
    pub text: String,
}

impl Operation for KeepResult {
    const NAME: &'static str = "keep_result";
    // It may be repeated freely, and nobody sees what it keeps who isn't given the handle.
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str =
        "Keeps texts for some minutes and returns a handle for each, for read_result.";
    const ROUTE: Route = Route::post("/v1/results");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "parts": [{"field": "content", "text": "first line\nsecond line"}]}"#,
    ];
    const WHOLE: bool = true;
    type Output = KeptResults;
}

/// Answer of `keep_result`.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeptResults {
    /// The handles, in the order of the texts.
    pub handles: Vec<String>,
    /// Until when they are kept.
    pub expires_at: String,
}

//! `evaluate`: runs JavaScript in a page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `evaluate`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Evaluate {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Expression
    pub expression: String,
}

impl Operation for Evaluate {
    const NAME: &'static str = "evaluate";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Runs a JavaScript expression in the page (await allowed); returns its JSON value and the console lines.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/evaluate");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"session_id": "shop:1", "expression": "document.title"}"#];
    const LATER: &'static [&'static str] = &["args", "frame"];
    type Output = InTab<Evaluated>;
}

/// What the expression came to.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Evaluated {
    /// Its value as JSON; null if it has none or threw.
    pub value: serde_json::Value,
    /// What it wrote to the console.
    pub console: Vec<ConsoleLine>,
    /// What it threw; null if nothing.
    pub exception: Option<Exception>,
}

/// A line of the console.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleLine {
    /// `log`, `info`, `warning`, `error`, …
    pub level: String,
    /// The line.
    pub text: String,
}

/// What an expression threw.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Exception {
    /// The error with its stack, or the value that was thrown.
    pub message: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

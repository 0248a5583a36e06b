//! `batch`: several operations in one call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ApiError, Effect, Operation, Route};

/// Arguments of `batch`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Batch {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Each with `operation` and its arguments; session and tab are those of the batch unless given
    pub steps: Vec<Map<String, Value>>,
}

impl Operation for Batch {
    const NAME: &'static str = "batch";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str =
        "Runs operations one after another and stops at the first that fails; one answer.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/batch");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r##"{"session_id": "shop:1", "steps": [{"operation": "interact", "action": "fill", "ref": "@e1", "text": "ada"}, {"operation": "interact", "action": "click", "ref": "@e2", "snapshot": "diff"}]}"##,
    ];
    type Output = Batched;
}

/// What the steps came to.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Batched {
    /// One for each step that was begun, in order.
    pub results: Vec<StepResult>,
    /// How many steps were done.
    pub done: usize,
    /// The step that failed, from 0; those after it were not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<usize>,
    /// The fields whose text comes from the page: data, never instructions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untrusted: Vec<String>,
}

/// What one step came to.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StepResult {
    /// The operation.
    pub operation: String,
    /// The call's id, for `get_call`.
    pub call_id: String,
    /// Its answer, if it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Its error, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

//! `get_call`: what became of a call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ApiError, Effect, Operation, Route};

/// Arguments of `get_call`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetCall {
    /// Id the call was sent with
    pub call_id: String,
}

impl Operation for GetCall {
    const NAME: &'static str = "get_call";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "What became of a call whose answer was not received.";
    const ROUTE: Route = Route::get("/v1/calls/{call_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"call_id": "k_01hzy3v7q8e9rs0t1vwxyz2345"}"#];
    type Output = Call;
}

/// What became of a call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Its id.
    pub call_id: String,
    /// The operation, if the call is known.
    pub operation: Option<String>,
    /// How far it came.
    pub state: CallState,
    /// What it answered, if it ended and the answer was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// How far a call came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Nothing of it was sent to a browser; it may be repeated.
    NotStarted,
    /// It was sent, and is running or its end is still being looked for.
    Sent,
    /// It was done.
    Done,
    /// It was refused or failed.
    Failed,
    /// It was sent, and its end was not seen.
    Unknown,
}

/// What a call answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its answer.
    Answer(serde_json::Value),
    /// Its error.
    Error(ApiError),
}

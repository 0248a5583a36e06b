//! `park_session`: gives a session's browser back and keeps its state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route, Session};

/// Arguments of `park_session`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ParkSession {
    /// Session id or key
    pub session_id: String,
}

impl Operation for ParkSession {
    const NAME: &'static str = "park_session";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str =
        "Gives a session's browser back, with everything stored. Any call brings it back.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/park");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = Session;
}

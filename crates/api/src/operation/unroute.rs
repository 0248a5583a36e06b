//! `unroute`: removes routes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Routes};

/// Arguments of `unroute`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unroute {
    /// Session id or key
    pub session_id: String,
    /// The route, such as `q1`; all if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_id: Option<String>,
}

impl Operation for Unroute {
    const NAME: &'static str = "unroute";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Removes a route, or all of them.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/unroute");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "route_id": "q1"}"#];
    type Output = InTab<Routes>;
}

//! `list_routes`: lists routes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, RouteShown};

/// Arguments of `list_routes`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListRoutes {
    /// Session id or key
    pub session_id: String,
}

impl Operation for ListRoutes {
    const NAME: &'static str = "list_routes";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Lists the session's routes in the order they are tried.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/routes");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = InTab<Routes>;
}

/// The routes of a session.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Routes {
    /// In the order they are tried.
    pub routes: Vec<RouteShown>,
}

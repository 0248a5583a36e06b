//! `get_session`: shows one session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route, Session};

/// Arguments of `get_session`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetSession {
    /// Session id or key
    pub session_id: String,
}

impl Operation for GetSession {
    const NAME: &'static str = "get_session";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Shows one session, with what its last recovery brought back.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = Session;
}

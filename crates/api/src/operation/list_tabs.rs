//! `list_tabs`: lists the tabs of a session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Tab};

/// Arguments of `list_tabs`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListTabs {
    /// Session id or key
    pub session_id: String,
}

impl Operation for ListTabs {
    const NAME: &'static str = "list_tabs";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Lists the session's tabs.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/tabs");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = InTab<Tabs>;
}

/// The tabs of a session.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tabs {
    /// In their order.
    pub tabs: Vec<Tab>,
}

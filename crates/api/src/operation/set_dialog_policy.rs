//! `set_dialog_policy`: says what is done with dialogs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DialogPolicy, Effect, InTab, Operation, Route, Settings};

/// Arguments of `set_dialog_policy`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetDialogPolicy {
    /// Session id or key
    pub session_id: String,
    /// What is done with them
    pub policy: DialogPolicy,
}

impl Operation for SetDialogPolicy {
    const NAME: &'static str = "set_dialog_policy";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Says what is done with dialogs when they open: ask, accept or dismiss. One that is open stays.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/set_dialog_policy");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "policy": "dismiss"}"#];
    type Output = InTab<Settings>;
}

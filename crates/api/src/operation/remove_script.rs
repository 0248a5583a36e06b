//! `remove_script`: removes an init script.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route, Scripts};

/// Arguments of `remove_script`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveScript {
    /// Session id or key
    pub session_id: String,
    /// The script, such as `i1`
    pub script_id: String,
}

impl Operation for RemoveScript {
    const NAME: &'static str = "remove_script";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str =
        "Removes an init script: documents loaded from now on run without it.";
    const ROUTE: Route = Route::delete("/v1/sessions/{session_id}/scripts/{script_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "script_id": "i1"}"#];
    type Output = InTab<Scripts>;
}

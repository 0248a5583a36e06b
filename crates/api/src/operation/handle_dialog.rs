//! `handle_dialog`: answers an open dialog.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `handle_dialog`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HandleDialog {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// OK, or Cancel
    pub accept: bool,
    /// Answer to a prompt
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Operation for HandleDialog {
    const NAME: &'static str = "handle_dialog";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Answers the dialog that is open on the page.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/handle_dialog");
    const LISTED: bool = true;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "accept": true}"#,
        r#"{"session_id": "shop:1", "accept": true, "text": "Ada"}"#,
    ];
    type Output = InTab<Handled>;
}

/// What `handle_dialog` says.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Handled {
    /// True: the page goes on.
    pub handled: bool,
}

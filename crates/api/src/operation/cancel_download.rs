//! `cancel_download`: ends a download that is under way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Download, Effect, InTab, Operation, Route};

/// Arguments of `cancel_download`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CancelDownload {
    /// Session id or key
    pub session_id: String,
    /// Download id, such as d1
    pub download_id: String,
}

impl Operation for CancelDownload {
    const NAME: &'static str = "cancel_download";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str =
        "Ends a download that is under way; one that has ended stays as it is.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/downloads/{download_id}/cancel");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "download_id": "d1"}"#];
    type Output = InTab<Download>;
}

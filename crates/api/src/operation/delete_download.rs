//! `delete_download`: removes a download and its file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `delete_download`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteDownload {
    /// Session id or key
    pub session_id: String,
    /// Download id, such as d1
    pub download_id: String,
}

impl Operation for DeleteDownload {
    const NAME: &'static str = "delete_download";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Removes a download that is not under way, with its file.";
    const ROUTE: Route = Route::delete("/v1/sessions/{session_id}/downloads/{download_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "download_id": "d1"}"#];
    type Output = InTab<DownloadDeleted>;
}

/// Answer of `delete_download`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DownloadDeleted {
    /// That it is gone.
    pub deleted: bool,
}

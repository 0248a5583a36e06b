//! `get_download`: reads a downloaded file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Download, Effect, InTab, Operation, Route};

/// Arguments of `get_download`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GetDownload {
    /// Session id or key
    pub session_id: String,
    /// Download id, such as d1
    pub download_id: String,
    /// First byte wanted
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Most bytes wanted; without it the content of small files only
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// text or base64; text where it is one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl Operation for GetDownload {
    const NAME: &'static str = "get_download";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "A downloaded file: where it is, and its content if that is small or a limit is given (at most 4 MiB at a time).";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/downloads/{download_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "download_id": "d1"}"#,
        r#"{"session_id": "shop:1", "download_id": "d1", "offset": 0, "limit": 1048576, "format": "base64"}"#,
    ];
    type Output = InTab<DownloadContent>;
}

/// A download, and a part of its file.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DownloadContent {
    /// The download.
    #[serde(flatten)]
    pub download: Download,
    /// The bytes, if they are text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Where the next part begins; null when this is the last.
    pub next_offset: Option<u64>,
}

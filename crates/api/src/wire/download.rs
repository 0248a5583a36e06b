//! A file that a page had downloaded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A download, as it is listed.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Download {
    /// `d1`, `d2`, …; never given twice in a session.
    pub download_id: String,
    /// The name of its file: what the site called it, made harmless.
    pub name: String,
    /// Where it came from, without secrets.
    pub url: String,
    /// `in_progress`, `completed`, `canceled` or `interrupted`.
    pub state: String,
    /// How much of it is there.
    pub bytes: u64,
    /// How much it will be, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// What its server said it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The SHA-256 of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The whole file, on the daemon's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The tab whose page began it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_tab: Option<String>,
    /// When it began.
    pub began_at: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Why it is no whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// News of a download that no answer has told.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DownloadNews {
    /// Its id.
    pub download_id: String,
    /// The name of its file.
    pub name: String,
    /// `in_progress`, `completed`, `canceled` or `interrupted`.
    pub state: String,
    /// How much of it is there.
    pub bytes: u64,
    /// Why it is no whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

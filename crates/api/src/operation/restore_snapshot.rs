//! `restore_snapshot`: puts a login that was kept into a session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Login, Operation, Route};

/// Arguments of `restore_snapshot`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoreSnapshot {
    /// Session id or key
    pub session_id: String,
    /// The tab that gets its sessionStorage; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// The origin
    pub origin: String,
    /// The profile it is kept under; the session's own if absent (`default` for one without)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_profile: Option<String>,
    /// The version; without it the newest that isn't damaged
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
}

impl Operation for RestoreSnapshot {
    const NAME: &'static str = "restore_snapshot";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Puts a login that save_snapshot kept in place of what the session has of that origin. Navigate to the site afterwards.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/restore_snapshot");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1", "origin": "https://example.org"}"#,
        r#"{"session_id": "shop:1", "origin": "https://example.org", "from_profile": "work"}"#,
    ];
    type Output = InTab<RestoredSnapshot>;
}

/// The login that was put in place.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoredSnapshot {
    /// It.
    #[serde(flatten)]
    pub login: Login,
    /// What was put in place and read back.
    pub restored: Vec<String>,
    /// What wasn't, and what the pages that were loaded again have lost.
    pub lost: Vec<String>,
    /// Cookies that had expired meanwhile, and were left out.
    pub expired_cookies: u64,
    /// Tabs that had something of the origin: their pages were loaded again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reloaded_tabs: Vec<String>,
    /// Newer ones that are damaged and were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

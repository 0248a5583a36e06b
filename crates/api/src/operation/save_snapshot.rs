//! `save_snapshot`: keeps the login of the site a tab is on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Login, Operation, Route};

/// Arguments of `save_snapshot`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SaveSnapshot {
    /// Session id or key
    pub session_id: String,
    /// Tab; the active one if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// The origin that is meant; refused if the tab isn't on it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Name; it then stays until it is deleted
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Operation for SaveSnapshot {
    const NAME: &'static str = "save_snapshot";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Keeps the login of the site the tab is on, its cookies and storage, under the session's profile. restore_snapshot puts it into any session.";
    const ROUTE: Route = Route::post("/v1/sessions/{session_id}/save_snapshot");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"session_id": "shop:1"}"#,
        r#"{"session_id": "shop:1", "origin": "https://example.org", "name": "ada"}"#,
    ];
    type Output = InTab<SavedSnapshot>;
}

/// The login that was kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SavedSnapshot {
    /// It.
    #[serde(flatten)]
    pub login: Login,
    /// How many cookies are in it.
    pub cookies: u64,
    /// What the origin may have that isn't in it.
    pub lost: Vec<String>,
}

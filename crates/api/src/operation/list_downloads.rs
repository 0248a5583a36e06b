//! `list_downloads`: lists what the session's pages have downloaded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Download, Effect, InTab, Operation, Route};

/// Arguments of `list_downloads`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListDownloads {
    /// Session id or key
    pub session_id: String,
}

impl Operation for ListDownloads {
    const NAME: &'static str = "list_downloads";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str =
        "Lists the files that the session's pages downloaded, oldest first.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/downloads");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1"}"#];
    type Output = InTab<Downloads>;
}

/// The downloads of a session.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Downloads {
    /// Oldest first.
    pub downloads: Vec<Download>,
}

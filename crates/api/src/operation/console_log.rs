//! `console_log`: shows what pages said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, InTab, Operation, Route};

/// Arguments of `console_log`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleLog {
    /// Session id or key
    pub session_id: String,
    /// Only this tab
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Only this level: log, warning, error, exception, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Only entries with this text
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only of the last so many milliseconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// At most so many, the newest; 100 if not said
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Operation for ConsoleLog {
    const NAME: &'static str = "console_log";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Shows what the session's pages wrote to the console and the errors nobody caught, newest last.";
    const ROUTE: Route = Route::get("/v1/sessions/{session_id}/console");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"session_id": "shop:1", "level": "error"}"#];
    type Output = InTab<ConsoleEntries>;
}

/// What pages said.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleEntries {
    /// Oldest first.
    pub entries: Vec<ConsoleEntry>,
    /// How many older ones were dropped: 1,000, 4 MiB and an hour are kept.
    pub dropped: u64,
}

/// Something a page said.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleEntry {
    /// When.
    pub at: String,
    /// In which tab.
    pub tab_id: String,
    /// `log`, `warning`, `error`, … or `exception`.
    pub level: String,
    /// What.
    pub text: String,
    /// Where: script, line and column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

//! A login that is kept, as it is listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One origin's cookies and storage.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// Its id.
    pub snapshot_id: String,
    /// Its origin.
    pub origin: String,
    /// The profile it is kept under; `default` for sessions without one.
    pub profile: String,
    /// The name its saver gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was saved.
    pub taken_at: String,
    /// Its size, shared parts counted in full.
    pub bytes: u64,
}

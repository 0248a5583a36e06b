//! The page after an action, in the same answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The page after an action, as `snapshot` answers it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct View {
    /// The snapshot, or what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Its number in the tab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<u64>,
    /// The snapshot that this tells the changes since; absent if it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Whether something was left out because a bound was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// Why there is no snapshot; the action was done all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_error: Option<String>,
}

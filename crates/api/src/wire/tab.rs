//! A tab of a session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tab, as it is listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tab {
    /// `t1`, `t2`, …; never given twice in a session.
    pub tab_id: String,
    /// The same as `tab_id`.
    pub target_id: String,
    /// Its URL.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether calls without a `tab_id` mean it.
    pub active: bool,
}

//! A checkpoint of a session, as it is listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point-in-time picture of a session that it can be brought back from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// `c_…`.
    pub id: String,
    /// The name it was given, if any.
    pub name: Option<String>,
    /// What made it be taken.
    pub cause: String,
    /// When (RFC 3339, UTC).
    pub taken_at: String,
    /// Its size at rest.
    pub bytes: u64,
}

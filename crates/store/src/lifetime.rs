//! How long a session may be idle and may live, and how far it has come.

use serde::{Deserialize, Serialize};

/// A session's limits of time, and its use of them: time in which the host sleeps isn't any.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifetime {
    /// How long it may be idle before it is parked; 0 for ever, none as the daemon says.
    pub idle_timeout_ms: Option<u64>,
    /// How long it may hold a browser before it is closed; 0 for ever, none as the daemon says.
    pub max_lifetime_ms: Option<u64>,
    /// The boot of the host on which the rest was written.
    pub boot: String,
    /// How long the host had been awake then.
    pub awake_ms: u64,
    /// How long the session had been idle then.
    pub idle_ms: u64,
    /// How long it had held a browser then.
    pub lived_ms: u64,
}

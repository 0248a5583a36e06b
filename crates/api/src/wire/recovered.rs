//! What a loss took and what came back (REQUIREMENTS A7).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The report of a recovery.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Recovered {
    /// The generation that the recovery began.
    pub generation: u64,
    /// Why the session had to be recovered.
    pub cause: String,
    /// How old the state was that it was restored from.
    pub checkpoint_age_ms: u64,
    /// What came back, in fixed words.
    pub restored: Vec<String>,
    /// What existed, or could have existed unseen, and did not come back.
    pub lost: Vec<String>,
}

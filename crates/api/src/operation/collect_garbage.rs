//! `collect_garbage`: removes what need not be kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `collect_garbage`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectGarbage {}

impl Operation for CollectGarbage {
    const NAME: &'static str = "collect_garbage";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Removes checkpoints and closed sessions that the retention settings don't keep. Runs every 6 h by itself.";
    const ROUTE: Route = Route::post("/v1/gc");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{}"#];
    type Output = CollectedGarbage;
}

/// Answer of `collect_garbage`: what was removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectedGarbage {
    /// Checkpoints of sessions that stay.
    pub checkpoints: u64,
    /// Closed sessions, each with all it had.
    pub sessions: u64,
    /// Logins.
    #[serde(default)]
    pub logins: u64,
    /// Parts of answers that were kept to be read on.
    #[serde(default)]
    pub results: u64,
    /// Stored parts that nothing pointed to.
    pub leftovers: u64,
}

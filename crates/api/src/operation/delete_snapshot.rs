//! `delete_snapshot`: deletes a login that is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `delete_snapshot`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteSnapshot {
    /// The login, as list_snapshots names it
    pub snapshot_id: String,
}

impl Operation for DeleteSnapshot {
    const NAME: &'static str = "delete_snapshot";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str =
        "Deletes a login that is kept. Sessions it was put into stay as they are.";
    const ROUTE: Route = Route::delete("/v1/snapshots/{snapshot_id}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"snapshot_id": "c_01j9zq4m7hxk2v5t8w3n6r1p0c"}"#];
    type Output = DeletedSnapshot;
}

/// Answer of `delete_snapshot`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedSnapshot {
    /// The login that is gone.
    pub snapshot_id: String,
    /// True.
    pub deleted: bool,
}

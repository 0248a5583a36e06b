//! `kv_clear`: empties a namespace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_clear`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvClear {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
}

impl Operation for KvClear {
    const NAME: &'static str = "kv_clear";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Removes every key of a namespace, claimed ones too.";
    const ROUTE: Route = Route::delete("/v1/kv/{namespace}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"namespace": "jobs"}"#];
    type Output = KvCleared;
}

/// Answer of `kv_clear`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvCleared {
    /// How many entries there were.
    pub cleared: u64,
}

//! `kv_release`: gives a claimed entry back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_release`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvRelease {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Key, 1 to 512 bytes
    pub key: String,
    /// Epoch of the claim it is held by
    pub lease: u64,
}

impl Operation for KvRelease {
    const NAME: &'static str = "kv_release";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Gives a claimed key back, for others to claim.";
    const ROUTE: Route = Route::post("/v1/kv/{namespace}/release");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"namespace": "jobs", "key": "a/1", "lease": 17}"#];
    type Output = KvReleased;
}

/// Answer of `kv_release`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvReleased {
    /// True: it is free.
    pub released: bool,
}

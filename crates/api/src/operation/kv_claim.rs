//! `kv_claim`: claims an entry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_claim`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvClaim {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Only this key
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Only keys that begin so
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How long it is held unless renewed; 30000 if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
    /// Wait so long for one, at most 60000; 0 if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl Operation for KvClaim {
    const NAME: &'static str = "kv_claim";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Claims the first free entry in key order, so that nobody else gets it while the lease runs.";
    const ROUTE: Route = Route::post("/v1/kv/{namespace}/claim");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"namespace": "jobs", "prefix": "a/", "lease_ms": 60000}"#];
    const WHOLE: bool = true;
    type Output = KvClaimed;
}

/// Answer of `kv_claim`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvClaimed {
    /// The entry; null if none was free.
    pub entry: Option<crate::KvEntry>,
    /// The claim; its epoch goes to `kv_renew`, `kv_finish`, `kv_release` and `kv_set`.
    pub lease: Option<crate::KvLease>,
}

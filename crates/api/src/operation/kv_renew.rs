//! `kv_renew`: holds a claimed entry for longer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_renew`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvRenew {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Key, 1 to 512 bytes
    pub key: String,
    /// Epoch of the claim it is held by
    pub lease: u64,
    /// How long from now; 30000 if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
}

impl Operation for KvRenew {
    const NAME: &'static str = "kv_renew";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Holds a claimed key for longer.";
    const ROUTE: Route = Route::post("/v1/kv/{namespace}/renew");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"namespace": "jobs", "key": "a/1", "lease": 17, "lease_ms": 60000}"#];
    type Output = KvRenewed;
}

/// Answer of `kv_renew`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvRenewed {
    /// The claim as it is now.
    pub lease: crate::KvLease,
}

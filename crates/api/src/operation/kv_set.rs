//! `kv_set`: stores a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_set`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvSet {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Key, 1 to 512 bytes
    pub key: String,
    /// JSON value other than null, at most 1 MiB
    pub value: serde_json::Value,
    /// Remove it after so long
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Version it must have; 0 if it must not be there
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<u64>,
    /// Epoch of the claim it is held by
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<u64>,
}

impl Operation for KvSet {
    const NAME: &'static str = "kv_set";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Stores a JSON value under a key.";
    const ROUTE: Route = Route::post("/v1/kv/{namespace}/entries/{key}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"namespace": "jobs", "key": "a/1", "value": {"url": "https://example.org"}}"#,
        r#"{"namespace": "jobs", "key": "lock", "value": 1, "if_version": 0, "ttl_ms": 60000}"#,
    ];
    type Output = KvStored;
}

/// Answer of `kv_set`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvStored {
    /// The entry's version, higher than every one before.
    pub version: u64,
}

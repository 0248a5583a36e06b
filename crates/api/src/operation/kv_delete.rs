//! `kv_delete`: removes an entry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_delete`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvDelete {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Key, 1 to 512 bytes
    pub key: String,
    /// Version it must have; 0 if it must not be there
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<u64>,
}

impl Operation for KvDelete {
    const NAME: &'static str = "kv_delete";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Removes a key.";
    const ROUTE: Route = Route::delete("/v1/kv/{namespace}/entries/{key}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"namespace": "jobs", "key": "a/1"}"#];
    type Output = KvDeleted;
}

/// Answer of `kv_delete`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvDeleted {
    /// Whether it was there.
    pub deleted: bool,
}

//! `kv_get`: reads a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_get`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvGet {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Key, 1 to 512 bytes
    pub key: String,
}

impl Operation for KvGet {
    const NAME: &'static str = "kv_get";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Reads the value of a key; null if there is none.";
    const ROUTE: Route = Route::get("/v1/kv/{namespace}/entries/{key}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"namespace": "jobs", "key": "a/1"}"#];
    const WHOLE: bool = true;
    type Output = KvValue;
}

/// Answer of `kv_get`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvValue {
    /// The value; null if there is none.
    pub value: serde_json::Value,
    /// Its version; rises with every change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// When it goes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Who claimed it last, unless it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<KvLease>,
}

/// A claim of an entry.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvLease {
    /// Its number; a later claim's is higher.
    pub epoch: u64,
    /// Until when nobody else gets the entry.
    pub expires_at: String,
}

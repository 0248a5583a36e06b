//! `kv_list`: lists entries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_list`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvList {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Only keys that begin so
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// With their values; true if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_values: Option<bool>,
    /// At most so many, 1 to 1000; 100 if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the last page ended
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Operation for KvList {
    const NAME: &'static str = "kv_list";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Lists the entries of a namespace in key order.";
    const ROUTE: Route = Route::get("/v1/kv/{namespace}");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"namespace": "jobs", "prefix": "a/"}"#];
    const WHOLE: bool = true;
    type Output = KvEntries;
}

/// Answer of `kv_list`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvEntries {
    /// The entries, in the order of their keys' bytes.
    pub entries: Vec<KvEntry>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The number of the last change this page knows of: `since` for `kv_watch`.
    pub revision: u64,
    /// Entries that don't read back; nothing of them was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<u64>,
}

/// An entry.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvEntry {
    /// Its key.
    pub key: String,
    /// Its value, unless it wasn't asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// Its version; rises with every change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// When it goes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Who claimed it last, unless it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<crate::KvLease>,
}

//! `kv_watch`: waits for changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_watch`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvWatch {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Only keys that begin so
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Number to go on from; if absent, only the current one is told
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Wait so long for the first change, at most 60000; 25000 if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// At most so many, 1 to 1000; 100 if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Operation for KvWatch {
    const NAME: &'static str = "kv_watch";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str =
        "Waits for changes of a namespace and returns the last change of each key.";
    const ROUTE: Route = Route::get("/v1/kv/{namespace}/watch");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] = &[r#"{"namespace": "jobs", "since": 17}"#];
    const WHOLE: bool = true;
    type Output = KvChanges;
}

/// Answer of `kv_watch`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvChanges {
    /// The last change of each key that changed, in order.
    pub changes: Vec<KvChange>,
    /// `since` for the next call.
    pub revision: u64,
    /// True: deletions since then are forgotten, list the namespace anew.
    pub gap: bool,
}

/// The last change of a key.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvChange {
    /// The key.
    pub key: String,
    /// True: it was deleted, finished, or its time was over.
    pub deleted: bool,
    /// Its value, unless it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// The number of the change; the entry's version, if it is there.
    pub version: u64,
}

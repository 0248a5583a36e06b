//! `kv_finish`: removes a claimed entry, as its work is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Effect, Operation, Route};

/// Arguments of `kv_finish`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvFinish {
    /// Namespace, 1 to 128 bytes
    pub namespace: String,
    /// Key, 1 to 512 bytes
    pub key: String,
    /// Epoch of the claim it is held by
    pub lease: u64,
}

impl Operation for KvFinish {
    const NAME: &'static str = "kv_finish";
    const EFFECT: Effect = Effect::Input;
    const SUMMARY: &'static str = "Removes a claimed key whose work is done.";
    const ROUTE: Route = Route::post("/v1/kv/{namespace}/finish");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"namespace": "jobs", "key": "a/1", "lease": 17}"#];
    type Output = KvFinished;
}

/// Answer of `kv_finish`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KvFinished {
    /// True: it is gone, by this claim and no other.
    pub finished: bool,
}

//! `import_storage_state`: makes a session from Playwright's `storageState`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Effect, Operation, Route, Session};

/// Arguments of `import_storage_state`.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportStorageState {
    /// The document, as Playwright writes it
    pub storage_state: Value,
    /// Your name for the new session
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Labels
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

impl Operation for ImportStorageState {
    const NAME: &'static str = "import_storage_state";
    const EFFECT: Effect = Effect::Admin;
    const SUMMARY: &'static str = "Makes a new session with the cookies, localStorage and IndexedDB of a Playwright storageState; its first call brings it up.";
    const ROUTE: Route = Route::post("/v1/import_storage_state");
    const LISTED: bool = false;
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"storage_state": {"cookies": [], "origins": []}, "key": "shop:2"}"#];
    type Output = ImportedStorageState;
}

/// Answer of `import_storage_state`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportedStorageState {
    /// The new session.
    #[serde(flatten)]
    pub session: Session,
    /// What of the document was left out.
    pub left_out: Vec<String>,
}

//! What a keeper is told at its start: `launch.json` in the run folder, written once.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The settings' name in the run folder.
pub(crate) const FILE: &str = "launch.json";

/// The settings. Fields are only ever added, with a default.
#[derive(Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The browser's id.
    pub(crate) browser: String,
    /// The home's secret; a daemon must know it.
    pub(crate) home_nonce: String,
    /// The browser's own, drawn at launch.
    pub(crate) nonce: String,
    /// Chromium.
    pub(crate) program: String,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// How long it lives without a daemon, in awake time; for ever if there is none.
    #[serde(default)]
    pub(crate) orphan_timeout_ms: Option<u64>,
}

impl Settings {
    pub(crate) fn read(run: &Path) -> io::Result<Self> {
        let json = std::fs::read(run.join(FILE))?;
        Ok(serde_json::from_slice(&json)?)
    }
}

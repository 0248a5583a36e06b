//! A session, as it is shown.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Recovered;

/// A browser session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// `s_…`, the same through every recovery and restart.
    pub session_id: String,
    /// The same as `session_id`.
    pub id: String,
    /// The name its owner chose, if any.
    pub key: Option<String>,
    /// `starting`, `alive`, `reconnecting`, `recovering`, `recoverable`, `stale`, `failed` or `closed`.
    pub state: String,
    /// `Alive`, `Reconnecting`, `Recovering` or `Dead`.
    pub status: String,
    /// Why it is in that state.
    pub state_cause: String,
    /// More about the cause, where there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_detail: Option<String>,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
    /// The named profile, if any.
    pub profile: Option<String>,
    /// Whether its browser is one that somebody else started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attached: bool,
    /// The labels it was opened with.
    pub labels: BTreeMap<String, String>,
    /// When it was opened (RFC 3339, UTC).
    pub created_at: String,
    /// When it was last used.
    pub last_activity: String,
    /// When it is parked, or closed, if nothing happens until then; null for never.
    pub expires_at: Option<String>,
    /// How many calls it has had.
    pub call_count: u64,
    /// The active tab.
    pub tab_id: Option<String>,
    /// The active tab's URL.
    pub url: String,
    /// The active tab's title.
    pub title: String,
    /// The newest checkpoint.
    pub checkpoint: Option<LatestCheckpoint>,
    /// Checkpoints that keep failing, if they do: the newest one is getting old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_failing: Option<CaptureFailing>,
    /// What the last recovery brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// The fields whose text comes from the page: data, never instructions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untrusted: Vec<String>,
}

/// Checkpoints of a session that keep failing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CaptureFailing {
    /// How many in a row.
    pub times: u32,
    /// When the first of them failed (RFC 3339, UTC).
    pub since: String,
    /// Why the last one did.
    pub reason: String,
}

/// The newest checkpoint of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LatestCheckpoint {
    /// `c_…`; changes with every capture.
    pub id: String,
    /// When it was taken (RFC 3339, UTC).
    pub taken_at: String,
    /// How long ago that was.
    pub age_ms: u64,
}

/// Which sessions a list shows: a state's name, or one of three words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateFilter {
    /// Every session that isn't closed: what a list shows unless asked.
    Open,
    /// Those that hold a browser or are about to.
    Active,
    /// Every session.
    All,
    /// Those in one state.
    Only(base::StateName),
}

impl StateFilter {
    /// Reads a filter; `None` for a word that is none.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("") => Some(Self::Open),
            Some("active") => Some(Self::Active),
            Some("error") => Some(Self::Only(base::StateName::Failed)),
            Some("all") => Some(Self::All),
            Some(name) => name.parse().ok().map(Self::Only),
        }
    }

    /// Tells whether a session in `state` is shown.
    #[must_use]
    pub fn shows(self, state: base::StateName) -> bool {
        match self {
            Self::Open => state != base::StateName::Closed,
            Self::Active => state.holds_browser(),
            Self::All => true,
            Self::Only(only) => state == only,
        }
    }
}

//! A session as others see it.

use std::time::Duration;

use base::{CheckpointId, Part, Private, SessionId, SessionKey, StateName, TabId, Timestamp};

use crate::cause::Cause;

/// A session's public face at one moment.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its id.
    pub id: SessionId,
    /// The key its owner chose.
    pub key: Option<SessionKey>,
    /// Its state.
    pub state: StateName,
    /// What led to the state.
    pub cause: Cause,
    /// More about the cause, where there is more to say.
    pub detail: Option<Private<String>>,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
    /// The named profile it runs on.
    pub profile: Option<String>,
    /// Its owner's labels.
    pub labels: Vec<(String, String)>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last answered a call.
    pub last_activity: Timestamp,
    /// How many calls it has answered.
    pub call_count: u64,
    /// The active tab's URL.
    pub url: Private<String>,
    /// The active tab's title.
    pub title: Private<String>,
    /// The active tab.
    pub active_tab: Option<TabId>,
    /// Its newest checkpoint.
    pub checkpoint: Option<CheckpointInfo>,
    /// What the last recovery brought back and what it could not.
    pub recovered: Option<Recovered>,
    /// When it is parked or closed, if nothing happens until then.
    pub expires_at: Option<Timestamp>,
    /// Captures that keep failing, if they do.
    pub capture_failing: Option<CaptureFailing>,
    /// The browser's process, while there is one of ours.
    pub browser_pid: Option<i32>,
    /// Whether the browser is one that somebody else started.
    pub attached: bool,
}

/// Captures of a session that keep failing: its newest checkpoint is getting old.
#[derive(Clone, Debug)]
pub struct CaptureFailing {
    /// How many in a row.
    pub times: u32,
    /// When the first of them failed.
    pub since: Timestamp,
    /// Why the last one did.
    pub reason: Private<String>,
}

/// One checkpoint, without its content.
#[derive(Clone, Debug)]
pub struct CheckpointInfo {
    /// Its id.
    pub id: CheckpointId,
    /// The name its taker gave it.
    pub name: Option<Private<String>>,
    /// What it was taken for.
    pub cause: String,
    /// When.
    pub taken_at: Timestamp,
    /// Its size, sealed, shared parts counted in full.
    pub bytes: u64,
}

/// What a recovery came to (REQUIREMENTS A7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovered {
    /// The generation it began.
    pub generation: u64,
    /// What made it necessary.
    pub cause: Cause,
    /// How old the checkpoint was when the browser was lost.
    pub checkpoint_age: Duration,
    /// What was brought back and read back.
    pub restored: Vec<Part>,
    /// What existed, could have existed unseen, or is not captured yet.
    pub lost: Vec<Part>,
}

/// What a restore that was asked for came to.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The checkpoint the session was restored from.
    pub checkpoint: CheckpointInfo,
    /// Newer ones that are damaged and were passed over.
    pub skipped: Vec<CheckpointId>,
    /// What came back and what didn't.
    pub recovered: Option<Recovered>,
}

/// A checkpoint that was deleted.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// What it was.
    pub checkpoint: CheckpointInfo,
    /// The one the session would come back to now.
    pub newest: Option<CheckpointInfo>,
}

/// A checkpoint as a file.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub file: Vec<u8>,
    /// The checkpoint in it.
    pub checkpoint: CheckpointInfo,
    /// Its session.
    pub session: Summary,
}

/// A session that was made from a checkpoint.
#[derive(Clone, Debug)]
pub struct Forked {
    /// The new session.
    pub session: Summary,
    /// The session it was made from.
    pub source: SessionId,
    /// The checkpoint it was made from.
    pub checkpoint: CheckpointInfo,
    /// Newer ones that are damaged and were passed over.
    pub skipped: Vec<CheckpointId>,
}

/// A tab of a session.
#[derive(Clone, Debug)]
pub struct TabInfo {
    /// Its id.
    pub tab: TabId,
    /// Its URL.
    pub url: Private<String>,
    /// Its title.
    pub title: Private<String>,
    /// Whether it is the one meant when no tab is named.
    pub active: bool,
}

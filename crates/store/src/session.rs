//! Sessions: one row each, changed only by the session's own task.

use base::{BrowserId, CheckpointId, Private, SessionId, SessionKey, StateName, TabId, Timestamp};

use crate::{Answer, Attached, Lifetime, Listed};

/// A session as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// The caller's key for it (sealed; found by a keyed hash).
    pub key: Option<SessionKey>,
    /// The named profile it uses (sealed).
    pub profile: Option<String>,
    /// The caller's labels (sealed).
    pub labels: Vec<(String, String)>,
    /// Its state.
    pub state: StateName,
    /// What led to the state, in a word.
    pub cause: String,
    /// More about the cause, perhaps with words of a page in it (sealed).
    pub detail: Option<Private<String>>,
    /// Rises whenever page state may have been lost.
    pub generation: u64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_activity: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// How many calls it has taken.
    pub call_count: u64,
    /// The URL of its active tab (sealed).
    pub url: Private<String>,
    /// The title of its active tab (sealed).
    pub title: Private<String>,
    /// The browser it holds.
    pub browser: Option<BrowserId>,
    /// Its active tab.
    pub active_tab: Option<TabId>,
    /// The number its next tab gets.
    pub next_tab: u32,
    /// The checkpoint a recovery would start from. Publishing a checkpoint sets it; a
    /// later [`Sessions::put`] leaves that as it is.
    pub latest_checkpoint: Option<CheckpointId>,
    /// The report of the last recovery, opaque here (sealed).
    pub recovered: Option<Vec<u8>>,
    /// Whether that report was given to a caller.
    pub recovered_told: bool,
    /// How many recoveries in a row have failed.
    pub failures: u32,
    /// How long it may be idle and live, and how far it has come (sealed).
    pub lifetime: Lifetime,
    /// The browser it is attached to, if it has none of its own (sealed).
    pub attached: Option<Attached>,
}

impl SessionRow {
    /// Tells whether the session was closed by its owner.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == StateName::Closed
    }
}

/// The table of sessions.
pub trait Sessions: Send + Sync {
    /// Stores a new session.
    ///
    /// Fails with [`crate::Error::KeyTaken`] if a session that isn't closed holds its key, and
    /// with [`crate::Error::Exists`] if its id is known.
    fn insert<'a>(&'a self, row: &'a SessionRow) -> Answer<'a, ()>;

    /// Stores a session's new row in the place of its old one.
    ///
    /// Fails with [`crate::Error::NotFound`] if there is none, with [`crate::Error::Corrupt`]
    /// if the old one is damaged (it stays as it is), and with [`crate::Error::KeyTaken`] if
    /// the row is not closed and its key was given to another session meanwhile.
    fn put<'a>(&'a self, row: &'a SessionRow) -> Answer<'a, ()>;

    /// Returns a session; `None` if there is none of that id.
    fn get(&self, id: SessionId) -> Answer<'_, Option<SessionRow>>;

    /// Returns the session that isn't closed and has this key, else the newest closed one.
    fn by_key<'a>(&'a self, key: &'a SessionKey) -> Answer<'a, Option<SessionRow>>;

    /// Returns every session, oldest first.
    fn list(&self) -> Answer<'_, Listed<SessionRow>>;

    /// Returns the sessions in one of these states, oldest first, and every damaged row.
    fn list_states<'a>(&'a self, states: &'a [StateName]) -> Answer<'a, Listed<SessionRow>>;
}

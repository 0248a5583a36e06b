//! Browsers: every process that was launched, so that the next daemon finds it.

use base::{BrowserId, SessionId, Timestamp};

use crate::{Answer, Listed};

/// A launched browser as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrowserRow {
    /// Its id.
    pub id: BrowserId,
    /// The session it was launched for.
    pub session: SessionId,
    /// Its run folder, relative to the home.
    pub run: String,
    /// Its user-data-dir.
    pub profile_dir: String,
    /// The browser's process id.
    pub browser_pid: i32,
    /// When that process started, in clock ticks since boot.
    pub browser_start: u64,
    /// The keeper's process id.
    pub keeper_pid: i32,
    /// When that process started, in clock ticks since boot.
    pub keeper_start: u64,
    /// What the keeper proves its identity with.
    pub nonce: String,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// How it ended; `None` while it is believed to live.
    pub ended: Option<String>,
}

/// The table of browsers.
pub trait Browsers: Send + Sync {
    /// Stores a browser, new or known.
    ///
    /// An end once stored stays: a row without one doesn't take it away.
    fn put<'a>(&'a self, row: &'a BrowserRow) -> Answer<'a, ()>;

    /// Returns a browser; `None` if there is none of that id.
    fn get(&self, id: BrowserId) -> Answer<'_, Option<BrowserRow>>;

    /// Returns the browsers that have not ended, oldest first.
    fn list_live(&self) -> Answer<'_, Listed<BrowserRow>>;

    /// Stores how a browser ended. The first end told is kept.
    ///
    /// Of the browsers that have ended the newest 1000 are kept.
    fn end<'a>(&'a self, id: BrowserId, how: &'a str) -> Answer<'a, ()>;
}

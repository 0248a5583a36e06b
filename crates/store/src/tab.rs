//! Tabs: which target a tab is, and the numbers its refs have used up.

use base::{Private, SessionId, TabId};

use crate::{Answer, Listed};

/// A tab of a session as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TabRow {
    /// The session it belongs to.
    pub session: SessionId,
    /// Its id.
    pub tab: TabId,
    /// Its place among the tabs.
    pub position: u32,
    /// The target it is now.
    pub target: String,
    /// Its URL (sealed).
    pub url: Private<String>,
    /// Its title (sealed).
    pub title: Private<String>,
    /// Refs below this number may have been given out. It never falls.
    pub next_ref: u64,
    /// Whether it was closed.
    pub closed: bool,
}

/// The table of tabs.
pub trait Tabs: Send + Sync {
    /// Stores a session's tabs, all of them, in one transaction.
    ///
    /// Tabs not among `rows` are removed. A damaged row that would be written over or removed
    /// is moved aside and kept. A tab's `next_ref` never falls below what is stored.
    fn put_all<'a>(&'a self, session: SessionId, rows: &'a [TabRow]) -> Answer<'a, ()>;

    /// Returns a session's tabs by their position, closed ones last.
    fn list(&self, session: SessionId) -> Answer<'_, Listed<TabRow>>;

    /// Stores that refs below `up_to` may be given out in this tab from now on.
    ///
    /// Fails with [`crate::Error::NotFound`] if the tab isn't stored yet.
    fn reserve_refs(&self, session: SessionId, tab: TabId, up_to: u64) -> Answer<'_, ()>;
}

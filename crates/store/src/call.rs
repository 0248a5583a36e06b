//! The journal: a mutating call is a row before a byte of it goes to a browser.
//!
//! ```text
//! accepted ──▶ sent ──▶ done | failed | unknown
//!     │          └─▶ sent, by the daemon that knows that nothing of it arrived
//!     └───────────────▶ not_started
//! ```

use std::fmt;
use std::str::FromStr;

use base::{CallId, SessionId, Timestamp};

use crate::{Answer, Listed};

/// How far a call has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallState {
    /// Taken; nothing of it has gone to a browser.
    Accepted,
    /// Something of it may have reached a browser.
    Sent,
    /// It succeeded.
    Done,
    /// It failed, and its error is its outcome.
    Failed,
    /// Nobody knows whether it took effect.
    Unknown,
    /// It took no effect.
    NotStarted,
}

impl CallState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Accepted,
        Self::Sent,
        Self::Done,
        Self::Failed,
        Self::Unknown,
        Self::NotStarted,
    ];

    /// Returns the state as it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotStarted => "not_started",
        }
    }

    /// Tells whether the call has no outcome yet.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Accepted | Self::Sent)
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CallState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// A call as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Its id.
    pub id: CallId,
    /// The session it acts on; none for calls on the daemon.
    pub session: Option<SessionId>,
    /// The operation's name.
    pub operation: String,
    /// How far it has come.
    pub state: CallState,
    /// The epoch of the daemon that took it.
    pub epoch: u64,
    /// The id of its last CDP message that has an effect.
    pub cdp_id: Option<u32>,
    /// The CDP session that message goes to.
    pub cdp_session: Option<String>,
    /// When it was taken.
    pub at: Timestamp,
    /// What came of it, opaque here (sealed).
    pub outcome: Option<Vec<u8>>,
}

impl fmt::Debug for CallRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRow")
            .field("id", &self.id)
            .field("session", &self.session)
            .field("operation", &self.operation)
            .field("state", &self.state)
            .field("epoch", &self.epoch)
            .field("cdp_id", &self.cdp_id)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// The table of calls.
///
/// Bounded: the newest 1000 calls of a session (and of the daemon) stay, for seven days; those
/// whose key is held ([`crate::CallKeys`]) stay as long as it is.
pub trait Calls: Send + Sync {
    /// Stores an open call in one commit: before its first byte goes out, as `sent`.
    ///
    /// A call that is stored as `accepted` becomes what `row` says, and one that this epoch
    /// stored as `sent` may be sent again: its daemon knows that nothing of it arrived. Fails
    /// with [`crate::Error::Exists`] if the id is known and the call is further than that, or
    /// another epoch's, or another session's. One that was taken without a session gains the
    /// row's.
    fn record<'a>(&'a self, row: &'a CallRow) -> Answer<'a, ()>;

    /// Stores what came of an open call; tells whether it was open until now.
    ///
    /// `false` leaves the first outcome as it is. Fails with [`crate::Error::NotFound`] if the
    /// call was never recorded.
    fn finish<'a>(
        &'a self,
        id: CallId,
        state: CallState,
        outcome: Option<&'a [u8]>,
    ) -> Answer<'a, bool>;

    /// Returns a call; `None` means that it was never recorded, or long ago.
    fn get(&self, id: CallId) -> Answer<'_, Option<CallRow>>;

    /// Returns a session's calls that have no outcome, oldest first.
    fn open_of(&self, session: SessionId) -> Answer<'_, Listed<CallRow>>;

    /// Returns the newest open call of a session whose last message has this CDP id.
    fn by_cdp_id(&self, session: SessionId, cdp_id: u32) -> Answer<'_, Option<CallRow>>;
}

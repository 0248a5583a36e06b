//! Retention: what is kept, for how long, and the removal of the rest.
//!
//! Whatever is removed goes in a transaction of its own, rows before files. A crash in
//! between leaves files that nothing points to; the next collection removes those. So no
//! moment of it can cost what is to be kept.

use std::time::Duration;

use base::{SessionId, Timestamp};

use crate::Answer;

/// The cause of a checkpoint that somebody asked for. Only time and its owner remove it.
pub const EXPLICIT: &str = "explicit";

/// What is kept, and for how long. `None` keeps for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// How many kept checkpoints that nobody asked for a session has, and how many logins
    /// without a name a profile and origin.
    pub versions: Option<usize>,
    /// How long a checkpoint is kept that somebody asked for.
    pub asked_for: Option<Duration>,
    /// How long a closed session is kept, with all it has.
    pub closed: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            versions: Some(10),
            asked_for: None,
            closed: Some(Duration::from_secs(30 * 24 * 3600)),
        }
    }
}

/// What a collection removed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Collected {
    /// Checkpoints of sessions that stay.
    pub checkpoints: u64,
    /// Closed sessions, each with all it had.
    pub sessions: u64,
    /// Logins.
    pub logins: u64,
    /// Parts of answers that were kept to be read on, and whose time is over.
    pub results: u64,
    /// Parts of checkpoints that nothing pointed to, and folders of sessions that are gone.
    pub leftovers: u64,
}

/// Removes what need not be kept.
pub trait Retentions: Send + Sync {
    /// Removes a session's checkpoints that need not be kept; tells how many.
    ///
    /// Its newest checkpoint stays whatever its age, and so do damaged ones.
    fn thin(&self, session: SessionId, retention: Retention, now: Timestamp) -> Answer<'_, u64>;

    /// Removes all that need not be kept, but leaves the sessions `in_use` in place.
    ///
    /// What can't be removed is logged, left for the next time, and keeps nothing else.
    fn collect<'a>(
        &'a self,
        retention: Retention,
        now: Timestamp,
        in_use: &'a [SessionId],
    ) -> Answer<'a, Collected>;
}

impl Retention {
    /// Tells whether something of that age has to go; `None` is never that old.
    pub(crate) fn is_over(kept_for: Option<Duration>, since: Timestamp, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(since));
        // A clock that was set back makes nothing older.
        kept_for.is_some_and(|kept_for| age.is_ok_and(|age| kept_for < age))
    }
}

//! The names of a session's states, and the short status beside them.
//!
//! What each state holds, admits and leads to is in `session::state`.

use std::fmt;
use std::str::FromStr;

/// The name of a session's state (REQUIREMENTS A2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StateName {
    /// The browser is being launched.
    Starting,
    /// The browser answers.
    Alive,
    /// The link to the browser dropped.
    Reconnecting,
    /// A new browser is being filled from a checkpoint.
    Recovering,
    /// No browser, usable checkpoint.
    Recoverable,
    /// No browser, checkpoint older than `max_session_age`.
    Stale,
    /// The last recovery failed, or there is no checkpoint.
    Failed,
    /// Ended by its owner.
    Closed,
}

/// A session's state in one of four words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// `starting`, `alive`.
    Alive,
    /// `reconnecting`.
    Reconnecting,
    /// `recovering`, `recoverable`.
    Recovering,
    /// The rest.
    Dead,
}

impl StateName {
    /// Every state, in the order of the list.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::Alive,
        Self::Reconnecting,
        Self::Recovering,
        Self::Recoverable,
        Self::Stale,
        Self::Failed,
        Self::Closed,
    ];

    /// Returns the name as it is printed and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Alive => "alive",
            Self::Reconnecting => "reconnecting",
            Self::Recovering => "recovering",
            Self::Recoverable => "recoverable",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }

    /// Returns the short status of a session in this state.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Starting | Self::Alive => Status::Alive,
            Self::Reconnecting => Status::Reconnecting,
            Self::Recovering | Self::Recoverable => Status::Recovering,
            Self::Stale | Self::Failed | Self::Closed => Status::Dead,
        }
    }

    /// Tells whether a session in this state holds a browser, or is about to.
    #[must_use]
    pub const fn holds_browser(self) -> bool {
        match self {
            Self::Starting | Self::Alive | Self::Reconnecting | Self::Recovering => true,
            Self::Recoverable | Self::Stale | Self::Failed | Self::Closed => false,
        }
    }
}

impl Status {
    /// Returns the status as it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "Alive",
            Self::Reconnecting => "Reconnecting",
            Self::Recovering => "Recovering",
            Self::Dead => "Dead",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StateName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

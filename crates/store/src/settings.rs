//! What a session was told to be: emulation, headers, scripts, policies.

use base::SessionId;

use crate::Answer;

/// The largest settings of one session: 50 scripts of 20 KiB, and as much again.
pub const LARGEST_SETTINGS: usize = 4 << 20;

/// The table of sessions' settings; what they say is opaque here, and sealed.
pub trait SessionSettings: Send + Sync {
    /// Returns a session's settings; `None` if it has none of its own.
    fn get(&self, session: SessionId) -> Answer<'_, Option<Vec<u8>>>;

    /// Stores a session's settings in the place of its old ones. They are durable then.
    ///
    /// Fails with [`crate::Error::TooLarge`] above [`LARGEST_SETTINGS`].
    fn put<'a>(&'a self, session: SessionId, settings: &'a [u8]) -> Answer<'a, ()>;
}

//! Logins: versions of one origin's cookies and storage, kept by profile and origin.
//!
//! A *shelf* is what one profile keeps of one origin. Its versions are checkpoints whose
//! `session` is the shelf's id, so they are numbered, sealed, shared and collected as those of
//! a session are. A shelf is stored with its first version and goes with its last one.

use std::fmt;

use base::{CheckpointId, Private, SessionId};

use crate::{Answer, Listed, Unpublished};

/// The cause of a login that has no name: the newest so many of a shelf are kept.
pub const LOGIN: &str = "login";

/// How many shelves a home has at most.
pub const MOST_SHELVES: u64 = 2_000;

/// What one profile keeps of one origin.
#[derive(Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Its id: what its versions and parts are found by.
    pub id: SessionId,
    /// The profile (sealed).
    pub profile: String,
    /// The origin, such as `https://example.com` (sealed).
    pub origin: Private<String>,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf({})", self.id)
    }
}

/// The table of shelves, and the versions on them.
pub trait Logins: Send + Sync {
    /// Returns the shelf of a profile and an origin, if there is one.
    fn shelf<'a>(&'a self, profile: &'a str, origin: &'a str) -> Answer<'a, Option<Shelf>>;

    /// Returns every shelf, in the order they were made.
    fn shelves(&self) -> Answer<'_, Listed<Shelf>>;

    /// Publishes a version on a shelf, and the shelf with it if it isn't there, in one durable
    /// transaction.
    ///
    /// Fails with [`crate::Error::Exists`] if the profile and origin have another shelf by now,
    /// with [`crate::Error::TooLarge`] above [`MOST_SHELVES`], and as
    /// [`crate::Checkpoints::publish`] does.
    fn publish_login<'a>(&'a self, shelf: &'a Shelf, version: Unpublished) -> Answer<'a, u64>;

    /// Removes a version, damaged or not, and the shelf with its last one; tells whether there
    /// was such a version. A session's checkpoint is none.
    fn remove_login(&self, id: CheckpointId) -> Answer<'_, bool>;
}

//! Checkpoints: numbered manifests that point to sealed parts.
//!
//! A capture puts its parts first ([`crate::Blobs::put`]) and then publishes its manifest in
//! one durable transaction, so a checkpoint that can be seen is whole. A part that was put is
//! safe from the next publish of its session; one that two publishes have passed over was left
//! behind, and is removed.

use std::fmt;

use base::{CheckpointId, Private, SessionId, Timestamp};

use crate::{Answer, BlobAddress, Listed, SessionRow};

/// A checkpoint as it is stored.
#[derive(Clone, PartialEq)]
pub struct CheckpointRow {
    /// Its id.
    pub id: CheckpointId,
    /// The session it is a picture of.
    pub session: SessionId,
    /// Counted per session from 1. Set by [`Checkpoints::publish`].
    pub number: u64,
    /// The name a caller gave it (sealed).
    pub name: Option<Private<String>>,
    /// Why it was taken, in a word.
    pub cause: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The session's generation then.
    pub generation: u64,
    /// How large its manifest and parts are, unsealed.
    pub bytes: u64,
    /// A kept version, and not the rolling latest.
    pub kept: bool,
    /// The manifest, opaque here (sealed).
    pub manifest: Vec<u8>,
    /// The parts the manifest points to.
    pub parts: Vec<BlobAddress>,
}

impl fmt::Debug for CheckpointRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointRow")
            .field("id", &self.id)
            .field("session", &self.session)
            .field("number", &self.number)
            .field("cause", &self.cause)
            .field("taken_at", &self.taken_at)
            .field("generation", &self.generation)
            .field("kept", &self.kept)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// A checkpoint whose parts are on disk and that is not yet the one a restore would use.
#[must_use = "publish it, or its parts are swept away later"]
#[derive(Clone, PartialEq, Debug)]
pub struct Unpublished {
    /// The row to publish. Its `number` and `parts` are set by publishing.
    pub row: CheckpointRow,
    /// The parts that were put for it.
    pub parts: Vec<BlobAddress>,
}

/// The table of checkpoints.
pub trait Checkpoints: Send + Sync {
    /// Publishes a checkpoint in one durable transaction and returns its number.
    ///
    /// Fails with [`crate::Error::NotFound`] if one of its parts isn't there. A checkpoint that
    /// isn't kept takes the place of the session's previous one that isn't; parts that no
    /// checkpoint needs any more are removed afterwards.
    fn publish(&self, checkpoint: Unpublished) -> Answer<'_, u64>;

    /// Stores a new session together with its first checkpoint, in one durable transaction:
    /// there is the whole of it, or nothing.
    ///
    /// Fails as [`Checkpoints::publish`] and [`crate::Sessions::insert`] do.
    fn found<'a>(&'a self, session: &'a SessionRow, first: Unpublished) -> Answer<'a, ()>;

    /// Publishes a kept checkpoint that isn't newer than the session's newest one: that stays
    /// the one a recovery starts from. One durable transaction.
    fn publish_beside(&self, checkpoint: Unpublished) -> Answer<'_, ()>;

    /// Returns a session's checkpoints, newest first.
    fn list(&self, session: SessionId) -> Answer<'_, Listed<CheckpointRow>>;

    /// Returns a checkpoint; `None` if there is none of that id.
    fn get(&self, id: CheckpointId) -> Answer<'_, Option<CheckpointRow>>;

    /// Returns a session's newest checkpoint that isn't damaged.
    ///
    /// Its row reads back and its parts are there; what is in them shows when they are read.
    fn newest(&self, session: SessionId) -> Answer<'_, Option<CheckpointRow>>;

    /// Removes a checkpoint and the parts only it needed; tells whether there was one.
    fn remove(&self, id: CheckpointId) -> Answer<'_, bool>;
}

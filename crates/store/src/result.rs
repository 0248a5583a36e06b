//! The response store: parts of answers that were too large for a model, kept for some minutes
//! to be read on by their handles.
//!
//! ```text
//!   keep ──▶ kept ──▶ its time is over, it has to make room, its session is closed ──▶ gone
//! ```
//!
//! A handle vouches for itself: the last of its bits are a keyed hash of the others. So a handle
//! that was given and whose result is gone is told from one that never was, and nothing has to
//! be remembered of either.

use std::time::Duration;

use base::{Private, ResultId, SessionId, Timestamp};

use crate::Answer;

/// How much is kept, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResultBounds {
    /// How long a result is kept.
    pub ttl: Duration,
    /// Results of one session; answers about no session count as one more.
    pub items: usize,
    /// Bytes of one session's results.
    pub bytes: u64,
    /// Bytes of all results of the home.
    pub total_bytes: u64,
}

impl Default for ResultBounds {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(5 * 60),
            items: 100,
            bytes: 16 << 20,
            total_bytes: 64 << 20,
        }
    }
}

/// A part of an answer that is to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewResult {
    /// The field of the answer (sealed).
    pub field: String,
    /// All of it (sealed).
    pub text: Private<String>,
}

/// A part of an answer that was kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptResult {
    /// The session whose answer it is from.
    pub session: Option<SessionId>,
    /// Until when it is kept.
    pub expires_at: Timestamp,
    /// What was kept.
    pub result: NewResult,
}

/// What a handle leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FoundResult {
    /// The result.
    Kept(Box<KeptResult>),
    /// Nothing any more: it was given at that time.
    Gone {
        /// When it was given.
        given_at: Timestamp,
    },
    /// Nothing: this home never gave it.
    Unknown,
}

/// The response store.
pub trait Results: Send + Sync {
    /// Keeps the parts of one answer, all of them or none, and returns their handles in order.
    ///
    /// What is over its time goes, and as many of the oldest as it takes to stay within the
    /// bounds. A session that isn't stored counts as none. Survives the death of the process.
    ///
    /// Fails with [`crate::Error::TooLarge`] if they are over the bounds by themselves.
    fn keep<'a>(
        &'a self,
        now: Timestamp,
        bounds: &'a ResultBounds,
        session: Option<SessionId>,
        results: &'a [NewResult],
    ) -> Answer<'a, Vec<ResultId>>;

    /// Returns what a handle leads to.
    fn read(&self, now: Timestamp, id: ResultId) -> Answer<'_, FoundResult>;

    /// Removes results whose time is over; tells how many.
    fn collect(&self, now: Timestamp) -> Answer<'_, u64>;
}

//! Idempotency keys: a call that carries one is done once, and its repeats get its outcome.
//!
//! ```text
//!   free ──begin──▶ held, accepted ──record──▶ held, sent ──finish──▶ held, with its outcome
//!    ▲                │     ▲  begin: again, under the first call's id
//!    └──── let go ────┘     └─── its daemon died, or nobody knows: nothing was sent
//! ```
//!
//! A key lives in its call's row, so a call and its key can't be of two minds. What is held is
//! held for a day; then the row is one like any other.

use std::time::Duration;

use base::{CallId, Timestamp};

use crate::{Answer, CallRow, CallState};

/// How long a key is held.
pub const KEY_AGE: Duration = Duration::from_secs(24 * 3600);
/// How many keys are held at a time. Over this a call with a new one is refused: to forget a
/// key early would be to do its call twice.
pub const MOST_KEYS: u64 = 20_000;

/// What a key and the call it came with are known by. It tells nothing of either.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CallPrint {
    /// The key.
    pub key: [u8; 32],
    /// The operation with its arguments.
    pub arguments: [u8; 32],
}

/// A call that comes with a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyedCall {
    /// Its id, if it turns out to be the first.
    pub id: CallId,
    /// Whose key it is.
    pub scope: String,
    /// The key and the arguments.
    pub print: CallPrint,
    /// The operation's name.
    pub operation: String,
    /// The epoch of the daemon that took it.
    pub epoch: u64,
    /// When it was taken.
    pub at: Timestamp,
}

/// What a key says of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Begun {
    /// It is to be done, under this id: its own, or that of an earlier call of the key of which
    /// nothing was sent.
    Do(CallId),
    /// The key is held by this call, which may have been sent.
    Held(Box<CallRow>),
    /// The key is held by a call with other arguments, of this operation.
    Other(String),
}

/// What becomes of the key of a call of which nothing was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsent {
    /// It is free: the call was refused, or its caller knows that nothing was done.
    Free,
    /// The call stays as it was taken: the next one with the key does it, under the same id.
    Stays,
}

/// The keys of calls.
pub trait CallKeys: Send + Sync {
    /// Returns what a key and a call are known by.
    fn print<'a>(&'a self, key: &'a str, call: &'a str) -> Answer<'a, CallPrint>;

    /// Takes a call with a key: durably, before anything of it is done.
    ///
    /// The caller sees to it that no call of the key is under way: an accepted one is one that
    /// was cut off. Fails with [`crate::Error::Exists`] if the id belongs to another call, and
    /// with [`crate::Error::TooLarge`] if [`MOST_KEYS`] are held.
    fn begin<'a>(&'a self, call: &'a KeyedCall) -> Answer<'a, Begun>;

    /// Stores durably what came of a call that was begun. Of one that was not sent and isn't
    /// done, `unsent` says what becomes.
    fn end<'a>(
        &'a self,
        id: CallId,
        state: CallState,
        outcome: Option<&'a [u8]>,
        unsent: Unsent,
    ) -> Answer<'a, ()>;

    /// Lets go of the keys that are over age; tells how many.
    fn forget_keys(&self, now: Timestamp) -> Answer<'_, u64>;
}

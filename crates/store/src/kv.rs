//! Key-value pairs in namespaces: small shared state, and queues whose items are claimed.
//!
//! One number counts every change of the home's KV store: an entry's version is the number of
//! its last change, a lease's epoch the number of its claim. So neither is ever given twice,
//! not even when an entry is deleted and set anew.

use base::{CallId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Answer;

/// The longest name of a namespace, in bytes.
pub const LONGEST_NAMESPACE: usize = 128;
/// The longest key, in bytes.
pub const LONGEST_KEY: usize = 512;
/// The largest value, in bytes of JSON.
pub const LARGEST_VALUE: usize = 1 << 20;
/// Namespaces of a home.
pub const NAMESPACES: u64 = 1000;
/// Entries of a namespace.
pub const ENTRIES: u64 = 10_000;
/// Bytes of all values of a home.
pub const TOTAL_BYTES: u64 = 1 << 30;
/// Deletions of a namespace that are remembered for those who watch.
pub const DELETIONS: u64 = 1000;
/// Bytes of values in one page of a listing; one entry is always in it.
pub const PAGE_BYTES: usize = 4 << 20;

/// An entry.
#[derive(Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// Its key (sealed, and hashed to be found by).
    pub key: String,
    /// Its value, opaque here (sealed); empty if it wasn't asked for.
    pub value: Vec<u8>,
    /// The number of its last change.
    pub version: u64,
    /// When it goes by itself.
    pub expires_at: Option<Timestamp>,
    /// Who holds it, if somebody does or did last.
    pub lease: Option<KvLease>,
}

impl std::fmt::Debug for KvEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvEntry")
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// A claim of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KvLease {
    /// Its number; a later claim's is higher.
    pub epoch: u64,
    /// Until when nobody else gets the entry.
    pub until: Timestamp,
}

/// A change that is asked for.
#[derive(Clone, PartialEq, Eq)]
pub enum KvWrite {
    /// Stores a value.
    Set {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// When it goes by itself.
        expires_at: Option<Timestamp>,
        /// The version the entry must have; 0: there must be none.
        if_version: Option<u64>,
        /// The lease the caller holds it by, which it then keeps.
        epoch: Option<u64>,
    },
    /// Removes an entry; one that isn't there stays away.
    Delete {
        /// The key.
        key: String,
        /// The version the entry must have.
        if_version: Option<u64>,
    },
    /// Removes every entry of the namespace, claimed ones too, and the namespace.
    Clear,
    /// Claims the first free entry in key order.
    Claim {
        /// Only this one.
        key: Option<String>,
        /// Only those that begin so.
        prefix: String,
        /// Until when it is claimed.
        until: Timestamp,
    },
    /// Holds a claimed entry for longer, or shorter.
    Renew {
        /// The key.
        key: String,
        /// The claim.
        epoch: u64,
        /// Until when.
        until: Timestamp,
    },
    /// Gives a claimed entry back.
    Release {
        /// The key.
        key: String,
        /// The claim.
        epoch: u64,
    },
    /// Removes a claimed entry, as its work is done.
    Finish {
        /// The key.
        key: String,
        /// The claim.
        epoch: u64,
    },
}

/// What a change came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KvDone {
    /// The value is stored.
    Set {
        /// Its version.
        version: u64,
    },
    /// The entry is gone.
    Deleted {
        /// Whether it was there.
        was_there: bool,
    },
    /// All are gone.
    Cleared {
        /// How many there were.
        entries: u64,
    },
    /// An entry is claimed.
    Claimed {
        /// Its key.
        key: String,
        /// The claim.
        epoch: u64,
    },
    /// No entry was free.
    NothingFree {
        /// When the first of the claimed ones becomes free (ms since 1970), unless it is renewed.
        next: Option<i64>,
    },
    /// It is held for longer.
    Renewed,
    /// It is free.
    Released,
    /// It is done and gone.
    Finished,
}

/// What a change came to, with the entry that was claimed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KvOutcome {
    /// What it came to.
    pub done: KvDone,
    /// The entry, after a claim.
    pub entry: Option<KvEntry>,
}

/// A page of a namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KvListed {
    /// The entries, in the order of their keys' bytes.
    pub entries: Vec<KvEntry>,
    /// Whether more follow the last one.
    pub more: bool,
    /// The number of the last change this page knows of.
    pub revision: u64,
    /// Entries that don't read back. They are still stored.
    pub damaged: u64,
}

/// Which entries a page is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KvPage {
    /// Those that begin so.
    pub prefix: String,
    /// Those after this key.
    pub after: Option<String>,
    /// So many at the most.
    pub limit: usize,
    /// With their values.
    pub values: bool,
}

/// What changed in a namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KvChanges {
    /// The last change of each key that changed, in order.
    pub changes: Vec<KvChange>,
    /// The number to go on from.
    pub revision: u64,
    /// Whether deletions since then are forgotten: what is there has to be listed anew.
    pub gap: bool,
}

/// The last change of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KvChange {
    /// It was set.
    Set(KvEntry),
    /// It was deleted, finished, or its time was over.
    Gone {
        /// The key.
        key: String,
        /// The change's number.
        revision: u64,
    },
}

/// The KV store.
///
/// Expired entries are as good as gone, whether they were collected or not. Keys are bounded by
/// the caller; values, counts and sizes here.
pub trait Kv: Send + Sync {
    /// Makes a change, durably and once: a call that is repeated gets its first answer.
    ///
    /// Fails with [`crate::Error::Conflict`] on another version, [`crate::Error::Leased`] on an
    /// entry that somebody holds, [`crate::Error::LeaseLost`] under a claim that isn't the
    /// entry's last, [`crate::Error::TooLarge`] over a bound.
    fn write<'a>(
        &'a self,
        call: CallId,
        now: Timestamp,
        namespace: &'a str,
        write: &'a KvWrite,
    ) -> Answer<'a, KvOutcome>;

    /// Returns what a call came to, if it made a change.
    fn done(&self, call: CallId) -> Answer<'_, Option<KvDone>>;

    /// Returns an entry.
    fn get<'a>(
        &'a self,
        now: Timestamp,
        namespace: &'a str,
        key: &'a str,
    ) -> Answer<'a, Option<KvEntry>>;

    /// Returns a page of entries in key order.
    fn list<'a>(
        &'a self,
        now: Timestamp,
        namespace: &'a str,
        page: &'a KvPage,
    ) -> Answer<'a, KvListed>;

    /// Returns what changed after `since`, the last change of each key; without it, only the
    /// number to go on from.
    fn changes<'a>(
        &'a self,
        now: Timestamp,
        namespace: &'a str,
        prefix: &'a str,
        since: Option<u64>,
        limit: usize,
    ) -> Answer<'a, KvChanges>;

    /// Collects entries whose time is over; a bounded number. Returns how many.
    fn collect(&self, now: Timestamp) -> Answer<'_, u64>;
}

//! Tables and sealed blobs: what a home keeps, and how it is kept.
//!
//! ```text
//! $BROWSERD_HOME/            0700
//!   lock                     flock; the holder's pid          (lock_home)
//!   key                      0600; the master key             (key)
//!   browserd.db              SQLite in WAL: the tables        (sqlite)
//!   blobs/<session>/<2>/<64> sealed parts of checkpoints      (blob)
//! ```
//!
//! Each table is a trait, so that one suite of tests holds every back end to the same rules.
//! Whatever came from a page or names a page is sealed before it reaches a table (`seal`).
//! What is damaged is reported beside what is not; it is never deleted and never overwritten.
//! Formats and rules are written down in `docs/design/storage.md`.

mod attached;
mod blob;
mod browser;
mod call;
mod call_key;
mod checkpoint;
mod download;
mod error;
pub mod file;
mod home;
pub mod key;
mod keyring;
pub mod kv;
mod lifetime;
mod lock;
mod login;
mod meta;
mod result;
mod retention;
mod rotation;
mod seal;
mod session;
mod settings;
mod sqlite;
mod store;
mod tab;

use futures_util::future::BoxFuture;

pub use attached::Attached;
pub use blob::{BlobAddress, Blobs, InvalidAddress, Making, Whose};
pub use browser::{BrowserRow, Browsers};
pub use call::{CallRow, CallState, Calls};
pub use call_key::{Begun, CallKeys, CallPrint, KEY_AGE, KeyedCall, MOST_KEYS, Unsent};
pub use checkpoint::{CheckpointRow, Checkpoints, Unpublished};
pub use download::{DownloadRow, Downloads, LARGEST_DOWNLOAD};
pub use error::{Error, Thing};
pub use home::prepare_home;
pub use key::MasterKey;
pub use kv::Kv;
pub use lifetime::Lifetime;
pub use lock::{HomeLock, Patience, lock_home};
pub use login::{LOGIN, Logins, MOST_SHELVES, Shelf};
pub use meta::Meta;
pub use result::{FoundResult, KeptResult, NewResult, ResultBounds, Results};
pub use retention::{Collected, EXPLICIT, Retention, Retentions};
pub use rotation::{Rotated, rotate};
pub use session::{SessionRow, Sessions};
pub use settings::{LARGEST_SETTINGS, SessionSettings};
pub use store::Store;
pub use tab::{TabRow, Tabs};

/// What a table answers with.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// The rows that read back, and those that don't.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed<T> {
    /// The good rows, in the order the table promises.
    pub rows: Vec<T>,
    /// What could not be read. It is still stored.
    pub damaged: Vec<Damaged>,
}

/// A row that doesn't read back as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// The row's id, as far as it can be told.
    pub id: String,
    /// What is wrong with it.
    pub reason: String,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            damaged: Vec::new(),
        }
    }
}

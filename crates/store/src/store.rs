//! The store: a home's tables and blobs behind one handle.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base::Tasks;

use crate::{
    Answer, Blobs, Browsers, CallKeys, Calls, Checkpoints, Downloads, Error, Kv, Logins, MasterKey,
    Meta, Results, Retentions, SessionSettings, Sessions, Tabs, sqlite,
};

/// A home's tables and blobs. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    tables: Arc<dyn Tables>,
    blobs: Blobs,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(..)")
    }
}

/// Every table of a back end.
pub(crate) trait Tables:
    Sessions
    + SessionSettings
    + Downloads
    + Browsers
    + Tabs
    + Checkpoints
    + Calls
    + CallKeys
    + Meta
    + Kv
    + Logins
    + Results
    + Retentions
{
    /// Closes the back end.
    fn close(&self) -> Answer<'_, ()>;
}

impl Store {
    /// Opens the database of a home, making it on the first time. The caller holds the home's
    /// lock.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if the database was made with another key, [`Error::Newer`] if a
    /// newer version has written it, [`Error::Corrupt`] if it is no database; in all three
    /// nothing is written. [`Error::DiskFull`], [`Error::Io`], [`Error::Sql`].
    pub async fn open(home: &Path, key: MasterKey, tasks: &Tasks) -> Result<Self, Error> {
        let sqlite = sqlite::open_file(home, &key, tasks).await?;
        Ok(Self {
            blobs: sqlite.blobs().clone(),
            tables: Arc::new(sqlite),
        })
    }

    /// Opens a store in memory, with a key of its own, for tests.
    ///
    /// # Errors
    /// [`Error::Sql`] if SQLite can't be had.
    pub async fn open_memory() -> Result<Self, Error> {
        let sqlite = sqlite::open_memory().await?;
        Ok(Self {
            blobs: sqlite.blobs().clone(),
            tables: Arc::new(sqlite),
        })
    }

    /// Returns the table of sessions.
    #[must_use]
    pub fn sessions(&self) -> &dyn Sessions {
        &*self.tables
    }

    /// Returns the table of sessions' settings.
    #[must_use]
    pub fn settings(&self) -> &dyn SessionSettings {
        &*self.tables
    }

    /// Returns the table of downloads.
    #[must_use]
    pub fn downloads(&self) -> &dyn Downloads {
        &*self.tables
    }

    /// Returns the table of browsers.
    #[must_use]
    pub fn browsers(&self) -> &dyn Browsers {
        &*self.tables
    }

    /// Returns the table of tabs.
    #[must_use]
    pub fn tabs(&self) -> &dyn Tabs {
        &*self.tables
    }

    /// Returns the table of checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> &dyn Checkpoints {
        &*self.tables
    }

    /// Returns the journal.
    #[must_use]
    pub fn calls(&self) -> &dyn Calls {
        &*self.tables
    }

    /// Returns the keys of calls.
    #[must_use]
    pub fn call_keys(&self) -> &dyn CallKeys {
        &*self.tables
    }

    /// Returns the home's own values.
    #[must_use]
    pub fn meta(&self) -> &dyn Meta {
        &*self.tables
    }

    /// Returns the KV store.
    #[must_use]
    pub fn kv(&self) -> &dyn Kv {
        &*self.tables
    }

    /// Returns the logins.
    #[must_use]
    pub fn logins(&self) -> &dyn Logins {
        &*self.tables
    }

    /// Returns the response store.
    #[must_use]
    pub fn results(&self) -> &dyn Results {
        &*self.tables
    }

    /// Returns what removes what need not be kept.
    #[must_use]
    pub fn retentions(&self) -> &dyn Retentions {
        &*self.tables
    }

    /// Returns the blobs.
    #[must_use]
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Closes the database. Whatever is asked of it afterwards fails with [`Error::Closed`].
    ///
    /// A store that is dropped or killed without it loses nothing that was committed.
    ///
    /// # Errors
    /// [`Error::Sql`], [`Error::DiskFull`] if what was committed stays in the WAL for now.
    pub async fn close(&self) -> Result<(), Error> {
        self.tables.close().await
    }
}

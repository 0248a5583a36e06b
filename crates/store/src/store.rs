//! The store.
use crate::{Blobs, Browsers, Calls, Checkpoints, Error, MasterKey, Meta, Sessions, Tabs};
use base::Tasks;
use std::path::Path;
use std::sync::Arc;

/// A home's tables and blobs. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    tables: Arc<dyn Tables>,
    blobs: Blobs,
}

/// Every table of a back end.
pub(crate) trait Tables: Sessions + Browsers + Tabs + Checkpoints + Calls + Meta {}

impl Store {
    /// Opens the database of a home, made on the first time.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(_home: &Path, _key: MasterKey, _tasks: &Tasks) -> Result<Self, Error> {
        Err(Error::Closed)
    }
    /// Opens a store in memory, for tests.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open_memory() -> Result<Self, Error> {
        Err(Error::Closed)
    }
    /// Returns the table of sessions.
    #[must_use]
    pub fn sessions(&self) -> &dyn Sessions {
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
    /// Returns the home's own values.
    #[must_use]
    pub fn meta(&self) -> &dyn Meta {
        &*self.tables
    }
    /// Returns the blobs.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }
    /// Closes the database: what was written is on disk when it returns.
    pub async fn close(&self) {}
}

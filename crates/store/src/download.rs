//! Downloads: what is known of the files that a session's pages had downloaded.

use base::SessionId;

use crate::{Answer, Listed};

/// The largest row of one download.
pub const LARGEST_DOWNLOAD: usize = 64 << 10;

/// A row of the table; what it says is opaque here, and sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadRow {
    /// Its number in the session.
    pub number: u32,
    /// What is known of it.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for DownloadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "DownloadRow({}, {} bytes)",
            self.number,
            self.content.len()
        )
    }
}

/// The table of downloads.
pub trait Downloads: Send + Sync {
    /// Returns a session's rows by their number.
    fn list(&self, session: SessionId) -> Answer<'_, Listed<DownloadRow>>;

    /// Stores rows, each in the place of the one of its number, and removes others, in one
    /// durable transaction.
    ///
    /// Fails with [`crate::Error::TooLarge`] above [`LARGEST_DOWNLOAD`].
    fn change<'a>(
        &'a self,
        session: SessionId,
        put: &'a [DownloadRow],
        remove: &'a [u32],
    ) -> Answer<'a, ()>;
}

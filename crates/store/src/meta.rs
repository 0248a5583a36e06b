//! Meta: what the home itself remembers.

use crate::Answer;

/// The table of the home's own values.
pub trait Meta: Send + Sync {
    /// Returns the home's nonce, 32 hexadecimal digits; made on the first call.
    ///
    /// Keepers started for this home know it, and no other daemon does.
    fn home_nonce(&self) -> Answer<'_, String>;

    /// Returns a number higher than every one returned before, also by earlier daemons.
    fn next_epoch(&self) -> Answer<'_, u64>;

    /// Returns a small value (sealed); `None` if it was never put.
    fn get<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Vec<u8>>>;

    /// Stores a small value of at most 64 KiB.
    fn put<'a>(&'a self, name: &'a str, value: &'a [u8]) -> Answer<'a, ()>;
}

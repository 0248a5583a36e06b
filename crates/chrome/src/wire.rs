//! What daemon and keeper say to each other.

/// The protocol's version.
pub(crate) const VERSION: u16 = 1;

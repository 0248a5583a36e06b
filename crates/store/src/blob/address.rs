//! Addresses of blobs: what their bytes are, told by a session's own key.

use std::fmt;
use std::str::FromStr;

use crate::key::{push_hex, read_hex};

/// Where a part of a checkpoint is kept: BLAKE3 of its kind and canonical bytes, keyed by the
/// session's data key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobAddress([u8; 32]);

/// A text that is not a blob's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a blob address of 64 hexadecimal digits")]
pub struct InvalidAddress;

impl BlobAddress {
    /// Returns the address's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the address that these bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for BlobAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        push_hex(&mut text, &self.0);
        f.write_str(&text)
    }
}

impl fmt::Debug for BlobAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let mut bytes = [0; 32];
        read_hex(text, &mut bytes).ok_or(InvalidAddress)?;
        Ok(Self(bytes))
    }
}

impl serde::Serialize for BlobAddress {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for BlobAddress {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

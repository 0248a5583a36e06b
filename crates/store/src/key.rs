//! The master key: 32 bytes which wrap every data key; random, in the file `key`, unless another
//! source is chosen.
//!
//! ```text
//! browserd-key-1 <64 hexadecimal digits> <8 digits of their BLAKE3>
//! ```
//!
//! A key is made only in a home that has neither key nor database: a database without its key
//! must be refused, and a new key beside it would hide that.

mod keychain;
mod passphrase;
mod source;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rand::TryRngCore;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, seal};

pub(crate) use source::look;
pub use source::{Seen, Source, open, seen};
pub(crate) use source::{Slot, held, make, promote, remove};

/// The name of the key file in a home.
pub const FILE: &str = "key";
/// The name of the database in a home.
pub(crate) const DATABASE: &str = "browserd.db";
/// The name of the WAL beside it.
pub(crate) const WAL: &str = "browserd.db-wal";

const HEADING: &str = "browserd-key-1";
const LENGTH: usize = 32;
/// Longer than any key file ever was.
const LONGEST_FILE: u64 = 256;

/// The key that wraps the data keys. Clones share it; the last one wipes it.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; LENGTH]>>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl MasterKey {
    /// Returns a new random key.
    ///
    /// # Errors
    /// [`Error::Io`] if the system has no random numbers to give.
    pub fn random() -> Result<Self, Error> {
        Ok(Self(Arc::new(random_bytes()?)))
    }

    pub(crate) fn of(bytes: Zeroizing<[u8; LENGTH]>) -> Self {
        Self(Arc::new(bytes))
    }

    /// Reads a key from its text: what a key file holds, or its 64 hexadecimal digits alone.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.starts_with(HEADING) {
            return Self::from_text(text);
        }
        let mut bytes = Zeroizing::new([0; LENGTH]);
        read_hex(text, &mut bytes[..]).ok_or("it isn't 64 hexadecimal digits (0-9, a-f)")?;
        Ok(Self::of(bytes))
    }

    /// Returns what tells this key from others and says nothing about it: 16 digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::with_capacity(16);
        push_hex(&mut text, &seal::master_id(&self.0)[..8]);
        text
    }

    /// Returns the sealer that wraps data keys under this key.
    pub(crate) fn sealer(&self) -> seal::Sealer {
        seal::Sealer::of_master(&self.0)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = String::with_capacity(LONGEST_FILE as usize);
        text.push_str(HEADING);
        text.push(' ');
        push_hex(&mut text, &self.0[..]);
        text.push(' ');
        push_hex(&mut text, &checksum(&self.0));
        text.push('\n');
        Zeroizing::new(text)
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        let mut words = text.split_ascii_whitespace();
        if words.next() != Some(HEADING) {
            return Err("it doesn't start with `browserd-key-1`");
        }
        let (Some(key), Some(sum), None) = (words.next(), words.next(), words.next()) else {
            return Err("it isn't one key and its checksum");
        };
        let mut bytes = Zeroizing::new([0; LENGTH]);
        read_hex(key, &mut bytes[..]).ok_or("the key isn't 64 hexadecimal digits")?;
        let mut found = [0; 4];
        read_hex(sum, &mut found).ok_or("the checksum isn't 8 hexadecimal digits")?;
        if found != checksum(&bytes) {
            return Err("the key doesn't match its checksum");
        }
        Ok(Self(Arc::new(bytes)))
    }
}

/// Returns the master key in a home's file `key`; makes it if the home has neither key nor
/// database. See [`open`] for the other sources.
///
/// The caller holds the home's lock.
///
/// # Errors
/// [`Error::WrongKey`] if there is a database and no key, [`Error::Corrupt`] if the file isn't
/// a key, [`Error::DiskFull`] and [`Error::Io`] if it can't be read or made.
pub fn load_or_make(home: &Path) -> Result<MasterKey, Error> {
    match held(home, &Source::File, Slot::Now)? {
        Some(key) => Ok(key),
        None if has_database(home)? => Err(Error::WrongKey {
            what: "the database, the `key` file is gone".into(),
        }),
        None => make(home, &Source::File, Slot::Now),
    }
}

/// Tells whether a home has a database; a WAL alone may hold all there is.
pub(crate) fn has_database(home: &Path) -> Result<bool, Error> {
    for name in [DATABASE, WAL] {
        let path = home.join(name);
        if path
            .try_exists()
            .map_err(|err| Error::io("look for", &path, err))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns random bytes from the system, for keys.
pub(crate) fn random_bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes[..])
        .map_err(|err| {
            bytes.zeroize();
            let source = std::io::Error::other(err);
            Error::Io {
                action: "get random numbers from",
                path: "the system".into(),
                source,
            }
        })?;
    Ok(bytes)
}

fn checksum(key: &[u8; LENGTH]) -> [u8; 4] {
    let hash = blake3::derive_key("browserd 2026-11 key file checksum", key);
    [hash[0], hash[1], hash[2], hash[3]]
}

pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Reads exactly as many bytes as `into` has; lower-case digits only, so that one value has
/// one text.
pub(crate) fn read_hex(text: &str, into: &mut [u8]) -> Option<()> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != into.len() * 2 {
        return None;
    }
    for (pair, byte) in text.chunks_exact(2).zip(into) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(())
}

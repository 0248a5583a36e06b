//! The master key: 32 random bytes in the file `key`, which wrap every data key.
//!
//! ```text
//! browserd-key-1 <64 hexadecimal digits> <8 digits of their BLAKE3>
//! ```
//!
//! It is made only in a home that has neither key nor database: a database without its key
//! must be refused, and a new key beside it would hide that.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rand::TryRngCore;
use zeroize::{Zeroize, Zeroizing};

use crate::home::sync_folder;
use crate::{Error, seal};

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

/// Returns the home's master key; makes it if the home has neither key nor database.
///
/// The caller holds the home's lock.
///
/// # Errors
/// [`Error::WrongKey`] if there is a database and no key, [`Error::Corrupt`] if the file isn't
/// a key, [`Error::DiskFull`] and [`Error::Io`] if it can't be read or made.
pub fn load_or_make(home: &Path) -> Result<MasterKey, Error> {
    let path = home.join(FILE);
    match File::open(&path) {
        Ok(file) => load(&file, &path),
        Err(err) if err.kind() == ErrorKind::NotFound => {
            if has_database(home)? {
                return Err(Error::WrongKey {
                    what: "the database, the `key` file is gone".into(),
                });
            }
            make(home, &path)
        }
        Err(err) => Err(Error::io("open", &path, err)),
    }
}

fn load(file: &File, path: &Path) -> Result<MasterKey, Error> {
    let fail = |err| Error::io("read", path, err);
    if file.metadata().map_err(fail)?.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "other users had rights to the key; taken away");
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(fail)?;
    }
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize));
    file.take(LONGEST_FILE)
        .read_to_end(&mut text)
        .map_err(fail)?;
    let key = std::str::from_utf8(&text).map_err(|_| "it isn't text");
    key.and_then(MasterKey::from_text)
        .map_err(|reason| Error::corrupt(path.display().to_string(), reason))
}

fn make(home: &Path, path: &Path) -> Result<MasterKey, Error> {
    let key = MasterKey::random()?;
    // A crash leaves either no key or a whole one: half a key could never be told from a
    // damaged one.
    let new = home.join("key.new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(key.to_text().as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&new, path))
        .and_then(|()| sync_folder(home));
    match written {
        Ok(()) => Ok(key),
        Err(err) => {
            if let Err(err) = std::fs::remove_file(&new) {
                tracing::debug!(%err, "no half-written key file to remove");
            }
            Err(Error::io("write", path, err))
        }
    }
}

fn has_database(home: &Path) -> Result<bool, Error> {
    // The WAL alone may hold all there is.
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

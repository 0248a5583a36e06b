//! Data keys: one for each session and one for the home itself, wrapped by the master key.
//!
//! What is sealed is sealed by a data key; only the data keys are sealed by the master key. So
//! a new master key means wrapping these again and nothing else.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base::SessionId;
use zeroize::Zeroizing;

use crate::key::{MasterKey, random_bytes};
use crate::seal::{Format, Label, Refused, Sealer};
use crate::{Answer, BlobAddress, Error};

/// Unwrapped keys held in memory; over this the oldest knowledge is dropped and read again.
const HELD: usize = 1024;
/// The 16 bytes of a key's id, then the 32 of the key.
const WRAPPED: usize = 16 + 32;
const CHECK: &[u8] = b"browserd";

/// What a data key is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Scope {
    /// The home's own values.
    Home,
    /// A session's rows and blobs.
    Session(SessionId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("home"),
            Self::Session(id) => id.fmt(f),
        }
    }
}

/// Where wrapped data keys are kept.
pub(crate) trait DataKeys: Send + Sync {
    /// Returns the wrapped key of a scope.
    fn wrapped<'a>(&'a self, scope: &'a str) -> Answer<'a, Option<Vec<u8>>>;

    /// Stores a wrapped key unless the scope has one, and returns the one that is stored.
    fn keep<'a>(&'a self, scope: &'a str, wrapped: &'a [u8]) -> Answer<'a, Vec<u8>>;
}

/// An unwrapped data key.
pub(crate) struct DataKey {
    scope: String,
    sealer: Sealer,
    address: Zeroizing<[u8; 32]>,
    names: Zeroizing<[u8; 32]>,
}

/// The data keys of a home.
pub(crate) struct Keyring {
    master: Sealer,
    stored: Arc<dyn DataKeys>,
    held: Mutex<HashMap<Scope, Arc<DataKey>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Keyring {
    pub fn new(master: &MasterKey, stored: Arc<dyn DataKeys>) -> Self {
        Self {
            master: master.sealer(),
            stored,
            held: Mutex::default(),
        }
    }

    /// Returns a scope's data key, made on first use.
    pub async fn get(&self, scope: Scope) -> Result<Arc<DataKey>, Error> {
        if let Some(key) = self.find(scope).await? {
            return Ok(key);
        }
        let name = scope.to_string();
        // Two at once may get here: the first one's key is stored, and both use it.
        let wrapped = self.stored.keep(&name, &self.wrap(&name)?).await?;
        self.hold(scope, name, &wrapped)
    }

    /// Returns a scope's data key; `None` if nothing was ever sealed in it.
    pub async fn find(&self, scope: Scope) -> Result<Option<Arc<DataKey>>, Error> {
        if let Some(key) = self.held(|held| held.get(&scope).cloned()) {
            return Ok(Some(key));
        }
        let name = scope.to_string();
        match self.stored.wrapped(&name).await? {
            Some(wrapped) => self.hold(scope, name, &wrapped).map(Some),
            None => Ok(None),
        }
    }

    /// Drops a scope's data key from memory: it is gone from the database.
    pub fn forget(&self, scope: Scope) {
        self.held(|held| held.remove(&scope));
    }

    fn hold(&self, scope: Scope, name: String, wrapped: &[u8]) -> Result<Arc<DataKey>, Error> {
        let key = Arc::new(self.unwrap(name, wrapped)?);
        self.held(|held| {
            if HELD <= held.len() {
                held.clear();
            }
            held.insert(scope, Arc::clone(&key));
        });
        Ok(key)
    }

    fn wrap(&self, scope: &str) -> Result<Vec<u8>, Error> {
        let fresh = random_bytes::<WRAPPED>()?;
        seal(
            &self.master,
            Format::Plain,
            data_key_label(scope),
            &fresh[..],
        )
    }

    fn unwrap(&self, scope: String, wrapped: &[u8]) -> Result<DataKey, Error> {
        let what = || format!("the data key of {scope}");
        let opened = self
            .master
            .open(Format::Plain, data_key_label(&scope), wrapped)
            .map_err(|refused| refused.into_error(what()))?;
        let Some((id, key)) = opened.split_first_chunk::<16>() else {
            return Err(Error::corrupt(what(), "too short"));
        };
        let key: &[u8; 32] = key
            .try_into()
            .map_err(|_| Error::corrupt(what(), "its length is wrong"))?;
        let address = blake3::derive_key("browserd 2026-11 data key address", key);
        let sealer = Sealer::of_data(key, *id);
        Ok(DataKey {
            sealer,
            address: Zeroizing::new(address),
            names: Zeroizing::new(blake3::derive_key("browserd 2026-11 data key names", key)),
            scope,
        })
    }

    fn held<T>(&self, work: impl FnOnce(&mut HashMap<Scope, Arc<DataKey>>) -> T) -> T {
        // Every change to the map is one call, so a panic elsewhere leaves it whole.
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DataKey {
    /// Seals a value of a row.
    ///
    /// It is bound to `id`: the row's id, perhaps with columns beside it.
    pub fn seal(
        &self,
        kind: &str,
        id: &(impl AsRef<[u8]> + ?Sized),
        value: &[u8],
    ) -> Result<Vec<u8>, Error> {
        seal(
            &self.sealer,
            Format::Plain,
            self.label(kind, id.as_ref()),
            value,
        )
    }

    /// Opens a value of a row.
    pub fn open(
        &self,
        kind: &str,
        id: &(impl AsRef<[u8]> + ?Sized),
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Refused> {
        self.sealer
            .open(Format::Plain, self.label(kind, id.as_ref()), sealed)
    }

    /// Seals a blob's packed bytes.
    pub fn seal_blob(&self, kind: &str, at: &BlobAddress, packed: &[u8]) -> Result<Vec<u8>, Error> {
        seal(
            &self.sealer,
            Format::Packed,
            self.label(kind, at.as_bytes()),
            packed,
        )
    }

    /// Opens a blob's packed bytes.
    pub fn open_blob(
        &self,
        kind: &str,
        at: &BlobAddress,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Refused> {
        self.sealer
            .open(Format::Packed, self.label(kind, at.as_bytes()), sealed)
    }

    /// Returns the address of canonical bytes. Without the key it tells nothing about them.
    pub fn address(&self, kind: &str, canonical: &[u8]) -> BlobAddress {
        // The kind is part of it: a blob is sealed as one of its kind, so the same bytes of
        // two kinds are two blobs.
        let mut hasher = blake3::Hasher::new_keyed(&self.address);
        hasher.update(&(kind.len() as u64).to_le_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(canonical);
        BlobAddress::from_bytes(*hasher.finalize().as_bytes())
    }

    /// Returns the hash a sealed name is found by. Without the key it tells nothing about it.
    pub fn name_hash(&self, kind: &str, parts: &[&str]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.names);
        for part in std::iter::once(&kind).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    fn label<'a>(&'a self, kind: &'a str, part: &'a [u8]) -> Label<'a> {
        Label {
            kind,
            session: &self.scope,
            part,
        }
    }
}

impl Refused {
    /// Returns the refusal as an error about `what`.
    pub fn into_error(self, what: String) -> Error {
        match self {
            Self::Damaged(reason) => Error::corrupt(what, reason),
            Self::WrongKey => Error::WrongKey { what },
        }
    }
}

/// Returns a value that only this master key opens: a database keeps it to know its key by.
pub(crate) fn check_value(master: &MasterKey) -> Result<Vec<u8>, Error> {
    seal(&master.sealer(), Format::Plain, check_label(), CHECK)
}

/// Tells whether a database's check value was made with this master key.
pub(crate) fn is_key_of(master: &MasterKey, check: &[u8]) -> Result<(), Error> {
    match master.sealer().open(Format::Plain, check_label(), check) {
        Ok(_) => Ok(()),
        Err(refused) => Err(refused.into_error("the database".into())),
    }
}

/// Wraps a data key by another master key; `None` if it is damaged.
pub(crate) fn rewrap(
    old: &MasterKey,
    new: &MasterKey,
    scope: &str,
    wrapped: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    let label = data_key_label(scope);
    match old.sealer().open(Format::Plain, label, wrapped) {
        Ok(opened) => seal(&new.sealer(), Format::Plain, label, &opened).map(Some),
        Err(_) => Ok(None),
    }
}

const fn check_label() -> Label<'static> {
    Label {
        kind: "key check",
        session: "home",
        part: b"",
    }
}

const fn data_key_label(scope: &str) -> Label<'_> {
    Label {
        kind: "data key",
        session: scope,
        part: b"",
    }
}

fn seal(sealer: &Sealer, format: Format, label: Label<'_>, value: &[u8]) -> Result<Vec<u8>, Error> {
    sealer.seal(format, label, value).ok_or(Error::TooLarge {
        what: "a sealed value",
        found: value.len() as u64,
        limit: u64::from(u32::MAX),
    })
}

//! Blobs: the sealed parts of checkpoints, each under the address of its content.
//!
//! ```text
//! canonical bytes ─▶ u32 length, zstd ─▶ sealed (see `seal`) ─▶ blobs/<session>/<2>/<64>
//! ```
//!
//! The same part is stored once. A file is whole before it has its name, and its name is on
//! disk before the checkpoint that points to it is published. A file that doesn't open is
//! moved aside as `<name>.damaged` and kept; it is never written over.

mod address;
mod files;
mod making;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::{SessionId, Tasks};

use crate::keyring::{DataKey, Keyring, Scope};
use crate::seal::Refused;
use crate::{Error, Thing};

pub use address::{BlobAddress, InvalidAddress};
use files::{Files, Stamp};
pub use making::{Making, Whose};

/// How large a part may be, unsealed.
pub(crate) const LARGEST: usize = 256 << 20;
/// A fast level: parts are small and written while a session is used.
const LEVEL: i32 = 1;
/// Files known to be good as long as they look the same; over this they are looked at again.
const VERIFIED: usize = 4096;

/// Parts put and not published yet that are kept from removal; over this none of them is.
const PINNED: usize = 4096;
/// How many publishes of its session a part may miss before it counts as left behind.
const PATIENCE: u8 = 2;

/// The sealed parts of checkpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    keys: Arc<Keyring>,
    place: Place,
    verified: Arc<Mutex<HashMap<(SessionId, BlobAddress), Stamp>>>,
    /// Parts that a capture under way has put: a publish of another one leaves them alone.
    /// Files are removed with this locked, so that a part put again is either pinned in time
    /// or found gone.
    pins: Arc<Mutex<Pins>>,
    /// Sessions something is being made for that takes longer than a capture.
    making: making::UnderWay,
}

type Pins = HashMap<(SessionId, BlobAddress), u8>;
type Sealed = HashMap<(SessionId, BlobAddress), Vec<u8>>;

#[derive(Clone, Debug)]
enum Place {
    Folder(Arc<Files>, Tasks),
    Memory(Arc<Mutex<Sealed>>),
}

impl Blobs {
    pub(crate) fn in_folder(folder: PathBuf, keys: Arc<Keyring>, tasks: &Tasks) -> Self {
        Self::new(
            Place::Folder(Arc::new(Files::new(folder)), tasks.clone()),
            keys,
        )
    }

    pub(crate) fn in_memory(keys: Arc<Keyring>) -> Self {
        Self::new(Place::Memory(Arc::default()), keys)
    }

    fn new(place: Place, keys: Arc<Keyring>) -> Self {
        Self {
            keys,
            place,
            verified: Arc::default(),
            pins: Arc::default(),
            making: making::UnderWay::default(),
        }
    }

    /// Keeps whatever is put for a session from removal until it is published, however long
    /// that takes.
    pub fn making(&self, session: SessionId, whose: Whose) -> Making {
        self.making.begin(session, whose, &self.pins)
    }

    /// Tells whether something is being made for a session.
    pub(crate) fn is_being_made(&self, session: SessionId) -> bool {
        self.making.has(session)
    }

    /// Seals and stores a part and returns its address; what is stored already isn't written
    /// again.
    ///
    /// A stored file that turns out to be damaged is moved aside and written anew. Dropped
    /// half-way, the part may be stored and belongs to no checkpoint; it is swept away later.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::TooLarge`] above 256 MiB, [`Error::Io`].
    pub async fn put(
        &self,
        session: SessionId,
        kind: &str,
        canonical: &[u8],
    ) -> Result<BlobAddress, Error> {
        if LARGEST < canonical.len() {
            let (found, limit) = (canonical.len() as u64, LARGEST as u64);
            return Err(Error::TooLarge {
                what: "a part of a checkpoint",
                found,
                limit,
            });
        }
        let key = self.keys.get(Scope::Session(session)).await?;
        let address = key.address(kind, canonical);
        self.pin(session, address);
        match &self.place {
            Place::Memory(map) => {
                let sealed = seal(&key, kind, &address, canonical)?;
                lock(map).insert((session, address), sealed);
            }
            Place::Folder(files, tasks) => {
                let path = files.path(session, &address);
                if files
                    .stamp(&path)
                    .is_some_and(|stamp| self.is_verified(session, address, stamp))
                {
                    return Ok(address);
                }
                let (files, kind, canonical) =
                    (Arc::clone(files), kind.to_owned(), canonical.to_owned());
                let stamp = blocking(tasks, move || {
                    store(&files, &path, &key, &kind, &address, &canonical)
                })
                .await?;
                self.remember(session, address, stamp);
            }
        }
        Ok(address)
    }

    /// Reads a part back.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Corrupt`] if it doesn't open (its file is moved aside and
    /// named), [`Error::WrongKey`] if it was sealed with another key.
    pub async fn get(
        &self,
        session: SessionId,
        kind: &str,
        address: BlobAddress,
    ) -> Result<Vec<u8>, Error> {
        // Not made anew: nothing could be sealed with it.
        let key = self.keys.find(Scope::Session(session)).await?;
        let missing = || Error::NotFound {
            thing: Thing::Blob,
            id: address.to_string(),
        };
        let Some(key) = key else {
            return Err(match self.missing(session, &[address]).await? {
                Some(_) => missing(),
                None => Error::corrupt(format!("blob {address}"), "its data key is gone"),
            });
        };
        match &self.place {
            Place::Memory(map) => {
                let sealed = lock(map)
                    .get(&(session, address))
                    .cloned()
                    .ok_or_else(missing)?;
                open(&key, kind, &address, &sealed)
                    .map_err(|refused| refused.into_error(format!("blob {address}")))
            }
            Place::Folder(files, tasks) => {
                let (files, kind) = (Arc::clone(files), kind.to_owned());
                let path = files.path(session, &address);
                blocking(tasks, move || load(&files, &path, &key, &kind, &address)).await
            }
        }
    }

    /// Returns the first of these parts that isn't there, going by its name and size.
    pub(crate) async fn missing(
        &self,
        session: SessionId,
        parts: &[BlobAddress],
    ) -> Result<Option<BlobAddress>, Error> {
        match &self.place {
            Place::Memory(map) => {
                let map = lock(map);
                Ok(parts
                    .iter()
                    .find(|part| !map.contains_key(&(session, **part)))
                    .copied())
            }
            Place::Folder(files, tasks) => {
                let (files, parts) = (Arc::clone(files), parts.to_vec());
                let there = move || {
                    let gone =
                        |part: &&BlobAddress| files.stamp(&files.path(session, part)).is_none();
                    Ok(parts.iter().find(gone).copied())
                };
                blocking(tasks, there).await
            }
        }
    }

    /// Releases the parts that were published, and returns those of the session that were put
    /// so long ago that no capture can still be about to publish them.
    pub(crate) fn unpin(&self, session: SessionId, published: &[BlobAddress]) -> Vec<BlobAddress> {
        let mut pins = lock(&self.pins);
        for part in published {
            pins.remove(&(session, *part));
        }
        let mut left_behind = Vec::new();
        let waits = self.making.has(session);
        pins.retain(|(of, part), patience| {
            if *of == session && !waits {
                *patience -= 1;
                if *patience == 0 {
                    left_behind.push(*part);
                }
            }
            0 < *patience
        });
        left_behind
    }

    /// Removes parts that no checkpoint points to, but for pinned ones.
    pub(crate) async fn remove(
        &self,
        session: SessionId,
        parts: Vec<BlobAddress>,
    ) -> Result<(), Error> {
        match &self.place {
            Place::Memory(map) => {
                let (pins, mut map) = (lock(&self.pins), lock(map));
                map.retain(|at, _| {
                    at.0 != session || pins.contains_key(at) || !parts.contains(&at.1)
                });
                Ok(())
            }
            Place::Folder(files, tasks) => {
                let (files, pins) = (Arc::clone(files), Arc::clone(&self.pins));
                blocking(tasks, move || {
                    for part in parts {
                        let pins = lock(&pins);
                        if !pins.contains_key(&(session, part)) {
                            files.remove(&files.path(session, &part));
                        }
                    }
                    Ok(())
                })
                .await
            }
        }
    }

    /// Removes what interrupted captures left of a session: all that is neither `wanted` nor
    /// pinned. Tells how many parts that were.
    pub(crate) async fn sweep(
        &self,
        session: SessionId,
        wanted: BTreeSet<BlobAddress>,
    ) -> Result<u64, Error> {
        let left_behind = match &self.place {
            Place::Memory(map) => {
                let map = lock(map);
                map.keys()
                    .filter(|(of, _)| *of == session)
                    .map(|(_, part)| *part)
                    .collect()
            }
            Place::Folder(files, tasks) => {
                let files = Arc::clone(files);
                blocking(tasks, move || Ok(files.sweep(session))).await?
            }
        };
        let left_behind: Vec<_> = {
            let pins = lock(&self.pins);
            let is_left = |part: &BlobAddress| {
                !wanted.contains(part) && !pins.contains_key(&(session, *part))
            };
            left_behind.into_iter().filter(is_left).collect()
        };
        let count = left_behind.len() as u64;
        self.remove(session, left_behind).await?;
        Ok(count)
    }

    /// Returns the sessions that have a folder.
    pub(crate) async fn sessions(&self) -> Result<BTreeSet<SessionId>, Error> {
        match &self.place {
            Place::Memory(map) => Ok(lock(map).keys().map(|(session, _)| *session).collect()),
            Place::Folder(files, tasks) => {
                let files = Arc::clone(files);
                blocking(tasks, move || Ok(files.sessions())).await
            }
        }
    }

    /// Takes no part of a session for one that is about to be published: the session is gone.
    pub(crate) fn release(&self, session: SessionId) {
        lock(&self.pins).retain(|(of, _), _| *of != session);
    }

    /// Removes all of a session, unless something was put for it that isn't published yet.
    /// Tells whether it did.
    pub(crate) async fn forget(&self, session: SessionId) -> Result<bool, Error> {
        match &self.place {
            Place::Memory(map) => {
                let (pins, mut map) = (lock(&self.pins), lock(map));
                if pins.keys().any(|(of, _)| *of == session) {
                    return Ok(false);
                }
                map.retain(|(of, _), _| *of != session);
                Ok(true)
            }
            Place::Folder(files, tasks) => {
                let (files, pins) = (Arc::clone(files), Arc::clone(&self.pins));
                blocking(tasks, move || {
                    let pins = lock(&pins);
                    if pins.keys().any(|(of, _)| *of == session) {
                        return Ok(false);
                    }
                    files.forget(session).map(|()| true)
                })
                .await
            }
        }
    }

    fn pin(&self, session: SessionId, address: BlobAddress) {
        let mut pins = lock(&self.pins);
        if PINNED <= pins.len() {
            pins.clear();
        }
        pins.insert((session, address), PATIENCE);
    }

    fn is_verified(&self, session: SessionId, address: BlobAddress, stamp: Stamp) -> bool {
        lock(&self.verified).get(&(session, address)) == Some(&stamp)
    }

    fn remember(&self, session: SessionId, address: BlobAddress, stamp: Stamp) {
        let mut verified = lock(&self.verified);
        if VERIFIED <= verified.len() {
            verified.clear();
        }
        verified.insert((session, address), stamp);
    }
}

/// Stores a part unless its file is there and opens.
fn store(
    files: &Files,
    path: &Path,
    key: &DataKey,
    kind: &str,
    address: &BlobAddress,
    canonical: &[u8],
) -> Result<Stamp, Error> {
    if let Some(sealed) = files.read(path)? {
        match open(key, kind, address, &sealed) {
            Ok(_) => return files.stamp_of(path),
            Err(refused) => {
                let kept = files.set_aside(path)?;
                tracing::error!(?refused, kept = %kept.display(), "a stored blob was damaged");
            }
        }
    }
    files.write(path, &seal(key, kind, address, canonical)?)?;
    files.stamp_of(path)
}

/// Reads a part; a damaged file is moved aside and named in the error.
fn load(
    files: &Files,
    path: &Path,
    key: &DataKey,
    kind: &str,
    address: &BlobAddress,
) -> Result<Vec<u8>, Error> {
    let what = format!("blob {address}");
    let Some(sealed) = files.read(path)? else {
        return Err(match files.aside(path) {
            Some(kept) => Error::Corrupt {
                what,
                reason: "it was set aside".into(),
                kept: Some(kept),
            },
            None => Error::NotFound {
                thing: Thing::Blob,
                id: address.to_string(),
            },
        });
    };
    open(key, kind, address, &sealed).map_err(|refused| match refused {
        Refused::WrongKey => Error::WrongKey { what },
        Refused::Damaged(reason) => {
            let kept = files.set_aside(path).inspect_err(|err| {
                tracing::warn!(%err, "a damaged blob could not be moved aside");
            });
            Error::Corrupt {
                what,
                reason: reason.into(),
                kept: kept.ok(),
            }
        }
    })
}

fn seal(
    key: &DataKey,
    kind: &str,
    address: &BlobAddress,
    canonical: &[u8],
) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::Io {
        action: "compress",
        path: kind.into(),
        source,
    };
    let mut packed = Vec::from((canonical.len() as u32).to_le_bytes());
    packed.extend(zstd::bulk::compress(canonical, LEVEL).map_err(fail)?);
    key.seal_blob(kind, address, &packed)
}

fn open(
    key: &DataKey,
    kind: &str,
    address: &BlobAddress,
    sealed: &[u8],
) -> Result<Vec<u8>, Refused> {
    let packed = key.open_blob(kind, address, sealed)?;
    let (length, packed) = packed
        .split_first_chunk::<4>()
        .ok_or(Refused::Damaged("too short inside"))?;
    let length = u32::from_le_bytes(*length) as usize;
    if LARGEST < length {
        return Err(Refused::Damaged("longer than any part may be"));
    }
    let canonical = zstd::bulk::decompress(packed, length)
        .map_err(|_| Refused::Damaged("it doesn't decompress"))?;
    if canonical.len() != length || key.address(kind, &canonical) != *address {
        return Err(Refused::Damaged("its content isn't what its address says"));
    }
    Ok(canonical)
}

async fn blocking<T: Send + 'static>(
    tasks: &Tasks,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tasks.blocking(work).await {
        Ok(done) => done,
        Err(fate) => {
            tracing::error!(?fate, "work on blobs didn't end");
            Err(Error::Closed)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Every change under these locks is one call on a map.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

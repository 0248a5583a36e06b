//! Where a home's master key comes from.
//!
//! ```text
//! file         the file `key` holds it
//! environment  the caller holds it; the home has nothing of it
//! passphrase   derived from what the caller knows and the salt in the file `key`
//! keychain     the operating system's keychain holds it (built with the feature `keychain`)
//! ```
//!
//! A place that keeps something has two slots: `now`, and `next` while the key is being replaced.
//! Which of the two is in force is what the database says, so a replacement that was cut off at
//! any point is seen here, and ended.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Code;
use zeroize::Zeroizing;

use super::passphrase::{self, Stretch};
use super::{FILE, LONGEST_FILE, MasterKey, has_database, keychain};
use crate::home::sync_folder;
use crate::{Error, sqlite};

/// Where a master key comes from.
#[derive(Clone)]
pub enum Source {
    /// The file `key` of the home.
    File,
    /// The caller.
    Given(MasterKey),
    /// What the caller knows; the home has a salt.
    Passphrase(Arc<Zeroizing<String>>),
    /// The keychain of the operating system.
    Keychain,
}

impl Source {
    /// Returns a passphrase as a source.
    #[must_use]
    pub fn passphrase(words: Zeroizing<String>) -> Self {
        Self::Passphrase(Arc::new(words))
    }

    /// Returns its name in the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Given(_) => "environment",
            Self::Passphrase(_) => "passphrase",
            Self::Keychain => "keychain",
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One of the two slots of a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    Now,
    Next,
}

/// Returns a home's master key; makes one if the home has neither key nor database, and the
/// source is one that keeps keys.
///
/// The caller holds the home's lock. A replacement of the key that was cut off is ended first.
///
/// # Errors
/// [`Error::WrongKey`] and [`Error::Key`] if the source has no key that opens the database, in
/// which case nothing is written; [`Error::Corrupt`] if what keeps it is damaged.
pub async fn open(home: &Path, source: &Source) -> Result<MasterKey, Error> {
    let (now, next) = (
        held(home, source, Slot::Now),
        held(home, source, Slot::Next),
    );
    if !has_database(home)? {
        return match now? {
            Some(key) => Ok(key),
            None => make(home, source, Slot::Now),
        };
    }
    // Only a replacement under way leaves a doubt about which of them it is.
    if !matches!(next, Ok(None)) {
        if let Ok(Some(key)) = &now
            && sqlite::opens(home, key).await?
        {
            remove(home, source, Slot::Next)?;
        } else if let Ok(Some(key)) = next
            && sqlite::opens(home, &key).await?
        {
            tracing::warn!("the replacement of the key was cut off; it is ended now");
            promote(home, source)?;
            return Ok(key);
        }
    }
    now?.ok_or_else(|| Error::WrongKey {
        what: match source {
            Source::Keychain => "the database, the keychain has no key for it".into(),
            _ => "the database, the `key` file is gone".into(),
        },
    })
}

/// Returns the key that is in force as far as the source tells it, and changes nothing.
///
/// # Errors
/// As [`open`].
pub(crate) async fn look(home: &Path, source: &Source) -> Result<Option<MasterKey>, Error> {
    let now = held(home, source, Slot::Now);
    if let Ok(Some(key)) = held(home, source, Slot::Next)
        && has_database(home)?
        && sqlite::opens(home, &key).await?
    {
        return Ok(Some(key));
    }
    now
}

/// What can be told of a home's key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// What tells it from others; `None` if the source has none.
    pub fingerprint: Option<String>,
    /// Whether it opens the home; `None` if there is no database yet.
    pub opens: Option<bool>,
}

/// Tells which key the source has, and changes nothing. No lock is needed.
///
/// # Errors
/// As [`open`], but for a key that doesn't open the database.
pub async fn seen(home: &Path, source: &Source) -> Result<Seen, Error> {
    let key = look(home, source).await?;
    let opens = match (&key, has_database(home)?) {
        (_, false) => None,
        (None, true) => Some(false),
        (Some(key), true) => Some(sqlite::opens(home, key).await?),
    };
    let fingerprint = key.map(|key| key.fingerprint());
    Ok(Seen { fingerprint, opens })
}

/// Returns the key of a slot.
pub(crate) fn held(home: &Path, source: &Source, slot: Slot) -> Result<Option<MasterKey>, Error> {
    match source {
        Source::Given(key) => Ok(Some(key.clone()).filter(|_| slot == Slot::Now)),
        Source::Keychain => keychain::get(home, slot),
        Source::File | Source::Passphrase(_) => {
            let path = path(home, slot);
            match (read(&path)?, source) {
                (None, _) => Ok(None),
                (Some(Kept::Key(key)), Source::File) => Ok(Some(key)),
                (Some(Kept::Stretch(stretch)), Source::Passphrase(words)) => {
                    stretch.key(words).map(Some)
                }
                (Some(Kept::Stretch(_)), _) => Err(unfit(
                    "this home's key comes from a passphrase, and none was given",
                    "Set BROWSERD_PASSPHRASE, or BROWSERD_PASSPHRASE_FILE; nothing was written.",
                )),
                (Some(Kept::Key(_)), _) => Err(unfit(
                    "this home's key is in its file `key`, and a passphrase was given",
                    "Unset BROWSERD_PASSPHRASE, or change over: \
                     browserd key rotate --from file --to passphrase",
                )),
            }
        }
    }
}

/// Makes a key and keeps it in a slot.
pub(crate) fn make(home: &Path, source: &Source, slot: Slot) -> Result<MasterKey, Error> {
    match source {
        Source::Given(key) => Ok(key.clone()),
        Source::File => {
            let key = MasterKey::random()?;
            write(home, slot, &key.to_text())?;
            Ok(key)
        }
        Source::Passphrase(words) => {
            let stretch = Stretch::random()?;
            let key = stretch.key(words)?;
            write(home, slot, &stretch.to_text())?;
            Ok(key)
        }
        Source::Keychain => {
            let key = MasterKey::random()?;
            keychain::put(home, slot, &key)?;
            Ok(key)
        }
    }
}

/// Puts what is in the slot `next` in the place of what was `now`.
pub(crate) fn promote(home: &Path, source: &Source) -> Result<(), Error> {
    match source {
        Source::Given(_) => Ok(()),
        Source::Keychain => match keychain::get(home, Slot::Next)? {
            Some(key) => {
                keychain::put(home, Slot::Now, &key)?;
                keychain::remove(home, Slot::Next)
            }
            None => Ok(()),
        },
        Source::File | Source::Passphrase(_) => {
            let (from, to) = (path(home, Slot::Next), path(home, Slot::Now));
            std::fs::rename(&from, &to)
                .and_then(|()| sync_folder(home))
                .map_err(|err| Error::io("replace", &to, err))
        }
    }
}

/// Empties a slot; one that is empty already is as it should be.
pub(crate) fn remove(home: &Path, source: &Source, slot: Slot) -> Result<(), Error> {
    match source {
        Source::Given(_) => Ok(()),
        Source::Keychain => keychain::remove(home, slot),
        Source::File | Source::Passphrase(_) => {
            let path = path(home, slot);
            match std::fs::remove_file(&path) {
                Err(err) if err.kind() != ErrorKind::NotFound => {
                    Err(Error::io("remove", &path, err))
                }
                _ => sync_folder(home).map_err(|err| Error::io("sync", home, err)),
            }
        }
    }
}

pub(crate) fn unfit(message: &str, hint: &str) -> Error {
    Error::Key {
        code: Code::WrongKey,
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}

/// What a key file holds.
enum Kept {
    Key(MasterKey),
    Stretch(Stretch),
}

fn path(home: &Path, slot: Slot) -> PathBuf {
    match slot {
        Slot::Now => home.join(FILE),
        Slot::Next => home.join("key.next"),
    }
}

fn read(path: &Path) -> Result<Option<Kept>, Error> {
    let fail = |action, err| Error::io(action, path, err);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(fail("open", err)),
    };
    if file.metadata().map_err(|err| fail("read", err))?.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "other users had rights to the key; taken away");
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(|err| fail("close to others", err))?;
    }
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize));
    file.take(LONGEST_FILE)
        .read_to_end(&mut text)
        .map_err(|err| fail("read", err))?;
    let text = std::str::from_utf8(&text).map_err(|_| "it isn't text");
    let kept = text.and_then(|text| match passphrase::is_one(text) {
        true => Stretch::from_text(text).map(Kept::Stretch),
        false => MasterKey::from_text(text).map(Kept::Key),
    });
    kept.map(Some)
        .map_err(|reason| Error::corrupt(path.display().to_string(), reason))
}

/// Writes a key file that has its name only once all of it is on disk: half a key could never be
/// told from a damaged one.
fn write(home: &Path, slot: Slot, text: &str) -> Result<(), Error> {
    let (path, new) = (path(home, slot), home.join("key.new"));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&new, &path))
        .and_then(|()| sync_folder(home));
    written.map_err(|err| {
        if let Err(err) = std::fs::remove_file(&new) {
            tracing::debug!(%err, "no half-written key file to remove");
        }
        Error::io("write", &path, err)
    })
}

//! The key in the operating system's keychain, if this was built with it.

use std::path::Path;

use super::MasterKey;
use super::source::Slot;
use crate::Error;

#[cfg(not(feature = "keychain"))]
fn missing() -> Error {
    Error::Key {
        code: base::Code::NotAvailable,
        message: "this browserd was built without the operating system's keychain".to_owned(),
        hint: "Build it with `--features keychain`, or use another source of the key.".to_owned(),
    }
}

#[cfg(not(feature = "keychain"))]
pub(crate) fn get(_: &Path, _: Slot) -> Result<Option<MasterKey>, Error> {
    Err(missing())
}

#[cfg(not(feature = "keychain"))]
pub(crate) fn put(_: &Path, _: Slot, _: &MasterKey) -> Result<(), Error> {
    Err(missing())
}

#[cfg(not(feature = "keychain"))]
pub(crate) fn remove(_: &Path, _: Slot) -> Result<(), Error> {
    Err(missing())
}

#[cfg(feature = "keychain")]
pub(crate) use with::{get, put, remove};

#[cfg(feature = "keychain")]
mod with {
    use base::Code;
    use keyring::v1::{Entry, Error as Refused};
    use zeroize::Zeroizing;

    use super::{Error, MasterKey, Path, Slot};

    const SERVICE: &str = "browserd";

    pub(crate) fn get(home: &Path, slot: Slot) -> Result<Option<MasterKey>, Error> {
        match entry(home, slot)?.get_password() {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let key = MasterKey::from_text(&text);
                key.map(Some)
                    .map_err(|reason| Error::corrupt("the key in the keychain", reason))
            }
            Err(Refused::NoEntry) => Ok(None),
            Err(err) => Err(failed(&err)),
        }
    }

    pub(crate) fn put(home: &Path, slot: Slot, key: &MasterKey) -> Result<(), Error> {
        let entry = entry(home, slot)?;
        entry
            .set_password(&key.to_text())
            .map_err(|err| failed(&err))
    }

    pub(crate) fn remove(home: &Path, slot: Slot) -> Result<(), Error> {
        match entry(home, slot)?.delete_credential() {
            Ok(()) | Err(Refused::NoEntry) => Ok(()),
            Err(err) => Err(failed(&err)),
        }
    }

    /// A home is known by where it is: a key must be found before anything of it can be read.
    fn entry(home: &Path, slot: Slot) -> Result<Entry, Error> {
        let home = std::fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
        let user = match slot {
            Slot::Now => home.display().to_string(),
            Slot::Next => format!("{} (next)", home.display()),
        };
        Entry::new(SERVICE, &user).map_err(|err| failed(&err))
    }

    fn failed(err: &Refused) -> Error {
        Error::Key {
            code: Code::NotAvailable,
            message: format!("the operating system's keychain can't be used: {err}"),
            hint: "Unlock it, or use another source of the key; nothing was written.".to_owned(),
        }
    }
}

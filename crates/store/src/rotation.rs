//! Another master key for a home: the data keys are wrapped anew, and nothing else is touched.
//!
//! ```text
//! 1  the new key is kept beside the old one         (slot `next`)
//! 2  every data key and the check value: one durable transaction
//! 3  the new key takes the old one's place          (slot `now`)
//! 4  what kept the old key, if that was elsewhere, is emptied
//! ```
//!
//! Cut off before 2 it hasn't happened, after 2 it has; [`crate::key::open`] tells which, and ends
//! 1 and 3. Checkpoints, names and values are sealed and hashed by the data keys, which stay.

use std::path::Path;

use base::Code;

use crate::key::{self, Slot, Source};
use crate::{Error, sqlite};

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// The fingerprint of the key that was in force; `None` if it had been replaced before.
    pub from: Option<String>,
    /// The fingerprint of the one that is now.
    pub to: String,
    /// How many data keys were wrapped anew.
    pub data_keys: u64,
    /// How many were damaged, and stay so.
    pub damaged: u64,
}

/// The points between which it may be cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Begun,
    NextKept,
    Wrapped,
    Promoted,
    Done,
}

/// Replaces a home's master key by one of the source `to`. The caller holds the home's lock.
///
/// # Errors
/// [`Error::WrongKey`] if `from` doesn't open the database, [`Error::Key`] if there is none yet or
/// if `to` is the same key, and those of the two sources and the database. After an error the
/// home opens with the old key, or, if only emptying the old place failed, with the new one.
pub async fn rotate(home: &Path, from: &Source, to: &Source) -> Result<Rotated, Error> {
    rotate_with(home, from, to, |_| Ok(())).await
}

async fn rotate_with(
    home: &Path,
    from: &Source,
    to: &Source,
    mut reached: impl FnMut(Step) -> Result<(), Error>,
) -> Result<Rotated, Error> {
    if !key::has_database(home)? {
        return Err(refused(
            "this home has no database yet, so there is no key to replace",
            "Start the daemon with the source you want: it makes the home's key.",
        ));
    }
    let old = match key::open(home, from).await {
        Ok(old) if sqlite::opens(home, &old).await? => old,
        Ok(_) => {
            let refused = Error::WrongKey {
                what: "the database".into(),
            };
            return finished_before(home, from, to, refused).await;
        }
        Err(err) if err.code() == Code::WrongKey => {
            return finished_before(home, from, to, err).await;
        }
        Err(err) => return Err(err),
    };
    reached(Step::Begun)?;
    let new = key::make(home, to, Slot::Next)?;
    if new.fingerprint() == old.fingerprint() {
        return Err(refused(
            "the new key is the one in force",
            "Give another: the new key or passphrase goes into BROWSERD_NEW_KEY or \
             BROWSERD_NEW_PASSPHRASE.",
        ));
    }
    reached(Step::NextKept)?;
    let wrapped = sqlite::rewrap(home, &old, &new).await?;
    reached(Step::Wrapped)?;
    key::promote(home, to)?;
    reached(Step::Promoted)?;
    clear(home, from, to)?;
    reached(Step::Done)?;
    Ok(Rotated {
        from: Some(old.fingerprint()),
        to: new.fingerprint(),
        data_keys: wrapped.good,
        damaged: wrapped.damaged,
    })
}

/// Ends a rotation that was cut off after it had happened: the old key opens nothing any more and
/// the new one is at hand. Else it is `refused`.
async fn finished_before(
    home: &Path,
    from: &Source,
    to: &Source,
    refused: Error,
) -> Result<Rotated, Error> {
    let new = key::look(home, to).await.ok().flatten();
    match new {
        Some(new) if sqlite::opens(home, &new).await? => {
            key::open(home, to).await?;
            clear(home, from, to)?;
            Ok(Rotated {
                from: None,
                to: new.fingerprint(),
                data_keys: 0,
                damaged: 0,
            })
        }
        _ => Err(refused),
    }
}

/// Empties the place of the old key, unless it is the new one's.
fn clear(home: &Path, from: &Source, to: &Source) -> Result<(), Error> {
    use Source::{File, Given, Keychain, Passphrase};
    match (from, to) {
        (File | Passphrase(_), Given(_) | Keychain)
        | (Keychain, File | Passphrase(_) | Given(_)) => key::remove(home, from, Slot::Now),
        (File | Passphrase(_), File | Passphrase(_)) | (Given(_), _) | (Keychain, Keychain) => {
            Ok(())
        }
    }
}

fn refused(message: &str, hint: &str) -> Error {
    Error::Key {
        code: Code::InvalidArgument,
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use base::{SessionId, Tasks};
    use zeroize::Zeroizing;

    use super::*;
    use crate::{MasterKey, Store};

    const STEPS: [Step; 5] = [
        Step::Begun,
        Step::NextKept,
        Step::Wrapped,
        Step::Promoted,
        Step::Done,
    ];

    struct Home {
        folder: tempfile::TempDir,
        session: SessionId,
        part: crate::BlobAddress,
    }

    impl Home {
        /// A home with something sealed in it.
        async fn new(source: &Source) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let session = SessionId::new();
            let store = opened(folder.path(), source).await.unwrap();
            let part = store.blobs().put(session, "cookies", b"[1]").await.unwrap();
            store.meta().put("seen", b"before").await.unwrap();
            store.close().await.unwrap();
            Self {
                folder,
                session,
                part,
            }
        }

        fn path(&self) -> &Path {
            self.folder.path()
        }

        async fn is_whole(&self, source: &Source) -> Result<(), Error> {
            let store = opened(self.path(), source).await?;
            let part = store.blobs().get(self.session, "cookies", self.part).await;
            assert_eq!(part.unwrap(), b"[1]");
            let seen = store.meta().get("seen").await.unwrap();
            assert_eq!(seen.as_deref(), Some(&b"before"[..]));
            store.close().await
        }

        fn has(&self, name: &str) -> bool {
            self.path().join(name).exists()
        }
    }

    async fn opened(home: &Path, source: &Source) -> Result<Store, Error> {
        let key = key::open(home, source).await?;
        Store::open(home, key, &Tasks::new()).await
    }

    fn given() -> Source {
        Source::Given(MasterKey::random().unwrap())
    }

    fn words(words: &str) -> Source {
        Source::passphrase(Zeroizing::new(words.to_owned()))
    }

    fn cut_off() -> Error {
        Error::Closed
    }

    /// Every pair of sources; each is cut off at every step, and then begun again.
    #[tokio::test]
    async fn a_rotation_cut_off_at_any_step_leaves_a_home_that_opens_and_can_be_rotated_again() {
        let pairs: [fn() -> (Source, Source); 6] = [
            || (Source::File, Source::File),
            || (Source::File, given()),
            || (given(), Source::File),
            || (given(), given()),
            || (Source::File, words("correct horse")),
            || (words("correct horse"), Source::File),
        ];
        for pair in pairs {
            for step in STEPS {
                let (from, to) = pair();
                let home = Home::new(&from).await;
                let stop = |reached| match reached == step {
                    true => Err(cut_off()),
                    false => Ok(()),
                };
                rotate_with(home.path(), &from, &to, stop)
                    .await
                    .unwrap_err();

                let happened = matches!(step, Step::Wrapped | Step::Promoted | Step::Done);
                let (opens, other) = if happened { (&to, &from) } else { (&from, &to) };
                home.is_whole(opens).await.unwrap();
                // Where both are the home's own file, it is one place.
                if !matches!((&from, &to), (Source::File, Source::File)) {
                    let err = home.is_whole(other).await.unwrap_err();
                    assert_eq!(
                        err.code(),
                        Code::WrongKey,
                        "{from:?} {to:?} {step:?}: {err}"
                    );
                }
                rotate(home.path(), &from, &to).await.unwrap();
                home.is_whole(&to).await.unwrap();
                let keeps = !matches!(to, Source::Given(_));
                assert_eq!(home.has("key"), keeps, "{from:?} {to:?} {step:?}");
            }
        }
    }
}

//! What can go wrong with stored data, and which code a caller sees.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base::{Code, SessionId, SessionKey, Stopped};

/// What was not found, or was already there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thing {
    /// A session.
    Session,
    /// A browser.
    Browser,
    /// A tab.
    Tab,
    /// A checkpoint.
    Checkpoint,
    /// A part of a checkpoint.
    Blob,
    /// A call of the journal.
    Call,
    /// What one profile keeps of one origin.
    Shelf,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Browser => "browser",
            Self::Tab => "tab",
            Self::Checkpoint => "checkpoint",
            Self::Blob => "blob",
            Self::Call => "call",
            Self::Shelf => "shelf of logins",
        })
    }
}

/// Why something could not be stored or read back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stored data doesn't read back as it was written.
    #[error("{what} is damaged: {reason}")]
    Corrupt {
        /// What it is, by name.
        what: String,
        /// What is wrong with it.
        reason: String,
        /// Where it was moved to, out of the way.
        kept: Option<PathBuf>,
    },
    /// The key at hand isn't the one the data was sealed with.
    #[error("the key at hand doesn't open {what}")]
    WrongKey {
        /// What it doesn't open.
        what: String,
    },
    /// The source of the home's key can't be used as it is.
    #[error("{message}")]
    Key {
        /// The code a caller sees.
        code: Code,
        /// Why.
        message: String,
        /// What can be done about it.
        hint: String,
    },
    /// There is no room left for it.
    #[error("the disk is full: {action}")]
    DiskFull {
        /// What was being done.
        action: String,
    },
    /// It isn't stored.
    #[error("no {thing} {id}")]
    NotFound {
        /// What was asked for.
        thing: Thing,
        /// By this id.
        id: String,
    },
    /// It is stored already.
    #[error("{thing} {id} is stored already")]
    Exists {
        /// What it is.
        thing: Thing,
        /// Its id.
        id: String,
    },
    /// Another session that isn't closed holds the key.
    #[error("the key {key} belongs to session {holder}")]
    KeyTaken {
        /// The key.
        key: SessionKey,
        /// Who holds it.
        holder: SessionId,
    },
    /// An entry has another version than the caller went by.
    #[error("the entry has version {found}, not {wanted}")]
    Conflict {
        /// Its version; 0 if there is none.
        found: u64,
        /// The version the caller went by.
        wanted: u64,
    },
    /// Somebody holds the entry.
    #[error("the entry is claimed until {until}")]
    Leased {
        /// Until when, unless the claim is renewed.
        until: base::Timestamp,
    },
    /// The claim isn't the entry's last one, or the entry is gone.
    #[error("the claim {epoch} of the entry holds no longer")]
    LeaseLost {
        /// The claim.
        epoch: u64,
    },
    /// A value over its bound.
    #[error("{what} of {found} is over the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A file that was handed in isn't what it has to be.
    #[error("the file can't be used: {reason}")]
    File {
        /// What is wrong with it.
        reason: String,
    },
    /// A file was sealed under another passphrase.
    #[error("the passphrase isn't the one the file is sealed under, or its head is damaged")]
    WrongPassphrase,
    /// A file was written by a newer version.
    #[error("the file has version {found}, this version of browserd knows {known}")]
    NewerFile {
        /// The version found.
        found: u16,
        /// The one known here.
        known: u16,
    },
    /// A file, or what is in it, over the limit.
    #[error("a file of {found} bytes is over the limit of {limit}")]
    FileTooLarge {
        /// How large it is, at least.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}")]
    Newer {
        /// The schema found.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// Another daemon holds the home.
    #[error("the home {} is held by {}", home.display(), Holder(*pid))]
    Locked {
        /// The home.
        home: PathBuf,
        /// The holder's process id, if it has written it.
        pid: Option<i32>,
        /// Whether the holder said that it is stopping.
        stopping: bool,
    },
    /// A file or folder can't be used.
    #[error("can't {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The database refused.
    #[error("can't {action}")]
    Sql {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// The caller's time was over first.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// The holder of a lock, in words.
struct Holder(Option<i32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

impl Error {
    /// Returns the code a caller sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Corrupt { .. } => Code::Corrupt,
            Self::WrongKey { .. } | Self::WrongPassphrase => Code::WrongKey,
            Self::File { .. } => Code::InvalidArgument,
            Self::FileTooLarge { .. } => Code::BodyTooLarge,
            Self::Key { code, .. } => *code,
            Self::DiskFull { .. } => Code::DiskFull,
            Self::NotFound {
                thing: Thing::Session,
                ..
            } => Code::SessionNotFound,
            Self::NotFound {
                thing: Thing::Tab, ..
            } => Code::TabNotFound,
            Self::NotFound {
                thing: Thing::Checkpoint,
                ..
            } => Code::CheckpointNotFound,
            Self::KeyTaken { .. } => Code::KeyTaken,
            Self::Conflict { .. } | Self::Leased { .. } => Code::Conflict,
            Self::LeaseLost { .. } => Code::LeaseLost,
            Self::TooLarge { .. } => Code::LimitReached,
            Self::Locked { .. } => Code::HomeLocked,
            Self::Stopped(Stopped::Deadline) => Code::Deadline,
            Self::Closed => Code::ShuttingDown,
            Self::Newer { .. } | Self::NewerFile { .. } => Code::NotAvailable,
            Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::Io { .. }
            | Self::Sql { .. }
            | Self::Stopped(Stopped::Cancelled) => Code::Internal,
        }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Corrupt {
                kept: Some(path), ..
            } => Some(format!("The damaged file was kept as {}.", path.display())),
            Self::WrongKey { .. } => Some(
                "Put back the key that belongs to this home; nothing was written. \
                 `browserd key show` says where it is looked for."
                    .into(),
            ),
            Self::Key { hint, .. } => Some(hint.clone()),
            Self::DiskFull { .. } => {
                Some("Free some space and call again; nothing that was stored is lost.".into())
            }
            Self::Newer { .. } => {
                Some("Run the newer version of browserd, or use another BROWSERD_HOME.".into())
            }
            Self::Locked {
                pid: Some(pid),
                stopping: false,
                ..
            } => Some(format!(
                "Stop the daemon with `browserd stop`, or `kill {pid}`."
            )),
            Self::Locked { stopping: true, .. } => {
                Some("The other daemon is stopping; start again in a moment.".into())
            }
            _ => None,
        }
    }

    /// Returns the error of a file operation: a full disk is told from the rest.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                action: format!("can't {action} {}", path.display()),
            },
            _ => Self::Io {
                action,
                path: path.to_owned(),
                source,
            },
        }
    }

    /// Returns the error of a database operation: a full disk and damage are told from the rest.
    pub(crate) fn sql(action: &'static str, source: sqlx::Error) -> Self {
        // SQLite's primary result codes; the extended ones hold them in their low byte.
        const CORRUPT: i32 = 11;
        const FULL: i32 = 13;
        const NOT_A_DATABASE: i32 = 26;
        /// `SQLITE_IOERR_SHMSIZE`: the index of the WAL could not be made larger.
        const NO_ROOM_FOR_SHM: i32 = 4874;
        let code = source
            .as_database_error()
            .and_then(|err| err.code())
            .and_then(|code| code.parse::<i32>().ok());
        match code {
            Some(NO_ROOM_FOR_SHM) => Self::DiskFull {
                action: format!("can't {action}"),
            },
            Some(code) if code & 0xff == FULL => Self::DiskFull {
                action: format!("can't {action}"),
            },
            Some(code) if code & 0xff == CORRUPT || code & 0xff == NOT_A_DATABASE => {
                let reason = source.to_string();
                Self::Corrupt {
                    what: "the database".into(),
                    reason,
                    kept: None,
                }
            }
            _ => match source {
                sqlx::Error::Io(err) if err.kind() == io::ErrorKind::StorageFull => {
                    Self::DiskFull {
                        action: format!("can't {action}"),
                    }
                }
                sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Self::Closed,
                source => Self::Sql { action, source },
            },
        }
    }

    /// Returns the error of a row or value that doesn't read back.
    pub(crate) fn corrupt(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            what: what.into(),
            reason: reason.into(),
            kept: None,
        }
    }
}

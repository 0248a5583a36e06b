//! What can go wrong with a browser as a process.

use std::io;
use std::path::PathBuf;

use base::{Code, Stopped};

use crate::{ExitCause, ExitRecord};

/// Why a browser couldn't be found, launched, adopted or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No Chromium where it was looked for.
    #[error("no Chromium was found; looked at {}", .looked_at.join(", "))]
    BrowserMissing {
        /// The paths and names that were tried.
        looked_at: Vec<String>,
    },
    /// Chromium refuses to run its sandbox as root, and it wasn't switched off.
    #[error("Chromium's sandbox does not work for root, and running without it was not allowed")]
    SandboxAsRoot,
    /// The browser ended before it answered.
    #[error("the browser did not start: {record}{}", tail_of(.stderr))]
    LaunchFailed {
        /// How it ended.
        record: ExitRecord,
        /// The last lines it wrote to its standard error.
        stderr: String,
    },
    /// The browser lives and didn't answer before the call's end.
    #[error("the browser did not answer in time: {stopped}{}", tail_of(.stderr))]
    NoAnswer {
        /// Why the wait ended.
        stopped: Stopped,
        /// The last lines it wrote to its standard error.
        stderr: String,
    },
    /// The keeper ended before it was ready.
    #[error("the browser's keeper did not start: {reason}{}", tail_of(.stderr))]
    KeeperFailed {
        /// What it said, or how it ended.
        reason: String,
        /// The last lines of its log.
        stderr: String,
    },
    /// The keeper was gone before it said anything.
    #[error("the browser's keeper ended at its start{}", tail_of(.stderr))]
    KeeperEnded {
        /// The last lines of its log.
        stderr: String,
    },
    /// Nobody listens on the keeper's socket.
    #[error("no keeper runs in {}", .run.display())]
    NoKeeper {
        /// The run folder.
        run: PathBuf,
    },
    /// A daemon with a higher epoch holds the browser, or one with the same is connected.
    #[error("another daemon holds the browser")]
    Displaced,
    /// The keeper belongs to another home.
    #[error("the keeper did not accept this home's nonce")]
    WrongNonce,
    /// The keeper speaks a version this daemon doesn't.
    #[error("the keeper speaks version {found}, this daemon up to {known}")]
    Version {
        /// The keeper's version.
        found: u16,
        /// The newest this program knows.
        known: u16,
    },
    /// The keeper's browser isn't the one that was expected.
    #[error("the keeper holds another browser than the one recorded")]
    OtherBrowser,
    /// The browser has ended.
    #[error("the browser has ended: {0}")]
    Ended(ExitRecord),
    /// The link to the keeper is closed.
    #[error("the link to the keeper is closed")]
    LinkClosed,
    /// More than a message, the notes or the will may hold.
    #[error("{what} of {found} bytes is over the limit of {limit}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The other side broke the protocol between daemon and keeper.
    #[error("the keeper broke the protocol: {0}")]
    Protocol(&'static str),
    /// The call ended first.
    #[error("stopped while {doing}")]
    Stopped {
        /// What was being done.
        doing: &'static str,
        /// Why it ended.
        #[source]
        stopped: Stopped,
    },
    /// The system refused something.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's word.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Returns the error's public code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::BrowserMissing { .. } | Self::SandboxAsRoot | Self::LaunchFailed { .. } => {
                Code::BrowserMissing
            }
            Self::NoAnswer { stopped, .. } | Self::Stopped { stopped, .. } => match stopped {
                Stopped::Deadline => Code::Deadline,
                Stopped::Cancelled => Code::OutcomeUnknown,
            },
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Code::DiskFull
            }
            Self::KeeperFailed { .. }
            | Self::KeeperEnded { .. }
            | Self::NoKeeper { .. }
            | Self::Displaced
            | Self::WrongNonce
            | Self::Version { .. }
            | Self::OtherBrowser
            | Self::Ended(_)
            | Self::LinkClosed
            | Self::TooLarge { .. }
            | Self::Protocol(_)
            | Self::Io { .. } => Code::Internal,
        }
    }

    /// Returns what the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BrowserMissing { .. } => Some(
                "Install Chromium (on Debian: apt install chromium), or set chrome.path in \
                 config.toml to a Chromium, Chrome, Edge or Brave."
                    .to_owned(),
            ),
            Self::SandboxAsRoot => Some(
                "Run browserd as an ordinary user, or set chrome.no_sandbox = true in \
                 config.toml or BROWSERD_NO_SANDBOX=1 in the environment."
                    .to_owned(),
            ),
            Self::LaunchFailed { .. } => {
                Some("Run browserd doctor to see what the browser needs.".to_owned())
            }
            _ => None,
        }
    }

    /// Tells whether a launch was cut off by somebody else: its processes were killed, or the
    /// link to its keeper broke. That says nothing of the next one.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        match self {
            Self::KeeperEnded { .. } | Self::NoKeeper { .. } | Self::LinkClosed => true,
            // A launch that was not given up here is not stopped on anybody's request.
            Self::LaunchFailed { record, .. } | Self::Ended(record) => matches!(
                record.cause,
                ExitCause::Signalled { .. } | ExitCause::Stopped
            ),
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            ),
            Self::BrowserMissing { .. }
            | Self::SandboxAsRoot
            | Self::NoAnswer { .. }
            | Self::KeeperFailed { .. }
            | Self::Displaced
            | Self::WrongNonce
            | Self::Version { .. }
            | Self::OtherBrowser
            | Self::TooLarge { .. }
            | Self::Protocol(_)
            | Self::Stopped { .. } => false,
        }
    }

    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn stopped(doing: &'static str) -> impl FnOnce(Stopped) -> Self {
        move |stopped| Self::Stopped { doing, stopped }
    }
}

fn tail_of(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!("; it said: {stderr}")
    }
}

//! Why a call has no result, why a session ended, why the link is gone.

use std::io;
use std::sync::Arc;

use base::{Code, Stopped};

use crate::ProtocolError;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call ended after its command may have reached the browser, which may still run it.
    #[error("{0} while the browser's answer was awaited")]
    Stopped(Stopped),
    /// The call ended before a byte of its command was sent: nothing was done.
    #[error("{0} before the command was sent")]
    NotSent(Stopped),
    /// The browser refused the command.
    #[error("{method}: {message} ({code})")]
    Protocol {
        /// The command.
        method: String,
        /// The protocol's number for the error.
        code: i64,
        /// The browser's words.
        message: String,
    },
    /// The link to the browser is gone.
    #[error("{0}")]
    Lost(Arc<LinkLost>),
    /// The session has ended.
    #[error("{0}")]
    Ended(Ended),
    /// The answer or event isn't what the protocol says.
    #[error("{method}: the body can't be read")]
    Decode {
        /// The command or event.
        method: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The command can't be written as JSON.
    #[error("{method}: the parameters can't be written")]
    Encode {
        /// The command.
        method: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The command is larger than a message may be.
    #[error("{method}: {size} bytes are more than a message may have")]
    TooLarge {
        /// The command.
        method: String,
        /// Its size.
        size: usize,
    },
    /// Too much waits to be sent already, and the caller would not wait.
    #[error("{method}: too much waits to be sent")]
    Busy {
        /// The command.
        method: String,
    },
    /// A reserved id was used twice.
    #[error("a command with the id {id} is already in flight")]
    IdInUse {
        /// The id.
        id: u32,
    },
    /// No connection could be made.
    #[error("connecting to the browser failed")]
    Connect(#[source] io::Error),
}

impl Error {
    /// Returns the public code of the error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Stopped(_) | Self::NotSent(_) => Code::Deadline,
            // The command may have been carried out before the answer was lost.
            Self::Lost(_) | Self::Ended(_) => Code::OutcomeUnknown,
            Self::TooLarge { .. } => Code::BodyTooLarge,
            Self::Busy { .. } => Code::LimitReached,
            Self::Protocol { .. }
            | Self::Decode { .. }
            | Self::Encode { .. }
            | Self::IdInUse { .. }
            | Self::Connect(_) => Code::Internal,
        }
    }

    pub(crate) fn refused(method: &str, error: ProtocolError) -> Self {
        let ProtocolError {
            code,
            message,
            data,
        } = error;
        let message = match data {
            Some(serde_json::Value::String(data)) => format!("{message}: {data}"),
            _ => message,
        };
        Self::Protocol {
            method: method.to_owned(),
            code,
            message,
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Ended {
    /// The browser detached the session (`Target.detachedFromTarget`).
    #[error("the page's debugging session was detached")]
    Detached,
    /// The page's process crashed (`Inspector.targetCrashed`).
    #[error("the page crashed")]
    Crashed,
    /// The page is gone (`Target.targetDestroyed`).
    #[error("the page is gone")]
    Destroyed,
    /// The link to the browser is gone, and every session with it.
    #[error("{0}")]
    Lost(Arc<LinkLost>),
}

/// Why the link to the browser is gone. All who waited on it are given the same one.
#[derive(Debug, thiserror::Error)]
pub enum LinkLost {
    /// The other side closed it.
    #[error("the browser closed the link")]
    Closed,
    /// Reading or writing failed.
    #[error("the link to the browser failed")]
    Failed(#[source] io::Error),
    /// This side closed it.
    #[error("the link to the browser was closed here")]
    ClosedHere,
    /// The task that read it ended too early: the daemon is stopping, or the task panicked.
    #[error("the link to the browser is no longer read")]
    Unread,
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Lost(lost) => Self::Lost(lost),
            ended => Self::Ended(ended),
        }
    }
}

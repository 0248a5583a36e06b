//! Error codes: what went wrong, in a word that never changes.
//!
//! The HTTP status and the retry answer of a code are in `api`, its page in `docs/errors/`.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A stable error code. Codes are added and never renamed.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the code as it is printed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl FromStr for Code {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$name),)* _ => Err(()) }
            }
        }
    };
}

codes! {
    /// An argument is missing, of the wrong kind or out of bounds.
    InvalidArgument = "invalid_argument",
    /// A URL that can't be opened.
    BadUrl = "bad_url",
    /// No token, or a wrong one.
    Unauthorized = "unauthorized",
    /// No session of that id or key.
    SessionNotFound = "session_not_found",
    /// No tab of that id in the session.
    TabNotFound = "tab_not_found",
    /// No checkpoint of that id in the session.
    CheckpointNotFound = "checkpoint_not_found",
    /// No download of that id in the session.
    DownloadNotFound = "download_not_found",
    /// The download is no whole file, or not yet.
    DownloadIncomplete = "download_incomplete",
    /// No result was ever kept under that handle.
    ResultNotFound = "result_not_found",
    /// The result that was kept under that handle is gone.
    ResultExpired = "result_expired",
    /// The ref's element is gone.
    RefStale = "ref_stale",
    /// The session came back with an earlier page than the call was meant for.
    PageMoved = "page_moved",
    /// The element didn't become visible, stable, enabled and uncovered.
    NotActionable = "not_actionable",
    /// The session's checkpoint is older than `max_session_age`.
    Stale = "stale",
    /// The session's last recovery failed.
    Failed = "failed",
    /// The session is closed.
    Closed = "closed",
    /// The session has nothing it could be brought back from.
    NoCheckpoint = "no_checkpoint",
    /// Another session that isn't closed holds the key.
    KeyTaken = "key_taken",
    /// Another session holds the named profile's browser.
    ProfileBusy = "profile_busy",
    /// A stored entry isn't what the caller took it for.
    Conflict = "conflict",
    /// The claim the caller goes by has passed to another or is gone.
    LeaseLost = "lease_lost",
    /// The idempotency key came before, with another call.
    IdempotencyMismatch = "idempotency_mismatch",
    /// A dialog is open on the page and must be answered first.
    DialogOpen = "dialog_open",
    /// The call may have taken effect.
    OutcomeUnknown = "outcome_unknown",
    /// The request's body is over the limit.
    BodyTooLarge = "body_too_large",
    /// A limit is reached.
    LimitReached = "limit_reached",
    /// A fault of browserd's own.
    Internal = "internal",
    /// Stored data doesn't read back as it was written.
    Corrupt = "corrupt",
    /// The key at hand isn't the one the data was sealed with.
    WrongKey = "wrong_key",
    /// A capability this version doesn't have.
    NotAvailable = "not_available",
    /// The page didn't load.
    NavigationFailed = "navigation_failed",
    /// The daemon is stopping.
    ShuttingDown = "shutting_down",
    /// No Chromium was found, or it can't run here.
    BrowserMissing = "browser_missing",
    /// The call's deadline passed.
    Deadline = "deadline",
    /// The disk is full.
    DiskFull = "disk_full",
    /// Another daemon holds the home (at start-up only).
    HomeLocked = "home_locked",
    /// The port asked for is in use (at start-up only).
    PortInUse = "port_in_use",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
